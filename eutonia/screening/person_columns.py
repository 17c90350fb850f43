"""Computed features of the person, as SQL: the counterpart of `features/person.py`, name for name."""

from __future__ import annotations

from typing import Any

from eutonia.features.person import region as _region
from eutonia.knowledge.safety import ComputedFeature
from eutonia.screening.by_kind import Result
from eutonia.screening.columns import CONDITIONS_KNOWN, Columns, number

AGE = "age"


def age(_: ComputedFeature, __: Columns) -> str:
    return AGE


def age_missing(_: ComputedFeature, __: Columns) -> str:
    return "(birth_year IS NULL)"


def weight_kg(feature: ComputedFeature, columns: Columns) -> str:
    return Result(columns, feature.id, feature.limits["days"]).value


def region(feature: ComputedFeature, columns: Columns) -> str:
    """The same for every person: it is given with the call."""
    from eutonia.features.chart import Chart
    from eutonia.patient import Case
    from eutonia.screening.slots import DAY

    known = _region(feature, Chart(Case(as_of=DAY, region=columns.region), columns.knowledge)).known
    return f"'{known}'" if known else "CAST(NULL AS VARCHAR)"


# --- pregnancy --------------------------------------------------------------------------------------


def _could_be(feature: ComputedFeature) -> str:
    """Whether a pregnancy is possible by sex and age; null where one of them would decide."""
    youngest, oldest = number(feature.limits["youngest"]), number(feature.limits["oldest"])
    return (
        f"CASE WHEN sex = 'male' THEN FALSE WHEN NOT ({AGE} BETWEEN {youngest} AND {oldest}) THEN FALSE "
        f"WHEN sex = 'female' AND birth_year IS NOT NULL THEN TRUE END"
    )


def pregnant(feature: ComputedFeature, columns: Columns) -> str:
    begun, ended = feature.value_sets
    said, longest = columns.slot("pregnant"), number(feature.limits["weeks"] * 7)
    lately = f"{said} AND t.word = 'true' AND t.day - t.reading_day < {longest}"
    yes_said = columns.max("readings", "t.reading_day", lately)
    no_said = columns.max("readings", "t.reading_day", f"{said} AND t.word = 'false'")
    going = columns.since([begun], also=f"t.day - t.since < {longest}")
    over = columns.since([ended], active=False)
    yes, no = (
        f"GREATEST(COALESCE({a}, -999999), COALESCE({b}, -999999))"
        for a, b in ((yes_said, going), (no_said, over))
    )
    yes, no = columns.keep(yes), columns.keep(no)
    could = columns.keep(_could_be(feature))
    silent = columns.keep(f"CASE WHEN ({could}) = FALSE THEN FALSE END")
    old = f"day - {no} > {number(feature.limits['days_negative'])} AND COALESCE({could}, TRUE)"
    return columns.keep(
        f"CASE WHEN {yes} = -999999 AND {no} = -999999 THEN {silent} WHEN {yes} >= {no} THEN TRUE "
        f"WHEN {old} THEN {silent} ELSE FALSE END"
    )


def _pregnant(columns: Columns) -> str:
    feature = columns.knowledge.features["pregnant"]
    assert isinstance(feature, ComputedFeature)
    return pregnant(feature, columns)


def gestation(feature: ComputedFeature, columns: Columns) -> str:
    measured = Result(columns, "gestation:weeks", None)
    due = Result(columns, "gestation:due", None)
    coded = f"{columns.held(feature.value_sets)} AND b.gestation IS NOT NULL"
    rank = "CAST(t.since AS BIGINT) * 1000 + b.gestation"
    since = columns.of_latest("conditions", "t.since", rank, coded)
    told = columns.of_latest("conditions", "b.gestation", rank, coded)
    stages = [
        (measured.day, f"{measured.value} + day - {measured.day}"),
        (due.day, f"{number(feature.limits['term'])} - ({due.value} - day)"),
        (since, f"{told} + day - {since}"),
    ]
    ranks = [columns.keep(f"COALESCE({when} * 1000000.0 + {days}, -1e18)") for when, days in stages]
    best = columns.keep(f"GREATEST({', '.join(ranks)})")
    cases = (f"WHEN {best} = {rank} THEN {days}" for rank, (_, days) in zip(ranks, stages, strict=True))
    length = columns.keep(f"CASE {' '.join(cases)} END")
    state = _pregnant(columns)
    return (
        f"CASE WHEN ({state}) IS NULL THEN NULL WHEN NOT ({state}) THEN 'not-pregnant' "
        f"WHEN {best} = -1e18 THEN 'stage-unknown' "
        f"WHEN {length} < 20 * 7 THEN 'before-20' WHEN {length} < 30 * 7 THEN '20-to-29' ELSE '30-or-more' END"
    )


