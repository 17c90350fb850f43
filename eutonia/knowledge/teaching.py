"""Lessons: how a drug acts, told in plain words beside a simulated course."""

from typing import Literal

from eutonia.knowledge.common import Citation, entry

Panel = Literal[
    "levels", "drive", "sedation", "impairment", "relief", "tolerance", "withdrawal", "ventilation"
]


@entry
class Lesson:
    """One chapter of the page on how a drug acts."""

    id: str
    title: str
    drug: str
    place: int
    """Where it stands among the lessons on its drug."""
    text: tuple[str, ...]
    plan: str
    """The course it begins with; its dose, number of doses a day and days can be changed by the reader."""
    panels: tuple[Panel, ...]
    """What is drawn, from above."""
    sources: tuple[Citation, ...]
    note: str = ""
