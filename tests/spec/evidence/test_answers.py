"""What trials say on a question, and what they do not."""

import pytest

from eutonia.appraisal import evidence
from eutonia.errors import InputError


def reasons(answer):
    return {reason.domain: reason for reason in answer.certainty.reasons}


def test_two_trials_are_pooled_with_a_prior_not_with_one_degree_of_freedom(knowledge):
    """Hartung–Knapp on two trials would give -63 to 36."""
    answer = evidence("carisoprodol", condition="acute-low-back-pain", outcome="pain", knowledge=knowledge)
    assert answer.trials == 2
    assert "half-normal" in answer.method
    assert answer.ci[1] - answer.ci[0] < 40
    assert answer.ci[0] < answer.estimate < answer.ci[1]


def test_unpublished_trials_count_as_known_but_not_available(knowledge):
    answer = evidence("carisoprodol", condition="acute-low-back-pain", knowledge=knowledge)
    missing = {trial.trial: trial.people for trial in answer.missing}
    assert missing["nct00671879"] == 830
    assert missing["nct00671502"] == 840
    assert reasons(answer)["missing results"].step < 0


def test_surer_figures_only_changes_the_answer_and_says_so(knowledge):
    asked = {"condition": "acute-low-back-pain", "outcome": "pain", "knowledge": knowledge}
    every, seen = evidence("carisoprodol", **asked), evidence("carisoprodol", min_confidence="seen", **asked)
    assert (every.trials, seen.trials) == (2, 1)
    assert {trial.trial for trial in seen.left_out} == {"serfer2010"}
    assert any("figures recalled or surer" in sentence for sentence in seen.say)
    assert {row.mark for row in seen.rows} == {"seen"}


def test_treatment_alone_and_added_to_another_are_kept_apart(knowledge):
    """Relaxants added to naproxen or ibuprofen: no benefit on disability at a week (Friedman 2015, 2018, 2019)."""
    answer = evidence(
        "muscle-relaxant", condition="acute-low-back-pain", outcome="disability", day=7, knowledge=knowledge
    )
    assert {row.trial for row in answer.rows} == {"friedman2015", "friedman2018", "friedman2019"}
    # REML on the same rows: -0.75 points of 24 in improvement, so 3.1 of 100 more disability
    wald = next(other for other in answer.other_methods if other.what == "random effects, Wald")
    assert wald.estimate == pytest.approx(100 * 0.75 / 24, abs=0.1)
    assert wald.ci == pytest.approx((-100 * 0.67 / 24, 100 * 2.17 / 24), abs=0.2)
    assert "on top of another active treatment" in reasons(answer)["indirectness"].why
    assert "added to NSAIDs" in answer.say[0]


def test_people_are_counted_once(knowledge):
    """A label's pooled harms and the trials they come from; a subsample and its trial."""
    answer = evidence(
        "carisoprodol", condition="acute-low-back-pain", outcome="drowsiness", knowledge=knowledge
    )
    assert [row.trial for row in answer.rows] == ["soma_label_pooled"]
    assert not {"ralph2008", "serfer2010"} & {trial.trial for trial in answer.missing}
    release = evidence(
        "myofascial-release", condition="chronic-low-back-pain", outcome="disability", knowledge=knowledge
    )
    assert "arguisuelas2019" not in {row.trial for row in release.rows}
    assert "not counted twice" in next(t.why for t in release.left_out if t.trial == "arguisuelas2019")


def test_several_arms_against_one_control_count_the_control_once(knowledge):
    answer = evidence(
        "carisoprodol", condition="acute-low-back-pain", outcome="drowsiness", knowledge=knowledge
    )
    assert answer.rows[0].events == (73 + 47, 31)
    assert answer.rows[0].n == (548 + 279, 560)
    assert answer.absolute.one_more_in == pytest.approx(1 / ((120 / 827) - (31 / 560)), rel=0.02)


def test_trials_that_were_not_randomised_are_left_out_and_named(knowledge):
    answer = evidence(
        "myofascial-release", "massage", condition="fibromyalgia", outcome="disability", knowledge=knowledge
    )
    assert answer.answer == "no-usable-data"
    assert [trial.trial for trial in answer.left_out] == ["liptan2013"]


def test_another_condition_is_shown_as_indirect_and_never_pooled(knowledge):
    answer = evidence("carisoprodol", condition="chronic-low-back-pain", outcome="pain", knowledge=knowledge)
    assert answer.answer == "no-usable-data"
    assert answer.estimate is None
    assert answer.certainty.level is None
    assert any("another condition (acute low back pain)" in part.what for part in answer.indirect)


def test_a_time_without_data_is_no_data_and_says_when_there_are(knowledge):
    answer = evidence(
        "carisoprodol", condition="acute-low-back-pain", outcome="pain", day=30, knowledge=knowledge
    )
    assert answer.answer == "no-usable-data"
    assert [part.what for part in answer.over_time] == ["days 1 to 4"]


def test_scales_are_brought_to_100_and_turned_the_same_way(knowledge):
    """Relief on 0–4, higher is better: 1.83 against 1.12 is 17.75 of 100 better."""
    answer = evidence(
        "carisoprodol", condition="acute-low-back-pain", min_confidence="seen", knowledge=knowledge
    )
    assert answer.rows[0].effect == pytest.approx(-100 * (1.83 - 1.12) / 4)
    assert "stands in" in " ".join(answer.assumptions)


