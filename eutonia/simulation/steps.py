"""One step of the states that are not sums of exponentials: adaptation, withdrawal, induced elimination.

What drives them (the energy of the drugs, the level) is known over the whole step before they are advanced, at its
start, middle and end. Plain arithmetic: NumPy runs it on columns of patients, and the compiled engine in its lanes.
"""

from typing import Any

from eutonia.simulation.adaptation import deficit, positive

Number = Any
"""A float, or an array of them."""

LITTLE = 1e-30
"""What keeps a divisor from zero, in either precision."""


def damping(rate: Number, step: Number) -> Number:
    """What `collocated` divides by, as a factor."""
    z = rate * step
    return 1.0 / (1.0 + z * (0.5 + z / 12.0))


def collocated(
    state: Number, rate: Number, step: Number, damped: Number, start: Number, middle: Number, end: Number
) -> tuple[Number, Number]:
    """Middle and end of `state`, which gains what flows in and loses `rate` · state.

    The inflow is a parabola through its values at the start, the middle and the end of the step. Lobatto's rule,
    solved: fourth order, and stable however fast the state is. `damped` is `damping(rate, step)`.
    """
    z, twelfth = rate * step, step / 12.0
    halfway = (1.0 - z * z / 24.0) * state + 0.5 * twelfth * (
        (5.0 + z) * start + (8.0 + 2.0 * z) * middle - end
    )
    after = (1.0 - z * (0.5 - z / 12.0)) * state
    after = after + twelfth * ((2.0 - z) * start + 8.0 * middle + (2.0 + z) * end)
    return damped * halfway, damped * after


def bends(
    start: Number, middle: Number, end: Number, first: Number, last: Number, step: Number
) -> tuple[Number, ...]:
    """The quartic through the start, the middle and the end of a step, with slopes `first` and `last` at its ends.

    Four coefficients, time running from -1 to 1; the one without time is `middle`.
    """
    half, slope = 0.5 * (end - start), 0.25 * step * (first + last)
    bend, turn = 0.5 * (start + end) - middle, 0.25 * step * (last - first)
    return 1.5 * half - 0.5 * slope, 2.0 * bend - 0.5 * turn, 0.5 * (slope - half), 0.5 * turn - bend


def pair(middle: Number, a: Number, b: Number, c: Number, d: Number, x: float) -> tuple[Number, Number]:
    """Its values at -`x` and `x`."""
    even, odd = middle + x * x * (b + x * x * d), x * (a + x * x * c)
    return even - odd, even + odd


def summit(middle: Number, a: Number, b: Number, c: Number, d: Number) -> tuple[Number, Number]:
    """Where it is highest between -1 and 1, and how high: by Newton's method, from the middle on.

    Where it does not bend downwards, the way goes up to an end.
    """
    x = 0.0 * middle
    for _ in range(3):
        slope, bend = a + x * (2.0 * b + x * (3.0 * c + x * 4.0 * d)), -2.0 * b - x * (6.0 * c + x * 12.0 * d)
        x = x + slope / larger(bend, 0.5 * abs(slope) + LITTLE)
        x = 0.5 * (abs(x + 1.0) - abs(x - 1.0))  # between -1 and 1
    return x, along(x, middle, a, b, c, d)


def along(x: Number, middle: Number, a: Number, b: Number, c: Number, d: Number) -> Number:
    """Its value at `x`."""
    return middle + x * (a + x * (b + x * (c + x * d)))


def turn(before: Number, middle: Number, after: Number) -> tuple[Number, Number]:
    """Where the parabola through a step is highest between -1 and 1, and how high."""
    bend, tilt = middle - 0.5 * (before + after), 0.5 * (after - before)
    x = tilt / larger(2.0 * bend, abs(tilt) + LITTLE)
    return x, middle + x * (tilt - x * bend)


def above(before: Number, after: Number) -> Number:
    """Share of a span above zero, taking it for a straight line."""
    high = positive(larger(before, after))
    return high / larger(abs(after - before), high + LITTLE)


def larger(one: Number, other: Number) -> Number:
    return 0.5 * (one + other + abs(one - other))


def averaged(middle: Number, d: Number) -> Number:
    """What stands in the middle for `collocated` to have the integral of the quartic."""
    return middle - 0.2 * d


def spread(
    net: Number, a: Number, b: Number, c: Number, d: Number, felt: Number, felt_end: Number, width: Number
) -> tuple[Number, Number, Number]:
    """The deficit at the start, in the middle and at the end of a step, for `collocated`, from the net drive.

    It sets in sharply. So these are of the parabola with its integral and its centre, both taken over nine moments.
    """
    one, two = pair(net, a, b, c, d, 0.25)
    early, late = deficit(one, width), deficit(two, width)
    near, apart = early + late, late - early
    one, two = pair(net, a, b, c, d, 0.5)
    early, late = deficit(one, width), deficit(two, width)
    half, apart = early + late, apart + (late - early)
    one, two = pair(net, a, b, c, d, 0.75)
    early, late = deficit(one, width), deficit(two, width)
    near, apart = near + (early + late), apart + 3.0 * (late - early)
    ends, tilt = felt + felt_end, 0.125 * (felt_end - felt + apart)
    middle = 0.0625 * (4.0 * near + 2.0 * (half + deficit(net, width)) - 3.0 * ends)
    return 0.5 * ends - tilt, middle, 0.5 * ends + tilt


def passed(state: Number, rate: Number, step: Number, damped: Number, taken: Number) -> tuple[Number, Number]:
    """`collocated` as far as it follows from the start alone, where `taken` flows in at the start."""
    z, twelfth = rate * step, step / 12.0
    halfway = (1.0 - z * z / 24.0) * state + 0.5 * twelfth * (5.0 + z) * taken
    after = (1.0 - z * (0.5 - z / 12.0)) * state + twelfth * (2.0 - z) * taken
    return damped * halfway, damped * after


def remaining(
    middle: Number, end: Number, weight: Number, drift: Number, more_mid: Number, more_end: Number
) -> tuple[Number, Number]:
    """A level in the middle and at the end of a step from which more is eliminated in proportion to what remains.

    `middle` and `end` are what it would be if only what was taken at the start were; `more_mid` and `more_end` the
    clearance beyond the linear one, and `weight` and `drift` the sums over its modes of damping · weight · step, and
    of that times rate · step. `collocated` is solved for both levels.
    """
    a = 1.0 + (4.0 * weight + drift) / 12.0 * more_mid
    b = -weight / 24.0 * more_end
    c = weight / 1.5 * more_mid
    d = 1.0 + (2.0 * weight + drift) / 12.0 * more_end
    whole = 1.0 / (a * d - b * c)
    return (d * middle - b * end) * whole, (a * end - c * middle) * whole


def nearly(
    middle: Number, end: Number, weight: Number, drift: Number, more_mid: Number, more_end: Number
) -> tuple[Number, Number]:
    """`remaining`, to the first order in what is eliminated: enough to see what induction it draws up."""
    taken, last = more_mid * middle / 12.0, more_end * end / 12.0
    fewer = (4.0 * weight + drift) * taken - 0.5 * weight * last
    return middle - fewer, end - 8.0 * weight * taken - (2.0 * weight + drift) * last
