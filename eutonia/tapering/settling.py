"""What is settled before a schedule is looked for: whether there is one to be, from what dose, in which tablets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from eutonia.errors import InputError, NotAvailable
from eutonia.features import value_of
from eutonia.features.chart import Chart
from eutonia.knowledge import Knowledge
from eutonia.knowledge.common import Citation
from eutonia.knowledge.tapers import Schedule, TaperPolicy
from eutonia.simulation.population import Patients, checked
from eutonia.tapering import published
from eutonia.tapering.laying_out import phrases
from eutonia.tapering.models import Alternative, Predicted, Reference, Taper
from eutonia.tapering.predicting import predict
from eutonia.tapering.response import Column, Response, State
from eutonia.tapering.search import Loss
from eutonia.tapering.suitability import Judge, is_needed, referral, suits
from eutonia.tapering.use import Use, policy_of, use_of

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
        sources=references(policy.sources), ask=judge.asked(), knowledge_version=knowledge.version,
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


def references(citations: Sequence[Citation]) -> list[Reference]:
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
        approved = self.approved
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
        return predict(response, state, ways, loss, tail=self.tail, strengths=self.approved)

    @property
    def tail(self) -> int:
        return self.policy.search.tail_days if self.policy.search else 14

    @property
    def approved(self) -> tuple[float, ...]:
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

    def alternative(self, entry: Schedule, doses: Column, predicted: Predicted) -> Alternative:
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
            sources=references(entry.sources),
            **predicted.model_dump(),
        )

    def assumptions(self, response: Response) -> list[str]:
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
        return [*self.unknown_length(), *kept]

    def unknown_length(self) -> list[str]:
        if self.base.use_days is not None:
            return []
        return [
            f"How long it has been taken is not known: {self.policy.assumed_use_days:g} days are assumed."
        ]

    def cited(self) -> list[Reference]:
        parts = (self.policy.limits, self.policy.scale, self.policy.monitoring)
        return [ref for part in parts if part is not None for ref in references(part.sources)]
