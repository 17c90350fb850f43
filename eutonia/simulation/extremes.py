"""What a plan does at its worst: the strongest sedation, the least breathing, the worst morning.

A part of the work of a whole outcome, for those who wait for an answer: what only eases pain is left out, no exposure
is read, and the engine looks at nothing but doses and mornings.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from eutonia.simulation.effects import Therapies, worst_impairment
from eutonia.simulation.engine import solve, wants_compiling
from eutonia.simulation.grid import STANDARD
from eutonia.simulation.moments import forming, moments, mornings
from eutonia.simulation.population import Column, Patients
from eutonia.simulation.preparation import prepare
from eutonia.simulation.schedule import Schedule
from eutonia.simulation.system import Axis

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge


def extremes(
    schedule: Schedule, patients: Patients, knowledge: Knowledge, *, until: float, finest: float = STANDARD
) -> dict[str, Column]:
    """For each patient `peak_sedating`, `probability_drowsy`, `min_ventilation` and `morning_impairment`, as in
    `engine.Outcome.per_patient`, of the first `until` hours."""
    taken = replace(schedule, regimens=tuple(r.until(until) for r in schedule.regimens))
    if not any(r.as_needed for r in taken.regimens):  # else pain decides on the doses, and all that eases it
        dulling = tuple(r for r in taken.regimens if r.substance in _dulling(knowledge))
        taken = replace(taken, regimens=dulling, sessions=())
    looked = mornings(schedule, knowledge, until)
    times = moments([looked], until)
    system, grid, _ = prepare(taken, patients, knowledge, times, 1.0, finest)
    system = replace(system, relaxation=_none(patients), analgesia=_none(patients))
    compiled = wants_compiling(patients.number, until, taken)
    states, found = solve(system, grid, Therapies((), (), (), ()), {}, schedule.last_dose, until, compiled)
    worst = worst_impairment(system, states, np.searchsorted(times, np.round(looked, 9)))
    wanted = ("peak_sedating", "probability_drowsy", "min_ventilation")
    return {name: found[name] for name in wanted} | {"morning_impairment": worst}


@cache
def _dulling(knowledge: Knowledge) -> frozenset[str]:
    """Substances that dull the brain or the breathing, themselves or by what is formed from them."""
    acting = {
        name for name, substance in knowledge.substances.items()
        if substance.effects.gaba or substance.effects.sedation or substance.effects.ventilation
    }  # fmt: skip
    return frozenset(source for name in acting for source in forming(name, knowledge))


def _none(patients: Patients) -> Axis:
    empty = np.empty((0, patients.number))
    return Axis(np.empty(0, np.int64), empty, empty)
