"""An article's text → blocks (headings, paragraphs, list items, table cells), with their place in the text.

HTML is read by selectolax (Lexbor: a browser's own parsing rules, fast, no dependencies); nothing in it is run.
Spans of an HTML article point into the visible text that is extracted here, since markup may stand within a sentence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from eutonia.errors import InputError

Kind = Literal["heading", "paragraph", "item", "cell"]


@dataclass(frozen=True, slots=True)
class Block:
    """One stretch `[start, end)` of the text."""

    start: int
    end: int
    kind: Kind
    level: int = 0
    """Of a heading, 1 the greatest."""
    mark: str = ""
    """“+” where the item carries a tick, “-” where it carries a cross."""
    labels: tuple[tuple[int, int], ...] = ()
    """Of a table cell: the spans of its column's and its row's heading."""


_MARKUP = re.compile(
    r"<!doctype|<(?:html|head|body|script)\b|</(?:p|div|h[1-6]|li|ul|ol|table|tr|td|article|section|a|span|b|strong|em|i)\s*>",
    re.IGNORECASE,
)
_HIDDEN = frozenset(re.findall(
    r"\w+", "script style template noscript head title svg iframe object select textarea audio video canvas math"
))  # fmt: skip
_BREAKING = frozenset(re.findall(
    r"\w+",
    "p div section article main header footer aside nav blockquote figure figcaption pre ul ol dl dt dd li table tr "
    "form address details summary br hr caption h1 h2 h3 h4 h5 h6",
))  # fmt: skip
_NESTS = re.compile(
    r"<(/?)(?!(?:p|li|d[td]|t[rdh]|option|br|hr|img|input|meta|link|wbr|col|source)\b)[a-z][^<>]*?(/?)>", re.I
)
DEEPEST = 500
"""Elements within each other; browsers stop near this too, and parsing takes the square of it."""
_TICKS = "✓✔✅☑🗸"
_CROSSES = "✗✘❌✖🗙☒"
_BULLET = re.compile(
    rf"[ \t]*(?:(?:[-*+•·▪▸►→‣◦●○–—]|\(?\d{{1,2}}[.)]|[a-z]\))[ \t]+|[{_TICKS}{_CROSSES}]\ufe0f?[ \t]*)+"
)
_HEADING = re.compile(r"[ \t]*(#{1,6})[ \t]+")
LEAD_IN = 6
"""Level of a line that stands over a list or paragraph and is not marked as a heading."""
_UNDERLINE = re.compile(r"[ \t]*(=+|-{3,})[ \t]*$")
_RULE_ROW = re.compile(r"[\s|:+=-]+$")
_ENDS = re.compile(r"[.!?:;…][\"'”’)*_]*\s*$")


def is_html(text: str) -> bool:
    return _MARKUP.search(text) is not None


def visible_text(html: str) -> str:
    """What a reader of the page sees, in the notation of plain text: `#` headings, `-` items, `|` table cells."""
    from selectolax.lexbor import LexborHTMLParser

    _check_depth(html)
    pieces: list[str] = []
    node, entering, cells = LexborHTMLParser(html).root, True, 0
    while node is not None:  # not recursive: how deep it goes is the author's to choose
        tag = node.tag or ""
        if entering:
            if tag == "-text":
                pieces.append(re.sub(r"\s+", " ", node.text_content or ""))
            elif tag not in _HIDDEN and not tag.startswith(("-", "!", "_")):
                cells += tag in ("td", "th")
                pieces.append(_opening(tag) if not cells else "")
                if node.first_child is not None:
                    node = node.first_child
                    continue
        if tag in ("td", "th"):
            cells = max(0, cells - 1)
            pieces.append(" | ")
        elif tag in _BREAKING:
            pieces.append(" " if cells else _CLOSING.get(tag, "\n\n"))
        entering = node.next is not None
        node = node.next or node.parent
    text = re.sub(r"[ \t]+", " ", "".join(pieces))
    text = re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text))
    return re.sub(r"(?m)^(-|\|)\s*\n+", r"\1 ", text).strip() + "\n"


def _check_depth(html: str) -> None:
    depth = deepest = 0
    for match in _NESTS.finditer(html):
        depth = max(0, depth - 1) if match[1] else depth + (not match[2])
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise InputError(
            f"The HTML has {deepest:,} elements within each other; no article needs so many. Give its text."
        )


_CLOSING = {"li": "", "tr": "", "br": "\n"}


def _opening(tag: str) -> str:
    if tag == "br":
        return ""
    if re.fullmatch(r"h[1-6]", tag):
        return "\n\n" + "#" * int(tag[1]) + " "
    if tag == "li":
        return "\n- "
    if tag == "tr":
        return "\n| "
    return "\n" if tag in _BREAKING else ""


def blocks(text: str) -> list[Block]:
    """Split plain text or Markdown into blocks, in order."""
    found: list[Block] = []
    lines = [(m.start(), m.end()) for m in re.finditer(r"[^\n]+", text)]
    position, header = 0, None
    while position < len(lines):
        start, end = lines[position]
        line = text[start:end]
        if not line.strip() or _UNDERLINE.match(line):
            position += 1
            continue
        if _is_row(line):
            if not _RULE_ROW.fullmatch(line):
                cells = _cells(text, start, end)
                follows = (
                    position > 0
                    and _is_row(text[slice(*lines[position - 1])])
                    and lines[position - 1][1] + 1 == start
                )
                header = header if header is not None and follows else None
                if header is None:
                    header = cells
                else:
                    found += _body_cells(cells, header)
            position += 1
            continue
        header = None
        position = _line_block(text, lines, position, found)
    return found


def _is_row(line: str) -> bool:
    return line.count("|") >= 2 or (line.count("|") == 1 and " | " in line) or line.strip().count("\t") >= 1


def _cells(text: str, start: int, end: int) -> list[tuple[int, int]]:
    line = text[start:end]
    divider = "|" if "|" in line else "\t"
    cells = [(start + m.start(), start + m.end()) for m in re.finditer(rf"[^{re.escape(divider)}]+", line)]
    trimmed = [_trim(text, *cell) for cell in cells]
    return [cell for cell in trimmed if cell[0] < cell[1]] if divider == "|" else trimmed


def _body_cells(cells: list[tuple[int, int]], header: list[tuple[int, int]]) -> Iterator[Block]:
    row_label = cells[0] if cells else None
    for number, cell in enumerate(cells[1:], start=1):
        # A header without a corner cell is one shorter than its rows.
        column = number if len(header) >= len(cells) else number - 1
        labels = [header[column]] if 0 <= column < len(header) else []
        yield Block(*cell, "cell", labels=tuple([*labels, row_label] if row_label else labels))


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start].isspace() or text[start] in "*_`>#"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in "*_`#"):
        end -= 1
    return start, end


def _line_block(text: str, lines: list[tuple[int, int]], position: int, found: list[Block]) -> int:
    """Add the block that begins at line `position`; return the line after it."""
    start, end = lines[position]
    line = text[start:end]
    after = position + 1
    next_line = text[slice(*lines[after])] if after < len(lines) and lines[after][0] == end + 1 else ""
    heading = _HEADING.match(line)
    bullet = _BULLET.match(line)
    if heading:
        found.append(Block(*_trim(text, start + heading.end(), end), "heading", len(heading[1])))
        return after
    if _UNDERLINE.match(next_line) and next_line:
        found.append(Block(*_trim(text, start, end), "heading", 1 if "=" in next_line else 2))
        return after + 1
    if bullet:
        found += _marked_items(text, start + bullet.end(), end, _mark(bullet[0]))
        return after
    following = text[slice(*lines[after])] if after < len(lines) else ""
    if _looks_like_heading(line, next_line) or _leads_in(line, following):
        found.append(Block(*_trim(text, start, end), "heading", LEAD_IN))
        return after
    while after < len(lines) and lines[after][0] == end + 1:
        if not _goes_on(text[slice(*lines[after - 1])], text[slice(*lines[after])]):
            break
        end = lines[after][1]
        after += 1
    found += _marked_items(text, start, end, "", "paragraph")
    return after


def _marked_items(text: str, start: int, end: int, mark: str, kind: Kind = "item") -> Iterator[Block]:
    """Split a line at the ticks, crosses and bullets that stand within it."""
    place = start
    for m in re.finditer(rf"[{_TICKS}{_CROSSES}•]\ufe0f?", text[start:end]):
        if start + m.start() > place:
            yield Block(*_trim(text, place, start + m.start()), kind, mark=mark)
        place, kind = start + m.end(), "item"
        mark = _mark(m[0])
    if place < end:
        yield Block(*_trim(text, place, end), kind, mark=mark)


def _mark(bullet: str) -> str:
    if any(c in _TICKS for c in bullet):
        return "+"
    return "-" if any(c in _CROSSES for c in bullet) else ""


def _looks_like_heading(line: str, next_line: str) -> bool:
    """A short line without a full stop that stands apart, or that a colon ends."""
    bare = line.strip().strip("*_").strip()
    words = bare.split()
    if bare.endswith(":") and _BULLET.match(next_line):
        return len(words) <= 30
    if not words or len(words) > 12 or re.search(r"[.!…;,]$", bare):
        return False
    bold = line.strip().startswith("**") and line.strip().endswith("**")
    apart = not next_line.strip() or bool(_BULLET.match(next_line))
    return (
        bold
        or bare.endswith(":")
        or (apart and (bare.endswith("?") or _title_case(words)))
        or (_title_case(words) and len(words) <= 8 and len(next_line.split()) > 8)
    )


def _leads_in(line: str, following: str) -> bool:
    """“Tell your doctor if you” before a list, whether a colon ends it or not."""
    ends = re.search(r"[.!?…;,][\"'”’)*_]*$", line.strip())
    return bool(_BULLET.match(following)) and not ends and 2 < len(line.split()) <= 30


def _title_case(words: list[str]) -> bool:
    long = [word for word in words if len(word) > 3 and word[0].isalpha()]
    return bool(long) and sum(word[0].isupper() for word in long) >= 0.7 * len(long)


def _goes_on(line: str, following: str) -> bool:
    """Whether a paragraph that was wrapped at the margin goes on in the next line."""
    if not following.strip() or _BULLET.match(following) or _HEADING.match(following) or _is_row(following):
        return False
    if following.lstrip()[:1].islower():
        return True
    ends = 60 if _ENDS.search(line) else 55
    return len(line.rstrip()) >= ends and not following.lstrip().startswith(("Q:", "A:", "**"))
