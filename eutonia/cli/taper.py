"""eutonia taper: a way off the drug."""

from typing import Any

import click

from eutonia.cli.common import json_option, speaks_plainly, to_json, width
from eutonia.cli.patient_flags import patient_facts, patient_flags


@click.command("taper", short_help="A schedule to come off a drug.")
@click.argument("plan", metavar="PLAN")
@patient_flags
@click.option("--tablets", metavar="MG,MG", help="Strengths to make it of, such as 250,350.")
@click.option("--max-days", type=int, metavar="N", help="The longest that it may take.")
@click.option("--start", metavar="DATE", help="The first day; today where it is not given.")
@click.option("--today", type=int, metavar="N", help="The day of the schedule that it is, with --score.")
@click.option(
    "--score", type=float, metavar="S", help="Withdrawal today on the CIWA-B scale: hold, go on or slow."
)
@click.option(
    "--taken",
    multiple=True,
    metavar="DAY=MG",
    help="What was taken on a day that went otherwise; repeatable.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything that is drawn.")
@click.option("--ics", metavar="FILE", help="Write the doses as a calendar that phones import.")
@click.option(
    "--report", metavar="FILE.html", help="Write a page for the clinician and a sheet for the patient."
)
@click.option("--fhir", metavar="FILE.json", help="Write the orders and the care plan as a FHIR R4 Bundle.")
@json_option
@speaks_plainly
def command(
    plan: str, tablets: str | None, max_days: int | None, start: str | None, today: int | None, score: float | None,
    taken: tuple[str, ...], seed: int, ics: str | None, report: str | None, fhir: str | None, as_json: bool,
    **flags: Any,
) -> None:  # fmt: skip
    """Make a schedule to come off the drug of PLAN, which says what is taken now and for how long it has been.

    Doses are in whole and half tablets, never rise, and stay within the label; the schedule is the one with the least
    withdrawal and burden for this patient, beside the schedules in print. Where a taper does not belong at home, it
    says so and gives none.

    Once it is under way, --today and --score (with --start, the day it began) give the rest of it: held, as it was, or
    slower, never back up.

    Example: eutonia taper "carisoprodol 350 mg four times a day for 90 days" --age 70
    """
    from eutonia.dates import as_day
    from eutonia.errors import InputError
    from eutonia.tapering import adapt, taper

    begin, of = as_day(start, "--start"), _strengths(tablets)
    facts = patient_facts(flags)
    if (today is None) != (score is None) or (taken and today is None):
        raise InputError("--today and --score belong together (and --taken with them). Give both or neither.")
    if today is not None and begin is None:
        raise InputError("--today counts from the first day. Say which it was, with --start.")
    with _bar() as progress:
        if today is not None and score is not None and begin is not None:
            made = adapt(
                plan, today=today, score=score, taken=_taken(taken), patients=facts, tablets=of, max_days=max_days,
                start=begin, seed=seed, progress=progress,
            )  # fmt: skip
        else:
            made = taper(
                plan, patients=facts, tablets=of, max_days=max_days, start=begin, seed=seed, progress=progress
            )
    _write(made, ics, report, fhir)
    if as_json:
        click.echo(to_json(made.model_dump(mode="json")))
    else:
        from eutonia.report.taper_text import as_text

        click.echo(as_text(made, width=width()))


def _strengths(text: str | None) -> list[float] | None:
    from eutonia.errors import InputError

    if text is None:
        return None
    try:
        found = [float(part.strip().removesuffix("mg")) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--tablets “{text}” is not a list of strengths. Write it like 250,350.") from None
    if not all(0 < mg < 1e6 for mg in found):
        raise InputError(f"--tablets “{text}” holds a strength that is not positive.")
    return found


def _taken(texts: tuple[str, ...]) -> dict[int, float]:
    from eutonia.errors import InputError

    found = {}
    for text in texts:
        day, _, mg = text.partition("=")
        try:
            found[int(day)] = float(mg.strip().removesuffix("mg"))
        except ValueError:
            raise InputError(f"--taken “{text}” is not a day and its mg. Write it like 3=1400.") from None
    return found


class _bar:
    """A progress bar on standard error, on a terminal only."""

    def __enter__(self) -> Any:
        import sys

        if not sys.stderr.isatty():
            self.bar = None
            return lambda done: None
        from rich.console import Console
        from rich.progress import Progress

        self.bar = Progress(console=Console(stderr=True), transient=True)
        self.bar.start()
        task = self.bar.add_task("Looking for the gentlest schedule", total=1.0)
        bar = self.bar
        return lambda done: bar.update(task, completed=done)

    def __exit__(self, *exception: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def _write(made: Any, ics: str | None, report: str | None, fhir: str | None) -> None:
    from eutonia.files import write_file

    if ics is not None:
        from eutonia.tapering.calendar import as_calendar

        write_file(ics, as_calendar(made))
        click.echo(f"Wrote {ics}.", err=True)
    if fhir is not None:
        from eutonia.tapering.orders import as_bundle

        write_file(fhir, to_json(as_bundle(made)))
        click.echo(f"Wrote {fhir}.", err=True)
    if report is not None:
        from eutonia.report.taper_page import as_page

        write_file(report, as_page(made))
        click.echo(f"Wrote {report}.", err=True)
