"""What a sentence mentions, as the other modules hand it on."""

from dataclasses import dataclass

from eutonia.claims.quantities import Quantity

PUNCTUATION = frozenset(",;:.()—–%/")


@dataclass(frozen=True, slots=True)
class Mention:
    """A concept, topic (`@`) or small word (`#`) at the tokens `[start, end)`, affirmed (+1) or denied (-1)."""

    name: str
    start: int
    end: int
    sign: int = 1
    polar: bool = False
    only_if_denied: bool = False
    swallows: bool = False
    """Whether a topic within it is no topic of its own."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One clause: what it mentions and which topics are its subject or set aside."""

    mentions: tuple[Mention, ...]
    topics: tuple[str, ...]
    """Those spoken of, in order."""
    aside: frozenset[str]
    """Those it is compared with."""
    examples: frozenset[str]
    """Those named as examples of something else."""
    lists: tuple[frozenset[str], ...]
    """Those joined in lists (“Massage, yoga and heat help”), list by list."""
    choices: tuple[frozenset[str], ...]
    """Those joined by “or” (“Soma or Flexeril”), run by run: no combinations."""
    quantities: tuple[Quantity, ...]
    tokens: tuple[str, ...]
