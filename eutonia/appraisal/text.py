"""Answers about evidence as text for a terminal: sentences, then the figures behind them."""

from collections.abc import Callable

from eutonia.appraisal.models import Comparison, Evidence, EvidenceRow, Factor, Factors
from eutonia.appraisal.wording import interval, number, summed_up, with_other_figures
from eutonia.knowledge import Knowledge
from eutonia.terminal import bold, listed, table, wrapped


def as_text(answer: Evidence, width: int = 80) -> str:
    """The answer for a terminal: sentences, then the figures behind them, each with its trial."""
    lines = [line for sentence in answer.say for line in wrapped(sentence, width)]
    lines += _trials(answer, width)
    if answer.certainty.reasons:
        lines += ["", bold(f"Certainty: {answer.certainty.level}"), *_reasons(answer, width)]
    for head, parts in (
        ("By other methods", answer.other_methods),
        ("Over time", answer.over_time),
        ("Alone or added to other treatment", answer.on_top_of_other_treatment),
        ("Against other comparators", answer.other_comparators),
        ("With surer or less sure figures", with_other_figures(answer)),
        ("Indirect, not an answer", answer.indirect),
    ):
        if len(parts) > (head == "Over time"):
            lines += ["", bold(head), *listed(map(summed_up, parts), width, "  ")]
    if answer.published:
        pools = (f"{p.title}: {p.printed} ({p.mark}). {p.why_ours_differs}" for p in answer.published)
        lines += ["", bold("Published, for comparison"), *listed(pools, width)]
    for head, trials in (("Known, without a usable result", answer.missing), ("Left out", answer.left_out)):
        if trials:
            rows = [(t.trial, f"{t.people} people" if t.people else "", t.why) for t in trials]
            lines += ["", bold(head), *table(rows, "<<<", width, "  ")]
    if answer.would_change_it:
        lines += ["", bold("What would change the answer"), *listed(answer.would_change_it, width)]
    if answer.assumptions:
        lines += ["", bold("Assumptions"), *listed(answer.assumptions, width)]
    end = "`eutonia why TRIAL` shows a trial as it was reported, with its source."
    lines += ["", *wrapped(end, width)]
    return "\n".join(lines)


def _trials(answer: Evidence, width: int) -> list[str]:
    """Each trial with its effect and weight, then how they were pooled."""
    if not answer.rows:
        return []
    effect = "Ratio" if answer.measure == "RR" else "Difference"
    rows = [("Trial", "Day", "People", effect, "Weight", "Figures")]
    rows += [
        (
            row.trial,
            f"{row.day}",
            f"{row.n[0]} v {row.n[1]}",
            f"{number(row.effect, answer.measure)} ({interval(row.ci, answer.measure)})",
            f"{row.weight:.0f} %",
            _figures(row),
        )
        for row in answer.rows
    ]
    head, *body = table(rows, "<>><><", width)
    lines = ["", bold(head), *body, *wrapped(f"Scale: {answer.scale}. Method: {answer.method}.", width)]
    if answer.robustness is not None:
        low, high = (number(x, answer.measure) for x in (answer.robustness.lowest, answer.robustness.highest))
        lines += wrapped(f"Without one trial at a time the estimate runs from {low} to {high}.", width)
    return lines


def _figures(row: EvidenceRow) -> str:
    """How sure the figures of a trial are, and what they were made from."""
    counts = f"; {row.events[0]} v {row.events[1]} events" if row.events else ""
    return f"{row.mark}{counts}{'; SD imputed' if 'imputed' in row.standard_error_from else ''}"


def _reasons(answer: Evidence, width: int) -> list[str]:
    return [
        line
        for r in answer.certainty.reasons
        for line in wrapped(
            f"{r.step:+d} {r.domain}: {r.why}" if r.step else f" 0 {r.domain}: {r.why}", width, "  ", "     "
        )
    ]


def comparison_text(comparison: Comparison, knowledge: Knowledge, width: int = 80) -> str:
    """A comparison for a terminal: factor by factor, then what is best for what, and what cannot be said."""
    titles = ", ".join(factors.title for factors in comparison.factors.values())
    condition = knowledge.populations[comparison.condition].title.lower()
    lines = [*map(bold, wrapped(f"{titles} in {condition}", width)), ""]
    for head, told in _factor_rows():
        lines.append(bold(head))
        for factors in comparison.factors.values():
            text = told(factors) or "not known"
            lines += wrapped(f"{factors.title}: {text}", width, "  ", "    ")
        lines.append("")
    if comparison.ranking is not None:
        lines.append(bold("Ranking, by pain in one network of trials"))
        lines += table(
            [
                (r.therapy, f"P-score {r.p_score:.2f}", f"{r.estimate:+.1f} ({interval(r.ci, 'MD')})")
                for r in comparison.ranking
            ],
            "<<<",
            width,
            "  ",
        )
    else:
        lines += [bold("No ranking"), *wrapped(comparison.why_no_ranking or "", width, "  ", "  ")]
    for head, text in (
        ("Best for now", comparison.best_for.immediate.why),
        ("Best for the long term", comparison.best_for.long_term.why),
        ("Together", comparison.together.why),
    ):
        lines += ["", bold(head), *wrapped(text, width, "  ", "  ")]
    lines += ["", *listed(comparison.notes, width, "- ")]
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
