"""How rules are judged where facts are missing: Kleene's logic, and what to ask."""

from typing import Any

import polars as pl
import pytest

from eutonia.knowledge.safety import Rule
from eutonia.rules import check, judge

COLUMNS = {
    "a": pl.Boolean,
    "b": pl.Boolean,
    "takes_oral_nsaid": pl.Boolean,
    "takes_gastroprotection": pl.Boolean,
    "egfr": pl.Float64,
    "ckd": pl.Boolean,
    "stage": pl.String,
}


def rule(
    *when: str, unless: tuple[str, ...] = (), urgent: bool | tuple[str, ...] = False, name: str = "r"
) -> Rule:
    return Rule(
        id=name,
        title=name,
        severity="avoid",
        tier=1,
        when=when,
        unless=unless,
        urgent=urgent,
        basis="policy",
        say="",
        do="",
        sources=(),
        examples=(),
    )


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], schema=COLUMNS)


def answer(judged: Rule, **features: Any) -> bool | None:
    """Whether the rule applies to one patient; None for cannot tell."""
    found: bool | None = judge(table(features), [judged])[judged.id][0]
    return found


def asked(judged: Rule, **features: Any) -> list[str] | None:
    """What is asked of one patient; None where the rule does not apply."""
    found = check(table(features), [judged])
    return found["ask"][0].to_list() if found.height else None


T, F, U = True, False, None

AND = [
    (T, T, T), (T, F, F), (T, U, U),
    (F, T, F), (F, F, F), (F, U, F),
    (U, T, U), (U, F, F), (U, U, U),
]  # fmt: skip

OR = [
    (T, T, T), (T, F, T), (T, U, T),
    (F, T, T), (F, F, F), (F, U, U),
    (U, T, T), (U, F, U), (U, U, U),
]  # fmt: skip

AND_NOT = [
    (T, T, F), (T, F, T), (T, U, U),
    (F, T, F), (F, F, F), (F, U, F),
    (U, T, F), (U, F, U), (U, U, U),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "expected"), AND)
def test_unknown_and_false_is_false_but_unknown_and_true_stays_unknown(
    a: bool | None, b: bool | None, expected: bool | None
) -> None:
    """Within a line, and between the lines of `when`."""
    assert answer(rule("a AND b"), a=a, b=b) is expected
    assert answer(rule("a", "b"), a=a, b=b) is expected


@pytest.mark.parametrize(("a", "b", "expected"), OR)
def test_unknown_or_true_is_true_but_unknown_or_false_stays_unknown(
    a: bool | None, b: bool | None, expected: bool | None
) -> None:
    assert answer(rule("a OR b"), a=a, b=b) is expected


@pytest.mark.parametrize(("a", "b", "expected"), AND_NOT)
def test_a_line_of_unless_that_holds_stands_the_rule_down(
    a: bool | None, b: bool | None, expected: bool | None
) -> None:
    """Whether or not the rest is known; an unknown `unless` leaves a rule that holds unknown."""
    assert answer(rule("a", unless=("b",)), a=a, b=b) is expected
    assert answer(rule("a AND NOT b"), a=a, b=b) is expected


@pytest.mark.parametrize(("a", "expected"), [(T, F), (F, T), (U, U)])
def test_the_opposite_of_unknown_is_unknown(a: bool | None, expected: bool | None) -> None:
    assert answer(rule("NOT a"), a=a) is expected


def test_one_of_several_lines_of_unless_is_enough() -> None:
    standing = rule("takes_oral_nsaid", unless=("a", "b"))
    assert answer(standing, takes_oral_nsaid=True, a=None, b=True) is False
    assert answer(standing, takes_oral_nsaid=True, a=None, b=False) is None
    assert answer(standing, takes_oral_nsaid=True, a=False, b=False) is True


