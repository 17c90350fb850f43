"""How fast the simulation runs: patient-days a second of processor time, by engine, beside SciPy on the same equations.

    python -m benchmarks.simulation [patients]

Processor time, not wall time, so that other work on the machine counts little; the first call compiles once.
"""

import resource
import sys
import time
from functools import partial

import numpy as np

from eutonia.knowledge import load
from eutonia.simulation import engine, outcome, population, read
from eutonia.simulation.columns import trace
from eutonia.simulation.effects import Therapies
from eutonia.simulation.lanes import march
from tests.judges.simulation_judge import Judge

PLAN, DAYS = "carisoprodol 350 mg four times a day for 21 days", 28


def main(patients: int) -> None:
    knowledge = load()
    schedule = read(PLAN, knowledge, DAYS * 24.0)
    outputs = np.array([0.0, DAYS * 24.0])

    def prepared(n: int, finest: float):  # type: ignore[no-untyped-def]
        return engine.prepare(schedule, population(n, seed=1), knowledge, outputs, 1.0, finest)

    for name, finest in (("standard", engine.STANDARD), ("reference", engine.REFERENCE)):
        system, grid, _ = prepared(4096, finest)
        whole = engine.windows(schedule, system, knowledge, DAYS * 24.0)
        none = Therapies((), (), (), ())
        rows = [whole[s] for s in system.substances]
        march(system, grid, rows, none, schedule.last_dose, 504.0)
        spent, wall = timed(partial(march, system, grid, rows, none, schedule.last_dose, 504.0))
        steps = sum(
            len(b) + len(a) * len(m) for b, a, m in zip(grid.before, grid.after, grid.may_arrive, strict=True)
        )
        each = 1e9 * spent / 4096 / steps
        print(f"compiled, {name:9} {4096 * DAYS / spent:12,.0f} patient-days/s  ({each:.0f} ns a step)")
    system, grid, _ = prepared(200, engine.STANDARD)
    spent, wall = timed(lambda: trace(system, grid))
    print(f"columns of 200      {200 * DAYS / spent:12,.0f} patient-days/s  ({wall:.2f} s)")
    judge = Judge(
        read("carisoprodol 350 mg four times a day for 2 days", knowledge, 48.0),
        population(1, seed=1),
        knowledge,
    )
    spent, wall = timed(lambda: judge.run(np.array([0.0, 48.0]), 1e-6))
    print(f"SciPy LSODA, 1e-6   {2 / spent:12,.0f} patient-days/s")
    spent, wall = timed(
        lambda: outcome(PLAN, patients={}, until="28 days", courses=False, knowledge=knowledge)
    )
    print(f"200 draws of one patient, warm: {1000 * wall:.0f} ms wall, {1000 * spent:.0f} ms of processor")
    spent, wall = timed(
        lambda: outcome(
            PLAN, patients=population(patients, seed=1), until="28 days", courses=False, knowledge=knowledge
        )
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{patients:,} patients x {DAYS} days: {wall:.1f} s wall, {spent:.1f} s of processor, {memory:.0f} MB at most"
    )


def timed(work) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Processor and wall seconds."""
    wall, spent = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - spent, time.perf_counter() - wall


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
