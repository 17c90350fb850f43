"""The lines that rules are written in, as expressions over a table of features.

Both sides need them: the features, to know which results a rule asks for, and the rules, to judge.
"""

from collections.abc import Iterable, Mapping
from functools import cache

import polars as pl

from eutonia.knowledge import Knowledge
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


def needs_forecast(rule: Rule, knowledge: Knowledge) -> bool:
    """Whether `rule` asks for a simulated quantity, so that it can be judged only once a plan is simulated."""
    return any(knowledge.features[name].kind == "simulated" for name in features_of(rule))


@cache
def rules_of_the_record(knowledge: Knowledge) -> tuple[Rule, ...]:
    """The rules that the record and the plan decide."""
    return tuple(rule for rule in knowledge.rules.values() if not needs_forecast(rule, knowledge))


@cache
def rules_of_the_forecast(knowledge: Knowledge) -> tuple[Rule, ...]:
    """The rules that a forecast decides."""
    return tuple(rule for rule in knowledge.rules.values() if needs_forecast(rule, knowledge))
