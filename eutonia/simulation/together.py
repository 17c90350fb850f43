"""Many schedules in the same patients, or each patient on a schedule of their own, all in one pass."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation.assembly import build_system
from eutonia.simulation.compiled import ready
from eutonia.simulation.effects import Therapies, worst_impairment
from eutonia.simulation.engine import CHUNK, solve, wants_compiling
from eutonia.simulation.grid import STANDARD, build_grid
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.moments import dosing_length, ends, moments, mornings, windows
from eutonia.simulation.population import Column, Patients
from eutonia.simulation.preparation import fed, with_run_in
from eutonia.simulation.schedule import Schedule
from eutonia.simulation.system import System

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge


def compare_schedules(
    schedules: Sequence[Schedule],
    patients: Patients,
    knowledge: Knowledge,
    *,
    until: float,
    finest: float = STANDARD,
) -> dict[str, Column]:
    """Simulate each of several schedules in the same patients, all in one pass: what a search for a taper calls.

    Returns arrays [schedules, patients] by name (see `course.QUANTITIES`), among them `withdrawal_peak`,
    `withdrawal_score`, `probability_seizure`, `peak_impairment`, `morning_impairment` and `peak_relief`; withdrawal is
    counted from each schedule's own last dose, and hours before zero are run in.
    """
    at_once = max(1, 4 * CHUNK // patients.number)
    parts = [
        _together(schedules[i : i + at_once], patients, knowledge, until, finest)
        for i in range(0, len(schedules), at_once)
    ]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {name: values.reshape(len(schedules), patients.number) for name, values in whole.items()}


def own_schedules(
    schedules: Sequence[Schedule],
    of: NDArray[np.int64],
    patients: Patients,
    knowledge: Knowledge,
    *,
    until: float,
    finest: float = STANDARD,
) -> dict[str, Column]:
    """Simulate patients who each follow a schedule of their own, number `of` in `schedules`, all in one pass.

    The schedules have the same medicines beside them that change how others are cleared, and the same food. Returns
    arrays [patients], named as those of `compare_schedules`; withdrawal is counted from each one's own last dose.
    """
    return _together(schedules, patients, knowledge, until, finest, of)


def _together(
    schedules: Sequence[Schedule], patients: Patients, knowledge: Knowledge, until: float, finest: float,
    of: NDArray[np.int64] | None = None,
) -> dict[str, Column]:  # fmt: skip
    """Every patient on every schedule, one schedule after the other; or each on the one that `of` says."""
    people = Individuals(patients, knowledge, fed=fed(schedules[0]))
    people.with_modulators(schedules[0].modulators)
    regimens = [with_run_in(schedule, patients, knowledge) for schedule in schedules]
    dosed = tuple(dict.fromkeys(r.substance for each in regimens for r in each if r.times))
    doses: dict[tuple[float, int], Column] = {}
    for n, each in enumerate(regimens):
        for r in each:
            for time, amount in zip(r.times, r.amounts, strict=True):
                if time < until:
                    doses.setdefault((round(time, 9), dosed.index(r.substance)), np.zeros(len(schedules)))[
                        n
                    ] += amount
    system = build_system(people, dosed)
    apart = of is not None
    if of is None:
        system = repeated(system, len(schedules))
        of = np.repeat(np.arange(len(schedules)), patients.number)
    order = sorted(doses)
    amounts = np.stack([doses[key][of] for key in order])
    longest = max(schedules, key=lambda schedule: schedule.last_dose)
    whole = windows(longest, system.substances, knowledge, until)
    days = mornings(longest, knowledge, until)
    outputs = moments([days, ends(longest, until), [dosing_length(longest)]], until)
    grid = build_grid(
        np.array([time for time, _ in order], float), np.array([i for _, i in order], np.int64), amounts,
        system.longest_lag, outputs, finest=finest, saturable=bool(system.saturable),
    )  # fmt: skip
    last = np.array([schedule.last_dose for schedule in schedules])[of]
    compiled = wants_compiling(system.number, until, longest) or (
        apart and ready()
    )  # more passes will follow
    states, found = solve(
        system,
        grid,
        Therapies((), (), (), ()),
        whole,
        last,
        dosing_length(longest),
        compiled,
        os.cpu_count() or 1,
    )
    at = np.searchsorted(outputs, np.round(days, 9))
    found["morning_impairment"] = worst_impairment(system, states, at)
    return found


def repeated(system: System, times: int) -> System:
    """The same patients `times` over, one after the other."""

    def again(value: Any) -> Any:
        if (
            isinstance(value, np.ndarray)
            and value.ndim >= 1
            and value.shape[-1] == system.number
            and value.dtype == float
        ):
            return np.tile(value, times)
        if isinstance(value, tuple):
            return tuple(again(part) for part in value)
        if isinstance(value, dict):
            return {key: again(part) for key, part in value.items()}
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{f.name: again(getattr(value, f.name)) for f in fields(value)})
        return value

    changed = {f.name: again(getattr(system, f.name)) for f in fields(system)}
    return replace(system, **(changed | {"number": system.number * times, "relaxes": system.relaxes}))
