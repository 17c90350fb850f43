"""What stands beside an answer: other methods, times, backgrounds, comparators, reviews, and what would change it."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from statistics import median

from eutonia.appraisal.certainty import Reason, on_scale
from eutonia.appraisal.course import course_of, natural_course
from eutonia.appraisal.models import CourseAt, Published, Robustness, Summary
from eutonia.appraisal.question import BANDS, Question, group, lowered
from eutonia.appraisal.rows import nearest
from eutonia.appraisal.searching import Found, compared_with, main_rows, one_search, strata
from eutonia.appraisal.synthesis import Synthesis, synthesise
from eutonia.knowledge import Knowledge
from eutonia.knowledge.evidence import TRIAL_MARKS


def shown(pooled: Synthesis, interval: tuple[float, float]) -> tuple[float, float]:
    return on_scale(pooled, interval[0]), on_scale(pooled, interval[1])


def summary(what: str, pooled: Synthesis) -> Summary:
    return Summary(
        what=what,
        measure=pooled.measure,
        estimate=on_scale(pooled, pooled.estimate),
        ci=shown(pooled, pooled.ci),
        trials=pooled.trials,
        patients=pooled.people,
        trial_ids=[row.trial for row in pooled.rows],
    )


def other_methods(pooled: Synthesis) -> list[Summary]:
    return [
        Summary(
            what=name,
            measure=pooled.measure,
            estimate=on_scale(pooled, estimate),
            ci=shown(pooled, ci),
            trials=pooled.trials,
            patients=pooled.people,
        )
        for name, (estimate, ci) in pooled.others.items()
    ]


def robustness(pooled: Synthesis) -> Robustness | None:
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


def over_time(knowledge: Knowledge, question: Question, found: Found) -> list[Summary]:
    """The same comparison in each window, without other active treatment where that was tested."""
    parts = [(band, main_rows(knowledge, nearest(found.every, band, None))) for band in BANDS]
    return [summary(band.title, synthesise(rows, question.outcome)) for band, rows in parts if rows]


def backgrounds(knowledge: Knowledge, question: Question, found: Found) -> list[Summary]:
    """The same window in trials that gave every arm another active treatment, where the main pool did not."""
    if found.band is None:
        return []
    parts = strata(knowledge, nearest(found.every, found.band, question.day))
    return [
        summary(
            f"added to {lowered(knowledge, name)}" if name else "alone",
            synthesise(rows, question.outcome),
        )
        for name, rows in parts.items()
        if tuple(rows) != found.main
    ]


def other_comparators(knowledge: Knowledge, question: Question, found: Found) -> list[Summary]:
    """What the therapy was compared with besides, in the same condition and outcome."""
    summaries = []
    for name in compared_with(knowledge, question):
        if name == group(knowledge, found.comparator):
            continue
        other = one_search(knowledge, question, name)
        if other.main and other.band is not None:
            pooled = synthesise(other.main, question.outcome)
            summaries.append(summary(f"against {lowered(knowledge, name)}, {other.band.title}", pooled))
    return summaries


def by_confidence(knowledge: Knowledge, question: Question, comparator: str) -> list[Summary]:
    """How the answer changes with the least confidence that figures must have."""
    summaries = []
    for mark in TRIAL_MARKS:
        found = one_search(knowledge, replace(question, min_confidence=mark), comparator)
        if found.main:
            summaries.append(summary(mark, synthesise(found.main, question.outcome)))
    return summaries


def indirect(knowledge: Knowledge, question: Question, comparator: str) -> list[Summary]:
    """Answers to neighbouring questions: a like condition, or others of the same class."""
    summaries = []
    for name in question.condition.near:
        near = replace(question, condition=knowledge.populations[name])
        found = one_search(knowledge, near, comparator)
        if found.main and found.band is not None:
            what = f"in another condition ({knowledge.populations[name].title.lower()}), {found.band.title}"
            summaries.append(summary(what, synthesise(found.main, question.outcome)))
    entry = knowledge.interventions.get(question.therapy)
    for name in entry.part_of if entry is not None else ():
        found = one_search(knowledge, replace(question, therapy=name), comparator)
        rows = [row for row in found.main if question.therapy not in row.treatments]
        if rows and found.band is not None:
            who = sorted({t for row in rows for t in row.treatments})
            what = f"of the same class ({', '.join(lowered(knowledge, t) for t in who)}), {found.band.title}"
            summaries.append(summary(what, synthesise(rows, question.outcome)))
    return summaries


def published(knowledge: Knowledge, question: Question, comparator: str) -> list[Published]:
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


def course_at(knowledge: Knowledge, question: Question, found: Found) -> CourseAt | None:
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


def assumptions(knowledge: Knowledge, question: Question, pooled: Synthesis | None) -> list[str]:
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
    if (
        question.outcome.harm
        and question.day is not None
        and min(row.day for row in pooled.rows) > question.day
    ):
        told.append("Harms were counted up to the end of treatment, so beyond the day asked about.")
    recalled = sorted({row.trial for row in pooled.rows if row.mark in ("recalled", "recalled-low")})
    if recalled:
        told.append(
            f"Figures of {', '.join(recalled)} are recalled, not read again: check them before relying on them."
        )
    return told
