"""A question about evidence: therapy, comparator, condition, outcome, time. Names checked, groups opened up."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from eutonia.errors import InputError
from eutonia.knowledge import Knowledge
from eutonia.knowledge.evidence import TRIAL_MARKS, Outcome, Population, TrialMark


@dataclass(frozen=True)
class Band:
    """A window of time in which trials are alike enough to pool."""

    id: str
    title: str
    first: int
    last: int | None
    """In days; None is open."""
    typical: int
    """Where a trial reports several days of the band, the one nearest to this is taken."""

    def holds(self, day: int) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


BANDS = (
    Band("days-1-4", "days 1 to 4", 1, 4, 3),
    Band("days-5-14", "days 5 to 14", 5, 14, 7),
    Band("weeks-2-13", "2 to 13 weeks", 15, 91, 84),
    Band("over-13-weeks", "over 13 weeks", 92, None, 182),
)


@dataclass(frozen=True)
class Question:
    """What is asked, in the knowledge's own names."""

    therapy: str
    comparator: str | None
    condition: Population
    outcome: Outcome
    day: int | None
    min_confidence: TrialMark

    @property
    def marks(self) -> tuple[TrialMark, ...]:
        return TRIAL_MARKS[: TRIAL_MARKS.index(self.min_confidence) + 1]


def ask(
    knowledge: Knowledge,
    therapy: str,
    comparator: str | None,
    condition: str,
    outcome: str,
    day: int | None,
    min_confidence: str,
) -> Question:
    """Check the names of a question. Raises InputError that names the nearest known ones."""
    if day is not None and day < 1:
        raise InputError(f"--day is {day}; it must be 1 or more, counted from the start of treatment.")
    mark = min_confidence.strip().lower().replace("_", "-").replace(" ", "-")
    if mark not in TRIAL_MARKS:
        raise InputError(
            f"min_confidence is “{min_confidence}”; it must be one of: {', '.join(TRIAL_MARKS)}."
        )
    asked = {name: entry for name, entry in knowledge.populations.items() if entry.ask}
    return Question(
        therapy=intervention(knowledge, therapy, "therapy"),
        comparator=None if comparator is None else intervention(knowledge, comparator, "comparator"),
        condition=asked[_known(condition, asked, "condition")],
        outcome=knowledge.outcomes[_known(outcome, knowledge.outcomes, "outcome")],
        day=day,
        min_confidence=mark,
    )


def intervention(knowledge: Knowledge, name: str, what: str) -> str:
    """The id of an intervention, drug or therapy as it is written, or by a synonym."""
    wanted = _plain(name)
    if wanted in knowledge.interventions:
        return wanted
    for entry in knowledge.interventions.values():
        if wanted in (_plain(entry.title), *map(_plain, entry.synonyms)):
            return entry.id
    # A treatment that no trial here has tested: a question about it can be asked, and has no data.
    others: dict[str, Any] = {**knowledge.drugs, **knowledge.therapies}
    if wanted in others:
        return wanted
    for other in others.values():
        names = (*other.synonyms, *getattr(other, "brands", ()))
        if wanted in map(_plain, (other.title, *names)):
            return str(other.id)
    return _known(name, {**others, **knowledge.interventions}, what)


def _plain(name: str) -> str:
    return "-".join(str(name).strip().lower().replace("_", " ").replace("-", " ").split())


def _known(name: str, among: Mapping[str, Any], what: str) -> str:
    wanted = _plain(name)
    if wanted in among:
        return wanted
    called = [e.id for e in among.values() if wanted in map(_plain, (e.title, *getattr(e, "synonyms", ())))]
    if len(called) == 1:
        return str(called[0])
    close = called or get_close_matches(wanted, among, n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"Known are: {', '.join(sorted(among)[:40])}."
    raise InputError(f"There is no {what} “{name}”. {hint}")


def members(knowledge: Knowledge, name: str) -> frozenset[str]:
    """The interventions that count as `name`: itself and everything that is part of it."""
    found = {name}
    while True:
        more = {
            entry.id
            for entry in knowledge.interventions.values()
            if entry.id not in found and found & {*entry.part_of}
        }
        if not more:
            return frozenset(found)
        found |= more


def group(knowledge: Knowledge, name: str) -> str:
    """The widest intervention that `name` is part of."""
    entry = knowledge.interventions.get(name)
    return group(knowledge, entry.part_of[0]) if entry is not None and entry.part_of else name


def title(knowledge: Knowledge, name: str) -> str:
    for section in (knowledge.interventions, knowledge.drugs, knowledge.therapies):
        if name in section:
            return str(section[name].title)
    return name


def lowered(knowledge: Knowledge, name: str) -> str:
    """The title within a sentence: without its capital, unless it is an acronym."""
    words = title(knowledge, name)
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]
