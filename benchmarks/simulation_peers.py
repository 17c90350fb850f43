"""Other simulators on the equations of `benchmarks.simulation`, for those that are installed."""

import time
from importlib.util import find_spec
from typing import Any

import numpy as np

from eutonia.knowledge import load
from eutonia.simulation import adaptation, population, read
from eutonia.simulation.engine import STANDARD, prepare
from eutonia.simulation.sbml import to_sbml

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
    for tolerance in (1e-4, 1e-6):
        runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = (
            tolerance,
            tolerance * 1e-4,
        )
        spent = min(_once(runner, end) for _ in range(3))
        print(
            f"libRoadRunner, {tolerance:.0e} {DAYS / spent:11,.0f} patient-days/s, kinetics of diazepam alone"
        )


def _once(runner: Any, end: float) -> float:
    runner.reset()
    before = time.process_time()
    runner.simulate(0.0, end, int(end) + 1)
    return time.process_time() - before


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
        schedule, population(number, seed=1), knowledge, np.array([0.0, end]), 1.0, STANDARD
    )
    modes, sites = len(system.rates), len(system.strength)
    gaps = jnp.asarray(np.diff(np.append(grid.event_time, end)))  # of the time since the lag of each patient

    def change(_: Any, y: Any, p: Any) -> Any:
        rates, weight, opened, closed, strength, brain = p
        level = jnp.zeros(system.signals).at[system.entry_signal].add(weight * y[system.entry_mode])
        bound = level[system.member_signal]
        up = 1.0 + jnp.zeros(sites).at[system.member_site].add(opened * bound)
        down = 1.0 + jnp.zeros(sites).at[system.member_site].add(closed * bound)
        energy = strength * jnp.log(up / down)
        gaba, other = (energy * system.gaba).sum(), (energy * ~system.gaba).sum()
        slow = adaptation.rates(gaba, other, *y[modes:-1], *brain)
        return jnp.concatenate([-rates * y[:modes], jnp.stack([*slow, y[-2] ** 3])])

    for tolerance in (1e-4, 1e-6):
        control = dfx.PIDController(rtol=tolerance, atol=tolerance * 1e-2)

        def one(*p: Any, control: Any = control) -> Any:
            def segment(y: Any, gap: Any) -> tuple[Any, None]:
                solved = dfx.diffeqsolve(
                    dfx.ODETerm(change), dfx.Tsit5(), 0.0, gap, 0.05, y.at[:modes].add(350.0), p,
                    saveat=dfx.SaveAt(t1=True), stepsize_controller=control, max_steps=10_000,
                )  # fmt: skip
                return solved.ys[0], None

            return jax.lax.scan(segment, jnp.zeros(modes + 6), gaps)[0]

        figures = [
            jnp.asarray(column.T)
            for column in (system.rates, system.entry_weight, system.member_opened, system.member_closed,
                           system.strength, system.brain)
        ]  # fmt: skip
        run = jax.jit(jax.vmap(one))
        run(*figures).block_until_ready()  # compiles
        before = time.process_time()
        run(*figures).block_until_ready()
        spent = time.process_time() - before
        print(f"diffrax Tsit5, {tolerance:.0e} {number * DAYS / spent:11,.0f} patient-days/s")
