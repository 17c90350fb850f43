"""The kinds of features that need no function of their own: what their files say is enough."""

import re
from collections.abc import Iterable, Sequence

from eutonia.dates import within
from eutonia.features.chart import Chart
from eutonia.features.diagnosis import Diagnosis
from eutonia.features.results import latest
from eutonia.features.taken import Taken, one_reading, supply_end
from eutonia.features.value import NO, UNKNOWN, Value, by_its_names
from eutonia.formulary import UNNAMED
from eutonia.knowledge.safety import (
    AllergyFeature,
    ConditionFeature,
    CountFeature,
    MeasurementFeature,
    MedicationFeature,
    TogetherFeature,
)
from eutonia.patient import Allergy


@by_its_names
def condition(feature: ConditionFeature, chart: Chart) -> Value:
    """Whether a condition of the value sets is on record; unknown where its date would decide and is missing."""
    found = chart.having(*feature.value_sets, active=feature.status == "active")
    if feature.within_days is not None:
        recent = [(d, within(d.since, feature.within_days, chart.as_of)) for d in found]
        sure = [d for d, is_recent in recent if is_recent]
        if not sure and any(is_recent is None for _, is_recent in recent):
            return UNKNOWN
        found = sure
    if found:
        return Value(True, listing(found))
    if chart.denied & set(feature.value_sets):
        return NO
    return NO if chart.conditions_known and feature.absent == "no" else UNKNOWN


def listing(diagnoses: Iterable[Diagnosis]) -> str:
    return "; ".join(dict.fromkeys(str(d) for d in diagnoses))


@by_its_names
def measurement(feature: MeasurementFeature, chart: Chart) -> Value:
    """The latest usable result, or whether it lies beyond `above` or `below`."""
    result = latest(
        chart,
        feature.id,
        feature.loinc,
        feature.unit,
        feature.plausible,
        days=feature.within_days,
        names=feature.names,
        molar_mass=feature.molar_mass,
        valence=feature.valence,
        title=feature.title,
    )
    if result is None:
        return NO if feature.absent == "no" and feature.id not in chart.suspect else UNKNOWN
    if feature.above is not None:
        return Value(result.value > feature.above, str(result))
    if feature.below is not None:
        return Value(result.value < feature.below, str(result))
    return Value(result.value, str(result))


@by_its_names
def medication(feature: MedicationFeature, chart: Chart) -> Value:
    """Whether one of the drugs, classes or therapies is taken at the moment that the feature asks for."""
    named = chart.named_now if feature.moment == "current" else chart.named
    if named.isdisjoint(feature.any_of):
        return _not_taken(feature, chart)
    found = [(t, t.belongs(feature.any_of)) for t in moment(feature, chart) if _by_route(t, feature.route)]
    found += [(t, None) for t in _perhaps_recent(feature, chart) if t.belongs(feature.any_of) is not False]
    sure = [t for t, belongs in found if belongs]
    if sure:
        return Value(True, names(sure))
    if any(belongs is None for _, belongs in found):
        return UNKNOWN
    return _not_taken(feature, chart)


def _not_taken(feature: MedicationFeature, chart: Chart) -> Value:
    return NO if feature.moment == "planned" or chart.all_recognised else UNKNOWN


def moment(feature: MedicationFeature, chart: Chart) -> Sequence[Taken]:
    if feature.moment == "planned":
        return [t for t in chart.planned if not feature.actions or t.action in feature.actions]
    if feature.moment == "recent":
        return (*chart.involved, *(t for t in chart.past if _ended_within(feature, t, chart)))
    pools = {"current": chart.current, "after": chart.after, "involved": chart.involved}
    return pools[feature.moment]


def _ended_within(feature: MedicationFeature, taken: Taken, chart: Chart) -> bool | None:
    end = supply_end(taken.start, taken.end, taken.days_supply)
    return within(end, feature.within_days or 0, chart.as_of)


def _perhaps_recent(feature: MedicationFeature, chart: Chart) -> Sequence[Taken]:
    """What was taken once, and may have been stopped within the days that count."""
    if feature.moment != "recent":
        return ()
    return [t for t in chart.past if _ended_within(feature, t, chart) is None]


def _by_route(taken: Taken, route: str) -> bool:
    if route == "any":
        return True
    if route == "systemic":
        return taken.route != "topical"
    return taken.route == route


def names(taken: Iterable[Taken]) -> str:
    """What was taken, in the words of the record; one product in several wordings once."""
    told: dict[tuple[str, float | None], str] = {}
    listed = list(taken)
    exact = {t.treatment for t in listed if t.strength_mg is not None}
    for t in listed:
        if t.strength_mg is not None or t.treatment not in exact:
            told.setdefault((t.treatment, t.strength_mg), t.text or t.treatment)
    return ", ".join(dict.fromkeys(told.values()))


