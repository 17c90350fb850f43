"""Network meta-analysis: consistency model on contrasts, by generalised least squares.

Arms of one trial keep their correlation, sampling and between-study (tau²/2 off the diagonal), so the
results equal those of the graph-theoretical model (netmeta). tau² is common to all comparisons: generalised
DerSimonian–Laird, REML, ML or PM. Intervals are normal. P-scores are Rücker and Schwarzer's (2015): the
mean certainty that a treatment is better than another one, not a measure of by how much.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eutonia.errors import InputError
from eutonia.meta.distributions import chi2, norm
from eutonia.meta.heterogeneity import LinearModel, method_name, tau2
from eutonia.meta.inconsistency import Inconsistency, appraise
from eutonia.meta.network_table import Block, Measure, blocks, left_out, records
from eutonia.meta.pooling import Interval, quantile, two_sided
from eutonia.meta.record import Floats, Record, share


@dataclass(frozen=True)
class NetworkEffect(Record):
    """A treatment against the reference."""

    treatment: str
    estimate: float
    se: float
    ci: Interval
    pi: Interval | None
    p: float | None
    p_score: float


@dataclass(frozen=True)
class Pair(Record):
    """treat1 minus treat2, from the whole network. `studies` compare the two directly."""

    treat1: str
    treat2: str
    estimate: float
    se: float
    ci: Interval
    p: float
    studies: int


@dataclass(frozen=True)
class Network(Record):
    """A fitted network. Ratios are on the log scale."""

    effects: tuple[NetworkEffect, ...]
    """Best first, by P-score; the reference among them, at 0."""
    league: tuple[Pair, ...]
    """Every ordered pair of treatments."""
    treatments: tuple[str, ...]
    reference: str
    measure: Measure
    method: str
    tau2: float
    i2: float
    q: float
    df: int
    q_p: float
    inconsistency: Inconsistency
    k: int
    smaller_is_better: bool
    left_out: tuple[str, ...] = ()
    """Studies of the table that tell nothing: one treatment only, or no event in any arm of a ratio."""

    def difference(self, treat1: str, treat2: str) -> Pair:
        """treat1 minus treat2. Raises InputError for a treatment that is not in the network."""
        for pair in self.league:
            if (pair.treat1, pair.treat2) == (treat1, treat2):
                return pair
        raise InputError(
            f"The network does not compare {treat1} with {treat2}. It has: {', '.join(self.treatments)}."
        )


def network(
    table: Any,
    reference: str | None = None,
    method: str = "REML",
    smaller_is_better: bool = True,
    *,
    measure: Measure | None = None,
    correction: str = "zero",
    level: float = 0.95,
) -> Network:
    """Compare all treatments of a table of trials at once.

    `table` holds records, columns or a frame, by arm (study, treatment, mean, sd, n | events, n) or by
    contrast (study, treat1, treat2, effect, se; effect is treat1 − treat2). `measure` is MD or SMD for
    means, OR, RR or RD for events. `correction` adds 0.5 to studies with a zero cell (“zero”), to all
    (“all”) or to none (“none”). Raises InputError, naming the parts, where the network is not connected,
    and the row, where a value is unusable.
    """
    rows = records(table)
    studies, used = blocks(rows, measure, correction)
    parts = connected(studies)
    if len(parts) > 1:
        told = "; ".join(", ".join(part) for part in parts)
        raise InputError(
            f"The network falls into {len(parts)} unconnected parts ({told}); nothing compares across them. "
            "Analyse each part alone."
        )
    treatments = list(parts[0])
    base = treatments[0] if reference is None else str(reference)
    if base not in treatments:
        raise InputError(f"The reference “{base}” is in no study. Treatments are: {', '.join(treatments)}.")
    name = method_name(method)
    model = consistency_model(studies, treatments, base)
    between = tau2(model, name)
    fit = model.at(between)
    mean = np.zeros(len(treatments))
    cov = np.zeros((len(treatments), len(treatments)))
    others = [i for i, treatment in enumerate(treatments) if treatment != base]
    mean[others] = fit.beta
    cov[np.ix_(others, others)] = fit.cov
    q = model.at_zero.rss
    pairs = _league(studies, treatments, mean, cov, share(level))
    return Network(
        effects=_effects(pairs, treatments, base, between, model.df, smaller_is_better, level),
        league=pairs,
        treatments=tuple(treatments),
        reference=base,
        measure=used,
        method=name,
        tau2=between,
        i2=100 * max(0.0, (q - model.df) / q) if q > 0 else 0.0,
        q=q,
        df=model.df,
        q_p=float(chi2.sf(q, model.df)) if model.df else 1.0,
        inconsistency=appraise(studies, treatments, mean, cov, model, between, name),
        k=len(studies),
        smaller_is_better=smaller_is_better,
        left_out=left_out(rows, studies),
    )


def components(table: Any, measure: Measure | None = None) -> list[tuple[str, ...]]:
    """The connected parts of a network, each a sorted tuple of treatments; largest first."""
    return connected(blocks(table, measure)[0])


def connected(studies: Iterable[Block]) -> list[tuple[str, ...]]:
    parts: list[set[str]] = []
    for study in studies:
        joined = set(study.treatments)
        touching = [part for part in parts if part & joined]
        parts = [part for part in parts if not part & joined] + [joined.union(*touching)]
    return sorted((tuple(sorted(part)) for part in parts), key=lambda part: (-len(part), part))


def consistency_model(studies: Sequence[Block], treatments: Sequence[str], base: str) -> LinearModel:
    """All studies' contrasts as one linear model of the treatments against `base`."""
    columns = {treatment: i for i, treatment in enumerate(t for t in treatments if t != base)}
    rows = []
    for study in studies:
        for treatment in study.treatments[1:]:
            row = np.zeros(len(columns))
            if treatment in columns:
                row[columns[treatment]] += 1
            if study.treatments[0] in columns:
                row[columns[study.treatments[0]]] -= 1
            rows.append(row)
    return LinearModel(
        np.concatenate([s.y for s in studies]),
        _stacked([s.cov for s in studies]),
        np.array(rows),
        between_structure(studies),
    )


