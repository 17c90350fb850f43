"""Therapies side by side: what can be said, and why some things cannot."""

import pytest

from eutonia.appraisal import compare
from eutonia.errors import InputError


@pytest.fixture(scope="module")
def release_and_carisoprodol(knowledge):
    return compare(
        "myofascial-release", "carisoprodol", condition="chronic-low-back-pain", knowledge=knowledge
    )


def test_no_ranking_across_unconnected_trials(release_and_carisoprodol):
    """Sham touch in chronic pain and pill placebo in acute pain are not one control."""
    assert release_and_carisoprodol.ranking is None
    why = release_and_carisoprodol.why_no_ranking
    assert "do not connect" in why
    assert "sham myofascial release" in why
    assert "acute low back pain" in why
    assert any("No trial found compares" in note for note in release_and_carisoprodol.notes)


def test_onset_of_effect_and_time_to_relief_are_two_things(release_and_carisoprodol):
    carisoprodol = release_and_carisoprodol.factors["carisoprodol"]
    assert "2 hours" in carisoprodol.onset.say
    assert "day 3" in carisoprodol.time_to_relief.say
    assert "day 6" in carisoprodol.time_to_relief.say


def test_harm_that_nobody_counted_is_unknown_not_none(release_and_carisoprodol):
    release = release_and_carisoprodol.factors["myofascial-release"]
    assert release.side_effects == []
    assert "not measured" in release.side_effects_say


def test_harm_rates_with_the_number_needed_to_harm(release_and_carisoprodol):
    """Label: drowsiness 73/548 and 47/279 against 31/560: ratios 2.41 and 3.04, NNH 13 and 9."""
    harms = [
        h for h in release_and_carisoprodol.factors["carisoprodol"].side_effects if h.harm == "Drowsiness"
    ]
    assert [round(h.nnh) for h in harms] == [13, 9]
    assert [h.ratio for h in harms] == pytest.approx([2.41, 3.04], abs=0.005)
    assert [value for h in harms for value in h.ci] == pytest.approx([1.61, 3.60, 1.98, 4.68], abs=0.01)


def test_dizziness_of_the_label(release_and_carisoprodol):
    """43/548 and 19/279 against 11/560: ratios 3.99 (2.08-7.66) and 3.47 (1.67-7.18), NNH 17 and 21."""
    harms = [
        h for h in release_and_carisoprodol.factors["carisoprodol"].side_effects if h.harm == "Dizziness"
    ]
    assert [round(h.nnh) for h in harms] == [17, 21]
    assert [value for h in harms for value in (h.ratio, *h.ci)] == pytest.approx(
        [3.99, 2.08, 7.66, 3.47, 1.67, 7.18], abs=0.01
    )


def test_dependence_schedule_and_duration_are_told_with_their_sources(release_and_carisoprodol):
    carisoprodol = release_and_carisoprodol.factors["carisoprodol"]
    assert "Schedule IV" in carisoprodol.schedule.say
    assert "two or three weeks" in carisoprodol.long_term.say
    assert all(source["key"] for source in carisoprodol.schedule.sources)


def test_nobody_is_best_where_nothing_was_shown(release_and_carisoprodol):
    assert release_and_carisoprodol.best_for.immediate.therapy is None
    assert release_and_carisoprodol.best_for.long_term.therapy is None
    assert "not for long-term use" in release_and_carisoprodol.best_for.long_term.why


def test_best_for_now_where_it_was_shown(knowledge):
    acute = compare(
        "myofascial-release", "carisoprodol", condition="acute-low-back-pain", knowledge=knowledge
    )
    assert acute.best_for.immediate.therapy == "carisoprodol"
    assert "Up to two or three weeks" in acute.best_for.immediate.why


def test_they_may_be_combined_with_care_and_sedatives_may_not(knowledge, release_and_carisoprodol):
    assert release_and_carisoprodol.together.may is True
    assert "therapist" in release_and_carisoprodol.together.why
    two = compare("carisoprodol", "opioid", condition="acute-low-back-pain", knowledge=knowledge)
    assert two.together.may is False


def test_a_ranking_where_one_trial_connects_them(knowledge):
    found = compare(
        "ibuprofen", "diclofenac", condition="acute-low-back-pain", horizon="1 week", knowledge=knowledge
    )
    assert found.why_no_ranking is None
    assert {rank.therapy for rank in found.ranking} == {"ibuprofen", "diclofenac"}
    assert sum(rank.p_score for rank in found.ranking) == pytest.approx(1)


@pytest.mark.parametrize("horizon", ["soon", "0 days", "-3"])
def test_a_horizon_that_cannot_be_read(knowledge, horizon):
    with pytest.raises(InputError, match="Cannot read the horizon"):
        compare("heat", "yoga", condition="acute-low-back-pain", horizon=horizon, knowledge=knowledge)


def test_one_therapy_is_not_a_comparison(knowledge):
    with pytest.raises(InputError, match="at least two"):
        compare("heat", "heat", condition="acute-low-back-pain", knowledge=knowledge)


@pytest.mark.parametrize(
    ("therapy", "condition", "day", "printed"),
    [
        ("cyclobenzaprine", "fibromyalgia", 98, (46.8, 34.9)),  # RELIEF: 30 % less pain
        ("mindfulness", "chronic-low-back-pain", 182, (43.6, 26.6)),  # Cherkin 2016: 30 % less bothersome
    ],
)
def test_responders_worked_out_from_means_are_near_those_counted(knowledge, therapy, condition, day, printed):
    """Both trials print means and responders; the two definitions differ a little."""
    found = compare(therapy, "heat", condition=condition, horizon=f"{day} days", knowledge=knowledge)
    modelled = found.factors[therapy].responders_modelled
    assert "not counted" in modelled.say
    assert modelled.treatment_per_100 == pytest.approx(printed[0], abs=15)
    gap = modelled.treatment_per_100 - modelled.comparator_per_100
    assert gap == pytest.approx(printed[0] - printed[1], abs=8)


def test_no_responders_are_worked_out_without_mean_changes(knowledge, release_and_carisoprodol):
    assert release_and_carisoprodol.factors["myofascial-release"].responders_modelled is None
