"""Makes docs/reference/tapers.md: the schedule made to measure for a grid of patients, beside other ways to stop.

    python tools/tapers_table.py          # minutes; writes the page anew

The page is kept, because it takes minutes to make; tests/spec/test_schedules.py holds the same promises over a larger
grid (`make slow`).
"""

from __future__ import annotations

from datetime import date
from itertools import product
from pathlib import Path
from textwrap import fill
from typing import Any

from eutonia.tapering import Taper, taper

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "tapers.md"
START = date(2026, 3, 2)
DOSES = ("350 mg twice", "250 mg four times", "350 mg three times", "350 mg four times", "525 mg four times")
LENGTHS = ("4 weeks", "90 days", "2 years")
OTHERS = (
    "abrupt",
    "linear-same-length",
    "taper-short-4d",
    "taper-long-9d",
    "taper-slow-weekly",
    "taper-high-dose",
)

HEAD = """# Tapers over a grid of patients

Made by `tools/tapers_table.py`; {count} patients, each stood for by 100 virtual ones. *Schedule*: mg a day × days.
*Score*: the highest withdrawal on a scale from 0 to 50 like CIWA, median (95th percentile). A dash: the schedule says
nothing for the dose. In every row the peak of the schedule made to measure is below that of stopping at once and of a
straight line of the same length{tied}{beaten}. Scores are of the model; it was fitted to
published withdrawal of heavy use, and no trial has compared these schedules.

| taken | for | age | CYP2C19 | schedule | days | score | abrupt | same line | 4 d | 9 d | weekly | high-dose |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def grid() -> list[tuple[str, str, dict[str, Any]]]:
    """What is taken, for how long, and by whom."""
    rows = [
        (dose, length, {"age": age, "sex": "male", "cyp2c19": "normal"})
        for dose, length, age in product(DOSES, LENGTHS, (40, 72))
    ]
    rows += [
        (dose, "90 days", {"age": 40, "sex": "male", "cyp2c19": phenotype})
        for dose, phenotype in product(DOSES, ("poor", "ultrarapid"))
    ]
    return rows


def main() -> None:
    lines, lost, behind = [], set(), []
    rows = grid()
    for dose, length, facts in rows:
        found = taper(f"carisoprodol {dose} a day for {length}", start=START, **facts)
        lines.append(_row(dose, length, facts, found))
        if not _below_the_line(found):
            behind.append(f"{dose}, {length}, age {facts['age']}, {facts['cyp2c19']}")
        if found.made is not None:
            lost |= {(name, found.now_mg or 0.0) for name, won in found.made.beats.items() if not won}
    said, table = HEAD.format(count=len(rows), tied=_tied(behind), beaten=_beaten(lost)).split("| taken", 1)
    head = "\n\n".join(
        part if part.startswith("#") else fill(part, 120) for part in said.strip().split("\n\n")
    )
    page = f"{head}\n\n| taken{table}" + "\n".join(lines) + "\n"
    PAGE.write_text(page, encoding="utf-8")


def _below_the_line(found: Taper) -> bool:
    """Whether the peak is below that of a straight line as long, in the middle and in the worst."""
    assert found.predicted is not None
    ours, line = found.predicted.peak, found.alternatives["linear-same-length"].peak
    return (ours.median or 0.0) < (line.median or 0.0) and (ours.p95 or 0.0) < (line.p95 or 0.0)


def _tied(behind: list[str]) -> str:
    return f", except ({'; '.join(behind)}), where the line's is as low or lower" if behind else ""


def _beaten(lost: set[tuple[str, float]]) -> str:
    if not lost:
        return ", and at the length of each schedule in print none of these has a smaller loss"
    what = "; ".join(f"{name} at {mg:g} mg a day" for name, mg in sorted(lost))
    return (
        ". At the length of each schedule in print none of these has a smaller loss, except where the largest cut of "
        f"350 mg a day leaves no schedule so short: {what}"
    )


def _row(dose: str, length: str, facts: dict[str, Any], found: Taper) -> str:
    assert found.predicted is not None
    steps = ", ".join(f"{s.total_mg:g} × {s.last_day - s.first_day + 1}" for s in found.steps)
    scores = [
        _score(found.alternatives[name].peak_score) if name in found.alternatives else "–" for name in OTHERS
    ]
    cells = [dose, length, f"{facts['age']}", facts["cyp2c19"], steps, f"{len(found.days)}"]
    return "| " + " | ".join([*cells, f"**{_score(found.predicted.peak_score)}**", *scores]) + " |"


def _score(s: Any) -> str:
    return f"{s.median:.1f} ({s.p95:.1f})"


if __name__ == "__main__":
    main()
