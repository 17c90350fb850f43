"""Computed features of how drugs are taken, as SQL: the counterpart of `features/dosing.py`, name for name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eutonia.knowledge.safety import ComputedFeature
from eutonia.screening.columns import (
    ALL_RECOGNISED,
    LIST_KNOWN,
    Columns,
    number,
    yes_or,
)

DOSED = "t.goes_on"
"""Entries whose doses add up: what is once the plan is carried out (the plan never stops a drug here)."""


def _of(feature: ComputedFeature, columns: Columns) -> str:
    """Whether a row is about one of the feature's drugs."""
    return columns.belongs(feature.about)


def _any(feature: ComputedFeature, columns: Columns, where: str = "TRUE") -> str:
    """Whether one of the feature's drugs is in a row of `taken` that holds `where`."""
    return columns.any("taken", columns.groups.sure(feature.about), where)


# --- doses ------------------------------------------------------------------------------------------


def _total(feature: ComputedFeature, columns: Columns, aggregate: str, value: str) -> str:
    where = f"{_of(feature, columns)} AND {DOSED}"
    taken, missing = _any(feature, columns, DOSED), _any(feature, columns, f"{DOSED} AND {value} IS NULL")
    total = columns.gather("taken", f"{aggregate}(CASE WHEN {where} THEN {value} END)")
    none = columns.keep(f"CASE WHEN {ALL_RECOGNISED} THEN 0.0 END")
    return f"CASE WHEN NOT {taken} THEN {none} WHEN {missing} THEN NULL ELSE {total} END"


def _daily_mg(feature: ComputedFeature, columns: Columns) -> str:
    return _total(feature, columns, "SUM", "t.daily")


def _daily_mg_at_least(feature: ComputedFeature, columns: Columns) -> str:
    return columns.sum("taken", "t.daily", f"{_of(feature, columns)} AND {DOSED}")


carisoprodol_daily_mg = acetaminophen_daily_mg = tizanidine_daily_mg = _daily_mg
carisoprodol_daily_mg_at_least = acetaminophen_daily_mg_at_least = _daily_mg_at_least


def carisoprodol_single_mg(feature: ComputedFeature, columns: Columns) -> str:
    return _total(feature, columns, "MAX", "t.mg")


def carisoprodol_dose_missing(feature: ComputedFeature, columns: Columns) -> str:
    return _any(feature, columns, "t.pool = 'p' AND t.daily IS NULL")


def opioid_mme_per_day(feature: ComputedFeature, columns: Columns) -> str:
    where = f"{_of(feature, columns)} AND {DOSED}"
    missing = _any(feature, columns, f"{DOSED} AND {_MME} IS NULL")
    none = f"NOT {_any(feature, columns, DOSED)} AND NOT {ALL_RECOGNISED}"
    return f"CASE WHEN {missing} OR ({none}) THEN NULL ELSE {columns.sum('taken', _MME, where)} END"


def opioid_mme_per_day_at_least(feature: ComputedFeature, columns: Columns) -> str:
    return columns.sum("taken", _MME, f"{_of(feature, columns)} AND {DOSED}")


_MME = (
    "CASE WHEN p.route = 'transdermal' AND p.mme_by_rate IS NOT NULL THEN t.per_hour * 1000 * p.mme_by_rate "
    "ELSE t.daily * p.mme END"
)


def acetaminophen_in_two_products(feature: ComputedFeature, columns: Columns) -> str:
    where = f"{_of(feature, columns)} AND {DOSED}"
    first, last = (
        columns.gather("taken", f"{end}(CASE WHEN {where} THEN p.product END)") for end in ("MIN", "MAX")
    )
    return yes_or(f"COALESCE({first} <> {last}, FALSE)", columns.no_if(ALL_RECOGNISED))


def plans_acetaminophen_alone(feature: ComputedFeature, columns: Columns) -> str:
    return _any(feature, columns, "t.pool = 'p' AND p.alone")


# --- products ---------------------------------------------------------------------------------------