def between_structure(studies: Sequence[Block]) -> Floats:
    """1 on the diagonal, 1/2 between contrasts of one study."""
    return _stacked([(1 + np.eye(len(study.y))) / 2 for study in studies])


def _stacked(parts: Sequence[Floats]) -> Floats:
    size = sum(len(part) for part in parts)
    whole, at = np.zeros((size, size)), 0
    for part in parts:
        whole[at : at + len(part), at : at + len(part)] = part
        at += len(part)
    return whole


def _league(
    studies: Sequence[Block], treatments: Sequence[str], mean: Floats, cov: Floats, level: float
) -> tuple[Pair, ...]:
    z = quantile(level)
    pairs = []
    for i, one in enumerate(treatments):
        for j, two in enumerate(treatments):
            if i == j:
                continue
            estimate = float(mean[i] - mean[j])
            se = float(np.sqrt(cov[i, i] + cov[j, j] - 2 * cov[i, j]))
            direct = sum(one in s.treatments and two in s.treatments for s in studies)
            ci = (estimate - z * se, estimate + z * se)
            pairs.append(Pair(one, two, estimate, se, ci, two_sided(estimate, se), direct))
    return tuple(pairs)


def _effects(
    pairs: Sequence[Pair],
    treatments: Sequence[str],
    base: str,
    between: float,
    df: int,
    smaller: bool,
    level: float,
) -> tuple[NetworkEffect, ...]:
    sign = -1 if smaller else 1
    found = []
    for treatment in treatments:
        mine = [pair for pair in pairs if pair.treat1 == treatment]
        p_score = float(np.mean([norm.cdf(sign * pair.estimate / pair.se) for pair in mine]))
        against = next((pair for pair in mine if pair.treat2 == base), None)
        if against is None:
            found.append(NetworkEffect(treatment, 0.0, 0.0, (0.0, 0.0), None, None, p_score))
            continue
        pi = None
        if df >= 2:
            # The degrees of freedom of netmeta: those of Q, less one for tau².
            half = quantile(level, df - 1) * float(np.sqrt(against.se**2 + between))
            pi = (against.estimate - half, against.estimate + half)
        found.append(
            NetworkEffect(treatment, against.estimate, against.se, against.ci, pi, against.p, p_score)
        )
    return tuple(sorted(found, key=lambda effect: -effect.p_score))
