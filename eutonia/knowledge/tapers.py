"""How to get off a drug: schedules in print, and how one is made to measure, watched and changed on the way."""

from dataclasses import field
from typing import Literal

from eutonia.knowledge.common import Citation, entry


@entry
class Step:
    """Some days alike."""

    days: int
    times: int
    """Doses a day; the bedtime dose stays longest."""
    mg: float
    """Of each dose."""


@entry
class Schedule:
    """A way to stop, from print or to compare with. One of `steps`, `cut_one_every_days`, `linear_days`,
    `linear_same_length` and `cut_mg`, or none of them: then the drug is stopped at once."""

    id: str
    title: str
    drugs: tuple[str, ...]
    order: int
    """Of those that suit, the one with the lowest order is named first."""
    steps: tuple[Step, ...] = ()
    cut_one_every_days: int | None = None
    """From what is taken now, one dose of the day less each so many days."""
    linear_days: int | None = None
    """The daily total falls along a straight line, to the nearest whole and half tablets."""
    linear_same_length: bool = False
    """As `linear_days`, over as many days as the schedule made to measure takes."""
    cut_mg: float | None = None
    """From what is taken now, so many mg a day less each `cut_every_days`."""
    cut_every_days: int | None = None
    above_label_share: float | None = None
    """Doses above the label's come down to them first, by this share of the daily total each `above_label_days`."""
    above_label_days: int | None = None
    when: tuple[str, ...] = ()
    """Conditions over features, all of which hold where the schedule is meant for a patient; none: never proposed."""
    unless: tuple[str, ...] = ()
    says: str
    """When it is used, in words."""
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Weights:
    """What one unit of each part of a schedule adds to its loss."""

    peak: float
    """kT of the highest withdrawal, mean of the median and the policy's percentile of draws."""
    area: float
    """kT d of withdrawal over time, at the policy's percentile of draws."""
    impaired: float
    """Hours impaired, mean of draws."""
    day: float
    change: float
    """Each change of the daily doses."""
    tablet: float
    half: float
    """Each half tablet, beside the tablet that it is part of."""


@entry
class Limits:
    """The label's limits."""

    single_mg: float
    daily_mg: float
    times: int
    sources: tuple[Citation, ...]


@entry
class Search:
    """How a schedule is looked for."""

    hold_days: dict[int, int]
    """Longest schedule allowed, in days → days that a daily total stays the same at least."""
    largest_cut_mg: float
    """By how much a daily total may fall at once, but for coming down to the label's limits."""
    most_days: int
    percentile: float
    tail_days: int
    """Days after the last dose over which withdrawal is counted."""
    go_on_days: int
    """Days for which going on as now is set beside."""
    sources: tuple[Citation, ...]


@entry
class Band:
    """Scores of the withdrawal scale up to `up_to`, and what they mean for the schedule."""

    name: str
    up_to: float | None = None
    action: Literal["continue", "hold", "refer"]
    says: str


@entry
class Scale:
    """The scale that withdrawal is measured on."""

    name: str
    items: int
    most: float
    """The highest score there is."""
    bands: tuple[Band, ...]
    hold_days: int
    """Days for which a held step is held, then scored again."""
    slower: float
    """Once a step has been held that long and the score is no better: the factor on how long later steps are held."""
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Monitoring:
    """What to watch, and when."""

    after_cut_days: int
    first_cuts: int
    then_every_days: int
    ask: tuple[str, ...]
    emergency: tuple[str, ...]
    legal: tuple[str, ...] = ()
    sources: tuple[Citation, ...]


@entry
class TaperPolicy:
    """How eutonia takes someone off one drug. Without `limits`, no schedule is made to measure: the published pace is
    given. Without `needed` there is none at all, and `none` says why."""

    id: str
    """The drug's, or a class's."""
    title: str
    needed: tuple[str, ...] = ()
    """A condition over features that holds where a taper is needed rather than a plain stop."""
    needed_says: str = ""
    not_needed_says: str = ""
    refer: tuple[str, ...] = ()
    """Rules that send the patient to a specialist instead."""
    refer_when: dict[str, str] = field(default_factory=dict)
    """Condition → why, for what no rule covers."""
    refer_do: str = ""
    """Where to refer to."""
    first: tuple[str, ...] = ()
    """Rules that are settled before the first day; their `do` is what to do."""
    in_words: dict[str, bool] = field(default_factory=dict)
    """Features that a plan in words settles, since it says what is taken now."""
    use_days: str = ""
    """The feature that tells how long it has been taken."""
    daily_mg: str = ""
    """The feature that tells how much of it."""
    assumed_use_days: float = 0.0
    """Where it is not known how long."""
    limits: Limits | None = None
    weights: Weights | None = None
    search: Search | None = None
    scale: Scale | None = None
    monitoring: Monitoring | None = None
    never: tuple[str, ...] = ()
    """What is never done in such a taper, shown to the clinician."""
    plain: tuple[str, ...] = ()
    """What the patient's sheet says first."""
    none: str = ""
    sources: tuple[Citation, ...]
    note: str = ""
