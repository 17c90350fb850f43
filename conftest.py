"""Runs every example in README.md and docs/ as a test, in a folder with the demo patient.

Python blocks share one namespace per document. In a console block, each line that starts with `$ ` is a command
and what follows is its output on a terminal of 100 columns; `…` stands for any text.
"""

import re
import shlex
import traceback
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser

ROOT = Path(__file__).parent


def run_console(example: Example) -> str | None:
    """Run each command of a console block; None, or what differs."""
    for step in re.split(r"(?m)^\$ ", example.parsed)[1:]:
        command, _, expected = step.partition("\n")
        got = output_of(command)
        pattern = r"[\s\S]*?".join(re.escape(part) for part in expected.strip().split("…"))
        if expected.strip() and not re.fullmatch(pattern, got.strip()):
            return f"$ {command}\nprinted:\n{got}\nwhere the document says:\n{expected}"
    return None


def output_of(command: str) -> str:
    from eutonia.cli import main

    words = shlex.split(command)
    assert words[0] == "eutonia", f"only eutonia's own commands are run, not “{words[0]}”"
    result = CliRunner().invoke(main, words[1:], catch_exceptions=False, env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    return re.sub(r"[ \t]+$", "", result.output, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def in_a_folder_with_the_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Examples may read `demo/patient.json` and write files; nothing is written into the project."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "demo").symlink_to(ROOT / "demo")
    with chdir(folder):
        yield


def run_python(example: Example) -> str | None:
    """Run a Python block; None, or how it failed."""
    try:
        PythonEvaluator()(example)
    except Exception:
        return traceback.format_exc()
    return None


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser("python", run_python), CodeBlockParser("console", run_console), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    fixtures=["in_a_folder_with_the_demo"],
).pytest()
