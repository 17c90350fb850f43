"""Trials → rows that can be pooled: one comparison, outcome and time window, one row for each trial.

Everything a row was made from goes with it: how its standard error was found, whether the people had exactly the
condition asked about, what else every arm was given, and how sure we are of the figures.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from statistics import median
from typing import Any

from eutonia.appraisal.question import Band
from eutonia.knowledge import Knowledge
from eutonia.knowledge.evidence import TRIAL_MARKS, Arm, Contrast, Outcome, Result, Trial, TrialMark
from eutonia.meta import combine_dependent, log_risk_ratio

Z95 = 1.959964


@dataclass(frozen=True)
class Row:
    """One trial's answer to a question. MD in points of 100, turned so that the outcome's better side holds;
    ratios on the log scale."""

    trial: str
    title: str
    year: int | None
    treatments: tuple[str, ...]
    comparators: tuple[str, ...]
    population: str
    outcome: str
    """The trial's own."""
    day: int
    measure: str
    effect: float
    se: float
    n: tuple[int, int]
    events: tuple[int, int] | None
    mark: TrialMark
    route: str
    """How the standard error was found."""
    adjusted: bool
    added_to: str
    background: str
    bias: str
    bias_why: str
    industry: bool
    stands_in: bool
    """Another outcome in place of the one asked about."""
    doses: tuple[str, ...] = ()
    note: str = ""
    identifier: str = ""

    @property
    def people(self) -> int:
        return sum(self.n)


@dataclass(frozen=True)
class Sides:
    """The interventions on the two sides of a comparison."""

    treatments: Collection[str]
    comparators: Collection[str]


def worst(marks: Iterable[TrialMark]) -> TrialMark:
    return max(marks, key=TRIAL_MARKS.index)


def rows_of(
    trial: Trial, sides: Sides, outcome: Outcome, marks: Collection[TrialMark], usual_sd: "UsualSd"
) -> list[Row]:
    """Every row that `trial` gives: for each day after baseline, and each active background, the best one."""
    for names, stands_in in ((outcome.trial_outcomes, False), (outcome.instead, True)):
        for name in names:
            found = [
                replace(row, stands_in=stands_in)
                for row in _candidates(trial, sides, name, outcome, stands_in, marks, usual_sd)
            ]
            if found:
                return _best(found)
    return []


def _best(rows: Sequence[Row]) -> list[Row]:
    """Of the arms and the adjusted difference of one comparison, one: the surer, then the adjusted."""
    chosen: dict[tuple[int, str], Row] = {}
    for row in sorted(rows, key=lambda row: (TRIAL_MARKS.index(row.mark), not row.adjusted)):
        chosen.setdefault((row.day, row.added_to), row)
    return sorted(chosen.values(), key=lambda row: row.day)


def _candidates(
    trial: Trial,
    sides: Sides,
    name: str,
    outcome: Outcome,
    stands_in: bool,
    marks: Collection[TrialMark],
    usual_sd: "UsualSd",
) -> Iterator[Row]:
    means = outcome.measure == "MD" or stands_in
    results = [r for r in trial.results if r.outcome == name and r.day > 0 and r.mark in marks]
    contrasts = [
        c
        for c in trial.contrasts
        if c.outcome == name and c.day > 0 and c.mark in marks and c.measure == ("MD" if means else "RR")
        and c.treatment in sides.treatments and c.comparator in sides.comparators
    ]  # fmt: skip
    for day in sorted({r.day for r in results} | {c.day for c in contrasts}):
        for added_to in sorted(
            {arm.added_to for arm in trial.arms.values()} | {c.added_to for c in contrasts}
        ):
            here = [c for c in contrasts if c.day == day and c.added_to == added_to]
            row = _from_contrasts(trial, here, outcome, means, usual_sd)
            if row is not None and row.mark in marks:
                yield row
            arms = [
                (trial.arms[r.arm], r)
                for r in results
                if r.day == day and trial.arms[r.arm].added_to == added_to
            ]
            row = _from_arms(trial, arms, sides, outcome, means, usual_sd)
            if row is not None and row.mark in marks:
                yield row


