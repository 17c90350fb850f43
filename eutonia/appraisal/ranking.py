"""Rank therapies only where one network of trials connects them; else say why not."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eutonia.appraisal.models import Rank
from eutonia.appraisal.question import Question, lowered, members, title
from eutonia.appraisal.rows import Row, Sides, UsualSd, nearest, rows_of
from eutonia.appraisal.searching import bears_on, chosen_band, search
from eutonia.knowledge import Knowledge
from eutonia.knowledge.evidence import Trial
from eutonia.meta import components, network
from eutonia.meta.distributions import norm
from eutonia.meta.network import Network


def rank(
    knowledge: Knowledge, names: Sequence[str], question: Question
) -> tuple[list[Rank] | None, str | None]:
    """Rank therapies by pain where one network of trials connects them; else say why not."""
    # Unlike outcomes are not joined in one network: no stand-ins.
    question = replace(question, outcome=replace(question.outcome, instead=()))
    edges = _edges(knowledge, question, names)
    parts = components(edges) if edges else []
    inside = [part for part in parts if set(names) <= set(part)]
    if not inside:
        return None, _why_not(knowledge, names, question, parts, edges)
    part = set(inside[0])
    fitted = network([edge for edge in edges if edge["treat1"] in part], reference=names[0])
    effects = {name: fitted.difference(name, names[0]) for name in names[1:]}
    ranks = [
        Rank(
            therapy=name,
            estimate=effects[name].estimate if name in effects else 0.0,
            ci=effects[name].ci if name in effects else (0.0, 0.0),
            p_score=_p_score(fitted, name, names),
        )
        for name in names
    ]
    return sorted(ranks, key=lambda r: -r.p_score), None


def _p_score(fitted: Network, name: str, names: Sequence[str]) -> float:
    """How surely a therapy relieves more than each other one, on average (Rücker 2015)."""
    differences = [fitted.difference(name, other) for other in names if other != name]
    return float(np.mean([norm.cdf(-d.estimate / d.se) for d in differences]))


def _edges(knowledge: Knowledge, question: Question, names: Sequence[str]) -> list[dict[str, object]]:
    """Contrasts of all trials of the condition in one window, each against one arm of its trial."""
    usual_sd = UsualSd(knowledge)
    rows: dict[str, list[tuple[str, str, Row]]] = {}
    for trial in knowledge.trials.values():
        if (
            not bears_on(knowledge, trial, question.condition.id)
            or trial.design != "randomised"
            or trial.same_people_as
        ):
            continue
        rows[trial.id] = _star(knowledge, trial, question, usual_sd)
    every = [row for star in rows.values() for _, _, row in star]
    band = chosen_band(every, question.day, acute=bool(question.condition.acute))
    edges: list[dict[str, object]] = []
    for trial_id, star in rows.items():
        for one, two, _ in star:
            kept = (
                nearest([row for a, b, row in star if (a, b) == (one, two)], band, question.day)
                if band
                else []
            )
            if kept and not any(
                e["study"] == trial_id and {e["treat1"], e["treat2"]} == {one, two} for e in edges
            ):
                edges.append(
                    {
                        "study": trial_id,
                        "treat1": one,
                        "treat2": two,
                        "effect": kept[0].effect,
                        "se": kept[0].se,
                    }
                )
    return edges


def _star(
    knowledge: Knowledge, trial: Trial, question: Question, usual_sd: UsualSd
) -> list[tuple[str, str, Row]]:
    """Rows of every treatment of a trial against the arm that most of them can be compared with."""
    treatments = list(
        dict.fromkeys(
            [a.treatment for a in trial.arms.values()]
            + [n for c in trial.contrasts for n in (c.treatment, c.comparator)]
        )
    )
    treatments.sort(key=lambda name: knowledge.interventions[name].kind != "control")
    best: list[tuple[str, str, Row]] = []
    for base in treatments:
        if knowledge.interventions[base].mixed:
            continue
        star = [
            (_node(name, row), _node(base, row), row)
            for name in treatments
            if name != base and not knowledge.interventions[name].mixed
            for row in rows_of(trial, Sides({name}, {base}), question.outcome, question.marks, usual_sd)
        ]
        if len({one for one, _, _ in star}) > len({one for one, _, _ in best}):
            best = star
    return best


def _node(name: str, row: Row) -> str:
    return f"{name} with {row.added_to}" if row.added_to else name


def _why_not(
    knowledge: Knowledge,
    names: Sequence[str],
    question: Question,
    parts: Sequence[Sequence[str]],
    edges: Sequence[dict[str, object]],
) -> str:
    told = []
    for name in names:
        home = next((part for part in parts if name in part), None)
        if home is None:
            told.append(
                f"{title(knowledge, name)}: no usable pain figures in {question.condition.title.lower()}"
                + (_stand_ins(knowledge, name, question) or _elsewhere(knowledge, name, question))
            )
            continue
        against = sorted(
            {
                str(e["treat2"]) if e["treat1"] == name else str(e["treat1"])
                for e in edges
                if name in (e["treat1"], e["treat2"])
            }
        )
        told.append(
            f"{title(knowledge, name)}: compared with {', '.join(lowered(knowledge, a) for a in against)}"
        )
    return (
        "Trials do not connect them, so any ranking would compare different controls, people or times as if they were "
        "one. " + "; ".join(told) + ". What each did against its own control stands under its effect."
    )


def _stand_ins(knowledge: Knowledge, name: str, question: Question) -> str:
    """Whether the therapy has ratings of another kind, which are not joined with pain in one network."""
    full = replace(question, therapy=name, outcome=knowledge.outcomes[question.outcome.id])
    found = search(knowledge, full)
    if not found.main or not found.main[0].stands_in:
        return ""
    kind = found.main[0].outcome.replace("-", " ")
    return f", only another rating ({kind}), against {lowered(knowledge, found.comparator)}"


def _elsewhere(knowledge: Knowledge, name: str, question: Question) -> str:
    """Where a therapy was tested instead, and against what."""
    mine = members(knowledge, name)
    places: dict[str, set[str]] = {}
    for trial in knowledge.trials.values():
        arms = {a.treatment for a in trial.arms.values()}
        if arms & mine:
            others = [lowered(knowledge, a) for a in sorted(arms - mine)]
            places.setdefault(knowledge.populations[trial.population].title.lower(), set()).update(others)
    places.pop(question.condition.title.lower(), None)
    if not places:
        return ""
    return (
        " (tested in "
        + "; ".join(f"{where}, against {', '.join(sorted(what))}" for where, what in sorted(places.items()))
        + ")"
    )
