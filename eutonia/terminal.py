"""Text for a terminal: lines no longer than it is wide, lists, and rows in columns.

What stands before a text may be styled; its colours take no room.
"""

from collections.abc import Iterable, Sequence
from textwrap import wrap

import click

LEAST_ROOM = 12
"""Columns in which the longest word of a table's last column fits."""


def bold(text: str) -> str:
    return click.style(text, bold=True)


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """The lines of `text`, the first one after `first` and the others after `rest`.

    Ids are words with hyphens, so nothing is broken at one.
    """
    lead = " " * len(click.unstyle(first))
    lines = wrap(text, width, initial_indent=lead, subsequent_indent=rest, break_on_hyphens=False)
    return [first + lines[0][len(lead) :], *lines[1:]] if lines else [first.rstrip()]


def listed(items: Iterable[str], width: int, mark: str = "  - ") -> list[str]:
    return [line for item in items for line in wrapped(item, width, mark, " " * len(mark))]


def table(rows: Sequence[Sequence[str]], sides: str, width: int, indent: str = "") -> list[str]:
    """Rows with columns as wide as they need, each put to its side (`<` or `>`).

    The words of a last column to the left go on below each other; where next to nothing is left, on lines of
    their own.
    """
    *sizes, widest = (max(map(len, column)) for column in zip(*rows, strict=True))
    room = width - len(indent) - sum(size + 2 for size in sizes)
    lines = []
    for *cells, last in rows:
        columns = zip(cells, sides[:-1], sizes, strict=True)
        lead = indent + "".join(f"{cell:{side}{size}}  " for cell, side, size in columns)
        if sides[-1] == ">":
            lines.append(f"{lead}{last:>{widest}}")
        elif room >= min(widest, LEAST_ROOM):
            lines += wrapped(last, width, lead, " " * len(lead))
        else:
            lines += [lead.rstrip(), *wrapped(last, width, indent + "    ", indent + "    ")]
    return lines
