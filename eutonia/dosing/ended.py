"""Words in a list of medicines that say what is over, since when something is taken, or that nothing is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from eutonia.dates import Span, span
from eutonia.dosing.spelling import tidy
from eutonia.patient import Medication

_NONE = re.compile(
    r"(?:none|nil|nothing)(?: (?:known|reported|currently|at present))?"
    r"|(?:no|denies(?: any| taking| use of)?|not (?:on|taking|using)|takes no)(?: any)?"
    r"(?: current| known| regular| home| other)?(?: medications?| meds| medicines?| drugs?)(?: currently| taken)?",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"\b(?:(?:has been |was |now |recently )?(?:discontinued|stopped|ceased|d/c'?e?d?|quit)"
    r"|no longer (?:takes|taking|uses|using|on)|(?:does )?not (?:taking|using|take|use)|not on"
    r"|denies(?: any| the)?(?: use of| using| taking)?|formerly(?: on| took)?|former use of|past use of|in the past"
    r"|previously (?:on|took|used|taking|taken|using)|(?:finished|completed) (?:a )?course of|took last|h/o|history of)"
    r"(?![\w/])",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"[\s,;:.()–-]*(?:it|them|this)?[\s,;:.()–-]*(?:(?:due to|because|by|after|for|on|when|as|last|about|around)\b.*)?",
    re.IGNORECASE,
)
"""What may stand behind the words that something is over; a name would be that of another medicine or illness."""
_AGAIN = re.compile(r"\b(?:restarted|resumed|again|not stopped|never stopped)\b", re.IGNORECASE)
_WHEN = re.compile(
    r"\b(?:on |in |since )?(?:(?P<written>(?:19|20)\d\d(?:-\d\d){0,2})"
    r"|(?P<n>\d+) (?P<unit>day|week|month|year)s? ago|(?P<just>yesterday))\b",
    re.IGNORECASE,
)
_SINCE = re.compile(r"(?P<what>.+?)[\s,(]*\bsince\s+(?P<when>(?:19|20)\d\d(?:-\d\d){0,2})\)?", re.IGNORECASE)
_DAYS = {"d": 1.0, "w": 7.0, "m": 30.4, "y": 365.25}


def in_use(listed: Sequence[Medication], as_of: date) -> tuple[Medication, ...]:
    """The list without entries that say that there are none, and with the ends that its words tell."""
    return tuple(_ended(entry, as_of) for entry in listed if not _states_none(entry))


def _states_none(entry: Medication) -> bool:
    coded = entry.rxcui or entry.atc or entry.dose is not None
    return not coded and says_none(entry.text)


def says_none(text: str) -> bool:
    """Whether words in the place of a medicine say that there is none."""
    return bool(_NONE.fullmatch(text.strip(" .")))


def _ended(entry: Medication, as_of: date) -> Medication:
    """An entry without a status as one that was stopped, where its words say so."""
    over = _OVER.search(entry.text)
    if entry.status is not None or entry.end is not None or over is None or _AGAIN.search(entry.text):
        return entry
    behind = _WHEN.sub(" ", tidy(entry.text[over.end() :]))
    if entry.text[: over.start()].strip(" -–(") and not _TAIL.fullmatch(behind):  # `ibuprofen, denies nausea`
        return entry
    when = _WHEN.search(tidy(entry.text))
    left = _WHEN.sub(" ", _OVER.sub(" ", entry.text))
    name = re.sub(r"\(\s*\)|\s+(?=[,;)])", "", left).strip(" ,;:.-–")
    return entry.model_copy(update={"text": name, "status": "stopped", "end": _day(when, as_of)})


def begun(entry: Medication) -> Medication:
    """An entry with the day since which it is taken, where its words end with that."""
    since = _SINCE.fullmatch(entry.text.strip())
    if since is None or entry.start is not None:
        return entry
    start = _written(since["when"])
    return entry.model_copy(update={"text": since["what"], "start": start}) if start else entry


def _day(when: re.Match[str] | None, as_of: date) -> Span | None:
    """When it ended; months and years tell no day."""
    if when is None:
        return None
    if when["written"]:
        return _written(when["written"])
    number, unit = (1, "d") if when["just"] else (int(when["n"]), when["unit"][0].casefold())
    day = as_of - timedelta(days=min(number, 200) * _DAYS[unit])
    return span(day) if unit in "dw" else span(f"{day:%Y-%m}" if unit == "m" else f"{day:%Y}")


def _written(day: str) -> Span | None:
    try:
        return span(day)
    except ValueError:
        return None
