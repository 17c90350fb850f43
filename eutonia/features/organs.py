"""Features of liver and kidney, and of the record itself. One function per feature file."""

import re
from collections.abc import Mapping

from eutonia.dates import within
from eutonia.features.chart import Chart
from eutonia.features.kinds import listing
from eutonia.features.results import Result, latest, readings
from eutonia.features.value import NO, UNKNOWN, YES, Value, by_its_names, rounded
from eutonia.kleene import every, some
from eutonia.knowledge.safety import ComputedFeature


@by_its_names
def egfr(feature: ComputedFeature, chart: Chart) -> Value:
    """The newest filtration rate: as reported, or from creatinine by CKD-EPI 2021."""
    limits = feature.limits
    creatinine = feature.codes["creatinine"]
    reported = [code for code in feature.loinc if code not in creatinine]
    rate = latest(
        chart,
        feature.id,
        reported,
        feature.unit,
        (limits["lowest"], limits["highest"]),
        days=limits["days"],
        names=feature.codes["named"],
        title="eGFR",
    )
    level = latest(
        chart,
        feature.id,
        creatinine,
        "mg/dL",
        (limits["creatinine_lowest"], limits["creatinine_highest"]),
        days=limits["days"],
        names=feature.codes["creatinine_named"],
        molar_mass=limits["creatinine_g_mol"],
        title="Creatinine",
    )
    if level is not None and (rate is None or _newer(level, rate)):
        computed = _ckd_epi_2021(level.value, chart.known("age"), chart.case.patient.sex, limits)
        if computed is not None:
            _forget(feature, chart)
            return Value(rounded(computed, 1), f"eGFR {computed:.0f} by CKD-EPI 2021 from {level}")
    if rate is None:
        return UNKNOWN
    _forget(feature, chart)
    return Value(rate.value, str(rate))


def _forget(feature: ComputedFeature, chart: Chart) -> None:
    """A usable result makes an unusable one beside it unimportant."""
    chart.stale.pop(feature.id, None)


def _newer(a: Result, b: Result) -> bool:
    return a.when is not None and (b.when is None or a.when.last > b.when.last)


def _ckd_epi_2021(
    creatinine: float, age: object, sex: str | None, figures: Mapping[str, float]
) -> float | None:
    """Filtration rate in mL/min/1.73 m² from serum creatinine in mg/dL; None in children or without age and sex."""
    if not isinstance(age, float) or age < figures["adult"] or sex not in ("male", "female"):
        return None
    ratio = creatinine / figures[f"normal_{sex}"]
    below, above = min(ratio, 1) ** figures[f"below_{sex}"], max(ratio, 1) ** figures["above"]
    return float(figures["at_normal"] * below * above * figures["each_year"] ** age * figures[sex])


@by_its_names
def _times_uln(feature: ComputedFeature, chart: Chart) -> Value:
    """A liver enzyme over the upper limit of normal: the laboratory's own, else the usual one."""
    limits = feature.limits
    span = limits["lowest"], limits["highest"]
    short = feature.id.split("_")[0]
    told = _multiple_told(feature, chart)
    if told is not None:
        return told
    result = latest(
        chart,
        feature.id,
        feature.loinc,
        "U/L",
        span,
        days=limits["days"],
        names=feature.codes["named"],
        title=short.upper(),
    )
    if result is None:
        return UNKNOWN
    return Value(rounded(result.value / (result.reference_high or limits["uln"]), 3), str(result))


def _multiple_told(feature: ComputedFeature, chart: Chart) -> Value | None:
    """The newest result where it is written as a multiple itself: “5x ULN”."""
    for reading in readings(chart, feature.loinc, feature.codes["named"])[:1]:
        said = _MULTIPLE.fullmatch(f"{reading.value} {reading.unit or ''}".casefold().strip())
        if said and within(reading.when, feature.limits["days"], chart.as_of) is not False:
            return Value(float(said[1]), f"{reading.name} {reading.value}")
    return None


