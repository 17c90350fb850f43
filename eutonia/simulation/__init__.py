"""Regimens → levels, sedation, relief, tolerance and withdrawal over time, for one patient or a million.

`simulate()`, `population()` and `exposure()` are the public names. Heavy imports happen only when they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from eutonia.errors import InputError
from eutonia.simulation.population import Patients, checked, population

if TYPE_CHECKING:
    import xarray

    from eutonia.knowledge import Knowledge
    from eutonia.simulation.results import Outcome
    from eutonia.simulation.schedule import Schedule

__all__ = ["exposure", "outcome", "population", "simulate"]

DRAWS = 200
"""Virtual patients that stand for one patient of whom not all is known."""


def simulate(
    plan: Any,
    *,
    patients: Patients | Mapping[str, Any] | int | None = None,
    until: float | str | None = None,
    every: float | str = "1 hour",
    draws: int = DRAWS,
    seed: int = 0,
    adherence: float = 1.0,
    summary: bool = False,
    knowledge: Knowledge | None = None,
) -> xarray.Dataset:
    """Simulate a plan (text, plan item, event table, or a list of them) in patients.

    `patients` is a population, a mapping of facts about one patient, or None for someone of whom nothing is known.
    One patient is simulated as `draws` virtual ones over all that is unknown of the patient and uncertain in the
    model (0: the typical one alone). Times are hours or texts such as "28 days". With `summary` the courses are
    not kept, and the result is one row of quantities a patient.

    Returns an xarray Dataset with dims patient, time (h) and substance; every variable has its units.
    Raises InputError for a plan, fact or size that cannot be simulated.
    """
    from eutonia.simulation.course import summary_dataset, to_dataset

    result = outcome(plan, patients=patients, until=until, every=every, draws=draws, seed=seed,
                     adherence=adherence, courses=not summary, knowledge=knowledge)  # fmt: skip
    return summary_dataset(result) if summary else to_dataset(result)


def outcome(
    plan: Any,
    *,
    patients: Patients | Mapping[str, Any] | int | None = None,
    until: float | str | None = None,
    every: float | str = "1 hour",
    times: Sequence[float] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    adherence: float = 1.0,
    courses: bool = True,
    knowledge: Knowledge | None = None,
    progress: Callable[[int], None] | None = None,
    posterior: Mapping[str, Any] | None = None,
    rows: bool = True,
) -> Outcome:
    """As `simulate`, but plain arrays: what other parts of eutonia call. `progress` is told of patients done.

    `times` are hours at which courses are kept, ascending, in place of `every`. `posterior` replaces the draws of the
    calibration; empty, the uncertainty of each figure stands for itself.
    Without `courses` and `rows` what comes out are sketches over all patients (`sketch.Sketch`), in little memory.
    """
    import numpy as np

    from eutonia.knowledge import load
    from eutonia.simulation.engine import run
    from eutonia.simulation.results import check_size

    knowledge = knowledge or load()
    if not 0.0 < adherence <= 1.0:
        raise InputError(f"Adherence {adherence:g} is not a share between 0 and 1.")
    end = None if until is None else hours(until, "until")
    schedule = read(plan, knowledge, end)
    people = as_patients(patients, draws, seed)
    if schedule.stops and "regular_user" not in people.facts:
        people = replace(people, facts={**people.facts, "regular_user": True})
    last = end if end is not None else default_end(schedule, knowledge)
    if last <= 0.0:
        raise InputError(f"until {last:g} h is not after the start of the plan.")
    schedule = replace(schedule, regimens=tuple(r.until(last) for r in schedule.regimens))
    step = hours(every, "every")
    if step <= 0.0:
        raise InputError(f"every {step:g} h is not a positive time.")
    kept = np.arange(int(last / step + 1e-9) + 1 if courses else 0, dtype=float) * step
    if times is not None:
        kept = np.asarray(times, float)
    check_size(people.number, len(kept), 2 * len(schedule.regimens) + 2)
    return run(schedule, people, knowledge, until=last, outputs=kept, adherence=adherence, 
        progress=progress, posterior=posterior, rows=rows or courses,
    )  # fmt: skip


def read(plan: Any, knowledge: Knowledge, until: float | None) -> Schedule:
    """Read whatever a plan may be given as."""
    from eutonia.patient import PlanItem
    from eutonia.simulation.events import read_events
    from eutonia.simulation.schedule import Schedule, read_schedule

    if isinstance(plan, Schedule):
        return plan
    if isinstance(plan, str) and plan.lower().endswith(".csv"):
        return read_events(plan, knowledge)
    if isinstance(plan, str | PlanItem):
        plan = [plan]
    if isinstance(plan, Sequence) and all(isinstance(item, str | PlanItem) for item in plan):
        return read_schedule(plan, knowledge, until=until)
    return read_events(plan, knowledge)


HALF_LIVES = 7
"""After so many less than a hundredth is left of a drug, and the withdrawal from it has begun."""


def default_end(schedule: Schedule, knowledge: Knowledge | None = None) -> float:
    """When all has been seen: a week beyond the last of several doses, in which withdrawal shows, three days beyond a
    single one, and longer for what stays in the body longer; or the end of the last therapy."""
    day = 24.0
    shown = (3 if sum(len(r.times) for r in schedule.regimens) == 1 else 7) * day
    names = tuple(sorted({r.substance for r in schedule.regimens}))
    stays = HALF_LIVES * _longest_half_life(names, knowledge or _known()) if names else 0.0
    ends = [schedule.last_dose + max(shown, stays), *(session.end for session in schedule.sessions)]
    return -(-max(ends) // day) * day


@cache
def _longest_half_life(substances: tuple[str, ...], knowledge: Knowledge) -> float:
    """Of these or what is formed from them, in the typical patient, hours."""
    import math

    from eutonia.simulation.assembly import build_system
    from eutonia.simulation.individuals import Individuals
    from eutonia.simulation.population import Patients

    typical = Individuals(Patients(1, {}, 0, typical=True), knowledge)
    return math.log(2.0) / float(build_system(typical, substances).rates.min())


def _known() -> Knowledge:
    from eutonia.knowledge import load

    return load()


def as_patients(patients: Patients | Mapping[str, Any] | int | None, draws: int, seed: int) -> Patients:
    """A population as it is; one patient as draws of what is not known."""
    if isinstance(patients, Patients):
        return patients
    if isinstance(patients, int):
        return population(patients, seed=seed)
    facts = checked(dict(patients or {}), 1)
    if isinstance(draws, bool) or draws < 0 or draws > 100_000:
        raise InputError(f"{draws} draws are not between 0 and 100 000.")
    return Patients(max(draws, 1), facts, seed, uncertain=draws > 0, typical=draws == 0)


SPANS = {"minute": 1 / 60, "min": 1 / 60, "hour": 1.0, "h": 1.0, "hr": 1.0, "day": 24.0, "d": 24.0, "week": 168.0,
         "wk": 168.0, "month": 730.5, "year": 8766.0}  # fmt: skip


def hours(span: float | str, what: str) -> float:
    """Hours of "28 days" or a number. Raises InputError."""
    import math
    import re

    if isinstance(span, str):
        found = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*([a-z]*)\s*", span.lower())
        unit = (found[2].removesuffix("s") or "h") if found else ""
        if not found or unit not in SPANS:
            raise InputError(f"{what} “{span}” is not a span of time. Write it like “28 days” or “1 hour”.")
        span = float(found[1]) * SPANS[unit]
    if not math.isfinite(span) or span > 10 * 8766:
        raise InputError(f"{what} {span:g} h is beyond ten years. Choose a shorter time.")
    return float(span)


def exposure(course: xarray.Dataset) -> xarray.Dataset:
    """Non-compartmental quantities of each patient and substance, read from the course alone."""
    from eutonia.simulation.noncompartmental import exposure as read_exposure

    return read_exposure(course)
