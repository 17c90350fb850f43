"""The system of equations of each patient, as columns.

Levels are sums of exponentials (`kinetics`): a *mode* is one of them, a *signal* a level built from modes. What is
not linear (elimination that saturates, or that the substance itself induces) is kept beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation.population import Column


@dataclass(frozen=True)
class Induced:
    """A substance whose clearance rises (or falls) with its own level."""

    signal: int
    rates: Column
    """[2, n]: how its own compartments decay."""
    weights: Column
    clearance: Column
    maximum: Column
    half: Column
    time: Column


@dataclass(frozen=True)
class Saturable:
    """A substance whose elimination saturates; `inflow` is the signal of what is absorbed, mg/L an hour."""

    signal: int
    inflow: int
    maximum: Column
    half: Column


@dataclass(frozen=True)
class Axis:
    """Levels that act together: signals with a weight for each patient."""

    signals: NDArray[np.int64]
    maximum: Column
    """[members, n]"""
    half: Column


@dataclass(frozen=True)
class System:
    """Everything the engine needs, as columns of patients."""

    number: int
    substances: tuple[str, ...]
    """Those with a level; the first signals are their plasma levels, in this order."""
    signals: int
    inputs: tuple[str, ...]
    modes: tuple[slice, ...]
    """Modes that a dose of each input feeds."""
    lags: Column
    """[inputs, n]"""
    longest_lag: tuple[float, ...]
    rates: Column
    """[modes, n]"""
    entry_signal: NDArray[np.int64]
    entry_mode: NDArray[np.int64]
    entry_weight: Column
    induced: tuple[Induced, ...]
    saturable: tuple[Saturable, ...]
    gaba: NDArray[np.bool_]
    """Of each site: whether it is GABA-A's, or that of other sedation."""
    strength: Column
    relaxes: Column
    """[sites]: share of a site's energy that eases spasm."""
    adapts: Column
    """[sites, n]: share of a site's energy that slow tolerance follows."""
    member_site: NDArray[np.int64]
    member_signal: NDArray[np.int64]
    member_opened: Column
    member_closed: Column
    relaxation: Axis
    analgesia: Axis
    ventilation: Axis
    brain: Column
    """[13, n] in the order of `adaptation.rates` after its states: sensitivity, shares, rates, width."""
    figures: dict[str, Column] = field(default_factory=dict)
    """Figures of readouts, withdrawal and pain, one for each patient or one for all."""
