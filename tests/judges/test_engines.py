"""The compiled engine against the columns of NumPy, and the symmetries that both must have."""

import numpy as np
import pytest

from eutonia.knowledge import Knowledge
from eutonia.simulation import population, read
from eutonia.simulation.engine import Task, _chunk, run
from eutonia.simulation.population import Patients
from eutonia.simulation.together import compare_schedules

PLANS = [
    ["carisoprodol 350 mg four times a day for 3 days"],
    ["carisoprodol 350 mg three times a day for 2 days", "2 drinks of alcohol at 20:00 for 2 days",
     "oxycodone 10 mg every 6 hours for 2 days", "lorazepam 1 mg twice a day for 2 days",
     "diazepam 5 mg daily for 2 days", "heat daily for 2 days", "omeprazole 40 mg daily"],
    ["meprobamate 400 mg once"],
    ["cyclobenzaprine 5 mg three times a day for 2 days", "naproxen 500 mg twice a day for 2 days"],
]  # fmt: skip


def part(plan: list[str], patients: Patients, knowledge: Knowledge, compiled: bool, until: float = 96.0,
         single: bool = False):  # type: ignore[no-untyped-def]  # fmt: skip
    task = Task(
        read(plan, knowledge, until), knowledge, until, np.arange(0.0, until + 1, 4.0), 1.0, 0.2, compiled,
        single=single,
    )  # fmt: skip
    return _chunk(patients, task)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan[0][:24])
@pytest.mark.parametrize("regular", [False, True])
def test_both_engines_say_the_same(plan: list[str], regular: bool, knowledge: Knowledge) -> None:
    """Within the rounding of their different exponentials and logarithms."""
    patients = population(37, seed=5, regular_user=regular)
    plain, compiled = (part(plan, patients, knowledge, c) for c in (False, True))
    np.testing.assert_allclose(compiled.level, plain.level, rtol=1e-6, atol=1e-9)
    for name in plain.courses:
        np.testing.assert_allclose(
            compiled.courses[name], plain.courses[name], rtol=1e-6, atol=1e-7, err_msg=name
        )
    assert set(compiled.per_patient) == set(plain.per_patient)
    for name, values in plain.per_patient.items():
        np.testing.assert_allclose(compiled.per_patient[name], values, rtol=2e-4, atol=1e-6, err_msg=name)


def test_order_and_batches_of_patients_change_nothing(knowledge: Knowledge) -> None:
    """Patient 40 is the same person alone, in another batch, and among all."""
    patients = population(100, seed=7)
    whole = part(PLANS[1], patients, knowledge, True)
    alone = part(PLANS[1], patients.part(40, 41), knowledge, True)
    batch = part(PLANS[1], patients.part(33, 90), knowledge, True)
    for name, values in whole.per_patient.items():
        assert values[40] == alone.per_patient[name][0] or np.isnan(values[40]), name
        np.testing.assert_array_equal(values[33:90], batch.per_patient[name])


