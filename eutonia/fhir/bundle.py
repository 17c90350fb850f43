"""From what was handed over to the resources of one patient: bundles, references, versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from eutonia.errors import InputError

DSTU2 = {"MedicationOrder", "DiagnosticOrder", "DeviceUseRequest", "BodySite"}
STU3 = {
    "ProcedureRequest",
    "ReferralRequest",
    "DataElement",
    "ProcessRequest",
    "ProcessResponse",
    "EligibilityRequest",
}
R5 = {"MedicationUsage", "GenomicStudy", "InventoryItem", "Transport", "NutritionIntake", "FormularyItem"}
"""Resource types that exist in one version of FHIR and not in R4 (or not under this name)."""

Resource = dict[str, Any]


def resources_in(document: Any, where: str = "the input") -> tuple[list[tuple[str, Any]], Mapping[str, Any]]:
    """Every resource with its place, and what the Bundle says of itself (empty where there is no Bundle).

    Takes a Bundle of any type, a list of resources, a single resource. Bundles inside bundles are opened.
    Raises InputError for another version of FHIR, and for what is no FHIR at all.
    """
    if isinstance(document, Mapping) and document.get("resourceType") == "Bundle":
        found = list(_entries(document, ""))
        about: Mapping[str, Any] = document
    elif isinstance(document, Mapping):
        found, about = [("", document)], {}
    else:
        found, about = list(_entries({"entry": [{"resource": each} for each in document]}, "")), {}
        found = [(place.removeprefix("entry"), each) for place, each in found]
    refuse_other_versions([r for _, r in found if isinstance(r, dict)], where)
    return found, about


def _entries(bundle: Mapping[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    entries = bundle.get("entry")
    if entries is None:
        return
    if not isinstance(entries, list):
        yield f"{place}entry", entries
        return
    for number, entry in enumerate(entries):
        here = f"{place}entry[{number}]"
        resource = entry.get("resource") if isinstance(entry, dict) else entry
        if isinstance(resource, dict) and resource.get("resourceType") == "Bundle":
            yield from _entries(resource, f"{here}.")
        elif resource is not None:
            yield here, resource
        elif isinstance(entry, dict) and "resource" in entry:
            yield here, None


def refuse_other_versions(resources: Sequence[Resource], where: str) -> None:
    """Another version of FHIR is refused by name: read as R4 it would look like an empty record."""
    refuse_other_kinds({kind for r in resources if isinstance(kind := r.get("resourceType"), str)}, where)
    conditions = [r for r in resources if r.get("resourceType") == "Condition"]
    if conditions and all(isinstance(r.get("clinicalStatus"), str) for r in conditions):
        raise InputError(_version_message(where, "DSTU2 or STU3", "Condition.clinicalStatus is plain text"))
    orders = [r for r in resources if r.get("resourceType") == "MedicationRequest"]
    if orders and all(isinstance(r.get("medication"), dict) for r in orders):
        raise InputError(_version_message(where, "R5", "MedicationRequest.medication is a CodeableReference"))


def refuse_other_kinds(kinds: Collection[str], where: str) -> None:
    """Types of resources that only another version has are refused by name."""
    for version, own in (("DSTU2", DSTU2), ("STU3", STU3), ("R5", R5)):
        if found := own.intersection(kinds):
            raise InputError(_version_message(where, version, f"it holds {', '.join(sorted(found))}"))


def _version_message(where: str, version: str, why: str) -> str:
    return (
        f"{where} is FHIR {version}, not R4: {why}. Read as R4 it would lose what it says. "
        "Convert it to FHIR R4 (4.0.1) first."
    )


class Index:
    """Finds what a reference points to: contained (`#id`), `Type/id`, `urn:uuid:…` or an absolute address."""

    def __init__(self, places: Sequence[tuple[str, Any]], document: Any) -> None:
        self._places, self._document = places, document
        self._same: dict[str, bool] = {}

    @cached_property
    def _by_name(self) -> dict[str, Resource]:
        found: dict[str, Resource] = {}
        for _, resource in self._places:
            if isinstance(resource, dict) and isinstance(resource.get("id"), str):
                kind, name = resource.get("resourceType"), resource["id"]
                for key in (f"{kind}/{name}", f"urn:uuid:{name}"):
                    found.setdefault(key, resource)
        entries = self._document.get("entry") if isinstance(self._document, Mapping) else None
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and isinstance(entry.get("fullUrl"), str):
                resource = entry.get("resource")
                if isinstance(resource, dict):
                    found[entry["fullUrl"]] = resource
        return found

    def get(self, reference: str, within: Resource) -> Resource | None:
        if reference.startswith("#"):
            contained = within.get("contained")
            inner = contained if isinstance(contained, list) else []
            return next((r for r in inner if isinstance(r, dict) and r.get("id") == reference[1:]), None)
        found = self._by_name.get(reference)
        if found is None and "/" in reference:
            found = self._by_name.get("/".join(reference.partition("/_history")[0].split("/")[-2:]))
        return found

    def is_patient(self, reference: str, patient: Resource) -> bool:
        """Whether a reference points to `patient`, in whatever way it is written."""
        known = self._same.get(reference)
        if known is None:
            known = self._same[reference] = self._points_to(reference, patient)
        return known

    def _points_to(self, reference: str, patient: Resource) -> bool:
        if id_in(reference) == patient.get("id"):
            return True
        found = self.get(reference, {})
        if found is None:
            return False
        same_id = found.get("id") == patient.get("id") is not None
        return found is patient or (found.get("resourceType") == "Patient" and same_id)


def subject_of(resource: Resource) -> str | None:
    """The reference to the patient that a resource is about; None where it names none."""
    for name in ("subject", "patient", "beneficiary", "for"):
        value = resource.get(name)
        if isinstance(value, dict) and isinstance(value.get("reference"), str):
            return str(value["reference"])
    return None


def id_in(reference: str) -> str:
    """The id at the end of a reference, in whatever way it is written."""
    return reference.partition("/_history")[0].rpartition("/")[2].removeprefix("urn:uuid:")


def patients_in(resources: Iterable[Any]) -> list[Resource]:
    return [r for r in resources if isinstance(r, dict) and r.get("resourceType") == "Patient"]


def choose(patients: Sequence[Resource], wanted: str | None, where: str) -> Resource:
    """The patient with the id `wanted`, or the only one. Raises InputError that lists the ids."""
    ids = [str(p.get("id", "(no id)")) for p in patients]
    listed = ", ".join(ids[:20]) + (f" and {len(ids) - 20} more" if len(ids) > 20 else "")
    if wanted is not None:
        wanted = wanted.removeprefix("Patient/")
        found = [p for p in patients if p.get("id") == wanted]
        if not found:
            raise InputError(f"{where} holds no patient “{wanted}”. It holds: {listed or 'none'}.")
        return found[0]
    if len(set(ids)) > 1:
        raise InputError(f"{where} holds {len(ids)} patients. Name one with --patient (patient=): {listed}.")
    if not patients:
        raise InputError(f"{where} holds no Patient resource, so there is nobody to assess. Add the Patient.")
    return patients[0]


def listed(counts: Counter[str]) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()))
