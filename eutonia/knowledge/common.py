"""What every knowledge entry shares: where a statement comes from and how sure we are of it."""

from dataclasses import dataclass
from typing import Any, Literal, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=False)
def entry(cls: type[T]) -> type[T]:
    """A frozen dataclass that takes no unknown keys when it is read from a file.

    Plain dataclasses, not pydantic models: pydantic checks them when the knowledge is built, and a
    cached copy is loaded without it in a tenth of the time.
    """
    made: Any = dataclass(frozen=True, slots=True, kw_only=True, eq=False)(cls)
    made.__pydantic_config__ = {"extra": "forbid"}
    made.__getstate__, made.__setstate__ = _packed, _unpack
    return made  # type: ignore[no-any-return]


def _packed(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in self.__dataclass_fields__)


def _unpack(self: Any, values: tuple[Any, ...]) -> None:
    """What dataclasses do, at half the cost: a run reads thousands of entries from the cache."""
    put = object.__setattr__
    for name, value in zip(self.__dataclass_fields__, values, strict=True):
        put(self, name, value)


Mark = Literal["seen", "recalled", "derived", "assumed"]
"""How a figure got here: read in the source, from memory, computed from marked figures, or our own choice."""

Severity = Literal["contraindicated", "avoid", "caution", "monitor", "info"]
"""Of a rule that applies, gravest first."""

SEVERITIES: tuple[Severity, ...] = ("contraindicated", "avoid", "caution", "monitor", "info")


@entry
class Citation:
    """One place in one source. `key` is a file under sources/; `at` is the section, table or page."""

    key: str
    at: str = ""
    mark: Mark


@entry
class Source:
    """A label, guideline, paper, code list or policy that entries cite."""

    id: str
    title: str
    kind: Literal["label", "guideline", "regulator", "paper", "reference", "terminology", "policy"]
    year: int | None = None
    authors: str = ""
    where: str = ""
    """Journal, volume and pages; or the publisher."""
    doi: str = ""
    pmid: str = ""
    url: str = ""
    note: str = ""
