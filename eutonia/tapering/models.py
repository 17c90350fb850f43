"""The answer of `eutonia taper`, as data."""

from __future__ import annotations

import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from eutonia.summaries import Spread


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)


class Reference(_Part):
    """One place in one source, and how the statement got here from it."""

    key: str
    at: str
    mark: str


def clock(hour: float) -> str:
    """An hour of the day as it is told, `08:00`."""
    minutes = round(hour * 60) % (24 * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


class Dose(_Part):
    """One dose."""

    time: str
    """Of the clock, `08:00`."""
    mg: float
    tablets: str
    """`1 x 350 mg`, `½ x 350 mg`; empty where it cannot be given in the tablets named."""


class Day(_Part):
    """One day of a schedule."""

    day: int
    date: datetime.date
    doses: list[Dose]
    total_mg: float


class Predicted(_Part):
    """Withdrawal to expect, from the first day on, in virtual patients that stand for this one."""

    peak: Spread = Field(description="highest withdrawal, kT")
    peak_score: Spread = Field(description="the same on a scale from 0 to 50, like CIWA")
    peak_day: Spread = Field(description="day of the schedule on which it is highest; 0 is the first")
    area: Spread = Field(description="withdrawal over time, kT d")
    days_felt: Spread = Field(description="days with withdrawal that is felt")
    hours_impaired: Spread = Field(description="hours impaired by the drug while it is still taken")
    probability_any: float
    probability_seizure: float
    probability_hallucinosis: float
    loss: float | None = Field(None, description="what the search minimises; smaller is better")


class Alternative(Predicted):
    """Another way to stop, as predicted for the same patients."""

    title: str
    length_days: int
    steps: list[str]
    suits: bool | None
    """Whether it is meant for a patient like this one; None where a fact is missing, or it is no proposal at all."""
    ask: list[str] = []
    says: str
    marks: list[str]
    above_label: bool
    """Whether it gives more than the label allows on some days."""
    sources: list[Reference]
    made_to_measure: float | None = Field(
        None, description="loss of the best schedule of at most this length; None where none could be made"
    )


class Refer(_Part):
    """Why no schedule is given here."""

    why: list[str]
    rules: list[str]
    do: str


class Asked(_Part):
    """A question whose answer would change the schedule."""

    ask: str
    text: str
    settles: list[str]


class Visit(_Part):
    """When to look at the patient."""

    day: int
    date: datetime.date
    what: str


class Made(_Part):
    """How the schedule was found."""

    method: str
    loss: float
    tried: int
    weights: dict[str, float]
    draws: int
    beats: dict[str, bool]
    """Alternative → whether the best schedule of at most its length has a smaller loss."""


class Continuing(_Part):
    """Going on as now, for comparison: some more days, then a stop at once."""

    days: int
    hours_impaired_a_day: Spread
    then_stopped: Predicted


class Adapted(_Part):
    """What a score on one day means for the rest of the schedule."""

    today: int
    score: float
    band: str
    action: Literal["continue", "hold", "slow", "refer"]
    says: str
    taken: dict[int, float]
    """Days on which another amount was taken than the schedule has → mg."""


class Step(_Part):
    """Days alike."""

    first_day: int
    last_day: int
    doses: list[Dose]
    total_mg: float


class Taper(_Part):
    """A way off a drug. `model_dump(mode="json")` is the JSON of `eutonia taper --json`."""

    schema_: Literal["eutonia/taper/1"] = Field("eutonia/taper/1", alias="schema")
    drug: str
    title: str
    """What is taken now, in words."""
    now_mg: float | None
    """mg a day."""
    use_days: float | None
    start: datetime.date
    needed: bool | None
    """Whether a taper is needed rather than a plain stop; None where it cannot be told."""
    says: str
    """The answer in a sentence."""
    refer: Refer | None = None
    first: list[str] = []
    """What has to be settled before the first day."""
    chosen: str | None = None
    """`made-to-measure`, or the id of the published schedule that `days` follows."""
    published: str | None = None
    """The published schedule meant for a patient like this one, where one is."""
    steps: list[Step] = []
    days: list[Day] = []
    predicted: Predicted | None = None
    alternatives: dict[str, Alternative] = {}
    continuing: Continuing | None = None
    made: Made | None = None
    adapted: Adapted | None = None
    monitoring: list[Visit] = []
    scale: dict[str, Any] | None = None
    """The withdrawal scale: its bands, and what each means for the schedule."""
    emergency: list[str] = []
    watch: list[str] = []
    """What to ask at each visit."""
    legal: list[str] = []
    never: list[str] = []
    plain: list[str] = []
    """For the patient, in plain words."""
    ask: list[Asked] = []
    assumptions: list[str] = []
    sources: list[Reference] = []
    courses: dict[str, list[float]] = Field(
        {}, description="90th percentile of withdrawal by day, by schedule"
    )
    knowledge_version: str
    notice: str = (
        "A schedule by simulation supports a licensed professional's judgement and does not replace it; "
        "whoever prescribes decides, and changes it by how the patient fares."
    )


class Way(_Part):
    """One of the ways on from here, for someone who takes a drug already."""

    way: Literal["continue", "stop now", "taper"]
    says: list[str]
    days: int
    predicted: Predicted | None
    """Withdrawal it leads to; of going on, that of a stop at its end."""


class CurrentUse(_Part):
    """A drug that is in use already: going on, stopping now and a taper, side by side."""

    drug: str
    title: str
    use_days: float | None
    ways: list[Way]
