"""Trials as they were reported, and the words in which questions are put to them.

A trial is added in one file: its arms, what each arm showed, and the differences that the report prints. Values stay
on the scale of the trial; code brings them to 0–100. A result that is known to exist and was not found has no value,
and counts as missing.
"""

from dataclasses import field
from typing import Literal

from eutonia.knowledge.common import Citation, entry

TrialMark = Literal["seen", "derived", "recalled", "recalled-low"]
"""As `Mark`, with memory of low confidence told apart. From most to least sure."""

TRIAL_MARKS: tuple[TrialMark, ...] = ("seen", "derived", "recalled", "recalled-low")


@entry
class Population:
    """People who took part in trials. Questions are asked about those with `ask: true`."""

    id: str
    title: str
    synonyms: tuple[str, ...] = ()
    """Other names in a question. One that several share may be any of them: which is asked back."""
    ask: bool = False
    covers: tuple[str, ...] = ()
    """Conditions that many of these people have: such trials bear on questions about them, marked as mixed."""
    near: tuple[str, ...] = ()
    """Conditions that are alike: trials are shown beside an answer, never pooled with it."""
    acute: bool | None = None
    value_sets: tuple[str, ...] = ()
    """Conditions of a patient that make this population theirs; `acute` decides between two."""
    note: str = ""
    sources: tuple[Citation, ...]


@entry
class Intervention:
    """What an arm of a trial received, or a group of such things."""

    id: str
    title: str
    kind: Literal["drug", "hands-on", "movement", "mind", "device", "control", "other"]
    part_of: tuple[str, ...] = ()
    """Wider interventions that it counts as: a question about those finds it."""
    blinded: bool = False
    """Whether those who take part in a trial of it can be kept from knowing what they get."""
    default_comparators: tuple[str, ...] = ()
    """Asked in this order where a question names no comparator."""
    mixed: bool = False
    """A control that stands for several different treatments."""
    synonyms: tuple[str, ...] = ()
    note: str = ""
    sources: tuple[Citation, ...]


@entry
class Outcome:
    """What trials measured, under one name: which of their own outcomes count, best first."""

    id: str
    title: str
    synonyms: tuple[str, ...] = ()
    """Other names in a question."""
    measure: Literal["MD", "RR"]
    scale: str
    """How to read an estimate."""
    better: Literal["lower", "higher"]
    trial_outcomes: tuple[str, ...]
    instead: tuple[str, ...] = ()
    """Outcomes that may stand in, with `instead_says` told as an assumption, where no trial gives one of these."""
    instead_says: str = ""
    instead_important: float | None = None
    """`important` where a mean rating stands in for a share of people: points of 100."""
    instead_tau_prior: float | None = None
    """`tau_prior` there."""
    important: float
    """The smallest difference between groups worth having: points of 100, or the ratio."""
    important_says: str
    within_person: float | None = None
    """The smallest change that one person notices; not the same quantity."""
    tau_prior: float
    """Scale of the half-normal prior of tau for few trials: points of 100, or log ratio."""
    optimal_size: int
    """People in all trials together below which an estimate is imprecise."""
    harm: bool = False
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Arm:
    """One arm: what it received, on top of what background."""

    treatment: str
    form: str = ""
    dose: str = ""
    n: int | None = None
    """Randomised."""
    added_to: str = ""
    """An active treatment that every arm had: results speak of the sum, not of the treatment alone."""
    background: str = ""


@entry
class Result:
    """What one arm showed for one outcome on one day. Without a value, it is known to exist and was not found."""

    arm: str
    outcome: str
    day: int
    """From randomisation; 0 is baseline."""
    n: int | None = None
    mean: float | None = None
    sd: float | None = None
    se: float | None = None
    events: int | None = None
    kind: Literal["endpoint", "change", "improvement", "median", "count", ""] = ""
    """Of a mean. Change: negative is a fall of the score; improvement: positive is better."""
    scale: tuple[float, float] | None = None
    better: Literal["lower", "higher", ""] = ""
    mark: TrialMark
    note: str = ""


