"""What a simulated course comes to, as it is printed and sent; apart from the simulation, which is slow to import."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Spread(BaseModel):
    """A quantity over patients."""

    model_config = ConfigDict(frozen=True)

    mean: float | None
    sd: float | None
    median: float | None
    p5: float | None
    p25: float | None
    p75: float | None
    p95: float | None


def in_people(probability: float) -> str:
    """A probability as people count: of 100, or of 10,000 where it is rare."""
    if probability >= 0.005:
        return f"{100 * probability:.0f} of 100"
    rare = 10_000 * probability
    return "fewer than 1 of 10,000" if rare < 1 else f"{rare:.0f} of 10,000"


class Exposure(BaseModel):
    """Exposure to one substance. After a single dose the area is extrapolated to infinity; after several it is that
    of one dosing interval at the end."""

    model_config = ConfigDict(frozen=True)

    cmax_mg_l: Spread
    tmax_h: Spread = Field(description="hours from the dose before the peak")
    auc_mg_h_l: Spread
    half_life_h: Spread
    trough_mg_l: Spread
    mean_mg_l: Spread
    doses_taken: Spread = Field(
        description="from the start of the plan; as needed, as often as pain asked for one"
    )


class EffectSummary(BaseModel):
    """Effects over the course."""

    model_config = ConfigDict(frozen=True)

    peak_drive: Spread = Field(description="kT")
    peak_sedation: Spread
    peak_impairment: Spread
    hours_impaired: Spread
    hours_impaired_a_day: Spread
    morning_impairment: Spread = Field(
        description="highest of the mornings after days with doses, as the day begins"
    )
    probability_drowsy: float
    probability_dizzy: float
    peak_relief: Spread
    mean_relief: Spread = Field(description="on average while doses are taken")
    hours_relieved: Spread = Field(description="time with relief that is noticed")
    onset_h: Spread = Field(description="hours to relief that is noticed, in those who notice it")
    probability_relief: float
    min_ventilation: Spread


class WithdrawalSummary(BaseModel):
    """Withdrawal after the last dose; days and hours count from it."""

    model_config = ConfigDict(frozen=True)

    peak: Spread
    peak_score: Spread = Field(description="0 to 50, like CIWA")
    peak_day: Spread
    onset_h: Spread = Field(description="hours to withdrawal that is felt, in those who feel it")
    probability_any: float
    probability_seizure: float
    probability_hallucinosis: float


class PainSummary(BaseModel):
    """Pain, 0 to 100."""

    model_config = ConfigDict(frozen=True)

    baseline: Spread
    at: dict[str, Spread]


class CourseSummary(BaseModel):
    """The answer of `eutonia simulate --json`."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)

    schema_: Literal["eutonia/course-summary/1"] = Field("eutonia/course-summary/1", alias="schema")
    patients: int
    exposure: dict[str, Exposure]
    effects: EffectSummary
    withdrawal: WithdrawalSummary
    pain: PainSummary
    assumptions: list[str]
    knowledge_version: str
    notice: str = (
        "A simulation supports a licensed professional's judgement and does not replace it; "
        "the bands span both how patients differ and how unsure the model is, where both are drawn."
    )
