"""`evidence`: a question → the trials that bear on it, their pool, and how sure that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import median

from eutonia.appraisal.certainty import Missing, Reason, appraise, on_scale
from eutonia.appraisal.course import course_of, natural_course
from eutonia.appraisal.models import (
    Absolute,
    Asked,
    Certainty,
    CertaintyReason,
    CourseAt,
    Evidence,
    EvidenceRow,
    LeftOut,
    Published,
    Robustness,
    Summary,
)  # fmt: skip
from eutonia.appraisal.question import BANDS, Band, Question, ask, group, lowered, members
from eutonia.appraisal.rows import Row, Sides, UsualSd, nearest, rows_of
from eutonia.appraisal.synthesis import Synthesis, risk_per_100, synthesise
from eutonia.errors import InputError
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.evidence import TRIAL_MARKS, Trial, TrialMark

DEFAULT_CONFIDENCE: TrialMark = "recalled"
"""Figures remembered with low confidence are left out unless asked for."""

Z95 = 1.959964


def evidence(
    therapy: str,
    vs: str | None = None,
    *,
    condition: str,
    outcome: str = "pain",
    day: int | None = None,
    min_confidence: str = DEFAULT_CONFIDENCE,
    knowledge: Knowledge | None = None,
) -> Evidence:
    """Answer from trials: does `therapy` help (or harm), compared with `vs`, in `condition`?

    `day` picks a time window (days 1–4, 5–14, weeks 2–13, over 13 weeks); without it the window with the most trials
    is taken. Where `vs` is not given, the comparator that the therapy's file names first and that has data.
    Raises InputError for a name that is not known.
    """
    knowledge = knowledge or load()
    question = ask(knowledge, therapy, vs, condition, outcome, day, min_confidence)
    if question.comparator == question.therapy:
        raise InputError(f"The question compares {question.therapy} with itself. Name another comparator.")
    found = search(knowledge, question)
    from eutonia.appraisal.wording import sentences

    answer = _assembled(knowledge, question, found)
    return answer.model_copy(update={"say": sentences(knowledge, answer)})


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
        found = _search(knowledge, question, name)
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


def _search(knowledge: Knowledge, question: Question, comparator: str) -> Found:
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


def _assembled(knowledge: Knowledge, question: Question, found: Found) -> Evidence:
    pooled = synthesise(found.main, question.outcome) if found.main else None
    asked = Asked(
        therapy=question.therapy,
        comparator=found.comparator,
        condition=question.condition.id,
        outcome=question.outcome.id,
        day=question.day,
        window=found.band.title if found.band else None,
        min_confidence=question.min_confidence,
    )
    level, reasons = (
        appraise(
            knowledge,
            pooled,
            question.outcome,
            question.condition.id,
            found.missing,
            members(knowledge, found.comparator),
        )
        if pooled
        else (None, [])
    )
    stands_in = bool(pooled and pooled.rows[0].stands_in)
    return Evidence(
        question=asked,
        measure=pooled.measure if pooled else question.outcome.measure,
        scale=_scale(question, stands_in),
        estimate=on_scale(pooled, pooled.estimate) if pooled else None,
        ci=_shown(pooled, pooled.ci) if pooled else None,
        prediction_interval=_shown(pooled, pooled.prediction) if pooled and pooled.prediction else None,
        tau2=pooled.tau2 if pooled else None,
        i2=pooled.i2 if pooled else None,
        trials=pooled.trials if pooled else 0,
        patients=pooled.people if pooled else 0,
        certainty=Certainty(
            level=level, reasons=[CertaintyReason(domain=r.domain, step=r.step, why=r.why) for r in reasons]
        ),
        answer=None if pooled else "no-usable-data",
        method=pooled.method if pooled else None,
        probability_better=pooled.probability_better if pooled else None,
        probability_important=pooled.probability_important if pooled else None,
        important_difference=question.outcome.important,
        absolute=_absolute(pooled),
        rows=_rows(pooled) if pooled else [],
        other_methods=_other_methods(pooled) if pooled else [],
        robustness=_robustness(pooled) if pooled else None,
        over_time=_over_time(knowledge, question, found),
        published=_published(knowledge, question, found.comparator),
        on_top_of_other_treatment=_backgrounds(knowledge, question, found),
        other_comparators=_other_comparators(knowledge, question, found),
        by_confidence=_by_confidence(knowledge, question, found.comparator),
        indirect=[] if pooled else indirect(knowledge, question, found.comparator),
        missing=[LeftOut(trial=m.trial, title=m.title, people=m.people, why=m.why) for m in found.missing],
        left_out=[LeftOut(trial=m.trial, title=m.title, people=m.people, why=m.why) for m in found.left_out],
        natural_course=_course_at(knowledge, question, found),
        assumptions=_assumptions(knowledge, question, pooled),
        would_change_it=would_change(question, found, reasons),
        say=[],
    )


def _scale(question: Question, stands_in: bool) -> str:
    if stands_in and question.outcome.measure == "RR":
        return "0-100, positive is more improvement (a rating stands in for the share of people)"
    return question.outcome.scale


def _shown(pooled: Synthesis, interval: tuple[float, float]) -> tuple[float, float]:
    return on_scale(pooled, interval[0]), on_scale(pooled, interval[1])


def _absolute(pooled: Synthesis | None) -> Absolute | None:
    risk = risk_per_100(pooled) if pooled else None
    if risk is None:
        return None
    return Absolute(
        comparator=risk["comparator"],
        treatment=risk["treatment"],
        difference=risk["difference"],
        ci=(risk["difference_low"], risk["difference_high"]),
        one_more_in=risk["one_more_in"],
    )


def _rows(pooled: Synthesis) -> list[EvidenceRow]:
    return [
        EvidenceRow(
            trial=row.trial,
            title=row.title,
            year=row.year,
            identifier=row.identifier,
            treatments=list(row.treatments),
            comparators=list(row.comparators),
            doses=list(row.doses),
            population=row.population,
            outcome=row.outcome,
            day=row.day,
            effect=on_scale(pooled, row.effect),
            ci=_shown(pooled, (row.effect - Z95 * row.se, row.effect + Z95 * row.se)),
            n=row.n,
            events=row.events,
            weight=weight,
            mark=row.mark,
            standard_error_from=row.route,
            adjusted=row.adjusted,
            added_to=row.added_to,
            background=row.background,
            risk_of_bias=row.bias,
            risk_of_bias_why=row.bias_why,
            note=row.note,
        )
        for row, weight in zip(pooled.rows, pooled.weights, strict=True)
    ]


def _summary(what: str, pooled: Synthesis) -> Summary:
    return Summary(
        what=what,
        measure=pooled.measure,
        estimate=on_scale(pooled, pooled.estimate),
        ci=_shown(pooled, pooled.ci),
        trials=pooled.trials,
        patients=pooled.people,
        trial_ids=[row.trial for row in pooled.rows],
    )


def _other_methods(pooled: Synthesis) -> list[Summary]:
    return [
        Summary(
            what=name,
            measure=pooled.measure,
            estimate=on_scale(pooled, estimate),
            ci=_shown(pooled, ci),
            trials=pooled.trials,
            patients=pooled.people,
        )
        for name, (estimate, ci) in pooled.others.items()
    ]


def _robustness(pooled: Synthesis) -> Robustness | None:
    if not pooled.without:
        return None
    estimates = [on_scale(pooled, estimate) for estimate, _ in pooled.without.values()]
    settled = not pooled.ci[0] <= 0 <= pooled.ci[1]
    return Robustness(
        lowest=min(estimates),
        highest=max(estimates),
        changes_the_conclusion=[
            trial for trial, (_, ci) in pooled.without.items() if (not ci[0] <= 0 <= ci[1]) != settled
        ],
    )


def _over_time(knowledge: Knowledge, question: Question, found: Found) -> list[Summary]:
    """The same comparison in each window, without other active treatment where that was tested."""
    parts = [(band, main_rows(knowledge, nearest(found.every, band, None))) for band in BANDS]
    return [_summary(band.title, synthesise(rows, question.outcome)) for band, rows in parts if rows]


def _backgrounds(knowledge: Knowledge, question: Question, found: Found) -> list[Summary]:
    """The same window in trials that gave every arm another active treatment, where the main pool did not."""
    if found.band is None:
        return []
    parts = strata(knowledge, nearest(found.every, found.band, question.day))
    return [
        _summary(
            f"added to {lowered(knowledge, name)}" if name else "alone",
            synthesise(rows, question.outcome),
        )
        for name, rows in parts.items()
        if tuple(rows) != found.main
    ]


def _other_comparators(knowledge: Knowledge, question: Question, found: Found) -> list[Summary]:
    """What the therapy was compared with besides, in the same condition and outcome."""
    summaries = []
    for name in compared_with(knowledge, question):
        if name == group(knowledge, found.comparator):
            continue
        other = _search(knowledge, question, name)
        if other.main and other.band is not None:
            pooled = synthesise(other.main, question.outcome)
            summaries.append(_summary(f"against {lowered(knowledge, name)}, {other.band.title}", pooled))
    return summaries


def _by_confidence(knowledge: Knowledge, question: Question, comparator: str) -> list[Summary]:
    """How the answer changes with the least confidence that figures must have."""
    summaries = []
    for mark in TRIAL_MARKS:
        found = _search(knowledge, replace(question, min_confidence=mark), comparator)
        if found.main:
            summaries.append(_summary(mark, synthesise(found.main, question.outcome)))
    return summaries


def indirect(knowledge: Knowledge, question: Question, comparator: str) -> list[Summary]:
    """Answers to neighbouring questions: a like condition, or others of the same class."""
    summaries = []
    for name in question.condition.near:
        near = replace(question, condition=knowledge.populations[name])
        found = _search(knowledge, near, comparator)
        if found.main and found.band is not None:
            what = f"in another condition ({knowledge.populations[name].title.lower()}), {found.band.title}"
            summaries.append(_summary(what, synthesise(found.main, question.outcome)))
    entry = knowledge.interventions.get(question.therapy)
    for name in entry.part_of if entry is not None else ():
        found = _search(knowledge, replace(question, therapy=name), comparator)
        rows = [row for row in found.main if question.therapy not in row.treatments]
        if rows and found.band is not None:
            who = sorted({t for row in rows for t in row.treatments})
            what = f"of the same class ({', '.join(lowered(knowledge, t) for t in who)}), {found.band.title}"
            summaries.append(_summary(what, synthesise(rows, question.outcome)))
    return summaries


def _published(knowledge: Knowledge, question: Question, comparator: str) -> list[Published]:
    """What reviews printed on the same question, on the scale of the answer."""
    return [
        Published(
            id=pool.id,
            title=knowledge.sources[pool.sources[0].key].title,
            printed=pool.printed,
            estimate=pool.estimate,
            ci=pool.ci,
            trials=pool.trials,
            patients=pool.people,
            certainty=pool.certainty,
            mark=pool.sources[0].mark,
            why_ours_differs=pool.why,
        )
        for pool in knowledge.published_pools.values()
        if (pool.therapy, pool.comparator, pool.condition, pool.outcome)
        == (question.therapy, comparator, question.condition.id, question.outcome.id)
    ]


def _course_at(knowledge: Knowledge, question: Question, found: Found) -> CourseAt | None:
    if question.outcome.id != "pain" or course_of(question.condition.id, knowledge) is None:
        return None
    day = question.day or (round(median(row.day for row in found.main)) if found.main else 7)
    course = natural_course(question.condition.id, [0, day], knowledge)
    return CourseAt(
        day=day,
        pain=float(course.pain[1]),
        ci=(float(course.ci_low[1]), float(course.ci_high[1])),
        at_start=float(course.pain[0]),
    )


def would_change(question: Question, found: Found, reasons: Sequence[Reason]) -> list[str]:
    """What would make the answer surer: one remedy for each domain that took it down."""
    steps = {reason.domain: reason.step for reason in reasons}
    told = []
    if found.missing:
        names = ", ".join(m.trial for m in found.missing[:6])
        told.append(f"The results of trials that are known and gave none: {names}.")
    if not found.main:
        told.append(
            f"Any randomised trial in {question.condition.title.lower()} with figures for this outcome."
        )
    if steps.get("risk of bias", 0) < 0:
        told.append(
            "A trial at low risk of bias, with those who rate the outcome kept from knowing the treatment."
        )
    if steps.get("inconsistency", 0) < 0:
        told.append("A reason why the trials differ: people, dose, comparator or quality.")
    if steps.get("indirectness", 0) < 0:
        told.append("Trials of exactly this question: these people, this comparator, this outcome.")
    if steps.get("imprecision", 0) < 0:
        people = sum(row.people for row in found.main)
        more = max(question.outcome.optimal_size - people, 0)
        told.append(
            f"More people: about {more} at least." if more else "More people: the interval is still wide."
        )
    return told


def _assumptions(knowledge: Knowledge, question: Question, pooled: Synthesis | None) -> list[str]:
    if pooled is None:
        return []
    told = []
    if pooled.rows[0].stands_in:
        told.append(question.outcome.instead_says)
    if pooled.tau2 is not None and "half-normal" in pooled.method:
        told.append(
            f"With {len(pooled.rows)} trials the spread between trials cannot be estimated well; a prior from "
            f"experience stands in ({pooled.method}; tau about {sqrt(pooled.tau2):.2g})."
        )
    imputed = [row.trial for row in pooled.rows if "imputed" in row.route]
    if imputed:
        told.append(f"Standard deviations were imputed for {', '.join(imputed)}.")
    mixed = sorted({row.population for row in pooled.rows if row.population != question.condition.id})
    if mixed:
        names = "; ".join(knowledge.populations[name].title.lower() for name in mixed)
        told.append(f"Some trials took a wider group of people ({names}).")
    recalled = sorted({row.trial for row in pooled.rows if row.mark in ("recalled", "recalled-low")})
    if recalled:
        told.append(
            f"Figures of {', '.join(recalled)} are recalled, not read again: check them before relying on them."
        )
    return told
