"""Every rule's examples: each alone, then all of a rule in one shuffled table."""

import random

import polars as pl
import pytest

from eutonia.conditions import features_of
from eutonia.features.table import schema
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.safety import Rule
from eutonia.rules import check, judge

KNOWLEDGE = load()
RULES = list(KNOWLEDGE.rules.values())
ANSWERS = ("applies", "ask", "urgent")


def table(rule: Rule, knowledge: Knowledge, examples: list[dict[str, object]]) -> pl.DataFrame:
    names = features_of(rule)
    columns = schema(knowledge.features[name] for name in names)
    return pl.DataFrame([{name: example[name] for name in names} for example in examples], schema=columns)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_example_names_every_feature_of_its_rule(rule: Rule) -> None:
    for number, example in enumerate(rule.examples):
        features = set(example) - set(ANSWERS)
        assert features == set(features_of(rule)), f"example {number}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_examples_alone(rule: Rule, knowledge: Knowledge) -> None:
    for number, example in enumerate(rule.examples):
        (answer,) = judge(table(rule, knowledge, [example]), [rule])[rule.id]
        assert answer is example["applies"], f"example {number}"
        if answer is not False:
            issue = check(table(rule, knowledge, [example]), [rule]).row(0, named=True)
            assert issue["ask"] == example.get("ask", []), f"example {number}"
            assert issue["urgent"] is example.get("urgent", rule.urgent is True and answer is True), (
                f"example {number}"
            )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_examples_stacked_and_shuffled(rule: Rule, knowledge: Knowledge) -> None:
    examples = list(rule.examples) * 3
    random.Random(rule.id).shuffle(examples)
    assert judge(table(rule, knowledge, examples), [rule])[rule.id].to_list() == [
        e["applies"] for e in examples
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_an_example_that_applies_one_that_does_not_and_one_that_cannot_be_told(rule: Rule) -> None:
    """A rule whose features are always known cannot be unknown."""
    always_known = all(
        KNOWLEDGE.features[name].absent == "no"
        and KNOWLEDGE.features[name].why.startswith(("It is always", "The plan"))
        for name in features_of(rule)
    )
    found = {example["applies"] for example in rule.examples}
    assert found >= ({True, False} if always_known else {True, False, None})