def _from_arms(
    trial: Trial,
    arms: Sequence[tuple[Arm, Result]],
    sides: Sides,
    outcome: Outcome,
    means: bool,
    usual_sd: "UsualSd",
) -> Row | None:
    one = [(arm, result) for arm, result in arms if arm.treatment in sides.treatments]
    two = [(arm, result) for arm, result in arms if arm.treatment in sides.comparators]
    if not one or not two:
        return None
    told = _difference(trial, one, two, outcome, usual_sd) if means else _ratio(one, two)
    if told is None:
        return None
    effect, se, sizes, events, route = told
    mark = worst(result.mark for _, result in (*one, *two))
    return Row(
        **_common(trial, [arm.treatment for arm, _ in one], [arm.treatment for arm, _ in two]),
        outcome=one[0][1].outcome,
        day=one[0][1].day,
        measure="MD" if means else "RR",
        effect=effect,
        se=se,
        n=sizes,
        events=events,
        mark=worst((mark, "derived")) if "imputed" in route else mark,
        route=route,
        adjusted=False,
        added_to=one[0][0].added_to,
        background=one[0][0].background,
        stands_in=False,
        doses=tuple(dict.fromkeys(arm.dose or arm.form for arm, _ in one if arm.dose or arm.form)),
        note="; ".join(dict.fromkeys(result.note for _, result in (*one, *two) if result.note)),
    )


def _common(trial: Trial, treatments: Iterable[str], comparators: Iterable[str]) -> dict[str, Any]:
    return {
        "trial": trial.id,
        "title": trial.title,
        "year": trial.year,
        "identifier": trial.identifier,
        "treatments": tuple(dict.fromkeys(treatments)),
        "comparators": tuple(dict.fromkeys(comparators)),
        "population": trial.population,
        "bias": trial.risk_of_bias.level,
        "bias_why": trial.risk_of_bias.why,
        "industry": trial.industry,
    }


Told = tuple[float, float, tuple[int, int], tuple[int, int] | None, str]


def _ratio(one: Sequence[tuple[Arm, Result]], two: Sequence[tuple[Arm, Result]]) -> Told | None:
    counts = []
    for side in (one, two):
        known = [(r.events, r.n) for _, r in side if r.events is not None and r.n]
        if len(known) < len(side):
            return None
        counts.append((sum(e for e, _ in known), sum(n for _, n in known)))
    (e1, n1), (e2, n2) = counts
    if e1 + e2 == 0 or (e1 == n1 and e2 == n2):
        return None  # nobody or everybody: nothing about a ratio
    y, v = log_risk_ratio([e1], [n1], [e2], [n2])
    return float(y[0]), float(sqrt(v[0])), (n1, n2), (e1, e2), "counts"


def _difference(
    trial: Trial,
    one: Sequence[tuple[Arm, Result]],
    two: Sequence[tuple[Arm, Result]],
    outcome: Outcome,
    usual_sd: "UsualSd",
) -> Told | None:
    sides = []
    every = [result for _, result in (*one, *two)]
    for side in (one, two):
        parts = [_arm_value(trial, arm, result, every, usual_sd) for arm, result in side]
        if any(part is None for part in parts):
            return None
        sides.append(_merged([part for part in parts if part is not None]))
    (m1, s1, n1, route1), (m2, s2, n2, route2) = sides
    first = one[0][1]
    sign = 1 if first.better == outcome.better else -1
    route = route1 if route1 == route2 else f"{route1}; {route2}"
    return sign * (m1 - m2), sqrt(s1**2 / n1 + s2**2 / n2), (n1, n2), None, route


Value = tuple[float, float, int, str]
"""Mean and SD in points of 100, people, and how the SD was found."""


def _arm_value(
    trial: Trial, arm: Arm, result: Result, every: Sequence[Result], usual_sd: "UsualSd"
) -> Value | None:
    n = result.n or arm.n
    if (
        result.mean is None
        or result.scale is None
        or not n
        or result.kind not in ("endpoint", "change", "improvement")
    ):
        return None
    width = (result.scale[1] - result.scale[0]) / 100
    shift = result.scale[0] if result.kind == "endpoint" else 0.0
    found = _sd(result, n, every)
    if found is None:
        usual = usual_sd.of(trial.population, result.outcome)
        if usual is None:
            return None
        found = (usual * width, "SD imputed: median of this outcome in this condition")
    sd, route = found
    return (result.mean - shift) / width, sd / width, n, route


def _sd(result: Result, n: int, every: Sequence[Result]) -> tuple[float, str] | None:
    """The SD, in the order: printed, from the standard error, of another arm of the trial."""
    if result.sd is not None:
        return result.sd, "SD as reported"
    if result.se is not None:
        return result.se * sqrt(n), "SD from the standard error"
    others = [r.sd for r in every if r.sd is not None and r.scale == result.scale and r.kind == result.kind]
    return (median(others), "SD imputed: of another arm") if others else None


