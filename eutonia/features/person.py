"""Features of the person: age, pregnancy, work, drinking, genes. One function per feature file."""

import re
from collections.abc import Iterable, Sequence
from datetime import date

from eutonia.dates import Span, days_ago, within
from eutonia.features.chart import Chart
from eutonia.features.diagnosis import truth_of
from eutonia.features.drinking import drinks_a_week
from eutonia.features.results import latest, number_in, readings
from eutonia.features.value import NO, UNKNOWN, Value, by_its_names
from eutonia.knowledge.safety import ComputedFeature
from eutonia.knowledge.senses import words_in


def age(_: ComputedFeature, chart: Chart) -> Value:
    """Completed years at as_of, as stated or from the date of birth."""
    patient = chart.case.patient
    if patient.age_years is not None:
        return Value(float(int(patient.age_years)), f"{patient.age_years:g} years")
    if patient.birth_date is None:
        return UNKNOWN
    exact = patient.birth_date.first == patient.birth_date.last
    note = "" if exact else ", day not known: the age reached this year"
    born = patient.birth_date.last if exact else patient.birth_date.first
    return Value(float(_years(born, chart.as_of, exact)), f"born {patient.birth_date}{note}")


def _years(born: date, as_of: date, exact: bool) -> int:
    early = exact and (as_of.month, as_of.day) < (born.month, born.day)
    return as_of.year - born.year - early


def age_missing(feature: ComputedFeature, chart: Chart) -> Value:
    return Value(age(feature, chart).known is None)


def weight_kg(feature: ComputedFeature, chart: Chart) -> Value:
    if chart.case.patient.weight_kg is not None:
        return Value(chart.case.patient.weight_kg, f"{chart.case.patient.weight_kg:g} kg")
    limits = feature.limits
    span = limits["lowest"], limits["highest"]
    named, days = feature.codes["named"], limits["days"]
    result = latest(chart, feature.id, feature.loinc, "kg", span, days=days, names=named, title="Weight")
    return Value(result.value, str(result)) if result else UNKNOWN


def region(feature: ComputedFeature, chart: Chart) -> Value:
    """The code of the country: as written, by its name, or the part before the subdivision (`DE-BY`)."""
    text = (chart.case.region or "").strip()
    if not text:
        return UNKNOWN
    named = next((code for code, names in feature.codes.items() if text.casefold() in names), None)
    code = named or text.upper().split("-")[0]
    return Value(code, text) if len(code) == 2 or code == "EEA" else UNKNOWN


# --- pregnancy --------------------------------------------------------------------------------------


def pregnant(feature: ComputedFeature, chart: Chart) -> Value:
    """The newest dated statement wins; a pregnancy that began 42 weeks ago or more is over."""
    said = _pregnancy_statements(feature, chart)
    if said:
        when, yes, written = max(said, key=lambda s: (s[0], s[1]))
        too_old = not yes and (chart.as_of - when).days > feature.limits["days_negative"]
        if not (too_old and _could_be_pregnant(feature, chart) is not False):
            return Value(yes, written)
    return NO if _could_be_pregnant(feature, chart) is False else UNKNOWN


def _pregnancy_statements(feature: ComputedFeature, chart: Chart) -> list[tuple[date, bool, str]]:
    said = []
    longest = feature.limits["weeks"] * 7
    for reading in readings(chart, feature.codes["status"], feature.codes["named"]):
        answer = _word(str(reading.value), feature.codes)
        over = answer and reading.when and (chart.as_of - reading.when.last).days >= longest
        if answer is not None and not over:
            said.append((_day(reading.when), answer, f"{reading.value} ({reading.when})"))
    begun, ended = feature.value_sets
    for d in chart.having(begun):
        ago = days_ago(d.condition.onset, chart.as_of)
        if ago is None or ago[1] < longest:
            said.append((_day(d.since), True, str(d)))
    said += [(_day(d.since), False, str(d)) for d in chart.having(ended, active=False)]
    return said


def _word(value: str, codes: dict[str, tuple[str, ...]]) -> bool | None:
    """What a status says: by its code, or by its words ("Not currently pregnant", "Yes - breastfeeding")."""
    text = re.sub(r"\((?:finding|situation|qualifier value)\)$", "", value.casefold().strip()).strip()
    for key, said in (("not", False), ("yes", True)):
        if text in {each.casefold() for each in codes[key]}:
            return said
    words = words_in(text)
    if _find(words, codes["doubt"]) is not None:
        return None
    at = _find(words, codes["yes"])
    if at is not None:
        return not NEGATORS.intersection((*words[:at], words[-1]))
    return False if _find(words, codes["not"]) is not None else truth_of(value)


def _find(words: Sequence[str], cues: Iterable[str]) -> int | None:
    """Where the first of the cues stands among words."""
    spans = [tuple(words_in(cue)) for cue in cues]
    return next(
        (at for at in range(len(words)) for span in spans if tuple(words[at : at + len(span)]) == span), None
    )


