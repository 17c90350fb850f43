"""Conditions that count, each with the value sets it belongs to, and what observations state or deny.

What is entered in error, refuted, of the future, or about someone else is left out here, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from eutonia.dates import Span, span
from eutonia.knowledge import Knowledge
from eutonia.knowledge.codes import code_index
from eutonia.knowledge.senses import Cues, words_in
from eutonia.patient import Case, Condition

IN_ERROR = ("entered-in-error", "cancelled")
"""Statuses of an observation that does not count."""

UNSURE = ("unconfirmed", "provisional", "differential")
"""Verification statuses that count, and are told: R4 has a differential diagnosis asserted “to further guide the
diagnostic process and preliminary treatment”, so a plan must be safe as long as it stands."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A condition that counts, with the value sets it belongs to."""

    condition: Condition
    value_sets: frozenset[str]
    active: bool
    since: Span | None

    def __str__(self) -> str:
        text = self.condition.text or self.condition.icd10cm or self.condition.snomed or "condition"
        status = self.condition.verification_status
        told = [status if status in UNSURE else None, str(self.since) if self.since else None]
        return f"{text} ({', '.join(each for each in told if each)})" if any(told) else text


def diagnoses_of(case: Case, knowledge: Knowledge) -> Iterator[Diagnosis]:
    """Conditions and positive observations that count at as_of."""
    index = code_index(knowledge)
    for condition in (*(case.conditions or ()), *_observed(case)):
        if (condition.verification_status or "") in ("refuted", "entered-in-error"):
            continue
        since = condition.onset or condition.recorded or _since_told(condition.text, case.as_of, index.cues)
        if since is not None and since.first > case.as_of:
            continue
        match = index.look_up(condition.icd10cm, condition.snomed, condition.text)
        if not match.excluded:
            active = not match.history and _is_active(condition, case.as_of)
            yield Diagnosis(condition, match.value_sets, active, since)


_AGO = re.compile(
    r"(?:\b(?:x|for|since|over)(?:\s+(?:the\s+)?(?:past|last))?\s+(?P<n>\d+)\s*-?\s*(?P<unit>day|week|wk|month|mo|year|yr)s?\b"
    r"|\b(?P<n2>\d+)\s*(?P<unit2>day|week|wk|month|mo|year|yr)s?\s+ago\b|\b(?:since|in)\s+(?P<year>(?:19|20)\d\d)\b)"
)


def _since_told(text: str, as_of: date, cues: Cues) -> Span | None:
    """When a condition began by its own words: `low back pain x 6 months`, `NSTEMI 3 weeks ago`, `since 2019`.

    Months and years tell no day.
    """
    said = _AGO.search(text.casefold())
    if said is None or not cues.progress.isdisjoint(words_in(text)):
        return None
    if said["year"]:
        return span(said["year"])
    number, unit = int(said["n"] or said["n2"]), (said["unit"] or said["unit2"])[0]
    day = as_of - timedelta(days=min(number, 200) * {"d": 1, "w": 7, "m": 30.4, "y": 365.25}[unit])
    return span(day) if unit in "dw" else span(f"{day:%Y-%m}" if unit == "m" else f"{day:%Y}")


def _is_active(condition: Condition, as_of: date) -> bool:
    if condition.abatement is not None and condition.abatement.last < as_of:
        return False
    return (condition.clinical_status or "active") in ("active", "recurrence", "relapse")


def _observed(case: Case) -> Iterator[Condition]:
    """Observations that state a sign or symptom, as conditions."""
    for o in case.observations or ():
        if truth_of(o.value) is True and (o.status or "") not in IN_ERROR:
            yield Condition(text=o.text, snomed=o.code, onset=o.date)


def denied_in(case: Case, knowledge: Knowledge) -> frozenset[str]:
    """Value sets that an observation states to be absent."""
    index = code_index(knowledge)
    said: set[str] = set()
    for o in case.observations or ():
        known = o.date is None or o.date.first <= case.as_of
        if truth_of(o.value) is False and known and (o.status or "") not in IN_ERROR:
            said |= index.look_up(None, o.code, o.text).value_sets
            if "red flag" in o.text.casefold():
                said.add("red-flags")
    return frozenset(said)


def truth_of(value: object) -> bool | None:
    """What an observed value says of the sign that it observes: there, not there, or neither."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word in ("true", "yes", "present", "positive", "y", "pos"):
        return True
    if word in ("false", "no", "absent", "negative", "none", "n", "neg", "denies", "denied"):
        return False
    return None
