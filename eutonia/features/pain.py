"""Features of the pain in question, its red flags, and the signs around it. One function per feature file."""

import re
from collections.abc import Sequence
from datetime import date

from eutonia.dates import within
from eutonia.features.chart import Chart
from eutonia.features.diagnosis import Diagnosis
from eutonia.features.dosing import steroid_for_long
from eutonia.features.kinds import listing
from eutonia.features.results import latest
from eutonia.features.value import NO, UNKNOWN, Value, by_its_names
from eutonia.kleene import every, some
from eutonia.knowledge.safety import ComputedFeature


def index_pain(chart: Chart, value_sets: Sequence[str]) -> Diagnosis | None:
    """The active pain condition with the latest onset; None where none has one."""
    dated = [d for d in chart.having(*value_sets) if d.since is not None]
    return max(dated, key=lambda d: d.since.last if d.since else date.min, default=None)


@by_its_names
def index_pain_chronic(feature: ComputedFeature, chart: Chart) -> Value:
    chronic, _ = feature.value_sets
    pains = chart.having(*feature.value_sets)
    if not pains:
        return UNKNOWN
    index = index_pain(chart, feature.value_sets)
    undated = [d for d in pains if d.since is None]
    candidates = [d for d in (index, *undated) if d is not None]
    answers = [_chronic(d, chronic, feature, chart) for d in candidates]
    if len(set(answers)) != 1:
        return UNKNOWN
    return Value(answers[0], listing(candidates))


def _chronic(d: Diagnosis, value_set: str, feature: ComputedFeature, chart: Chart) -> bool | None:
    if value_set in d.value_sets:
        return True
    recent = within(d.since, feature.limits["days"], chart.as_of)
    return None if recent is None else not recent


@by_its_names
def chronic_low_back_pain(feature: ComputedFeature, chart: Chart) -> Value:
    low_back, chronic = feature.value_sets
    pains = chart.having(low_back, chronic)
    if not pains:
        return NO if chart.conditions_known else UNKNOWN
    answer = some(_chronic(d, chronic, feature, chart) for d in pains)
    return Value(answer, listing(pains)) if answer is not None else UNKNOWN


@by_its_names
def pain_nonmuscular_only(feature: ComputedFeature, chart: Chart) -> Value:
    """Every pain on record is of the listed kinds, and none is an acute pain of muscle."""
    pain, *others = feature.value_sets
    *nonmuscular, muscular = others
    pains = chart.having(pain, *nonmuscular, muscular)
    if not pains:
        return UNKNOWN
    only = all(d.value_sets & set(nonmuscular) and muscular not in d.value_sets for d in pains)
    return Value(only, listing(pains))


@by_its_names
def pain_musculoskeletal_only(feature: ComputedFeature, chart: Chart) -> Value:
    pain, spasticity = feature.value_sets
    if chart.having(spasticity):
        return NO
    pains = chart.having(pain)
    return Value(True, listing(pains)) if pains else UNKNOWN


@by_its_names
def withdrawal_symptoms(feature: ComputedFeature, chart: Chart) -> Value:
    """Signs that are active and did not begin long before; a sign without a date counts."""
    signs = chart.having(*feature.value_sets)
    recent = [d for d in signs if within(d.since, feature.limits["days"], chart.as_of) is not False]
    if recent:
        return Value(True, listing(recent))
    return NO if chart.conditions_known else UNKNOWN


# --- red flags --------------------------------------------------------------------------------------


def _sign(chart: Chart, *value_sets: str, days: float | None = None, active: bool = True) -> bool | None:
    """Whether a sign is there: yes, denied, or not spoken of (unknown)."""
    found = chart.having(*value_sets, active=active)
    if days is not None:
        found = [d for d in found if within(d.since, days, chart.as_of) is not False]
    if found:
        return True
    denied = set(value_sets) <= chart.denied or "red-flags" in chart.denied
    return False if denied else None


