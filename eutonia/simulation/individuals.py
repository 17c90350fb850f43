"""The figures of each patient: known, drawn or typical.

Two layers of chance are kept apart: how patients differ (`spread`), and how unsure we are of the typical patient
(`uncertainty`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation.draws import FEW, KEPT, Draws
from eutonia.simulation.population import PHENOTYPES, Column, Patients, ancestry_of, frequencies

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.knowledge.pharmacology import CovariateEffect, Quantity

TURN = 97
"""Rows of the calibration by which each seed begins later."""


@dataclass(frozen=True)
class Individuals:
    """The figures of each patient: `figure(quantity, name)` in the units of the engine.

    Columns have a row for each patient, or one for all where patients do not differ.
    """

    patients: Patients
    knowledge: Knowledge
    posterior: Mapping[str, Column] | None = None
    """Draws of typical figures, as deviations by name, that replace a figure's own uncertainty; None: those that the
    calibration left possible (knowledge/posteriors)."""
    fed: frozenset[str] = frozenset()
    """Substances taken with food."""

    @cached_property
    def few(self) -> bool:
        """Whether figures are kept: the few that stand for one patient are drawn time and again."""
        return self.patients.number <= FEW and self.posterior is None

    @cached_property
    def draws(self) -> Draws:
        return Draws(self.patients.seed, self.patients.first, self.patients.number)

    def constant(self, value: float) -> Column:
        """The same in all."""
        return np.full(1, float(value))

    def figure(self, quantity: Quantity, name: str, per: float = 1.0) -> Column:
        """The quantity for each patient. `per` turns its unit into the engine's."""
        if self.few:
            return _kept_figure(self.patients.chance, self.knowledge, quantity, name, per)
        return self._figure(quantity, name, per)

    def _figure(self, quantity: Quantity, name: str, per: float) -> Column:
        deviation = self._deviation(name, quantity.spread, quantity.uncertainty)
        value = (
            quantity.value + deviation if quantity.scale == "linear" else quantity.value * np.exp(deviation)
        )
        if quantity.low is not None or quantity.high is not None:
            value = np.clip(value, quantity.low, quantity.high)
        return np.asarray(value * per)

    def deviation(self, name: str, spread: float, uncertainty: float) -> Column:
        """How far each patient is from the figure, on its scale."""
        if self.few:
            return _kept_deviation(self.patients.chance, self.knowledge, name, spread, uncertainty)
        return self._deviation(name, spread, uncertainty)

    def _deviation(self, name: str, spread: float, uncertainty: float) -> Column:
        if self.patients.typical:
            return self.constant(0.0)
        own = spread * self.draws.normal(name) if spread else self.constant(0.0)
        if not self.patients.uncertain:
            return own
        if spread and f"{name}/spread" in self.possible:
            own = own * np.exp(self.typical(f"{name}/spread", 0.0))
        return own + self.typical(name, uncertainty)

    def typical(self, name: str, uncertainty: float) -> Column:
        """How far the typical patient may be from the figure, for each patient: alike within a study."""
        first, together = self.patients.first, self.patients.together
        study = (first + np.arange(self.patients.number)) // together
        seed = self.patients.seed if self.patients.world is None else self.patients.world
        if name in self.possible:
            drawn = self.possible[name]  # the same row for every name, so that what hangs together stays so
            return drawn[(study + seed * TURN % len(drawn)) % len(drawn)]
        if not uncertainty:
            return self.constant(0.0)
        studies = Draws(seed, int(study[0]), int(study[-1] - study[0]) + 1)
        return np.asarray(uncertainty * studies.normal(f"typical/{name}")[study - study[0]])

    @cached_property
    def possible(self) -> Mapping[str, Column]:
        return calibrated(self.knowledge) if self.posterior is None else self.posterior

    def part(self, model: str, name: str, per: float = 1.0) -> Column:
        """A figure of the model itself."""
        return self.figure(self.knowledge.model[model].parameters[name], f"{model}/{name}", per)

    @cached_property
    def facts(self) -> Mapping[str, NDArray[Any]]:
        """Every fact: as given, else drawn."""
        given = self.patients.facts
        facts: dict[str, NDArray[Any]] = {}

        def known(name: str) -> NDArray[Any] | None:
            return np.atleast_1d(given[name]) if name in given else None

        age = known("age")
        facts["age"] = self.part("population", "age") if age is None else age.astype(float)
        sex, pregnant = known("sex"), known("pregnant")
        if sex is not None:
            women = sex == "female"
        else:
            share = self.part("population", "women")
            women = np.zeros(1, bool) if self.patients.typical else self.draws.uniform("sex") < share
            if pregnant is not None:
                women = women | pregnant.astype(bool)
        facts["women"] = women
        weight = known("weight")
        facts["weight"] = self.part("population", "weight") if weight is None else weight.astype(float)
        facts["liver"] = np.atleast_1d(given.get("liver", "normal"))
        facts["pregnant"] = np.zeros(1, bool) if pregnant is None else pregnant.astype(bool)
        egfr = known("egfr")
        if egfr is None:
            fall = self.part("population", "egfr_fall") * np.maximum(facts["age"] - 40.0, 0.0)
            facts["egfr"] = np.maximum(self.part("population", "egfr") - fall, 30.0)
        else:
            facts["egfr"] = egfr.astype(float)
        phenotype = known("cyp2c19")
        facts["cyp2c19"] = (
            self._phenotypes() if phenotype is None else np.array([PHENOTYPES.index(p) for p in phenotype])
        )
        return facts

    def _phenotypes(self) -> NDArray[Any]:
        if self.patients.typical:
            return np.array([PHENOTYPES.index("normal")])
        shares = frequencies(str(self.patients.facts.get("ancestry", "us-mixed")), self.knowledge)
        return np.minimum(np.searchsorted(np.cumsum(shares), self.draws.uniform("cyp2c19"), side="right"), 4)

    @cached_property
    def enzyme(self) -> dict[str, Column]:
        """Activity of each enzyme: genotype now, other medicines added by `with_modulators`."""
        activity = self.part("population", PHENOTYPES[0])
        for number, phenotype in enumerate(PHENOTYPES[1:], 1):
            has_it = self.facts["cyp2c19"] == number
            activity = np.where(has_it, self.part("population", phenotype), activity)
        return {"cyp2c19": activity}

    def with_modulators(self, modulators: Sequence[tuple[str, float]]) -> None:
        """Let other medicines inhibit or induce."""
        for drug, daily in modulators:
            entry = self.knowledge.modulators[drug]
            for enzyme, quantity in entry.activity.items():
                factor = self.figure(quantity, f"{drug}/{enzyme}")
                for dose, activity in sorted(entry.by_dose.get(enzyme, {}).items()):
                    if daily >= dose:
                        factor = factor * (activity / quantity.value)
                for phenotype, activity in entry.by_phenotype.get(enzyme, {}).items():
                    of_these = self.facts["cyp2c19"] == PHENOTYPES.index(phenotype)
                    factor = np.where(of_these, factor * (activity / quantity.value), factor)
                self.enzyme[enzyme] = self.enzyme.get(enzyme, self.constant(1.0)) * factor

    def factors(self, effects: Sequence[CovariateEffect], of: str, fed: bool = False) -> dict[str, Column]:
        """What covariates of `of` multiply, by what they act on.

        The exponent of a factor is 1 in the typical patient: patients differ in how strongly a failing organ tells, and
        an effect that we assumed is less sure than one that was measured. Grades of one organ are unsure together.
        """
        rule = self.knowledge.model["covariates"].parameters
        found: dict[str, Column] = {}
        for effect in effects:
            often = self._graded(effect) if effect.per else self._holds(effect, fed).astype(float)
            factor = found.setdefault(effect.on, self.constant(1.0))
            if not often.any():
                continue
            spread = effect.spread if effect.spread is not None else rule["between"].value
            unsure = (
                effect.uncertainty if effect.uncertainty is not None else rule[effect.sources[0].mark].value
            )
            name = f"covariate/{of}/{effect.on}/{effect.feature}"
            strength = np.exp(self.deviation(name, spread, unsure))
            found[effect.on] = factor * np.exp(math.log(effect.factor) * often * strength)
        return found

    def _graded(self, effect: CovariateEffect) -> Column:
        value = np.clip(self.facts[effect.feature], effect.at_least, effect.below)
        return np.asarray((value - (effect.reference or 0.0)) / (effect.per or 1.0))

    def _holds(self, effect: CovariateEffect, fed: bool) -> NDArray[np.bool_]:
        if effect.feature == "fed":
            return np.array([str(fed).lower() in effect.equals])
        if effect.feature == "ancestry":
            word = self.patients.facts.get("ancestry")
            known = word is not None and ancestry_of(str(word), self.knowledge) in effect.equals
            return np.array([known])
        if effect.feature == "sex":
            return np.asarray(self.facts["women"] == ("female" in effect.equals))
        if effect.feature == "pregnant":
            return np.asarray(self.facts["pregnant"] == ("true" in effect.equals))
        if effect.feature == "liver":
            grades = [self.facts["liver"] == grade for grade in effect.equals]
            return np.asarray(grades[0] if len(grades) == 1 else np.any(grades, axis=0))
        value = self.facts[effect.feature]
        at_least = effect.at_least if effect.at_least is not None else -np.inf
        below = effect.below if effect.below is not None else np.inf
        return np.asarray((value >= at_least) & (value < below))

    def assumptions(self) -> list[str]:
        """What is not known of these patients, and what was done about it."""
        given, notes = self.patients.facts, []
        how = "taken as typical" if self.patients.typical else "drawn"
        for name, words in (
            ("age", "Age"),
            ("sex", "Sex"),
            ("weight", "Weight"),
            ("egfr", "Kidney function"),
        ):
            if name not in given:
                notes.append(f"{words} is not known: {how} as in adults with back pain.")
        if "cyp2c19" not in given:
            ancestry = given.get("ancestry")
            who = f"people of {ancestry} ancestry" if ancestry else "participants of US trials"
            notes.append(
                "CYP2C19 is taken as normal." if self.patients.typical
                else f"The CYP2C19 phenotype is not known: drawn as in {who}."
            )  # fmt: skip
        if "liver" not in given:
            notes.append("The liver is taken to be healthy: nothing is known of it.")
        if "pregnant" not in given and given.get("sex") != "male":
            notes.append("Pregnancy is not known, and taken not to be.")
        if "regular_user" not in given:
            notes.append("Use before the plan is not known: simulated as in someone new to the drugs.")
        if "pain" not in given:
            notes.append("The pain is taken to be acute low back pain.")
        return notes


@lru_cache(KEPT)
def _kept_deviation(
    chance: tuple[Any, ...], knowledge: Knowledge, name: str, spread: float, uncertainty: float
) -> Column:
    return _kept(_unknown(chance, knowledge)._deviation(name, spread, uncertainty))


@lru_cache(KEPT)
def _kept_figure(
    chance: tuple[Any, ...], knowledge: Knowledge, quantity: Quantity, name: str, per: float
) -> Column:
    return _kept(_unknown(chance, knowledge)._figure(quantity, name, per))


def _kept(values: Column) -> Column:
    values.flags.writeable = False
    return values


@lru_cache(maxsize=4)
def _unknown(chance: tuple[Any, ...], knowledge: Knowledge) -> Individuals:
    """Patients of whom no fact is known: what is drawn depends on none."""
    number, *others = chance
    return Individuals(Patients(number, {}, *others), knowledge)


@lru_cache(maxsize=4)
def calibrated(knowledge: Knowledge) -> Mapping[str, Column]:
    """Draws of typical figures by name, in rows that belong together."""
    return {
        name: np.array(values)
        for entry in knowledge.posteriors.values()
        for name, values in entry.draws.items()
    }
