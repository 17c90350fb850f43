"""Check safety rules against a table of patient features.

A missing feature is null, and null means unknown: by Kleene logic `unknown AND false` is false, but
`unknown AND true` stays unknown. An unknown rule is never dropped: it is reported together with the
features that would settle it. This judges a million patients; `rowwise.py` one, by the same parsed conditions.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, reduce
from itertools import accumulate
from operator import and_, or_
from typing import Any

import polars as pl

from eutonia.conditions import features_of, pressing
from eutonia.knowledge.grammar import Compared, Condition, Every, Known, Not, names_in, parsed
from eutonia.knowledge.safety import Rule


@cache
def condition(line: str) -> pl.Expr:
    """One line as an expression."""
    return _expression(parsed(line))


def _expression(found: Condition) -> pl.Expr:
    if isinstance(found, Known):
        return pl.col(found.feature)
    if isinstance(found, Compared):
        return _compared(found)
    if isinstance(found, Not):
        return ~_expression(found.part)
    return reduce(and_ if isinstance(found, Every) else or_, map(_expression, found.parts))


def _compared(found: Compared) -> pl.Expr:
    column, to = pl.col(found.feature), found.to
    if found.by == "between":
        return column.is_between(to[0], to[1])
    if found.by == "in":
        return column.is_in(to)
    compare: Mapping[str, Any] = {
        "<": column.lt,
        "<=": column.le,
        ">": column.gt,
        ">=": column.ge,
        "=": column.eq,
    }
    answer: pl.Expr = compare[found.by](to[0])
    return answer


@cache
def applies(rule: Rule) -> pl.Expr:
    """Whether `rule` applies, in three-valued logic."""
    when = pl.all_horizontal([condition(line) for line in rule.when])
    if not rule.unless:
        return when
    return when & ~pl.any_horizontal([condition(line) for line in rule.unless])


def judge(features: pl.DataFrame, rules: Iterable[Rule]) -> pl.DataFrame:
    """Return one column per rule over the rows of `features`: true, false, or null for cannot tell."""
    return features.select([applies(rule).alias(rule.id) for rule in rules])


ROWS_AT_ONCE = 50_000
"""The answers are rows × rules long before the clear ones are dropped; slices bound that."""


def check(features: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """Return one row for each row of `features` and rule that applies or cannot be told.

    Columns: `row` (position in `features`), `rule`, `applies` (null = cannot tell), `urgent`, and `ask`, the
    features that would settle it. Rows are in no particular order.
    """
    return named(check_coded(features, rules), rules)


def check_coded(features: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """The same in numbers, for those who drop rows before they are read (`named`).

    Columns: `row`, `rule` (position in `rules`), `applies`, and `code`, which says what is urgent and to be asked.
    """
    starts = range(0, max(features.height, 1), ROWS_AT_ONCE)
    return pl.concat(
        [_check(features.slice(start, ROWS_AT_ONCE).rechunk(), rules, start) for start in starts]
    )


def named(found: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """What `check_coded` found, by the names of rules and features."""
    used = found["rule"].unique().sort()
    concerned = [rules[number] for number in used]
    rule = used.search_sorted(found["rule"])
    names = pl.Series([rule.id for rule in concerned], dtype=pl.String)
    return pl.select(
        row=found["row"],
        rule=names.gather(rule),
        applies=found["applies"],
        urgent=found["code"] & URGENT != 0,
        ask=_name_sets(concerned, rule, found["code"] & (URGENT - 1)),
    )


def _check(features: pl.DataFrame, rules: Sequence[Rule], first_row: int) -> pl.DataFrame:
    answers = judge(features, rules)
    concerned = [
        (number, rule)
        for number, rule in enumerate(rules)
        if answers[rule.id].null_count() or answers[rule.id].any()
    ]
    every = [rule for _, rule in concerned]
    codes = features.select([_code(rule).alias(rule.id) for rule in every])
    answer = _end_to_end(answers, every, pl.Boolean)
    place = answer.ne_missing(False).arg_true()
    numbers = pl.Series([number for number, _ in concerned], dtype=pl.UInt32)
    return pl.select(
        row=(place % max(features.height, 1) + first_row).cast(pl.UInt32),
        rule=numbers.gather(place // max(features.height, 1)),
        applies=answer.gather(place),
        code=_end_to_end(codes, every, pl.UInt32).gather(place),
    )


def _end_to_end(wide: pl.DataFrame, rules: Sequence[Rule], dtype: type[pl.DataType]) -> pl.Series:
    """One column per rule → one column, rule after rule."""
    return pl.concat([pl.Series(dtype=dtype), *(wide[rule.id] for rule in rules)], rechunk=True)


URGENT = 1 << 31


@cache
def _code(rule: Rule) -> pl.Expr:
    """What is said of an answer beside the answer, as one number.

    Bit i: the i-th feature is missing and leaves a line of an unknown rule unknown. Bit 31: urgent. A number
    per row costs a hundredth of a list of names per row.
    """
    lines = [parsed(line) for line in (*rule.when, *rule.unless)]
    ask = pl.lit(0, dtype=pl.UInt32)
    for bit, name in enumerate(features_of(rule)):
        open_lines = [_expression(line).is_null() for line in lines if name in names_in(line)]
        if open_lines:
            missing = pl.col(name).is_null() & pl.any_horizontal(open_lines)
            ask = ask + missing.cast(pl.UInt32) * (1 << bit)
    known = applies(rule)
    urgent = (
        known & pl.all_horizontal([pl.lit(True), *(condition(line) for line in pressing(rule))])
        if rule.urgent
        else pl.lit(False)
    )
    return pl.when(known.is_null()).then(ask).when(urgent).then(pl.lit(URGENT, dtype=pl.UInt32)).otherwise(0)


def _name_sets(rules: Sequence[Rule], rule: pl.Series, code: pl.Series) -> pl.Series:
    """The features that each code stands for."""
    sets = [_sets(each) for each in rules]
    starts = pl.Series([0, *accumulate(len(each) for each in sets)], dtype=pl.UInt32)
    every = pl.concat([pl.Series(dtype=pl.List(pl.String)), *sets], rechunk=True)
    return every.gather(starts.gather(rule) + code)


@cache
def _sets(rule: Rule) -> pl.Series:
    """Every subset of the rule's features, at the position that is its code."""
    names = features_of(rule)
    subsets = [[name for bit, name in enumerate(names) if code >> bit & 1] for code in range(1 << len(names))]
    return pl.Series(subsets, dtype=pl.List(pl.String))
