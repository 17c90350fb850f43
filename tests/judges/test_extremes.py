"""What a plan does at its worst, by the short way and by the whole one."""

import numpy as np
import pytest

from eutonia.knowledge import load
from eutonia.simulation import as_patients, outcome, read
from eutonia.simulation.extremes import extremes

UNTIL = 72.0
PLANS = {
    "two sedatives and what only eases pain": [
        "carisoprodol 350 mg four times a day for 14 days",
        "oxycodone 10 mg every 6 hours for 30 days",
        "ibuprofen 400 mg three times a day for 30 days",
    ],
    "by a metabolite and beside an inhibitor": [
        "diazepam 5 mg twice a day for 7 days",
        "omeprazole 20 mg daily",
    ],
    "as needed, with what eases pain": [
        "tizanidine 4 mg up to three times a day as needed for 7 days",
        "naproxen 500 mg twice a day for 7 days",
    ],
    "nothing that dulls": ["naproxen 500 mg twice a day for 7 days"],
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_short_way_is_as_good_as_the_whole(plan):
    check(plan, {"age": 70, "sex": "female"})


def test_it_is_so_in_a_regular_user():
    check(["diazepam 5 mg daily for 3 days", "ibuprofen 400 mg daily for 3 days"], {"regular_user": True})


def check(plan, facts):
    """The whole way looks at more moments, so that a peak lies elsewhere in a step: it is read to three thousandths."""
    knowledge = load()
    schedule = read(plan, knowledge, None)
    short = extremes(schedule, as_patients(facts, 24, 0), knowledge, until=UNTIL)
    whole = outcome(schedule, patients=facts, until=UNTIL, draws=24, courses=False, knowledge=knowledge)
    for name, values in short.items():
        np.testing.assert_allclose(values, whole.per_patient[name], rtol=3e-3, atol=1e-3, err_msg=name)
