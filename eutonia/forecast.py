"""What a plan will do to this patient: simulated, with what is known fixed and what is unknown drawn.

A forecast is made once with the medicines that the patient takes already and once without them, so that what the
combination adds can be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from eutonia.errors import InputError
from eutonia.features.chart import Chart
from eutonia.knowledge import Knowledge
from eutonia.knowledge.safety import SimulatedFeature
from eutonia.simulated_case import LEFT_OUT, SimulatedCase, can_be_made, simulated_case
from eutonia.summaries import CourseSummary, Spread, in_people

if TYPE_CHECKING:
    from eutonia.simulation.results import Outcome
    from eutonia.simulation.schedule import Schedule

DRAWS = 200
"""Virtual patients that stand for this one."""

AFTER_DAYS = 14
"""Days simulated beyond the last dose, in which withdrawal comes and goes."""

MOMENTS = 700
"""About as many as a plot of a course has room for, though no more than one an hour."""


class Forecast(BaseModel):
    """What one item of the plan is expected to do."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    summary: CourseSummary | None = None
    """With the medicines that are taken already. None where nothing can be simulated; `sentences` say why."""
    alone: CourseSummary | None = None
    """Without them; None where there are none that matter."""
    with_medicines: list[str] = []
    tolerance_at_end: Spread | None = None
    accumulation: dict[str, float] = {}
    """Median peak on the last day over that on the first, by substance."""
    sentences: list[str] = []
    assumptions: list[str] = []
    simulated: Any = Field(None, exclude=True)
    """What was simulated, for `outcome`."""

    @cached_property
    def outcome(self) -> Outcome | None:
        """The courses of what the summary tells, for plots: simulated when they are first asked for."""
        return None if self.simulated is None else self.simulated()


def forecast(chart: Chart, place: int, *, draws: int = DRAWS, seed: int = 0) -> Forecast | None:
    """Simulate one item of the plan in this patient; None for what no forecast can be made of."""
    if not can_be_made(chart, place):
        return None
    case = simulated_case(chart, place)
    from eutonia.simulation import read

    try:
        both = read([*case.own, *case.others], chart.knowledge, None)
        single = read(case.own, chart.knowledge, None) if case.others else None
        people = {"patients": case.facts, "draws": draws, "seed": seed, "knowledge": chart.knowledge}
        with_others = _run(both, people, _hours_read(both))
        alone = _run(single, people, []) if single is not None else None
    except InputError as error:
        return Forecast(sentences=[f"No forecast: {error}"])
    from eutonia.simulation.summary import summarise

    summary = summarise(with_others.per_patient, with_others.assumptions, chart.knowledge.version)
    made = Forecast(
        summary=summary,
        alone=summarise(alone.per_patient, alone.assumptions, chart.knowledge.version) if alone else None,
        with_medicines=[other.text for other in case.others],
        tolerance_at_end=_at_last_dose(with_others, "tolerance"),
        accumulation=_accumulation(with_others),
        assumptions=[*with_others.assumptions, *case.left_out],
        simulated=partial(_courses, both, people),
    )
    return made.model_copy(
        update={"sentences": list(sentences(made, case.facts["regular_user"], chart.knowledge))}
    )


class FirstDays(NamedTuple):
    """What an order does in its first days, with what is taken already: as much as a line tells."""

    probability_drowsy: float
    morning_impairment: Spread
    min_ventilation: Spread
    with_medicines: Sequence[str]
    left_out: Sequence[str]
    """Medicines that are taken and not in these figures."""


