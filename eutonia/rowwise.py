"""Check safety rules for one patient, in plain Python.

The same parsed conditions as in `rules.py`, and the same three-valued logic: a table of one row costs a hundred times
what the row does, and one patient should not wait for an engine made for millions. Tests prove the two equal.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from eutonia.conditions import pressing
from eutonia.kleene import negate
from eutonia.knowledge.grammar import Compared, Condition, Every, Known, Not, names_in, parsed
from eutonia.knowledge.safety import Rule

Row = Mapping[str, bool | float | str | None]
Answer = Callable[[Row], bool | None]


class Finding(NamedTuple):
    """A rule that applies, or that cannot be told (`applies` is None) until what it asks for is known."""

    rule: Rule
    applies: bool | None
    urgent: bool
    ask: tuple[str, ...]


def check(row: Row, rules: Iterable[Rule]) -> list[Finding]:
    """The rules that apply to a patient or cannot be told; `row` holds every feature that they name."""
    found = []
    for rule in rules:
        judge = _judge(rule)
        if judge.needs is not None and row[judge.needs] is False:
            continue  # as nearly all do: a patient has few of the things that rules are about
        answer = judge.applies(row)
        if answer:
            found.append(Finding(rule, True, bool(judge.urgent(row)), ()))
        elif answer is None:
            found.append(Finding(rule, None, False, judge.ask(row)))
    return found


def holds(line: str, row: Row) -> bool | None:
    """Whether one condition holds."""
    return _function(parsed(line))(row)


def applies(rule: Rule) -> Answer:
    """Whether `rule` applies to a row, in three-valued logic."""
    return _judge(rule).applies


class _Judge(NamedTuple):
    """A rule, ready to be asked."""

    needs: str | None
    """A feature without which it does not apply."""
    applies: Answer
    urgent: Answer
    lines: Sequence[tuple[Answer, Sequence[str]]]
    """Each line with the features that it names."""

    def ask(self, row: Row) -> tuple[str, ...]:
        """The missing features that leave a line unknown."""
        unknown = {name for line, names in self.lines if line(row) is None for name in names}
        return tuple(
            name
            for name in dict.fromkeys(n for _, names in self.lines for n in names)
            if name in unknown and row[name] is None
        )


@cache
def _judge(rule: Rule) -> _Judge:
    when, unless = ([parsed(line) for line in lines] for lines in (rule.when, rule.unless))
    answers = [_function(line) for line in when] + [_negated(_function(line)) for line in unless]
    pressed = [_function(parsed(line)) for line in pressing(rule)]
    return _Judge(
        needs=next((line.feature for line in when if isinstance(line, Known)), None),
        applies=_every(answers),
        urgent=_every(pressed) if pressed else lambda _: bool(rule.urgent),
        lines=[(_function(line), tuple(names_in(line))) for line in (*when, *unless)],
    )


@cache
def _function(condition: Condition) -> Answer:
    if isinstance(condition, Known):
        return operator.itemgetter(condition.feature)
    if isinstance(condition, Compared):
        return _compared(condition)
    if isinstance(condition, Not):
        return _negated(_function(condition.part))
    parts = [_function(part) for part in condition.parts]
    return _every(parts) if isinstance(condition, Every) else _some(parts)


COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}


def _compared(condition: Compared) -> Answer:
    name, to = condition.feature, condition.to
    test: Callable[[Any], bool]
    if condition.by == "between":
        low: Any
        high: Any
        low, high = to
        test = lambda value: low <= value <= high  # noqa: E731
    elif condition.by == "in":
        test = frozenset(to).__contains__
    else:
        compare, constant = COMPARE[condition.by], to[0]
        test = lambda value: compare(value, constant)  # noqa: E731
    return lambda row: None if row[name] is None else test(row[name])


def _negated(answer: Answer) -> Answer:
    return lambda row: negate(answer(row))


def _every(parts: Sequence[Answer]) -> Answer:
    def answer(row: Row) -> bool | None:
        found: bool | None = True
        for part in parts:
            value = part(row)
            if value is False:
                return False
            found = found if value else None
        return found

    return parts[0] if len(parts) == 1 else answer


def _some(parts: Sequence[Answer]) -> Answer:
    def answer(row: Row) -> bool | None:
        found: bool | None = False
        for part in parts:
            value = part(row)
            if value:
                return True
            found = None if value is None else found
        return found

    return answer
