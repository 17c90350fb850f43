"""What a card of CDS Hooks says and offers: which plans are worth one, what is offered instead, what is simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from web_making import CARISOPRODOL, IBUPROFEN, OXYCODONE, app_with, call, order, request, searchset

CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "subject": {"reference": "Patient/p1"},
    "clinicalStatus": {"coding": [{"code": "active"}]},
}


# --- what is worth a card -----------------------------------------------------------------------------


def test_a_clean_plan_stays_silent(client: TestClient) -> None:
    assert call(client, request(order("o1", CARISOPRODOL)))["cards"] == []


def test_a_drug_outside_the_rules_stays_silent(client: TestClient) -> None:
    statin = {"text": "atorvastatin 20 MG Oral Tablet"}
    assert call(client, request(order("o1", statin)))["cards"] == []


UNKNOWN_DRUG = {"text": "Zyxomab 10 mg tablet"}
UNKNOWN_CODE = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "99999999"}]}


@pytest.mark.parametrize(
    ("what", "said"), [(UNKNOWN_DRUG, "Zyxomab 10 mg tablet"), (UNKNOWN_CODE, "99999999")]
)
def test_an_order_of_an_unknown_drug_is_said_not_to_be_recognised(
    what: dict[str, Any], said: str, client: TestClient
) -> None:
    """Silence would look like a check that found nothing."""
    (card,) = call(client, request(order("o1", what)))["cards"]
    assert card["indicator"] == "info"
    assert card["summary"].startswith("A medicine that is not recognised")
    assert said in card["summary"]
    assert "interactions were not checked" in card["detail"]
    assert card["source"]["topic"]["code"] == "data-drug-unmapped"
    assert "suggestions" not in card


def test_several_orders_of_unknown_drugs_make_one_card(client: TestClient) -> None:
    body = request(order("o1", UNKNOWN_DRUG), order("o2", {"text": "Foobarol"}))
    (card,) = call(client, body)["cards"]
    assert "Zyxomab 10 mg tablet; Foobarol" in card["detail"]


def test_an_unknown_drug_on_the_list_makes_no_card_and_is_named_on_one(client: TestClient) -> None:
    body = request(order("o1", CARISOPRODOL))
    unknown = order("m1", UNKNOWN_DRUG, status="active")
    body["prefetch"]["medications"] = searchset(unknown)
    assert call(client, body)["cards"] == []
    body["prefetch"]["medications"] = searchset(unknown, order("m2", OXYCODONE, status="active"))
    (card,) = call(client, body)["cards"]
    assert "**Not recognised:** Zyxomab 10 mg tablet." in card["detail"]


@pytest.mark.parametrize(
    "other",
    [
        {
            "resourceType": "ServiceRequest",
            "id": "s1",
            "status": "draft",
            "code": {"text": "MRI of the lumbar spine"},
        },
        order("o1", UNKNOWN_DRUG) | {"doNotPerform": True},
        order("o1", None),
    ],
)
def test_what_is_no_order_of_a_drug_makes_no_such_card(other: dict[str, Any], client: TestClient) -> None:
    assert call(client, request(other))["cards"] == []


def test_an_order_whose_code_and_text_differ_says_so(client: TestClient) -> None:
    differs = CARISOPRODOL | {"text": "cyclobenzaprine 10 mg tablet"}
    (card,) = call(client, request(order("o1", differs)))["cards"]
    assert card["summary"].startswith("A medicine that is not recognised: cyclobenzaprine 10 mg tablet")
    assert "its code and its text name different drugs" in card["detail"]


def test_an_opioid_beside_carisoprodol_warns_and_says_why(client: TestClient) -> None:
    body = request(order("o1", CARISOPRODOL))
    body["prefetch"]["medications"] = searchset(order("m1", OXYCODONE, status="active"))
    (card,) = call(client, body)["cards"]
    assert card["indicator"] in ("warning", "critical")
    assert "oxycodone" in card["detail"].casefold()
    assert "Not seen" not in card["detail"]


def test_only_what_is_selected_is_spoken_of(client: TestClient) -> None:
    body = request(order("o1", IBUPROFEN), order("o2", CARISOPRODOL, days=60), hook="order-select")
    assert call(client, body)["cards"]
    body["context"]["selections"] = ["MedicationRequest/o1"]
    assert call(client, body)["cards"] == []


def test_what_needs_a_doctor_today_comes_first(client: TestClient) -> None:
    body = request(order("o1", CARISOPRODOL, days=60))
    equina = CONDITION | {"code": {"coding": [{"system": "http://snomed.info/sct", "code": "192970008"}],
                                   "text": "Cauda equina syndrome"}}  # fmt: skip
    body["prefetch"]["conditions"] = searchset(equina)
    first, *_ = call(client, body)["cards"]
    assert first["indicator"] == "critical"
    assert first["summary"].startswith("Same-day referral")


def test_words_of_the_record_are_not_read_as_markup(client: TestClient) -> None:
    body = request(
        order(
            "o1", CARISOPRODOL | {"text": "carisoprodol 350 mg <img src=x> **bold** [x](http://x)"}, days=60
        )
    )
    (card,) = call(client, body)["cards"]
    assert "<img" not in card["detail"].replace("\\<", "")
    assert "[x](" not in card["detail"]


def test_an_order_that_is_signed_again_is_not_taken_twice(client: TestClient) -> None:
    active = order("o1", CARISOPRODOL, status="active")
    body = request(active)
    body["prefetch"]["medications"] = searchset(active)
    assert call(client, body)["cards"] == []


# --- what is offered --------------------------------------------------------------------------------


def test_what_is_offered_instead_is_what_the_assessment_offers_first(client: TestClient) -> None:
    from datetime import UTC, datetime

    from eutonia.assessment import assess
    from eutonia.reading import read

    body = request(order("o1", CARISOPRODOL, days=60))
    (card,) = call(client, body)["cards"]
    labels = [s["label"].removeprefix("Instead: ") for s in card["suggestions"][1:]]
    entries = [r for b in body["prefetch"].values() for r in ([b] if "entry" not in b else [])]
    record = {"resourceType": "Bundle", "type": "collection",
              "entry": [{"resource": r} for r in [*entries, order("o1", CARISOPRODOL, days=60)]]}  # fmt: skip
    case = read(record, as_of=datetime.now(UTC).astimezone().date()).model_copy(
        update={"conditions": (), "medications": ()}
    )
    offered = [o.title for o in assess(case, forecast=False).options if o.offered and not o.ask]
    assert labels == offered[:2]


def test_a_drug_in_long_use_can_be_tapered_at_a_click(client: TestClient) -> None:
    from datetime import UTC, datetime, timedelta

    began = (datetime.now(UTC) - timedelta(days=60)).date().isoformat()
    active = order("m1", CARISOPRODOL, status="active", days=90) | {"authoredOn": began}
    body = request(order("o1", CARISOPRODOL, days=30))
    body["prefetch"]["patient"]["birthDate"] = "1950-05-01"  # for whom a published schedule is meant
    body["prefetch"]["medications"] = searchset(active)
    (card, *_) = call(client, body)["cards"]
    (taper,) = [s for s in card["suggestions"] if s["label"].startswith("Taper instead")]
    delete, create = taper["actions"]
    assert delete["resourceId"] == "MedicationRequest/o1"
    doses = [
        each["doseAndRate"][0]["doseQuantity"]["value"] for each in create["resource"]["dosageInstruction"]
    ]
    assert create["resource"]["status"] == "draft"
    assert create["resource"]["subject"] == {"reference": "Patient/p1"}
    assert doses
    assert max(doses) <= 350
    steps = {each["sequence"] for each in create["resource"]["dosageInstruction"]}
    assert len(steps) > 1


def test_a_drug_that_is_new_is_not_tapered(client: TestClient) -> None:
    (card,) = call(client, request(order("o1", CARISOPRODOL, days=60)))["cards"]
    assert not any(s["label"].startswith("Taper") for s in card["suggestions"])


def test_drafts_are_of_the_patient_of_the_context_however_they_say_it(client: TestClient) -> None:
    for subject in ({"reference": "urn:uuid:1"}, {"display": "she"}, None):
        body = request(order("o1", CARISOPRODOL, days=60) | {"subject": subject})
        del body["prefetch"]["patient"]["id"]
        assert call(client, body)["cards"]


# --- what is simulated ------------------------------------------------------------------------------


def test_a_simulation_adds_its_figures_to_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made once for whoever is alike; said to be missing where it is late; left out where it is turned off."""
    from eutonia.web import foreseen

    def details(seconds: float, tablets: int = 1, **changes: Any) -> str:
        with app_with(tmp_path, per_minute=0, forecast_seconds=seconds) as made:
            body = request(order("o1", CARISOPRODOL, days=1))
            taken = order("m1", OXYCODONE, status="active", **changes)
            taken["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] = tablets
            body["prefetch"]["medications"] = searchset(taken)
            first, again = (call(made, body)["cards"][0]["detail"] for _ in range(2))
            assert first == again
        return str(first)

    monkeypatch.setattr(foreseen, "at_hand", lambda: False)
    assert "Simulated" not in details(60)  # nobody waits for an engine that is not compiled
    monkeypatch.setattr(foreseen, "at_hand", lambda: True)
    made = []
    real = foreseen.foreseen
    monkeypatch.setattr(foreseen, "foreseen", lambda *given: made.append(1) or real(*given))
    told = details(60, days=1)
    assert "virtual patients like this one with oxycodone" in told
    assert "of resting" in told
    assert len(made) == 1
    assert "is taken for a slip of the pen" in details(60, tablets=90)
    assert "Simulated" not in details(0)
    assert "not ready in time" not in details(1e-6)  # it is brief, and nobody waits for a thread
    monkeypatch.setattr(foreseen, "is_brief", lambda *_: False)
    assert "not ready in time" in details(1e-6)


@pytest.mark.parametrize(
    ("plan", "taken", "brief"),
    [
        ("carisoprodol 350 mg three times a day", "oxycodone 5 mg every 6 hours", True),
        ("carisoprodol 350 mg three times a day", "carisoprodol 350 mg three times a day", True),
        ("carisoprodol 350 mg three times a day as needed", "oxycodone 5 mg every 6 hours", False),
        ("carisoprodol 350 mg three times a day", "oxycodone 5 mg every 6 hours as needed", False),
    ],
)
def test_a_simulation_is_brief_unless_doses_are_decided_on(plan: str, taken: str, brief: bool) -> None:
    from eutonia import read
    from eutonia.dosing.text import read_plan
    from eutonia.features import chart_of
    from eutonia.knowledge import load
    from eutonia.simulated_case import simulated_case
    from eutonia.web.foreseen import is_brief

    written = read_plan(taken).model_dump(
        include={"text", "dose", "unit", "times_per_day", "every_hours", "as_needed"}
    )
    case = read(
        {
            "as_of": "2026-03-02",
            "patient": {},
            "medications": [written | {"status": "active"}],
            "plan": [{"text": plan}],
        }
    )
    assert is_brief(simulated_case(chart_of(case, load()), 0)) is brief
