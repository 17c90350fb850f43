"""What comes out: the results of one chunk, and of all of them, patient by patient or summed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eutonia.errors import InputError
from eutonia.simulation.population import Column
from eutonia.simulation.schedule import Schedule
from eutonia.simulation.sketch import Sketch

MOST_VALUES = 400_000_000
"""Numbers in a course beyond which it is refused, and summaries offered instead."""


@dataclass(frozen=True)
class Outcome:
    """Results of a simulation. Courses are [patients, times] and levels [patients, substances, times]."""

    substances: tuple[str, ...]
    times: Column
    level: Column
    courses: dict[str, Column]
    per_patient: dict[str, Any]
    """Arrays over patients by name; `substances` and `pain_at` beside them."""
    schedule: Schedule
    assumptions: tuple[str, ...]


COURSES = ("drive", "sedation", "impairment", "relief", "tolerance", "withdrawal", "pain", "ventilation")


@dataclass(frozen=True)
class Part:
    """Results of one chunk, patients first."""

    substances: tuple[str, ...]
    level: Column
    courses: dict[str, Column]
    per_patient: dict[str, Column]
    pain: dict[str, Column]

    @property
    def number(self) -> int:
        return len(self.level)


class Rows:
    """Results of all chunks, in the order of patients."""

    def __init__(self, number: int, times: Column) -> None:
        self.number, self.times = number, times
        self.kind = np.float32 if number > 50_000 else np.float64
        self.per_patient: dict[str, Column] = {}
        self.pain: dict[str, Column] = {}
        self.courses: dict[str, Column] = {}
        self.level: Column = np.empty((0, 0, 0))
        self.substances: tuple[str, ...] = ()

    def put(self, start: int, part: Part) -> None:
        if not self.per_patient:
            times = len(self.times)
            self.substances = part.substances
            self.level = np.empty((self.number, len(part.substances), times))
            self.courses = {name: np.empty((self.number, times)) for name in COURSES}
            self.per_patient = {name: np.empty(self.number, self.kind) for name in part.per_patient}
            self.pain = {name: np.empty(self.number, self.kind) for name in part.pain}
        stop = start + len(part.level)
        self.level[start:stop] = part.level
        for mine, new in (
            (self.courses, part.courses),
            (self.per_patient, part.per_patient),
            (self.pain, part.pain),
        ):
            for name, values in new.items():
                mine[name][start:stop] = values

    def outcome(self, schedule: Schedule, assumptions: tuple[str, ...]) -> Outcome:
        """Everything, as arrays over patients."""
        per_patient: dict[str, Any] = {
            **self.per_patient,
            "substances": self.substances,
            "pain_at": self.pain,
        }
        return Outcome(
            self.substances, self.times, self.level, self.courses, per_patient, schedule, assumptions
        )


class Sketches:
    """Results of all chunks, each quantity as a sketch of all patients."""

    def __init__(self) -> None:
        self.per_patient: dict[str, Sketch] = {}
        self.pain: dict[str, Sketch] = {}
        self.substances: tuple[str, ...] = ()

    def put(self, _: int, part: Part) -> None:
        self.substances = part.substances
        for mine, new in ((self.per_patient, part.per_patient), (self.pain, part.pain)):
            for name, values in new.items():
                mine.setdefault(name, Sketch()).add(values)

    def outcome(self, schedule: Schedule, assumptions: tuple[str, ...]) -> Outcome:
        """Sketches, and no courses."""
        per_patient = {**self.per_patient, "substances": self.substances, "pain_at": self.pain}
        return Outcome(
            self.substances, np.empty(0), np.empty((0, 0, 0)), {}, per_patient, schedule, assumptions
        )


def check_size(patients: int, times: int, substances: int) -> None:
    """Refuse a course that would not fit, before anything is computed."""
    values = patients * times * (substances + len(COURSES))
    if values > MOST_VALUES:
        raise InputError(
            f"The course of {patients:,} patients at {times:,} times holds {values:,} numbers "
            f"({values * 8 / 1e9:.0f} GB), more than the limit of {MOST_VALUES:,}. "
            "Ask for a summary, fewer times or fewer patients."
        )
