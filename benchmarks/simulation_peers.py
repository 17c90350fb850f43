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

TIGHT = 1e-11
HELD_OUT, CHECKED = 9001, 12
"""Seed of patients at whom nobody looked while steps were chosen, and how many of them are checked."""

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
    import diffrax as dfx
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    knowledge, end = load(), 24.0 * DAYS
    schedule = read(plan, knowledge, end)
    system, grid, _ = prepare(
        schedule, population(number, seed=HELD_OUT), knowledge, np.array([0.0, end]), 1.0, STANDARD
    )
    modes, sites = len(system.rates), len(system.strength)
    gaps = jnp.asarray(np.diff(np.append(grid.event_time, end)))  # of the time since the lag of each patient

    def change(_: Any, y: Any, p: Any) -> Any:
        rates, weight, opened, closed, strength, adapts, brain = p
        level = jnp.zeros(system.signals).at[system.entry_signal].add(weight * y[system.entry_mode])
        bound = level[system.member_signal]
        up = 1.0 + jnp.zeros(sites).at[system.member_site].add(opened * bound)
        down = 1.0 + jnp.zeros(sites).at[system.member_site].add(closed * bound)
        energy = strength * jnp.log(up / down)
        gaba, lasting, other = (
            (energy * system.gaba).sum(),
            (energy * adapts).sum(),
            (energy * ~system.gaba).sum(),
        )
        slow = adaptation.rates(gaba, lasting, other, *y[modes:-1], *brain)
        return jnp.concatenate([-rates * y[:modes], jnp.stack([*slow, y[-2] ** 3])])

    figures = [
        jnp.asarray(column.T)
        for column in (system.rates, system.entry_weight, system.member_opened, system.member_closed,
                       system.strength, system.adapts, system.brain)
    ]  # fmt: skip

    def run(tolerance: float) -> Any:
        control = dfx.PIDController(rtol=tolerance, atol=tolerance * 1e-2)

        def one(*p: Any) -> Any:
            def segment(y: Any, gap: Any) -> tuple[Any, Any]:
                solved = dfx.diffeqsolve(
                    dfx.ODETerm(change), dfx.Tsit5(), 0.0, gap, 0.05, y.at[:modes].add(350.0), p,
                    saveat=dfx.SaveAt(t1=True), stepsize_controller=control, max_steps=100_000,
                )  # fmt: skip
                return solved.ys[0], solved.ys[0]

            return jax.lax.scan(segment, jnp.zeros(modes + 6), gaps)[1]

        return jax.jit(jax.vmap(one))

    true = np.array(run(TIGHT)(*(column[:CHECKED] for column in figures)))
    for tolerance in (1e-2, 1e-4, 1e-6):
        compiled = run(tolerance)
        compiled(*figures).block_until_ready()  # compiles
        before = time.process_time()
        found = compiled(*figures).block_until_ready()
        spent = time.process_time() - before
        # after each dose: the amounts, the fast and the slow opponent
        states = np.arange(modes + 2)
        given = np.where(states < modes, 350.0, 0.0)
        print(
            f"diffrax Tsit5, {tolerance:.0e} {number * DAYS / spent:11,.0f} patient-days/s, error "
            f"{_off(np.array(found)[:CHECKED][..., states] + given, true[..., states] + given, 1):.0e}"
        )