def gestation_suspect(columns: Columns) -> list[str]:
    """The weeks are looked at in a pregnancy only."""
    if "gestation" not in columns.knowledge.features:
        return []
    return [f"(COALESCE({_pregnant(columns)}, FALSE) AND {Result(columns, 'gestation:weeks', None).suspect})"]


def pregnancy_status_missing(feature: ComputedFeature, columns: Columns) -> str:
    youngest, oldest = number(feature.limits["youngest"]), number(feature.limits["oldest"])
    fertile = f"COALESCE({AGE} BETWEEN {youngest} AND {oldest}, FALSE)"
    return f"(({_pregnant(columns)}) IS NULL AND COALESCE(sex <> 'male', TRUE) AND {fertile})"


def breastfeeding(feature: ComputedFeature, columns: Columns) -> str:
    word = columns.max("latest", "t.word", columns.slot("breastfeeding"))
    silent = columns.keep(f"CASE WHEN ({columns.keep(_could_be(feature))}) = FALSE THEN FALSE END")
    return (
        f"CASE WHEN {word} IS NOT NULL THEN {word} = 'true' WHEN {columns.having(*feature.value_sets)} THEN TRUE "
        f"ELSE {silent} END"
    )


# --- falls, work, drinking, genes --------------------------------------------------------------------------


def falls_history(feature: ComputedFeature, columns: Columns) -> str:
    count = Result(columns, feature.id, feature.limits["days"]).value
    many = f"({count}) >= {number(feature.limits['falls'])}"
    return (
        f"CASE WHEN {columns.having(*feature.value_sets)} THEN TRUE WHEN ({count}) IS NOT NULL THEN {many} "
        f"ELSE {columns.no_if(f'{CONDITIONS_KNOWN} OR {columns.denied(*feature.value_sets)}')} END"
    )


def safety_critical_work(_: ComputedFeature, columns: Columns) -> str:
    word = columns.max("latest", "t.word", columns.slot("safety_critical_work"))
    return f"CASE WHEN {word} IS NOT NULL THEN {word} = 'true' END"


def hazardous_alcohol(feature: ComputedFeature, columns: Columns) -> str:
    limits = feature.limits
    intoxication, habit = feature.value_sets
    drunk = columns.having(intoxication, days=limits["recent_days"])

    def recent(group: str) -> str:
        return Result(columns, f"hazardous_alcohol:{group}", limits["days"]).value

    drinks = f"COALESCE({recent('per_week')}, 7 * ({recent('per_day')}), {recent('in_words')})"
    score = recent("audit_c")
    by_score = _cut(
        f"{score} >= {number(limits['audit_c_men'])}", f"{score} >= {number(limits['audit_c_women'])}"
    )
    by_drinks = _cut(
        f"{drinks} > {number(limits['weekly_men'])}", f"{drinks} > {number(limits['weekly_women'])}"
    )
    return (
        f"CASE WHEN {drunk} THEN TRUE WHEN ({score}) IS NOT NULL THEN {by_score} "
        f"WHEN {drinks} IS NOT NULL THEN {by_drinks} WHEN {columns.having(habit)} THEN TRUE END"
    )


def _cut(as_man: str, as_woman: str) -> str:
    return (
        f"CASE WHEN sex = 'male' THEN {as_man} WHEN sex = 'female' THEN {as_woman} "
        f"WHEN ({as_man}) = ({as_woman}) THEN {as_man} END"
    )


def _gene(feature: ComputedFeature, columns: Columns) -> str:
    said: list[Any] = [
        columns.max("latest", "t.word", columns.slot(f"{feature.id}:{kind}"))
        for kind in ("phenotype", "genotype")
    ]
    return f"COALESCE({', '.join(said)})"


cyp2c19 = cyp2d6 = _gene
