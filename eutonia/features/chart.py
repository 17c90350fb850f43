"""A case as the features see it: what is taken now, before and after the plan, and the conditions that count.

Every entry that does not count (entered in error, refuted, family history, ended) is left out here, once;
everything that could not be understood is kept and named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache, cached_property, lru_cache
from typing import Any, Generic, TypeVar

from eutonia.features.allergens import Allergen, allergens_of
from eutonia.features.diagnosis import Diagnosis, denied_in, diagnoses_of
from eutonia.features.taken import Taken, ingredients_of, merged, supply_end
from eutonia.features.value import Value
from eutonia.formulary import UNNAMED, Recognised, recognise
from eutonia.knowledge import Knowledge
from eutonia.patient import Case, Dosage, Medication, PlanItem

T = TypeVar("T")

GRACE_DAYS = 7
"""A prescription is taken as in use until a week after its supply ends."""

IN_ERROR = {"entered-in-error", "not-taken", "cancelled", "draft", "intended"}
HALTED = {"stopped", "on-hold", "ended", "inactive"}
ENDED = IN_ERROR | HALTED | {"completed"}
"""Statuses of what is not in use, where no date of its end says otherwise."""
TAKING = {"start", "continue", "taper"}


class of_plan(Generic[T]):
    """As `cached_property`, for what depends on the plan: notes on the chart that the plan was asked for."""

    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self._work_out, self.__doc__ = work_out, work_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._kept = f"{name} of plan"

    def __get__(self, chart: Any, owner: type | None = None) -> T:
        kept = chart.__dict__
        kept["plan_asked"] = True
        if self._kept not in kept:
            kept[self._kept] = self._work_out(chart)
        found: T = kept[self._kept]
        return found


@dataclass
class Chart:
    """A case through the eyes of `knowledge`. Nothing in it is guessed: what is unknown stays unknown."""

    case: Case
    knowledge: Knowledge
    suspect: dict[str, str] = field(default_factory=dict)
    """Feature → a value that was set aside because its unit is missing or cannot be right."""
    stale: dict[str, str] = field(default_factory=dict)
    """Feature → a result that was set aside because it is too old."""
    values: dict[str, Value] = field(default_factory=dict)
    """Features already worked out."""
    results: dict[str, list[Any]] = field(default_factory=dict)
    """Results and observations by code; filled by `features.results` when it first looks."""
    of_record: set[str] = field(default_factory=set)
    """Features worked out without a look at the plan."""
    of_names: set[str] = field(default_factory=set)
    """Features that look at the plan for nothing but whether everything in it is recognised."""
    plan_asked: bool = False
    """Whether the plan was looked at since this was last set to False."""
    names_asked: bool = False
    """Whether it was asked what is not recognised, since this was last set to False."""
    leaning: set[str] = field(default_factory=set)
    """Features that look at the plan through other features."""
    leans: bool = False
    """Whether a feature that depends on the plan was asked for since this was last set to False."""

    def instead(self, plan: tuple[PlanItem, ...]) -> Chart:
        """The same record with another plan; the features are kept too, until they are forgotten."""
        other = Chart(
            case=self.case.model_copy(update={"plan": plan}),
            knowledge=self.knowledge,
            suspect=dict(self.suspect),
            stale=dict(self.stale),
            values=dict(self.values),
            results=self.results,
            of_record=set(self.of_record),
            of_names=set(self.of_names),
            leaning=set(self.leaning),
        )
        kept = _kept_of_record() & self.__dict__.keys()
        other.__dict__.update({name: self.__dict__[name] for name in kept})
        return other

    def forget(self, features: Iterable[str]) -> None:
        """Leave features to be worked out anew."""
        for name in features:
            for told in (self.values, self.suspect, self.stale):
                told.pop(name, None)

    @property
    def as_of(self) -> date:
        return self.case.as_of

    def value(self, feature: str) -> Value:
        """Another feature."""
        from eutonia.features import value_of

        return value_of(feature, self)

    def known(self, feature: str) -> bool | float | str | None:
        """The value of another feature."""
        return self.value(feature).known

    @property
    def needed(self) -> frozenset[str]:
        """Measured features that rules about the treatments involved ask for."""
        from eutonia.features import needed_results

        by_subject = needed_results(self.knowledge)
        names = {name for t in self.involved for name in (t.treatment, *t.classes)}
        return frozenset().union(*(by_subject.get(name, ()) for name in names))

    # --- treatments -------------------------------------------------------------------------------

    @cached_property
    def listed(self) -> tuple[tuple[Medication, tuple[Taken, ...]], ...]:
        """Every entry of the medication list that is no error, with its ingredients (none: not recognised)."""
        entries = [m for m in self.case.medications or () if (m.status or "") not in IN_ERROR]
        return tuple(
            (entry, ingredients_of(number, entry, self.knowledge)) for number, entry in enumerate(entries)
        )

    @of_plan
    def plan(self) -> tuple[tuple[PlanItem, tuple[Taken, ...]], ...]:
        """Every plan item with its ingredients or therapy."""
        return tuple(
            (item, _planned(-1 - number, item, self.knowledge)) for number, item in enumerate(self.case.plan)
        )

    @cached_property
    def current(self) -> tuple[Taken, ...]:
        """What is in use at as_of, each product once however often it was ordered."""
        return merged(taken for _, parts in self.used for taken in parts)

    @cached_property
    def used(self) -> tuple[tuple[Medication, tuple[Taken, ...]], ...]:
        """Every entry in use at as_of, with its ingredients: repeated orders too."""
        return tuple((entry, parts) for entry, parts in self.listed if self.in_use(entry))

    @cached_property
    def past(self) -> tuple[Taken, ...]:
        return tuple(
            taken
            for entry, parts in self.listed
            if not self.in_use(entry) and self._begun(entry)
            for taken in parts
        )

    @of_plan
    def planned(self) -> tuple[Taken, ...]:
        return tuple(taken for _, parts in self.plan for taken in parts)

    @of_plan
    def after(self) -> tuple[Taken, ...]:
        """What is taken once the plan is carried out, with planned doses in place of current ones."""
        ends = {t.treatment for t in self.planned if t.action in ("stop", "continue", "taper")}
        goes_on = [t for t in (*self.current, *self._to_come) if t.treatment not in ends]
        return (*goes_on, *(self._with_current_dose(t) for t in self.planned if t.action in TAKING))

    @of_plan
    def involved(self) -> tuple[Taken, ...]:
        return (*self.current, *self.planned)

    @cached_property
    def named_now(self) -> frozenset[str]:
        """Every treatment and class that something in use is or may be."""
        return _named(self.current)

    @of_plan
    def named(self) -> frozenset[str]:
        """Every treatment and class that something in use, used once or planned is or may be."""
        return self.named_now | _named((*self.past, *self._to_come, *self.planned))

    @of_plan
    def dosed(self) -> tuple[Taken, ...]:
        """Entries whose doses add up: a continued or tapered drug replaces its current entry."""
        replaced = {t.treatment for t in self.planned if t.action in ("continue", "taper")}
        stays = [t for t in self.current if t.treatment not in replaced]
        return (*stays, *(self._with_current_dose(t) for t in self.planned if t.action in TAKING))

    @cached_property
    def _to_come(self) -> tuple[Taken, ...]:
        return tuple(
            t for e, parts in self.listed if not self._begun(e) and not self._ended(e) for t in parts
        )

    @property
    def unrecognised(self) -> tuple[str, ...]:
        """Entries in use or planned whose ingredients are not known."""
        asked, self.names_asked = self.plan_asked, True
        found = self._unrecognised
        self.plan_asked = asked
        return found

    @of_plan
    def _unrecognised(self) -> tuple[str, ...]:
        planned = [(item, parts) for item, parts in self.plan if _names_treatment(item)]
        return tuple(dict.fromkeys([*self._unrecognised_now, *self._not_recognised(planned)]))

    @cached_property
    def _unrecognised_now(self) -> tuple[str, ...]:
        return tuple(self._not_recognised(self.used))

    def _not_recognised(self, entries: Iterable[tuple[Dosage, tuple[Taken, ...]]]) -> Iterator[str]:
        for e, parts in entries:
            if not parts or self._unread(e) or any(part.treatment.startswith(UNNAMED) for part in parts):
                yield e.text or e.coded

    def is_open(self, place: int) -> bool:
        """Whether it is open which drug an item of the plan is: not recognised, or its code and text differ."""
        item, parts = self.plan[place]
        return _names_treatment(item) and (
            self._contradicts(item) or any(self._not_recognised([(item, parts)]))
        )

    @of_plan
    def contradictory(self) -> tuple[str, ...]:
        """Entries in use or planned whose code and text name different drugs."""
        planned = (f"“{item.text}” ({item.coded})" for item, _ in self.plan if self._contradicts(item))
        return tuple(dict.fromkeys([*self._contradictory_now, *planned]))

    @cached_property
    def _contradictory_now(self) -> tuple[str, ...]:
        return tuple(f"“{e.text}” ({e.coded})" for e, _ in self.used if self._contradicts(e))

    @of_plan
    def wrong_amounts(self) -> tuple[str, ...]:
        """Entries in use or planned with an amount that was set aside, since its unit cannot be right."""
        entries = (*self.used, *self.plan)
        wrong = [e for e, parts in entries if any(part.suspect for part in parts)]
        return tuple(dict.fromkeys(f"{_amount(e)} cannot be right in this unit" for e in wrong))

    def _contradicts(self, entry: Dosage) -> bool:
        found = self._named_by(entry) if entry.coded else None
        return found is not None and found.contradicts

    def _unread(self, entry: Dosage) -> bool:
        """Whether a part of a combination is not known."""
        found = self._named_by(entry)
        return found is not None and bool(found.unread)

    def _named_by(self, entry: Dosage) -> Recognised | None:
        return recognise(entry.text, entry.rxcui, self.knowledge, atc=entry.atc) if entry.text else None

    @property
    def list_known(self) -> bool:
        """Whether the list is complete: some entries may have been seen while others were out of reach."""
        return self.case.medications is not None and "medications" not in self.case.not_seen

    @property
    def all_recognised(self) -> bool:
        """Whether what is not found on the list is truly not taken."""
        return self.list_known and not self.unrecognised

    def in_use(self, entry: Medication) -> bool:
        return self._begun(entry) and not self._ended(entry)

    def _begun(self, entry: Medication) -> bool:
        return entry.start is None or entry.start.first <= self.as_of

    def _ended(self, entry: Medication) -> bool:
        if entry.end is None and entry.status in HALTED:
            return True  # whatever is left of the supply
        end = supply_end(entry.start, entry.end, entry.days_supply)
        if end is not None:
            if entry.status == "stopped":
                return end.last <= self.as_of
            late = timedelta(GRACE_DAYS if entry.status in (None, "active") else 0)
            return end.last + late < self.as_of
        return (entry.status or "active") in ENDED

    def _with_current_dose(self, taken: Taken) -> Taken:
        """A continued drug for which the plan states no dose keeps the dose that is on the list."""
        if taken.daily_mg is not None or taken.action not in ("continue", "taper"):
            return taken
        same = [t for t in self.current if t.treatment == taken.treatment]
        doses = [t.daily_mg for t in same]
        known = [dose for dose in doses if dose is not None]
        total = sum(known) if known and len(known) == len(doses) else None
        singles = [t.mg_per_dose for t in same if t.mg_per_dose is not None]
        return replace(
            taken,
            daily_mg=total,
            mg_per_dose=taken.mg_per_dose or max(singles, default=None),
            strength_mg=taken.strength_mg or next((t.strength_mg for t in same), None),
        )

    @cached_property
    def allergens(self) -> tuple[Allergen, ...]:
        """The allergies that stand, each with the drugs and classes that it is about."""
        return tuple(allergens_of(self.case, self.knowledge))

    # --- conditions -------------------------------------------------------------------------------

    @cached_property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """Conditions and positive observations that count, each with its value sets."""
        return tuple(diagnoses_of(self.case, self.knowledge))

    @cached_property
    def denied(self) -> frozenset[str]:
        """Value sets that an observation states to be absent."""
        return denied_in(self.case, self.knowledge)

    @property
    def conditions_known(self) -> bool:
        return self.case.conditions is not None and "conditions" not in self.case.not_seen

    def having(self, *value_sets: str, active: bool = True) -> Sequence[Diagnosis]:
        """Diagnoses in one of `value_sets`; active ones, or of any status."""
        if self._diagnosed.keys().isdisjoint(value_sets):
            return ()
        places = sorted({n for name in value_sets for n in self._diagnosed.get(name, ())})
        those = (self.diagnoses[n] for n in places)
        return tuple(d for d in those if d.active or not active)

    @cached_property
    def _diagnosed(self) -> dict[str, list[int]]:
        """Value set → places of its diagnoses."""
        places: dict[str, list[int]] = {}
        for n, diagnosis in enumerate(self.diagnoses):
            for name in diagnosis.value_sets:
                places.setdefault(name, []).append(n)
        return places


def _amount(entry: Dosage) -> str:
    """A dose and what it is of, for reading."""
    name = entry.text or "a medicine"
    return f"{name}: {entry.dose:g} {entry.unit}" if entry.dose and entry.unit else f"the strength of {name}"


def _named(taken: Iterable[Taken]) -> frozenset[str]:
    return frozenset(name for t in taken for name in (t.treatment, *t.classes, *t.possible))


@lru_cache(maxsize=256)
def _planned(number: int, item: PlanItem, knowledge: Knowledge) -> tuple[Taken, ...]:
    """The ingredients of an order; those of the alternatives are asked for with every patient."""
    return ingredients_of(number, item, knowledge)


@cache
def _kept_of_record() -> frozenset[str]:
    """The cached properties of a chart that do not depend on the plan."""
    return frozenset(name for name, found in vars(Chart).items() if isinstance(found, cached_property))


def _names_treatment(item: PlanItem) -> bool:
    """Whether the item is about some treatment at all: an assessment may be about the patient."""
    return item.action != "assess" and bool(item.text or item.coded or item.therapy)
