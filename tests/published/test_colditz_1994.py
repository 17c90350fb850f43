"""BCG vaccine against tuberculosis, 13 trials (Colditz 1994; `dat.bcg` of the R package metadat).

Expected values are those of metafor's test files, and of an independent script that agrees with them.
"""

import pytest

from eutonia import meta


@pytest.fixture(scope="module")
def tables(data_set):
    bcg = data_set("bcg.csv")
    return (bcg["tpos"], bcg["tpos"] + bcg["tneg"], bcg["cpos"], bcg["cpos"] + bcg["cneg"])


@pytest.fixture(scope="module")
def risk_ratios(tables):
    return meta.log_risk_ratio(*tables)


# metafor, testthat: test_analysis_example_viechtbauer2010 and test_misc_rma_uni
@pytest.mark.parametrize(
    ("method", "tau2", "estimate", "se", "low", "high"),
    [
        ("CE", 0, -0.4303, 0.0405, -0.5097, -0.3509),
        ("DL", 0.3088, -0.7141, 0.1787, -1.0644, -0.3638),
        ("REML", 0.3132, -0.7145, 0.1798, -1.0669, -0.3622),
        ("ML", 0.2800, -0.7112, 0.1719, -1.0481, -0.3743),
        ("PM", 0.3181, -0.7150, 0.1809, -1.0695, -0.3604),
        ("EB", 0.3181, -0.7150, 0.1809, -1.0695, -0.3604),
        ("HE", 0.3286, -0.7159, 0.1833, -1.0751, -0.3567),
    ],
)
def test_each_estimator_of_tau2(risk_ratios, method, tau2, estimate, se, low, high):
    found = meta.pool(*risk_ratios, method, knapp_hartung=False)
    assert (found.tau2, found.estimate, found.se, *found.ci) == pytest.approx(
        (tau2, estimate, se, low, high), abs=6e-5
    )


def test_heterogeneity_and_its_intervals(risk_ratios):
    common = meta.pool(*risk_ratios, "CE")
    assert (common.statistic, common.q, common.q_df) == pytest.approx((-10.6247, 152.2330, 12), abs=6e-5)
    reml = meta.pool(*risk_ratios)
    assert (reml.i2, reml.h2) == pytest.approx((92.2214, 12.8558), abs=6e-5)
    assert reml.tau2_ci == pytest.approx((0.1197, 1.1115), abs=6e-5)
    low, high = meta.tau2_interval(*risk_ratios, kind="profile")
    assert 0.1 < low < reml.tau2 < high < 1.1115  # the likelihood's interval is the narrower one here


def test_knapp_hartung_and_three_prediction_intervals(risk_ratios):
    robust = meta.pool(*risk_ratios)
    assert (robust.se, *robust.ci, robust.statistic, robust.p) == pytest.approx(
        (0.1808, -1.1084, -0.3206, -3.9522, 0.0019), abs=6e-5
    )
    assert robust.df == 12
    assert robust.pi == pytest.approx((-1.9960, 0.5670), abs=6e-5)
    assert meta.pool(*risk_ratios, knapp_hartung=False).pi == pytest.approx((-1.8667, 0.4376), abs=6e-5)
    assert meta.pool(*risk_ratios, prediction="k-2").pi == pytest.approx((-2.0084, 0.5793), abs=6e-5)


def test_regression_on_latitude(risk_ratios, data_set):
    found = meta.meta_regression(*risk_ratios, data_set("bcg.csv")["ablat"], ["latitude"])
    intercept, slope = found.coefficients
    assert (found.tau2, intercept.estimate, intercept.se, slope.estimate, slope.se) == pytest.approx(
        (0.0763, 0.2515, 0.2491, -0.0291, 0.0072), abs=6e-5
    )
    # metafor prints for this model: R² 75.62 %, QE(11) = 30.7331, QM(1) = 16.3571
    assert (found.r2, found.qe, found.qm) == pytest.approx((75.62, 30.7331, 16.3571), abs=1e-2)


def test_mantel_haenszel(tables):
    ratio = meta.mantel_haenszel(*tables, "RR")
    assert (ratio.estimate, *ratio.ci, ratio.statistic, ratio.q) == pytest.approx(
        (-0.4537, -0.5308, -0.3766, -11.5338, 152.5676), abs=6e-5
    )
    odds = meta.mantel_haenszel(*tables, "OR")
    assert (odds.estimate, odds.ci[0]) == pytest.approx((-0.4734, -0.5538), abs=6e-5)


def test_odds_ratios(tables):
    odds = meta.log_odds_ratio(*tables)
    common = meta.pool(*odds, "CE")
    assert (common.estimate, *common.ci, common.q) == pytest.approx(
        (-0.4361, -0.5190, -0.3533, 163.1649), abs=6e-5
    )
    dl = meta.pool(*odds, "DL", knapp_hartung=False)
    assert (dl.estimate, *dl.ci, dl.tau2, dl.i2) == pytest.approx(
        (-0.7474, -1.1242, -0.3706, 0.3663, 92.6455), abs=6e-5
    )
    reml = meta.pool(*odds, knapp_hartung=False)
    assert (reml.estimate, reml.se, reml.tau2) == pytest.approx((-0.7452, 0.1860, 0.3378), abs=6e-5)
