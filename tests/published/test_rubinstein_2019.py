"""Spinal manipulation against recommended therapies, 23 comparisons (Rubinstein 2019; `clbp` of robustmeta)."""

import numpy as np
import pytest

from eutonia import meta


@pytest.fixture(scope="module")
def table(data_set):
    return data_set("rubinstein2019_clbp.csv")


@pytest.fixture(scope="module")
def differences(table):
    return meta.mean_difference(*(table[name] for name in ("m1", "s1", "n1", "m2", "s2", "n2")))


def test_common_and_random_effects_differ_in_size_and_significance(differences):
    common = meta.pool(*differences, "CE")
    assert (common.estimate, common.se, common.q, common.i2) == pytest.approx(
        (-5.9109, 0.6300, 282.6566, 92.22), abs=6e-3
    )
    dl = meta.pool(*differences, "DL", knapp_hartung=False, prediction="k-2")
    assert (dl.tau2, dl.estimate, dl.se, *dl.ci, *dl.pi) == pytest.approx(
        (112.2028, -3.1700, 2.3858, -7.8460, 1.5060, -25.750, 19.410), abs=1e-3
    )
    reml = meta.pool(*differences, knapp_hartung=False)
    assert reml.tau2 == pytest.approx(103.737, abs=1e-2)
    assert (reml.estimate, reml.se, *reml.ci) == pytest.approx((-3.1825, 2.3059, -7.7020, 1.3369), abs=1e-3)
    robust = meta.pool(*differences)
    assert (robust.se, *robust.ci) == pytest.approx((2.3034, -7.9596, 1.5945), abs=1e-3)


def test_three_small_trials_make_the_mean_and_the_heterogeneity(table, differences):
    """Without Krekoukias, Sarker and Wilkey: -0.39 (-2.41 to 1.62), tau² falls from 112 to 8 (DL)."""
    rest = ~table["Source"].str.contains("Krekoukias|Sarker|Wilkey").to_numpy()
    found = meta.pool(
        np.asarray(differences.yi)[rest], np.asarray(differences.vi)[rest], "DL", knapp_hartung=False
    )
    assert (found.estimate, *found.ci) == pytest.approx((-0.39, -2.41, 1.62), abs=6e-3)
    assert found.tau2 == pytest.approx(8, abs=0.5)
