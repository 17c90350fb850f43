"""What trials say to the claims that articles make about carisoprodol and myofascial release."""

import pytest

from eutonia.appraisal import compare, evidence


def test_carisoprodol_helps_acute_pain_in_two_short_industry_trials(knowledge):
    """Relief on 0–4 at day 3: about +0.7 and +0.4 points."""
    answer = evidence("carisoprodol", condition="acute-low-back-pain", knowledge=knowledge)
    points = [-row.effect * 4 / 100 for row in answer.rows]
    assert points == pytest.approx([0.71, 0.40], abs=0.01)
    assert [row.day for row in answer.rows] == [3, 3]
    assert all("industry" in row.risk_of_bias_why for row in answer.rows)
    assert answer.certainty.level == "very low"


def test_works_within_an_hour_is_pharmacology_not_a_trial_result(knowledge):
    known = compare("carisoprodol", "heat", condition="acute-low-back-pain", knowledge=knowledge)
    factors = known.factors["carisoprodol"]
    assert "not yet relief" in factors.onset.say
    assert factors.time_to_relief.sources[0]["key"] == "ralph2008"


def test_carisoprodol_in_chronic_back_pain_is_not_shown(knowledge):
    answer = evidence("carisoprodol", condition="chronic-low-back-pain", knowledge=knowledge)
    assert answer.answer == "no-usable-data"


def test_a_gaba_a_modulator_did_not_help_chronic_back_pain(knowledge):
    """Pain -1.0 against -1.2 of 10: no benefit, in one trial that is not of carisoprodol."""
    answer = evidence("pf-06372865", condition="chronic-low-back-pain", knowledge=knowledge)
    assert answer.estimate == pytest.approx(2.0)
    assert answer.ci[0] < 0 < answer.ci[1]


def test_the_published_trials_are_not_the_whole_evidence(knowledge):
    """Two registered trials of 830 and 840 people, more than the 1,368 of the published ones, gave no result."""
    answer = evidence("carisoprodol", condition="acute-low-back-pain", knowledge=knowledge)
    unpublished = [t.people for t in answer.missing if t.trial.startswith("nct")]
    published = sum(arm.n for t in ("ralph2008", "serfer2010") for arm in knowledge.trials[t].arms.values())
    assert published == 1368
    assert sum(unpublished) > published


def test_no_more_than_three_weeks_means_no_data_beyond(knowledge):
    answer = evidence("carisoprodol", condition="acute-low-back-pain", day=28, knowledge=knowledge)
    assert answer.answer == "no-usable-data"


def test_methocarbamol_added_to_naproxen_brought_no_more_adverse_events(knowledge):
    """19 % against 17 % on naproxen alone (Friedman 2018)."""
    answer = evidence(
        "methocarbamol", condition="acute-low-back-pain", outcome="any-adverse-event", knowledge=knowledge
    )
    assert answer.rows[0].events == (15, 13)
    assert answer.ci[0] < 1 < answer.ci[1]


def test_release_in_chronic_back_pain_is_uncertain_for_pain_clearer_for_disability(knowledge):
    """One sham-controlled trial: pain -9.0 (-25.8 to 7.9) of 100 at 3 months, disability -3.7 (-7.6 to -0.2) of 24."""
    pain = evidence("myofascial-release", condition="chronic-low-back-pain", day=84, knowledge=knowledge)
    assert pain.rows[0].trial == "arguisuelas2017"
    assert (pain.estimate, *pain.ci) == pytest.approx((-9.0, -25.8, 7.9), abs=0.1)
    disability = evidence(
        "myofascial-release",
        condition="chronic-low-back-pain",
        outcome="disability",
        day=84,
        knowledge=knowledge,
    )
    assert disability.rows[0].effect == pytest.approx(-100 * 3.7 / 24)


def test_total_score_of_a_questionnaire_is_not_pain_intensity(knowledge):
    """The same trial's short McGill total (-17.3 of 100) is not pooled as pain."""
    answer = evidence("myofascial-release", condition="chronic-low-back-pain", day=84, knowledge=knowledge)
    assert {row.outcome for row in answer.rows} == {"pain"}


def test_release_has_no_counted_side_effects(knowledge):
    answer = evidence(
        "myofascial-release",
        condition="chronic-low-back-pain",
        outcome="any-adverse-event",
        knowledge=knowledge,
    )
    assert answer.answer == "no-usable-data"
    assert answer.missing


def test_release_for_the_long_term_and_carisoprodol_for_now_cannot_be_ranked(knowledge):
    for condition in ("acute-low-back-pain", "chronic-low-back-pain"):
        found = compare("myofascial-release", "carisoprodol", condition=condition, knowledge=knowledge)
        assert found.ranking is None


def test_the_number_of_sessions_was_never_compared(knowledge):
    found = compare("myofascial-release", "massage", condition="chronic-low-back-pain", knowledge=knowledge)
    assert "4 to 40 sessions" in found.factors["myofascial-release"].sessions.say
    assert "none compared" in found.factors["myofascial-release"].sessions.say


def test_magnesium_rests_on_one_trial_in_neuropathic_back_pain(knowledge):
    answer = evidence("magnesium", condition="chronic-low-back-pain", knowledge=knowledge)
    assert [row.trial for row in answer.rows] == ["yousef2013"]
    reasons = {r.domain: r for r in answer.certainty.reasons}
    assert reasons["indirectness"].step < 0


def test_heat_has_a_short_effect_in_acute_pain_not_blinded(knowledge):
    answer = evidence("heat", condition="acute-low-back-pain", day=1, knowledge=knowledge)
    assert answer.ci[1] < 0
    assert "100 % not blinded" in next(r.why for r in answer.certainty.reasons if r.domain == "risk of bias")