def first_days(
    case: SimulatedCase, knowledge: Knowledge, days: int, *, draws: int, seed: int = 0
) -> FirstDays:
    """Simulate the first days of one item of a plan.

    A small part of the work of `forecast`: nothing is simulated without the other medicines, nor after the last dose,
    and of the course only what is told. Raises InputError for what cannot be simulated as it is written.
    """
    from eutonia.simulation import as_patients, read
    from eutonia.simulation.extremes import extremes
    from eutonia.simulation.summary import spreads

    schedule = read([*case.own, *case.others], knowledge, None)
    until = min(days, schedule.last_dose // 24.0 + 2) * 24.0  # to the morning after the last dose
    found = extremes(schedule, as_patients(case.facts, draws, seed), knowledge, until=until)
    told = spreads({name: found[name] for name in ("morning_impairment", "min_ventilation")})
    return FirstDays(
        float(found["probability_drowsy"].mean()),
        told["morning_impairment"],
        told["min_ventilation"],
        [other.text for other in case.others],
        [line.split(LEFT_OUT)[0] for line in case.left_out],
    )


def _run(schedule: Schedule, people: Mapping[str, Any], times: Sequence[float]) -> Outcome:
    """What the schedule does in the end, and its course at `times` alone: every moment kept costs a step."""
    from eutonia.simulation import outcome

    return outcome(schedule, until=_until(schedule), times=times, **people)


def _courses(schedule: Schedule, people: Mapping[str, Any]) -> Outcome:
    from eutonia.simulation import outcome

    until = _until(schedule)
    return outcome(schedule, until=until, every=max(1.0, round(until / MOMENTS)), **people)


def _hours_read(schedule: Schedule) -> list[float]:
    """Hours of the first day of dosing and about the last dose: what accumulation and tolerance are read from."""
    end = min(schedule.last_dose + 12.0, _until(schedule))
    last_day = range(max(int(schedule.last_dose) - 24, 24), int(end) + 1)
    return [float(hour) for hour in (*range(24), *last_day)]


def _until(schedule: Schedule) -> float:
    from eutonia.simulation import default_end

    return max(default_end(schedule), schedule.last_dose + AFTER_DAYS * 24)


def _at_last_dose(result: Outcome, course: str) -> Spread:
    import numpy as np

    from eutonia.simulation.summary import spread

    at = int(np.searchsorted(result.times, result.schedule.last_dose, side="right")) - 1
    return spread(result.courses[course][:, max(at, 0)])


def _accumulation(result: Outcome) -> dict[str, float]:
    """Median peak of the last day of dosing over that of the first; empty for a single day."""
    import numpy as np

    last = result.schedule.last_dose
    if last < 48.0:
        return {}
    first_day = result.times < 24.0
    last_day = (result.times >= last - 24.0) & (result.times <= last + 12.0)
    ratios = {}
    for number, name in enumerate(result.substances):
        early = result.level[:, number, :][:, first_day].max(axis=1)
        late = result.level[:, number, :][:, last_day].max(axis=1)
        if np.all(early > 0):
            ratios[name] = round(float(np.median(late / early)), 2)
    return ratios


def simulated_features(made: Forecast, knowledge: Knowledge) -> dict[str, float | None]:
    """The simulated features of a plan item: feature → median; None where it could not be simulated."""
    effects = made.summary.effects if made.summary else None
    return {
        name: getattr(effects, quantity).median if effects else None
        for name, quantity in simulated_quantities(knowledge).items()
    }


def simulated_quantities(knowledge: Knowledge) -> dict[str, str]:
    """Feature that rules ask for → the quantity of a course that it is the median of."""
    return {f.id: f.quantity for f in knowledge.features.values() if isinstance(f, SimulatedFeature)}


# --- in words ---------------------------------------------------------------------------------------


def worth_telling(knowledge: Knowledge) -> Mapping[str, float]:
    """From what size on each figure is told."""
    return {name: size.value for name, size in knowledge.model["telling"].parameters.items()}


def sentences(made: Forecast, goes_on: bool, knowledge: Knowledge) -> Iterator[str]:
    """The forecast in the order a clinician reads, each number with its interval (5th to 95th percentile).

    `goes_on`: the drug is taken already, so that nothing is to be said of when it is first felt.
    """
    assert made.summary is not None
    effects, told = made.summary.effects, worth_telling(knowledge)
    withdrawal = (made.alone or made.summary).withdrawal  # of stopping this drug, not the others
    if effects.peak_relief.median:
        begins = effects.onset_h.median is not None and not goes_on
        onset = f", first felt after {_span(effects.onset_h, 'h')}" if begins else ""
        yield (
            f"Relief beyond the natural course at its best: {_span(effects.peak_relief)} of 100 points{onset}; "
            f"{in_people(effects.probability_relief)} notice any."
        )
    if (effects.peak_impairment.p95 or 0.0) >= told["impairment"]:
        yield from _impairment(made.summary)
    yield from _combination(made, told)
    yield from _left_out(made.assumptions)
    yield from (
        f"{name.capitalize()} builds up {ratio:g}-fold from the first day to the last."
        for name, ratio in made.accumulation.items()
        if ratio >= told["accumulation"]
    )
    if withdrawal.probability_any >= told["withdrawal"]:
        yield (
            f"After the last dose: withdrawal in {in_people(withdrawal.probability_any)}, a seizure in "
            f"{in_people(withdrawal.probability_seizure)}"
            + (
                f", worst on day {_span(withdrawal.peak_day)}."
                if withdrawal.probability_any >= told["worst_day"]
                else "."
            )
        )


def _impairment(summary: CourseSummary) -> Iterator[str]:
    effects = summary.effects
    yield (
        f"Drowsiness in {in_people(effects.probability_drowsy)}, dizziness in {in_people(effects.probability_dizzy)} "
        "over the course."
    )
    yield (
        f"Impaired for {_span(effects.hours_impaired_a_day, 'h')} of a day with doses, at most "
        f"{_span(effects.peak_impairment)} of 100; next morning {_span(effects.morning_impairment)}."
    )


def _left_out(assumptions: Iterable[str]) -> Iterator[str]:
    """One sentence on the medicines that these numbers say nothing of."""
    names: dict[str, list[str]] = {}
    for name, why in (each.split(LEFT_OUT) for each in assumptions if LEFT_OUT in each):
        names.setdefault(why.rstrip("."), []).append(name)
    if names:
        told = "; ".join(f"{', '.join(those)} ({why})" for why, those in names.items())
        yield f"These numbers leave out what is also taken: {told}."


def _combination(made: Forecast, told: Mapping[str, float]) -> Iterator[str]:
    """What the medicines taken already add: the figures that they change by enough to matter."""
    if made.alone is None or made.summary is None:
        return
    both, alone = made.summary.effects, made.alone.effects
    *most, last = made.with_medicines
    others = f"{', '.join(most)} and {last}" if most else last
    pairs = (
        (
            "the greatest impairment is {} of 100, against {} without",
            (both.peak_impairment, alone.peak_impairment),
            told["added_impairment"],
            _span,
        ),
        (
            "breathing falls to {} of resting, against {} without",
            (both.min_ventilation, alone.min_ventilation),
            told["added_breathing"],
            _percent,
        ),
        (
            "the best relief is {} of 100, against {} without",
            (both.peak_relief, alone.peak_relief),
            told["added_relief"],
            _span,
        ),
    )
    changed = [
        words.format(*map(written, pair)) for words, pair, least, written in pairs if _differ(*pair, least)
    ]
    if changed:
        yield f"With {others} {'; '.join(changed)}."
    else:
        yield f"What is taken already ({others}) changes these numbers little or not at all."


def _differ(a: Spread, b: Spread, least: float) -> bool:
    """Whether the median or an end of the interval that is told differs by `least`."""
    return any(
        one is not None and other is not None and abs(one - other) >= least
        for one, other in ((a.median, b.median), (a.p5, b.p5), (a.p95, b.p95))
    )


def _span(s: Spread, unit: str = "") -> str:
    if s.median is None or s.p5 is None or s.p95 is None:
        return "not known"
    return f"{_figure(s.median)} ({_figure(s.p5)} to {_figure(s.p95)}){' ' + unit if unit else ''}"


def _percent(s: Spread) -> str:
    if s.median is None or s.p5 is None or s.p95 is None:
        return "not known"
    return f"{s.median:.0%} ({s.p5:.0%} to {s.p95:.0%})"


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.1f}"
