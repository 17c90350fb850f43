"""One FHIR resource → what it adds to the case: whether it was used, has no part in any rule, or is set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from eutonia.dates import Span
from eutonia.dosing.ended import says_none
from eutonia.features.results import NO_RESULT
from eutonia.fhir import medication, record
from eutonia.fhir.bundle import Index, Resource, subject_of
from eutonia.fhir.elements import Note, concept, parts, status_code, status_word, word, written
from eutonia.fhir.observations import observations
from eutonia.patient import Allergy, Condition, Lab, Medication, Observation, Patient, PlanItem


@dataclass
class Found:
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

    def is_patients(self, resource: Resource) -> bool:
        """Whether a resource is about the patient; so is what names nobody."""
        reference = subject_of(resource)
        return reference is None or self.patient is None or self.index.is_patient(reference, self.patient)


def read_resource(made: Found, place: str, resource: Any) -> None:
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


def _states_nothing_known(made: Found, resource: Resource) -> bool:
    """Whether an entry only says that nothing is known of its list: that is no entry, and no empty list."""
    for name in ("code", "medicationCodeableConcept"):
        if name in resource:
            codes = concept(resource, name, lambda _: None).codes
            parts_said = {record.NO_INFORMATION[c] for _, c in codes if c in record.NO_INFORMATION}
            if parts_said:
                made.not_understood |= parts_said
                return True
    return False


def _of_this_patient(made: Found, resource: Resource, kind: str, note: Note) -> bool:
    if kind in ("Patient", "Medication", "Composition", "List"):
        return True
    if subject_of(resource) is None and kind != "Encounter":
        note("names no patient; taken for the patient of the record")
    if made.is_patients(resource):
        return True
    note("is about someone else; set aside")
    return False


def _patient(made: Found, resource: Resource, note: Note) -> bool:
    if resource is not made.patient:
        note("is another patient; set aside")
        return False
    made.about, made.country = record.patient(resource, note)
    made.birth = made.about.birth_date
    return True


def _condition(made: Found, resource: Resource, note: Note) -> bool:
    code = concept(resource, "code", note)
    made.seen.add("Condition")
    if any(c in record.NO_PROBLEM for _, c in code.codes):
        made.none_known.add("conditions")
        return True
    found = record.conditions(resource, code, made.birth, note)
    made.conditions += found
    if not found:  # masked, or recorded without saying what
        made.not_understood.add("conditions")
    if found and not any(c.text or c.icd10cm or c.snomed for c in found):
        note(f"has no words and no code of ICD-10-CM or SNOMED CT ({written(code)}): not understood")
        made.not_understood.add("conditions")
    return bool(found)


def _allergy(made: Found, resource: Resource, note: Note) -> bool:
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
    told = [code, *(s for r in parts(resource, "reaction", note) if (s := concept(r, "substance", note)))]
    found = [record.allergy(resource, each, note) for each in dict.fromkeys(filter(None, told))]
    found = found or [record.allergy(resource, code, note)]
    made.allergies += [each for each in found if each is not None]
    return any(each is not None for each in found)


def _observation(made: Found, resource: Resource, note: Note) -> bool:
    made.seen.add("Observation")
    for found in observations(resource, note):
        if isinstance(found, Lab):
            made.labs.append(found)
        else:
            made.observations.append(found)
    return True


def _report(made: Found, resource: Resource, note: Note) -> bool:
    """A DiagnosticReport for the results that it holds itself; those beside it are read as they are."""
    inside = [r for r in parts(resource, "contained", note) if r.get("resourceType") == "Observation"]
    if not inside:
        made.ignored["DiagnosticReport"] += 1
        made.used["DiagnosticReport"] -= 1  # counted once, as ignored
        return True
    if status_word(resource, note) in NO_RESULT:
        return False
    shared: Resource = {
        name: resource[name] for name in ("status", "effectiveDateTime", "issued") if name in resource
    }
    for each in inside:
        _observation(made, {**shared, **each}, note)
    return True


def _procedure(made: Found, resource: Resource, note: Note) -> bool:
    found = record.procedure(resource, note)
    if found is not None:
        made.procedures.append(found)
    return True


def _request(made: Found, resource: Resource, note: Note) -> bool:
    status, intent = status_word(resource, note), word(resource, "intent", note)
    proposed = id(resource) in made.proposed
    if not proposed and status != "draft":  # a draft alone shows no list of what is taken
        made.seen.add("MedicationRequest")
    said = medication.medicine(resource, made.index, note)
    if says_none(said.text) or any(c in record.NO_MEDICATION for _, c in said.codes):
        made.none_known.add("medications")
        return True
    planned = proposed or (status == "draft" and intent != "option")
    if resource.get("doNotPerform") is True and not planned:
        note(f"is an order not to give {said.text or 'it'}; set aside")
        return False
    if planned:
        item = medication.proposal(resource, said, note)
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
    made.medications.append(medication.order(resource, said, note))
    return True


def _list_reader(
    read: Callable[[Resource, Index, Note], Medication],
) -> Callable[[Found, Resource, Note], bool]:
    def reader(made: Found, resource: Resource, note: Note) -> bool:
        made.seen.add("MedicationRequest")
        said = concept(resource, "medicationCodeableConcept", note)
        if says_none(said.text) or any(c in record.NO_MEDICATION for _, c in said.codes):
            made.none_known.add("medications")
        else:
            made.medications.append(read(resource, made.index, note))
        return True

    return reader


def _composition(made: Found, resource: Resource, note: Note) -> bool:
    for section in parts(resource, "section", note):
        _list(made, section, note)
    return True


def _list(made: Found, resource: Resource, note: Note) -> bool:
    """A List, or a section of a document, that says `nilknown` states an empty list."""
    why = concept(resource, "emptyReason", note)
    code = concept(resource, "code", note).code("loinc") or ""
    if any(c == "nilknown" for _, c in why.codes) and code in record.NIL_SECTIONS:
        made.none_known.add(record.NIL_SECTIONS[code])
    return True


def _service(made: Found, resource: Resource, note: Note) -> bool:
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


def _kept(made: Found, resource: Resource, note: Note) -> bool:
    """Used for what it gives to others: dates of encounters, medications by reference."""
    return True


READERS: Mapping[str, Callable[[Found, Resource, Note], bool]] = {
    "Patient": _patient,
    "Condition": _condition,
    "AllergyIntolerance": _allergy,
    "Observation": _observation,
    "DiagnosticReport": _report,
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
