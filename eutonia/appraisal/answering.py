"""`evidence`: a question → the trials that bear on it, their pool, and how sure that is."""

from collections.abc import Mapping
from typing import Any

from eutonia.appraisal import context
from eutonia.appraisal.certainty import appraise, on_scale
from eutonia.appraisal.models import (
    Absolute,
    Asked,
    Certainty,
    Evidence,
    EvidenceRow,
    LeftOut,
)
from eutonia.appraisal.question import Question, ask, members
from eutonia.appraisal.rows import Z95
from eutonia.appraisal.searching import Found, search
from eutonia.appraisal.synthesis import Synthesis, risk_per_100, synthesise
from eutonia.errors import InputError
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.evidence import TrialMark

DEFAULT_CONFIDENCE: TrialMark = "recalled"
"""Figures remembered with low confidence are left out unless asked for."""


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


def _assembled(knowledge: Knowledge, question: Question, found: Found) -> Evidence:
    pooled = synthesise(found.main, question.outcome) if found.main else None
    certainty = _certainty(knowledge, question, found, pooled)
    figures = _figures(pooled) if pooled else {**NO_FIGURES, "measure": question.outcome.measure}
    return Evidence(
        question=_asked(question, found),
        scale=_scale(question, stands_in=bool(pooled and pooled.rows[0].stands_in)),
        **figures,
        certainty=certainty,
        answer=None if pooled else "no-usable-data",
        important_difference=question.outcome.important,
        absolute=_absolute(pooled),
        rows=_rows(pooled) if pooled else [],
        other_methods=context.other_methods(pooled) if pooled else [],
        robustness=context.robustness(pooled) if pooled else None,
        over_time=context.over_time(knowledge, question, found),
        published=context.published(knowledge, question, found.comparator),
        on_top_of_other_treatment=context.backgrounds(knowledge, question, found),
        other_comparators=context.other_comparators(knowledge, question, found),
        by_confidence=context.by_confidence(knowledge, question, found.comparator),
        indirect=[] if pooled else context.indirect(knowledge, question, found.comparator),
        missing=[LeftOut(trial=m.trial, title=m.title, people=m.people, why=m.why) for m in found.missing],
        left_out=[LeftOut(trial=m.trial, title=m.title, people=m.people, why=m.why) for m in found.left_out],
        natural_course=context.course_at(knowledge, question, found),
        assumptions=context.assumptions(knowledge, question, pooled),
        would_change_it=context.would_change(question, found, certainty.reasons),
        say=[],
    )


def _asked(question: Question, found: Found) -> Asked:
    return Asked(
        therapy=question.therapy,
        comparator=found.comparator,
        condition=question.condition.id,
        outcome=question.outcome.id,
        day=question.day,
        window=found.band.title if found.band else None,
        min_confidence=question.min_confidence,
    )


def _certainty(knowledge: Knowledge, question: Question, found: Found, pooled: Synthesis | None) -> Certainty:
    if pooled is None:
        return Certainty(level=None, reasons=[])
    comparators = members(knowledge, found.comparator)
    level, reasons = appraise(
        knowledge, pooled, question.outcome, question.condition.id, found.missing, comparators
    )
    return Certainty(level=level, reasons=reasons)


def _figures(pooled: Synthesis) -> dict[str, Any]:
    """The pooled estimate, on the scale that it is shown on."""
    return {
        "measure": pooled.measure,
        "estimate": on_scale(pooled, pooled.estimate),
        "ci": context.shown(pooled, pooled.ci),
        "prediction_interval": context.shown(pooled, pooled.prediction) if pooled.prediction else None,
        "tau2": pooled.tau2,
        "i2": pooled.i2,
        "trials": pooled.trials,
        "patients": pooled.people,
        "method": pooled.method,
        "probability_better": pooled.probability_better,
        "probability_important": pooled.probability_important,
    }


NO_FIGURES: Mapping[str, Any] = {
    **dict.fromkeys(("estimate", "ci", "prediction_interval", "tau2", "i2", "method")),
    **dict.fromkeys(("probability_better", "probability_important")),
    **dict.fromkeys(("trials", "patients"), 0),
}


def _scale(question: Question, stands_in: bool) -> str:
    if stands_in and question.outcome.measure == "RR":
        return "0-100, positive is more improvement (a rating stands in for the share of people)"
    return question.outcome.scale


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
            ci=context.shown(pooled, (row.effect - Z95 * row.se, row.effect + Z95 * row.se)),
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
