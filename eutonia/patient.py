"""The question: one patient, the record known at `as_of`, and the plan.

A case file has exactly these fields. `None` means not known; an empty list means known to be none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from eutonia.dates import Span, span


def _as_span(value: Any) -> Any:
    """YAML reads a year alone as a number."""
    if type(value) is int and 1000 <= value <= 9999:
        value = str(value)
    if not isinstance(value, str | date):
        return value
    try:
        return span(value)
    except ValueError:
        raise ValueError(f"“{value}” is no date; write 2026-03-31, 2026-03 or 2026") from None


When = Annotated[
    Span,
    BeforeValidator(_as_span),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}(-\d{2}(-\d{2}.*)?)?$"}),
]
"""A date, or the first and last day it may have been: `2026-02-14`, `2026-02`, `2026`."""


def _as_sex(value: Any) -> Any:
    word = value.strip().casefold() if isinstance(value, str) else value
    return {"f": "female", "m": "male"}.get(word, word)


Sex = Annotated[Literal["male", "female", "other", "unknown"], BeforeValidator(_as_sex)]

Text = Annotated[str, BeforeValidator(lambda value: value if value is None else str(value).strip())]
"""Codes are often written as numbers; they are read as text."""


def _as_code(value: Any) -> Any:
    return "-".join(value.strip().casefold().replace("_", " ").split()) if isinstance(value, str) else value


Status = Annotated[str, BeforeValidator(_as_code)]
"""A status as FHIR writes it, however it is written: `Entered in error` is `entered-in-error`."""


def _as_day(value: Any) -> Any:
    """The day of a moment: `2026-03-02T10:00:00Z`."""
    return value[:10] if isinstance(value, str) and value[10:11] in ("T", " ") else value


class Record(BaseModel):
    """One line of the record: frozen, and strict about names so that a misspelt field is not lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class Patient(Record):
    """Who it is about."""

    age_years: float | None = Field(None, ge=0, le=130)
    birth_date: When | None = None
    sex: Sex | None = None
    weight_kg: float | None = Field(None, gt=0, le=700)
    height_cm: float | None = Field(None, gt=0, le=280)
    ancestry: str | None = None
    occupation: str | None = None


class Condition(Record):
    """A diagnosis, symptom or finding."""

    text: str = ""
    icd10cm: Text | None = None
    snomed: Text | None = None
    clinical_status: Status | None = None
    verification_status: Status | None = None
    onset: When | None = None
    abatement: When | None = None
    recorded: When | None = None
    body_site: str | None = None


class Allergy(Record):
    """An allergy or intolerance."""

    substance: str = ""
    rxcui: Text | None = None
    type: str | None = None
    criticality: str | None = None
    reaction: str | None = None
    verification_status: Status | None = None
    clinical_status: Status | None = None


class Dosage(Record):
    """How one product is taken: what medications and plan items share."""

    text: str = ""
    rxcui: Text | None = None
    atc: Text | None = None
    dose: float | None = Field(None, ge=0)
    dose_high: float | None = Field(None, ge=0)
    """The upper end, where a range is ordered; totals use it."""
    unit: str | None = None
    times_per_day: float | None = Field(None, ge=0, le=96)
    """The most often it may be taken; totals use it."""
    times_per_day_low: float | None = Field(None, ge=0, le=96)
    """The lower end, where a range is ordered (`every 4 to 6 hours`)."""
    every_hours: float | None = Field(None, gt=0)
    """The interval between doses, where one is ordered; the shortest of a range."""
    clock_times: tuple[str, ...] = ()
    """Times of day as ordered, `08:00`."""
    as_needed: bool = False
    route: str | None = None
    quantity: float | None = Field(None, ge=0)
    days_supply: float | None = Field(None, ge=0)

    @property
    def coded(self) -> str:
        """Its code in words, for an entry that has no text."""
        return f"RxNorm {self.rxcui}" if self.rxcui else f"ATC {self.atc}" if self.atc else ""


class Medication(Dosage):
    """A medication on the list."""

    status: Status | None = None
    start: When | None = None
    end: When | None = None
    prescriber: str | None = None


Action = Annotated[
    Literal[
        "start", "continue", "stop", "taper", "assess", "start-therapy", "continue-therapy", "stop-therapy"
    ],
    BeforeValidator(_as_code),
]


class PlanItem(Dosage):
    """One item of the plan."""

    action: Action = "start"
    therapy: str | None = None
    duration_days: float | None = Field(None, ge=0)
    taper: bool | None = None
    start: When | None = None
    end: When | None = None
    start_day: float | None = Field(None, ge=0)
    """Days from the start of the plan; `from day 1` is 0."""
    steps: tuple[PlanItem, ...] = ()
    """Parts with doses of their own, one after the other (a taper) or side by side (a larger dose at bedtime),
    each with its `start_day`. The item itself then states the largest dose, the largest daily total (as
    `times_per_day` of that dose) and the whole length."""
    written: str = ""
    """The words that it was read from."""


class Lab(Record):
    """A measurement: a laboratory result or score."""

    name: str = ""
    loinc: Text | None = None
    value: float | str | None = None
    unit: str | None = None
    date: When | None = None
    reference_high: float | None = None
    status: Status | None = None


class Observation(Record):
    """Any other dated statement about the patient, coded by LOINC or SNOMED CT."""

    code: Text | None = None
    text: str = ""
    value: float | str | bool | None = None
    value_code: Text | None = None
    """The code of the answer, where it has one beside its words."""
    unit: str | None = None
    date: When | None = None
    status: Status | None = None


def _named(field: str) -> Callable[[Any], Any]:
    """Takes words alone for an entry: `epilepsy` for `{text: epilepsy}`."""
    return lambda value: {field: value} if isinstance(value, str) else value


AsCondition = Annotated[Condition, BeforeValidator(_named("text"), json_schema_input_type=Condition | str)]
AsAllergy = Annotated[Allergy, BeforeValidator(_named("substance"), json_schema_input_type=Allergy | str)]
AsMedication = Annotated[Medication, BeforeValidator(_named("text"), json_schema_input_type=Medication | str)]
AsPlan = Annotated[PlanItem, BeforeValidator(_named("text"), json_schema_input_type=PlanItem | str)]


class Case(Record):
    """One patient, the record known at `as_of`, and the plan in question."""

    as_of: Annotated[date, BeforeValidator(_as_day)]
    region: str | None = None
    patient: Patient = Patient()
    conditions: tuple[AsCondition, ...] | None = None
    no_known_allergies: bool | None = None
    allergies: tuple[AsAllergy, ...] | None = None
    medications: tuple[AsMedication, ...] | None = None
    labs: tuple[Lab, ...] | None = None
    observations: tuple[Observation, ...] | None = None
    plan: tuple[AsPlan, ...] = ()
    question: str = ""
    warnings: tuple[str, ...] = ()
    """Oddities met while the record was read."""
    not_seen: tuple[str, ...] = ()
    """Parts of the record that were not there to be read."""

    @model_validator(mode="before")
    @classmethod
    def _drop_teaching_fields(cls, data: Any) -> Any:
        """Entries of a vignette file carry an answer beside the question; it is not read."""
        if isinstance(data, dict):
            return {
                key: value for key, value in data.items() if key not in ("id", "title", "expected", "note")
            }
        return data
