"""Seidel 1985, Psychopharmacology 87:194: alprazolam 0.5 mg or diazepam 5 mg twice a day for a week, 18 volunteers.

Daytime sleepiness with alprazolam was higher on the first day and clearly lower by the seventh; with diazepam, whose
levels still rise, there was no tolerance in the week. Neither plan was used for fitting.
"""

import numpy as np

from eutonia.knowledge import Knowledge
from eutonia.simulation import outcome, population


def sedation_by_day(plan: str, knowledge: Knowledge) -> np.ndarray:
    """Mean over people of the highest sedation of each day."""
    found = outcome(
        plan, patients=population(48, seed=3), until="7 days", every="1 hour", knowledge=knowledge
    )
    course = found.courses["sedation"][:, :168]
    return np.asarray(course.reshape(len(course), 7, 24).max(2).mean(0))


def test_sleepiness_falls_within_the_week_with_alprazolam_and_not_with_diazepam(knowledge: Knowledge) -> None:
    alprazolam = sedation_by_day("alprazolam 0.5 mg twice a day for 7 days", knowledge)
    diazepam = sedation_by_day("diazepam 5 mg twice a day for 7 days", knowledge)
    assert alprazolam[6] < 0.75 * alprazolam[0]
    assert diazepam[6] > 0.9 * diazepam[0]
    assert alprazolam[0] > diazepam[0]
