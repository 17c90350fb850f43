"""A FHIR bulk export: NDJSON files, one resource a line, read patient by patient.

The files are walked once. For each patient the byte offsets of its lines are kept, not the lines, so that an
export of millions of lines needs memory for numbers only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from eutonia.errors import InputError

MOST_LINE = 50_000_000
_SUBJECT = re.compile(
    rb'"(?:subject|patient)"\s*:\s*\{\s*"reference"\s*:\s*"(?:[^"]*/)?(?:Patient/|urn:uuid:)([^"/]+)'
)
_KIND = re.compile(rb'"resourceType"\s*:\s*"(\w+)"')
_SHARED = {"Medication", "Organization", "Practitioner", "Location", "PractitionerRole"}
"""Resource types that belong to no patient; Medication is handed to every patient that refers to it."""

Place = tuple[int, int, int]
"""File number, offset, length."""


def ndjson_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.casefold() in (".ndjson", ".jsonl"))


class Export:
    """The patients of a folder of NDJSON files, or of one such file."""

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.files = ndjson_files(path) if path.is_dir() else [path]
        self._lines: dict[str, list[Place]] = {}
        self._medications: list[Place] = []
        self._unread: list[str] = []
        self.kinds: frozenset[str] = frozenset()
        """Resource types that were exported."""
        self._people: list[str] = []
        self._walk()

    def _walk(self) -> None:
        import orjson

        kinds: Counter[str] = Counter()
        for number, path in enumerate(self.files):
            kinds[path.name.split(".")[0]] += 0
            for offset, line in _lines(path):
                if not line.strip():
                    continue
                kind, owner = _quick(line)
                if kind is None or (owner is None and kind not in _SHARED and kind != "Bundle"):
                    try:
                        kind, owner = _slow(orjson.loads(line))
                    except orjson.JSONDecodeError as error:
                        self._unread.append(f"{path.name}, byte {offset}: not valid JSON ({error.msg})")
                        continue
                kinds[kind] += 1
                place = (number, offset, len(line))
                if kind == "Patient" and owner:
                    self._people.append(owner)
                if owner:
                    self._lines.setdefault(owner, []).append(place)
                elif kind == "Medication":
                    self._medications.append(place)
                elif kind not in _SHARED:
                    self._unread.append(
                        f"{path.name}, byte {offset}: a {kind or 'line'} that names no patient"
                    )
        if not any(kinds.values()):
            raise InputError(
                f"{self.where} holds no line that is a FHIR resource. "
                + (self._unread or ["It is empty"])[0]
                + "."
            )
        self.kinds = frozenset(k for k in kinds if k[:1].isupper())

    @cached_property
    def patients(self) -> list[str]:
        """Ids of the Patient resources, or of those referred to where none is exported."""
        return list(dict.fromkeys(self._people or self._lines))

    def choose(self, wanted: str | None) -> str:
        listed = ", ".join(self.patients[:20])
        listed += f" and {len(self.patients) - 20} more" if len(self.patients) > 20 else ""
        if wanted is None and len(self.patients) == 1:
            return self.patients[0]
        wanted = (wanted or "").removeprefix("Patient/")
        if wanted in self._lines:
            return wanted
        which = f"no patient “{wanted}”" if wanted else f"{len(self.patients)} patients"
        raise InputError(
            f"{self.where} holds {which}. Name one with --patient (patient=): {listed or 'none'}."
        )

    def resources(self, patient: str) -> list[Any]:
        """Everything about one patient, with the medications it may refer to. Lines that cannot be read stay bytes."""
        import orjson

        found: list[Any] = []
        opened = [path.open("rb") for path in self.files]
        try:
            for number, offset, length in (*self._lines[patient], *self._medications):
                opened[number].seek(offset)
                line = opened[number].read(length)
                try:
                    found.append(orjson.loads(line))
                except orjson.JSONDecodeError:
                    found.append(f"{self.files[number].name}, byte {offset}: not valid JSON")
        finally:
            for file in opened:
                file.close()
        return found

    @property
    def unread(self) -> list[str]:
        """Lines that belong to nobody, or are no JSON."""
        return self._unread


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    offset = 0
    with path.open("rb") as file:
        while line := file.readline(MOST_LINE + 1):
            if len(line) > MOST_LINE:
                raise InputError(
                    f"{path} has a line of more than 50 MB. It is no NDJSON; check what made it."
                )
            yield offset, line
            offset += len(line)


def _quick(line: bytes) -> tuple[str | None, str | None]:
    """Resource type and patient as the usual writers put them, without reading the whole line."""
    head = line[:200]
    kind = _KIND.search(head)
    if kind is None or kind[1] in (b"Patient", b"Bundle") or b'"contained"' in line:
        return None, None
    owner = _SUBJECT.search(line)
    return kind[1].decode(), owner[1].decode() if owner else None


def _slow(resource: Any) -> tuple[str, str | None]:
    from eutonia.fhir.bundle import id_in, subject_of

    if not isinstance(resource, dict):
        return "", None
    kind = resource.get("resourceType")
    kind = kind if isinstance(kind, str) else ""
    if kind == "Patient":
        name = resource.get("id")
        return kind, name if isinstance(name, str) else None
    reference = subject_of(resource)
    return kind, id_in(reference) if reference else None
