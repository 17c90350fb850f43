"""How an order is named: a reader checks the dose that was judged, not only the drug."""

from __future__ import annotations

from typing import Any

import pytest

from eutonia.dosing.ordered import as_ordered
from eutonia.patient import Medication, PlanItem


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"text": "carisoprodol 350 MG Oral Tablet", "dose": 1, "unit": "{tbl}", "times_per_day": 4, "days_supply": 30},
         "carisoprodol 350 MG Oral Tablet, 1 tablet 4 times a day, for 30 days"),
        ({"text": "ibuprofen", "dose": 400, "unit": "mg", "every_hours": 6, "as_needed": True},
         "ibuprofen, 400 mg every 6 hours, as needed"),
        ({"text": "oxycodone", "dose": 1, "dose_high": 2, "unit": "tablet", "times_per_day": 4, "times_per_day_low": 3},
         "oxycodone, 1 to 2 tablets 3 to 4 times a day"),
        ({"text": "methotrexate", "dose": 15, "unit": "mg", "times_per_day": 1 / 7},
         "methotrexate, 15 mg every 7 days"),
        ({"text": "carisoprodol", "action": "stop"}, "stop carisoprodol"),
        ({"therapy": "yoga", "action": "start-therapy", "duration_days": 1}, "yoga, for 1 day"),
    ],
)  # fmt: skip
def test_an_order_is_named_with_its_dose_and_length(order: dict[str, Any], words: str) -> None:
    assert as_ordered(PlanItem.model_validate(order)) == words


def test_what_was_written_in_words_stays_as_it_was_written() -> None:
    item = PlanItem(text="carisoprodol", dose=350, unit="mg", written="carisoprodol 350 mg qid")
    assert as_ordered(item) == "carisoprodol 350 mg qid"


def test_what_is_not_stated_is_not_said() -> None:
    assert as_ordered(Medication(text="Prozac")) == "Prozac"
    assert as_ordered(Medication(rxcui="197446")) == "RxNorm 197446", (
        "by its code, where that is all there is"
    )
    assert as_ordered(Medication()) == ""
