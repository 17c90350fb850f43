"""Screening a database: what goes in, what comes out, what is said when it cannot be read."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from omop_making import (
    CARISOPRODOL,
    OXYCODONE,
    exposure,
    observed,
    person,
    screened,
    small,
    write,
)

import eutonia
from eutonia.errors import NotAvailable
from eutonia.screening import prepared_database
from eutonia.screening.person import explain_person
from eutonia.screening.summary import Shown


def rules_of(frame: pl.DataFrame, number: int) -> set[str]:
    return set(frame.filter(pl.col("person_id") == number, pl.col("applies"))["rule"])


def test_the_rows_are_those_of_the_contract(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "issues.parquet"
    answer = json.loads(screened(folder, "--out", out, "--region", "US", "--json").output)
    frame = pl.read_parquet(out)
    assert answer["schema"] == "eutonia/screen/1"
    assert (answer["persons"], answer["exposed"], answer["as_of"]) == (6, 5, "2020-07-01")
    assert frame.columns[:5] == ["person_id", "index_date", "therapy", "episode_start", "episode_end"]
    assert frame.columns[5:10] == ["rule", "severity", "applies", "ask", "because"]
    assert frame.select("person_id", "therapy", "episode_start", "rule").is_unique().all()
    applying = frame.filter("applies")
    assert answer["issues"] == dict(applying.group_by("rule").agg(pl.col("person_id").n_unique()).iter_rows())
    assert json.loads(applying["because"][0])


def test_each_person_breaks_the_rules_that_they_break(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "issues.parquet"
    eutonia.screen(folder, out=out, region="US")
    frame = pl.read_parquet(out)
    assert "car-opioid-benzo-triple" in rules_of(frame, 1)
    assert {"car-duration-over-21d", "car-taper-needed"} <= rules_of(frame, 2)
    assert {"bac-renal-severe"} <= rules_of(frame, 3)
    assert "data-drug-unmapped" in rules_of(frame, 4)
    assert rules_of(frame, 5) == set()
    triple = frame.filter(pl.col("person_id") == 1, pl.col("rule") == "car-opioid-benzo-triple")
    assert triple["index_date"].to_list() == [date(2020, 3, 10)], "the day on which the third drug was begun"


def test_outside_an_observation_period_nothing_is_taken_as_absent(folder: Path, tmp_path: Path) -> None:
    """Person 6 has no observation period: opioids beside the carisoprodol cannot be ruled out."""
    out = tmp_path / "issues.parquet"
    eutonia.screen(folder, out=out, region="US", as_of="2020-07-31")
    frame = pl.read_parquet(out).filter(pl.col("person_id") == 6, pl.col("rule") == "car-opioid")
    assert frame["applies"].to_list() == [None]
    assert frame["ask"].to_list() == [["medications"]]


@pytest.mark.parametrize("kind", ["parquet", "duckdb", "tsv.gz", "zip", "sqlite"])
def test_every_way_of_storing_gives_the_same(
    kind: str, hospital: dict[str, pl.DataFrame], folder: Path, tmp_path: Path
) -> None:
    expected = eutonia.screen(folder, out=tmp_path / "csv.parquet", region="US")
    got = eutonia.screen(
        stored(hospital, folder, kind, tmp_path), out=tmp_path / "other.parquet", region="US"
    )
    assert got.issues == expected.issues
    assert digest(tmp_path / "other.parquet") == digest(tmp_path / "csv.parquet")


def stored(hospital: dict[str, pl.DataFrame], folder: Path, kind: str, tmp_path: Path) -> Path:
    place = tmp_path / f"cdm.{kind}"
    if kind in ("parquet", "duckdb"):
        return write(hospital, place, kind)
    if kind == "tsv.gz":
        place.mkdir()
        for name, frame in hospital.items():
            (place / f"{name.title()}.csv.gz").write_bytes(
                gzip.compress(frame.write_csv(separator="\t").encode())
            )
    elif kind == "zip":
        with zipfile.ZipFile(place, "w") as archive:
            for path in folder.iterdir():
                archive.write(path, f"export/{path.name}")
    else:
        import sqlite3

        with sqlite3.connect(place) as database:
            for name, frame in hospital.items():
                database.execute(f"CREATE TABLE {name} ({', '.join(frame.columns)})")
                marks = ", ".join("?" * frame.width)
                database.executemany(f"INSERT INTO {name} VALUES ({marks})", frame.rows())
        database.close()
    return place


# --- PostgreSQL -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server of our own, which listens on a socket in a folder."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(p).parent for p in [which("initdb")] if p
    ]
    if not found or find_spec("psycopg") is None:
        pytest.skip("PostgreSQL or psycopg is not installed here")
    as_root = os.geteuid() == 0
    if as_root and which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    with TemporaryDirectory(prefix="eutonia-pg-") as folder:
        Path(folder).chmod(0o777)
        data, bin_ = Path(folder) / "data", found[-1]

        def control(*arguments: object) -> None:
            who = ("runuser", "-u", "postgres", "--") if as_root else ()
            subprocess.run([*who, *map(str, arguments)], check=True, cwd=folder, capture_output=True)

        control(bin_ / "initdb", "-D", data, "-A", "trust", "-U", "eutonia")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        control(bin_ / "pg_ctl", "-D", data, "-o", options, "-w", "-l", data / "log", "start")
        try:
            yield f"postgres://eutonia@/postgres?host={folder}"
        finally:
            control(bin_ / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def test_postgresql_gives_the_same(
    server: str, hospital: dict[str, pl.DataFrame], folder: Path, tmp_path: Path
) -> None:
    """Facts in one schema, the vocabulary in another."""
    import psycopg

    with psycopg.connect(server) as connection:
        connection.execute("CREATE SCHEMA cdm; CREATE SCHEMA vocab")
        for name, frame in hospital.items():
            place = ("vocab." if name == "concept" else "cdm.") + name
            kinds = {column: _postgres_type(column) for column in frame.columns}
            connection.execute(f"CREATE TABLE {place} ({', '.join(f'{c} {k}' for c, k in kinds.items())})")
            with connection.cursor().copy(f"COPY {place} FROM STDIN") as copy:
                for row in frame.iter_rows():
                    copy.write_row(row)
    expected = eutonia.screen(folder, out=tmp_path / "csv.parquet", region="US")
    got = eutonia.screen(server, out=tmp_path / "postgres.parquet", region="US")
    assert got.issues == expected.issues
    assert digest(tmp_path / "postgres.parquet") == digest(tmp_path / "csv.parquet")


def _postgres_type(column: str) -> str:
    if column.endswith("_date"):
        return "date"
    if (column.endswith("_id") and column not in ("domain_id", "vocabulary_id")) or column.endswith(
        "_of_birth"
    ):
        return "bigint"
    return "numeric" if column in ("days_supply", "quantity", "value_as_number", "range_high") else "text"


def test_without_psycopg_postgresql_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setattr("eutonia.screening.cdm._installed", lambda *_: False)
    with pytest.raises(NotAvailable, match=r"pip install 'eutonia\[postgresql\]'"):
        eutonia.screen("postgres://someone@localhost/base")


def eutonia_knowledge() -> Any:
    from eutonia.knowledge import load

    return load()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- lengths of exposure ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "days", "measured_by"),
    [
        ({"days_supply": 10, "drug_exposure_end_date": "2020-03-30"}, 10, "days-supply"),
        ({"days_supply": 365}, 365, "days-supply"),
        ({"days_supply": 366, "drug_exposure_end_date": "2020-03-05"}, 5, "dates"),
        ({"days_supply": 0, "quantity": 30, "sig": "1 tab tid"}, 10, "quantity-and-sig"),
        ({"days_supply": -3, "quantity": 30}, 14, "usual-length"),
        ({"drug_exposure_end_date": "2020-03-10"}, 10, "dates"),
        ({"drug_exposure_end_date": "2020-03-01"}, 14, "usual-length"),
        ({"drug_exposure_end_date": "2020-02-01"}, 14, "usual-length"),
        ({"days_supply": "ten"}, 14, "usual-length"),
    ],
)
def test_the_length_of_an_exposure(
    written: dict[str, Any], days: int, measured_by: str, tmp_path: Path
) -> None:
    database = small(
        person=[person(1)],
        observation_period=[observed(1)],
        drug_exposure=[exposure(1, CARISOPRODOL, "2020-03-01", **written)],
    )
    with prepared_database(write(database, tmp_path / "cdm"), eutonia_knowledge()) as (engine, _):
        row = engine.get("SELECT end_day - start_day + 1 AS days, measured_by FROM exposure").row(0)
    assert row == (days, measured_by)


def test_a_length_that_is_only_usual_is_not_held_against_the_course(tmp_path: Path) -> None:
    """The length of a course whose end no record tells is unknown, not two weeks."""
    database = small(
        person=[person(1)],
        observation_period=[observed(1)],
        drug_exposure=[exposure(1, CARISOPRODOL, "2020-03-01", drug_exposure_end_date="2020-03-01")],
    )
    (case,) = explain_person(str(write(database, tmp_path / "cdm")), 1)[:1]
    assert "duration_days" not in case["plan"][0]


def test_rows_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    database = small(
        person=[person(1), person(2, born="2019-01-01")],
        observation_period=[observed(1)],
        drug_exposure=[
            exposure(1, CARISOPRODOL, "2020-03-01", days_supply=7),
            exposure(1, CARISOPRODOL, "not a date", days_supply=7),
            exposure(2, CARISOPRODOL, "1911-03-01", days_supply=7),
            exposure(3, CARISOPRODOL, "2020-03-01", days_supply=900),
            exposure(1, 0, "2020-03-01", drug_source_value="a name that nobody knows"),
        ],
    )
    screened = eutonia.screen(write(database, tmp_path / "cdm"))
    counted = {oddity.what: oddity.rows for oddity in screened.quality}
    assert counted["no start date"] == 1
    assert counted["starts before the year of birth"] == 1
    assert counted["a person that PERSON does not have"] == 1
    assert counted["days_supply above 365"] == 1
    assert counted["drug_concept_id is 0 or missing"] == 1
    assert [(u.name, u.rows) for u in screened.unmapped] == [("a name that nobody knows", 1)]


# --- as of, since, small cells ----------------------------------------------------------------------


def test_nothing_after_as_of_is_known(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "issues.parquet"
    answer = eutonia.screen(folder, out=out, as_of="2020-03-05", region="US")
    frame = pl.read_parquet(out)
    assert set(frame["person_id"]) == {1, 2}
    assert "car-opioid-benzo-triple" not in answer.issues, "the diazepam comes five days later"
    assert "car-opioid" in answer.issues


def test_since_leaves_out_earlier_index_dates(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "issues.parquet"
    eutonia.screen(folder, out=out, since="2020-05-01", region="US")
    assert pl.read_parquet(out)["index_date"].min() == date(2020, 5, 1)


def test_small_counts_are_not_shown(folder: Path) -> None:
    answer = eutonia.screen(folder, min_cell=3)
    assert answer.exposed == 5
    assert all(count is None or count == 0 or count >= 3 for count in answer.issues.values())
    assert all(
        year.persons is None and year.per_1000 is None for year in answer.years if year.rule == "car-opioid"
    )


def test_everyone_is_counted_once_by_the_gravest_rule(folder: Path, tmp_path: Path) -> None:
    """Standard advice is given to everyone on carisoprodol, and is told apart from warnings."""
    out = tmp_path / "issues.parquet"
    answer = eutonia.screen(folder, out=out, region="US")
    assert sum(n or 0 for n in answer.gravest.values()) == answer.exposed
    about = pl.read_parquet(out).filter(pl.col("applies"), ~pl.col("existing"))
    warned = about.filter(pl.col("severity").is_in(["contraindicated", "avoid", "caution"]))
    assert answer.warned == warned["person_id"].n_unique() > 0
    grave = about.filter(pl.col("severity") == "contraindicated")["person_id"].n_unique()
    assert answer.gravest["contraindicated"] == grave


def test_a_hidden_part_cannot_be_worked_out_from_the_others() -> None:
    shown = Shown(5)
    counts = Counter({"a": 100, "b": 3, "c": 40})
    assert shown.parts(counts, ("a", "b", "c", "d")) == {"a": 100, "b": None, "c": None, "d": 0}
    assert shown.parts(Counter({"a": 100, "c": 40}), ("a", "c")) == {"a": 100, "c": 40}


def test_a_database_without_relaxants_gives_an_empty_table(tmp_path: Path) -> None:
    database = small(person=[person(1)], drug_exposure=[exposure(1, OXYCODONE, "2020-01-01", days_supply=5)])
    out = tmp_path / "issues.parquet"
    assert eutonia.screen(write(database, tmp_path / "cdm"), out=out).exposed == 0
    assert pl.read_parquet(out).height == 0


# --- interruption -----------------------------------------------------------------------------------


def test_killed_and_run_again_it_gives_the_same_file(folder: Path, tmp_path: Path) -> None:
    whole, again = tmp_path / "whole.parquet", tmp_path / "again.parquet"
    eutonia.screen(folder, out=whole, persons_at_once=1)
    script = (
        "import os, signal, eutonia\n"
        "def stop(what, done, of):\n"
        "    if done == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"eutonia.screen({str(folder)!r}, out={str(again)!r}, persons_at_once=1, progress=stop)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script], check=False, cwd=Path(eutonia.__file__).parents[1]
    )
    assert killed.returncode == -signal.SIGKILL
    assert not again.exists()
    finished = sorted(p.name for p in (tmp_path / ".again.parquet.parts").glob("*.parquet"))
    assert finished == ["part-00000.parquet", "part-00001.parquet"]
    eutonia.screen(folder, out=again, persons_at_once=1)
    assert digest(again) == digest(whole)
    assert [p.name for p in tmp_path.iterdir() if "again" in p.name] == ["again.parquet"]


def test_parts_of_another_run_are_not_taken_up(folder: Path, tmp_path: Path) -> None:
    out, clean = tmp_path / "out.parquet", tmp_path / "clean.parquet"
    parts = tmp_path / ".out.parquet.parts"
    parts.mkdir()
    (parts / "run.json").write_text('{"run": "another"}')
    pl.DataFrame({"person_id": [99]}).write_parquet(parts / "part-00000.parquet")
    eutonia.screen(folder, out=out)
    eutonia.screen(folder, out=clean)
    assert digest(out) == digest(clean)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_and_chunks_do_not_change_the_rows(threads: int, folder: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    eutonia.screen(folder, out=one)
    eutonia.screen(folder, out=other, threads=threads, persons_at_once=2, memory="500MB")
    assert pl.read_parquet(one).equals(pl.read_parquet(other))


# --- one person -------------------------------------------------------------------------------------


def test_a_person_is_explained_as_cases_that_can_be_assessed(folder: Path) -> None:
    cases = json.loads(screened(folder, "--explain", 2).output)
    assert [case["as_of"] for case in cases] == ["2020-01-01", "2020-03-01"]
    case = eutonia.read(cases[-1])
    assert {"car-duration-over-21d", "car-taper-needed"} <= {
        issue.rule for plan in eutonia.assess(case).plans for issue in plan.issues
    }


def test_someone_without_a_relaxant_cannot_be_explained(folder: Path) -> None:
    answer = screened(folder, "--explain", 5)
    assert answer.exit_code == 2
    assert "Person 5 has no course of a muscle relaxant" in answer.stderr


# --- the page and the text --------------------------------------------------------------------------


def test_the_page_shows_rules_trends_and_data_quality(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "issues.html"
    text = screened(folder, "--report", page, "--region", "US").output
    html = page.read_text()
    for words in ("car-opioid-benzo-triple", "Data quality", "a medicine that nobody knows", "2020:"):
        assert words in html
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert "5 of 6 persons take or took a muscle relaxant" in text
