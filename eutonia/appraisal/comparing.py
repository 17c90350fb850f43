"""`compare`: therapies side by side, factor by factor; a ranking only where trials connect them."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from math import exp, sqrt

import numpy as np
from scipy.stats import norm

from eutonia.appraisal.answering import (
    DEFAULT_CONFIDENCE,
    Found,
    bears_on,
    chosen_band,
    evidence,
    main_rows,
    search,
)  # fmt: skip
from eutonia.appraisal.models import (
    Best,
    BestFor,
    Comparison,
    Evidence,
    EvidenceRow,
    Factor,
    Factors,
    Modelled,
    Rank,
    SideEffect,
    Together,
)  # fmt: skip
from eutonia.appraisal.question import BANDS, Band, Question, ask, intervention, lowered, members, title
from eutonia.appraisal.rows import Row, Sides, UsualSd, nearest, rows_of
from eutonia.appraisal.synthesis import Synthesis, synthesise
from eutonia.appraisal.wording import PROBABLY, interval, number
from eutonia.errors import InputError
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.evidence import Profile, Span, Told, Trial
from eutonia.meta import components, log_risk_ratio, network

BENEFITS = ("pain", "disability", "improvement")
"""Outcomes by which a therapy may be shown to help, in the order they are looked at."""

EARLY = BANDS[:2]
LATE = BANDS[3]


def compare(
    *therapies: str,
    condition: str,
    horizon: str | int | None = None,
    min_confidence: str = DEFAULT_CONFIDENCE,
    knowledge: Knowledge | None = None,
) -> Comparison:
    """Set therapies side by side for `condition`: type, speed, size of relief, harms, long-term use, dependence.

    `horizon` (such as “2 weeks”) picks the time window. Raises InputError for fewer than two therapies and for names
    that are not known.
    """
    knowledge = knowledge or load()
    names = list(dict.fromkeys(intervention(knowledge, therapy, "therapy") for therapy in therapies))
    if len(names) < 2:
        raise InputError("A comparison needs at least two different therapies.")
    day = None if horizon is None else _days(horizon)
    asked = {name: ask(knowledge, name, None, condition, "pain", day, min_confidence) for name in names}
    first = asked[names[0]]
    ranking, why_not = rank(knowledge, names, first)
    return Comparison(
        condition=first.condition.id,
        horizon=None if horizon is None else str(horizon),
        factors={name: _factors(knowledge, asked[name]) for name in names},
        ranking=ranking,
        why_no_ranking=why_not,
        best_for=Best(immediate=_immediate(knowledge, asked), long_term=_long_term(knowledge, asked)),
        together=_together(knowledge, names),
        notes=_notes(knowledge, names, first),
    )


def _days(horizon: str | int) -> int:
    found = re.fullmatch(r"\s*(\d+)\s*(d|days?|w|weeks?|months?|years?)?\s*", str(horizon), re.IGNORECASE)
    if not found or int(found[1]) < 1:
        raise InputError(
            f"Cannot read the horizon “{horizon}”. Write it as “10 days”, “6 weeks” or “3 months”."
        )
    unit = (found[2] or "d")[0].lower()
    return int(found[1]) * {"d": 1, "w": 7, "m": 30, "y": 365}[unit]


def profile_of(knowledge: Knowledge, name: str) -> Profile | None:
    """The profile of a therapy, or of the class it belongs to."""
    if name in knowledge.profiles:
        return knowledge.profiles[name]
    entry = knowledge.interventions.get(name)
    return next((p for part in (entry.part_of if entry else ()) if (p := profile_of(knowledge, part))), None)


def _factors(knowledge: Knowledge, question: Question) -> Factors:
    known = profile_of(knowledge, question.therapy)

    def told(name: str) -> Factor | None:
        return None if known is None else _factor(knowledge, getattr(known, name))

    def answer(outcome: str) -> Evidence:
        return evidence(
            question.therapy, condition=question.condition.id, outcome=outcome, day=question.day,
            min_confidence=question.min_confidence, knowledge=knowledge,
        )  # fmt: skip

    effect = answer("pain")
    counted = side_effects(knowledge, question)
    return Factors(
        title=title(knowledge, question.therapy),
        type=known.type if known else None,
        onset=told("onset"),
        time_to_relief=told("relief"),
        effect=effect,
        responders=answer("improvement"),
        responders_modelled=modelled_responders(knowledge, question, effect),
        size_says=effect.say[0],
        side_effects=counted,
        side_effects_say=_harms_say(known, counted),
        long_term=told("long_term"),
        dependence=told("dependence"),
        schedule=told("schedule"),
        sessions=told("sessions"),
        after_stopping=told("after_stopping"),
    )


def modelled_responders(knowledge: Knowledge, question: Question, effect: Evidence) -> Modelled | None:
    """Share of people whose pain falls by the least that one person notices, from trials that print mean changes.

    Changes are taken as normal in each arm; None where no trial of the answer prints them.
    """
    fall = question.outcome.within_person
    if fall is None or effect.measure != "MD":
        return None
    shares: dict[str, tuple[float, float, int]] = {}
    for row in effect.rows:
        trial = knowledge.trials[row.trial]
        one, two = (_share(trial, set(names), row, fall) for names in (row.treatments, row.comparators))
        if one is not None and two is not None:
            shares[row.trial] = (one, two, sum(row.n))
    if not shares:
        return None
    people = sum(n for _, _, n in shares.values())
    with_it, without = (sum(share[i] * share[2] for share in shares.values()) / people for i in (0, 1))
    return Modelled(
        treatment_per_100=100 * with_it,
        comparator_per_100=100 * without,
        fall=fall,
        trials=list(shares),
        say=(
            f"Worked out from mean changes ({', '.join(shares)}), not counted: {100 * with_it:.0f} against "
            f"{100 * without:.0f} in 100 have at least {fall:g} of 100 less pain."
        ),
    )


def _share(trial: Trial, treatments: set[str], row: EvidenceRow, fall: float) -> float | None:
    """Share of the arms with `treatments` whose score falls by `fall` or more."""
    found = []
    for result in trial.results:
        if (
            trial.arms[result.arm].treatment in treatments
            and (result.outcome, result.day) == (row.outcome, row.day)
            and result.kind in ("change", "improvement")
            and result.mean is not None
            and result.sd
            and result.scale
            and result.n
        ):
            width = (result.scale[1] - result.scale[0]) / 100
            lessened = (result.mean if result.kind == "improvement" else -result.mean) / width
            found.append((float(norm.cdf((lessened - fall) * width / result.sd)), result.n))
    people = sum(n for _, n in found)
    return sum(share * n for share, n in found) / people if people else None


def _factor(knowledge: Knowledge, told: Told | Span) -> Factor:
    cited = [asdict(citation) for citation in told.sources]
    trials = [{"key": trial, "at": knowledge.trials[trial].title, "mark": "trial"} for trial in told.trials]
    return Factor(say=told.say, sources=[*cited, *trials])


def _harms_say(known: Profile | None, counted: Sequence[SideEffect]) -> str:
    if known is not None:
        return known.harms_say.say
    return "Counted in the trials below." if counted else "Not counted in any trial here: unknown, not none."


def side_effects(knowledge: Knowledge, question: Question) -> list[SideEffect]:
    """Harms that trials of the therapy counted, in any condition, for each dose against the trial's own control."""
    mine = members(knowledge, question.therapy)
    found = []
    for trial in knowledge.trials.values():
        if trial.design == "not-randomised":
            continue
        for outcome in knowledge.outcomes.values():
            if outcome.harm:
                found += _counted(knowledge, trial, mine, outcome.trial_outcomes, outcome.title, question)
    return sorted(found, key=lambda harm: (harm.harm, harm.trial, harm.dose))


