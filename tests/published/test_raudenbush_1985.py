"""Teacher expectancy and pupils' IQ, 19 studies (Raudenbush 1985; `dat.raudenbush1985` of metadat).

Expected values are those of metafor's test file for this paper.
"""

import numpy as np
import pytest

from eutonia import meta


@pytest.fixture(scope="module")
def effects(data_set):
    table = data_set("raudenbush1985.csv")
    return table["yi"], table["vi"]


@pytest.mark.parametrize(
    ("method", "tau2", "estimate", "se", "low", "high"),
    [
        ("ML", 0.0126, 0.0777, 0.0475, -0.0153, 0.1708),
        ("REML", 0.0188, 0.0837, 0.0516, -0.0175, 0.1849),
        ("DL", 0.0259, 0.0893, 0.0558, -0.0200, 0.1987),
        ("HE", 0.0804, 0.1143, 0.0792, -0.0409, 0.2696),
    ],
)
def test_each_estimator_of_tau2(effects, method, tau2, estimate, se, low, high):
    found = meta.pool(*effects, method, knapp_hartung=False)
    assert (found.tau2, found.estimate, found.se, *found.ci) == pytest.approx(
        (tau2, estimate, se, low, high), abs=6e-5
    )


def test_common_effect(effects):
    found = meta.pool(*effects, "CE")
    assert (found.estimate, found.statistic, found.q) == pytest.approx((0.0604, 1.6553, 35.8295), abs=6e-5)


def test_prediction_interval_and_shrunken_effects(effects):
    # metafor stops its iteration a little before the exact maximum of the likelihood
    assert meta.pool(*effects, knapp_hartung=False).pi == pytest.approx((-0.2036, 0.3711), abs=2e-4)
    shrunken = meta.blups(*effects)
    assert (shrunken.min(), shrunken.max()) == pytest.approx((-0.0293, 0.2485), abs=6e-5)


def test_weeks_of_contact_explain_all_heterogeneity(effects, data_set):
    weeks = np.minimum(data_set("raudenbush1985.csv")["weeks"], 3)
    found = meta.meta_regression(*effects, weeks)
    intercept, slope = found.coefficients
    assert found.tau2 == 0
    assert (intercept.estimate, slope.estimate) == pytest.approx((0.4072, -0.1572), abs=6e-5)
    assert (intercept.statistic, slope.statistic, found.qe) == pytest.approx(
        (4.6782, -4.3884, 16.5708), abs=1e-4
    )
    assert found.r2 == 100


def test_knapp_hartung(effects):
    found = meta.pool(*effects)
    assert (found.se, *found.ci) == pytest.approx((0.0616, -0.0457, 0.2131), abs=6e-5)
