"""A chart → the taper: refused, not needed, from print, or made to measure; with what each way would bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from eutonia.errors import InputError, NotAvailable
from eutonia.features import value_of
from eutonia.features.chart import Chart
from eutonia.knowledge import Knowledge
from eutonia.knowledge.common import Citation
from eutonia.knowledge.tapers import Schedule, Search, TaperPolicy
from eutonia.simulation.population import Patients, checked
from eutonia.summaries import Spread
from eutonia.tapering import published, tablets
from eutonia.tapering.laying_out import days_and_steps, phrases, visits
from eutonia.tapering.models import Alternative, Made, Predicted, Reference, Step, Taper
from eutonia.tapering.predicting import continuing, predict
from eutonia.tapering.response import Column, Response, State
from eutonia.tapering.search import Chain, Found, Loss, Menu, Start, as_doses, chain_of, find
from eutonia.tapering.suitability import Judge, is_needed, referral, suits
from eutonia.tapering.use import Use, policy_of, use_of

MADE = "made-to-measure"
FINAL, RIVALS = 8, 2
"""Schedules that are judged by all draws: for the answer, and to set beside each other way."""
LONGEST = 366


@dataclass(frozen=True)
class Budget:
    """How much is simulated: draws and hours between looks, while searching and for the answer."""

    search_draws: int = 20
    search_step: float = 3.0
    draws: int = 100
    step: float = 2.0


QUICK = Budget(search_draws=12, draws=50, step=3.0)

Progress = Callable[[float], None]


def silent(done: float) -> None:
    """No one is told of progress."""


def make(
    chart: Chart,
    drug: str,
    *,
    facts: Mapping[str, Any],
    strengths: Sequence[float] | None = None,
    max_days: int | None = None,
    start: date | None = None,
    seed: int = 0,
    budget: Budget | None = None,
    progress: Progress = silent,
) -> Taper:
    """The taper of `drug` for the patient of `chart`.

    Raises NotAvailable where eutonia holds no schedule for the drug, InputError for tablets or lengths that cannot be.
    """
    base, plan = settle(
        chart, drug, max_days=max_days, start=start, seed=seed, budget=budget or Budget(), progress=progress
    )
    if plan is None:
        return base
    if base.needed is False:
        return plan.not_needed(base, facts)
    return plan.schedule(base, facts, strengths, max_days)


def settle(
    chart: Chart, drug: str, *, max_days: int | None, start: date | None, seed: int, budget: Budget, progress: Progress
) -> tuple[Taper, Plan | None]:  # fmt: skip
    """What can be said before anything is simulated, and what to go on from; None where the patient is referred."""
    knowledge = chart.knowledge
    policy: TaperPolicy | None = policy_of(drug, knowledge)
    title = knowledge.drugs[drug].title if drug in knowledge.drugs else drug
    if policy is None or policy.none:
        said = policy.none if policy else "It is not among the drugs that eutonia knows to cause dependence."
        raise NotAvailable(f"{title}: no schedule from eutonia. {said}")
    if max_days is not None and not 1 <= max_days <= LONGEST:
        raise InputError(
            f"A schedule of {max_days} days cannot be made. Give --max-days from 1 to {LONGEST}."
        )
    judge = Judge(chart)
    use = use_of(drug, chart)
    refer = referral(policy, judge)
    needed = is_needed(policy, judge)
    days = value_of(policy.use_days, chart).known if policy.use_days else None
    watched = policy.monitoring
    base = Taper(
        drug=drug, title=_title(title, use, days), now_mg=use.daily_mg if use else None,
        use_days=float(days) if isinstance(days, int | float) else None, start=start or chart.as_of, needed=needed,
        says=f"No schedule from eutonia. {policy.refer_do}" if refer else "", refer=refer,
        emergency=list(watched.emergency) if watched else [], watch=list(watched.ask) if watched else [],
        legal=list(watched.legal) if watched else [],
        never=list(policy.never), plain=[] if refer else list(policy.plain), scale=_scale(policy),
        sources=_references(policy.sources), ask=judge.asked(), knowledge_version=knowledge.version,
    )  # fmt: skip
    if refer is not None:
        return base, None
    if use is None:
        raise InputError(
            f"How much {title} is taken now, and how often, is not known. State it, such as “350 mg four times a day”."
        )
    first = [rule.do for rule in judge.rules([knowledge.rules[r] for r in policy.first], "what comes first")]
    base = base.model_copy(update={"first": list(dict.fromkeys(first)), "ask": judge.asked()})
    return base, Plan(chart, policy, use, judge, base, seed, base.start, budget, progress)


def _title(title: str, use: Use | None, days: Any) -> str:
    how_much = f", {use.daily_mg:g} mg a day" if use else ""
    how_long = f" for {days:g} days" if days else ""
    return f"Coming off {title.lower()}{how_much}{how_long}"


def _scale(policy: TaperPolicy) -> dict[str, Any] | None:
    if policy.scale is None:
        return None
    bands = [
        {"name": b.name, "up_to": b.up_to, "action": b.action, "says": b.says} for b in policy.scale.bands
    ]
    return {"name": policy.scale.name, "items": policy.scale.items, "bands": bands, "note": policy.scale.note}


def _references(citations: Sequence[Citation]) -> list[Reference]:
    return [Reference(key=c.key, at=c.at, mark=c.mark) for c in citations]


@dataclass(frozen=True)
class Plan:
    """Everything that is settled before a schedule is looked for."""

    chart: Chart
    policy: TaperPolicy
    use: Use
    judge: Judge
    base: Taper
    seed: int
    begin: date
    budget: Budget
    progress: Progress

    @property
    def knowledge(self) -> Knowledge:
        return self.chart.knowledge

    # --- what there is to choose from -----------------------------------------------------------------

    def hours(self) -> tuple[tuple[float, ...], Column]:
        """Hours at which doses may be given, and what is taken now at each; no more hours than the label allows."""
        limits, own = self.policy.limits, self.use.doses
        if limits is None or len(own) <= limits.times:
            return tuple(own), np.array(list(own.values()))
        hours = tuple(float(h) for h in self.knowledge.clock_times["usual"].times[limits.times])
        return hours, np.full(len(hours), self.use.daily_mg / len(hours))

    def tablets(self, wanted: Sequence[float] | None) -> tuple[float, ...]:
        """Strengths to make the schedule of: those asked for, else those in hand, else what the dose is made of."""
        approved = self._approved
        if wanted:
            strange = [s for s in wanted if s not in approved]
            if strange:
                named = " and ".join(f"{s:g}" for s in approved)
                wrong = " or ".join(f"{s:g} mg" for s in strange)
                raise InputError(
                    f"There is no approved tablet of {wrong}. Approved: {named} mg; have one of them prescribed first."
                )
            return tuple(sorted(set(wanted)))
        in_hand = tuple(s for s in self.use.tablets if s in approved)
        if in_hand:
            return in_hand
        doses = set(self.use.doses.values())
        limits = self.policy.limits
        # A dose beyond the label tells no tablet to go on with.
        within = limits is None or max(doses) <= limits.single_mg
        for part in (1.0, 0.5):
            made_of = [s for s in approved if all(mg % (part * s) == 0 for mg in doses)]
            if made_of and within:
                return (max(made_of),)
        return tuple(approved)

    # --- answers ----------------------------------------------------------------------------------------

    def not_needed(self, base: Taper, facts: Mapping[str, Any]) -> Taper:
        """The stop, and what to expect of it."""
        update: dict[str, Any] = {"says": self.policy.not_needed_says, "plain": []}
        if self.policy.limits is not None:
            response, state = self.simulated(facts, self.budget.draws, self.budget.step)
            nothing, entry = np.zeros((0, len(response.hours))), self.knowledge.tapers["abrupt"]
            (predicted,), courses = self.predict(response, state, [("abrupt", nothing)], None)
            update |= {
                "predicted": predicted, "assumptions": self._assumptions(response), "courses": courses,
                "chosen": "abrupt", "alternatives": {"abrupt": self._alternative(entry, nothing, predicted)},
            }  # fmt: skip
        return base.model_copy(update=update)

    def schedule(
        self, base: Taper, facts: Mapping[str, Any], strengths: Sequence[float] | None, max_days: int | None
    ) -> Taper:
        made_of = self.tablets(strengths)
        hours, now = self.hours()
        limits = self.policy.limits
        ceiling = now if limits is None else np.minimum(now, limits.single_mg)
        wide = tablets.menu(made_of, hours, now, None)
        menu = wide if limits is None else tablets.menu(made_of, hours, ceiling, limits)
        if limits is None:
            return self._from_print(base, hours, now, wide, made_of)
        return self._made(base, facts, hours, now, menu, wide, made_of, max_days)

    def _from_print(
        self, base: Taper, hours: Sequence[float], now: Column, wide: Menu, made_of: Sequence[float]
    ) -> Taper:
        """The published pace, for a drug whose withdrawal is not simulated."""
        own = [s for s in self.knowledge.tapers.values() if self.use.drug in s.drugs]
        schedule = min(own, key=lambda s: s.order)
        doses = published.days_of(schedule, now, hours, wide, wide, None)
        days, steps = days_and_steps(doses, hours, made_of, self.begin)
        return base.model_copy(update={
            "says": f"{self.policy.needed_says} {schedule.says}", "chosen": schedule.id, "published": schedule.id,
            "days": days, "steps": steps, "monitoring": visits(self.policy.monitoring, steps, self.begin),
            "sources": [*base.sources, *_references(schedule.sources), *self._cited()],
            "assumptions": [
                "The withdrawal of this drug is not simulated: this is the published pace, in tablets that exist.",
                *self._unknown_length(),
            ],
        })  # fmt: skip

    def _made(
        self, base: Taper, facts: Mapping[str, Any], hours: Sequence[float], now: Column, menu: Menu, wide: Menu,
        made_of: Sequence[float], max_days: int | None,
    ) -> Taper:  # fmt: skip
        policy = self.policy
        assert policy.search is not None
        assert policy.weights is not None
        assert policy.limits is not None
        most = max_days or policy.search.most_days
        hold = hold_of(policy.search, most)
        loss = Loss(policy.weights, policy.search)
        quick, begun = self.simulated(facts, self.budget.search_draws, self.budget.search_step, hours)
        known = [place for place, hour in enumerate(quick.hours) if hour in hours]
        spread_out = _at(menu, known, len(quick.hours))
        begin = Start(_placed(now, known, len(quick.hours)), policy.search.largest_cut_mg)
        entries = self._entries()

        def placed(entry: Schedule, length: int | None = None) -> Column:
            given = published.days_of(entry, now, hours, menu, wide, policy.limits, length)
            return _placed(given, known, len(quick.hours))

        in_print = [placed(e) for e in entries if not e.linear_same_length]
        seeds = [c for c in (chain_of(d, spread_out, begin) for d in in_print) if c is not None]
        found = find(
            quick, begun, begin, spread_out, loss, hold=hold, most_days=most, progress=self.progress,
            seeds=(own := [c for c in seeds if c.days <= most and _held(c, hold)]),
        )  # fmt: skip
        response, state = self.simulated(facts, self.budget.draws, self.budget.step, hours)
        line = next((e for e in entries if e.linear_same_length), None)
        shortlist = list(dict.fromkeys([*found.shortlist(FINAL, most), *own]))
        lines = [placed(line, c.days) for c in shortlist] if line is not None else []
        best, results = self._chosen(response, state, shortlist, lines, spread_out, loss)
        chosen = as_doses(best, spread_out)
        ways = [(e.id, placed(e, len(chosen) if e.linear_same_length else None)) for e in entries]
        others, courses = self.predict(response, state, [(MADE, chosen), *ways], loss)
        predicted = dict(zip([MADE, *(name for name, _ in ways)], others, strict=True))
        rivals: dict[str, float] = {}
        alternatives = {}
        for (name, doses), entry in zip(ways, entries, strict=True):
            near = self._within(len(doses), best, found, (quick, begun, begin, spread_out), loss, seeds)
            losses = [results[c] for c in near if c in results]
            fresh = [c for c in near if c not in results]
            if fresh:
                _, more = self._chosen(response, state, fresh, [], spread_out, loss)
                results |= more
                losses += more.values()
            if losses:
                rivals[name] = min(losses)
            one = self._alternative(entry, doses, predicted[name])
            alternatives[name] = one.model_copy(update={"made_to_measure": rivals.get(name)})
        days, steps = days_and_steps(chosen, response.hours, made_of, self.begin)
        fits = [name for name, each in alternatives.items() if each.suits]
        return base.model_copy(update={
            "says": self._says(steps, fits, alternatives), "chosen": MADE, "published": fits[0] if fits else None,
            "days": days, "steps": steps, "predicted": predicted[MADE], "alternatives": alternatives,
            "made": Made(
                method="beam search over daily patterns, then single changes", loss=predicted[MADE].loss or 0.0,
                tried=found.tried, draws=response.draws,
                weights=asdict(policy.weights),
                beats={name: value <= (predicted[name].loss or 0.0) + 1e-9 for name, value in rivals.items()},
            ),
            "monitoring": visits(self.policy.monitoring, steps, self.begin), "ask": self.judge.asked(),
            "courses": courses,
            "continuing": continuing(
                response, state, self.daily(response), policy.search.go_on_days, tail=self._tail,
                strengths=self._approved,
            ),
            "assumptions": self._assumptions(response),
            "sources": [*base.sources, *self._cited(), *_references(self._of_search())],
        })  # fmt: skip

    def _entries(self) -> list[Schedule]:
        """The schedules to set beside: those of the drug that say something for the dose that is taken."""
        limits = self.policy.limits
        above = limits is not None and self.use.daily_mg > limits.daily_mg
        own = [s for s in self.knowledge.tapers.values() if self.use.drug in s.drugs]
        return sorted((s for s in own if above or s.above_label_share is None), key=lambda s: s.order)

    def _chosen(
        self, response: Response, state: State, chains: Sequence[Chain], lines: Sequence[Column], menu: Menu, loss: Loss
    ) -> tuple[Chain, dict[Chain, float]]:  # fmt: skip
        """Of a few chains the best by all draws, with the losses of all.

        One whose peak is above that of the straight `lines` of its length is taken only where all are.
        """
        ways = [*(as_doses(c, menu) for c in chains), *lines]
        results, _ = self.predict(response, state, [("", doses) for doses in ways], loss)
        losses = {c: r.loss or 0.0 for c, r in zip(chains, results[: len(chains)], strict=True)}
        below = [
            c for c, own, line in zip(chains, results, results[len(chains) :], strict=False)
            if _below(own.peak, line.peak)
        ]  # fmt: skip
        return min(below or chains, key=losses.__getitem__), losses

    def _within(
        self, days: int, best: Chain, found: Found, problem: tuple[Response, State, Start, Menu], loss: Loss,
        seeds: Sequence[Chain],
    ) -> list[Chain]:  # fmt: skip
        """The most promising schedules of at most so many days, with steps as short as so short a one may have."""
        if best.days <= days:
            return [best, *(c for c in seeds if c.days == days)]
        fitting = [*found.shortlist(RIVALS, days), *(c for c in seeds if c.days == days)]
        hold = hold_of(loss.search, days)
        if days and hold < hold_of(loss.search, best.days):
            own = [c for c in seeds if c.days <= days and _held(c, hold)]
            with suppress(InputError):
                fitting += find(*problem, loss, hold=hold, most_days=days, seeds=own).shortlist(RIVALS, days)
        return list(dict.fromkeys(fitting))

    def _says(
        self, steps: Sequence[Step], fits: Sequence[str], alternatives: Mapping[str, Alternative]
    ) -> str:
        last = steps[-1].last_day if steps else 0
        beside = (
            f" The published schedule for such a patient is “{alternatives[fits[0]].title}”." if fits else ""
        )
        count = "one step" if len(steps) == 1 else f"{len(steps)} steps"
        how = f"Over {last} days in {count} the dose comes down to nothing."
        return f"{self.policy.needed_says} {how}{beside}"

    # --- simulation ---------------------------------------------------------------------------------------

    def simulated(
        self, facts: Mapping[str, Any], draws: int, step: float, hours: Sequence[float] = ()
    ) -> tuple[Response, State]:
        """Virtual patients as they are on the morning of the first day, after taking the drug as they do."""
        own = checked({k: v for k, v in facts.items() if k != "regular_user"}, 1)
        every = tuple(sorted({*self.use.doses, *hours}))
        patients = Patients(draws, own, self.seed, uncertain=True)
        response = Response(self.use.drug, every, patients, self.knowledge, self._modulators(), step)
        daily = self.daily(response)
        number = round(min(self._days_used(), self._run_in()))
        state = response.days(response.start(), np.broadcast_to(daily, (number, 1, len(every)))).fresh()
        return response, state

    def daily(self, response: Response) -> Column:
        """What is taken now at each of the response's hours."""
        return np.array([self.use.doses.get(hour, 0.0) for hour in response.hours])

    def predict(
        self, response: Response, state: State, ways: Sequence[tuple[str, Column]], loss: Loss | None
    ) -> tuple[list[Predicted], dict[str, list[float]]]:
        return predict(response, state, ways, loss, tail=self._tail, strengths=self._approved)

    @property
    def _tail(self) -> int:
        return self.policy.search.tail_days if self.policy.search else 14

    @property
    def _approved(self) -> tuple[float, ...]:
        return self.knowledge.drugs[self.use.drug].strengths_mg

    def _days_used(self) -> float:
        return self.base.use_days or self.policy.assumed_use_days

    def _run_in(self) -> float:
        return float(self.knowledge.model["population"].parameters["run_in"].value)

    def _modulators(self) -> list[tuple[str, float]]:
        """Medicines taken now that change how fast the drug is cleared, with their daily mg."""
        known = self.knowledge.modulators
        return [
            (t.treatment, t.daily_mg if t.daily_mg is not None else float("nan"))
            for t in self.chart.current
            if t.treatment in known and t.treatment != self.use.drug
        ]

    # --- in days and words -----------------------------------------------------------------------------

    def _alternative(self, entry: Schedule, doses: Column, predicted: Predicted) -> Alternative:
        missed = Judge(self.chart)
        answer = suits(entry, self.judge, missed)
        return Alternative(
            title=entry.title,
            length_days=len(doses),
            steps=list(phrases(doses)),
            suits=answer,
            ask=[each.ask for each in missed.asked()] if answer is None else [],
            says=entry.says,
            marks=sorted({c.mark for c in entry.sources}),
            above_label=published.is_above_label(doses, self.policy.limits),
            sources=_references(entry.sources),
            **predicted.model_dump(),
        )

    def _assumptions(self, response: Response) -> list[str]:
        kept = [a for a in response.assumptions if "Use before the plan" not in a and "The pain" not in a]
        others = [
            t.text
            for t in self.chart.current
            if t.treatment in self.knowledge.substances and t.treatment != self.use.drug
        ]
        if others:
            kept.append(f"Withdrawal is foretold as if {', '.join(dict.fromkeys(others))} played no part.")
        if self.use.as_needed:
            kept.append("It is ordered as needed: the most that is allowed is taken to have been taken.")
        limits = self.policy.limits
        if limits is not None and self.use.daily_mg > limits.daily_mg:
            kept.append(
                f"The schedule stays within the label, so that the first day comes down to {limits.daily_mg:g} mg or "
                "less; “taper-high-dose” gets there in smaller steps above it."
            )
        return [*self._unknown_length(), *kept]

    def _unknown_length(self) -> list[str]:
        if self.base.use_days is not None:
            return []
        return [
            f"How long it has been taken is not known: {self.policy.assumed_use_days:g} days are assumed."
        ]

    def _of_search(self) -> list[Citation]:
        return [*(self.policy.search.sources if self.policy.search else ())]

    def _cited(self) -> list[Reference]:
        parts = (self.policy.limits, self.policy.scale, self.policy.monitoring)
        return [ref for part in parts if part is not None for ref in _references(part.sources)]


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


def _at(menu: Menu, places: Sequence[int], width: int) -> Menu:
    return replace(menu, mg=_placed(menu.mg, places, width))