def _merged(parts: Sequence[Value]) -> Value:
    """Several arms as one (Cochrane Handbook, table 6.5.a)."""
    mean, sd, n, route = parts[0]
    for other, other_sd, m, other_route in parts[1:]:
        squares = (n - 1) * sd**2 + (m - 1) * other_sd**2 + n * m / (n + m) * (mean - other) ** 2
        mean = (n * mean + m * other) / (n + m)
        n += m
        sd = sqrt(squares / (n - 1))
        route = route if route == other_route else f"{route}; {other_route}"
    return mean, sd, n, route


def _from_contrasts(
    trial: Trial, contrasts: Sequence[Contrast], outcome: Outcome, means: bool, usual_sd: "UsualSd"
) -> Row | None:
    made = [
        (c, told) for c in contrasts if (told := _contrast_value(trial, c, outcome, usual_sd)) is not None
    ]
    if not made:
        return None
    used = [c for c, _ in made]
    _, effects, variances = combine_dependent(
        [t[0] for _, t in made], [t[1] ** 2 for _, t in made], [0] * len(made)
    )
    route = "; ".join(dict.fromkeys(t[2] for _, t in made))
    if len(made) > 1:
        route += f"; {len(made)} contrasts that share an arm, correlated at one half"
    mark = worst(c.mark for c in used)
    return Row(
        **_common(trial, [c.treatment for c in used], [c.comparator for c in used]),
        outcome=used[0].outcome,
        day=used[0].day,
        measure="MD" if means else "RR",
        effect=float(effects[0]),
        se=float(sqrt(variances[0])),
        n=(_people([c.n[0] for c in used]), _people([c.n[1] for c in used])),
        events=None,
        mark=worst((mark, "derived")) if "imputed" in route else mark,
        route=route,
        adjusted=all(c.adjusted for c in used),
        added_to=used[0].added_to,
        background=used[0].background,
        stands_in=False,
        note="; ".join(dict.fromkeys(c.note for c in used if c.note)),
    )


def _people(sizes: Sequence[int | None]) -> int:
    """An arm that several contrasts share is counted once: equal numbers are taken for the same arm."""
    return sum({size for size in sizes if size})


def _contrast_value(
    trial: Trial, contrast: Contrast, outcome: Outcome, usual_sd: "UsualSd"
) -> tuple[float, float, str] | None:
    if contrast.measure != "MD":
        if contrast.se is not None:
            return log(contrast.effect), contrast.se, "difference as reported"
        if contrast.ci is not None:
            return log(contrast.effect), log(contrast.ci[1] / contrast.ci[0]) / (2 * Z95), "from the interval"
        return None
    if contrast.scale is None:
        return None
    width = (contrast.scale[1] - contrast.scale[0]) / 100
    sign = 1 if contrast.better == outcome.better else -1
    effect = sign * contrast.effect / width
    if contrast.se is not None:
        return effect, contrast.se / width, "difference as reported"
    if contrast.ci is not None:
        return effect, (contrast.ci[1] - contrast.ci[0]) / (2 * Z95) / width, "from the interval"
    usual = usual_sd.of(trial.population, contrast.outcome)
    if usual is None or not contrast.n[0] or not contrast.n[1]:
        return None
    se = usual * sqrt(1 / contrast.n[0] + 1 / contrast.n[1])
    return effect, se, "SD imputed: median of this outcome in this condition"


class UsualSd:
    """The median SD, in points of 100, of an outcome in a population: the last resort where a trial gives none."""

    def __init__(self, knowledge: Knowledge) -> None:
        known: dict[tuple[str, str], list[float]] = {}
        for trial in knowledge.trials.values():
            for result in trial.results:
                if result.sd is not None and result.scale is not None and result.day > 0:
                    width = (result.scale[1] - result.scale[0]) / 100
                    known.setdefault((trial.population, result.outcome), []).append(result.sd / width)
        self._median = {key: median(values) for key, values in known.items() if len(values) >= 3}

    def of(self, population: str, outcome: str) -> float | None:
        return self._median.get((population, outcome))


def nearest(rows: Sequence[Row], band: Band, day: int | None) -> list[Row]:
    """One row for each trial and background: of the days in `band`, the one nearest to `day` in proportion."""
    target = day or band.typical
    inside = [row for row in rows if band.holds(row.day)]
    chosen: dict[tuple[str, str], Row] = {}
    for row in sorted(inside, key=lambda row: (abs(log(row.day / target)), row.day)):
        chosen.setdefault((row.trial, row.added_to), row)
    return sorted(chosen.values(), key=lambda row: (row.year or 0, row.trial))


def shown(row: Row, value: float) -> float:
    """A value on the scale of the answer: points, or a ratio."""
    return exp(value) if row.measure == "RR" else value
