"""Computed features of liver, kidney and the record, as SQL: the counterpart of `features/organs.py`."""

from __future__ import annotations

from collections.abc import Mapping

from eutonia.knowledge.safety import ComputedFeature
from eutonia.screening.by_kind import Result, allergies_known
from eutonia.screening.columns import CONDITIONS_KNOWN, UNRECOGNISED, Columns, number, rounded, yes_or
from eutonia.screening.person_columns import AGE


class Filtration:
    """The parts of eGFR: the rate as reported, and creatinine."""

    def __init__(self, feature: ComputedFeature, columns: Columns) -> None:
        days = feature.limits["days"]
        self.rate = Result(columns, "egfr:reported", days)
        self.level = Result(columns, "egfr:creatinine", days)
        self.suspect = f"({self.rate.suspect} OR {self.level.suspect})"
        self.stale = f"({self.rate.stale} OR {self.level.stale}) AND {egfr(feature, columns)} IS NULL"


def egfr(feature: ComputedFeature, columns: Columns) -> str:
    """The newest filtration rate: as reported, or from creatinine by CKD-EPI 2021."""
    days = feature.limits["days"]
    rate, level = Result(columns, "egfr:reported", days), Result(columns, "egfr:creatinine", days)
    newer = f"({rate.value} IS NULL OR {level.day} > {rate.day})"
    ckd_epi = _ckd_epi_2021(level.value, feature.limits)
    computed = f"CASE WHEN {level.value} IS NOT NULL AND {newer} THEN {ckd_epi} END"
    return columns.keep(f"COALESCE({rounded(computed, 1)}, {rate.value})")


def _ckd_epi_2021(creatinine: str, figures: Mapping[str, float]) -> str:
    """As `organs._ckd_epi_2021`; null in children or without age and sex."""

    def of_sex(name: str) -> str:
        female, male = (number(figures[name.format(sex)]) for sex in ("female", "male"))
        return f"(CASE sex WHEN 'female' THEN {female} WHEN 'male' THEN {male} END)"

    adult, at_normal, above, each_year = (
        number(figures[name]) for name in ("adult", "at_normal", "above", "each_year")
    )
    ratio = f"(({creatinine}) / {of_sex('normal_{}')})"
    return (
        f"CASE WHEN {AGE} >= {adult} THEN CAST({at_normal} AS DOUBLE) "
        f"* POWER(LEAST({ratio}, 1.0), {of_sex('below_{}')}) "
        f"* POWER(GREATEST({ratio}, 1.0), {above}) * POWER(CAST({each_year} AS DOUBLE), {AGE}) * {of_sex('{}')} END"
    )


def _times_uln(feature: ComputedFeature, columns: Columns) -> str:
    limit = f"COALESCE(NULLIF(t.high, 0), {number(feature.limits['uln'])})"
    return rounded(Result(columns, feature.id, feature.limits["days"], f"t.value / {limit}").value, 3)


alt_x_uln = ast_x_uln = _times_uln


def liver_failure(feature: ComputedFeature, columns: Columns) -> str:
    failure, cirrhosis, sign = feature.value_sets
    grave = f"({columns.having(failure)} OR ({columns.having(cirrhosis)} AND {columns.having(sign)}))"
    return yes_or(grave, columns.no_if(CONDITIONS_KNOWN))


def liver_disease_moderate_or_severe(feature: ComputedFeature, columns: Columns) -> str:
    any_disease, failure, cirrhosis = feature.value_sets
    grave = columns.having(failure, cirrhosis)
    none = f"{CONDITIONS_KNOWN} AND NOT {columns.having(any_disease)}"
    return f"CASE WHEN {grave} THEN TRUE WHEN {none} THEN FALSE END"


def renal_result_missing(feature: ComputedFeature, columns: Columns) -> str:
    lately = f"{columns.slot('egfr:any')} AND t.day - t.reading_day <= {number(feature.limits['days'])}"
    recent = columns.exists("readings", lately)
    ill = yes_or(columns.having(*feature.value_sets), columns.no_if(CONDITIONS_KNOWN))
    old = f"({AGE} >= {number(feature.limits['age'])})"
    return f"CASE WHEN {recent} THEN FALSE ELSE ({old} OR {ill}) END"


# --- the record itself ------------------------------------------------------------------------------


def medication_unrecognised(_: ComputedFeature, __: Columns) -> str:
    """Here no code differs from its text: both are those of one concept."""
    return f"({UNRECOGNISED} > 0)"


def allergies_unknown(_: ComputedFeature, columns: Columns) -> str:
    return f"(NOT {allergies_known(columns)})"


def plans_drug(_: ComputedFeature, __: Columns) -> str:
    return "TRUE"


plans_treatment = plans_drug


def unit_suspect(_: ComputedFeature, columns: Columns) -> str:
    """Whether a result that a feature looked at was set aside."""
    from eutonia.screening.pain_columns import temperature_suspect
    from eutonia.screening.person_columns import gestation_suspect

    features = columns.knowledge.features
    found = [Result(columns, f.id, None).suspect for f in features.values() if f.kind == "measurement"]
    found += [
        Result(columns, name, None).suspect
        for name in ("alt_x_uln", "ast_x_uln", "weight_kg")
        if name in features
    ]
    if "egfr" in features:
        found.append(Filtration(features["egfr"], columns).suspect)  # type: ignore[arg-type]
    found += temperature_suspect(columns) + gestation_suspect(columns)
    return f"({' OR '.join(found) or 'FALSE'})"


def lab_stale(_: ComputedFeature, columns: Columns) -> str:
    """Whether a result is too old that rules about the treatments ask for."""
    features = columns.knowledge.features
    stale = {
        f.id: Result(
            columns, f.id, getattr(f, "within_days", None) or getattr(f, "limits", {}).get("days")
        ).stale
        for f in features.values()
        if f.kind == "measurement" or f.id in ("alt_x_uln", "ast_x_uln", "weight_kg")
    }
    if "egfr" in features:
        stale["egfr"] = Filtration(features["egfr"], columns).stale  # type: ignore[arg-type]
    found = [f"({old} AND {columns.any('taken', columns.groups.need(name))})" for name, old in stale.items()]
    return f"({' OR '.join(found) or 'FALSE'})"
