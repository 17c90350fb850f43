"""`eutonia why`: an entry of the knowledge with its data, sources and examples."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any

from eutonia.errors import InputError
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.load import SECTIONS

ORDER = ("rules", "drugs", "therapies", *SECTIONS)
"""Where an id stands in several sections, the first of these is meant."""


def explain(entry_id: str, knowledge: Knowledge | None = None) -> dict[str, Any]:
    """Everything known under `entry_id`, its sources spelled out.

    Raises InputError, with the nearest id, where there is no such entry.
    """
    knowledge = knowledge or load()
    for section in dict.fromkeys(ORDER):
        entry = knowledge.section(section).get(entry_id)
        if entry is not None:
            return {"section": section, **_plain(entry), **_sources(entry, knowledge)}
    every = [name for section in SECTIONS for name in knowledge.section(section)]
    close = get_close_matches(entry_id, every, n=3)
    hint = f" Did you mean {', '.join(close)}?" if close else ""
    raise InputError(f"Nothing is known under “{entry_id}”.{hint}")


def _plain(value: Any) -> Any:
    """Dataclasses as mappings, without what is empty."""
    if is_dataclass(value):
        pairs = ((f.name, _plain(getattr(value, f.name))) for f in fields(value))
        return {name: plain for name, plain in pairs if not _empty(plain)}
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value


def _empty(value: Any) -> bool:
    """Nothing to tell. Zero events are something."""
    return value is None or value is False or value in ("", (), [], {})


def _sources(entry: Any, knowledge: Knowledge) -> dict[str, Any]:
    cited = [(c, knowledge.sources[c.key]) for c in getattr(entry, "sources", ())]
    return (
        {"sources": [{**_plain(source), "at": c.at, "mark": c.mark} for c, source in cited]} if cited else {}
    )


def explanation_text(entry: Mapping[str, Any]) -> str:
    """An explanation for reading: one line per fact, sources last."""
    head = f"{entry.get('title', entry['id'])}  [{entry['section']}/{entry['id']}]"
    told = ("section", "id", "title", "sources")
    lines = [
        head,
        *(line for name, value in entry.items() if name not in told for line in _told(name, value)),
    ]
    lines += [_cited(source) for source in entry.get("sources", ())]
    return "\n".join(lines)


def _told(name: str, value: Any, indent: str = "  ") -> Iterator[str]:
    label = name.replace("_", " ")
    if isinstance(value, Mapping):
        yield f"{indent}{label}:"
        for key, part in value.items():
            yield from _told(str(key), part, indent + "  ")
    elif isinstance(value, list) and any(isinstance(part, Mapping | list) for part in value):
        yield f"{indent}{label}:"
        for part in value:
            yield f"{indent}  - {_inline(part)}"
    else:
        yield f"{indent}{label}: {_inline(value)}"


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_inline(part)}" for key, part in value.items())
    return ", ".join(map(_inline, value)) if isinstance(value, list) else str(value)


def _cited(source: Mapping[str, Any]) -> str:
    where = " ".join(str(source[k]) for k in ("authors", "title", "where", "year") if k in source)
    link = (
        f" https://doi.org/{source['doi']}"
        if "doi" in source
        else f" {source['url']}"
        if "url" in source
        else ""
    )
    return f"  source ({source['mark']}): {where}{', ' + source['at'] if source.get('at') else ''}{link}"