def test_an_unknown_number_compares_to_nothing() -> None:
    """Neither below nor at or above: no comparison turns unknown into known."""
    for line in ("egfr < 30", "egfr >= 30", "egfr BETWEEN 30 AND 60", "NOT egfr < 30", "egfr = 30"):
        assert answer(rule(line), egfr=None) is None, line


def test_an_egfr_of_exactly_30_is_not_below_30() -> None:
    assert answer(rule("egfr < 30"), egfr=30) is False
    assert answer(rule("egfr < 30"), egfr=29.9) is True


def test_an_unknown_word_is_in_no_list_and_outside_none() -> None:
    assert answer(rule("stage IN ('20-to-29', 'stage-unknown')"), stage=None) is None
    assert answer(rule("stage = '30-or-more'"), stage=None) is None
    assert answer(rule("stage IN ('20-to-29', 'stage-unknown')"), stage="stage-unknown") is True


def test_a_missing_feature_is_asked_for_only_if_it_would_settle_the_rule() -> None:
    """An eGFR matters only to someone who takes an NSAID."""
    nsaid = rule("takes_oral_nsaid", "egfr < 30")
    assert asked(nsaid, takes_oral_nsaid=True, egfr=None) == ["egfr"]
    assert asked(nsaid, takes_oral_nsaid=False, egfr=None) is None


def test_a_rule_that_applies_asks_nothing() -> None:
    """One reason is enough: that the other is unknown does not matter."""
    assert asked(rule("egfr < 30 OR ckd"), egfr=None, ckd=True) == []


def test_a_known_feature_is_never_asked_for() -> None:
    assert asked(rule("egfr < 30 OR ckd"), egfr=None, ckd=False) == ["egfr"]
    assert asked(rule("takes_oral_nsaid", "egfr < 30"), takes_oral_nsaid=None, egfr=20) == [
        "takes_oral_nsaid"
    ]


def test_everything_that_could_settle_it_is_asked_for_in_the_order_it_is_read() -> None:
    nsaid = rule("takes_oral_nsaid", "egfr < 30 OR ckd", unless=("takes_gastroprotection",))
    assert asked(nsaid) == ["takes_oral_nsaid", "egfr", "ckd", "takes_gastroprotection"]


def test_a_line_that_is_settled_asks_nothing_although_a_feature_of_it_is_missing() -> None:
    """CKD settles the second line; only the NSAID is still open."""
    nsaid = rule("takes_oral_nsaid", "egfr < 30 OR ckd")
    assert asked(nsaid, ckd=True) == ["takes_oral_nsaid"]


def test_what_would_only_make_an_issue_urgent_is_not_asked_for_by_the_rule() -> None:
    """Urgency is said where it is known; the issue stands without it."""
    flag = rule("a", urgent=("b",))
    for b, urgent in ((True, True), (False, False), (None, False)):
        found = check(table({"a": True, "b": b}), [flag]).row(0, named=True)
        assert (found["applies"], found["urgent"], found["ask"]) == (True, urgent, [])
    unknown = check(table({"a": None, "b": True}), [flag]).row(0, named=True)
    assert (unknown["applies"], unknown["urgent"], unknown["ask"]) == (None, False, ["a"])


def test_an_unknown_rule_is_reported_and_never_dropped() -> None:
    """Of three patients, one has the issue, one has not, and one has to be asked."""
    found = check(table({"a": True}, {"a": False}, {"a": None}), [rule("a")])
    assert found.sort("row").select("row", "applies").rows() == [(0, True), (2, None)]


def test_the_answer_for_a_patient_does_not_depend_on_the_others() -> None:
    rows: list[dict[str, Any]] = [{"a": a, "b": b} for a in (T, F, U) for b in (T, F, U)]
    rules = [rule("a AND b", name="and"), rule("a OR b", name="or"), rule("a", unless=("b",), name="unless")]
    together = judge(table(*rows), rules).rows()
    assert together == [judge(table(row), rules).row(0) for row in rows]
