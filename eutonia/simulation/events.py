"""Event tables in the convention of NONMEM and mrgsolve → doses in time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eutonia.errors import InputError
from eutonia.simulation.schedule import DAY, MOST_EVENTS, Regimen, Schedule, all_names, plain

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge


def read_events(table: Any, knowledge: Knowledge) -> Schedule:
    """Read an event table in the convention of NONMEM and mrgsolve, of one patient.

    Columns: `time` (h), `amt` (mg), `substance` or `cmt` (its name), and where used `evid`, `ii` (h), `addl`.
    Takes a CSV path, records, or a frame. Infusions, steady state and resets are refused.
    """
    doses: dict[str, list[tuple[float, float]]] = {}
    previous, persons, count = -math.inf, set(), 0
    for number, row in enumerate(_rows(table), 1):
        place = f"row {number} of the event table"
        time, amount = _number(row, "time", place), _number(row, "amt", place)
        evid = _whole(row, "evid", place, 1 if amount > 0.0 else 0)
        persons.add(str(row.get("id", "")))
        if len(persons) > 1:
            raise InputError(
                f"{place}: a second patient (id {row.get('id')}). An event table is of one patient; facts about "
                "patients come as flags or as a population."
            )
        if time < previous - 1e-9:
            raise InputError(
                f"{place}: time {time:g} h lies before the row above it. Sort the table by time."
            )
        previous = time
        if evid == 0:
            continue
        _plain_dose(row, evid, amount, first=not doses, place=place)
        name = _substance_of(row, place, knowledge)
        more, every = _whole(row, "addl", place, 0), _number(row, "ii", place)
        if more and every <= 0.0:
            raise InputError(f"{place}: addl {more} needs ii, the hours between doses.")
        count += more + 1
        if count > MOST_EVENTS:
            raise InputError(f"{place}: the table holds more than {MOST_EVENTS:,} doses. Shorten it.")
        doses.setdefault(name, []).extend((time + n * every, amount) for n in range(more + 1))
    if not doses:
        raise InputError(
            "The event table holds no dose. It needs columns time (h), amt (mg) and substance, "
            "and rows with amt above 0."
        )
    regimens = []
    for name, given in doses.items():
        given.sort()
        _plausible_events(name, given, knowledge)
        regimens.append(Regimen(name, tuple(t for t, _ in given), tuple(a for _, a in given)))
    length = max(r.times[-1] for r in regimens)
    return Schedule(tuple(regimens), (), (), knowledge.clock_times["usual"].first, length, ())


REFUSED = {
    "rate": "an infusion; the figures are those of doses by mouth. Write the doses as they are swallowed",
    "dur": "an infusion; the figures are those of doses by mouth. Write the doses as they are swallowed",
    "ss": "steady state. Write the doses before with addl and ii, or simulate a regular user",
}
"""Columns that say what is not simulated, where they are not zero."""


def _plain_dose(row: Mapping[str, Any], evid: int, amount: float, *, first: bool, place: str) -> None:
    if evid == 4 and not first:
        raise InputError(
            f"{place}: evid 4 resets the patient, which is not simulated. Use a table of its own."
        )
    if evid not in (1, 4):
        raise InputError(f"{place}: evid {evid} is not read; doses are evid 1, observations 0.")
    if amount <= 0.0:
        raise InputError(f"{place}: the amount {amount:g} is not positive.")
    for name, why in REFUSED.items():
        if str(row.get(name, "0")).strip() not in ("0", "0.0"):
            raise InputError(f"{place}: {name} {row[name]} asks for {why}.")


def _substance_of(row: Mapping[str, Any], place: str, knowledge: Knowledge) -> str:
    written = str(row.get("substance") or row.get("cmt") or "").strip()
    if not written:
        raise InputError(f"{place}: no substance is named. Give its name in the column substance (or cmt).")
    name = written if written in knowledge.substances else all_names(knowledge).get(plain(written), "")
    if name not in knowledge.substances:
        raise InputError(
            f"{place}: unknown substance “{written}”; the column substance or cmt holds its name. "
            f"Known: {', '.join(sorted(knowledge.substances))}."
        )
    return name


def _plausible_events(name: str, given: Sequence[tuple[float, float]], knowledge: Knowledge) -> None:
    limit = knowledge.substances[name].limit
    if limit is None:
        raise InputError(f"{name} is formed in the body and not given.")
    start, day = 0, 0.0
    for time, amount in given:
        day += amount
        while given[start][0] <= time - DAY + 1e-9:
            day -= given[start][1]
            start += 1
        if amount > limit.single or day > limit.daily:
            raise InputError(
                f"The event table gives {amount:g} mg of {name} at {time:g} h and {day:g} mg in a day; more than "
                f"{limit.single:g} mg at once or {limit.daily:g} mg a day is taken for a slip of the pen. Check it."
            )


def _rows(table: Any) -> list[dict[str, Any]]:
    if isinstance(table, str) or hasattr(table, "__fspath__"):
        import csv

        try:
            with open(table, newline="", encoding="utf-8-sig") as file:
                records = list(csv.DictReader(file))
        except OSError as error:
            raise InputError(f"Cannot read {table}: {error.strerror}.") from None
        except (UnicodeDecodeError, csv.Error):
            raise InputError(f"Cannot read {table}: it is not a table in CSV.") from None
    elif hasattr(table, "to_dicts"):
        records = table.to_dicts()
    elif hasattr(table, "to_dict"):
        records = table.to_dict("records")
    else:
        try:
            records = [dict(row) for row in table]
        except (TypeError, ValueError):
            raise InputError(
                "A plan is a text, a plan item, or an event table of rows with time, amt and substance."
            ) from None
    return [{str(k).strip().lower(): v for k, v in row.items() if not _is_missing(v)} for row in records]


def _is_missing(value: Any) -> bool:
    """A cell without a value: empty, the point of NONMEM, or the NaN or NA of a frame."""
    return value is None or str(value).strip() in ("", ".", "<NA>", "NaN", "nan", "NA", "NaT")


def _number(row: Mapping[str, Any], name: str, place: str) -> float:
    try:
        value = float(row.get(name) or 0)
    except (TypeError, ValueError):
        raise InputError(f"{place}: {name} is “{row[name]}”, not a number.") from None
    if not math.isfinite(value) or value < 0:
        raise InputError(f"{place}: {name} {value:g} must be zero or more.")
    return value


def _whole(row: Mapping[str, Any], name: str, place: str, absent: int) -> int:
    if name not in row:
        return absent
    value = _number(row, name, place)
    if value != int(value):
        raise InputError(f"{place}: {name} {value:g} must be a whole number.")
    return int(value)
