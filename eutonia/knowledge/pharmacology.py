"""What the simulation knows: substances in the body, receptor sites, the model's own figures, co-medication.

A figure is never bare. Each carries its unit, how much patients differ (`spread`), how unsure we are of the
typical patient (`uncertainty`), and where it comes from. The two are different things and are drawn apart.
"""

from dataclasses import field
from datetime import date
from typing import Literal

from eutonia.knowledge.common import Citation, entry


@entry
class Quantity:
    """One figure of the model."""

    value: float
    unit: str
    spread: float = 0.0
    """Standard deviation between patients: of the logarithm, or of the value itself on a linear scale."""
    uncertainty: float = 0.0
    """Standard deviation of our knowledge of the typical patient, on the same scale."""
    scale: Literal["log", "linear"] = "log"
    low: float | None = None
    high: float | None = None
    """Bounds that no drawn value leaves."""
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Pathway:
    """A part of a substance's clearance, by what carries it."""

    by: str
    """An enzyme (cyp2c19), `renal`, or `other`."""
    share: float
    spread: float = 0.0
    uncertainty: float = 0.0
    metabolite_yield: Quantity | None = None
    """Moles of the metabolite per mole cleared this way."""


@entry
class Metabolite:
    """The simulated product of a substance."""

    substance: str
    first_pass: Quantity | None = None
    """Share of what the first pass forms that reaches plasma as metabolite."""
    formation_rate: Quantity | None = None
    """Release from where it is formed; at once where absent."""


@entry
class Induction:
    """A substance that speeds its own elimination."""

    maximum: Quantity
    half_concentration: Quantity
    time_constant: Quantity


@entry
class Kinetics:
    """Absorption, distribution, elimination, for a patient of the reference weight."""

    absorption_rate: Quantity
    lag: Quantity | None = None
    bioavailability: Quantity | None = None
    """1 where clearance and volume are apparent ones. With `well_stirred`: the share that reaches the liver."""
    by_dose: dict[float, float] = field(default_factory=dict)
    """mg in one dose → factor on the bioavailability where it depends on the dose; between them along a line."""
    well_stirred: bool = False
    """Clearance is the liver's intrinsic one, and the first pass follows from it and liver blood flow."""
    clearance: Quantity | None = None
    maximum_rate: Quantity | None = None
    """With `half_saturation`: elimination that saturates, instead of a clearance."""
    half_saturation: Quantity | None = None
    volume: Quantity
    volume_women: Quantity | None = None
    peripheral_volume: Quantity | None = None
    exchange: Quantity | None = None
    pathways: tuple[Pathway, ...] = ()
    effect_site_rate: Quantity | None = None
    metabolite: Metabolite | None = None
    induction: Induction | None = None


@entry
class Binding:
    """Binding to a site of the GABA-A receptor; substances at one site compete."""

    site: str
    closed: Quantity
    opened: Quantity
    """Dissociation constants of the closed and open channel, as free concentrations."""
    free: Quantity
    """Unbound fraction in plasma, taken to be that at the receptor."""


@entry
class Response:
    """An effect that rises with plasma concentration and saturates."""

    maximum: Quantity
    half_concentration: Quantity


@entry
class Effects:
    """What a substance adds on each shared axis."""

    gaba: Binding | None = None
    sedation: Response | None = None
    """Sedation not through GABA-A: `maximum` kT for each e-fold above `half_concentration`."""
    relaxation: Response | None = None
    pain: Response | None = None
    """Fraction of pain taken away."""
    pain_persistent: Response | None = None
    """That in persistent pain, where it differs."""
    ventilation: Response | None = None


@entry
class CovariateEffect:
    """A factor on a kinetic quantity or on sensitivity, in patients of one kind or for each so much of a feature."""

    feature: Literal["age", "sex", "weight", "liver", "egfr", "pregnant", "ancestry", "fed"]
    """`fed`: the order says that it is taken with food."""
    equals: tuple[str, ...] = ()
    at_least: float | None = None
    below: float | None = None
    reference: float | None = None
    per: float | None = None
    """Given both, the factor holds for each `per` above `reference`, from `at_least` on and no further than `below`."""
    on: str
    """A kinetic quantity, or a pathway's name for that part of clearance alone."""
    factor: float
    spread: float | None = None
    """How much patients differ in the size of the effect: standard deviation of the logarithm of its exponent; where
    absent, that of model/covariates."""
    uncertainty: float | None = None
    """How unsure its typical size is, on the same scale; where absent, that of model/covariates for the mark."""
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Limit:
    """Amounts beyond which a plan is taken for a slip of the pen."""

    single: float
    daily: float
    unit: str
    sources: tuple[Citation, ...]


