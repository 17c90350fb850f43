"""Simulated single-dose studies, and how likely they make the printed table: a density that JAX differentiates.

The table holds means and standard deviations, not patients, so that its exact likelihood is out of reach. It is
replaced by a synthetic one (Wood 2010; Price and others 2018): at each proposal a population takes a dose, many studies
of the printed size are put together from it, and the printed summaries are held against the normal distribution of
theirs, on logarithms. The people and the studies are the same at every proposal (common random numbers, evenly spread
by Sobol's sequence), so that the likelihood is a smooth function without noise, and one with gradients.

A study is not only a sample of people. What the authors printed is rounded; their peaks, times and half-lives were
read from samples at some times, with some assay, in some volunteers. Each printed figure may therefore be off by a
random effect of its study, whose size is fitted along: without it the table would count for more than it is worth,
and would pull figures away from other studies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from calibration.plan import Figure, noted
from calibration.traced import Array, Levels, TracedPeople, levels, patients
from eutonia.knowledge import Knowledge
from eutonia.knowledge.pharmacology import Finding
from eutonia.simulation.population import PHENOTYPES, Column, frequencies
from eutonia.simulation.schedule import read_schedule

PEOPLE, FEW, STUDIES = 128, 64, 400
"""People who take a dose; poor and normal metabolisers for the ratios; studies put together from them."""

QUANTITIES = ("cmax_mg_l", "auc_mg_h_l", "tmax_h", "half_life_h")
BY_DOSE = ("cmax_mg_l", "auc_mg_h_l")
"""Those that grow with the dose."""

UPPER, LOWER = 0.40, 0.08
"""The half-life is read from the fall between these fractions of the peak, as in the engine."""

MOMENTS = np.geomspace(0.03, 600.0, 32)
"""Hours at which a peak and a fall are first looked for."""

NEWTON = 4
"""Steps towards a peak or a fall, of which each doubles the digits."""

NOT_SHIPPED = ("persistence", "volunteers_weight", "study")
"""Fitted along: what belongs to these studies alone."""


def exposure(levels: Levels) -> dict[str, Array]:
    """Peak, its time, area and half-life after a unit dose, [substances, people] each.

    Times are found on a grid and by Newton's steps; only the last step is differentiated, which is all that the
    implicit function needs.
    """
    fixed = Levels(*map(jax.lax.stop_gradient, (levels.rates, levels.weights, levels.lag)))
    moments = jnp.asarray(MOMENTS)
    left = jnp.exp(-fixed.rates * moments[:, None, None])
    coarse = jnp.einsum("smn,tmn->tsn", fixed.weights, left)
    top = jnp.clip(coarse.argmax(0), 1, len(MOMENTS) - 2)

    def climb(_: int, when: Array) -> Array:
        """Towards the top, within the two neighbours of the highest moment."""
        _, slope, bend = _at(fixed, when)
        step = jnp.where(bend < 0.0, -slope / jnp.minimum(bend, -1e-300), jnp.sign(slope) * 0.1 * when)
        return jnp.clip(when + step, moments[top - 1], moments[top + 1])

    when = jax.lax.stop_gradient(jax.lax.fori_loop(0, NEWTON, climb, moments[top]))
    peak, slope, bend = _at(levels, when)
    bend = jnp.minimum(jax.lax.stop_gradient(bend), -1e-12)
    upper, lower = _falls_to(
        levels, fixed, coarse, top, jnp.log(jnp.array([UPPER, LOWER]))[:, None, None] + jnp.log(peak)
    )
    return {
        "cmax_mg_l": peak,
        "auc_mg_h_l": levels.area(),
        "tmax_h": when - slope / bend + levels.lag,
        "half_life_h": (lower - upper) * jnp.log(2.0) / jnp.log(UPPER / LOWER),
    }


def _at(levels: Levels, time: Array) -> tuple[Array, Array, Array]:
    """Levels, their slopes and their bends at `time` [..., substances, people] hours after the lag."""
    parts = levels.weights * jnp.exp(-levels.rates * time[..., None, :])
    return parts.sum(-2), -(levels.rates * parts).sum(-2), (levels.rates**2 * parts).sum(-2)


def _falls_to(levels: Levels, fixed: Levels, coarse: Array, top: Array, threshold: Array) -> Array:
    """When the logarithm of a level falls to each `threshold` [thresholds, substances, people] after its peak."""
    known, moments = jax.lax.stop_gradient(threshold), jnp.asarray(MOMENTS)
    after = jnp.arange(len(MOMENTS))[:, None, None] > top
    under = (jnp.log(jnp.maximum(coarse, 1e-300))[:, None] <= known) & after[:, None]
    k = jnp.maximum(under.argmax(0), 1)
    low, high = moments[k - 1], moments[k]

    def descend(_: int, when: Array) -> Array:
        """The logarithm of a level is nearly a line."""
        value, slope, _bend = _at(fixed, when)
        step = (jnp.log(jnp.maximum(value, 1e-300)) - known) * value / jnp.minimum(slope, -1e-300)
        return jnp.clip(when - step, low, high)

    when = jax.lax.stop_gradient(jax.lax.fori_loop(0, NEWTON, descend, 0.5 * (low + high)))
    value, slope, _ = _at(levels, when)
    speed = jnp.minimum(jax.lax.stop_gradient(slope / value), -1e-9)
    return when - (jnp.log(value) - threshold) / speed


@dataclass(frozen=True)
class Drawn:
    """People: facts, deviations of their weight, their own deviations by figure."""

    facts: dict[str, Any]
    weight: Column
    own: dict[str, Column]
    few: int
    """How many of them, the last, are poor and then normal metabolisers."""


@dataclass(frozen=True)
class SingleDoses:
    """The table and the ratios of a plan, and simulated studies to hold against them."""

    plan: Mapping[str, Any]
    figures: tuple[Figure, ...]
    knowledge: Knowledge
    seed: int

    @cached_property
    def substances(self) -> tuple[str, str]:
        dosed = self.plan["dosed"][0]
        product = self.knowledge.substances[dosed].kinetics.metabolite
        assert product is not None
        return dosed, product.substance

    @cached_property
    def doses(self) -> tuple[float, ...]:
        entries = [self.knowledge.observations[key] for key in self.plan["single_doses"]]
        schedules = [read_schedule(list(entry.plan), self.knowledge) for entry in entries]
        return tuple(schedule.regimens[0].amounts[0] for schedule in schedules)

    @cached_property
    def cells(self) -> list[list[Finding]]:
        """The findings of each dose, in the order of substances and quantities."""
        found = []
        for key in self.plan["single_doses"]:
            by_name = {f.quantity: f for f in self.knowledge.observations[key].findings}
            found.append([by_name[f"{s}/{q}"] for s in self.substances for q in QUANTITIES])
        return found

    @cached_property
    def printed(self) -> tuple[Column, Column]:
        """Logarithms of the table, [doses, mean or sd, cells]; and of the ratios."""
        table = [[[f.value for f in row], [f.spread for f in row]] for row in self.cells]
        ratios = {f.quantity: f.value for f in self.knowledge.observations[self.plan["ratios"]].findings}
        return np.log(table), np.log([ratios[f"{s}/auc_mg_h_l"] for s in self.substances])

    @cached_property
    def steps(self) -> Column:
        """The last decimal printed of each cell, [mean or sd, cells]: as far as any dose shows it."""
        table = np.exp(self.printed[0]).round(9)
        return np.array(
            [[10.0 ** -max(map(decimals, column)) for column in part.T] for part in table.transpose(1, 0, 2)]
        )

    @cached_property
    def spread(self) -> list[str]:
        """Figures in which people differ."""
        seen = noted(self.knowledge, self.plan["dosed"])
        own = (*(f"{s}/" for s in self.substances), "population/liver_flow")
        return [name for name, (*_, spread, _u) in seen.items() if spread and name.startswith(own)]

    @cached_property
    def drawn(self) -> Drawn:
        """The people of every proposal; the last are poor and then normal metabolisers."""
        points = qmc.Sobol(3 + len(self.spread), seed=self.seed).random(PEOPLE)
        return self.people_of(points, np.arange(2 * FEW) % PEOPLE)

    def people_of(self, points: Column, few: NDArray[np.int64]) -> Drawn:
        """People from numbers between 0 and 1, women and men in turn, and once more some of them as poor metabolisers,
        and as many as normal ones."""
        normal = ndtri(np.clip(points, 1e-6, 1.0 - 1e-6))
        part = self.knowledge.model["population"].parameters["age"]
        age = np.clip(part.value + part.spread * normal[:, 0], part.low, part.high)
        shares = frequencies("us-mixed", self.knowledge)
        phenotype = np.minimum(np.searchsorted(np.cumsum(shares), points[:, 2], side="right"), 4)
        who = np.concatenate([np.arange(len(points)), few])
        kinds = np.concatenate(
            [np.array(PHENOTYPES)[phenotype], np.repeat(["poor", "normal"], len(few) // 2)]
        )
        women = np.arange(len(points)) % 2 == 0
        facts = {"age": age[who], "cyp2c19": kinds, "sex": np.where(women, "female", "male")[who]}
        own = {name: normal[who, 3 + i] for i, name in enumerate(self.spread)}
        return Drawn(facts, normal[who, 1], own, len(few))

    @cached_property
    def studies(self) -> Column:
        """[studies, people]: who is in each, as shares of the mean."""
        chance = np.random.default_rng(self.seed)
        men, women = int(self.plan["men"]), int(self.plan["women"])
        member = np.zeros((STUDIES, PEOPLE))
        for study in member:
            study[2 * chance.choice(PEOPLE // 2, women, replace=False)] = 1.0
            study[2 * chance.choice(PEOPLE // 2, men, replace=False) + 1] = 1.0
        return member / (men + women)

    @property
    def volunteers(self) -> int:
        return int(self.plan["men"]) + int(self.plan["women"])

    @cached_property
    def few(self) -> int:
        return self.knowledge.observations[self.plan["ratios"]].number_studied or 5

    @cached_property
    def small(self) -> tuple[Column, Column]:
        """The same for poor and for normal metabolisers."""
        chance = np.random.default_rng(self.seed + 1)
        found = np.zeros((2, STUDIES, FEW))
        for group in found:
            for study in group:
                study[chance.choice(FEW, self.few, replace=False)] = 1.0 / self.few
        return found[0], found[1]

    @property
    def size(self) -> int:
        """Numbers in a proposal, each standard normal before the data: the figures, then what is not shipped."""
        return len(self.figures) + len(NOT_SHIPPED)

    def of(self, proposal: Array) -> tuple[dict[str, Array], Array, Array, Array]:
        """Deviations of the figures; how alike both doses of the same people are; how much more volunteers differ in
        weight than patients; how far the printed figures of one study may be off."""
        assumed = self.plan["assumed"]
        deviations = {f.name: f.prior * proposal[n] for n, f in enumerate(self.figures)}
        z = proposal[len(self.figures) :]
        middle, wide = assumed["persistence"]
        alike = 1.0 / (1.0 + (1.0 / middle - 1.0) * jnp.exp(-wide * z[0]))
        usual, doubt = assumed["study"]
        return deviations, alike, jnp.exp(assumed["volunteers_weight"] * z[1]), usual * jnp.exp(doubt * z[2])

    def values(self, proposal: Array, drawn: Drawn, crowd: int) -> tuple[Array, Array]:
        """After a unit dose: of the first `crowd` people [people, substance and quantity], and areas [poor then normal
        metabolisers, substance]."""
        deviations, _, heavier, _ = self.of(proposal)
        part = self.knowledge.model["population"].parameters["weight"]
        weight = jnp.clip(part.value * jnp.exp(part.spread * heavier * drawn.weight), part.low, part.high)
        people = TracedPeople(patients(drawn.facts), self.knowledge, {}, typical_deviations=deviations, own=drawn.own,
                              weight=weight)  # fmt: skip
        found = levels(people, self.substances[0])
        seen = exposure(Levels(found.rates[:, :crowd], found.weights[..., :crowd], found.lag[:crowd]))
        values = jnp.stack([seen[q][s] for s in range(2) for q in QUANTITIES], axis=1)
        return values, found.area()[:, len(drawn.weight) - drawn.few :].T

    def simulate(self, proposal: Array) -> tuple[Array, Array]:
        """Logarithms of the table of each study after a unit dose, [studies, mean or sd, 8], and of the ratios,
        [studies, 2]."""
        values, areas = self.values(proposal, self.drawn, PEOPLE)
        size = self.volunteers
        mean = self.studies @ values
        variance = jnp.maximum(self.studies @ values**2 - mean**2, 1e-12 * mean**2) * size / (size - 1)
        poor, normal = self.small
        ratios = jnp.log(poor @ areas[:FEW]) - jnp.log(normal @ areas[FEW:])
        return jnp.log(jnp.stack([mean, jnp.sqrt(variance)], axis=1)), ratios

    @cached_property
    def growth(self) -> Column:
        """What each dose adds to the logarithms of a unit dose, [doses, 1, 8]."""
        grows = np.array([q in BY_DOSE for _ in self.substances for q in QUANTITIES], float)
        return np.asarray(np.log(self.doses)[:, None, None] * grows)

    def __call__(self, proposal: Array, data: tuple[Array, Array]) -> Array:
        """Logarithm of the synthetic likelihood of a table and ratios, up to a constant."""
        table, ratios = self.simulate(proposal)
        _, alike, _, off = self.of(proposal)
        assumed, count = self.plan["assumed"], len(self.doses)
        sampling = jnp.kron(
            _alike(alike, count), sampled(table.reshape(len(table), -1), self.volunteers / PEOPLE)
        )
        error = off * jnp.repeat(jnp.array([1.0, assumed["study_of_sd"]]), table.shape[2])
        method = jnp.kron(_alike(assumed["study_shared"], count), jnp.diag(error**2))
        rounded = jnp.diag((self.steps / np.sqrt(12.0) / jnp.exp(data[0])).ravel() ** 2)
        few = sampled(ratios, self.few / FEW) + jnp.eye(2) * (off**2 + assumed["rounding_of_ratios"] ** 2)
        away = data[0] - table.mean(0) - self.growth
        return normal_density(away.ravel(), sampling + method + rounded) + normal_density(
            data[1] - ratios.mean(0), few
        )


def _alike(share: Array, count: int) -> Array:
    """Correlation of what `count` doses have in common."""
    return share + (1.0 - share) * jnp.eye(count)


def decimals(value: float) -> int:
    """Decimals that a printed number shows."""
    return len(f"{value:g}".partition(".")[2])


def sampled(simulated: Array, share: float) -> Array:
    """Covariance of simulated summaries, [studies, cells], made larger for what studies have in common that are put
    together from few people (each holds this `share` of them), and for being estimated from so many."""
    n, p = simulated.shape
    centred = simulated - simulated.mean(0)
    return centred.T @ centred / (n - 1) / (1.0 - share) * (n - 1) / (n - p - 2) + 1e-8 * jnp.eye(p)


def normal_density(off: Array, covariance: Array) -> Array:
    """Logarithm of the density of a normal distribution, up to a constant."""
    lower = jnp.linalg.cholesky(covariance)
    whitened = jax.scipy.linalg.solve_triangular(lower, off, lower=True)
    return -0.5 * whitened @ whitened - jnp.log(jnp.diag(lower)).sum()
