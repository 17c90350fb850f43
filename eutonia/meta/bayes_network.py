"""Bayesian network meta-analysis in NumPyro (`pip install eutonia[bayes]`).

Consistency model with non-centred random effects and a prior on tau. The likelihood is normal on contrasts,
or binomial on arms, which needs no correction of zero cells and is not drawn towards nil by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from eutonia.errors import InputError, NotAvailable
from eutonia.meta.bayes import HalfCauchy, HalfNormal, LogNormal
from eutonia.meta.network import connected, consistency_model
from eutonia.meta.network_table import Measure, arms_by_study, blocks
from eutonia.meta.pooling import Interval
from eutonia.meta.record import Floats, Record

TauPrior = HalfNormal | HalfCauchy | LogNormal


@dataclass(frozen=True)
class BayesEffect(Record):
    """A treatment against the reference. `sucra` is the share of the other treatments that it beats."""

    treatment: str
    estimate: float
    se: float
    ci: Interval
    sucra: float


@dataclass(frozen=True)
class BayesNetwork(Record):
    """The posterior of a network, with the checks that it was sampled well (R-hat below 1.01, ESS above
    400).
    """

    effects: tuple[BayesEffect, ...]
    tau: float
    tau_ci: Interval
    rhat: float
    """The worst of all parameters."""
    ess: float
    """The least of all parameters."""
    reference: str
    draws: Floats
    """(draws, treatments), in the order of `treatments`."""
    treatments: tuple[str, ...]


def bayes_network(
    table: Any,
    reference: str | None = None,
    *,
    tau_prior: TauPrior = HalfNormal(1.0),  # noqa: B008  (frozen)
    likelihood: Literal["normal", "binomial"] = "normal",
    measure: Measure | None = None,
    smaller_is_better: bool = True,
    effect_sd: float = 100.0,
    draws: int = 2000,
    chains: int = 4,
    seed: int = 0,
) -> BayesNetwork:
    """Sample the posterior of a network of trials; the table is that of `network`.

    `likelihood="binomial"` takes a table by arm with events and gives log odds ratios. `effect_sd` is the
    SD of the normal prior of each effect: wide by default. Raises NotAvailable where NumPyro is not
    installed.
    """
    try:
        import jax
        from numpyro.diagnostics import summary
        from numpyro.infer import MCMC, NUTS
    except ImportError:
        raise NotAvailable("Bayesian networks need NumPyro: pip install 'eutonia[bayes]'.") from None
    model, treatments, base = _model(table, reference, tau_prior, likelihood, measure, effect_sd)
    sampler = MCMC(
        NUTS(model, target_accept_prob=0.95),
        num_warmup=1000,
        num_samples=draws,
        num_chains=chains,
        chain_method="sequential",
        progress_bar=False,
    )
    sampler.run(jax.random.PRNGKey(seed))
    by_chain = {name: np.asarray(v) for name, v in sampler.get_samples(group_by_chain=True).items()}
    told = summary({name: by_chain[name] for name in ("effect", "tau")}, group_by_chain=True)
    effect = by_chain["effect"].reshape(-1, len(treatments) - 1)
    whole = np.insert(effect, treatments.index(base), 0.0, axis=1)
    tau = by_chain["tau"].ravel()
    return BayesNetwork(
        effects=_ranked(whole, treatments, base, smaller_is_better),
        tau=float(np.median(tau)),
        tau_ci=(float(np.quantile(tau, 0.025)), float(np.quantile(tau, 0.975))),
        rhat=max(float(np.max(part["r_hat"])) for part in told.values()),
        ess=min(float(np.min(part["n_eff"])) for part in told.values()),
        reference=base,
        draws=whole,
        treatments=tuple(treatments),
    )


def _ranked(
    whole: Floats, treatments: Sequence[str], base: str, smaller_is_better: bool
) -> tuple[BayesEffect, ...]:
    """The effect of each treatment against `base`, the best first; `whole` are draws by treatment."""
    better = -whole if smaller_is_better else whole
    found = [
        BayesEffect(
            name,
            float(whole[:, i].mean()),
            float(whole[:, i].std(ddof=1)) if name != base else 0.0,
            (float(np.quantile(whole[:, i], 0.025)), float(np.quantile(whole[:, i], 0.975))),
            float(np.mean([np.mean(better[:, i] > better[:, j]) for j in range(len(treatments)) if j != i])),
        )
        for i, name in enumerate(treatments)
    ]
    return tuple(sorted(found, key=lambda e: -e.sucra))


def _model(
    table: Any,
    reference: str | None,
    tau_prior: TauPrior,
    likelihood: str,
    measure: Measure | None,
    effect_sd: float,
) -> tuple[Any, list[str], str]:
    """The NumPyro model, the treatments in order, and the reference."""
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist

    if likelihood not in ("normal", "binomial"):
        raise InputError(f"likelihood is “{likelihood}”; it must be “normal” or “binomial”.")
    # The 0.5 only shapes the blocks here: the binomial likelihood reads the counts themselves.
    studies, _ = blocks(table, "OR" if likelihood == "binomial" else measure)
    parts = connected(studies)
    if len(parts) > 1:
        raise InputError(f"The network falls into {len(parts)} unconnected parts. Analyse each part alone.")
    treatments = list(parts[0])
    base = treatments[0] if reference is None else str(reference)
    if base not in treatments:
        raise InputError(f"The reference “{base}” is in no study. Treatments are: {', '.join(treatments)}.")
    linear = consistency_model(studies, treatments, base)
    assert linear.s is not None
    # tau times this root of the structure gives the correlated deviations of a trial's contrasts.
    root = jnp.asarray(np.linalg.cholesky(linear.s))
    x, y, cov = jnp.asarray(linear.x), jnp.asarray(linear.y), jnp.asarray(linear.v)
    prior = _as_numpyro(tau_prior)
    if likelihood == "binomial":
        by_study = arms_by_study(table)
        kept = [by_study[study.study] for study in studies]
        events = jnp.array([arm.events for arms in kept for arm in arms])
        totals = jnp.array([arm.n for arms in kept for arm in arms])
        study_of = jnp.array([i for i, arms in enumerate(kept) for _ in arms])
        # Where each arm finds its contrast; the first arm of a study has none.
        starts = np.cumsum([0] + [len(arms) - 1 for arms in kept[:-1]])
        places = [
            -1 if a == 0 else int(starts[i]) + a - 1 for i, arms in enumerate(kept) for a in range(len(arms))
        ]
        place, first = jnp.array([max(p, 0) for p in places]), jnp.array([p < 0 for p in places])

    def model() -> None:
        effect = numpyro.sample("effect", dist.Normal(0, effect_sd).expand([x.shape[1]]).to_event(1))
        tau = numpyro.sample("tau", prior)
        raw = numpyro.sample("raw", dist.Normal(0, 1).expand([len(y)]).to_event(1))
        theta = x @ effect + tau * (root @ raw)
        if likelihood == "normal":
            numpyro.sample("y", dist.MultivariateNormal(theta, cov), obs=y)
            return
        baseline = numpyro.sample("baseline", dist.Normal(0, 10).expand([len(kept)]).to_event(1))
        logits = baseline[study_of] + jnp.where(first, 0.0, theta[place])
        numpyro.sample("events", dist.Binomial(totals, logits=logits).to_event(1), obs=events)

    return model, treatments, base


def _as_numpyro(prior: TauPrior) -> Any:
    from numpyro import distributions as dist

    if isinstance(prior, HalfNormal):
        return dist.HalfNormal(prior.scale)
    if isinstance(prior, HalfCauchy):
        return dist.HalfCauchy(prior.scale)
    half = 0.5 if prior.of == "tau2" else 1.0
    return dist.LogNormal(prior.mu * half, prior.sigma * half)
