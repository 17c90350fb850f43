"""Rules, the features they are written in, and the value sets that features look for."""

from dataclasses import field
from typing import Any, Literal

from eutonia.knowledge.common import Citation, Severity, entry


@entry
class Rule:
    """A safety rule: `severity` applies where every line of `when` holds and no line of `unless` does.

    Lines are SQL boolean expressions over features, judged in three-valued logic.
    """

    id: str
    title: str
    severity: Severity
    tier: Literal[1, 2]
    when: tuple[str, ...]
    unless: tuple[str, ...] = ()
    urgent: bool | tuple[str, ...] = False
    """True: same-day referral whenever the rule applies; lines: whenever they all hold as well."""
    replaces: tuple[str, ...] = ()
    """Milder rules that are shown as detail, not as headlines, where this one applies."""
    blocks_acceptable: bool = False
    """The plan cannot be called acceptable while this rule applies: data are insufficient."""
    basis: Literal["label", "regulator", "guideline", "consensus", "evidence", "policy"]
    say: str
    """Why it matters, for the reader of the assessment."""
    do: str
    """What to do instead."""
    sources: tuple[Citation, ...]
    note: str = ""
    examples: tuple[dict[str, Any], ...]
    """Feature values with `applies: true|false|null` and, where null, `ask: [...]`; run as tests."""


FeatureType = Literal["boolean", "number", "category"]


@entry
class _Feature:
    id: str
    title: str
    type: FeatureType = "boolean"
    unit: str = ""
    ask: str = ""
    """The question that would settle it, as put to the clinician."""
    asks: str = ""
    """Instead of a question of its own: the feature whose question settles this one."""
    absent: Literal["unknown", "no"] = "unknown"
    """What it means that the record, though seen, does not mention it."""
    why: str = ""
    """Why absence means no; needed where it does."""
    note: str = ""
    sources: tuple[Citation, ...] = ()


@entry
class ConditionFeature(_Feature):
    """A recorded condition in one of `value_sets`: active at as_of, or ever."""

    kind: Literal["condition"]
    value_sets: tuple[str, ...]
    status: Literal["active", "ever"] = "active"
    within_days: int | None = None
    """Counts only if its onset lies at most so many days before as_of."""


@entry
class MeasurementFeature(_Feature):
    """The latest usable result among `loinc` codes, converted to `unit`."""

    kind: Literal["measurement"]
    loinc: tuple[str, ...]
    within_days: int | None = None
    plausible: tuple[float, float]
    """Results outside are unit errors, not patients: they count as unknown and are reported."""
    molar_mass: float | None = None
    """g/mol, where results in moles are met."""
    valence: int = 1
    """Charges per ion, where results in equivalents are met."""
    names: tuple[str, ...] = ()
    """Names of the test where it has no code."""
    above: float | None = None
    below: float | None = None
    """With either, the feature is boolean: whether the result lies beyond."""


@entry
class MedicationFeature(_Feature):
    """Whether a drug, class or therapy of `any_of` is taken at `moment`.

    current: at as_of. after: once the plan is carried out. involved: current, or named in the plan.
    planned: named in the plan with one of `actions`. recent: current or ended within `within_days`.
    """

    kind: Literal["medication"]
    any_of: tuple[str, ...]
    moment: Literal["current", "after", "involved", "planned", "recent"] = "involved"
    actions: tuple[Literal["start", "continue", "taper", "stop"], ...] = ()
    within_days: int | None = None
    route: Literal["any", "systemic", "transdermal", "topical"] = "any"


@entry
class TogetherFeature(_Feature):
    """Whether one distinct ingredient out of each group of `all_of` is taken at the same time.

    any: now, or once the plan is carried out. after: once the plan is carried out.
    """

    kind: Literal["together"]
    all_of: tuple[tuple[str, ...], ...]
    moment: Literal["any", "after"] = "any"


@entry
class CountFeature(_Feature):
    """Whether at least `at_least` distinct ingredients of `any_of` are taken at `moment`."""

    kind: Literal["count"]
    any_of: tuple[str, ...]
    at_least: int
    moment: Literal["any", "after", "current"] = "after"
    route: Literal["any", "systemic"] = "systemic"


@entry
class AllergyFeature(_Feature):
    """An allergy to a drug or class of `any_of`.

    established: an allergy by type, or after anaphylaxis, angioedema or hives.
    unclear: unconfirmed, an intolerance, or a side effect only. any: either.
    """

    kind: Literal["allergy"]
    any_of: tuple[str, ...]
    certainty: Literal["established", "unclear", "any"] = "established"
    reactions: tuple[str, ...] = ()
    """Only after one of these reactions, where given (parts of words, lower case)."""
    severe: tuple[str, ...] = ()
    """Reactions after which an entry is an allergy, whatever its kind."""
    side_effects: tuple[str, ...] = ()
    """Reactions that are no allergy by themselves."""


@entry
class ComputedFeature(_Feature):
    """Computed by the function of the same name in eutonia/features; `about` are the drugs it speaks of."""

    kind: Literal["computed"]
    about: tuple[str, ...] = ()
    value_sets: tuple[str, ...] = ()
    loinc: tuple[str, ...] = ()
    """Codes of measurements of which the latest alone counts: older ones may not have been read."""
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Named groups of codes or words that the function looks for."""
    limits: dict[str, float] = field(default_factory=dict)
    """Named cut-offs and other figures that the function uses."""


@entry
class SimulatedFeature(_Feature):
    """A quantity of the forecast of one plan item (simulation.summary.EffectSummary), its median over draws.

    Known only once the plan is simulated: rules over it are judged then, and not before.
    """

    kind: Literal["simulated"]
    quantity: str


@entry
class Question(_Feature):
    """No column of the table: only a question that settles several features at once."""

    kind: Literal["question"]


Feature = (
    ConditionFeature
    | MeasurementFeature
    | MedicationFeature
    | TogetherFeature
    | CountFeature
    | AllergyFeature
    | ComputedFeature
    | SimulatedFeature
    | Question
)


@entry
class ValueSet:
    """Codes that mean one clinical idea.

    ICD-10-CM patterns: `J44` and every code below it; `?` is any character and `[1-4]` one of several;
    `icd10cm_not` takes codes out again. SNOMED CT codes are listed one by one. `terms` are whole words looked
    for in the text of conditions that carry no code known here, except where they are part of one of `terms_not`.
    """

    id: str
    title: str
    icd10cm: tuple[str, ...] = ()
    icd10cm_not: tuple[str, ...] = ()
    snomed: dict[str, str] = field(default_factory=dict)
    """Code → name."""
    terms: tuple[str, ...] = ()
    terms_not: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    """Other value sets whose codes belong to this one."""
    repeated_days: int | None = None
    """A procedure so coded that was done within so many days is one of a treatment that goes on."""
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class UnitSpellings:
    """What people write for a unit (lower case) → its UCUM code."""

    id: str
    title: str
    spellings: dict[str, str]
