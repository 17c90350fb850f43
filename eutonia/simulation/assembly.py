"""Substances given and the people who take them → the system of equations of each (`system`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eutonia.simulation.disposition import UNITS, Dispositions
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.kinetics import Response, added, apart, convolved, scaled
from eutonia.simulation.population import Column
from eutonia.simulation.system import Axis, Induced, Saturable, System


def build_system(people: Individuals, dosed: Sequence[str]) -> System:
    """The system of each patient for the substances given and what is formed from them."""
    return Builder(people).build(dosed)


class Builder:
    def __init__(self, people: Individuals) -> None:
        self.people, self.known = people, people.knowledge
        self.bodies = Dispositions(people)
        self.figure = self.bodies.figure
        self.rates: list[Column] = []
        self.plasma: dict[str, list[Response]] = {}
        self.effect: dict[str, list[Response]] = {}
        self.absorbed: dict[str, Response] = {}

    def mode(self, rate: Column, start: int) -> int:
        self.rates.append(apart(rate, self.rates[start:]))
        return len(self.rates) - 1

    def take(self, name: str) -> slice:
        """Add the modes that a dose of `name` feeds, and what they add to every level."""
        start = len(self.rates)
        f = self.bodies.of(name)
        ka = f["ka"]
        depot = self.mode(ka, start)
        inflow: Response = {depot: self.rates[depot] * f["bioavailability"]}
        first_pass: Response = {depot: self.rates[depot] * (1.0 - f["bioavailability"])}
        if self.known.substances[name].kinetics.maximum_rate is not None:
            self.absorbed[name] = scaled(inflow, 1.0 / f["volume"])
        else:
            self.spread(name, inflow, first_pass, start)
        return slice(start, len(self.rates))

    def spread(self, name: str, inflow: Response, first_pass: Response, start: int) -> None:
        """Levels of a substance from what flows in, then those of its metabolite."""
        substance, f = self.known.substances[name], self.bodies.of(name)
        own = {self.mode(rate, start): weight for rate, weight in f["decay"]}
        level = convolved(inflow, own, self.rates)
        self.plasma.setdefault(name, []).append(level)
        k = substance.kinetics
        if k.effect_site_rate is not None:
            rate = self.figure(substance, k.effect_site_rate, "effect_site_rate")
            delay = self.mode(rate, start)
            self.effect.setdefault(name, []).append(convolved(level, {delay: self.rates[delay]}, self.rates))
        if k.metabolite is None:
            return
        product = self.known.substances[k.metabolite.substance]
        part = f["yield"] * (product.molar_mass / substance.molar_mass)
        formed = scaled(level, f["clearance"] * part)
        if k.metabolite.first_pass is not None:
            reaches = self.figure(substance, k.metabolite.first_pass, "first_pass")
            formed = added(formed, scaled(first_pass, reaches * part))
        if k.metabolite.formation_rate is not None:
            release = self.mode(self.figure(substance, k.metabolite.formation_rate, "formation_rate"), start)
            formed = convolved(formed, {release: self.rates[release]}, self.rates)
        self.spread(product.id, formed, {}, start)

    def build(self, dosed: Sequence[str]) -> System:
        people = self.people
        modes = tuple(self.take(name) for name in dosed)
        names = tuple(dict.fromkeys([*self.plasma, *self.absorbed]))
        signal = {name: n for n, name in enumerate(names)}
        acting = dict(signal)
        entries: list[tuple[int, int, Column]] = []
        count = len(names)
        for name, responses in self.plasma.items():
            entries += [(signal[name], mode, w) for response in responses for mode, w in response.items()]
        for name, responses in self.effect.items():
            acting[name], count = count, count + 1
            entries += [(acting[name], mode, w) for response in responses for mode, w in response.items()]
        saturable = []
        for name, response in self.absorbed.items():
            k, f = self.known.substances[name].kinetics, self.bodies.of(name)
            entries += [(count, mode, w) for mode, w in response.items()]
            assert k.maximum_rate is not None
            assert k.half_saturation is not None
            top = (
                self.figure(self.known.substances[name], k.maximum_rate, "maximum_rate")
                * self.bodies.size
                / f["volume"]
            )
            half = self.figure(self.known.substances[name], k.half_saturation, "half_saturation")
            saturable.append(Saturable(signal[name], count, *self._stack([top, half])))
            count += 1
        entries.sort(key=lambda entry: (entry[0], entry[1]))
        sites, members = self._sites(acting)
        figures = self._figures()
        lags = [self.bodies.of(name).get("lag", people.constant(0.0)) for name in dosed]
        return System(
            number=people.patients.number,
            substances=names,
            signals=count,
            inputs=tuple(dosed),
            modes=modes,
            lags=self._stack(lags),
            longest_lag=tuple(self.bodies.longest_lag(name) for name in dosed),
            rates=self._stack(self.rates),
            entry_signal=np.array([s for s, _, _ in entries], np.int64),
            entry_mode=np.array([m for _, m, _ in entries], np.int64),
            entry_weight=self._stack([w for _, _, w in entries]),
            induced=tuple(self._induced(signal)),
            saturable=tuple(saturable),
            gaba=np.array([gaba for gaba, *_ in sites], bool),
            strength=self._stack([strength for _, strength, *_ in sites]),
            relaxes=np.array([share for *_, share, _ in sites]),
            adapts=self._stack([share for *_, share in sites]),
            member_site=np.array([site for site, *_ in members], np.int64),
            member_signal=np.array([s for _, s, *_ in members], np.int64),
            member_opened=self._stack([opened for *_, opened, _ in members]),
            member_closed=self._stack([closed for *_, closed in members]),
            relaxation=self._axis("relaxation", acting),
            analgesia=self._axis("pain", acting),
            ventilation=self._axis("ventilation", acting),
            brain=self._brain(figures, dulls=not all(gaba for gaba, *_ in sites)),
            figures=figures,
        )

    def _induced(self, signal: dict[str, int]) -> list[Induced]:
        found = []
        for name in self.plasma:
            substance = self.known.substances[name]
            k, f = substance.kinetics, self.bodies.of(name)
            if k.induction is None:
                continue
            rates, weights = (self._stack(column) for column in zip(*f["decay"], strict=True))
            figures = self._stack([
                f["clearance"], self.figure(substance, k.induction.maximum, "induction_maximum"),
                self.figure(substance, k.induction.half_concentration, "induction_half"),
                self.figure(substance, k.induction.time_constant, "induction_time"),
            ])  # fmt: skip
            found.append(Induced(signal[name], rates, weights, *figures))
        return found

    def _sites(
        self, acting: dict[str, int]
    ) -> tuple[list[tuple[bool, Column, float, Column]], list[tuple[int, int, Column, Column]]]:
        sites: list[tuple[bool, Column, float, Column]] = []
        members: list[tuple[int, int, Column, Column]] = []
        number_of: dict[str, int] = {}
        bound = [
            (n, self.known.substances[n]) for n in acting if self.known.substances[n].effects.gaba is not None
        ]
        for name, substance in sorted(bound, key=lambda pair: pair[1].effects.gaba.site):  # type: ignore[union-attr]
            binding = substance.effects.gaba
            assert binding is not None
            if binding.site not in number_of:
                entry = self.known.receptor_sites[binding.site]
                strength = self.people.figure(entry.number, f"{binding.site}/number") * self.people.figure(
                    entry.gain, f"{binding.site}/gain"
                )
                number_of[binding.site] = len(sites)
                adapts = self.people.figure(entry.adapts, f"{binding.site}/adapts")
                sites.append((True, strength, entry.relaxes, adapts))
            free = self.figure(substance, binding.free, "free") * self.bodies.of(name)["on"].get("free", 1.0)
            opened = free / self.figure(substance, binding.opened, "opened")
            closed = free / self.figure(substance, binding.closed, "closed")
            members.append((number_of[binding.site], acting[name], opened, closed))
        for name, signal in acting.items():
            substance = self.known.substances[name]
            response = substance.effects.sedation
            if response is not None:
                half = self.figure(substance, response.half_concentration, "sedation_half")
                maximum = self.figure(substance, response.maximum, "sedation_maximum")
                none = self.people.constant(0.0)
                members.append((len(sites), signal, 1.0 / half, none))
                sites.append((False, maximum, 0.0, none))
        return sites, members

    def _axis(self, name: str, acting: dict[str, int]) -> Axis:
        signals, maximum, half = [], [], []
        kind = str(self.people.patients.facts.get("pain", "acute"))
        for key, signal in acting.items():
            substance = self.known.substances[key]
            response = getattr(substance.effects, f"{name}_{kind}", None) or getattr(substance.effects, name)
            if response is not None:
                signals.append(signal)
                maximum.append(self.figure(substance, response.maximum, f"{name}_maximum"))
                half.append(self.figure(substance, response.half_concentration, f"{name}_half"))
        return Axis(np.array(signals, np.int64), self._stack(maximum), self._stack(half))

    def _brain(self, figures: dict[str, Column], *, dulls: bool) -> Column:
        """`dulls`: whether anything sedates in another way than at GABA-A, to which the brain grows dull."""
        part = self.people.part
        sensitivity = self.people.factors(self.known.model["readouts"].covariates, "readouts").get(
            "sensitivity", self.people.constant(1.0)
        )
        fast, slow, most = (part("adaptation", name) for name in ("fast_share", "slow_share", "most"))
        shrink = np.minimum(1.0, most / (fast + slow))
        dulling: Sequence[Column | float] = (0.0, 0.0)
        if dulls:
            dulling = part("adaptation", "other_share"), 1.0 / part("adaptation", "other_time", 24.0)
        return self._stack([
            sensitivity, fast * shrink, 1.0 / part("adaptation", "fast_time", 24.0), slow * shrink,
            1.0 / part("adaptation", "slow_time_on", 24.0), 1.0 / part("adaptation", "slow_time_off", 24.0),
            *dulling, 1.0 / figures["symptom_time"], part("adaptation", "smoothing"),
        ])  # fmt: skip

    def _figures(self) -> dict[str, Column]:
        people = self.people
        figures = {"relaxation_share": people.part("adaptation", "relaxation_share")}
        for model in ("withdrawal", "readouts"):
            for name, quantity in self.known.model[model].parameters.items():
                figures[name] = people.part(model, name, UNITS[quantity.unit])
        kind = str(people.patients.facts.get("pain", "acute"))
        for name, quantity in self.known.model[f"pain-{kind}"].parameters.items():
            figures[f"pain_{name}"] = people.part(f"pain-{kind}", name, UNITS[quantity.unit])
        if np.any(people.patients.facts.get("regular_user", False)):
            figures["opioid_tolerant"] = np.where(
                people.patients.facts["regular_user"], figures["opioid_tolerance"], 1.0
            )
        else:
            figures["opioid_tolerant"] = people.constant(1.0)
        return figures

    def _stack(self, columns: Sequence[Column | float]) -> Column:
        """Columns as rows, with a place for each patient."""
        rows = np.empty((len(columns), self.people.patients.number))
        for row, column in zip(rows, columns, strict=True):
            row[:] = column
        return rows
