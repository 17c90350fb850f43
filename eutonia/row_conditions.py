"""The lines of rules for a single row, in plain Python: a table engine needs longer to start than one row takes.

The lines use a small part of SQL: AND, OR, NOT, comparisons, BETWEEN, IN. Each becomes a function of a row; None is
unknown. A test holds that these and the table engine agree.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from eutonia.kleene import every, negate, some

Row = Mapping[str, Any]
Test = Callable[[Row], Any]

COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
STRINGS = re.compile(r"('[^']*')")


@cache
def test_of(line: str) -> Test:
    """A function that tells whether `line` holds of a row. Raises ValueError for SQL beyond the small part."""
    try:
        return _test(ast.parse(_as_python(line), mode="eval").body)
    except SyntaxError:
        raise ValueError(f"“{line}” cannot be judged row by row.") from None


def _as_python(line: str) -> str:
    """The line in Python's spelling; what stands in quotes is left alone."""
    parts = STRINGS.split(line)
    parts[::2] = [_respelt(part) for part in parts[::2]]
    return "".join(parts).strip()


def _respelt(part: str) -> str:
    part = re.sub(r"(\w+)\s+BETWEEN\s+(\S+)\s+AND\s+([^\s)]+)", r"(\2 <= \1 <= \3)", part)
    part = re.sub(r"(?<![<>=])=(?!=)", "==", part).replace("<>", "!=")
    part = re.sub(r"\bIN\s*\(\s*\)", "in ()", re.sub(r"\bIN\b", "in", part))
    return re.sub(r"\b(AND|OR|NOT|TRUE|FALSE)\b", lambda word: _WORDS[word[0]], part)


_WORDS = {"AND": "and", "OR": "or", "NOT": "not", "TRUE": "True", "FALSE": "False"}


def _test(node: ast.expr) -> Test:
    if isinstance(node, ast.Name):
        return operator.itemgetter(node.id)
    if isinstance(node, ast.Constant):
        value = node.value
        return lambda _: value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _test(node.operand)
        return lambda row: negate(inner(row))
    if isinstance(node, ast.BoolOp):
        parts = [_test(part) for part in node.values]
        join = every if isinstance(node.op, ast.And) else some
        return lambda row: join(part(row) for part in parts)
    if isinstance(node, ast.Compare):
        return _comparison(node)
    raise SyntaxError


def _comparison(node: ast.Compare) -> Test:
    if isinstance(node.ops[0], ast.In | ast.NotIn):
        return _membership(node)
    sides = [_test(side) for side in (node.left, *node.comparators)]
    steps = [(COMPARE[type(op)], a, b) for op, a, b in zip(node.ops, sides, sides[1:], strict=False)]

    def compare(row: Row) -> bool | None:
        return every(_compared(op, left(row), right(row)) for op, left, right in steps)

    return compare


def _compared(op: Callable[[Any, Any], Any], left: Any, right: Any) -> bool | None:
    return None if left is None or right is None else bool(op(left, right))


def _membership(node: ast.Compare) -> Test:
    listed = node.comparators[0]
    items: Sequence[ast.expr] = listed.elts if isinstance(listed, ast.Tuple | ast.List) else [listed]
    wanted = {ast.literal_eval(item) for item in items}
    value = _test(node.left)
    there = isinstance(node.ops[0], ast.In)

    def among(row: Row) -> bool | None:
        found = value(row)
        return None if found is None else (found in wanted) is there

    return among
