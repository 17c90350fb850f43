"""Features that their files define wholly, as SQL: the counterpart of `features/kinds.py`."""

from __future__ import annotations

from typing import Any

from eutonia.errors import KnowledgeError
from eutonia.knowledge.safety import (
    AllergyFeature,
    ConditionFeature,
    CountFeature,
    MeasurementFeature,
    MedicationFeature,
    TogetherFeature,
)
from eutonia.screening.columns import (
    ALL_RECOGNISED,
    CONDITIONS_KNOWN,
    LIST_KNOWN,
    UNKNOWN,
    UNRECOGNISED,
    Columns,
    number,
    unknown_if,
    yes_or,
)


def condition(feature: ConditionFeature, columns: Columns) -> str:
    found = columns.having(*feature.value_sets, active=feature.status == "active", days=feature.within_days)
    absent = columns.no_if(CONDITIONS_KNOWN) if feature.absent == "no" else UNKNOWN
    return yes_or(found, denied_or(columns.denied(*feature.value_sets), absent))


def denied_or(denied: str, otherwise: str) -> str:
    """False where `denied`, else `otherwise`."""
    return otherwise if denied == "FALSE" else f"CASE WHEN {denied} THEN FALSE ELSE {otherwise} END"


def medication(feature: MedicationFeature, columns: Columns) -> str:
    sure, maybe = columns.groups.sure(feature.any_of), columns.groups.maybe(feature.any_of)
    route = {"any": "", "systemic": " AND p.route <> 'topical'"}.get(
        feature.route, f" AND p.route = '{feature.route}'"
    )
    where = {
        "current": "t.pool = 'c'",
        "after": "t.goes_on",
        "involved": "TRUE",
        "recent": "TRUE",
        "planned": "t.pool = 'p'" + _acting(feature),
    }[feature.moment] + route
    is_taken, may_be = columns.any("taken", sure, where), columns.any("taken", maybe, where)
    if feature.moment == "recent":
        lately = f"t.day - t.end_day <= {number(feature.within_days or 0)}{route}"
        is_taken = yes_or(is_taken, columns.before(feature.any_of, lately))
        may_be = yes_or(may_be, columns.before(feature.any_of, lately, sure=False))
    otherwise = "FALSE" if feature.moment == "planned" else columns.no_if(ALL_RECOGNISED)
    if may_be != "FALSE":
        otherwise = f"CASE WHEN {may_be} THEN NULL ELSE {otherwise} END"
    return yes_or(is_taken, otherwise)


def _acting(feature: MedicationFeature) -> str:
    return f" AND t.action IN ({', '.join(repr(a) for a in feature.actions)})" if feature.actions else ""


def together(feature: TogetherFeature, columns: Columns) -> str:
    moments = ["a"] if feature.moment == "after" else ["c", "a"]
    spare = _spare(columns, len(feature.all_of))
    sure = " OR ".join(columns.fills(feature.all_of, m) for m in moments)
    maybe = " OR ".join(columns.could_fill(feature.all_of, m, spare) for m in moments)
    return f"(({sure}) OR {unknown_if(maybe)})"


def _spare(columns: Columns, most: int) -> str:
    """How many medicines there may be beside those that are recognised; `most` where the list is not known."""
    return columns.keep(f"CASE WHEN {LIST_KNOWN} THEN {UNRECOGNISED} ELSE {most} END")


def count(feature: CountFeature, columns: Columns) -> str:
    if feature.route == "any":
        what = "counts drugs on the skin as well (`route: any`), which a screening cannot. Use `route: systemic`."
        raise KnowledgeError(f"features/{feature.id}.yaml", what)
    moments = {"after": ["a"], "current": ["c"], "any": ["c", "a"]}[feature.moment]
    spare = _spare(columns, feature.at_least)
    group = (feature.any_of,)
    sure = " OR ".join(f"{columns.distinct(group, m, sure=True)} >= {feature.at_least}" for m in moments)
    maybe = " OR ".join(
        f"{columns.distinct(group, m, sure=False)} + {spare} >= {feature.at_least}" for m in moments
    )
    return f"(({sure}) OR {unknown_if(maybe)})"


def allergy(feature: AllergyFeature, columns: Columns) -> str:
    yes, maybe = (columns.exists("allergies", f"b.{feature.id}_{word}") for word in ("yes", "maybe"))
    absent = columns.no_if(allergies_known(columns))
    return f"CASE WHEN {yes} THEN TRUE WHEN {maybe} THEN NULL ELSE {absent} END"


def allergies_known(columns: Columns) -> str:
    """Whether allergies are listed, or said not to be known (`allergies.of_case`)."""
    listed, none, unnamed = (
        columns.exists("allergies", f"b.{name}") for name in ("listed", "none", "unnamed")
    )
    return columns.keep(f"({listed} OR ({none} AND NOT {unnamed}))")


class Result:
    """The latest result of a slot (`results.latest`): its value, and whether it is set aside."""

    def __init__(self, columns: Columns, slot: str, days: float | None, what: str = "t.value") -> None:
        if slot not in columns.slots:
            self.there = self.suspect = self.stale = "FALSE"
            self.value = self.day = "CAST(NULL AS DOUBLE)"
            return
        here = columns.slot(slot)
        value = columns.max("latest", what, here)
        self.there = columns.keep(columns.exists("latest", here))
        self.day = columns.max("latest", "t.reading_day", here)
        sound = columns.keep(columns.exists("latest", f"{here} AND t.sound"))
        self.suspect = columns.keep(f"({self.there} AND NOT {sound})")
        # Of a sound result the day is known.
        old = f"day - {self.day} > {number(days)}" if days is not None else "FALSE"
        self.stale = "FALSE" if days is None else columns.keep(f"({sound} AND {old})")
        counts = sound if days is None else f"{sound} AND NOT ({old})"
        self.value = columns.keep(f"CASE WHEN {counts} THEN {value} END")


def measurement(feature: MeasurementFeature, columns: Columns) -> str:
    result = Result(columns, feature.id, feature.within_days)
    absent = f"CASE WHEN NOT {result.suspect} THEN FALSE END" if feature.absent == "no" else "NULL"
    if feature.above is not None:
        return f"CASE WHEN {result.value} IS NOT NULL THEN {result.value} > {number(feature.above)} ELSE {absent} END"
    if feature.below is not None:
        return f"CASE WHEN {result.value} IS NOT NULL THEN {result.value} < {number(feature.below)} ELSE {absent} END"
    return result.value


KINDS: dict[str, Any] = {
    "condition": condition,
    "measurement": measurement,
    "medication": medication,
    "together": together,
    "count": count,
    "allergy": allergy,
}
