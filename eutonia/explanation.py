"""`eutonia why`: an entry of the knowledge with its data, sources and examples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any

from eutonia.errors import InputError
from eutonia.knowledge import Knowledge, load
from eutonia.knowledge.load import SECTIONS

ORDER = ("rules", "claims", "drugs", "therapies", "features", *SECTIONS)
"""Where an id stands in several sections, the first of these is told first."""


def explain(entry_id: str, knowledge: Knowledge | None = None) -> dict[str, Any]:
    """Everything known under `entry_id`, its sources spelled out; `also` holds what other sections say of it.

    A single number has the place in its entry as its id: `carisoprodol.kinetics.clearance`. A medicine may be
    named by its brand. Raises InputError, with the nearest id, where there is no such entry.
    """
    knowledge = knowledge or load()
    first, *path = entry_id.strip().split(".")
    found = _entries(first, knowledge) or _entries(_drug_named(first, knowledge), knowledge)
    if path:
        found = [(name, part) for name, entry in found if (part := _walk(entry, path)) is not None]
    if not found:
        raise InputError(f"Nothing is known under “{entry_id}”.{_hint(entry_id, knowledge)}")
    told = [_told_entry(section, entry_id, entry, knowledge) for section, entry in found]
    return {**told[0], "also": told[1:]} if len(told) > 1 else told[0]


def _entries(entry_id: str, knowledge: Knowledge) -> list[tuple[str, Any]]:
    sections = dict.fromkeys(ORDER)
    return [(s, knowledge.section(s)[entry_id]) for s in sections if entry_id in knowledge.section(s)]


def _drug_named(text: str, knowledge: Knowledge) -> str:
    from eutonia.formulary import recognise

    found = recognise(text, None, knowledge)
    return found.ingredients[0].drug if found and len(found.ingredients) == 1 else ""


def _walk(entry: Any, path: Sequence[str]) -> Any:
    for step in path:
        entry = entry.get(step) if isinstance(entry, Mapping) else getattr(entry, step, None)
    return entry


def _told_entry(section: str, entry_id: str, entry: Any, knowledge: Knowledge) -> dict[str, Any]:
    plain = _plain(entry)
    told = plain if isinstance(plain, dict) else {"value": plain}
    return {"section": section, "id": entry_id, **told, **_sources(entry, knowledge)}


def _hint(entry_id: str, knowledge: Knowledge) -> str:
    every = list(dict.fromkeys(name for section in SECTIONS for name in knowledge.section(section)))
    close = get_close_matches(entry_id, every, n=3)
    return f" Did you mean {', '.join(close)}?" if close else ""


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
    """An explanation for reading: one line per fact, sources last; then what other sections say."""
    head = f"{entry.get('title', entry['id'])}  [{entry['section']}/{entry['id']}]"
    apart = ("section", "id", "title", "sources", "also")
    lines = [
        head,
        *(line for name, value in entry.items() if name not in apart for line in _told(name, value)),
    ]
    lines += [_cited(source) for source in entry.get("sources", ())]
    return "\n".join([*lines, *("\n" + explanation_text(other) for other in entry.get("also", ()))])


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
