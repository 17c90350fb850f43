"""Conditions by their codes and words: prefixes, exclusions, texts, and words that deny."""

import re
import warnings
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.knowledge import load
from eutonia.knowledge.codes import CodeIndex, Match, build_index
from eutonia.knowledge.safety import ValueSet

with warnings.catch_warnings():  # it reads its files in a way that Python 3.11 calls old
    warnings.simplefilter("ignore", DeprecationWarning)
    import simple_icd_10_cm as icd

FOLDER = Path(__file__).parents[2] / "eutonia" / "knowledge" / "value_sets"


def _read(path: Path) -> ValueSet:
    data = yaml.safe_load(path.read_text())
    data.pop("sources")
    return ValueSet(id=path.stem, sources=(), **data)


VALUE_SETS = [_read(path) for path in sorted(FOLDER.glob("*.yaml"))]
INDEX: CodeIndex = build_index(VALUE_SETS, load().section("record_words").values())


def icd10cm(code: str, text: str = "") -> frozenset[str]:
    return INDEX.look_up(code, None, text).value_sets


def words(text: str) -> Match:
    return INDEX.look_up(None, None, text)


@pytest.mark.parametrize("value_set", VALUE_SETS, ids=lambda v: v.id)
def test_every_icd_pattern_means_codes_of_the_code_set(value_set: ValueSet) -> None:
    """A pattern without wildcard is a code; one with wildcards fits some code."""
    for pattern in (*value_set.icd10cm, *value_set.icd10cm_not):
        if pattern.replace(".", "").isalnum() and len(pattern) > 2:
            assert icd.is_valid_item(pattern), pattern
        else:
            start = pattern.replace(".", "").replace("?", ".")
            assert any(re.match(start, code.replace(".", "")) for code in _all_codes()), pattern


_CODES: list[str] = []


def _all_codes() -> list[str]:
    if not _CODES:
        _CODES.extend(code for code in icd.get_all_codes() if "-" not in code)
    return _CODES


@pytest.mark.parametrize("value_set", VALUE_SETS, ids=lambda v: v.id)
def test_snomed_codes_have_a_valid_check_digit(value_set: ValueSet) -> None:
    for code in value_set.snomed:
        assert _verhoeff(code), code


def _verhoeff(number: str) -> bool:
    """SNOMED CT identifiers end in a Verhoeff check digit (dihedral group D5)."""

    def multiply(a: int, b: int) -> int:
        turned = (a + b) % 5 if a < 5 else (a - b) % 5
        return turned + 5 * ((a < 5) != (b < 5))

    def permute(place: int, digit: int) -> int:
        for _ in range(place % 8):
            digit = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[digit]
        return digit

    check = 0
    for place, digit in enumerate(map(int, reversed(number))):
        check = multiply(check, permute(place, digit))
    return check == 0


@pytest.mark.parametrize(
    ("code", "value_set"),
    [
        ("E80.21", "porphyria-acute"),
        ("e8021", "porphyria-acute"),
        (" E80.20 ", "porphyria-unspecified"),
        ("E80.2", "porphyria-unspecified"),
        ("T40.1X1A", "overdose"),
        ("T40.2X4D", "overdose"),
        ("T42.4X2A", "overdose"),
        ("T48.1X1A", "overdose"),
        ("T40.411A", "overdose"),
        ("M54.5", "low-back-pain"),
        ("M54.50", "low-back-pain"),
        ("M54.51", "low-back-pain"),
        ("M54.59", "low-back-pain"),
        ("M5459", "low-back-pain"),
        ("G35", "spasticity"),
        ("G35.D", "spasticity"),
        ("F11.20", "sud-active"),
        ("F11.21", "sud-history"),
        ("K70.30", "liver-disease"),
        ("K76.6", "liver-disease"),
        ("K70.31", "liver-failure"),
        ("S52.501A", "fracture"),
        ("S32.010D", "spinal-fracture"),
        ("M80.08XA", "spinal-fracture"),
        ("S72.0", "fracture"),
        ("Z3A.24", "pregnancy"),
        ("O99.810", "pregnancy"),
        ("J43.9", "copd"),
        ("G40.909", "seizure"),
        ("I82.401", "dvt"),
    ],
)
def test_codes_that_belong(code: str, value_set: str) -> None:
    assert value_set in icd10cm(code)


@pytest.mark.parametrize(
    ("code", "value_set"),
    [
        ("E80.1", "porphyria-unspecified"),
        ("E80.21", "porphyria-unspecified"),
        ("T40.1X5A", "overdose"),
        ("T42.4X6A", "overdose"),
        ("F11.21", "sud-active"),
        ("F10.90", "sud-active"),
        ("F17.210", "sud-active"),
        ("K76.0", "liver-disease"),
        ("R56.00", "seizure"),
        ("J45.909", "copd"),
        ("S52.501P", "fracture"),
        ("S32.010S", "spinal-fracture"),
        ("Z86.718", "dvt"),
        ("I25.2", "myocardial-infarction"),
        ("O99.815", "pregnancy"),
        ("E03.9", "hyperthyroid"),
        ("D68.51", "bleeding-disorder"),
        ("Z85.3", "malignancy"),
        ("F32.5", "depression"),
    ],
)
def test_codes_that_do_not_belong(code: str, value_set: str) -> None:
    assert value_set not in icd10cm(code)


