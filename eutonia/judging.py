"""What was found → issues, unknowns, questions and the verdict of each plan item.

An issue belongs to every plan item that its rule is about; what concerns only treatment in use stands apart,
marked as existing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from eutonia.conditions import features_of, rules_by_feature, rules_of_the_forecast, rules_of_the_record
from eutonia.dosing.ordered import as_ordered
from eutonia.features import chart_of, subjects, value_of, with_plan
from eutonia.features.chart import TAKING, Chart
from eutonia.features.taken import Taken, action_of
from eutonia.features.value import Value
from eutonia.formulary import OUTSIDE, UNNAMED
from eutonia.issues import VERDICTS, Issue, PlanAssessment, Question, Reference, Unknown, Verdict
from eutonia.knowledge import SEVERITIES, Knowledge, Severity
from eutonia.knowledge.safety import Rule
from eutonia.patient import Case, PlanItem
from eutonia.rowwise import Finding, check

CURRENT = "current treatment"
CURRENT_ITEM = PlanItem(action="assess", text=CURRENT)


class Judgement(NamedTuple):
    """A case after the rules: its plan items with what was found, and what to ask."""

    chart: Chart
    verdict: Verdict
    plans: list[PlanAssessment]
    questions: list[Question]
    warnings: list[str]
    not_seen: list[str]
    found: Sequence[Finding]
    """What the rules found, of whatever it is about."""


def judge_cases(cases: Iterable[Case], knowledge: Knowledge) -> list[Judgement]:
    """Judge several cases, each by itself."""
    return [judge_chart(chart_of(_with_plan(case), knowledge)) for case in cases]


def _with_plan(case: Case) -> Case:
    return case if case.plan else case.model_copy(update={"plan": (CURRENT_ITEM,)})


def judge_chart(chart: Chart) -> Judgement:
    """Judge a case of which every feature is worked out."""
    row = {name: value.known for name, value in chart.values.items()}
    return _judgement(chart, check(row, rules_of_the_record(chart.knowledge)), chart.knowledge)


class Screened(NamedTuple):
    """One order after the rules, as far as it takes to offer it or not."""

    chart: Chart
    verdict: Verdict
    issues: list[Finding]
    """Rules that apply, gravest first."""
    unknowns: list[Finding]
    """Rules that cannot be told, gravest first."""


class Beside(NamedTuple):
    """A record judged with one plan, to judge it with others beside that."""

    chart: Chart
    row: dict[str, Any]
    found: Mapping[str, Finding]
    """By rule."""

    def under(self, plan: tuple[PlanItem, ...]) -> Beside:
        """The same record with another plan: only rules whose features that changes are judged again."""
        knowledge = self.chart.knowledge
        chart, anew = with_plan(self.chart, plan)
        row = self.row | {name: chart.values[name].known for name in anew}
        changed = [name for name in anew if row[name] != self.row[name]]
        asking = rules_by_feature(knowledge)
        again = {rule for name in changed for rule in asking.get(name, ())}
        found = {rule: each for rule, each in self.found.items() if rule not in again}
        found |= {each.rule.id: each for each in check(row, [knowledge.rules[rule] for rule in again])}
        return Beside(chart, row, found)

    def screen(self, item: PlanItem) -> Screened:
        """An order as if it stood first in the plan."""
        other = self.under((item, *self.chart.case.plan))
        return _screened(other.chart, other.found.values(), self.chart.knowledge)


def beside(judged: Judgement) -> Beside:
    """A case that was judged, to judge its record with other plans."""
    row = {name: value.known for name, value in judged.chart.values.items()}
    return Beside(judged.chart, row, {each.rule.id: each for each in judged.found})


def _screened(chart: Chart, found: Iterable[Finding], knowledge: Knowledge) -> Screened:
    """What was found about the first item of the plan."""
    found = list(found)
    item, parts = chart.plan[0]
    about = [each for each in found if concerns(each.rule, item, parts, knowledge)]
    replaced = {other for each in found if each.applies for other in each.rule.replaces}
    issues = [each for each in about if each.applies]
    unknowns = [each for each in about if each.applies is None]
    return Screened(
        chart,
        _verdict(issues, unknowns, chart, knowledge),
        sorted(issues, key=lambda each: _gravity(each.rule, each.urgent, each.rule.id not in replaced)),
        sorted(unknowns, key=lambda each: (SEVERITIES.index(each.rule.severity), each.rule.id)),
    )


def _judgement(chart: Chart, found: Sequence[Finding], knowledge: Knowledge) -> Judgement:
    sorted_out = _by_item(chart, found, knowledge)
    # A graver issue on one item replaces a milder one that stands with another item or with treatment in use.
    replaced = {other for each in found if each.applies for other in each.rule.replaces}
    plans = [_plan(place, chart, issues, replaced, knowledge) for place, issues in sorted_out.items()]
    return Judgement(
        chart=chart,
        verdict=worst(plan.verdict for plan in plans),
        plans=plans,
        questions=_questions(plans, chart),
        warnings=[*chart.case.warnings, *_notes(chart)],
        not_seen=_not_seen(chart),
        found=found,
    )


def judge_forecast(
    plan: PlanAssessment, chart: Chart, simulated: Mapping[str, float | None], knowledge: Knowledge
) -> PlanAssessment:
    """The plan item with the rules added that ask for simulated quantities (feature → median)."""
    rules = rules_of_the_forecast(knowledge)
    asked = {name for rule in rules for name in features_of(rule)} - simulated.keys()
    row = {name: value_of(name, chart).known for name in asked} | dict(simulated)
    found = check(row, rules)
    values = {name: Value(value) for name, value in simulated.items()}
    issues = [
        *plan.issues,
        *(_issue(e, chart, knowledge, set(), False, values) for e in found if e.applies),
    ]
    return plan.model_copy(update={"issues": _in_order(issues, knowledge)})


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest of several verdicts."""
    return min(verdicts, key=VERDICTS.index, default="acceptable")


