"""The engine for few patients: NumPy on columns, with every step kept.

It needs no compiler, so that one patient is answered before a compiled engine would have been loaded. The
equations are those of the compiled engine (`lanes`), and so are the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation import adaptation, kinetics
from eutonia.simulation.grid import Grid
from eutonia.simulation.population import Column
from eutonia.simulation.system import System


@dataclass(frozen=True)
class Trace:
    """Every step of every patient. Arrays are [steps + 1, n], levels [steps + 1, substances or signals, n]."""

    time: Column
    level: Column
    """Signals at the end of each step."""
    middle: Column
    """Signals in the middle of each step; of the step that ends there."""
    energy: Column
    relaxing: Column
    """The part of the energy that eases spasm."""
    other: Column
    fast: Column
    slow: Column
    dulled: Column
    withdrawal: Column
    hazard: Column
    """Integral of the cube of withdrawal, kT³ h."""
    common: NDArray[np.int64]
    """The step that ends at each of the grid's common times."""


class _State:
    """What changes from step to step."""

    def __init__(self, system: System) -> None:
        n = system.number
        self.modes = np.zeros((len(system.rates), n))
        self.extra = [np.zeros((len(i.rates), n)) for i in system.induced]
        self.speed = [np.ones(n) for _ in system.induced]
        self.stock = [np.zeros(n) for _ in system.saturable]
        self.level = np.zeros((system.signals, n))
        self.linear = np.zeros((system.signals, n))
        self.energy, self.relaxing, self.other = np.zeros(n), np.zeros(n), np.zeros(n)
        self.brain = np.zeros((5, n))
        """Fast, slow, dulled, stirred, withdrawal."""
        self.hazard = np.zeros(n)


def trace(system: System, grid: Grid) -> Trace:
    """Simulate all patients of `system`, keeping every step."""
    engine = _Engine(system, grid)
    engine.run()
    return engine.kept()


