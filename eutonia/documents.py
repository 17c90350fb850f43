"""From a path, bytes or a mapping to a document: JSON or YAML, NDJSON, a bulk export; within limits of size and depth.

What cannot be read is an InputError that says what, where and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eutonia.errors import InputError, NotAvailable

MOST_BYTES = 50_000_000
"""A record of one patient is a few megabytes; more is a mistake, or an attack on memory."""
DEEPEST, MOST_NODES = 100, 1_000_000
"""Levels and nodes of a YAML file; FHIR needs about 20 levels."""

Source = str | Path | bytes | Mapping[str, Any] | Sequence[Any]


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
    return Exported(export, name)


class Exported(list[Any]):
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
