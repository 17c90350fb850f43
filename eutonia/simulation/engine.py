"""Schedules and patients → courses and what they come to, in chunks of bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia.errors import InputError
from eutonia.simulation.columns import trace
from eutonia.simulation.effects import States, Therapies, build_therapies, effects
from eutonia.simulation.fold import fold
from eutonia.simulation.grid import Grid, build_grid
from eutonia.simulation.population import Column, Individuals, Patients
from eutonia.simulation.schedule import DAY, Regimen, Schedule
from eutonia.simulation.summary import Window, window
from eutonia.simulation.system import System, build_system

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge

CHUNK = 128
"""Patients at a time while every step is kept."""

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


def run(
    schedule: Schedule,
    patients: Patients,
    knowledge: Knowledge,
    *,
    until: float,
    outputs: Column,
    adherence: float = 1.0,
    finest: float = 0.1,
) -> Outcome:
    """Simulate `schedule` in `patients` to `until`, with courses at `outputs` (hours, ascending)."""
    marks = pain_times(until)
    grid_outputs = np.unique(np.concatenate([[0.0], outputs, list(marks.values()), [until]]))
    parts = [
        _chunk(schedule, part, knowledge, grid_outputs, adherence, finest) for part in chunks(patients, CHUNK)
    ]
    place = np.searchsorted(grid_outputs, outputs)
    first = parts[0]
    level = np.concatenate([p.level for p in parts])[:, :, place]
    courses = {name: np.concatenate([p.courses[name] for p in parts]) for name in COURSES}
    per_patient: dict[str, Any] = {
        name: np.concatenate([p.per_patient[name] for p in parts]) for name in first.per_patient
    }
    per_patient["substances"] = first.substances
    per_patient["pain_at"] = {
        label: courses["pain"][:, np.searchsorted(grid_outputs, time)] for label, time in marks.items()
    }
    courses = {name: values[:, place] for name, values in courses.items()}
    people = Individuals(patients.part(0, 1), knowledge)
    notes = (*schedule.notes, *people.assumptions(), *_chances(patients))
    return Outcome(first.substances, outputs, level, courses, per_patient, schedule, notes)


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


def chunks(patients: Patients, size: int) -> Iterator[Patients]:
    for start in range(0, patients.number, size):
        yield patients.part(start, min(start + size, patients.number))


@dataclass(frozen=True)
class _Part:
    substances: tuple[str, ...]
    level: Column
    courses: dict[str, Column]
    per_patient: dict[str, Column]


def prepare(
    schedule: Schedule,
    patients: Patients,
    knowledge: Knowledge,
    outputs: Column,
    adherence: float,
    finest: float,
) -> tuple[System, Grid, Therapies]:
    """The system, the grid and the therapies of some patients."""
    people = Individuals(patients, knowledge)
    people.with_modulators(schedule.modulators)
    regimens = [r for r in _with_run_in(schedule, patients, knowledge) if r.times]
    dosed = tuple(dict.fromkeys(r.substance for r in regimens))
    system = build_system(people, dosed)
    times = np.concatenate([np.asarray(r.times) for r in regimens]) if regimens else np.zeros(0)
    inputs = (
        np.concatenate([np.full(len(r.times), dosed.index(r.substance)) for r in regimens])
        if regimens
        else np.zeros(0)
    )
    amounts = (
        np.concatenate([np.asarray(r.amounts) for r in regimens])[:, None] if regimens else np.zeros((0, 1))
    )
    taken = _taken(regimens, people, adherence)
    if taken is not None:
        amounts = amounts * taken
    order = np.argsort(times, kind="stable")
    grid = build_grid(
        times[order],
        inputs[order].astype(np.int64),
        amounts[order],
        system.longest_lag,
        outputs,
        finest=finest,
    )
    return system, grid, build_therapies(people, schedule.sessions)


def _with_run_in(schedule: Schedule, patients: Patients, knowledge: Knowledge) -> list[Regimen]:
    """The regimens, in a regular user preceded by the same days over and over."""
    if not patients.facts.get("regular_user"):
        return list(schedule.regimens)
    days = int(knowledge.model["population"].parameters["run_in"].value)
    longer = []
    for r in schedule.regimens:
        first = [(t, a) for t, a in zip(r.times, r.amounts, strict=True) if t < DAY - 1e-9]
        if not first and r.times:
            first = [(r.times[0] % DAY, r.amounts[0])]
        before = [(t - d * DAY, a) for d in range(days, 0, -1) for t, a in first]
        all_doses = sorted([*before, *zip(r.times, r.amounts, strict=True)])
        longer.append(
            Regimen(r.substance, tuple(t for t, _ in all_doses), tuple(a for _, a in all_doses), r.as_needed)
        )
    return longer


def _taken(regimens: Sequence[Regimen], people: Individuals, adherence: float) -> Column | None:
    """Which doses each patient takes, 1 or 0; None where all take all."""
    if adherence >= 1.0 and not any(r.as_needed for r in regimens):
        return None
    rows = []
    share = people.part("population", "as_needed")
    for number, r in enumerate(regimens):
        chance = (share if r.as_needed else people.constant(1.0)) * adherence
        for dose in range(len(r.times)):
            drawn = people.draws.uniform(f"taken/{number}/{dose}")
            rows.append(
                (drawn < chance).astype(float) if not people.patients.typical else people.constant(1.0)
            )
    return np.stack(rows)


def _chunk(
    schedule: Schedule,
    patients: Patients,
    knowledge: Knowledge,
    outputs: Column,
    adherence: float,
    finest: float,
) -> _Part:
    system, grid, therapies = prepare(schedule, patients, knowledge, outputs, adherence, finest)
    kept = trace(system, grid)
    until = float(outputs[-1])
    per_patient = fold(kept, system, windows(schedule, system, knowledge, until), mornings(schedule, knowledge, until),
                       schedule.last_dose, therapies, dosing_length(schedule))  # fmt: skip
    at = kept.common[grid.output]
    there = States(grid.times[grid.output], *(getattr(kept, name)[at] for name in (
        "level", "energy", "relaxing", "other", "fast", "slow", "dulled", "withdrawal")))  # fmt: skip
    seen = effects(system, there, therapies)
    level = np.moveaxis(kept.level[at][:, : len(system.substances)], 2, 0).swapaxes(1, 2)
    return _Part(system.substances, level, {name: seen[name].T for name in COURSES}, per_patient)


def dosing_length(schedule: Schedule) -> float:
    """Hours over which doses are taken, in whole days."""
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
            f"({values * 8 / 1e9:.0f} GB), more than the limit of {MOST_VALUES:,}. Ask for a summary, fewer times or fewer patients."
        )
