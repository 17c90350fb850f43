"""An assessment for reading: as text for a terminal, as a page for screen and paper.

Each is imported when it is first used: text needs no page templates.
"""

from importlib import import_module
from typing import Any

__all__ = ["as_page", "as_text"]

_HOME = {"as_page": "eutonia.report.page", "as_text": "eutonia.report.text"}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"eutonia.report has no “{name}”")
