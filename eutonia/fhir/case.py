"""FHIR resources of one patient → a case. What is used, what has no part in any rule, and what is set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from eutonia.errors import InputError
from eutonia.fhir.bundle import Index, Resource, choose, listed, patients_in, resources_in
from eutonia.fhir.dating import date_of_record
from eutonia.fhir.renewals import renewals
from eutonia.fhir.resources import Found, read_resource
from eutonia.fhir.results import needed
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.codes import code_index
from eutonia.patient import Case, Condition, Observation


@dataclass(frozen=True)
class Reading:
    """A case, and what became of each resource: `used + ignored + set_aside` is all that came in."""

    case: Case
    used: Counter[str]
    ignored: Counter[str]
    """Kinds that have no part in any rule."""
    set_aside: Counter[str]
    """Broken, in error, or about someone else; each is named in the warnings."""


def read_fhir(
    document: Any,
    *,
    patient: str | None = None,
    as_of: date | None = None,
    where: str = "the input",
    proposed: Sequence[Resource] = (),
    asked: Collection[str] = (),
    judged_by: Knowledge | None = None,
) -> Reading:
    """Read a Bundle, a list of resources or one resource.

    proposed: resources that are the plan whatever their status (CDS Hooks draft orders).
    asked: resource types that were searched for, so that none found means none.
    judged_by: where given, results that no feature of it looks at are not read, only counted.
    Raises InputError where there is no patient, or several and none is named, and for FHIR that is not R4.
    """
    places, about = resources_in(document, where)
    places += [(f"proposed[{n}]", resource) for n, resource in enumerate(proposed)]
    if not any(isinstance(r, dict) and isinstance(r.get("resourceType"), str) for _, r in places):
        raise InputError(
            f"{where} holds no FHIR resource, so there is nothing to assess. Give a FHIR R4 Bundle of a patient."
        )
    people = patients_in(r for _, r in places)
    who = choose(people, patient, where)
    day, how = (as_of, "") if as_of else date_of_record(about, places)
    made = Found(Index(places, about), who, proposed=frozenset(map(id, proposed)))
    looked_at = needed(places, made.is_patients, day, judged_by) if judged_by else places
    if len(looked_at) < len(places):
        made.ignored["Observation"] = len(places) - len(looked_at)
        made.seen.add("Observation")
    for place, resource in sorted(looked_at, key=lambda p: p[1] is not who):
        read_resource(made, place, resource)
    made.seen |= set(asked) | _searched(about)
    _note_other_pages(made, about)
    notes = [how] if how else []
    made.procedures = [_going_on(done, day, judged_by or load()) for done in made.procedures]
    return Reading(_case(made, day, notes), made.used, made.ignored, made.set_aside)


def _going_on(done: Condition, day: date, knowledge: Knowledge) -> Condition:
    """A procedure, as a condition that is there still where it is one of many: the dialysis of last week."""
    named = code_index(knowledge).look_up(done.icd10cm, done.snomed, done.text).value_sets
    days = [d for name in named if (d := knowledge.value_sets[name].repeated_days) is not None]
    recent = days and done.onset and done.onset.last >= day - timedelta(days=max(days))
    return done.model_copy(update={"clinical_status": "active"}) if recent else done


# --- the whole --------------------------------------------------------------------------------------


def _links(about: Mapping[str, Any], relation: str) -> Iterator[str]:
    """The addresses of the links of a Bundle that have a relation, such as `self`."""
    for link in about.get("link") or () if isinstance(about.get("link"), list) else ():
        if isinstance(link, dict) and link.get("relation") == relation and isinstance(link.get("url"), str):
            yield link["url"]


def _searched(about: Mapping[str, Any]) -> set[str]:
    """Resource types that a searchset was searched for, by its self link: none in it means none."""
    found = set()
    for url in _links(about, "self"):
        path, _, query = url.partition("?")
        narrowed = any(p.split("=")[0] not in NOT_NARROWING for p in query.split("&") if p)
        if query and not narrowed:
            found.add(path.rstrip("/").split("/")[-1])
    return found


NOT_NARROWING = {
    "patient", "subject", "_count", "_sort", "_include", "_format", "_summary", "_total", "_include:iterate",
}  # fmt: skip


def _note_other_pages(made: Found, about: Mapping[str, Any]) -> None:
    """A searchset with a next page is not all there is: what is not on this one is not known to be absent."""
    if any(_links(about, "next")):
        made.notes.append("The bundle is one page of several: read the others too, in one folder or bundle.")
        made.not_understood |= {part for kind in made.seen for part in PARTS.get(kind, ())}


PARTS: Mapping[str, Sequence[str]] = {
    "MedicationRequest": ("medications",), "Condition": ("conditions",), "AllergyIntolerance": ("allergies",),
    "Observation": ("labs", "observations"),
}  # fmt: skip
"""Resource type met → the parts of a case that it fills. Every kind of medicine is met as a request."""


def _case(made: Found, day: date, notes: Sequence[str]) -> Case:
    notes = [*notes, *made.notes]
    if made.ignored:
        notes.append(f"Without a part in any rule, and not read: {listed(made.ignored)}.")
    if "allergies" in made.none_known and made.allergies:
        notes.append("“No known allergies” stands beside allergies: the allergies count.")
    plan, renewed = renewals(made.plan, made.medications, day)
    notes += renewed
    medications = _or_unknown(
        made.medications, "MedicationRequest" in made.seen or "medications" in made.none_known
    )
    conditions = _or_unknown(made.conditions, "Condition" in made.seen or "conditions" in made.none_known)
    allergies = _or_unknown(made.allergies, bool(made.allergies) or "allergies" in made.none_known)
    observed = list(made.observations)
    if conditions is not None:
        conditions += tuple(made.procedures)
    else:
        observed += [
            Observation(code=p.snomed, text=p.text, value=True, date=p.onset) for p in made.procedures
        ]
    saw = "Observation" in made.seen
    return Case(
        as_of=day,
        region=made.country,
        patient=made.about,
        conditions=conditions,
        no_known_allergies=True if "allergies" in made.none_known and not made.allergies else None,
        allergies=allergies,
        medications=medications,
        labs=_or_unknown(made.labs, saw),
        observations=_or_unknown(observed, saw),
        plan=plan,
        not_seen=tuple(sorted(made.not_understood)),
        warnings=tuple(notes),
    )


T = TypeVar("T")


def _or_unknown(found: list[T], seen: bool) -> tuple[T, ...] | None:
    """A part of the record: None where nothing shows that it was there to be read."""
    return tuple(found) if found or seen else None