def _counted(
    knowledge: Knowledge,
    trial: Trial,
    mine: frozenset[str],
    names: Sequence[str],
    harm: str,
    question: Question,
) -> list[SideEffect]:
    counts = [
        (trial.arms[r.arm], r)
        for r in trial.results
        if r.outcome in names and r.events is not None and r.n and r.mark in question.marks
    ]
    controls = [(arm, r) for arm, r in counts if knowledge.interventions[arm.treatment].kind == "control"]
    found = []
    for arm, result in counts:
        control = next(
            (c for c in controls if c[1].day == result.day and c[0].added_to == arm.added_to), None
        )
        if arm.treatment not in mine or control is None or result.n is None or result.events is None:
            continue
        other = control[1]
        if other.n is None or other.events is None:
            continue
        risk, base = result.events / result.n, other.events / other.n
        ratio = ci = None
        if result.events + other.events > 0:
            y, v = log_risk_ratio([result.events], [result.n], [other.events], [other.n])
            se = sqrt(float(v[0]))
            ratio = exp(float(y[0]))
            ci = (exp(float(y[0]) - 1.959964 * se), exp(float(y[0]) + 1.959964 * se))
        added = f" with {lowered(knowledge, arm.added_to)}" if arm.added_to else ""
        found.append(
            SideEffect(
                harm=harm,
                dose=", ".join(filter(None, (title(knowledge, arm.treatment), arm.form, arm.dose))) + added,
                risk_per_100=100 * risk,
                comparator_per_100=100 * base,
                ratio=ratio,
                ci=ci,
                nnh=1 / (risk - base) if ci is not None and ci[0] > 1 else None,
                against=title(knowledge, control[0].treatment) + added,
                trial=trial.id,
                mark=result.mark,
            )
        )
    return found


