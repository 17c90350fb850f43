"""eutonia simulate: the course and its summary."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from eutonia.cli.common import json_option, speaks_plainly, to_json, width
from eutonia.cli.patient_flags import patient_facts, patient_flags

WORTH_A_BAR = 5000

MOST_ROWS = 50_000
"""Patients beyond whom only what is summed up is kept, in little memory."""


@click.command("simulate", short_help="Levels, effects and withdrawal over time.")
@click.argument("plans", nargs=-1, required=True, metavar="PLAN...")
@click.option("--with", "also", multiple=True, metavar="PLAN", help="What else is taken or done.")
@patient_flags
@click.option(
    "--pain",
    type=click.Choice(["acute", "persistent"]),
    help="The course of pain without treatment; acute where absent.",
)
@click.option("--population", "number", type=int, metavar="N", help="Simulate N patients instead of one.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything that is drawn.")
@click.option(
    "--draws",
    type=int,
    default=200,
    show_default=True,
    help="Draws of what is unknown of one patient; 0: the typical one.",
)
@click.option(
    "--adherence", type=float, default=1.0, show_default=True, help="Share of doses that are taken."
)
@click.option("--until", metavar="T", help="How long to simulate, such as “28 days”.")
@click.option("--every", metavar="T", default="1 hour", show_default=True, help="Spacing of the course.")
@click.option("--out", metavar="FILE", help="Write the course to a .nc, .parquet or .csv file.")
@click.option("--plot", metavar="FILE", help="Draw the course to a .png, .svg or .html file.")
@json_option
@speaks_plainly
def command(
    plans: tuple[str, ...], also: tuple[str, ...], pain: str | None, number: int | None, seed: int, draws: int,
    adherence: float, until: str | None, every: str, out: str | None, plot: str | None, as_json: bool, **flags: Any,
) -> None:  # fmt: skip
    """Simulate PLAN: levels, relief, impairment, tolerance and withdrawal over time, with bands.

    Example: eutonia simulate "carisoprodol 350 mg four times a day for 14 days"
    --age 70 --with "oxycodone 10 mg every 6 hours"
    """
    from eutonia.knowledge import load
    from eutonia.simulation import outcome, population
    from eutonia.simulation.summary import summarise

    facts = patient_facts(flags)
    if pain is not None:
        facts["pain"] = pain
    who: Any = population(number, seed=seed, **facts) if number is not None else facts
    plan: Any = [*plans, *also]
    if len(plan) == 1 and plan[0].lower().endswith(".csv"):
        plan = plan[0]
    knowledge = load()
    with progress_bar(number or 0) as progress:
        result = outcome(
            plan, patients=who, until=until, every=every, draws=draws, seed=seed, adherence=adherence,
            courses=bool(out or plot), knowledge=knowledge, progress=progress,
            rows=(number or 0) <= MOST_ROWS,
        )  # fmt: skip
    if out:
        from eutonia.simulation.course import write

        write(result, out)
    if plot:
        from eutonia import charts
        from eutonia.simulation.plot import chart

        charts.save(chart(result, knowledge), plot)
    summary = summarise(result.per_patient, result.assumptions, knowledge.version)
    if as_json:
        click.echo(to_json(summary.model_dump(mode="json")))
    else:
        from eutonia.simulation.report import as_text

        click.echo(as_text(summary, result, width=width()))


@contextmanager
def progress_bar(patients: int) -> Iterator[Callable[[int], None] | None]:
    """A bar on standard error while many patients are simulated, on a terminal only."""
    if patients < WORTH_A_BAR or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("patients", total=patients)
        yield lambda done: bar.advance(task, done)
