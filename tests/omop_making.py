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
"""Concept → name and RxNorm code. The ids are free here: screening goes by the vocabulary, never by an id."""

RELAXANTS = (9000001, 9000002, 9000003, 9000004, 9000005, 9000006, 9000007, 9000016)


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

        with duckdb.connect(str(target)) as database:
            for name, frame in set_.items():
                database.register("frame", frame.to_arrow())
                database.execute(f'CREATE TABLE "{name}" AS SELECT * FROM frame')
        return target
    target.mkdir(parents=True, exist_ok=True)
    for name, frame in set_.items():
        if kind == "csv":
            frame.write_csv(target / f"{name.upper()}.csv")
        else:
            frame.write_parquet(target / f"{name}.parquet")
    return target


if __name__ == "__main__":
    write(with_relaxants(tables(Path(sys.argv[1])), int((sys.argv[3:] or ["1"])[0])), Path(sys.argv[2]))
