"""Answers in sentences."""

from collections.abc import Iterator

from eutonia.appraisal.models import Absolute, Evidence, Summary
from eutonia.appraisal.question import BANDS, group, lowered, title
from eutonia.knowledge import Knowledge
from eutonia.knowledge.evidence import Outcome

PROBABLY = 0.95
"""Chance of being better from which that is said, where the interval holds nil."""


def number(value: float, measure: str) -> str:
    return f"{value:.2f}" if measure == "RR" else f"{value:.1f}"


def interval(ci: tuple[float, float], measure: str) -> str:
    return f"{number(ci[0], measure)} to {number(ci[1], measure)}"


def sentences(knowledge: Knowledge, answer: Evidence) -> list[str]:
    """The answer as a clinician would say it: does it work, how sure, when, and beside what would happen anyway."""
    therapy = title(knowledge, answer.question.therapy)
    against = lowered(knowledge, answer.question.comparator)
    condition = knowledge.populations[answer.question.condition].title.lower()
    what = knowledge.outcomes[answer.question.outcome].title.lower()
    if answer.estimate is None or answer.ci is None:
        return list(_nothing(knowledge, answer, against, condition, what))
    return list(_something(knowledge, answer, therapy, against, condition, what))


def _nothing(
    knowledge: Knowledge, answer: Evidence, against: str, condition: str, what: str
) -> Iterator[str]:
    when = f" at {answer.question.window}" if answer.question.window else ""
    therapy = lowered(knowledge, answer.question.therapy)
    yield (
        f"No usable data: no trial found gives a figure for {what} with {therapy} against {against} in "
        f"{condition}{when}."
    )
    if answer.missing:
        yield _missing(answer)
    if answer.over_time:
        yield f"There are data for {', '.join(part.what for part in answer.over_time)}."
    if answer.natural_course is not None:
        n = answer.natural_course
        yield f"Without specific treatment mean pain falls from {n.at_start:.0f} to {n.pain:.0f} of 100 by day {n.day}."
    if answer.indirect:
        yield (
            "Indirect evidence, which does not answer the question: "
            + "; ".join(map(summed_up, answer.indirect))
            + "."
        )


def _trials(number: int) -> str:
    return f"{number} trial{'s' if number != 1 else ''}"


def summed_up(part: Summary) -> str:
    ratio = "ratio " if part.measure == "RR" else ""
    return (
        f"{part.what}: {ratio}{number(part.estimate, part.measure)} ({interval(part.ci, part.measure)}; "
        f"{_trials(part.trials)}, {part.patients} people)"
    )


def _something(
    knowledge: Knowledge, answer: Evidence, therapy: str, against: str, condition: str, what: str
) -> Iterator[str]:
    assert answer.estimate is not None
    assert answer.ci is not None
    background = answer.rows[0].added_to
    added = f", added to {lowered(knowledge, group(knowledge, background))}," if background else ""
    size = "risk ratio" if answer.measure == "RR" else "difference"
    outcome = knowledge.outcomes[answer.question.outcome]
    yield (
        f"{therapy}{added} against {against} in {condition}, {answer.question.window}: "
        f"{_finding(answer, outcome, what)}; {size} {number(answer.estimate, answer.measure)} "
        f"(95 % interval {interval(answer.ci, answer.measure)}), {_trials(answer.trials)}, {answer.patients} people. "
        f"Certainty: {answer.certainty.level}."
    )
    if answer.prediction_interval is not None:
        yield f"A similar new trial would find {interval(answer.prediction_interval, answer.measure)}."
    if not outcome.harm:
        yield from _benefit(answer, outcome)
    if answer.absolute is not None:
        yield _in_100(answer, answer.absolute, outcome)
    if answer.natural_course is not None:
        n = answer.natural_course
        yield (
            f"Without specific treatment mean pain falls from {n.at_start:.0f} to {n.pain:.0f} of 100 by day {n.day} "
            "anyway; the figures above are differences beyond that."
        )
    yield from _doubts(answer)


def _nil(answer: Evidence) -> float:
    return 1.0 if answer.measure == "RR" else 0.0


def _clear(answer: Evidence) -> bool:
    return answer.ci is not None and not answer.ci[0] <= _nil(answer) <= answer.ci[1]


def _finding(answer: Evidence, outcome: Outcome, what: str) -> str:
    """The direction, and whether it is clear, in words."""
    assert answer.estimate is not None
    more = answer.estimate > _nil(answer)
    if _clear(answer) and (outcome.harm or outcome.better == "higher"):
        return f"{'more' if more else 'less'} {what}"
    if _clear(answer):
        return f"worse on {what}" if more else f"better on {what}"
    if not outcome.harm and (answer.probability_better or 0) >= PROBABLY:
        return f"probably better on {what}, though no difference cannot be ruled out"
    return f"no clear difference in {what}"


def _benefit(answer: Evidence, outcome: Outcome) -> Iterator[str]:
    if answer.probability_important is not None:
        yield (
            f"The chance that the average effect is worth having ({outcome.important_says}) is "
            f"{100 * answer.probability_important:.0f} %."
        )
    if answer.over_time:
        yield _when(answer, _nil(answer))


def _in_100(answer: Evidence, risk: Absolute, outcome: Outcome) -> str:
    told = (
        f"In 100 people: {risk.treatment:.0f} with treatment, {risk.comparator:.0f} without, difference "
        f"{risk.difference:+.0f} ({risk.ci[0]:+.0f} to {risk.ci[1]:+.0f})."
    )
    if not _clear(answer) or risk.difference <= 0 or not risk.one_more_in:
        return told
    return f"{told} One more with that {'harm' if outcome.harm else 'benefit'} in {risk.one_more_in:.0f} treated."


def _doubts(answer: Evidence) -> Iterator[str]:
    """What may turn the answer: single trials, other uses, other demands on the figures, results that are missing."""
    if answer.robustness is not None and answer.robustness.changes_the_conclusion:
        yield f"Without {' or '.join(answer.robustness.changes_the_conclusion)} the conclusion changes."
    if answer.on_top_of_other_treatment:
        yield "Other use: " + "; ".join(map(summed_up, answer.on_top_of_other_treatment)) + "."
    if with_other_figures(answer):
        yield (
            "With other demands on the figures: "
            + "; ".join(map(summed_up, with_other_figures(answer)))
            + "."
        )
    if answer.missing:
        yield _missing(answer)


def _missing(answer: Evidence) -> str:
    people = sum(m.people or 0 for m in answer.missing)
    return (
        f"Known to exist, without a usable result: {_trials(len(answer.missing))}, {people} people at least."
    )


def _when(answer: Evidence, nil: float) -> str:
    """How fast: the first window with a clear difference. How long: the last one with data."""
    clear = [part.what for part in answer.over_time if not part.ci[0] <= nil <= part.ci[1]]
    fast = f"A clear difference is first seen in {clear[0]}" if clear else "No time shows a clear difference"
    last = answer.over_time[-1].what
    beyond = "" if last == BANDS[-1].title else ", and beyond that it was not measured"
    return f"{fast}; the data end with {last}{beyond}."


def with_other_figures(answer: Evidence) -> list[Summary]:
    """How the answer reads where figures must be surer, or may be less sure: only what changes it."""
    told: list[Summary] = []
    seen = {(answer.estimate, answer.trials)}
    for part in answer.by_confidence:
        if (part.estimate, part.trials) not in seen:
            seen.add((part.estimate, part.trials))
            told.append(part.model_copy(update={"what": f"figures {part.what} or surer"}))
    return told