def _by_item(chart: Chart, found: Sequence[Finding], knowledge: Knowledge) -> dict[int | None, list[Finding]]:
    """Sort what was found to the plan items that it is about; None holds what is about treatment in use."""
    places: dict[int | None, list[Finding]] = {number: [] for number in range(len(chart.plan))}
    whole = [n for n, (item, _) in enumerate(chart.plan) if item.action == "assess"]
    for each in found:
        about = [
            n for n, (item, parts) in enumerate(chart.plan) if concerns(each.rule, item, parts, knowledge)
        ] or whole
        if about:
            for number in about:
                places[number].append(each)
        elif each.applies:
            places.setdefault(None, []).append(each)
    return places


def concerns(rule: Rule, item: PlanItem, parts: Sequence[Taken], knowledge: Knowledge) -> bool:
    """Whether `rule` is about a plan item: about its treatment, or about every plan.

    A pair that a stop would end is not about the stop.
    """
    named, of_pair = _about(rule, knowledge)
    if not named:
        return True
    if action_of(item) == "stop" and of_pair:
        return False
    return any(part.belongs(named) is not False for part in parts)


def is_about_all(rule: Rule, knowledge: Knowledge) -> bool:
    """Whether `rule` names no treatment, and so is about every plan."""
    return not _about(rule, knowledge)[0]


@cache
def _about(rule: Rule, knowledge: Knowledge) -> tuple[frozenset[str], bool]:
    """Everything that `rule` speaks of, and whether it speaks of taking several things at once."""
    features = [knowledge.features[name] for name in features_of(rule)]
    named = frozenset(name for f in features for group in subjects(f) for name in group)
    return named, any(f.kind in ("together", "count") for f in features)


def _plan(
    place: int | None,
    chart: Chart,
    found: Sequence[Finding],
    replaced: Collection[str],
    knowledge: Knowledge,
) -> PlanAssessment:
    item, parts = chart.plan[place] if place is not None else (CURRENT_ITEM, ())
    applying = [each for each in found if each.applies]
    issues = [_issue(each, chart, knowledge, replaced, existing=place is None) for each in applying]
    unknowns = [_unknown(each.rule, each.ask, knowledge) for each in found if each.applies is None]
    return PlanAssessment(
        plan=as_ordered(item) or CURRENT,
        therapy="+".join(part.treatment for part in parts).removeprefix(OUTSIDE).removeprefix(UNNAMED)
        or None,
        action=action_of(item),
        verdict=_verdict(applying, [each for each in found if each.applies is None], chart, knowledge),
        issues=_in_order(issues, knowledge),
        unknowns=sorted(unknowns, key=lambda u: (SEVERITIES.index(u.severity), u.rule)),
    )


def _issue(
    each: Finding,
    chart: Chart,
    knowledge: Knowledge,
    replaced: Collection[str],
    existing: bool,
    simulated: Mapping[str, Value] = MappingProxyType({}),
) -> Issue:
    rule = each.rule
    values = [(name, simulated.get(name) or chart.values[name]) for name in features_of(rule)]
    because = [(name, v) for name, v in values if v.known is not None and v.known is not False]
    return Issue(
        rule=rule.id,
        title=rule.title,
        severity=rule.severity,
        headline=rule.id not in replaced,
        urgent=each.urgent,
        existing=existing,
        because={name: v.known for name, v in because if v.known is not None},
        evidence={name: v.evidence for name, v in because if v.evidence},
        say=rule.say,
        do=rule.do,
        basis=rule.basis,
        sources=_references(rule),
    )


