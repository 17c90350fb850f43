"""Read a case from wherever it is: a case file, a FHIR R4 Bundle, NDJSON, a bulk export, a mapping.

Everything that comes from outside passes here. What cannot be read is an InputError that says what, where and
what to do; what is odd but readable is in `Case.warnings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eutonia.dates import as_day
from eutonia.documents import Exported, Source, check_strictly, load
from eutonia.dosing.ended import begun, in_use
from eutonia.dosing.entries import from_words
from eutonia.errors import InputError
from eutonia.patient import Case, PlanItem


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
    day = as_day(as_of, "as_of")
    items = tuple(_plan(text) for text in plans)
    document, where = load(source, patient)
    case = _case(document, where, patient, day, strict)
    return case.model_copy(update={"plan": items}) if items else _as_asked(case)


def read_all(
    folder: str | Path, *, as_of: str | date | None = None, plans: Iterable[str] = ()
) -> Iterator[tuple[str, Case]]:
    """Every patient of a folder, with id, one after the other: a bulk export, or files of one patient each.

    An export is walked once for an index of byte offsets; only one patient's resources are held at a time.
    """
    from eutonia.bulk import Export, ndjson_files

    folder, day = Path(folder), as_day(as_of, "as_of")
    items = tuple(_plan(text) for text in plans)
    change = {"plan": items} if items else {}
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder. Give the folder of a bulk export or of bundles.")
    if ndjson_files(folder):
        export = Export(folder)
        for name in export.patients:
            case = _exported_case(Exported(export, name), str(folder), day)
            yield name, case.model_copy(update=change)
        return
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".json", ".yaml", ".yml")):
        document, where = load(path, None)
        yield path.stem, _case(document, where, None, day, False).model_copy(update=change)


def _as_asked(case: Case) -> Case:
    """A case without a plan by the plan that its question asks about."""
    if case.plan or not case.question:
        return case
    from eutonia.dosing.questions import with_plan_asked
    from eutonia.knowledge import load

    return with_plan_asked(case, load())


def _plan(text: str) -> PlanItem:
    from eutonia.dosing.text import read_plan

    item = read_plan(text)
    if not item.text and not item.therapy:
        raise InputError(
            f"The plan “{text}” names no drug or therapy. Write it like “carisoprodol 350 mg four times a day”."
        )
    return item


# --- from a document to a case ----------------------------------------------------------------------


def _case(document: Any, where: str, patient: str | None, as_of: date | None, strict: bool) -> Case:
    if isinstance(document, Exported):
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
            f"{where} is an OperationOutcome: the server answered with an error, not with a record. "
            "Read what it says, and ask the server again."
        )
    return read_fhir(document, patient=patient, as_of=as_of, where=where, asked=tuple(asked)).case


def _exported_case(document: Exported, where: str, as_of: date | None) -> Case:
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
        raise InputError(
            f"{where} holds the case “{entry.get('id')}”, not “{wanted}”. Name it, or leave --patient out."
        )
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
    listed = case.medications and in_use(case.medications, case.as_of)
    return case.model_copy(
        update={
            "plan": tuple(from_words(item) for item in case.plan),
            "medications": listed and tuple(from_words(begun(entry), case.as_of) for entry in listed),
        }
    )


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
    said = first["msg"].removeprefix("Value error, ")
    wrong = EXPECTED.get(first["type"]) or said[0].lower() + said[1:]
    return f"{where}: {place}: {wrong}.{more} See `eutonia schema case`."


EXPECTED = {"tuple_type": "should be a list", "model_type": "should be fields with values"}
"""What is wrong, in the words of a case file, where pydantic speaks of Python."""


def _close(name: str, place: tuple[int | str, ...]) -> str:
    import difflib

    from eutonia import patient as models

    parents: dict[str, type[models.Record]] = {
        "patient": models.Patient, "conditions": models.Condition, "allergies": models.Allergy, "labs": models.Lab,
        "medications": models.Medication, "observations": models.Observation, "plan": models.PlanItem,
    }  # fmt: skip
    model = parents.get(str(place[0]), Case) if len(place) > 1 else Case
    fields = list(model.model_fields)
    near = [f for f in fields if f.startswith(f"{name}_")] or difflib.get_close_matches(name, fields, n=1)
    return f" Did you mean {near[0]}?" if near else ""
