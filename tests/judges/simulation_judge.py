"""A slow, plain judge of the simulation engine: compartments, SciPy's solver, a restart at every arrival of a dose."""

from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from eutonia.knowledge import Knowledge
from eutonia.simulation import adaptation
from eutonia.simulation.assembly import build_system
from eutonia.simulation.disposition import Dispositions
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.population import Patients
from eutonia.simulation.schedule import Schedule
from eutonia.simulation.system import System


class Judge:
    """One patient's equations, written as compartments that exchange amounts in mg."""

    def __init__(self, schedule: Schedule, patients: Patients, knowledge: Knowledge) -> None:
        people = Individuals(patients, knowledge)
        people.with_modulators(schedule.modulators)
        self.schedule, self.knowledge = schedule, knowledge
        self.dosed = tuple(dict.fromkeys(r.substance for r in schedule.regimens))
        self.bodies = Dispositions(people)
        self.system: System = build_system(people, self.dosed)
        self.names: list[str] = []
        self.terms: list[Any] = []
        self.central: dict[str, int] = {}
        self.site: dict[str, int] = {}
        self.depot = {name: self.place(f"{name} gut") for name in self.dosed}
        for name in self.system.substances:
            if name not in self.central:
                self.substance(name)
        self.brain = [
            self.place(name) for name in ("fast", "slow", "dulled", "stirred", "withdrawal", "hazard")
        ]

    def place(self, name: str) -> int:
        self.names.append(name)
        return len(self.names) - 1

    def flow(self, function: Any) -> None:
        self.terms.append(function)

    def value(self, name: str, key: str) -> float:
        return float(np.broadcast_to(self.bodies.of(name)[key], (1,))[0])

    def own(self, name: str, quantity: Any, called: str) -> float:
        return float(self.bodies.figure(self.knowledge.substances[name], quantity, called)[0])

    def substance(self, name: str) -> None:
        """One flow after the other."""
        k = self.knowledge.substances[name].kinetics
        self.central[name] = self.place(name)
        if k.peripheral_volume is not None:
            self.exchange(name)
        if k.effect_site_rate is not None:
            self.reach_the_receptor(name)
        speed = self.induce(name) if k.induction is not None else None
        formed = self.form(name) if k.metabolite is not None else None
        if name in self.depot:
            self.absorb(name, formed)
        if k.maximum_rate is not None:
            self.eliminate_at_most(name)
        else:
            self.eliminate(name, speed, formed)

    def exchange(self, name: str) -> None:
        c, v, p = self.central[name], self.value(name, "volume"), self.place(f"{name} tissue")
        q, v2 = self.value(name, "exchange"), self.value(name, "peripheral")

        def flow(y: Any, d: Any) -> None:
            net = q * (y[c] / v - y[p] / v2)
            d[c] -= net
            d[p] += net

        self.flow(flow)

    def reach_the_receptor(self, name: str) -> None:
        c, v = self.central[name], self.value(name, "volume")
        e = self.site[name] = self.place(f"{name} at the receptor")
        rate = self.knowledge.substances[name].kinetics.effect_site_rate
        ke = self.own(name, rate, "effect_site_rate")
        self.flow(lambda y, d: d.__setitem__(e, d[e] + ke * (y[c] / v - y[e])))

    def induce(self, name: str) -> int:
        """The speed of its own elimination."""
        c, v, speed = self.central[name], self.value(name, "volume"), self.place(f"{name} speed")
        induction = self.knowledge.substances[name].kinetics.induction
        assert induction is not None
        top = self.own(name, induction.maximum, "induction_maximum")
        half = self.own(name, induction.half_concentration, "induction_half")
        time = self.own(name, induction.time_constant, "induction_time")

        def flow(y: Any, d: Any) -> None:
            level = y[c] / v
            d[speed] += (1 + top * level / (level + half) - y[speed]) / time

        self.flow(flow)
        return speed

    def form(self, name: str) -> tuple[int, float, float]:
        """Where the metabolite appears, mg of it for a mg, and the share of the first pass that becomes it."""
        entry = self.knowledge.substances[name]
        made = entry.kinetics.metabolite
        assert made is not None
        product = self.knowledge.substances[made.substance]
        ratio = self.value(name, "yield") * product.molar_mass / entry.molar_mass
        reach = 0.0 if made.first_pass is None else self.own(name, made.first_pass, "first_pass")
        if product.id not in self.central:
            self.substance(product.id)
        target = self.central[product.id]
        if made.formation_rate is None:
            return target, ratio, reach
        forming = self.place(f"{product.id} forming")
        kf = self.own(name, made.formation_rate, "formation_rate")

        def flow(y: Any, d: Any) -> None:
            d[forming] -= kf * y[forming]
            d[target] += kf * y[forming]

        self.flow(flow)
        return forming, ratio, reach

    def absorb(self, name: str, formed: tuple[int, float, float] | None) -> None:
        c, g, ka = self.central[name], self.depot[name], self.value(name, "ka")
        f = self.value(name, "bioavailability")

        def flow(y: Any, d: Any) -> None:
            into = ka * y[g]
            d[g] -= into
            d[c] += f * into
            if formed is not None:
                place, ratio, reach = formed
                d[place] += ratio * reach * (1 - f) * into

        self.flow(flow)

    def eliminate_at_most(self, name: str) -> None:
        c, v = self.central[name], self.value(name, "volume")
        pool = next(pool for pool in self.system.saturable if self.system.substances[pool.signal] == name)
        top, half = float(pool.maximum[0]), float(pool.half[0])
        self.flow(lambda y, d: d.__setitem__(c, d[c] - v * top * (y[c] / v) / (half + y[c] / v)))

    def eliminate(self, name: str, speed: int | None, formed: tuple[int, float, float] | None) -> None:
        c, v, clearance = self.central[name], self.value(name, "volume"), self.value(name, "clearance")

        def flow(y: Any, d: Any) -> None:
            out = clearance * (1.0 if speed is None else y[speed]) * y[c] / v
            d[c] -= out
            if formed is not None:
                d[formed[0]] += formed[1] * out

        self.flow(flow)

    def levels(self, y: Any) -> np.ndarray:
        """Plasma levels, in the order of the system's substances."""
        return np.array(
            [y[self.central[name]] / self.value(name, "volume") for name in self.system.substances]
        )

    def energies(self, y: Any) -> tuple[float, float, float]:
        acting = dict(zip(self.system.substances, self.levels(y), strict=True))
        acting |= {name: y[place] for name, place in self.site.items()}
        gaba, lasting, other = 0.0, 0.0, 0.0
        known, people = self.knowledge, self.bodies.people
        for site in {
            known.substances[n].effects.gaba.site for n in acting if known.substances[n].effects.gaba
        }:
            strength = float((people.figure(known.receptor_sites[site].number, f"{site}/number")
                              * people.figure(known.receptor_sites[site].gain, f"{site}/gain"))[0])  # fmt: skip
            opened = closed = 1.0
            for name, level in acting.items():
                entry = known.substances[name]
                binding = entry.effects.gaba
                if binding is not None and binding.site == site:
                    on = self.bodies.of(name)["on"].get("free", np.ones(1))
                    free = float((self.bodies.figure(entry, binding.free, "free") * on)[0]) * level
                    opened += free / float(self.bodies.figure(entry, binding.opened, "opened")[0])
                    closed += free / float(self.bodies.figure(entry, binding.closed, "closed")[0])
            energy = strength * float(np.log(opened / closed))
            gaba += energy
            lasting += float(people.figure(known.receptor_sites[site].adapts, f"{site}/adapts")[0]) * energy
        for name, level in acting.items():
            entry = known.substances[name]
            if entry.effects.sedation is not None:
                half = float(
                    self.bodies.figure(entry, entry.effects.sedation.half_concentration, "sedation_half")[0]
                )
                top = float(self.bodies.figure(entry, entry.effects.sedation.maximum, "sedation_maximum")[0])
                other += top * float(np.log1p(level / half))
        return gaba, lasting, other

    def rhs(self, _: float, y: Any) -> Any:
        d = np.zeros(len(y))
        for term in self.terms:
            term(y, d)
        energies = self.energies(y)
        brain = [y[i] for i in self.brain[:5]]
        changes = adaptation.rates(*energies, *brain, *self.system.brain[:, 0])
        d[self.brain[:5]] = changes
        d[self.brain[5]] = y[self.brain[4]] ** 3
        return d

    def run(self, outputs: np.ndarray, tolerance: float = 1e-10) -> tuple[np.ndarray, np.ndarray]:
        """Plasma levels [outputs, substances], and [outputs, 6] of the slow states and the hazard."""
        y = np.zeros(len(self.names))
        for n, name in enumerate(self.names):
            if name.endswith(" speed"):
                y[n] = 1.0
        doses = sorted(
            (t + float(self.system.lags[self.dosed.index(r.substance), 0]), self.depot[r.substance], a)
            for r in self.schedule.regimens
            for t, a in zip(r.times, r.amounts, strict=True)
        )
        levels, brain, now = [], [], float(outputs[0])
        stops = sorted({*(d[0] for d in doses), *map(float, outputs)})
        for stop in stops:
            if stop > now:
                solved = solve_ivp(self.rhs, (now, stop), y, method="LSODA", rtol=tolerance, atol=1e-12)
                y, now = solved.y[:, -1], stop
            if np.any(np.abs(outputs - stop) < 1e-12):
                levels.append(self.levels(y))
                brain.append(y[self.brain])
            for time, place, amount in doses:
                if time == stop:
                    y = y.copy()
                    y[place] += amount
        return np.array(levels), np.array(brain)
