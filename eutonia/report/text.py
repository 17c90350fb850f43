"""An assessment in sentences, in the order a clinician reads: verdict, urgent things, issues, questions, gaps."""

from collections.abc import Iterable, Iterator, Sequence

import click

from eutonia.assessment import Assessment
from eutonia.issues import Issue, PlanAssessment, Question
from eutonia.options import Alternative, unchecked
from eutonia.terminal import bold, listed, wrapped

COLOURS = {
    "urgent-referral": "bright_red",
    "contraindicated": "bright_red",
    "avoid": "red",
    "caution": "yellow",
    "monitor": "cyan",
    "info": "blue",
    "insufficient-data": "magenta",
    "acceptable": "green",
}
QUESTIONS_SHOWN = 8
TELLING = ("contraindicated", "avoid")
"""A question is written out where it settles a rule as grave as these; the others are named in one line."""
OPTIONS_SHOWN = 6


def as_text(assessment: Assessment, width: int = 80) -> str:
    """The assessment as text with terminal colours; a printer that is no terminal drops them."""
    return "\n".join(_lines(assessment, min(width, 120)))


def _lines(assessment: Assessment, width: int) -> Iterator[str]:
    yield from _heading(assessment, width)
    for plan in assessment.plans:
        yield from _plan(plan, width, alone=len(assessment.plans) == 1)
    yield from _current(assessment, width)
    yield from _questions(assessment.questions, width)
    yield from _options(assessment.options, width)
    yield from _list("Not seen in the record", assessment.not_seen, width)
    yield from _list("Notes on the record", assessment.warnings, width)
    yield ""
    yield from wrapped(f"{assessment.notice} Knowledge {assessment.knowledge_version}.", width)


def _heading(assessment: Assessment, width: int) -> Iterator[str]:
    yield f"{_tag(assessment.verdict, bold=True)}  as of {assessment.as_of}"
    yield from wrapped(assessment.patient, width, "Patient: ", "  ")
    if any(issue.urgent for plan in assessment.plans for issue in plan.issues):
        yield click.style(
            "Same-day referral comes before every other question below.", fg="bright_red", bold=True
        )


def _plan(plan: PlanAssessment, width: int, alone: bool) -> Iterator[str]:
    yield ""
    verdict = "" if alone else f": {_tag(plan.verdict)}"
    *above, last = wrapped(plan.plan, width - len(click.unstyle(verdict)))
    yield from map(bold, above)
    yield f"{bold(last)}{verdict}"
    headlines = [issue for issue in plan.issues if issue.headline]
    if not headlines:
        yield "  Nothing found against it."
    for issue in headlines:
        yield from _issue(issue, width)
    details = [issue.rule for issue in plan.issues if not issue.headline]
    if details:
        yield from wrapped(f"Within these: {', '.join(details)}.", width, "  ", "  ")
    yield from _forecast(plan.forecast.sentences if plan.forecast else (), width)


def _forecast(sentences: Sequence[str], width: int) -> Iterator[str]:
    if sentences:
        yield bold("  Forecast for this patient")
        yield from listed(sentences, width, "    - ")


def _current(assessment: Assessment, width: int) -> Iterator[str]:
    """The ways on from a drug in use, and the taper."""
    if assessment.taper is None:
        return
    from eutonia.report.taper_text import brief

    if assessment.current is not None:
        yield ""
        yield bold("In use already: three ways on")
        yield from listed((f"{way.way}: {' '.join(way.says)}" for way in assessment.current.ways), width)
    yield ""
    yield from brief(assessment.taper, width)


def _options(options: Sequence[Alternative], width: int) -> Iterator[str]:
    if not options:
        return
    yield ""
    title = "What else could be done, in the order of evidence, harm, sedation, dependence"
    yield from map(bold, wrapped(title, width))
    offered = [option for option in options if option.offered]
    always = unchecked(options)
    if always:
        yield from wrapped(f"Not checked for any of them: {_titles(always)}.", width, "  ", "  ")
    for option in offered[:OPTIONS_SHOWN]:
        own = [title for title in option.ask_for if title not in always]
        ask = f" Not checked: {_titles(own)}." if own else ""
        care = f" With care: {_titles(w.title for w in option.cautions)}." if option.cautions else ""
        taken = " (taken already)" if option.in_use else ""
        line = f"{option.title}{taken}: {option.evidence['says']} Begins to help: {option.onset}.{care}{ask}"
        yield from wrapped(line, width, f"  {option.rank}. ", "     ")
    if len(offered) > OPTIONS_SHOWN:
        yield f"  and {len(offered) - OPTIONS_SHOWN} more in --json"
    out = [f"{o.title} [{', '.join(w.rule for w in o.why_not)}]" for o in options if not o.offered]
    if out:
        yield from wrapped(f"Not for this patient: {', '.join(out)}.", width, "  ", "  ")


def _issue(issue: Issue, width: int) -> Iterator[str]:
    seen = "; ".join(dict.fromkeys(issue.evidence.values()))
    what = f"{issue.title}: {seen}" if seen else issue.title
    label = "urgent-referral" if issue.urgent else issue.severity
    yield from wrapped(f"{what} [{issue.rule}]", width, f"  {_tag(label)} ", "      ")
    marks = {source.mark for source in issue.sources} & {"assumed", "recalled"}
    caveat = f" ({' and '.join(sorted(marks))} in part)" if marks else ""
    yield from wrapped(f"{issue.say}{caveat} → {issue.do}", width, "      ", "      ")


def _titles(titles: Iterable[str]) -> str:
    """Titles within a sentence; what begins with an abbreviation stays as it is."""
    return ", ".join(t if t[1:2].isupper() else t[:1].lower() + t[1:] for t in titles)


def _questions(questions: Sequence[Question], width: int) -> Iterator[str]:
    if not questions:
        return
    yield ""
    yield bold("Ask, most telling first")
    telling = [question for question in questions if question.gravest in TELLING][:QUESTIONS_SHOWN]
    asked = (f"{q.text} (settles {_count(q.settles)}) [{q.ask}]" for q in telling)
    yield from listed(asked, width, "  ? ")
    rest = [question.title for question in questions if question not in telling]
    if rest:
        lead = (
            "Also, for milder rules"
            if telling
            else "Nothing grave hangs on what is not known; for milder rules"
        )
        yield from wrapped(f"{lead}: {_titles(rest)}.", width, "  ", "    ")


def _count(rules: Sequence[str]) -> str:
    return rules[0] if len(rules) == 1 else f"{len(rules)} rules"


def _list(title: str, items: Iterable[str], width: int) -> Iterator[str]:
    items = list(items)
    if items:
        yield ""
        yield bold(title)
        yield from listed(items, width)


def _tag(word: str, bold: bool = False) -> str:
    return click.style(word.upper() if bold else word, fg=COLOURS[word], bold=bold)
