"""An assessment in sentences, in the order a clinician reads: verdict, urgent things, issues, questions, gaps."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from textwrap import fill as wrap

import click

from eutonia.assessment import Assessment
from eutonia.issues import Issue, PlanAssessment, Question
from eutonia.options import Alternative

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

fill = partial(wrap, break_on_hyphens=False)
"""Rule ids are words with hyphens."""


def as_text(assessment: Assessment, width: int = 100) -> str:
    """The assessment as text with terminal colours; a printer that is no terminal drops them."""
    return "\n".join(_lines(assessment, min(width, 120)))


def _lines(assessment: Assessment, width: int) -> Iterator[str]:
    yield from _heading(assessment)
    for plan in assessment.plans:
        yield from _plan(plan, width, alone=len(assessment.plans) == 1)
    yield from _current(assessment, width)
    yield from _questions(assessment.questions, width)
    yield from _options(assessment.options, width)
    yield from _list("Not seen in the record", assessment.not_seen, width)
    yield from _list("Notes on the record", assessment.warnings, width)
    yield ""
    yield fill(f"{assessment.notice} Knowledge {assessment.knowledge_version}.", width)


def _heading(assessment: Assessment) -> Iterator[str]:
    yield f"{_tag(assessment.verdict, bold=True)}  as of {assessment.as_of}"
    if any(issue.urgent for plan in assessment.plans for issue in plan.issues):
        yield click.style(
            "Same-day referral comes before every other question below.", fg="bright_red", bold=True
        )


def _plan(plan: PlanAssessment, width: int, alone: bool) -> Iterator[str]:
    yield ""
    title = click.style(plan.plan, bold=True)
    yield title if alone else f"{title}: {_tag(plan.verdict)}"
    headlines = [issue for issue in plan.issues if issue.headline]
    if not headlines:
        yield "  Nothing found against it."
    for issue in headlines:
        yield from _issue(issue, width)
    details = [issue.rule for issue in plan.issues if not issue.headline]
    if details:
        yield fill(f"Within these: {', '.join(details)}.", width, initial_indent="  ", subsequent_indent="  ")
    yield from _forecast(plan.forecast.sentences if plan.forecast else (), width)


def _forecast(sentences: Sequence[str], width: int) -> Iterator[str]:
    if sentences:
        yield click.style("  Forecast for this patient", bold=True)
        for sentence in sentences:
            yield fill(sentence, width, initial_indent="    - ", subsequent_indent="      ")


def _current(assessment: Assessment, width: int) -> Iterator[str]:
    """The ways on from a drug in use, and the taper."""
    if assessment.taper is None:
        return
    from eutonia.report.taper_text import brief

    if assessment.current is not None:
        yield ""
        yield click.style("In use already: three ways on", bold=True)
        for way in assessment.current.ways:
            line = f"{way.way}: {' '.join(way.says)}"
            yield fill(line, width, initial_indent="  - ", subsequent_indent="    ")
    yield ""
    yield from brief(assessment.taper, width)


def _options(options: Sequence[Alternative], width: int) -> Iterator[str]:
    if not options:
        return
    yield ""
    yield click.style(
        "What else could be done, in the order of evidence, harm, sedation, dependence", bold=True
    )
    offered = [option for option in options if option.offered]
    always = (
        [title for title in offered[0].ask_for if all(title in o.ask_for for o in offered)] if offered else []
    )
    if always:
        yield f"  Not checked for any of them: {_titles(always)}."
    for option in offered[:OPTIONS_SHOWN]:
        own = [title for title in option.ask_for if title not in always]
        ask = f" Not checked: {_titles(own)}." if own else ""
        care = f" With care: {_titles(w.title for w in option.cautions)}." if option.cautions else ""
        taken = " (taken already)" if option.in_use else ""
        line = f"{option.title}{taken}: {option.evidence['says']} Begins to help: {option.onset}.{care}{ask}"
        yield fill(line, width, initial_indent=f"  {option.rank}. ", subsequent_indent="     ")
    if len(offered) > OPTIONS_SHOWN:
        yield f"  and {len(offered) - OPTIONS_SHOWN} more in --json"
    out = [f"{o.title} [{', '.join(w.rule for w in o.why_not)}]" for o in options if not o.offered]
    if out:
        yield fill(
            f"Not for this patient: {', '.join(out)}.", width, initial_indent="  ", subsequent_indent="  "
        )


def _issue(issue: Issue, width: int) -> Iterator[str]:
    seen = "; ".join(dict.fromkeys(issue.evidence.values()))
    what = f"{issue.title}: {seen}" if seen else issue.title
    label = "urgent-referral" if issue.urgent else issue.severity
    yield f"  {_tag(label)} {fill(f'{what} [{issue.rule}]', width - 4, subsequent_indent='      ')}"
    marks = {source.mark for source in issue.sources} & {"assumed", "recalled"}
    caveat = f" ({' and '.join(sorted(marks))} in part)" if marks else ""
    yield fill(
        f"{issue.say}{caveat} → {issue.do}", width, initial_indent="      ", subsequent_indent="      "
    )


def _titles(titles: Iterable[str]) -> str:
    """Titles within a sentence; what begins with an abbreviation stays as it is."""
    return ", ".join(t if t[1:2].isupper() else t[:1].lower() + t[1:] for t in titles)


def _questions(questions: Sequence[Question], width: int) -> Iterator[str]:
    if not questions:
        return
    yield ""
    yield click.style("Ask, most telling first", bold=True)
    telling = [question for question in questions if question.gravest in TELLING][:QUESTIONS_SHOWN]
    for question in telling:
        settles = f"settles {_count(question.settles)}"
        yield fill(
            f"? {question.text} ({settles}) [{question.ask}]",
            width,
            initial_indent="  ",
            subsequent_indent="    ",
        )
    rest = [question.title for question in questions if question not in telling]
    if rest:
        lead = (
            "Also, for milder rules"
            if telling
            else "Nothing grave hangs on what is not known; for milder rules"
        )
        yield fill(f"{lead}: {_titles(rest)}.", width, initial_indent="  ", subsequent_indent="    ")


def _count(rules: Sequence[str]) -> str:
    return rules[0] if len(rules) == 1 else f"{len(rules)} rules"


def _list(title: str, items: Iterable[str], width: int) -> Iterator[str]:
    items = list(items)
    if items:
        yield ""
        yield click.style(title, bold=True)
        for item in items:
            yield fill(item, width, initial_indent="  - ", subsequent_indent="    ")


def _tag(word: str, bold: bool = False) -> str:
    return click.style(word.upper() if bold else word, fg=COLOURS[word], bold=bold)