@dataclass(frozen=True)
class Shown:
    """A window in which a therapy was shown to help, and by what."""

    outcome: str
    band: Band
    found: Found
    pooled: Synthesis


def _shown_in(knowledge: Knowledge, question: Question, bands: Sequence[Band]) -> Shown | None:
    """The first of `bands` in which the therapy is probably better than its comparator, by some outcome."""
    for name in BENEFITS:
        about = replace(question, outcome=knowledge.outcomes[name], day=None)
        found = search(knowledge, about)
        for band in bands:
            rows = main_rows(knowledge, nearest(found.every, band, None))
            pooled = synthesise(rows, about.outcome) if rows else None
            if pooled is not None and pooled.probability_better >= PROBABLY:
                return Shown(name, band, found, pooled)
    return None


def _immediate(knowledge: Knowledge, asked: dict[str, Question]) -> BestFor:
    shown = {name: _shown_in(knowledge, question, EARLY) for name, question in asked.items()}
    order = {band.id: i for i, band in enumerate(BANDS)}
    candidates = sorted(
        (name for name, found in shown.items() if found is not None),
        key=lambda name: (_dependent(knowledge, name), order[shown[name].band.id]),  # type: ignore[union-attr]
    )
    condition = next(iter(asked.values())).condition.title.lower()
    if not candidates:
        return BestFor(
            therapy=None,
            why=f"None of them was shown to help within two weeks in {condition}: for most this was not measured.",
        )
    best = shown[candidates[0]]
    assert best is not None
    why = f"{title(knowledge, candidates[0])}: {_shown_says(knowledge, best)}."
    if len(candidates) > 1:
        others = ", ".join(lowered(knowledge, name) for name in candidates[1:])
        why += (
            f" So was {others}; of those the one without a risk of dependence comes first, then the earlier."
        )
    known = profile_of(knowledge, candidates[0])
    if known is not None and not known.long_term_use:
        why += f" For short use: {known.long_term.say}"
    return BestFor(therapy=candidates[0], why=why)


def _long_term(knowledge: Knowledge, asked: dict[str, Question]) -> BestFor:
    shown = {name: _shown_in(knowledge, question, (LATE,)) for name, question in asked.items()}
    candidates = [name for name, found in shown.items() if found is not None and _supported(knowledge, name)]
    against = [
        f"{lowered(knowledge, name)} is not for long-term use ({known.long_term.say})"
        for name in asked
        if (known := profile_of(knowledge, name)) is not None and not known.long_term_use
    ]
    condition = next(iter(asked.values())).condition.title.lower()
    if candidates:
        best = max(candidates, key=lambda name: shown[name].pooled.probability_better)  # type: ignore[union-attr]
        chosen = shown[best]
        assert chosen is not None
        why = f"{title(knowledge, best)}: {_shown_says(knowledge, chosen)}."
        return BestFor(therapy=best, why=" ".join([why, *(f"{_capital(a)}." for a in against)]))
    why = f"None of them was shown to help beyond 13 weeks in {condition}: not measured, or no clear difference."
    return BestFor(therapy=None, why=" ".join([why, *(f"{_capital(a)}" for a in against)]))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _supported(knowledge: Knowledge, name: str) -> bool:
    known = profile_of(knowledge, name)
    return known is None or known.long_term_use


def _dependent(knowledge: Knowledge, name: str) -> bool:
    known = profile_of(knowledge, name)
    return known is not None and known.dependent


