"""Who is simulated: how many patients, what is known of them, and facts that cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eutonia.errors import InputError

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge

Column = NDArray[np.float64]

PHENOTYPES = ("poor", "intermediate", "normal", "rapid", "ultrarapid")
LIVERS = ("normal", "child-pugh-a", "child-pugh-b", "child-pugh-c")
FACTS = ("age", "sex", "weight", "cyp2c19", "liver", "egfr", "pregnant", "ancestry", "regular_user", "pain")
LIMITS = (("age", 16, 120), ("weight", 25, 400), ("egfr", 1, 250))
"""What the model covers."""

MOST_PATIENTS = 10_000_000


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
                raise InputError(f"{name} {worst:g} is outside {low} to {high}, which the model covers.")


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


def ancestry_of(written: str, knowledge: Knowledge) -> str:
    """The entry of knowledge/ancestries that a word names. Raises InputError for an unknown one."""
    word = "-".join(written.lower().replace("_", " ").split())
    if word in knowledge.ancestries:
        return word
    for key, entry in knowledge.ancestries.items():
        if word in (*entry.synonyms, "-".join(entry.title.lower().split())):
            return key
    raise InputError(f"Unknown ancestry “{written}”. Known: {', '.join(sorted(knowledge.ancestries))}.")


@lru_cache(64)
def frequencies(ancestry: str, knowledge: Knowledge) -> Column:
    """Shares of the phenotypes, in the order of PHENOTYPES. Raises InputError for an unknown ancestry."""
    entry = knowledge.ancestries[ancestry_of(ancestry, knowledge)]
    if entry.mixture:
        total = sum(entry.mixture.values())
        parts = [share / total * frequencies(name, knowledge) for name, share in entry.mixture.items()]
        return np.asarray(np.sum(parts, axis=0))
    shares = np.array([entry.cyp2c19[name] for name in PHENOTYPES])  # type: ignore[index]
    return np.asarray(shares / shares.sum())
