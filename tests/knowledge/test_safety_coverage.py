"""Everything that the safety dossier lists has an entry here: each rule, value set and code of its sections 1 and 3."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from eutonia.conditions import rules_of_the_record
from eutonia.knowledge import load
from eutonia.knowledge.codes import code_index, normal_code

DOSSIER = Path(__file__).parents[3] / "shared" / "dossier" / "safety.md"
if not DOSSIER.exists():
    pytest.skip("the safety dossier is not beside this checkout", allow_module_level=True)

KNOWLEDGE = load()
TEXT = DOSSIER.read_text()
RULES = re.findall(r"^\| `([a-z0-9-]+)` \| ([12]) \|.*?\| \*\*(\w+)\*\* \|", TEXT, re.MULTILINE)

NAMES = {
    "sud-remission": "sud-history",
    "history": "sud-history",
    "hyperthyroid": "hyperthyroid",
    "mi": "myocardial-infarction",
    "angle-closure": "angle-closure-glaucoma",
    "bone": "malignancy-bone",
    "cellulitis": "skin-infection",
    "skin": "skin-infection",
}
"""Names of the dossier's rows that are called otherwise here."""

TAKEN_OUT = {
    "E80.1": "porphyria-unspecified",
    "E80.0": "porphyria-unspecified",
    "F10.9": "sud-active",
    "F11.9": "sud-active",
    "Z87.898": "sud-history",
    "G47.00": "withdrawal-symptoms",
    "R56.00": "seizure",
    "R56.01": "seizure",
    "K76.0": "liver-disease",
    "Z86.718": "dvt",
    "I25.2": "myocardial-infarction",
    "F11.21": "sud-active",
}
"""Codes that the dossier names because they must not count, and the value set that leaves them out."""


def rows() -> Iterator[tuple[str, str, str]]:
    section = TEXT.split("## 3. Condition value sets")[1].split("### 3.1")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 3 and cells[0] != "value set":
            yield cells[0], cells[1].replace("\\*", "*"), cells[2]


def patterns(cell: str) -> Iterator[str]:
    """`K25–K28.*, I80.1–I80.3` → each code named, ranges written out."""
    code = r"[A-Z]\d[\dA-Z](?:\.[\dA-Z]+)?"
    for first, last in re.findall(rf"({code})(?:\.?\*)?(?:–({code}|\d+))?", cell):
        if not last:
            yield first
            continue
        stem = first[: len(first) - len(last)] if last.isdigit() else ""
        start, end = re.fullmatch(r"(.*?)(\d+)", first), re.fullmatch(r"(.*?)(\d+)", stem + last)
        assert start
        assert end
        if start[1] != end[1]:  # C00–C96 differ in both digits only
            start, end = re.fullmatch(r"([A-Z])(.*)", first), re.fullmatch(r"([A-Z])(.*)", last)
            assert start
            assert end
        for number in range(int(start[2]), int(end[2]) + 1):
            yield f"{start[1]}{number:0{len(start[2])}d}"


def test_every_rule_has_a_file_with_its_severity_and_tier(capsys: pytest.CaptureFixture[str]) -> None:
    found = {id_: KNOWLEDGE.rules[id_] for id_, _, _ in RULES if id_ in KNOWLEDGE.rules}
    with capsys.disabled():
        print(f"\nrules of the dossier: {len(found)} of {len(RULES)}")
    assert len(RULES) == len(re.findall(r"^\| `[a-z0-9-]+` \| [12] \|", TEXT, re.MULTILINE)) == 158
    assert sorted(id_ for id_, _, _ in RULES if id_ not in found) == []
    assert [(id_, int(tier), severity) for id_, tier, severity in RULES] == [
        (id_, found[id_].tier, found[id_].severity) for id_, _, _ in RULES
    ]


def test_every_rule_of_the_record_is_in_the_dossier() -> None:
    """Rules over the forecast are ours."""
    ours = {rule.id for rule in rules_of_the_record(KNOWLEDGE)}
    assert sorted(ours - {id_ for id_, _, _ in RULES}) == []


def test_every_value_set_has_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    named = [part.strip().casefold() for name, _, _ in rows() for part in name.split("/")]
    wanted = [NAMES.get(name, name) for name in named]
    missing = [name for name in wanted if name not in KNOWLEDGE.value_sets]
    with capsys.disabled():
        print(f"\nvalue sets of the dossier: {len(wanted) - len(missing)} of {len(wanted)}")
    assert len(wanted) >= 60
    assert missing == []


def test_every_snomed_code_is_in_a_value_set(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [code for _, _, cell in rows() for code in re.findall(r"\b\d{6,16}\b", cell)]
    known = {code for value_set in KNOWLEDGE.value_sets.values() for code in value_set.snomed} | {"1755008"}
    missing = [code for code in wanted if code not in known]
    with capsys.disabled():
        print(f"\nSNOMED CT codes of the dossier: {len(wanted) - len(missing)} of {len(wanted)}")
    assert len(wanted) > 90
    assert missing == []


def test_every_icd_pattern_is_in_a_value_set(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [code for _, cell, _ in rows() for code in patterns(cell) if code not in TAKEN_OUT]
    starts = [
        re.sub(r"\[.*", "", normal_code(p).replace("?", "."))
        for v in KNOWLEDGE.value_sets.values()
        for p in v.icd10cm
    ]
    index = code_index(KNOWLEDGE)
    missing = [
        code
        for code in wanted
        if not index.look_up(code, None, "").value_sets
        and not any(
            re.match(start, normal_code(code)) or start.startswith(normal_code(code)) for start in starts
        )
    ]
    with capsys.disabled():
        print(f"\nICD-10-CM patterns of the dossier: {len(wanted) - len(missing)} of {len(wanted)}")
    assert len(wanted) > 200
    assert missing == []


@pytest.mark.parametrize(("code", "value_set"), TAKEN_OUT.items())
def test_codes_that_must_not_count_do_not(code: str, value_set: str) -> None:
    assert value_set not in code_index(KNOWLEDGE).look_up(code, None, "").value_sets
