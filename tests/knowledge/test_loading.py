"""The cached copy of the knowledge is exact or not found."""

import os
import time
from importlib import import_module
from pathlib import Path

import pytest

from eutonia.knowledge import load
from eutonia.knowledge.load import RACE_NS

SOURCE = "title: A label\nkind: label\nyear: 2001\n"
fresh = load.__wrapped__  # type: ignore[attr-defined]  # a new process remembers nothing


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EUTONIA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "knowledge/sources").mkdir(parents=True)
    (tmp_path / "knowledge/sources/a.yaml").write_text(SOURCE)
    return tmp_path / "knowledge"


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long enough after the last change for its time stamp to tell the next one from it."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 2 * RACE_NS)


def test_an_unchanged_folder_is_not_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch)
    first = fresh(root)
    monkeypatch.setattr(
        import_module("eutonia.knowledge.load"), "_contents", lambda _: pytest.fail("read again")
    )
    assert fresh(root).version == first.version
    assert fresh(root).sources["a"].year == 2001


def test_an_edit_that_keeps_size_and_date_is_noticed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch)
    file = root / "sources/a.yaml"
    before, first = file.stat(), fresh(root)
    time.sleep(0.02)  # the clock of a file system ticks a few times a hundredth of a second
    file.write_text(SOURCE.replace("2001", "2002"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    again = fresh(root)
    assert again.version != first.version
    assert again.sources["a"].year == 2002


def test_a_folder_that_just_changed_is_read_by_content(root: Path) -> None:
    fresh(root)
    assert not list((root.parent / "cache").glob("seen/*"))


def test_a_file_more_or_less_is_noticed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch)
    first = fresh(root)
    (root / "sources/b.yaml").write_text(SOURCE)
    assert set(fresh(root).sources) == {"a", "b"}
    (root / "sources/b.yaml").unlink()
    assert fresh(root).version == first.version
    assert set(fresh(root).sources) == {"a"}


def test_a_damaged_note_costs_only_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch)
    fresh(root)
    for pickle in (root.parent / "cache").glob("*/sources.pickle"):
        pickle.write_bytes(b"")
    assert fresh(root).sources["a"].year == 2001
