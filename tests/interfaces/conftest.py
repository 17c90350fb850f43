"""A small database and a client of the web service, for several pages of this chapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from omop_making import (
    BACLOFEN,
    CARISOPRODOL,
    DIAZEPAM,
    METHOCARBAMOL,
    OXYCODONE,
    UNKNOWN,
    diagnosis,
    exposure,
    observed,
    person,
    result,
    small,
    write,
)
from starlette.testclient import TestClient
from web_making import app_with


@pytest.fixture(scope="module")
def hospital() -> dict[str, pl.DataFrame]:
    """Six persons: a triple, a long course, a kidney, an unmapped drug, one without relaxants, one unobserved."""
    return small(
        person=[person(n) for n in range(1, 7)],
        observation_period=[observed(n) for n in range(1, 6)],
        drug_exposure=[
            exposure(1, CARISOPRODOL, "2020-03-01", days_supply=14, quantity=56),
            exposure(1, OXYCODONE, "2020-02-20", days_supply=30),
            exposure(1, DIAZEPAM, "2020-03-10", days_supply=10),
            exposure(2, CARISOPRODOL, "2020-01-01", days_supply=30, quantity=120),
            exposure(2, CARISOPRODOL, "2020-02-01", days_supply=30, quantity=120),
            exposure(3, BACLOFEN, "2020-05-01", days_supply=10, quantity=30),
            exposure(4, METHOCARBAMOL, "2020-06-01", days_supply=7),
            exposure(4, UNKNOWN, "2020-06-01", days_supply=7),
            exposure(5, OXYCODONE, "2020-06-01", days_supply=7),
            exposure(6, CARISOPRODOL, "2020-07-01", days_supply=7),
        ],
        condition_occurrence=[
            diagnosis(3, 8001, "2019-01-01"),
            diagnosis(1, 8002, "2020-02-25", "2020-02-25"),
        ],
        measurement=[result(3, 8101, "2020-04-20", 22, 8201)],
    )


@pytest.fixture(scope="module")
def folder(hospital: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(hospital, tmp_path_factory.mktemp("cdm"))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with app_with(tmp_path_factory.mktemp("store"), per_minute=0, seconds=60) as made:
        yield made
