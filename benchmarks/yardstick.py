"""The yardstick's problem: the rows of our engine beside hand-written C and other simulators, in one run.

    python -m benchmarks.yardstick engine.c [patients]

28 days of carisoprodol 350 mg at 0, 5, 10 and 14 h of the first 21, each dose after the patient's lag; eight states, of
which the adaptations feed back on the opening of the receptor. It is not our model, and our engine does not solve it:
`benchmarks.yardstick_step` writes its step in the rows that our engine is made of, to compare compiled code with
compiled code at equal error. `engine.c` is compiled into a scratch folder, and all run on one thread.

Errors are by the largest value of each state of each patient, at every hour, against SciPy's LSODA at 1e-12 restarted
at every dose, in patients at whom nobody looked while steps were chosen: the worst state, of the worst and of the
median patient.
"""

import ctypes
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks import yardstick_step as step
from eutonia.simulation.layout import W
from eutonia.simulation.rows import EITHER, equation

Columns = NDArray[Any]

DOSE, DAYS, HOURS, STATES = 350.0, 28, 672, 8
DOSES = [24 * day + hour for day in range(21) for hour in (0, 5, 10, 14)]
HELD_OUT = slice(500, 700)
"""Steps were chosen on the first 200 patients."""

NAMES = ("ka", "tlag", "V1", "CL1", "V2", "CL2", "ke1", "ke2", "K1", "K2", "bf", "bs", "tauf", "taus", "P0", "kp",
         "E50", "I50")  # fmt: skip
MEDIAN = (1.5, 0.25, 80, 38, 70, 4.85, 2, 1, 15, 12, 2, 5, 12, 120, 6, 0.5, 0.35, 0.15)
SPREAD = (0.5, 0.35, 0.25, 0.3, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.2, 0.3, 0.3, 0.3)


def people(number: int, seed: int = 20260101) -> Columns:
    """Figures of patients, in the order of `NAMES`; the first are the same for every number."""
    normal = np.random.Generator(np.random.PCG64(seed)).standard_normal((number, len(NAMES)))
    share = np.random.Generator(np.random.PCG64(seed + 1)).random(number)
    figures = np.array(MEDIAN) * np.exp(np.array(SPREAD) * normal)
    figures[:, step.CL1] *= np.select([share < 0.03, share < 0.28, share < 0.73], [0.25, 0.65, 1.0], 1.25)
    figures[:, step.LAG] = np.clip(figures[:, step.LAG], 0.05, 0.9)
    figures[:, step.PAIN0] = np.minimum(figures[:, step.PAIN0], 10.0)
    return np.ascontiguousarray(figures)


# --- ours ---------------------------------------------------------------------------------------------


def plan() -> tuple[Columns, Columns]:
    """Lengths of step (hours, and lags to add), and the steps: length, dose, whether middle and end are whole hours.

    Of the hour in which a dose arrives, three steps follow it, two of the next, then one an hour, and one for two
    hours from the seventh hour on.
    """
    lag, hour, half, two = (0.0, 1.0), (1.0, 0.0), (0.5, 0.0), (2.0, 0.0)
    after = [(share, -share) for share in (0.2, 0.3, 0.5)]
    sizes = [lag, hour, half, two, *after]
    steps, at, since = [], 0, 0
    while at < HOURS:
        if at in DOSES:
            since, parts, dosed = 0, [lag, *after], 1
        else:
            dosed = -1
            parts = [half, half] if since == 1 else [hour]
            if since >= 6 and at + 1 not in DOSES and at + 2 <= HOURS:
                parts = [two]
        last = len(parts) - 1
        steps += [(sizes.index(each), k == dosed, each == two, k == last) for k, each in enumerate(parts)]
        taken = 2 if parts == [two] else 1
        at, since = at + taken, since + taken
    return np.array(sizes), np.array(steps, dtype=np.int64)


