"""How long the whole answer takes for one patient: a new process with its parts, and a process that is warm.

    python benchmarks/assess.py [FILE]

Seconds are the least of several runs, wall clock and processor; the compiled engine lies ready in the user's cache, as
after the first simulation of many patients. The ratio of warm times holds where the seconds do not.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eutonia.features.chart import Chart
    from eutonia.patient import Case

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo" / "patient.json"
PLAN = "carisoprodol 350 mg four times a day for 14 days"
COLD, WARM = 5, 20

STAGES = """
import json, sys, time
begun = last = time.process_time()
parts = {}
def lap(name):
    global last
    now = time.process_time()
    parts[name], last = parts.get(name, 0.0) + now - last, now
import eutonia.cli
from eutonia.reading import read
lap("imports: command line, reader")
case = read(sys.argv[1])
lap("reading the record")
from eutonia import assessment
from eutonia.knowledge import load
lap("imports: rules, forecast, options")
knowledge = load()
(judged,) = assessment.judge_cases([case], knowledge)
lap("knowledge and rules")
answer = assessment._assessment(judged, knowledge)
import eutonia.simulation.engine, eutonia.simulation.summary
lap("imports: simulation")
answer = assessment._with_forecasts(answer, judged, knowledge)
lap("forecast, 200 draws")
answer = assessment._with_taper(answer, judged)
lap("taper")
options = assessment.alternatives(judged, knowledge)
answered = [a for n, p in enumerate(answer.plans[: len(judged.chart.plan)])
            for a in assessment.answers(p, n, judged.chart)]
lap("options and answers")
answer = answer.model_copy(update={"options": options, "answers": answered})
from eutonia.report import as_page, as_text
as_text(answer)
lap("text")
as_page(answer, knowledge)
lap("page")
print(json.dumps({"start of Python": begun, **parts}))
"""


def run(*command: str) -> tuple[float, float, str]:
    """Wall and processor seconds of a new process, and what it printed."""
    before, began = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], check=True, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT
    )
    wall, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used, done.stdout


ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def cold(file: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        commands: dict[str, tuple[str, ...]] = {
            "assess --report": ("assess", file, "--report", f"{folder}/report.html"),
            "assess": ("assess", file),
            "assess --no-forecast": ("assess", file, "--no-forecast"),
        }
        run(
            "-m", "eutonia", "simulate", PLAN, "--population", "300"
        )  # compiles the engine, where that is not done
        run("-m", "eutonia", *commands["assess --report"])  # fills the caches
        print("a new process:                   wall    processor")
        for name, command in commands.items():
            times = [run("-m", "eutonia", *command)[:2] for _ in range(COLD)]
            print(f"  {name:28}{min(w for w, _ in times):7.2f} s {min(u for _, u in times):9.2f} s")
    stages = [json.loads(run("-c", STAGES, file)[2]) for _ in range(COLD)]
    print("its parts, processor:")
    for name in stages[0]:
        print(f"  {name:36}{1000 * min(s[name] for s in stages):8.0f} ms")


def warm(file: str) -> None:
    from eutonia.assessment import assess, assess_all
    from eutonia.features import chart_of
    from eutonia.forecast import first_days
    from eutonia.knowledge import load
    from eutonia.reading import read
    from eutonia.report import as_page
    from eutonia.simulated_case import simulated_case
    from eutonia.simulation.compiled import keep_at_hand

    keep_at_hand()  # as a service has it
    knowledge, case = load(), read(file)
    answer = assess(case, knowledge)

    def week(chart: Chart) -> None:
        first_days(simulated_case(chart, 0), knowledge, 7, draws=40)

    charts = iter([chart_of(_aged(case, age), knowledge) for age in range(30, 31 + WARM)])
    week(next(charts))
    works: dict[str, Callable[[], object]] = {
        "rules alone": lambda: assess_all([case], knowledge),
        "rules and options": lambda: assess(case, knowledge, forecast=False),
        "all, with forecast": lambda: assess(case, knowledge),
        "a card's week, new patients": lambda: week(next(charts)),
        "the page": lambda: as_page(answer, knowledge),
    }
    least = {name: min(timed(work) for _ in range(WARM)) for name, work in works.items()}
    print("a process that is warm, wall:")
    for name, seconds in least.items():
        print(f"  {name:28}{1000 * seconds:8.1f} ms  {seconds / least['rules alone']:6.1f} x the rules alone")


def _aged(case: Case, age: int) -> Case:
    """Another patient of whom nothing can be kept: of another age, length of the plan and weight."""
    plan = tuple(item.model_copy(update={"duration_days": age - 23}) for item in case.plan)
    person = case.patient.model_copy(update={"age_years": float(age), "weight_kg": 50.0 + age})
    return case.model_copy(update={"patient": person, "plan": plan})


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    file = str(Path(sys.argv[1]).resolve()) if len(sys.argv) > 1 else str(DEMO)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}; {Path(file).name}")
    sys.path.insert(0, str(ROOT))
    cold(file)
    warm(file)


if __name__ == "__main__":
    main()
