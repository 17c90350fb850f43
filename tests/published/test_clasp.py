"""Aspirin in pregnancy, 6 trials (CLASP), log odds ratios: a likelihood whose peak is at zero.

Expected values are those of metafor's test files, but for ML: metafor stops its iteration at tau 0.0023; the exact
maximum is at 0.
"""

import pytest

from eutonia import meta

TABLES = (
    [5, 5, 12, 69, 9, 313],
    [156, 303, 565, 1570, 103, 4659],
    [8, 17, 9, 94, 11, 352],
    [74, 303, 477, 1565, 105, 4650],
)


@pytest.mark.parametrize(
    ("method", "tau", "estimate", "se"),
    [
        ("PM", 0.3681, -0.3811, 0.2060),
        ("HE", 0.4410, -0.4035, 0.2327),
        ("DL", 0.2323, -0.3240, 0.1540),
        ("REML", 0.1843, -0.2980, 0.1343),
        ("SJ", 0.4572, -0.4079, 0.2386),
        ("ML", 0, -0.1973, 0.0694),
    ],
)
def test_each_estimator_of_tau(method, tau, estimate, se):
    found = meta.pool(*meta.log_odds_ratio(*TABLES), method, knapp_hartung=False)
    assert (found.tau, found.estimate, found.se) == pytest.approx((tau, estimate, se), abs=6e-5)
