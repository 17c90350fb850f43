"""The command line and the Python names of the simulation."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import eutonia
from eutonia.cli import main
from eutonia.errors import InputError

PLAN = "carisoprodol 350 mg four times a day for 3 days"


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["simulate", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_json_is_one_document_of_the_contract() -> None:
    code, out, _ = run(PLAN, "--age", "70", "--cyp2c19", "poor", "--with", "oxycodone 10 mg every 6 hours",
                       "--draws", "10", "--json")  # fmt: skip
    assert code == 0
    answer = json.loads(out)
    assert answer["schema"] == "eutonia/course-summary/1"
    assert answer["patients"] == 10
    assert set(answer["exposure"]) == {"carisoprodol", "meprobamate", "oxycodone"}
    for s in answer["exposure"]["carisoprodol"].values():
        assert s["p5"] <= s["p25"] <= s["median"] <= s["p75"] <= s["p95"]
    assert 0 < answer["effects"]["probability_drowsy"] < 1
    assert list(answer["pain"]["at"]) == ["1 day", "3 days", "7 days"]
    assert not any("CYP2C19" in note or note.startswith("Age") for note in answer["assumptions"])
    assert any(note.startswith("Sex") for note in answer["assumptions"])


def test_the_text_names_the_drug_and_says_what_was_assumed() -> None:
    code, out, _ = run(PLAN, "--draws", "5")
    assert code == 0
    assert "carisoprodol 350 mg, 12 doses" in out
    assert "Assumed" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["unicorn 5 mg daily"], "unicorn"),
        (["carisoprodol 350 g four times a day"], "slip of the pen"),
        (["carisoprodol four times a day"], "states no dose"),
        (["stop carisoprodol"], "say what is taken now"),
        ([PLAN, "--naive", "--regular-user"], "contradict"),
        ([PLAN, "--pregnant", "--sex", "male"], "pregnant"),
        ([PLAN, "--population", "1000000000"], "1,000,000,000"),
        ([PLAN, "--population", "0"], "population"),
        ([PLAN, "--age", "9"], "16"),
        ([PLAN, "--ancestry", "martian"], "ancestry"),
        ([PLAN, "--until", "soon"], "until"),
        ([PLAN, "--every", "0 h"], "every"),
        ([PLAN, "--draws", "4", "--out", "course.xyz"], ".nc, .parquet or .csv"),
        ([PLAN, "--adherence", "2"], "Adherence"),
        (["diazepam 10 mg intravenous once"], "route"),
    ],
)
def test_bad_input_is_one_message_and_exit_status_2(arguments: list[str], words: str) -> None:
    code, out, err = run(*arguments)
    assert code == 2, out
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_the_course_has_named_dimensions_and_units() -> None:
    course = eutonia.simulate(
        PLAN, patients=eutonia.population(8, ancestry="european", seed=1), until="4 days"
    )
    assert dict(course.sizes) == {"patient": 8, "time": 97, "substance": 2}
    assert set(course.data_vars) == {"concentration", "drive", "sedation", "impairment", "relief", "tolerance",
                                     "withdrawal", "pain", "ventilation"}  # fmt: skip
    for variable in course.variables.values():
        assert {"units", "long_name"} <= set(variable.attrs)
    assert course.attrs["assumptions"]
    assert np.isfinite(course.to_array()).all()


def test_same_seed_same_answer_and_another_seed_another() -> None:
    one, same, other = (
        eutonia.simulate(PLAN, patients=eutonia.population(4, seed=seed), summary=True) for seed in (1, 1, 2)
    )
    assert one.identical(same)
    assert not one.equals(other)


@pytest.mark.parametrize("ending", ["nc", "parquet", "csv"])
def test_the_course_is_written_to_a_file(tmp_path, ending: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / f"course.{ending}"
    code, _, err = run(PLAN, "--draws", "3", "--until", "2 days", "--out", str(path))
    assert code == 0, err
    assert path.stat().st_size > 1000


def test_an_event_table_says_the_same_as_the_words() -> None:
    table = [{"time": 0, "amt": 350, "cmt": "carisoprodol", "evid": 1, "ii": 6, "addl": 3}]
    said = eutonia.simulate(
        "carisoprodol 350 mg every 6 hours for 1 day", patients={"age": 40}, draws=3, until=48
    )
    read = eutonia.simulate(table, patients={"age": 40}, draws=3, until=48)
    np.testing.assert_allclose(read.concentration, said.concentration)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"amt": 350, "cmt": "carisoprodol", "rate": 100}, "infusion"),
        ({"amt": 350, "cmt": "carisoprodol", "ss": 1, "ii": 6}, "steady state"),
        ({"amt": 350, "cmt": 1}, "holds its name"),
        ({"amt": 350}, "no substance is named"),
        ({"amt": 350, "cmt": "carisoprodol", "addl": "x", "ii": 6}, "not a number"),
        ({"amt": 350, "cmt": "carisoprodol", "addl": 10**9, "ii": 6}, "50,000"),
        ({"amt": 3.5e8, "cmt": "carisoprodol"}, "slip of the pen"),
        ({"amt": 15000, "cmt": "carisoprodol", "addl": 3, "ii": 1}, "slip of the pen"),
        ({"amt": "abc", "cmt": "carisoprodol"}, "not a number"),
        ({"amt": -350, "cmt": "carisoprodol"}, "zero or more"),
        ({"amt": 350, "cmt": "carisoprodol", "evid": 3}, "evid 3"),
        ({"id": 2, "amt": 350, "cmt": "carisoprodol"}, "of one patient"),
    ],
)
def test_what_an_event_table_cannot_say_is_refused(row: dict[str, object], words: str) -> None:
    first = {"id": 1, "time": 0, "amt": 350, "cmt": "carisoprodol"}
    with pytest.raises(InputError, match=words):
        eutonia.simulate([first, {"id": 1, "time": 1, **row}], draws=2, until=24)


def test_a_file_that_is_no_table_is_one_message(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)))
    code, out, err = run(str(tmp_path / "noise.csv"))
    assert (code, out) == (2, "")
    assert "not a table" in err


def test_a_brand_with_its_strengths_is_one_tablet() -> None:
    said = eutonia.simulate("percocet 5/325 once", patients={"age": 40}, draws=3, until=24, summary=True)
    both = ["oxycodone 5 mg once", "acetaminophen 325 mg once"]
    apart = eutonia.simulate(both, patients={"age": 40}, draws=3, until=24, summary=True)
    np.testing.assert_allclose(
        said["cmax_mg_l"].sel(substance="oxycodone"), apart["cmax_mg_l"].sel(substance="oxycodone")
    )


@pytest.mark.parametrize(
    ("word", "poor"),
    [("African American", 0.033), ("asian", 0.14), ("Native Hawaiian", 0.08), ("White", 0.021)],
)
def test_ancestries_are_known_by_the_words_that_records_use(word: str, poor: float) -> None:
    from eutonia.knowledge import load
    from eutonia.simulation.population import frequencies

    assert frequencies(word, load())[0] == pytest.approx(poor, abs=0.002)


def test_food_changes_what_the_label_says_it_changes() -> None:
    """Oxycodone: area up by 27 %; diazepam: down by about a quarter; carisoprodol: nothing."""

    def area(plan: str, drug: str) -> float:
        found = eutonia.simulate(plan, patients={"age": 40}, draws=0, until="10 days", summary=True)
        return float(found["auc_mg_h_l"].sel(substance=drug)[0])

    for drug, dose, ratio in (("oxycodone", 10, 1.27), ("diazepam", 10, 0.76), ("carisoprodol", 350, 1.0)):
        fed, fasted = (area(f"{drug} {dose} mg once{food}", drug) for food in (" with a meal", ""))
        assert fed / fasted == pytest.approx(ratio, rel=0.01)


def test_an_event_table_out_of_order_is_refused() -> None:
    with pytest.raises(InputError, match="before the row above"):
        eutonia.simulate(
            [{"time": 5, "amt": 350, "cmt": "carisoprodol"}, {"time": 1, "amt": 350, "cmt": "carisoprodol"}]
        )


def test_the_chart_gives_a_drug_of_micrograms_a_panel_of_its_own(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from eutonia.knowledge import load
    from eutonia.simulation import outcome
    from eutonia.simulation.plot import chart

    result = outcome([PLAN, "oxycodone 10 mg every 6 hours"], draws=3, until="2 days")
    titles = [panel["layer"][3]["encoding"]["y"]["title"] for panel in chart(result, load())["vconcat"]]
    assert titles[:2] == ["Level in plasma, mg/L", "Oxycodone, mg/L"]
    code, _, err = run(PLAN, "--draws", "3", "--until", "1 day", "--plot", str(tmp_path / "course.svg"))
    assert code == 0, err
    assert (tmp_path / "course.svg").read_text().startswith("<svg")


def test_exposure_is_read_from_the_course_alone_and_may_be_asked_again() -> None:
    """Dense sampling: the trapezoid and the terminal slope find what the exact area and fall say, where the level
    falls along one line."""
    patients = eutonia.population(6, seed=2)
    course = eutonia.simulate("lorazepam 2 mg once", patients=patients, until="6 days", every="0.5 hour")
    exact = eutonia.simulate("lorazepam 2 mg once", patients=patients, until="6 days", summary=True)
    for _ in range(2):
        found = eutonia.exposure(course)
    for name in ("cmax_mg_l", "auc_mg_h_l", "half_life_h"):
        np.testing.assert_allclose(found[name], exact[name], rtol=0.02)
    assert (found["fitted_points"] >= 3).all()
    many = eutonia.simulate("lorazepam 2 mg twice a day for 6 days", patients=patients, until="7 days")
    np.testing.assert_allclose(eutonia.exposure(many)["auc_extrapolated"], 0.0)


def test_small_levels_are_told_in_micrograms() -> None:
    _, out, _ = run("carisoprodol 350 mg once", "--with", "alprazolam 1 mg once", "--draws", "20")
    assert "µg/L" in out
    assert "mg/L" in out
    assert "µg·h/L" in out


def test_a_medicine_that_is_stopped_changes_no_levels() -> None:
    """Nor does stopping to smoke; what is said instead is that its effect fades."""
    tizanidine, peak = "tizanidine 4 mg once", "tizanidine/cmax_mg_l"

    def level(*plans: str) -> float:
        from eutonia.simulation import outcome

        return float(outcome(list(plans), draws=0, courses=False).per_patient[peak][0])

    assert level(tizanidine, "smoking") < 0.8 * level(tizanidine)
    assert level(tizanidine, "stop smoking") == level(tizanidine)
    assert level(tizanidine, "fluvoxamine 100 mg daily") > 5 * level(tizanidine, "stop fluvoxamine")
    assert "smoking does to other drugs is taken to be over" in " ".join(
        run(tizanidine, "--with", "stop smoking")[1].split()
    )
