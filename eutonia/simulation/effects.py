"""What the states mean: drive, sedation, impairment, relief, pain, ventilation, over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation import readouts
from eutonia.simulation.adaptation import positive
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.population import Column
from eutonia.simulation.schedule import Session
from eutonia.simulation.system import Axis, System


@dataclass(frozen=True)
class States:
    """States at some moments: time [T] or [T, n], levels [T, signals, n], the rest [T, n]."""

    time: Column
    level: Column
    energy: Column
    relaxing: Column
    other: Column
    fast: Column
    slow: Column
    dulled: Column
    withdrawal: Column

    def at(self, places: NDArray[np.int64]) -> States:
        """Some of the moments."""
        return States(*(getattr(self, f.name)[places] for f in fields(self)))


@dataclass(frozen=True)
class Therapies:
    """Effects of therapies without a drug, for each patient."""

    sessions: tuple[Session, ...]
    effect: tuple[Column, ...]
    build: tuple[Column, ...]
    fade: tuple[Column, ...]

    def points(self, time: Column) -> list[Column]:
        """Points of pain that each takes away at `time`."""
        time = time if time.ndim == 2 else time[:, None]
        return [
            effect * course(time, session, build, fade)
            for session, effect, build, fade in zip(
                self.sessions, self.effect, self.build, self.fade, strict=True
            )
        ]


def course(time: Column, session: Session, build: Column, fade: Column) -> Column:
    """How much of its full effect a therapy has: it builds while it goes on, and fades after."""
    during = 1.0 - np.exp(-np.clip(time - session.start, 0.0, session.end - session.start) / build)
    return np.asarray(during * np.exp(-np.maximum(time - session.end, 0.0) / fade))


def build_therapies(people: Individuals, sessions: Sequence[Session]) -> Therapies:
    effects, builds, fades = [], [], []
    for session in sessions:
        entry = people.knowledge.therapy_courses[session.therapy]
        kept = people.constant(1.0)
        if entry.attendance is not None:
            kept = people.figure(entry.attendance, f"{entry.id}/attendance")
        often = min(session.per_week / entry.sessions_per_week, 1.0)
        typical = entry.attendance.value if entry.attendance is not None else 1.0
        effects.append(people.figure(entry.effect, f"{entry.id}/effect") * often * kept / typical)
        builds.append(people.figure(entry.build, f"{entry.id}/build", 24.0))
        fades.append(people.figure(entry.fade, f"{entry.id}/fade", 24.0))
    each = (
        tuple(np.broadcast_to(c, people.patients.number) for c in columns)
        for columns in (effects, builds, fades)
    )
    return Therapies(tuple(sessions), *each)


def saturation(axis: Axis, level: Column) -> Column:
    """Sum of what the members of an axis add: maximum · C / (C + half)."""
    bound = level[:, axis.signals]
    return np.asarray((axis.maximum * bound / (bound + axis.half)).sum(1))


def untreated(axis: Axis, level: Column) -> Column:
    """Fraction of pain that painkillers leave."""
    bound = level[:, axis.signals]
    return np.asarray((1.0 - axis.maximum * bound / (bound + axis.half)).prod(1))


def effects(system: System, states: States, therapies: Therapies | None = None) -> dict[str, Column]:
    """Everything that is read out of the states, [T, n] each."""
    p = system.figures
    drive, sedating = drives(system, states)
    relaxation, natural, left = pains(system, states, therapies)
    opioid = opioids(system, states.level)
    return {
        "drive": drive,
        "sedating": sedating,
        "relaxation": relaxation,
        "sedation": readouts.score(sedating, p["sedation_half"], float(p["sedation_hill"][0])),
        "impairment": readouts.score(sedating, p["impairment_half"], float(p["impairment_hill"][0])),
        "relief": natural * (1.0 - left),
        "tolerance": states.fast + states.slow,
        "withdrawal": states.withdrawal,
        "pain": natural * left,
        "opioid": opioid,
        "ventilation": ventilation(system, opioid, drive),
    }


def opioids(system: System, level: Column) -> Column:
    """Levels of opioids by their half-effect levels, summed; or of changes of levels, theirs."""
    bound = level[:, system.ventilation.signals] / system.ventilation.half
    return np.asarray(bound.sum(1) / system.figures["opioid_tolerant"])


def ventilation(system: System, opioid: Column, drive: Column) -> Column:
    """As a fraction of that at rest."""
    p = system.figures
    return readouts.ventilation(
        opioid, drive, float(p["opioid_most"][0]), p["drive_most"], p["drive_half"], p["synergy"]
    )


def pains(
    system: System, states: States, therapies: Therapies | None = None
) -> tuple[Column, Column, Column]:
    """How far muscles are relaxed, pain without treatment, and the share of it that all treatment leaves."""
    p, sensitivity = system.figures, system.brain[0]
    share = np.divide(
        states.relaxing, states.energy, out=np.zeros_like(states.energy), where=states.energy > 0.0
    )
    eased = share * positive(
        sensitivity * states.energy - p["relaxation_share"] * (states.fast + states.slow)
    )
    relaxation = eased + saturation(system.relaxation, states.level)
    left = untreated(system.analgesia, states.level) * (
        1.0 - readouts.relieved(relaxation, p["relaxation_most"], p["relaxation_half"])
    )
    time = states.time if states.time.ndim == 2 else states.time[:, None]
    natural = natural_pain(system, time)
    for points in therapies.points(time) if therapies else ():
        left = left * (1.0 - np.clip(points / np.maximum(natural, 1.0), -1.0, 1.0))
    return relaxation, natural, left


def drives(
    system: System, states: States, at: NDArray[np.int64] | slice = slice(None)
) -> tuple[Column, Column]:
    """The net GABAergic drive, and that of all sedatives together, at all or some of the moments."""
    sensitivity = system.brain[0].astype(states.energy.dtype, copy=False)
    drive = sensitivity * states.energy[at] - (states.fast[at] + states.slow[at])
    return drive, positive(drive) + positive(sensitivity * states.other[at] - states.dulled[at])


def worst_impairment(system: System, states: States, at: NDArray[np.int64]) -> Column:
    """The highest impairment at some of the moments; NaN where there are none."""
    if not len(at):
        return np.full(system.number, np.nan)
    p, most = system.figures, drives(system, states, at)[1].max(0)
    return readouts.score(most, p["impairment_half"], float(p["impairment_hill"][0]))


def natural_pain(system: System, time: Column) -> Column:
    """Pain without treatment: the course of the cohort, scaled to the patient's own beginning."""
    p = system.figures
    whole = p["pain_fast_part"] + p["pain_slow_part"] + p["pain_rest"]
    course = readouts.natural_pain(np.maximum(time, 0.0), p["pain_fast_part"], p["pain_fast_time"],
                                   p["pain_slow_part"], p["pain_slow_time"], p["pain_rest"])  # fmt: skip
    return np.broadcast_to(p["pain_baseline"] / whole * course, (len(time), system.number))
