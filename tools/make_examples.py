"""Make the records of the worked examples in demo/: three people who do not exist, each a full FHIR R4 record.

    python tools/make_examples.py

A generator of records knows no carisoprodol and no story, so these are written here: who it is, what ails them, what
they take, results and visits of the last years, and the draft order that is to be judged. Codes are of ICD-10-CM,
SNOMED CT, LOINC, RxNorm and UCUM; where no code is certain the words stand alone, as in many a real record.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "demo"
AS_OF = "2026-03-02"
SYSTEMS = {
    "icd": "http://hl7.org/fhir/sid/icd-10-cm",
    "snomed": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "cvx": "http://hl7.org/fhir/sid/cvx",
    "ucum": "http://unitsofmeasure.org",
}
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"

Resource = dict[str, Any]


class Record:
    """One person's record under construction; ids follow from what the entries are, so a run changes nothing."""

    def __init__(self, name: str, *, sex: str, born: str, work: str | None = None) -> None:
        self.name, self.entries = name, list[Resource]()
        self.add("Patient", gender=sex, birthDate=born, active=True,
                 identifier=[{"system": "urn:example:record", "value": name}],
                 address=[{"use": "home", "state": "OH", "country": "US"}],
                 communication=[{"language": _coded("urn:ietf:bcp:47", "en", "English")}])  # fmt: skip
        self.about = {"reference": self.entries[0]["fullUrl"]}
        if work:
            self.result("11341-5", "History of Occupation", work, "2025-11-04", category="social-history")

    def add(self, kind: str, **fields: Any) -> str:
        """Add a resource; returns its address in the bundle."""
        key = f"eutonia/{self.name}/{kind}/{len(self.entries)}"
        made = {"resourceType": kind, "id": str(uuid.uuid5(uuid.NAMESPACE_URL, key)), **fields}
        address = f"urn:uuid:{made['id']}"
        self.entries.append({"fullUrl": address, "resource": made})
        return address

    def visit(self, on: str, why: str, kind: str = "AMB") -> None:
        self.add("Encounter", status="finished", subject=self.about, reasonCode=[{"text": why}],
                 **{"class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": kind}},
                 period={"start": f"{on}T09:00:00Z", "end": f"{on}T09:30:00Z"})  # fmt: skip

    def problem(
        self, text: str, onset: str, *, icd: str = "", snomed: str = "", ended: str | None = None
    ) -> None:
        codes = [(system, code) for system, code in (("icd", icd), ("snomed", snomed)) if code]
        ending = {"abatementDateTime": ended} if ended else {}
        self.add("Condition", subject=self.about, onsetDateTime=onset, recordedDate=onset, **ending,
                 clinicalStatus=_status("condition-clinical", "resolved" if ended else "active"),
                 verificationStatus=_status("condition-ver-status", "confirmed"),
                 category=[_coded(f"{TERMINOLOGY}/condition-category", "problem-list-item", "Problem List Item")],
                 code={"coding": [{"system": SYSTEMS[system], "code": c, "display": text} for system, c in codes],
                       "text": text})  # fmt: skip

    def result(
        self, loinc: str, text: str, value: Any, on: str, unit: str = "", category: str = "laboratory"
    ) -> None:
        """A result: a number with its UCUM unit, or words."""
        said = (
            {"valueQuantity": {"value": value, "unit": unit, "system": SYSTEMS["ucum"], "code": unit}}
            if unit
            else {"valueInteger": value}
            if isinstance(value, int)
            else {"valueCodeableConcept": {"text": value}}
        )
        self.add("Observation", status="final", subject=self.about, effectiveDateTime=on, **said,
                 category=[_coded(f"{TERMINOLOGY}/observation-category", category, category)],
                 code=_coded(SYSTEMS["loinc"], loinc, text))  # fmt: skip

    def vitals(
        self, on: str, *, weight: float, height: float, blood_pressure: tuple[int, int], pulse: int, pain: int
    ) -> None:
        for loinc, text, value, unit in (
            ("29463-7", "Body weight", weight, "kg"),
            ("8302-2", "Body height", height, "cm"),
            ("39156-5", "Body mass index", round(weight / (height / 100) ** 2, 1), "kg/m2"),
            ("8480-6", "Systolic blood pressure", blood_pressure[0], "mm[Hg]"),
            ("8462-4", "Diastolic blood pressure", blood_pressure[1], "mm[Hg]"),
            ("8867-4", "Heart rate", pulse, "/min"),
            ("72514-3", "Pain severity, 0 to 10", pain, "{score}"),
        ):
            self.result(loinc, text, value, on, unit, "vital-signs")

    def panel(self, on: str, **values: float) -> None:
        """Blood results by their names in `PANEL`."""
        for name, value in values.items():
            loinc, text, unit = PANEL[name]
            self.result(loinc, text, value, on, unit)

    def no_allergies(self) -> None:
        self.add("AllergyIntolerance", patient=self.about, recordedDate="2024-05-01",
                 clinicalStatus=_status("allergyintolerance-clinical", "active"),
                 code=_coded(SYSTEMS["snomed"], "716186003", "No known allergy"))  # fmt: skip

    def allergy(self, text: str, reaction: str, code: str) -> None:
        self.add("AllergyIntolerance", patient=self.about, recordedDate="2019-08-20", type="allergy",
                 clinicalStatus=_status("allergyintolerance-clinical", "active"),
                 verificationStatus=_status("allergyintolerance-verification", "confirmed"),
                 code=_coded(SYSTEMS["rxnorm"], code, text),
                 reaction=[{"manifestation": [{"text": reaction}], "severity": "mild"}])  # fmt: skip

    def order(
        self, text: str, times: int, authored: str, *, rxcui: str = "", units: float = 1, days: int = 30,
        as_needed: bool = False, status: str = "active",
    ) -> None:  # fmt: skip
        """A prescription in tablets a dose and doses a day."""
        named = {"text": text} | ({"coding": [{"system": SYSTEMS["rxnorm"], "code": rxcui}]} if rxcui else {})
        self.add("MedicationRequest", status=status, intent="order", subject=self.about, authoredOn=authored,
                 medicationCodeableConcept=named,
                 dosageInstruction=[{
                     "timing": {"repeat": {"frequency": times, "period": 1, "periodUnit": "d"}},
                     "doseAndRate": [{"doseQuantity": {"value": units, "unit": "tablet", "system": SYSTEMS["ucum"],
                                                       "code": "{tbl}"}}],
                 } | ({"asNeededBoolean": True} if as_needed else {})],
                 dispenseRequest={
                     "quantity": {"value": units * times * days, "unit": "tablet"},
                     "expectedSupplyDuration": {"value": days, "unit": "days", "system": SYSTEMS["ucum"], "code": "d"},
                 })  # fmt: skip

    def shot(self, text: str, on: str, cvx: str) -> None:
        self.add("Immunization", status="completed", patient=self.about, occurrenceDateTime=on,
                 vaccineCode=_coded(SYSTEMS["cvx"], cvx, text))  # fmt: skip

    def bundle(self) -> Resource:
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "timestamp": f"{AS_OF}T09:00:00Z",
            "entry": self.entries,
        }


