"""An article's text → blocks (headings, paragraphs, list items, table cells), with their place in the text.

HTML is read by selectolax (Lexbor: a browser's own parsing rules, fast, no dependencies); nothing in it is run.
Spans of an HTML article point into the visible text that is extracted here, since markup may stand within a sentence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

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
_HIDDEN = {
    "script",
    "style",
    "template",
    "noscript",
    "head",
    "title",
    "svg",
    "iframe",
    "object",
    "select",
    "textarea",
}
_BREAKING = {"p", "div", "section", "article", "main", "header", "footer", "aside", "nav", "blockquote", "figure", "figcaption", "pre",
             "ul", "ol", "dl", "dt", "dd", "li", "table", "tr", "form", "address", "details", "summary", "br", "hr", "caption",
             "thead", "tbody", "h1", "h2", "h3", "h4", "h5", "h6"}  # fmt: skip
_TICKS = "✓✔✅☑🗸"
_CROSSES = "✗✘❌✖🗙☒"
_BULLET = re.compile(
    rf"[ \t]*(?:(?:[-*+•·▪▸►→‣◦●○–—]|\(?\d{{1,2}}[.)]|[a-z]\))[ \t]+|[{_TICKS}{_CROSSES}]\ufe0f?[ \t]*)+"
)
_HEADING = re.compile(r"[ \t]*(#{1,6})[ \t]+")
_UNDERLINE = re.compile(r"[ \t]*(=+|-{3,})[ \t]*$")
_RULE_ROW = re.compile(r"[\s|:+=-]+$")
_ENDS = re.compile(r"[.!?:;…][\"'”’)*_]*\s*$")


def is_html(text: str) -> bool:
    return _MARKUP.search(text) is not None


def visible_text(html: str) -> str:
    """What a reader of the page sees, in the notation of plain text: `#` headings, `-` items, `|` table cells."""
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(html).root
    if root is None:
        return ""
    pieces: list[str] = []
    node = root
    depth_done = False
    while node is not None:  # not recursive: nesting is the author's to choose
        tag = node.tag or ""
        if not depth_done:
            if tag == "-text":
                pieces.append(re.sub(r"\s+", " ", node.text_content or ""))
            elif tag not in _HIDDEN and not tag.startswith(("-", "!", "_")):
                pieces.append(_opening(tag))
                if node.first_child is not None:
                    node = node.first_child
                    continue
        if tag in _BREAKING:
            pieces.append("\n\n" if tag not in ("li", "tr", "br") else "\n")
        elif tag in ("td", "th"):
            pieces.append(" | ")
        if node.next is not None:
            node, depth_done = node.next, False
        else:
            node, depth_done = node.parent, True
            if node is None or node == root:
                break
    text = re.sub(r"[ \t]+", " ", "".join(pieces))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text)).strip() + "\n"


def _opening(tag: str) -> str:
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
                    found += [Block(*cell, "heading", 9) for cell in cells[:0]]
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
        mark = (
            "+"
            if any(c in _TICKS for c in bullet[0])
            else "-"
            if any(c in _CROSSES for c in bullet[0])
            else ""
        )
        found += _marked_items(text, start + bullet.end(), end, mark)
        return after
    if _looks_like_heading(line, next_line, text, end):
        found.append(Block(*_trim(text, start, end), "heading", 6))
        return after
    while (
        after < len(lines)
        and lines[after][0] == end + 1
        and _goes_on(text[start:end], text[slice(*lines[after])])
    ):
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
        mark = "+" if m[0][0] in _TICKS else "-" if m[0][0] in _CROSSES else ""
    if place < end:
        yield Block(*_trim(text, place, end), kind, mark=mark)


def _looks_like_heading(line: str, next_line: str, text: str, end: int) -> bool:
    """A short line without a full stop that stands apart, or that a colon ends."""
    bare = line.strip().strip("*_").strip()
    words = bare.split()
    if bare.endswith(":") and _BULLET.match(next_line):
        return len(words) <= 30
    if not words or len(words) > 12 or re.search(r"[.!…;,]$", bare):
        return False
    bold = line.strip().startswith("**") and line.strip().endswith("**")
    apart = text[end : end + 2] == "\n\n" or bool(_BULLET.match(next_line))
    return (
        bold
        or bare.endswith(":")
        or (apart and (bare.endswith("?") or _title_case(words)))
        or (_title_case(words) and len(words) <= 8 and len(next_line.split()) > 8)
    )


def _title_case(words: list[str]) -> bool:
    long = [word for word in words if len(word) > 3 and word[0].isalpha()]
    return bool(long) and sum(word[0].isupper() for word in long) >= 0.7 * len(long)


def _goes_on(line: str, following: str) -> bool:
    """Whether a paragraph that was wrapped at the margin goes on in the next line."""
    if not following.strip() or _BULLET.match(following) or _HEADING.match(following) or _is_row(following):
        return False
    last = line.rsplit("\n", 1)[-1]
    return following.lstrip()[:1].islower() or (
        len(last) >= 55
        and not following.lstrip().startswith(("Q:", "A:", "**"))
        and (not _ENDS.search(last) or len(last) >= 60)
    )
