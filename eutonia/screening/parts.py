"""The output, chunk by chunk: parts that survive an interruption, then one Parquet file, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from eutonia.errors import InputError
from eutonia.screening.cdm import TABLES, table_of

if TYPE_CHECKING:
    import polars as pl

ROWS_IN_A_GROUP = 100_000


class Parts:
    """A folder of finished chunks beside the output. A run with the same name takes them up again."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._say = folder / "run.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self._name() != name:
                for old in folder.glob("part-*.parquet"):
                    old.unlink()
                self._say.write_text(json.dumps({"run": name}))
            for draft in folder.glob("*.draft"):
                draft.unlink()
        except OSError as error:
            raise _unwritable(folder, error) from None

    def _name(self) -> str | None:
        try:
            known: str = json.loads(self._say.read_text())["run"]
            return known
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def path(self, number: int) -> Path:
        return self.folder / f"part-{number:05d}.parquet"

    def has(self, number: int) -> bool:
        return self.path(number).exists()

    def write(self, number: int, frame: pl.DataFrame) -> None:
        draft = self.path(number).with_suffix(".draft")
        try:
            frame.write_parquet(draft, compression="zstd", row_group_size=ROWS_IN_A_GROUP)
            with open(draft, "rb") as file:
                os.fsync(file.fileno())
            draft.replace(self.path(number))
        except Exception as error:
            draft.unlink(missing_ok=True)
            raise _unwritable(self.folder, error) from None

    def frames(self, count: int) -> Iterator[pl.DataFrame]:
        import polars as pl

        for number in range(count):
            yield pl.read_parquet(self.path(number))

    def join(self, count: int, out: Path, *, keep: bool = False) -> None:
        """Make one file of all parts, in order, and drop them."""
        import polars as pl

        draft = out.with_name(f".{out.name}.{os.getpid()}.part")
        try:
            every = pl.scan_parquet([self.path(number) for number in range(count)], glob=False)
            every.sink_parquet(draft, compression="zstd", row_group_size=ROWS_IN_A_GROUP, maintain_order=True)
            draft.replace(out)
        except Exception as error:
            draft.unlink(missing_ok=True)
            raise _unwritable(out, error) from None
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        if not keep:
            self.drop()

    def drop(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _unwritable(path: Path, error: Exception) -> Exception:
    """A disk that does not take what is written, in words; any other error as it is.

    Polars tells of a full disk by errors of its own.
    """
    said = re.search(r"([^:]*) \(os error \d+\)", str(error))
    if not isinstance(error, OSError) and said is None:
        return error
    why = said[1].strip() if said else getattr(error, "strerror", None) or error
    return InputError(
        f"Cannot write {path}: {why}. Free some space or choose another place for --out; "
        "a second run takes up what is finished."
    )


def name_of_run(*parts: object) -> str:
    """A name for everything that the output depends on."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def name_of_code() -> str:
    """A name for the code that makes the output."""
    digest = hashlib.blake2b(digest_size=8)
    root = Path(__file__).parents[1]
    for path in (
        sorted(root.glob("*.py")) + sorted(root.glob("features/*.py")) + sorted(root.glob("screening/*.py"))
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def name_of_database(database: str) -> str:
    """A name for the content of a database: its files with size and time. An address names only itself."""
    path = Path(database)
    if not path.exists():
        return database
    files = sorted(p for p in path.rglob("*") if p.is_file() and _is_of_database(p, path)) or [path]
    stats = [(str(p.relative_to(path)), (s := p.stat()).st_size, s.st_mtime_ns) for p in files]
    return repr((str(path.resolve()), stats))


def _is_of_database(file: Path, folder: Path) -> bool:
    """Whether a file holds a table: the output may lie in the same folder."""
    parts = file.relative_to(folder).parts
    return table_of(Path(parts[0])) in TABLES or file.suffix.lower() == ".zip"