def test_threads_change_nothing(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    from eutonia.simulation import engine

    schedule = read(PLANS[0], knowledge, 96.0)
    results = []
    for chunk in (64, 4096):
        monkeypatch.setattr(engine, "CHUNK_COMPILED", chunk)
        monkeypatch.setattr(engine, "CHUNK", 16)
        results.append(
            run(schedule, population(300, seed=2), knowledge, until=96.0, outputs=np.empty(0)).per_patient
        )
    for name in ("peak_drive", "carisoprodol/auc_mg_h_l", "withdrawal_peak"):
        np.testing.assert_array_equal(results[0][name], results[1][name])


def test_many_schedules_at_once_are_each_as_alone(knowledge: Knowledge) -> None:
    """A search for a taper gets for each schedule what it would get alone.

    Steps are cut at the doses of all schedules, so that relief, whose peak is read from a parabola, may differ by a
    little.
    """
    plans = ["carisoprodol 350 mg three times a day for 3 days", "carisoprodol 350 mg twice a day for 2 days"]
    schedules = [read(plan, knowledge, 120.0) for plan in plans]
    patients = Patients(54, {"age": 50}, 3, uncertain=True)
    together = compare_schedules(schedules, patients, knowledge, until=120.0)
    for n, schedule in enumerate(schedules):
        alone = compare_schedules([schedule], patients, knowledge, until=120.0)
        for name in ("withdrawal_peak", "peak_impairment", "peak_relief", "withdrawal_onset_h"):
            near = 5e-3 if name == "peak_relief" else 5e-4
            np.testing.assert_allclose(together[name][n], alone[name][0], rtol=near, atol=1e-6, err_msg=name)


def test_levels_superpose_where_nothing_is_induced_or_saturates(knowledge: Knowledge) -> None:
    patients = population(5, seed=1)
    one = part(["lorazepam 2 mg once"], patients, knowledge, False).level
    two = part(["lorazepam 4 mg once"], patients, knowledge, False).level
    np.testing.assert_allclose(two, 2.0 * one, rtol=1e-12, atol=1e-15)


def test_another_drug_in_the_plan_changes_nobody(knowledge: Knowledge) -> None:
    """Draws go by the name of the figure, so that plans can be compared patient by patient."""
    patients = population(5, seed=1)
    alone = part(["carisoprodol 350 mg once"], patients, knowledge, False)
    along = part(["carisoprodol 350 mg once", "naproxen 500 mg once"], patients, knowledge, False)
    np.testing.assert_allclose(along.level[:, 0], alone.level[:, 0], rtol=1e-6)


@pytest.mark.parametrize(("kind", "error"), [(np.float64, 1e-11), (np.float32, 3e-7)])
def test_the_logarithm_of_a_ratio_is_that_of_the_library(kind: type, error: float) -> None:
    from eutonia.simulation.rows import W, get, log_ratio, put, whole

    @whole
    def ratios(to, up, down):  # type: ignore[no-untyped-def]
        put(to, 0, log_ratio(get(up, 0), get(down, 0)))

    up = np.resize([1.0, 3.7, 1.0, 900.0, 1.999999, 2.0], W).astype(kind)
    down = np.resize([1.0, 1.9, 40.0, 1.1, 2.0, 1.999999], W).astype(kind)
    found = np.empty(W, kind)
    ratios(found, up, down)
    exact = np.log(up.astype(float) / down)
    assert (np.abs(found - exact) <= error * np.maximum(np.abs(exact), 1.0)).all()


def test_one_patient_never_waits_for_a_compiler(
    monkeypatch: pytest.MonkeyPatch, knowledge: Knowledge
) -> None:
    from eutonia.simulation import engine

    schedule = read(PLANS[0], knowledge, 2400.0)
    monkeypatch.setattr(engine, "ready", lambda: False)
    assert not engine.wants_compiling(200, 2400.0, schedule)
    assert engine.wants_compiling(20_000, 2400.0, schedule)
    monkeypatch.setattr(engine, "ready", lambda: True)
    assert engine.wants_compiling(200, 2400.0, schedule)


def test_a_service_that_has_the_engine_at_hand_uses_it_for_one_patient_too(
    monkeypatch: pytest.MonkeyPatch, knowledge: Knowledge
) -> None:
    from eutonia.simulation import compiled, engine

    schedule = read(PLANS[0], knowledge, 24.0)
    monkeypatch.setattr(compiled, "_at_hand", [])
    assert not engine.wants_compiling(1, 24.0, schedule)
    compiled.keep_at_hand()
    assert engine.wants_compiling(1, 24.0, schedule)


@pytest.mark.parametrize("plan", PLANS[:2], ids=lambda plan: plan[0][:24])
def test_single_precision_is_right_to_a_ten_thousandth_of_the_peak(
    plan: list[str], knowledge: Knowledge
) -> None:
    """Of the highest value of each state in each patient (or 0.01), and of each quantity in all patients."""
    patients = population(70, seed=8)
    double, single = (part(plan, patients, knowledge, True, single=s) for s in (False, True))
    peak = np.abs(double.level).max(-1, keepdims=True)
    assert (np.abs(single.level - double.level) <= 1e-5 * peak).all()
    for name, values in double.courses.items():
        peak = np.maximum(np.abs(values).max(-1, keepdims=True), 0.01)
        assert (np.abs(single.courses[name] - values) <= 1e-4 * peak).all(), name
    for name, values in double.per_patient.items():
        np.testing.assert_array_equal(np.isnan(single.per_patient[name]), np.isnan(values), err_msg=name)
        np.testing.assert_allclose(
            single.per_patient[name], values, rtol=1e-3, atol=1e-4 * np.nanmax(np.abs(values), initial=0.0),
            err_msg=name,
        )  # fmt: skip


def test_batches_change_nothing_in_single_precision(knowledge: Knowledge) -> None:
    patients = population(100, seed=7)
    whole = part(PLANS[1], patients, knowledge, True, single=True)
    batch = part(PLANS[1], patients.part(33, 90), knowledge, True, single=True)
    for name, values in whole.per_patient.items():
        np.testing.assert_array_equal(values[33:90], batch.per_patient[name])
