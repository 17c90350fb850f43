"""The reference pages are what the knowledge and the code say now."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "reference.py"


def _tool():
    spec = importlib.util.spec_from_file_location("reference", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


@pytest.mark.parametrize("name", _tool().PAGES)
def test_the_page_is_fresh(name, knowledge):
    tool = _tool()
    assert (tool.FOLDER / f"{name}.md").read_text() == tool.page(name, knowledge), "run make docs"


def test_every_entry_stands_on_its_page(knowledge):
    tool = _tool()
    for name, entries in (
        ("rules", knowledge.rules),
        ("trials", knowledge.trials),
        ("sources", knowledge.sources),
    ):
        page = tool.page(name, knowledge)
        assert [each for each in entries if each not in page] == []
