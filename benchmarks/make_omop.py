"""Make a synthetic OMOP CDM 5.4 of any size as Parquet: the same for the same seed, by SQL.

    python benchmarks/make_omop.py FOLDER --persons 1000000 [--seed 1]

Nothing in it is a model of real people. Each person has five treatments of four fills, six diagnoses and six
results; drugs, diagnoses and tests are drawn from eutonia's own knowledge, one treatment in sixteen is a muscle
relaxant, and one row in fifty is dirty in a way that real ones are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
import polars as pl

from eutonia.formulary import classes_of
from eutonia.knowledge import Knowledge, load

RELAXANTS_IN = 16
FILLS, TREATMENTS, DIAGNOSES, RESULTS = 4, 5, 6, 6
UNITS = {"mL/min/{1.73_m2}": (20, 120), "mg/dL": (0.5, 3.0), "U/L": (10, 150), "kg": (45, 130)}
TESTS = (
    ("33914-3", "mL/min/{1.73_m2}"),
    ("2160-0", "mg/dL"),
    ("1742-6", "U/L"),
    ("1920-8", "U/L"),
    ("29463-7", "kg"),
)


def concepts(knowledge: Knowledge) -> pl.DataFrame:
    """CONCEPT: every product and ingredient with an RxNorm code, every SNOMED code of a value set, tests and units."""
    rows: list[tuple[str, str, str, str, str]] = []
    relaxants = set()
    for drug in knowledge.drugs.values():
        certain, _ = classes_of(drug.id, None, knowledge)
        names = {drug.rxcui: drug.title} if drug.rxcui else {}
        products = {code: getattr(product, "name", product) for code, product in drug.clinical_drugs.items()}
        for code, name in {**names, **products}.items():
            rows.append(
                (str(name), "Drug", "RxNorm", "Ingredient" if code == drug.rxcui else "Clinical Drug", code)
            )
            if "muscle-relaxant" in certain:
                relaxants.add(code)
    for value_set in knowledge.value_sets.values():
        rows += [
            (name, "Condition", "SNOMED", "Clinical Finding", code) for code, name in value_set.snomed.items()
        ]
    rows += [(code, "Measurement", "LOINC", "Lab Test", code) for code, _ in TESTS]
    rows += [(unit, "Unit", "UCUM", "Unit", unit) for unit in UNITS]
    frame = pl.DataFrame(
        rows,
        schema=["concept_name", "domain_id", "vocabulary_id", "concept_class_id", "concept_code"],
        orient="row",
    ).unique(["vocabulary_id", "concept_code"], maintain_order=True)
    return frame.with_columns(
        concept_id=pl.int_range(40_000_000, 40_000_000 + frame.height),
        standard_concept=pl.lit("S"),
        relaxant=(pl.col("vocabulary_id") == "RxNorm") & pl.col("concept_code").is_in(list(relaxants)),
    )


def make(folder: Path, persons: int, seed: int = 1) -> None:
    """Write the tables of `persons` people into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    known = concepts(load())
    known.drop("relaxant").write_parquet(folder / "concept.parquet")
    db = duckdb.connect()
    db.execute("CREATE TABLE known AS SELECT * FROM read_parquet(?)", [str(folder / "concept.parquet")])
    pools = {
        "relaxant": known.filter("relaxant")["concept_id"],
        "drug": known.filter((pl.col("domain_id") == "Drug") & ~pl.col("relaxant"))["concept_id"],
        "finding": known.filter(pl.col("domain_id") == "Condition")["concept_id"],
    }
    lists = {name: f"[{', '.join(map(str, ids))}]" for name, ids in pools.items()}
    ids = {row["concept_code"]: row["concept_id"] for row in known.iter_rows(named=True)}
    for table, query in _queries(persons, seed, lists, ids).items():
        db.execute(f"COPY ({query}) TO '{folder / table}.parquet' (COMPRESSION zstd)")


