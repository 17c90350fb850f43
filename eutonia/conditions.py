"""What the lines of rules ask for.

Both sides of the rules need it: the features, to know which results a rule asks for, and the rules, to judge.
"""

from collections.abc import Mapping
from functools import cache

from eutonia.knowledge import Knowledge
from eutonia.knowledge.grammar import names_in, parsed
from eutonia.knowledge.safety import Rule


def pressing(rule: Rule) -> tuple[str, ...]:
    """The lines that make a rule that applies urgent."""
    return rule.urgent if isinstance(rule.urgent, tuple) else ()


@cache
def features_of(rule: Rule) -> tuple[str, ...]:
    """The features that `rule` names, in the order they are read."""
    lines = (*rule.when, *rule.unless, *pressing(rule))
    return tuple(dict.fromkeys(name for line in lines for name in names_in(parsed(line))))


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


@cache
def rules_by_feature(knowledge: Knowledge) -> Mapping[str, tuple[str, ...]]:
    """Feature → the rules of the record that ask for it."""
    asking: dict[str, tuple[str, ...]] = {}
    for rule in rules_of_the_record(knowledge):
        for name in features_of(rule):
            asking[name] = (*asking.get(name, ()), rule.id)
    return asking
