"""FHIR bundles to full lists of issues, and the cold start of the command line.

    python benchmarks/fhir.py [FOLDER OF BUNDLES]

Bundles: milliseconds of processor time a bundle on one core, best of several runs, for orjson alone (the limit), for
the reader, and for the assessment by all rules without the forecast; each also as a ratio to orjson, which holds
where the clock of a busy machine does not. Cold start: a case file through `python -m eutonia assess`, against
`python -c "import polars"`, in new processes.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from eutonia.dosing_text import read_plan
from eutonia.fhir import read_fhir
from eutonia.judging import judge_cases
from eutonia.knowledge import load

FOLDER = Path(__file__).parents[2] / "shared/data/fhir/synthea_2019"
PLAN = "carisoprodol 350 mg four times a day for 14 days"
COPIES = 6
"""Each bundle is assessed so often in one table, as a folder of patients is."""
CASE = """\
as_of: '2026-03-02'
patient: {age_years: 34, sex: male, weight_kg: 82}
conditions: [{text: Lumbar muscle strain, icd10cm: S39.012A, clinical_status: active, onset: '2026-02-27'}]
medications: []
plan: [{action: start, text: carisoprodol 250 mg tablet, dose: 250, unit: mg, times_per_day: 4, duration_days: 7}]
"""


def best(work: Callable[[], Any], runs: int = 9) -> float:
    """Seconds of processor time, the least of `runs`."""
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def cold(*command: str, runs: int = 7) -> float:
    """Seconds of processor time of a new process, the least of `runs`."""
    seconds = []
    for _ in range(runs):
        before = os.times()
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        seconds.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
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


def starts() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.yaml"
        path.write_text(CASE)
        polars = cold("-c", "import polars")
        assess = cold("-m", "eutonia", "assess", str(path))
        read = cold("-c", f"import eutonia; eutonia.read({str(path)!r})")
    print(f"cold start: import polars {polars:.2f} s; read a case {read:.2f} s; assess it {assess:.2f} s")
    print(f"  assess / import polars = {assess / polars:.1f}")


if __name__ == "__main__":
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}")
    bundles(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    starts()
