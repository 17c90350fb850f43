"""What the relaxant of each episode is expected to do, simulated for all persons of a regimen together.

An episode is taken as it stood on its last index date: the doses of its last course over that course's length, with
the medicines in use beside it that matter to the simulation. Episodes of the same regimen are one simulation; in it
each person stands for `draws` virtual patients who share what is known of the person, and in whom the rest is drawn.
Probabilities are the mean over these, everything else is the median. Withdrawal is that of stopping this drug alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from eutonia.errors import InputError
from eutonia.patient import PlanItem

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from eutonia.knowledge import Knowledge
    from eutonia.simulation.population import Patients

DRAWS = 10
"""Virtual patients that stand for each person."""

WHOLE_DAYS, LONGEST_DAYS = 14, 168
"""Longer courses are simulated in steps of four weeks, rounded up, and to half a year, when the body has adapted."""

AT_ONCE = 20_000
"""Persons in one simulation."""

MEANS = {"probability_any_withdrawal": "probability_any", "probability_seizure": "probability_seizure"}
MEDIANS = ("peak_impairment", "morning_impairment", "min_ventilation")
RESULTS = (*MEANS, *MEDIANS)
KEY = ("person_id", "therapy", "episode_start")


def episodes(query: str, knowledge: Knowledge) -> str:
    """The query for the last index date of each episode of a chunk: its regimen, and what is known of the person.

    `query` makes the chunk's feature table, and has been made ready.
    """
    features = dict.fromkeys(
        name
        for entry in knowledge.covariates.values()
        for name in ([entry.feature] if entry.feature else [case.when for case in entry.cases])
    )
    facts = ", ".join(f"f.{name}" for name in features)
    return f"""
        SELECT i.person_id, i.therapy, i.episode_first, i.day AS index_day, i.sex, {facts},
               c.last_day - c.first_day + 1 AS days, c.length_known, r.regimen
        FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY person_id, therapy, episode_first ORDER BY day DESC) AS back
              FROM idx) AS i
        JOIN ({query}) AS f ON f.person_id = i.person_id AND f.index_day = i.day AND f.therapy = i.therapy
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
        WHERE i.back = 1 ORDER BY i.person_id, i.therapy, i.episode_first
        """


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

    table = _known(frame, knowledge).with_row_index("row")
    days = pl.col("days")
    weeks = ((days + 27) // 28 * 28).clip(upper_bound=LONGEST_DAYS)
    table = table.with_columns(simulated_days=pl.when(days <= WHOLE_DAYS).then(days).otherwise(weeks))
    asked = table.select("regimen", "therapy", "simulated_days").unique(maintain_order=True)
    made = [_plans(regimen, drug, length, knowledge) for regimen, drug, length in asked.iter_rows()]
    # What is not simulated tells no regimens apart: groups are those of the orders that are.
    table = table.join(
        asked.with_columns(orders=pl.Series([repr(each) for each in made], dtype=pl.String)),
        on=asked.columns,
        maintain_order="left",
    )
    plans_of = {repr(each): each for each in made}
    parts = []
    done = 0
    for group in table.partition_by("orders", maintain_order=True):
        plans = plans_of[group["orders"][0]]
        for start in range(0, group.height, AT_ONCE):
            some = group[start : start + AT_ONCE]
            parts.append(_forecast(some, plans, start, knowledge, seed, draws))
            done += some.height
            progress(done, table.height)
    schema: Mapping[str, Any] = {
        "row": pl.UInt32,
        **dict.fromkeys(RESULTS, pl.Float64),
        "left_out": pl.String,
    }
    found = pl.concat(parts) if parts else pl.DataFrame(schema=schema)
    return (
        table.join(found, on="row", how="left", maintain_order="left")
        .select(
            "person_id",
            "therapy",
            episode_start=pl.col("episode_first").cast(pl.Date),
            index_date=pl.col("index_day").cast(pl.Date),
            days=days.cast(pl.Int32),
            length_known="length_known",
            **{name: pl.col(name) for name in RESULTS},
            left_out="left_out",
        )
        .sort(*KEY)
    )


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


Plans = tuple[list[PlanItem], list[PlanItem]]


def _plans(regimen: str, therapy: str, days: int, knowledge: Knowledge) -> Plans | str:
    """Orders for the plan and for what is taken beside it; or why nothing can be simulated."""
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
    return own, [item for item in others if item.text not in mine]


def _forecast(
    some: pl.DataFrame, plans: Plans | str, start: int, knowledge: Knowledge, seed: int, draws: int
) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    from eutonia.simulation.population import LIMITS

    inside = pl.all_horizontal(
        pl.col(f"fact_{name}").is_between(low, high).fill_null(True) for name, low, high in LIMITS
    )
    some = some.with_columns(
        left_out=pl.lit(plans)
        if isinstance(plans, str)
        else pl.when(inside).then(None).otherwise(pl.lit("age, weight or kidneys are outside the model"))
    )
    people = some.filter(pl.col("left_out").is_null())
    none: dict[str, Any] = dict.fromkeys(RESULTS)
    empty = some.select("row", *(pl.lit(None, pl.Float64).alias(n) for n in none), "left_out")
    if isinstance(plans, str) or not people.height:
        return empty
    own, others = plans
    patients = _patients(people, start, knowledge, seed, draws)
    try:
        together = _run([*own, *others], patients, knowledge)
        alone = _run(own, patients, knowledge) if others else together
    except InputError as error:
        return empty.with_columns(left_out=pl.lit(str(error)))
    shape = people.height, draws
    found = {name: alone[key].reshape(shape).mean(1) for name, key in MEANS.items()}
    found |= {name: np.median(together[name].reshape(shape), 1) for name in MEDIANS}
    made = people.select("row").with_columns(
        *(pl.Series(name, values, pl.Float64) for name, values in found.items()),
        left_out=pl.lit(None, pl.String),
    )
    return pl.concat([made, empty.join(people.select("row"), on="row", how="anti")])


def _run(
    items: list[PlanItem], patients: Patients, knowledge: Knowledge
) -> Mapping[str, np.ndarray[Any, Any]]:
    from eutonia.forecast import AFTER_DAYS
    from eutonia.simulation import default_end, outcome, read

    schedule = read(items, knowledge, None)
    until = max(default_end(schedule), schedule.last_dose + AFTER_DAYS * 24)
    return outcome(schedule, patients=patients, until=until, courses=False, knowledge=knowledge).per_patient


def _patients(people: pl.DataFrame, start: int, knowledge: Knowledge, seed: int, draws: int) -> Patients:
    """Each person `draws` times over, with what is known; the unknown as the simulation draws it."""
    import numpy as np
    import polars as pl

    from eutonia.simulation.population import PHENOTYPES, Individuals, Patients

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
