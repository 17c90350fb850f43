"""FHIR resources of one patient → a case. What is used, what has no part in any rule, and what is set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from pydantic import ValidationError

from eutonia.dates import Span
from eutonia.errors import InputError
from eutonia.fhir import medication, record
from eutonia.fhir.bundle import (
    Index,
    Resource,
    choose,
    listed,
    patients_in,
    resources_in,
    subject_of,
)
from eutonia.fhir.dating import date_of_record
from eutonia.fhir.elements import Note, concept, parts, status_code, status_word, word, written
from eutonia.fhir.renewals import renewals
from eutonia.patient import Allergy, Case, Condition, Lab, Medication, Observation, Patient, PlanItem

Place = tuple[str, Any]


@dataclass(frozen=True)
class Reading:
    """A case, and what became of each resource: `used + ignored + set_aside` is all that came in."""

    case: Case
    used: Counter[str]
    ignored: Counter[str]
    """Kinds that have no part in any rule."""
    set_aside: Counter[str]
    """Broken, in error, or about someone else; each is named in the warnings."""


@dataclass
class _Record:
    """The case in the making."""

    index: Index
    patient: Resource | None
    birth: Span | None = None
    conditions: list[Condition] = field(default_factory=list)
    procedures: list[Condition] = field(default_factory=list)
    allergies: list[Allergy] = field(default_factory=list)
    none_known: set[str] = field(default_factory=set)
    """Parts stated to be empty."""
    not_understood: set[str] = field(default_factory=set)
    """Parts with an entry that could not be understood, so that what is not found there is not known to be absent."""
    medications: list[Medication] = field(default_factory=list)
    labs: list[Lab] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    plan: list[PlanItem] = field(default_factory=list)
    about: Patient = field(default_factory=Patient)
    country: str | None = None
    seen: set[str] = field(default_factory=set)
    """Resource types met."""
    notes: list[str] = field(default_factory=list)
    proposed: frozenset[int] = frozenset()
    """Resources (by identity) that are the plan whatever their status."""
    used: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)


def read_fhir(
    document: Any,
    *,
    patient: str | None = None,
    as_of: date | None = None,
    where: str = "the input",
    proposed: Sequence[Resource] = (),
    asked: Collection[str] = (),
) -> Reading:
    """Read a Bundle, a list of resources or one resource.

    proposed: resources that are the plan whatever their status (CDS Hooks draft orders).
    asked: resource types that were searched for, so that none found means none.
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
    made = _Record(Index(places, about), who, proposed=frozenset(map(id, proposed)))
    for place, resource in sorted(places, key=lambda p: not (isinstance(p[1], dict) and p[1] is who)):
        _read_one(made, place, resource)
    made.seen |= set(asked) | _searched(about)
    _note_other_pages(made, about)
    return Reading(_case(made, as_of, about, places), made.used, made.ignored, made.set_aside)


# --- one resource -----------------------------------------------------------------------------------


def _read_one(made: _Record, place: str, resource: Any) -> None:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str):
        made.set_aside["?"] += 1
        made.notes.append(f"{place or 'the input'}: not a FHIR resource; set aside.")
        return
    reader = READERS.get(kind)
    if reader is None:
        made.ignored[kind] += 1
        return
    said: list[str] = []
    try:
        if kind in LISTED and _states_nothing_known(made, resource):
            made.used[kind] += 1
            return
        used = _of_this_patient(made, resource, kind, said.append) and reader(made, resource, said.append)
    except ValidationError as error:
        first = error.errors()[0]
        said.append(f"{'.'.join(map(str, first['loc']))}: {first['msg'].casefold()}; set aside")
        used = False
    (made.used if used else made.set_aside)[kind] += 1
    if not used and not said:
        said.append("set aside")
    if said:
        name = resource.get("id") if isinstance(resource.get("id"), str) else "(no id)"
        at = f" ({place})" if place else ""
        made.notes.append(f"{kind}/{name}{at}: {'; '.join(dict.fromkeys(said))}.")