NEGATORS = frozenset(("no", "not", "never", "non", "denies", "negative", "stopped", "ceased", "weaned"))
"""Words before a state, or at the end of an answer, that say it is not so."""


def _day(when: Span | None) -> date:
    return when.last if when else date.min


def _could_be_pregnant(feature: ComputedFeature, chart: Chart) -> bool | None:
    """By sex and age; None where one of them is not known and would decide."""
    sex, years = chart.case.patient.sex, age(feature, chart).known
    if sex == "male":
        return False
    if years is not None and not feature.limits["youngest"] <= float(years) <= feature.limits["oldest"]:
        return False
    return True if sex == "female" and years is not None else None


def gestation(feature: ComputedFeature, chart: Chart) -> Value:
    """not-pregnant, before-20, 20-to-29, 30-or-more, or stage-unknown in a pregnancy of unknown length."""
    state = chart.value("pregnant")
    if state.known is None:
        return UNKNOWN
    if not state.known:
        return Value("not-pregnant")
    weeks = _weeks(feature, chart)
    if weeks is None:
        return Value("stage-unknown", state.evidence)
    band = "before-20" if weeks < 20 else "20-to-29" if weeks < 30 else "30-or-more"
    whole, days = divmod(round(weeks * 7), 7)
    return Value(band, f"{whole} weeks and {days} days" if days else f"{whole} weeks")


def _weeks(feature: ComputedFeature, chart: Chart) -> float | None:
    """Weeks at as_of by the newest of: weeks measured, date due, and weeks in a diagnosis code."""
    stages: list[tuple[date, float]] = []
    codes, limits = feature.codes, feature.limits
    span = limits["lowest"], limits["highest"]
    result = latest(chart, feature.id, codes["weeks"], "d", span, names=codes["weeks_named"])
    if result and result.when:
        stages.append((result.when.last, result.value + (chart.as_of - result.when.last).days))
    for reading in readings(chart, codes["due"], codes["due_named"]):
        due = re.match(r"\d{4}-\d{2}-\d{2}", str(reading.value))
        if due:
            left = (date.fromisoformat(due[0]) - chart.as_of).days
            stages.append((_day(reading.when), limits["term"] - left))
    for d in chart.having(*feature.value_sets):
        told = gestation_told(d.condition.icd10cm, d.condition.text)
        if told is not None and d.since:
            stages.append((d.since.last, told + (chart.as_of - d.since.last).days))
    return max(stages)[1] / 7 if stages else None


def gestation_told(icd10cm: str | None, text: str) -> int | None:
    """Days of gestation in a diagnosis: by its code, “24 weeks gestation”, “29w4d”, “31+2 weeks”."""
    coded = re.fullmatch(r"Z3A\.?([1-4]\d|0[89])", (icd10cm or "").upper())
    if coded:
        return int(coded[1]) * 7
    said = re.search(_WEEKS, text.casefold())
    return int(said[1]) * 7 + int(said[2] or said[3] or 0) if said else None


_WEEKS = (
    r"\b([1-4]?\d)(?:\s*\+\s*([0-6]))?\s*-?\s*(?:weeks?|wks?|w)(?![a-z])\.?"
    r"\s*(?:and\s+)?(?:([0-6])\s*(?:days?|d)\b)?"
)


def pregnancy_status_missing(feature: ComputedFeature, chart: Chart) -> Value:
    if chart.known("pregnant") is not None:
        return NO
    sex, years = chart.case.patient.sex, age(feature, chart).known
    fertile = years is not None and feature.limits["youngest"] <= float(years) <= feature.limits["oldest"]
    return Value(sex != "male" and fertile)


def breastfeeding(feature: ComputedFeature, chart: Chart) -> Value:
    for reading in readings(chart, feature.codes["status"], feature.codes["named"]):
        answer = _word(str(reading.value), feature.codes)
        if answer is not None:
            return Value(answer, f"{reading.value} ({reading.when})")
    found = chart.having(*feature.value_sets)
    if found:
        return Value(True, "; ".join(map(str, found)))
    return NO if _could_be_pregnant(feature, chart) is False else UNKNOWN


# --- falls, work, drinking, genes --------------------------------------------------------------------------


@by_its_names
def falls_history(feature: ComputedFeature, chart: Chart) -> Value:
    """Falls on the problem list, or a count of two or more within a year."""
    (falls,) = feature.value_sets
    found = chart.having(falls)
    if found:
        return Value(True, "; ".join(map(str, found)))
    for reading in readings(chart, (), feature.codes["names"]):
        number = re.fullmatch(r"\d+(\.\d+)?", str(reading.value).strip())
        if number and within(reading.when, feature.limits["days"], chart.as_of) is not False:
            return Value(float(number[0]) >= feature.limits["falls"], f"{reading.name}: {number[0]}")
    return NO if chart.conditions_known or falls in chart.denied else UNKNOWN