@entry
class Substance:
    """One simulated substance: a drug or its metabolite."""

    id: str
    title: str
    molar_mass: float
    kinetics: Kinetics
    effects: Effects = Effects()
    covariates: tuple[CovariateEffect, ...] = ()
    limit: Limit | None = None
    """None: never given, only formed."""
    routes: tuple[str, ...] = ("oral",)
    """Those whose absorption the figures describe."""
    synonyms: tuple[str, ...] = ()
    units: dict[str, float] = field(default_factory=dict)
    """Words for an amount → mg (a drink of alcohol)."""
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class ReceptorSite:
    """A site of the receptor and how strongly it counts in the whole brain."""

    id: str
    title: str
    number: Quantity
    gain: Quantity
    relaxes: float
    """Share of its energy that eases muscle spasm."""
    adapts: Quantity
    """Share of its energy that slow tolerance follows."""
    sources: tuple[Citation, ...] = ()
    note: str = ""


@entry
class Ancestry:
    """Frequencies of the CYP2C19 phenotypes in a population, in percent."""

    id: str
    title: str
    cyp2c19: dict[Literal["poor", "intermediate", "normal", "rapid", "ultrarapid"], float]
    synonyms: tuple[str, ...] = ()
    mixture: dict[str, float] = field(default_factory=dict)
    """Shares of other ancestries, instead of frequencies of its own."""
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Modulator:
    """A medicine that changes how fast enzymes clear others."""

    id: str
    title: str
    activity: dict[str, Quantity]
    """Enzyme → the factor on its activity."""
    by_dose: dict[str, dict[float, float]] = field(default_factory=dict)
    """Enzyme → daily mg from which another factor holds → the factor."""
    by_phenotype: dict[str, dict[Literal["poor", "intermediate", "normal", "rapid", "ultrarapid"], float]] = (
        field(default_factory=dict)
    )
    """Enzyme → CYP2C19 phenotype in which another factor holds → the factor."""
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class ModelPart:
    """One part of the model's own figures, such as adaptation or the natural course of pain."""

    id: str
    title: str
    parameters: dict[str, Quantity]
    covariates: tuple[CovariateEffect, ...] = ()
    sources: tuple[Citation, ...] = ()
    note: str = ""


@entry
class TherapyCourse:
    """A therapy without a drug, as an effect on pain that builds and fades."""

    id: str
    title: str
    effect: Quantity
    """Points of 100 at its full effect against usual care or no treatment; positive is less pain."""
    build: Quantity
    fade: Quantity
    sessions_per_week: float
    weeks: float
    attendance: Quantity | None = None
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Finding:
    """One printed figure of a study."""

    quantity: str
    """What of the simulation it is held against: a name of the summary, `substance/name`, or `pain after …`."""
    value: float
    spread: float | None = None
    """Standard deviation between patients, where printed."""
    interval: tuple[float, float] | None = None
    """Confidence interval, or the range that is quoted."""
    unit: str
    statistic: Literal["mean", "median", "fraction", "ratio", "difference"] = "mean"
    """A ratio or difference is that of the means to those of `compared_with`."""
    used_for_fitting: bool
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Observation:
    """A study in people that the model is held against."""

    id: str
    title: str
    plan: tuple[str, ...]
    """What was taken, as plan texts."""
    until: str
    patients: dict[str, str | float | bool] = field(default_factory=dict)
    """Features of those studied, as in `population()`."""
    number_studied: int | None = None
    compared_plan: tuple[str, ...] = ()
    compared_with: dict[str, str | float | bool] = field(default_factory=dict)
    """The other arm of a ratio or difference, where its plan or its patients differ."""
    findings: tuple[Finding, ...]
    note: str = ""


@entry
class Posterior:
    """What a calibration left possible: draws of figures of the typical patient, written by `python -m calibration`.

    Each draw is a deviation from the figure in the knowledge files, on its own scale; `…/spread` is one of the
    logarithm of the spread between patients. The n-th draws of all names belong together.
    """

    id: str
    title: str
    fitted_to: tuple[str, ...]
    """The observations used."""
    figures: dict[str, float]
    """The figures from which the draws deviate: fit again when one of them has changed."""
    draws: dict[str, tuple[float, ...]]
    method: str
    seed: int
    made: date
    eutonia: str
    """Version of eutonia that made it."""
    sources: tuple[Citation, ...]


@entry
class ClockTimes:
    """When doses are taken, where an order says only how often."""

    id: str
    title: str
    times: dict[int, tuple[float, ...]]
    """Doses a day → hours of the clock."""
    words: dict[str, float]
    """Words for a time of day → the hour."""
    first: float
    """The hour of the first dose of an order by interval."""
    day: tuple[float, float]
    """From which hour to which it is day, for shading."""
    total_from: float
    """Tablets of the largest strength from which an amount “a day” is the total of the day, not one dose."""
    most_parts: int
    """Doses in which such a total is taken, at most."""
    sources: tuple[Citation, ...]
