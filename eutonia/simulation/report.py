"""A course summary in words that a pharmacist reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eutonia.summaries import CourseSummary, Spread
from eutonia.terminal import bold, listed, wrapped

if TYPE_CHECKING:
    from eutonia.simulation.results import Outcome


def as_text(summary: CourseSummary, outcome: Outcome, width: int = 80) -> str:
    """The summary as text; the bands are the middle 90 % of patients."""
    number = summary.patients
    who = (
        "the typical patient"
        if number == 1
        else f"{number:,} virtual patients, median (5th to 95th percentile)"
    )
    lines = [*map(bold, wrapped(_doses(outcome), width)), who, ""]
    lines += [_head("Exposure")]
    for name, x in summary.exposure.items():
        # levels of opioids and benzodiazepines are micrograms
        mass, per = ("µg", 1000.0) if x.cmax_mg_l.p95 is not None and x.cmax_mg_l.p95 < 0.1 else ("mg", 1.0)
        lines += [
            f"  {name}",
            _row("    highest level", _times(x.cmax_mg_l, per), f"{mass}/L"),
            _row("    reached after a dose in", x.tmax_h, "h"),
            _row("    area under the level", _times(x.auc_mg_h_l, per), f"{mass}·h/L"),
            _row("    half-life", x.half_life_h, "h"),
        ]
        if x.doses_taken.sd:  # as needed, or forgotten
            lines.append(_row("    doses taken", x.doses_taken, ""))
    e = summary.effects
    lines += [
        "",
        _head("Effects"),
        _row("  most relief", e.peak_relief, "points of 100"),
        _row("  relief noticed after", e.onset_h, "h", f"in {_percent(e.probability_relief)}"),
        _row("  highest impairment", e.peak_impairment, "of 100"),
        _row("  impaired a day", e.hours_impaired_a_day, "h"),
        _row("  on the next morning", e.morning_impairment, "of 100"),
        _row("  lowest ventilation", e.min_ventilation, "of that at rest"),
        f"  {'chance of drowsiness':<28}{_percent(e.probability_drowsy)}",
        f"  {'chance of dizziness':<28}{_percent(e.probability_dizzy)}",
        "",
        _head("After the last dose"),
        f"  {'chance of any withdrawal':<28}{_percent(summary.withdrawal.probability_any)}",
        _row("  highest score, 0 to 50", summary.withdrawal.peak_score, ""),
        _row("  at its worst on day", summary.withdrawal.peak_day, ""),
        f"  {'chance of a seizure':<28}{_percent(summary.withdrawal.probability_seizure)}",
        f"  {'chance of hallucinosis':<28}{_percent(summary.withdrawal.probability_hallucinosis)}",
        "",
        _head("Pain, 0 to 100"),
        _row("  at the start", summary.pain.baseline, ""),
        *(_row(f"  after {label}", values, "") for label, values in summary.pain.at.items()),
        "",
        _head("Assumed"),
        *listed(summary.assumptions, width, "  "),
        "",
        *wrapped(summary.notice, width),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _doses(outcome: Outcome) -> str:
    parts = []
    for r in outcome.schedule.regimens:
        if r.times:
            amounts = sorted(set(r.amounts))
            size = f"{amounts[0]:g}" if len(amounts) == 1 else f"{amounts[0]:g} to {amounts[-1]:g}"
            days = int((r.times[-1] - r.times[0]) // 24.0) + 1
            over = f" over {days} days" if days > 1 else ""
            parts.append(
                f"{r.substance} {size} mg, {len(r.times)} dose{'s' if len(r.times) > 1 else ''}{over}"
            )
    parts += [session.therapy for session in outcome.schedule.sessions]
    parts += [f"with {name}" for name, _ in outcome.schedule.modulators]
    return "; ".join(parts)


def _head(words: str) -> str:
    return click.style(words, fg="cyan", bold=True)


def _row(words: str, s: Spread, unit: str, note: str = "") -> str:
    label = f"{words:<30}"
    if s.median is None or s.p5 is None or s.p95 is None:
        return f"{label}{'–':<12}{note}"
    if s.sd == 0.0:
        return f"{label}{_number(s.median)} {unit} {note}"
    return f"{label}{_number(s.median)} ({_number(s.p5)} to {_number(s.p95)}) {unit} {note}"


def _times(s: Spread, factor: float) -> Spread:
    return Spread(**{name: None if x is None else factor * x for name, x in s.model_dump().items()})


def _number(x: float) -> str:
    return (
        f"{x:.0f}" if abs(x) >= 100 else f"{x:.1f}" if abs(x) >= 10 else f"{x:.2g}" if abs(x) >= 0.01 else "0"
    )


def _percent(x: float) -> str:
    return "under 1 %" if 0 < x < 0.01 else f"{100 * x:.0f} %"
