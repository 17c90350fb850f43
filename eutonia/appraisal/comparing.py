"""`compare`: therapies side by side, factor by factor; a ranking only where trials connect them."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from math import exp

from eutonia.appraisal.answering import DEFAULT_CONFIDENCE, evidence
from eutonia.appraisal.counts import modelled_responders, side_effects
from eutonia.appraisal.models import (
    Best,
    BestFor,
    Comparison,
    Evidence,
    Factor,
    Factors,
    SideEffect,
    Together,
)
from eutonia.appraisal.question import BANDS, Band, Question, ask, intervention, lowered, members, title
from eutonia.appraisal.ranking import rank
from eutonia.appraisal.rows import nearest
from eutonia.appraisal.searching import Found, main_rows, search
from eutonia.appraisal.synthesis import Synthesis, synthesise
from eutonia.appraisal.wording import PROBABLY, interval, number
from eutonia.errors import InputError
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.evidence import Profile, Span, Told, Trial

BENEFITS = ("pain", "disability", "improvement")
"""Outcomes by which a therapy may be shown to help, in the order they are looked at."""

EARLY = BANDS[:2]
LATE = BANDS[3]


def compare(
    *therapies: str | Sequence[str],
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
    given = [name for part in therapies for name in ([part] if isinstance(part, str) else part)]
    names = list(dict.fromkeys(intervention(knowledge, therapy, "therapy") for therapy in given))
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


def _factor(knowledge: Knowledge, told: Told | Span) -> Factor:
    cited = [asdict(citation) for citation in told.sources]
    trials = [{"key": trial, "at": knowledge.trials[trial].title, "mark": "trial"} for trial in told.trials]
    return Factor(say=told.say, sources=[*cited, *trials])


def _harms_say(known: Profile | None, counted: Sequence[SideEffect]) -> str:
    if known is not None:
        return known.harms_say.say
    return "Counted in the trials below." if counted else "Not counted in any trial here: unknown, not none."


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


def _all_shown(knowledge: Knowledge, asked: dict[str, Question], bands: Sequence[Band]) -> dict[str, Shown]:
    """The therapies that were shown to help in one of `bands`."""
    found = {name: _shown_in(knowledge, question, bands) for name, question in asked.items()}
    return {name: shown for name, shown in found.items() if shown is not None}


def _immediate(knowledge: Knowledge, asked: dict[str, Question]) -> BestFor:
    shown = _all_shown(knowledge, asked, EARLY)
    candidates = sorted(shown, key=lambda name: (_dependent(knowledge, name), BANDS.index(shown[name].band)))
    condition = next(iter(asked.values())).condition.title.lower()
    if not candidates:
        return BestFor(
            therapy=None,
            why=f"None of them was shown to help within two weeks in {condition}: for most this was not measured.",
        )
    why = f"{title(knowledge, candidates[0])}: {_shown_says(knowledge, shown[candidates[0]])}."
    if len(candidates) > 1:
        others = ", ".join(lowered(knowledge, name) for name in candidates[1:])
        why += f" Shown too: {others}; one without a risk of dependence comes first, then the earlier."
    known = profile_of(knowledge, candidates[0])
    if known is not None and not known.long_term_use:
        why += f" For short use: {known.long_term.say}"
    return BestFor(therapy=candidates[0], why=why)


def _long_term(knowledge: Knowledge, asked: dict[str, Question]) -> BestFor:
    shown = _all_shown(knowledge, asked, (LATE,))
    candidates = [name for name in shown if _supported(knowledge, name)]
    against = [
        f"{title(knowledge, name)} is not for long-term use ({known.long_term.say})"
        for name in asked
        if (known := profile_of(knowledge, name)) is not None and not known.long_term_use
    ]
    condition = next(iter(asked.values())).condition.title.lower()
    if candidates:
        best = max(candidates, key=lambda name: shown[name].pooled.probability_better)
        why = f"{title(knowledge, best)}: {_shown_says(knowledge, shown[best])}."
        return BestFor(therapy=best, why=" ".join([why, *against]))
    why = f"None of them was shown to help beyond 13 weeks in {condition}: not measured, or no clear difference."
    return BestFor(therapy=None, why=" ".join([why, *against]))


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
