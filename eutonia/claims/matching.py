"""A clause → the claims it makes or denies.

A claim is found where its topic is the subject and each line of its `says` is mentioned. The product of the signs
tells whether the clause makes the claim or denies it. No claim is better than a wrong one: where another drug may be
the subject, or the words lie too far from every known wording of the claim, nothing is said.
"""

import operator
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from eutonia.claims.concepts import Lexicon
from eutonia.claims.mentions import Mention, Reading
from eutonia.claims.quantities import Quantity
from eutonia.knowledge.articles import Claim

_COMPARE = {"<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "<": operator.lt}
_QUANTITY = re.compile(r"(\w+) *(<=|>=|=|<|>) *([\d.]+)$")
ANY = "any"
"""Of a claim: about no drug or therapy."""


@dataclass(frozen=True, slots=True)
class Part:
    """One alternative of a line of `says`."""

    name: str
    sign: int = 1
    """0: whatever sign it has."""
    compare: str = ""
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Pattern:
    """A claim, ready to be looked for."""

    claim: Claim
    lines: tuple[tuple[Part, ...], ...]
    needs: frozenset[str]
    """Topics that its lines name."""
    unless: frozenset[str]
    measured: int
    """Lines that a number decides: they make a claim more particular."""
    compares: bool
    """Whether it sets its topic beside others."""


@dataclass(frozen=True, slots=True)
class Found:
    """A claim that a clause makes (`sign` +1) or denies (-1), and how it was seen."""

    claim: Claim
    sign: int
    places: frozenset[int]
    """Tokens that carried it."""
    lines: int


def compile_claims(claims: Iterable[Claim]) -> list[Pattern]:
    return [_pattern(claim, says) for claim in claims for says in (claim.says, claim.or_says) if says]


def _pattern(claim: Claim, says: tuple[str, ...]) -> Pattern:
    lines = tuple(tuple(part(text) for text in line.split("|")) for line in says)
    names = {p.name for line in lines for p in line}
    needs = frozenset(name.split(":")[-1].lstrip("@") for name in names if name.startswith(("@", "two:")))
    measured = sum(any(p.compare for p in line) for line in lines)
    compares = any(name == "compared" or name.startswith("than:") for name in names)
    return Pattern(claim, lines, needs, frozenset(claim.unless), measured, compares)


@lru_cache(maxsize=4096)
def part(text: str) -> Part:
    text = text.strip()
    measured = _QUANTITY.match(text)
    if measured:
        return Part(measured[1], 1, measured[2], float(measured[3]))
    return Part(text.lstrip("-±"), {"-": -1, "±": 0}.get(text[0], 1))


def find(
    reading: Reading, subject: tuple[str, ...], patterns: Iterable[Pattern], lexicon: Lexicon
) -> list[Found]:
    """Claims in one clause, the more particular ones only.

    `subject`: the topics its reader has in mind where the clause names none, most likely first.
    """
    seen = index(reading, lexicon)
    found = [
        f
        for pattern in patterns
        if (f := _match(pattern, reading, subject, seen, lexicon)) and (f.sign > 0 or f.claim.opposite)
    ]
    return _most_particular(found, lexicon)


def index(reading: Reading, lexicon: Lexicon) -> Mapping[str, list[Mention]]:
    seen: dict[str, list[Mention]] = {}
    for mention in reading.mentions:
        seen.setdefault(mention.name, []).append(mention)
    for number, topic in enumerate(reading.topics):
        for name in lexicon.family(topic):
            seen.setdefault(f"@{name}", []).append(Mention(f"@{name}", 1000 + number, 1001 + number))
    others = {topic for run in reading.choices for topic in sorted(run)[1:]}
    kinds = Counter(
        kind for topic in set(reading.topics) - others for kind in lexicon.family(topic) - {topic}
    )
    for kind, members in kinds.items():
        if members > 1:
            seen[f"two:{kind}"] = [Mention(f"two:{kind}", 1500, 1501)]
    for topic in reading.aside:
        for name in lexicon.family(topic):
            seen.setdefault(f"than:{name}", []).append(Mention(f"than:{name}", 2000, 2001))
    if reading.aside:
        seen["compared"] = [Mention("compared", 2000, 2001)]
    for quantity in reading.quantities:
        if quantity.kind == "days":
            name = "long_term" if quantity.high > lexicon.language.short_use_days else "short_term"
            seen.setdefault(name, []).append(Mention(name, 3000 + quantity.place, 3001 + quantity.place))
    return seen


def _match(
    pattern: Pattern,
    reading: Reading,
    subject: tuple[str, ...],
    seen: Mapping[str, list[Mention]],
    lexicon: Lexicon,
) -> Found | None:
    meant = () if reading.topics else subject[:1]
    if pattern.unless & seen.keys() or pattern.unless.intersection(f"@{topic}" for topic in meant):
        return None
    places: set[int] = set()
    denials: list[set[int]] = []
    for line in pattern.lines:
        hit = _line(line, seen, reading.quantities)
        if hit is None:
            return None
        places |= hit[0]
        if hit[1] and not any(hit[1] & other for other in denials):  # one denial may show in two lines
            denials.append(hit[1])
    if not is_subject(pattern, reading, subject, lexicon):
        return None
    return Found(
        pattern.claim, -1 if len(denials) % 2 else 1, frozenset(places), len(pattern.lines) + pattern.measured
    )


def _is_choice(pattern: Pattern, reading: Reading, lexicon: Lexicon) -> bool:
    """Whether the drug that the claim is about and the one beside it are alternatives: “Soma or Flexeril”."""
    families = [[lexicon.family(topic) for topic in run] for run in reading.choices]
    return any(
        any(pattern.claim.about in one for one in run)
        and any(pattern.needs & one and pattern.claim.about not in one for one in run)
        for run in families
    )


def partly(
    pattern: Pattern, seen: Mapping[str, list[Mention]], measured: tuple[Quantity, ...]
) -> tuple[float, int]:
    """Share of the claim's lines that are mentioned, and the sign that these give it; 0 where none of them has one."""
    hits = [hit for line in pattern.lines if (hit := _line(line, seen, measured))]
    signed = any(
        m.polar for line in pattern.lines for one in line if one.sign for m in seen.get(one.name, ())
    )
    denials = sum(bool(denied) for _, denied in hits)
    return len(hits) / len(pattern.lines), (-1 if denials % 2 else 1) if signed else 0


def holds(line: Iterable[Part], seen: Mapping[str, list[Mention]], measured: tuple[Quantity, ...]) -> bool:
    """Whether one alternative is mentioned, whatever its sign."""
    return _line(tuple(line), seen, measured) is not None


def _line(
    line: tuple[Part, ...], seen: Mapping[str, list[Mention]], measured: tuple[Quantity, ...]
) -> tuple[set[int], set[int]] | None:
    """Tokens at which an alternative is mentioned, and those at which it is denied."""
    places: set[int] = set()
    denied: set[int] = set()
    for alternative in line:
        if alternative.compare:
            places |= {
                3000 + q.place for q in measured if q.kind == alternative.name and _holds(q, alternative)
            }
            continue
        for m in seen.get(alternative.name, ()):
            places |= set(range(m.start, m.end))
            if m.sign * alternative.sign < 0:
                denied.add(m.start)
    # Words that deny weigh more: “it may work, but is not recommended” within one clause.
    return (places, denied) if places and not _contradicts_itself(line, seen) else None


def _contradicts_itself(line: tuple[Part, ...], seen: Mapping[str, list[Mention]]) -> bool:
    """“Don't *take* tomorrow's dose, there's no *need to wean*”: one denial forbids, the other allows."""
    signs = {
        m.sign * one.sign for one in line if one.sign for m in seen.get(one.name, ()) if m.only_if_denied
    }
    return len(signs) > 1


def _holds(quantity: Quantity, wanted: Part) -> bool:
    number = quantity.stated if wanted.compare == "=" else quantity.high
    return bool(_COMPARE[wanted.compare](number, wanted.value))


def is_subject(pattern: Pattern, reading: Reading, subject: tuple[str, ...], lexicon: Lexicon) -> bool:
    """Whether the clause speaks of the claim's topic, and of no other that the claim does not name."""
    about = pattern.claim.about
    if _is_choice(pattern, reading, lexicon):
        return False
    if about == ANY:
        return all(lexicon.family(t) & pattern.needs for t in reading.topics)
    kinds = {kind for t in reading.topics for kind in lexicon.kinds.get(t, ()) if t != about or kind != about}
    asked_for = [run for run in reading.lists if any(lexicon.family(t) & pattern.needs for t in run)]
    beside = {t for run in asked_for for t in run if t in lexicon.companions}
    named = [
        t
        for t in reading.topics
        if about in lexicon.family(t)
        or (
            not lexicon.family(t) & pattern.needs
            and t not in kinds
            and t not in reading.examples
            and t not in beside
        )
    ]
    if not named:
        return any(about in lexicon.family(topic) for topic in subject[:1])
    if reading.lists and reading.lists[0].issuperset(named):
        return any(about in lexicon.family(topic) for topic in named)
    return about in lexicon.family(named[0]) and _alone(named[0], named, lexicon)


def _alone(first: str, named: list[str], lexicon: Lexicon) -> bool:
    related = lexicon.family(first)
    return all(lexicon.family(topic) & related for topic in named)


def _most_particular(found: list[Found], lexicon: Lexicon) -> list[Found]:
    """Drop a claim whose words another one uses too, and more, or says of a narrower topic."""
    kept = []
    for one in found:
        beaten = any(
            other is not one
            and one.places <= other.places
            and (
                (one.lines, len(one.places)) < (other.lines, len(other.places))
                or one.claim.about in lexicon.family(other.claim.about) - {other.claim.about}
            )
            for other in found
        )
        if not beaten:
            kept.append(one)
    return sorted(kept, key=lambda f: (-f.lines, -len(f.places), f.claim.id))
