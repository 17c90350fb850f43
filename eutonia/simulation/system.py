"""Patients and substances → the system of equations of each patient, as columns.

Levels are sums of exponentials (`kinetics`): a *mode* is one of them, a *signal* a level built from modes. What is
not linear (elimination that saturates, or that the substance itself induces) is kept beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation.kinetics import (
    Response,
    added,
    apart,
    biexponential,
    convolved,
    scaled,
    well_stirred,
)
from eutonia.simulation.population import Column, Individuals

if TYPE_CHECKING:
    from eutonia.knowledge.pharmacology import Quantity, Substance

UNITS = {
    "1": 1.0, "L": 1.0, "L/h": 1.0, "1/h": 1.0, "h": 1.0, "d": 24.0, "wk": 168.0, "1/d": 1 / 24, "mg/L": 1.0,
    "kT": 1.0, "1/kT": 1.0, "mL/min": 0.06,
}  # fmt: skip
"""Units as sources print them → the engine's (mg, L, h, kT)."""

PER_KG = {"L/kg": 1.0, "L/h/kg": 1.0, "mL/min/kg": 0.06, "mg/h/kg": 1.0}

MOLAR = {"mmol/L": 1.0, "umol/L": 1e-3, "nmol/L": 1e-6}
"""Times g/mol: mg/L."""


@dataclass(frozen=True)
class Induced:
    """A substance whose clearance rises (or falls) with its own level."""

    signal: int
    rates: Column
    """[2, n]: how its own compartments decay."""
    weights: Column
    clearance: Column
    maximum: Column
    half: Column
    time: Column


@dataclass(frozen=True)
class Saturable:
    """A substance whose elimination saturates; `inflow` is the signal of what is absorbed, mg/L an hour."""

    signal: int
    inflow: int
    maximum: Column
    half: Column


@dataclass(frozen=True)
class Axis:
    """Levels that act together: signals with a weight for each patient."""

    signals: NDArray[np.int64]
    maximum: Column
    """[members, n]"""
    half: Column


@dataclass(frozen=True)
class System:
    """Everything the engine needs, as columns of patients."""

    number: int
    substances: tuple[str, ...]
    """Those with a level; the first signals are their plasma levels, in this order."""
    signals: int
    inputs: tuple[str, ...]
    modes: tuple[slice, ...]
    """Modes that a dose of each input feeds."""
    lags: Column
    """[inputs, n]"""
    longest_lag: tuple[float, ...]
    rates: Column
    """[modes, n]"""
    entry_signal: NDArray[np.int64]
    entry_mode: NDArray[np.int64]
    entry_weight: Column
    induced: tuple[Induced, ...]
    saturable: tuple[Saturable, ...]
    gaba: NDArray[np.bool_]
    """Of each site: whether it is GABA-A's, or that of other sedation."""
    strength: Column
    relaxes: Column
    """[sites]: share of a site's energy that eases spasm."""
    member_site: NDArray[np.int64]
    member_signal: NDArray[np.int64]
    member_opened: Column
    member_closed: Column
    relaxation: Axis
    analgesia: Axis
    ventilation: Axis
    brain: Column
    """[13, n] in the order of `adaptation.rates` after its states: sensitivity, shares, rates, width."""
    figures: dict[str, Column] = field(default_factory=dict)
    """Figures of readouts, withdrawal and pain."""


def build_system(people: Individuals, dosed: Sequence[str]) -> System:
    """The system of each patient for the substances given and what is formed from them."""
    return _Builder(people).build(dosed)


