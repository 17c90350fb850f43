"""Every trial: figures that fit together, and the tables they were first brought in from."""

import csv
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2].parent / "shared" / "dossier"


def test_confidence_intervals_fit_their_standard_errors(knowledge):
    """Of ratios on the log scale; rounding and 98 % intervals allow a fifth."""
    from math import log

    for trial in knowledge.trials.values():
        for contrast in trial.contrasts:
            if contrast.ci is None or contrast.se is None:
                continue
            low, high = contrast.ci if contrast.measure == "MD" else map(log, contrast.ci)
            assert (high - low) / 3.92 == pytest.approx(contrast.se, rel=0.2), trial.id


def test_means_lie_on_their_scales(knowledge):
    for trial in knowledge.trials.values():
        for result in trial.results:
            if result.mean is not None and result.scale is not None and result.kind == "endpoint":
                assert result.scale[0] <= result.mean <= result.scale[1], (trial.id, result)


def test_standard_errors_fit_standard_deviations(knowledge):
    for trial in knowledge.trials.values():
        for result in trial.results:
            if result.sd and result.se and result.n:
                assert result.se == pytest.approx(result.sd / result.n**0.5, rel=0.12), (trial.id, result)


def test_registered_trials_without_results_are_kept(knowledge):
    for name in ("nct00671879", "nct00671502"):
        trial = knowledge.trials[name]
        assert trial.enrolled
        assert all(result.mean is None and result.events is None for result in trial.results)


@pytest.mark.parametrize("name", ["trials.csv", "contrasts.csv"])
def test_no_row_of_the_tables_was_lost(knowledge, name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    kept = sum(len(t.results if name == "trials.csv" else t.contrasts) for t in knowledge.trials.values())
    assert kept == len(rows)
    values = [row["effect"] if name == "contrasts.csv" else row["mean"] for row in rows]
    total = sum(float(value) for value in values if value)
    ours = sum(
        (
            sum(c.effect for c in t.contrasts)
            if name == "contrasts.csv"
            else sum(r.mean or 0 for r in t.results)
        )
        for t in knowledge.trials.values()
    )
    assert ours == pytest.approx(total)


SMALL = {
    "sources/policy.yaml": "{title: Ours, kind: policy}",
    "populations/back.yaml": "{title: Back pain, ask: true, sources: [{key: policy, mark: assumed}]}",
    "interventions/heat.yaml": "{title: Heat, kind: device, sources: [{key: policy, mark: assumed}]}",
    "interventions/placebo.yaml": "{title: Placebo, kind: control, sources: [{key: policy, mark: assumed}]}",
}
GOOD = """
title: A trial
population: back
design: randomised
risk_of_bias: {level: low}
arms:
  A: {treatment: heat, n: 10}
  B: {treatment: placebo, n: 10}
results:
- {arm: A, outcome: pain, day: 7, mean: 3, sd: 1, kind: endpoint, scale: [0, 10], better: lower, mark: seen}
contrasts:
- {treatment: heat, comparator: placebo, outcome: pain, day: 7, measure: MD, effect: -1, ci: [-2, 0], scale: [0, 10],
   better: lower, mark: seen}
"""


def built(trial):
    from eutonia.knowledge.build import build

    files = {**SMALL, "trials/one.yaml": trial}
    return build({path: text.encode() for path, text in files.items()})


def test_a_trial_is_added_in_one_file():
    assert built(GOOD)["trials"]["one"].arms["A"].treatment == "heat"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("arm: A,", "arm: C,"), r"trials/one.yaml, results\[0\]: there is no arm C. Arms are: A, B"),
        (("treatment: heat, n", "treatment: heath, n"), "unknown intervention “heath”. Did you mean “heat”"),
        (("population: back", "population: bakc"), "unknown population “bakc”"),
        (("ci: [-2, 0]", "ci: [-3, -2]"), "outside its own confidence interval"),
        (
            ("scale: [0, 10], better: lower, mark: seen}\ncontrasts", "mark: seen}\ncontrasts"),
            "needs `scale` and `better`",
        ),
        (("scale: [0, 10]", "scale: [10, 0]"), "must run from its least to its greatest"),
        (("sd: 1,", "sd: 0,"), "sd is 0"),
        (("mean: 3, sd: 1, kind: endpoint", "events: 12, n: 10, kind: count"), "12 events need an `n`"),
        (("comparator: placebo", "comparator: heat"), "with itself"),
        (("mark: seen}\ncontrasts", "mark: sure}\ncontrasts"), "trials/one.yaml, results.0.mark"),
        (("day: 7, mean", "dya: 7, mean"), "trials/one.yaml, results.0"),
    ],
)
def test_a_trial_that_contradicts_itself_is_an_error_that_says_where(change, told):
    from eutonia.errors import KnowledgeError

    assert change[0] in GOOD
    with pytest.raises(KnowledgeError, match=told):
        built(GOOD.replace(*change, 1))
