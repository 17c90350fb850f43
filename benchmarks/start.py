"""How long each command takes to start and answer, against `python -c "import polars"`.

    python benchmarks/start.py

Seconds of new processes with warm caches, wall clock and processor, the least of several, in turns so that a busy
machine weighs on all alike. The ratio holds where the seconds do not.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASE = """\
as_of: '2026-03-02'
patient: {age_years: 34, sex: male, weight_kg: 82}
conditions: [{text: Lumbar muscle strain, icd10cm: S39.012A, clinical_status: active, onset: '2026-02-27'}]
medications: []
plan: [{action: start, text: carisoprodol 250 mg tablet, dose: 250, unit: mg, times_per_day: 4, duration_days: 7}]
"""
ARTICLE = "Soma is a muscle relaxant. It is safe for months of use. It can be habit forming.\n"
PLAN = "carisoprodol 350 mg four times a day for 14 days"
OPIOID = "oxycodone 10 mg every 6 hours"
EVIDENCE = ("carisoprodol", "--condition", "acute-low-back-pain", "--outcome", "pain")
RUNS = 7


def seconds(command: tuple[str, ...], environment: dict[str, str]) -> tuple[float, float]:
    """Processor and wall time of a new process."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, *command], check=True, stdout=subprocess.DEVNULL, env=environment, cwd=ROOT
    )
    wall, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used, wall


ROOT = Path(__file__).parents[1]


def main() -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:
        case, article = Path(folder) / "case.yaml", Path(folder) / "article.md"
        case.write_text(CASE)
        article.write_text(ARTICLE)
        eutonia = ("-m", "eutonia")
        commands = {
            "import polars": ("-c", "import polars"),
            "assess --no-forecast": (*eutonia, "assess", str(case), "--no-forecast"),
            "assess": (*eutonia, "assess", str(case)),
            "why": (*eutonia, "why", "car-opioid"),
            "evidence": (*eutonia, "evidence", *EVIDENCE),
            "simulate, one dose": (*eutonia, "simulate", "carisoprodol 350 mg once"),
            "simulate, 14 days": (*eutonia, "simulate", PLAN),
            "and an opioid": (*eutonia, "simulate", PLAN, "--with", OPIOID),
            "check": (*eutonia, "check", str(article)),
        }
        for command in commands.values():
            seconds(command, environment)  # fills the caches
        seconds((*eutonia, "simulate", PLAN, "--population", "300"), environment)  # compiles, if it must
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():
                times[name].append(seconds(command, environment))
    base = min(times["import polars"])[0]
    for name, measured in times.items():
        used, wall = min(measured)[0], min(wall for _, wall in measured)
        print(f"  {name:22}{wall:6.2f} s, processor {used:5.2f} s  {used / base:5.1f} x import polars")


if __name__ == "__main__":
    main()
