"""Make demo/patient.json: a full FHIR R4 record, as a public generator writes it, with a carisoprodol order.

    pip install -e .[demo-tools] && python tools/make_demo.py

Nobody publishes a record with carisoprodol, so a person is generated (PySynthea, `tietai-synthea`), the first adult
with low back pain is taken, and what the demonstration needs is added: a new strain, two medicines, kidney function,
and the draft order. Billing is left out, and so are the years before the last few, to keep the file small.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DEMO = Path(__file__).parent.parent / "demo" / "patient.json"
SEED, AS_OF, PEOPLE = 7, "2026-03-01", 30
EARLIEST = "2021"
"""Encounters and observations from before are left out; conditions, allergies and medicines stay."""
BILLING = {
    "Claim",
    "ExplanationOfBenefit",
    "Coverage",
    "Provenance",
    "SupplyDelivery",
    "PaymentReconciliation",
}
DATED = ("effectiveDateTime", "occurrenceDateTime", "performedDateTime", "started", "date", "authoredOn")
PERIODS = ("period", "performedPeriod", "effectivePeriod")
KEPT = {"Patient", "Condition", "AllergyIntolerance", "MedicationRequest", "Medication"}
RXNORM, SNOMED, LOINC = (
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://snomed.info/sct",
    "http://loinc.org",
)
UCUM = "http://unitsofmeasure.org"

Resource = dict[str, Any]


def generate(folder: Path) -> list[Path]:
    """Run the generator; the same seed gives the same people."""
    subprocess.run(
        ["synthea", "-p", str(PEOPLE), "-s", str(SEED), "-a", "38-62", "-r", AS_OF.replace("-", ""),
         "--state", "Massachusetts",
         "--threads", "1", "--log-level", "warning", "--output-dir", str(folder)],
        check=True,
    )  # fmt: skip
    return sorted((folder / "fhir").glob("*.json"))


def suits(bundle: Resource) -> bool:
    """An adult alive with low back pain and nothing that would overshadow the order."""
    person = resources(bundle, "Patient")
    alive = not any("deceasedDateTime" in p for p in person)
    open_ones = [c for c in resources(bundle, "Condition") if "abatementDateTime" not in c]
    texts = [json.dumps(c.get("code", {})).casefold() for c in open_ones]
    overshadowed = any(
        word in text for text in texts for word in ("drug", "overdose", "cancer", "neoplasm", "dementia")
    )
    return alive and not overshadowed and any("low back pain" in text for text in texts)


def resources(bundle: Resource, kind: str) -> list[Resource]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def recent(entries: list[Resource]) -> Iterator[Resource]:
    for entry in entries:
        resource = entry["resource"]
        if resource["resourceType"] in BILLING:
            continue
        resource.pop("text", None)
        dates = [resource[name] for name in DATED if isinstance(resource.get(name), str)]
        dates += [resource[name].get("start", "") for name in PERIODS if isinstance(resource.get(name), dict)]
        if resource["resourceType"] in KEPT or not dates or max(dates) >= EARLIEST:
            yield entry


def additions(patient: Resource) -> list[Resource]:
    """What the demonstration is about: a strain a week ago, two medicines, kidney function, the draft order."""
    about = {"subject": {"reference": f"urn:uuid:{patient['id']}"}}

    def coded(system: str, code: str, text: str) -> Resource:
        return {"coding": [{"system": system, "code": code, "display": text}], "text": text}

    def order(number: int, code: str, name: str, authored: str, times: int, **more: Any) -> Resource:
        dose = {"value": 1, "unit": "tablet", "system": UCUM, "code": "{tbl}"}
        repeat = {"frequency": times, "period": 1, "periodUnit": "d"}
        return {
            "resourceType": "MedicationRequest", "id": f"demo-order-{number}", "status": "active", "intent": "order",
            "medicationCodeableConcept": coded(RXNORM, code, name), **about, "authoredOn": authored,
            "dosageInstruction": [{"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": dose}]}],
        } | more  # fmt: skip

    active = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
    }
    confirmed = {
        "coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed"}
        ]
    }
    supply = {"quantity": {"value": 120, "unit": "tablet"},
              "expectedSupplyDuration": {"value": 30, "unit": "days", "system": UCUM, "code": "d"}}  # fmt: skip
    return [
        {"resourceType": "Condition", "id": "demo-strain", "clinicalStatus": active, "verificationStatus": confirmed,
         "code": coded("http://hl7.org/fhir/sid/icd-10-cm", "S39.012A", "Strain of muscle of lower back"), **about,
         "onsetDateTime": "2026-02-23", "recordedDate": "2026-02-24"},
        {"resourceType": "Observation", "id": "demo-egfr", "status": "final", **about,
         "code": coded(LOINC, "98979-8", "eGFR (CKD-EPI 2021)"), "effectiveDateTime": "2026-02-24",
         "valueQuantity": {"value": 74, "unit": "mL/min/1.73 m2", "system": UCUM, "code": "mL/min/{1.73_m2}"}},
        order(1, "857002", "acetaminophen 325 MG / hydrocodone bitartrate 5 MG Oral Tablet", "2026-02-24", 3,
              dispenseRequest={"expectedSupplyDuration": {"value": 14, "unit": "days", "system": UCUM, "code": "d"}}),
        order(2, "312938", "sertraline 100 MG Oral Tablet", "2025-06-02", 1),
        order(3, "197446", "carisoprodol 350 MG Oral Tablet", AS_OF, 4, status="draft", dispenseRequest=supply),
    ]  # fmt: skip


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bundles = (json.loads(path.read_bytes()) for path in generate(Path(folder)))
        bundle = next((b for b in bundles if suits(b)), None)
    if bundle is None:
        sys.exit("Nobody generated suits. Change SEED or PEOPLE.")
    (patient,) = resources(bundle, "Patient")
    entries = list(recent(bundle["entry"]))
    entries += [{"fullUrl": f"urn:uuid:{r['id']}", "resource": r} for r in additions(patient)]
    for entry in entries:
        entry.pop("request", None)
    record = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": f"{AS_OF}T09:00:00Z",
        "entry": entries,
    }
    DEMO.parent.mkdir(exist_ok=True)
    DEMO.write_text(json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n")
    print(f"{DEMO}: {len(entries)} resources, {DEMO.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
