"""Meta-analysis on any data: effect sizes, pooling, regression, networks, Bayes. It knows no medicine.

    from eutonia import meta
    y, v = meta.log_risk_ratio(events_1, n_1, events_2, n_2)
    meta.pool(y, v, method="REML", knapp_hartung=True)
    meta.network(table, reference="placebo")

Where packages differ, the docstring of each module names the convention (mostly metafor's and netmeta's).
"""

from eutonia.meta.bayes import BayesPool, HalfCauchy, HalfNormal, LogNormal, bayes
from eutonia.meta.bayes_network import bayes_network
from eutonia.meta.effect_sizes import (
    Effects,
    double_zero,
    log_odds_ratio,
    log_risk_ratio,
    mantel_haenszel,
    mean_difference,
    peto,
    risk_difference,
    small_sample_correction,
    standardised_mean_difference,
)
from eutonia.meta.heterogeneity import METHODS
from eutonia.meta.inconsistency import Inconsistency, Split
from eutonia.meta.network import Network, NetworkEffect, Pair, components, network
from eutonia.meta.pooling import (
    Pool,
    Subgroups,
    blups,
    combine_dependent,
    leave_one_out,
    pool,
    shared_arm_correlation,
    subgroups,
    tau2_interval,
)
from eutonia.meta.regression import (
    Coefficient,
    MetaRegression,
    PetPeese,
    SmallStudyTest,
    egger,
    meta_regression,
    pet_peese,
    peters,
)

__all__ = [
    "METHODS",
    "BayesPool",
    "Coefficient",
    "Effects",
    "HalfCauchy",
    "HalfNormal",
    "Inconsistency",
    "LogNormal",
    "MetaRegression",
    "Network",
    "NetworkEffect",
    "Pair",
    "PetPeese",
    "Pool",
    "SmallStudyTest",
    "Split",
    "Subgroups",
    "bayes",
    "bayes_network",
    "blups",
    "combine_dependent",
    "components",
    "double_zero",
    "egger",
    "leave_one_out",
    "log_odds_ratio",
    "log_risk_ratio",
    "mantel_haenszel",
    "mean_difference",
    "meta_regression",
    "network",
    "pet_peese",
    "peters",
    "peto",
    "pool",
    "risk_difference",
    "shared_arm_correlation",
    "small_sample_correction",
    "standardised_mean_difference",
    "subgroups",
    "tau2_interval",
]
