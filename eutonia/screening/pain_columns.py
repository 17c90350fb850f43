"""Computed features of pain, red flags and signs, as SQL: the counterpart of `features/pain.py`, name for name."""

from __future__ import annotations

from collections.abc import Sequence

from eutonia.knowledge.safety import ComputedFeature
from eutonia.screening.by_kind import Result
from eutonia.screening.columns import ALL_RECOGNISED, CONDITIONS_KNOWN, UNKNOWN, Columns, number, yes_or
from eutonia.screening.dosing_columns import STEROID, long_term_steroid, steroid_for_long
from eutonia.screening.person_columns import AGE

RANK = "CAST(t.since AS BIGINT) * 1000000 - t.condition"
"""The latest onset first; of one day, the first on the list."""


def index_pain_chronic(feature: ComputedFeature, columns: Columns) -> str:
    """Whether the active pain with the latest onset is chronic: every condition of the CDM has its day."""
    chronic, _ = feature.value_sets
    pain = columns.held(feature.value_sets)
    answer = f"({columns.is_in([chronic])} OR t.day - t.since > {number(feature.limits['days'])})"
    return columns.of_latest("conditions", answer, RANK, pain)


def chronic_low_back_pain(feature: ComputedFeature, columns: Columns) -> str:
    low_back, chronic = feature.value_sets
    pain = columns.having(low_back, chronic)
    lasting = f"({columns.is_in([chronic])} OR t.day - t.since > {number(feature.limits['days'])})"
    answer = columns.having(low_back, chronic, also=lasting)
    return f"CASE WHEN NOT {pain} THEN {columns.no_if(CONDITIONS_KNOWN)} ELSE {answer} END"


def pain_nonmuscular_only(feature: ComputedFeature, columns: Columns) -> str:
    pain, *others = feature.value_sets
    *nonmuscular, muscular = others
    every = (pain, *nonmuscular, muscular)
    fits = f"({columns.is_in(nonmuscular)} AND NOT {columns.is_in([muscular])})"
    return f"CASE WHEN {columns.having(*every)} THEN NOT {columns.having(*every, also=f'NOT {fits}')} END"


def pain_musculoskeletal_only(feature: ComputedFeature, columns: Columns) -> str:
    pain, spasticity = feature.value_sets
    return f"CASE WHEN {columns.having(spasticity)} THEN FALSE WHEN {columns.having(pain)} THEN TRUE END"


def withdrawal_symptoms(feature: ComputedFeature, columns: Columns) -> str:
    recent = columns.having(*feature.value_sets, days=feature.limits["days"])
    return yes_or(recent, columns.no_if(CONDITIONS_KNOWN))


# --- red flags --------------------------------------------------------------------------------------


def _sign(columns: Columns, *value_sets: str, days: float | None = None, active: bool = True) -> str:
    denied = [columns.denied(name) for name in value_sets]
    found = columns.having(*value_sets, active=active, days=days)
    absent = UNKNOWN if "FALSE" in denied else f"CASE WHEN {' AND '.join(denied)} THEN FALSE END"
    return yes_or(found, absent)


def _pain(columns: Columns, *value_sets: str) -> str:
    return yes_or(columns.having(*value_sets), columns.no_if(CONDITIONS_KNOWN))


def _some(values: Sequence[str]) -> str:
    return f"({' OR '.join(f'({value})' for value in values)})"


def cauda_equina_suspected(feature: ComputedFeature, columns: Columns) -> str:
    syndrome, pain, *signs = feature.value_sets
    new = _some([_sign(columns, sign, days=feature.limits["days"]) for sign in signs])
    return yes_or(columns.having(syndrome), f"(({_pain(columns, pain)}) AND {new})")


def back_pain_with_cancer_sign(feature: ComputedFeature, columns: Columns) -> str:
    pain, active, history, *signs = feature.value_sets
    cancer = columns.having(active, history, active=False)
    sign = yes_or(cancer, _some([_sign(columns, s) for s in signs]))
    return f"(({_pain(columns, pain)}) AND {sign})"


def neurological_signs(feature: ComputedFeature, columns: Columns) -> str:
    return _some([_sign(columns, v, days=feature.limits["days"]) for v in feature.value_sets])


def back_pain_with_infection_sign(feature: ComputedFeature, columns: Columns) -> str:
    pain, infection, fever_set, injected, immune, procedure = feature.value_sets
    limits = feature.limits
    signs = [
        _fever(feature, columns, fever_set, limits["fever_days"], limits["fever_celsius"]),
        _sign(columns, injected),
        _immunosuppressed(feature, columns, immune),
        _sign(columns, procedure, days=limits["procedure_days"], active=False),
    ]
    return yes_or(columns.having(infection), f"(({_pain(columns, pain)}) AND {_some(signs)})")


def _immunosuppressed(feature: ComputedFeature, columns: Columns, value_set: str) -> str:
    drugs = columns.any("taken", columns.groups.sure(feature.codes["immunosuppressants"]), "t.pool = 'c'")
    sure = f"({columns.having(value_set)} OR {drugs})"
    limits, steroids = feature.limits, feature.codes["steroids"]
    taken = columns.any("taken", columns.groups.sure(steroids), STEROID)
    by_steroid = steroid_for_long(steroids, columns, limits["prednisone_mg"], limits["prednisone_days"])
    return (
        f"CASE WHEN {sure} THEN TRUE WHEN {taken} AND ({by_steroid}) IS DISTINCT FROM FALSE "
        f"THEN {by_steroid} ELSE {columns.no_if(f'{CONDITIONS_KNOWN} AND {ALL_RECOGNISED}')} END"
    )


