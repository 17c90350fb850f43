"""The command line: each command parses, calls one function, prints.

Results go to standard output, messages to standard error. Exit 0: answered, whatever the verdict. Exit 2: the
input or the call is wrong. One file per command, imported only when that command is called.
"""

import gc
import os
from importlib import import_module

import click

from eutonia import __version__

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
"""pydantic would look through every installed package for plugins; eutonia has no use for one."""

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""Many small matrices: threads of the linear algebra would only wait for each other. It reads this when it loads."""

gc.set_threshold(100_000, 20, 20)
"""A command makes a hundred thousand objects of knowledge that stay, and hardly a cycle: to look for cycles every 700
objects took a seventh of its time."""

COMMANDS = (
    "assess",
    "simulate",
    "taper",
    "compare",
    "evidence",
    "check",
    "screen",
    "why",
    "validate",
    "serve",
    "schema",
)


class _Commands(click.Group):
    """Commands that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"eutonia.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, and with the commands that a misspelt one may stand for."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Carisoprodol and its alternatives: safety, simulation, evidence, tapering, claims.

    It supports a professional's judgement and never replaces it.
    """
