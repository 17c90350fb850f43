"""The page of scores is fresh."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_scores_is_what_its_tool_makes() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from score_claims import PAGE, page
    finally:
        sys.path.pop(0)
    assert PAGE.read_text() == page()
