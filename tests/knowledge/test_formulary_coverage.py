"""Every drug, class and code that the safety dossier lists has an entry."""

import re
from pathlib import Path

import pytest

from eutonia.formulary import classes_of, recognise
from eutonia.knowledge import load

SAFETY = Path(__file__).parents[2].parent / "shared" / "dossier" / "safety.md"
CLASS_IDS = {"cyp1a2-other": "cyp1a2-inhibitor-other"}
NOT_IN_CLASS_OF_TABLE = {"meprobamate", "diazepam", "diphenoxylate", "difenoxin"}
"""Listed under a class and kept out of it by a rule or remark of the dossier."""


def rows():
    if not SAFETY.exists():
        return []
    text = SAFETY.read_text()
    part = text[text.index("## 2. Drug class") : text.index("## 3. Condition")]
    found, section = [], ""
    for line in part.splitlines():
        section = line[4:7] if line.startswith("### ") else section
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 8 and cells[0] not in ("ingredient", "---"):
            found.append((section, cells))
    return found


needs_dossier = pytest.mark.skipif(not SAFETY.exists(), reason="../shared/dossier/safety.md is not there")


def coverage(what, wanted, missing):
    print(f"{what}: {len(wanted) - len(missing)} of {len(wanted)}")
    assert wanted
    assert not missing


@needs_dossier
def test_every_ingredient_has_an_entry():
    wanted = [cells[0] for _, cells in rows()]
    found = {name: recognise(name, None, load()) for name in wanted}
    coverage("ingredients", wanted, [n for n, r in found.items() if r is None or len(r.ingredients) != 1])


@needs_dossier
@pytest.mark.parametrize(("column", "field"), [(1, "rxcui"), (2, "omop_concept_id"), (3, "atc")])
def test_every_code_is_in_the_entry(column, field):
    wanted, missing = [], []
    for _, cells in rows():
        drug = load().drugs[recognise(cells[0], None, load()).ingredients[0].drug]
        stated = re.findall(r"[A-Z]\d\d[A-Z]{2}\d\d", cells[3]) if field == "atc" else [cells[column]]
        if field == "atc" and "with" in cells[3]:
            continue  # the code of a combination
        kept = getattr(drug, field)
        for code in (c for c in stated if field == "atc" or c.isdigit()):
            wanted.append(code)
            if code not in (kept if field == "atc" else (str(kept),)):
                missing.append((cells[0], code))
    coverage(field, wanted, missing)


@needs_dossier
def test_unverified_ids_are_left_out():
    for _, cells in rows():
        drug = load().drugs[recognise(cells[0], None, load()).ingredients[0].drug]
        assert "[verify]" not in cells[1] or drug.rxcui is None
        assert "[verify]" not in cells[2] or drug.omop_concept_id is None


@needs_dossier
def test_every_class_has_its_members():
    heads = {"2.1": "muscle-relaxant", "2.2": "opioid", "2.3": "benzodiazepine"}
    wanted, missing = [], []
    for section, cells in rows():
        drug = recognise(cells[0], None, load()).ingredients[0].drug
        named = re.findall(r"class:([a-z0-9-]+)", cells[6])
        named += [heads[section]] if section in heads and drug not in NOT_IN_CLASS_OF_TABLE else []
        certain, possible = classes_of(drug, None, load())
        for name in named:
            wide = CLASS_IDS.get(name, name)
            wanted.append((drug, wide))
            if wide not in certain | possible:
                missing.append((drug, wide))
    coverage("class members", wanted, missing)
    assert {name for _, name in wanted} <= set(load().classes)


@needs_dossier
def test_traps_are_no_opioids():
    for code in ("1043", "7242", "7243", "6468", "3289"):
        drug = recognise("", code, load()).ingredients[0].drug
        assert "opioid" not in classes_of(drug, None, load())[0]


def test_every_product_code_means_the_drugs_of_its_file():
    """The name of each RxNorm code, read as text alone, names the drugs in whose file it stands."""
    knowledge = load()
    wrong = []
    for section in (knowledge.drugs, knowledge.products, knowledge.recognised):
        for entry in section.values():
            own = {entry.id} if section is knowledge.drugs else set(getattr(entry, "ingredients", ()))
            codes = entry.clinical_drugs if section is knowledge.drugs else entry.rxcui
            for code, name in codes.items():
                read = recognise(name, None, knowledge)
                if read is None or {i.drug for i in read.ingredients} != own or read.unread:
                    wrong.append((entry.id, code, name))
    assert not wrong


def test_every_name_means_its_own_entry():
    knowledge = load()
    wrong = []
    for drug in knowledge.drugs.values():
        for name in (drug.title, *drug.synonyms, *drug.brands, *drug.unapproved_names):
            read = recognise(name, None, knowledge)
            if read is None or [i.drug for i in read.ingredients] != [drug.id]:
                wrong.append((drug.id, name))
    for product in knowledge.products.values():
        for name in (*product.brands, *product.synonyms):
            read = recognise(name, None, knowledge)
            if read is None or {i.drug for i in read.ingredients} != set(product.ingredients):
                wrong.append((product.id, name))
    assert not wrong
