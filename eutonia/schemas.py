"""The JSON Schemas of eutonia's formats."""

from importlib import import_module
from typing import Any

from eutonia.errors import InputError

MODELS = {
    "case": ("eutonia.patient", "Case"),
    "assessment": ("eutonia.assessment", "Assessment"),
    "course-summary": ("eutonia.simulation.summary", "CourseSummary"),
    "taper": ("eutonia.tapering", "Taper"),
    "comparison": ("eutonia.appraisal", "Comparison"),
    "evidence": ("eutonia.appraisal", "Evidence"),
    "claims": ("eutonia.claims", "Claims"),
    "screen": ("eutonia.screening", "Screen"),
    "validation": ("eutonia.simulation.validation", "Validation"),
}
"""Format → the pydantic model that writes or reads it."""


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema called `name`. Raises InputError where there is none."""
    if name not in MODELS:
        raise InputError(f"There is no format called “{name}”. There are: {', '.join(MODELS)}.")
    module, model = MODELS[name]
    mode = "validation" if name == "case" else "serialization"
    schema = getattr(import_module(module), model).model_json_schema(mode=mode)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
