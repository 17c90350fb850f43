"""The lines that rules are written in: SQL conditions over features.

`rules.py` turns a parsed condition into an expression over a table; `rowwise.py` into a function of one patient.

    condition  = either (OR either)*
    either     = part (AND part)*
    part       = NOT part | ( condition ) | feature [comparison]
    comparison = < 1 | <= 1 | > 1 | >= 1 | = 1 | = 'word' | BETWEEN 1 AND 2 | IN ('word', ...)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

Constant = float | str
Comparison = Literal["<", "<=", ">", ">=", "=", "between", "in"]


@dataclass(frozen=True, slots=True)
class Known:
    """A feature that is true or false by itself."""

    feature: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A feature beside constants."""

    feature: str
    by: Comparison
    to: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


@dataclass(frozen=True, slots=True)
class Every:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple[Condition, ...]


Condition = Known | Compared | Not | Every | Some

_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*)|(\d+(?:\.\d+)?)|('[^']*')|(<=|>=|[<>=(),]))")
_WORDS = {"AND", "OR", "NOT", "BETWEEN", "IN"}


@cache
def parsed(line: str) -> Condition:
    """Read one line. Raises ValueError, saying what was expected where."""
    reader = _Reader(line)
    found = reader.condition()
    if reader.next:
        raise ValueError(f"“{reader.next}” is not expected there")
    return found


class _Reader:
    """Reads a condition from left to right; `next` is the token ahead, empty at the end."""

    def __init__(self, line: str) -> None:
        self._tokens = _tokens(line)
        self.next = ""
        self._advance()

    def _advance(self) -> str:
        taken, self.next = self.next, next(self._tokens, "")
        return taken

    def _took(self, token: str) -> bool:
        if self.next != token:
            return False
        self._advance()
        return True

    def _expect(self, token: str) -> None:
        if not self._took(token):
            raise ValueError(f"“{token}” is expected before “{self.next or 'the end'}”")

    def condition(self) -> Condition:
        parts = [self._either()]
        while self._took("OR"):
            parts.append(self._either())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _either(self) -> Condition:
        parts = [self._part()]
        while self._took("AND"):
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _part(self) -> Condition:
        if self._took("NOT"):
            return Not(self._part())
        if self._took("("):
            inner = self.condition()
            self._expect(")")
            return inner
        name = self._advance()
        if name in _WORDS or not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ValueError(f"a feature is expected in place of “{name or 'the end'}”")
        return self._compared(name)

    def _compared(self, name: str) -> Condition:
        if self._took("BETWEEN"):
            low = self._constant()
            self._expect("AND")
            return Compared(name, "between", (low, self._constant()))
        if self._took("IN"):
            self._expect("(")
            words = [self._constant()]
            while self._took(","):
                words.append(self._constant())
            self._expect(")")
            return Compared(name, "in", tuple(words))
        by: Comparison
        for by in ("<", "<=", ">", ">=", "="):
            if self._took(by):
                return Compared(name, by, (self._constant(),))
        return Known(name)

    def _constant(self) -> Constant:
        token = self._advance()
        if token.startswith("'"):
            return token[1:-1]
        if not token[:1].isdigit():
            raise ValueError(f"a number or a word in quotes is expected in place of “{token or 'the end'}”")
        return float(token)


def _tokens(line: str) -> Iterator[str]:
    at, line = 0, line.rstrip()
    while at < len(line):
        found = _TOKEN.match(line, at)
        if not found:
            raise ValueError(f"“{line[at:].strip()}” cannot be read")
        at = found.end()
        token = found[0].strip()
        yield token.upper() if token.upper() in _WORDS else token


def names_in(condition: Condition) -> tuple[str, ...]:
    """The features that a condition names, in the order they are read."""
    if isinstance(condition, Known | Compared):
        return (condition.feature,)
    parts = (condition.part,) if isinstance(condition, Not) else condition.parts
    return tuple(dict.fromkeys(name for part in parts for name in names_in(part)))