def _evidence(chart: Chart, feature: ComputedFeature) -> str:
    return listing(chart.having(*feature.value_sets))


def _flag(chart: Chart, feature: ComputedFeature, answer: bool | None) -> Value:
    return Value(answer, _evidence(chart, feature)) if answer else Value(answer)


def _pain(chart: Chart, *value_sets: str) -> bool | None:
    if chart.having(*value_sets):
        return True
    return False if chart.conditions_known else None


@by_its_names
def cauda_equina_suspected(feature: ComputedFeature, chart: Chart) -> Value:
    """The syndrome itself, or back pain with a new sign of it."""
    syndrome, pain, *signs = feature.value_sets
    if chart.having(syndrome):
        return _flag(chart, feature, True)
    new = some(_sign(chart, sign, days=feature.limits["days"]) for sign in signs)
    return _flag(chart, feature, every([_pain(chart, pain), new]))


@by_its_names
def back_pain_with_cancer_sign(feature: ComputedFeature, chart: Chart) -> Value:
    pain, active, history, *signs = feature.value_sets
    cancer = bool(chart.having(active, history, active=False))
    sign = True if cancer else some(_sign(chart, sign) for sign in signs)
    return _flag(chart, feature, every([_pain(chart, pain), sign]))


@by_its_names
def neurological_signs(feature: ComputedFeature, chart: Chart) -> Value:
    days = feature.limits["days"]
    return _flag(chart, feature, some(_sign(chart, sign, days=days) for sign in feature.value_sets))


@by_its_names
def back_pain_with_infection_sign(feature: ComputedFeature, chart: Chart) -> Value:
    pain, infection, fever_set, injected, immune, procedure = feature.value_sets
    if chart.having(infection):
        return _flag(chart, feature, True)
    limits = feature.limits
    fevered = _fever(feature, chart, fever_set, limits["fever_days"], limits["fever_celsius"])
    if _pain(chart, pain) is False:
        return NO
    signs = [
        fevered,
        _sign(chart, injected),
        _immunosuppressed(feature, chart, immune),
        _sign(chart, procedure, days=limits["procedure_days"], active=False),
    ]
    answer = every([_pain(chart, pain), some(signs)])
    drugs = [t.text for t in chart.current if t.belongs(feature.codes["immunosuppressants"])]
    return (
        Value(answer, "; ".join(filter(None, [_evidence(chart, feature), *drugs])))
        if answer
        else Value(answer)
    )


def _immunosuppressed(feature: ComputedFeature, chart: Chart, value_set: str) -> bool | None:
    """A condition or drug that suppresses immunity; low-dose steroid is none."""
    if chart.having(value_set) or any(t.belongs(feature.codes["immunosuppressants"]) for t in chart.current):
        return True
    steroids = [t for t in chart.current if t.belongs(feature.codes["steroids"]) and t.route == "systemic"]
    if steroids:
        limits = feature.limits
        answer = steroid_for_long(steroids, chart, limits["prednisone_mg"], limits["prednisone_days"]).known
        if answer is not False:
            return bool(answer) if answer else None
    return False if "red-flags" in chart.denied or (chart.conditions_known and chart.all_recognised) else None


def _fever(
    feature: ComputedFeature, chart: Chart, value_set: str, days: float, celsius: float
) -> bool | None:
    recent = [d for d in chart.having(value_set) if within(d.since, days, chart.as_of) is not False]
    if recent:
        return True
    measured = latest(
        chart,
        feature.id,
        feature.codes["temperature"],
        "Cel",
        (feature.limits["lowest"], feature.limits["highest"]),
        days=days,
        names=feature.codes["named"],
        title="Temperature",
    )
    chart.stale.pop(feature.id, None)  # an old temperature is no result that needs repeating
    if measured is not None:
        return measured.value >= celsius
    return False if value_set in chart.denied or "red-flags" in chart.denied else None


