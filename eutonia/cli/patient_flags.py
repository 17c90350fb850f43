"""Flags that describe a patient, alike in every command that simulates one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from eutonia.errors import InputError

F = TypeVar("F", bound=Callable[..., Any])

_FLAGS = (
    click.option("--age", type=float, metavar="YEARS", help="Age in years."),
    click.option("--sex", type=click.Choice(["male", "female"]), help="Sex."),
    click.option("--weight", type=float, metavar="KG", help="Weight in kg."),
    click.option(
        "--cyp2c19",
        type=click.Choice(["poor", "intermediate", "normal", "rapid", "ultrarapid"]),
        help="CYP2C19 metaboliser phenotype.",
    ),
    click.option(
        "--liver",
        type=click.Choice(["normal", "child-pugh-a", "child-pugh-b", "child-pugh-c"]),
        help="Liver function.",
    ),
    click.option("--egfr", type=float, metavar="N", help="Estimated glomerular filtration rate, mL/min."),
    click.option("--pregnant", is_flag=True, help="Pregnant, second or third trimester."),
    click.option("--ancestry", metavar="ID", help="Ancestry, for the frequencies of CYP2C19 phenotypes."),
    click.option("--naive", is_flag=True, help="New to the drugs of the plan."),
    click.option("--regular-user", is_flag=True, help="Has been taking them for two months already."),
)


def patient_flags(command: F) -> F:
    """Give a command the flags of a patient."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


def patient_facts(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that the flags state. Raises InputError where they contradict each other."""
    if flags["naive"] and flags["regular_user"]:
        raise InputError("--naive and --regular-user contradict each other. Give one of them.")
    names = ("age", "sex", "weight", "cyp2c19", "liver", "egfr", "ancestry")
    facts = {name: flags[name] for name in names if flags[name] is not None}
    if flags["pregnant"]:
        facts["pregnant"] = True
    if flags["naive"] or flags["regular_user"]:
        facts["regular_user"] = flags["regular_user"]
    return facts
