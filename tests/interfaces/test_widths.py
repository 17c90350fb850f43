"""What a command prints fits the terminal, with all its words."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from eutonia.cli import main
from eutonia.terminal import table, wrapped

COMMANDS = [
    ["evidence", "carisoprodol", "--condition", "acute-low-back-pain", "--outcome", "drowsiness"],
    ["evidence", "nsaid", "--condition", "acute-low-back-pain"],
    ["compare", "carisoprodol", "cyclobenzaprine", "nsaid", "--condition", "acute-low-back-pain"],
    ["assess", "demo/carisoprodol-for-long.json", "--no-forecast"],
    ["check", "tests/data/good_articles/pharmacist_column.md"],
    ["why", "ralph2008"],
]


def printed(command: list[str], columns: int) -> str:
    made = CliRunner().invoke(main, command, env={"COLUMNS": str(columns)})
    assert made.exit_code == 0, made.stderr
    return str(made.stdout)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command[:2]))
@pytest.mark.parametrize("columns", [64, 80])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(command: list[str], columns: int) -> None:
    text = printed(command, columns)
    assert [line for line in text.splitlines() if len(line) > columns] == []
    assert sorted(text.split()) == sorted(printed(command, 400).split())


def test_where_output_is_piped_eighty_columns_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from eutonia.cli.common import width

    monkeypatch.delenv("COLUMNS", raising=False)
    assert width() == 80


def test_what_stands_before_a_text_may_be_coloured_and_ids_stay_whole() -> None:
    lines = wrapped("nsaid-anticoagulant and mfr-anticoagulation apply", 26, "\x1b[1mavoid \x1b[0m", "  ")
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in lines] == [
        "avoid nsaid-anticoagulant",
        "  and mfr-anticoagulation",
        "  apply",
    ]
    assert lines[0].startswith("\x1b[1m")


def test_the_last_column_of_a_table_goes_on_below_itself_or_on_a_line_of_its_own() -> None:
    rows = [("a", "10", "seen; imputed"), ("bcd", "9", "seen")]
    assert table(rows, "<><", 40) == ["a    10  seen; imputed", "bcd   9  seen"]
    assert table(rows, "<><", 21) == ["a    10  seen;", "         imputed", "bcd   9  seen"]
    assert table(rows, "<><", 18) == ["a    10", "    seen; imputed", "bcd   9", "    seen"]
