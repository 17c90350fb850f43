"""Where the published data sets lie; tests that need one skip where it is absent."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

SHARED = Path(__file__).parents[2].parent / "shared" / "dossier"


@pytest.fixture(scope="session")
def data_set() -> Callable[[str], pl.DataFrame]:
    """Read a reference data set by file name."""

    def read(name: str) -> pl.DataFrame:
        path = SHARED / "reference_data" / name
        if not path.exists():
            pytest.skip(f"{name} is not beside this checkout (../shared/dossier/reference_data)")
        return pl.read_csv(path)

    return read
