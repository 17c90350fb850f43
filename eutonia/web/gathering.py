"""What a CDS Hooks client sent along, or let us read: the record behind a request.

Each prefetch key may be missing (the client would not or could not: it is fetched where a token was given, else
named as not seen), null (the client looked and there is none), a resource, a Bundle with further pages, or an
OperationOutcome (as good as missing). Missing is never read as none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from eutonia.web.problems import Refusal

Resource = dict[str, Any]


class Key(NamedTuple):
    """One thing to know of the patient, and how a FHIR server is asked for it."""

    query: str
    kind: str
    words: str


PREFETCH: Mapping[str, Key] = {
    "patient": Key("Patient/{{context.patientId}}", "Patient", "the patient's details"),
    "medications": Key(
        "MedicationRequest?patient={{context.patientId}}&status=active,on-hold,completed,stopped"
        "&_sort=-authoredon&_count=200",
        "MedicationRequest",
        "prescriptions",
    ),
    "statements": Key(
        "MedicationStatement?patient={{context.patientId}}",
        "MedicationStatement",
        "medicines taken otherwise",
    ),
    "conditions": Key("Condition?patient={{context.patientId}}", "Condition", "diagnoses"),
    "allergies": Key("AllergyIntolerance?patient={{context.patientId}}", "AllergyIntolerance", "allergies"),
    "labs": Key(
        "Observation?patient={{context.patientId}}&category=laboratory&_sort=-date&_count=100",
        "Observation",
        "laboratory results",
    ),
    "vitals": Key(
        "Observation?patient={{context.patientId}}&category=vital-signs&_sort=-date&_count=20",
        "Observation",
        "vital signs",
    ),
}

PARTS: Mapping[str, str] = {
    "medications": "medications", "statements": "medications", "conditions": "conditions",
    "allergies": "allergies", "labs": "labs", "vitals": "observations",
}  # fmt: skip
"""Prefetch key → the part of a case that is not known where it was not seen."""

ASKED_IN_FULL = ("medications", "conditions", "allergies")
"""Keys whose query is wide enough that finding none means that there is none."""


@dataclass
class Gathered:
    """The resources of a request, and what is missing among them."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    """Bundle entries, with the fullUrl that references may point to."""
    looked: set[str] = field(default_factory=set)
    """Keys that the client answered, if only with nothing."""
    partial: set[str] = field(default_factory=set)
    """Keys of which only the first pages were seen."""

    @property
    def kinds(self) -> set[str]:
        """Resource types that were seen."""
        return {e["resource"].get("resourceType") for e in self.entries}

    @property
    def missing(self) -> list[str]:
        """Keys that were neither sent nor found among what was sent under other names."""
        kinds = self.kinds
        return [name for name, key in PREFETCH.items() if name not in self.looked and key.kind not in kinds]

    @property
    def not_seen(self) -> list[str]:
        """Keys that are missing or were seen in part."""
        missing = self.missing
        return [name for name in PREFETCH if name in missing or name in self.partial]

    @property
    def asked(self) -> set[str]:
        """Resource types that were looked for in full, so that none found means none."""
        return {PREFETCH[name].kind for name in ASKED_IN_FULL if name in self.looked - self.partial}

    def take(self, name: str, value: Any) -> list[str]:
        """Take what stands under a key; returns the addresses of further pages."""
        if value is None:
            self.looked.add(name)
            return []
        if not isinstance(value, dict) or value.get("resourceType") == "OperationOutcome":
            return []
        self.looked.add(name)
        found = list(_entries(value))
        self.entries += found
        pages = _next_pages(value)
        total = value.get("total")
        if not pages and isinstance(total, int) and total > len(found):
            self.partial.add(name)
        return pages


def from_prefetch(prefetch: Mapping[str, Any]) -> tuple[Gathered, dict[str, list[str]]]:
    """What the request holds; and the further pages of each key."""
    gathered = Gathered()
    pages = {name: gathered.take(name, value) for name, value in prefetch.items()}
    return gathered, {name: each for name, each in pages.items() if each}


def require(gathered: Gathered) -> None:
    """Raise Refusal (412) where neither the patient nor the medicines are within reach."""
    missing = gathered.missing
    if "patient" in missing and "medications" in missing:
        raise Refusal(
            412,
            "Neither the patient nor the prescriptions were prefetched, and they could not be read from the FHIR "
            "server. Send prefetch.patient and prefetch.medications, or a fhirAuthorization that may read them.",
            where=("prefetch.patient", "prefetch.medications"),
        )


def _entries(value: Resource) -> Iterator[dict[str, Any]]:
    if value.get("resourceType") != "Bundle":
        if isinstance(value.get("resourceType"), str):
            yield {"resource": value}
        return
    entries = value.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or resource.get("resourceType") == "OperationOutcome":
            continue
        if resource.get("resourceType") == "Bundle":
            yield from _entries(resource)
        elif isinstance(resource.get("resourceType"), str):
            url = entry.get("fullUrl")
            yield {"resource": resource, **({"fullUrl": url} if isinstance(url, str) else {})}


def _next_pages(value: Resource) -> list[str]:
    links = value.get("link")
    return [
        link["url"]
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str)
    ]


def drafted(bundle: Any) -> list[dict[str, Any]]:
    """The entries of a Bundle of drafts, with or without type and fullUrl."""
    return list(_entries(bundle)) if isinstance(bundle, dict) else []


def names_of(keys: Sequence[str]) -> str:
    """Keys in words, for a card."""
    words = [PREFETCH[name].words for name in keys]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
