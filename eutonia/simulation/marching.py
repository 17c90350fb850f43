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
    KEPT,
    LAST_DOSE,
    MIN_VENTILATION,
    NATURAL_MIDDLE,
    NOTICEABLE,
    ONSET,
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
    W_ONSET,
    Found,
    Places,
    Plan,
    Structure,
    W,
)
from eutonia.simulation.population import Column
from eutonia.simulation.summary import Window
from eutonia.simulation.system import Axis, System

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
    dosing = max(dosing, DAY)
    own = _own(system, therapies, last_dose, precision), _exponentials(system)
    steps = grid.steps
    slots, remembered = _slots(steps, len(system.rates) + 2)
    most = max(map(len, steps.may_arrive), default=0)
    places, rows = _places(system, len(windows), len(therapies.sessions), remembered, most)
    count = len(therapies.sessions)
    structure = Structure(
        np.searchsorted(system.entry_signal, np.arange(system.signals), side="right"), system.entry_mode,
        np.searchsorted([modes.stop for modes in system.modes], system.entry_mode, side="right"),
        np.searchsorted(system.member_site, np.arange(len(system.strength)), side="right"), system.member_signal,
        system.gaba, system.relaxes.astype(precision),
        np.cumsum([len(axis.signals) for axis in _axes(system)]).astype(np.int64),
        np.concatenate([axis.signals for axis in _axes(system)]),
        np.array([drug.signal for drug in system.induced], np.int64),
        np.array([[pool.signal, pool.inflow] for pool in system.saturable], np.int64).reshape(-1, 2),
        np.array([[s.start, s.end] for s in therapies.sessions], float).reshape(count, 2),
    )  # fmt: skip
    outputs = np.array(sorted(set(grid.output.tolist())), np.int64)
    each = grid.amounts.shape[1] == n and n > 1
    plan = Plan(
        grid.times, grid.event_time, grid.event_input,
        _padded(grid.amounts) if each else np.ascontiguousarray(grid.amounts),
        *steps.arriving, *steps.marched, slots,
        np.array([[w.start, w.end, w.doses[-1] if w.doses else 0.0] for w in windows]).reshape(-1, 3),
        np.array([dosing, np.min(last_dose)]), outputs,
    )  # fmt: skip
    found = Found(
        np.empty((len(outputs), system.signals + len(KEPT), padded), precision),
        np.empty((NATURAL_MIDDLE - FOLDED, padded), precision),
        np.empty((len(windows) * FOLD_ROWS, padded), precision),
    )
    share = W * -(-padded // (W * threads))
    shares = [(first, min(first + share, padded)) for first in range(0, padded, share)]

    def desk() -> tuple[Column, Column]:
        """Where one thread works: a block of patients."""
        return _aligned(rows[0] * W, precision), _aligned(rows[1] * W, np.float64)

    given = *own, places, structure, plan, found
    run = kernel((*shares[0], *desk(), *given))
    if len(shares) == 1:
        run(*shares[0], *desk(), *given)
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(len(shares)) as workers:
            list(workers.map(lambda part: run(*part, *desk(), *given), shares))
    kept = found.kept
    if len(outputs) < len(grid.output):  # some are asked for more than once
        kept = kept[np.searchsorted(outputs, grid.output)]
    levels = found.levels[:, :n].reshape(len(windows), FOLD_ROWS, n)
    return Result(kept[..., :n], found.folded[:, :n], levels, dosing)


def _axes(system: System) -> tuple[Axis, ...]:
    return system.relaxation, system.analgesia, system.ventilation


def _places(
    system: System, substances: int, sessions: int, remembered: int, arriving: int
) -> tuple[Places, tuple[int, int]]:
    """Where rows of each kind begin, and how many there are in `m` and in `d`."""
    signals, sites, members = system.signals, len(system.strength), len(system.member_site)
    effects, parts, decaying = (
        sum(len(a.signals) for a in _axes(system)),
        len(system.entry_mode),
        len(system.rates) + 2,
    )
    saturable, nonlinear = len(system.saturable), bool(system.induced or system.saturable)
    many = (
        (INDUCED * len(system.induced), sites, sites, members, members, 2 * saturable, effects, effects, 3 * sessions,
         signals, signals, signals, signals * nonlinear, signals * nonlinear, signals, signals,
         substances * FOLD_ROWS, saturable),
        (decaying, parts, len(system.inputs), 2, parts, decaying, remembered, arriving, arriving),
    )  # fmt: skip
    ends = [first + np.cumsum(each) for first, each in zip((FIXED, CLOCKS), many, strict=True)]
    begin = [int(e - k) for end, each in zip(ends, many, strict=True) for e, k in zip(end, each, strict=True)]
    places = Places(*begin)
    if not nonlinear:
        places = places._replace(middle=places.linear_middle, end=places.linear_end)
    return places, (int(ends[0][-1]), int(ends[1][-1]))


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


def _own(
    system: System, therapies: Therapies, last_dose: Column | float, precision: type[np.floating[Any]]
) -> Column:
    """What rows hold at first, up to the last of the patients' figures: those of fixed place, then as in `Places`."""
    f, n = system.figures, system.number
    induced = np.zeros((len(system.induced), INDUCED, n), precision)
    for rows, drug in zip(induced, system.induced, strict=True):
        count = len(drug.rates)
        rows[2] = 1.0
        rows[4 : 4 + count], rows[6 : 6 + count] = drug.rates, drug.weights
        rows[8], rows[9], rows[10], rows[11] = drug.clearance, drug.maximum, drug.half, 1.0 / drug.time
    axes = _axes(system)
    tables = (
        *induced, system.strength, system.adapts, system.member_opened, system.member_closed,
        *((pool.maximum, pool.half) for pool in system.saturable),
        *(axis.maximum for axis in axes), *(axis.half for axis in axes),
        therapies.effect, therapies.build, therapies.fade,
    )  # fmt: skip
    figures = [figure for table in tables for figure in table]
    rows = np.zeros((FIXED + len(figures), n + -n % W), precision)
    rows[BRAIN : BRAIN + len(system.brain), :n] = system.brain
    hill = f["impairment_hill"]
    values = {
        RELAX_SHARE: f["relaxation_share"], RELAX_MOST: f["relaxation_most"], RELAX_HALF: f["relaxation_half"],
        IMPAIRED: f["impairment_half"] * (f["impaired"] / (100.0 - f["impaired"])) ** (1.0 / hill),
        NOTICEABLE: f["noticeable"], PAIN_REST: _pain_scale(system) * f["pain_rest"], OPIOID_MOST: f["opioid_most"],
        DRIVE_MOST: f["drive_most"], DRIVE_HALF: f["drive_half"], SYNERGY: f["synergy"],
        OPIOID_GAIN: 1.0 / f["opioid_tolerant"], FELT: f["felt"], LAST_DOSE: last_dose,
    }  # fmt: skip
    for place, value in values.items():
        rows[place, :n] = value
    rows[[PEAK_DRIVE, PEAK_RELIEF]] = -np.inf
    rows[[MIN_VENTILATION, ONSET, W_ONSET]] = np.inf
    rows[READ_BEFORE + VENTILATION] = 1.0
    for place, figure in enumerate(figures, FIXED):
        rows[place, :n] = figure
    rows[:, n:] = rows[:, n - 1 : n]  # blocks are filled up with the last patient
    return rows


def _exponentials(system: System) -> Column:
    """As `_own`, of what is always in double precision."""
    f, n = system.figures, system.number
    fades = [1.0 / f[f"pain_{part}_time"] for part in ("fast", "slow")]
    pain = [_pain_scale(system) * f[f"pain_{part}_part"] for part in ("fast", "slow")]
    figures = [*system.rates, *fades, *system.entry_weight, *system.lags, *pain]
    return _padded(np.stack([np.broadcast_to(each, n) for each in figures]))


def _pain_scale(system: System) -> Column:
    f = system.figures
    return np.asarray(f["pain_baseline"] / (f["pain_fast_part"] + f["pain_slow_part"] + f["pain_rest"]))


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
