"""Smoking cessation, 24 trials of 4 treatments (Hasselblad 1998), log odds ratio against no contact."""

import pytest

from eutonia import meta

ORDER = ("self_help", "ind_counseling", "grp_counseling")


@pytest.fixture(scope="module")
def arms(data_set):
    return data_set("hasselblad1998.csv").select(study="study", treatment="trt", events="xi", n="ni")


def effects(network):
    found = {effect.treatment: effect for effect in network.effects}
    return [found[name].estimate for name in ORDER], [found[name].se for name in ORDER]


def test_half_added_to_every_cell(arms):
    reml = meta.network(arms, "no_contact", correction="all", smaller_is_better=False)
    estimates, errors = effects(reml)
    assert reml.tau2 == pytest.approx(0.4324, abs=6e-5)
    assert estimates == pytest.approx([0.3888, 0.6864, 0.8438], abs=6e-5)
    assert errors == pytest.approx([0.3221, 0.1904, 0.3641], abs=6e-5)
    dl = meta.network(arms, "no_contact", "DL", correction="all", smaller_is_better=False)
    assert dl.tau2 == pytest.approx(0.5871, abs=6e-5)
    assert effects(dl)[0] == pytest.approx([0.4080, 0.7090, 0.8783], abs=6e-5)


def test_half_added_only_where_a_cell_is_zero(arms):
    reml = meta.network(arms, "no_contact", smaller_is_better=False)
    estimates, errors = effects(reml)
    assert reml.tau2 == pytest.approx(0.4502, abs=6e-5)
    assert estimates == pytest.approx([0.3972, 0.7090, 0.8687], abs=6e-5)
    assert errors == pytest.approx([0.3286, 0.1953, 0.3721], abs=6e-5)


@pytest.mark.slow
def test_the_binomial_likelihood_is_not_drawn_towards_nil(arms):
    """NICE TSD 3 prints 0.49 (0.40), 0.84 (0.24), 1.10 (0.44), tau 0.82 to 0.84, with a wide uniform prior."""
    pytest.importorskip("numpyro")
    found = meta.bayes_network(
        arms, "no_contact", likelihood="binomial", tau_prior=meta.HalfNormal(2), smaller_is_better=False
    )
    estimates, errors = effects(found)
    assert found.rhat < 1.01
    assert found.ess > 400
    assert estimates == pytest.approx([0.49, 0.84, 1.10], abs=0.04)
    assert errors == pytest.approx([0.40, 0.24, 0.44], abs=0.04)
    assert found.tau == pytest.approx(0.82, abs=0.05)
