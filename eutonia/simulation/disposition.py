"""What each body does with a substance: volumes, clearances, the first pass, the delay before it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia.simulation.individuals import Individuals
from eutonia.simulation.kinetics import biexponential, well_stirred
from eutonia.simulation.population import Column

if TYPE_CHECKING:
    from eutonia.knowledge.pharmacology import Quantity, Substance

UNITS = {
    "1": 1.0, "L": 1.0, "L/h": 1.0, "1/h": 1.0, "h": 1.0, "d": 24.0, "wk": 168.0, "1/d": 1 / 24, "mg/L": 1.0,
    "kT": 1.0, "1/kT": 1.0, "mL/min": 0.06,
}  # fmt: skip
"""Units as sources print them → the engine's (mg, L, h, kT)."""

PER_KG = {"L/kg": 1.0, "L/h/kg": 1.0, "mL/min/kg": 0.06, "mg/h/kg": 1.0}

MOLAR = {"mmol/L": 1.0, "umol/L": 1e-3, "nmol/L": 1e-6}
"""Times g/mol: mg/L."""


@dataclass(frozen=True)
class _Whole:
    by: str = "other"
    share: float = 1.0
    spread: float = 0.0
    uncertainty: float = 0.0
    metabolite_yield: None = None


_WHOLE = _Whole()
"""Clearance that no pathway divides."""


class Dispositions:
    """Of each substance in each of some people, worked out once."""

    def __init__(self, people: Individuals) -> None:
        self.people, self.known = people, people.knowledge
        figures = self.known.model["population"].parameters
        self.reference = figures["reference_weight"].value
        self.size = people.facts["weight"] / self.reference
        self.vigour = self.size ** figures["clearance_exponent"].value
        self.kidney = figures["egfr"].value
        self.kidney_limits = figures["renal_least"].value, figures["renal_most"].value
        self.found: dict[str, dict[str, Any]] = {}

    def figure(self, substance: Substance, quantity: Quantity, name: str) -> Column:
        unit = quantity.unit
        per = (
            UNITS.get(unit)
            or PER_KG.get(unit, 0.0) * self.reference
            or MOLAR.get(unit, 0.0) * substance.molar_mass
        )
        if not per:
            raise ValueError(f"{substance.id}: the unit {unit} of {name} has no place in the engine")
        return self.people.figure(quantity, f"{substance.id}/{name}", per)

    def of(self, name: str) -> dict[str, Any]:
        """Volumes, clearances and first pass of one substance."""
        if name not in self.found:
            self.found[name] = self._worked_out(self.known.substances[name])
        return self.found[name]

    def _worked_out(self, substance: Substance) -> dict[str, Any]:
        name, k, people = substance.id, substance.kinetics, self.people
        on = people.factors(substance.covariates, name, name in people.fed)
        one = people.constant(1.0)
        f: dict[str, Any] = {"on": on}
        f["ka"] = self.figure(substance, k.absorption_rate, "absorption_rate") * on.get(
            "absorption_rate", one
        )
        f["volume"] = self._volume(substance) * on.get("volume", one)
        pathways, f["yield"] = self._pathways(substance, on)
        f["clearance"], passed = self._clearance(substance, pathways, on)
        f["bioavailability"] = passed * on.get("bioavailability", one)
        if k.bioavailability is not None:
            own = self.figure(substance, k.bioavailability, "bioavailability")
            f["bioavailability"] = f["bioavailability"] * own
        if k.peripheral_volume is not None and k.exchange is not None:
            peripheral = self.figure(substance, k.peripheral_volume, "peripheral_volume") * self.size
            f["peripheral"] = peripheral * on.get("volume", one) * on.get("peripheral_volume", one)
            f["exchange"] = self.figure(substance, k.exchange, "exchange") * self.vigour
            fast, slow, w_fast, w_slow = biexponential(
                f["clearance"], f["volume"], f["exchange"], f["peripheral"]
            )
            f["decay"] = ((fast, w_fast), (slow, w_slow))
        elif k.clearance is not None:
            f["decay"] = ((f["clearance"] / f["volume"], 1.0 / f["volume"]),)
        if k.lag is not None:
            f["lag"] = np.minimum(
                self.figure(substance, k.lag, "lag") * on.get("lag", one), self.longest_lag(name)
            )
        return f

    def _volume(self, substance: Substance) -> Column:
        k = substance.kinetics
        volume = self.figure(substance, k.volume, "volume")
        if k.volume_women is not None:
            women = self.figure(substance, k.volume_women, "volume")
            volume = np.where(self.people.facts["women"], women, volume)
        return volume * self.size

    def _pathways(self, substance: Substance, on: Mapping[str, Column]) -> tuple[Column, Column]:
        """All pathways together, of those of a typical person; and the share of them that becomes the metabolite."""
        people, name = self.people, substance.id
        one = people.constant(1.0)
        parts, products = [], []
        for path in substance.kinetics.pathways or (_WHOLE,):
            own = np.exp(people.deviation(f"{name}/{path.by}", path.spread, path.uncertainty))
            activity = people.enzyme.get(path.by, one)
            if path.by == "renal":
                activity = activity * np.clip(people.facts["egfr"] / self.kidney, *self.kidney_limits)
            part = path.share * own * activity * on.get(path.by, one)
            parts.append(part)
            if path.metabolite_yield is not None:
                products.append(part * self.figure(substance, path.metabolite_yield, f"yield_{path.by}"))
        whole = np.maximum(sum(parts), 1e-3)
        return whole, sum(products) / whole if products else one * 0.0

    def _clearance(
        self, substance: Substance, pathways: Column, on: Mapping[str, Column]
    ) -> tuple[Column, Column]:
        """Clearance, and the share of a dose that passes the liver."""
        k, one = substance.kinetics, self.people.constant(1.0)
        if k.clearance is None:
            return one * 0.0, one
        typical = self.figure(substance, k.clearance, "clearance")
        clearance = typical * pathways * on.get("clearance", one) * self.vigour
        if not k.well_stirred:
            return clearance, one
        return well_stirred(clearance, self.people.part("population", "liver_flow") * self.vigour)

    def longest_lag(self, name: str) -> float:
        lag = self.known.substances[name].kinetics.lag
        return 0.0 if lag is None else lag.high if lag.high is not None else 3.0 * lag.value