class _Builder:
    def __init__(self, people: Individuals) -> None:
        self.people, self.known = people, people.knowledge
        reference = self.known.model["population"].parameters["reference_weight"].value
        self.reference = reference
        relative = people.facts["weight"] / reference
        self.size = relative
        self.vigour = relative ** self.known.model["population"].parameters["clearance_exponent"].value
        self.rates: list[Column] = []
        self.plasma: dict[str, list[Response]] = {}
        self.effect: dict[str, list[Response]] = {}
        self.absorbed: dict[str, Response] = {}
        self.own: dict[str, tuple[Column, ...]] = {}
        self.cache: dict[str, dict[str, Any]] = {}

    def figure(self, substance: Substance, quantity: Quantity, name: str) -> Column:
        unit = quantity.unit
        per = (
            UNITS.get(unit)
            or PER_KG.get(unit, 0.0) * self.reference
            or MOLAR.get(unit, 0.0) * substance.molar_mass
        )
        if not per:
            raise ValueError(f"{substance.id}: the unit {unit} of {name} has no place in the engine")
        return self.people.figure(quantity, f"{substance.id}/{name}", per)

    def disposition(self, name: str) -> dict[str, Any]:
        """Volumes, clearances and first pass of one substance."""
        if name in self.cache:
            return self.cache[name]
        substance = self.known.substances[name]
        k, people = substance.kinetics, self.people
        on = people.factors(substance.covariates, name, name in people.fed)
        one = people.constant(1.0)
        f: dict[str, Any] = {"on": on}
        f["ka"] = self.figure(substance, k.absorption_rate, "absorption_rate") * on.get(
            "absorption_rate", one
        )
        volume = self.figure(substance, k.volume, "volume")
        if k.volume_women is not None:
            women = self.figure(substance, k.volume_women, "volume")
            volume = np.where(people.facts["women"], women, volume)
        f["volume"] = volume * self.size * on.get("volume", one)
        parts, products = [], []
        for path in k.pathways or (_WHOLE,):
            own = np.exp(people.deviation(f"{name}/{path.by}", path.spread, path.uncertainty))
            activity = people.enzyme.get(path.by, one)
            if path.by == "renal":
                activity = activity * np.clip(people.facts["egfr"] / 100.0, 0.03, 1.3)
            part = path.share * own * activity * on.get(path.by, one)
            parts.append(part)
            if path.metabolite_yield is not None:
                products.append(part * self.figure(substance, path.metabolite_yield, f"yield_{path.by}"))
        whole = np.maximum(np.sum(parts, axis=0), 1e-3)
        f["yield"] = np.sum(products, axis=0) / whole if products else one * 0.0
        f["clearance"] = one * 0.0
        f["bioavailability"] = one
        if k.clearance is not None:
            clearance = (
                self.figure(substance, k.clearance, "clearance")
                * whole
                * on.get("clearance", one)
                * self.vigour
            )
            if k.well_stirred:
                flow = people.part("population", "liver_flow") * self.vigour
                f["clearance"], f["bioavailability"] = well_stirred(clearance, flow)
            else:
                f["clearance"] = clearance
        if k.bioavailability is not None:
            f["bioavailability"] = self.figure(substance, k.bioavailability, "bioavailability") * on.get(
                "bioavailability", one
            )
        if k.peripheral_volume is not None and k.exchange is not None:
            peripheral = self.figure(substance, k.peripheral_volume, "peripheral_volume") * self.size
            f["peripheral"] = peripheral * on.get("volume", one) * on.get("peripheral_volume", one)
            f["exchange"] = self.figure(substance, k.exchange, "exchange") * self.vigour
            fast, slow, w_fast, w_slow = biexponential(
                f["clearance"], f["volume"], f["exchange"], f["peripheral"]
            )
            f["decay"] = ((fast, w_fast), (slow, w_slow))
        elif k.clearance is not None:
            f["decay"] = ((f["clearance"] / f["volume"], 1.0 / f["volume"]),)
        if k.lag is not None:
            f["lag"] = np.minimum(
                self.figure(substance, k.lag, "lag") * on.get("lag", one), self._longest(name)
            )
        self.cache[name] = f
        return f

    def mode(self, rate: Column, start: int) -> int:
        self.rates.append(apart(rate, self.rates[start:]))
        return len(self.rates) - 1

    def take(self, name: str) -> slice:
        """Add the modes that a dose of `name` feeds, and what they add to every level."""
        start = len(self.rates)
        f = self.disposition(name)
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
        substance, f = self.known.substances[name], self.disposition(name)
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
            k, f = self.known.substances[name].kinetics, self.disposition(name)
            entries += [(count, mode, w) for mode, w in response.items()]
            assert k.maximum_rate is not None
            assert k.half_saturation is not None
            top = (
                self.figure(self.known.substances[name], k.maximum_rate, "maximum_rate")
                * self.size
                / f["volume"]
            )
            half = self.figure(self.known.substances[name], k.half_saturation, "half_saturation")
            saturable.append(Saturable(signal[name], count, top, half))
            count += 1
        entries.sort(key=lambda entry: (entry[0], entry[1]))
        sites, members = self._sites(acting)
        lags = [self.disposition(name).get("lag", people.constant(0.0)) for name in dosed]
        return System(
            number=people.patients.number,
            substances=names,
            signals=count,
            inputs=tuple(dosed),
            modes=modes,
            lags=_stack(lags, people),
            longest_lag=tuple(self._longest(name) for name in dosed),
            rates=_stack(self.rates, people),
            entry_signal=np.array([s for s, _, _ in entries], np.int64),
            entry_mode=np.array([m for _, m, _ in entries], np.int64),
            entry_weight=_stack(
                [np.broadcast_to(w, (people.patients.number,)) for _, _, w in entries], people
            ),
            induced=tuple(self._induced(signal)),
            saturable=tuple(saturable),
            gaba=np.array([gaba for gaba, _, _ in sites], bool),
            strength=_stack([strength for _, strength, _ in sites], people),
            relaxes=np.array([share for *_, share in sites]),
            member_site=np.array([site for site, *_ in members], np.int64),
            member_signal=np.array([s for _, s, *_ in members], np.int64),
            member_opened=_stack([opened for *_, opened, _ in members], people),
            member_closed=_stack([closed for *_, closed in members], people),
            relaxation=self._axis("relaxation", acting),
            analgesia=self._axis("pain", acting),
            ventilation=self._axis("ventilation", acting),
            brain=self._brain(),
            figures=self._figures(),
        )

    def _longest(self, name: str) -> float:
        lag = self.known.substances[name].kinetics.lag
        return 0.0 if lag is None else lag.high if lag.high is not None else 3.0 * lag.value

    def _induced(self, signal: dict[str, int]) -> list[Induced]:
        found = []
        for name in self.plasma:
            substance = self.known.substances[name]
            k, f = substance.kinetics, self.disposition(name)
            if k.induction is None:
                continue
            rates = np.stack([np.broadcast_to(r, (self.people.patients.number,)) for r, _ in f["decay"]])
            weights = np.stack([np.broadcast_to(w, (self.people.patients.number,)) for _, w in f["decay"]])
            found.append(Induced(
                signal[name], rates, weights, f["clearance"],
                self.figure(substance, k.induction.maximum, "induction_maximum"),
                self.figure(substance, k.induction.half_concentration, "induction_half"),
                self.figure(substance, k.induction.time_constant, "induction_time"),
            ))  # fmt: skip
        return found

    def _sites(
        self, acting: dict[str, int]
    ) -> tuple[list[tuple[bool, Column, float]], list[tuple[int, int, Column, Column]]]:
        sites: list[tuple[bool, Column, float]] = []
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
                sites.append((True, strength, entry.relaxes))
            free = self.figure(substance, binding.free, "free") * self.disposition(name)["on"].get(
                "free", 1.0
            )
            opened = free / self.figure(substance, binding.opened, "opened")
            closed = free / self.figure(substance, binding.closed, "closed")
            members.append((number_of[binding.site], acting[name], opened, closed))
        for name, signal in acting.items():
            substance = self.known.substances[name]
            response = substance.effects.sedation
            if response is not None:
                members.append((len(sites), signal,
                                1.0 / self.figure(substance, response.half_concentration, "sedation_half"),
                                self.people.constant(0.0)))  # fmt: skip
                sites.append((False, self.figure(substance, response.maximum, "sedation_maximum"), 0.0))
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
        return Axis(np.array(signals, np.int64), _stack(maximum, self.people), _stack(half, self.people))

    def _brain(self) -> Column:
        part = self.people.part
        sensitivity = self.people.factors(self.known.model["readouts"].covariates, "readouts").get(
            "sensitivity", self.people.constant(1.0)
        )
        fast, slow, most = (part("adaptation", name) for name in ("fast_share", "slow_share", "most"))
        shrink = np.minimum(1.0, most / (fast + slow))
        return np.stack([
            sensitivity, fast * shrink, 1.0 / part("adaptation", "fast_time", 24.0), slow * shrink,
            1.0 / part("adaptation", "slow_time_on", 24.0), 1.0 / part("adaptation", "slow_time_off", 24.0),
            part("adaptation", "other_share"), 1.0 / part("adaptation", "other_time", 24.0),
            1.0 / part("withdrawal", "symptom_time", 24.0), part("adaptation", "smoothing"),
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


@dataclass(frozen=True)
class _Whole:
    by: str = "other"
    share: float = 1.0
    spread: float = 0.0
    uncertainty: float = 0.0
    metabolite_yield: None = None


_WHOLE = _Whole()
"""Clearance that no pathway divides."""


def _stack(columns: Sequence[Column], people: Individuals) -> Column:
    return np.ascontiguousarray(np.stack(columns)) if columns else np.empty((0, people.patients.number))
