"""FHIR bundles to full lists of issues. (`start.py` times new processes.)

    python benchmarks/fhir.py [FOLDER OF BUNDLES]

Bundles: milliseconds of processor time a bundle on one core, best of several runs, for orjson alone (the limit), for
the reader, and for the assessment by all rules without the forecast; each also as a ratio to orjson, which holds
where the clock of a busy machine does not.
"""

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from eutonia.dosing.text import read_plan
from eutonia.fhir import read_fhir
from eutonia.judging import judge_cases
from eutonia.knowledge import load

FOLDER = Path(__file__).parents[2] / "shared/data/fhir/synthea_2019"
PLAN = "carisoprodol 350 mg four times a day for 14 days"
COPIES = 6
"""Each bundle is assessed so often in one table, as a folder of patients is."""


def best(work: Callable[[], Any], runs: int = 9) -> float:
    """Seconds of processor time, the least of `runs`."""
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def bundles(folder: Path) -> None:
    contents = [path.read_bytes() for path in sorted(folder.glob("*.json"))]
    plan, knowledge, number = (read_plan(PLAN),), load(), len(contents)
    documents = [orjson.loads(content) for content in contents]
    cases = [read_fhir(d).case.model_copy(update={"plan": plan}) for d in documents]
    judge_cases(cases, knowledge)
    parse = best(lambda: [orjson.loads(content) for content in contents]) / number
    read = best(lambda: [read_fhir(document) for document in documents]) / number
    judge = best(lambda: judge_cases(cases * COPIES, knowledge)) / number / COPIES
    print(f"{number} bundles of {sum(map(len, contents)) / number / 1e6:.2f} MB, one core")
    for name, seconds in (("orjson", parse), ("read", read), ("judge", judge)):
        print(f"  {name:8}{seconds * 1e3:7.2f} ms  {seconds / parse:5.2f} x orjson")
    print(f"  together {1 / (parse + read + judge):.0f} bundles a second; orjson alone {1 / parse:.0f}")


if __name__ == "__main__":
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}")
    bundles(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
