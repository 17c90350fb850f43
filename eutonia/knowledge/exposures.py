"""How long a supply lasts where a record does not say."""

from eutonia.knowledge.common import Citation, entry


@entry
class ExposureLength:
    """How long a supply is taken to last where a database tells neither days, quantity nor an end."""

    id: str
    title: str
    of: str
    """A drug or class; empty for every other medicine."""
    days: int
    sources: tuple[Citation, ...]
    note: str = ""
