"""Sedatives together, and the bands in which people are sleepy, stuporous or in coma."""

import pytest

from eutonia.knowledge import Knowledge
from eutonia.simulation import outcome, population


def course(plan: list[str], knowledge: Knowledge, **facts: object) -> dict[str, float]:
    found = outcome(plan, patients={"age": 40, "cyp2c19": "normal", **facts}, draws=0, until="2 days", courses=False,
                    knowledge=knowledge).per_patient  # fmt: skip
    return {name: float(values[0]) for name, values in found.items() if hasattr(values, "shape")}


def test_one_tablet_is_felt_a_little_and_seven_make_very_sleepy(knowledge: Knowledge) -> None:
    """Fraser, Essig and Wolbach 1961: 2500 mg, most very sleepy within 1 to 2 h. Stupor begins near 1.5 kT."""
    one = course(["carisoprodol 350 mg once"], knowledge)
    many = course(["carisoprodol 2500 mg once"], knowledge)
    assert 0.12 < one["peak_drive"] < 0.35
    assert 1.0 < many["peak_drive"] < 2.0


def test_thirty_to_a_hundred_milligrams_of_meprobamate_a_litre_are_stupor_or_light_coma(
    knowledge: Knowledge,
) -> None:
    """Textbook bands: 30 to 100 mg/L stupor or light coma, 100 to 200 deep coma (3.4 kT in the model)."""
    stupor = course(["meprobamate 4000 mg once"], knowledge)
    coma = course(["meprobamate 8000 mg once"], knowledge)
    assert 30 < stupor["meprobamate/cmax_mg_l"] < 110
    assert 1.5 < stupor["peak_drive"] < 3.4
    assert 100 < coma["meprobamate/cmax_mg_l"] < 200
    assert coma["peak_drive"] > 2.5


def test_three_grams_of_alcohol_a_litre_are_stupor_and_one_is_not(knowledge: Knowledge) -> None:
    """Dubowski's stages: euphoria up to 1.2 g/L, excitement to 2.5, stupor from 2.5 to 4, coma from 3.5 g/L."""
    for drinks, level, drive in (
        (6, (900, 1250), (0.5, 1.1)),
        (16, (2700, 3700), (1.5, 3.0)),
        (28, (5000, 6500), (2.5, 4.5)),
    ):
        found = course([f"{drinks} drinks of alcohol over 1 hour"], knowledge, sex="male", weight=75)
        assert level[0] < found["ethanol/cmax_mg_l"] < level[1]
        assert drive[0] < found["peak_drive"] < drive[1]


def test_lorazepam_goes_from_calm_to_no_response_over_the_levels_of_intensive_care(
    knowledge: Knowledge,
) -> None:
    """Barr 2001: half are calm at 34 µg/L, asleep but easily roused at 104, without response at 188."""
    calm, asleep, gone = (course([f"lorazepam {mg} mg once"], knowledge) for mg in (3.7, 11.5, 20.7))
    assert [1000 * each["lorazepam/cmax_mg_l"] for each in (calm, asleep, gone)] == pytest.approx(
        [34, 104, 188], rel=0.03
    )
    assert 0.4 < calm["peak_drive"] < 1.0
    assert asleep["peak_drive"] > 1.3 * calm["peak_drive"]
    assert 1.3 < gone["peak_drive"] < 3.4, "about the stupor of 1.5 kT, short of deep coma"


@pytest.mark.parametrize(
    "other", ["oxycodone 10 mg once", "alprazolam 1 mg once", "3 drinks of alcohol at 08:00"]
)
def test_another_sedative_adds(other: str, knowledge: Knowledge) -> None:
    alone = course(["carisoprodol 350 mg once"], knowledge)
    both = course(["carisoprodol 350 mg once", other], knowledge)
    assert both["peak_impairment"] > alone["peak_impairment"] + 5
    assert both["min_ventilation"] < alone["min_ventilation"]


def test_opioid_with_carisoprodol_and_a_benzodiazepine_depresses_breathing_more_than_either_pair(
    knowledge: Knowledge,
) -> None:
    """The boxed warning of 2016 on opioids with other depressants."""
    opioid, relaxant, benzodiazepine = (
        "oxycodone 20 mg once",
        "carisoprodol 700 mg once",
        "alprazolam 2 mg once",
    )
    lowest = {
        plan: course(list(plan), knowledge)["min_ventilation"]
        for plan in (
            (opioid,),
            (opioid, relaxant),
            (opioid, benzodiazepine),
            (opioid, relaxant, benzodiazepine),
        )
    }
    assert lowest[opioid, relaxant, benzodiazepine] < min(
        lowest[opioid, relaxant], lowest[opioid, benzodiazepine]
    )
    assert max(lowest[opioid, relaxant], lowest[opioid, benzodiazepine]) < lowest[opioid,]