def carisoprodol_strength_unapproved(feature: ComputedFeature, columns: Columns) -> str:
    none = f"CASE WHEN NOT {_any(feature, columns)} THEN {columns.no_if(ALL_RECOGNISED)}"
    strengths = {
        mg
        for name in feature.about
        if name in columns.knowledge.drugs
        for mg in columns.knowledge.drugs[name].strengths_mg
    }
    listed = f"COALESCE(t.mg_stated IN ({', '.join(map(number, sorted(strengths))) or '-1'}), FALSE)"
    wrong = _any(feature, columns, "p.strength IS NOT NULL AND NOT p.strength_ok")
    open_ = _any(feature, columns, f"p.strength IS NULL AND NOT {listed}")
    return f"{none} WHEN {wrong} THEN TRUE WHEN {open_} THEN NULL ELSE FALSE END"


def carisoprodol_product_unapproved(feature: ComputedFeature, columns: Columns) -> str:
    return _any(feature, columns, "p.unapproved")


def cyclobenzaprine_extended_release(feature: ComputedFeature, columns: Columns) -> str:
    return _any(feature, columns, "p.extended")


# --- length of use ----------------------------------------------------------------------------------


def _followed(feature: ComputedFeature, columns: Columns) -> str:
    """Whether a run is of the feature's drugs."""
    return f"t.run = {columns.groups.follow(feature.about, feature.limits.get('gap_days', 0))}"


def _use_days(feature: ComputedFeature, columns: Columns) -> str:
    run = _followed(feature, columns)
    recent = number(feature.limits.get("recent_days", 0))
    where = f"{run} AND (t.goes_on OR t.day - t.last_day <= {recent})"
    days = f"{columns.max('runs', 't.last_day', where)} - {columns.max('runs', 't.first_day', where)}"
    before = columns.before(feature.about)
    claimed = _any(feature, columns, "t.pool = 'p' AND t.action = 'continue'")
    started = _any(feature, columns, "t.pool = 'p' AND t.action = 'start'")
    none = f"CASE WHEN {started} OR ({ALL_RECOGNISED} AND NOT {claimed}) THEN 0.0 END"
    taken = f"({_any(feature, columns, NOW)} OR {before})"
    return columns.keep(f"CASE WHEN NOT {taken} THEN {none} ELSE CAST(COALESCE({days}, 0) AS DOUBLE) END")


NOW = "t.pool = 'c'"


carisoprodol_use_days = tizanidine_use_days = baclofen_use_days = _use_days


def carisoprodol_planned_days(feature: ComputedFeature, columns: Columns) -> str:
    planned = _any(feature, columns, "t.pool = 'p'")
    return f"CASE WHEN {planned} THEN CAST(days AS DOUBLE) ELSE 0.0 END"


def _course_days(feature: ComputedFeature, columns: Columns) -> str:
    planned = _any(feature, columns, "t.pool = 'p'")
    so_far = _use_days(feature, columns)
    before = f"CASE WHEN action = 'start' THEN COALESCE({so_far}, 0.0) ELSE {so_far} END"
    return columns.keep(f"CASE WHEN {planned} THEN {before} + days ELSE {so_far} END")


carisoprodol_course_days = nsaid_course_days = _course_days


def short_term_relaxant_days(feature: ComputedFeature, columns: Columns) -> str:
    return _longest(feature, columns, planned=True)


def short_term_relaxant_use_days(feature: ComputedFeature, columns: Columns) -> str:
    return _longest(feature, columns, planned=False)


def _longest(feature: ComputedFeature, columns: Columns, *, planned: bool) -> str:
    length = _course_days if planned else _use_days
    drugs = [name for name in columns.treatments if name in feature.about]
    if not drugs:
        return "0.0"
    taken = [columns.any("taken", columns.groups.sure((drug,)), "NOT p.spared") for drug in drugs]
    lengths = [f"({length(replace(feature, about=(drug,)), columns)})" for drug in drugs]
    pairs = list(zip(taken, lengths, strict=True))
    unknown = " OR ".join(f"({now} AND {days} IS NULL)" for now, days in pairs)
    each = ", ".join(f"CASE WHEN {now} THEN {days} ELSE 0.0 END" for now, days in pairs)
    return f"CASE WHEN {unknown} THEN NULL ELSE GREATEST(0.0, {each}) END"


