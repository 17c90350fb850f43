"""Which ingredients belong to the groups of drugs that features name: by ingredient and, where it matters, dose.

kind      treatment, bit: the ingredient at doses in one band (aspirin up to 100 mg, above, not known)
blend     treatment, bits, one column per group: whether it belongs; null where its dose decides
follower  run, treatment, bit, gap: whose courses are followed
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


class Groups:
    """The groups that features name, each a column of `blend`."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.columns: dict[Group, str] = {}
        self.followed: dict[str, tuple[Group, float]] = {}
        self.needs: dict[str, str] = {}

    def column(self, names: Sequence[str]) -> str:
        """The column that tells whether an ingredient is one of `names`."""
        return self.columns.setdefault(tuple(names), f"g{len(self.columns)}")

    def follow(self, run: str, names: Sequence[str], gap: float) -> str:
        """Follow the courses of `names`; returns how the run is called."""
        self.followed[run] = tuple(names), gap
        return run

    def need(self, feature: str) -> str:
        """The column that tells whether rules about an ingredient ask for the result `feature`."""
        return self.needs.setdefault(feature, f"n_{feature}")

    def tables(self, treatments: Iterable[str]) -> dict[str, pl.DataFrame]:
        import polars as pl

        every = kinds(treatments, self.knowledge)
        of: dict[str, list[Kind]] = {}
        for kind in every:
            of.setdefault(kind.treatment, []).append(kind)
        blends = [
            self._blend(t, parts, bits) for t, parts in of.items() for bits in range(1, 1 << len(parts))
        ]
        follower = [
            (run, kind.treatment, kind.bit, gap)
            for run, (names, gap) in self.followed.items()
            for kind in every
            if kind.belongs(names)
        ]
        columns = dict.fromkeys((*self.columns.values(), *self.needs.values()), pl.Boolean)
        kind_schema = {
            "treatment": pl.String, "bit": pl.Int32, "whole": pl.Boolean, "unknown": pl.Boolean,
            "above": pl.Float64, "up_to": pl.Float64,
        }  # fmt: skip
        return {
            "kind": pl.DataFrame([kind[:6] for kind in every], schema=kind_schema, orient="row"),
            "blend": pl.DataFrame(blends, schema={"treatment": pl.String, "bits": pl.Int32, **columns}),
            "follower": pl.DataFrame(
                follower,
                schema={"run": pl.String, "treatment": pl.String, "bit": pl.Int32, "gap": pl.Float64},
                orient="row",
            ),
        }

    def _blend(self, treatment: str, parts: Sequence[Kind], bits: int) -> dict[str, object]:
        chosen = [kind for kind in parts if kind.bit & bits]
        row: dict[str, object] = {"treatment": treatment, "bits": bits}
        for names, column in self.columns.items():
            answers = {kind.belongs(names) for kind in chosen}
            row[column] = True if True in answers else None if None in answers else False
        by_subject = needed_results(self.knowledge)
        needed = {
            f for kind in chosen for name in (treatment, *kind.classes) for f in by_subject.get(name, ())
        }
        row |= {column: feature in needed for feature, column in self.needs.items()}
        return row
