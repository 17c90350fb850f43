"""A case as the features see it: medicines split into ingredients, conditions sorted into value sets.

Every entry that does not count (entered in error, refuted, family history, ended) is left out here, once;
everything that could not be understood is kept and named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

from eutonia.dates import Span, days_ago
from eutonia.features.value import Value
from eutonia.formulary import UNNAMED, class_called, classes_of, medicine_index, recognise
from eutonia.knowledge import Knowledge
from eutonia.knowledge.codes import code_index
from eutonia.patient import Case, Condition, Dosage, Medication, PlanItem

T = TypeVar("T")

GRACE_DAYS = 7
"""A prescription is taken as in use until a week after its supply ends (dossier, status logic)."""

ENDED = {
    "stopped",
    "cancelled",
    "entered-in-error",
    "not-taken",
    "draft",
    "on-hold",
    "completed",
    "ended",
    "inactive",
}
IN_ERROR = {"entered-in-error", "not-taken", "cancelled", "draft"}
TAKING = {"start", "continue", "taper"}


@dataclass(frozen=True, slots=True)
class Taken:
    """One ingredient (or therapy) of one entry on the list or in the plan."""

    treatment: str
    classes: frozenset[str]
    """Classes it certainly belongs to."""
    possible: frozenset[str]
    """Classes it belongs to at some doses, where the dose is not known."""
    text: str
    entry: int
    """Which entry it came from: ingredients of one product share it."""
    mg_per_dose: float | None
    strength_mg: float | None
    daily_mg: float | None
    mg_per_hour: float | None
    """What a patch gives off, where that is how its dose is written."""
    route: str
    product: str
    """What tells repeated orders of one product from two products."""
    unapproved: bool = False
    start: Span | None = None
    end: Span | None = None
    action: str | None = None
    duration_days: float | None = None
    days_supply: float | None = None
    prescriber: str | None = None

    def belongs(self, names: Collection[str]) -> bool | None:
        """Whether it is one of `names` (treatments or classes); None where its dose decides."""
        if self.treatment in names or not self.classes.isdisjoint(names):
            return True
        return False if self.possible.isdisjoint(names) else None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A condition that counts, with the value sets it belongs to."""

    condition: Condition
    value_sets: frozenset[str]
    active: bool
    since: Span | None

    def __str__(self) -> str:
        text = self.condition.text or self.condition.icd10cm or self.condition.snomed or "condition"
        return f"{text} ({self.since})" if self.since else text


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
    plan_asked: bool = False
    """Whether the plan was looked at since this was last set to False."""

    def instead(self, plan: tuple[PlanItem, ...]) -> Chart:
        """The same record with another plan; what does not depend on the plan is not worked out again."""
        other = Chart(
            case=self.case.model_copy(update={"plan": plan}),
            knowledge=self.knowledge,
            suspect={name: told for name, told in self.suspect.items() if name in self.of_record},
            stale={name: told for name, told in self.stale.items() if name in self.of_record},
            values={name: self.values[name] for name in self.of_record},
            results=self.results,
            of_record=set(self.of_record),
        )
        other.__dict__.update((n, v) for n, v in self.__dict__.items() if n in _kept_of_record())
        return other

    @property
    def as_of(self) -> date:
        return self.case.as_of

    def known(self, feature: str) -> bool | float | str | None:
        """The value of another feature."""
        from eutonia.features import value_of

        return value_of(feature, self).known

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
        return tuple((entry, self._ingredients(number, entry)) for number, entry in enumerate(entries))

    @of_plan
    def plan(self) -> tuple[tuple[PlanItem, tuple[Taken, ...]], ...]:
        """Every plan item with its ingredients or therapy."""
        return tuple(
            (item, self._ingredients(-1 - number, item)) for number, item in enumerate(self.case.plan)
        )

    @cached_property
    def current(self) -> tuple[Taken, ...]:
        """What is in use at as_of, each product once however often it was ordered."""
        return _merge(taken for entry, parts in self.listed if self.in_use(entry) for taken in parts)

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

    @of_plan
    def unrecognised(self) -> tuple[str, ...]:
        """Entries in use or planned whose ingredients are not known."""
        listed = [(e, parts) for e, parts in self.listed if self.in_use(e)]
        planned = [(i, parts) for i, parts in self.plan if _names_treatment(i)]
        names = [
            e.text or f"RxNorm {e.rxcui}"
            for e, parts in (*listed, *planned)
            if not parts or self._unread(e) or any(part.treatment.startswith(UNNAMED) for part in parts)
        ]
        return tuple(dict.fromkeys(names))

    @cached_property
    def contradictory(self) -> tuple[str, ...]:
        """Entries in use or planned whose code and text name different drugs."""
        entries = (*(e for e, _ in self.listed if self.in_use(e)), *(item for item, _ in self.plan))
        return tuple(dict.fromkeys(f"“{e.text}” (RxNorm {e.rxcui})" for e in entries if self._contradicts(e)))

    def _contradicts(self, entry: Dosage) -> bool:
        if not entry.text or not entry.rxcui:
            return False
        found = recognise(entry.text, entry.rxcui, self.knowledge, atc=entry.atc)
        return found is not None and found.contradicts

    def _unread(self, entry: Dosage) -> bool:
        """Whether a part of a combination is not known."""
        found = recognise(entry.text, entry.rxcui, self.knowledge, atc=entry.atc) if entry.text else None
        return found is not None and bool(found.unread)

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

    def _ingredients(self, number: int, entry: Medication | PlanItem) -> tuple[Taken, ...]:
        text = entry.text
        if isinstance(entry, PlanItem) and (entry.therapy or entry.action.endswith("-therapy")):
            therapy = self._therapy(number, entry)
            if therapy:
                return therapy
            text = text or entry.therapy or ""  # a supplement is often ordered as a therapy
        if not text and not entry.rxcui and not entry.atc:
            return ()
        found = recognise(text, entry.rxcui, self.knowledge, atc=entry.atc)
        if found is None and isinstance(entry, PlanItem) and entry.therapy:
            found = recognise(entry.therapy, None, self.knowledge)
        if found is None:
            therapy = self._therapy(number, entry) if isinstance(entry, PlanItem) else ()
            return therapy or self._of_class(number, entry)
        if found.is_other:
            return (
                self._taken(number, entry, f"other:{entry.text.casefold()}", None, None, "oral", "", False),
            )
        first = found.ingredients[0].mg
        route = entry.route or found.route or ""
        product = "+".join(f"{i.drug}:{i.mg}" for i in found.ingredients) + f"/{found.form or ''}"
        return tuple(
            self._taken(
                number,
                entry,
                ingredient.drug,
                ingredient.mg,
                ingredient.mg / first
                if ingredient.mg and first
                else (1.0 if len(found.ingredients) == 1 else None),
                route,
                product,
                found.unapproved_name,
                ingredient.mg_per_hour,
            )
            for ingredient in found.ingredients
        )

    def _of_class(self, number: int, entry: Medication | PlanItem) -> tuple[Taken, ...]:
        """An entry that names a class in place of a drug: it counts as the class, and what it is stays to be asked."""
        named = class_called(entry.text, self.knowledge)
        if named is None:
            return ()
        route = entry.route or medicine_index(self.knowledge).route_of(entry.text) or ""
        return (self._taken(number, entry, f"{UNNAMED}{named}", None, None, route, "", False),)

    def _taken(
        self,
        number: int,
        entry: Medication | PlanItem,
        treatment: str,
        strength: float | None,
        share: float | None,
        route: str,
        product: str,
        unapproved: bool,
        patch: float | None = None,
    ) -> Taken:
        """One ingredient; `share` is its part of a dose written in mg of the first ingredient."""
        mg = mg_per_dose(entry, strength, share)
        daily = None if mg is None or entry.times_per_day is None else mg * entry.times_per_day
        certain, possible = classes_of(treatment, daily, self.knowledge)
        planned = entry if isinstance(entry, PlanItem) else None
        return Taken(
            treatment=treatment,
            classes=certain,
            possible=possible,
            text=entry.text,
            entry=number,
            mg_per_dose=mg,
            strength_mg=strength,
            daily_mg=daily,
            mg_per_hour=mg_per_hour(entry, patch),
            route=self._acts(route, treatment),
            product=product or entry.text.casefold(),
            unapproved=unapproved,
            start=entry.start,
            end=entry.end,
            action=action_of(planned) if planned else None,
            duration_days=planned_days(planned) if planned else None,
            days_supply=entry.days_supply,
            prescriber=None if planned else entry.prescriber,  # type: ignore[union-attr]
        )

    def _acts(self, route: str, treatment: str) -> str:
        """Where a treatment acts by the route: some patches act only under the patch, some sprays everywhere."""
        drug = self.knowledge.drugs.get(treatment)
        known = _route(route)
        if drug and known == "topical" and any(way in route.casefold() for way in drug.systemic_routes):
            return "systemic"
        return "topical" if drug and known in drug.local_routes else known

    def _therapy(self, number: int, item: PlanItem) -> tuple[Taken, ...]:
        names = therapy_names(self.knowledge)
        wanted = (item.therapy or "").casefold().strip(), item.text.casefold().strip()
        for text in wanted:
            found = names.get(text) or next((names[n] for n in names if n and _word_in(n, text)), None)
            if found:
                return (self._taken(number, item, found, None, None, "none", found, False),)
        return ()

    # --- conditions -------------------------------------------------------------------------------

    @cached_property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """Conditions and positive observations that count, each with its value sets."""
        index = code_index(self.knowledge)
        found = []
        for condition in (*(self.case.conditions or ()), *self._observed):
            if (condition.verification_status or "") in ("refuted", "entered-in-error"):
                continue
            since = condition.onset or condition.recorded
            if since is not None and since.first > self.as_of:
                continue
            match = index.look_up(condition.icd10cm, condition.snomed, condition.text)
            if not match.excluded:
                active = not match.history and self._is_active(condition)
                found.append(Diagnosis(condition, match.value_sets, active, since))
        return tuple(found)

    def _is_active(self, condition: Condition) -> bool:
        if condition.abatement is not None and condition.abatement.last < self.as_of:
            return False
        return (condition.clinical_status or "active") in ("active", "recurrence", "relapse")

    @property
    def conditions_known(self) -> bool:
        return self.case.conditions is not None and "conditions" not in self.case.not_seen

    @cached_property
    def _observed(self) -> tuple[Condition, ...]:
        """Observations that state a sign or symptom, as conditions."""
        return tuple(
            Condition(text=o.text, snomed=o.code, onset=o.date)
            for o in self.case.observations or ()
            if truth_of(o.value) is True and (o.status or "") not in ("entered-in-error", "cancelled")
        )

    @cached_property
    def denied(self) -> frozenset[str]:
        """Value sets that an observation states to be absent."""
        index = code_index(self.knowledge)
        said: set[str] = set()
        for o in self.case.observations or ():
            if truth_of(o.value) is False:
                said |= index.look_up(None, o.code, o.text).value_sets
                if "red flag" in o.text.casefold():
                    said.add("red-flags")
        return frozenset(said)

    def having(self, *value_sets: str, active: bool = True) -> list[Diagnosis]:
        """Diagnoses in one of `value_sets`; active ones, or of any status."""
        wanted = set(value_sets)
        return [d for d in self.diagnoses if d.value_sets & wanted and (d.active or not active)]

    def days_since(self, when: Span | None) -> tuple[int, int] | None:
        return days_ago(when, self.as_of)


