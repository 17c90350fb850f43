"""Systems, grids and plans → the flat arrays that the compiled engine marches through, and back.

What it does with them is in `lanes`; the compiler itself is loaded only where its machine code is not there yet
(`compiled`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation.compiled import kernel
from eutonia.simulation.effects import Therapies
from eutonia.simulation.grid import Grid, Steps
from eutonia.simulation.layout import (
    BRAIN,
    CLOCKS,
    DRIVE_HALF,
    DRIVE_MOST,
    FELT,
    FIXED,
    FOLD_ROWS,
    FOLDED,
    IMPAIRED,
    INDUCED,
    MIN_VENTILATION,
    NATURAL_MIDDLE,
    NOTICEABLE,
    OPIOID_GAIN,
    OPIOID_MOST,
    PAIN_REST,
    PEAK_DRIVE,
    PEAK_RELIEF,
    READ_BEFORE,
    RELAX_HALF,
    RELAX_MOST,
    RELAX_SHARE,
    SYNERGY,
    VENTILATION,
    W,
)
from eutonia.simulation.population import Column
from eutonia.simulation.summary import Window
from eutonia.simulation.system import System

DAY = 24.0

SLOTS = 192
"""Rows that remember what is left of each mode after the steps of intervals that come again."""


LINE = 64
"""Bytes of a line of the cache."""


@dataclass(frozen=True)
class Result:
    """States at the outputs and folds over the whole course, for each patient."""

    states: Column
    """[outputs, signals + 8, n]: levels, then energy, relaxing, other, fast, slow, dulled, withdrawal, hazard."""
    folded: Column
    """[rows, n], from `FOLDED` on."""
    levels: Column
    """[substances, FOLD_ROWS, n]"""
    dosing: float
    """Hours over which time impaired a day is counted."""


def march(system: System, grid: Grid, windows: Sequence[Window], therapies: Therapies, last_dose: Column | float,
          dosing: float, threads: int = 1, precision: type[np.floating[Any]] = np.float64) -> Result:  # fmt: skip
    """Simulate all patients of `system` in so many threads, keeping states at the outputs and folding the rest."""
    n = system.number
    padded = n + -n % W
    signals, sites, substances = system.signals, len(system.strength), len(windows)
    fades = [1.0 / np.broadcast_to(system.figures[f"pain_{part}_time"], n) for part in ("fast", "slow")]
    rates = np.concatenate([system.rates, fades])
    nonlinear = bool(system.induced or system.saturable)
    slots, remembered = _slots(grid.steps, len(rates))
    places, rows = [], []
    for first, many in (
        (FIXED, (signals, signals, signals, signals * nonlinear, signals * nonlinear, signals, signals,
                 substances * FOLD_ROWS, len(system.induced) * INDUCED, len(system.saturable))),
        (CLOCKS, (len(rates), len(rates), len(rates), remembered)),
    ):  # fmt: skip
        ends = first + np.cumsum(many)
        places += [first, *ends[:-1].tolist()]
        rows.append(int(ends[-1]))
    if not nonlinear:
        places[3:5] = places[1:3]

    def own(values: Column) -> Column:
        return _padded(values.astype(precision, copy=False))

    induced = np.zeros((len(system.induced), INDUCED, padded), precision)
    for k, drug in enumerate(system.induced):
        count = len(drug.rates)
        induced[k, 2] = 1.0
        induced[k, 4 : 4 + count] = _padded(drug.rates)
        induced[k, 6 : 6 + count] = _padded(drug.weights)
        induced[k, 8:12] = _padded(np.stack([drug.clearance, drug.maximum, drug.half, 1.0 / drug.time]))
    saturated = np.zeros((len(system.saturable), 2, padded), precision)
    for k, pool in enumerate(system.saturable):
        saturated[k] = _padded(np.stack([pool.maximum, pool.half]))
    axes = (system.relaxation, system.analgesia, system.ventilation)
    count = len(therapies.sessions)
    therapy = np.zeros((3, count, padded), precision)
    for k in range(count):
        therapy[:, k] = _padded(np.stack([therapies.effect[k], therapies.build[k], therapies.fade[k]]))
    outputs = np.array(sorted(set(grid.output.tolist())), np.int64)
    kept = np.empty((len(outputs), signals + 8, padded), precision)
    folded = np.empty((NATURAL_MIDDLE - FOLDED, padded), precision)
    levels = np.empty((substances * FOLD_ROWS, padded), precision)
    figures = (
        tuple(places), _padded(_fixed(system, precision)),
        _padded(rates), _padded(system.lags), _padded(system.entry_weight), own(system.strength),
        own(system.member_opened), own(system.member_closed), induced, saturated,
        own(np.concatenate([axis.maximum for axis in axes])), own(np.concatenate([axis.half for axis in axes])),
        np.concatenate([axis.signals for axis in axes]),
        np.cumsum([len(axis.signals) for axis in axes])[:2].astype(np.int64),
        np.array([[s.start, s.end] for s in therapies.sessions], float).reshape(count, 2), therapy,
        np.searchsorted(system.entry_signal, np.arange(signals), side="right"), system.entry_mode,
        np.searchsorted(system.member_site, np.arange(sites), side="right"), system.member_signal, system.gaba,
        system.relaxes.astype(precision), own(system.adapts),
        np.array([[s.start, s.stop] for s in system.modes], np.int64).reshape(-1, 2),
        np.array([drug.signal for drug in system.induced], np.int64),
        np.array([[pool.signal, pool.inflow] for pool in system.saturable], np.int64).reshape(-1, 2),
        grid.times, grid.event_time, grid.event_input,
        _padded(grid.amounts) if grid.amounts.shape[1] == n and n > 1 else np.ascontiguousarray(grid.amounts),
        *grid.steps.flat, slots,
        np.array([[w.start, w.end, w.doses[-1] if w.doses else 0.0] for w in windows]).reshape(-1, 3),
        np.array([max(dosing, DAY), np.min(last_dose)]), outputs, _padded(np.broadcast_to(last_dose, (1, n)) + 0.0),
        kept, folded, levels,
    )  # fmt: skip
    share = W * -(-padded // (W * threads))
    shares = [(first, min(first + share, padded)) for first in range(0, padded, share)]
    most = max(map(len, grid.steps.may_arrive), default=0)

    def desk() -> tuple[Column, Column, Column, NDArray[np.int64]]:
        """Where one thread works: a block of patients, and the doses that may arrive in an interval, put in order."""
        return (_aligned(rows[0] * W, precision), _aligned(rows[1] * W, np.float64), np.empty((most, W)),
                np.empty((most, W), np.int64))  # fmt: skip

    run = kernel((*shares[0], *desk(), *figures))
    if len(shares) == 1:
        run(*shares[0], *desk(), *figures)
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(len(shares)) as workers:
            list(workers.map(lambda part: run(*part, *desk(), *figures), shares))
    if len(outputs) < len(grid.output):  # some are asked for more than once
        kept = kept[np.searchsorted(outputs, grid.output)]
    return Result(
        kept[..., :n], folded[:, :n], levels[:, :n].reshape(substances, FOLD_ROWS, n), max(dosing, DAY)
    )


@lru_cache(maxsize=64)
def _slots(steps: Steps, decaying: int) -> tuple[NDArray[np.int64], int]:
    """For each part of each interval, the rows that remember its decays, and how many rows those are in all.

    Parts of intervals that are alike have one place, numbered from 1: negative where it is filled, positive where it
    is read. Zero where nothing comes again, or where too much does.
    """
    seen = Counter(steps.kinds)
    place: dict[Any, int] = {}
    slots, used = [], 0
    for kind, events in zip(steps.kinds, steps.may_arrive, strict=True):
        for part in range(len(events) + 1):
            if (kind, part) in place:
                slots.append(place[kind, part])
            elif seen[kind] > 1 and used + decaying <= SLOTS:
                place[kind, part] = used + 1
                slots.append(-used - 1)
                used += decaying
            else:
                slots.append(0)
    return np.array(slots, np.int64), used


def _fixed(system: System, precision: type[np.floating[Any]]) -> Column:
    """The patients' figures in their rows, the folds before anything is folded, and the two parts of pain that fade."""
    f, n = system.figures, system.number
    rows = np.zeros((FIXED + 2, n), precision)
    rows[BRAIN : BRAIN + len(system.brain)] = system.brain
    scale = f["pain_baseline"] / (f["pain_fast_part"] + f["pain_slow_part"] + f["pain_rest"])
    hill = f["impairment_hill"]
    values = {
        RELAX_SHARE: f["relaxation_share"], RELAX_MOST: f["relaxation_most"], RELAX_HALF: f["relaxation_half"],
        IMPAIRED: f["impairment_half"] * (f["impaired"] / (100.0 - f["impaired"])) ** (1.0 / hill),
        NOTICEABLE: f["noticeable"], PAIN_REST: scale * f["pain_rest"], OPIOID_MOST: f["opioid_most"],
        DRIVE_MOST: f["drive_most"], DRIVE_HALF: f["drive_half"], SYNERGY: f["synergy"],
        OPIOID_GAIN: 1.0 / f["opioid_tolerant"], FELT: f["felt"],
        FIXED: scale * f["pain_fast_part"], FIXED + 1: scale * f["pain_slow_part"],
    }  # fmt: skip
    for place, value in values.items():
        rows[place] = value
    rows[[PEAK_DRIVE, PEAK_RELIEF]] = -np.inf
    rows[MIN_VENTILATION] = np.inf
    rows[READ_BEFORE + VENTILATION] = 1.0
    return rows


def _aligned(size: int, precision: Any) -> Column:
    """Memory that begins with a line of the cache, so that no lanes lie across two."""
    whole = np.empty(size + LINE, precision)
    return whole[(-whole.ctypes.data % LINE) // whole.itemsize :][:size]


def _padded(values: Column) -> Column:
    """Columns to a whole number of blocks, by repeating the last patient."""
    short = -values.shape[-1] % W
    if not short:
        return np.ascontiguousarray(values)
    return np.ascontiguousarray(
        np.concatenate([values, np.repeat(values[..., -1:], short, axis=-1)], axis=-1)
    )