def _shown_says(knowledge: Knowledge, shown: Shown) -> str:
    pooled = shown.pooled
    value = exp(pooled.estimate) if pooled.measure == "RR" else pooled.estimate
    ci = (exp(pooled.ci[0]), exp(pooled.ci[1])) if pooled.measure == "RR" else pooled.ci
    stands_in = ", by a rating that stands in for it" if pooled.rows[0].stands_in else ""
    return (
        f"probably better than {lowered(knowledge, shown.found.comparator)} in {shown.band.title} "
        f"({knowledge.outcomes[shown.outcome].title.lower()}{stands_in}: {number(value, pooled.measure)}, "
        f"{interval(ci, pooled.measure)}; {pooled.trials} trial{'s' if pooled.trials != 1 else ''})"
    )


def _together(knowledge: Knowledge, names: Sequence[str]) -> Together:
    against, care, unknown = [], [], False
    for one, two in combinations(names, 2):
        for a, b in ((one, two), (two, one)):
            known = profile_of(knowledge, a)
            unknown = unknown or known is None
            for other, why in (known.not_with if known else {}).items():
                if b in members(knowledge, other):
                    against.append(why)
            for other, why in (known.with_care if known else {}).items():
                if b in members(knowledge, other):
                    care.append(why)
    trials = sorted(t.id for t in knowledge.trials.values() if _combines(knowledge, t, names))
    tested = (
        f"Trials tested them together: {', '.join(trials)}."
        if trials
        else "No trial here tested them together."
    )
    if against:
        return Together(may=False, why=" ".join([*dict.fromkeys(against), tested]), trials=trials)
    if unknown:
        return Together(may=None, why=f"Not enough is known of one of them. {tested}", trials=trials)
    nothing = "Nothing here speaks against using them together."
    return Together(may=True, why=" ".join([nothing, *dict.fromkeys(care), tested]), trials=trials)


def _combines(knowledge: Knowledge, trial: Trial, names: Sequence[str]) -> bool:
    """Whether an arm received one of the therapies on top of another of them."""
    for one in names:
        for two in names:
            mine, other = members(knowledge, one), members(knowledge, two)
            if one != two and any(a.treatment in mine and a.added_to in other for a in trial.arms.values()):
                return True
    return False


def _notes(knowledge: Knowledge, names: Sequence[str], first: Question) -> list[str]:
    notes = []
    for one, two in combinations(names, 2):
        tested = sorted(
            t.id
            for t in knowledge.trials.values()
            if {a.treatment for a in t.arms.values()} & members(knowledge, one)
            and {a.treatment for a in t.arms.values()} & members(knowledge, two)
        )
        pair = f"{title(knowledge, one)} and {lowered(knowledge, two)}"
        if tested:
            direct = evidence(
                one, two, condition=first.condition.id, day=first.day, min_confidence=first.min_confidence,
                knowledge=knowledge,
            )  # fmt: skip
            notes.append(f"{pair} were compared directly in {', '.join(tested)}. {direct.say[0]}")
        else:
            both = f"{lowered(knowledge, one)} with {lowered(knowledge, two)}"
            notes.append(f"No trial found compares {both} directly.")
    notes.append(
        "Onset is when the treatment begins to act; time to relief is when people in a trial had relief that matters. "
        "Much of the relief that people see would have come without treatment."
    )
    return notes


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
    scores = {
        name: float(
            np.mean(
                [
                    norm.cdf(-(d := fitted.difference(name, other)).estimate / d.se)
                    for other in names
                    if other != name
                ]
            )
        )
        for name in names
    }
    ranks = [
        Rank(
            therapy=name,
            estimate=effects[name].estimate if name in effects else 0.0,
            ci=effects[name].ci if name in effects else (0.0, 0.0),
            p_score=scores[name],
        )
        for name in names
    ]
    return sorted(ranks, key=lambda r: -r.p_score), None


def _edges(knowledge: Knowledge, question: Question, names: Sequence[str]) -> list[dict[str, object]]:
    """Contrasts of all trials of the condition in one window, each against one arm of its trial."""
    usual_sd = UsualSd(knowledge)
    rows: dict[str, list[tuple[str, str, Row]]] = {}
    for trial in knowledge.trials.values():
        if not bears_on(knowledge, trial, question.condition.id) or trial.design not in ("randomised",):
            continue
        if trial.same_people_as:
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
                + _elsewhere(knowledge, name, question)
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
