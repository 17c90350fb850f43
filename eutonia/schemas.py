"""The JSON Schemas of eutonia's formats."""

from collections.abc import Callable, Mapping
from typing import Any

from eutonia.errors import InputError


def _case() -> dict[str, Any]:
    from eutonia.patient import Case

    return Case.model_json_schema()


def _assessment() -> dict[str, Any]:
    from eutonia.assessment import Assessment

    return Assessment.model_json_schema(mode="serialization")


SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {"case": _case, "assessment": _assessment}


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema called `name`. Raises InputError where there is none."""
    if name not in SCHEMAS:
        raise InputError(f"There is no format called “{name}”. There are: {', '.join(SCHEMAS)}.")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **SCHEMAS[name]()}