def test_a_code_that_is_taken_out_is_known_so_its_text_does_not_count() -> None:
    assert icd10cm("R56.00", "Febrile seizure, simple seizure") == frozenset()
    assert "myocardial-infarction" not in icd10cm("I25.2", "Myocardial infarction, old")


def test_words_count_where_no_code_is_known() -> None:
    assert "dementia" in INDEX.look_up(None, "230266001", "Early onset familial dementia").value_sets
    assert "liver-disease" not in icd10cm("M54.50", "Low back pain with cirrhosis")


def test_words_narrow_what_the_code_says() -> None:
    assert "chronic-low-back-pain" in icd10cm("M54.50", "Chronic low back pain")
    assert "ckd-4-5" in icd10cm("N18.9", "CKD stage 4")
    assert "ckd-4-5" not in icd10cm("I12.9", icd.get_description("I12.9"))
    assert "liver-failure" in icd10cm("K74.60", "Decompensated cirrhosis")
    assert "chronic-low-back-pain" not in icd10cm("M54.50", "Low back pain, not chronic low back pain")


@pytest.mark.parametrize(
    ("text", "value_set"),
    [
        ("Epilepsy", "seizure"),
        ("generalised seizures", "seizure"),
        ("Obstructive sleep apnea (OSA)", "sleep-apnea"),
        ("Stage 4 CKD", "ckd-4-5"),
        ("Chronic kidney disease, stage 5", "ckd-4-5"),
        ("Cirrhosis, Child-Pugh C", "liver-failure"),
        ("Back pain, worse at night", "night-pain"),
        ("COPD, severe", "copd"),
        ("Alzheimer's disease", "dementia"),
        ("Atrial fibrillation, chronic", "arrhythmia"),
        ("recurrent falls", "falls"),
        ("History of falls", "falls"),
        ("Saddle anaesthesia", "saddle-numbness"),
        ("suspected cauda equina syndrome", "cauda-equina"),
        ("Porphyria", "porphyria-unspecified"),
        ("Alcohol use disorder, severe", "sud-active"),
        ("Mother of two, low back pain", "low-back-pain"),
        ("Low back pain without radiculopathy", "low-back-pain"),
        ("Breast cancer", "malignancy"),
        ("IV drug use", "injected-drug-use"),
        ("ETOH cirrhosis, decompensated", "liver-failure"),
        ("Failure of kidney, chronic", "ckd-4-5"),
        ("Numbness in saddle area", "saddle-numbness"),
        ("Loss of weight", "weight-loss"),
        ("ROS: negative for fever, positive for weight loss", "weight-loss"),
        ("T12 compression fx", "spinal-fracture"),
        ("CKD3b", "ckd-3"),
        ("Slipped on ice", "minor-trauma"),
        ("IUP at 31+2 weeks", "pregnancy"),
        ("recent MI", "myocardial-infarction"),
        ("ESLD", "liver-failure"),
        ("Mobitz II", "heart-block"),
        ("UGIB", "gi-bleed"),
        ("CLBP", "chronic-low-back-pain"),
        ("major neurocognitive disorder", "dementia"),
        ("popliteal vein thrombosis", "dvt"),
        ("fragility fracture", "osteoporosis"),
    ],
)
def test_words_that_make_a_diagnosis(text: str, value_set: str) -> None:
    match = words(text)
    assert value_set in match.value_sets
    assert not match.history
    assert not match.excluded


@pytest.mark.parametrize(
    "text",
    [
        "No history of seizure",
        "Denies fever, chills or weight loss",
        "Family history of epilepsy",
        "FHx: breast cancer",
        "Family history of malignant neoplasm",
        "Assessment using Alcohol Use Disorders Identification Test",
        "Assessment of anxiety (procedure)",
        "Seizure Count Cerebral Cortex Electroencephalogram (EEG)",
        "Rule out DVT",
        "r/o DVT",
        "DVT ruled out",
        "Seizure disorder - ruled out",
        "Mother has epilepsy",
        "Epilepsy in her mother",
        "Father: lung cancer",
        "Alcoholism in the family",
        "Depression screening",
        "Screening for depression",
        "Negative for cancer",
        "At risk of falls, risk of osteoporosis",
        "without dementia",
        "Denies saddle anesthesia, bowel or bladder incontinence, fever, chills, night sweats, weight loss",
    ],
)
def test_words_that_deny(text: str) -> None:
    assert words(text) == Match(frozenset(), False, True)