def safety_critical_work(feature: ComputedFeature, chart: Chart) -> Value:
    said = [chart.case.patient.occupation or ""]
    said += [str(r.value) for r in readings(chart, feature.codes["occupation"], feature.codes["named"])]
    for text in filter(None, said):
        if truth_of(text) is not None:
            return Value(truth_of(text), text)
        words = set(re.findall(r"[a-z]+", text.casefold()))
        words |= {word.removesuffix("s") for word in words}
        if any(set(w.split()) <= words for w in feature.codes["safe_words"]):
            return Value(False, text)
        return Value(any(set(w.split()) <= words for w in feature.codes["words"]), text)
    return UNKNOWN


@by_its_names
def hazardous_alcohol(feature: ComputedFeature, chart: Chart) -> Value:
    """AUDIT-C at or above the cut-off, more drinks a week than the limit, recent intoxication, or stated so."""
    limits = feature.limits
    intoxication, habit = feature.value_sets
    drunk = [d for d in chart.having(intoxication) if within(d.since, limits["recent_days"], chart.as_of)]
    if drunk:
        return Value(True, "; ".join(map(str, drunk)))
    men = {"male": True, "female": False}.get(chart.case.patient.sex or "")
    score = _recent(feature, chart, "audit_c")
    if score is not None:
        cut = _cut(men, score >= limits["audit_c_men"], score >= limits["audit_c_women"])
        return Value(cut, f"AUDIT-C {score:g}")
    weekly = _recent(feature, chart, "per_week")
    daily = _recent(feature, chart, "per_day")
    drinks = weekly if weekly is not None else _told(feature, chart) if daily is None else 7 * daily
    if drinks is not None:
        cut = _cut(men, drinks > limits["weekly_men"], drinks > limits["weekly_women"])
        return Value(cut, f"{drinks:g} drinks a week")
    said = chart.having(habit)
    return Value(True, "; ".join(map(str, said))) if said else UNKNOWN


def _recent(feature: ComputedFeature, chart: Chart, group: str) -> float | None:
    for reading in readings(chart, feature.codes[group], feature.codes[f"{group}_named"]):
        if within(reading.when, feature.limits["days"], chart.as_of) is not False:
            number, _, __ = number_in(reading.value)
            if number is not None:
                return number
    return None


def _told(feature: ComputedFeature, chart: Chart) -> float | None:
    """Drinks a week by the latest statement about drinking that can be counted."""
    for reading in readings(chart, feature.codes["in_words"], feature.codes["named"]):
        if within(reading.when, feature.limits["days"], chart.as_of) is not False:
            bare = reading.unit is None and number_in(reading.value)[0] is not None
            counted = _counted(reading.name, feature) if bare else reading.unit
            drinks = drinks_a_week(reading.value, counted, feature, chart.knowledge)
            if drinks is not None:
                return drinks
    return None


def _counted(name: str, feature: ComputedFeature) -> str:
    """What a bare number counts, as the name of its question says: “Alcohol units per week”."""
    return " ".join(word for word in name.casefold().split() if word not in feature.codes["passed_over"])


def _cut(men: bool | None, as_man: bool, as_woman: bool) -> bool | None:
    if men is None:
        return as_man if as_man == as_woman else None
    return as_man if men else as_woman


@by_its_names
def cyp2c19(feature: ComputedFeature, chart: Chart) -> Value:
    """The phenotype as reported, or as the two star alleles give it."""
    gene = feature.id
    for reading in readings(chart, feature.codes["phenotype"], feature.codes["phenotype_named"]):
        phenotype = _phenotype(feature, str(reading.value))
        if phenotype:
            return Value(phenotype, f"{gene.upper()} {reading.value}")
    for reading in readings(chart, feature.codes.get("genotype", ()), feature.codes["genotype_named"]):
        phenotype = _from_alleles(feature, str(reading.value))
        if phenotype:
            return Value(phenotype, f"{gene.upper()} {reading.value}")
    return UNKNOWN


cyp2d6 = cyp2c19


def _phenotype(feature: ComputedFeature, value: str) -> str | None:
    text = value.casefold()
    for name in ("ultrarapid", "rapid", "intermediate", "poor", "normal"):
        if any(re.search(rf"(?<![a-z]){word.casefold()}(?![a-z])", text) for word in feature.codes[name]):
            return name
    return None


def _from_alleles(feature: ComputedFeature, value: str) -> str | None:
    alleles = re.findall(r"\*\d+", value)
    if len(alleles) != 2:
        return None
    activity = {
        name: set(feature.codes.get(name, ())) for name in ("no_function", "increased", "normal_function")
    }
    lost = sum(a in activity["no_function"] for a in alleles)
    raised = sum(a in activity["increased"] for a in alleles)
    usual = sum(a in activity["normal_function"] for a in alleles)
    if lost + raised + usual < 2:
        return None
    if lost:
        return "poor" if lost == 2 else "intermediate"
    return ("normal", "rapid", "ultrarapid")[raised]