@by_its_names
def fever(feature: ComputedFeature, chart: Chart) -> Value:
    (value_set,) = feature.value_sets
    answer = _fever(feature, chart, value_set, feature.limits["days"], feature.limits["celsius"])
    if answer is None:
        return NO if chart.conditions_known else UNKNOWN
    return _flag(chart, feature, answer)


def back_pain_with_fracture_sign(feature: ComputedFeature, chart: Chart) -> Value:
    """Spinal fracture, major trauma, or minor trauma in someone whose bones may be fragile."""
    pain, fracture, major, minor, osteoporosis = feature.value_sets
    days = feature.limits["days"]
    recent = [d for d in chart.having(fracture) if within(d.since, days, chart.as_of) is not False]
    if recent:
        return Value(True, listing(recent))
    if _pain(chart, pain) is False:
        return NO
    years, steroid = chart.known("age"), chart.known("long_term_steroid")
    fragile = some(
        [
            bool(chart.having(osteoporosis)) or (False if chart.conditions_known else None),
            None if steroid is None else bool(steroid),
            None if years is None else float(years) > feature.limits["age"],
        ]
    )
    trauma = some([_sign(chart, major, days=days), every([_sign(chart, minor, days=days), fragile])])
    return _flag(chart, feature, every([_pain(chart, pain), trauma]))


@by_its_names
def aneurysm_with_pain(feature: ComputedFeature, chart: Chart) -> Value:
    aneurysm, *pains = feature.value_sets
    return _flag(chart, feature, every([_pain(chart, aneurysm), _pain(chart, *pains)]))


@by_its_names
def fracture_in_treated_region(feature: ComputedFeature, chart: Chart) -> Value:
    """A recent fracture where the hands would work; unknown where one of the two places is."""
    fracture, pain = feature.value_sets
    found = [(d, within(d.since, feature.limits["days"], chart.as_of)) for d in chart.having(fracture)]
    found = [(d, recent) for d, recent in found if recent is not False]
    if not found:
        return NO if chart.conditions_known else UNKNOWN
    treated = _treated_regions(feature, chart, pain)
    answer = some(every([recent, _same_place(d, treated, feature)]) for d, recent in found)
    return Value(answer, listing(d for d, _ in found)) if answer else Value(answer)


@by_its_names
def skin_infection_or_wound(feature: ComputedFeature, chart: Chart) -> Value:
    """Broken or infected skin, unless it is known to lie elsewhere than where the hands would work."""
    skin, pain = feature.value_sets
    found = chart.having(skin)
    if not found:
        return NO if chart.conditions_known or skin in chart.denied else UNKNOWN
    treated = _treated_regions(feature, chart, pain)
    near = [d for d in found if _same_place(d, treated, feature) is not False]
    return Value(True, listing(near)) if near else NO


def _same_place(d: Diagnosis, treated: set[str], feature: ComputedFeature) -> bool | None:
    """Whether a diagnosis lies in one of the treated regions; None where one of the two is not known."""
    place = _regions_of(feature, d)
    return bool(place & treated) if place and treated else None


def _treated_regions(feature: ComputedFeature, chart: Chart, pain: str) -> set[str]:
    named = [_regions(feature, "", f"{item.therapy or ''} {item.text}") for item, _ in chart.plan]
    if any(named):
        return set().union(*named)
    index = index_pain(chart, [pain])
    pains = [index] if index else chart.having(pain)
    return set().union(*(_regions_of(feature, d) for d in pains))


def _regions_of(feature: ComputedFeature, d: Diagnosis) -> set[str]:
    condition = d.condition
    return _regions(feature, condition.icd10cm or "", f"{condition.text} {condition.body_site or ''}")


def _regions(feature: ComputedFeature, code: str, text: str) -> set[str]:
    """The regions that a code or a text names; marks that begin with a capital are codes."""
    words = f" {' '.join(re.findall(r'[a-z]+', text.casefold()))} "
    return {
        region
        for region, marks in feature.codes.items()
        if any(
            (mark[0].isupper() and code.upper().startswith(mark)) or f" {mark} " in words for mark in marks
        )
    }
