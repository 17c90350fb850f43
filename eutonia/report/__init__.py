"""An assessment for reading: as text for a terminal, as a page for screen and paper."""

from eutonia.report.page import as_page
from eutonia.report.text import as_text

__all__ = ["as_page", "as_text"]
