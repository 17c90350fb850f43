"""The rules on alternatives, red flags and missing data, each from a record to its issue.

A line is one patient: the rules that must fire, those that must not (with wildcards), the plan, and the record.
Beside each case that fires stand the near misses: the drug that is alike but harmless, the illness that is over,
the value exactly at the limit.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any, NamedTuple

import pytest

from eutonia.assessment import Assessment, assess_all
from eutonia.knowledge import load
from eutonia.patient import Case

title = "Alternatives, red flags, missing data"

Entry = Mapping[str, Any]


class Example(NamedTuple):
    """What must fire and what must not, for one patient."""

    fires: Sequence[str]
    silent: Sequence[str]
    case: Case


def m(text: str, dose: float | None = None, times: float = 1, unit: str = "mg", **more: Any) -> Entry:
    """A medicine in use since 2025."""
    use = {"status": "active", "start": "2025-01-01", **more}
    return {"text": text, "dose": dose, "unit": unit if dose else None, "times_per_day": times, **use}


def p(
    text: str,
    dose: float | None = None,
    times: float | None = None,
    days: float | None = 7,
    action: str = "start",
    **more: Any,
) -> Entry:
    """A drug in the plan."""
    unit = "mg" if dose else None
    course = {"dose": dose, "unit": unit, "times_per_day": times, "duration_days": days}
    return {"action": action, "text": text, **course, **more}


def t(therapy: str, text: str = "") -> Entry:
    """A therapy in the plan."""
    return {"action": "start-therapy", "therapy": therapy, "text": text or therapy}


def c(text: str, icd10cm: str | None = None, onset: str | None = "2025-06-01", **more: Any) -> Entry:
    """A condition."""
    status = {"clinical_status": "active", "verification_status": "confirmed"}
    return {"text": text, "icd10cm": icd10cm, "onset": onset, **status, **more}


def lab(name: str, loinc: str, value: Any, unit: str | None, date: str = "2026-02-01") -> Entry:
    return {"name": name, "loinc": loinc, "value": value, "unit": unit, "date": date}


def o(text: str, value: Any, date: str = "2026-02-28", code: str | None = None) -> Entry:
    """An observation."""
    return {"code": code, "text": text, "value": value, "date": date}


def EGFR(value: float, date: str = "2026-02-01") -> Entry:
    return lab("eGFR", "98979-8", value, "mL/min/{1.73_m2}", date)


def ALT(value: float) -> Entry:
    return lab("ALT", "1742-6", value, "U/L")


def M(age: float) -> Entry:
    return {"age_years": age, "sex": "male", "weight_kg": 80}


def W(age: float) -> Entry:
    return {"age_years": age, "sex": "female", "weight_kg": 65}


LBP = c("Low back pain", "M54.50", "2026-02-25")
SPASM = c("Muscle spasm of back", "M62.830", "2026-02-25")
CLBP = c("Chronic low back pain", None, "2024-01-01", snomed="278860009")
NP, PG = (o("Pregnancy status", value, code="82810-3") for value in ("not pregnant", "pregnant"))
CYC, MTC = p("cyclobenzaprine 5 mg tablet", 5, 3), p("methocarbamol 750 mg", 750, 4)
MET, CHL = p("metaxalone 800 mg", 800, 3), p("chlorzoxazone 500 mg", 500, 3)
ORP, TIZ = p("orphenadrine ER 100 mg", 100, 2), p("tizanidine 4 mg tablet", 4, 3)
BAC, DZP = p("baclofen 10 mg", 10, 3), p("diazepam 5 mg", 5, 2)
IBU, NAP = p("ibuprofen 400 mg", 400, 3, 5), p("naproxen 500 mg", 500, 2)
APAP, TRA = p("acetaminophen 500 mg", 1000, 3), p("tramadol 50 mg", 50, 3, 5)
COD, OXY = p("codeine 30 mg", 30, 4, 5), p("oxycodone 5 mg", 5, 3, 5)
MAG, HEAT, YOGA, EX = p("magnesium oxide 400 mg", 400, 1, 30), t("heat"), t("yoga"), t("exercise")
MASS, MFR, MANIP = t("massage"), t("mfr", "myofascial release"), t("spinal-manipulation")


def case(
    fires: Sequence[str],
    silent: Sequence[str],
    plan: Entry | Sequence[Entry],
    meds: Sequence[Entry] = (),
    *,
    cond: Sequence[Entry] = (SPASM,),
    labs: Sequence[Entry] = (),
    obs: Sequence[Entry] = (),
    patient: Entry | None = None,
    **changes: Any,
) -> Example:
    record = {
        "as_of": "2026-03-02",
        "region": "US",
        "patient": patient or M(40),
        "conditions": cond,
        "no_known_allergies": True,
        "medications": meds,
        "labs": labs,
        "observations": obs,
        "plan": [plan] if isinstance(plan, Mapping) else plan,
    }
    return Example(fires, silent, Case.model_validate({**record, **changes}))


# fmt: off
EXAMPLES = [
    # --- a healthy adult: nothing that calls for more than watching
    *(case([], ["GRAVE"], plan)
      for plan in (CYC, MTC, MET, CHL, ORP, TIZ, IBU, NAP, APAP, HEAT, MASS, MFR, YOGA, EX, MANIP, MAG)),
    # --- relaxants other than carisoprodol
    case(["bac-not-indicated-msk"], ["GRAVE"], BAC),
    case(["cyc-maoi"], [], CYC, [m("selegiline 5 mg", 5)]),
    case(["cyc-maoi"], [], CYC, [m("Zyvox (linezolid) 600 mg", 600, 2)]),
    case(["cyc-maoi"], [], CYC, [m("phenelzine 15 mg", 15, 3, status="stopped", end="2026-02-20")]),
    case([], ["cyc-maoi"], CYC, [m("phenelzine 15 mg", 15, 3, status="stopped", end="2026-02-10")]),
    case([], ["cyc-maoi"], CYC, [m("phenelzine 15 mg", 15, 3, status="stopped")]),
    case(["cyc-cardiac"], [], CYC, cond=[SPASM, c("Heart failure", "I50.9")]),
    case(["cyc-cardiac"], [], CYC, cond=[SPASM, c("STEMI", "I21.3", "2026-01-20")]),
    case([], ["cyc-cardiac"], CYC,
         cond=[SPASM, c("STEMI", "I21.3", "2025-01-20"), c("Hypertension", "I10"), c("Hyperlipidemia", "E78.5")]),
    case([], ["cyc-cardiac"], CYC, cond=[SPASM, c("Old myocardial infarction", "I25.2", None)]),
    case([], ["cyc-cardiac"], CYC,
         cond=[SPASM, c("Atrial fibrillation", "I48.91", verification_status="refuted")]),
    case(["cyc-hyperthyroid"], [], CYC, cond=[SPASM, c("Graves disease", "E05.00")]),
    case([], ["cyc-hyperthyroid"], CYC, [m("levothyroxine 75 mcg", 75, 1, "ug")],
         cond=[SPASM, c("Hypothyroidism", "E03.9")]),
    case([], ["cyc-hyperthyroid"], CYC,
         cond=[SPASM, c("Hyperthyroidism", "E05.90", clinical_status="resolved")]),
    case(["cyc-serotonergic"], [], CYC, [m("sertraline 50 mg", 50)]),
    case(["cyc-serotonergic"], ["cyc-maoi"], CYC, [m("sumatriptan 50 mg", 50)]),
    case([], ["cyc-serotonergic"], CYC, [m("metoprolol 25 mg", 25)]),
    case(["cyc-age-65"], [], CYC, patient=M(65)),
    case(["cyc-anticholinergic-condition"], [], CYC, cond=[SPASM, c("BPH with LUTS", "N40.1")]),
    case([], ["cyc-anticholinergic-condition"], CYC,
         cond=[SPASM, c("BPH without LUTS", "N40.0"), c("Open-angle glaucoma", "H40.1130")]),
    case(["cyc-hepatic"], [], CYC, cond=[SPASM, c("Cirrhosis", "K74.60")]),
    case(["cyc-hepatic"], [], CYC, labs=[ALT(180)]),
    case([], ["cyc-hepatic"], CYC, labs=[ALT(60)], cond=[SPASM, c("Fatty liver", "K76.0")]),
    case(["cyc-hepatic"], [], p("cyclobenzaprine ER 15 mg capsule (Amrix)", 15, 1),
         cond=[SPASM, c("Chronic hepatitis C", "B18.2")]),
    case(["cyc-duration"], [], p("cyclobenzaprine 10 mg", 10, 3, 30)),
    case(["cyc-duration"], [], p("methocarbamol 750 mg", 750, 3, None, "continue"),
         [m("methocarbamol 750 mg", 750, 3, start="2026-01-01")]),
    case([], ["cyc-duration"], p("cyclobenzaprine sublingual 2.8 mg (Tonmya)", 5.6, 1, 90),
         cond=[c("Fibromyalgia", "M79.7")]),
    case(["mtc-age-65"], ["cyc-age-65"], MTC, patient=M(70)),
    case(["mtc-carbamate-hypersensitivity"], [], MTC, no_known_allergies=False,
         allergies=[{"substance": "carisoprodol", "type": "allergy", "reaction": "hives"}]),
    case([], ["mtc-carbamate-hypersensitivity"], MTC, no_known_allergies=False,
         allergies=[{"substance": "penicillin", "type": "allergy", "reaction": "rash"}]),
    case(["mtc-myasthenia"], [], MTC, [m("pyridostigmine 60 mg", 60, 3)]),
    case(["met-renal-hepatic"], [], MET, labs=[EGFR(25)]),
    case(["met-renal-hepatic"], [], MET, labs=[lab("Creatinine", "14682-9", 300, "umol/L")]),
    case([], ["met-renal-hepatic"], MET, labs=[EGFR(48), ALT(30)]),
    case(["met-hemolytic-anemia"], [], MET, cond=[SPASM, c("G6PD deficiency", "D55.0")]),
    case([], ["met-hemolytic-anemia"], MET, cond=[SPASM, c("Iron deficiency anemia", "D50.9")]),
    case(["met-serotonergic"], [], MET, [m("venlafaxine 75 mg", 75)]),
    case(["met-age-65"], [], MET, patient=M(66)),
    case(["chl-hepatic"], [], CHL, labs=[ALT(48)]),
    case(["chl-hepatic"], [], CHL, labs=[lab("AUDIT-C", "75626-2", 6, "{score}")]),
    case([], ["chl-hepatic"], CHL, labs=[ALT(38)]),
    case(["chl-age-65"], [], CHL, patient=M(66)),
    case(["orp-contraindications"], [], ORP, cond=[SPASM, c("Open-angle glaucoma", "H40.1130")]),
    case(["orp-contraindications"], [], ORP, cond=[SPASM, c("Achalasia", "K22.0")]),
    case(["orp-contraindications"], [], ORP, cond=[SPASM, c("BPH", "N40.0")]),
    case(["orp-contraindications"], [], ORP, cond=[SPASM, c("Myasthenia gravis", "G70.00")]),
    case(["orp-age-65"], [], ORP, patient=M(66)),
    case(["tiz-cyp1a2-strong"], ["tiz-cyp1a2-other"], TIZ, [m("fluvoxamine 100 mg", 100)]),
    case([], ["tiz-cyp1a2-*"], TIZ, [m("levofloxacin 500 mg", 500)]),
    case(["tiz-cyp1a2-other"], ["tiz-cyp1a2-strong"], TIZ,
         [m("Ortho Tri-Cyclen (ethinyl estradiol/norgestimate) tablet", 1, 1, "tablet")], patient=W(30)),
    case(["tiz-cyp1a2-other"], [], TIZ, [m("famotidine 20 mg", 20, 2)]),
    case(["tiz-hypotension"], [], TIZ, [m("clonidine 0.1 mg", 0.1, 2)]),
    case(["tiz-hypotension"], [], TIZ, [m("lisinopril 10 mg", 10), m("amlodipine 5 mg", 5)]),
    case([], ["tiz-hypotension"], TIZ, [m("lisinopril 10 mg", 10)]),
    case(["tiz-hepatic"], [], TIZ, labs=[ALT(150)]),
    case(["tiz-renal"], [], TIZ, labs=[EGFR(20)]),
    case(["tiz-abrupt-stop"], [], p("tizanidine 4 mg", None, None, None, "stop", taper=False),
         [m("tizanidine 4 mg", 8, 3)]),
    case([], ["tiz-abrupt-stop"], p("tizanidine 4 mg", None, None, None, "stop", taper=False),
         [m("tizanidine 4 mg", 4, 3, start="2026-02-20")]),
    case(["tiz-bac-age-65"], [], BAC, patient=M(70), labs=[EGFR(80)]),
    case(["bac-renal-severe"], ["bac-renal-moderate"], BAC, patient=M(70), labs=[EGFR(50)]),
    case(["bac-renal-moderate"], ["bac-renal-severe"], BAC, patient=M(60), labs=[EGFR(50)]),
    case(["bac-renal-severe"], [], BAC, cond=[SPASM, c("Dependence on renal dialysis", "Z99.2")]),
    case(["bac-abrupt-stop"], [], p("baclofen", None, None, None, "stop", taper=False),
         [m("baclofen 20 mg", 20, 3)]),
    case([], ["bac-abrupt-stop"], p("baclofen", None, None, None, "taper", taper=True),
         [m("baclofen 20 mg", 20, 3)]),
    case([], ["bac-abrupt-stop"], p("baclofen", None, None, None, "stop", taper=True),
         [m("baclofen 20 mg", 20, 3)]),
    case(["bac-seizure"], [], BAC, cond=[SPASM, c("Epilepsy", "G40.909")]),
    case([], ["bac-not-indicated-msk"], BAC,
         cond=[SPASM, c("Multiple sclerosis", "G35"), c("Spasticity", "R25.2"), c("Spastic hemiplegia", "G81.10")]),
    case(["dzp-contraindications", "dzp-lbp"], [], DZP, cond=[LBP, c("OSA", "G47.33")]),
    case([], ["dzp-contraindications"], p("lorazepam 1 mg", 1, 2), cond=[LBP, c("OSA", "G47.33")]),
    case(["dzp-age-65"], ["dzp-lbp"], p("lorazepam 1 mg", 1, 2),
         cond=[LBP, c("Generalized anxiety disorder", "F41.1")], patient=M(70)),
    case(["opioid-benzodiazepine"], [], OXY,
         [m("alprazolam 1 mg", 1, 2), m("ibuprofen 400 mg", 400, 3, status="completed", end="2026-01-01")]),
    case(["smr-opioid"], ["car-opioid", "smr-benzodiazepine"], CYC,
         [m("hydrocodone/acetaminophen 5/325 tablet", 1, 3, "tablet")]),
    case(["smr-benzodiazepine"], [], TIZ, [m("gabapentin 300 mg", 300, 3)]),
    case(["smr-alcohol-hazardous"], [], MTC, labs=[lab("AUDIT-C", "75626-2", 4, "{score}")]),
    case([], ["smr-alcohol-hazardous"], MTC, labs=[lab("AUDIT-C", "75626-2", 3, "{score}")]),
    case(["smr-alcohol-hazardous"], [], MTC, labs=[lab("AUDIT-C", "75626-2", 3, "{score}")], patient=W(60)),
    case(["smr-pregnancy"], ["nsaid-*"], CYC, obs=[PG], patient=W(30)),
    case(["smr-age-pediatric"], [], TIZ, patient=M(16)),
    case([], ["smr-age-pediatric"], CYC, patient=M(16)),
    case(["smr-age-pediatric"], [], MTC, patient=M(15)),
    # --- NSAIDs
    case(["nsaid-gi-bleed"], [], IBU,
         cond=[LBP, c("Duodenal ulcer", "K26.9", "2015-01-01", clinical_status="resolved")]),
    case(["nsaid-gi-bleed"], [], IBU, cond=[LBP, c("Melena", "K92.1", "2024-01-01")]),
    case([], ["nsaid-gi-bleed"], IBU, cond=[LBP, c("GERD", "K21.9")]),
    case([], ["nsaid-gi-bleed"], p("diclofenac 1 % gel topical", None, None, 7, route="topical"),
         cond=[LBP, c("Gastric ulcer", "K25.9")]),
    case(["nsaid-ckd-severe"], [], NAP, cond=[LBP, c("CKD 5", "N18.5")]),
    case(["nsaid-ckd-severe"], [], NAP, cond=[LBP, c("Kidney transplant status", "Z94.0")], labs=[EGFR(65)]),
    case(["nsaid-ckd-moderate"], ["nsaid-ckd-severe"], NAP, labs=[EGFR(30)]),
    case([], ["nsaid-ckd-*"], NAP, labs=[EGFR(60)]),
    case([], ["nsaid-ckd-*"], p("diclofenac gel 1%", None, None, 7, route="topical"), labs=[EGFR(20)]),
    case(["nsaid-heart-failure"], [], IBU,
         cond=[LBP, c("Hypertensive heart disease with heart failure", "I11.0")]),
    case([], ["nsaid-heart-failure"], IBU,
         cond=[LBP, c("Hypertensive heart disease without heart failure", "I11.9")]),
    case(["nsaid-anticoagulant"], ["nsaid-antiplatelet"], p("celecoxib 200 mg", 200, 1),
         [m("apixaban 5 mg", 5, 2)]),
    case([], ["nsaid-anticoagulant"], APAP, [m("apixaban 5 mg", 5, 2)]),
    case([], ["nsaid-anticoagulant"], p("diclofenac gel 1%", None, None, 7, route="topical"),
         [m("warfarin 5 mg", 5)]),
    case(["nsaid-antiplatelet"], ["nsaid-duplicate"], IBU, [m("aspirin 81 mg tablet", 81)]),
    case(["nsaid-antiplatelet"], [], IBU, [m("clopidogrel 75 mg", 75)]),
    case(["nsaid-duplicate"], ["nsaid-antiplatelet"], IBU, [m("naproxen 500 mg", 500, 2)]),
    case(["nsaid-duplicate"], [], IBU, [m("aspirin 325 mg tablet", 650, 4)]),
    case([], ["nsaid-duplicate"], IBU, [m("diclofenac 1 % gel", None, route="topical")]),
    case(["nsaid-pregnancy-30w"], ["nsaid-pregnancy-20w"], IBU,
         cond=[LBP, c("32 weeks gestation of pregnancy", "Z3A.32", "2026-02-28")], patient=W(30)),
    case(["nsaid-pregnancy-20w"], ["nsaid-pregnancy-30w"], IBU, obs=[PG], patient=W(30)),
    case([], ["nsaid-pregnancy-*"], IBU,
         cond=[LBP, c("12 weeks gestation of pregnancy", "Z3A.12", "2026-02-28")], patient=W(30)),
    case([], ["nsaid-pregnancy-*"], IBU, obs=[NP], patient=W(30)),
    case(["nsaid-pregnancy-20w"], [], p("diclofenac 1 % gel", None, None, 7, route="topical"),
         cond=[LBP, c("24 weeks gestation of pregnancy", "Z3A.24", "2026-02-28")], patient=W(30)),
    case([], ["nsaid-pregnancy-*"], p("aspirin 81 mg", 81, 1, 60),
         cond=[c("32 weeks gestation of pregnancy", "Z3A.32", "2026-02-28")], patient=W(30)),
    case([], ["nsaid-pregnancy-*"], IBU, cond=[LBP, c("Pregnant", "Z33.1", "2024-06-01")], patient=W(30)),
    case(["nsaid-triple-whammy"], [], NAP,
         [m("losartan/hydrochlorothiazide 50/12.5 mg tablet", 1, 1, "tablet")]),
    case([], ["nsaid-triple-whammy"], NAP, [m("losartan 50 mg", 50), m("amlodipine 5 mg", 5)]),
    case(["nsaid-age-75-no-gastroprotection"], [], p("naproxen 250 mg", 250, 2, 14), patient=M(78),
         labs=[EGFR(70)]),
    case([], ["nsaid-age-75-no-gastroprotection"], p("naproxen 250 mg", 250, 2, 14),
         [m("omeprazole 20 mg", 20)], patient=M(78), labs=[EGFR(70)]),
    case([], ["nsaid-age-75-no-gastroprotection"], p("naproxen 250 mg", 250, 2, 5), patient=M(78),
         labs=[EGFR(70)]),
    case(["nsaid-hypersensitivity"], [], IBU, no_known_allergies=False,
         allergies=[{"substance": "aspirin", "type": "allergy", "reaction": "bronchospasm"}]),
    case(["nsaid-hypersensitivity"], [],
         p("carisoprodol/aspirin 200/325 mg tablet", None, None, 7, rxcui="197447"), no_known_allergies=False,
         allergies=[{"substance": "NSAIDs", "type": "allergy", "reaction": "hives"}]),
    case([], ["nsaid-hypersensitivity"], IBU, no_known_allergies=False,
         allergies=[{"substance": "ibuprofen", "type": "intolerance", "reaction": "upset stomach"}]),
    case([], ["nsaid-hypersensitivity"], APAP, no_known_allergies=False,
         allergies=[{"substance": "aspirin", "type": "allergy", "reaction": "asthma"}]),
    case(["nsaid-hypersensitivity"], [], p("diclofenac gel 1 %", None, None, 7, route="topical"),
         no_known_allergies=False,
         allergies=[{"substance": "ibuprofen", "type": "allergy", "reaction": "anaphylaxis"}]),
    case(["nsaid-post-mi-cabg"], [], IBU, cond=[LBP, c("NSTEMI", "I21.4", "2025-12-01")]),
    case([], ["nsaid-post-mi-cabg"], IBU, cond=[LBP, c("NSTEMI", "I21.4", "2025-01-01")]),
    case(["nsaid-ssri-snri"], [], IBU, [m("duloxetine 60 mg", 60)]),
    case(["nsaid-lithium-methotrexate"], [], IBU, [m("lithium carbonate 300 mg", 300, 2)]),
    case(["nsaid-lactation-ok"], [], IBU, obs=[NP, o("Breastfeeding status", "breastfeeding", code="63895-7")],
         patient=W(30)),
    case(["nsaid-anticoagulant"], [], IBU, [m("enoxaparin 40 mg injection", 40, 1, route="subcutaneous")]),
    case([], ["nsaid-*"], p("diclofenac 1.3 % patch"), [m("warfarin 5 mg", 5)]),
    case([], ["nsaid-*"], p("diclofenac epolamine", route="transdermal"),
         [m("warfarin 5 mg", 5)]),
    *(case(["nsaid-hypersensitivity"], [], NAP, no_known_allergies=False,
           allergies=[{"substance": substance, "type": "allergy", "reaction": "anaphylaxis"}])
      for substance in ("NSAIDs", "Nonsteroidal anti-inflammatory agents", "Allergy to aspirin (disorder)",
                        "Ibuprofen allergy", "Advil", "acetylsalicylic acid", "salicylates")),
    # --- acetaminophen and opioids
    case(["apap-daily-over-4g"], ["apap-duplicate"], p("acetaminophen 500 mg", 1000, 4),
         [m("hydrocodone/acetaminophen 5/325 tablet", 1, 4, "tablet")]),
    case(["apap-duplicate"], ["apap-daily-over-4g"], p("acetaminophen 500 mg", 500, 3),
         [m("hydrocodone/acetaminophen 5/325 tablet", 1, 4, "tablet")]),
    case([], ["apap-duplicate", "apap-daily-over-4g"], p("acetaminophen 500 mg", 500, 3, action="continue"),
         [m("acetaminophen 500 mg", 500, 3)]),
    case(["apap-liver-alcohol"], [], APAP, cond=[LBP, c("Alcoholic cirrhosis", "K70.30")]),
    case(["apap-liver-alcohol"], [], APAP, patient={"age_years": 40, "sex": "female", "weight_kg": 45}),
    case([], ["apap-liver-alcohol"], p("acetaminophen 500 mg", 500, 4),
         cond=[LBP, c("Alcoholic cirrhosis", "K70.30")]),
    case(["apap-lbp-info"], [], APAP, cond=[LBP]),
    case(["opioid-not-first"], [], OXY),
    case([], ["opioid-not-first"], OXY, [m("naproxen 500 mg", 500, 2, status="completed", end="2026-02-10")]),
    case(["opioid-not-first"], [], p("hydrocodone/acetaminophen 5/325", None, None, 5, rxcui="857002")),
    case([], ["opioid-not-first"], p("codeine 30 mg", 30, 3), cond=[c("Cough", "R05.9")]),
    case(["opioid-mme-50-plus"], [], OXY, [m("morphine ER 30 mg", 30, 2)]),
    case([], ["opioid-mme-50-plus"], OXY),
    case(["opioid-respiratory"], [], OXY, cond=[LBP, c("OSA", "G47.33")]),
    case([], ["opioid-respiratory"], OXY, cond=[LBP, c("Asthma", "J45.909")]),
    case(["opioid-respiratory"], [], OXY,
         cond=[LBP, c("Severe persistent asthma with (acute) exacerbation", "J45.51", "2026-02-28")]),
    case(["tramadol-serotonergic-seizure"], [], TRA, [m("citalopram 20 mg", 20)]),
    case(["tramadol-serotonergic-seizure"], [], TRA, cond=[LBP, c("Epilepsy", "G40.909")]),
    case([], ["tramadol-serotonergic-seizure"], OXY, [m("citalopram 20 mg", 20)]),
    case(["codeine-tramadol-pediatric"], [], COD, patient={"age_years": 10, "sex": "male", "weight_kg": 32}),
    case([], ["codeine-tramadol-pediatric"], COD, patient={"age_years": 14, "sex": "male", "weight_kg": 52}),
    case(["codeine-tramadol-pediatric"], [], COD, patient={"age_years": 14, "sex": "male", "weight_kg": 52},
         cond=[c("Tonsillectomy", "Z90.89", "2026-02-27")]),
    case(["codeine-cyp2d6-ultrarapid"], [], TRA,
         labs=[lab("CYP2D6 phenotype", "79715-9", "Ultrarapid metabolizer", None, "2020-01-01")]),
    case(["opioid-lactation"], [], TRA, obs=[NP, o("Breastfeeding status", "breastfeeding", code="63895-7")],
         patient=W(30)),
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
    case([], ["data-drug-unmapped"], IBU,
         [m("loratadine 10 mg", 10), m("vitamin D 1000 units", 1, 1, "tablet"), m("metformin 500 mg", 500, 2)]),
    case(["data-allergy-unknown"], [], IBU, no_known_allergies=None, allergies=None),]
# fmt: on


@pytest.fixture(scope="module")
def answers() -> list[Assessment]:
    return assess_all([example.case for example in EXAMPLES])


def name(number: int) -> str:
    example = EXAMPLES[number]
    return f"{number}-{example.case.plan[0].text}-{'+'.join(example.fires) or 'silent'}"


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=name)
def test_what_must_fire_fires_and_what_must_not_is_silent(number: int, answers: list[Assessment]) -> None:
    example = EXAMPLES[number]
    fired = {issue.rule: issue.severity for plan in answers[number].plans for issue in plan.issues}
    assert set(example.fires) <= set(fired)
    wrong = [rule for rule in fired for pattern in example.silent if fnmatch(rule, pattern)]
    if "GRAVE" in example.silent:
        wrong += [
            rule for rule, severity in fired.items() if severity in ("contraindicated", "avoid", "caution")
        ]
    assert not wrong


CHAPTERS = ("cyc", "mtc", "met", "chl", "orp", "tiz", "bac", "dzp", "nsaid", "apap", "codeine", "tramadol", "mag",
            "heat", "manip", "mfr", "exercise", "rf", "data")  # fmt: skip


def test_every_rule_of_these_chapters_fires_somewhere() -> None:
    rules = {rule for rule in load().rules if rule.split("-")[0] in CHAPTERS}
    assert not rules - {rule for example in EXAMPLES for rule in example.fires}