def _in_order(issues: Iterable[Issue], knowledge: Knowledge) -> list[Issue]:
    """Gravest first; among equals, first what keeps the plan from being called acceptable."""
    return sorted(issues, key=lambda i: _gravity(knowledge.rules[i.rule], i.urgent, i.headline))


def _gravity(rule: Rule, urgent: bool, headline: bool) -> tuple[Any, ...]:
    return not urgent, SEVERITIES.index(rule.severity), not rule.blocks_acceptable, not headline, rule.id


@cache
def _references(rule: Rule) -> list[Reference]:
    return [Reference(key=c.key, at=c.at, mark=c.mark) for c in rule.sources]


@lru_cache(maxsize=4096)
def _unknown(rule: Rule, ask: tuple[str, ...], knowledge: Knowledge) -> Unknown:
    return Unknown(rule=rule.id, title=rule.title, severity=rule.severity, ask=_questions_of(ask, knowledge))


def asked_by(each: Finding, knowledge: Knowledge) -> list[str]:
    """The features to ask for so that a rule can be told."""
    return _questions_of(each.ask, knowledge)


def _questions_of(names: Iterable[str], knowledge: Knowledge) -> list[str]:
    return list(dict.fromkeys(_question_of(name, knowledge) for name in names))


def _question_of(name: str, knowledge: Knowledge) -> str:
    """The feature whose question settles the feature `name`."""
    feature = knowledge.features[name]
    return feature.asks or name


def _verdict(
    issues: Sequence[Finding], unknowns: Sequence[Finding], chart: Chart, knowledge: Knowledge
) -> Verdict:
    if any(issue.urgent for issue in issues):
        return "urgent-referral"
    for severity in ("contraindicated", "avoid", "caution"):
        if any(issue.rule.severity == severity for issue in issues):
            return severity
    blocked = any(issue.rule.blocks_acceptable for issue in issues)
    suspect = {_question_of(name, knowledge) for name in chart.suspect}
    needed = suspect and any(suspect & set(asked_by(unknown, knowledge)) for unknown in unknowns)
    impossible = any(taken.suspect and taken.action in TAKING for taken in chart.planned)
    return "insufficient-data" if blocked or needed or impossible else "acceptable"


def _questions(plans: Sequence[PlanAssessment], chart: Chart) -> list[Question]:
    """Each question once, those that settle the gravest rules first."""
    settles: dict[str, dict[str, Severity]] = {}
    for unknown in (u for plan in plans for u in plan.unknowns):
        for ask in unknown.ask:
            settles.setdefault(ask, {})[unknown.rule] = unknown.severity
    ranked = sorted(settles.items(), key=lambda pair: (_weights(pair[1].values()), pair[0]))
    return [
        Question(
            ask=ask,
            title=chart.knowledge.features[ask].title,
            text=_question_text(ask, chart),
            settles=sorted(rules),
            gravest=min(rules.values(), key=SEVERITIES.index),
        )
        for ask, rules in ranked
    ]


def _weights(severities: Iterable[Severity]) -> list[int]:
    """How many rules of each severity, gravest first, as a sort key: more and graver come first."""
    counted = list(severities)
    return [-counted.count(severity) for severity in SEVERITIES]


def _question_text(ask: str, chart: Chart) -> str:
    text = chart.knowledge.features[ask].ask
    if ask == "medications" and chart.unrecognised:
        named = ", ".join(f"“{name}”" for name in chart.unrecognised)
        return f"What is in {named}?" if chart.list_known else f"{text} And what is in {named}?"
    return text


def _notes(chart: Chart) -> list[str]:
    from eutonia.formulary import class_called, suggest

    notes = []
    for name in chart.unrecognised:
        group = class_called(name, chart.knowledge)
        if group is not None:
            title = chart.knowledge.classes[group].title
            notes.append(f"“{name}” names a class, not a drug. It is counted as one of: {title}.")
            continue
        close = suggest(name, chart.knowledge)
        notes.append(f"Not recognised: “{name}”." + (f" Did you mean {close}?" if close else ""))
    notes += [
        f"Code and text name different drugs: {entry}. Rules about either are applied."
        for entry in chart.contradictory
    ]
    return notes + [f"Set aside: {written}" for written in (*chart.suspect.values(), *chart.wrong_amounts)]


def _not_seen(chart: Chart) -> list[str]:
    case = chart.case
    parts = {
        "medications": case.medications,
        "conditions": case.conditions,
        "allergies": case.allergies if not case.no_known_allergies else (),
        "labs": case.labs,
        "observations": case.observations,
    }
    missing = [name for name, part in parts.items() if part is None]
    return list(dict.fromkeys([*case.not_seen, *missing]))
