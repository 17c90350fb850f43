"""Where the simulation looks, and how it is cut into steps."""

import numpy as np

from eutonia.simulation.grid import build_grid

DAY = np.array([8.0, 13.0, 18.0, 22.0])
OUTPUTS = np.array([0.0, 7.0, 31.0, 48.0])


def _grid(hours, lags, inputs=None, outputs=OUTPUTS):
    hours = np.asarray(hours, float)
    number = np.zeros(len(hours), int) if inputs is None else np.asarray(inputs)
    return build_grid(hours, number, np.ones((len(hours), 1)), lags, outputs)


def test_doses_that_arrive_one_after_another_cut_no_interval():
    """An hour and a half after its time each has arrived, so that nobody's order is in doubt."""
    assert _grid(DAY, [1.5]).times.tolist() == [0.0, 7.0, 31.0, 48.0]


def test_a_dose_that_may_arrive_after_the_next_one_begins_an_interval():
    assert _grid([8.0, 9.0, 18.0], [1.5]).times.tolist() == [0.0, 7.0, 8.0, 9.0, 31.0, 48.0]


def test_a_dose_that_may_arrive_after_an_output_begins_an_interval():
    """Its arrival is before the output in some patients and after it in others."""
    assert 6.0 in _grid([6.0, 13.0], [1.5]).times


def test_doses_of_two_drugs_at_one_time_begin_an_interval():
    assert 8.0 in _grid([8.0, 8.0, 13.0], [1.5, 1.0], [0, 1, 0]).times


def test_a_dose_without_a_lag_begins_an_interval():
    assert _grid(DAY, [0.0]).times.tolist() == [0.0, 7.0, *DAY, 31.0, 48.0]


def test_of_each_day_without_outputs_the_first_dose_begins_an_interval():
    """So that the days of long use are alike, and what is left after their steps is worked out once."""
    hours = np.concatenate([DAY + 24.0 * day for day in range(-3, 1)])
    grid = _grid(hours, [1.5])
    assert grid.times.tolist() == [-64.0, -40.0, -16.0, 0.0, 7.0, 31.0, 48.0]


def test_every_part_of_an_interval_has_steps_of_its_own():
    grid = _grid(DAY, [1.5])
    for events, sizes in zip(grid.steps.may_arrive, grid.steps.sizes, strict=True):
        assert len(sizes) == len(events) + 1
    assert grid.steps.may_arrive == ((), (0, 1, 2, 3), ())
    assert all(grid.steps.sizes[1])
