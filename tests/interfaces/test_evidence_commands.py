"""`eutonia evidence` and `eutonia compare` on the command line."""

import json

import pytest
from click.testing import CliRunner

from eutonia.cli import main
from eutonia.schemas import json_schema


@pytest.fixture(scope="module")
def run():
    runner = CliRunner()
    return lambda *words: runner.invoke(main, list(words))


def test_json_is_one_document_with_the_promised_fields(run):
    result = run(
        "evidence", "carisoprodol", "--condition", "acute-low-back-pain", "--outcome", "pain", "--json"
    )
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["schema"] == "eutonia/evidence/1"
    assert found["measure"] == "MD"
    assert found["scale"] == "0-100, negative is less pain"
    assert found["ci"][0] < found["estimate"] < found["ci"][1]
    assert found["prediction_interval"][0] < found["ci"][0]
    assert (found["trials"], found["answer"]) == (2, None)
    assert found["certainty"]["level"] == "very low"
    assert all(reason["why"] for reason in found["certainty"]["reasons"])
    assert set(json_schema("evidence")["properties"]) >= set(found)


def test_no_data_is_an_answer_and_not_an_error(run):
    result = run(
        "evidence", "carisoprodol", "--condition", "chronic-low-back-pain", "--outcome", "pain", "--json"
    )
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["answer"] == "no-usable-data"
    assert found["estimate"] is found["ci"] is found["certainty"]["level"] is None


def test_text_is_readable_and_names_its_trials(run):
    result = run(
        "evidence", "nsaid", "--vs", "placebo", "--condition", "acute-low-back-pain", "--outcome", "pain"
    )
    assert result.exit_code == 0
    assert "dreiser2003" in result.stdout
    assert "Certainty" in result.stdout
    assert "\x1b[" not in result.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("evidence", "nsiad", "--condition", "acute-low-back-pain", "--outcome", "pain"),
            "Did you mean nsaid",
        ),
        (("evidence", "nsaid", "--condition", "back", "--outcome", "pain"), "There is no condition “back”"),
        (("compare", "heat", "--condition", "acute-low-back-pain"), "at least two"),
        (("compare", "heat", "yoga", "--condition", "nowhere"), "There is no condition"),
    ],
)
def test_a_wrong_call_gives_one_message_and_status_2(run, words, told):
    result = run(*words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("option", "start"), [("--forest", b"\x89PNG"), ("--over-time", b"\x89PNG"), ("--network", b"\x89PNG")]
)
def test_pictures(run, tmp_path, option, start):
    path = tmp_path / "picture.png"
    result = run("evidence", "nsaid", "--condition", "chronic-low-back-pain", option, str(path), "--json")
    assert result.exit_code == 0
    assert path.read_bytes().startswith(start)
    json.loads(result.stdout)


def test_a_forest_plot_as_svg_names_each_trial(run, tmp_path):
    path = tmp_path / "forest.svg"
    run(
        "evidence",
        "yoga",
        "--condition",
        "chronic-low-back-pain",
        "--outcome",
        "disability",
        "--forest",
        str(path),
    )
    text = path.read_text()
    assert "Tilbrook 2011" in text
    assert "Pool (4 trials" in text


def test_nothing_to_draw_is_said(run, tmp_path):
    path = tmp_path / "forest.png"
    result = run("evidence", "carisoprodol", "--condition", "fibromyalgia", "--forest", str(path))
    assert result.exit_code == 0
    assert "Did not write" in result.stderr
    assert "No usable data" in result.stdout
    assert not path.exists()


def test_compare_in_json(run):
    result = run(
        "compare", "myofascial-release", "carisoprodol", "--condition", "chronic-low-back-pain", "--json"
    )
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["schema"] == "eutonia/comparison/1"
    assert set(found["factors"]) == {"myofascial-release", "carisoprodol"}
    assert {"type", "onset", "effect", "side_effects", "long_term", "dependence", "schedule"} <= set(
        found["factors"]["carisoprodol"]
    )
    assert found["ranking"] is None
    assert found["why_no_ranking"]
    assert set(found["best_for"]) == {"immediate", "long_term"}
    assert set(json_schema("comparison")["properties"]) >= set(found)


def test_compare_in_words(run):
    result = run("compare", "heat", "ibuprofen", "--condition", "acute-low-back-pain")
    assert result.exit_code == 0
    for head in ("Onset of effect", "Time to meaningful relief", "Best for now", "Together"):
        assert head in result.stdout


@pytest.mark.parametrize(("options", "ground"), [((), "#ffffff"), (("--dark",), "#14171b")])
def test_a_forest_plot_as_a_page_has_its_title_its_ground_and_fits_a_phone(run, tmp_path, options, ground):
    path = tmp_path / "forest.html"
    run("evidence", "nsaid", "--condition", "acute-low-back-pain", "--forest", str(path), *options)
    head = path.read_text().partition("<script")[0]
    assert "<title>Pain intensity: NSAIDs by mouth against placebo" in head
    assert f"background: {ground}" in head
    assert "width=device-width" in head
    assert "overflow-x: auto" in head
