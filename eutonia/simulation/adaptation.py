"""How the brain adapts to a sedative, and what it does when the sedative is gone.

Two opponents of the drug's energy build up, one within days and one within weeks; the slow one fades faster than
it builds. What the drug leaves over is the net drive; where the opponents win, the deficit is felt as withdrawal,
with a lag. Plain arithmetic (see `receptor`); energies in kT, times in hours.
"""


def turnover(gap, quick, slow, width):  # type: ignore[no-untyped-def]
    """Change of a state that closes a `gap` at one rate when it builds and another when it fades.

    The two lines are joined smoothly over `width`, so that the solution has no corner.
    """
    return 0.5 * ((quick + slow) * gap + (quick - slow) * ((gap * gap + width * width) ** 0.5 - width))


def deficit(net, width):  # type: ignore[no-untyped-def]
    """By how much the net drive is below zero, rising smoothly from nothing."""
    below = 0.5 * (abs(net) - net)
    return below * below / (below + width)


def positive(net):  # type: ignore[no-untyped-def]
    return 0.5 * (abs(net) + net)


def rates(energy, other, fast, slow, dulled, withdrawal, sensitivity,
          fast_share, fast_rate, slow_share, on_rate, off_rate, other_share, other_rate, symptom_rate, width):  # type: ignore[no-untyped-def]  # fmt: skip
    """Changes an hour of the fast and the slow opponent, of tolerance to other sedation, and of withdrawal.

    `energy` is that at GABA-A, `other` that of sedation by other ways. Rates are the reciprocals of time constants.
    """
    d_fast = (fast_share * energy - fast) * fast_rate
    d_slow = turnover(slow_share * energy - slow, on_rate, off_rate, width)
    d_dulled = (other_share * other - dulled) * other_rate
    felt = deficit(sensitivity * energy - fast - slow, width)
    d_withdrawal = (felt - withdrawal) * symptom_rate
    return d_fast, d_slow, d_dulled, d_withdrawal
