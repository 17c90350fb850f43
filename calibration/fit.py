"""Both blocks of the calibration, one after the other, and what comes of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calibration.chains import Chains, Sampler
from calibration.effects import Reports, explored, resampled, weighed, worth
from calibration.kinetics import SingleDoses
from calibration.plan import Figure, chosen, read
from calibration.recover import Recovery, recover, recover_reports
from eutonia.knowledge import Knowledge
from eutonia.simulation.population import Column

AGREE, ENOUGH = 1.02, 400.0
"""Chains agree below this R-hat, and are long enough with this many independent draws: else nothing is written."""

CHAINS = 4

AT_ONCE = 250
"""Worlds simulated together."""


@dataclass(frozen=True)
class Budget:
    draws: int = 300
    """Of each of four chains, after as many thrown away as `warmup` says."""
    warmup: int = 200
    worlds: int = 15000
    """Draws of everything that the reports weigh."""
    shipped: int = 300
    truths: int = 12
    """Simulated studies in which the method is to find what is known."""


@dataclass(frozen=True)
class Fitted:
    """Rows of deviations that belong together."""

    knowledge: Knowledge
    seed: int
    budget: Budget
    table: SingleDoses
    reports: Reports
    chains: Chains
    kinetics: tuple[Figure, ...]
    effects: tuple[Figure, ...]
    whole: Column
    """[rows, kinetics then effects]: the posterior."""
    proposals: Column
    """[rows, numbers of the kinetics]: the same, with what is not shipped, standard normal before the data."""
    given: Column
    """[rows, reports]: what each gives for the reports."""
    shipped: Column
    """Some rows of the posterior, as they are written."""
    worth: float
    """Equal draws that the weighted worlds are worth."""
    recovered: Recovery
    recovered_reports: Recovery

    @property
    def figures(self) -> tuple[Figure, ...]:
        return (*self.kinetics, *self.effects)

    @property
    def fitted_to(self) -> list[str]:
        plan = self.table.plan
        return [*plan["single_doses"], plan["ratios"], *self.reports.plan["studies"]]

    @property
    def faults(self) -> list[str]:
        """Why these draws should not be used."""
        rhat, effective = self.chains.rhat.max(), self.chains.effective.min()
        found = []
        if not rhat <= AGREE:
            found.append(f"the chains do not agree (R-hat {rhat:.3f}, more than {AGREE})")
        if not effective >= ENOUGH:
            found.append(f"the chains are too short ({effective:.0f} independent draws of {ENOUGH:.0f})")
        if not self.worth >= ENOUGH:
            found.append(f"too few worlds count ({self.worth:.0f} of {ENOUGH:.0f})")
        return found


def fit(
    knowledge: Knowledge, budget: Budget, seed: int, workers: int = 1,
    told: Callable[[str, float], None] = lambda part, share: None,
) -> Fitted:  # fmt: skip
    """Kinetics by chains, then effects by worlds that take over their draws."""
    plan, later = read("carisoprodol"), read("effects")
    kinetics, effects = tuple(chosen(plan, knowledge)), tuple(chosen(later, knowledge))
    table, reports = SingleDoses(plan, kinetics, knowledge, seed), Reports(later, knowledge)
    sampler = Sampler(table, table.size, warmup=budget.warmup)
    steps = CHAINS * (budget.warmup + budget.draws)
    chains = sampler(table.printed, seed, chains=CHAINS, draws=budget.draws, workers=workers,
                     told=lambda done: told("kinetics: chains", done / steps))  # fmt: skip
    proposals = chains.some(budget.worlds, seed)
    before = [f.prior for f in kinetics], [f.prior for f in effects]

    def simulate(places: slice, numbers: Column) -> Column:
        both = np.hstack([proposals[places, : len(kinetics)] * before[0], numbers * before[1]])
        given = []
        for start in range(0, len(both), AT_ONCE):
            given.append(reports.simulate((*kinetics, *effects), both[start : start + AT_ONCE]))
            told("effects: worlds", AT_ONCE / budget.worlds)
        return np.concatenate(given)

    numbers, found, ratio = explored(
        simulate, reports.printed, reports.error, budget.worlds, len(effects), seed + 1
    )
    proposals = proposals[: len(numbers)]
    members = np.hstack([proposals[:, : len(kinetics)] * before[0], numbers * before[1]])
    weights = weighed(found, reports.printed, reports.error, ratio)
    rows, shipped = (resampled(weights, n, seed + 2) for n in (10 * budget.shipped, budget.shipped))
    recovered = recover(table, sampler, budget.truths, seed + 3,
                        told=lambda done: told("recovery: studies", done / budget.truths))  # fmt: skip
    of_reports = recover_reports(numbers, found, reports.error, ratio, 200, seed + 4)
    return Fitted(
        knowledge, seed, budget, table, reports, chains, kinetics, effects, members[rows], proposals[rows], found[rows],
        np.round(members[shipped], 3), worth(weights), recovered, of_reports,
    )  # fmt: skip