def carisoprodol_duration_missing(feature: ComputedFeature, columns: Columns) -> str:
    started = _any(feature, columns, "t.pool = 'p' AND t.action = 'start'")
    return f"(days IS NULL AND {started})"


def carisoprodol_repeat_courses(feature: ComputedFeature, columns: Columns) -> str:
    limits, belongs = feature.limits, _of(feature, columns)
    columns.groups.remember(feature.about)
    recent = f"{belongs} AND NOT t.starts AND t.day - t.start_day <= {number(limits['days'])}"
    prescribers = columns.gather("listed", f"COUNT(DISTINCT CASE WHEN {recent} THEN t.provider END)")
    run = f"{_followed(feature, columns)} AND t.day - t.first_day <= {number(limits['days'])}"
    courses = columns.count("runs", run)
    many = f"COALESCE({prescribers}, 0) >= {number(limits['prescribers'])} OR {courses} >= {number(limits['courses'])}"
    return yes_or(f"({many})", columns.no_if(LIST_KNOWN))


def _stops(_: ComputedFeature, __: Columns) -> str:
    """The plan of an episode starts or continues a drug; it stops none."""
    return "FALSE"


stops_carisoprodol = stops_tizanidine = stops_baclofen = carisoprodol_taper_planned = _stops


def carisoprodol_stopped_or_cut(feature: ComputedFeature, columns: Columns) -> str:
    limits, belongs = feature.limits, _of(feature, columns)
    columns.groups.remember(feature.about)
    run = f"{_followed(feature, columns)} AND t.last_day - t.first_day > {number(limits['use_days'])}"
    ended = columns.exists(
        "runs", f"{run} AND NOT t.goes_on AND t.day - t.last_day <= {number(limits['days'])}"
    )
    goes_on = columns.exists("runs", f"{run} AND t.goes_on")
    now = f"t.pool = 'c' AND {belongs} AND t.daily IS NOT NULL"
    dose = columns.gather("taken", f"SUM(CASE WHEN {now} THEN t.daily END)")
    begun = columns.max("taken", "t.start_day", now)
    rank = "CAST(t.end_day AS BIGINT) * 1000000 - t.nth"
    before = columns.of_latest("past", "t.daily", rank, f"{belongs} AND t.daily IS NOT NULL")
    cut = f"day - {begun} <= {number(limits['days'])} AND {dose} <= {limits['cut']!r} * {before}"
    answer = f"{ended} OR ({goes_on} AND COALESCE({cut}, FALSE))"
    return f"CASE WHEN NOT {LIST_KNOWN} THEN NULL ELSE {answer} END"


def nonopioid_tried(feature: ComputedFeature, columns: Columns) -> str:
    treatments = feature.codes["treatments"]
    now = columns.any("taken", columns.groups.sure(treatments), "t.pool = 'c' AND NOT p.with_opioid")
    before = columns.before(treatments, "NOT p.with_opioid")
    tried = f"({now} OR {before})"
    return yes_or(tried, columns.no_if(ALL_RECOGNISED))


def long_term_steroid(feature: ComputedFeature, columns: Columns) -> str:
    none = f"CASE WHEN NOT {_any(feature, columns, STEROID)} THEN {columns.no_if(ALL_RECOGNISED)}"
    answer = steroid_for_long(feature.about, columns, feature.limits["mg"], feature.limits["days"])
    return f"{none} ELSE {answer} END"


STEROID = "t.pool = 'c' AND p.route = 'systemic'"
"""Rows in which a steroid counts."""


def steroid_for_long(names: Sequence[str], columns: Columns, mg: float, days: float) -> str:
    """Whether one of `names` is dosed and taken for long enough, or may be."""
    bit = columns.groups.sure(names)
    long = f"t.day - t.start_day >= {number(days)}"
    enough = f"t.daily * p.steroid >= {number(mg)}"
    true = columns.any("taken", bit, f"{STEROID} AND {long} AND {enough}")
    open_ = columns.any("taken", bit, f"{STEROID} AND {long} AND ({enough}) IS NULL")
    return f"CASE WHEN {true} THEN TRUE WHEN {open_} THEN NULL ELSE FALSE END"
