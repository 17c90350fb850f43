"""The records of the worked examples are what the tool makes."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_records_are_those_that_the_tool_makes():
    spec = importlib.util.spec_from_file_location("make_examples", ROOT / "tools" / "make_examples.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for record in tool.PEOPLE:
        kept = (tool.FOLDER / f"{record.name}.json").read_text()
        assert tool.written(record) == kept, "run python tools/make_examples.py"


@pytest.mark.parametrize("name", ["falls-and-kidneys", "carisoprodol-for-long", "night-driver"])
def test_each_record_is_fhir_r4_by_the_letter(name):
    pytest.importorskip("fhirkit")
    from eutonia import read

    case = read(str(ROOT / "demo" / f"{name}.json"), strict=True)
    assert case.plan
    assert case.medications
