"""Dosing text: how people write prescriptions and plans, read into plan items and written back.

read_plan("carisoprodol 350 mg tid and hs x 2 weeks")   # strict: every word must be understood
read_dosage("1-2 tabs po q4-6h prn pain")               # lenient: for the SIG of a drug that is known
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eutonia.dosing.context import in_context
from eutonia.dosing.parts import AT_ONCE, NAME, Said, says_when, split_doses, split_steps
from eutonia.dosing.scan import scan
from eutonia.dosing.spelling import tidy
from eutonia.dosing.steps import PIECES, in_one_unit, laid_out, unsaid, whole_of
from eutonia.errors import UnreadableText
from eutonia.patient import Action, PlanItem
from eutonia.units import MASS_IN_MG

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge

ACTIONS: Sequence[tuple[Action, str]] = (
    ("stop", r"stop(?:ping)?(?: taking)?|discontinue|d/c|quit|cease|come off|get off|withdraw"),
    ("taper", r"taper(?: off| down)?(?: of)?|wean(?: off)?|tail off|gradually stop|slowly stop"),
    ("continue", r"(?:i|he|she|they|pt|patient)(?:\s+(?:am|is|are|has been|have been))?(?:\s+currently)?\s+"
                 r"(?:takes?|taking|uses?|using|on)|(?:has|have)\s+been\s+(?:taking|using|on)|"
                 r"continue(?: with| taking| on)?|keep(?: taking| on)?|carry on with|stay on|resume|"
                 r"(?:increase|raise|reduce|decrease|lower|cut|change|adjust)(?= .* to )"),
    ("assess", r"assess|evaluate|review"),
    ("start", r"start(?: on| taking)?(?! today| now| day| from| \d{4})|begin|initiate|prescribe|order|add|"
              r"try|give|take|switch to|change to|use|plan"),
)  # fmt: skip
"""What is to be done → the words at the head of a plan that say so."""

STEP = (
    r"[,;]?\s*\b(?:(?:and )?then(?: (?:increase|decrease|reduce|lower|cut|go (?:up|down)|drop)(?: it)?(?: down)? to)?"
    r"|followed by|(?:increas|decreas|reduc|lower)(?:e|ing)?(?: it)? to|(?:cut|drop)(?: it)?(?: down| back)? to)\b"
)
"""What stands between the steps of a plan."""

_BRAND = re.compile(r"\[([^\[\]]+)\]")
"""`carisoprodol 350 MG Oral Tablet [Soma]`, as RxNorm writes it."""

_ENDS = re.compile(r"(?:and )?(?:stop|discontinue|off|nothing|none)(?: it| taking it)?", re.IGNORECASE)
"""A last step that is none."""

_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}\.\d\d0(?=\s*(?:mg|milligram))", re.IGNORECASE)
"""`1.400 mg` is 1400 mg to many Europeans; nobody writes 1.4 mg so."""

LONGEST, MOST = 4000, 96.0
"""Characters of a text, and doses of a day, beyond which a writing is no prescription."""


@dataclass(frozen=True, slots=True)
class Sig:
    """What a dosing text says, and the words in it that could not be read."""

    item: PlanItem
    unread: tuple[str, ...]


_SINCE = re.compile(r"\bsince\s+(?:[a-z]+\.?,?\s+)?\d[\d/.-]*|\bsince\s+[a-z]+", re.IGNORECASE)
"""When a use began: a length is wanted in its place, for the day of the question is not known here."""


def read_plan(text: str, knowledge: Knowledge | None = None) -> PlanItem:
    """Read one plan in words: what is done, the drug or therapy, its dose, frequency, length.

    Steps (`350 mg tid for 4 days, then bid for 4 days`) become `steps`. A text that names no drug at all
    (`350 mg tid`) is read too, with an empty `text`.
    Raises UnreadableText, which names the words that could not be read.
    """
    from eutonia.dosing.names import find, judge, same, strengths_of

    if knowledge is None:
        from eutonia.knowledge import load

        knowledge = load()
    found = find(text, knowledge)
    brand = _BRAND.search(text) if found else None
    if found and brand and brand.start() >= found.end and same(found.text, brand[1], knowledge):
        text = text[: brand.start()] + text[brand.end() :]
    marked = text if found is None else f"{text[: found.start]} {NAME} {text[found.end :]}"
    sig = _read(marked, text, strengths_of(found, knowledge))
    if sig.unread:
        words = tuple(found.text if found and word == NAME else word for word in sig.unread)
        raise UnreadableText(text, words, HINT)
    return judge(_with_name(sig.item, found.text if found else ""), found, text, knowledge)


def _with_name(item: PlanItem, name: str) -> PlanItem:
    steps = tuple(_with_name(step, name) for step in item.steps)
    return item.model_copy(update={"text": item.text.replace(NAME, name), "steps": steps})


def read_dosage(text: str) -> Sig:
    """Read the SIG of a drug that is known from elsewhere: what can be read, and what cannot."""
    try:
        sig = _read(text)
    except UnreadableText as error:
        return Sig(PlanItem(written=text), error.words)
    names = tuple(w for w in sig.item.text.split() if w) if sig.item.text else ()
    return Sig(sig.item, (*names, *sig.unread))


HINT = "Write it like “carisoprodol 350 mg four times a day for 14 days”, one drug or therapy in a plan."


# --- reading ----------------------------------------------------------------------------------------


def _read(text: str, written: str = "", strengths: Sequence[float] = ()) -> Sig:
    """`strengths`: the tablets in which the drug comes, in mg, where it is known."""
    written = written or text
    if not text.strip():
        raise UnreadableText(text, ("(nothing)",), HINT)
    if len(text) > LONGEST:
        raise UnreadableText(text[:40] + "…", (f"a text of {len(text)} characters",), HINT)
    doubtful = _THOUSANDS.search(text)
    if doubtful:
        raise UnreadableText(text, (doubtful[0],), "Is its point a decimal point, or does it mark thousands?")
    since = _SINCE.search(text)  # no number in it is a dose
    if since:
        text = text[: since.start()] + text[since.end() :]
    action, rest = _action(tidy(text))
    steps = (part for clause in _clauses(rest) for part in re.split(STEP, clause, flags=re.IGNORECASE))
    parts = [part for part in steps if part.strip(" ,.;")]
    if len(parts) > 1 and _ENDS.fullmatch(parts[-1].strip(" ,.;")):  # `… for 14 days, then stop`
        parts = parts[:-1]
    scanned = [in_context(list(scan(part))) for part in parts]
    named = any(phrase.written == NAME for phrases in scanned for phrase in phrases)
    said = [step for phrases in scanned for part in split_steps(phrases) for step in split_doses(part, named)]
    if not said:
        return Sig(PlanItem(action=action, written=written), (since[0],) if since else ())
    try:
        items = [_item(each, action) for each in said]
        whole = items[0] if len(items) == 1 else _in_steps(items, said, strengths)
    except ValueError as error:
        raise UnreadableText(written, (written,), "A dose, number or date in it is out of range.") from error
    unread = tuple(dict.fromkeys(word for each in said for word in each.unread))
    unread = (since[0], *unread) if since else unread
    return Sig(whole.model_copy(update={"written": written}), unread)


def _clauses(text: str) -> list[str]:
    """The parts between semicolons; one that tells no time (`carisoprodol 350 mg; 1 tds; 21 tabs`) is no step."""
    first, *rest = text.split(";")
    clauses = [first]
    for clause in rest:
        if says_when(scan(clauses[-1])) and says_when(scan(clause)):
            clauses.append(clause)
        else:
            clauses[-1] += f", {clause}"
    return clauses


def _in_steps(items: Sequence[PlanItem], said: Sequence[Said], strengths: Sequence[float]) -> PlanItem:
    """The plan of several parts; what keeps them from being one is noted as unread."""
    beside = [each.beside for each in said]
    counted = bool(said[0].masses and said[0].bare)  # `0.5 mg, 1 am & 2 hs`
    steps = in_one_unit(laid_out(items, beside), strengths, counted)
    for n, word in unsaid(items, steps, beside):
        said[n].unread.append(word)
    return whole_of(items[0], steps)


def _action(text: str) -> tuple[Action, str]:
    for action, words in ACTIONS:
        m = re.match(rf"(?:please\s+)?(?:{words})(?![\w/-])[\s:]*", text, re.IGNORECASE)
        if m:
            return action, text[m.end() :]
    return "start", text


def _item(said: Said, action: Action) -> PlanItem:
    fields = dict(said.fields)
    if (
        said.monthly and "quantity" in fields and not said.often
    ):  # `#90 per month`: what is dispensed, not a dose
        said.unread.append("per month")
    low, high, unit, strength = _amount(said, fields)
    times = _times(said, fields)
    if said.divided and low is not None and high is not None:
        per_day = said.often is None or said.often == (1.0, 1.0)
        if per_day:
            low, high, times = low / said.divided, high / said.divided, (said.divided, said.divided)
    times = _in_doses(said, times, fields)
    if said.spread and low and high:  # `4 drinks over 2 hours`
        if said.spread < 24.0 and times in (None, (1.0, 1.0)):
            parts = max(round(said.spread / PORTION), 1)
            low, high, times = low / parts, high / parts, (float(parts),) * 2
            said.every, fields["duration_days"] = (said.spread / parts,) * 2, 1.0
        else:
            said.unread.append(f"over {said.spread:g} hours")
    times = _limited(times, said, high, unit, strength)
    name = " ".join(said.name).strip(" -/")
    form = fields.pop("form", None)
    if end_day := fields.pop("end_day", None):
        fields.setdefault("duration_days", max(end_day - fields.get("start_day", 0.0), 0.0))
    for supplied in ("quantity", "days_supply", "duration_days"):
        if supplied in fields:  # what is refilled goes on
            fields[supplied] *= 1 + said.refills
    text = " ".join(filter(None, (name, strength, form if strength or (form and name) else None)))
    if times and times[1] > MOST:
        said.unread.append(f"{times[1]:g} times a day")
        times = None
    return PlanItem(
        action=action,
        text=text,
        dose=low,
        dose_high=high if high != low else None,
        unit=unit,
        times_per_day=times[1] if times else None,
        times_per_day_low=times[0] if times and times[0] != times[1] else None,
        every_hours=said.every[0] if said.every else None,
        taper=True if action == "taper" else None,
        written=" ".join(word for word in said.words if word != NAME),
        **fields,
    )


def _amount(said: Said, fields: dict[str, Any]) -> tuple[float | None, float | None, str | None, str]:
    """Lower and upper dose, its unit, and the strength of the product as written."""
    stated = fields.pop("strength", None)
    strength = _mass(stated) if stated else ""
    masses = list(said.masses)
    said.unread += [_mass(mass) for mass in masses[2:]]
    if said.counts:
        *others, (low, high, unit) = said.counts
        said.unread += [f"{n:g} {of}" for _, n, of in others if n <= AT_ONCE and n != high]
        if masses and not strength:
            strength = _mass(masses.pop(0))
        elif said.bare and not strength:  # `2 tabs of 350`: the tablets are called so
            said.name += [f"{number:g}" for number, _ in said.bare]
        return low, high, unit, strength
    if masses and not stated and set(said.bare) - {(1.0, 1.0)}:  # `350 mg 2 tid`: so many of that strength
        (low, high), *more = said.bare
        said.unread += [f"{number:g}" for number, _ in more] + [_mass(mass) for mass in masses[1:]]
        return low, high, "each", _mass(masses[0])
    if masses:
        *others, (low, high, unit) = masses
        if others and not strength:
            strength = _mass(others[0])
        return low, high, unit, strength
    if said.bare:
        *before, (low, high) = said.bare
        if before and said.name:
            said.name.append(f"{before[0][0]:g}")
        return low, high, "each", strength
    if stated:
        return stated[0], stated[1], stated[2], strength
    return None, None, None, strength


def _mass(amount: tuple[float, float, str]) -> str:
    return f"{amount[0]:g} {amount[2]}"


def _times(said: Said, fields: dict[str, Any]) -> tuple[float, float] | None:
    """Fewest and most doses a day: as stated, by the interval, by the times of day."""
    often = said.often
    slots = len(dict.fromkeys(said.slots))
    if often is not None:
        with_meals = said.meals and often == (MEALS + said.added,) * 2  # `qid with meals and at bedtime`
        extra = 0 if with_meals or said.added != slots else said.added
        return often[0] + extra, often[1] + extra
    if said.every is not None and said.awake:
        times = (AWAKE // said.every[1] + 1, AWAKE // said.every[0] + 1)
        said.every = None
        return times
    if said.every is not None:
        shortest, longest = said.every
        return (24 / longest, 24 / shortest) if shortest > 0 else None
    if fields.get("clock_times"):
        return (float(len(fields["clock_times"])),) * 2
    slots += MEALS if said.meals and (said.added == slots or not slots) else 0
    return (float(slots),) * 2 if slots else None


MEALS = 3
"""Meals of a day."""

AWAKE = 16.0
"""Hours from getting up to going to bed, at both of which something may be taken."""


def _in_doses(
    said: Said, times: tuple[float, float] | None, fields: dict[str, Any]
) -> tuple[float, float] | None:
    """How often, where the number of doses is stated, which tells how long as well: `once`, `q5min x 3`."""
    if said.doses is None:
        return times
    if said.doses <= 0.0 or (times and times[1] <= 0.0):
        raise ValueError("no doses")
    if times is None or said.doses < times[1]:  # all of them on one day
        times = (said.doses, said.doses)
    days = said.doses / times[1]
    fields.setdefault("duration_days", max(days, 1.0) if times[1] >= 1 else days)
    return times


PORTION = 0.5
"""Hours between the equal parts in which an amount is taken that is spread over some hours."""


def _limited(
    times: tuple[float, float] | None, said: Said, dose: float | None, unit: str | None, strength: str
) -> tuple[float, float] | None:
    """A daily limit caps how often: `1 tab q4h prn, max 4 a day`; one that cannot be counted is unread."""
    for most, of, days in said.limits:
        each = 1.0 if of in ("times", "dose") else _in(of, dose, unit, strength)
        if each is None:
            said.unread.append(f"max {most:g} {of}")
            continue
        cap = most / days / each
        times = (min(times[0], cap), min(times[1], cap)) if times else (cap, cap)
    return times


def _in(of: str, dose: float | None, unit: str | None, strength: str) -> float | None:
    """How many `of` one dose is: 2 tablets of 350 mg are 700 mg, and 350 mg is taken for one tablet."""
    if dose is None or of == unit or (of in PIECES and unit in PIECES):
        return dose or 1.0
    if of in PIECES and unit in MASS_IN_MG:
        return 1.0
    amount, _, stated = strength.partition(" ")
    if unit in PIECES and stated == of:
        return dose * float(amount)
    if unit and of in MASS_IN_MG and unit in MASS_IN_MG:
        return dose * MASS_IN_MG[unit] / MASS_IN_MG[of]
    return None
