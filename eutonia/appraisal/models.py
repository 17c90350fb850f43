"""The JSON of `eutonia evidence` and `eutonia compare`."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from eutonia.appraisal.certainty import Level, Reason


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Asked(Model):
    """The question as it was understood."""

    therapy: str
    comparator: str
    condition: str
    outcome: str
    day: int | None
    window: str | None
    """The time window that was pooled."""
    min_confidence: str


class Certainty(Model):
    level: Level | None
    reasons: list[Reason]


class EvidenceRow(Model):
    """One trial's part in the answer. `effect` is on the scale of the answer."""

    trial: str
    title: str
    year: int | None
    identifier: str
    treatments: list[str]
    comparators: list[str]
    doses: list[str]
    population: str
    outcome: str
    day: int
    effect: float
    ci: tuple[float, float]
    n: tuple[int, int]
    events: tuple[int, int] | None
    weight: float
    """Percent."""
    mark: str
    standard_error_from: str
    adjusted: bool
    added_to: str
    background: str
    risk_of_bias: str
    risk_of_bias_why: str
    note: str


class Summary(Model):
    """A pooled estimate beside the main one."""

    what: str
    measure: str
    estimate: float
    ci: tuple[float, float]
    trials: int
    patients: int
    trial_ids: list[str] = []


class LeftOut(Model):
    trial: str
    title: str
    people: int | None
    why: str


class Published(Model):
    """What a review printed on the same question, brought to the scale of the answer."""

    id: str
    title: str
    printed: str
    estimate: float
    ci: tuple[float, float]
    trials: int | None
    patients: int | None
    certainty: str
    mark: str
    why_ours_differs: str


class Absolute(Model):
    """In 100 people."""

    comparator: float
    treatment: float
    difference: float
    ci: tuple[float, float]
    one_more_in: float | None
    """Number needed to treat, or to harm; None where there is no difference."""


class Robustness(Model):
    """The estimate without each trial in turn."""

    lowest: float
    highest: float
    changes_the_conclusion: list[str]
    """Trials without which the interval no longer excludes nil, or comes to."""


class CourseAt(Model):
    """Mean pain without specific treatment, 0–100."""

    day: int
    pain: float
    ci: tuple[float, float]
    at_start: float


class Evidence(Model):
    """What trials say on one question. `answer` is “no-usable-data” where they say nothing."""

    schema_: Literal["eutonia/evidence/1"] = Field("eutonia/evidence/1", alias="schema")
    question: Asked
    measure: str
    scale: str
    estimate: float | None
    ci: tuple[float, float] | None
    prediction_interval: tuple[float, float] | None
    tau2: float | None
    """On the log scale for ratios."""
    i2: float | None
    trials: int
    patients: int
    certainty: Certainty
    answer: Literal["no-usable-data"] | None
    method: str | None
    probability_better: float | None
    probability_important: float | None
    important_difference: float
    absolute: Absolute | None
    rows: list[EvidenceRow]
    other_methods: list[Summary]
    robustness: Robustness | None
    over_time: list[Summary]
    on_top_of_other_treatment: list[Summary]
    other_comparators: list[Summary]
    by_confidence: list[Summary]
    published: list[Published]
    indirect: list[Summary]
    """Neighbouring questions that do have data: named as such, never pooled with this one."""
    missing: list[LeftOut]
    """Trials known to compare the two, without a usable figure for this question."""
    left_out: list[LeftOut]
    natural_course: CourseAt | None
    assumptions: list[str]
    would_change_it: list[str]
    """What would make the answer surer, from the steps that took its certainty down."""
    say: list[str]
    """The answer in sentences."""


class Factor(Model):
    """A statement with its sources."""

    say: str
    sources: list[dict[str, Any]] = []


class SideEffect(Model):
    """A harm that trials counted, against the control of those trials."""

    harm: str
    dose: str
    risk_per_100: float
    comparator_per_100: float
    ratio: float | None
    ci: tuple[float, float] | None
    nnh: float | None
    against: str
    trial: str
    mark: str


class Modelled(Model):
    """Share of people whose pain falls by an important amount, worked out from means and SDs: not counted."""

    treatment_per_100: float
    comparator_per_100: float
    fall: float
    """The fall that counts, in points of 100."""
    trials: list[str]
    say: str


class Factors(Model):
    """One therapy's column."""

    title: str
    type: str | None
    onset: Factor | None
    time_to_relief: Factor | None
    effect: Evidence
    responders: Evidence
    responders_modelled: Modelled | None
    size_says: str
    side_effects: list[SideEffect]
    side_effects_say: str
    long_term: Factor | None
    dependence: Factor | None
    schedule: Factor | None
    sessions: Factor | None
    after_stopping: Factor | None


class Rank(Model):
    therapy: str
    estimate: float
    ci: tuple[float, float]
    p_score: float


class BestFor(Model):
    therapy: str | None
    why: str


class Best(Model):
    immediate: BestFor
    long_term: BestFor


class Together(Model):
    """Whether the therapies may be used together."""

    may: bool | None
    why: str
    trials: list[str]


class Comparison(Model):
    """Therapies side by side."""

    schema_: Literal["eutonia/comparison/1"] = Field("eutonia/comparison/1", alias="schema")
    condition: str
    horizon: str | None
    factors: dict[str, Factors]
    ranking: list[Rank] | None
    why_no_ranking: str | None
    best_for: Best
    together: Together
    notes: list[str]
