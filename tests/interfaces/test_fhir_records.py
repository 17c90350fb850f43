"""Whole records that others made: every bundle and export under ../shared is read, and nothing is lost silently."""

import json
from collections import Counter
from pathlib import Path

import pytest

from eutonia import read
from eutonia.errors import InputError
from eutonia.fhir import read_fhir
from eutonia.reading import read_all

FHIR = Path(__file__).parents[3] / "shared/data/fhir"
BUNDLES = sorted(p for folder in ("synthea_2019", "synthea_2019_controls", "ahrq_pain_summary_r4")
                 for p in FHIR.glob(f"{folder}/*.json") if not p.name.startswith("hospital"))  # fmt: skip
EXPORTS = [FHIR / name for name in ("synthea_2024_bulk", "clinosim_lbp", "clinosim_sim")]

pytestmark = pytest.mark.skipif(
    not FHIR.exists(), reason="no FHIR records beside the checkout (../shared/data)"
)


def kinds(path: Path) -> Counter[str]:
    return Counter(e["resource"]["resourceType"] for e in json.loads(path.read_bytes())["entry"])


@pytest.mark.parametrize("path", BUNDLES, ids=lambda p: p.name.split("_")[0])
def test_nothing_of_a_bundle_is_lost_silently(path):
    reading = read_fhir(json.loads(path.read_bytes()))
    assert reading.used + reading.ignored + reading.set_aside == kinds(path)
    said = " ".join(reading.case.warnings)
    for kind in reading.ignored:
        assert kind in said
    assert not reading.set_aside


@pytest.mark.parametrize("path", BUNDLES, ids=lambda p: p.name.split("_")[0])
def test_a_bundle_gives_as_many_entries_as_it_holds(path):
    case, held = read(path), kinds(path)
    assert len(case.medications) == held["MedicationRequest"]
    assert len(case.conditions) == held["Condition"] + held["Procedure"]
    assert len(case.labs) + len(case.observations) >= held["Observation"]
    assert case.patient.birth_date is not None
    assert case.patient.sex in ("male", "female")


@pytest.mark.parametrize("folder", EXPORTS, ids=lambda p: p.name)
def test_every_patient_of_an_export_is_read_and_every_line_counted(folder):
    cases = dict(read_all(folder))
    lines = {p.stem: len(p.read_bytes().splitlines()) for p in folder.glob("*.ndjson")}
    assert len(cases) == lines["Patient"]
    assert sum(len(c.medications) for c in cases.values()) == lines["MedicationRequest"]
    conditions = sum(len(c.conditions) for c in cases.values())
    assert conditions == lines["Condition"] + lines.get("Procedure", 0)
    for name, case in cases.items():
        assert read(folder, patient=name) == case


def test_medicines_that_are_text_only_keep_their_names():
    names = {m.text for _, case in read_all(FHIR / "clinosim_lbp") for m in case.medications if not m.rxcui}
    assert "Cyclobenzaprine" in names


def test_a_bundle_without_a_patient_is_refused():
    (path,) = FHIR.glob("synthea_2019_controls/hospital*.json")
    with pytest.raises(InputError, match="no Patient"):
        read(path)


def test_the_same_opioid_ordered_dozens_of_times_is_kept_as_written():
    (path,) = FHIR.glob("ahrq_pain_summary_r4/*.json")
    assert sum("Oxycodone" in m.text for m in read(path).medications) > 10


def test_single_resources_in_a_folder_are_one_record():
    case = read(FHIR / "opioid_cds_r4_examples")
    assert [m.rxcui for m in case.medications] == ["1010603"]
    assert [c.text for c in case.conditions] == ["Malignant melanoma of skin"]