def test_a_class_finds_its_members(knowledge):
    answer = evidence("nsaid", condition="acute-low-back-pain", outcome="pain", day=7, knowledge=knowledge)
    assert {t for row in answer.rows for t in row.treatments} == {"diclofenac", "ibuprofen", "tenoxicam"}


def test_three_small_trials_make_the_heterogeneity_of_manipulation(knowledge):
    answer = evidence(
        "spinal-manipulation", "recommended-therapy", condition="chronic-low-back-pain", knowledge=knowledge
    )
    assert answer.i2 > 85
    assert reasons(answer)["inconsistency"].step == -2
    assert answer.ci[0] < 0 < answer.ci[1]


def test_every_figure_leads_to_its_trial(knowledge):
    answer = evidence("nsaid", condition="chronic-low-back-pain", knowledge=knowledge)
    assert sum(row.weight for row in answer.rows) == pytest.approx(100)
    assert all(row.trial in knowledge.trials and row.title for row in answer.rows)


@pytest.mark.parametrize(
    ("condition", "outcome", "meant"),
    [
        ("chronic back pain", "function", ("chronic-low-back-pain", "disability")),
        ("Acute low back pain", "Side effects", ("acute-low-back-pain", "any-adverse-event")),
        ("FM", "somnolence", ("fibromyalgia", "drowsiness")),
        ("tension-type headache", "pain relief", ("headache", "relief")),
    ],
)
def test_conditions_and_outcomes_go_by_their_other_names(knowledge, condition, outcome, meant):
    question = evidence("yoga", condition=condition, outcome=outcome, knowledge=knowledge).question
    assert (question.condition, question.outcome) == meant


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"condition": "low-back-pain"}, "There is no condition “low-back-pain”. Did you mean"),
        ({"condition": "LBP"}, "Did you mean acute-low-back-pain or chronic-low-back-pain?"),
        ({"outcome": "pian"}, "There is no outcome “pian”. Did you mean pain"),
        ({"vs": "placebbo"}, "There is no comparator “placebbo”. Did you mean placebo"),
        ({"therapy": "carisoprodal"}, "There is no therapy “carisoprodal”. Did you mean carisoprodol"),
        ({"day": 0}, "must be 1 or more"),
        ({"min_confidence": "sure"}, "must be one of: seen, derived, recalled, recalled-low"),
    ],
)
def test_a_name_that_is_not_known_is_an_error_with_the_nearest_one(knowledge, change, told):
    asked = {"therapy": "carisoprodol", "condition": "acute-low-back-pain", "outcome": "pain"} | change
    with pytest.raises(InputError, match=told.split("“")[0].strip()) as error:
        evidence(asked.pop("therapy"), **asked, knowledge=knowledge)
    assert told in str(error.value)


def test_what_would_change_the_answer_follows_from_what_took_it_down(knowledge):
    answer = evidence("carisoprodol", condition="acute-low-back-pain", knowledge=knowledge)
    assert "nct00671879" in answer.would_change_it[0]
    sure = evidence("acetaminophen", condition="acute-low-back-pain", day=14, knowledge=knowledge)
    assert not any("low risk of bias" in told for told in sure.would_change_it)


def test_published_pools_stand_beside_the_answer(knowledge):
    answer = evidence("muscle-relaxant", condition="acute-low-back-pain", knowledge=knowledge)
    assert [pool.printed for pool in answer.published] == ["MD -7.7 (-12.1 to -3.3)"]
    assert answer.published[0].why_ours_differs


def test_where_the_usual_comparators_have_no_data_another_is_taken_and_named(knowledge):
    answer = evidence("myofascial-release", condition="neck-pain", knowledge=knowledge)
    assert answer.question.comparator == "physical-therapy"
    assert answer.estimate == pytest.approx(-15.6)


def test_a_therapy_is_not_compared_with_itself(knowledge):
    with pytest.raises(InputError, match="with itself"):
        evidence("heat", "heat", condition="acute-low-back-pain", knowledge=knowledge)


def test_a_drug_that_no_trial_tested_can_be_asked_about(knowledge):
    answer = evidence("metoprolol", condition="acute-low-back-pain", knowledge=knowledge)
    assert answer.answer == "no-usable-data"
    assert any("Without specific treatment mean pain falls" in sentence for sentence in answer.say)


def test_harms_are_counted_up_to_the_end_of_treatment(knowledge):
    """The label counts drowsiness over 7 days: the answer for day 3 is that count, and says so."""
    answer = evidence(
        "carisoprodol", condition="acute-low-back-pain", outcome="drowsiness", day=3, knowledge=knowledge
    )
    assert answer.rows[0].events == (120, 31)
    assert any("beyond the day asked about" in told for told in answer.assumptions)


def test_how_fast_and_how_long_are_told(knowledge):
    yoga = evidence("yoga", condition="chronic-low-back-pain", outcome="disability", knowledge=knowledge)
    assert "A clear difference is first seen in 2 to 13 weeks; the data end with over 13 weeks." in yoga.say
    release = evidence("myofascial-release", condition="chronic-low-back-pain", knowledge=knowledge)
    assert any("No time shows a clear difference" in told and "not measured" in told for told in release.say)
