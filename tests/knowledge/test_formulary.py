"""Medicines as people write them."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.formulary import classes_of, recognise, suggest
from eutonia.knowledge import load

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
NAMES = SHARED / "terminology" / "rxnorm_muscle_relaxants.csv"
VALUE_SETS = SHARED / "terminology" / "opioid_cds_r4"
MEDS = SHARED / "fhir" / "smart_sample_patients_tables" / "meds.txt"


def told(text, rxcui=None):
    found = recognise(text, rxcui, load())
    return None if found is None else [(i.drug, i.mg) for i in found.ingredients]


@pytest.mark.parametrize(
    ("text", "drugs"),
    [
        ("Soma 350", [("carisoprodol", 350)]),
        ("Percocet 5/325", [("oxycodone", 5), ("acetaminophen", 325)]),
        ("oxyCODONE-acetaminophen 5-325 mg tab", [("oxycodone", 5), ("acetaminophen", 325)]),
        ("10/325 mg oxycodone-acetaminophen", [("oxycodone", 10), ("acetaminophen", 325)]),
        ("Ciclobenzaprina 10 mg", [("cyclobenzaprine", 10)]),
        ("Ibuprofeno 600 mg", [("ibuprofen", 600)]),
        ("Diklofenak 50 mg", [("diclofenac", 50)]),
        ("oxicodona 5 mg", [("oxycodone", 5)]),
        ("rifampicina", [("rifampin", None)]),
        ("co-codamol 30/500", [("acetaminophen", 500), ("codeine", 30)]),
        ("co-codamol 8/500", [("acetaminophen", 500), ("codeine", 8)]),
        ("hydrocodone-acetaminophen 325-5", [("hydrocodone", 5), ("acetaminophen", 325)]),
        ("325 mg acetaminophen / 5 mg hydrocodone", [("acetaminophen", 325), ("hydrocodone", 5)]),
        ("Suboxone 8/2", [("buprenorphine", 8), ("naloxone", 2)]),
        ("Fioricet 50-300-40 mg", [("butalbital", 50), ("acetaminophen", 300)]),
        ("Soma Compound w/ Codeine", [("carisoprodol", 200), ("aspirin", 325), ("codeine", 16)]),
        ("Tylenol #3", [("acetaminophen", 300), ("codeine", 30)]),
        ("Tylenol PM", [("acetaminophen", 500), ("diphenhydramine", 25)]),
        ("ZzzQuil (diphenhydramine 25 mg)", [("diphenhydramine", 25)]),
        ("cyclobenzaprine HCl ER 15 mg capsule", [("cyclobenzaprine", 15)]),
        ("ibuprofen 600", [("ibuprofen", 600)]),
        ("tizanidine 4mg", [("tizanidine", 4)]),
        ("carisoprodol 2 tabs", [("carisoprodol", None)]),
        ("levothyroxine 75 mcg", [("levothyroxine", 0.075)]),
        ("esomeprazole magnesium 40 mg", [("esomeprazole", 40)]),
        ("calcium magnesium zinc", [("magnesium", None)]),
        ("paracetamol 500 mg", [("acetaminophen", 500)]),
        ("pethidine", [("meperidine", None)]),
        ("St. John's wort", [("st-johns-wort", None)]),
        ("atorvastatin 20 mg", []),
        ("heparin flush", []),
        ("baby aspirin", [("aspirin", 81)]),
        ("low-dose aspirin 100 mg", [("aspirin", 100)]),
        ("no aspirin", None),
        ("aspirin-free", None),
        ("sodium-free salt", None),
        ("somatic complaints", None),
        ("", None),
    ],
)
def test_text(text, drugs):
    assert told(text) == drugs


@pytest.mark.parametrize(
    "text", ["Pain O Soma 500 mg", "PainOSoma", "pain-o-soma", "Prosoma", "PRO SOMA 500"]
)
def test_unapproved_names(text):
    found = recognise(text, None, load())
    assert found.unapproved_name
    assert found.ingredients[0].drug == "carisoprodol"


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("diclofenac 1% gel", "topical"),
        ("fentanyl 25 mcg/h patch", "transdermal"),
        ("72 HR Fentanyl 0.025 MG/HR Transdermal System", "transdermal"),
        ("hydrocortisone 1 % cream", "topical"),
        ("ibuprofen 200 mg tablet", "oral"),
    ],
)
def test_route(text, route):
    assert recognise(text, None, load()).route == route


def test_a_patch_is_told_by_the_hour():
    assert recognise("fentanyl 25 mcg/h patch", None, load()).ingredients[0].mg_per_hour == 0.025
    assert recognise("clonidine 0.24 mg/24 hr patch", None, load()).ingredients[0].mg_per_hour == 0.01


def test_code_without_text():
    assert told("", "197446") == [("carisoprodol", 350)]
    assert dict(told("", "994226")) == {"aspirin": 325, "carisoprodol": 200, "codeine": 16}


def test_unknown_code_is_read_from_its_text():
    assert told("oxycodone/acetaminophen 10/325 tablet", "999999999") == [
        ("oxycodone", 10),
        ("acetaminophen", 325),
    ]


def test_unknown_code_and_text_are_unknown():
    assert told("foobarol 5 mg", "999999999") is None


def test_code_and_text_that_contradict_give_both():
    found = recognise("carisoprodol 350 mg", "5640", load())
    assert found.contradicts
    assert {i.drug for i in found.ingredients} == {"carisoprodol", "ibuprofen"}


def test_the_strength_in_the_text_counts():
    assert told("carisoprodol 500 mg", "197446") == [("carisoprodol", 500)]


def test_an_unknown_part_of_a_combination_is_named():
    assert recognise("acetaminophen / foobarol", None, load()).unread == ("foobarol",)


def test_aspirin_is_antiplatelet_or_nsaid_by_dose():
    assert "nsaid" not in classes_of("aspirin", 81, load())[0]
    assert "antiplatelet" in classes_of("aspirin", 81, load())[0]
    assert "nsaid" in classes_of("aspirin", 1300, load())[0]
    assert {"nsaid", "antiplatelet"} <= classes_of("aspirin", None, load())[1]


@pytest.mark.parametrize(
    ("brand", "drug"),
    [("Floxyfral 100 mg", "fluvoxamine"), ("Stesolid 5 mg", "diazepam"), ("Contramal", "tramadol"),
     ("Ciproxin 500", "ciprofloxacin"), ("Fraxiparine", "nadroparin"), ("Myolastan", "tetrazepam"),
     ("L-Polamidon", "levomethadone"), ("Inhibace", "cilazapril"), ("Dafalgan 1 g", "acetaminophen")],
)  # fmt: skip
def test_brands_of_other_countries(brand, drug):
    found = recognise(brand, None, load())
    assert found is not None
    assert [i.drug for i in found.ingredients] == [drug]


def test_misspellings_are_suggested_not_assumed():
    assert told("carisoprodal 350 mg") is None
    assert suggest("carisoprodal 350 mg", load()) == "carisoprodol"
    assert suggest("xyzzyplugh", load()) is None


@pytest.mark.skipif(not NAMES.exists(), reason="../shared/data/terminology is not there")
def test_all_names_of_relaxants():
    with NAMES.open() as file:
        for row in csv.DictReader(file):
            by_text, by_code = told(row["name"]), told("", row["rxcui"])
            assert row["ingredient"] in dict(by_text)
            assert dict(by_text) == dict(by_code)


@pytest.mark.skipif(not VALUE_SETS.exists(), reason="../shared/data/terminology is not there")
def test_all_names_of_opioid_value_sets():
    unknown = []
    for path in sorted(VALUE_SETS.glob("*.json")):
        for concept in json.loads(path.read_text())["expansion"]["contains"]:
            if told(concept["display"]) is None or told("", concept["code"]) is None:
                unknown.append(concept["display"])
    assert not unknown


@pytest.mark.skipif(not MEDS.exists(), reason="../shared/data/fhir is not there")
def test_all_names_of_sample_patients():
    with MEDS.open() as file:
        names = {row["Name"] for row in csv.DictReader(file, delimiter="\t")}
    assert not {name for name in names if told(name) is None}


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_no_text_crashes(text):
    recognise(text, None, load())


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(
        ["Soma 350", "Percocet 5/325", "Pain O Soma 500 mg", "acetaminophen 325 MG / oxycodone 5 MG"]
    ),
    st.data(),
)
def test_case_and_spacing_do_not_matter(text, data):
    spaced = "".join(
        (c.upper() if data.draw(st.booleans()) else c.lower())
        + (" " if c == " " and data.draw(st.booleans()) else "")
        for c in text
    )
    assert recognise(f"  {spaced} ", None, load()) == recognise(text, None, load())