_MULTIPLE = re.compile(
    r"[>~]?\s*(\d+(?:\.\d+)?)\s*(?:x|×|times|fold)\s*(?:the\s+)?(?:uln|upper limit(?: of normal)?|normal)"
)


alt_x_uln = ast_x_uln = _times_uln


@by_its_names
def liver_failure(feature: ComputedFeature, chart: Chart) -> Value:
    """Failure itself, or cirrhosis with a sign that it is decompensated."""
    failure, cirrhosis, sign = feature.value_sets
    grave = chart.having(failure)
    if not grave and chart.having(cirrhosis) and chart.having(sign):
        grave = chart.having(cirrhosis, sign)
    if grave:
        return Value(True, listing(grave))
    return NO if chart.conditions_known or failure in chart.denied else UNKNOWN


@by_its_names
def liver_disease_moderate_or_severe(feature: ComputedFeature, chart: Chart) -> Value:
    any_disease, failure, cirrhosis = feature.value_sets
    grave = chart.having(failure, cirrhosis)
    if grave:
        return Value(True, listing(grave))
    return NO if chart.conditions_known and not chart.having(any_disease) else UNKNOWN


def renal_result_missing(feature: ComputedFeature, chart: Chart) -> Value:
    """No result within a year in someone old, or with an illness that harms kidneys."""
    kidney = chart.knowledge.features["egfr"]
    assert isinstance(kidney, ComputedFeature)
    recent = [
        r
        for r in readings(chart, kidney.loinc, (*kidney.codes["named"], *kidney.codes["creatinine_named"]))
        if r.when and (chart.as_of - r.when.last).days <= feature.limits["days"]
    ]
    if recent:
        return NO
    age = chart.known("age")
    ill = bool(chart.having(*feature.value_sets)) or (False if chart.conditions_known else None)
    old = None if age is None else float(age) >= feature.limits["age"]
    return Value(every([True, some([old, ill])]))


# --- the record itself ------------------------------------------------------------------------------


def medication_unrecognised(_: ComputedFeature, chart: Chart) -> Value:
    """Whether it is open which drugs an entry names: none that is known here, or others by code than by text."""
    differ = (f"{entry}: its code and its text name different drugs" for entry in chart.contradictory)
    open_ = "; ".join([*chart.unrecognised, *differ])
    return Value(True, open_) if open_ else NO


def allergies_unknown(_: ComputedFeature, chart: Chart) -> Value:
    case = chart.case
    listed = case.allergies if case.no_known_allergies is None else case.allergies or None
    return NO if case.no_known_allergies or listed is not None else YES


def plans_drug(_: ComputedFeature, chart: Chart) -> Value:
    drugs = [t for t in chart.planned if t.treatment not in chart.knowledge.therapies]
    unknown = [
        item for item, parts in chart.plan if not parts and item.action != "assess" and not item.therapy
    ]
    return Value(bool(drugs or unknown))


def plans_treatment(_: ComputedFeature, chart: Chart) -> Value:
    return Value(bool(chart.plan))


def unit_suspect(_: ComputedFeature, chart: Chart) -> Value:
    found = (*chart.suspect.values(), *_doses_without_unit(chart), *chart.wrong_amounts)
    return Value(True, "; ".join(found)) if found else NO


def _doses_without_unit(chart: Chart) -> list[str]:
    return [
        f"{entry.text or 'A medicine'}: dose {entry.dose:g} without a unit"
        for entry, _ in (*chart.used, *chart.plan)
        if entry.dose is not None and not (entry.unit or "").strip()
    ]


def lab_stale(_: ComputedFeature, chart: Chart) -> Value:
    needed = chart.needed if chart.stale else ()
    found = [written for feature, written in chart.stale.items() if feature in needed]
    return Value(True, "; ".join(found)) if found else NO
