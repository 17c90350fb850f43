"""What the relaxant of each episode is expected to do, simulated for all persons on the same drugs together.

An episode is taken as it stood on its last index date: the doses of its last course over that course's length, with
the medicines in use beside it that matter to the simulation. Each person stands for `draws` virtual patients who
share what is known of the person, and in whom the rest is drawn. Probabilities are the mean over these, everything
else is the median. Withdrawal is that of stopping this drug alone: who takes others beside it is simulated twice.

A simulation costs its steps in time far more than its patients. So one pass holds all persons who take the same
substances, each at their own doses for their own time, and those of about the same length where they are many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from eutonia.errors import InputError
from eutonia.patient import PlanItem

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from eutonia.knowledge import Knowledge
    from eutonia.screening.engine import Chunk, Engine
    from eutonia.screening.features_table import FeatureTable
    from eutonia.simulation.population import Patients
    from eutonia.simulation.schedule import Schedule

DRAWS = 10
"""Virtual patients that stand for each person."""

WHOLE_DAYS, LONGEST_DAYS = 14, 168
"""Longer courses are simulated in steps of four weeks, rounded up, and to half a year, when the body has adapted."""

AT_ONCE = 200
"""Persons in one pass, which bounds its memory."""

MEANS = {"probability_any_withdrawal": "probability_any", "probability_seizure": "probability_seizure"}
MEDIANS = ("peak_impairment", "morning_impairment", "min_ventilation")
RESULTS = (*MEANS, *MEDIANS)
KEY = ("person_id", "therapy", "episode_start")


EPISODE = ("person_id", "therapy", "episode_first")


def episodes(engine: Engine, chunk: Chunk, table: FeatureTable, knowledge: Knowledge) -> pl.DataFrame:
    """The last index date of each episode of a chunk: its regimen, and what is known of the person."""
    features = dict.fromkeys(
        name
        for entry in knowledge.covariates.values()
        for name in ([entry.feature] if entry.feature else [case.when for case in entry.cases])
    )
    key = (*EPISODE, "index_day")
    known = table.rows(engine, chunk).select(*key, *features)
    return known.join(engine.get(REGIMENS), on=key, how="inner")


REGIMENS = """
        SELECT i.person_id, i.therapy, i.episode_first, i.day AS index_day, i.sex,
               c.last_day - c.first_day + 1 AS days, c.length_known, r.regimen
        FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY person_id, therapy, episode_first ORDER BY day DESC) AS back
              FROM idx) AS i
        JOIN course AS c ON c.person_id = i.person_id AND c.therapy = i.therapy
            AND i.day BETWEEN c.first_day AND c.last_day
        JOIN (
            SELECT index_id, STRING_AGG(written, ';' ORDER BY written) AS regimen FROM (
                SELECT t.index_id, CONCAT(t.pool, ':', p.name, ':', COALESCE(CAST(ROUND(MAX(t.mg), 3) AS VARCHAR), ''),
                       ':', COALESCE(CAST(ROUND(MAX(t.daily) / MAX(t.mg), 3) AS VARCHAR), '')) AS written
                FROM taken AS t JOIN part AS p ON p.part = t.part
                WHERE p.route <> 'topical' GROUP BY t.index_id, t.pool, p.name
            ) AS w GROUP BY index_id
        ) AS r ON r.index_id = i.index_id
        WHERE i.back = 1
        """
"""Of the last index date of each episode."""


def forecast(
    frame: pl.DataFrame,
    knowledge: Knowledge,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> pl.DataFrame:
    """One row per episode: the five quantities, or why there are none. The same for the same seed and database."""
    import polars as pl

    days = pl.col("days")
    weeks = ((days + 27) // 28 * 28).clip(upper_bound=LONGEST_DAYS)
    simulated = pl.when(days <= WHOLE_DAYS).then(days).otherwise(weeks)
    table = _known(frame, knowledge).with_columns(simulated_days=simulated).with_row_index("row")
    table, runs, ways = _planned(_limited(table), knowledge)
    made = []
    for group in runs.partition_by("group", maintain_order=True):
        for start in range(0, group.height, AT_ONCE):
            some = group[start : start + AT_ONCE].join(table, on="row", maintain_order="left")
            made.append(_simulated(some, ways, start, knowledge, seed, draws))
            progress(sum(part.height for part in made), runs.height)
    schema: Mapping[str, Any] = {"row": pl.UInt32, "way": pl.UInt32, **dict.fromkeys(RESULTS, pl.Float64)}
    every = pl.concat(made) if made else pl.DataFrame(schema=schema)
    for names, taken in ((MEDIANS, [w.together for w in ways]), (MEANS, [w.alone for w in ways])):
        wanted = every.filter(pl.Series(taken, dtype=pl.Boolean).gather(every["way"])).select("row", *names)
        table = table.join(wanted, on="row", how="left", maintain_order="left")
    return table.select(
        "person_id",
        "therapy",
        episode_start=pl.col("episode_first").cast(pl.Date),
        index_date=pl.col("index_day").cast(pl.Date),
        days=days.cast(pl.Int32),
        length_known="length_known",
        **{name: pl.col(name) for name in RESULTS},
        left_out="left_out",
    ).sort(*KEY)


def _known(frame: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
    """Adds what the simulation takes of each person (knowledge/covariates, as `forecast.facts_of` reads them)."""
    import polars as pl

    facts = []
    for name, entry in knowledge.covariates.items():
        if entry.feature:
            facts.append(pl.col(entry.feature).alias(f"fact_{name}"))
            continue
        value = pl.lit(entry.otherwise)
        for case in reversed(entry.cases):
            holds = pl.col(case.when)
            value = pl.when(holds.is_null()).then(None).when(holds).then(pl.lit(case.value)).otherwise(value)
        facts.append(value.alias(f"fact_{name}"))
    return frame.with_columns(*facts, fact_sex=pl.col("sex"))


def _limited(table: pl.DataFrame) -> pl.DataFrame:
    """Adds `left_out`: persons whom the model does not cover."""
    import polars as pl

    from eutonia.simulation.population import LIMITS

    inside = pl.all_horizontal(
        pl.col(f"fact_{name}").is_between(low, high).fill_null(True) for name, low, high in LIMITS
    )
    outside = pl.lit("age, weight or kidneys are outside the model")
    return table.with_columns(left_out=pl.when(inside).then(None).otherwise(outside))


class Way(NamedTuple):
    """A schedule that episodes follow, and what is told from it: what comes of all together, or of the drug alone."""

    schedule: Schedule
    together: bool
    alone: bool

    @property
    def group(self) -> tuple[Any, ...]:
        """What schedules must have in common to be simulated in one pass."""
        regimens = self.schedule.regimens
        substances = tuple(sorted({(r.substance, r.fed) for r in regimens}))
        return substances, repr(self.schedule.modulators), self.schedule.clock


def _planned(table: pl.DataFrame, knowledge: Knowledge) -> tuple[pl.DataFrame, pl.DataFrame, list[Way]]:
    """The table with all reasons to leave out, what is simulated (row, way, group), and the ways.

    Runs of a group are in the order of their length: a few long ones among short ones would make all of them long.
    """
    import polars as pl

    key = ["regimen", "therapy", "simulated_days"]
    asked = table.select(key).unique(maintain_order=True)
    ways: list[Way] = []
    groups: dict[tuple[Any, ...], int] = {}
    rows, why = [], []
    for plan, (regimen, therapy, days) in enumerate(asked.iter_rows()):
        read = _ways(regimen, therapy, days, knowledge)
        why.append(read if isinstance(read, str) else None)
        for way in () if isinstance(read, str) else read:
            rows.append((plan, len(ways), groups.setdefault(way.group, len(groups)), way.schedule.last_dose))
            ways.append(way)
    asked = asked.with_row_index("plan").with_columns(why=pl.Series(why, dtype=pl.String))
    table = table.join(asked, on=key, maintain_order="left").with_columns(
        left_out=pl.coalesce("why", "left_out")
    )
    schema = {"plan": pl.UInt32, "way": pl.UInt32, "group": pl.UInt32, "length": pl.Float64}
    runs = table.filter(pl.col("left_out").is_null()).select("row", "plan")
    runs = runs.join(pl.DataFrame(rows, schema=schema, orient="row"), on="plan")
    return table, runs.sort("group", "length", "row", "way").select("row", "way", "group"), ways


def _ways(regimen: str, therapy: str, days: int, knowledge: Knowledge) -> list[Way] | str:
    """The schedule of all that is taken, and that of the plan alone; or why nothing can be simulated."""
    from eutonia.simulation import read

    own, others = [], []
    for written in regimen.split(";"):
        pool, name, mg, times = written.split(":")
        planned = pool == "p"
        item = PlanItem(
            action="start" if planned else "continue",
            text=name,
            dose=float(mg) if mg else None,
            unit="mg" if mg else None,
            times_per_day=float(times) if times else None,
            duration_days=days,
        )
        if planned and name in knowledge.substances:
            own.append(item)
        elif name in knowledge.modulators or (not planned and name in knowledge.substances and times):
            others.append(item)
    mine = {item.text for item in own}
    if therapy not in mine:
        return "the drug is not simulated"
    if any(item.times_per_day is None for item in own):
        return "its dose is not known"
    beside = [item for item in others if item.text not in mine]
    try:
        alone = read(own, knowledge, None)
        together = read([*own, *beside], knowledge, None) if beside else alone
    except InputError as error:
        return str(error)
    if not beside:
        return [Way(alone, together=True, alone=True)]
    return [Way(together, together=True, alone=False), Way(alone, together=False, alone=True)]


def _simulated(
    some: pl.DataFrame, ways: Sequence[Way], start: int, knowledge: Knowledge, seed: int, draws: int
) -> pl.DataFrame:
    """One pass: every row of `some` on its own way."""
    import numpy as np
    import polars as pl

    from eutonia.forecast import AFTER_DAYS
    from eutonia.simulation import default_end
    from eutonia.simulation.together import own_schedules

    used = some["way"].unique().sort()
    schedules = [ways[number].schedule for number in used]
    of = np.repeat(used.search_sorted(some["way"]).to_numpy().astype(np.int64), draws)
    until = max(max(default_end(s), s.last_dose + AFTER_DAYS * 24) for s in schedules)
    patients = _patients(some, start, knowledge, seed, draws)
    made = own_schedules(schedules, of, patients, knowledge, until=until)
    shape = some.height, draws
    found = {name: made[key].reshape(shape).mean(1) for name, key in MEANS.items()}
    found |= {name: np.median(made[name].reshape(shape), 1) for name in MEDIANS}
    return some.select("row", "way").with_columns(
        *(pl.Series(name, values, pl.Float64) for name, values in found.items())
    )


def _patients(people: pl.DataFrame, start: int, knowledge: Knowledge, seed: int, draws: int) -> Patients:
    """Each person `draws` times over, with what is known; the unknown as the simulation draws it."""
    import numpy as np
    import polars as pl

    from eutonia.simulation.individuals import Individuals
    from eutonia.simulation.population import PHENOTYPES, Patients

    number, first = people.height * draws, start * draws
    facts_known = people.select(pl.col("^fact_.*$"))
    given, missing = (
        {
            name.removeprefix("fact_"): np.repeat(column.to_numpy(), draws)
            for name, column in zip(facts_known.columns, columns, strict=True)
        }
        for columns in (facts_known, facts_known.select(pl.all().is_null()))
    )

    def drawn(name: str, facts: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        return Individuals(Patients(number, facts, seed, first), knowledge).facts[name]

    def filled(name: str, otherwise: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.where(missing[name], otherwise, given[name])

    facts: dict[str, Any] = {"age": filled("age", drawn("age", {})).astype(float)}
    facts["sex"] = filled("sex", np.where(drawn("women", {}), "female", "male"))
    facts["weight"] = filled("weight", drawn("weight", {})).astype(float)
    facts["egfr"] = filled("egfr", drawn("egfr", {"age": facts["age"]})).astype(float)
    facts["cyp2c19"] = filled("cyp2c19", np.array(PHENOTYPES)[drawn("cyp2c19", {})])
    facts["liver"] = filled("liver", np.full(number, "normal"))
    facts["pregnant"] = filled("pregnant", np.zeros(number, bool)).astype(bool) & (facts["sex"] == "female")
    return Patients(number, facts, seed, first, uncertain=True)
