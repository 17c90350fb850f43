"""Simulated single-dose studies, and how likely they make the printed table.

The table holds means and standard deviations, not patients, so that its exact likelihood is out of reach. It is
replaced by a synthetic one (Wood 2010; Price and others 2018): at each proposal a population takes both doses, many
studies of the printed size are put together from it, and the printed summaries are held against the normal
distribution of theirs, on logarithms. The people and the studies are the same at every proposal (common random
numbers, evenly spread by Sobol's sequence), so that the likelihood is a smooth function without noise, and chains
mix. The 24 took both doses, and were healthy volunteers: how far a person's deviations return with the second dose,
and how much they differ in weight, is fitted too and not shipped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from calibration.plan import Figure, noted
from eutonia.knowledge import Knowledge
from eutonia.simulation.population import PHENOTYPES, Column, Individuals, Patients, frequencies
from eutonia.simulation.schedule import read_schedule
from eutonia.simulation.system import _Builder

PEOPLE, FEW, STUDIES = 256, 64, 400
"""People who take both doses; poor and normal metabolisers for the ratios; studies put together from them."""

QUANTITIES = ("cmax_mg_l", "auc_mg_h_l", "tmax_h", "half_life_h")
UPPER, LOWER = 0.40, 0.08
"""The half-life is read from the fall between these fractions of the peak, as in the engine."""

NOT_SHIPPED = ("persistence", "volunteers_weight")


@dataclass(frozen=True)
class Even:
    """Draws for a population that leave no gaps: in place of `population.Draws`."""

    normals: Mapping[str, Column]
    rows: int

    def normal(self, name: str) -> Column:
        found = self.normals.get(name)
        return np.zeros(self.rows) if found is None else found

    def uniform(self, name: str) -> Column:
        return np.full(self.rows, 0.5)


@dataclass(frozen=True)
class People(Individuals):
    even: Even = field(default_factory=lambda: Even({}, 0))

    @property
    def draws(self) -> Any:
        return self.even


def exposure(people: Individuals, dosed: str, dose: Column) -> dict[str, dict[str, Column]]:
    """Peak, its time, area and half-life of a substance and its metabolite after one dose, without the engine."""
    build = _Builder(people)
    build.take(dosed)
    lag = build.disposition(dosed).get("lag", people.constant(0.0))
    return {
        name: _of_level([build.rates[k] for k in responses[0]], list(responses[0].values()), dose, lag)
        for name, responses in build.plasma.items()
    }


def _of_level(rates: list[Column], weights: list[Column], dose: Column, lag: Column) -> dict[str, Column]:
    """Of a level that is a sum of exponentials. Times are looked at in even steps of their logarithm."""
    slowest = np.min(rates, axis=0)
    time = np.geomspace(0.01, 12.0, 56)[:, None] / slowest
    level = np.zeros_like(time)
    for rate, weight in zip(rates, weights, strict=True):
        level += weight * np.exp(-rate * time)
    n = level.shape[1]
    top = np.clip(level.argmax(0), 1, len(time) - 2)
    before, at, after = (level[top + step, np.arange(n)] for step in (-1, 0, 1))
    bend, tilt = 0.5 * (before + after) - at, 0.5 * (after - before)
    shift = np.clip(np.divide(-tilt, 2.0 * bend, out=np.zeros(n), where=bend < 0.0), -1.0, 1.0)
    width = np.log(time[1, 0] / time[0, 0])
    when = time[top, np.arange(n)] * np.exp(shift * width)
    peak, slope, curve = (
        np.sum([w * (-r) ** k * np.exp(-r * when) for r, w in zip(rates, weights, strict=True)], axis=0)
        for k in (0, 1, 2)
    )
    nearer = np.clip(
        np.divide(-slope, curve, out=np.zeros(n), where=curve < 0.0), -width * when, width * when
    )
    peak, when = peak + 0.5 * slope * nearer, when + nearer  # Newton's step towards the top
    upper, lower = (_falls_below(time, level, part * peak, top) for part in (UPPER, LOWER))
    return {
        "cmax_mg_l": peak * dose,
        "auc_mg_h_l": dose * np.sum([w / r for r, w in zip(rates, weights, strict=True)], axis=0),
        "tmax_h": when + lag,
        "half_life_h": (lower - upper) * np.log(2.0) / np.log(UPPER / LOWER),
    }


def _falls_below(time: Column, level: Column, threshold: Column, top: NDArray[np.int64]) -> Column:
    n = np.arange(level.shape[1])
    under = (level <= threshold) & (np.arange(len(time))[:, None] > top)
    k = np.maximum(under.argmax(0), 1)
    c0, c1 = np.maximum(level[k - 1, n], 1e-300), np.maximum(level[k, n], 1e-300)
    share = np.clip(np.log(c0 / threshold) / np.log(c0 / c1), 0.0, 1.0)
    return time[k - 1, n] + share * (time[k, n] - time[k - 1, n])


@dataclass(frozen=True)
class SingleDoses:
    """The table and the ratios of a plan, and simulated studies to hold against them."""

    plan: Mapping[str, Any]
    figures: tuple[Figure, ...]
    knowledge: Knowledge
    seed: int
    observed: tuple[Column, Column] | None = None
    """Table and ratios to use in place of the printed ones: for studies of the method itself."""

    @cached_property
    def substances(self) -> tuple[str, str]:
        dosed = self.plan["dosed"][0]
        product = self.knowledge.substances[dosed].kinetics.metabolite
        assert product is not None
        return dosed, product.substance

    @cached_property
    def doses(self) -> list[float]:
        entries = [self.knowledge.observations[key] for key in self.plan["single_doses"]]
        schedules = [read_schedule(list(entry.plan), self.knowledge) for entry in entries]
        return [schedule.regimens[0].amounts[0] for schedule in schedules]

    @cached_property
    def printed(self) -> tuple[Column, Column]:
        """Logarithms of the table, [doses, mean or sd, substance and quantity]; and of the ratios."""
        if self.observed is not None:
            return self.observed
        table = []
        for key in self.plan["single_doses"]:
            by_name = {f.quantity: f for f in self.knowledge.observations[key].findings}
            found = [by_name[f"{s}/{q}"] for s in self.substances for q in QUANTITIES]
            table.append([[f.value for f in found], [f.spread for f in found]])
        ratios = {f.quantity: f.value for f in self.knowledge.observations[self.plan["ratios"]].findings}
        return np.log(table), np.log([ratios[f"{s}/auc_mg_h_l"] for s in self.substances])

    @cached_property
    def spread(self) -> list[str]:
        """Figures in which people differ."""
        seen = noted(self.knowledge, self.plan["dosed"])
        own = (*(f"{s}/" for s in self.substances), "population/liver_flow")
        return [name for name, (*_, spread, _u) in seen.items() if spread and name.startswith(own)]

    @cached_property
    def fixed(self) -> dict[str, Column]:
        """Figures that are not fitted, at their values."""
        return {name: np.zeros(1) for name in noted(self.knowledge, self.plan["dosed"])}

    @cached_property
    def drawn(self) -> tuple[dict[str, Any], Column, Column]:
        """Facts of the people (the deviation of weight); their deviations at the first dose; new ones at the second."""
        k = len(self.spread)
        points = qmc.Sobol(3 + 2 * k, seed=self.seed).random(PEOPLE)
        normal = ndtri(np.clip(points, 1e-6, 1.0 - 1e-6))
        part = self.knowledge.model["population"].parameters
        age, weight = part["age"], part["weight"]
        shares = frequencies("us-mixed", self.knowledge)
        phenotype = np.minimum(np.searchsorted(np.cumsum(shares), points[:, 2], side="right"), 4)
        women = np.arange(PEOPLE) % 2 == 0
        facts = {
            "age": np.clip(age.value + age.spread * normal[:, 0], age.low, age.high),
            "weight": weight.spread * normal[:, 1],
            "cyp2c19": np.array(PHENOTYPES)[phenotype],
            "sex": np.where(women, "female", "male"),
        }
        rows = {
            name: np.concatenate([values, values, values[:FEW], values[:FEW]])
            for name, values in facts.items()
        }
        rows["cyp2c19"] = rows["cyp2c19"].copy()
        rows["cyp2c19"][2 * PEOPLE :] = np.repeat(["poor", "normal"], FEW)
        return rows, normal[:, 3 : 3 + k].T, normal[:, 3 + k :].T

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

    @cached_property
    def small(self) -> tuple[Column, Column]:
        """The same for poor and for normal metabolisers."""
        chance = np.random.default_rng(self.seed + 1)
        size = self.knowledge.observations[self.plan["ratios"]].number_studied or 5
        found = np.zeros((2, STUDIES, FEW))
        for group in found:
            for study in group:
                study[chance.choice(FEW, size, replace=False)] = 1.0 / size
        return found[0], found[1]

    @property
    def size(self) -> int:
        """Numbers in a proposal, each standard normal before the data: the figures, then what is not shipped."""
        return len(self.figures) + len(NOT_SHIPPED)

    def of(self, proposal: Column) -> tuple[Column, float, float]:
        """Deviations of the figures, persistence of persons, and how much more volunteers differ in weight."""
        assumed = self.plan["assumed"]
        deviations = proposal[: len(self.figures)] * [f.prior for f in self.figures]
        middle, wide = assumed["persistence"]
        persistence = 1.0 / (1.0 + (1.0 / middle - 1.0) * np.exp(-wide * proposal[-2]))
        return deviations, float(persistence), float(np.exp(assumed["volunteers_weight"] * proposal[-1]))

    def people(self, proposal: Column) -> People:
        """The people of a proposal: both doses, then poor, then normal metabolisers."""
        deviations, persistence, heavier = self.of(proposal)
        facts, first, new = self.drawn
        weight = self.knowledge.model["population"].parameters["weight"]
        facts = facts | {
            "weight": np.clip(weight.value * np.exp(heavier * facts["weight"]), weight.low, weight.high)
        }
        second = persistence * first + np.sqrt(1.0 - persistence**2) * new
        rows = 2 * PEOPLE + 2 * FEW
        normals = {
            name: np.concatenate([first[i], second[i], first[i, :FEW], first[i, FEW : 2 * FEW]])
            for i, name in enumerate(self.spread)
        }
        possible = dict(self.fixed)
        possible |= {f.name: np.array([d]) for f, d in zip(self.figures, deviations, strict=True)}
        patients = Patients(rows, facts, self.seed, uncertain=True)
        return People(patients, self.knowledge, possible, even=Even(normals, rows))

    def simulate(self, proposal: Column) -> tuple[Column, Column]:
        """Logarithms of the table of each study, [studies, doses, mean or sd, 8], and of the ratios, [studies, 2]."""
        dose = np.concatenate([np.repeat(self.doses, PEOPLE), np.full(2 * FEW, self.doses[-1])])
        found = exposure(self.people(proposal), self.substances[0], dose)
        values = np.stack([found[s][q][: 2 * PEOPLE] for s in self.substances for q in QUANTITIES], axis=1)
        arms = np.concatenate([values[:PEOPLE], values[PEOPLE:]], axis=1)
        size = int(self.plan["men"]) + int(self.plan["women"])
        mean = self.studies @ arms
        variance = np.maximum(self.studies @ arms**2 - mean**2, 1e-12 * mean**2) * size / (size - 1)
        table = np.log(np.stack([mean, np.sqrt(variance)], axis=1)).reshape(STUDIES, 2, 2, -1)
        poor, normal = self.small
        areas = np.stack([found[s]["auc_mg_h_l"][2 * PEOPLE :] for s in self.substances], axis=1)
        ratios = np.log(poor @ areas[:FEW]) - np.log(normal @ areas[FEW:])
        return table.transpose(0, 2, 1, 3), ratios

    def __call__(self, proposal: Column) -> float:
        """Logarithm of prior times synthetic likelihood, up to a constant."""
        table, ratios = self.simulate(proposal)
        printed, printed_ratios = self.printed
        rounding = float(self.plan["assumed"]["rounding_of_ratios"]) ** 2
        size = int(self.plan["men"]) + int(self.plan["women"])
        likely = normal_density(printed.ravel(), table.reshape(len(table), -1), 0.0, size / PEOPLE)
        few = self.knowledge.observations[self.plan["ratios"]].number_studied or 5
        likely += normal_density(printed_ratios, ratios, rounding, few / FEW)
        return likely - 0.5 * float(proposal @ proposal)


def normal_density(printed: Column, simulated: Column, extra: float, share: float) -> float:
    """Logarithm of the density of `printed` in the normal distribution of simulated summaries.

    `extra` is a variance added to each, as of rounding. The covariance is made larger for what studies have in common
    that are put together from few people (each holds this `share` of them), and for being estimated from so many.
    """
    if not np.isfinite(simulated).all():
        return -np.inf
    n, p = simulated.shape
    off = printed - simulated.mean(0)
    covariance = np.cov(simulated, rowvar=False) / (1.0 - share) * (n - 1) / (n - p - 2)
    lower = np.linalg.cholesky(covariance + np.diag(np.full(p, extra + 1e-8)))
    whitened = np.linalg.solve(lower, off)
    return float(-0.5 * whitened @ whitened - np.log(np.diag(lower)).sum())
