"""How long a screen takes, how much memory, and how that grows: beside DuckDB's own scan of the same columns.

    python benchmarks/screening.py [--persons 10000 100000 1000000] [--folder FOLDER]

Each size is screened in a process of its own, so that its peak of memory is its own. The scan reads every column
that screening reads and adds it up: no screen can be faster.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent


def scan(folder: Path) -> float:
    """Seconds in which DuckDB reads the columns that screening reads."""
    import duckdb

    from eutonia.screening.cdm import TABLES

    started = time.perf_counter()
    for path in folder.glob("*.parquet"):
        there = [row[0] for row in duckdb.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        wanted = [column for column in TABLES[path.stem] if column in there]
        duckdb.execute(f"SELECT {', '.join(f'BIT_XOR(HASH({c}))' for c in wanted)} FROM '{path}'").fetchall()
    return time.perf_counter() - started


def one(folder: Path) -> None:
    """Screen one database; print seconds and peak memory as JSON."""
    import eutonia

    started = time.perf_counter()
    answer = eutonia.screen(folder, out=folder.with_suffix(".issues.parquet"), region="US")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    cpu = sum(os.times()[:2])
    seconds = time.perf_counter() - started
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu": cpu,
                "peak_gb": peak,
                "exposed": answer.exposed,
                "episodes": answer.episodes,
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--persons", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "eutonia-omop")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one)
        return
    from make_omop import make

    print("| persons | exposures | exposed | episodes | screen s | CPU s | peak GB | scan s |")
    print("|---|---|---|---|---|---|---|---|")
    for persons in given.persons:
        folder = given.folder / str(persons)
        if not folder.exists():
            make(folder, persons)
        run = subprocess.run(
            [sys.executable, __file__, "--one", str(folder)], check=True, capture_output=True, text=True
        )
        got = json.loads(run.stdout)
        print(
            f"| {persons:,} | {persons * 20:,} | {got['exposed']:,} | {got['episodes']:,} | {got['seconds']:.0f} "
            f"| {got['cpu']:.0f} | {got['peak_gb']:.1f} | {scan(folder):.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    main()
