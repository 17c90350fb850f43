"""The engine for few patients: NumPy on columns, with every step kept.

It needs no compiler, so that one patient is answered before a compiled engine would have been loaded. The
equations are those of the compiled engine (`lanes`), and so are the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation import adaptation, kinetics, steps
from eutonia.simulation.effects import States
from eutonia.simulation.grid import Grid
from eutonia.simulation.population import Column
from eutonia.simulation.system import System


@dataclass(frozen=True)
class Trace:
    """Every step of every patient. Arrays are [steps + 1, n], levels [steps + 1, substances or signals, n]."""

    time: Column
    level: Column
    """Signals at the end of each step."""
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
    halfway: States
    """States in the middle of each step; of the step that ends there."""
    rising: Column
    """Changes an hour of the signals at the start and at the end of that step, [2, steps + 1, signals, n]."""
    slopes: Column
    """Those of the energies that the brain adapts to, [2, steps + 1, 3, n]."""
    common: NDArray[np.int64]
    """The step that ends at each of the grid's common times."""


class _State:
    """What changes from step to step."""

    def __init__(self, system: System) -> None:
        n = system.number
        self.modes = np.zeros((len(system.rates), n))
        self.induced = [(np.zeros((len(own.rates), n)), np.ones(n), np.zeros(n)) for own in system.induced]
        """What its modes hold beyond the linear level, the speed of its elimination, and what draws that up."""
        self.stock = [np.zeros(n) for _ in system.saturable]
        self.level, self.rising = np.zeros((2, system.signals, n))
        """Of the signals, and their changes an hour."""
        self.linear = np.zeros((system.signals, n))
        self.energy, self.relaxing, self.other = np.zeros(n), np.zeros(n), np.zeros(n)
        self.brain = np.zeros((5, n))
        """Fast, slow, dulled, stirred, withdrawal."""
        self.turning, self.net, self.felt = np.zeros(n), np.zeros(n), np.zeros(n)
        """Change of the slow opponent, net drive and deficit."""
        self.energies, self.slopes = np.zeros((3, n)), np.zeros((3, n))
        """Those that the brain adapts to (GABA-A's, what of it slow tolerance follows, others), and their changes."""
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
        self.changes: list[tuple[Column, ...]] = []
        self.halfway: list[tuple[Column, ...]] = []
        self.common: list[int] = []
        self.now = np.full(system.number, grid.times[0])

    def run(self) -> None:
        self._keep()
        self.halfway.append(self.rows[0][:-1])
        self.changes.append((self.state.rising, self.state.rising, self.state.slopes, self.state.slopes))
        self.common.append(0)
        for i in range(len(self.grid.times) - 1):
            self._interval(i)
            self.common.append(len(self.rows) - 1)

    def _interval(self, i: int) -> None:
        grid, system = self.grid, self.system
        begin, end = grid.times[i], grid.times[i + 1]
        events = grid.steps.may_arrive[i]
        if not events:
            self._march(np.full(system.number, end - begin), grid.steps.sizes[i][0])
            self.now = np.full(system.number, end)
            return
        arrive = np.stack([grid.event_time[e] + system.lags[grid.event_input[e]] for e in events])
        inside = (arrive >= begin - 1e-9) & (arrive < end - 1e-9)
        at = np.where(inside, np.maximum(arrive, begin), begin)  # what arrives elsewhere takes no time here
        order = np.argsort(at, axis=0, kind="stable")
        for k in range(len(events) + 1):
            until = (
                np.take_along_axis(at, order[k : k + 1], 0)[0]
                if k < len(events)
                else np.full(system.number, end)
            )
            self._march(until - self.now, grid.steps.sizes[i][k])
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
                self.state.slopes = self._slopes(self.state.level)

    def _march(self, length: Column, sizes: tuple[int, ...]) -> None:
        if not sizes:
            return
        unit = np.maximum(length, 0.0) / sum(sizes)  # steps of no length are taken too, as in any other batch
        half = np.exp(-self.system.rates * (0.5 * unit))
        reached = 1
        for size in sizes:
            while reached < size:
                half, reached = half * half, 2 * reached
            self._step(unit * size, half)

    def _step(self, h: Column, half: Column) -> None:
        state, system = self.state, self.system
        before, linear, rose = state.level, state.linear, state.rising
        halfway = state.modes * half
        state.modes = halfway * half
        linear_mid, linear_end = self._linear(halfway), self._linear(state.modes)
        middle, level = linear_mid, linear_end
        if system.induced or system.saturable:
            middle, level = linear_mid.copy(), linear_end.copy()
            for k, own in enumerate(system.induced):
                s = own.signal
                middle[s], level[s] = self._induce(k, h, linear[s], linear_mid[s], linear_end[s])
            for k, pool in enumerate(system.saturable):
                middle[pool.signal], level[pool.signal] = self._deplete(
                    k, h, before[pool.inflow], linear_mid[pool.inflow]
                )
        state.linear, state.level = linear_end, level
        energy_mid, lasting_mid, relaxing_mid, other_mid = self._energies(middle)
        energy, lasting, relaxing, other = self._energies(level)
        energies, slopes = np.stack([energy, lasting, other]), self._slopes(level)
        mid = np.stack([energy_mid, lasting_mid, other_mid])
        brain_mid = self._adapt(
            h, np.stack([state.energies, mid, energies]), np.stack([state.slopes, slopes])
        )
        self.changes.append((rose, state.rising, state.slopes, slopes))
        state.energies, state.slopes = energies, slopes
        state.energy, state.relaxing, state.other = energy, relaxing, other
        self.halfway.append((self.now + 0.5 * h, middle, energy_mid, relaxing_mid, other_mid, *brain_mid))
        self.now = self.now + h
        self._keep()

    def _linear(self, modes: Column) -> Column:
        level = np.zeros((self.system.signals, self.system.number))
        if len(self.starts):
            level[self.signals] = np.add.reduceat(
                self.system.entry_weight * modes[self.system.entry_mode], self.starts
            )
        return level

    def _slopes(self, level: Column) -> Column:
        """Changes an hour of the energies that the brain adapts to; and those of the levels, on the way."""
        system, state = self.system, self.state
        change = state.rising = self._linear(-system.rates * state.modes)
        for own, (extra, speed, _) in zip(system.induced, state.induced, strict=True):
            lost = own.clearance * (speed - 1.0) * level[own.signal]
            change[own.signal] -= (own.rates * extra + own.weights * lost).sum(0)
        for pool, stock in zip(system.saturable, state.stock, strict=True):
            change[pool.signal] = level[pool.inflow] - kinetics.saturable(stock, pool.maximum, pool.half)
        if not len(self.site_starts):
            return np.zeros((3, system.number))
        opened, closed, opening, closing = (
            np.add.reduceat(member * values[system.member_signal], self.site_starts)
            for values in (level, change)
            for member in (system.member_opened, system.member_closed)
        )
        energy = system.strength * (opening / (1.0 + opened) - closing / (1.0 + closed))
        return np.stack(
            [energy[system.gaba].sum(0), (system.adapts * energy).sum(0), energy[~system.gaba].sum(0)]
        )

    def _energies(self, level: Column) -> tuple[Column, Column, Column, Column]:
        """Energy at GABA-A, what of it slow tolerance follows, what eases spasm, and the energy of other sedation."""
        system = self.system
        if not len(self.site_starts):
            zero = np.zeros(system.number)
            return zero, zero, zero, zero
        bound = level[system.member_signal]
        opened = np.add.reduceat(system.member_opened * bound, self.site_starts)
        closed = np.add.reduceat(system.member_closed * bound, self.site_starts)
        energy = system.strength * np.log((1.0 + opened) / (1.0 + closed))
        lasting = (system.adapts * energy).sum(0)
        return energy[system.gaba].sum(0), lasting, system.relaxes @ energy, energy[~system.gaba].sum(0)

    def _induce(self, k: int, h: Column, start: Column, mid: Column, end: Column) -> tuple[Column, Column]:
        """Level of an induced substance in the middle and at the end of a step, from its linear levels."""
        own, extra, speed, pull = self.system.induced[k], *self.state.induced[k]
        damped, rate = steps.damping(own.rates, h), 1.0 / own.time
        weights = damped * own.weights * h
        sums = weights.sum(0), (weights * own.rates * h).sum(0)
        lost = own.clearance * (speed - 1.0) * (start + extra.sum(0))
        halfway, after = steps.passed(extra, own.rates, h, damped, -own.weights * lost)
        linear = mid + halfway.sum(0), end + after.sum(0)
        change = h * rate * (1.0 + pull - speed)
        speeds = speed + 0.5 * change, speed + change
        levels = steps.nearly(*linear, *sums, *(own.clearance * (value - 1.0) for value in speeds))
        pulls = [kinetics.saturable(level, own.maximum, own.half) for level in levels]
        inflow = (
            rate * (1.0 + value) for value in (pull, *pulls)
        )  # the speed that follows from these levels
        speeds = steps.collocated(speed, rate, h, steps.damping(rate, h), *inflow)
        more = [own.clearance * (value - 1.0) for value in speeds]
        levels = steps.remaining(*linear, *sums, *more)
        inflow = (-own.weights * x for x in (lost, more[0] * levels[0], more[1] * levels[1]))
        _, extra = steps.collocated(extra, own.rates, h, damped, *inflow)
        self.state.induced[k] = extra, speeds[1], pulls[1]
        return levels

    def _deplete(self, k: int, h: Column, start: Column, mid: Column) -> tuple[Column, Column]:
        """A level whose elimination saturates, by Runge-Kutta steps on an eighth of the step each.

        What flows in from the gut falls by one exponential, so that sixteenths of the step follow from its middle.
        """
        pool, stock, g = self.system.saturable[k], self.state.stock[k], 0.125 * h
        sixteenth = np.divide(mid, start, out=np.zeros_like(mid), where=start > 0.0) ** 0.125
        inflow, reached = start, []
        for _ in range(8):
            between = inflow * sixteenth
            after = between * sixteenth
            k1 = inflow - kinetics.saturable(stock, pool.maximum, pool.half)
            k2 = between - kinetics.saturable(stock + 0.5 * g * k1, pool.maximum, pool.half)
            k3 = between - kinetics.saturable(stock + 0.5 * g * k2, pool.maximum, pool.half)
            k4 = after - kinetics.saturable(stock + g * k3, pool.maximum, pool.half)
            inflow = after
            stock = np.maximum(stock + g / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), 0.0)
            reached.append(stock)
        self.state.stock[k] = stock
        return reached[3], stock

    def _adapt(self, h: Column, energies: Column, slopes: Column) -> tuple[Column, ...]:
        """Advance the states of the brain, given the energies that it adapts to at the start, in the middle and at the
        end, and their changes at the start and at the end.

        Returns fast, slow, dulled and withdrawal in the middle.
        """
        state = self.state
        sensitivity, fast_share, fast_rate, slow_share, on, off, *others, symptom_rate, width = (
            self.system.brain
        )
        other_share, other_rate = others
        fast, slow, dulled, stirred, withdrawal = state.brain

        energy, lasting, other = np.moveaxis(energies, 1, 0)
        of_energy, of_lasting, of_other = (
            steps.bends(e[0], e[1], e[2], slope[0], slope[1], h)
            for e, slope in zip((energy, lasting, other), np.moveaxis(slopes, 1, 0), strict=True)
        )

        def follow(value: Column, rate: Column, *inflow: Column) -> tuple[Column, Column]:
            return steps.collocated(value, rate, h, steps.damping(rate, h), *(rate * each for each in inflow))

        def turn(part: Column, at: Column) -> Column:
            return np.asarray(adaptation.turnover(slow_share * at - part, on, off, width))

        def shares(share: Column, values: Column, bends: tuple[Column, ...]) -> tuple[Column, ...]:
            return share * values[0], share * steps.averaged(values[1], bends[3]), share * values[2]

        fast_mid, fast_end = follow(fast, fast_rate, *shares(fast_share, energy, of_energy))
        dulled_mid, dulled_end = follow(dulled, other_rate, *shares(other_share, other, of_other))
        inflow = steps.averaged(lasting[1], of_lasting[3])
        middle = turn(slow + 0.5 * h * state.turning, inflow)
        slow_mid = slow + 0.25 * h * (state.turning + middle)
        middle = turn(slow_mid, inflow)
        last = turn(slow + h * middle, lasting[2])
        slow_end = slow + h / 6.0 * (state.turning + 4.0 * middle + last)
        net_mid, net_end = (
            sensitivity * energy[1] - fast_mid - slow_mid,
            sensitivity * energy[2] - fast_end - slow_end,
        )
        felt_end = adaptation.deficit(net_end, width)
        adapted, adapted_mid, adapted_end = fast + slow, fast_mid + slow_mid, fast_end + slow_end
        a, b, c, d = of_energy
        felt = steps.spread(
            net_mid, sensitivity * a - 0.5 * (adapted_end - adapted),
            sensitivity * b - 0.5 * (adapted + adapted_end) + adapted_mid, sensitivity * c, sensitivity * d,
            state.felt, felt_end, width,
        )  # fmt: skip
        lowest = np.minimum(np.minimum(state.net, net_mid), net_end)
        stage = 2.0 * symptom_rate
        arrived = follow(stirred, stage, *((lowest < 0.0) * each for each in felt))
        withdrawal_mid, withdrawal_end = follow(withdrawal, stage, stirred, *arrived)
        state.hazard = state.hazard + h / 6.0 * (withdrawal**3 + 4.0 * withdrawal_mid**3 + withdrawal_end**3)
        state.brain = np.stack([fast_end, slow_end, dulled_end, arrived[1], withdrawal_end])
        state.turning, state.net, state.felt = last, net_end, felt_end
        return fast_mid, slow_mid, dulled_mid, withdrawal_mid

    def _keep(self) -> None:
        s = self.state
        self.rows.append(
            (self.now, s.level, s.energy, s.relaxing, s.other, *s.brain[:3], s.brain[4], s.hazard)
        )

    def kept(self) -> Trace:
        names = [f.name for f in fields(Trace)][:10]
        states: dict[str, Any] = dict(zip(names, map(np.stack, zip(*self.rows, strict=True)), strict=True))
        halfway = States(*(np.stack(column) for column in zip(*self.halfway, strict=True)))
        rose, rising, first, last = map(np.stack, zip(*self.changes, strict=True))
        return Trace(**states, halfway=halfway, common=np.array(self.common), rising=np.stack([rose, rising]),
                     slopes=np.stack([first, last]))  # fmt: skip
