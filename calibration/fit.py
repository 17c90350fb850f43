"""Both blocks of the calibration, one after the other, and what comes of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calibration.chains import LEARNING, Chains, sample
from calibration.effects import ROUNDS, Reports, assimilate
from calibration.kinetics import NOT_SHIPPED, SingleDoses
from calibration.plan import Figure, chosen, read
from eutonia.knowledge import Knowledge
from eutonia.simulation.population import Column


@dataclass(frozen=True)
class Budget:
    steps: int
    draws: int


@dataclass(frozen=True)
class Fitted:
    """Rows of deviations that belong together: of `figures`, and what is not shipped of the volunteers."""

    knowledge: Knowledge
    seed: int
    table: SingleDoses
    reports: Reports
    chains: Chains
    kinetics: tuple[Figure, ...]
    effects: tuple[Figure, ...]
    members: Column
    """[draws, kinetics then effects]"""
    volunteers: Column
    """[draws, what is not shipped], standard normal before the data."""
    given: Column
    """What the members give for each report."""

    @property
    def figures(self) -> tuple[Figure, ...]:
        return (*self.kinetics, *self.effects)

    @property
    def fitted_to(self) -> list[str]:
        plan = self.table.plan
        return [*plan["single_doses"], plan["ratios"], *self.reports.plan["studies"]]


def fit(
    knowledge: Knowledge, budget: Budget, seed: int, workers: int = 1,
    told: Callable[[str, float], None] = lambda part, share: None,
) -> Fitted:  # fmt: skip
    """Kinetics by chains, then effects by an ensemble that takes over their draws."""
    plan, later = read("carisoprodol"), read("effects")
    kinetics, effects = tuple(chosen(plan, knowledge)), tuple(chosen(later, knowledge))
    table, reports = SingleDoses(plan, kinetics, knowledge, seed), Reports(later, knowledge)
    all_steps = 4 * budget.steps * (1.0 + sum(LEARNING))
    chains = sample(table, table.size, steps=budget.steps, seed=seed, workers=workers,
                    told=lambda done: told("kinetics: chains", done / all_steps))  # fmt: skip
    proposals = chains.some(budget.draws, seed)
    chance = np.random.default_rng(seed + 2)
    prior = np.array([f.prior for f in effects])
    members = np.hstack([
        proposals[:, : len(kinetics)] * [f.prior for f in kinetics],
        prior * chance.standard_normal((budget.draws, len(effects))),
        proposals[:, len(kinetics) :],
    ])  # fmt: skip
    figures = (*kinetics, *effects)
    share = 1.0 / (len(later["studies"]) * (ROUNDS + 1))

    def simulate(rows: Column) -> Column:
        return reports.simulate(figures, rows, lambda done: told("effects: rounds", done * share))

    members = assimilate(members, simulate, reports.printed, reports.error, seed + 3)
    given = simulate(members)
    shipped = np.round(members[:, : -len(NOT_SHIPPED)], 3)
    return Fitted(knowledge, seed, table, reports, chains, kinetics, effects, shipped,
                  members[:, -len(NOT_SHIPPED) :], given)  # fmt: skip
