"""The parts of a prescription: its phrases gathered into steps, and into doses side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from eutonia.dates import Span
from eutonia.dosing.scan import Phrase

NAME = "\ue000"
"""Stands for the name of the drug while the rest is read, so that no word of it is taken for a dose."""


@dataclass
class Said:
    """What one step of a text says, before it is made a plan item."""

    words: list[str] = field(default_factory=list)
    """All of it, as it is written."""
    name: list[str] = field(default_factory=list)
    """The one run of words that are no dosing phrase."""
    unread: list[str] = field(default_factory=list)
    masses: list[tuple[float, float, str]] = field(default_factory=list)
    counts: list[tuple[float, float, str]] = field(default_factory=list)
    bare: list[tuple[float, float]] = field(default_factory=list)
    often: tuple[float, float] | None = None
    every: tuple[float, float] | None = None
    slots: list[str] = field(default_factory=list)
    added: int = 0
    """Times of day that an “and” adds to a frequency: `tid and hs`."""
    limits: list[tuple[float, str, float]] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    doses: float | None = None
    divided: float | None = None
    spread: float | None = None
    """Hours over which one amount is taken."""
    meals: bool = False
    """Whether it is taken with the meals of the day."""
    refills: float = 0.0
    monthly: bool = False
    """Whether an amount is told “per month”."""
    awake: bool = False
    """Whether its interval counts only while awake."""
    beside: bool = False
    """Whether it is taken together with the part before, not after it."""


TIMED = ("often", "every", "slot", "clock")
DOSED = ("mass", "count", "bare", "worth", "several")


def _has(phrases: Iterable[Phrase], kinds: Sequence[str]) -> bool:
    return any(p.kind in kinds for p in phrases)


def says_when(phrases: Iterable[Phrase]) -> bool:
    """Whether it tells how often something is taken."""
    return _has(phrases, (*TIMED, "doses", "meals", "divided"))


def split_steps(phrases: list[Phrase]) -> list[list[Phrase]]:
    """One part a step: `qid for 1 week, tid for 3 days` is two, each with a frequency and a length of its own."""
    by_day = _by_days(phrases)
    if len(by_day) > 1:
        return by_day
    groups: list[list[Phrase]] = [[]]
    for n, phrase in enumerate(phrases):
        ended = next((p.kind for p in reversed(groups[-1]) if not (phrase.joined and p.kind == "filler")), "")
        done = ended == "length" and (
            _has(groups[-1], TIMED) or (len(groups) > 1 and _has(groups[-1], DOSED))
        )
        if done and phrase.kind in (*TIMED, *DOSED):
            ahead = [p.kind for p in phrases[n:] if p.kind in (*TIMED, *DOSED, "length")]
            before = ahead[: ahead.index("length")] if "length" in ahead else []
            if 0 < len(before) <= len({"dose" if kind in DOSED else "time" for kind in before}):
                if not phrase.joined:
                    groups.append([])
                elif not {"slot", "clock"} & set(before):
                    # `bid for 2 days and tid for 2 days`: at the same time, or after?
                    groups[-1].append(Phrase("no", True, "and"))
        groups[-1].append(phrase)
    return groups


def _by_days(phrases: list[Phrase]) -> list[list[Phrase]]:
    """One part for each “day 1”, “days 2-4”, “week 2”: behind what is taken then, or before it."""
    said = [p.kind for p in phrases if p.kind in ("day_span", *TIMED, *DOSED)]
    spans = [n for n, phrase in enumerate(phrases) if phrase.kind == "day_span"]
    if len(spans) < 2:
        return [phrases]
    behind = said[-1] == "day_span"
    cuts = [n + 1 for n in spans[:-1]] if behind else spans[1:]
    return [phrases[a:b] for a, b in pairwise([0, *cuts, len(phrases)])]


def split_doses(phrases: list[Phrase], named: bool) -> list[Said]:
    """One part a dose: `350 mg tid and 700 mg at bedtime` is two, `250 mg am, 250 mg noon, 350 mg hs` three."""
    groups: list[list[Phrase]] = [[]]
    for n, phrase in enumerate(phrases):
        taken = _has(groups[-1], TIMED) and _has(groups[-1], DOSED)
        named_anew = n > 0 and phrases[n - 1].kind == "word"  # `tid and oxycodone 10 mg qid`: another drug
        if taken and not named_anew and phrase.kind in DOSED and _has(phrases[n + 1 : n + 3], TIMED):
            groups.append([])
        groups[-1].append(phrase)
    said = [_gather(group, named) for group in groups]
    for each in said[1:]:
        each.beside = each.fields.get("start_day", 0.0) == 0.0
    return said


def _gather(phrases: Iterable[Phrase], named: bool) -> Said:
    """What the phrases say together. `named`: the name is known, so that no other word can be part of it."""
    said = Said()
    last = ""
    for phrase in phrases:
        said.words.append(phrase.written)
        unread = len(said.unread)
        if named and phrase.kind == "word" and phrase.written != NAME:
            said.unread.append(phrase.written)
        else:
            _take(said, phrase, last)
        last = phrase.kind if len(said.unread) == unread else "unread"
    return said


def _take(said: Said, phrase: Phrase, last: str) -> None:  # noqa: PLR0912  (a table of kinds)
    kind, value, fields = phrase.kind, phrase.says, said.fields
    match kind:
        case "word" | "ratio":
            if last in ("word", "ratio") or kind == "ratio" or (not said.name and last != "unread"):
                said.name.append(phrase.written)
            else:
                if last == "bare":  # the number is of the word that is not known: `cada 8 horas`
                    said.unread.append(f"{said.bare.pop()[1]:g}")
                said.unread.append(phrase.written)
        case "no":
            said.unread.append(phrase.written)
        case "mass" | "count" | "worth" | "several":
            _take_amount(said, kind, value)
        case "meals" | "awake":
            setattr(said, kind, True)
        case "times_over":
            _take_times(said, phrase)
        case "bare":
            said.bare.append(value)
        case "form":
            fields.setdefault("form", phrase.written)
            if last == "mass" and not said.counts:
                fields.setdefault("strength", said.masses.pop())
        case "pattern":
            _day_pattern(said, value, phrase)
        case "often" | "every":
            said.monthly |= bool(
                re.fullmatch(r"(?:per|a|each|/)\s*mo(?:nth)?", phrase.written, re.IGNORECASE)
            )
            if getattr(said, kind) is None and (said.often or said.every) is None:
                setattr(said, kind, value)
            elif getattr(said, kind) != value and not (kind == "often" and value == (1.0, 1.0)):
                said.unread.append(phrase.written)
        case "slot":
            _take_slot(said, phrase)
        case "clock":
            if "" in value:
                said.unread.append(phrase.written)
            fields["clock_times"] = tuple(sorted({*fields.get("clock_times", ()), *value}))
        case "limit":
            said.limits.append(value)
        case (
            "day_span"
            | "length"
            | "start_date"
            | "end_date"
            | "supply"
            | "quantity"
            | "start_day"
            | "end_day"
        ):
            _take_length(said, phrase)
        case "route":
            fields.setdefault(kind, value)
        case "prn":
            fields["as_needed"] = True
        case "doses" | "divided" | "refills" | "spread":
            setattr(said, kind, value)


def _take_slot(said: Said, phrase: Phrase) -> None:
    """A time of day; behind a frequency “once at night” counts doses, `twice in the morning and once at night`."""
    if said.often and phrase.written.casefold().startswith("once"):
        said.unread.append(phrase.written)
    said.slots.append(phrase.says)
    said.added += phrase.joined


def _take_times(said: Said, phrase: Phrase) -> None:
    """`tid x 7` is seven days, `q5min x 3` three doses; `1 dose now and x1 at bedtime` is not read."""
    if said.often is not None:
        said.fields.setdefault("duration_days", phrase.says)
    elif said.doses is None:
        said.doses = phrase.says
    else:
        said.unread.append(phrase.written)


def _take_amount(said: Said, kind: str, value: tuple[Any, ...]) -> None:
    """How much: a mass, a number of pieces, or both (`2 tablets = 700 mg`, `2 x 350 mg`)."""
    if kind == "mass":
        said.masses.append((value[0], value[1], value[2]))
    elif kind == "worth":
        _, pieces, _, mass, unit = value
        said.masses.append((mass, mass, unit))
        said.fields["strength"] = (mass / pieces, mass / pieces, unit)
    elif kind == "several":
        pieces, mass, unit = value
        said.masses.append((pieces * mass, pieces * mass, unit))
        said.fields["strength"] = (mass, mass, unit)
    elif value[2] == "dose" and said.masses and not said.counts:  # `350 mg every 6 hours, 4 doses`
        said.doses = value[1]
    elif _is_supply(said, (value[0], value[1], value[2])):
        said.fields.setdefault("quantity", value[1])
    else:
        said.counts.append((value[0], value[1], value[2]))


def _take_length(said: Said, phrase: Phrase) -> None:
    """When it begins and ends, how long it lasts, how much is dispensed. A second length that differs is unread."""
    kind, value, fields = phrase.kind, phrase.says, said.fields
    if kind == "day_span":
        fields["start_day"] = max(value[0] - 1, 0.0)
        fields["duration_days"] = max(value[1] - value[0] + 1, 0.0)
    elif kind == "start_day" and fields.get("start_day", value) != value:
        said.unread.append(phrase.written)
    elif kind == "length":
        if fields.setdefault("duration_days", value) != value:
            said.unread.append(phrase.written)
    elif kind in ("start_date", "end_date"):
        fields[kind.removesuffix("_date")] = Span(value, value)
    else:
        fields.setdefault({"supply": "days_supply"}.get(kind, kind), value)


AT_ONCE = 8
"""More tablets than anyone is told to take at once: behind dose and frequency they are what is dispensed."""


def _is_supply(said: Said, count: tuple[float, float, str]) -> bool:
    """Whether a count behind a dose and how often it is taken is the quantity: `1 tab tid, 21 tabs`."""
    timed = said.often or said.every or said.slots or said.fields.get("clock_times")
    return bool(timed and (said.counts or (said.masses and count[1] > AT_ONCE)))


def _day_pattern(said: Said, doses: tuple[float, ...], phrase: Phrase) -> None:
    """`1-0-1`: what is taken in the morning, at noon, in the evening and at bedtime."""
    taken = {d for d in doses if d}
    if said.often == (sum(d > 0 for d in doses),) * 2 and taken == {1.0}:  # `tid (1-1-1)`
        return
    if len(taken) != 1 or said.often:
        said.unread.append(phrase.written)
        return
    said.often = (float(sum(d > 0 for d in doses)),) * 2
    if not said.counts:
        said.bare.append((max(taken),) * 2)
