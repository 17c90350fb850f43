"""Do the direct and the indirect evidence of a network agree?

Globally: Q falls into heterogeneity within designs (a design is the set of treatments that a trial
compares) and inconsistency between designs (design-by-treatment interaction; Krahn 2013, Higgins 2012).
Locally: each comparison is split into direct and indirect evidence by back-calculation (netmeta's
`netsplit`); with trials of several arms that split is approximate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from eutonia.meta.distributions import chi2
from eutonia.meta.heterogeneity import LinearModel, tau2
from eutonia.meta.network_table import Block
from eutonia.meta.pooling import two_sided
from eutonia.meta.record import Floats, Record


@dataclass(frozen=True)
class Split(Record):
    """Direct and indirect evidence on treat1 minus treat2. Indirect is None where all evidence is direct."""

    treat1: str
    treat2: str
    direct: float
    direct_se: float
    indirect: float | None
    indirect_se: float | None
    difference: float | None
    p: float | None
    studies: int


@dataclass(frozen=True)
class Inconsistency(Record):
    """The design-by-treatment decomposition (common effect), its random-effects test, and the node splits."""

    q_within: float
    df_within: int
    q_within_p: float
    q_between: float
    df_between: int
    q_between_p: float
    tau2_within: float
    """tau² left within designs when every design has its own effects."""
    q_random: float
    """Between designs, given `tau2_within`."""
    q_random_p: float
    splits: tuple[Split, ...]


def appraise(
    studies: Sequence[Block],
    treatments: Sequence[str],
    mean: Floats,
    cov: Floats,
    model: LinearModel,
    between: float,
    method: str,
) -> Inconsistency:
    """Appraise a fitted network: `mean` (t,) and `cov` (t, t) of the treatments against the reference."""
    free = _interaction_model(studies, model)
    within, df_within = free.at_zero.rss, free.df
    q_between, df_between = max(0.0, model.at_zero.rss - within), model.df - df_within
    tau2_within = tau2(free, method)
    q_random = max(0.0, model.at(tau2_within).rss - free.at(tau2_within).rss)
    return Inconsistency(
        q_within=max(0.0, within),
        df_within=df_within,
        q_within_p=_p(within, df_within),
        q_between=q_between,
        df_between=df_between,
        q_between_p=_p(q_between, df_between),
        tau2_within=tau2_within,
        q_random=q_random,
        q_random_p=_p(q_random, df_between),
        splits=tuple(_splits(studies, treatments, mean, cov, between)),
    )


def _p(q: float, df: int) -> float:
    return float(chi2.sf(q, df)) if df else 1.0


def _interaction_model(studies: Sequence[Block], model: LinearModel) -> LinearModel:
    """Every design has effects of its own: one column for each of its treatments beyond the first."""
    designs = {frozenset(study.treatments): tuple(sorted(study.treatments)) for study in studies}
    columns: dict[tuple[tuple[str, ...], str], int] = {}
    for design in designs.values():
        for treatment in design[1:]:
            columns[design, treatment] = len(columns)
    rows = []
    for study in studies:
        design = designs[frozenset(study.treatments)]
        for treatment in study.treatments[1:]:
            row = np.zeros(len(columns))
            for name, sign in ((treatment, 1), (study.treatments[0], -1)):
                if name != design[0]:
                    row[columns[design, name]] += sign
            rows.append(row)
    return LinearModel(model.y, model.v, np.array(rows), model.s)


def _splits(
    studies: Sequence[Block], treatments: Sequence[str], mean: Floats, cov: Floats, between: float
) -> list[Split]:
    found = []
    for (i, one), (j, two) in combinations(enumerate(treatments), 2):
        rows = [_contrast(study, one, two) for study in studies if {one, two} <= set(study.treatments)]
        if not rows:
            continue
        weights = np.array([1 / (variance + between) for _, variance in rows])
        direct = float(weights @ [effect for effect, _ in rows] / weights.sum())
        direct_variance = float(1 / weights.sum())
        total, variance = float(mean[i] - mean[j]), float(cov[i, i] + cov[j, j] - 2 * cov[i, j])
        rest = 1 / variance - 1 / direct_variance
        if rest <= 1e-8 / variance:
            found.append(Split(one, two, direct, direct_variance**0.5, None, None, None, None, len(rows)))
            continue
        indirect = (total / variance - direct / direct_variance) / rest
        gap, gap_se = direct - indirect, float(np.sqrt(direct_variance + 1 / rest))
        found.append(
            Split(
                one,
                two,
                direct,
                direct_variance**0.5,
                indirect,
                rest**-0.5,
                gap,
                two_sided(gap, gap_se),
                len(rows),
            )
        )
    return found


def _contrast(study: Block, one: str, two: str) -> tuple[float, float]:
    """Effect and sampling variance of one minus two within a study."""
    y = np.concatenate([[0.0], study.y])
    cov = np.pad(study.cov, ((1, 0), (1, 0)))
    i, j = study.treatments.index(one), study.treatments.index(two)
    return float(y[i] - y[j]), float(cov[i, i] + cov[j, j] - 2 * cov[i, j])
