"""Summaries without a value for each patient, against NumPy on all values."""

import numpy as np
import pytest

from eutonia.knowledge import Knowledge
from eutonia.simulation import outcome, population
from eutonia.simulation.sketch import Sketch
from eutonia.simulation.summary import PERCENTS, share_known, spread, summarise

DRAWN = np.random.default_rng(5)
SAMPLES = {
    "lognormal": DRAWN.lognormal(0.0, 0.5, 50_000),
    "below and above zero": DRAWN.normal(0.3, 1.0, 50_000),
    "half of them zero": np.concatenate([np.zeros(20_000), DRAWN.exponential(1.0, 30_000)]),
    "below zero": -DRAWN.lognormal(1.0, 0.3, 50_000),
    "one value": np.full(1000, 3.3),
    "missing": np.where(DRAWN.random(50_000) < 0.3, np.nan, DRAWN.gamma(2.0, 5.0, 50_000)),
}


def sketched(values: np.ndarray, parts: int) -> Sketch:
    sketch = Sketch()
    for part in np.array_split(values, parts):
        sketch.add(part)
    return sketch


@pytest.mark.parametrize("name", SAMPLES)
def test_percentiles_and_moments_are_those_of_all_values(name: str) -> None:
    """To three parts in ten thousand of the spread of the values: their own gaps are as wide in the tails."""
    values = SAMPLES[name]
    known, sketch = values[np.isfinite(values)], sketched(values, 7)
    scale = float(known.std()) + 1e-4 * abs(float(known.mean()))
    np.testing.assert_allclose(
        sketch.percentiles(PERCENTS), np.percentile(known, PERCENTS), atol=1e-3 * scale
    )
    np.testing.assert_allclose(sketch.moments(), (known.mean(), known.std(ddof=1)), atol=1e-4 * scale)
    assert share_known(sketch) == pytest.approx(share_known(values))


@pytest.mark.parametrize("name", SAMPLES)
def test_order_and_batches_change_nothing(name: str) -> None:
    values = SAMPLES[name]
    shuffled = np.random.default_rng(1).permutation(values)
    assert spread(sketched(values, 1)) == spread(sketched(shuffled, 13))


def test_nothing_known_is_null() -> None:
    assert spread(sketched(np.full(10, np.nan), 2)).median is None


def test_a_summary_is_the_same_without_rows(knowledge: Knowledge) -> None:
    """Within the bins, and within the gaps between 600 patients."""

    def summed(rows: bool) -> dict[str, object]:
        result = outcome(
            "carisoprodol 350 mg three times a day for 2 days", patients=population(600, seed=4), until="4 days",
            courses=False, rows=rows, knowledge=knowledge,
        )  # fmt: skip
        return summarise(result.per_patient, result.assumptions, knowledge.version).model_dump()

    with_rows, without = flat(summed(True)), flat(summed(False))
    assert with_rows.keys() == without.keys()
    for name, value in with_rows.items():
        if isinstance(value, float) and not name.endswith(("p5", "p95")):
            assert without[name] == pytest.approx(value, rel=2e-2, abs=1e-6), name
        elif not isinstance(value, float):
            assert without[name] == value, name


def flat(tree: object, name: str = "") -> dict[str, object]:
    if isinstance(tree, dict):
        return {key: value for k, part in tree.items() for key, value in flat(part, f"{name}/{k}").items()}
    return {name: tree}
