"""Schedules and patients → courses and what they come to, in chunks of bounded memory."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia.errors import InputError
from eutonia.simulation.compiled import at_hand, ready
from eutonia.simulation.effects import States, Therapies, effects, worst_impairment
from eutonia.simulation.fold import fold, fold_compiled
from eutonia.simulation.grid import STANDARD, Grid, distinct
from eutonia.simulation.population import Column, Individuals, Patients
from eutonia.simulation.preparation import prepare
from eutonia.simulation.schedule import DAY, Schedule
from eutonia.simulation.sketch import Sketch
from eutonia.simulation.summary import Window, window
from eutonia.simulation.system import System

if TYPE_CHECKING:
    from concurrent.futures import Future

    from eutonia.knowledge import Knowledge

CHUNK = 256
"""Patients at a time while every step is kept."""

CHUNK_COMPILED = 4160
"""Patients at a time in the compiled engine: no power of two, or all figures of a patient would share a few lines of
the cache."""

MOST_AT_ONCE = 4_000_000
"""Numbers kept of one chunk."""

SINGLE_FROM = 20_000
"""Patients from which sums over all are simulated in single precision: finer than the bins that they are summed in."""

WORTH_LOADING, WORTH_COMPILING = 400.0, 2048.0
"""Patient-days from which the compiled engine is worth loading (a tenth of a second), and compiling (a minute)."""

REFERENCE = 0.025
"""Resolution in hours (`grid`) at which errors are about 1e-6 of the peak of each state; 1e-4 at the standard one."""

MOST_VALUES = 400_000_000
"""Numbers in a course beyond which it is refused, and summaries offered instead."""


@dataclass(frozen=True)
class Outcome:
    """Results of a simulation. Courses are [patients, times] and levels [patients, substances, times]."""

    substances: tuple[str, ...]
    times: Column
    level: Column
    courses: dict[str, Column]
    per_patient: dict[str, Any]
    """Arrays over patients by name; `substances` and `pain_at` beside them."""
    schedule: Schedule
    assumptions: tuple[str, ...]


COURSES = ("drive", "sedation", "impairment", "relief", "tolerance", "withdrawal", "pain", "ventilation")


@dataclass(frozen=True)
class Task:
    """What is simulated, apart from the patients."""

    schedule: Schedule
    knowledge: Knowledge
    until: float
    outputs: Column
    """Times of the course; empty where only summaries are wanted."""
    adherence: float
    finest: float
    compiled: bool
    posterior: Mapping[str, Column] | None = None
    """Draws of the typical figures; None: those of the calibration."""
    threads: int = 1
    """Threads that share the patients of one chunk."""
    single: bool = False
    """Whether the compiled engine may run in single precision."""

    @cached_property
    def marks(self) -> dict[str, float]:
        return pain_times(self.until)

    @cached_property
    def mornings(self) -> Column:
        return mornings(self.schedule, self.knowledge, self.until)

    @cached_property
    def moments(self) -> Column:
        """Every moment at which states are kept."""
        return moments(
            [
                self.outputs,
                list(self.marks.values()),
                self.mornings,
                ends(self.schedule, self.until),
                [dosing_length(self.schedule)],
            ],
            self.until,
        )


def run(
    schedule: Schedule,
    patients: Patients,
    knowledge: Knowledge,
    *,
    until: float,
    outputs: Column,
    adherence: float = 1.0,
    finest: float = STANDARD,
    progress: Callable[[int], None] | None = None,
    posterior: Mapping[str, Column] | None = None,
    rows: bool = True,
) -> Outcome:
    """Simulate `schedule` in `patients` to `until`, with courses at `outputs` (hours, ascending; none is allowed).

    `progress` is told of every patient done. Without `rows`, what each patient's course came to is not kept: each
    quantity is a `Sketch` of all patients.
    """
    compiled = wants_compiling(patients.number, until, schedule)
    task = Task(
        schedule, knowledge, until, np.asarray(outputs, float), adherence, finest, compiled, posterior,
        single=not rows and patients.number >= SINGLE_FROM,
    )  # fmt: skip
    threads = os.cpu_count() or 1
    size = max(32, min(CHUNK_COMPILED if compiled else CHUNK, MOST_AT_ONCE // (len(task.moments) * 12)))
    store = _Store(patients.number, task) if rows else _Folded(task)
    if compiled and patients.number > size:
        from concurrent.futures import ThreadPoolExecutor

        starts = iter(range(0, patients.number, size))
        with ThreadPoolExecutor(threads) as pool:

            def begin(start: int) -> tuple[int, Future[_Part]]:
                part = patients.part(start, min(start + size, patients.number))
                return start, pool.submit(_chunk, part, task)

            waiting = deque(
                begin(start) for start in islice(starts, 2 * threads)
            )  # so that results do not pile up
            while waiting:
                start, future = waiting.popleft()
                store.put(start, done := future.result())
                waiting.extend(begin(start) for start in islice(starts, 1))
                if progress is not None:
                    progress(done.number)
    else:
        task = replace(task, threads=threads)
        for start in range(0, patients.number, size):
            part = patients.part(start, min(start + size, patients.number))
            store.put(start, _chunk(part, task))
            if progress is not None:
                progress(part.number)
    people = Individuals(patients.part(0, 1), knowledge)
    return store.outcome((*schedule.notes, *people.assumptions(), *_chances(patients)))


class _Store:
    """Results of all chunks, in the order of patients."""

    def __init__(self, number: int, task: Task) -> None:
        self.number, self.task = number, task
        self.kind = np.float32 if number > 50_000 else np.float64
        self.per_patient: dict[str, Column] = {}
        self.pain: dict[str, Column] = {}
        self.courses: dict[str, Column] = {}
        self.level: Column = np.empty((0, 0, 0))
        self.substances: tuple[str, ...] = ()

    def put(self, start: int, part: _Part) -> None:
        if not self.per_patient:
            times = len(self.task.outputs)
            self.substances = part.substances
            self.level = np.empty((self.number, len(part.substances), times))
            self.courses = {name: np.empty((self.number, times)) for name in COURSES}
            self.per_patient = {name: np.empty(self.number, self.kind) for name in part.per_patient}
            self.pain = {name: np.empty(self.number, self.kind) for name in part.pain}
        stop = start + len(part.level)
        self.level[start:stop] = part.level
        for mine, new in (
            (self.courses, part.courses),
            (self.per_patient, part.per_patient),
            (self.pain, part.pain),
        ):
            for name, values in new.items():
                mine[name][start:stop] = values

    def outcome(self, assumptions: tuple[str, ...]) -> Outcome:
        """Everything, as arrays over patients."""
        per_patient: dict[str, Any] = {
            **self.per_patient,
            "substances": self.substances,
            "pain_at": self.pain,
        }
        return Outcome(self.substances, self.task.outputs, self.level, self.courses, per_patient,
                       self.task.schedule, assumptions)  # fmt: skip


class _Folded:
    """Results of all chunks, each quantity as a sketch of all patients."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.per_patient: dict[str, Sketch] = {}
        self.pain: dict[str, Sketch] = {}
        self.substances: tuple[str, ...] = ()

    def put(self, _: int, part: _Part) -> None:
        self.substances = part.substances
        for mine, new in ((self.per_patient, part.per_patient), (self.pain, part.pain)):
            for name, values in new.items():
                mine.setdefault(name, Sketch()).add(values)

    def outcome(self, assumptions: tuple[str, ...]) -> Outcome:
        """Sketches, and no courses."""
        per_patient = {**self.per_patient, "substances": self.substances, "pain_at": self.pain}
        return Outcome(self.substances, np.empty(0), np.empty((0, 0, 0)), {}, per_patient, self.task.schedule,
                       assumptions)  # fmt: skip


