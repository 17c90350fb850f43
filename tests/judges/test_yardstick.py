"""The step that `benchmarks.yardstick` writes in the engine's rows, against SciPy on the equations of the problem."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from benchmarks import yardstick

NOT_LOOKED_AT = slice(900, 904)
"""Steps were chosen on the first 200 patients."""


def test_the_plan_meets_every_dose_and_every_hour() -> None:
    sizes, steps = yardstick.plan()
    for lag in (0.05, 0.25, 0.9):
        length = (sizes @ [1.0, lag])[steps[:, 0]]
        end = np.cumsum(length)
        begin, middle = end - length, end - 0.5 * length
        np.testing.assert_allclose(begin[steps[:, 1] == 1], np.array(yardstick.DOSES) + lag, atol=1e-9)
        hours = np.sort(np.concatenate([middle[steps[:, 2] == 1], end[steps[:, 3] == 1]]))
        np.testing.assert_allclose(hours, np.arange(1, yardstick.HOURS + 1), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_the_step_in_rows_is_right_to_a_fifty_thousandth_of_every_state(precision: Any) -> None:
    people = yardstick.people(NOT_LOOKED_AT.stop)[NOT_LOOKED_AT]
    true = np.stack([yardstick.judged(each) for each in people])
    found = yardstick.ours(people, precision, courses=True).astype(float)
    assert yardstick.errors(found, true).max() < 2e-5
    np.testing.assert_allclose(
        yardstick.ours(people, precision), yardstick.summed_up(true, people), rtol=1e-5
    )
