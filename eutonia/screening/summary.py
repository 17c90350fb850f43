"""The findings of all persons, counted: per rule, per year, and what could not be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from eutonia.knowledge import SEVERITIES
from eutonia.screening.quality import Oddity

if TYPE_CHECKING:
    import polars as pl

Count = int | None
"""A number of persons; None where it is below the smallest that may be told."""

WARNINGS = ("contraindicated", "avoid", "caution")
"""Severities that warn; the others advise what holds for everyone on the drug, such as how to take it."""

OTHERWISE = ("other", "open", "clear")
"""Persons with no such rule: only rules about other treatment apply; some cannot be told; nothing at all."""


class Unmapped(BaseModel):
    """A name that could not be mapped, and how many rows have it."""

    model_config = ConfigDict(frozen=True)

    table: str
    name: str
    rows: int


class RuleYear(BaseModel):
    """Persons to whom a rule applied in a year, with all persons exposed in it."""

    model_config = ConfigDict(frozen=True)

    rule: str
    year: int
    persons: Count
    exposed: Count
    per_1000: float | None


class TherapyForecast(BaseModel):
    """What was simulated for the episodes of a muscle relaxant; nothing for fewer persons than may be told."""

    model_config = ConfigDict(frozen=True)

    persons: Count
    probability_any_withdrawal: float | None
    """Mean over episodes, as is the next."""
    probability_seizure: float | None
    peak_impairment: float | None
    """Median over episodes, as are the next two."""
    morning_impairment: float | None
    min_ventilation: float | None


class Forecasts(BaseModel):
    """The simulated risks of all episodes, in short."""

    model_config = ConfigDict(frozen=True)

    simulated: Count
    """Persons with an episode that was simulated."""
    left_out: dict[str, Count]
    """Why → persons with an episode that was not."""
    therapies: dict[str, TherapyForecast]
    draws: int
    seed: int


class Screen(BaseModel):
    """The answer of `eutonia screen --json`: persons per rule, and how far the data could be read."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)

    schema_: Literal["eutonia/screen/1"] = Field("eutonia/screen/1", alias="schema")
    persons: Count
    exposed: Count
    """Persons with an index date: a muscle relaxant begun, or in use at as_of."""
    episodes: Count
    clear: Count
    """Exposed persons for whom no rule applies and none is open."""
    warned: Count
    """Exposed persons with a warning: a rule about their muscle relaxant applies that is of caution or graver."""
    gravest: dict[str, Count]
    """Every exposed person once, by the gravest rule about the muscle relaxant that applies, else `OTHERWISE`."""
    issues: dict[str, Count]
    """Rule → persons to whom it applies."""
    unknown: dict[str, Count]
    """Rule → persons for whom it cannot be told."""
    asks: dict[str, Count]
    """What would have to be known → persons for whom that would settle a rule."""
    therapies: dict[str, Count]
    """Muscle relaxant → persons."""
    years: list[RuleYear]
    quality: list[Oddity]
    unmapped: list[Unmapped]
    warnings: list[str]
    as_of: date
    engine: str
    knowledge_version: str
    min_cell: int
    seconds: float
    forecast: Forecasts | None = None
    """With `--forecast`."""
    notice: str = (
        "This supports a licensed professional's judgement and does not replace it; "
        "every statement names its source, so that its basis can be reviewed."
    )


