"""Copies of OMOP sets with muscle relaxants put into them: the public sets hold none.

Used by the tests; run by hand it makes a copy to try things on:
    python tests/omop_making.py SOURCE_FOLDER TARGET_FOLDER [SEED]
"""

from __future__ import annotations

import random
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

SOURCES = Path(__file__).parents[1].parent / "shared" / "data" / "omop"

DRUGS = {
    9000001: ("carisoprodol 350 MG Oral Tablet", "197446"),
    9000002: ("carisoprodol 250 MG Oral Tablet", "730794"),
    9000003: ("aspirin 325 MG / carisoprodol 200 MG Oral Tablet", "197447"),
    9000004: ("baclofen 10 MG Oral Tablet", "197391"),
    9000005: ("tizanidine 4 MG Oral Tablet", "313413"),
    9000006: ("cyclobenzaprine hydrochloride 10 MG Oral Tablet", "828348"),
    9000007: ("methocarbamol 750 MG Oral Tablet", "197944"),
    9000008: ("oxycodone hydrochloride 5 MG Oral Tablet", "1049621"),
    9000009: ("diazepam 5 MG Oral Tablet", "197591"),
    9000010: ("ibuprofen 400 MG Oral Tablet", "197805"),
    9000011: ("fluvoxamine maleate 100 MG Oral Tablet", "903884"),
    9000012: ("omeprazole 20 MG Delayed Release Oral Capsule", "198051"),
    9000013: ("aspirin 81 MG Oral Tablet", "243670"),
    9000014: ("a medicine that nobody knows", "99999999"),
    9000015: ("prednisone 20 MG Oral Tablet", "312615"),
    9000016: ("carisoprodol", "2101"),
}
CARISOPRODOL, BACLOFEN, METHOCARBAMOL, OXYCODONE, DIAZEPAM, UNKNOWN = (
    9000001, 9000004, 9000007, 9000008, 9000009, 9000014,
)  # fmt: skip
"""Concept → name and RxNorm code. The ids are free here: screening goes by the vocabulary, never by an id."""

RELAXANTS = (9000001, 9000002, 9000003, 9000004, 9000005, 9000006, 9000007, 9000016)


def screened(*arguments: object) -> Any:
    """What `eutonia screen` answers."""
    from click.testing import CliRunner

    from eutonia.cli import main

    return CliRunner().invoke(main, ["screen", *map(str, arguments)])


def tables(source: Path) -> dict[str, pl.DataFrame]:
    """Every table of a set, all columns as text, names in lower case."""
    found = {}
    for path in sorted(source.iterdir()):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.lower().endswith(".csv") and "/" not in name:
                        found[name[:-4].lower()] = _read(archive.read(name))
        elif ".csv" in path.name:
            found[path.name.split(".")[0].lower()] = _read(path)
    return found


def _read(content: Path | bytes) -> pl.DataFrame:
    import gzip

    data = content.read_bytes() if isinstance(content, Path) else content
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    separator = "\t" if b"\t" in data.split(b"\n", 1)[0] else ","
    frame = pl.read_csv(data, separator=separator, infer_schema=False, truncate_ragged_lines=True)
    return frame.rename({name: name.strip().lower() for name in frame.columns})


def with_relaxants(set_: dict[str, pl.DataFrame], seed: int, share: float = 0.5) -> dict[str, pl.DataFrame]:
    """A copy in which some persons take muscle relaxants and what does not go with them, cleanly and not."""
    draw = random.Random(seed)
    persons = sorted(set_["person"]["person_id"].drop_nulls(), key=int)
    chosen = draw.sample(persons, max(1, int(len(persons) * share)))
    exposures = set_["drug_exposure"]
    starts = dict(exposures.group_by("person_id").agg(pl.col("drug_exposure_start_date").max()).iter_rows())
    rows = []
    for person in chosen:
        last = date.fromisoformat((starts.get(person) or "2015-06-01")[:10])
        begin = last - timedelta(days=draw.randint(0, 400))
        rows += _history(draw, person, begin)
    number = 9_000_000
    for row in rows:
        number += 1
        row["drug_exposure_id"] = str(number)
    extra = pl.DataFrame(rows, infer_schema_length=None).cast(pl.String)
    concepts = pl.DataFrame(
        [
            {
                "concept_id": str(number), "concept_name": name, "domain_id": "Drug", "vocabulary_id": "RxNorm",
                "concept_class_id": "Ingredient" if code == "2101" else "Clinical Drug", "standard_concept": "S",
                "concept_code": code,
            }
            for number, (name, code) in DRUGS.items()
        ]
    )  # fmt: skip
    return {
        **set_,
        "drug_exposure": pl.concat([exposures, extra], how="diagonal"),
        "concept": pl.concat([set_["concept"], concepts], how="diagonal"),
    }


