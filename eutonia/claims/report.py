"""Claims → words: the text with its claims marked, for a terminal and as a page."""

import re
from collections import Counter
from collections.abc import Iterator

import click

from eutonia.claims.checking import CheckedClaim, Claims
from eutonia.knowledge.articles import Judgement
from eutonia.terminal import bold, wrapped

BELOW = " " * 4

VERDICTS: dict[Judgement, tuple[str, str]] = {
    "wrong": ("✗", "red"),
    "misleading": ("!", "yellow"),
    "unproven": ("?", "cyan"),
    "supported": ("✓", "green"),
}
"""Verdict → its sign and colour, gravest first."""

NOT_A_DOCTOR = (
    "This checks statements against eutonia's knowledge. It does not replace a professional's advice."
)


def summary(claims: Claims) -> str:
    """What was found, without pretending to a score of the whole article."""
    counted = Counter(claim.verdict for claim in claims.claims)
    found = ", ".join(f"{counted[verdict]} {verdict}" for verdict in VERDICTS if counted[verdict])
    matched = f"{claims.sentences_matched} of {claims.sentences} sentences make a claim that is known here"
    rest = "The others were not judged: that says nothing about whether they are true."
    return (
        f"{matched}: {found}. {rest}"
        if found
        else f"No known claim was found in {claims.sentences} sentences. {rest}"
    )


def as_text(claims: Claims, text: str, width: int = 80) -> str:
    """The article with its claims marked, what is to be said on each, and what is missing."""
    lines = [
        *_marked(claims, claims.text or text, width),
        "",
        bold("What the claims are worth"),
        "",
    ]
    for number, claim in enumerate(claims.claims, start=1):
        sign, colour = VERDICTS[claim.verdict]
        verdict = click.style(f"{sign} [{number}] {claim.verdict}  ", fg=colour, bold=True)
        lines += wrapped(claim.statement, width, verdict, BELOW)
        lines += wrapped(claim.correction, width, BELOW, BELOW)
        lines += wrapped(f"Source: {_sources(claim)} ({claim.claim})", width, BELOW, BELOW)
        lines.append("")
    if claims.omissions:
        lines += [bold("What is left out"), ""]
        for omission in claims.omissions:
            lines += map(bold, wrapped(f"{omission.title} ({omission.topic})", width, "- ", BELOW))
            lines += wrapped(omission.why, width, BELOW, BELOW)
        lines.append("")
    lines += wrapped(summary(claims), width) + wrapped(NOT_A_DOCTOR, width)
    return "\n".join(lines)


def _marked(claims: Claims, text: str, width: int) -> list[str]:
    """The lines of the article, its claims styled and numbered."""
    pieces: list[str] = []
    styles: list[tuple[int, str]] = []
    place = seen = 0
    for start, end, numbers, worst in spans(claims):
        before, within = printable(text[place:start]), printable(text[start:end])
        marks = "".join(f"[{VERDICTS[claims.claims[n - 1].verdict][0]}{n}]" for n in numbers)
        pieces += [before, within, f" {marks}"]
        seen += _visible(before)
        styles.append((seen, click.style("", fg=VERDICTS[worst][1], underline=True, reset=False)))
        seen += _visible(within)
        styles.append((seen, _CLOSES))
        seen += _visible(marks)
        place = end
    words = "".join([*pieces, printable(text[place:])])
    lines = []
    for line in words.strip("\n").split("\n"):
        lead = _LEAD.match(line)
        lines += wrapped(line, width, rest=" " * len(lead[0]) if lead else "")
    return _styled("\n".join(lines), styles).split("\n")


def _visible(text: str) -> int:
    """Characters that are no space: wrapping leaves these as they are."""
    return sum(not c.isspace() for c in text)


def _styled(text: str, styles: list[tuple[int, str]]) -> str:
    """The text with each style after so many visible characters: before the next one where it opens, else at once."""
    pieces = []
    seen = begun = 0
    waiting = iter([*styles, (-1, "")])
    at, style = next(waiting)
    for place, c in enumerate(text):
        if c.isspace():
            continue
        while seen == at:
            pieces += [text[begun:place].rstrip() if style == _CLOSES else text[begun:place], style]
            begun = begun + len(pieces[-2])
            at, style = next(waiting)
        seen += 1
    return "".join([*pieces, text[begun:]])


_CLOSES = click.style("")
_LEAD = re.compile(r"\s*(?:(?:[-*+•]|\d+[.)])\s+)?")


def spans(claims: Claims) -> Iterator[tuple[int, int, list[int], Judgement]]:
    """Marked stretches in order: start, end, the numbers of their claims (from 1), their gravest verdict."""
    places: dict[tuple[int, int], list[int]] = {}
    for number, claim in enumerate(claims.claims, start=1):
        places.setdefault((claim.start, claim.end), []).append(number)
    order = list(VERDICTS)
    for (start, end), numbers in sorted(places.items()):
        verdicts = [claims.claims[n - 1].verdict for n in numbers]
        yield start, end, numbers, min(verdicts, key=order.index)


def printable(text: str) -> str:
    """The text without control characters, which could repaint the reader's terminal or turn its lines round."""
    return "".join(c for c in text if c in "\n\t" or (c.isprintable() and c not in _TURNING))


_TURNING = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)}


def _sources(claim: CheckedClaim) -> str:
    return "; ".join(
        f"{s.title}, {s.at} [{s.mark}]" if s.at else f"{s.title} [{s.mark}]" for s in claim.sources
    )


def as_page(claims: Claims, text: str) -> str:
    """One self-contained HTML page; everything from the article is escaped."""
    from jinja2 import Environment, PackageLoader

    seen = claims.text or text
    parts: list[dict[str, object]] = []
    place = 0
    for start, end, numbers, worst in spans(claims):
        parts.append({"text": printable(seen[place:start])})
        parts.append({"text": printable(seen[start:end]), "numbers": numbers, "verdict": worst})
        place = end
    parts.append({"text": printable(seen[place:])})
    page = Environment(loader=PackageLoader("eutonia.claims", "."), autoescape=True).get_template("page.html")
    return page.render(parts=parts, claims=claims, signs={v: s for v, (s, _) in VERDICTS.items()},
                       summary=summary(claims), not_a_doctor=NOT_A_DOCTOR)  # fmt: skip
