"""The rules on red flags, and on data that are missing or cannot be right."""

import pytest
from patient_lines import CYC, EGFR, IBU, LBP, NP, M, W, c, case, check, lab, m, named, never_fired, o

from eutonia.assessment import Assessment

# fmt: off
EXAMPLES = [
    # --- red flags
    case(["rf-cauda-equina"], [], IBU, cond=[LBP, c("Fecal incontinence", "R15.9", "2026-03-01")]),
    case(["rf-cauda-equina"], [], IBU, cond=[LBP, c("Cauda equina syndrome", "G83.4", "2026-03-01")]),
    case([], ["rf-cauda-equina"], IBU,
         cond=[LBP, c("Urinary retention", "R33.9", "2019-03-01", clinical_status="resolved")]),
    case([], ["rf-cauda-equina"], IBU, cond=[LBP, c("Urinary retention", "R33.9", "2024-03-01")]),
    case(["rf-cauda-equina"], [], IBU, cond=[LBP], obs=[o("Saddle numbness", True)]),
    case(["rf-cancer"], ["rf-infection"], IBU, cond=[LBP, c("Unexplained weight loss", "R63.4", "2026-01-20")]),
    case(["rf-cancer"], [], IBU, cond=[LBP], obs=[o("Night pain", "yes")]),
    case(["rf-cancer"], [], IBU, cond=[LBP, c("Personal history of malignant neoplasm of breast", "Z85.3")]),
    case([], ["rf-*"], IBU, cond=[LBP], patient=M(66), labs=[EGFR(80)]),
    case(["rf-infection"], [], IBU, cond=[LBP],
         obs=[{"code": "8310-5", "text": "Body temperature", "value": 38.6, "unit": "Cel", "date": "2026-03-01"}]),
    case([], ["rf-infection"], IBU, cond=[LBP],
         obs=[{"code": "8310-5", "text": "Body temperature", "value": 37.0, "unit": "Cel", "date": "2026-03-01"}]),
    case(["rf-infection"], [], IBU, [m("adalimumab 40 mg injection", 40, 0.07)], cond=[LBP]),
    case([], ["rf-infection"], IBU, [m("prednisone 5 mg", 5)], cond=[LBP]),
    case(["rf-infection"], [], IBU, [m("prednisone 20 mg", 40, 1, start="2026-01-20")], cond=[LBP]),
    case([], ["rf-infection"], IBU,
         cond=[LBP, c("Injection drug use", "Z72.89", verification_status="entered-in-error")]),
    case(["rf-fracture"], [], IBU, cond=[LBP, c("Motor vehicle accident", "V49.9XXA", "2026-02-28")]),
    case(["rf-fracture"], [], IBU,
         cond=[LBP, c("Fall from standing", "W18.30XA", "2026-02-28"), c("Osteoporosis", "M81.0")],
         patient=W(60)),
    case([], ["rf-fracture"], IBU, cond=[LBP, c("Fall from standing", "W18.30XA", "2026-02-28")]),
    case(["rf-fracture"], [], IBU, cond=[c("Compression fracture of L1", "S32.010A", "2026-02-20")]),
    case([], ["rf-fracture", "rf-cancer"], IBU, cond=[LBP, c("Osteoporosis", "M81.0")], patient=W(60)),
    case(["rf-aortic"], [], IBU, cond=[LBP, c("Abdominal aortic aneurysm", "I71.4")]),
    # --- missing or bad data
    case(["data-age-missing"], [], IBU, patient={"sex": "male"}),
    case(["data-sex-pregnancy-unknown"], [], IBU, patient=W(30)),
    case([], ["data-sex-pregnancy-unknown"], IBU, patient=W(52)),
    case([], ["data-sex-pregnancy-unknown"], IBU, patient=W(30), obs=[NP]),
    case(["data-renal-missing"], [], IBU, patient=M(66)),
    case(["data-renal-missing"], [], IBU, cond=[LBP, c("Type 2 diabetes", "E11.9")]),
    case([], ["data-renal-missing"], CYC, patient=M(66)),
    case([], ["data-renal-missing"], IBU, patient=M(66), labs=[EGFR(80)]),
    case(["data-lab-stale", "data-renal-missing"], ["nsaid-ckd-*"], IBU, patient=M(66),
         labs=[EGFR(25, "2024-01-01")]),
    case([], ["data-lab-stale"], IBU, labs=[lab("INR", "6301-6", 2.5, "{INR}", "2026-02-20"), EGFR(80)]),
    case(["data-unit-suspect"], ["nsaid-ckd-*"], IBU, labs=[lab("Creatinine", "2160-0", 88, "mg/dL")]),
    case(["data-unit-suspect"], [], IBU, labs=[lab("Creatinine", "2160-0", 1.1, None)]),
    case(["data-drug-unmapped"], [], IBU, [m("blue heart pill", 1, 1, "tablet")]),
    case(["data-drug-unmapped"], [], IBU, [m("alprazolam 1 mg", 1, 1, rxcui="197446")]),
    case([], ["data-drug-unmapped"], IBU,
         [m("loratadine 10 mg", 10), m("vitamin D 1000 units", 1, 1, "tablet"), m("metformin 500 mg", 500, 2)]),
    case(["data-allergy-unknown"], [], IBU, no_known_allergies=None, allergies=None),
]
# fmt: on


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=named(EXAMPLES))
def test_what_must_fire_fires_and_what_must_not_is_silent(number: int, answers: list[Assessment]) -> None:
    check(EXAMPLES[number], answers[number])


def test_every_rule_of_this_chapter_fires_somewhere() -> None:
    assert not never_fired(EXAMPLES, "rf", "data")
