"""What every chapter of tests shares."""

import pytest

from eutonia.knowledge import Knowledge, load


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load()
