"""The rule engine against a judge of a few plain lines, on random tables of features.

The judge reads the SQL with another parser and knows nothing of tables.
"""

import operator
import random
from typing import Any

import polars as pl
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import expressions as sql

from eutonia.conditions import features_of
from eutonia.features.table import schema
from eutonia.knowledge import load
from eutonia.knowledge.grammar import parsed
from eutonia.knowledge.safety import Rule
from eutonia.rowwise import Finding, applies
from eutonia.rowwise import check as check_row
from eutonia.rules import check, judge

KNOWLEDGE = load()
RULES = list(KNOWLEDGE.rules.values())
COMPARE = {
    sql.LT: operator.lt,
    sql.LTE: operator.le,
    sql.GT: operator.gt,
    sql.GTE: operator.ge,
    sql.EQ: operator.eq,
}


def plainly(node: Any, row: dict[str, Any]) -> Any:
    """The value of an expression; None for unknown."""
    if isinstance(node, sql.Paren):
        return plainly(node.this, row)
    if isinstance(node, sql.Column):
        return row[node.name]
    if isinstance(node, sql.Literal):
        return node.this if node.is_string else float(node.this)
    if isinstance(node, sql.Not):
        value = plainly(node.this, row)
        return None if value is None else not value
    if isinstance(node, sql.And | sql.Or):
        decisive = isinstance(node, sql.Or)
        values = [plainly(node.left, row), plainly(node.right, row)]
        return decisive if decisive in values else None if None in values else not decisive
    if isinstance(node, sql.Between):
        value, low, high = (plainly(node.args[k], row) for k in ("this", "low", "high"))
        return None if value is None else low <= value <= high
    if isinstance(node, sql.In):
        value = plainly(node.this, row)
        return None if value is None else value in [plainly(e, row) for e in node.expressions]
    values = plainly(node.left, row), plainly(node.right, row)
    return None if None in values else COMPARE[type(node)](*values)


def answer(rule: Rule, row: dict[str, Any]) -> bool | None:
    """Whether `rule` applies: all of when, none of unless."""
    when = [plainly(sqlglot.parse_one(line), row) for line in rule.when]
    unless = [plainly(sqlglot.parse_one(line), row) for line in rule.unless]
    if False in when or True in unless:
        return False
    return None if None in when + unless else True


def values(name: str) -> st.SearchStrategy[Any]:
    feature = KNOWLEDGE.features[name]
    if feature.type == "boolean":
        return st.sampled_from([True, False, None])
    if feature.type == "category":
        words = {
            lit.this
            for r in RULES
            for line in r.when
            if name in line
            for lit in sqlglot.parse_one(line).find_all(sql.Literal)
        }
        return st.sampled_from([*sorted(words), "something else", None])
    cuts = {
        float(lit.this)
        for r in RULES
        for line in r.when
        if name in line
        for lit in sqlglot.parse_one(line).find_all(sql.Literal)
        if not lit.is_string
    }
    near = [c + d for c in cuts for d in (-1, 0, 1)]
    return st.sampled_from([*near, None])


COLUMNS = schema(KNOWLEDGE.features.values())
USED = sorted({name for rule in RULES for name in features_of(rule)})
ROWS = st.lists(st.fixed_dictionaries({name: values(name) for name in USED}), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_the_engine_agrees_with_the_plain_judge_alone_stacked_and_shuffled(
    rows: list[dict[str, Any]],
) -> None:
    expected = [[answer(rule, row) for rule in RULES] for row in rows]
    table = pl.DataFrame(rows, schema={name: COLUMNS[name] for name in USED})
    assert [list(row) for row in judge(table, RULES).rows()] == expected
    assert [[applies(rule)(row) for rule in RULES] for row in rows] == expected
    order = list(range(len(rows)))
    random.Random(0).shuffle(order)
    assert [list(row) for row in judge(table[order], RULES).rows()] == [expected[i] for i in order]


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_asking_is_exact(rows: list[dict[str, Any]]) -> None:
    """Each asked feature is missing, and a rule that is unknown asks for something."""
    table = pl.DataFrame(rows, schema={name: COLUMNS[name] for name in USED})
    for issue in check(table, RULES).iter_rows(named=True):
        row = rows[issue["row"]]
        assert bool(issue["ask"]) is (issue["applies"] is None)
        assert all(row[name] is None for name in issue["ask"])


@settings(deadline=None, max_examples=40)
@given(ROWS, st.randoms())
def test_answering_every_question_settles_the_rule(rows: list[dict[str, Any]], chance: random.Random) -> None:
    table = pl.DataFrame(rows, schema={name: COLUMNS[name] for name in USED})
    for issue in check(table, RULES).filter(pl.col("applies").is_null()).iter_rows(named=True):
        rule = KNOWLEDGE.rules[issue["rule"]]
        filled = dict(rows[issue["row"]])
        for name in issue["ask"]:
            filled[name] = {"boolean": chance.random() < 0.5, "category": "x", "number": 50.0}[
                KNOWLEDGE.features[name].type
            ]
        again = answer(rule, filled)
        assert again is not None or any(filled[name] is None for name in features_of(rule))


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_one_patient_is_judged_as_in_a_table(rows: list[dict[str, Any]]) -> None:
    """What applies, how urgent it is and what is asked: the same from a row as from a table."""
    table = pl.DataFrame(rows, schema={name: COLUMNS[name] for name in USED})
    by_table: list[list[Finding]] = [[] for _ in rows]
    for found in check(table, RULES).iter_rows(named=True):
        rule = KNOWLEDGE.rules[found["rule"]]
        by_table[found["row"]].append(
            Finding(rule, found["applies"], bool(found["urgent"]), tuple(found["ask"]))
        )
    for row, expected in zip(rows, by_table, strict=True):
        assert check_row(row, RULES) == sorted(expected, key=lambda found: RULES.index(found.rule))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a AND",
        "a OR OR b",
        "(a",
        "a)",
        "a b",
        "a <",
        "a < b",
        "a BETWEEN 1",
        "a IN ()",
        "a IN ('x'",
        "NOT",
        "a ! 1",
    ],
)
def test_a_line_that_is_no_condition_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"expected|read"):
        parsed(line)
