"""Blocks → sentences, each with the headings it stands under and whether its author stands behind it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from eutonia.claims.blocks import LEAD_IN, Block, blocks
from eutonia.knowledge.articles import Language


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch `[start, end)` of the text, with what its reader has in mind."""

    start: int
    end: int
    words: str
    """What is analysed: the sentence, with the headings of its row and column where it is a table cell."""
    block: Block
    number: int
    """Of its block: sentences of one block share their subject."""
    headings: tuple[str, ...]
    """The headings above it, greatest first."""
    lead_in: str = ""
    """Of a list's item: the line that introduces the list."""
    labels: tuple[str, ...] = ()
    """Of a table cell: the headings of its column and row."""


LONGEST = 600
"""Characters of a sentence; what is longer is cut."""
_END = re.compile(r"(?<![.!?…])(?:[.!?…]++[\"'”’)\]*_]*+)(?=\s|$)|[.!?](?=[A-Z][a-z])")
_QA = re.compile(r"\s*(?:\*\*)?(?:q(?:uestion)?|a(?:nswer)?)\s*\d*\s*[:.)]\s*(?:\*\*)?\s*", re.IGNORECASE)


def sentences(text: str, language: Language) -> list[Sentence]:
    """Every sentence, fragment of a list and cell of a table, in order; headings too."""
    found: list[Sentence] = []
    above: list[tuple[int, str]] = []
    for number, block in enumerate(blocks(text)):
        if block.kind == "heading":
            above = [(level, words) for level, words in above if level < block.level]
        headings = tuple(words for _, words in above)
        leads = block.kind == "item" and above and above[-1][0] == LEAD_IN
        lead_in = above[-1][1] if leads else ""
        labels = tuple(text[start:end] for start, end in block.labels)
        for start, end in split(text, block.start, block.end, language):
            lead = _QA.match(text, start, end)
            begin = lead.end() if lead and lead.end() < end else start
            found.append(Sentence(begin, end, text[begin:end], block, number, headings, lead_in, labels))
        if block.kind == "heading":
            above.append((block.level, text[block.start : block.end]))
    return found


def split(text: str, start: int, end: int, language: Language) -> list[tuple[int, int]]:
    """The spans of the sentences in one block."""
    spans = []
    begin = start
    for match in _END.finditer(text, start, end):
        if _ends(text, begin, match, end, language):
            spans.append((begin, match.end()))
            begin = match.end()
    spans.append((begin, end))
    spans = [part for span in spans for part in _short(text, *span)]
    trimmed = [_trim(text, *span) for span in spans]
    return [(a, b) for a, b in trimmed if b > a]


def _short(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A text without full stops, cut between words: nothing of such a length is one statement."""
    while end - start > LONGEST:
        cut = max(text.rfind(" ", start, start + LONGEST), text.rfind("\n", start, start + LONGEST))
        cut = cut if cut > start else start + LONGEST
        yield start, cut
        start = cut
    yield start, end


def _ends(text: str, begin: int, match: re.Match[str], end: int, language: Language) -> bool:
    if match[0][0] != ".":
        return True
    last = re.search(r"([\w.]+)$", text[begin : match.start()][-30:])
    word = last[1].lower() if last else ""
    following = text[match.end() : min(end, match.end() + 4)].lstrip("\"'“‘(*_ \n\t\r\u00a0")
    if word in language.abbreviations and not (word == "no" and following[:1].isalpha()):
        return False
    if len(word) == 1 and word.isalpha() and word != "i":  # an initial
        return False
    return not following[:1].islower()


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start].isspace() or text[start] in "*_`>\u200e\u200f"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in "*_`"):
        end -= 1
    return start, end
