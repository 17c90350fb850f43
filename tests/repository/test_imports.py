"""Modules import only from those before them (CONTRIBUTING.md, “Where things are”)."""

from importlinter.cli import lint_imports


def test_imports_flow_one_way() -> None:
    assert lint_imports(no_cache=True) == 0