LISTED = ("AllergyIntolerance", "Condition", "MedicationRequest", "MedicationStatement")


def _states_nothing_known(made: _Record, resource: Resource) -> bool:
    """Whether an entry only says that nothing is known of its list: that is no entry, and no empty list."""
    for name in ("code", "medicationCodeableConcept"):
        if name in resource:
            codes = concept(resource, name, lambda _: None).codes
            parts_said = {record.NO_INFORMATION[c] for _, c in codes if c in record.NO_INFORMATION}
            if parts_said:
                made.not_understood |= parts_said
                return True
    return False


def _of_this_patient(made: _Record, resource: Resource, kind: str, note: Note) -> bool:
    if kind in ("Patient", "Medication", "Composition", "List"):
        return True
    reference = subject_of(resource)
    if reference is None:
        if kind != "Encounter":
            note("names no patient; taken for the patient of the record")
        return True
    if made.patient is None or made.index.is_patient(reference, made.patient):
        return True
    note("is about someone else; set aside")
    return False


def _patient(made: _Record, resource: Resource, note: Note) -> bool:
    if resource is not made.patient:
        note("is another patient; set aside")
        return False
    made.about, made.country = record.patient(resource, note)
    made.birth = made.about.birth_date
    return True


def _condition(made: _Record, resource: Resource, note: Note) -> bool:
    code = concept(resource, "code", note)
    made.seen.add("Condition")
    if any(c in record.NO_PROBLEM for _, c in code.codes):
        made.none_known.add("conditions")
        return True
    found = record.conditions(resource, made.birth, note)
    made.conditions += found
    if not found:  # masked, or recorded without saying what
        made.not_understood.add("conditions")
    if found and not any(c.text or c.icd10cm or c.snomed for c in found):
        note(f"has no words and no code of ICD-10-CM or SNOMED CT ({written(code)}): not understood")
        made.not_understood.add("conditions")
    return bool(found)


def _allergy(made: _Record, resource: Resource, note: Note) -> bool:
    code = concept(resource, "code", note)
    if record.states_none(code):
        verification = status_code(resource, "verificationStatus", note)
        clinical = status_code(resource, "clinicalStatus", note)
        if verification in ("entered-in-error", "refuted") or clinical not in (None, "active"):
            note(f"“{code.text or 'no known allergies'}” is marked {clinical or verification}: not relied on")
            return True
        made.none_known.add("allergies")
        return True
    made.seen.add("AllergyIntolerance")
    found = record.allergy(resource, note)
    if found is not None:
        made.allergies.append(found)
    return found is not None


def _observation(made: _Record, resource: Resource, note: Note) -> bool:
    made.seen.add("Observation")
    for found in record.observations(resource, note):
        if isinstance(found, Lab):
            made.labs.append(found)
        else:
            made.observations.append(found)
    return True


def _procedure(made: _Record, resource: Resource, note: Note) -> bool:
    found = record.procedure(resource, note)
    if found is not None:
        made.procedures.append(found)
    return True


def _request(made: _Record, resource: Resource, note: Note) -> bool:
    status, intent = status_word(resource, note), word(resource, "intent", note)
    proposed = id(resource) in made.proposed
    if not proposed and status != "draft":  # a draft alone shows no list of what is taken
        made.seen.add("MedicationRequest")
    said = medication.medicine(resource, made.index, lambda _: None)
    if any(c in record.NO_MEDICATION for _, c in said.codes):
        made.none_known.add("medications")
        return True
    planned = proposed or (status == "draft" and intent != "option")
    if resource.get("doNotPerform") is True and not planned:
        note(f"is an order not to give {said.text or 'it'}; set aside")
        return False
    if planned:
        item = medication.proposal(resource, made.index, note)
        if item is None:
            note("a draft order that names no medicine yet; it cannot be judged")
            return False
        made.plan.append(item)
        return True
    if intent in ("proposal", "option"):
        # R4: no authorization to act, so it is not taken; and what is to be judged is the draft.
        note(f"is {'an option' if intent == 'option' else 'a proposal'}, not an order; set aside")
        return False
    if status == "on-hold":
        note(f"{said.text or 'it'} is on hold: not counted as taken")
    if not status:
        note("has no status; taken as active")
    made.medications.append(medication.order(resource, made.index, note))
    return True


