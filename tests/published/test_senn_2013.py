"""Glucose-lowering drugs added to sulfonylurea or metformin, 26 trials of 10 treatments (Senn 2013).

Expected values are those that netmeta prints for `Senn2013`, and P-scores those of Rücker and Schwarzer (2015). netmeta
keeps rounded contrasts; from the arms the values agree within 0.001.
"""

import pytest

from eutonia import meta

# treatment: common MD, SE; random DL MD, SE; random REML MD, SE; P-score common; P-score DL
EXPECTED = {
    "rosiglitazone": (-1.2019, 0.0477, -1.2335, 0.1278, -1.2337, 0.1235, 0.979, 0.8934),
    "metformin": (-1.1140, 0.0596, -1.1268, 0.1543, -1.1284, 0.1494, 0.8513, 0.7818),
    "pioglitazone": (-1.0663, 0.0758, -1.1291, 0.2196, -1.1294, 0.2119, 0.7685, 0.7746),
    "miglitol": (-0.9438, 0.1269, -0.9497, 0.2318, -0.9499, 0.2253, 0.6200, 0.6136),
    "benfluorex": (-0.9051, 0.1271, -0.7311, 0.2861, -0.7369, 0.2776, 0.5727, 0.4358),
    "acarbose": (-0.8273, 0.1085, -0.8418, 0.2458, -0.8414, 0.2384, 0.4792, 0.5203),
    "vildagliptin": (-0.7000, 0.1273, -0.7000, 0.3534, -0.7000, 0.3408, 0.3513, 0.4233),
    "sitagliptin": (-0.5700, 0.1291, -0.5700, 0.3541, -0.5700, 0.3414, 0.2386, 0.3331),
    "sulfonylurea": (-0.4394, 0.0915, -0.4165, 0.2409, -0.4175, 0.2326, 0.1395, 0.2103),
}


@pytest.fixture(scope="module")
def arms(data_set):
    return data_set("senn2013.csv").rename({"ni": "n", "mi": "mean", "sdi": "sd"})


def effects(network):
    return {effect.treatment: effect for effect in network.effects}


@pytest.mark.parametrize(("method", "column"), [("CE", 0), ("DL", 2), ("REML", 4)])
def test_effects_against_placebo(arms, method, column):
    found = effects(meta.network(arms, "placebo", method))
    for treatment, expected in EXPECTED.items():
        assert (found[treatment].estimate, found[treatment].se) == pytest.approx(
            expected[column : column + 2], abs=1e-3
        )


@pytest.mark.parametrize(("method", "column", "placebo"), [("CE", 6, 0.0), ("DL", 7, 0.0139)])
def test_p_scores(arms, method, column, placebo):
    found = effects(meta.network(arms, "placebo", method))
    for treatment, expected in EXPECTED.items():
        assert found[treatment].p_score == pytest.approx(expected[column], abs=1e-3)
    assert found["placebo"].p_score == pytest.approx(placebo, abs=1e-3)


def test_heterogeneity(arms):
    dl = meta.network(arms, "placebo", "DL")
    assert (dl.q, dl.df, dl.i2) == pytest.approx((96.98, 18, 81.4), abs=0.05)
    assert dl.tau2 == pytest.approx(0.1087, abs=1e-3)
    assert meta.network(arms, "placebo", "REML").tau2 == pytest.approx(0.0999, abs=1e-4)


def test_designs_disagree_no_more_than_trials_of_one_design(arms):
    """netmeta's decomp.design: Q 96.99 (18) = 74.46 (11) within + 22.53 (7) between designs."""
    found = meta.network(arms, "placebo", "DL").inconsistency
    assert (found.q_within, found.df_within) == pytest.approx((74.46, 11), abs=0.05)
    assert (found.q_between, found.df_between) == pytest.approx((22.53, 7), abs=0.05)
    assert found.q_random_p > 0.5
