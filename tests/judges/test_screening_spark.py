"""Spark against DuckDB on the same small database, row for row."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
from omop_making import diagnosis, exposure, observed, person, result, small, write

import eutonia
from eutonia.errors import NotAvailable

CARISOPRODOL, BACLOFEN, OXYCODONE, DIAZEPAM = 9000001, 9000004, 9000008, 9000009


def database(folder: Path) -> Path:
    tables = small(
        person=[person(1), person(2, born="1944-02-01", sex=8532), person(3)],
        observation_period=[observed(n) for n in (1, 2)],
        drug_exposure=[
            exposure(1, CARISOPRODOL, "2020-03-01", days_supply=14, quantity=56, sig="1 tab qid"),
            exposure(1, CARISOPRODOL, "2020-03-20", days_supply=14, quantity=56),
            exposure(1, OXYCODONE, "2020-02-20", days_supply=30, quantity=120),
            exposure(1, DIAZEPAM, "2020-03-10", days_supply=10),
            exposure(2, BACLOFEN, "2020-05-01", days_supply=0, drug_exposure_end_date="2020-05-20"),
            exposure(3, CARISOPRODOL, "2020-07-01"),
        ],
        condition_occurrence=[diagnosis(2, 8001, "2019-01-01"), diagnosis(1, 8002, "2020-02-25")],
        measurement=[
            result(2, 8102, "2020-04-20", 210, 8203),
            result(1, 8103, "2019-12-01", 61, 8204),
            # Times the upper limit this is half a thousandth, which engines round each in their own way.
            result(1, 8103, "2020-03-10", 79.86, 8204),
        ],
    )
    return write(tables, folder, "parquet")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_spark_and_duckdb_give_the_same_rows(tmp_path: Path) -> None:
    if find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("PySpark or Java is not installed here")
    folder = database(tmp_path / "cdm")
    one, other = tmp_path / "duckdb.parquet", tmp_path / "spark.parquet"
    by_duckdb = eutonia.screen(folder, out=one, region="US")
    by_spark = eutonia.screen(folder, out=other, region="US", engine="spark", threads=2)
    assert pl.read_parquet(other).equals(pl.read_parquet(one))
    assert by_spark.model_copy(update={"engine": "duckdb", "seconds": by_duckdb.seconds}) == by_duckdb


def test_without_java_spark_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(NotAvailable, match="Spark needs Java 17 or later"):
        eutonia.screen(database(tmp_path / "cdm"), engine="spark")
