"""The schedule made to measure: searched with a few virtual patients, judged with many, set beside those in print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from eutonia.errors import InputError
from eutonia.knowledge.tapers import Schedule, Search
from eutonia.summaries import Spread
from eutonia.tapering import published
from eutonia.tapering.laying_out import days_and_steps, visits
from eutonia.tapering.models import Alternative, Made, Predicted, Step, Taper
from eutonia.tapering.predicting import continuing
from eutonia.tapering.response import Column, Response, State
from eutonia.tapering.search import Chain, Found, Loss, Menu, Start, as_doses, chain_of, find
from eutonia.tapering.settling import Plan, references

MADE = "made-to-measure"
FINAL, RIVALS = 8, 2
"""Schedules that are judged by all draws: for the answer, and to set beside each other way."""


def made_to_measure(
    plan: Plan,
    base: Taper,
    facts: Mapping[str, Any],
    day: Day,
    made_of: Sequence[float],
    max_days: int | None,
) -> Taper:
    """`base` with the schedule that is best for the patient, and what each published one would bring."""
    policy = plan.policy
    assert policy.search is not None
    most = max_days or policy.search.most_days
    hold = hold_of(policy.search, most)
    problem = _problem(plan, facts, day)
    entries = _entries(plan)
    in_print = [problem.placed(e) for e in entries if not e.linear_same_length]
    seeds = [c for c in (chain_of(d, problem.menu, problem.begin) for d in in_print) if c is not None]
    own = [c for c in seeds if c.days <= most and _held(c, hold)]
    found = problem.found(hold, most, own)
    shortlist = list(dict.fromkeys([*found.shortlist(FINAL, most), *own]))
    line = next((e for e in entries if e.linear_same_length), None)
    lines = [problem.placed(line, c.days) for c in shortlist] if line is not None else []
    best, losses = problem.best(shortlist, lines)
    chosen = as_doses(best, problem.menu)
    ways = [(e.id, problem.placed(e, len(chosen) if e.linear_same_length else None)) for e in entries]
    results, courses = plan.predict(*problem.full, [(MADE, chosen), *ways], problem.loss)
    predicted, *others = results
    alternatives = {
        entry.id: plan.alternative(entry, doses, result).model_copy(
            update={"made_to_measure": problem.rival(len(doses), best, found, seeds, losses)}
        )
        for entry, (_, doses), result in zip(entries, ways, others, strict=True)
    }
    response, state = problem.full
    days, steps = days_and_steps(chosen, response.hours, made_of, plan.begin)
    fits = [name for name, each in alternatives.items() if each.suits]
    return base.model_copy(update={
        "says": _says(plan, steps, fits, alternatives), "chosen": MADE, "published": fits[0] if fits else None,
        "days": days, "steps": steps, "predicted": predicted, "alternatives": alternatives,
        "made": _made(plan, found, response, predicted, alternatives),
        "monitoring": visits(policy.monitoring, steps, plan.begin), "ask": plan.judge.asked(),
        "courses": courses,
        "continuing": continuing(
            response, state, plan.daily(response), policy.search.go_on_days, tail=plan.tail, strengths=plan.approved,
        ),
        "assumptions": plan.assumptions(response),
        "sources": [*base.sources, *plan.cited(), *references(policy.search.sources)],
    })  # fmt: skip


def _made(
    plan: Plan,
    found: Found,
    response: Response,
    predicted: Predicted,
    alternatives: Mapping[str, Alternative],
) -> Made:
    """How the schedule was found, and whether one like it beats each published one at its own length."""
    rivals = {
        name: (each.made_to_measure, each.loss or 0.0)
        for name, each in alternatives.items()
        if each.made_to_measure is not None
    }
    assert plan.policy.weights is not None
    return Made(
        method="beam search over daily patterns, then single changes",
        loss=predicted.loss or 0.0,
        tried=found.tried,
        draws=response.draws,
        weights=asdict(plan.policy.weights),
        beats={name: own <= theirs + 1e-9 for name, (own, theirs) in rivals.items()},
    )


def _entries(plan: Plan) -> list[Schedule]:
    """The schedules to set beside: those of the drug that say something for the dose that is taken."""
    limits = plan.policy.limits
    above = limits is not None and plan.use.daily_mg > limits.daily_mg
    own = [s for s in plan.knowledge.tapers.values() if plan.use.drug in s.drugs]
    return sorted((s for s in own if above or s.above_label_share is None), key=lambda s: s.order)


def _says(
    plan: Plan, steps: Sequence[Step], fits: Sequence[str], alternatives: Mapping[str, Alternative]
) -> str:
    last = steps[-1].last_day if steps else 0
    beside = f" The published schedule for such a patient is “{alternatives[fits[0]].title}”." if fits else ""
    count = "one step" if len(steps) == 1 else f"{len(steps)} steps"
    return f"{plan.policy.needed_says} Over {last} days in {count} the dose comes down to nothing.{beside}"


# --- the search -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Day:
    """The hours at which doses may be given, what is taken now at each, and what may be taken."""

    hours: Sequence[float]
    now: Column
    menu: Menu
    """Within the label."""
    wide: Menu
    """Beyond it, too: for published schedules that begin there."""


@dataclass(frozen=True)
class _Problem:
    """What is searched, at every hour of the simulation."""

    plan: Plan
    day: Day
    places: Sequence[int]
    """Where the hours of the day stand among those of the simulation."""
    menu: Menu
    begin: Start
    loss: Loss
    quick: tuple[Response, State]
    """Few draws, to search with."""
    full: tuple[Response, State]
    """All draws, to judge with."""

    def placed(self, entry: Schedule, length: int | None = None) -> Column:
        """The doses of a published schedule; `length` days of it where it has no length of its own."""
        day = self.day
        given = published.days_of(
            entry, day.now, day.hours, day.menu, day.wide, self.plan.policy.limits, length
        )
        return _placed(given, self.places, len(self.quick[0].hours))

    def found(self, hold: int, most_days: int, seeds: Sequence[Chain]) -> Found:
        return find(
            *self.quick, self.begin, self.menu, self.loss, hold=hold, most_days=most_days, seeds=seeds,
            progress=self.plan.progress,
        )  # fmt: skip

    def best(self, chains: Sequence[Chain], lines: Sequence[Column]) -> tuple[Chain, dict[Chain, float]]:
        """Of a few chains the best by all draws, with the losses of all.

        One whose peak is above that of the straight `lines` of its length is taken only where all are.
        """
        ways = [*(as_doses(c, self.menu) for c in chains), *lines]
        results, _ = self.plan.predict(*self.full, [("", doses) for doses in ways], self.loss)
        losses = {c: r.loss or 0.0 for c, r in zip(chains, results[: len(chains)], strict=True)}
        below = [
            c for c, own, line in zip(chains, results, results[len(chains) :], strict=False)
            if _below(own.peak, line.peak)
        ]  # fmt: skip
        return min(below or chains, key=losses.__getitem__), losses

    def rival(
        self, days: int, best: Chain, found: Found, seeds: Sequence[Chain], losses: dict[Chain, float]
    ) -> float | None:
        """The least loss of schedules made to measure in at most so many days; notes new ones in `losses`."""
        near = self._within(days, best, found, seeds)
        fresh = [c for c in near if c not in losses]
        if fresh:
            losses |= self.best(fresh, [])[1]
        return min((losses[c] for c in near), default=None)

    def _within(self, days: int, best: Chain, found: Found, seeds: Sequence[Chain]) -> list[Chain]:
        """The most promising schedules of at most so many days, with steps as short as so short a one may have."""
        if best.days <= days:
            return [best, *(c for c in seeds if c.days == days)]
        fitting = [*found.shortlist(RIVALS, days), *(c for c in seeds if c.days == days)]
        hold = hold_of(self.loss.search, days)
        if days and hold < hold_of(self.loss.search, best.days):
            own = [c for c in seeds if c.days <= days and _held(c, hold)]
            with suppress(InputError):
                fitting += find(
                    *self.quick, self.begin, self.menu, self.loss, hold=hold, most_days=days, seeds=own
                ).shortlist(RIVALS, days)
        return list(dict.fromkeys(fitting))


def _problem(plan: Plan, facts: Mapping[str, Any], day: Day) -> _Problem:
    policy, budget = plan.policy, plan.budget
    assert policy.search is not None
    assert policy.weights is not None
    quick = plan.simulated(facts, budget.search_draws, budget.search_step, day.hours)
    hours = quick[0].hours
    places = [place for place, hour in enumerate(hours) if hour in day.hours]
    return _Problem(
        plan=plan,
        day=day,
        places=places,
        menu=replace(day.menu, mg=_placed(day.menu.mg, places, len(hours))),
        begin=Start(_placed(day.now, places, len(hours)), policy.search.largest_cut_mg),
        loss=Loss(policy.weights, policy.search),
        quick=quick,
        full=plan.simulated(facts, budget.draws, budget.step, day.hours),
    )


def hold_of(search: Search, most_days: int) -> int:
    """Days that a step is held at least, in a schedule of at most `most_days`."""
    fitting = [hold for longest, hold in sorted(search.hold_days.items()) if most_days <= longest]
    return fitting[0] if fitting else max(search.hold_days.values())


def _held(chain: Chain, hold: int) -> bool:
    """Whether every step of a chain is held long enough."""
    return all(days >= hold for _, days in chain.steps)


def _below(peak: Spread, other: Spread) -> bool:
    """Whether a peak is lower in the middle and in those who have most."""
    pairs = ((peak.median, other.median), (peak.mean, other.mean), (peak.p95, other.p95))
    return all(own is not None and line is not None and own <= line for own, line in pairs)


def _placed(doses: Column, places: Sequence[int], width: int) -> Column:
    """Doses at some hours, among all hours."""
    wide = np.zeros((*doses.shape[:-1], width))
    wide[..., places] = doses
    return wide
