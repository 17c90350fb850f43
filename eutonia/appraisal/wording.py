"""Answers in sentences and in a table for the terminal."""

from collections.abc import Callable, Iterator

from eutonia.appraisal.models import Absolute, Comparison, Evidence, Factor, Factors, Summary
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
            + "; ".join(map(_told, answer.indirect))
            + "."
        )


def _trials(number: int) -> str:
    return f"{number} trial{'s' if number != 1 else ''}"


def _told(part: Summary) -> str:
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
        yield "Other use: " + "; ".join(map(_told, answer.on_top_of_other_treatment)) + "."
    if _different(answer):
        yield "With other demands on the figures: " + "; ".join(map(_told, _different(answer))) + "."
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


def _different(answer: Evidence) -> list[Summary]:
    """How the answer reads where figures must be surer, or may be less sure: only what changes it."""
    told: list[Summary] = []
    seen = {(answer.estimate, answer.trials)}
    for part in answer.by_confidence:
        if (part.estimate, part.trials) not in seen:
            seen.add((part.estimate, part.trials))
            told.append(part.model_copy(update={"what": f"figures {part.what} or surer"}))
    return told


def as_text(answer: Evidence, width: int = 100) -> str:
    """The answer for a terminal: sentences, then the figures behind them, each with its trial."""
    lines = [line for sentence in answer.say for line in _wrapped(sentence, width)]
    lines += _trial_table(answer)
    if answer.certainty.reasons:
        lines += ["", _bold(f"Certainty: {answer.certainty.level}"), *_reasons(answer, width)]
    for head, parts in (
        ("By other methods", answer.other_methods),
        ("Over time", answer.over_time),
        ("Alone or added to other treatment", answer.on_top_of_other_treatment),
        ("Against other comparators", answer.other_comparators),
        ("With surer or less sure figures", _different(answer)),
        ("Indirect, not an answer", answer.indirect),
    ):
        if len(parts) > (head == "Over time"):
            lines += ["", _bold(head), *(f"  {_told(part)}" for part in parts)]
    if answer.published:
        lines += ["", _bold("Published, for comparison")]
        for pool in answer.published:
            told = f"{pool.title}: {pool.printed} ({pool.mark}). {pool.why_ours_differs}"
            lines += _wrapped(told, width, "  - ", "    ")
    for head, trials in (("Known, without a usable result", answer.missing), ("Left out", answer.left_out)):
        if trials:
            lines += ["", _bold(head)]
            lines += [
                f"  {t.trial:<22} {f'{t.people} people' if t.people else '':<12} {t.why}" for t in trials
            ]
    if answer.would_change_it:
        lines += ["", _bold("What would change the answer")]
        lines += [line for told in answer.would_change_it for line in _wrapped(told, width, "  - ", "    ")]
    if answer.assumptions:
        lines += ["", _bold("Assumptions")]
        lines += [line for told in answer.assumptions for line in _wrapped(told, width, "  - ", "    ")]
    lines += ["", "`eutonia why TRIAL` shows a trial as it was reported, with its source."]
    return "\n".join(lines)


def _bold(text: str) -> str:
    import click

    return click.style(text, bold=True)


def _wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    import textwrap

    return textwrap.wrap(text, max(60, width), initial_indent=first, subsequent_indent=rest)


def _trial_table(answer: Evidence) -> list[str]:
    if not answer.rows:
        return []
    ratio = answer.measure == "RR"
    lines = [
        "",
        _bold(
            f"{'Trial':<22} {'Day':>4} {'People':>10}  {'Ratio' if ratio else 'Difference':<24} {'Weight':>6}  Figures"
        ),
    ]
    for row in answer.rows:
        people = f"{row.n[0]} v {row.n[1]}"
        told = f"{number(row.effect, answer.measure)} ({interval(row.ci, answer.measure)})"
        counts = f"; {row.events[0]} v {row.events[1]} events" if row.events else ""
        lines.append(
            f"{row.trial:<22} {row.day:>4} {people:>10}  {told:<24} {row.weight:>4.0f} %  "
            f"{row.mark}{counts}{'; SD imputed' if 'imputed' in row.standard_error_from else ''}"
        )
    lines.append(f"Scale: {answer.scale}. Method: {answer.method}.")
    if answer.robustness is not None:
        low, high = (number(x, answer.measure) for x in (answer.robustness.lowest, answer.robustness.highest))
        lines.append(f"Without one trial at a time the estimate runs from {low} to {high}.")
    return lines


def _reasons(answer: Evidence, width: int) -> list[str]:
    return [
        line
        for r in answer.certainty.reasons
        for line in _wrapped(
            f"{r.step:+d} {r.domain}: {r.why}" if r.step else f" 0 {r.domain}: {r.why}", width, "  ", "     "
        )
    ]


def comparison_text(comparison: Comparison, knowledge: Knowledge, width: int = 100) -> str:
    """A comparison for a terminal: factor by factor, then what is best for what, and what cannot be said."""
    titles = ", ".join(factors.title for factors in comparison.factors.values())
    condition = knowledge.populations[comparison.condition].title.lower()
    lines = [_bold(f"{titles} in {condition}"), ""]
    for head, told in _factor_rows():
        lines.append(_bold(head))
        for factors in comparison.factors.values():
            text = told(factors) or "not known"
            lines += _wrapped(f"{factors.title}: {text}", width, "  ", "    ")
        lines.append("")
    if comparison.ranking is not None:
        lines.append(_bold("Ranking, by pain in one network of trials"))
        lines += [
            f"  {rank.therapy:<24} P-score {rank.p_score:.2f}  {rank.estimate:+.1f} ({interval(rank.ci, 'MD')})"
            for rank in comparison.ranking
        ]
    else:
        lines += [_bold("No ranking"), *_wrapped(comparison.why_no_ranking or "", width, "  ", "  ")]
    for head, text in (
        ("Best for now", comparison.best_for.immediate.why),
        ("Best for the long term", comparison.best_for.long_term.why),
        ("Together", comparison.together.why),
    ):
        lines += ["", _bold(head), *_wrapped(text, width, "  ", "  ")]
    lines += ["", *(line for note in comparison.notes for line in _wrapped(note, width, "- ", "  "))]
    return "\n".join(lines)


def _factor_rows() -> list[tuple[str, Callable[[Factors], str | None]]]:
    def say(factor: Factor | None) -> str | None:
        return factor.say if factor else None

    return [
        ("Type", lambda f: f.type),
        ("Onset of effect", lambda f: say(f.onset)),
        ("Time to meaningful relief", lambda f: say(f.time_to_relief)),
        ("Size of effect on pain", lambda f: f.size_says),
        ("Responders", _responders_text),
        ("Side effects", _harm_text),
        ("Long-term use", lambda f: say(f.long_term)),
        ("Dependence", lambda f: say(f.dependence)),
        ("Schedule", lambda f: say(f.schedule)),
        ("Sessions", lambda f: say(f.sessions)),
        ("After stopping", lambda f: say(f.after_stopping)),
    ]


def _responders_text(factors: Factors) -> str:
    modelled = f" {factors.responders_modelled.say}" if factors.responders_modelled else ""
    return factors.responders.say[0] + modelled


def _harm_text(factors: Factors) -> str:
    told = [
        f"{harm.harm.lower()} {harm.risk_per_100:.0f} against {harm.comparator_per_100:.0f} in 100"
        + (f" (one more in {harm.nnh:.0f})" if harm.nnh else "")
        + f", {harm.dose}"
        for harm in factors.side_effects
    ]
    return factors.side_effects_say + (" " + "; ".join(told) + "." if told else "")
