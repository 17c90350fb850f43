"""Orders to be signed, no two alike: what the load of `serve.py` is made of.

Patients, orders, medicines, conditions, allergies and results are drawn from the drugs, products and codes of the
knowledge, so that every request has a history, a dose and a simulation of its own. The same seed gives the same
requests. A request is what is its own (`head`) and a long list of old results that many share (`rest`), so that tens
of thousands of them fit in memory; together they are one JSON document.

    python benchmarks/orders.py [NUMBER]        prints some of them, one a line
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from eutonia.knowledge import Knowledge, load

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10, SNOMED, LOINC = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct", "http://loinc.org"
PATIENT = {"reference": "Patient/p"}
MOST_MEDICINES, MOST_CONDITIONS, MOST_ALLERGIES = 8, 8, 2
FILLERS = 16
"""Lists of old results that the requests share."""

Resource = dict[str, Any]


class Order(NamedTuple):
    """The body of one request, in two pieces."""

    head: bytes
    rest: bytes


def orders(number: int, size: int = 30_000, seed: int = 0) -> list[Order]:
    """`number` requests of about `size` bytes."""
    draw, made = random.Random(seed), _Draws(load())
    heads = [made.head(draw) for _ in range(number)]
    usual = sum(map(len, heads)) // max(number, 1)
    rests = [_old_results(draw, size - usual) for _ in range(FILLERS)]
    return [Order(head, rests[n % FILLERS]) for n, head in enumerate(heads)]


class _Draws:
    """What can be drawn, by the knowledge."""

    def __init__(self, knowledge: Knowledge) -> None:
        products = {
            name: [
                (code, text)
                for code, text in drug.clinical_drugs.items()
                if "Oral" in text and "/" not in text
            ]
            for name, drug in knowledge.drugs.items()
        }
        products = {name: listed for name, listed in products.items() if listed}
        simulated = set(knowledge.substances) | set(knowledge.modulators)
        self.ordered = [
            each for name, drug in knowledge.drugs.items() if drug.option and name in knowledge.substances
            for each in products.get(name, ())
        ]  # fmt: skip
        self.relevant = [listed for name, listed in products.items() if name in simulated]
        self.others = [listed for name, listed in products.items() if name not in simulated]
        sets = knowledge.value_sets.values()
        self.diagnoses = [
            (each.title, each.icd10cm, tuple(each.snomed)) for each in sets if each.icd10cm or each.snomed
        ]
        self.substances = [(d.title, d.rxcui) for d in knowledge.drugs.values() if d.rxcui]

    def head(self, draw: random.Random) -> bytes:
        """A request up to its old results."""
        patient = {
            "resourceType": "Patient", "id": "p", "gender": draw.choice(["female", "male"]),
            "birthDate": str(date(1935, 1, 1) + timedelta(draw.randrange(26_000))),
        }  # fmt: skip
        draft = _order("o1", *draw.choice(self.ordered), draw, "draft")
        listed = [draw.choice(self.relevant if draw.random() < 0.4 else self.others)
                  for _ in range(draw.randrange(MOST_MEDICINES + 1))]  # fmt: skip
        taken = [_order(f"m{n}", *draw.choice(each), draw, "active") for n, each in enumerate(listed)]
        kg = round(draw.gauss(80, 15), 1)
        weight = _result("v1", "29463-7", "Body weight", kg, "kg", _days_ago(draw, 200))
        prefetch = {
            "patient": patient,
            "medications": bundle(taken),
            "statements": bundle([]),
            "conditions": bundle(self._conditions(draw)),
            "allergies": bundle(self._allergies(draw)),
            "vitals": bundle([weight]),
        }  # fmt: skip
        whole = {
            "hook": "order-sign", "hookInstance": str(UUID(int=draw.getrandbits(128), version=4)),
            "context": {"userId": "Practitioner/1", "patientId": "p", "draftOrders": bundle([draft])},
            "prefetch": prefetch,
        }  # fmt: skip
        creatinine = _result(
            "l", "2160-0", "Creatinine", round(draw.uniform(0.6, 1.8), 2), "mg/dL", _days_ago(draw, 80)
        )
        text = json.dumps(whole)
        assert text.endswith("}}")
        start = json.dumps({"resourceType": "Bundle", "type": "searchset"})[:-1]
        return f'{text[:-2]}, "labs": {start}, "entry": [{json.dumps({"resource": creatinine})}'.encode()

    def _conditions(self, draw: random.Random) -> list[Resource]:
        made = []
        for n in range(draw.randrange(MOST_CONDITIONS + 1)):
            title, icd, snomed = draw.choice(self.diagnoses)
            coded = icd and (not snomed or draw.random() < 0.5)
            system, code = (ICD10, draw.choice(icd)) if coded else (SNOMED, draw.choice(snomed))
            made.append({
                "resourceType": "Condition", "id": f"c{n}", "subject": PATIENT, "onsetDateTime": _days_ago(draw, 4000),
                "clinicalStatus": {"coding": [{"code": draw.choice(["active", "active", "resolved"])}]},
                "verificationStatus": {"coding": [{"code": "confirmed"}]},
                "code": {"text": title, "coding": [{"system": system, "code": code, "display": title}]},
            })  # fmt: skip
        return made

    def _allergies(self, draw: random.Random) -> list[Resource]:
        made = []
        for n in range(draw.randrange(MOST_ALLERGIES + 1)):
            title, rxcui = draw.choice(self.substances)
            made.append({
                "resourceType": "AllergyIntolerance", "id": f"a{n}", "patient": PATIENT,
                "clinicalStatus": {"coding": [{"code": "active"}]}, "code": _coded(rxcui, title),
                "reaction": [{"manifestation": [{"text": draw.choice(["rash", "anaphylaxis", "nausea"])}]}],
            })  # fmt: skip
        return made


def _order(name: str, code: str, text: str, draw: random.Random, status: str) -> Resource:
    repeat = {"frequency": draw.choice([1, 2, 3, 4]), "period": 1, "periodUnit": "d"}
    dose = {"value": draw.choice([1, 1, 1, 2]), "unit": "tablet"}
    length = draw.choice([5, 7, 10, 14, 21, 30]) if status == "draft" else draw.choice([30, 90])
    return {
        "resourceType": "MedicationRequest", "id": name, "status": status, "intent": "order", "subject": PATIENT,
        "authoredOn": _days_ago(draw, 0 if status == "draft" else 28), "medicationCodeableConcept": _coded(code, text),
        "dosageInstruction": [{"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": dose}]}],
        "dispenseRequest": {"expectedSupplyDuration": {"value": length, "unit": "days", "code": "d"}},
    }  # fmt: skip


def _coded(code: str, text: str) -> Resource:
    return {"text": text, "coding": [{"system": RXNORM, "code": code, "display": text}]}


def _result(name: str, code: str, text: str, value: float, unit: str, day: str) -> Resource:
    return {
        "resourceType": "Observation", "id": name, "status": "final", "subject": PATIENT, "effectiveDateTime": day,
        "code": {"coding": [{"system": LOINC, "code": code, "display": text}]},
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }  # fmt: skip


OLD = (("2160-0", "Creatinine", "mg/dL"), ("718-7", "Hemoglobin", "g/dL"), ("2345-7", "Glucose", "mg/dL"),
       ("1742-6", "Alanine aminotransferase", "U/L"), ("2823-3", "Potassium", "mmol/L"))  # fmt: skip


def _old_results(draw: random.Random, size: int) -> bytes:
    """Further entries, and the end of the document."""
    entries, length = [""], 0
    while length < size:
        code, text, unit = draw.choice(OLD)
        day = _days_ago(draw, 3000, 400)
        result = _result(f"r{len(entries)}", code, text, round(draw.uniform(0.5, 15), 1), unit, day)
        entries.append(json.dumps({"resource": result}))
        length += len(entries[-1]) + 2
    return (", ".join(entries) + "]}}}").encode()


def _days_ago(draw: random.Random, most: int, least: int = 0) -> str:
    return str(date.today() - timedelta(draw.randint(least, max(least, most))))


def bundle(resources: Sequence[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in resources]}


def lines(number: int) -> Iterator[str]:
    for order in orders(number):
        yield json.dumps(json.loads(order.head + order.rest))


if __name__ == "__main__":
    for line in lines(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        print(line)
