"""Who is simulated: facts known, drawn, or typical; and the figures of each patient.

Two layers of chance are kept apart: how patients differ (`spread`), and how unsure we are of the typical patient
(`uncertainty`). Every draw is a function of seed, name of the figure and number of the patient alone, so that
neither the order of patients, nor batches, nor threads, nor another drug in the plan change anyone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eutonia.errors import InputError

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.knowledge.pharmacology import CovariateEffect, Quantity

Column = NDArray[np.float64]

PHENOTYPES = ("poor", "intermediate", "normal", "rapid", "ultrarapid")
LIVERS = ("normal", "child-pugh-a", "child-pugh-b", "child-pugh-c")
FACTS = ("age", "sex", "weight", "cyp2c19", "liver", "egfr", "pregnant", "ancestry", "regular_user", "pain")
LIMITS = (("age", 16, 120), ("weight", 25, 400), ("egfr", 1, 250))
"""What the model covers."""

MOST_PATIENTS = 10_000_000

TURN = 97
"""Rows of the calibration by which each seed begins later."""


@dataclass(frozen=True)
class Patients:
    """Patients to simulate. A fact is one value for all, one for each, or absent: then it is drawn."""

    number: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    first: int = 0
    """Number of the first one in the stream of draws."""
    uncertain: bool = False
    """Whether the figures of the typical patient are drawn as well."""
    together: int = 1
    """Patients in a row who share one draw of those figures: the size of a simulated study."""
    world: int | None = None
    """Seed of those figures where it is not `seed`: two groups of patients in one world."""
    typical: bool = False
    """Nothing is drawn: the middle of everything."""

    @property
    def chance(self) -> tuple[Any, ...]:
        """All that what is drawn depends on."""
        return (self.number, self.seed, self.first, self.uncertain, self.together, self.world, self.typical)

    def part(self, start: int, stop: int) -> Patients:
        """Patients `start` to `stop`, the same persons as in the whole."""
        facts = {
            name: value[start:stop] if isinstance(value, np.ndarray) else value
            for name, value in self.facts.items()
        }
        return replace(self, number=stop - start, facts=facts, first=self.first + start)


def population(
    number: int,
    *,
    seed: int = 0,
    age: float | Sequence[float] | None = None,
    sex: str | Sequence[str] | None = None,
    weight: float | Sequence[float] | None = None,
    cyp2c19: str | Sequence[str] | None = None,
    liver: str | None = None,
    egfr: float | Sequence[float] | None = None,
    pregnant: bool | None = None,
    ancestry: str | None = None,
    regular_user: bool | None = None,
    pain: str | None = None,
    uncertain: bool = False,
) -> Patients:
    """`number` patients who share the facts given; every other fact is drawn for each.

    `ancestry` is an entry of knowledge/ancestries and sets the frequencies of CYP2C19 phenotypes. `pain` is
    "acute" or "persistent". Raises InputError for a fact that cannot be.
    """
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
        raise InputError(f"A population of {number!r} cannot be simulated. Ask for 1 patient or more.")
    if number > MOST_PATIENTS:
        raise InputError(
            f"{number:,} patients are more than {MOST_PATIENTS:,}: the answer would be the same with fewer. "
            "Ask for at most that many."
        )
    given = {
        "age": age, "sex": sex, "weight": weight, "cyp2c19": cyp2c19, "liver": liver, "egfr": egfr,
        "pregnant": pregnant, "ancestry": ancestry, "regular_user": regular_user, "pain": pain,
    }  # fmt: skip
    return Patients(int(number), checked(given, int(number)), seed, uncertain=uncertain)


def checked(given: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Facts in one form, impossible ones refused."""
    facts: dict[str, Any] = {}
    for name, value in given.items():
        if name not in FACTS:
            raise InputError(f"Unknown fact “{name}” about a patient. Known: {', '.join(FACTS)}.")
        if value is None:
            continue
        many = not isinstance(value, str) and hasattr(value, "__len__")
        if many and len(value) != number:
            raise InputError(f"{name} has {len(value)} values for {number} patients.")
        facts[name] = np.asarray(value) if many else value
    _check_numbers(facts)
    _check_words(facts)
    return facts


def _check_numbers(facts: Mapping[str, Any]) -> None:
    for name, low, high in LIMITS:
        if name in facts:
            numbers = np.atleast_1d(np.asarray(facts[name], float))
            if not np.all(np.isfinite(numbers) & (numbers >= low) & (numbers <= high)):
                worst = numbers[~((numbers >= low) & (numbers <= high))][0]
                hint = " Carisoprodol is unstudied below 16 years." if name == "age" and worst < low else ""
                raise InputError(
                    f"{name} {worst:g} is outside {low} to {high}, which the model covers.{hint}"
                )


