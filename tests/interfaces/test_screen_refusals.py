"""Screening what cannot be read or written: said in one message, and nothing is left half done."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import polars as pl
import pytest
from omop_making import screened, write

import eutonia
from eutonia.errors import InputError


def refusal(*arguments: object) -> str:
    answer = screened(*arguments)
    assert answer.exit_code == 2, answer.output
    assert "Traceback" not in answer.output
    assert answer.stdout == ""
    return str(answer.stderr)


def test_a_missing_table_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "PERSON.csv").write_bytes((folder / "PERSON.csv").read_bytes())
    assert "has no table DRUG_EXPOSURE" in refusal(tmp_path)


def test_a_missing_column_is_named(hospital: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    poor = {**hospital, "person": hospital["person"].rename({"person_id": "id"})}
    assert "PERSON of" in refusal(write(poor, tmp_path / "cdm"))


def test_a_corrupt_file_is_refused_and_leaves_nothing(
    hospital: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    place = write(hospital, tmp_path / "cdm", "parquet")
    content = (place / "drug_exposure.parquet").read_bytes()
    (place / "drug_exposure.parquet").write_bytes(content[: len(content) // 2])
    assert "cannot be read" in refusal(place, "--out", tmp_path / "issues.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["cdm"]


def test_dates_and_persons_that_are_all_unreadable_are_no_empty_table(
    hospital: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    day = pl.col("drug_exposure_start_date").str.to_date().dt.strftime("%m/%d/%Y")
    american = {**hospital, "drug_exposure": hospital["drug_exposure"].with_columns(day)}
    assert "is not a date like 2024-03-31" in refusal(write(american, tmp_path / "cdm"))
    named = {
        table: rows.with_columns(pl.format("P-{}", "person_id").alias("person_id"))
        if "person_id" in rows.columns
        else rows
        for table, rows in hospital.items()
    }
    assert "every person a whole number" in refusal(write(named, tmp_path / "uuid"))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_csv_may_be_in_another_encoding(
    hospital: dict[str, pl.DataFrame], tmp_path: Path, encoding: str
) -> None:
    accented = {
        **hospital,
        "concept": hospital["concept"].with_columns(pl.col("concept_name") + " (comprimé)"),
    }
    counts = []
    for way in ("utf-8", encoding):
        place = write(accented, tmp_path / f"cdm-{way}")
        for file in place.glob("*.csv"):
            file.write_text(file.read_text("utf-8"), way)
        counts.append(eutonia.screen(place).issues)
    assert counts[0] == counts[1]
    assert counts[0]["car-opioid-benzo-triple"] == 1


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "notes.db").write_text("nothing at all, and no database either")
    assert "is one table" in refusal(tmp_path / "notes.txt")
    assert "cannot be opened" in refusal(tmp_path / "notes.db")
    assert "There is no" in refusal(tmp_path / "nowhere")
    assert "no table PERSON" in refusal(tmp_path)


def test_a_server_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    if find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed here")
    said = refusal(f"postgres://someone:secret@/base?host={tmp_path}")
    assert "cannot be read" in said
    assert "secret" not in said


def test_a_full_disk_leaves_no_half_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", full)
    with pytest.raises(InputError, match="No space left on device"):
        eutonia.screen(folder, out=tmp_path / "issues.parquet")
    assert [p.name for p in tmp_path.iterdir()] == [".issues.parquet.parts"]
    monkeypatch.undo()
    eutonia.screen(folder, out=tmp_path / "issues.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["issues.parquet"]


def test_wrong_arguments_are_refused(folder: Path, tmp_path: Path) -> None:
    assert "as_of “March” is not a date" in refusal(folder, "--as-of", "March")
    assert "There is no folder" in refusal(folder, "--out", tmp_path / "no" / "issues.parquet")
    assert "does not accept these settings" in refusal(folder, "--memory", "a lot")


@pytest.mark.parametrize("kilobytes", [4, 16])
def test_a_disk_that_is_really_full_is_told(kilobytes: int, folder: Path, tmp_path: Path) -> None:
    """On a file system of a few kilobytes: where the parts do not fit, or only the whole does not."""
    small_disk = tmp_path / "disk"
    small_disk.mkdir()
    mounted = which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(small_disk)],
        check=False, capture_output=True,
    )  # fmt: skip
    if not mounted or mounted.returncode:
        pytest.skip("No file system can be mounted here")
    try:
        with pytest.raises(InputError, match="No space left on device"):
            eutonia.screen(folder, out=small_disk / "issues.parquet")
        left = [p.name for p in small_disk.iterdir()]
        assert left in ([], [".issues.parquet.parts"])
        assert not list(small_disk.rglob("*.draft"))
    finally:
        subprocess.run(["umount", str(small_disk)], check=True)
