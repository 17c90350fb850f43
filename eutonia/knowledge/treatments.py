"""Drugs, the classes they belong to, combination products, and therapies without drugs."""

from dataclasses import field
from typing import Literal

from eutonia.knowledge.common import Citation, entry

Duration = Literal["acute", "chronic"]


@entry
class DoseClass:
    """A class that a drug belongs to only up to, or only above, a daily dose (aspirin)."""

    name: str
    up_to_mg: float | None = None
    above_mg: float | None = None


@entry
class Option:
    """What an alternative offers, for the options table. Scales run from 0 none to 3 high."""

    plan: str
    """How it would be ordered, as a plan text."""
    fits: tuple[Duration, ...]
    onset: str
    sedation: tuple[int, int]
    dependence: tuple[int, int]
    harm: tuple[int, int]
    """Harm if given to the wrong patient."""
    evidence: dict[Duration, int]
    """0 against or no effect, 1 little, 2 low to moderate, 3 recommended first, by duration of pain."""
    evidence_says: str
    needs: str = ""
    """What has to be in place for it: a therapist, a blood test, a monitoring visit."""
    sources: tuple[Citation, ...]


@entry
class Drug:
    """One ingredient: its names, codes, classes and products."""

    id: str
    title: str
    rxcui: str | None = None
    omop_concept_id: int | None = None
    atc: tuple[str, ...] = ()
    schedule: str = ""
    """US schedule (I to V), empty where not controlled."""
    classes: tuple[str, ...] = ()
    dose_classes: tuple[DoseClass, ...] = ()
    synonyms: tuple[str, ...] = ()
    """Other names of the ingredient: salts, international names, abbreviations."""
    brands: tuple[str, ...] = ()
    unapproved_names: tuple[str, ...] = ()
    """Names under which unapproved products are sold."""
    clinical_drugs: dict[str, str] = field(default_factory=dict)
    """RxNorm code → RxNorm name, at every level that reaches this ingredient alone."""
    strengths_mg: tuple[float, ...] = ()
    """Strengths of approved oral single-ingredient products."""
    systemic_routes: tuple[str, ...] = ()
    """Routes that usually act on the spot (nasal, inhalation) by which this drug acts in the whole body."""
    local_routes: tuple[str, ...] = ()
    """Routes that usually act in the whole body (transdermal) by which this drug acts on the spot."""
    mme_per_mg: float | None = None
    """Oral morphine milligram equivalents per mg (CDC 2022); for a patch see `mme_per_mcg_h`."""
    mme_per_mcg_h: float | None = None
    prednisone_mg_per_mg: float | None = None
    """How much prednisone is as strong as 1 mg of it."""
    option: Option | None = None
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Product:
    """A product of several ingredients, split into them before any rule looks."""

    id: str
    title: str
    ingredients: dict[str, float | None]
    """Drug id → mg per unit where every product of the name has the same."""
    others: tuple[str, ...] = ()
    """Ingredients that no rule asks for."""
    rxcui: dict[str, str] = field(default_factory=dict)
    """RxNorm code → RxNorm name, which holds the strengths."""
    atc: tuple[str, ...] = ()
    """ATC codes of the combination, in any strength."""
    brands: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class DrugClass:
    """A class that rules ask for. Members name it in their own files."""

    id: str
    title: str
    part_of: tuple[str, ...] = ()
    """Wider classes whose members its members are too."""
    allergens: tuple[str, ...] = ()
    """What allergy lists call the class, lower case."""
    called: tuple[str, ...] = ()
    """What people write for an unnamed member, lower case: `nsaid`, `muscle relaxer`."""
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class OtherNames:
    """Medicines that are recognised and belong to no class a rule asks for."""

    id: str
    title: str
    names: tuple[str, ...]
    rxcui: dict[str, str] = field(default_factory=dict)
    """RxNorm code → RxNorm name."""
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Therapy:
    """A treatment without a drug."""

    id: str
    title: str
    synonyms: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    option: Option | None = None
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Answer:
    """A question as patients ask it, and its answer in plain words."""

    ask: str
    answer: str


@entry
class Advice:
    """What a patient needs to know of a treatment or class of treatments, in plain words."""

    id: str
    title: str
    what: str
    do: tuple[str, ...]
    warning_signs: tuple[str, ...]
    questions: tuple[Answer, ...] = ()
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class MedicineWords:
    """How people write medicines: the words around a name, none of them a name itself."""

    id: str
    title: str
    salts: tuple[str, ...]
    """Words behind a name that say in which salt it comes."""
    not_salts_after: tuple[str, ...]
    """Names behind which such a word is an ingredient of its own: calcium, magnesium and zinc."""
    routes: dict[str, tuple[str, ...]]
    """Route → words that tell it, the most telling route first."""
    local_routes: tuple[str, ...]
    """Routes by which most medicines act where they are put, and little elsewhere."""
    counted: tuple[str, ...]
    """Words behind a number that is no strength: 2 tablets, 14 days."""
    not_before: tuple[str, ...]
    """Words before a name that is not taken: no aspirin."""
    not_behind: tuple[str, ...]
    """Words behind a name that is not taken: aspirin-free."""
    fillers: tuple[str, ...]
    """Other words that are no ingredient."""


@entry
class PatientQuestion:
    """A question that people bring, answered with their own numbers."""

    id: str
    title: str
    about: tuple[str, ...] = ()
    """Drugs or classes that it is asked of; all where none is named."""
    kind: Literal["safety", "benefit", "versus"]
    versus: str = ""
    sources: tuple[Citation, ...]


@entry
class CovariateCase:
    """A feature of the record, and the value that it means where it holds."""

    when: str
    value: str


@entry
class Covariate:
    """A fact that the simulation takes, and how the record tells it: a feature as it is, or the first case that
    holds. Where a case cannot be told, neither can the fact."""

    id: str
    title: str
    feature: str = ""
    cases: tuple[CovariateCase, ...] = ()
    otherwise: str | None = None
    says: str = ""
    """How it is said of a patient, `{}` standing for its value; absent: it goes unsaid."""
    sources: tuple[Citation, ...]
    note: str = ""