def wants_compiling(patients: int, until: float, schedule: Schedule) -> bool:
    """Whether the compiled engine answers sooner: once it is loaded it is a hundred times faster.

    Nobody waits a minute for a compiler to learn of one patient: few patients use it only once it is there.
    """
    if at_hand():
        return True
    days = (until - min((r.times[0] for r in schedule.regimens if r.times), default=0.0)) / DAY
    work = patients * days
    return (work > WORTH_LOADING and ready()) or (work > WORTH_COMPILING and patients > CHUNK)


def ends(schedule: Schedule, until: float) -> list[float]:
    """Where the intervals begin and end from which exposure is read."""
    whole = [window([t for t in r.times if t >= 0.0], until) for r in schedule.regimens]
    return [time for w in whole for time in (w.start, w.end)]


def moments(times: Sequence[Any], until: float) -> Column:
    """Distinct times from zero to the end."""
    every = np.concatenate([[0.0, until], *(np.asarray(t, float) for t in times)])
    return distinct(np.round(every[(every >= 0.0) & (every <= until + 1e-9)], 9))


def _chances(patients: Patients) -> tuple[str, ...]:
    if patients.typical:
        return ("Nothing is drawn: every figure is that of the typical patient.",)
    if patients.uncertain:
        return ("Bands span how patients differ and how unsure the figures of the typical patient are.",)
    return ("Bands span how patients differ; the figures of the typical patient are taken as known.",)


def pain_times(until: float) -> dict[str, float]:
    """Moments at which pain is summed up, by name."""
    days = [d for d in (1, 3, 7, 14, 21, 28, 42, 56, 84, 182, 364) if d * DAY <= until + 1e-9]
    if not days:
        return {f"{until:g} hours": until}
    return {f"{d} day{'s' if d > 1 else ''}": d * DAY for d in days}


@dataclass(frozen=True)
class _Part:
    """Results of one chunk, patients first."""

    substances: tuple[str, ...]
    level: Column
    courses: dict[str, Column]
    per_patient: dict[str, Column]
    pain: dict[str, Column]

    @property
    def number(self) -> int:
        return len(self.level)


