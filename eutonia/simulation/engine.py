"""Schedules and patients → courses and what they come to, in chunks of bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation.compiled import at_hand, ready
from eutonia.simulation.effects import States, Therapies, effects, pains, worst_impairment
from eutonia.simulation.fold import fold, fold_compiled
from eutonia.simulation.grid import STANDARD, Grid
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.moments import dosing_length, ends, moments, mornings, pain_times, windows
from eutonia.simulation.population import Column, Patients
from eutonia.simulation.preparation import prepare
from eutonia.simulation.results import COURSES, Outcome, Part, Rows, Sketches
from eutonia.simulation.schedule import DAY, Schedule
from eutonia.simulation.summary import Window
from eutonia.simulation.system import System

if TYPE_CHECKING:
    from concurrent.futures import Future

    from eutonia.knowledge import Knowledge

CHUNK = 256
"""Patients at a time while every step is kept."""

CHUNK_COMPILED = 8256
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
    store = Rows(patients.number, task.outputs) if rows else Sketches()
    if compiled and patients.number > size:
        from concurrent.futures import ThreadPoolExecutor

        starts = iter(range(0, patients.number, size))
        with ThreadPoolExecutor(threads) as pool:

            def begin(start: int) -> tuple[int, Future[Part]]:
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
    return store.outcome(schedule, (*schedule.notes, *people.assumptions(), *_chances(patients)))


def wants_compiling(patients: int, until: float, schedule: Schedule) -> bool:
    """Whether the compiled engine answers sooner: once it is loaded it is a hundred times faster.

    Nobody waits a minute for a compiler to learn of one patient: few patients use it only once it is there.
    """
    if at_hand():
        return True
    days = (until - min((r.times[0] for r in schedule.regimens if r.times), default=0.0)) / DAY
    work = patients * days
    return (work > WORTH_LOADING and ready()) or (work > WORTH_COMPILING and patients > CHUNK)


def _chances(patients: Patients) -> tuple[str, ...]:
    if patients.typical:
        return ("Nothing is drawn: every figure is that of the typical patient.",)
    if patients.uncertain:
        return ("Bands span how patients differ and how unsure the figures of the typical patient are.",)
    return ("Bands span how patients differ; the figures of the typical patient are taken as known.",)


def _chunk(patients: Patients, task: Task) -> Part:
    schedule, knowledge, until = task.schedule, task.knowledge, task.until
    times = task.moments
    system, grid, therapies = prepare(
        schedule, patients, knowledge, times, task.adherence, task.finest, task.posterior
    )
    whole = windows(schedule, system.substances, knowledge, until)
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

    def at(moments: Column) -> NDArray[np.int64]:
        return np.searchsorted(times, np.round(moments, 9))

    per_patient["morning_impairment"] = worst_impairment(system, states, at(task.mornings))
    per_patient |= _doses_taken(system, grid)
    _, natural, left = pains(system, states.at(at(np.array(list(task.marks.values())))), therapies)
    shown = states.at(at(task.outputs))
    seen = effects(system, shown, therapies)
    level = np.moveaxis(shown.level[:, : len(system.substances)], 2, 0).swapaxes(1, 2)
    return Part(system.substances, level, {name: seen[name].T for name in COURSES}, per_patient,
                 dict(zip(task.marks, natural * left, strict=True)))  # fmt: skip


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
    """States at the grid's outputs, and what the course comes to for each patient; exposure where windows are given,
    of each substance in order, or none."""
    if compiled:
        from eutonia.simulation.marching import march

        result = march(
            system, grid, list(whole.values()), therapies, last_dose, dosing, threads, precision
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
