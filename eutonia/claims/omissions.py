"""What an honest article on its topic would have said, and this one does not."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from eutonia.claims.concepts import Lexicon
from eutonia.claims.matching import holds, index, part
from eutonia.claims.mentions import Mention, Reading
from eutonia.knowledge.articles import Omission

ABOUT = 0.2
"""An article is about a topic that has at least this share of all mentions."""


@dataclass(frozen=True, slots=True)
class Omitted:
    entry: Omission
    topic: str


def omitted(
    topics: list[str], readings: list[Reading], entries: Iterable[Omission], lexicon: Lexicon
) -> Iterator[Omitted]:
    """The entries on the article's topics that no clause mentions."""
    mentions = [topic for reading in readings for topic in reading.topics]
    about = {
        name
        for topic in topics
        if mentions.count(topic) >= ABOUT * len(mentions)
        for name in lexicon.family(topic)
    }
    seen = [(index(reading, lexicon), reading) for reading in readings]
    for entry in entries:
        if entry.about in about and not any(_said(line, seen) for line in entry.says):
            yield Omitted(entry, entry.about)


def _said(line: str, seen: list[tuple[Mapping[str, list[Mention]], Reading]]) -> bool:
    groups = [[part(text) for text in group.split("|")] for group in line.split("&")]
    return any(all(holds(group, found, reading.quantities) for group in groups) for found, reading in seen)