def _chunk(patients: Patients, task: Task) -> _Part:
    schedule, knowledge, until = task.schedule, task.knowledge, task.until
    times = task.moments
    system, grid, therapies = prepare(
        schedule, patients, knowledge, times, task.adherence, task.finest, task.posterior
    )
    whole = windows(schedule, system, knowledge, until)
    states, per_patient = solve(
        system,
        grid,
        therapies,
        whole,
        _last_taken(schedule, grid),
        dosing_length(schedule),
        task.compiled,
        task.threads,
        np.float32 if task.single else np.float64,
    )

    def at(moments: Column) -> States:
        return states.at(np.searchsorted(times, np.round(moments, 9)))

    per_patient["morning_impairment"] = worst_impairment(system, at(task.mornings))
    per_patient |= _doses_taken(system, grid)
    marked = effects(system, at(np.array(list(task.marks.values()))), therapies)["pain"]
    shown = at(task.outputs)
    seen = effects(system, shown, therapies)
    level = np.moveaxis(shown.level[:, : len(system.substances)], 2, 0).swapaxes(1, 2)
    return _Part(system.substances, level, {name: seen[name].T for name in COURSES}, per_patient,
                 dict(zip(task.marks, marked, strict=True)))  # fmt: skip


def _last_taken(schedule: Schedule, grid: Grid) -> Column | float:
    """The last dose, which each patient takes at another time where it is as needed."""
    if not any(r.as_needed for r in schedule.regimens):
        return schedule.last_dose
    return np.asarray(np.where(grid.amounts > 0.0, grid.event_time[:, None], 0.0).max(0))


def _doses_taken(system: System, grid: Grid) -> dict[str, Column]:
    """How many doses of each substance each patient has taken from time zero on; NaN of what is only formed."""
    found = {f"{name}/doses_taken": np.full(system.number, np.nan) for name in system.substances}
    for source, name in enumerate(system.inputs):
        of_it = (
            (grid.event_input == source)
            & (grid.event_time >= -1e-9)
            & (grid.event_time < grid.times[-1] - 1e-9)
        )
        found[f"{name}/doses_taken"] = (grid.amounts[of_it] > 0.0).sum(0) + np.zeros(system.number)
    return found


def solve(
    system: System, grid: Grid, therapies: Therapies, whole: dict[str, Window], last_dose: float | Column,
    dosing: float, compiled: bool, threads: int = 1, precision: type[np.floating[Any]] = np.float64,
) -> tuple[States, dict[str, Column]]:  # fmt: skip
    """States at the grid's outputs, and what the course comes to for each patient."""
    if compiled:
        from eutonia.simulation.marching import march

        result = march(
            system, grid, [whole[name] for name in system.substances], therapies, last_dose, dosing, threads, precision
        )  # fmt: skip
        kept, n = result.states, system.signals
        states = States(grid.times[grid.output], kept[:, :n], *(kept[:, n + k] for k in range(7)))
        end = float(grid.times[-1])
        return states, fold_compiled(result, system, whole, last_dose, end)
    from eutonia.simulation.columns import trace

    steps = trace(system, grid)
    at = steps.common[grid.output]
    names = ("level", "energy", "relaxing", "other", "fast", "slow", "dulled", "withdrawal")
    states = States(grid.times[grid.output], *(getattr(steps, name)[at] for name in names))
    return states, fold(steps, system, whole, last_dose, therapies, dosing)


def dosing_length(schedule: Schedule) -> float:
    """Hours over which doses are taken, or therapies go on where there are none, in whole days."""
    if not any(r.times for r in schedule.regimens) and schedule.sessions:
        return max(math.ceil(max(s.end for s in schedule.sessions) / DAY - 1e-9), 1) * DAY
    return (math.floor(schedule.last_dose / DAY) + 1) * DAY


def windows(schedule: Schedule, system: System, knowledge: Knowledge, until: float) -> dict[str, Window]:
    """For each substance, what its exposure is read from: the doses of it and of what forms it."""
    found = {}
    for name in system.substances:
        sources = forming(name, knowledge)
        doses = [t for r in schedule.regimens if r.substance in sources for t in r.times if t >= 0.0]
        found[name] = window(doses, until)
    return found


def forming(name: str, knowledge: Knowledge) -> set[str]:
    """A substance and those that it is formed from."""
    found = {name}
    for other in knowledge.substances.values():
        product = other.kinetics.metabolite
        if product is not None and product.substance in found:
            found.add(other.id)
    return found


def mornings(schedule: Schedule, knowledge: Knowledge, until: float) -> Column:
    """Hours at which the days after days with doses begin."""
    begins = (knowledge.clock_times["usual"].day[0] - schedule.clock) % DAY
    last = schedule.last_dose + DAY
    return np.array([t for t in np.arange(begins, until + 1e-9, DAY) if 0.0 < t <= last], float)


def check_size(patients: int, times: int, substances: int) -> None:
    """Refuse a course that would not fit, before anything is computed."""
    values = patients * times * (substances + len(COURSES))
    if values > MOST_VALUES:
        raise InputError(
            f"The course of {patients:,} patients at {times:,} times holds {values:,} numbers "
            f"({values * 8 / 1e9:.0f} GB), more than the limit of {MOST_VALUES:,}. "
            "Ask for a summary, fewer times or fewer patients."
        )
