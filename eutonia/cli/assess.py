"""eutonia assess: the main job."""

import click

from eutonia.cli.common import json_option, speaks_plainly, to_json, width


@click.command("assess", short_help="Judge a plan for one patient.")
@click.argument("file")
@click.option(
    "--plan", "plans", multiple=True, metavar="TEXT", help="A plan in words; may be given several times."
)
@click.option("--patient", metavar="ID", help="Which patient, where FILE holds several.")
@click.option("--as-of", metavar="DATE", help="Judge the record as known on this day.")
@click.option("--strict", is_flag=True, help="Refuse FHIR that breaks the R4 specification.")
@click.option("--report", metavar="OUT.html", help="Write the whole answer as one page for screen and paper.")
@click.option("--no-forecast", is_flag=True, help="Judge by the rules alone, without simulating.")
@json_option
@speaks_plainly
def command(
    file: str,
    plans: tuple[str, ...],
    patient: str | None,
    as_of: str | None,
    strict: bool,
    report: str | None,
    no_forecast: bool,
    as_json: bool,
) -> None:
    """Judge a plan for the patient in FILE: a case file, a FHIR R4 Bundle, or a bulk export folder.

    Example: eutonia assess patient.json --plan "carisoprodol 350 mg four times a day for 14 days"
    """
    from eutonia.reading import read

    case = read(file, patient=patient, as_of=as_of, plans=plans, strict=strict)

    from eutonia.assessment import assess  # slower to import than a wrong file is to refuse

    assessment = assess(case, forecast=not no_forecast)
    if report is not None:
        from eutonia.files import write_file
        from eutonia.report import as_page

        write_file(report, as_page(assessment))
        click.echo(f"The report was written to {report}.", err=True)
    if as_json:
        click.echo(to_json(assessment.model_dump(mode="json")))
    else:
        from eutonia.report import as_text

        click.echo(as_text(assessment, width=width()))