def _history(draw: random.Random, person: str, begin: date) -> list[dict[str, object]]:
    """Some courses with refills, gaps, other drugs beside them, and rows as dirty as real ones."""
    rows = []
    for _ in range(draw.randint(1, 3)):
        drug = draw.choice(RELAXANTS)
        day = begin + timedelta(days=draw.randint(-200, 60))
        for _ in range(draw.randint(1, 4)):
            rows.append(_exposure(draw, person, drug, day))
            day += timedelta(days=draw.choice((5, 10, 14, 18, 30, 37, 45)))
    for _ in range(draw.randint(0, 4)):
        other = draw.choice([d for d in DRUGS if d not in RELAXANTS])
        rows.append(_exposure(draw, person, other, begin + timedelta(days=draw.randint(-220, 80))))
    return rows


SIGS = (
    None,
    None,
    "1 tab tid",
    "take 1 tablet by mouth four times a day as needed",
    "2 tabs qhs prn",
    "use as directed",
)


def _exposure(draw: random.Random, person: str, drug: int, day: date) -> dict[str, object]:
    supply = draw.choice((None, 0, 5, 7, 10, 14, 30, 60, 400))
    end = draw.choice((day, day, day + timedelta(days=draw.randint(1, 60)), day - timedelta(days=3), None))
    by_code = draw.random() < 0.1
    return {
        "person_id": person,
        "drug_concept_id": "0" if by_code else str(drug),
        "drug_exposure_start_date": day.isoformat(),
        "drug_exposure_end_date": end and end.isoformat(),
        "drug_type_concept_id": "32869",
        "stop_reason": draw.choice((None, None, None, None, "stopped by patient")),
        "quantity": draw.choice((None, None, 0, 20, 30, 40, 90, 112, 5000)),
        "days_supply": supply,
        "sig": draw.choice(SIGS),
        "provider_id": draw.choice((None, 0, 11, 12)),
        "drug_source_value": DRUGS[drug][1] if by_code else DRUGS[drug][0],
        "drug_source_concept_id": "0",
    }  # fmt: skip


def write(set_: dict[str, pl.DataFrame], target: Path, kind: str = "csv") -> Path:
    """Write a set as CSV or Parquet, or into a DuckDB file."""
    if kind == "duckdb":
        import duckdb

        with duckdb.connect(str(target)) as database, TemporaryDirectory() as folder:
            for name, frame in set_.items():
                frame.write_parquet(Path(folder) / f"{name}.parquet")
                database.execute(f"CREATE TABLE \"{name}\" AS SELECT * FROM '{folder}/{name}.parquet'")
        return target
    target.mkdir(parents=True, exist_ok=True)
    for name, frame in set_.items():
        if kind == "csv":
            frame.write_csv(target / f"{name.upper()}.csv")
        else:
            frame.write_parquet(target / f"{name}.parquet")
    return target


