"""What is fitted to what: names, values and priors, read from the knowledge files and a YAML file beside this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from eutonia.knowledge import Knowledge
from eutonia.knowledge.pharmacology import Quantity
from eutonia.simulation.assembly import build_system
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.population import Column, Patients

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Figure:
    """One figure that is fitted, as a deviation on its own scale."""

    name: str
    value: float
    unit: str
    linear: bool
    bounds: tuple[float | None, float | None]
    prior: float
    """Standard deviation of the deviation."""
    widened: bool = False

    def of(self, deviation: Column) -> Column:
        """The figure itself."""
        value = self.value + deviation if self.linear else self.value * np.exp(deviation)
        return np.asarray(np.clip(value, *self.bounds))


@dataclass(frozen=True)
class Noted(Individuals):
    """Individuals that note each figure that is asked for."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen", {})

    def figure(self, quantity: Quantity, name: str, per: float = 1.0) -> Column:
        self.seen[name] = (  # type: ignore[attr-defined]
            quantity.value, quantity.unit, quantity.scale == "linear", (quantity.low, quantity.high),
            quantity.spread, quantity.uncertainty,
        )  # fmt: skip
        return super().figure(quantity, name, per)

    def deviation(self, name: str, spread: float, uncertainty: float) -> Column:
        # a pathway has a share instead of a quantity; its deviation multiplies it
        self.seen.setdefault(name, (1.0, "1", False, NONE, spread, uncertainty))  # type: ignore[attr-defined]
        return self.constant(0.0)


Seen = tuple[float, str, bool, tuple[float | None, float | None], float, float]

NONE = (None, None)


def noted(knowledge: Knowledge, dosed: Sequence[str]) -> dict[str, Seen]:
    """Every figure that simulating these substances takes, by name: value, unit, whether its scale is linear, bounds,
    spread and uncertainty."""
    people = Noted(Patients(1, {}, 0, uncertain=True), knowledge, {})
    build_system(people, list(dosed))
    return dict(people.seen)  # type: ignore[attr-defined]


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def chosen(plan: dict[str, Any], knowledge: Knowledge) -> list[Figure]:
    """The figures of a plan with their priors, typical ones first, then spreads."""
    seen = noted(knowledge, plan["dosed"])
    assumed = plan["assumed"]
    typical = []
    for name, (value, unit, linear, bounds, _, uncertainty) in seen.items():
        wanted = name.startswith(tuple(plan["figures"])) and not name.startswith(tuple(plan["leave"]))
        if wanted and uncertainty:
            wide = name in plan.get("from_these_tables", ())
            prior = min(uncertainty * assumed["widening"], assumed["widest"]) if wide else uncertainty
            typical.append(Figure(name, value, unit, linear, bounds, float(prior), wide))
    spreads = [
        Figure(f"{name}/spread", seen[name][4], "1", False, NONE, assumed["spread"])
        for name in plan.get("spreads", ())
    ]
    return typical + spreads