class _Engine:
    def __init__(self, system: System, grid: Grid) -> None:
        self.system, self.grid = system, grid
        self.state = _State(system)
        self.starts = np.flatnonzero(np.diff(system.entry_signal, prepend=-1))
        self.signals = system.entry_signal[self.starts] if len(self.starts) else self.starts
        self.site_starts = np.flatnonzero(np.diff(system.member_site, prepend=-1))
        self.rows: list[tuple[Column, ...]] = []
        self.common: list[int] = []
        self.now = np.full(system.number, grid.times[0])

    def run(self) -> None:
        self._keep(self.state.level)
        self.common.append(0)
        for i in range(len(self.grid.times) - 1):
            self._interval(i)
            self.common.append(len(self.rows) - 1)

    def _interval(self, i: int) -> None:
        grid, system = self.grid, self.system
        begin, end = grid.times[i], grid.times[i + 1]
        events = grid.may_arrive[i]
        if not events:
            self._march(np.full(system.number, end - begin), grid.before[i])
            self.now = np.full(system.number, end)
            return
        arrive = np.stack([grid.event_time[e] + system.lags[grid.event_input[e]] for e in events])
        inside = (arrive >= begin - 1e-9) & (arrive < end - 1e-9)
        at = np.where(inside, np.maximum(arrive, begin), end)
        order = np.argsort(at, axis=0, kind="stable")
        for k in range(len(events) + 1):
            until = (
                np.take_along_axis(at, order[k : k + 1], 0)[0]
                if k < len(events)
                else np.full(system.number, end)
            )
            self._march(until - self.now, grid.before[i] if k == 0 else grid.after[i])
            self.now = until
            if k < len(events):
                for place, event in enumerate(events):
                    takes = (order[k] == place) & inside[place]
                    self.state.modes[system.modes[grid.event_input[event]]] += np.where(
                        takes, grid.amounts[event], 0.0
                    )
                if system.saturable:  # what flows in jumps; every other level is continuous
                    self.state.level = self.state.level.copy()
                    for pool in system.saturable:
                        self.state.level[pool.inflow] = self._linear(self.state.modes)[pool.inflow]

    def _march(self, length: Column, sizes: tuple[int, ...]) -> None:
        if not np.any(length > 0.0):
            return
        unit = length / sum(sizes)
        half = np.exp(-self.system.rates * (0.5 * unit))
        induced = [np.exp(-i.rates * (0.5 * unit)) for i in self.system.induced]
        reached = 1
        for size in sizes:
            while reached < size:
                half, induced, reached = half * half, [e * e for e in induced], 2 * reached
            self._step(unit * size, half, induced)

    def _step(self, h: Column, half: Column, induced: list[Column]) -> None:
        state, system = self.state, self.system
        before, linear = state.level, state.linear
        halfway = state.modes * half
        state.modes = halfway * half
        linear_mid, linear_end = self._linear(halfway), self._linear(state.modes)
        middle, level = linear_mid, linear_end
        if system.induced or system.saturable:
            middle, level = linear_mid.copy(), linear_end.copy()
            for k, own in enumerate(system.induced):
                s = own.signal
                middle[s], level[s] = self._induce(k, h, induced[k], linear[s], linear_mid[s], linear_end[s])
            for k, pool in enumerate(system.saturable):
                middle[pool.signal], level[pool.signal] = self._deplete(
                    k, h, before[pool.inflow], linear_mid[pool.inflow], linear_end[pool.inflow]
                )
        state.linear, state.level = linear_end, level
        energy_mid, _, other_mid = self._energies(middle)
        energy, relaxing, other = self._energies(level)
        self._adapt(h, energy_mid, other_mid, energy, other)
        state.energy, state.relaxing, state.other = energy, relaxing, other
        self.now = self.now + h
        self._keep(middle)

    def _linear(self, modes: Column) -> Column:
        level = np.zeros((self.system.signals, self.system.number))
        if len(self.starts):
            level[self.signals] = np.add.reduceat(
                self.system.entry_weight * modes[self.system.entry_mode], self.starts
            )
        return level

    def _energies(self, level: Column) -> tuple[Column, Column, Column]:
        """Energy at GABA-A, the part of it that eases spasm, and the energy of other sedation."""
        system = self.system
        if not len(self.site_starts):
            zero = np.zeros(system.number)
            return zero, zero, zero
        bound = level[system.member_signal]
        opened = np.add.reduceat(system.member_opened * bound, self.site_starts)
        closed = np.add.reduceat(system.member_closed * bound, self.site_starts)
        energy = system.strength * np.log((1.0 + opened) / (1.0 + closed))
        return energy[system.gaba].sum(0), system.relaxes @ energy, energy[~system.gaba].sum(0)

    def _induce(
        self, k: int, h: Column, half: Column, start: Column, mid: Column, end: Column
    ) -> tuple[Column, Column]:
        """What induced elimination takes beyond the linear system, by a Runge-Kutta step in its own modes."""
        own, extra, speed = self.system.induced[k], self.state.extra[k], self.state.speed[k]

        def change(linear: Column, beyond: Column, rate: Column) -> tuple[Column, Column]:
            level = linear + beyond.sum(0)
            lost = own.clearance * (rate - 1.0) * level
            return -own.weights * lost, kinetics.induction(level, rate, own.maximum, own.half, own.time)

        k1, s1 = change(start, extra, speed)
        k2, s2 = change(mid, half * (extra + 0.5 * h * k1), speed + 0.5 * h * s1)
        k3, s3 = change(mid, half * extra + 0.5 * h * k2, speed + 0.5 * h * s2)
        k4, s4 = change(end, half * (half * extra + h * k3), speed + h * s3)
        beyond = half * half * extra + h / 6.0 * (half * half * k1 + 2.0 * half * (k2 + k3) + k4)
        self.state.extra[k] = beyond
        self.state.speed[k] = speed + h / 6.0 * (s1 + 2.0 * s2 + 2.0 * s3 + s4)
        between = 0.5 * (extra + beyond) + h / 8.0 * (k1 - k4 - own.rates * (extra - beyond))
        return mid + between.sum(0), end + beyond.sum(0)

    def _deplete(self, k: int, h: Column, start: Column, mid: Column, end: Column) -> tuple[Column, Column]:
        """A level whose elimination saturates, by Runge-Kutta steps on a quarter of the step each.

        What flows in from the gut falls by one exponential, so that eighths of the step follow from its middle.
        """
        pool, stock = self.system.saturable[k], self.state.stock[k]
        begin = stock
        first = start - kinetics.saturable(stock, pool.maximum, pool.half)
        eighth = np.divide(mid, start, out=np.zeros_like(mid), where=start > 0.0) ** 0.25
        inflow = start
        for _ in range(4):
            g, between = 0.25 * h, inflow * eighth
            after = between * eighth
            k1 = inflow - kinetics.saturable(stock, pool.maximum, pool.half)
            k2 = between - kinetics.saturable(stock + 0.5 * g * k1, pool.maximum, pool.half)
            k3 = between - kinetics.saturable(stock + 0.5 * g * k2, pool.maximum, pool.half)
            k4 = after - kinetics.saturable(stock + g * k3, pool.maximum, pool.half)
            inflow = after
            stock = np.maximum(stock + g / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), 0.0)
        self.state.stock[k] = stock
        last = end - kinetics.saturable(stock, pool.maximum, pool.half)
        return np.maximum(0.5 * (begin + stock) + h / 8.0 * (first - last), 0.0), stock

    def _adapt(self, h: Column, energy_mid: Column, other_mid: Column, energy: Column, other: Column) -> None:
        """Advance the slow states by Simpson's rule, the middle and the end foretold by lower orders."""
        state, p = self.state, self.system.brain
        y = state.brain
        f0 = np.stack(adaptation.rates(state.energy, state.other, *y, *p))
        first = np.stack(adaptation.rates(energy_mid, other_mid, *(y + 0.5 * h * f0), *p))
        middle = y + 0.25 * h * (f0 + first)
        fm = np.stack(adaptation.rates(energy_mid, other_mid, *middle, *p))
        f1 = np.stack(adaptation.rates(energy, other, *(y + h * fm), *p))
        state.brain = y + h / 6.0 * (f0 + 4.0 * fm + f1)
        w0, wm, w1 = y[4], middle[4], state.brain[4]
        state.hazard = state.hazard + h / 6.0 * (w0**3 + 4.0 * wm**3 + w1**3)

    def _keep(self, middle: Column) -> None:
        s = self.state
        self.rows.append(
            (self.now, s.level, middle, s.energy, s.relaxing, s.other, *s.brain[:3], s.brain[4], s.hazard)
        )

    def kept(self) -> Trace:
        names = [f.name for f in fields(Trace)]
        kept: dict[str, Any] = {
            name: np.stack(column) for name, column in zip(names, zip(*self.rows, strict=True), strict=False)
        }
        return Trace(**kept, common=np.array(self.common))
