"""eutonia why: rules, drugs by any name, single numbers, and a hint for what is not known."""

import json

from click.testing import CliRunner

from eutonia.cli import main


def why(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["why", *words])
    return result.exit_code, result.output


def test_a_rule_shows_its_text_data_sources_and_examples() -> None:
    code, text = why("car-opioid")
    assert code == 0
    for part in ("[rules/car-opioid]", "severity: avoid", "when:", "examples:", "source (seen):"):
        assert part in text


def test_a_number_has_the_place_in_its_entry_as_its_id() -> None:
    told = json.loads(why("carisoprodol.kinetics.clearance", "--json")[1])
    assert told["unit"] == "L/h"
    assert told["sources"][0]["mark"] in ("seen", "recalled", "derived", "assumed")


def test_a_drug_is_found_by_its_brand() -> None:
    assert "[drugs/carisoprodol]" in why("Soma")[1]


def test_what_is_not_known_names_the_nearest() -> None:
    code, text = why("car-opoid")
    assert code == 2
    assert "car-opioid" in text
