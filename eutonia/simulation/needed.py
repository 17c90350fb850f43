"""Doses as needed: who takes one when.

The rule (knowledge/model/as-needed): in waking hours a dose is taken when pain as it is felt passes the patient's
threshold, no sooner after the last one and no more often a day than the order allows. Felt pain is the natural course
with good and bad spells about it, less what the doses so far and other treatment take away. The rule looks every hour:
levels then are exact, tolerance is followed in steps of an hour, which suffices to decide. What was decided is then
simulated like any other dose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation import adaptation
from eutonia.simulation.effects import States, Therapies, pains
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.population import Column
from eutonia.simulation.receptor import opening_energy
from eutonia.simulation.schedule import DAY, Regimen
from eutonia.simulation.system import System

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge

STEP = 1.0
"""Hours between two looks."""


def with_chances(regimen: Regimen, clock: float, until: float, knowledge: Knowledge) -> Regimen:
    """A regimen as needed with every waking hour, while the order holds, as the time of a possible dose."""
    wake, sleep = knowledge.clock_times["usual"].day
    first, end = regimen.times[0], min(regimen.times[-1] + (regimen.gap or STEP), until)
    hours = first + STEP * np.arange(max(math.ceil((end - first) / STEP - 1e-9), 1))
    of_day = (hours + clock) % DAY
    waking = (of_day >= wake - 1e-9) & (of_day < sleep - 1e-9)
    hours = hours[waking] if waking.any() else hours[:1]
    return replace(regimen, times=tuple(hours.tolist()), amounts=regimen.amounts[:1] * len(hours))


def decide(
    regimens: Sequence[Regimen], amounts: Sequence[Column], system: System, therapies: Therapies, people: Individuals,
    clock: float,
) -> list[Column]:  # fmt: skip
    """Which doses each patient takes, 1 or 0: [doses, n] for each regimen; of one not as needed, all of `amounts`.

    The times of a regimen as needed are the chances to take a dose.
    """
    events = sorted(
        (time, number, dose) for number, r in enumerate(regimens) for dose, time in enumerate(r.times)
    )
    course = _Course(system, people, events[0][0])
    taken = [np.zeros((len(r.times), system.number)) for r in regimens]
    log = [_Log(system.number) for _ in regimens]
    threshold = people.part("as-needed", "threshold")
    spells = _Spells(people)
    for time, number, dose in events:
        course.advance(time)
        r, takes = regimens[number], taken[number][dose]
        if r.as_needed:
            day = math.floor((time + clock) / DAY)
            wanted = log[number].allowed(time, day, r.gap or 0.0, r.most_a_day or 1)
            if wanted.any():
                wanted &= course.pain(therapies) + spells.at(time) >= threshold
            if not wanted.any():
                continue
            log[number].note(wanted, time)
            takes[:] = wanted
        else:
            takes[:] = 1.0
        course.give(system.inputs.index(r.substance), amounts[number][dose] * takes)
    return taken


class _Log:
    """What each patient has taken of one order."""

    def __init__(self, number: int) -> None:
        self.last = np.full(number, -np.inf)
        self.today = np.zeros(number)
        self.day = -1

    def allowed(self, time: float, day: int, gap: float, most: int) -> NDArray[np.bool_]:
        if day != self.day:
            self.day, self.today = day, np.zeros_like(self.today)
        return np.asarray((time - self.last >= gap - 1e-9) & (self.today < most))

    def note(self, wanted: NDArray[np.bool_], time: float) -> None:
        self.last = np.where(wanted, time, self.last)
        self.today = self.today + wanted


class _Spells:
    """Pain about its own course: it wanders and returns, hour by hour, the same in every batch."""

    def __init__(self, people: Individuals) -> None:
        self.people = people
        self.size = people.part("as-needed", "flare")
        self.kept = np.exp(-STEP / people.part("as-needed", "flare_time"))
        self.hour: int | None = None
        self.value = people.constant(0.0)

    def at(self, time: float) -> Column:
        if self.people.patients.typical:
            return self.value
        hour = math.floor(time / STEP + 1e-9)
        while self.hour is None or self.hour < hour:
            begins = self.hour is None
            self.hour = hour if self.hour is None else self.hour + 1
            new = self.people.draws.normal(f"flare/{self.hour}")
            self.value = new if begins else self.kept * self.value + np.sqrt(1.0 - self.kept**2) * new
        return np.asarray(self.size * self.value)


class _Course:
    """Levels and tolerance so far, as the rule sees them."""

    def __init__(self, system: System, people: Individuals, start: float) -> None:
        n = system.number
        self.system, self.time = system, start
        self.modes = np.zeros((len(system.rates), n))
        self.brain = np.zeros((5, n))
        self.waiting = np.exp(np.minimum(system.lags[:, None] * system.rates[None], 60.0))
        self.starts = np.flatnonzero(np.diff(system.member_site, prepend=-1))
        self.entries = np.flatnonzero(np.diff(system.entry_signal, prepend=-1))
        self.hourly = np.exp(-system.rates * STEP)
        self.level = np.zeros((system.signals, n))
        self.main, self.beside = np.flatnonzero(system.gaba), np.flatnonzero(~system.gaba)
        self.energies = self._energies()

    def advance(self, time: float) -> None:
        while self.time < time - 1e-9:
            step = min(STEP, time - self.time)
            energy, lasting, _, other = self.energies
            change = np.stack(adaptation.rates(energy, lasting, other, *self.brain, *self.system.brain))
            self.brain = self.brain + step * change
            self.modes = self.modes * (self.hourly if step == STEP else np.exp(-self.system.rates * step))
            self.time += step
            self._look()

    def give(self, source: int, amount: Column) -> None:
        """A dose arrives after its lag: its exponentials are begun so much higher, and count once they are positive."""
        modes = self.system.modes[source]
        self.modes[modes] += amount * self.waiting[source, modes]
        self._look()

    def pain(self, therapies: Therapies) -> Column:
        energy, _, relaxing, other = self.energies
        fast, slow, dulled, _, withdrawal = (row[None] for row in self.brain)
        states = States(
            np.array([self.time]), self.level[None], energy[None], relaxing[None], other[None], fast, slow, dulled,
            withdrawal,
        )  # fmt: skip
        _, natural, left = pains(self.system, states, therapies)
        return np.asarray((natural * left)[0])

    def _look(self) -> None:
        """Levels, which are sums of modes, and their energies."""
        parts = self.system.entry_weight * self.modes[self.system.entry_mode]
        signals = self.system.entry_signal[self.entries]
        self.level[signals] = np.maximum(np.add.reduceat(parts, self.entries), 0.0)
        self.energies = self._energies()

    def _energies(self) -> tuple[Column, Column, Column, Column]:
        """Energy at GABA-A, what of it slow tolerance follows, what eases spasm, and that of other sedation."""
        system = self.system
        if not len(self.starts):
            zero = np.zeros(system.number)
            return zero, zero, zero, zero
        bound = self.level[system.member_signal]
        opened = np.add.reduceat(system.member_opened * bound, self.starts)
        closed = np.add.reduceat(system.member_closed * bound, self.starts)
        energy = opening_energy(opened, closed, system.strength)
        lasting = (system.adapts * energy).sum(0)
        return energy[self.main].sum(0), lasting, system.relaxes @ energy, energy[self.beside].sum(0)
