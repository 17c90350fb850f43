"""Does the method find what is there? Simulation-based calibration (Talts and others 2018).

A truth is drawn from the prior, a study is simulated from it as people (not by the likelihood), printed with its
rounding and fitted. Over many such studies a posterior that is right holds the truth in its 90 % interval nine times
in ten.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtr, ndtri

from calibration.chains import Sampler
from calibration.effects import weighed, worth
from calibration.kinetics import SingleDoses
from eutonia.simulation.population import Column


@dataclass(frozen=True)
class Recovery:
    """Share of each posterior below the truth, [studies, numbers]: even between 0 and 1 where all is right."""

    below: Column

    def held(self, share: float) -> float:
        """How often the middle `share` of the posterior held the truth."""
        return float((np.abs(self.below - 0.5) <= share / 2.0).mean())

    def unsure(self, share: float) -> float:
        """Standard error of that, over studies: the numbers of one study hang together."""
        each = (np.abs(self.below - 0.5) <= share / 2.0).mean(1)
        return float(each.std(ddof=1) / np.sqrt(len(each)))


def studies(table: SingleDoses, truths: Column, seed: int) -> list[tuple[Column, Column]]:
    """What a study would print, were each of `truths` [studies, numbers] so: logarithms of table and ratios."""
    chance = np.random.default_rng(seed)
    number, n, few = len(truths), table.volunteers, table.few
    assumed = table.plan["assumed"]
    with jax.enable_x64(True):
        _, alike, _, off = (
            np.asarray(x) if not isinstance(x, dict) else x for x in table.of(jnp.asarray(truths.T))
        )
        columns = 3 + len(table.spread)
        first = chance.random((number, n, columns))
        again = first.copy()
        share = alike[:, None, None]
        new = chance.standard_normal((number, n, columns - 3))
        again[..., 3:] = ndtr(share * ndtri(first[..., 3:]) + np.sqrt(1.0 - share**2) * new)
        small = chance.random((2, number, few, columns))
        points = np.concatenate([part.reshape(-1, columns) for part in (first, again, small)])
        both, of_few = (
            np.tile(np.repeat(np.arange(number), n), 2),
            np.tile(np.repeat(np.arange(number), few), 2),
        )
        drawn = table.people_of(points, len(both) + np.arange(len(of_few)))
        rows = jnp.asarray(truths.T[:, np.concatenate([both, of_few, of_few])])
        values, areas = (np.asarray(x) for x in table.values(rows, drawn, len(both)))
    people = values.reshape(2, number, n, -1)
    found = (
        np.log(np.stack([people.mean(2), people.std(2, ddof=1)], axis=2)).transpose(1, 0, 2, 3) + table.growth
    )
    shared, own = (
        chance.standard_normal((number, doses, *found.shape[2:])) for doses in (1, len(table.doses))
    )
    part = assumed["study_shared"]
    size = np.array([1.0, assumed["study_of_sd"]])[:, None] * off[:, None, None, None]
    printed = np.exp(found + size * (np.sqrt(part) * shared + np.sqrt(1.0 - part) * own))
    printed = np.maximum(np.round(printed / table.steps), 1.0) * table.steps
    groups = np.log(areas.reshape(2, number, few, -1).mean(2))
    error = np.sqrt(off[:, None] ** 2 + assumed["rounding_of_ratios"] ** 2)
    ratios = groups[0] - groups[1] + error * chance.standard_normal((number, 2))
    return list(zip(np.log(printed), ratios, strict=True))


def recover(
    table: SingleDoses, sampler: Sampler, number: int, seed: int, *, draws: int = 100,
    told: Callable[[int], None] = lambda _: None,
) -> Recovery:  # fmt: skip
    """The kinetics of `number` truths, each looked for by one chain."""
    truths = np.random.default_rng(seed).standard_normal((number, table.size))
    below: list[Column] = []
    for n, data in enumerate(studies(table, truths, seed) if number else ()):
        found = sampler(data, seed + n, chains=1, draws=draws).draws[0]
        below.append((found < truths[n]).mean(0))
        told(1)
    return Recovery(np.array(below).reshape(number, table.size))


def recover_reports(
    members: Column, given: Column, error: Column, ratio: Column, number: int, seed: int
) -> Recovery:
    """The same of the reports: some worlds already simulated are taken for true, and looked for among all others.

    `members` [worlds, figures], what they give for each report [worlds, reports], and the logarithm of the prior
    density over that from which each was drawn. Truths come as often as the prior has them. Those that fewer than a
    hundred equal worlds answer are not counted: there are too few worlds to say.
    """
    chance = np.random.default_rng(seed)
    prior = np.exp(ratio - ratio.max())
    prior = prior / prior.sum()
    below = []
    for true in chance.choice(len(members), min(number, int(worth(prior))), replace=False, p=prior):
        printed = given[true] + error * chance.standard_normal(len(error))
        others = np.delete(np.arange(len(members)), true)
        weights = weighed(given[others], printed, error, ratio[others])
        if worth(weights) >= 100.0:
            below.append(weights @ (members[others] < members[true]))
    return Recovery(np.array(below).reshape(-1, members.shape[1]))
