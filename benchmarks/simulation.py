"""How fast the simulation runs, and how right: beside SciPy on the same equations, as it grows, and from cold.

    python -m benchmarks.simulation [patients] [engine.c]

With `engine.c`, hand-written code for another problem, that problem is run too (`benchmarks.yardstick`). Rates are of
processor time, so that other work on the machine counts less; the load is printed.
"""

import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import yardstick
from benchmarks.simulation_peers import HELD_OUT, diffrax, roadrunner
from eutonia.knowledge import load
from eutonia.simulation import engine, outcome, population, read
from eutonia.simulation.columns import trace
from eutonia.simulation.effects import Therapies
from eutonia.simulation.grid import STANDARD
from eutonia.simulation.marching import march
from eutonia.simulation.moments import windows
from eutonia.simulation.preparation import prepare
from eutonia.simulation.summary import summarise
from tests.judges.simulation_judge import Judge

PLAN, DAYS = "carisoprodol 350 mg four times a day for 21 days", 28
SOME = 8256
"""Patients in whom a rate is measured: as many as the engine takes at a time."""


def main(patients: int, source: str | None) -> None:
    print(f"{platform.machine()}, {_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"load {', '.join(f'{x:.1f}' for x in os.getloadavg())} at the start")
    outcome(PLAN, patients=population(2048, seed=1), until=24.0 * DAYS, courses=False)  # compiles, if it must
    rates()
    roadrunner()
    diffrax(PLAN)
    if shutil.which("Rscript") is None:
        print("mrgsolve, rxode2    no R on this machine")
    growth()
    if source:
        yardstick.main(source)
    cold()
    spent, wall = min(
        timed(partial(outcome, PLAN, patients={}, until=24.0 * DAYS, courses=False)) for _ in range(7)
    )
    print(
        f"200 draws of one patient, {DAYS} days, warm: {1000 * wall:.0f} ms, {1000 * spent:.0f} ms of processor"
    )
    script = f"from benchmarks.simulation import many; many({patients})"
    subprocess.run([sys.executable, "-c", script], check=True)  # a process of its own, for its memory
    print(f"load {', '.join(f'{x:.1f}' for x in os.getloadavg())} at the end")


def many(patients: int) -> None:
    """Summed up without rows, as `eutonia simulate --population` does with many."""

    def work() -> None:
        result = outcome(
            PLAN, patients=population(patients, seed=1), until=24.0 * DAYS, courses=False, rows=False
        )
        summarise(result.per_patient, result.assumptions, "")

    spent, wall = timed(work)
    print(
        f"{patients:,} patients x {DAYS} days: {wall:.1f} s, {spent:.1f} s of processor, {_memory():.0f} MB at most"
    )


def _memory() -> float:
    """MB that this process held at most. Linux counts in `ru_maxrss` what its parent held when it was begun."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rates() -> None:
    """Patient-days a second, and the largest error of a level and of a slow state in patients held out."""
    knowledge = load()
    for name, finest, precision in (
        ("standard", STANDARD, np.float64),
        ("single", STANDARD, np.float32),
        ("reference", engine.REFERENCE, np.float64),
    ):
        spent, steps = compiled(PLAN, DAYS, SOME, finest, precision)
        level, slow = error(finest, precision)
        print(
            f"compiled, {name:9} {SOME * DAYS / spent:10,.0f} patient-days/s, {1e9 * spent / SOME / steps:3.0f} ns "
            f"a step, error {level:.0e} of a level, {slow:.0e} of a slow state"
        )
    schedule = read(PLAN, knowledge, DAYS * 24.0)
    system, grid, _ = prepare(
        schedule, population(200, seed=1), knowledge, np.array([0.0, DAYS * 24.0]), 1.0, STANDARD
    )
    spent, _ = timed(partial(trace, system, grid))
    print(f"columns of 200       {200 * DAYS / spent:10,.0f} patient-days/s")
    for tolerance in (1e-4, 1e-6, 1e-10):
        judge = Judge(read(_short(2), knowledge, 48.0), population(1, seed=HELD_OUT), knowledge)
        spent, _ = timed(partial(judge.run, np.array([0.0, 48.0]), tolerance))
        print(f"SciPy LSODA, {tolerance:.0e}   {2 / spent:10,.0f} patient-days/s")


def compiled(
    plan: str, days: float, number: int, finest: float = STANDARD, precision: Any = np.float64
) -> tuple[float, int]:
    """Processor seconds of the compiled engine alone, the best of three, and the steps of each patient."""
    knowledge = load()
    schedule = read(plan, knowledge, days * 24.0)
    system, grid, _ = prepare(
        schedule, population(number, seed=1), knowledge, np.array([0.0, days * 24.0]), 1.0, finest
    )
    whole = windows(schedule, system.substances, knowledge, days * 24.0)
    work = partial(
        march, system, grid, [whole[s] for s in system.substances], Therapies((), (), (), ()),
        schedule.last_dose, 24.0 * days, precision=precision,
    )  # fmt: skip
    steps = grid.steps.number
    return min(timed(work)[0] for _ in range(3)), steps


def error(finest: float, precision: Any = np.float64, number: int = 6) -> tuple[float, float]:
    """By the largest value of each patient, against LSODA at 1e-10 restarted at every dose."""
    knowledge, end = load(), 72.0
    patients = population(number, seed=HELD_OUT)
    outputs = np.arange(0.0, end + 1.0, 4.0)
    schedule = read(_short(2), knowledge, end)
    system, grid, _ = prepare(schedule, patients, knowledge, outputs, 1.0, finest)
    whole = windows(schedule, system.substances, knowledge, end)
    states, _ = engine.solve(
        system, grid, Therapies((), (), (), ()), whole, schedule.last_dose, end, True, 1, precision
    )
    of_level = of_slow = 0.0
    for i in range(number):
        levels, brain = Judge(schedule, patients.part(i, i + 1), knowledge).run(outputs)
        mine = states.level[:, : levels.shape[1], i]
        of_level = max(of_level, float((np.abs(mine - levels).max(0) / levels.max(0)).max()))
        own = np.stack([states.fast[:, i], states.slow[:, i]], axis=1)
        of_slow = max(of_slow, float((np.abs(own - brain[:, :2]).max(0) / brain[:, :2].max(0)).max()))
    return of_level, of_slow


def growth() -> None:
    """Each doubled in turn: the ratio should be near 2."""
    base, _ = compiled(PLAN, DAYS, 2048)
    more, _ = compiled(PLAN, DAYS, 4096)
    longer, _ = compiled(_short(42), 2 * DAYS, 2048)
    once, steps = compiled("carisoprodol 350 mg twice a day for 21 days", DAYS, 2048)
    _, doubled = compiled(PLAN, DAYS, 64)
    print(
        f"growth: patients x 2 takes {more / base:.2f} times as long, days and doses x 2 {longer / base:.2f}, "
        f"doses x 2 {base / once:.2f} (steps {doubled / steps:.2f})"
    )


def cold() -> None:
    """Whole processes, the best of three."""
    for words, arguments in (
        ("one dose", ["carisoprodol 350 mg once", "--json"]),
        ("14 days", ["carisoprodol 350 mg four times a day for 14 days", "--json"]),
    ):
        best = (np.inf, np.inf)
        for _ in range(3):
            before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "eutonia", "simulate", *arguments],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            best = min(best, (time.perf_counter() - wall, spent))
        print(f"eutonia simulate, {words}, 200 draws, cold: {best[0]:.2f} s, {best[1]:.2f} s of processor")


def timed(work: Any) -> tuple[float, float]:
    """Processor and wall seconds."""
    wall, spent = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - spent, time.perf_counter() - wall


def _short(days: int) -> str:
    return f"carisoprodol 350 mg four times a day for {days} days"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), "processor unknown"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, sys.argv[2] if len(sys.argv) > 2 else None)