class Tally:
    """Counts of persons, added up chunk by chunk: no person is in two chunks."""

    def __init__(self) -> None:
        self.exposed = self.episodes = self.clear = self.rows = 0
        self.issues: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.asks: Counter[str] = Counter()
        self.therapies: Counter[str] = Counter()
        self.years: Counter[tuple[str, int]] = Counter()
        self.exposed_years: Counter[int] = Counter()
        self.gravest: Counter[str] = Counter()

    @classmethod
    def of(cls, frames: Iterable[pl.DataFrame]) -> Tally:
        tally = cls()
        for frame in frames:
            tally.add(frame)
        return tally

    def add(self, frame: pl.DataFrame) -> None:
        import polars as pl

        self.rows += frame.height
        self.exposed += frame["person_id"].n_unique()
        self.episodes += frame.select("person_id", "therapy", "episode_start").n_unique()
        self.clear += frame["rule"].null_count()
        applying = frame.filter(pl.col("applies"))
        opened = frame.filter(pl.col("applies").is_null() & pl.col("rule").is_not_null())
        self.gravest.update(_gravest(frame))
        year = pl.col("index_date").dt.year()
        self.issues.update(_persons(applying, "rule"))
        self.unknown.update(_persons(opened, "rule"))
        self.asks.update(
            _persons(opened.select("person_id", pl.col("ask").alias("name")).explode("name"), "name")
        )
        self.therapies.update(_persons(frame, "therapy"))
        counted = applying.group_by("rule", year.alias("year")).agg(pl.col("person_id").n_unique())
        self.years.update({(rule, y): n for rule, y, n in counted.iter_rows()})
        exposed = frame.group_by(year.alias("year")).agg(pl.col("person_id").n_unique())
        self.exposed_years.update(dict(exposed.iter_rows()))

    def by_year(self, shown: Shown) -> list[RuleYear]:
        return [
            RuleYear(
                rule=rule,
                year=year,
                persons=shown(n),
                exposed=shown(self.exposed_years[year]),
                per_1000=None if shown(n) is None else round(1000 * n / self.exposed_years[year], 2),
            )
            for (rule, year), n in sorted(self.years.items())
        ]


def _gravest(frame: pl.DataFrame) -> dict[str, int]:
    """Persons by the gravest rule about the muscle relaxant that applies, or why there is none."""
    import polars as pl

    order = [*SEVERITIES, *OTHERWISE]
    applies = pl.col("applies").fill_null(False)
    kind = (
        pl.when(applies & ~pl.col("existing"))
        .then(pl.col("severity"))
        .when(applies)
        .then(pl.lit("other"))
        .when(pl.col("rule").is_not_null())
        .then(pl.lit("open"))
        .otherwise(pl.lit("clear"))
    )
    rank = kind.replace_strict({name: n for n, name in enumerate(order)}, return_dtype=pl.UInt8)
    ranks = frame.select("person_id", rank.alias("rank")).group_by("person_id").agg(pl.col("rank").min())
    return {order[n]: count for n, count in ranks.group_by("rank").len().iter_rows()}


def _persons(frame: pl.DataFrame, column: str) -> dict[str, int]:
    import polars as pl

    counted = frame.drop_nulls(column).group_by(column).agg(pl.col("person_id").n_unique())
    return dict(counted.iter_rows())


class Shown:
    """Shows a count, or None where so few persons could be recognised."""

    def __init__(self, smallest: int) -> None:
        self.smallest = smallest

    def __call__(self, count: int) -> Count:
        return None if 0 < count < self.smallest else count

    def all(self, counts: Counter[str], order: Iterable[str] | None = None) -> dict[str, Count]:
        names = (
            sorted(counts, key=lambda name: (-(self(counts[name]) or 0), name)) if order is None else order
        )
        return {name: self(counts[name]) for name in names}

    def parts(self, counts: Counter[str], names: Iterable[str]) -> dict[str, Count]:
        """Parts of a whole that is shown: beside a hidden one the next smallest is hidden, or both were told."""
        told = {name: self(counts[name]) for name in names}
        if list(told.values()).count(None) == 1:
            others = [name for name, n in told.items() if n]
            told |= dict.fromkeys(sorted(others, key=lambda name: counts[name])[:1])
        return told


def forecasts_of(found: pl.DataFrame, shown: Shown, seed: int, draws: int) -> Forecasts:
    """What `forecasts.forecast` made, counted and averaged per muscle relaxant."""
    import polars as pl

    simulated = found.filter(pl.col("left_out").is_null())
    persons = Counter(_persons(simulated, "therapy"))
    figures = {
        row.pop("therapy"): row
        for row in simulated.group_by("therapy")
        .agg(
            pl.col("probability_any_withdrawal", "probability_seizure").mean(),
            pl.col("peak_impairment", "morning_impairment", "min_ventilation").median(),
        )
        .to_dicts()
    }
    hidden = dict.fromkeys(next(iter(figures.values()), {}))
    return Forecasts(
        simulated=shown(simulated["person_id"].n_unique()),
        left_out=shown.all(Counter(_persons(found, "left_out"))),
        therapies={
            name: TherapyForecast(persons=n, **(hidden if n is None else figures[name]))
            for name, n in shown.all(persons).items()
        },
        draws=draws,
        seed=seed,
    )