def _check_words(facts: Mapping[str, Any]) -> None:
    for name, words in (
        ("sex", ("male", "female")),
        ("cyp2c19", PHENOTYPES),
        ("liver", LIVERS),
        ("pain", ("acute", "persistent")),
    ):
        if name in facts:
            for word in np.atleast_1d(facts[name]):
                if word not in words:
                    raise InputError(f"{name} “{word}” is not one of {', '.join(words)}.")
    if np.any(facts.get("pregnant", False)) and np.any(np.asarray(facts.get("sex", "")) == "male"):
        raise InputError("A pregnant patient cannot be male. Leave out one of the two.")


@dataclass(frozen=True)
class Draws:
    """Standard draws by name, for patients `first` to `first + number`."""

    seed: int
    first: int
    number: int

    def uniform(self, name: str) -> Column:
        return self._stream(name)[:, 0]

    def normal(self, name: str) -> Column:
        """By Box and Muller, so that each patient takes the same two numbers of the stream."""
        return _kept_normal(self, name) if self.number <= FEW else self._normal(name)

    def _normal(self, name: str) -> Column:
        pair = self._stream(name)
        normal: Column = np.sqrt(-2.0 * np.log1p(-pair[:, 0])) * np.cos(2.0 * np.pi * pair[:, 1])
        return normal

    def _stream(self, name: str) -> Column:
        key = int.from_bytes(
            hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=16).digest(), "little"
        )
        bits = np.random.Philox(key=key)
        bits.advance(
            self.first // 2
        )  # each count of the generator makes four numbers, and a patient takes two
        skip = 2 * (self.first % 2)
        return np.random.Generator(bits).random(skip + 2 * self.number)[skip:].reshape(self.number, 2)


FEW, KEPT = 256, 4096
"""Patients whose draws are kept, and how many figures of them: the few that stand for one are drawn time and again."""


@lru_cache(KEPT)
def _kept_normal(draws: Draws, name: str) -> Column:
    kept = draws._normal(name)
    kept.flags.writeable = False
    return kept