def _fever(feature: ComputedFeature, columns: Columns, value_set: str, days: float, celsius: float) -> str:
    measured = Result(columns, f"{feature.id}:temperature", days).value
    hot = f"({measured}) >= {number(celsius)}"
    known = f"WHEN ({measured}) IS NOT NULL THEN {hot} WHEN {columns.denied(value_set)} THEN FALSE"
    return f"CASE WHEN {columns.having(value_set, days=days)} THEN TRUE {known} END"


def temperature_suspect(columns: Columns) -> list[str]:
    """Temperatures are looked at where no fever is on record."""
    features, found = columns.knowledge.features, []
    if "fever" in features:
        fever_feature = features["fever"]
        (value_set,) = fever_feature.value_sets  # type: ignore[union-attr]
        days = fever_feature.limits["days"]  # type: ignore[union-attr]
        seen = columns.having(value_set, days=days)
        found.append(f"({Result(columns, 'fever:temperature', None).suspect} AND NOT {seen})")
    if "back_pain_with_infection_sign" in features:
        sign = features["back_pain_with_infection_sign"]
        _, infection, fever_set, *_ = sign.value_sets  # type: ignore[union-attr]
        seen = columns.having(fever_set, days=sign.limits["fever_days"])  # type: ignore[union-attr]
        suspect = Result(columns, "back_pain_with_infection_sign:temperature", None).suspect
        found.append(f"({suspect} AND NOT {seen} AND NOT {columns.having(infection)})")
    return found


def fever(feature: ComputedFeature, columns: Columns) -> str:
    (value_set,) = feature.value_sets
    answer = _fever(feature, columns, value_set, feature.limits["days"], feature.limits["celsius"])
    return f"COALESCE({answer}, {columns.no_if(CONDITIONS_KNOWN)})"


def back_pain_with_fracture_sign(feature: ComputedFeature, columns: Columns) -> str:
    pain, fracture, major, minor, osteoporosis = feature.value_sets
    days = feature.limits["days"]
    steroid_feature = columns.knowledge.features["long_term_steroid"]
    assert isinstance(steroid_feature, ComputedFeature)
    fragile = _some(
        [
            _pain(columns, osteoporosis),
            long_term_steroid(steroid_feature, columns),
            f"{AGE} > {number(feature.limits['age'])}",
        ]
    )
    trauma = f"(({_sign(columns, major, days=days)}) OR (({_sign(columns, minor, days=days)}) AND {fragile}))"
    return yes_or(columns.having(fracture, days=days), f"(({_pain(columns, pain)}) AND {trauma})")


def aneurysm_with_pain(feature: ComputedFeature, columns: Columns) -> str:
    aneurysm, *pains = feature.value_sets
    return f"(({_pain(columns, aneurysm)}) AND ({_pain(columns, *pains)}))"


def fracture_in_treated_region(feature: ComputedFeature, columns: Columns) -> str:
    """Regions are bits of a number: where a fracture is, and where the pain that is treated is."""
    fracture, pain = feature.value_sets
    recent = columns.held([fracture], days=feature.limits["days"])
    found, broken, nowhere = _places(columns, recent, "fracture_regions")
    treated = _treated(columns, pain, "fracture_regions")
    return (
        f"CASE WHEN NOT {found} THEN {columns.no_if(CONDITIONS_KNOWN)} "
        f"WHEN ({broken} & {treated}) <> 0 THEN TRUE WHEN {treated} = 0 OR {nowhere} THEN NULL ELSE FALSE END"
    )


def skin_infection_or_wound(feature: ComputedFeature, columns: Columns) -> str:
    skin, pain = feature.value_sets
    found, broken, nowhere = _places(columns, columns.held([skin]), "skin_regions")
    treated = _treated(columns, pain, "skin_regions")
    return (
        f"CASE WHEN NOT {found} THEN {columns.no_if(f'{CONDITIONS_KNOWN} OR {columns.denied(skin)}')} "
        f"ELSE ({broken} & {treated}) <> 0 OR {treated} = 0 OR {nowhere} END"
    )


def _places(columns: Columns, where: str, column: str) -> tuple[str, str, str]:
    """Whether there are such conditions, all the regions that they are in, and whether one names no region."""
    regions = columns.gather("conditions", f"BIT_OR(CASE WHEN {where} THEN b.{column} END)")
    found = columns.exists("conditions", where)
    return found, regions, columns.exists("conditions", f"{where} AND b.{column} = 0")


def _treated(columns: Columns, pain: str, column: str) -> str:
    """The regions that the plan names, else those of the latest pain."""
    named = columns.gather("taken", f"BIT_OR(CASE WHEN t.pool = 'p' THEN p.{column} END)")
    hurting = columns.of_latest("conditions", f"b.{column}", RANK, columns.held([pain]))
    return f"COALESCE(NULLIF({named}, 0), {hurting}, 0)"