@entry
class Contrast:
    """A difference between two arms as the report prints it, treatment minus comparator (or over it)."""

    treatment: str
    comparator: str
    outcome: str
    day: int
    measure: Literal["MD", "RR", "OR", "HR"]
    effect: float
    ci: tuple[float, float] | None = None
    se: float | None = None
    """On the log scale for ratios."""
    n: tuple[int | None, int | None] = (None, None)
    scale: tuple[float, float] | None = None
    better: Literal["lower", "higher", ""] = ""
    adjusted: bool = False
    added_to: str = ""
    background: str = ""
    mark: TrialMark
    note: str = ""


@entry
class RiskOfBias:
    """A judgement over the whole trial, with what it rests on."""

    level: Literal["low", "some", "high", "unclear"]
    why: str = ""


@entry
class Trial:
    """One trial, or one report that pools several."""

    id: str
    title: str
    """The citation."""
    year: int | None = None
    identifier: str = ""
    """DOI, PMID or registry number."""
    identifier_mark: str = ""
    population: str
    setting: str = ""
    design: Literal["randomised", "enriched-withdrawal", "not-randomised", "pooled-report"]
    same_people_as: tuple[str, ...] = ()
    """Trials that this one repeats in part or whole: it is left out of a pool that holds one of them."""
    enrolled: int | None = None
    """In all arms together, where arm numbers are not known."""
    industry: bool = False
    risk_of_bias: RiskOfBias
    arms: dict[str, Arm]
    results: tuple[Result, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    note: str = ""


@entry
class Told:
    """A statement with its sources, of which trials may be some."""

    say: str
    sources: tuple[Citation, ...] = ()
    trials: tuple[str, ...] = ()


@entry
class Span:
    """A time as it is known, in hours or days."""

    hours: float | None = None
    days: float | None = None
    say: str
    sources: tuple[Citation, ...] = ()
    trials: tuple[str, ...] = ()


@entry
class Profile:
    """What trials of effect do not tell about a therapy, for comparing it with another."""

    id: str
    title: str
    type: str
    onset: Span
    """When the treatment itself begins to act."""
    relief: Span
    """When people had clinically meaningful relief in a trial."""
    long_term: Told
    dependence: Told
    dependent: bool
    """Whether physical or psychological dependence is a labelled risk."""
    schedule: Told
    sessions: Told
    after_stopping: Told
    harms_say: Told
    """What is known of harm beyond counted rates; or that it was not counted."""
    not_with: dict[str, str] = field(default_factory=dict)
    """Intervention or group → why the two should not be combined."""
    with_care: dict[str, str] = field(default_factory=dict)
    """Intervention or group → what to mind when they are."""
    long_term_use: bool
    """Whether use beyond three months is supported."""
    sources: tuple[Citation, ...]


@entry
class PublishedPool:
    """What a review printed on a question, to set beside what the trials here give."""

    id: str
    title: str
    therapy: str
    comparator: str
    condition: str
    outcome: str
    day: int | None = None
    """The time it speaks of, to pick the window that ours is compared in."""
    printed: str
    """As the review prints it."""
    estimate: float
    """On the scale of the outcome: points of 100, or a ratio."""
    ci: tuple[float, float]
    converted: str = ""
    """How `estimate` was made from what was printed."""
    trials: int | None = None
    people: int | None = None
    certainty: str = ""
    why: str
    """Why ours differs from it."""
    sources: tuple[Citation, ...]


@entry
class CoursePoint:
    """Mean pain of cohorts at one time."""

    weeks: float
    pain: float
    ci: tuple[float, float]


@entry
class NaturalCourse:
    """Pain over time without specific treatment, as pooled from inception cohorts."""

    id: str
    title: str
    conditions: tuple[str, ...]
    cohorts: int
    """How many cohorts stand behind the points; sets the spread between them."""
    people: int
    points: tuple[CoursePoint, ...]
    sources: tuple[Citation, ...]
    note: str = ""
