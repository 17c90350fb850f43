"""Patients in lines: the rules that must fire, those that must not (with wildcards), the plan, and the record.

Beside each line that fires stand the near misses: the drug that is alike but harmless, the illness that is over, the
value exactly at the limit.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any, NamedTuple

from eutonia.assessment import Assessment
from eutonia.knowledge import load
from eutonia.patient import Case

Entry = Mapping[str, Any]


class Example(NamedTuple):
    """What must fire and what must not, for one patient. `GRAVE` is any rule that asks for more than watching."""

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


def named(examples: Sequence[Example]) -> list[str]:
    """A name for each test."""
    return [
        f"{number}-{example.case.plan[0].text}-{'+'.join(example.fires) or 'silent'}"
        for number, example in enumerate(examples)
    ]


def check(example: Example, answer: Assessment) -> None:
    """What must fire fires, and what must not is silent."""
    fired = {issue.rule: issue.severity for plan in answer.plans for issue in plan.issues}
    assert set(example.fires) <= set(fired)
    wrong = [rule for rule in fired for pattern in example.silent if fnmatch(rule, pattern)]
    if "GRAVE" in example.silent:
        wrong += [
            rule for rule, severity in fired.items() if severity in ("contraindicated", "avoid", "caution")
        ]
    assert not wrong


def never_fired(examples: Iterable[Example], *chapters: str) -> set[str]:
    """Rules of these chapters that no example makes fire."""
    rules = {rule for rule in load().rules if rule.split("-")[0] in chapters}
    return rules - {rule for example in examples for rule in example.fires}
