"""The compiled engine kept as machine code: the same function, from a file, with nothing of the compiler."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eutonia.simulation import compiled

numba = pytest.importorskip("numba")


def doubled(first: Any, last: Any, to: Any, of: Any) -> None:
    for i in range(first, last):
        to[i] = 2.0 * of[i, 0]


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """A small function in the engine's place, and how many times it was compiled."""
    from eutonia.simulation import lanes

    count: list[int] = []
    really = lanes.compiled

    def counted(arguments: Any) -> Any:
        count.append(1)
        return really(arguments)

    monkeypatch.setattr(lanes, "_blocks", doubled)
    monkeypatch.setattr(lanes, "compiled", counted)
    monkeypatch.setattr(compiled, "_loaded", {})
    monkeypatch.setattr(compiled, "folder", lambda: tmp_path / "code")
    return count


def arguments() -> tuple[Any, ...]:
    return 1, 4, np.zeros(4), np.arange(8.0).reshape(4, 2)


def run_anew() -> list[float]:
    """As a new process would: nothing is loaded."""
    compiled._loaded.clear()
    given = arguments()
    compiled.kernel(given)(*given)
    return list(given[2])


def test_what_was_compiled_once_is_run_from_its_file(compilations: list[int]) -> None:
    assert not compiled.ready()
    assert run_anew() == [0.0, 4.0, 8.0, 12.0]
    compiled._loaded.clear()
    assert compiled.ready()
    assert run_anew() == [0.0, 4.0, 8.0, 12.0]
    assert len(compilations) == 1


@pytest.mark.parametrize("spoil", [lambda code: code[:-9], lambda code: b"", lambda code: code[:-1] + b"?"])
def test_a_file_that_is_not_whole_is_made_again(compilations: list[int], tmp_path: Path, spoil: Any) -> None:
    run_anew()
    (place,) = (tmp_path / "code").glob("*.o")
    place.write_bytes(spoil(place.read_bytes()))
    assert run_anew() == [0.0, 4.0, 8.0, 12.0]
    assert len(compilations) == 2


def test_other_kinds_of_arguments_are_compiled_apart(compilations: list[int]) -> None:
    run_anew()
    given = (1, 4, np.zeros(4, np.float32), np.arange(8.0, dtype=np.float32).reshape(4, 2))
    compiled.kernel(given)(*given)
    assert list(given[2]) == [0.0, 4.0, 8.0, 12.0]
    assert len(compilations) == 2


def test_where_nothing_can_be_written_it_is_compiled_all_the_same(
    compilations: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setattr(compiled, "folder", lambda: tmp_path / "file" / "code")
    assert run_anew() == [0.0, 4.0, 8.0, 12.0]
    assert not list(tmp_path.glob("**/*.o"))


def test_a_function_that_leans_on_the_compiler_is_not_kept(
    compilations: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from eutonia.simulation import lanes

    def elsewhere(first: Any, last: Any, to: Any, of: Any) -> None:
        for i in range(first, last):
            to[i] = math.erf(of[i, 0])

    monkeypatch.setattr(lanes, "_blocks", elsewhere)
    assert run_anew() == pytest.approx([0.0, math.erf(2.0), math.erf(4.0), math.erf(6.0)])
    assert not list(tmp_path.glob("**/*.o"))


def test_the_engine_is_not_compiled_to_simulate_one_patient() -> None:
    code = (
        "import sys; from eutonia.simulation import outcome; outcome('carisoprodol 350 mg once', patients={}); "
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