PANEL = {
    "egfr": ("98979-8", "eGFR (CKD-EPI 2021)", "mL/min/{1.73_m2}"),
    "creatinine": ("2160-0", "Creatinine, serum or plasma", "mg/dL"),
    "potassium": ("2823-3", "Potassium, serum or plasma", "mmol/L"),
    "sodium": ("2951-2", "Sodium, serum or plasma", "mmol/L"),
    "alt": ("1742-6", "Alanine aminotransferase", "U/L"),
    "ast": ("1920-8", "Aspartate aminotransferase", "U/L"),
    "bilirubin": ("1975-2", "Bilirubin, total", "mg/dL"),
    "hemoglobin": ("718-7", "Hemoglobin", "g/dL"),
    "platelets": ("777-3", "Platelets", "10*3/uL"),
}


def _coded(system: str, code: str, text: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def _status(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{TERMINOLOGY}/{system}", "code": code}]}


def falls_and_kidneys() -> Record:
    """A woman of 81 with failing kidneys, brittle bones, two falls and a sleeping pill; baclofen is to be added."""
    r = Record("falls-and-kidneys", sex="female", born="1944-06-11", work="Retired teacher")
    r.problem("Essential hypertension", "2003-04-10", icd="I10", snomed="59621000")
    r.problem("Atrial fibrillation", "2018-09-02", icd="I48.91", snomed="49436004")
    r.problem("Chronic kidney disease stage 4", "2023-02-14", icd="N18.4", snomed="431857002")
    r.problem("Age-related osteoporosis", "2016-05-20", icd="M81.0", snomed="64859006")
    r.problem("Insomnia", "2021-11-30", icd="G47.00", snomed="193462001")
    r.problem("Repeated falls", "2025-10-08", icd="R29.6")
    r.problem("Closed fracture of distal radius", "2016-03-02", icd="S52.501A", ended="2016-05-30")
    r.problem("Muscle spasm of back", "2026-02-24", icd="M62.830")
    r.allergy("Sulfamethoxazole / trimethoprim", "Rash", "10831")
    for on, egfr, creatinine in (
        ("2024-02-20", 29, 1.71),
        ("2025-03-04", 26, 1.86),
        ("2026-02-24", 24, 1.97),
    ):
        r.panel(on, egfr=egfr, creatinine=creatinine, potassium=4.9, sodium=138, hemoglobin=10.8)
    r.panel("2025-09-15", alt=16, ast=21, bilirubin=0.5, platelets=212)
    for on, weight, pain in (("2025-03-04", 56.2, 2), ("2025-10-08", 55.1, 3), ("2026-02-24", 54.0, 7)):
        r.vitals(on, weight=weight, height=157, blood_pressure=(138, 72), pulse=74, pain=pain)
    r.result("75626-2", "Total score AUDIT-C", 0, "2025-10-08", category="survey")
    r.result("72166-2", "Tobacco smoking status", "Never smoker", "2025-10-08", category="social-history")
    r.order("apixaban 2.5 MG Oral Tablet", 2, "2026-01-10", rxcui="1364430", days=90)
    r.order("amlodipine 5 MG Oral Tablet", 1, "2026-01-10", rxcui="17767", days=90)
    r.order("metoprolol tartrate 25 MG Oral Tablet", 2, "2026-01-10", days=90)
    r.order("sertraline 50 MG Oral Tablet", 1, "2026-01-10", rxcui="36437", days=90)
    r.order("zolpidem tartrate 5 MG Oral Tablet", 1, "2026-02-12", rxcui="854876", days=30)
    r.order("acetaminophen 500 MG Oral Tablet", 3, "2026-02-24", rxcui="198440", days=14, as_needed=True)
    r.shot("Influenza, high dose", "2025-10-08", "197")
    r.visit("2025-10-08", "Second fall within six months")
    r.visit("2026-02-24", "Back muscle spasm after lifting a basket")
    r.order("baclofen 10 MG Oral Tablet", 3, AS_OF, rxcui="197391", days=14, status="draft")
    return r


def carisoprodol_for_long() -> Record:
    """A man of 54 on carisoprodol, an opioid and a benzodiazepine for a year and a half; the relaxant is to go on."""
    r = Record("carisoprodol-for-long", sex="male", born="1971-09-23", work="Warehouse clerk")
    r.problem("Chronic low back pain", "2023-01-16", icd="M54.50", snomed="278862001")
    r.problem("Obstructive sleep apnea syndrome", "2022-06-07", icd="G47.33", snomed="78275009")
    r.problem("Generalized anxiety disorder", "2020-03-11", icd="F41.1", snomed="21897009")
    r.problem("Essential hypertension", "2015-02-01", icd="I10", snomed="59621000")
    r.problem("Obesity", "2012-01-01", icd="E66.9", snomed="414916001")
    r.problem("Long term use of opiate analgesic", "2024-03-01", icd="Z79.891")
    r.no_allergies()
    r.panel("2026-01-19", egfr=82, creatinine=1.05, potassium=4.3, sodium=140, alt=38, ast=30, bilirubin=0.7,
            hemoglobin=14.9, platelets=241)  # fmt: skip
    for on, weight, pain in (("2024-08-12", 108.5, 6), ("2025-07-21", 106.0, 6), ("2026-01-19", 107.2, 6)):
        r.vitals(on, weight=weight, height=178, blood_pressure=(134, 84), pulse=80, pain=pain)
    r.result("75626-2", "Total score AUDIT-C", 2, "2026-01-19", category="survey")
    r.result("44261-6", "PHQ-9 total score", 8, "2026-01-19", category="survey")
    r.result("72166-2", "Tobacco smoking status", "Former smoker", "2026-01-19", category="social-history")
    for authored in _monthly("2024-09", "2026-02"):
        status = "active" if authored.startswith("2026-02") else "completed"
        r.order("carisoprodol 350 MG Oral Tablet", 4, authored, rxcui="197446", days=30, status=status)
        r.order(
            "oxycodone hydrochloride 10 MG Oral Tablet", 3, authored, rxcui="1049683", days=30, status=status
        )
        r.order("alprazolam 1 MG Oral Tablet", 2, authored, rxcui="197321", days=30, status=status)
    r.order("lisinopril 10 MG Oral Tablet", 1, "2026-01-19", rxcui="314076", days=90)
    r.shot("Influenza, quadrivalent", "2025-10-20", "150")
    r.visit("2025-07-21", "Back pain, review of medicines")
    r.visit("2026-01-19", "Back pain, review of medicines")
    r.order("carisoprodol 350 MG Oral Tablet", 4, AS_OF, rxcui="197446", days=30, status="draft")
    return r


def night_driver() -> Record:
    """A woman of 31 who drives a bus at night, without CYP2C19 and with no word on pregnancy; a strained neck."""
    r = Record("night-driver", sex="female", born="1994-12-05", work="Bus driver, night shift")
    r.problem("Strain of muscle at neck level", "2026-02-26", icd="S16.1XXA")
    r.problem("Gastro-esophageal reflux disease", "2023-08-01", icd="K21.9", snomed="235595009")
    r.problem("Seasonal allergic rhinitis", "2010-05-01", icd="J30.2", snomed="367498001")
    r.problem("Ankle sprain", "2021-07-14", icd="S93.401A", snomed="44465007", ended="2021-09-01")
    r.no_allergies()
    r.result("57132-3", "CYP2C19 gene mutations found", "*2/*2", "2024-04-18")
    r.panel("2025-11-04", egfr=108, creatinine=0.74, potassium=4.1, sodium=139, alt=14, ast=17, bilirubin=0.6,
            hemoglobin=13.1, platelets=266)  # fmt: skip
    for on, weight, pain in (("2025-11-04", 63.4, 0), ("2026-03-02", 64.0, 6)):
        r.vitals(on, weight=weight, height=168, blood_pressure=(116, 70), pulse=68, pain=pain)
    r.result("75626-2", "Total score AUDIT-C", 1, "2025-11-04", category="survey")
    r.result("72166-2", "Tobacco smoking status", "Never smoker", "2025-11-04", category="social-history")
    r.order("omeprazole 20 MG Delayed Release Oral Capsule", 1, "2026-01-12", rxcui="7646", days=90)
    r.shot("Tdap", "2022-02-02", "115")
    r.visit("2025-11-04", "Yearly check of fitness to drive")
    r.visit("2026-03-02", "Neck strain after a sudden stop")
    r.order("carisoprodol 350 MG Oral Tablet", 4, AS_OF, rxcui="197446", days=10, status="draft")
    return r


def _monthly(first: str, last: str) -> Iterator[str]:
    year, month = map(int, first.split("-"))
    while f"{year}-{month:02}" <= last:
        yield f"{year}-{month:02}-10"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


PEOPLE: Sequence[Record] = (falls_and_kidneys(), carisoprodol_for_long(), night_driver())


def written(record: Record) -> str:
    """The bundle, one resource a line, so that a change is one line."""
    bundle = record.bundle()
    lines = ",\n".join(json.dumps(e, separators=(",", ":"), ensure_ascii=False) for e in bundle.pop("entry"))
    return f'{json.dumps(bundle, separators=(",", ":"))[:-1]},"entry":[\n{lines}\n]}}\n'


def main() -> None:
    for record in PEOPLE:
        path = FOLDER / f"{record.name}.json"
        path.write_text(written(record))
        print(f"{path.name}: {len(record.entries)} resources, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
