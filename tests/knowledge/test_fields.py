"""Every field that a knowledge file may have is read by something."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]

TOLD_ALONE = {
    "Source.pmid", "Trial.identifier_mark", "Trial.setting", "Rule.tier", "Drug.omop_concept_id",
    "Claim.decided_by", "Basis.finds",
}  # fmt: skip
"""Fields that `eutonia why` tells and these tests check, and nothing computes with."""
BY_KIND_OF_PAIN = {"Effects.pain_persistent"}
"""Fields whose name is put together from the kind of pain."""


def _read() -> set[str]:
    """Names that are read as attributes in code and templates, or stand as a word that picks an attribute."""
    found: set[str] = set()
    for folder in ("eutonia", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    found.add(node.attr)
                elif (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and node.value.isidentifier()
                ):
                    found.add(node.value)
    for template in (ROOT / "eutonia").rglob("*.j2"):
        found |= set(re.findall(r"\.(\w+)", template.read_text()))
    return found


def _fields() -> Iterator[tuple[str, str]]:
    for path in (ROOT / "eutonia" / "knowledge").glob("*.py"):
        module = import_module(f"eutonia.knowledge.{path.stem}")
        for kind in vars(module).values():
            read_from_files = is_dataclass(kind) and hasattr(kind, "__pydantic_config__")
            if read_from_files and kind.__module__ == module.__name__:
                yield from ((kind.__name__, field.name) for field in fields(kind))


def test_every_field_of_an_entry_is_read_somewhere() -> None:
    read = _read()
    unread = {f"{kind}.{name}" for kind, name in _fields() if name not in read}
    assert unread == TOLD_ALONE | BY_KIND_OF_PAIN