@by_its_names
def together(feature: TogetherFeature, chart: Chart) -> Value:
    """Whether distinct ingredients fill every group of the feature at one time."""
    unknown = len(chart.unrecognised) if chart.list_known else len(feature.all_of)
    if sum(chart.named.isdisjoint(group) for group in feature.all_of) > unknown:
        return NO
    pools = [chart.after] if feature.moment == "after" else [chart.current, chart.after]
    systemic = [[t for t in pool if t.route != "topical"] for pool in pools]
    for pool in systemic:
        chosen = _fill(feature.all_of, pool)
        if chosen is not None:
            return Value(True, " + ".join(dict.fromkeys(_called(t) for t in chosen)))
    possible = any(_could_fill(feature.all_of, pool, unknown) for pool in systemic)
    return UNKNOWN if possible else NO


def _fill(groups: Sequence[tuple[str, ...]], pool: Sequence[Taken]) -> list[Taken] | None:
    """One ingredient for each group, no ingredient twice; None where that cannot be done."""
    if not groups:
        return []
    for taken in pool:
        if taken.belongs(groups[0]):
            rest = _fill(groups[1:], _beside(taken, pool))
            if rest is not None:
                return [taken, *rest]
    return None


def _beside(taken: Taken, pool: Sequence[Taken]) -> list[Taken]:
    """What may be taken beside it."""
    return [t for t in pool if t.treatment != taken.treatment and not t.excludes(taken)]


def _could_fill(groups: Sequence[tuple[str, ...]], pool: Sequence[Taken], unknown: int) -> bool:
    """Whether the groups could be filled, were `unknown` further medicines what they might be."""
    if not groups:
        return True
    fitting = (taken for taken in pool if taken.belongs(groups[0]) is not False)
    if any(_could_fill(groups[1:], _beside(taken, pool), unknown) for taken in fitting):
        return True
    return unknown > 0 and _could_fill(groups[1:], pool, unknown - 1)


@by_its_names
def count(feature: CountFeature, chart: Chart) -> Value:
    """Whether at least so many distinct ingredients are taken."""
    pools = {"after": [chart.after], "current": [chart.current], "any": [chart.current, chart.after]}
    answers = [_at_least(feature, chart, pool) for pool in pools[feature.moment]]
    best = next((a for a in answers if a.known), None)
    return best or (UNKNOWN if any(a.known is None for a in answers) else NO)


def _at_least(feature: CountFeature, chart: Chart, pool: Sequence[Taken]) -> Value:
    counted = [t for t in pool if feature.route == "any" or t.route != "topical"]
    belonging = one_reading(t for t in counted if t.belongs(feature.any_of) is not False)
    sure = dict.fromkeys(t.treatment for t in belonging if t.belongs(feature.any_of) and not _unnamed(t))
    if len(sure) >= feature.at_least:
        return Value(True, " + ".join(sure))
    maybe = {t.treatment for t in belonging} - set(sure)  # an unnamed member may be one of the others
    unknown = len(chart.unrecognised) if chart.list_known else feature.at_least
    return UNKNOWN if len(sure) + len(maybe) + unknown >= feature.at_least else NO


def _called(taken: Taken) -> str:
    return taken.text if _unnamed(taken) else taken.treatment


def _unnamed(taken: Taken) -> bool:
    return taken.treatment.startswith(UNNAMED)


def allergy(feature: AllergyFeature, chart: Chart) -> Value:
    """Whether an allergy of the wanted certainty to one of the drugs is on record.

    Unknown where the list is, where the kind of reaction would decide, and where an entry names nothing known.
    """
    found = [
        (each.entry, _counts(feature, each.entry) if concerns else concerns)
        for each in chart.allergens
        if (concerns := each.concerns(feature.any_of)) is not False
    ]
    sure = [entry for entry, counts in found if counts]
    if sure:
        return Value(True, "; ".join(_told(entry) for entry in sure))
    if any(counts is None for _, counts in found):
        return UNKNOWN
    seen = chart.case.allergies is not None and "allergies" not in chart.case.not_seen
    known = chart.case.no_known_allergies or seen
    return NO if known else UNKNOWN


def _counts(feature: AllergyFeature, entry: Allergy) -> bool | None:
    reaction = (entry.reaction or "").casefold()
    if feature.reactions:
        return any(word in reaction for word in feature.reactions) if reaction else None
    told = [part for part in _PARTS.split(reaction) if part.strip() and not _DENIED.match(part)]
    severe = any(word in part for word in feature.severe for part in told)
    side_effect = bool(told) and all(any(word in part for word in feature.side_effects) for part in told)
    unclear = not severe and (
        (entry.verification_status or "") == "unconfirmed"
        or (entry.clinical_status or "") == "inactive"
        or (entry.type or "") == "intolerance"
        or side_effect
    )
    return {"established": not unclear, "unclear": unclear, "any": True}[feature.certainty]


_PARTS = re.compile(r"[;,/+&]|\band\b|\bwith\b|\bbut\b|\bthen\b|\bplus\b")
_DENIED = re.compile(r"\s*(?:no|not|without|denies)\b")


def _told(entry: Allergy) -> str:
    return f"{entry.substance}: {entry.reaction}" if entry.reaction else entry.substance
