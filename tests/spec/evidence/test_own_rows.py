"""The trials' rows, pooled by hand: figures worked out once outside eutonia, with NumPy alone."""

import pytest

from eutonia import meta
from eutonia.appraisal import evidence
from tools.pooled_estimates import ours_on


def arm(knowledge, trial, letter, outcome, day):
    found = [
        r for r in knowledge.trials[trial].results if (r.arm, r.outcome, r.day) == (letter, outcome, day)
    ]
    return found[0].mean, found[0].sd, found[0].n


def test_carisoprodol_250_mg_relief_at_day_3(knowledge):
    """0–4 scale: common effect 0.557 (SE 0.067); REML tau² 0.0391, I² 81 %; Wald 0.25 to 0.86; one degree
    of freedom makes it -1.41 to 2.52.
    """
    outcome = ("relief-starting-backache", 3)
    pairs = [
        (arm(knowledge, "ralph2008", "A", *outcome), arm(knowledge, "ralph2008", "B", *outcome)),
        (arm(knowledge, "serfer2010", "A", *outcome), arm(knowledge, "serfer2010", "C", *outcome)),
    ]
    y, v = meta.mean_difference(
        *zip(*(one for one, _ in pairs), strict=True), *zip(*(two for _, two in pairs), strict=True)
    )
    common, reml = meta.pool(y, v, "CE"), meta.pool(y, v, knapp_hartung=False)
    assert (common.estimate, common.se) == pytest.approx((0.557, 0.067), abs=1e-3)
    assert (reml.tau2, reml.i2) == pytest.approx((0.0391, 81), abs=0.5)
    assert reml.ci == pytest.approx((0.25, 0.86), abs=0.01)
    assert meta.pool(y, v).ci == pytest.approx((-1.41, 2.52), abs=0.01)


def test_nsaids_against_placebo_share_the_placebo_arm(knowledge):
    """Dreiser 2003, day 7: diclofenac -10.9 (SE 3.4), ibuprofen -11.3 (SE 3.3)."""
    asked = {"condition": "acute-low-back-pain", "day": 7, "min_confidence": "seen", "knowledge": knowledge}
    for drug, effect, se in (("diclofenac", -10.9, 3.4), ("ibuprofen", -11.3, 3.3)):
        row = evidence(drug, "placebo", **asked).rows[0]
        assert row.effect == pytest.approx(effect, abs=0.05)
        assert (row.ci[1] - row.ci[0]) / 3.92 == pytest.approx(se, abs=0.05)
    both = evidence("nsaid", "placebo", **asked).rows[0]
    assert both.n[1] == 121  # the placebo arm once
    assert both.effect == pytest.approx(-11.1, abs=0.1)


def test_yoga_against_passive_control(knowledge):
    """Disability: Tilbrook at 3 months, Sherman 2011 and 2005 at 12 weeks, Brämberg at 6 months: -10.3
    (-14.7 to -5.8), tau² 0.
    """
    wanted = [("tilbrook2011", 91), ("sherman2011", 84), ("sherman2005", 84), ("bramberg2017", 182)]
    rows = [
        next(
            c
            for c in knowledge.trials[trial].contrasts
            if (c.treatment, c.outcome, c.day) == ("yoga", "disability", day) and c.comparator != "exercise"
        )
        for trial, day in wanted
    ]
    width = [c.scale[1] - c.scale[0] for c in rows]
    y = [100 * c.effect / w for c, w in zip(rows, width, strict=True)]
    v = [(100 * c.se / w) ** 2 for c, w in zip(rows, width, strict=True)]
    found = meta.pool(y, v)
    assert found.tau2 == pytest.approx(0, abs=1e-6)
    assert (found.estimate, *found.ci) == pytest.approx((-10.3, -14.7, -5.8), abs=0.06)


def test_certainty_is_near_that_of_reviews(knowledge):
    """Where a review judged the same question by GRADE, ours is at most two levels below it, and never
    above by two: it rests on fewer trials.
    """
    levels = ["very low", "low", "moderate", "high"]
    for pool in knowledge.published_pools.values():
        if pool.certainty not in levels:
            continue
        ours = ours_on(pool, knowledge)
        gap = levels.index(ours.certainty.level) - levels.index(pool.certainty)
        assert -2 <= gap <= 1, pool.id
