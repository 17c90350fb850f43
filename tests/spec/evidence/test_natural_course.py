"""Pain falls without treatment; a treatment's effect is what comes on top."""

import numpy as np
import pytest

from eutonia.appraisal import evidence, natural_course
from eutonia.errors import InputError

# CMAJ 2012;184:E613, pooled means: weeks, acute (interval), persistent (interval)
PRINTED = [
    (0, 52, 48, 57, 51, 44, 59),
    (6, 23, 21, 25, 33, 29, 38),
    (26, 12, 9, 15, 26, 20, 33),
    (52, 6, 3, 10, 23, 16, 30),
]


@pytest.mark.parametrize(("condition", "place"), [("acute-low-back-pain", 1), ("chronic-low-back-pain", 4)])
def test_the_curve_passes_near_the_printed_points(knowledge, condition, place):
    weeks = np.array([row[0] for row in PRINTED])
    course = natural_course(condition, 7 * weeks, knowledge)
    for i, row in enumerate(PRINTED):
        assert course.pain[i] == pytest.approx(row[place], abs=4)
        assert course.ci_low[i] <= row[place + 2]
        assert row[place + 1] <= course.ci_high[i]


def test_between_cohorts_the_spread_is_wider_than_that_of_the_mean(knowledge):
    course = natural_course("acute-low-back-pain", [0, 7, 42], knowledge)
    assert np.all(course.cohort_high - course.cohort_low > course.ci_high - course.ci_low)
    assert np.all(np.diff(course.pain) < 0)


def test_an_answer_tells_what_would_have_come_anyway(knowledge):
    answer = evidence("nsaid", condition="acute-low-back-pain", day=7, knowledge=knowledge)
    assert answer.natural_course.at_start > answer.natural_course.pain
    assert any("anyway" in sentence for sentence in answer.say)


def test_a_condition_without_cohorts(knowledge):
    with pytest.raises(InputError, match="No natural course of “fibromyalgia”"):
        natural_course("fibromyalgia", [7], knowledge)
    with pytest.raises(InputError, match="0 or more"):
        natural_course("acute-low-back-pain", [-1], knowledge)
