"""The rules on magnesium, heat, hands-on care and movement."""

import pytest
from patient_lines import (
    CLBP,
    CYC,
    EGFR,
    EX,
    HEAT,
    LBP,
    MAG,
    MANIP,
    MASS,
    MFR,
    PG,
    SPASM,
    YOGA,
    W,
    c,
    case,
    check,
    lab,
    m,
    named,
    never_fired,
    t,
)

from eutonia.assessment import Assessment

# fmt: off
EXAMPLES = [
    # --- magnesium, heat, hands-on care, movement
    case(["mag-renal"], [], MAG, labs=[EGFR(22)]),
    case(["mag-renal"], [], MAG, labs=[lab("Magnesium", "19123-9", 3.1, "mg/dL")]),
    case(["mag-no-evidence"], ["mag-renal"], MAG, labs=[EGFR(80)]),
    case(["mag-chelation"], [], MAG, [m("levothyroxine 75 mcg", 75, 1, "ug")]),
    case(["heat-sedation-neuropathy"], [], HEAT, cond=[LBP, c("Diabetic polyneuropathy", "E11.42")]),
    case(["heat-sedation-neuropathy"], [], HEAT, [m("zolpidem 10 mg", 10)]),
    case(["heat-fentanyl-patch"], [], HEAT,
         [m("fentanyl 25 mcg/hr patch", 1, 0.33, "patch", route="transdermal")]),
    case([], ["heat-*"], HEAT, [m("ibuprofen 400 mg", 400)]),
    case(["manip-red-flags"], [], MANIP, cond=[LBP, c("Osteomyelitis of vertebra", "M46.26")]),
    case(["manip-red-flags", "rf-cancer"], [], MANIP, cond=[LBP, c("Prostate cancer", "C61")]),
    case(["manip-red-flags"], [], MANIP,
         cond=[c("Neck pain", "M54.2", "2026-02-20"), c("Cervical myelopathy", "M50.00")]),
    case(["manip-bleeding-bone"], ["manip-red-flags"], MANIP, [m("warfarin 5 mg", 5)], cond=[LBP]),
    case(["manip-bleeding-bone"], [], MANIP, [m("prednisone 5 mg", 5)], cond=[LBP]),
    case([], ["manip-bleeding-bone"], MANIP, [m("prednisone 40 mg", 40, 1, start="2026-02-26")], cond=[LBP]),
    case(["manip-bleeding-bone"], [], MANIP, cond=[LBP, c("Rheumatoid arthritis", "M06.9")]),
    case(["mfr-dvt"], [], MASS, cond=[LBP, c("DVT of right leg", "I82.401", "2026-01-10")]),
    case([], ["mfr-dvt"], MASS,
         cond=[LBP, c("DVT", "I82.401", "2024-01-10", clinical_status="resolved"), c("Past DVT", "Z86.718")]),
    case(["mfr-dvt"], [], MFR, cond=[LBP, c("Swelling of left leg", "R22.42", "2026-02-28")]),
    case(["mfr-fracture-local"], [], t("massage", "massage of the back"),
         cond=[c("Rib fracture", "S22.31XA", "2026-02-01")]),
    case([], ["mfr-fracture-local"], t("massage", "massage of the back"),
         cond=[LBP, c("Closed fracture of right ankle", "S82.891A", "2026-02-01")]),
    case(["mfr-infection-skin"], [], MASS, cond=[LBP, c("Fever", "R50.9", "2026-02-28")]),
    case(["mfr-infection-skin"], [], MASS, cond=[LBP, c("Cellulitis", "L03.90", "2026-02-28")]),
    case([], ["mfr-infection-skin"], t("massage", "massage of the back"),
         cond=[LBP, c("Cellulitis of left lower limb", "L03.116", "2026-02-28")]),
    case(["mfr-malignancy"], [], MASS, cond=[SPASM, c("Breast cancer", "C50.919")]),
    case(["mfr-anticoagulation"], ["nsaid-*"], MASS, [m("rivaroxaban 20 mg", 20)]),
    case(["mfr-anticoagulation"], [], MASS, labs=[lab("Platelets", "777-3", 38, "10*3/uL")]),
    case(["mfr-osteoporosis"], ["rf-fracture"], MASS, cond=[LBP, c("Osteoporosis", "M81.0")]),
    case(["mfr-fragile-skin"], [], MASS, patient=W(84)),
    case(["mfr-pregnancy"], [], MASS, obs=[PG], patient=W(30)),
    case(["mfr-aneurysm"], [], MASS,
         cond=[c("Neck pain", "M54.2", "2026-02-20"), c("Abdominal aortic aneurysm", "I71.4")]),
    case(["rf-aortic", "mfr-aneurysm"], [], MASS, cond=[LBP, c("Abdominal aortic aneurysm", "I71.4")]),
    case(["exercise-precautions"], [], YOGA, cond=[LBP, c("Osteoporosis", "M81.0")]),
    case([], ["exercise-precautions"], YOGA,
         cond=[LBP, c("Hypertension", "I10"), c("Coronary artery disease", "I25.10")]),
    case(["exercise-sedated"], [], YOGA, [m("cyclobenzaprine 5 mg", 5, 3, start="2026-02-25")]),
    case(["exercise-sedated", "exercise-sedated"], [], [EX, CYC]),
    case(["mfr-evidence-info"], [], MFR, cond=[CLBP]),
    case([], ["mfr-evidence-info"], MFR, cond=[SPASM]),
    case(["mag-renal"], [], t("magnesium", "magnesium supplement"), cond=[LBP, c("ESRD", "N18.6")]),
    case(["manip-bleeding-bone"], [], t("chiropractic", "chiropractic adjustment"),
         cond=[LBP, c("Osteoporosis", "M81.0")]),
    case(["mfr-fracture-local"], [], t("mfr", "myofascial release, lower limb"),
         cond=[c("Calf pain", "M79.661", "2026-02-01"), c("Tibia fracture", "S82.201A", "2026-02-10")]),
]
# fmt: on


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=named(EXAMPLES))
def test_what_must_fire_fires_and_what_must_not_is_silent(number: int, answers: list[Assessment]) -> None:
    check(EXAMPLES[number], answers[number])


def test_every_rule_of_this_chapter_fires_somewhere() -> None:
    assert not never_fired(EXAMPLES, "mag", "heat", "manip", "mfr", "exercise")
