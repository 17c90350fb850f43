"""Other simulators on the equations of `benchmarks.simulation`, for those that are installed.

The error of each is the largest of a state over time by its own peak, against the same simulator at `TIGHT`.
"""

import time
from importlib.util import find_spec
from typing import Any

import numpy as np

from eutonia.knowledge import load
from eutonia.simulation import adaptation, population, read
from eutonia.simulation.grid import STANDARD
from eutonia.simulation.preparation import prepare
from eutonia.simulation.sbml import to_sbml
from eutonia.simulation.system import System

TIGHT = 1e-11
HELD_OUT, CHECKED = 9001, 12
"""Seed of patients at whom nobody looked while steps were chosen, and how many of them are checked."""

DOSE = 350.0
"""Milligrams, of the plan that diffrax is given."""

LINEAR, DAYS = "diazepam 5 mg twice a day for 21 days", 28
"""A plan whose kinetics can be written as SBML."""


def roadrunner() -> None:
    """libRoadRunner on the exported kinetics alone: two levels, no brain, no summaries."""
    if find_spec("roadrunner") is None:
        print("libRoadRunner       not installed: pip install libroadrunner")
        return
    from roadrunner import RoadRunner

    knowledge, end = load(), 24.0 * DAYS
    schedule = read(LINEAR, knowledge, end)
    system, _, _ = prepare(schedule, population(1, seed=1), knowledge, np.array([0.0, end]), 1.0, STANDARD)
    runner = RoadRunner(to_sbml(system, schedule))
    runner.timeCourseSelections = ["time", *system.substances]
    true = _once(runner, end, TIGHT)[1]
    for tolerance in (1e-4, 1e-6):
        runs = [_once(runner, end, tolerance) for _ in range(3)]
        spent, found = min(spent for spent, _ in runs), runs[0][1]
        print(
            f"libRoadRunner, {tolerance:.0e} {DAYS / spent:11,.0f} patient-days/s, error "
            f"{_off(found[:, 1:], true[:, 1:], 0):.0e}, kinetics of diazepam alone"
        )


def _once(runner: Any, end: float, tolerance: float) -> tuple[float, Any]:
    """Processor seconds, and times and levels."""
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = tolerance, tolerance * 1e-4
    runner.reset()
    before = time.process_time()
    found = runner.simulate(0.0, end, int(end) + 1)
    return time.process_time() - before, np.array(found)


def _off(found: Any, true: Any, times: int) -> float:
    """The largest error of a state by its peak; `times` is the axis of time."""
    peak = np.maximum(np.abs(true).max(times), 1e-6)
    return float((np.abs(found - true).max(times) / peak).max())


def diffrax(plan: str, number: int = 200) -> None:
    """Diffrax (Tsit5, a restart at every dose) on the same states without induction, output or summaries."""
    if find_spec("diffrax") is None:
        print("diffrax             not installed: pip install diffrax")
        return
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    knowledge, end = load(), 24.0 * DAYS
    schedule = read(plan, knowledge, end)
    system, grid, _ = prepare(
        schedule, population(number, seed=HELD_OUT), knowledge, np.array([0.0, end]), 1.0, STANDARD
    )
    gaps = jnp.asarray(np.diff(np.append(grid.event_time, end)))  # of the time since the lag of each patient
    figures = [
        jnp.asarray(column.T)
        for column in (system.rates, system.entry_weight, system.member_opened, system.member_closed,
                       system.strength, system.adapts, system.brain)
    ]  # fmt: skip
    true = np.array(_by_diffrax(system, gaps, TIGHT)(*(column[:CHECKED] for column in figures)))
    states = np.arange(len(system.rates) + 2)  # after each dose: the amounts, the fast and the slow opponent
    given = np.where(states < len(system.rates), DOSE, 0.0)
    for tolerance in (1e-2, 1e-4, 1e-6):
        compiled = _by_diffrax(system, gaps, tolerance)
        compiled(*figures).block_until_ready()  # compiles
        before = time.process_time()
        found = compiled(*figures).block_until_ready()
        spent = time.process_time() - before
        print(
            f"diffrax Tsit5, {tolerance:.0e} {number * DAYS / spent:11,.0f} patient-days/s, error "
            f"{_off(np.array(found)[:CHECKED][..., states] + given, true[..., states] + given, 1):.0e}"
        )


def _by_diffrax(system: System, gaps: Any, tolerance: float) -> Any:
    """Figures of patients → states at the end of each of the `gaps` between doses, compiled by JAX."""
    import diffrax as dfx
    import jax
    import jax.numpy as jnp

    modes, sites = len(system.rates), len(system.strength)

    def change(_: Any, y: Any, p: Any) -> Any:
        rates, weight, opened, closed, strength, adapts, brain = p
        level = jnp.zeros(system.signals).at[system.entry_signal].add(weight * y[system.entry_mode])
        bound = level[system.member_signal]
        up = 1.0 + jnp.zeros(sites).at[system.member_site].add(opened * bound)
        down = 1.0 + jnp.zeros(sites).at[system.member_site].add(closed * bound)
        energy = strength * jnp.log(up / down)
        parts = energy * system.gaba, energy * adapts, energy * ~system.gaba
        slow = adaptation.rates(*(part.sum() for part in parts), *y[modes:-1], *brain)
        return jnp.concatenate([-rates * y[:modes], jnp.stack([*slow, y[-2] ** 3])])

    control = dfx.PIDController(rtol=tolerance, atol=tolerance * 1e-2)

    def one(*p: Any) -> Any:
        def segment(y: Any, gap: Any) -> tuple[Any, Any]:
            solved = dfx.diffeqsolve(
                dfx.ODETerm(change), dfx.Tsit5(), 0.0, gap, 0.05, y.at[:modes].add(DOSE), p,
                saveat=dfx.SaveAt(t1=True), stepsize_controller=control, max_steps=100_000,
            )  # fmt: skip
            return solved.ys[0], solved.ys[0]

        return jax.lax.scan(segment, jnp.zeros(modes + 6), gaps)[1]

    return jax.jit(jax.vmap(one))
