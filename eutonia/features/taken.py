"""What an entry of the medication list or of the plan comes to: its ingredients, with dose, route and dates.

Nothing is guessed: an entry that is not recognised has no ingredients, an amount that is not stated is None.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Literal

from eutonia.dates import Span
from eutonia.formulary import (
    OUTSIDE,
    UNNAMED,
    Ingredient,
    Recognised,
    class_called,
    classes_of,
    medicine_index,
    recognise,
)
from eutonia.knowledge import Knowledge
from eutonia.patient import Dosage, Medication, PlanItem
from eutonia.supplies import planned_days
from eutonia.units import MASS_IN_MG, is_counted


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
    """Where it acts: systemic, topical, transdermal, or none for a therapy."""
    product: str
    """What tells repeated orders of one product from two products."""
    unapproved: bool = False
    suspect: bool = False
    """Whether an amount of it was set aside, since its unit cannot be right."""
    named_by: Literal["", "code", "text"] = ""
    """Where code and text of its entry name different drugs, of which one is meant: what names this one."""
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

    def excludes(self, other: Taken) -> bool:
        """Whether only one of the two can be taken: one entry is this by its code and that by its text."""
        return self.named_by != other.named_by and self.product == other.product


def ingredients_of(number: int, entry: Medication | PlanItem, knowledge: Knowledge) -> tuple[Taken, ...]:
    """The ingredients of an entry, or its therapy; none where it is not recognised.

    number: tells entries apart; ingredients of one product share it.
    """
    text = entry.text
    if isinstance(entry, PlanItem) and (entry.therapy or entry.action.endswith("-therapy")):
        therapy = _therapy(number, entry, knowledge)
        if therapy:
            return therapy
        text = text or entry.therapy or ""  # a supplement is often ordered as a therapy
    if not text and not entry.rxcui and not entry.atc:
        return ()
    found = recognise(text, entry.rxcui, knowledge, atc=entry.atc)
    if found is None and isinstance(entry, PlanItem) and entry.therapy:
        found = recognise(entry.therapy, None, knowledge)
    if found is None:
        therapy = _therapy(number, entry, knowledge) if isinstance(entry, PlanItem) else ()
        return therapy or _of_class(number, entry, knowledge)
    if found.is_other:
        return (
            _taken(number, entry, knowledge, Ingredient(f"{OUTSIDE}{entry.text.casefold()}"), route="oral"),
        )
    made_of = found.ingredients
    product = "+".join(sorted(f"{i.drug}:{i.mg}" for i in made_of)) + f"/{found.brand}"
    return tuple(
        _taken(
            number,
            entry,
            knowledge,
            ingredient,
            share=_share(ingredient, made_of),
            route=entry.route or found.route or "",
            product=product,
            unapproved=found.unapproved_name,
            named_by=_named_by(ingredient, found),
        )
        for ingredient in made_of
    )


def _named_by(ingredient: Ingredient, found: Recognised) -> Literal["", "code", "text"]:
    if not found.contradicts:
        return ""
    return "code" if ingredient.drug in found.coded else "text"


def one_reading(taken: Iterable[Taken]) -> list[Taken]:
    """What may be taken together: of an entry whose code and text differ, the one that adds more drugs."""
    listed = list(taken)
    if not any(t.named_by for t in listed):
        return listed
    sure = {t.treatment for t in listed if not t.named_by}
    adds: dict[str, Counter[str]] = {}
    for t in listed:
        if t.named_by:
            adds.setdefault(t.product, Counter())[t.named_by] += t.treatment not in sure
    chosen = {product: max(counted, key=lambda by: counted[by]) for product, counted in adds.items()}
    return [t for t in listed if not t.named_by or t.named_by == chosen[t.product]]


def _share(ingredient: Ingredient, made_of: Collection[Ingredient]) -> float | None:
    """Its part of a dose that is written in mg of the first ingredient; None where a strength is not known."""
    first = next(iter(made_of)).mg
    if ingredient.mg and first:
        return ingredient.mg / first
    return 1.0 if len(made_of) == 1 else None


def _of_class(number: int, entry: Medication | PlanItem, knowledge: Knowledge) -> tuple[Taken, ...]:
    """An entry that names a class in place of a drug: it counts as the class, and what it is stays to be asked."""
    named = class_called(entry.text, knowledge)
    if named is None:
        return ()
    route = entry.route or medicine_index(knowledge).route_of(entry.text) or ""
    return (_taken(number, entry, knowledge, Ingredient(f"{UNNAMED}{named}"), route=route),)


def _therapy(number: int, item: PlanItem, knowledge: Knowledge) -> tuple[Taken, ...]:
    names = therapy_names(knowledge)
    wanted = (item.therapy or "").casefold().strip(), item.text.casefold().strip()
    for text in wanted:
        found = names.get(text) or next((names[n] for n in names if n and _word_in(n, text)), None)
        if found:
            return (_taken(number, item, knowledge, Ingredient(found), route=NOWHERE, product=found),)
    return ()


def _taken(
    number: int,
    entry: Medication | PlanItem,
    knowledge: Knowledge,
    ingredient: Ingredient,
    *,
    share: float | None = None,
    route: str = "",
    product: str = "",
    unapproved: bool = False,
    named_by: Literal["", "code", "text"] = "",
) -> Taken:
    treatment = ingredient.drug
    strength = None if _far_off(ingredient.mg, treatment, knowledge) else ingredient.mg
    mg = mg_per_dose(entry, strength, share)
    converted = _unit(entry) in MASS_IN_MG and _unit(entry) != "mg"
    suspect = strength != ingredient.mg or (converted and _far_off(mg, treatment, knowledge))
    mg = None if suspect else mg
    daily = None if mg is None or entry.times_per_day is None else mg * entry.times_per_day
    certain, possible = classes_of(treatment, daily, knowledge)
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
        mg_per_hour=mg_per_hour(entry, ingredient.mg_per_hour),
        route=acts(route, treatment, knowledge),
        product=product or entry.text.casefold(),
        unapproved=unapproved,
        suspect=suspect,
        named_by=named_by,
        start=entry.start,
        end=entry.end,
        action=action_of(planned) if planned else None,
        duration_days=planned_days(planned, knowledge) if planned else None,
        days_supply=entry.days_supply,
        prescriber=entry.prescriber if isinstance(entry, Medication) else None,
    )


def merged(taken: Iterable[Taken]) -> tuple[Taken, ...]:
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


# --- how much -------------------------------------------------------------------------------------------

RATE = re.compile(r"(mg|ug|mcg|µg|μg)\s*/\s*h(?:r|our)?\b\.?")
"""A dose by the hour, as patches are named by it."""
NAMED_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*" + RATE.pattern)


def mg_per_dose(entry: Dosage, strength: float | None, share: float | None) -> float | None:
    """Milligrams of one ingredient in one dose; the upper end of a range.

    A dose in units (tablets) needs the strength of one; a dose in mg is that of the product's first ingredient.
    """
    dose = entry.dose_high if entry.dose_high is not None else entry.dose
    if dose is None:
        return None
    unit = _unit(entry)
    if unit in MASS_IN_MG:
        return None if share is None else dose * MASS_IN_MG[unit] * share
    if is_counted(entry.unit):
        return None if strength is None else dose * strength
    return None


def _unit(entry: Dosage) -> str:
    return (entry.unit or "").casefold().strip().rstrip(".")


FAR = 50.0
"""How many times below the least or above the greatest of its strengths an amount is no dose of a drug."""


def _far_off(mg: float | None, treatment: str, knowledge: Knowledge) -> bool:
    """Whether an amount can only be in a wrong unit: 350 µg, or 350 g, of what comes in 350 mg."""
    strengths = medicine_index(knowledge).strengths.get(treatment)
    return bool(mg and strengths and not min(strengths) / FAR <= mg <= FAR * max(strengths))


def mg_per_hour(entry: Dosage, coded: float | None = None) -> float | None:
    """What a patch gives off: from a dose by the hour, from its name (`fentanyl 25 mcg/h`), or from its code."""
    unit = RATE.fullmatch((entry.unit or "").casefold().strip())
    if unit and entry.dose is not None:
        return entry.dose * MASS_IN_MG[unit[1]]
    named = NAMED_RATE.search(entry.text.casefold()) if "/" in entry.text else None
    patches = entry.dose if entry.dose and is_counted(entry.unit) else 1.0
    each = float(named[1]) * MASS_IN_MG[named[2]] if named else coded
    return None if each is None else each * patches


# --- how long -------------------------------------------------------------------------------------------


def action_of(item: PlanItem) -> str:
    """start, continue, stop, taper or assess; a stop with a taper is a taper."""
    action = item.action.removesuffix("-therapy")
    return "taper" if action == "stop" and item.taper else action


def supply_end(start: Span | None, end: Span | None, days_supply: float | None) -> Span | None:
    """The end as stated, or the day on which the supply is used up; None where neither is known."""
    if end is not None:
        return end
    if start is not None and days_supply is not None:
        length = timedelta(days=days_supply)
        return Span(start.first + length, start.last + length)
    return None


# --- where it acts --------------------------------------------------------------------------------------

NOWHERE = "none"
"""The route of a therapy."""


@lru_cache(maxsize=2000)
def acts(route: str, treatment: str, knowledge: Knowledge) -> str:
    """Where a treatment acts by its route: some patches act only under the patch, some sprays everywhere."""
    if route == NOWHERE:
        return route
    index, drug = medicine_index(knowledge), knowledge.drugs.get(treatment)
    way = index.route_of(route)
    if drug and way in drug.systemic_routes:
        return "systemic"
    put_there = index.words is not None and way in index.words.local_routes
    if put_there or (drug and way in drug.local_routes):
        return "topical"
    return "transdermal" if way == "transdermal" else "systemic"


# --- therapies ------------------------------------------------------------------------------------------


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
    """Whether a name stands in a text as whole words."""
    at = text.find(name)
    while at >= 0:
        before, behind = text[at - 1 : at], text[at + len(name) : at + len(name) + 1]
        if not before.isalnum() and not behind.isalnum():
            return True
        at = text.find(name, at + 1)
    return False