@pytest.mark.parametrize(
    "text",
    [
        "History of epilepsy",
        "h/o seizure",
        "Past breast cancer",
        "Opioid use disorder, in remission",
        "seizure 10 years ago",
        "resolved delirium",
        "Alcohol use disorder, severe, in early remission",
        "Hepatitis C, cured (SVR 2019)",
        "Gastric ulcer, healed",
    ],
)
def test_words_of_the_past(text: str) -> None:
    match = words(text)
    assert match.value_sets
    assert match.history


@pytest.mark.parametrize(
    ("text", "value_set"),
    [
        ("Porphyria cutanea tarda", "porphyria-unspecified"),
        ("Nonalcoholic fatty liver disease", "liver-disease"),
        ("Febrile seizure", "seizure"),
        ("Hay fever", "fever"),
        ("Pulmonary hypertension", "hypertension"),
        ("Asthma", "copd"),
        ("Alcoholic cirrhosis", "sud-active"),
        ("Hypothyroidism", "hyperthyroid"),
        ("Respiratory depression", "depression"),
        ("Subcutaneous emphysema", "copd"),
        ("Prediabetes", "diabetes"),
        ("Essential tremor", "withdrawal-symptoms"),
        ("Upper back pain", "low-back-pain"),
        ("Pregnancy test", "pregnancy"),
        ("AIP (autoimmune pancreatitis)", "porphyria-acute"),
        ("hearing loss, weight gain", "weight-loss"),
        ("recovering alcoholic", "sud-active"),
        ("slipped disc", "minor-trauma"),
        ("Rheumatoid arthritis of hip", "osteoarthritis"),
        ("Falls asleep easily", "falls"),
        ("HCV antibody negative", "liver-disease"),
        ("motivational interviewing (MI)", "myocardial-infarction"),
        ("Heart failure (HCC)", "malignancy"),
        ("First trimester miscarriage 2012", "pregnancy"),
    ],
)
def test_words_that_mean_something_else(text: str, value_set: str) -> None:
    assert value_set not in words(text).value_sets


def test_a_denial_reaches_no_further_than_its_clause() -> None:
    assert words("Low back pain, no fever").value_sets == words("Low back pain").value_sets
    assert "night-pain" in words("no fever but night pain").value_sets
    assert "fever" not in words("no fever but night pain").value_sets
    assert "low-back-pain" in words("History of breast cancer, now low back pain").value_sets
    assert "cirrhosis" in words("Cirrhosis without ascites").value_sets
    assert "liver-decompensation" not in words("Cirrhosis without ascites").value_sets


def test_the_text_of_a_coded_condition_can_deny_it_or_put_it_in_the_past() -> None:
    assert INDEX.look_up("G40.909", None, "Family history of epilepsy").excluded
    assert INDEX.look_up("I82.401", None, "Rule out DVT").excluded
    assert INDEX.look_up("F32.9", None, "History of depression").history
    assert not INDEX.look_up("Z91.81", None, "History of falling").history
    assert not INDEX.look_up(None, "428942009", "History of fall").history
    assert not INDEX.look_up("M54.50", None, "Low back pain, no fever").excluded


@settings(max_examples=200, deadline=None)
@given(st.none() | st.text(max_size=12), st.none() | st.text(max_size=12), st.none() | st.text(max_size=60))
def test_nothing_breaks_it(code: str | None, snomed: str | None, text: str | None) -> None:
    match = INDEX.look_up(code, snomed, text)
    assert not (match.excluded and match.value_sets) or code or snomed


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(VALUE_SETS), st.data())
def test_every_term_is_found_by_itself_unless_it_is_taken_out(
    value_set: ValueSet, data: st.DataObject
) -> None:
    if value_set.terms:
        term = data.draw(st.sampled_from(value_set.terms))
        assert value_set.id in words(term.upper()).value_sets


def test_the_title_of_a_code_never_denies_it() -> None:
    denied = [
        code
        for code in _all_codes()[::20]
        if INDEX.meaning(code, None, "").value_sets
        and INDEX.meaning(code, None, icd.get_description(code)).excluded
    ]
    assert denied == []


def test_every_included_set_is_there() -> None:
    ids = {value_set.id for value_set in VALUE_SETS}
    assert {name for value_set in VALUE_SETS for name in value_set.includes} <= ids


@pytest.mark.parametrize(
    ("text", "value_set"),
    [
        ("AUD, severe", "sud-active"),
        ("hx breast CA", "malignancy"),
        ("hemolytic anaemia", "hemolytic-anemia"),
        ("peripheral oedema, faecal incontinence", "fecal-incontinence"),
        ("blood clot in leg", "dvt"),
        ("vomiting blood", "gi-bleed"),
        ("can't pee", "urinary-retention"),
        ("poisoning by heroin, accidental", "overdose"),
        ("low BP", "hypotension"),
        ("swollen left calf", "leg-swelling-unilateral"),
    ],
)
def test_lay_words_abbreviations_and_british_spelling_are_read(text, value_set):
    assert value_set in INDEX.look_up(None, None, text).value_sets
