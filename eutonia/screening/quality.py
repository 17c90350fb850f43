"""What is wrong with a database, counted: every row that was left out, doubted or read another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from eutonia.screening.cdm import view
from eutonia.screening.staging import LONGEST_SUPPLY

if TYPE_CHECKING:
    from eutonia.screening.engine import Engine


class Oddity(BaseModel):
    """A kind of dirty row: how many there are, of how many, and what was done with them."""

    model_config = ConfigDict(frozen=True)

    table: str
    what: str
    rows: int
    of: int
    done: str


def look_over(engine: Engine) -> list[Oddity]:
    """Count the dirty rows of the whole database, and how exposures of exposed persons were measured."""
    found = [*_exposures(engine), *_persons(engine), *_conditions(engine), *_staged(engine)]
    return [oddity for oddity in found if oddity.rows]


def _counted(engine: Engine, table: str, source: str, checks: dict[str, tuple[str, str]]) -> list[Oddity]:
    sums = ", ".join(
        f"COALESCE(SUM(CASE WHEN {sql} THEN 1 ELSE 0 END), 0) AS c{n}"
        for n, (sql, _) in enumerate(checks.values())
    )
    row = engine.get(f"SELECT COUNT(*) AS n, {sums} FROM {source}").row(0)
    return [
        Oddity(table=table, what=what, rows=int(count), of=int(row[0]), done=done)
        for (what, (_, done)), count in zip(checks.items(), row[1:], strict=True)
    ]


def _exposures(engine: Engine) -> list[Oddity]:
    start, end = "x.drug_exposure_start_date", "x.drug_exposure_end_date"
    columns = (
        "person_id", "drug_concept_id", "drug_exposure_start_date", "drug_exposure_end_date", "days_supply",
    )  # fmt: skip
    born, died = view("person", engine, columns=("person_id", "year_of_birth")), view("death", engine)
    source = (
        f"{view('drug_exposure', engine, columns=columns)} AS x "
        f"LEFT JOIN (SELECT person_id, MIN(year_of_birth) AS born FROM {born} AS q GROUP BY person_id) AS p "
        f"ON p.person_id = x.person_id "
        f"LEFT JOIN (SELECT person_id, MIN(death_date) AS died FROM {died} AS r GROUP BY person_id) AS d "
        "ON d.person_id = x.person_id"
    )
    next_best = "the next best statement of length is taken"
    return _counted(
        engine,
        "DRUG_EXPOSURE",
        source,
        {
            "no start date": (f"{start} IS NULL", "left out"),
            "a person that PERSON does not have": ("p.person_id IS NULL", "left out"),
            "starts before the year of birth": (f"{start} < MAKE_DATE(p.born, 1, 1)", "left out"),
            "starts after death": (f"{start} > d.died", "left out"),
            "ends before it starts": (f"{end} < {start}", next_best),
            "ends on the day it starts": (f"{end} = {start}", next_best),
            "days_supply below 1": ("x.days_supply < 1", next_best),
            f"days_supply above {LONGEST_SUPPLY}": (f"x.days_supply > {LONGEST_SUPPLY}", next_best),
            "drug_concept_id is 0 or missing": (
                "COALESCE(x.drug_concept_id, 0) = 0",
                "read from its source code or name",
            ),
        },
    )


def _persons(engine: Engine) -> list[Oddity]:
    source = f"{view('person', engine)} AS x"
    return _counted(
        engine,
        "PERSON",
        source,
        {
            "no year of birth": ("x.year_of_birth IS NULL", "age is not known"),
            "sex neither male nor female, or not known": (
                "COALESCE(x.gender_concept_id, 0) NOT IN (8507, 8532)",
                "read from its source word, else not known",
            ),
        },
    )


def _conditions(engine: Engine) -> list[Oddity]:
    if "condition_occurrence" not in engine.columns:
        return []
    start, end = "x.condition_start_date", "x.condition_end_date"
    return _counted(
        engine,
        "CONDITION_OCCURRENCE",
        f"{view('condition_occurrence', engine)} AS x",
        {
            "no start date": (f"{start} IS NULL", "left out"),
            "ends before it starts": (f"{end} < {start}", "taken as going on"),
            "ends on the day it starts": (f"{end} = {start}", "a day of coding, taken as going on"),
            "condition_concept_id is 0 or missing": (
                "COALESCE(x.condition_concept_id, 0) = 0",
                "read from its source code or name",
            ),
        },
    )


def _staged(engine: Engine) -> list[Oddity]:
    """Among exposed persons."""
    lengths = engine.get("SELECT measured_by, COUNT(*) AS n FROM exposure GROUP BY 1 ORDER BY 1").rows()
    total = sum(n for _, n in lengths)
    exposures, results = "DRUG_EXPOSURE of exposed persons", "MEASUREMENT of exposed persons"
    found = [
        Oddity(table=exposures, what=f"length by {how.replace('-', ' ')}", rows=n, of=total, done="used")
        for how, n in lengths
    ]
    outside = engine.get(
        "SELECT COUNT(*) AS n FROM exposure AS x LEFT JOIN observed AS o ON o.person_id = x.person_id "
        "AND x.start_day BETWEEN o.first_day AND o.last_day WHERE o.person_id IS NULL"
    )["n"][0]
    done = "counted as taken; lists of that day are not complete"
    found.append(
        Oddity(table=exposures, what="outside every observation period", rows=outside, of=total, done=done)
    )
    read, bad = engine.get(
        "SELECT COUNT(*) AS n, COALESCE(SUM(CASE WHEN sound THEN 0 ELSE 1 END), 0) AS bad FROM slot_fact"
    ).row(0)
    done = "set aside; the answer that needs it is unknown"
    found.append(
        Oddity(table=results, what="value or unit cannot be right", rows=int(bad), of=read, done=done)
    )
    return found