def _named(taken: Iterable[Taken]) -> frozenset[str]:
    return frozenset(name for t in taken for name in (t.treatment, *t.classes, *t.possible))


@cache
def _kept_of_record() -> frozenset[str]:
    """The cached properties of a chart that do not depend on the plan."""
    return frozenset(name for name, found in vars(Chart).items() if isinstance(found, cached_property))


def truth_of(value: object) -> bool | None:
    """What an observed value says of the sign that it observes: there, not there, or neither."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word in ("true", "yes", "present", "positive", "y", "pos"):
        return True
    if word in ("false", "no", "absent", "negative", "none", "n", "neg", "denies", "denied"):
        return False
    return None


def mg_per_dose(entry: Dosage, strength: float | None, share: float | None) -> float | None:
    """Milligrams of one ingredient in one dose; the upper end of a range.

    A dose in units (tablets) needs the strength of one; a dose in mg is that of the product's first ingredient.
    """
    dose = entry.dose_high if entry.dose_high is not None else entry.dose
    if dose is None:
        return None
    unit = (entry.unit or "").casefold().strip().rstrip(".")
    if unit in MASS_IN_MG:
        return None if share is None else dose * MASS_IN_MG[unit] * share
    if unit.rstrip("s") in COUNTED:
        return None if strength is None else dose * strength
    return None


def mg_per_hour(entry: Dosage, coded: float | None = None) -> float | None:
    """What a patch gives off: from a dose by the hour, from its name (`fentanyl 25 mcg/h`), or from its code."""
    unit = re.fullmatch(RATE, (entry.unit or "").casefold().strip())
    if unit and entry.dose is not None:
        return entry.dose * MASS_IN_MG[unit[1]]
    named = re.search(rf"(\d+(?:\.\d+)?)\s*{RATE}", entry.text.casefold())
    patches = entry.dose if entry.dose and (entry.unit or "").casefold().rstrip("s") in COUNTED else 1.0
    each = float(named[1]) * MASS_IN_MG[named[2]] if named else coded
    return None if each is None else each * patches


RATE = r"(mg|ug|mcg|µg|μg)\s*/\s*h(?:r|our)?\b\.?"
MASS_IN_MG: Mapping[str, float] = {
    "mg": 1.0, "milligram": 1.0, "milligrams": 1.0, "g": 1000.0, "gram": 1000.0, "grams": 1000.0,
    "ug": 1e-3, "mcg": 1e-3, "µg": 1e-3, "μg": 1e-3, "microgram": 1e-3, "micrograms": 1e-3,
}  # fmt: skip
COUNTED = {
    "tablet",
    "tab",
    "capsule",
    "cap",
    "pill",
    "caplet",
    "patch",
    "{tbl}",
    "{tablet}",
    "{capsule}",
    "unit",
    "each",
}


def action_of(item: PlanItem) -> str:
    """start, continue, stop, taper or assess; a stop with a taper is a taper."""
    action = item.action.removesuffix("-therapy")
    return "taper" if action == "stop" and item.taper else action


def planned_days(item: PlanItem) -> float | None:
    """The length of the planned course: as stated, from its dates, or from what is dispensed."""
    if item.duration_days is not None:
        return item.duration_days
    if item.start and item.end:
        return float((item.end.last - item.start.first).days + 1)
    if item.days_supply is not None:
        return item.days_supply
    if (
        item.quantity
        and item.dose
        and item.times_per_day
        and (item.unit or "").casefold().rstrip("s") in COUNTED
    ):
        return item.quantity / (item.dose * item.times_per_day)
    return None


def supply_end(start: Span | None, end: Span | None, days_supply: float | None) -> Span | None:
    if end is not None:
        return end
    if start is not None and days_supply is not None:
        length = timedelta(days=days_supply)
        return Span(start.first + length, start.last + length)
    return None


def _merge(taken: Iterable[Taken]) -> tuple[Taken, ...]:
    """One entry per product and ingredient: the latest order's dose, the earliest order's start."""
    kept: dict[tuple[str, str, str], Taken] = {}
    for each in taken:
        key = each.treatment, each.product, each.route
        before = kept.get(key)
        if before is None:
            kept[key] = each
            continue
        later, earlier = (each, before) if _starts(each) >= _starts(before) else (before, each)
        kept[key] = replace(later, start=earlier.start if earlier.start and later.start else None)
    return tuple(kept.values())


def _starts(taken: Taken) -> date:
    return taken.start.first if taken.start else date.min


def _names_treatment(item: PlanItem) -> bool:
    """Whether the item is about some treatment at all: an assessment may be about the patient."""
    return item.action != "assess" and bool(item.text or item.rxcui or item.therapy)


def _route(route: str) -> str:
    word = route.casefold().replace("subcutaneous", "")  # through the skin, not on it
    for known, words in ROUTES.items():
        if any(w in word for w in words):
            return known
    return "systemic"


ROUTES: Mapping[str, tuple[str, ...]] = {
    "transdermal": ("transdermal", "patch"),
    "topical": (
        "topical",
        "cutaneous",
        "ophthalm",
        "otic",
        "nasal",
        "inhal",
        "gel",
        "cream",
        "ointment",
        "eye",
        "ear",
    ),
    "none": ("none",),
}


@cache
def therapy_names(knowledge: Knowledge) -> Mapping[str, str]:
    """Names and synonyms of therapies, longest first → id."""
    names = {
        name.casefold(): therapy.id
        for therapy in knowledge.therapies.values()
        for name in (therapy.id, therapy.id.replace("-", " "), therapy.title, *therapy.synonyms)
    }
    return dict(sorted(names.items(), key=lambda pair: -len(pair[0])))


def _word_in(name: str, text: str) -> bool:
    at = text.find(name)
    while at >= 0:
        before, behind = text[at - 1 : at], text[at + len(name) : at + len(name) + 1]
        if not before.isalnum() and not behind.isalnum():
            return True
        at = text.find(name, at + 1)
    return False
