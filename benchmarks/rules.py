"""A million feature rows against every rule: seconds, peak memory, and the price of saying what to ask.

    python benchmarks/rules.py [ROWS]

Rows are random, about as sparse as a population: most statements are false, some unknown, few true; results are
missing in half. `judge` gives the bare answers; `check` gives each issue with what to ask, and is measured as a
ratio to it. The table itself is built before the clock starts.
"""

import os
import platform
import resource
import sys
import time

import numpy as np
import polars as pl

from eutonia.conditions import features_of
from eutonia.features.table import schema
from eutonia.knowledge import load
from eutonia.knowledge.grammar import names_in, parsed
from eutonia.knowledge.safety import Rule
from eutonia.rules import check, judge

KNOWN_TRUE, UNKNOWN = 0.02, 0.02
SLAB = 100_000
"""Rows that are checked, counted and let go at a time, as a screening does."""


def cuts(rules: list[Rule]) -> dict[str, list[float]]:
    """Feature → the numbers that rules compare it with."""
    found: dict[str, list[float]] = {}
    for line in {line for rule in rules for line in (*rule.when, *rule.unless)}:
        numbers = [
            float(word.strip("()")) for word in line.split() if word.strip("()").replace(".", "", 1).isdigit()
        ]
        for name in names_in(parsed(line)):
            found.setdefault(name, []).extend(numbers)
    return found


def words(rules: list[Rule], name: str) -> list[str]:
    lines = [line for rule in rules for line in (*rule.when, *rule.unless) if name in line]
    return sorted({word for line in lines for word in line.split("'")[1::2]})


def random_rows(rows: int, rules: list[Rule], seed: int = 1) -> pl.DataFrame:
    features = load().features
    names = sorted({name for rule in rules for name in features_of(rule)})
    columns = schema(features[name] for name in names)
    chance, numbers = np.random.default_rng(seed), cuts(rules)
    data: dict[str, pl.Series] = {}
    for name, kind in columns.items():
        if kind == pl.Boolean:
            drawn = chance.random(rows)
            series = pl.Series(drawn < KNOWN_TRUE, dtype=pl.Boolean)
            missing = drawn > 1 - UNKNOWN
        elif kind == pl.String:
            choice = [*words(rules, name), *["something else"] * 9]
            series = pl.Series(choice).gather(chance.integers(len(choice), size=rows))
            missing = chance.random(rows) < 0.5
        else:
            series = pl.Series(chance.uniform(0, 2 * max(numbers.get(name, [0]), default=0) + 1, rows))
            missing = chance.random(rows) < 0.5
        data[name] = pl.select(pl.when(pl.Series(~missing)).then(series)).to_series()
    return pl.DataFrame(data, schema=columns)


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def machine() -> str:
    model = platform.processor()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            model = next(
                (line.split(":")[1].strip() for line in file if line.startswith("model name")), model
            )
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, Polars {pl.__version__}"


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rules = list(load().rules.values())
    table = random_rows(rows, rules)
    before = peak_gb()
    start = time.perf_counter()
    for first in range(0, rows, SLAB):
        judge(table.slice(first, SLAB), rules)
    bare = time.perf_counter() - start
    applying = unknown = 0
    start = time.perf_counter()
    for first in range(0, rows, SLAB):
        found = check(table.slice(first, SLAB), rules)
        unknown += found["applies"].null_count()
        applying += found.height - found["applies"].null_count()
    full = time.perf_counter() - start
    print(machine())
    print(f"{rows:,} rows, {table.width} features, {len(rules)} rules")
    print(f"judge            {bare:6.2f} s")
    print(f"check            {full:6.2f} s   ({full / bare:.1f} × judge)")
    print(f"issues           {applying:,} apply, {unknown:,} cannot be told")
    print(f"peak memory      {peak_gb():6.2f} GB, of which {before:.2f} GB were there with the table")


if __name__ == "__main__":
    main()
