"""From drive and levels to what is seen and felt. Plain arithmetic on columns of patients (see `receptor`)."""

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


def score(drive: Column, half: Column | float, hill: float) -> Column:
    """0 to 100: an effect that rises with `drive` and is half its most at `half`."""
    reached = np.maximum(drive, 0.0) ** hill
    return 100.0 * reached / (reached + half**hill)


def probability(intercept: Column | float, slope: Column | float, drive: Column) -> Column:
    """Chance, over a course, of an effect that depends on its highest drive (logistic)."""
    return 1.0 / (1.0 + np.exp(-(intercept + slope * np.maximum(drive, 0.0))))


def bounded(drive: Column, most: Column | float) -> Column:
    """The drive, levelling off at `most`: at half of it, it is still itself within 2 %."""
    drive = np.maximum(drive, 0.0)
    return np.asarray(drive / (1.0 + (drive / most) ** 4) ** 0.25)


def any_withdrawal(peak: Column, half: Column | float, slope: Column | float) -> Column:
    """Chance of withdrawal that is noticed, from its highest severity."""
    risen = peak**slope
    return risen / (risen + half**slope)


def relieved(relaxation: Column, most: Column | float, half: Column | float) -> Column:
    """Fraction of pain that relaxing takes away."""
    relaxation = np.maximum(relaxation, 0.0)
    return most * relaxation / (relaxation + half)


def ventilation(opioid: Column, drive: Column, opioid_most: float, drive_most: Column | float,
                drive_half: Column | float, synergy: Column | float) -> Column:  # fmt: skip
    """Fraction of resting ventilation; `opioid` is the opioids' levels by their half-effect levels, summed."""
    depressed = opioid / (1.0 + opioid)
    drive = np.maximum(drive, 0.0)
    square = drive * drive
    alone = (1.0 - opioid_most * depressed) * (1.0 - drive_most * square / (square + drive_half * drive_half))
    return np.maximum(alone * (1.0 - synergy * depressed * drive / (1.0 + drive)), 0.0)


def natural_pain(hours: Column | float, fast_part: Column, fast_time: Column, slow_part: Column,
                 slow_time: Column, rest: Column) -> Column:  # fmt: skip
    """The course of pain without treatment."""
    return fast_part * np.exp(-hours / fast_time) + slow_part * np.exp(-hours / slow_time) + rest
