"""Read a case from wherever it is: a case file, a FHIR R4 Bundle, NDJSON, a bulk export, a mapping.

Everything that comes from outside passes here. What cannot be read is an InputError that says what, where and
what to do; what is odd but readable is in `Case.warnings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from eutonia.errors import InputError, NotAvailable
from eutonia.patient import Case, Medication, PlanItem

MOST_BYTES = 50_000_000
"""A record of one patient is a few megabytes; more is a mistake, or an attack on memory."""
DEEPEST, MOST_NODES = 100, 1_000_000
"""Levels and nodes of a YAML file; FHIR needs about 20 levels."""

Source = str | Path | bytes | Mapping[str, Any] | Sequence[Any]


def read(
    source: Source,
    *,
    patient: str | None = None,
    as_of: str | date | None = None,
    plans: Iterable[str] = (),
    strict: bool = False,
) -> Case:
    """Read one case.

    source: a path to a case file (YAML or JSON), a FHIR R4 Bundle (JSON), NDJSON or a folder of them; or the
        content itself, as bytes, mapping or list of resources.
    patient: id of the patient (or case) to take, where the source holds several.
    as_of: the day on which the record is taken as known, in place of the one in the source.
    plans: plans in words, in place of the plan in the source.
    strict: check FHIR against the R4 specification first (needs `pip install eutonia[fhir]`).
    """
    day = _day(as_of)
    items = tuple(_plan(text) for text in plans)
    document, where = load(source, patient)
    case = _case(document, where, patient, day, strict)
    return case.model_copy(update={"plan": items}) if items else case


def read_all(
    folder: str | Path, *, as_of: str | date | None = None, plans: Iterable[str] = ()
) -> Iterator[tuple[str, Case]]:
    """Every patient of a folder, with id, one after the other: a bulk export, or files of one patient each.

    An export is walked once for an index of byte offsets; only one patient's resources are held at a time.
    """
    from eutonia.bulk import Export, ndjson_files

    folder, day = Path(folder), _day(as_of)
    items = tuple(_plan(text) for text in plans)
    change = {"plan": items} if items else {}
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder. Give the folder of a bulk export or of bundles.")
    if ndjson_files(folder):
        export = Export(folder)
        for name in export.patients:
            case = _exported_case(_Exported(export, name), str(folder), day)
            yield name, case.model_copy(update=change)
        return
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".json", ".yaml", ".yml")):
        document, where = load(path, None)
        yield path.stem, _case(document, where, None, day, False).model_copy(update=change)


def _day(as_of: str | date | None) -> date | None:
    if as_of is None or isinstance(as_of, date):
        return as_of
    try:
        return date.fromisoformat(as_of)
    except ValueError:
        raise InputError(f"as_of “{as_of}” is no date. Write it like 2026-03-01.") from None


def _plan(text: str) -> PlanItem:
    from eutonia.dosing_text import read_plan

    item = read_plan(text)
    if not item.text and not item.therapy:
        raise InputError(
            f"The plan “{text}” names no drug or therapy. Write it like “carisoprodol 350 mg four times a day”."
        )
    return item


# --- from bytes to a document -----------------------------------------------------------------------


def load(source: Source, patient: str | None) -> tuple[Any, str]:
    """The document in `source`, and what to call it in messages. Of a bulk export, only `patient` is loaded."""
    if isinstance(source, bytes | bytearray):
        return parse(bytes(source), "the input"), "the input"
    if isinstance(source, Mapping) or (isinstance(source, Sequence) and not isinstance(source, str)):
        return source, "the input"
    if isinstance(source, str) and source.lstrip().startswith(("{", "[")):
        return parse(source.encode(), "the input"), "the input"
    path = Path(source)
    try:
        if path.is_dir():
            return _folder(path, patient), str(path)
        if path.suffix.casefold() == ".ndjson":
            return _export(path, patient), str(path)
        if path.stat().st_size >= MOST_BYTES:
            raise InputError(_too_large(str(path), path.stat().st_size))
        return parse(path.read_bytes(), str(path)), str(path)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}. Check the name.") from None
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from None


def _too_large(where: str, size: int) -> str:
    return (
        f"{where} has {size / 1e6:.0f} MB; the limit for one record is {MOST_BYTES / 1e6:.0f} MB. "
        "Split it by patient, or give a bulk export as a folder of NDJSON files."
    )


def _folder(path: Path, patient: str | None) -> Any:
    from eutonia.bulk import ndjson_files

    if ndjson_files(path):
        return _export(path, patient)
    files = sorted(path.glob("*.json"))
    if not files:
        raise InputError(f"{path} holds no .ndjson and no .json file. Give a bulk export folder or a file.")
    if sum(f.stat().st_size for f in files) >= MOST_BYTES:
        raise InputError(_too_large(str(path), sum(f.stat().st_size for f in files)))
    return [parse(f.read_bytes(), str(f)) for f in files]


def _export(path: Path, patient: str | None) -> Any:
    from eutonia.bulk import Export

    export = Export(path)
    name = export.choose(patient)
    return _Exported(export, name)


class _Exported(list[Any]):
    """The resources of one patient of an export, and the resource types that were exported."""

    def __init__(self, export: Any, patient: str) -> None:
        super().__init__(export.resources(patient))
        self.kinds: frozenset[str] = export.kinds
        self.unread: list[str] = export.unread
        self.patient = patient


def parse(content: bytes, where: str) -> Any:
    """JSON or YAML, told apart by the content. Raises InputError for what is neither."""
    if len(content) >= MOST_BYTES:
        raise InputError(_too_large(where, len(content)))
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not start:
        raise InputError(f"{where} is empty. Give a case file or a FHIR R4 Bundle.")
    if b"\0" in content[:1000]:
        raise InputError(
            f"{where} is not text: it may be compressed or an image. Give a case file or a FHIR R4 Bundle."
        )
    return _json(content, where) if start in (b"{", b"[") else _yaml(content, where)


def _json(content: bytes, where: str) -> Any:
    import orjson

    try:
        return orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        if content.count(b"\n{") and error.msg.startswith("unexpected content"):
            raise InputError(
                f"{where} holds one JSON document a line. Name it .ndjson to have it read so."
            ) from None
        at = f"line {error.lineno}, column {error.colno}"
        cut = " The file seems to be cut short." if error.pos >= len(error.doc.rstrip()) - 1 else ""
        raise InputError(
            f"{where} is not valid JSON: {error.msg} at {at}.{cut} Export or copy it again."
        ) from None


def _yaml(content: bytes, where: str) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_size(yaml.parse(content, Loader=loader), where)
        return yaml.load(content, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        what = getattr(error, "problem", None) or "it cannot be read"
        raise InputError(
            f"{where} is neither JSON nor valid YAML: {what}{at}. Give a case file or a FHIR R4 Bundle."
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} cannot be read: {error}. Give a case file or a FHIR R4 Bundle.") from None


def _check_size(events: Iterable[Any], where: str) -> None:
    """Refuse YAML that is nested too deep, or that its aliases would blow up."""
    open_nodes: list[list[Any]] = []  # [anchor, nodes]
    anchors: dict[str, int] = {}
    total = 0
    for event in events:
        kind = type(event).__name__
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            open_nodes.append([event.anchor, 1])
            if len(open_nodes) > DEEPEST:
                raise InputError(
                    f"{where} is nested more than {DEEPEST} levels deep. No case is; check what made it."
                )
            continue
        size = 0
        if kind in ("MappingEndEvent", "SequenceEndEvent"):
            anchor, size = open_nodes.pop()
            if anchor:
                anchors[anchor] = size
        elif kind == "AliasEvent":
            size = anchors.get(event.anchor, 1)
        elif kind == "ScalarEvent":
            size = 1
        total = max(total, size)
        if open_nodes:
            open_nodes[-1][1] += size
            total = max(total, open_nodes[-1][1])
        if total > MOST_NODES:
            raise InputError(
                f"{where} holds more than {MOST_NODES:,} values once its aliases are followed. Write it out plainly."
            )


# --- from a document to a case ----------------------------------------------------------------------


def _case(document: Any, where: str, patient: str | None, as_of: date | None, strict: bool) -> Case:
    if isinstance(document, _Exported):
        if strict:
            check_strictly(list(document), where)
        return _exported_case(document, where, as_of)
    if isinstance(document, Mapping):
        if "resourceType" in document:
            if strict:
                check_strictly(document, where)
            return _fhir(document, where, patient, as_of)
        if "hook" in document and ("prefetch" in document or "context" in document):
            raise InputError(
                f"{where} is a CDS Hooks request. Send it to `eutonia serve`, or give the record in it."
            )
        if isinstance(document.get("vignettes"), list):
            return _case_entry(_pick(document["vignettes"], patient, where), where, as_of)
        return _case_entry(document, where, as_of, patient)
    if isinstance(document, Sequence) and not isinstance(document, str | bytes):
        if any(isinstance(each, Mapping) and "resourceType" in each for each in document):
            if strict:
                check_strictly(list(document), where)
            return _fhir(list(document), where, patient, as_of)
        if document and all(isinstance(each, Mapping) and "patient" in each for each in document):
            return _case_entry(_pick(document, patient, where), where, as_of)
    raise InputError(
        f"{where} is neither a case file (with as_of, patient, plan …) nor a FHIR R4 Bundle. "
        "See `eutonia schema case` for the fields of a case."
    )


def _fhir(
    document: Any, where: str, patient: str | None, as_of: date | None, asked: Iterable[str] = ()
) -> Case:
    from eutonia.fhir import read_fhir

    if isinstance(document, Mapping) and document.get("resourceType") == "OperationOutcome":
        raise InputError(
            f"{where} is an OperationOutcome: the server answered with an error, not with a record."
        )
    return read_fhir(document, patient=patient, as_of=as_of, where=where, asked=tuple(asked)).case


def _exported_case(document: _Exported, where: str, as_of: date | None) -> Case:
    case = _fhir(list(document), where, document.patient, as_of, asked=document.kinds)
    lost = tuple(f"{line}; set aside." for line in document.unread)
    return case.model_copy(update={"warnings": (*case.warnings, *lost)}) if lost else case


def _pick(entries: Sequence[Any], wanted: str | None, where: str) -> Mapping[str, Any]:
    """One of several cases, by its id."""
    cases = [each for each in entries if isinstance(each, Mapping)]
    ids = [str(each.get("id", "(no id)")) for each in cases]
    if wanted is None and len(cases) == 1:
        return cases[0]
    found = [case for case, name in zip(cases, ids, strict=True) if name == wanted]
    if not found:
        listed = ", ".join(ids[:30]) + (f" and {len(ids) - 30} more" if len(ids) > 30 else "")
        which = f"no case “{wanted}”" if wanted is not None else f"{len(ids)} cases"
        raise InputError(f"{where} holds {which}. Name one with --patient (patient=): {listed}.")
    return found[0]


def _case_entry(entry: Mapping[str, Any], where: str, as_of: date | None, wanted: str | None = None) -> Case:
    if wanted is not None and str(entry.get("id", wanted)) != wanted:
        raise InputError(f"{where} holds the case “{entry.get('id')}”, not “{wanted}”.")
    fields = dict(entry)
    if as_of is not None:
        fields["as_of"] = as_of
    if not set(fields) & (set(Case.model_fields) - {"question"}):
        raise InputError(
            f"{where} is neither a case file (with as_of, patient, plan …) nor a FHIR R4 Bundle. "
            "See `eutonia schema case` for the fields of a case."
        )
    try:
        case = Case.model_validate(fields)
    except ValidationError as error:
        raise InputError(_explain(error, where)) from None
    return case.model_copy(
        update={
            "plan": tuple(_from_words(item) for item in case.plan),
            "medications": case.medications and tuple(_from_words(entry) for entry in case.medications),
        }
    )


_Entry = TypeVar("_Entry", PlanItem, Medication)
DOSING = (
    "dose", "dose_high", "unit", "times_per_day", "times_per_day_low", "every_hours", "clock_times",
    "as_needed", "route", "duration_days", "steps", "start_day",
)  # fmt: skip
"""What the words of an entry may tell beside its name."""


def _from_words(entry: _Entry) -> _Entry:
    """An entry whose dosing stands in its text alone. What a field states is kept; unread words are left."""
    from eutonia.dosing_text import read_plan

    if entry.times_per_day is not None or not entry.text:
        return entry
    try:
        read = read_plan(entry.text)
    except InputError:
        return entry
    if isinstance(entry, PlanItem) and "action" not in entry.model_fields_set:
        entry = entry.model_copy(update={"action": read.action, "taper": read.taper})
    if read.times_per_day is None or (entry.dose is not None and entry.dose != read.dose):
        return entry
    told = {name: getattr(read, name) for name in DOSING if name in type(entry).model_fields}
    return entry.model_copy(update={name: value for name, value in told.items() if not getattr(entry, name)})


def _explain(error: ValidationError, where: str) -> str:
    """The first thing wrong with a case file, where it is, and what may stand there."""
    first, *others = error.errors()
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in first["loc"]).lstrip(".")
    more = f" ({len(others)} more like it.)" if others else ""
    if first["type"] == "extra_forbidden":
        near = _close(str(first["loc"][-1]), first["loc"])
        return f"{where}: {place} is not a field of a case.{near}{more} See `eutonia schema case`."
    if first["type"] == "missing":
        hint = " Add it, or give --as-of (as_of=)." if place == "as_of" else " Add it."
        return f"{where}: {place} is missing.{hint}{more}"
    return f"{where}: {place}: {first['msg'][0].lower()}{first['msg'][1:]}.{more} See `eutonia schema case`."


def _close(name: str, place: tuple[int | str, ...]) -> str:
    import difflib

    from eutonia import patient as models

    parents: dict[str, type[models.Record]] = {
        "patient": models.Patient, "conditions": models.Condition, "allergies": models.Allergy, "labs": models.Lab,
        "medications": models.Medication, "observations": models.Observation, "plan": models.PlanItem,
    }  # fmt: skip
    model = parents.get(str(place[0]), Case) if len(place) > 1 else Case
    near = difflib.get_close_matches(name, list(model.model_fields), n=1)
    return f" Did you mean {near[0]}?" if near else ""


# --- strict -----------------------------------------------------------------------------------------


def check_strictly(document: Any, where: str) -> None:
    """Check FHIR against the R4 specification. Raises InputError with the first things that break it."""
    try:
        import fhirkit
    except ImportError:
        raise NotAvailable(
            "Checking FHIR strictly needs fhirkit-rs. Install it with `pip install eutonia[fhir]`."
        ) from None
    resources = document if isinstance(document, list) else [document]
    try:
        found = [
            f"{i.path}: {i.message}" for r in resources for i in fhirkit.validate(r) if i.severity == "error"
        ]
    except (fhirkit.ParseError, fhirkit.ValidationError, TypeError, ValueError) as error:
        found = [str(error)]
    if found:
        more = f", and {len(found) - 3} more" if len(found) > 3 else ""
        raise InputError(
            f"{where} is not valid FHIR R4: {'; '.join(found[:3])}{more}. Correct it, or read it without --strict."
        )