CODES = (
    (8001, "Chronic kidney disease stage 4", "Condition", "SNOMED", "431857002"),
    (8002, "Low back pain", "Condition", "SNOMED", "279039007"),
    (8003, "Pregnancy", "Condition", "SNOMED", "77386006"),
    (8004, "Opioid dependence, uncomplicated", "Condition", "ICD10CM", "F11.20"),
    (8005, "Fever", "Condition", "SNOMED", "386661006"),
    (8006, "Strain of muscle of lower back", "Condition", "ICD10CM", "S39.012A"),
    (8007, "Cirrhosis of liver", "Condition", "SNOMED", "19943007"),
    (8008, "Fracture of radius", "Condition", "ICD10CM", "S52.501A"),
    (8009, "Obstructive sleep apnea", "Condition", "ICD10CM", "G47.33"),
    (8010, "28 weeks gestation of pregnancy", "Condition", "ICD10CM", "Z3A.28"),
    (8101, "Glomerular filtration rate", "Measurement", "LOINC", "98979-8"),
    (8102, "Creatinine", "Measurement", "LOINC", "2160-0"),
    (8103, "Alanine aminotransferase", "Measurement", "LOINC", "1742-6"),
    (8104, "Body temperature", "Measurement", "LOINC", "8310-5"),
    (8105, "Body weight", "Measurement", "LOINC", "29463-7"),
    (8106, "AUDIT-C", "Measurement", "LOINC", "75626-2"),
    (8107, "Pregnancy status", "Observation", "LOINC", "82810-3"),
    (8108, "Occupation", "Observation", "LOINC", "11341-5"),
    (8109, "CYP2C19 phenotype", "Measurement", "LOINC", "79714-2"),
    (8110, "Magnesium", "Measurement", "LOINC", "19123-9"),
    (8201, "milliliter per minute per 1.73 square meter", "Unit", "UCUM", "mL/min/{1.73_m2}"),
    (8202, "milligram per deciliter", "Unit", "UCUM", "mg/dL"),
    (8203, "micromole per liter", "Unit", "UCUM", "umol/L"),
    (8204, "unit per liter", "Unit", "UCUM", "U/L"),
    (8205, "degree Celsius", "Unit", "UCUM", "Cel"),
    (8206, "degree Fahrenheit", "Unit", "UCUM", "[degF]"),
    (8207, "kilogram", "Unit", "UCUM", "kg"),
    (8208, "millimole per liter", "Unit", "UCUM", "mmol/L"),
    (8301, "Patient currently pregnant", "Condition", "SNOMED", "77386006"),
    (8302, "Not pregnant", "Condition", "SNOMED", "60001007"),
    (8401, "Allergy to drug", "Observation", "SNOMED", "416098002"),
    (8402, "No known allergy", "Observation", "SNOMED", "716186003"),
    (8403, "Allergy to carisoprodol", "Observation", "SNOMED", "294867002"),
    (8404, "Intolerance to meprobamate", "Observation", "SNOMED", "294868007"),
    (8405, "Allergies and adverse reactions Document", "Observation", "LOINC", "48765-2"),
    (8406, "No", "Meas Value", "SNOMED", "373067005"),
    (8407, "aspirin", "Drug", "RxNorm", "1191"),
    (8408, "carisoprodol", "Drug", "RxNorm", "2101"),
    (8410, "Yes", "Meas Value", "SNOMED", "373066001"),
    (8411, "History of event", "Observation", "OMOP Extension", "OMOP5165859"),
    (8412, "No history of clinical finding in subject", "Observation", "SNOMED", "443508001"),
    (8413, "Known absent (qualifier value)", "Meas Value", "SNOMED", "410516002"),
    (8409, "Family history of allergy to carisoprodol", "Observation", "SNOMED", "160466002"),
)
"""Concepts for small databases: id, name, domain, vocabulary and code. The ids are free."""

UNITS = {
    8101: (8201,),
    8102: (8202, 8203),
    8103: (8204,),
    8104: (8205, 8206),
    8105: (8207,),
    8110: (8202, 8208),
}
"""Test → units that it is reported in."""


def small(**rows: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    """A database of the given rows (table → rows), with a vocabulary of DRUGS and CODES."""
    drugs = [(number, name, "Drug", "RxNorm", code) for number, (name, code) in DRUGS.items()]
    concepts = [
        dict(
            zip(
                ("concept_id", "concept_name", "domain_id", "vocabulary_id", "concept_code"), row, strict=True
            )
        )
        for row in (*drugs, *CODES)
    ]
    for n, row in enumerate(rows.get("drug_exposure", ())):
        row.setdefault("drug_exposure_id", n)
    named = {**rows, "concept": concepts}
    frames = {name: pl.DataFrame(each, infer_schema_length=None) for name, each in named.items() if each}
    return {name: frame.cast(pl.String) for name, frame in frames.items()}


def person(number: int, born: str = "1980-05-17", sex: int = 8507) -> dict[str, Any]:
    year, month, day = map(int, born.split("-"))
    return {
        "person_id": number, "gender_concept_id": sex,
        "year_of_birth": year, "month_of_birth": month, "day_of_birth": day,
    }  # fmt: skip


def observed(number: int, first: str = "2015-01-01", last: str = "2024-12-31") -> dict[str, Any]:
    return {
        "person_id": number, "observation_period_start_date": first, "observation_period_end_date": last,
    }  # fmt: skip


def exposure(number: int, drug: int, start: str, **more: Any) -> dict[str, Any]:
    return {
        "person_id": number, "drug_concept_id": drug, "drug_exposure_start_date": start,
        "drug_exposure_end_date": None, "days_supply": None, "quantity": None, "sig": None, "stop_reason": None,
        "drug_source_value": None, "provider_id": None, **more,
    }  # fmt: skip


def diagnosis(number: int, concept: int, start: str, end: str | None = None) -> dict[str, Any]:
    return {
        "person_id": number, "condition_concept_id": concept, "condition_start_date": start, "condition_end_date": end,
    }  # fmt: skip


def result(
    number: int, test: int, day: str, value: float | None, unit: int | None, **more: Any
) -> dict[str, Any]:
    return {
        "person_id": number, "measurement_concept_id": test, "measurement_date": day, "value_as_number": value,
        "unit_concept_id": unit, "operator_concept_id": None, "value_as_concept_id": None, "range_high": None, **more,
    }  # fmt: skip


if __name__ == "__main__":
    write(with_relaxants(tables(Path(sys.argv[1])), int((sys.argv[3:] or ["1"])[0])), Path(sys.argv[2]))
