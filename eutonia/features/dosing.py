"""Features of how drugs are taken: daily totals, single doses, length of use. One function per feature file.

The drug is the one that the feature file is about; nothing here knows any drug by name.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from eutonia.dates import within
from eutonia.features.chart import Chart
from eutonia.features.kinds import names
from eutonia.features.taken import Taken, one_reading, supply_end
from eutonia.features.value import NO, UNKNOWN, YES, Value
from eutonia.knowledge.safety import ComputedFeature


def _of(feature: ComputedFeature, pool: Iterable[Taken]) -> list[Taken]:
    return one_reading(t for t in pool if t.belongs(feature.about))


# --- doses ------------------------------------------------------------------------------------------


def _over_all(
    feature: ComputedFeature,
    chart: Chart,
    amount: Callable[[Taken], float | None],
    together: Callable[[list[float]], float],
) -> Value:
    """The amounts of all products together; 0 where none is taken, unknown where one of them is."""
    taken = _of(feature, chart.dosed)
    if not taken:
        return Value(0.0) if chart.all_recognised else UNKNOWN
    amounts = [amount(t) for t in taken]
    known = [mg for mg in amounts if mg is not None]
    return Value(together(known), names(taken)) if len(known) == len(amounts) else UNKNOWN


def _daily_mg(feature: ComputedFeature, chart: Chart) -> Value:
    return _over_all(feature, chart, lambda t: t.daily_mg, sum)


def _daily_mg_at_least(feature: ComputedFeature, chart: Chart) -> Value:
    taken = _of(feature, chart.dosed)
    return Value(sum(t.daily_mg or 0.0 for t in taken), names(t for t in taken if t.daily_mg))


carisoprodol_daily_mg = acetaminophen_daily_mg = tizanidine_daily_mg = _daily_mg
carisoprodol_daily_mg_at_least = acetaminophen_daily_mg_at_least = _daily_mg_at_least


def carisoprodol_single_mg(feature: ComputedFeature, chart: Chart) -> Value:
    return _over_all(feature, chart, lambda t: t.mg_per_dose, max)


def carisoprodol_dose_missing(feature: ComputedFeature, chart: Chart) -> Value:
    goes_on = [t for t in _of(feature, chart.dosed) if t.action in ("start", "continue")]
    return Value(any(t.daily_mg is None for t in goes_on))


def opioid_mme_per_day(feature: ComputedFeature, chart: Chart) -> Value:
    """Morphine equivalents once the plan is carried out; unknown where a dose or factor is."""
    parts = [_mme(t, chart) for t in _of(feature, chart.after)]
    if any(p is None for p in parts):
        return UNKNOWN
    if not parts and not chart.all_recognised:
        return UNKNOWN
    return Value(sum(p for p in parts if p is not None), names(_of(feature, chart.after)))


def opioid_mme_per_day_at_least(feature: ComputedFeature, chart: Chart) -> Value:
    taken = _of(feature, chart.after)
    return Value(sum(_mme(t, chart) or 0.0 for t in taken), names(taken))


def _mme(taken: Taken, chart: Chart) -> float | None:
    drug = chart.knowledge.drugs.get(taken.treatment)
    if drug is None:
        return None
    if taken.route == "transdermal" and drug.mme_per_mcg_h is not None:
        return None if taken.mg_per_hour is None else taken.mg_per_hour * 1000 * drug.mme_per_mcg_h
    if drug.mme_per_mg is None:
        return None
    return None if taken.daily_mg is None else taken.daily_mg * drug.mme_per_mg


def acetaminophen_in_two_products(feature: ComputedFeature, chart: Chart) -> Value:
    taken = _of(feature, chart.after)
    if len({t.product for t in taken}) >= 2:
        return Value(True, names(taken))
    return NO if chart.all_recognised else UNKNOWN


def plans_acetaminophen_alone(feature: ComputedFeature, chart: Chart) -> Value:
    for _, parts in chart.plan:
        if len(parts) == 1 and parts[0].belongs(feature.about) and parts[0].action in ("start", "continue"):
            return Value(True, parts[0].text)
    return NO


# --- products ---------------------------------------------------------------------------------------


def carisoprodol_strength_unapproved(feature: ComputedFeature, chart: Chart) -> Value:
    """Whether a tablet is of a strength that no approved product has, alone or in a combination."""
    taken = _of(feature, chart.involved)
    if not taken:
        return NO if chart.all_recognised else UNKNOWN
    answers = [(t, _approved(t, chart)) for t in taken]
    wrong = [t for t, approved in answers if approved is False]
    if wrong:
        return Value(True, names(wrong))
    goes_on = [approved for t, approved in answers if t.action != "stop"]
    return UNKNOWN if None in goes_on else NO


def _approved(taken: Taken, chart: Chart) -> bool | None:
    strengths = set(chart.knowledge.drugs[taken.treatment].strengths_mg)
    combined = {p.ingredients.get(taken.treatment) for p in chart.knowledge.products.values()} - {None}
    if taken.strength_mg is not None:
        return taken.strength_mg in strengths | combined
    return True if taken.mg_per_dose in strengths else None


def carisoprodol_product_unapproved(feature: ComputedFeature, chart: Chart) -> Value:
    words = feature.codes["words"]
    found = [
        t
        for t in _of(feature, chart.involved)
        if t.unapproved or any(word in t.text.casefold() for word in words)
    ]
    return Value(True, names(found)) if found else NO


def cyclobenzaprine_extended_release(feature: ComputedFeature, chart: Chart) -> Value:
    found = [
        t
        for t in _of(feature, chart.involved)
        if set(feature.codes["words"]) & set(re.findall(r"[a-z0-9]+", t.text.casefold()))
    ]
    return Value(True, names(found)) if found else NO


# --- length of use ----------------------------------------------------------------------------------


class Run(NamedTuple):
    """Use without a longer break than the feature allows: first day, last day, still in use."""

    first: date
    last: date
    goes_on: bool

    @property
    def days(self) -> int:
        return (self.last - self.first).days


def runs(feature: ComputedFeature, chart: Chart) -> list[Run] | None:
    """Courses up to as_of, oldest first; None where the start of a current one is not known."""
    spans: list[Run] = []
    in_use = _orders_in_use(chart)
    for taken in _of(feature, (*chart.past, *in_use)):
        end = supply_end(taken.start, taken.end, taken.days_supply)
        current = taken in in_use
        if taken.start is None:
            if current:
                return None
            continue
        last = chart.as_of if current else min(end.last, chart.as_of) if end else taken.start.last
        spans.append(Run(taken.start.first, last, current))
    return _join(spans, feature.limits.get("gap_days", 0))


def _orders_in_use(chart: Chart) -> list[Taken]:
    """Every order in use, repeated ones too: their dates tell how long a drug has been taken."""
    return [t for _, parts in chart.used for t in parts]


def _join(spans: Sequence[Run], gap_days: float) -> list[Run]:
    joined: list[Run] = []
    for span in sorted(spans):
        if joined and (span.first - joined[-1].last).days <= gap_days:
            before = joined[-1]
            joined[-1] = Run(before.first, max(before.last, span.last), before.goes_on or span.goes_on)
        else:
            joined.append(span)
    return joined


def _use_days(feature: ComputedFeature, chart: Chart) -> Value:
    """Length of the course that is going on, or that stopped within `recent_days`."""
    if not _of(feature, (*chart.current, *chart.past)):
        planned = _of(feature, chart.planned)
        if planned and all(t.action == "start" for t in planned):
            return Value(0.0)  # what is only started now has not been taken until now
        if not chart.all_recognised:
            return UNKNOWN
        claimed = [t for t in _of(feature, chart.planned) if t.action in ("continue", "stop", "taper")]
        return UNKNOWN if claimed else Value(0.0)
    courses = runs(feature, chart)
    if courses is None:
        return UNKNOWN
    recent = timedelta(days=feature.limits.get("recent_days", 0))
    last = [c for c in courses if c.goes_on or chart.as_of - c.last <= recent]
    return Value(float(last[-1].days), f"since {last[-1].first}") if last else Value(0.0)


carisoprodol_use_days = tizanidine_use_days = baclofen_use_days = _use_days


def carisoprodol_planned_days(feature: ComputedFeature, chart: Chart) -> Value:
    planned = [t.duration_days for t in _of(feature, chart.planned) if t.action in ("start", "continue")]
    if not planned:
        return Value(0.0)
    return UNKNOWN if None in planned else Value(max(p for p in planned if p is not None))


def _course_days(feature: ComputedFeature, chart: Chart) -> Value:
    """The course so far and as planned, counted as one where there is no break between."""
    planned = [t for t in _of(feature, chart.planned) if t.action in ("start", "continue")]
    so_far = _use_days(feature, chart)
    if not planned:
        return so_far
    if so_far.known is None and all(t.action == "start" for t in planned):
        so_far = Value(0.0)  # what is only started now has not been taken until now
    lengths = [t.duration_days for t in planned]
    known = [length for length in lengths if length is not None]
    if so_far.known is None or len(known) < len(lengths):
        return UNKNOWN
    return Value(
        float(so_far.known) + max(known), f"{float(so_far.known):g} days so far, {max(known):g} planned"
    )


carisoprodol_course_days = nsaid_course_days = _course_days


def short_term_relaxant_days(feature: ComputedFeature, chart: Chart) -> Value:
    """The longest course of one of the drugs, so far and as planned."""
    return _longest(feature, chart, _course_days)


def short_term_relaxant_use_days(feature: ComputedFeature, chart: Chart) -> Value:
    """The longest course of one of the drugs so far."""
    return _longest(feature, chart, _use_days)


def _longest(
    feature: ComputedFeature, chart: Chart, length: Callable[[ComputedFeature, Chart], Value]
) -> Value:
    spared = feature.codes["spared"]
    taken = [t for t in _of(feature, chart.involved) if not any(w in t.text.casefold() for w in spared)]
    answers = [length(_of_one(feature, drug), chart) for drug in sorted({t.treatment for t in taken})]
    if any(answer.known is None for answer in answers):
        return UNKNOWN
    return max(answers, key=lambda a: float(a.known or 0), default=Value(0.0))


@cache
def _of_one(feature: ComputedFeature, drug: str) -> ComputedFeature:
    """The same feature of one drug."""
    return replace(feature, about=(drug,))


def carisoprodol_duration_missing(feature: ComputedFeature, chart: Chart) -> Value:
    return Value(any(t.duration_days is None for t in _of(feature, chart.planned) if t.action == "start"))


def carisoprodol_repeat_courses(feature: ComputedFeature, chart: Chart) -> Value:
    limits = feature.limits
    recent = [
        t
        for t in _of(feature, (*chart.past, *_orders_in_use(chart)))
        if within(t.start, limits["days"], chart.as_of)
    ]
    prescribers = {t.prescriber for t in recent if t.prescriber}
    if len(prescribers) >= limits["prescribers"]:
        return Value(True, f"{len(prescribers)} prescribers")
    courses = [r for r in runs(feature, chart) or () if (chart.as_of - r.first).days <= limits["days"]]
    if len(courses) >= limits["courses"]:
        return Value(True, f"{len(courses)} courses")
    return NO if chart.list_known else UNKNOWN


def _stops(feature: ComputedFeature, chart: Chart) -> Value:
    stopped = [t for t in _of(feature, chart.planned) if t.action == "stop"]
    tapered = any(t.action == "taper" for t in _of(feature, chart.planned))
    return Value(True, names(stopped)) if stopped and not tapered else NO


stops_carisoprodol = stops_tizanidine = stops_baclofen = _stops


def carisoprodol_taper_planned(feature: ComputedFeature, chart: Chart) -> Value:
    return YES if any(t.action == "taper" for t in _of(feature, chart.planned)) else NO


def carisoprodol_stopped_or_cut(feature: ComputedFeature, chart: Chart) -> Value:
    """Long use that ended, or whose dose was cut, within the last days."""
    limits = feature.limits
    courses = runs(feature, chart)
    if courses is None or not chart.list_known:
        return UNKNOWN
    for course in courses:
        if course.days > limits["use_days"]:
            ended = not course.goes_on and (chart.as_of - course.last).days <= limits["days"]
            if ended:
                return Value(True, f"{course.days} days, stopped {course.last}")
            if course.goes_on and _cut(feature, chart):
                return Value(True, "dose cut by half or more")
    undated = [
        t for t in _of(feature, chart.past) if t.start and supply_end(t.start, t.end, t.days_supply) is None
    ]
    return UNKNOWN if undated else NO  # it ended, but the record does not say when


def _cut(feature: ComputedFeature, chart: Chart) -> bool:
    """Whether the dose in use began lately and is at most the stated share of the one before."""
    now = [t for t in _of(feature, chart.current) if t.daily_mg is not None]
    before = [t for t in _of(feature, chart.past) if t.daily_mg is not None and t.end is not None]
    if not now or not before:
        return False
    dose = sum(t.daily_mg or 0 for t in now)
    last = max(before, key=lambda t: t.end.last if t.end else date.min)
    begun = max((t.start for t in now if t.start), default=None, key=lambda s: s.last)
    recent = within(begun, feature.limits["days"], chart.as_of)
    return bool(recent) and dose <= feature.limits["cut"] * (last.daily_mg or 0)


def nonopioid_tried(feature: ComputedFeature, chart: Chart) -> Value:
    """Whether the list holds one of the treatments, now or before, outside a product with an opioid."""
    with_opioid = {t.entry for t in (*chart.current, *chart.past) if t.belongs(feature.about)}
    tried = [
        t
        for t in (*chart.current, *chart.past)
        if t.entry not in with_opioid and t.belongs(feature.codes["treatments"])
    ]
    if tried:
        return Value(True, names(tried))
    return NO if chart.all_recognised else UNKNOWN


def long_term_steroid(feature: ComputedFeature, chart: Chart) -> Value:
    """A systemic steroid at or above the stated prednisone-equivalent dose for long enough."""
    taken = [t for t in _of(feature, chart.current) if t.route == "systemic"]
    if not taken:
        return NO if chart.all_recognised else UNKNOWN
    return steroid_for_long(taken, chart, feature.limits["mg"], feature.limits["days"])


def steroid_for_long(taken: Sequence[Taken], chart: Chart, mg: float, days: float) -> Value:
    answers = []
    for t in taken:
        drug = chart.knowledge.drugs.get(t.treatment)
        factor = drug.prednisone_mg_per_mg if drug else None
        dose = None if t.daily_mg is None or factor is None else t.daily_mg * factor
        long = None if t.start is None else (chart.as_of - t.start.last).days >= days
        enough = None if dose is None else dose >= mg
        answers.append(
            False if long is False or enough is False else None if None in (long, enough) else True
        )
    if True in answers:
        return Value(True, names(taken))
    return UNKNOWN if None in answers else NO
