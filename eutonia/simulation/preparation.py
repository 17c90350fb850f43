"""A schedule and patients → their system of equations, the doses that each takes, and when the engine looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from eutonia.simulation.assembly import build_system
from eutonia.simulation.effects import Therapies, build_therapies
from eutonia.simulation.grid import Grid, build_grid
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.needed import decide, with_chances
from eutonia.simulation.population import Column, Patients
from eutonia.simulation.schedule import DAY, Regimen, Schedule
from eutonia.simulation.system import System

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge


def prepare(
    schedule: Schedule,
    patients: Patients,
    knowledge: Knowledge,
    outputs: Column,
    adherence: float,
    finest: float,
    posterior: Mapping[str, Column] | None = None,
) -> tuple[System, Grid, Therapies]:
    """The system, the grid and the therapies of some patients."""
    people = Individuals(patients, knowledge, posterior, fed(schedule))
    people.with_modulators(schedule.modulators)
    regimens = [
        with_chances(r, schedule.clock, float(outputs[-1]), knowledge) if r.as_needed else r
        for r in with_run_in(schedule, patients, knowledge)
        if r.times
    ]
    dosed = tuple(dict.fromkeys(r.substance for r in regimens))
    system = build_system(people, dosed)
    times = np.concatenate([np.asarray(r.times) for r in regimens]) if regimens else np.zeros(0)
    inputs = (
        np.concatenate([np.full(len(r.times), dosed.index(r.substance)) for r in regimens])
        if regimens
        else np.zeros(0)
    )
    therapies = build_therapies(people, schedule.sessions)
    each: list[Column] = [_reaching(r, knowledge)[:, None] for r in regimens]
    if adherence < 1.0:
        each = [a * kept for a, kept in zip(each, _kept(regimens, people, adherence), strict=True)]
    if any(r.as_needed for r in regimens):
        wanted = decide(regimens, each, system, therapies, people, schedule.clock)
        each = [a * taken for a, taken in zip(each, wanted, strict=True)]
    amounts = np.concatenate(each) if each else np.zeros((0, 1))
    order = np.argsort(times, kind="stable")
    grid = build_grid(
        times[order],
        inputs[order].astype(np.int64),
        amounts[order],
        system.longest_lag,
        outputs,
        finest=finest,
        saturable=bool(system.saturable),
    )
    return system, grid, therapies


def with_run_in(schedule: Schedule, patients: Patients, knowledge: Knowledge) -> list[Regimen]:
    """The regimens, in a regular user preceded by the same days over and over."""
    if not patients.facts.get("regular_user"):
        return list(schedule.regimens)
    days = int(knowledge.model["population"].parameters["run_in"].value)
    longer = []
    for r in schedule.regimens:
        before = [(t - d * DAY, a) for d in range(days, 0, -1) for t, a in r.day_before()]
        doses = sorted([*before, *zip(r.times, r.amounts, strict=True)])
        longer.append(replace(r, times=tuple(t for t, _ in doses), amounts=tuple(a for _, a in doses)))
    return longer


def _reaching(regimen: Regimen, knowledge: Knowledge) -> Column:
    """mg of each dose, less what a smaller dose loses on its way where the bioavailability depends on it."""
    amounts = np.asarray(regimen.amounts, float)
    by_dose = sorted(knowledge.substances[regimen.substance].kinetics.by_dose.items())
    if not by_dose:
        return amounts
    factors = np.interp(amounts, [dose for dose, _ in by_dose], [factor for _, factor in by_dose])
    return np.asarray(amounts * factors)


def _kept(regimens: Sequence[Regimen], people: Individuals, adherence: float) -> list[Column]:
    """Which doses each patient does not forget, 1 or 0, [doses, n] for each regimen."""
    if people.patients.typical:
        return [np.ones((len(r.times), 1)) for r in regimens]
    return [
        np.array(
            [people.draws.uniform(f"taken/{number}/{dose}") < adherence for dose in range(len(r.times))],
            float,
        )
        for number, r in enumerate(regimens)
    ]


def fed(schedule: Schedule) -> frozenset[str]:
    return frozenset(r.substance for r in schedule.regimens if r.fed)
