"""Check safety rules for one patient, in plain Python.

The same parsed conditions as in `rules.py`, and the same three-valued logic: a table of one row costs a hundred times
what the row does, and one patient should not wait for an engine made for millions. Tests prove the two equal.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from eutonia.conditions import features_of, pressing
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
        answer = applies(rule)(row)
        if answer:
            found.append(Finding(rule, True, bool(_urgent(rule)(row)), ()))
        elif answer is None:
            found.append(Finding(rule, None, False, _ask(rule, row)))
    return found


def holds(line: str, row: Row) -> bool | None:
    """Whether one condition holds."""
    return _function(parsed(line))(row)


@cache
def applies(rule: Rule) -> Answer:
    """Whether `rule` applies to a row, in three-valued logic."""
    lines = [_function(parsed(line)) for line in rule.when]
    return _every([*lines, *(_negated(_function(parsed(line))) for line in rule.unless)])


@cache
def _urgent(rule: Rule) -> Answer:
    if isinstance(rule.urgent, bool):
        return lambda _: bool(rule.urgent)
    return _every([_function(parsed(line)) for line in pressing(rule)])


def _ask(rule: Rule, row: Row) -> tuple[str, ...]:
    """The missing features that leave a line unknown."""
    lines = [parsed(line) for line in (*rule.when, *rule.unless)]
    unknown = {name for line in lines if _function(line)(row) is None for name in names_in(line)}
    return tuple(name for name in features_of(rule) if name in unknown and row[name] is None)


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
