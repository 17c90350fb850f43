"""When a course is looked at: mornings, days at which pain is summed up, intervals that exposure is read from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia.simulation.grid import distinct
from eutonia.simulation.population import Column
from eutonia.simulation.schedule import DAY, Schedule
from eutonia.simulation.summary import Window, window

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge


def ends(schedule: Schedule, until: float) -> list[float]:
    """Where the intervals begin and end from which exposure is read."""
    whole = [window([t for t in r.times if t >= 0.0], until) for r in schedule.regimens]
    return [time for w in whole for time in (w.start, w.end)]


def moments(times: Sequence[Any], until: float) -> Column:
    """Distinct times from zero to the end."""
    every = np.concatenate([[0.0, until], *(np.asarray(t, float) for t in times)])
    return distinct(np.round(every[(every >= 0.0) & (every <= until + 1e-9)], 9))


def pain_times(until: float) -> dict[str, float]:
    """Moments at which pain is summed up, by name."""
    days = [d for d in (1, 3, 7, 14, 21, 28, 42, 56, 84, 182, 364) if d * DAY <= until + 1e-9]
    if not days:
        return {f"{until:g} hours": until}
    return {f"{d} day{'s' if d > 1 else ''}": d * DAY for d in days}


def dosing_length(schedule: Schedule) -> float:
    """Hours over which doses are taken, or therapies go on where there are none, in whole days."""
    if not any(r.times for r in schedule.regimens) and schedule.sessions:
        return max(math.ceil(max(s.end for s in schedule.sessions) / DAY - 1e-9), 1) * DAY
    return (math.floor(schedule.last_dose / DAY) + 1) * DAY


def windows(
    schedule: Schedule, substances: Sequence[str], knowledge: Knowledge, until: float
) -> dict[str, Window]:
    """For each substance, what its exposure is read from: the doses of it and of what forms it."""
    found = {}
    for name in substances:
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
