"""What contract users rely on: names, commands, formats."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

import eutonia
from eutonia.cli import COMMANDS, main
from eutonia.schemas import MODELS

NAMES = [
    "read",
    "assess",
    "simulate",
    "population",
    "exposure",
    "taper",
    "compare",
    "evidence",
    "check",
    "screen",
]


@pytest.mark.parametrize("name", NAMES)
def test_each_public_name_is_there(name: str) -> None:
    assert callable(getattr(eutonia, name))


def test_meta_is_a_module_of_functions() -> None:
    assert callable(eutonia.meta.pool)
    assert callable(eutonia.meta.network)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match="assess"):
        eutonia.asess  # noqa: B018


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: eutonia {command}" in " ".join(result.output.split())


@pytest.mark.parametrize("name", MODELS)
def test_each_format_is_published_as_json_schema(name: str) -> None:
    result = CliRunner().invoke(main, ["schema", name])
    assert result.exit_code == 0
    assert json.loads(result.output)["properties"]


def test_importing_eutonia_imports_nothing_heavy() -> None:
    code = "import eutonia, sys; print([m for m in ('polars', 'numpy', 'numba', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_command_is_a_wrong_call() -> None:
    assert CliRunner().invoke(main, ["asses"]).exit_code == 2
