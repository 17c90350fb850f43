"""Plans → doses in time.

Time is hours from the first dose of the plan. What an order leaves open (at which hours three times a day is)
comes from `knowledge/clock_times`; what it cannot leave open (how much) is asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import compress
from typing import TYPE_CHECKING, Any

from eutonia.errors import InputError
from eutonia.supplies import planned_days
from eutonia.units import is_counted

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.patient import PlanItem

DAY = 24.0

MOST_EVENTS = 50_000
"""Doses in one simulation beyond which the plan is taken for a mistake."""


@dataclass(frozen=True, slots=True)
class Regimen:
    """One substance with its doses in time: hours from the start, mg."""

    substance: str
    times: tuple[float, ...]
    amounts: tuple[float, ...]
    as_needed: bool = False
    """Taken when pain asks for it (see `needed`), while `times` go on; they say how often at most."""
    gap: float | None = None
    """Hours that must lie between two doses taken as needed."""
    most_a_day: int | None = None
    fed: bool = False
    """Taken with food."""
    so_far: tuple[tuple[float, float], ...] = ()
    """Hours and mg of one day of the use before the plan, for a regular user; empty: as on the first day."""

    def until(self, end: float) -> Regimen:
        so_far = self.so_far or self.day_before()
        if not self.times or self.times[-1] < end - 1e-9:
            return replace(self, so_far=so_far)
        kept = [t < end - 1e-9 for t in self.times]
        times, amounts = tuple(compress(self.times, kept)), tuple(compress(self.amounts, kept))
        return replace(self, times=times, amounts=amounts, so_far=so_far)

    def day_before(self) -> tuple[tuple[float, float], ...]:
        """Doses of one day of the use so far."""
        if self.so_far or not self.times:
            return self.so_far
        begin = self.times[0]
        first = [(t, a) for t, a in zip(self.times, self.amounts, strict=True) if t < begin + DAY - 1e-9]
        return tuple((t % DAY, a) for t, a in first)


@dataclass(frozen=True, slots=True)
class Session:
    """A therapy without a drug: when it starts and ends, in hours."""

    therapy: str
    start: float
    end: float
    per_week: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """All that is taken and done."""

    regimens: tuple[Regimen, ...]
    sessions: tuple[Session, ...]
    modulators: tuple[tuple[str, float], ...]
    """Medicines that change how others are cleared, with their daily mg (NaN: not stated)."""
    clock: float
    """The hour of the clock at time zero."""
    length: float
    """Hours to the end of the last order."""
    notes: tuple[str, ...]
    """What was assumed in reading the plan."""
    stops: bool = False
    """Whether it stops a drug at once, which someone takes by then."""

    @property
    def last_dose(self) -> float:
        return max((r.times[-1] for r in self.regimens if r.times), default=0.0)


def read_schedule(  # noqa: PLR0912  (a case for each kind of item)
    plans: Sequence[Any], knowledge: Knowledge, *, until: float | None = None
) -> Schedule:
    """Read plan texts or plan items into a schedule; the first stands for the plan, the others go along with it.

    An order without an end lasts as long as the longest stated one, else until `until`, else two weeks.
    Raises InputError for an unknown drug, a missing or absurd amount, or nothing to simulate.
    """
    items = [item for plan in plans for item in _items(plan, knowledge)]
    if not items:
        raise InputError(
            "The plan is empty: there is nothing to simulate. Name a drug, its dose and how often."
        )
    lengths = [_end(item, knowledge) for item in items]
    length = max((end for end in lengths if end is not None), default=None)
    notes: list[str] = []
    if length is None:
        length = until if until is not None else 14 * DAY
        notes.append(f"No duration was stated; {length / DAY:g} days are simulated.")
    orders: list[tuple[float, Regimen]] = []
    sessions: list[Session] = []
    modulators: dict[str, float] = {}
    stops: dict[str, float] = {}
    for item in items:
        for name, per_unit in _ingredients(item, knowledge):
            if item.action in ("stop", "stop-therapy") and name in knowledge.substances:
                stops[name] = (item.start_day or 0.0) * DAY
            elif name in knowledge.therapy_courses:
                sessions.append(_session(name, item, knowledge, length))
            elif name in knowledge.substances:
                order, note = _shared_out(item, name, per_unit, knowledge)
                orders.append(_regimen(name, per_unit, order, knowledge, length))
                notes += [note] * bool(note)
            elif name in knowledge.modulators and item.action == "stop":
                notes.append(
                    f"What {name} does to other drugs is taken to be over; it fades in days to weeks."
                )
            elif name in knowledge.modulators:
                modulators[name] = _daily(item)
            else:
                notes.append(f"{name} is not simulated: whatever it adds, such as sedation, is missing here.")
    for name in stops:
        if not any(r.substance == name for _, r in orders):
            raise InputError(
                f"To simulate stopping {name}, say what is taken now as well, "
                f"such as “{name} … mg … times a day” with the regular-user flag."
            )
    if not orders and not sessions:
        raise InputError(
            f"Nothing in the plan can be simulated. Substances: {', '.join(sorted(knowledge.substances))}; "
            f"therapies: {', '.join(sorted(knowledge.therapy_courses))}."
        )
    notes += [_rule_of(r, knowledge) for _, r in orders if r.as_needed]
    zero = min((r.times[0] for _, r in orders if r.times), default=knowledge.clock_times["usual"].first)
    clock = zero % DAY
    shifted = [_shift(r, -zero).until(stops.get(r.substance, math.inf)) for _, r in orders]
    if sum(len(r.times) for r in shifted) > MOST_EVENTS:
        raise InputError(f"The plan holds more than {MOST_EVENTS:,} doses. Shorten it.")
    return Schedule(tuple(shifted), tuple(sessions), tuple(modulators.items()), clock, length, tuple(notes),
                    any(r.so_far and not r.times for r in shifted))  # fmt: skip


def _items(plan: Any, knowledge: Knowledge) -> Iterable[PlanItem]:
    if isinstance(plan, str):
        from eutonia.dosing.text import read_plan

        plan = read_plan(plan)
    name = plan.text or plan.therapy or ""
    for part in plan.steps or (plan,):
        yield (
            part
            if part.text
            else part.model_copy(update={"text": name, "written": part.written or plan.written})
        )


def _end(item: PlanItem, knowledge: Knowledge) -> float | None:
    if item.action in ("stop", "stop-therapy"):
        return None
    days = planned_days(item, knowledge)
    return None if days is None else ((item.start_day or 0.0) + days) * DAY


def _daily(item: PlanItem) -> float:
    dose = item.dose_high or item.dose
    return math.nan if dose is None or item.unit != "mg" else dose * (item.times_per_day or 1.0)


def _ingredients(item: PlanItem, knowledge: Knowledge) -> Iterable[tuple[str, float | None]]:
    """Substances or therapies that an item names, with mg per unit of a combination product."""
    written = (item.text or item.therapy or "").strip()
    if not written:
        raise InputError(f"The plan “{item.written}” names no drug or therapy. Write which one.")
    words = plain(re.sub(r"\s+[\d./-]+\s*(?:(?:mg|g|mcg)\b.*)?$", "", written.lower()))
    names = all_names(knowledge)
    found = names.get(words) or names.get(words.removesuffix("s"))
    if found is None:
        first = words.split()[0]
        found = names.get(first) or next((n for w, n in names.items() if words.startswith(w + " ")), None)
    if found is None:
        close = get_close_matches(words, names, n=1)
        hint = f" Did you mean “{close[0]}”?" if close else ""
        raise InputError(
            f"Cannot simulate “{written}”: no drug or therapy of that name is known.{hint} "
            f"Simulated substances: {', '.join(sorted(knowledge.substances))}."
        )
    product = knowledge.products.get(found)
    if product is not None:
        stated = re.search(r"(\d+(?:\.\d+)?(?:[-/]\d+(?:\.\d+)?)+)", item.written or written)
        strengths = [float(part) for part in re.split("[-/]", stated[1])] if stated else []
        parts = [part for part in words.split() if part in product.ingredients] or list(product.ingredients)
        by_name = dict(zip(parts, strengths, strict=True)) if len(parts) == len(strengths) else {}
        yield from ((name, by_name.get(name, mg)) for name, mg in product.ingredients.items())
    else:
        strength = re.search(r"(\d+(?:\.\d+)?)\s*mg\b", written)
        yield found, float(strength[1]) if strength else None


@cache
def all_names(knowledge: Knowledge) -> Mapping[str, str]:
    """Every name of a drug, product or therapy in letters and digits → its id."""
    names: dict[str, str] = {}
    for section in (knowledge.therapies, knowledge.products, knowledge.drugs, knowledge.therapy_courses,
                    knowledge.modulators, knowledge.substances):  # fmt: skip
        for key, thing in section.items():
            for name in (key, thing.title, *getattr(thing, "synonyms", ()), *getattr(thing, "brands", ())):
                names[plain(name)] = key
    return names


@lru_cache(8192)
def plain(name: str) -> str:
    """Letters and digits alone, so that hyphens, points and apostrophes do not matter."""
    return " ".join(re.findall(r"[^\W_]+", name.lower().replace("’", "").replace("'", "")))


def _session(name: str, item: PlanItem, knowledge: Knowledge, length: float) -> Session:
    course = knowledge.therapy_courses[name]
    start = (item.start_day or 0.0) * DAY
    end = _end(item, knowledge) or start + course.weeks * 7 * DAY
    return Session(name, start, end, (item.times_per_day or course.sessions_per_week / 7) * 7)


def _regimen(
    name: str, per_unit: float | None, item: PlanItem, knowledge: Knowledge, length: float
) -> tuple[float, Regimen]:
    _routed(name, item, knowledge)
    amount = _amount(name, per_unit, item, knowledge)
    start = (item.start_day or 0.0) * DAY
    end = _end(item, knowledge)
    if item.as_needed and item.times_per_day is None and item.every_hours is None:
        most = _needed_at_most(item, knowledge)[1]
        item = item.model_copy(update={"times_per_day": float(most)})
    times = list(_times(item, start, length if end is None else end, knowledge))
    per_day = item.times_per_day or 1.0
    _plausible(name, amount, amount * min(len(times), per_day), item, knowledge)
    regimen = Regimen(name, tuple(times), (amount,) * len(times), fed=_with_food(item))
    if item.as_needed:
        gap, most = _needed_at_most(item, knowledge)
        regimen = replace(regimen, as_needed=True, gap=gap, most_a_day=most)
    return start, regimen


A_DAY = re.compile(r"(?:\b(?:a|per|each|every)\s+|/\s*)day\b|\bdaily\b|/\s*d\b")
AT_ONCE = re.compile(
    r"\bonce\b|\bsingle\b|\bqd\b|\bo\.?d\b|\b1 ?x|\bat \d|\b(?:in|at|every|each) (?:the )?"
    r"(?:morning|noon|evening|night|bed\w*)|\bqhs\b|\bhs\b"
)


def _shared_out(
    item: PlanItem, name: str, per_unit: float | None, knowledge: Knowledge
) -> tuple[PlanItem, str]:
    """`30 tablets a day`, `3200 mg a day`: the total of a day, in so many doses as are usual; and a note of it."""
    words, drug, usual = item.written.lower(), knowledge.drugs.get(name), knowledge.clock_times["usual"]
    dose, largest = item.dose_high or item.dose, max(drug.strengths_mg, default=0.0) if drug else 0.0
    timed = item.times_per_day != 1.0 or item.every_hours or item.clock_times or AT_ONCE.search(words)
    if not dose or timed or not A_DAY.search(words):
        return item, ""
    of_a_tablet = largest or math.inf  # no strength known: nothing is shared out
    counted = is_counted(item.unit)
    tablets = dose if counted else _amount(name, per_unit, item, knowledge) / of_a_tablet
    if tablets < usual.total_from - 1e-9:
        return item, ""
    parts = min(math.ceil(tablets - 1e-9), usual.most_parts)
    shared = {"dose": dose / parts, "dose_high": None, "times_per_day": float(parts)}
    note = f"“{item.written}” is taken for the total of a day, in {parts} doses; write “once daily” for one."
    return item.model_copy(update=shared), note


def _rule_of(regimen: Regimen, knowledge: Knowledge) -> str:
    from_ = knowledge.model["as-needed"].parameters["threshold"].value
    return (
        f"{regimen.substance} as needed is taken in waking hours when pain passes about {from_:g} of 100, at least "
        f"{regimen.gap:.3g} h after the last dose and at most {regimen.most_a_day} times a day."
    )


def _needed_at_most(item: PlanItem, knowledge: Knowledge) -> tuple[float, int]:
    """Hours between doses and doses a day that an order as needed allows; where it says neither, those assumed."""
    rule, day = knowledge.model["as-needed"].parameters, knowledge.clock_times["usual"].day
    most = item.times_per_day
    if most is None:
        most = DAY / item.every_hours if item.every_hours else rule["most_a_day"].value
    gap = item.every_hours or max((day[1] - day[0]) / max(most, 1.0), rule["gap"].value)
    return gap, max(1, math.floor(most + 1e-9))


FOOD = re.compile(
    r"\b(?:with|after)\s+(?:(?:a|an|the|each|every)\s+)?(?:[\w-]+\s+){0,2}"
    r"(?:food|meals?|milk|snacks?|breakfast|lunch|dinner|supper)\b|\bp\.?c\b"
)


def _with_food(item: PlanItem) -> bool:
    return FOOD.search(item.written.lower()) is not None


def _routed(name: str, item: PlanItem, knowledge: Knowledge) -> None:
    routes = knowledge.substances[name].routes
    if item.route is not None and item.route.lower() not in routes:
        raise InputError(
            f"“{item.written or item.text}” says the route “{item.route}”; the figures of {name} are those of the "
            f"{' and '.join(routes)} route alone. Leave the route out if it is swallowed."
        )


def _amount(name: str, per_unit: float | None, item: PlanItem, knowledge: Knowledge) -> float:
    """mg in one dose; the upper end where a range is ordered."""
    substance = knowledge.substances[name]
    dose = item.dose_high or item.dose
    if dose is None and per_unit and item.unit is None:
        return per_unit  # one of a product whose strength is its name
    if dose is None:
        raise InputError(
            f"The plan “{item.written or item.text}” states no dose of {name}. Add it, such as “350 mg”."
        )
    if not math.isfinite(dose) or dose <= 0:
        raise InputError(f"The dose {dose:g} {item.unit or ''} of {name} is not a positive amount.")
    unit = (item.unit or "mg").lower()
    masses = {"mg": 1.0, "g": 1000.0, "mcg": 0.001, "µg": 0.001, "ug": 0.001}
    if unit in masses:
        return dose * masses[unit]
    if unit in substance.units:
        return dose * substance.units[unit]
    if per_unit:
        return dose * per_unit
    raise InputError(
        f"“{item.written or item.text}”: how many mg of {name} is {dose:g} {unit}? Write the dose in mg."
    )


def _plausible(name: str, amount: float, daily: float, item: PlanItem, knowledge: Knowledge) -> None:
    limit = knowledge.substances[name].limit
    if limit is None:
        raise InputError(f"{name} is formed in the body and not given.")
    if amount > limit.single or daily > limit.daily:
        raise InputError(
            f"“{item.written or item.text}” is {amount:g} mg of {name} at once and {daily:g} mg a day; more than "
            f"{limit.single:g} mg at once or {limit.daily:g} mg a day is taken for a slip of the pen. Check the dose."
        )


def _times(item: PlanItem, start: float, end: float, knowledge: Knowledge) -> Iterable[float]:
    """Hours from midnight of the first day."""
    usual = knowledge.clock_times["usual"]
    per_day = item.times_per_day or 1.0
    once = item.duration_days is not None and item.duration_days <= 1 and per_day <= 1
    if item.clock_times and not (item.every_hours and len(item.clock_times) == 1):
        hours: Sequence[float] = sorted(_hour(text) for text in item.clock_times)
    elif per_day <= 1:
        words = set(re.findall(r"[a-z]+", item.written.lower()))
        hours = [next((h for w, h in usual.words.items() if w in words), usual.first)]
    elif item.every_hours or per_day != int(per_day) or int(per_day) not in usual.times:
        every = item.every_hours or DAY / per_day
        first = start + (_hour(item.clock_times[0]) if item.clock_times else usual.first)
        count, of_a_day = max(math.ceil((end - start) / every - 1e-9), 1), max(round(DAY / every), 1)
        yield from (first + every * n for n in range(count) if n % of_a_day < per_day)  # `q1h x 4`
        return
    else:
        hours = usual.times[int(per_day)]
    every_days = max(1.0, 1.0 / per_day) if per_day < 1 else 1.0
    days = 1 if once else max(math.ceil((end - start) / DAY / every_days - 1e-9), 1)
    for day in range(days):
        yield from (start + day * every_days * DAY + hour for hour in hours)


def _hour(text: str) -> float:
    hour, minute = text.split(":")[:2]
    return int(hour) + int(minute) / 60


def _shift(regimen: Regimen, by: float) -> Regimen:
    return replace(regimen, times=tuple(t + by for t in regimen.times))
