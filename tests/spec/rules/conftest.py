"""The answers to a chapter's examples, all of them judged in one table."""

import pytest

from eutonia.assessment import Assessment, assess_all


@pytest.fixture(scope="module")
def answers(request: pytest.FixtureRequest) -> list[Assessment]:
    return assess_all([example.case for example in request.module.EXAMPLES])
