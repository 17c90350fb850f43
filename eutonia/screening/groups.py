"""Which ingredients belong to the groups of drugs that features name: by ingredient and, where it matters, dose.

kind      treatment, bit, written: the ingredient at doses in one band (aspirin up to 100 mg, above, not known)
blend     treatment, bits, one column per group: whether it belongs; null where its dose decides
follower  run, treatment, bit, gap: whose courses are followed
lasting   treatment: whose use still matters when it is over
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from eutonia.features import needed_results
from eutonia.formulary import classes_of

if TYPE_CHECKING:
    import polars as pl

    from eutonia.knowledge import Knowledge

Group = tuple[str, ...]


class Kind(NamedTuple):
    """An ingredient at doses above one bound and up to another."""

    treatment: str
    bit: int
    whole: bool
    """The dose does not matter."""
    unknown: bool
    """The dose is not known."""
    above: float | None
    up_to: float | None
    classes: frozenset[str]
    possible: frozenset[str]

    @property
    def written(self) -> str:
        return f"{self.treatment}:{self.bit}"

    def belongs(self, names: Iterable[str]) -> bool | None:
        wanted = set(names)
        if self.treatment in wanted or wanted & self.classes:
            return True
        return None if wanted & self.possible else False


def kinds(treatments: Iterable[str], knowledge: Knowledge) -> list[Kind]:
    """The bands of dose in which each ingredient keeps its classes."""
    return [kind for treatment in sorted(set(treatments)) for kind in _kinds(treatment, knowledge)]


def _kinds(treatment: str, knowledge: Knowledge) -> list[Kind]:
    drug = knowledge.drugs.get(treatment)
    bounds = sorted(
        {b for c in (drug.dose_classes if drug else ()) for b in (c.up_to_mg, c.above_mg) if b is not None}
    )
    certain, possible = classes_of(treatment, None, knowledge)
    if not bounds:
        return [Kind(treatment, 1, True, False, None, None, certain, possible)]
    found = [Kind(treatment, 1, False, True, None, None, certain, possible)]
    edges = [float("-inf"), *bounds, float("inf")]
    for n, (above, up_to) in enumerate(pairwise(edges)):
        dose = up_to if up_to < float("inf") else 2 * above + 1
        found.append(
            Kind(treatment, 2 << n, False, False, above, up_to, *classes_of(treatment, dose, knowledge))
        )
    return found


class Bit(NamedTuple):
    """One bit of a word that stands for belonging to a group."""

    word: str
    bit: int

    @property
    def row(self) -> str:
        """Whether it is set in a row."""
        return f"({self.word} & {self.bit}) <> 0"


WORD = 62
"""Bits of a word: those of a signed BIGINT that are safe in every engine."""


def numbered(prefix: str, number: int) -> Bit:
    return Bit(f"b.{prefix}{number // WORD}", 1 << number % WORD)


class Groups:
    """The groups that features name, each a bit of `blend`."""

    def __init__(self, knowledge: Knowledge, treatments: Iterable[str]) -> None:
        self.knowledge = knowledge
        self.kinds = kinds(treatments, knowledge)
        self.columns: dict[Group, int] = {}
        self.followed: dict[tuple[Group, float], int] = {}
        self.remembered: set[Group] = set()
        self.needs: dict[str, int] = {}

    def members(self, names: Sequence[str]) -> frozenset[str]:
        """The ingredients of the database that belong to `names`, or may."""
        return frozenset(kind.treatment for kind in self.kinds if kind.belongs(names) is not False)

    def sure(self, names: Sequence[str]) -> Bit | None:
        """The bit of belonging to `names`; None where no ingredient of the database does."""
        if not any(kind.belongs(names) for kind in self.kinds):
            return None
        return numbered("s", self.columns.setdefault(tuple(names), len(self.columns)))

    def maybe(self, names: Sequence[str]) -> Bit | None:
        """The bit of perhaps belonging to `names`; None where no ingredient of the database leaves it open."""
        if not any(kind.belongs(names) is None for kind in self.kinds):
            return None
        return numbered("m", self.columns.setdefault(tuple(names), len(self.columns)))

    def remember(self, names: Sequence[str]) -> None:
        """Keep uses of `names` that are over: entries of other drugs are dropped where they are not in use."""
        self.remembered.add(tuple(names))

    def follow(self, names: Sequence[str], gap: float) -> int:
        """Follow the courses of `names`; returns the number of the follower."""
        self.remember(names)
        return self.followed.setdefault((tuple(names), gap), len(self.followed))

    def need(self, feature: str) -> Bit:
        """The bit of needing the result `feature` for the rules about an ingredient."""
        return numbered("n", self.needs.setdefault(feature, len(self.needs)))

    def tables(self) -> dict[str, pl.DataFrame]:
        import polars as pl

        of: dict[str, list[Kind]] = {}
        for kind in self.kinds:
            of.setdefault(kind.treatment, []).append(kind)
        number = {treatment: n for n, treatment in enumerate(of)}
        blends = [
            (number[t], bits, *self._words(t, [k for k in parts if k.bit & bits]))
            for t, parts in of.items()
            for bits in range(1, 1 << len(parts))
        ]
        words = [f"{p}{w}" for p, n in self._lengths().items() for w in range(n // WORD + 1)]
        follower = [
            (run, number[kind.treatment], kind.bit, gap)
            for (names, gap), run in self.followed.items()
            for kind in self.kinds
            if kind.belongs(names)
        ]
        bands = {
            "treatment": pl.Int32, "bit": pl.Int32, "whole": pl.Boolean, "unknown": pl.Boolean,
            "above": pl.Float64, "up_to": pl.Float64, "written": pl.String,
        }  # fmt: skip
        rows = [(number[kind.treatment], *kind[1:6], kind.written) for kind in self.kinds]
        lasting = sorted({number[t] for names in self.remembered for t in self.members(names)})
        follows = {"run": pl.Int32, "treatment": pl.Int32, "bit": pl.Int32, "gap": pl.Float64}
        return {
            "kind": pl.DataFrame(rows, schema=bands, orient="row"),
            "blend": pl.DataFrame(
                blends,
                schema={"treatment": pl.Int32, "bits": pl.Int32, **dict.fromkeys(words, pl.Int64)},
                orient="row",
            ),
            "follower": pl.DataFrame(follower, schema=follows, orient="row"),
            "lasting": pl.DataFrame({"treatment": lasting}, schema={"treatment": pl.Int32}),
        }

    def _lengths(self) -> dict[str, int]:
        return {"s": len(self.columns), "m": len(self.columns), "n": len(self.needs)}

    def _words(self, treatment: str, chosen: Sequence[Kind]) -> list[int]:
        answers = {number: {kind.belongs(names) for kind in chosen} for names, number in self.columns.items()}
        by_subject = needed_results(self.knowledge)
        needed = {
            f for kind in chosen for name in (treatment, *kind.classes) for f in by_subject.get(name, ())
        }
        return [
            *packed((n for n, a in answers.items() if True in a), len(self.columns)),
            *packed((n for n, a in answers.items() if True not in a and None in a), len(self.columns)),
            *packed((n for feature, n in self.needs.items() if feature in needed), len(self.needs)),
        ]


def packed(bits: Iterable[int], length: int) -> list[int]:
    """Bits as words."""
    words = [0] * (length // WORD + 1)
    for bit in bits:
        words[bit // WORD] |= 1 << bit % WORD
    return words
