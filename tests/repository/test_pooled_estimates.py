"""The generated page of pooled estimates is what the trials give now."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_fresh(knowledge):
    spec = importlib.util.spec_from_file_location("pooled_estimates", ROOT / "tools" / "pooled_estimates.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.page(knowledge) == tool.PAGE.read_text(), "run python tools/pooled_estimates.py"
