"""Drowsiness, relief and withdrawal: worlds drawn from the prior, weighed by a handful of uncertain reports.

Some thirty figures stand against some twenty reports, most of them of a few people. Every world is a draw of the
kinetics as fitted before and of everything else; simulated studies of the engine itself say what it would have printed,
and the likelihood of the printed reports is its weight. A third of the worlds are drawn from the prior, the others in
rounds near those that count. Importance sampling is exact however they are drawn, and needs neither gradients of a
course of months nor any approximation.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.plan import Figure
from eutonia.knowledge import Knowledge
from eutonia.knowledge.pharmacology import Finding
from eutonia.simulation import outcome
from eutonia.simulation.population import Column, Patients


@dataclass(frozen=True)
class Reports:
    """The reports of a plan, on scales on which errors are about normal, and what worlds give for them."""

    plan: Mapping[str, Any]
    knowledge: Knowledge

    @cached_property
    def findings(self) -> list[tuple[str, Finding]]:
        found = []
        for key in self.plan["studies"]:
            found += [(key, f) for f in self.knowledge.observations[key].findings if f.used_for_fitting]
        return found

    @cached_property
    def printed(self) -> Column:
        return np.array([scaled(f, np.array(f.value)) for _, f in self.findings])

    @cached_property
    def error(self) -> Column:
        """Standard error of each, with what the model would miss at its best. A figure that was printed once and stands
        for several doses or drugs counts once among them."""
        assumed, found = self.plan["assumed"], []
        printed = Counter(place(f) for _, f in self.findings)
        for key, f in self.findings:
            number = self.knowledge.observations[key].number_studied or 1
            if f.interval is not None:
                low, high = (
                    scaled(f, np.clip(end, *((0.01, 0.99) if f.statistic == "fraction" else (None, None))))
                    for end in np.array(f.interval)
                )
                error = float(high - low) / 3.92
            else:
                error = float(1.0 / np.sqrt(number * f.value * (1.0 - f.value)))
            if any(c.mark == "recalled" for c in f.sources):
                error *= assumed["recalled"]
            found.append(np.hypot(error, assumed[kind(f)]) * np.sqrt(printed[place(f)]))
        return np.array(found)

    def simulate(self, figures: Sequence[Figure], members: Column) -> Column:
        """What each member, a row of deviations of `figures`, gives for each report, [members, reports]."""
        size = int(self.plan["people"])
        possible = {f.name: members[:, n].copy() for n, f in enumerate(figures)}
        patients = Patients(len(members) * size, {}, 0, uncertain=True, together=size)
        results = []
        for key in self.plan["studies"]:
            study = self.knowledge.observations[key]
            found = outcome(list(study.plan), patients=patients, until=study.until, courses=False,
                            knowledge=self.knowledge, posterior=possible).per_patient  # fmt: skip
            for f in study.findings:
                if f.used_for_fitting:
                    values = np.asarray(found[f.quantity], float).reshape(len(members), size)
                    results.append(scaled(f, _middle(f, values)))
        return np.stack(results, axis=1)


def place(finding: Finding) -> tuple[object, ...]:
    """Where a figure was printed."""
    return finding.quantity, finding.value, *((c.key, c.at) for c in finding.sources)


def kind(finding: Finding) -> str:
    return (
        "chances" if finding.statistic == "fraction" else "times" if finding.unit in ("h", "d") else "relief"
    )


def scaled(finding: Finding, value: Column) -> Column:
    """Logit of a chance, logarithm of a time, else the value itself."""
    if kind(finding) == "chances":
        share = np.clip(value, 1e-4, 1.0 - 1e-4)
        return np.asarray(np.log(share / (1.0 - share)))
    # withdrawal between doses may be at its worst before the last one: as early as can be told
    return np.asarray(np.log(np.maximum(value, 0.01))) if kind(finding) == "times" else np.asarray(value)


def unscaled(finding: Finding, value: Column) -> Column:
    if kind(finding) == "chances":
        return np.asarray(1.0 / (1.0 + np.exp(-value)))
    return np.asarray(np.exp(value)) if kind(finding) == "times" else np.asarray(value)


def _middle(finding: Finding, values: Column) -> Column:
    if finding.statistic != "median":
        return np.asarray(values.mean(1))
    none = ~np.isfinite(values).any(1)  # where nobody feels it, as late as could be told
    values = np.where(none[:, None], 3.0 * finding.value, values)
    return np.asarray(np.nanmedian(values, axis=1))


def weighed(found: Column, printed: Column, error: Column, ratio: Column | float = 0.0) -> Column:
    """Weights of worlds, summing to 1, from what each gives for the reports, [worlds, reports].

    `ratio` is the logarithm of the prior density over that from which each was drawn.
    """
    likely = ratio - 0.5 * (((found - printed) / error) ** 2).sum(1)
    weights = np.exp(likely - likely.max())
    return np.asarray(weights / weights.sum())


ROUNDS = (2, 1, 1, 1, 1)
"""Shares of the worlds: those of the prior, then those of rounds that look where worlds have counted so far."""

NARROWEST = 0.4
"""Standard deviation that no round falls below, of one before the reports."""


def explored(
    simulate: Callable[[slice, Column], Column],
    printed: Column,
    error: Column,
    number: int,
    size: int,
    seed: int,
) -> tuple[Column, Column, Column]:
    """Worlds in rounds: numbers [worlds, size] that are standard normal before the reports, what each gives, and the
    logarithm of the prior density over that of all rounds together (a mixture, so that each round helps the others).

    The first round is drawn from the prior; each later one from normals about the worlds that count so far, a little
    wider. `simulate` is told the places of a round and its numbers.
    """
    chance = np.random.default_rng(seed)
    numbers, found, ratio = np.empty((0, size)), np.empty((0, len(printed))), np.empty(0)
    center, width = np.zeros(size), np.ones(size)
    drawn: list[tuple[int, Column, Column]] = []
    for share in ROUNDS:
        count = number * share // sum(ROUNDS)
        new = center + width * chance.standard_normal((count, size))
        found = np.concatenate([found, simulate(slice(len(numbers), len(numbers) + count), new)])
        numbers, drawn = np.concatenate([numbers, new]), [*drawn, (count, center, width)]
        each = [np.log(n) - 0.5 * (((numbers - c) / w) ** 2).sum(1) - np.log(w).sum() for n, c, w in drawn]
        ratio = np.log(len(numbers)) - 0.5 * (numbers**2).sum(1) - np.logaddexp.reduce(each, axis=0)
        weights = weighed(found, printed, error, ratio)
        center = weights @ numbers
        width = np.clip(1.15 * np.sqrt(weights @ (numbers - center) ** 2), NARROWEST, 1.0)
    return numbers, found, ratio


def worth(weights: Column) -> float:
    """Equal draws that weighted ones are worth (Kish)."""
    return float(1.0 / (weights**2).sum())


def resampled(weights: Column, number: int, seed: int) -> NDArray[np.int64]:
    """Places of `number` equal draws: systematically, so that each comes as often as its weight says, to within one; in
    an order of chance."""
    chance = np.random.default_rng(seed)
    marks = (np.arange(number) + chance.random()) / number
    places = np.minimum(np.searchsorted(np.cumsum(weights), marks), len(weights) - 1)
    return np.asarray(chance.permutation(places))
