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

    def substance(self, name: str) -> None:  # noqa: PLR0915  (one flow after the other)
        entry = self.knowledge.substances[name]
        k, v = entry.kinetics, self.value(name, "volume")
        c = self.central[name] = self.place(name)
        if k.peripheral_volume is not None:
            p = self.place(f"{name} tissue")
            q, v2 = self.value(name, "exchange"), self.value(name, "peripheral")

            def exchange(y: Any, d: Any) -> None:
                net = q * (y[c] / v - y[p] / v2)
                d[c] -= net
                d[p] += net

            self.flow(exchange)
        if k.effect_site_rate is not None:
            e = self.site[name] = self.place(f"{name} at the receptor")
            ke = float(self.bodies.figure(entry, k.effect_site_rate, "effect_site_rate")[0])
            self.flow(lambda y, d: d.__setitem__(e, d[e] + ke * (y[c] / v - y[e])))
        speed = None
        if k.induction is not None:
            speed = self.place(f"{name} speed")
            top, half, time = (
                float(self.bodies.figure(entry, getattr(k.induction, a), b)[0])
                for a, b in (("maximum", "induction_maximum"), ("half_concentration", "induction_half"),
                             ("time_constant", "induction_time"))
            )  # fmt: skip

            def induce(y: Any, d: Any) -> None:
                level = y[c] / v
                d[speed] += (1 + top * level / (level + half) - y[speed]) / time

            self.flow(induce)
        formed, ratio, reach = None, 0.0, 0.0
        if k.metabolite is not None:
            product = self.knowledge.substances[k.metabolite.substance]
            ratio = self.value(name, "yield") * product.molar_mass / entry.molar_mass
            if k.metabolite.first_pass is not None:
                reach = float(self.bodies.figure(entry, k.metabolite.first_pass, "first_pass")[0])
            target = self.central.get(product.id)
            if target is None:
                self.substance(product.id)
                target = self.central[product.id]
            if k.metabolite.formation_rate is not None:
                formed = self.place(f"{product.id} forming")
                kf = float(self.bodies.figure(entry, k.metabolite.formation_rate, "formation_rate")[0])

                def release(y: Any, d: Any) -> None:
                    d[formed] -= kf * y[formed]
                    d[target] += kf * y[formed]

                self.flow(release)
            else:
                formed = target
        f = self.value(name, "bioavailability")
        if name in self.depot:
            g, ka = self.depot[name], self.value(name, "ka")

            def absorb(y: Any, d: Any) -> None:
                into = ka * y[g]
                d[g] -= into
                d[c] += f * into
                if formed is not None:
                    d[formed] += ratio * reach * (1 - f) * into

            self.flow(absorb)
        if k.maximum_rate is not None:
            pool = next(pool for pool in self.system.saturable if self.system.substances[pool.signal] == name)
            top, half = float(pool.maximum[0]), float(pool.half[0])
            self.flow(lambda y, d: d.__setitem__(c, d[c] - v * top * (y[c] / v) / (half + y[c] / v)))
            return
        clearance = self.value(name, "clearance")

        def eliminate(y: Any, d: Any) -> None:
            out = clearance * (1.0 if speed is None else y[speed]) * y[c] / v
            d[c] -= out
            if formed is not None:
                d[formed] += ratio * out

        self.flow(eliminate)

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