@dataclass(frozen=True)
class Individuals:
    """The figures of each patient: `figure(quantity, name)` in the units of the engine."""

    patients: Patients
    knowledge: Knowledge
    posterior: Mapping[str, Column] | None = None
    """Draws of typical figures, as deviations by name, that replace a figure's own uncertainty; None: those that the
    calibration left possible (knowledge/posteriors)."""
    fed: frozenset[str] = frozenset()
    """Substances taken with food."""

    @cached_property
    def draws(self) -> Draws:
        return Draws(self.patients.seed, self.patients.first, self.patients.number)

    def constant(self, value: float) -> Column:
        return np.full(self.patients.number, float(value))

    def figure(self, quantity: Quantity, name: str, per: float = 1.0) -> Column:
        """The quantity for each patient. `per` turns its unit into the engine's."""
        deviation = self.deviation(name, quantity.spread, quantity.uncertainty)
        value = (
            quantity.value + deviation if quantity.scale == "linear" else quantity.value * np.exp(deviation)
        )
        if quantity.low is not None or quantity.high is not None:
            value = np.clip(value, quantity.low, quantity.high)
        return np.asarray(value * per)

    def deviation(self, name: str, spread: float, uncertainty: float) -> Column:
        """How far each patient is from the figure, on its scale."""
        if self.patients.number <= FEW and self.posterior is None:
            return _kept_deviation(self.patients.chance, self.knowledge, name, spread, uncertainty)
        return self._deviation(name, spread, uncertainty)

    def _deviation(self, name: str, spread: float, uncertainty: float) -> Column:
        deviation = self.constant(0.0)
        if self.patients.typical:
            return deviation
        if spread:
            own = spread * self.draws.normal(name)
            if self.patients.uncertain and f"{name}/spread" in self.possible:
                own = own * np.exp(self.typical(f"{name}/spread", 0.0))
            deviation += own
        if self.patients.uncertain:
            deviation += self.typical(name, uncertainty)
        return deviation

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
        """Every fact for every patient: as given, else drawn."""
        given, number = self.patients.facts, self.patients.number
        facts: dict[str, NDArray[Any]] = {}

        def known(name: str) -> NDArray[Any] | None:
            return np.broadcast_to(np.asarray(given[name]), (number,)) if name in given else None

        age = known("age")
        facts["age"] = self.part("population", "age") if age is None else age.astype(float)
        sex, pregnant = known("sex"), known("pregnant")
        if sex is not None:
            women = sex == "female"
        else:
            share = self.part("population", "women")
            women = self.draws.uniform("sex") < share if not self.patients.typical else np.zeros(number, bool)
            if pregnant is not None:
                women = women | pregnant.astype(bool)
        facts["women"] = women
        weight = known("weight")
        facts["weight"] = self.part("population", "weight") if weight is None else weight.astype(float)
        facts["liver"] = known("liver") if "liver" in given else np.full(number, "normal")  # type: ignore[assignment]
        facts["pregnant"] = self.constant(0).astype(bool) if pregnant is None else pregnant.astype(bool)
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
            return np.full(self.patients.number, PHENOTYPES.index("normal"))
        shares = frequencies(str(self.patients.facts.get("ancestry", "us-mixed")), self.knowledge)
        return np.minimum(np.searchsorted(np.cumsum(shares), self.draws.uniform("cyp2c19"), side="right"), 4)

    @cached_property
    def enzyme(self) -> dict[str, Column]:
        """Activity of each enzyme: genotype now, other medicines added by `with_modulators`."""
        levels = np.stack([self.part("population", phenotype) for phenotype in PHENOTYPES])
        return {"cyp2c19": np.take_along_axis(levels, self.facts["cyp2c19"][None, :], 0)[0]}

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
            spread = effect.spread if effect.spread is not None else rule["between"].value
            unsure = (
                effect.uncertainty if effect.uncertainty is not None else rule[effect.sources[0].mark].value
            )
            name = f"covariate/{of}/{effect.on}/{effect.feature}"
            strength = np.exp(self.deviation(name, spread if often.any() else 0.0, unsure))
            found[effect.on] = found.get(effect.on, self.constant(1.0)) * effect.factor ** (often * strength)
        return found

    def _graded(self, effect: CovariateEffect) -> Column:
        value = np.clip(self.facts[effect.feature], effect.at_least, effect.below)
        return np.asarray((value - (effect.reference or 0.0)) / (effect.per or 1.0))

    def _holds(self, effect: CovariateEffect, fed: bool) -> NDArray[np.bool_]:
        if effect.feature == "fed":
            return np.full(self.patients.number, str(fed).lower() in effect.equals)
        if effect.feature == "ancestry":
            word = self.patients.facts.get("ancestry")
            known = word is not None and ancestry_of(str(word), self.knowledge) in effect.equals
            return np.full(self.patients.number, known)
        if effect.feature == "sex":
            return np.asarray(self.facts["women"] == ("female" in effect.equals))
        if effect.feature == "pregnant":
            return np.asarray(self.facts["pregnant"] == ("true" in effect.equals))
        if effect.feature == "liver":
            return np.isin(self.facts["liver"], effect.equals)
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
    number, *others = chance
    kept = Individuals(Patients(number, {}, *others), knowledge)._deviation(name, spread, uncertainty)
    kept.flags.writeable = False
    return kept


@lru_cache(maxsize=4)
def calibrated(knowledge: Knowledge) -> Mapping[str, Column]:
    """Draws of typical figures by name, in rows that belong together."""
    return {
        name: np.array(values)
        for entry in knowledge.posteriors.values()
        for name, values in entry.draws.items()
    }


def ancestry_of(written: str, knowledge: Knowledge) -> str:
    """The entry of knowledge/ancestries that a word names. Raises InputError for an unknown one."""
    word = "-".join(written.lower().replace("_", " ").split())
    if word in knowledge.ancestries:
        return word
    for key, entry in knowledge.ancestries.items():
        if word in (*entry.synonyms, "-".join(entry.title.lower().split())):
            return key
    raise InputError(f"Unknown ancestry “{written}”. Known: {', '.join(sorted(knowledge.ancestries))}.")


def frequencies(ancestry: str, knowledge: Knowledge) -> Column:
    """Shares of the phenotypes, in the order of PHENOTYPES. Raises InputError for an unknown ancestry."""
    entry = knowledge.ancestries[ancestry_of(ancestry, knowledge)]
    if entry.mixture:
        total = sum(entry.mixture.values())
        parts = [share / total * frequencies(name, knowledge) for name, share in entry.mixture.items()]
        return np.asarray(np.sum(parts, axis=0))
    shares = np.array([entry.cyp2c19[name] for name in PHENOTYPES])  # type: ignore[index]
    return np.asarray(shares / shares.sum())