@cache
def compiled() -> Any:
    return njit(nogil=True, **EITHER)(step.march)


def ours(figures: Columns, precision: Any, courses: bool = False) -> Columns:
    """Peak of sedation, mean pain and peak of withdrawal of each patient; or all states at every hour."""
    number, (sizes, steps) = len(figures), plan()
    filled = np.empty((len(NAMES), -(-number // W) * W))
    filled[:, :number], filled[:, number:] = figures.T, figures[-1:].T
    memory = np.zeros((step.FIXED + len(sizes) * step.ROWS) * W, precision)
    kept = np.empty((HOURS if courses else 0, STATES, filled.shape[1]), precision)
    folded = np.empty((3, filled.shape[1]), precision)
    compiled()(memory, np.zeros(step.SCRATCH * W), filled, sizes, steps, DOSE, kept, folded)
    if courses:
        return kept[:, :, :number].transpose(2, 0, 1)
    peak, least, total = folded[:, :number].astype(float)
    sedation = positive(peak) ** 2.5
    withdrawal = positive(-least)
    return np.stack(
        [100 * sedation / (sedation + figures[:, step.E50] ** 2.5), total * figures[:, step.PAIN0] / (HOURS + 1),
         100 * withdrawal / (withdrawal + 0.05)], axis=1,
    )  # fmt: skip


def positive(opening: Columns) -> Columns:
    return 0.5 * (opening + np.sqrt(opening * opening + step.WIDTH**2))


# --- the judge ----------------------------------------------------------------------------------------


def equations(exp: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The opening beyond rest, and the changes an hour of all states, as the problem states them."""

    @equation  # type: ignore[untyped-decorator]
    def opening(y: Any, p: Any) -> Any:
        x1, x2 = y[3] / p[8], y[4] / p[9]
        ratio = (1 + x1) * (1 + x2) / ((1 + 6 * x1) * (1 + 4 * x2))
        return 1 / (1 + 9 * exp(p[10] * y[5] + p[11] * y[6]) * ratio * ratio) - 0.1

    def change(_: float, y: Any, p: Any) -> tuple[Any, ...]:
        ka, _, v1, cl1, v2, cl2, ke1, ke2, _, _, _, _, tauf, taus, p0, kp, _, i50 = p
        e = opening(y, p)
        above = 0.5 * (e + (e * e + 0.02**2) ** 0.5)
        felt = p0 * (1 + 3 * (above - e)) * (1 - 0.7 * above / (i50 + above))
        return (
            -ka * y[0], ka * y[0] - cl1 / v1 * y[1], 0.6 * 218.25 / 260.33 * cl1 / v1 * y[1] - cl2 / v2 * y[2],
            ke1 * (y[1] / v1 - y[3]), ke2 * (y[2] / v2 - y[4]), (e - y[5]) / tauf, (e - y[6]) / taus,
            kp * (felt - y[7]),
        )  # fmt: skip

    return opening, change


@cache
def _compiled_change() -> Any:
    """For SciPy to call, as an ordinary user would have it."""
    return njit(equations(np.exp)[1])


def judged(figures: Columns, tolerance: float = 1e-12) -> Columns:
    """One patient by SciPy's LSODA, restarted at every dose: all states at every hour but the first."""
    from scipy.integrate import solve_ivp

    least = tolerance * np.array([100.0, 100.0, 100.0, 1.0, 1.0, 0.01, 0.01, 1.0])
    found, now, state = np.empty((HOURS, STATES)), 0.0, np.zeros(STATES)
    state[7] = figures[step.PAIN0]
    for until in (*(np.array(DOSES) + figures[step.LAG]), float(HOURS)):
        hours = np.arange(np.floor(now) + 1, np.floor(until) + 1)
        solved = solve_ivp(
            _compiled_change(), (now, until), state, "LSODA", np.union1d(hours, [until]), args=(tuple(figures),),
            rtol=tolerance, atol=least,
        )  # fmt: skip
        found[hours.astype(int) - 1] = solved.y.T[: len(hours)]
        now, state = until, solved.y[:, -1].copy()
        state[0] += DOSE
    return found


def errors(found: Columns, true: Columns) -> Columns:
    """Of each patient, the worst state by its largest value; both are states of patients at hours."""
    return (np.abs(found - true).max(1) / np.abs(true).max(1)).max(1)  # type: ignore[no-any-return]


def summed_up(courses: Columns, figures: Columns) -> Columns:
    """What `ours` sums up, from the states at every hour."""
    share = equations(np.exp)[0](np.moveaxis(courses, 2, 0), figures.T[:, :, None])
    share = np.concatenate([np.zeros((len(share), 1)), share], axis=1)
    pain = (figures[:, step.PAIN0] + courses[:, :, 7].sum(1)) / (HOURS + 1)
    sedation, withdrawal = positive(share.max(1)) ** 2.5, positive(-share.min(1))
    return np.stack(
        [
            100 * sedation / (sedation + figures[:, step.E50] ** 2.5),
            pain,
            100 * withdrawal / (withdrawal + 0.05),
        ],
        axis=1,
    )


# --- hand-written C -----------------------------------------------------------------------------------

EVEN, GRADED = (2, 4), (1, 1, 1, 1, 2, 4)
"""Steps before and after the dose in an hour: in all, or in hours of little, more and most change."""


def c_library(source: str, folder: str, real: str) -> Any:
    library = Path(folder) / f"{real}.so"
    subprocess.run(
        ["gcc", "-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-fopenmp", "-shared", "-fPIC",
         f"-DREAL={real}", "-DW=32", source, "-o", str(library), "-lm", "-lmvec"], check=True,
    )  # fmt: skip
    return ctypes.CDLL(str(library)).run


def c_engine(
    run: Any, sizes: Sequence[int], figures: Columns, precision: Any, courses: bool = False
) -> Columns:
    """What `ours` gives (with the first hour in courses), by the yardstick."""
    level, dosed = np.zeros(HOURS, np.uint8), np.zeros(HOURS, np.uint8)
    dosed[DOSES] = 1
    if len(sizes) > 2:
        for dose in DOSES:
            level[dose : dose + 12] = np.maximum(level[dose : dose + 12], 1)
        for dose in DOSES:
            level[dose : dose + 2] = 2
    parts = np.array(sizes, np.int32)
    found = np.empty((len(figures), HOURS + 1, STATES) if courses else (len(figures), 3), precision)
    pointers = [ctypes.c_void_p(each.ctypes.data) for each in (figures, parts, level, found, dosed)]
    run(pointers[0], ctypes.c_long(len(figures)), pointers[1], len(parts) // 2, pointers[2], 0 if courses else 1,
        pointers[3], pointers[4], ctypes.c_double(DOSE))  # fmt: skip
    return found


# --- other simulators ---------------------------------------------------------------------------------


def peers(held: Columns, true: Columns) -> None:
    """Those that are installed, on a few patients, each with its error."""
    for tolerance in (1e-4, 1e-6):
        _peer(f"SciPy LSODA, {tolerance:.0e}", partial(judged, tolerance=tolerance), held[:4], true)
    if find_spec("roadrunner") is None:
        print("  libRoadRunner            not installed: pip install libroadrunner")
    else:
        runner = _runner()
        for tolerance in (1e-4, 1e-6):
            work = partial(_roadrunner, runner, tolerance)
            _peer(f"libRoadRunner, {tolerance:.0e}", work, held[:10], true)
    if find_spec("diffrax") is None:
        print("  diffrax                  not installed: pip install diffrax")
    else:
        for tolerance in (1e-4, 1e-6):
            _peer(f"diffrax Tsit5, {tolerance:.0e}", _diffrax(tolerance), held, true, together=True)


def _peer(name: str, work: Callable[..., Any], held: Columns, true: Columns, together: bool = False) -> None:
    """Its rate over `held`, all at once or one by one, the best of two runs."""
    found: list[Columns] = []
    spent = min(
        _timed(lambda: found.append(work(held) if together else np.stack([work(each) for each in held])))
        for _ in range(3)
    )
    error = errors(found[0], true[: len(held)])
    print(
        f"  {name:25}{len(held) * DAYS / spent:11,.0f} patient-days/s, error {error.max():.1e} at worst, "
        f"{np.median(error):.1e} in the median"
    )


_FORMULAS = {
    "A": "-ka*A", "A1": "ka*A-CL1/V1*A1", "A2": f"{step.FORMED!r}*CL1/V1*A1-CL2/V2*A2", "C1": "ke1*(A1/V1-C1)",
    "C2": "ke2*(A2/V2-C2)", "Tf": "(E-Tf)/tauf", "Ts": "(E-Ts)/taus",
    "P": "kp*(P0*(1+3*(above-E))*(1-0.7*above/(I50+above))-P)",
}  # fmt: skip
_HELP = {
    "r": "(1+C1/K1)*(1+C2/K2)/((1+6*C1/K1)*(1+4*C2/K2))",
    "E": "1/(1+9*exp(bf*Tf+bs*Ts)*r^2)-0.1",
    "above": "0.5*(E+sqrt(E^2+0.0004))",
}


def _runner() -> Any:
    """libRoadRunner with the problem; doses are events, one for each time of day."""
    from roadrunner import RoadRunner

    runner = RoadRunner()
    for name in (*NAMES, *_FORMULAS, *_HELP):
        runner.addParameter(name, 1.0, False)
    for name, formula in _HELP.items():
        runner.addAssignmentRule(name, formula, False)
    for name, formula in _FORMULAS.items():
        runner.addRateRule(name, formula, False)
    for hour in (0, 5, 10, 14):
        runner.addParameter(f"next{hour}", float(hour), False)
        runner.addEvent(f"dose{hour}", True, f"time >= next{hour} + tlag && next{hour} < 504", False)
        runner.addEventAssignment(f"dose{hour}", "A", f"A + {DOSE}", False)
        runner.addEventAssignment(f"dose{hour}", f"next{hour}", f"next{hour} + 24", False)
    runner.regenerateModel()
    runner.timeCourseSelections = list(_FORMULAS)
    return runner


def _roadrunner(runner: Any, tolerance: float, figures: Columns) -> Columns:
    runner.resetAll()
    for name, figure in zip(NAMES, figures, strict=True):
        runner[name] = float(figure)
    for name in _FORMULAS:
        runner[name] = 0.0
    runner["P"] = float(figures[step.PAIN0])
    for hour in (0, 5, 10, 14):
        runner[f"next{hour}"] = float(hour)
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = tolerance, tolerance * 1e-4
    return np.array(runner.simulate(0.0, float(HOURS), HOURS + 1))[1:]


def _diffrax(tolerance: float) -> Callable[[Columns], Columns]:
    """Diffrax's Tsit5, compiled for all patients at once and restarted at every dose."""
    import diffrax as dfx
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    _, change = equations(jnp.exp)
    control = dfx.PIDController(rtol=tolerance, atol=tolerance * 1e-3)
    term = dfx.ODETerm(lambda t, y, p: jnp.stack(change(t, y, p)))
    times = jnp.asarray([float(time) for time in DOSES])
    most = int(max(np.diff(DOSES)))

    def one(p: Any) -> tuple[Any, Any]:
        def until(y: Any, start: Any, end: Any, hours: Any) -> Any:
            solved = dfx.diffeqsolve(
                term, dfx.Tsit5(), start, end, 0.1, y, p, saveat=dfx.SaveAt(ts=hours, t1=True),
                stepsize_controller=control, max_steps=8192,
            )  # fmt: skip
            return solved.ys[-1], solved.ys[:-1]

        def segment(y: Any, dose: Any) -> Any:
            start, end = times[dose] + p[step.LAG], times[dose + 1] + p[step.LAG]
            hours = jnp.minimum(times[dose] + 1.0 + jnp.arange(float(most)), end)
            return until(y.at[0].add(DOSE), start, end, hours)

        rest = jnp.zeros(STATES).at[7].set(p[step.PAIN0])
        y, _ = until(rest, 0.0, p[step.LAG], jnp.array([0.0]))
        y, hours = jax.lax.scan(segment, y, jnp.arange(len(DOSES) - 1))
        later = jnp.arange(DOSES[-1] + 1.0, HOURS + 1.0)
        return hours, until(y.at[0].add(DOSE), times[-1] + p[step.LAG], float(HOURS), later)[1]

    run = jax.jit(jax.vmap(one))

    def work(figures: Columns) -> Columns:
        doses, rest = (np.asarray(each) for each in run(figures))
        parts = [doses[:, k, :gap] for k, gap in enumerate(np.diff(DOSES))]
        return np.concatenate([*parts, rest], axis=1)

    return work


# --- side by side -------------------------------------------------------------------------------------


def main(source: str, number: int = 10_000, checked: int = 100, rounds: int = 5) -> None:
    """Rates of all, each round one after another: the best of each, and the median over rounds of their ratio."""
    held = np.ascontiguousarray(people(HELD_OUT.stop)[HELD_OUT][:checked])
    true = np.stack([judged(each) for each in held])
    with tempfile.TemporaryDirectory() as folder:
        ctypes.CDLL("libgomp.so.1").omp_set_num_threads(1)
        run = {real: c_library(source, folder, real) for real in ("double", "float")}
        engines: dict[str, Callable[..., Columns]] = {
            "C, double, 2 + 4 an hour": partial(c_engine, run["double"], EVEN, precision=np.float64),
            "C, double, graded": partial(c_engine, run["double"], GRADED, precision=np.float64),
            "C, single, 2 + 4 an hour": partial(c_engine, run["float"], EVEN, precision=np.float32),
            "C, single, graded": partial(c_engine, run["float"], GRADED, precision=np.float32),
            "ours, double": partial(ours, precision=np.float64),
            "ours, single": partial(ours, precision=np.float32),
        }
        for engine in engines.values():
            engine(held[:W])  # compiles, if it must
        for courses, count in ((False, number), (True, 1000)):
            many = people(count)
            spent = [
                {name: _timed(partial(e, many, courses=courses)) for name, e in engines.items()}
                for _ in range(rounds)
            ]
            print(f"{count:,} patients, {'all states at every hour' if courses else 'summed up'}:")
            for name, engine in engines.items():
                of = "double" if "double" in name else "single"
                ratios = [f"{median(each[f'C, {of}, {kind}'] / each[name] for each in spent):.2f}"
                          for kind in ("2 + 4 an hour", "graded")]  # fmt: skip
                print(
                    f"  {name:25}{count * DAYS / min(each[name] for each in spent):11,.0f} patient-days/s, "
                    f"{' and '.join(ratios)} times C (2 + 4, graded){'' if courses else _accuracy(engine, held, true)}"
                )
    print("others, one patient or all checked ones at a time:")
    peers(held, true)


def _accuracy(engine: Callable[..., Columns], held: Columns, true: Columns) -> str:
    courses = engine(held, courses=True)
    error = errors(courses[:, -HOURS:].astype(float), true)
    of_sum = np.abs(engine(held) / summed_up(true, held) - 1).max()
    return f", error {error.max():.1e} at worst, {np.median(error):.1e} in the median, {of_sum:.0e} of a sum"


def _timed(work: Callable[[], Any]) -> float:
    """Seconds of processor."""
    before = time.process_time()
    work()
    return time.process_time() - before


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
