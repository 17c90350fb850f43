"""Which concepts of a clause are denied.

A negation turns the nearest polar concept within its reach (“not *safe* for long-term use”), and those joined to it by
“or” (“no side effects or addiction”). A later one turns the concept before it (“safety has not been established”). Two
turns cancel out (“not without risk”).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from eutonia.claims.mentions import PUNCTUATION, Mention

REACH = 9
"""Words."""
BACK = 6
NEAR = 2


@dataclass(frozen=True)
class _Clause:
    concepts: list[Mention]
    grammar: list[Mention]
    tokens: tuple[str, ...]
    end: int

    def cues(self, name: str) -> Iterator[Mention]:
        """The small words of one kind, less those within a phrase that only looks like a negation."""
        spared = {n for m in self.grammar if m.name == "#not_negations" for n in range(m.start, m.end)}
        return (m for m in self.grammar if m.name == name and m.start not in spared)

    def polar(self) -> list[Mention]:
        return [m for m in self.concepts if m.polar]

    def reach(self, start: int) -> int:
        stops = {m.start for m in self.grammar if m.name == "#stops"}
        last = min(self.end, start + REACH)
        return next((n for n in range(start, last) if n in stops or self.tokens[n] in ",;:.()"), last)


def give_signs(
    concepts: list[Mention], grammar: list[Mention], tokens: tuple[str, ...], end: int, firm: frozenset[str]
) -> list[Mention]:
    """The concepts with their signs, less the words that mean nothing unless denied (“won't *hurt*”) or allowed.

    `firm` are the negations that turn a circumstance too, where no polar concept follows.
    """
    clause = _Clause(concepts, grammar, tokens, end)
    back = dict(_turned_back(clause))
    used = {n for cue in back for n in range(cue.start, cue.end)}
    turned = Counter(back.values())
    ahead = [
        (cue, _turned_ahead(cue, clause, firm)) for cue in clause.cues("#negations") if cue.start not in used
    ]
    polar = {m.start for m in clause.polar()}
    signed_at = [cue.start for cue, places in ahead if places & polar] + [cue.start for cue in back]
    for cue, places in ahead:
        if places & polar or not any(_goes_along(cue, later, tokens) for later in signed_at):
            turned.update(places)
    denials = [cue.end for cue in clause.cues("#negations")]
    allowed = [
        m.end
        for m in grammar
        if m.name == "#permissions" and not any(0 <= m.start - end <= 1 for end in denials)
    ]  # “not *safe to* stop” allows nothing
    return [signed for m in concepts if (signed := _signed(m, turned[m.start] % 2 == 1, allowed))]


def _goes_along(cue: Mention, later: int, tokens: tuple[str, ...]) -> bool:
    """“Isn't for children, *and* hasn't been shown safe”: the second denial repeats the first."""
    return later >= cue.end and bool({"and", ","} & set(tokens[cue.end : later]))


def _signed(mention: Mention, denied: bool, allowed: list[int]) -> Mention | None:
    if not mention.only_if_denied:
        return replace(mention, sign=-mention.sign) if denied else mention
    if denied:
        return replace(mention, sign=-mention.sign)
    return mention if mention.sign > 0 and any(0 <= mention.start - end <= 2 for end in allowed) else None


def _turned_back(clause: _Clause) -> Iterator[tuple[Mention, int]]:
    """(later negation, the place of the concept before it that it turns)."""
    for cue in clause.cues("#later_negations"):
        before = [m for m in clause.polar() if 0 <= cue.start - m.end <= BACK and not m.only_if_denied]
        if before and _closes(cue, clause) and not _goes_on(cue, clause):
            yield cue, before[-1].start


def _closes(cue: Mention, clause: _Clause) -> bool:
    """A single word (“risk: low”) denies what stands before it only where nothing follows."""
    return cue.end - cue.start > 1 or cue.end >= clause.end or clause.tokens[cue.end] in PUNCTUATION


def _goes_on(cue: Mention, clause: _Clause) -> bool:
    """“It is not known that …” denies what follows."""
    following = clause.tokens[cue.end : min(cue.end + 1, clause.end)]
    opens = following and following[0] in ("that", "to", "whether", "if")
    return bool(opens) and any(m.start >= cue.end for m in clause.polar())


def _turned_ahead(cue: Mention, clause: _Clause, firm: frozenset[str]) -> set[int]:
    """Places of the concepts after a negation that it turns."""
    reach = clause.reach(cue.end)
    ahead = [m for m in clause.polar() if cue.end <= m.start < reach and _is_near(m, cue)]
    if ahead:
        first = ahead[0]
        ends = {m.name: m.end for m in reversed(ahead) if m.start == first.start}
        overlapping = {m.start for m in ahead if m.start < ends.get(m.name, min(ends.values()))}
        return overlapping | {m.start for m in ahead if _joined(clause.tokens[first.start : m.start])}
    word = clause.tokens[cue.start]
    within = any(cue.start <= m.start < cue.end for m in clause.polar())
    if within or not (word in firm or word.endswith("n't")):
        return set()
    return set(sorted(m.start for m in clause.concepts if cue.end <= m.start < reach)[:1])


def _is_near(mention: Mention, cue: Mention) -> bool:
    """“No real *problem*” approves; “not with heart rhythm *problems*” does not."""
    return mention.sign > 0 or not mention.only_if_denied or mention.start - cue.end <= NEAR


def _joined(between: tuple[str, ...]) -> bool:
    return bool({"or", "nor"} & set(between)) and "and" not in between