def _list_reader(
    read: Callable[[Resource, Index, Note], Medication],
) -> Callable[[_Record, Resource, Note], bool]:
    def reader(made: _Record, resource: Resource, note: Note) -> bool:
        made.seen.add("MedicationRequest")
        said = concept(resource, "medicationCodeableConcept", note)
        if any(c in record.NO_MEDICATION for _, c in said.codes):
            made.none_known.add("medications")
        else:
            made.medications.append(read(resource, made.index, note))
        return True

    return reader


def _composition(made: _Record, resource: Resource, note: Note) -> bool:
    for section in parts(resource, "section", note):
        _list(made, section, note)
    return True


def _list(made: _Record, resource: Resource, note: Note) -> bool:
    """A List, or a section of a document, that says `nilknown` states an empty list."""
    why = concept(resource, "emptyReason", note)
    code = concept(resource, "code", note).code("loinc") or ""
    if any(c == "nilknown" for _, c in why.codes) and code in record.NIL_SECTIONS:
        made.none_known.add(record.NIL_SECTIONS[code])
    return True


def _service(made: _Record, resource: Resource, note: Note) -> bool:
    """A draft ServiceRequest for a therapy that eutonia knows is part of the plan."""
    if word(resource, "status", note) != "draft" and id(resource) not in made.proposed:
        made.ignored["ServiceRequest"] += 1
        made.used["ServiceRequest"] -= 1  # counted once, as ignored
        return True
    from eutonia.dosing.names import therapy_named

    text = concept(resource, "code", note).text
    therapy = therapy_named(text)
    if therapy is None:
        note(f"a draft order for “{text}”, which is no therapy that is judged; set aside")
        return False
    made.plan.append(PlanItem(action="start-therapy", text=text, therapy=therapy))
    return True


def _kept(made: _Record, resource: Resource, note: Note) -> bool:
    """Used for what it gives to others: dates of encounters, medications by reference."""
    return True


READERS: Mapping[str, Callable[[_Record, Resource, Note], bool]] = {
    "Patient": _patient,
    "Condition": _condition,
    "AllergyIntolerance": _allergy,
    "Observation": _observation,
    "Procedure": _procedure,
    "MedicationRequest": _request,
    "MedicationStatement": _list_reader(medication.statement),
    "MedicationDispense": _list_reader(medication.dispense),
    "MedicationAdministration": _list_reader(medication.administration),
    "ServiceRequest": _service,
    "Composition": _composition,
    "List": _list,
    "Medication": _kept,
    "Encounter": _kept,
}
"""Resource type → how it is read into the record; whether it was used."""


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


def _note_other_pages(made: _Record, about: Mapping[str, Any]) -> None:
    """A searchset with a next page is not all there is: what is not on this one is not known to be absent."""
    if any(_links(about, "next")):
        made.notes.append("The bundle is one page of several: read the others too, in one folder or bundle.")
        made.not_understood |= {part for kind in made.seen for part in PARTS.get(kind, ())}


PARTS: Mapping[str, Sequence[str]] = {
    "MedicationRequest": ("medications",), "Condition": ("conditions",), "AllergyIntolerance": ("allergies",),
    "Observation": ("labs", "observations"),
}  # fmt: skip
"""Resource type met → the parts of a case that it fills. Every kind of medicine is met as a request."""


def _case(made: _Record, as_of: date | None, about: Mapping[str, Any], places: Iterable[Place]) -> Case:
    day, how = (as_of, "") if as_of else date_of_record(about, places)
    notes = ([how] if how else []) + made.notes
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