def _queries(persons: int, seed: int, lists: dict[str, str], ids: dict[str, int]) -> dict[str, str]:
    def draw(of: str, salt: str, below: int) -> str:
        return f"CAST(hash({of}, '{salt}', {seed}) % {below} AS INTEGER)"

    def pick(name: str, of: str, salt: str) -> str:
        return f"list_extract({lists[name]}, 1 + CAST(hash({of}, '{salt}', {seed}) % len({lists[name]}) AS INTEGER))"

    treatment = f"(i // {FILLS})"
    relaxant = f"{draw(treatment, 'relaxant', RELAXANTS_IN)} = 0"
    supply = f"list_extract([7, 10, 14, 30], 1 + {draw(treatment, 'supply', 4)})"
    begin = f"DATE '2015-01-01' + {draw(treatment, 'begin', 3000)}"
    start = f"{begin} + CAST((i % {FILLS}) * ({supply} + {draw('i', 'late', 12)}) AS INTEGER)"
    dirty = draw("i", "dirty", 200)
    exposures = f"""
        SELECT i AS drug_exposure_id, 1 + i // {FILLS * TREATMENTS} AS person_id,
               CASE WHEN {dirty} = 0 THEN 0 WHEN {relaxant} THEN {pick("relaxant", treatment, "drug")}
                    ELSE {pick("drug", treatment, "drug")} END AS drug_concept_id,
               {start} AS drug_exposure_start_date,
               {start} + CASE WHEN {dirty} = 1 THEN 0 ELSE {supply} - 1 END AS drug_exposure_end_date,
               32869 AS drug_type_concept_id, CASE WHEN {dirty} = 2 THEN 'stopped' END AS stop_reason,
               CAST({supply} * (1 + {draw(treatment, "often", 4)}) AS DOUBLE) AS quantity,
               CASE WHEN {dirty} IN (1, 3) THEN NULL WHEN {dirty} = 4 THEN 900 ELSE {supply} END AS days_supply,
               CAST(1 + {draw("i", "provider", 500)} AS BIGINT) AS provider_id,
               CASE WHEN {dirty} = 0 THEN 'a name that nobody knows' END AS drug_source_value
        FROM range({persons * FILLS * TREATMENTS}) AS r(i)"""
    return {
        "person": f"""
            SELECT i + 1 AS person_id, CASE WHEN {draw("i", "sex", 2)} = 0 THEN 8507 ELSE 8532 END AS gender_concept_id,
                   1930 + {draw("i", "year", 80)} AS year_of_birth, 1 + {draw("i", "month", 12)} AS month_of_birth,
                   1 + {draw("i", "day", 28)} AS day_of_birth FROM range({persons}) AS r(i)""",
        "observation_period": f"""
            SELECT i + 1 AS observation_period_id, i + 1 AS person_id,
                   DATE '2014-01-01' + {draw("i", "from", 500)} AS observation_period_start_date,
                   DATE '2023-12-31' - {draw("i", "to", 200)} AS observation_period_end_date,
                   44814724 AS period_type_concept_id FROM range({persons}) AS r(i)""",
        "drug_exposure": exposures,
        "condition_occurrence": f"""
            SELECT i AS condition_occurrence_id, 1 + i // {DIAGNOSES} AS person_id,
                   {pick("finding", "i", "finding")} AS condition_concept_id,
                   DATE '2012-01-01' + {draw("i", "onset", 4200)} AS condition_start_date,
                   CASE WHEN {draw("i", "ends", 2)} = 0 THEN DATE '2012-01-01' + {draw("i", "onset", 4200)}
                        + {draw("i", "length", 400)} END AS condition_end_date
            FROM range({persons * DIAGNOSES}) AS r(i)""",
        "measurement": _measurements(persons, draw, ids),
    }


def _measurements(persons: int, draw: object, ids: dict[str, int]) -> str:
    parts = []
    for n, (code, unit) in enumerate(TESTS):
        low, high = UNITS[unit]
        value = f"ROUND({low} + ({high} - {low}) * {draw('i', 'value', 1000)} / 1000.0, 2)"  # type: ignore[operator]
        when = f"DATE '2014-06-01' + {draw('i', 'test', 3400)}"  # type: ignore[operator]
        parts.append(
            f"SELECT i AS measurement_id, 1 + i // {RESULTS} AS person_id, {ids[code]} AS measurement_concept_id, "
            f"{when} AS measurement_date, {value} AS value_as_number, {ids[unit]} AS unit_concept_id "
            f"FROM range({persons * RESULTS}) AS r(i) WHERE {draw('i', 'which', len(TESTS))} = {n}"  # type: ignore[operator]
        )
    return " UNION ALL ".join(parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--persons", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    make(given.folder, given.persons, given.seed)
