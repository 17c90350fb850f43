"""Reading from anywhere: files, text, mappings, exports; and what cannot be read, said in one message."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from fhir_making import ME, bundle, condition, order, patient

from eutonia import read
from eutonia.cli import main
from eutonia.documents import MOST_BYTES
from eutonia.errors import InputError, NotAvailable
from eutonia.reading import read_all

CASE = {
    "as_of": "2026-03-02",
    "patient": {"age_years": 34, "sex": "male"},
    "medications": [],
    "plan": [
        {
            "action": "start",
            "text": "carisoprodol 350 mg tablet",
            "dose": 350,
            "unit": "mg",
            "times_per_day": 4,
        }
    ],
}
ROOT = Path(__file__).parents[2]


def test_a_case_is_the_same_from_mapping_json_yaml_and_bytes(tmp_path):
    as_json, as_yaml = tmp_path / "case.json", tmp_path / "case.yaml"
    as_json.write_text(json.dumps(CASE))
    as_yaml.write_text(
        "as_of: 2026-03-02\npatient: {age_years: 34, sex: male}\nmedications: []\nplan:\n"
        "- {action: start, text: carisoprodol 350 mg tablet, dose: 350, unit: mg, times_per_day: 4}\n"
    )
    cases = [
        read(source) for source in (CASE, as_json, str(as_yaml), json.dumps(CASE), json.dumps(CASE).encode())
    ]
    assert all(case == cases[0] for case in cases)


def test_words_alone_are_an_entry():
    """A list written by hand: the name, or the whole dosing text."""
    case = read(
        CASE
        | {
            "conditions": ["epilepsy"],
            "allergies": ["penicillin"],
            "medications": ["oxycodone 5 mg every 6 hours"],
            "plan": ["Soma 350 mg 1 tab qid, disp #56"],
        }
    )
    assert (case.conditions[0].text, case.allergies[0].substance) == ("epilepsy", "penicillin")
    assert (case.medications[0].dose, case.medications[0].times_per_day) == (5, 4)
    assert (case.plan[0].times_per_day, case.plan[0].quantity) == (4, 56)


@pytest.mark.parametrize(("written", "sex"), [("F", "female"), ("Male", "male"), ("other", "other")])
def test_sex_is_read_however_it_is_written(written, sex):
    assert read(CASE | {"patient": {"sex": written}}).patient.sex == sex


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"plan": "carisoprodol 350 mg qid"}, "plan: should be a list"),
        ({"plan": [350]}, r"plan\[0\]: should be fields with values"),
        ({"patient": {"age": 34}}, "patient.age is not a field of a case. Did you mean age_years?"),
        ({"patient": {"weight": 80}}, "Did you mean weight_kg?"),
    ],
)
def test_what_is_wrong_in_a_case_file_is_said_in_its_own_words(change, said):
    with pytest.raises(InputError, match=said):
        read(CASE | change)


def test_plans_in_words_replace_the_plan_of_the_file():
    case = read(CASE, plans=["stop carisoprodol", "heat 20 minutes twice daily"])
    assert [item.action.removesuffix("-therapy") for item in case.plan] == ["stop", "start"]


def test_a_plan_that_names_nothing_is_refused():
    with pytest.raises(InputError, match="names no drug or therapy"):
        read(CASE, plans=["350 mg tid"])


def test_as_of_can_be_given():
    assert read(CASE, as_of="2026-04-01").as_of == date(2026, 4, 1)
    with pytest.raises(InputError, match="Write it like 2026-03-01"):
        read(CASE, as_of="April")


def test_teaching_fields_are_ignored():
    assert read(CASE | {"id": "D01", "title": "x", "expected": {}, "note": "y"}) == read(CASE)


def test_of_several_vignettes_one_is_named():
    several = {"vignettes": [CASE | {"id": "A"}, CASE | {"id": "B", "as_of": "2026-05-05"}]}
    with pytest.raises(InputError, match=r"2 cases.*--patient.*A, B"):
        read(several)
    with pytest.raises(InputError, match="no case “C”"):
        read(several, patient="C")
    assert read(several, patient="B").as_of == date(2026, 5, 5)


# --- exports ------------------------------------------------------------------------------------------


@pytest.fixture
def export(tmp_path):
    people = [patient(id="p1"), patient(id="p2", gender="female")]
    orders = [order(id="m1"), order(id="m2"), order(id="m3", subject={"reference": "Patient/p2"})]
    files = {
        "Patient": people,
        "MedicationRequest": orders,
        "Condition": [condition(recordedDate="2026-02-25")],
    }
    for kind, resources in files.items():
        (tmp_path / f"{kind}.ndjson").write_text("".join(json.dumps(r) + "\n" for r in resources))
    return tmp_path


def test_an_export_is_read_patient_by_patient(export):
    cases = dict(read_all(export))
    assert [len(cases[name].medications) for name in ("p1", "p2")] == [2, 1]
    assert [len(cases[name].conditions) for name in ("p1", "p2")] == [1, 0], "exported, and none for p2"
    assert cases["p1"].allergies is None, "not exported"
    assert read(export, patient="p2") == cases["p2"]


def test_an_export_of_several_asks_which(export):
    with pytest.raises(InputError, match=r"2 patients.*p1, p2"):
        read(export)
    with pytest.raises(InputError, match="no patient “p9”"):
        read(export, patient="p9")


def test_one_ndjson_file_can_hold_it_all(tmp_path):
    path = tmp_path / "all.ndjson"
    path.write_text("\n".join(json.dumps(r) for r in (patient(), order(), condition())) + "\n\n")
    assert len(read(path).medications) == 1


def test_broken_lines_of_an_export_are_named(export):
    with (export / "Condition.ndjson").open("a") as file:
        file.write('{"resourceType": "Condition", "subj\n')
    case = read(export, patient="p1")
    assert "Condition.ndjson, byte" in " ".join(case.warnings)


def test_files_of_single_resources_in_a_folder_are_one_record(tmp_path):
    for number, resource in enumerate((patient(), order(), condition())):
        (tmp_path / f"{number}.json").write_text(json.dumps(resource))
    assert len(read(tmp_path).conditions) == 1


# --- what cannot be read ------------------------------------------------------------------------------

WHOLE = json.dumps(bundle(order(), condition()))
BAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\t ", "is empty"),
    "truncated": (WHOLE[: len(WHOLE) // 2].encode(), "is not valid JSON"),
    "not JSON": (b"{patient: 1,,}", "is not valid JSON"),
    "surplus brace": (WHOLE.encode() + b"}", "is not valid JSON"),
    "prose": (b"carisoprodol is a muscle relaxant", "neither a case file"),
    "wrong YAML": (b"as_of: [2026-03-02\nplan: }", "neither JSON nor valid YAML"),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not text"),
    "not UTF-8": (b'{"as_of": "\xff\xfe"}', "is not valid JSON"),
    "a number": (b"42", "neither a case file"),
    "a list of numbers": (b"[1, 2, 3]", "neither a case file"),
    "wrong object": (b'{"hello": "world"}', "neither a case file"),
    "nested JSON": (b"[" * 100_000 + b"]" * 100_000, "is not valid JSON"),
    "nested in a case": (b'{"as_of":' + b'{"a":' * 5000 + b"1" + b"}" * 5001, "is not valid JSON"),
    "nested YAML": (b"- " * 20_000 + b"x", "levels deep"),
    "nested YAML flow": (b"a: " + b"[" * 20_000, "nesting depth"),
    "aliases that multiply": (
        b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 9)),
        "aliases",
    ),
    "no patient": (
        json.dumps({"resourceType": "Bundle", "entry": [{"resource": condition()}]}).encode(),
        "no Patient",
    ),
    "empty bundle": (b'{"resourceType": "Bundle", "type": "collection"}', "no FHIR resource"),
    "an error from a server": (b'{"resourceType": "OperationOutcome", "issue": []}', "OperationOutcome"),
    "DSTU2": (
        json.dumps(bundle({"resourceType": "MedicationOrder", "id": "x", "patient": ME})).encode(),
        "is FHIR DSTU2, not R4",
    ),
    "a CDS Hooks request": (b'{"hook": "order-sign", "context": {}, "prefetch": {}}', "CDS Hooks request"),
    "a case without a date": (b'{"patient": {"age_years": 40}}', "as_of is missing"),
    "a misspelt field": (json.dumps(CASE | {"medicatons": []}).encode(), "Did you mean medications"),
    "an impossible age": (json.dumps(CASE | {"patient": {"age_years": 300}}).encode(), "patient.age_years"),
    "not a number": (b'{"as_of": "2026-03-02", "patient": {"weight_kg": NaN}}', "is not valid JSON"),
    "an infinite number": (b"as_of: 2026-03-02\npatient: {weight_kg: .inf}", "patient.weight_kg"),
    "an impossible date": (json.dumps(CASE | {"as_of": "2026-02-31"}).encode(), "as_of"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gives_one_clear_message_and_exit_status_2(name, tmp_path):
    content, message = BAD[name]
    path = tmp_path / "record.json"
    path.write_bytes(content)
    result = CliRunner().invoke(main, ["assess", str(path)])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert message in result.stderr
    assert "record.json" in result.stderr, "it says where"
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.stderr


def test_a_file_of_50_mb_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES)
    with pytest.raises(InputError, match="has 50 MB; the limit"):
        read(path)


def test_a_missing_file_is_said():
    result = CliRunner().invoke(main, ["assess", "nowhere.json"])
    assert result.exit_code == 2
    assert "There is no file nowhere.json" in result.stderr


def test_words_of_a_plan_that_cannot_be_read_are_named(tmp_path):
    path = tmp_path / "case.json"
    path.write_text(json.dumps(CASE))
    result = CliRunner().invoke(main, ["assess", str(path), "--plan", "carisoprodol 350 mg wibbly tid"])
    assert result.exit_code == 2
    assert "“wibbly”" in result.stderr


def test_bad_input_prints_no_traceback_as_a_process(tmp_path):
    path = tmp_path / "deep.json"
    path.write_bytes(b"[" * 1_000_000)
    done = subprocess.run(
        [sys.executable, "-m", "eutonia", "assess", str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("eutonia: ")


# --- strict -------------------------------------------------------------------------------------------


def test_strict_reading_refuses_what_lenient_reading_notes():
    pytest.importorskip("fhirkit", reason="needs the extra eutonia[fhir]")
    broken = bundle(condition(onsetDateTime="soon"))
    assert "soon" in " ".join(read(broken).warnings)
    with pytest.raises(InputError, match=r"not valid FHIR R4.*onset"):
        read(broken, strict=True)
    assert read(bundle(condition()), strict=True) == read(bundle(condition()))


def test_strict_reading_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fhirkit", None)
    with pytest.raises(NotAvailable, match="eutonia\\[fhir\\]"):
        read(bundle(), strict=True)


def test_statuses_and_actions_are_read_in_any_letters():
    case = read(
        {
            "as_of": "2026-03-02T10:00:00Z",
            "conditions": [
                {"text": "Epilepsy", "verification_status": "Entered in error", "clinical_status": "Active"}
            ],
            "medications": [{"text": "lorazepam 1 mg", "status": "Completed"}],
            "plan": [{"action": "STOP", "text": "lorazepam 1 mg"}],
        }
    )
    assert str(case.as_of) == "2026-03-02"
    assert (case.conditions[0].verification_status, case.conditions[0].clinical_status) == (
        "entered-in-error",
        "active",
    )
    assert case.medications[0].status == "completed"
    assert case.plan[0].action == "stop"


OVER = {
    "oxycodone 5 mg - discontinued": None,
    "Percocet, stopped 3 days ago": "2026-02-27",
    "quit Xanax in 2024": "2024",
    "not taking diazepam": None,
    "phenelzine (stopped 2026-02-20)": "2026-02-20",
    "previously on tramadol": None,
    "Xanax - stopped 3 days ago due to sleepiness": "2026-02-27",
    "diazepam: no longer taking it": None,
}


@pytest.mark.parametrize("words", OVER)
def test_a_medicine_whose_words_say_that_it_is_over_is_not_in_use(words):
    (entry,) = read({"as_of": "2026-03-02", "medications": [words]}).medications
    assert (entry.status, str(entry.end) if entry.end else None) == ("stopped", OVER[words])


@pytest.mark.parametrize(
    "words",
    [
        "oxycodone 5 mg q6h prn",
        "stopped and restarted oxycodone",
        "Soma 350 mg tid",
        "ibuprofen, denies nausea",
        "aspirin 81 mg (stopped Plavix in 2024)",
        "albuterol, history of asthma",
        "metoprolol, not on a statin",
    ],
)
def test_a_medicine_that_is_taken_has_no_end(words):
    (entry,) = read({"as_of": "2026-03-02", "medications": [words]}).medications
    assert (entry.status, entry.end) == (None, None)


@pytest.mark.parametrize(
    ("words", "start"),
    [
        ("Soma 350 mg qid for 2 years", "2024-03-02"),
        ("Soma 350 mg qid since 2024-01", "2024-01"),
        ("Soma 350 mg qid", None),
    ],
)
def test_how_long_a_medicine_has_been_taken_may_stand_in_its_words(words, start):
    (entry,) = read({"as_of": "2026-03-02", "medications": [words]}).medications
    assert (entry.times_per_day, str(entry.start) if entry.start else None) == (4, start)


@pytest.mark.parametrize("words", ["none", "No current medications.", "denies any medications", "nil"])
def test_a_list_that_says_none_is_empty(words):
    assert read({"as_of": "2026-03-02", "medications": [words]}).medications == ()


def test_a_year_may_be_a_number_and_what_is_no_date_is_said():
    case = read({"as_of": "2026-03-02", "patient": {"birth_date": 1950}})
    assert str(case.patient.birth_date) == "1950"
    with pytest.raises(InputError, match="“03/04/1950” is no date; write 2026-03-31"):
        read({"as_of": "2026-03-02", "patient": {"birth_date": "03/04/1950"}})
