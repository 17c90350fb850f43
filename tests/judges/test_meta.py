"""Meta-analysis against other libraries, closed forms and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia import meta
from eutonia.errors import InputError

studies = st.lists(
    st.tuples(st.floats(-3, 3, width=32), st.floats(0.0625, 2, width=32)), min_size=3, max_size=12
)


def split(pairs):
    return np.array([y for y, _ in pairs]), np.array([v for _, v in pairs])


def spread_out(seed):
    """Effects that differ by more than chance, so that no estimate of tau² is cut off at zero."""
    random = np.random.default_rng(seed)
    v = random.uniform(0.05, 0.4, 10)
    return random.normal(0.3, np.sqrt(v + 1.0)), v


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_statsmodels(seed):
    combine = pytest.importorskip("statsmodels.stats.meta_analysis").combine_effects
    y, v = spread_out(seed)
    for theirs, ours in (("dl", "DL"), ("iterated", "PM")):
        expected = combine(y, v, method_re=theirs, use_t=False)
        found = meta.pool(y, v, ours, knapp_hartung=False)
        assert found.tau2 == pytest.approx(expected.tau2, rel=1e-4)
        assert found.estimate == pytest.approx(expected.mean_effect_re, rel=1e-4)
        assert found.q == pytest.approx(expected.q)
        assert meta.pool(y, v, ours).se ** 2 == pytest.approx(expected.var_hksj_re, rel=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_pymare(seed):
    estimators = pytest.importorskip("pymare.estimators")
    y, v = spread_out(seed)
    for name in ("REML", "ML"):
        expected = estimators.VarianceBasedLikelihoodEstimator(method=name).fit(
            y[:, None], v=v[:, None], X=np.ones((len(y), 1))
        )
        found = meta.pool(y, v, name, knapp_hartung=False)
        # PyMARE minimises numerically, to about four digits
        assert found.tau2 == pytest.approx(float(np.ravel(expected.params_["tau2"])[0]), rel=1e-2)
        assert found.estimate == pytest.approx(float(np.ravel(expected.params_["fe_params"])[0]), rel=1e-2)


@settings(max_examples=15, deadline=None)
@given(studies, st.sampled_from(["REML", "ML"]))
def test_likelihood_methods_find_the_highest_point(pairs, method):
    """No tau² of a fine grid has a higher likelihood than the one found."""
    from eutonia.meta.heterogeneity import LinearModel, log_likelihood, tau2

    y, v = split(pairs)
    model = LinearModel(y, v, np.ones((len(y), 1)))
    best = log_likelihood(model, tau2(model, method), method)
    assert all(log_likelihood(model, t, method) <= best + 1e-7 for t in np.linspace(0, 20, 100))


@settings(max_examples=15, deadline=None)
@given(studies, st.floats(-5, 5), st.floats(0.5, 3))
def test_shift_and_scale(pairs, shift, scale):
    """Adding to all effects moves the pool; multiplying scales it and its interval."""
    y, v = split(pairs)
    for method in meta.METHODS:
        before, after = meta.pool(y, v, method), meta.pool(shift + scale * y, scale**2 * v, method)
        assert after.estimate == pytest.approx(shift + scale * before.estimate, abs=1e-5)
        assert after.se == pytest.approx(scale * before.se, abs=1e-5)
        assert after.i2 == pytest.approx(before.i2, abs=1e-3)


def test_a_network_of_two_treatments_is_a_pool():
    y, v = np.array([0.2, 0.5, -0.1, 0.8]), np.array([0.04, 0.1, 0.06, 0.2])
    table = [{"study": i, "treat1": "a", "treat2": "b", "effect": y[i], "se": v[i] ** 0.5} for i in range(4)]
    for method in ("CE", "DL", "REML", "ML", "PM"):
        pool = meta.pool(y, v, method, knapp_hartung=False)
        pair = meta.network(table, "b", method).difference("a", "b")
        assert (pair.estimate, pair.se) == pytest.approx((pool.estimate, pool.se), abs=1e-8)


def test_contrasts_and_arms_of_one_network_agree():
    arms = [
        {"study": "s1", "treatment": "a", "mean": 1.0, "sd": 2.0, "n": 40},
        {"study": "s1", "treatment": "b", "mean": 2.0, "sd": 2.5, "n": 50},
        {"study": "s1", "treatment": "c", "mean": 2.5, "sd": 2.2, "n": 45},
        {"study": "s2", "treatment": "a", "mean": 0.8, "sd": 1.9, "n": 60},
        {"study": "s2", "treatment": "c", "mean": 1.9, "sd": 2.1, "n": 60},
        {"study": "s3", "treatment": "b", "mean": 3.0, "sd": 2.0, "n": 30},
        {"study": "s3", "treatment": "c", "mean": 2.7, "sd": 2.0, "n": 30},
    ]
    contrasts = []
    for i, one in enumerate(arms):
        for two in arms[:i]:
            if one["study"] == two["study"]:
                se = (one["sd"] ** 2 / one["n"] + two["sd"] ** 2 / two["n"]) ** 0.5
                contrasts.append(
                    {
                        "study": one["study"], "treat1": one["treatment"], "treat2": two["treatment"],
                        "effect": one["mean"] - two["mean"], "se": se,
                    }
                )  # fmt: skip
    star = [
        {**row, "se_shared": 2.0 / 40**0.5}
        for row in contrasts
        if not (row["study"] == "s1" and row["treat2"] == "b")
    ]
    by_arm = meta.network(arms, "a")
    for table in (contrasts, star):
        by_contrast = meta.network(table, "a")
        for ours, theirs in zip(by_arm.league, by_contrast.league, strict=True):
            assert (ours.estimate, ours.se) == pytest.approx((theirs.estimate, theirs.se), abs=1e-8)
        assert by_contrast.q == pytest.approx(by_arm.q)


def test_direct_and_indirect_evidence_make_the_network_estimate():
    table = [
        {"study": 1, "treat1": "a", "treat2": "b", "effect": 1.0, "se": 0.3},
        {"study": 2, "treat1": "b", "treat2": "c", "effect": 0.5, "se": 0.4},
        {"study": 3, "treat1": "a", "treat2": "c", "effect": 2.2, "se": 0.5},
    ]
    found = meta.network(table, "c", "CE")
    split = next(s for s in found.inconsistency.splits if {s.treat1, s.treat2} == {"a", "c"})
    assert (split.direct, split.indirect) == pytest.approx((2.2, 1.5))  # 1.0 + 0.5 goes round through b
    assert (split.direct_se, split.indirect_se) == pytest.approx((0.5, 0.5))
    assert found.inconsistency.q_between == pytest.approx(0.7**2 / 0.5)
    assert found.inconsistency.df_between == 1


def test_a_network_in_parts_is_an_error_that_names_them():
    table = [
        {"study": 1, "treat1": "a", "treat2": "b", "effect": 1.0, "se": 0.3},
        {"study": 2, "treat1": "c", "treat2": "d", "effect": 0.5, "se": 0.4},
    ]
    assert meta.components(table) == [("a", "b"), ("c", "d")]
    with pytest.raises(InputError, match=r"2 unconnected parts \(a, b; c, d\)"):
        meta.network(table)


def test_a_table_as_it_comes_is_read_or_refused():
    arms = [
        {"study": study, "treatment": treatment, "events": events, "n": 50, "mean": None}
        for study, treatment, events in (
            ("A", "placebo", 4), ("A", "heat ", 9), ("B", "placebo", 0), ("B", "heat", 0), ("C", "heat", 3),
        )
    ]  # fmt: skip
    found = meta.network(arms, "placebo")
    assert found.treatments == ("heat", "placebo"), "a space behind a name is no other treatment"
    assert (found.k, found.left_out) == (1, ("B", "C"))
    with pytest.raises(InputError, match="“placebo” and “Placebo”"):
        meta.network([*arms, {"study": "D", "treatment": "Placebo", "events": 1, "n": 9},
                      {"study": "D", "treatment": "heat", "events": 2, "n": 9}])  # fmt: skip
    with pytest.raises(InputError, match="decimals with a point"):
        meta.network([{"study": "A", "treatment": t, "mean": "50,5", "sd": 9, "n": 30} for t in "ab"])


def test_contrasts_of_one_study_must_add_up():
    def table(third):
        pairs = (("b", "a", -1.0), ("c", "a", -2.0), ("b", "c", third))
        return [{"study": "A", "treat1": x, "treat2": y, "effect": d, "se": 0.3} for x, y, d in pairs]

    assert meta.network(table(1.02), "a").difference("c", "a").estimate == pytest.approx(-2, abs=0.02)
    with pytest.raises(InputError, match="do not add up"):
        meta.network(table(-1.0), "a")


def test_combining_two_arms_of_one_trial_with_a_shared_control():
    """Two contrasts that correlate at one half carry three quarters of the weight of two trials."""
    names, y, v = meta.combine_dependent([1.0, 3.0, 0.0], [1.0, 1.0, 1.0], ["s", "s", "t"])
    assert names == ["s", "t"]
    assert [*y, *v] == pytest.approx([2.0, 0.0, 0.75, 1.0])


def test_the_bayesian_pool_on_a_grid_agrees_with_numerical_integration():
    """Direct integration over mean and tau, by brute force."""
    y, v = np.array([0.71, 0.40]), np.array([0.0087, 0.0092])
    mean, tau = np.linspace(-4, 5, 3001), np.linspace(1e-4, 2.5, 1500)
    m, t = np.meshgrid(mean, tau)
    log = -2 * t**2  # half-normal(0.5)
    for effect, variance in zip(y, v, strict=True):
        log = log - 0.5 * np.log(variance + t**2) - 0.5 * (effect - m) ** 2 / (variance + t**2)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    of_mean, of_tau = np.cumsum(weight.sum(axis=0)), np.cumsum(weight.sum(axis=1))
    found = meta.bayes(y, v, meta.HalfNormal(0.5))
    assert found.estimate == pytest.approx((weight * m).sum(), abs=2e-3)
    assert found.ci == pytest.approx(np.interp([0.025, 0.975], of_mean, mean), abs=5e-3)
    assert found.tau == pytest.approx(np.interp(0.5, of_tau, tau), abs=5e-3)
    assert found.probability_below(0) == pytest.approx(np.interp(0, mean, of_mean), abs=2e-3)


def test_a_single_study_is_its_own_result_and_says_nothing_of_heterogeneity():
    found = meta.pool([1.5], [0.25])
    assert (found.estimate, found.se, found.k, found.tau2, found.pi) == (1.5, 0.5, 1, 0.0, None)
    assert found.ci == pytest.approx((0.520018, 2.479982))
    assert not found.knapp_hartung


@pytest.mark.parametrize(
    ("y", "v", "told"),
    [
        ([], [], "no study"),
        ([1.0, float("nan")], [1.0, 1.0], r"yi\[1\] is nan"),
        ([1.0, 2.0], [1.0, -0.1], r"vi\[1\] is -0.1"),
        ([1.0, 2.0], [1.0, 0.0], r"vi\[1\] is 0"),
        ([1.0, 2.0], [1.0], "do not belong together"),
        ([1.0, None], [1.0, 1.0], "yi"),
        (["a"], [1.0], "numbers only"),
    ],
)
def test_bad_input_is_named(y, v, told):
    with pytest.raises(InputError, match=told):
        meta.pool(y, v)


def test_results_read_as_attributes_and_as_mappings():
    found = meta.pool([0.1, 0.5, 0.2], [0.1, 0.2, 0.1])
    assert found["estimate"] == found.estimate == dict(found)["estimate"]
    with pytest.raises(KeyError):
        found["nothing"]


def test_the_guard_never_lets_knapp_hartung_shrink_the_error():
    y, v = [1.0, 1.01, 0.99, 1.0], [0.1, 0.1, 0.1, 0.1]
    assert meta.pool(y, v).se < meta.pool(y, v, knapp_hartung=False).se
    assert meta.pool(y, v, guard=True).se == meta.pool(y, v, knapp_hartung=False).se


def test_zero_cells_are_corrected_only_where_they_are():
    y, v = meta.log_odds_ratio([0, 5], [10, 10], [4, 5], [10, 10])
    assert y == pytest.approx([np.log((0.5 * 6.5) / (10.5 * 4.5)), 0.0])
    assert v == pytest.approx([1 / 0.5 + 1 / 10.5 + 1 / 4.5 + 1 / 6.5, 0.8])
    with pytest.raises(InputError, match="zero cell"):
        meta.log_odds_ratio([0], [10], [4], [10], to="none")
    assert meta.double_zero([0, 1], [5, 5], [0, 2], [5, 5]).tolist() == [True, False]


def test_hedges_correction_is_exact():
    """J(10) = gamma(5) / (sqrt(5) gamma(4.5)) = 0.92274560805... (Hedges 1981, table 1: 0.9228)."""
    assert float(meta.small_sample_correction(10)) == pytest.approx(0.9227456080, abs=1e-9)
    y, v = meta.standardised_mean_difference([2.0], [1.0], [6], [1.0], [1.0], [6])
    assert y[0] == pytest.approx(0.9227456080, abs=1e-9)
    assert v[0] == pytest.approx(1 / 3 + y[0] ** 2 / 24)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "tau2"), [(5, 0.1), (10, 0.05), (20, 0.3)])
def test_knapp_hartung_intervals_cover_at_their_level(k, tau2):
    """95 % intervals hold the truth 95 % of the time, the Wald interval less often (2000 simulated analyses).

    Prediction intervals hold a new effect less often than they say where studies are few (Partlett and Riley 2017).
    """
    random = np.random.default_rng(k)
    held = {"HK": 0, "Wald": 0, "new": 0}
    for _ in range(2000):
        v = random.uniform(0.02, 0.3, k)
        y = random.normal(0.4, np.sqrt(v + tau2))
        robust, wald = meta.pool(y, v), meta.pool(y, v, knapp_hartung=False)
        new = random.normal(0.4, np.sqrt(tau2))
        held["HK"] += robust.ci[0] <= 0.4 <= robust.ci[1]
        held["Wald"] += wald.ci[0] <= 0.4 <= wald.ci[1]
        held["new"] += robust.pi[0] <= new <= robust.pi[1]
    assert held["HK"] / 2000 == pytest.approx(0.95, abs=0.02)
    assert held["Wald"] < held["HK"]
    assert 0.83 < held["new"] / 2000 < 0.97


@pytest.mark.slow
def test_the_bayesian_interval_covers_when_its_prior_is_true():
    """Two studies, tau drawn from the prior: 95 % credible intervals hold the truth 95 % of the time."""
    random, held = np.random.default_rng(2), 0
    for _ in range(1500):
        tau = abs(random.normal(0, 0.5))
        v = random.uniform(0.02, 0.2, 2)
        y = random.normal(0.3, np.sqrt(v + tau**2))
        low, high = meta.bayes(y, v, meta.HalfNormal(0.5)).ci
        held += low <= 0.3 <= high
    assert held / 1500 == pytest.approx(0.95, abs=0.02)


@pytest.mark.slow
def test_sampled_and_least_squares_networks_agree_under_a_flat_prior():
    pytest.importorskip("numpyro")
    random = np.random.default_rng(5)
    truth = {"a": 0.0, "b": 0.5, "c": 1.0}
    pairs = [("a", "b"), ("b", "c"), ("a", "c")] * 5
    table = [
        {
            "study": i,
            "treat1": one,
            "treat2": two,
            "effect": truth[one] - truth[two] + random.normal(0, np.hypot(0.2, 0.15)),
            "se": 0.2,
        }
        for i, (one, two) in enumerate(pairs)
    ]
    squares = {e.treatment: e for e in meta.network(table, "a").effects}
    sampled = meta.bayes_network(table, "a", tau_prior=meta.HalfNormal(2.0), draws=1000)
    assert sampled.rhat < 1.01
    assert sampled.ess > 400
    for effect in sampled.effects:
        assert effect.estimate == pytest.approx(squares[effect.treatment].estimate, abs=0.03)
        assert effect.se == pytest.approx(squares[effect.treatment].se, rel=0.35)
