"""The command line: each command parses, calls one function, prints.

Results go to standard output, messages to standard error. Exit 0: answered, whatever the verdict. Exit 2: the
input or the call is wrong.
"""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from eutonia.errors import EutoniaError

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)


def speaks_plainly(command: F) -> F:
    """Turn eutonia's errors into one message on standard error and exit status 2."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except EutoniaError as error:
            click.echo(f"eutonia: {error}", err=True)
            sys.exit(2)

    return run  # type: ignore[return-value]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="eutonia")
def main() -> None:
    """Carisoprodol and its alternatives: safety, simulation, evidence, tapering, claims.

    It supports a professional's judgement and never replaces it.
    """


@main.command()
@click.argument("file")
@click.option(
    "--plan", "plans", multiple=True, metavar="TEXT", help="A plan in words; may be given several times."
)
@click.option("--patient", metavar="ID", help="Which patient, where FILE holds several.")
@click.option("--as-of", metavar="DATE", help="Judge the record as known on this day.")
@json_option
@speaks_plainly
def assess(file: str, plans: tuple[str, ...], patient: str | None, as_of: str | None, as_json: bool) -> None:
    """Judge a plan for the patient in FILE: a case file, a FHIR R4 Bundle, or a bulk export folder.

    Example: eutonia assess patient.json --plan "carisoprodol 350 mg four times a day for 14 days"
    """
    from eutonia.assessment import assess as judge
    from eutonia.reading import read

    assessment = judge(read(file, patient=patient, as_of=as_of, plans=plans))
    if as_json:
        click.echo(to_json(assessment.model_dump(mode="json")))
    else:
        from eutonia.report import as_text

        click.echo(as_text(assessment, width=click.get_terminal_size()[0] if sys.stdout.isatty() else 100))


@main.command()
@click.argument("id_")
@json_option
@speaks_plainly
def why(id_: str, as_json: bool) -> None:
    """Explain a rule, drug, feature, value set, therapy, source or claim by its ID.

    Example: eutonia why car-opioid
    """
    from eutonia.explanation import explain, explanation_text

    entry = explain(id_)
    click.echo(to_json(entry) if as_json else explanation_text(entry))


@main.command()
@click.argument("name")
@speaks_plainly
def schema(name: str) -> None:
    """Print the JSON Schema of one of eutonia's formats, such as `case` or `assessment`."""
    from eutonia.schemas import json_schema

    click.echo(to_json(json_schema(name)))


def to_json(value: Any) -> str:
    import orjson

    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode()


def write_file(path: str, content: str | bytes) -> None:
    """Write a whole file or none: into a neighbour first, then moved into place."""
    target = Path(path)
    draft = target.with_name(f".{target.name}.part")
    draft.write_bytes(content.encode() if isinstance(content, str) else content)
    draft.replace(target)
