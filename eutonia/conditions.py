"""The lines that rules are written in, as expressions over a table of features.

Both sides need them: the features, to know which results a rule asks for, and the rules, to judge.
"""

from collections.abc import Iterable, Mapping
from functools import cache

import polars as pl

from eutonia.knowledge.safety import Feature, Rule

DTYPES: Mapping[str, type[pl.DataType]] = {"boolean": pl.Boolean, "number": pl.Float64, "category": pl.String}


def schema(features: Iterable[Feature]) -> dict[str, type[pl.DataType]]:
    """The columns of a feature table and their types."""
    return {feature.id: DTYPES[feature.type] for feature in features if feature.kind != "question"}


@cache
def condition(line: str) -> pl.Expr:
    """One SQL line as an expression."""
    return pl.sql_expr(line)


@cache
def features_of(rule: Rule) -> tuple[str, ...]:
    """The features that `rule` names, in the order they are read."""
    pressing = rule.urgent if isinstance(rule.urgent, tuple) else ()
    lines = (*rule.when, *rule.unless, *pressing)
    return tuple(dict.fromkeys(name for line in lines for name in condition(line).meta.root_names()))