def test_ibuprofen_and_acetaminophen_do_not_sedate(knowledge: Knowledge) -> None:
    found = course(
        [
            "ibuprofen 600 mg three times a day for 2 days",
            "acetaminophen 1000 mg three times a day for 2 days",
        ],
        knowledge,
    )
    assert found["peak_impairment"] == 0.0
    assert found["peak_relief"] > 5.0


def test_old_age_and_a_failing_liver_make_the_same_dose_more(knowledge: Knowledge) -> None:
    plan = ["carisoprodol 350 mg four times a day for 2 days"]
    young = course(plan, knowledge)
    assert course(plan, knowledge, age=75)["peak_impairment"] > 1.3 * young["peak_impairment"]
    assert course(plan, knowledge, liver="child-pugh-b")["peak_impairment"] > 1.3 * young["peak_impairment"]


def test_half_a_unit_of_drive_is_half_to_four_fifths_of_a_gram_of_alcohol_a_litre(
    knowledge: Knowledge,
) -> None:
    """The equivalence used for teaching (assumed): 0.5 kT for 0.5 to 0.8 g/L, where impairment begins to count."""
    found = course(["4 drinks of alcohol once"], knowledge, sex="male", weight=80)
    assert 500 < found["ethanol/cmax_mg_l"] < 800
    assert found["peak_drive"] == pytest.approx(0.5, abs=0.08)
    assert found["peak_impairment"] == pytest.approx(20, abs=5)


def test_alcohol_falls_by_thirteen_hundredths_of_a_gram_an_hour(knowledge: Knowledge) -> None:
    """0.13 g/L an hour with a standard deviation of 0.05, in 141 doses to 68 people."""
    found = outcome("6 drinks of alcohol once", patients=population(68, seed=1), until="8 hours", every="1 hour",
                    knowledge=knowledge)  # fmt: skip
    level = found.level[:, 0]
    high = level[:, 5] > 300.0
    fall = (level[high, 3] - level[high, 5]) / 2.0 / 1000.0
    assert fall.mean() == pytest.approx(0.13, abs=0.02)
    assert 0.02 < fall.std() < 0.06


def test_impairment_counts_above_ten_milligrams_of_parent_and_metabolite_a_litre(
    knowledge: Knowledge,
) -> None:
    """Logan 2000: 104 drivers; impairment possible at any level, the worst signs above 10 mg/L of both together."""
    usual = outcome("carisoprodol 350 mg four times a day for 3 days", patients={"cyp2c19": "normal"}, draws=0,
                    until="3 days", every="0.5 hour", knowledge=knowledge)  # fmt: skip
    more = outcome("carisoprodol 1400 mg four times a day for 3 days", patients={"cyp2c19": "normal"}, draws=0,
                   until="3 days", every="0.5 hour", knowledge=knowledge)  # fmt: skip
    both, impaired = usual.level[0].sum(0), usual.courses["impairment"][0]
    assert both.max() < 13
    assert impaired.max() < 30
    strongly = more.courses["impairment"][0] > 40
    assert strongly.any()
    assert (more.level[0].sum(0)[strongly] > 10).all()


def test_sleepiness_by_drug_is_in_the_order_of_the_trials(knowledge: Knowledge) -> None:
    """Tizanidine in spasticity doses and cyclobenzaprine most, metaxalone and methocarbamol least."""
    plans = (
        "tizanidine 8 mg three times a day",
        "cyclobenzaprine 10 mg three times a day",
        "cyclobenzaprine 5 mg three times a day",
        "carisoprodol 350 mg four times a day",
        "methocarbamol 1500 mg four times a day",
        "metaxalone 800 mg three times a day",
    )
    rates = [
        outcome(f"{plan} for 7 days", patients=population(60, seed=2), until="7 days", courses=False,
                knowledge=knowledge).per_patient["probability_drowsy"].mean()
        for plan in plans
    ]  # fmt: skip
    tizanidine, ten, five, carisoprodol, methocarbamol, metaxalone = rates
    assert tizanidine > ten > five > carisoprodol > max(methocarbamol, metaxalone)
