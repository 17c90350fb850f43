"""Which trials bear on a question, and which of their rows are pooled.

Populations that hold the condition, arms on both sides, figures sure enough, people counted once, one time window,
and the treatment alone or added to another: each rule is a function here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eutonia.appraisal.certainty import Missing
from eutonia.appraisal.question import BANDS, Band, Question, group, members
from eutonia.appraisal.rows import Row, Sides, UsualSd, nearest, rows_of
from eutonia.knowledge import Knowledge
from eutonia.knowledge.evidence import TRIAL_MARKS, Trial


@dataclass(frozen=True)
class Found:
    """What the trials hold on a question."""

    comparator: str
    band: Band | None
    main: tuple[Row, ...]
    """The rows to pool: of one window, without or with other active treatment."""
    every: tuple[Row, ...]
    """All rows of the comparison, at all times."""
    missing: tuple[Missing, ...]
    left_out: tuple[Missing, ...]


def search(knowledge: Knowledge, question: Question) -> Found:
    """Find the rows of a question, choosing comparator and window where they are not given."""
    first = None
    for name in comparators(knowledge, question):
        found = one_search(knowledge, question, name)
        if found.main:
            return found
        first = first or found
    assert first is not None
    return first


def comparators(knowledge: Knowledge, question: Question) -> tuple[str, ...]:
    if question.comparator is not None:
        return (question.comparator,)
    entry = knowledge.interventions.get(question.therapy)
    usual = (entry.default_comparators if entry is not None else ()) or ("placebo",)
    return (*usual, *(name for name in compared_with(knowledge, question) if name not in usual))


def compared_with(knowledge: Knowledge, question: Question) -> list[str]:
    """What trials of the condition compared the therapy with, by the widest names; those of most trials first."""
    mine = members(knowledge, question.therapy)
    counts: dict[str, int] = {}
    for trial in knowledge.trials.values():
        if not bears_on(knowledge, trial, question.condition.id):
            continue
        pairs = [(c.treatment, c.comparator) for c in trial.contrasts]
        arms = {arm.treatment for arm in trial.arms.values()}
        others = {b for a, b in pairs if a in mine} | (arms - mine if arms & mine else set())
        for name in {group(knowledge, other) for other in others - mine}:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))


def one_search(knowledge: Knowledge, question: Question, comparator: str) -> Found:
    sides = sides_of(knowledge, question.therapy, comparator)
    rows: list[Row] = []
    missing, left_out = [], []
    usual_sd = UsualSd(knowledge)
    for trial in knowledge.trials.values():
        if not bears_on(knowledge, trial, question.condition.id) or not compares(trial, sides):
            continue
        if trial.design in ("not-randomised", "enriched-withdrawal"):
            left_out.append(_named(trial, sides, f"design: {trial.design.replace('-', ' ')}"))
            continue
        mine = rows_of(trial, sides, question.outcome, question.marks, usual_sd)
        rows += mine
        if not mine and rows_of(trial, sides, question.outcome, TRIAL_MARKS, usual_sd):
            left_out.append(
                _named(trial, sides, f"its figures are less sure than “{question.min_confidence}”")
            )
        elif not mine:
            missing.append(_named(trial, sides, "no usable figure for this outcome was found"))
    rows, repeated = _counted_once(knowledge, rows, sides)
    missing = [
        m for m in missing if not (set(knowledge.trials[m.trial].same_people_as) & {r.trial for r in rows})
    ]
    # A pooled report speaks for the trials it repeats, and they for it.
    spoken_for = {name for row in rows for name in knowledge.trials[row.trial].same_people_as}
    named = {m.trial for m in missing}
    missing = [
        m
        for m in missing
        if m.trial not in spoken_for and not named & set(knowledge.trials[m.trial].same_people_as)
    ]
    rows = _one_kind(rows)
    band = chosen_band(rows, question.day, acute=bool(question.condition.acute))
    if question.outcome.harm and band is not None and not nearest(rows, band, question.day):
        # Harms are counted up to the end of treatment: a later count holds the day that was asked about.
        band = next((b for b in BANDS if b.first > band.first and nearest(rows, b, None)), band)
    main = main_rows(knowledge, nearest(rows, band, question.day)) if band is not None else []
    if main:
        missing = [m for m in missing if _same_background(knowledge, knowledge.trials[m.trial], main[0])]
    return Found(comparator, band, tuple(main), tuple(rows), tuple(missing), (*left_out, *repeated))


def _same_background(knowledge: Knowledge, trial: Trial, row: Row) -> bool:
    """Whether a trial tested the treatment alone, or on top of another, as the pooled ones did."""

    def background(name: str) -> str:
        return group(knowledge, name) if name else ""

    return background(row.added_to) in {background(arm.added_to) for arm in trial.arms.values()}


def sides_of(knowledge: Knowledge, therapy: str, comparator: str) -> Sides:
    """The two sides, without overlap: the narrower name keeps what both could mean."""
    one, two = members(knowledge, therapy), members(knowledge, comparator)
    return Sides(one, two - one) if one < two else Sides(one - two, two)


def bears_on(knowledge: Knowledge, trial: Trial, condition: str) -> bool:
    return trial.population == condition or condition in knowledge.populations[trial.population].covers


def compares(trial: Trial, sides: Sides) -> bool:
    arms = {arm.treatment for arm in trial.arms.values()}
    direct = bool(arms & set(sides.treatments)) and bool(arms & set(sides.comparators))
    return direct or any(
        c.treatment in sides.treatments and c.comparator in sides.comparators for c in trial.contrasts
    )


def _named(trial: Trial, sides: Sides, why: str) -> Missing:
    compared = {*sides.treatments, *sides.comparators}
    sizes = [arm.n for arm in trial.arms.values() if arm.treatment in compared]
    people = sum(n for n in sizes if n) or trial.enrolled
    return Missing(trial.id, trial.title, people, why)


def _counted_once(knowledge: Knowledge, rows: Sequence[Row], sides: Sides) -> tuple[list[Row], list[Missing]]:
    """Leave out reports on people who are in another row already."""
    present = {row.trial for row in rows}
    repeats = {
        name: sorted(present & set(knowledge.trials[name].same_people_as))
        for name in present
        if present & set(knowledge.trials[name].same_people_as)
    }
    told = [
        _named(knowledge.trials[name], sides, f"the same people as {', '.join(others)}: not counted twice")
        for name, others in repeats.items()
    ]
    return [row for row in rows if row.trial not in repeats], told


def _one_kind(rows: Sequence[Row]) -> list[Row]:
    """Rows of the outcome asked about; those of its stand-in only where there are no others."""
    asked = [row for row in rows if not row.stands_in]
    return asked or list(rows)


def chosen_band(rows: Sequence[Row], day: int | None, acute: bool) -> Band | None:
    """The window of `day`; or the one with most trials, of those the one that matters most for the condition."""
    if day is not None:
        return next(band for band in BANDS if band.holds(day))
    early, short, medium, long = BANDS
    order = (short, early, medium, long) if acute else (medium, long, short, early)
    trials = {band.id: len({row.trial for row in nearest(rows, band, None)}) for band in order}
    best = max(order, key=lambda band: trials[band.id])  # of equals, max takes the first
    return best if trials[best.id] else None


def strata(knowledge: Knowledge, rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by the active treatment that every arm had besides; “” where there was none."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(group(knowledge, row.added_to) if row.added_to else "", []).append(row)
    return found


def main_rows(knowledge: Knowledge, rows: Sequence[Row]) -> list[Row]:
    """The treatment alone where trials tested it alone; else the background with most people."""
    parts = strata(knowledge, rows)
    if not parts:
        return []
    return parts.get("") or max(parts.values(), key=lambda part: sum(row.people for row in part))
