"""How the brain adapts to a sedative, and what it does when the sedative is gone.

Two opponents of the drug's energy build up, one within days and one within weeks; the slow one fades faster than
it builds, and follows only a part of the energy of some sites. What the drug leaves over is the net drive; where the
opponents win, the deficit is felt as withdrawal, with a lag of two equal stages, so that it begins late and does not
drag on. Plain arithmetic (see `receptor`); energies in kT, times in hours.
"""

from typing import Any

Number = Any
"""A float, or an array of them."""


def turnover(gap: Number, quick: Number, slow: Number, width: Number) -> Number:
    """Change of a state that closes a `gap` at one rate when it builds and another when it fades.

    The two lines are joined smoothly over `width`, so that the solution has no corner.
    """
    return 0.5 * ((quick + slow) * gap + (quick - slow) * ((gap * gap + width * width) ** 0.5 - width))


def deficit(net: Number, width: Number) -> Number:
    """By how much the net drive is below zero, rising smoothly from nothing."""
    below = 0.5 * (abs(net) - net)
    return below * below / (below + width)


def positive(net: Number) -> Number:
    return 0.5 * (abs(net) + net)


def rates(
    energy: Number,
    lasting: Number,
    other: Number,
    fast: Number,
    slow: Number,
    dulled: Number,
    stirred: Number,
    withdrawal: Number,
    sensitivity: Number,
    fast_share: Number,
    fast_rate: Number,
    slow_share: Number,
    on_rate: Number,
    off_rate: Number,
    other_share: Number,
    other_rate: Number,
    symptom_rate: Number,
    width: Number,
) -> Number:
    """Changes an hour of the fast and the slow opponent, of tolerance to other sedation, and of both stages of
    withdrawal.

    `energy` is that at GABA-A, `lasting` what of it slow tolerance follows, `other` that of sedation by other ways.
    Rates are the reciprocals of time constants.
    """
    d_fast = (fast_share * energy - fast) * fast_rate
    d_slow = turnover(slow_share * lasting - slow, on_rate, off_rate, width)
    d_dulled = (other_share * other - dulled) * other_rate
    felt = deficit(sensitivity * energy - fast - slow, width)
    stage_rate = 2.0 * symptom_rate
    d_stirred = (felt - stirred) * stage_rate
    d_withdrawal = (stirred - withdrawal) * stage_rate
    return d_fast, d_slow, d_dulled, d_stirred, d_withdrawal
