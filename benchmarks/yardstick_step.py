"""One step of the yardstick's problem, in the rows that the compiled engine is made of, and the march through 28 days.

Eight states: the depot and two substances in the body, the level of each at its effect site, a fast and a slow
adaptation, pain. Adaptation follows the opening of the receptor's channel and feeds back on it, so that each is known
only with the other. Nothing here is about a patient of ours; `benchmarks.yardstick` has the problem and its figures.

The amounts and levels are linear: what they become in half a step is worked out once for each length of step. The
opening in the middle and at the end of a step is predicted, and put right by one step of Newton's. With its change at
both ends they make a quartic, through which the adaptations and pain are integrated exactly; what that says of the
middle corrects it, and the end once more, to first order. Sums are ordered so that what is known late comes last.
"""

# mypy: ignore-errors
# (the compiler infers the types of what it compiles)
from llvmlite import ir
from numba import types

from eutonia.simulation.layout import W
from eutonia.simulation.rows import alike, built, get, get_of, lane, put, put_of, whole

SCRATCH = 75
"""Rows in double precision: three matrices of the linear part."""
LINEAR = 5
"""Depot, first and second substance in the body (mg), and the levels of both at the effect site by their K."""

# Rows of a block. Adaptations are in units of the exponent, pain in shares of the patient's pain without a drug.
DEPOT, FIRST, SECOND, SITE1, SITE2, FAST, SLOW, PAIN, OPEN, OPENING, FELT, FEELING = range(12)
IN1, OUT1, IN2, OUT2, GAIN, FAST_RATE, SLOW_RATE, HALF, PEAK, LEAST, TOTAL = range(12, 23)
"""What moves the opening, the patient's figures, and what is summed up."""
MIDWAY = 23
"""Eight states and the opening in the middle of a step, where that is asked for."""
UNITS = MIDWAY + 9
"""Of what is kept."""
FIXED = UNITS + 8

# Rows of each length of step, after those.
HALF_STEP, SLOPED, BEFORE_MIDDLE, TO_MIDDLE, TO_END, WEIGHED = 0, 1, 2, 7, 20, 33
"""Half of its hours, and 8 by all; the exponent in the middle, as far as it is known; the linear part (13 numbers)."""
WEIGHTS = 6
"""Of a state at the start, and of what it follows at the start, middle and end, and its change at both ends."""
OF_FAST, OF_SLOW, OF_PAIN, HALFWAY = (WEIGHED + WEIGHTS * k for k in range(4))
BENT = HALFWAY + 3 * WEIGHTS
"""What the end adds to the exponent in the middle."""
ROWS = BENT + 5

# The figures of a patient.
(KA, LAG, V1, CL1, V2, CL2, KE1, KE2, K1, K2, B_FAST, B_SLOW, TAU_FAST, TAU_SLOW, PAIN0, K_PAIN, E50,
 I50) = range(18)  # fmt: skip

FORMED = 0.6 * 218.25 / 260.33
D1, D2, L0 = 6.0, 4.0, 9.0
AT_REST = 1.0 / (1.0 + L0)
RELIEF, WORSE, WIDTH = 0.7, 3.0, 0.02


# --- what rows do not have ----------------------------------------------------------------------------


@built
def root(typing, x):
    """Square root."""

    def build(context, b, signature, given):
        kind = given[0].type
        name = f"llvm.sqrt.v{W}f{32 if kind.element == ir.FloatType() else 64}"
        return b.call(b.module.declare_intrinsic(name, (), ir.FunctionType(kind, [kind])), given)

    return x(x), build


@built
def _doubled(typing, x, times):
    """`x` with the last bits of `times` added to its exponent."""
    number, places = (types.int32, 23) if x.dtype == types.float32 else (types.int64, 52)

    def build(context, b, signature, given):
        kind = ir.VectorType(ir.IntType(number.bitwidth), W)
        shift = b.shl(b.bitcast(given[1], kind), ir.Constant(kind, [places] * W))
        return b.bitcast(b.add(b.bitcast(given[0], kind), shift), given[0].type)

    return x(x, x), build


@built
def _rounder(typing, x):
    """A number so large that adding it rounds to whole ones."""
    large = 1.5 * 2.0 ** (23 if x.dtype == types.float32 else 52)
    return x(x), lambda context, b, signature, given: ir.Constant(given[0].type, [large] * W)


@lane
def exponential(x):
    """exp(x), relative error below 1e-8 (single: 2e-7), for |x| up to 80."""
    large = _rounder(x)
    times = x * 1.4426950408889634 + large
    r = x - (times - large) * 0.6931471805599453
    two = r * r
    later = (1 / 24 + r * (1 / 120)) + two * (1 / 720 + r * (1 / 5040))
    return _doubled(((1.0 + r) + two * (0.5 + r * (1 / 6))) + (two * two) * later, times)


@lane
def _put_all(m, to, values):
    """Set rows from `to` on."""
    for k in range(len(values)):
        put(m, to + k, values[k])


# --- each length of step, in double precision ---------------------------------------------------------


@whole
def _multiplied(d, one, other):
    """A triangular matrix times another, in place of the first."""
    for row in range(LINEAR - 1, -1, -1):
        for column in range(row + 1):
            value = alike(d, 0.0)
            for by in range(column, row + 1):
                value += get(d, one + LINEAR * row + by) * get(d, other + LINEAR * by + column)
            put(d, one + LINEAR * row + column, value)


@lane
def _written(d, m, to):
    for k, place in enumerate((0, 5, 6, 10, 11, 12, 15, 16, 18, 20, 21, 22, 24)):
        put(m, to + k, get(d, place))


@whole
def _passed(d, m, at, h, people, p):
    """The linear part after half of `h` hours and all: a series for 1/512 of it, squared. Rates may coincide."""
    s, n, v1, v2 = h * (1.0 / 512.0), LINEAR, get_of(people, V1, p), get_of(people, V2, p)
    ka, ke1, ke2 = s * get_of(people, KA, p), s * get_of(people, KE1, p), s * get_of(people, KE2, p)
    out1, out2 = s * get_of(people, CL1, p) / v1, s * get_of(people, CL2, p) / v2
    change, power = n * n, 2 * n * n
    for place in range(3 * n * n):
        put(d, place, alike(d, 0.0))
    for k in range(n):
        put(d, (n + 1) * k, alike(d, 1.0))
        put(d, power + (n + 1) * k, alike(d, 1.0))
    in1, in2 = ke1 / (v1 * get_of(people, K1, p)), ke2 / (v2 * get_of(people, K2, p))
    moved = (-ka, ka, -out1, FORMED * out1, -out2, in1, -ke1, in2, -ke2)
    for k, place in enumerate((0, 5, 6, 11, 12, 16, 18, 22, 24)):
        put(d, change + place, moved[k])
    for term in range(1, 7):
        _multiplied(d, power, change)
        for place in range(n * n):
            put(d, power + place, get(d, power + place) * (1.0 / term))
            put(d, place, get(d, place) + get(d, power + place))
    for _ in range(8):
        _multiplied(d, 0, 0)
    _written(d, m, at + TO_MIDDLE)
    _multiplied(d, 0, 0)
    _written(d, m, at + TO_END)


@lane
def _moments(z):
    """Integrals of exp(-z (1 - t)) times each power of t, from 0 to 1, the highest first."""
    series = 1.0 - z * (1.0 / 25.0)
    for k in range(24, 5, -1):
        series = 1.0 - z * (1.0 / k) * series
    fourth = 0.2 * series
    third = 0.25 * (1.0 - z * fourth)
    second = (1.0 - z * third) * (1.0 / 3.0)
    first = 0.5 * (1.0 - z * second)
    return fourth, third, second, first, 1.0 - z * first


@whole
def _weights(m, to, z, gain, h, share):
    """What becomes of a state in a `share` (1 or a half) of a step, and of what it follows: through their quartic."""
    z = share * z
    fourth, third, second, first, all_ = _moments(z)
    gain = gain * z
    first, second = share * first, share * share * second
    third, fourth = share * share * share * third, share * share * share * share * fourth
    _put_all(m, to, (
        1.0 - z * all_, gain * (all_ - 11.0 * second + 18.0 * third - 8.0 * fourth),
        gain * (16.0 * second - 32.0 * third + 16.0 * fourth), gain * (14.0 * third - 5.0 * second - 8.0 * fourth),
        gain * h * (first - 4.0 * second + 5.0 * third - 2.0 * fourth),
        gain * h * (second - 3.0 * third + 2.0 * fourth),
    ))  # fmt: skip


@lane
def _half_parabola(z, gain, h):
    """What is left of a state in the middle, and how it follows the start, the middle and the change at the start."""
    z = 0.5 * z
    _, _, second, first, all_ = _moments(z)
    gain = gain * z
    return 1.0 - z * all_, gain * (all_ - second), gain * second, 0.5 * h * gain * (first - second)


@whole
def _length(m, d, at, h, people, p):
    """All that a step of `h` hours needs to know."""
    put(m, at + HALF_STEP, 0.5 * h)
    put(m, at + SLOPED, 8.0 / h)
    _passed(d, m, at, h, people, p)
    fast, slow = h / get_of(people, TAU_FAST, p), h / get_of(people, TAU_SLOW, p)
    pain = h * get_of(people, K_PAIN, p)
    b_fast, b_slow = get_of(people, B_FAST, p), get_of(people, B_SLOW, p)
    for k in range(2):
        place, share = at + OF_FAST if k == 0 else at + HALFWAY, 1.0 if k == 0 else 0.5
        _weights(m, place, fast, b_fast, h, share)
        _weights(m, place + WEIGHTS, slow, b_slow, h, share)
        _weights(m, place + 2 * WEIGHTS, pain, alike(d, 1.0), h, share)
    left_fast, start, middle, change = _half_parabola(fast, b_fast, h)
    left_slow, start_slow, middle_slow, change_slow = _half_parabola(slow, b_slow, h)
    start, middle, change = start + start_slow, middle + middle_slow, change + change_slow
    _put_all(m, at + BEFORE_MIDDLE, (left_fast, left_slow, start, middle, change))
    for k in range(5):
        put(m, at + BENT + k, get(m, at + HALFWAY + 1 + k) + get(m, at + HALFWAY + WEIGHTS + 1 + k))
    put(m, at + BENT, get(m, at + BENT) - start)
    put(m, at + BENT + 1, get(m, at + BENT + 1) - middle)
    put(m, at + BENT + 3, get(m, at + BENT + 3) - change)


# --- the step ------------------------------------------------------------------------------------------


@lane
def _open(x, y, exponent):
    """The open share of channels, how it falls with the exponent, and that by the product of all bound and unbound."""
    up, down = (1.0 + x) * (1.0 + y), (1.0 + D1 * x) * (1.0 + D2 * y)
    closing, factor = L0 * up, exponential(exponent)
    share = 1.0 / (down * down + (closing * up) * factor)
    opening = down * share
    by_both = (closing * factor) * share * opening
    return down * opening, by_both * (up * down), by_both


@lane
def _felt(opening, half):
    """Pain that the opening leads to, in shares of that without a drug. `half` is twice I50."""
    size = root(opening * opening + WIDTH * WIDTH)
    below, above = size - opening, size + opening
    return (1.0 + 0.5 * WORSE * below) * (half + (1.0 - RELIEF) * above) / (half + above)


@lane
def _felt_sloped(opening, turn, half):
    """That, and its change an hour where the opening changes by `turn`."""
    size = root(opening * opening + WIDTH * WIDTH)
    below, above = size - opening, size + opening
    worse, relieved, both = 1.0 + 0.5 * WORSE * below, half + (1.0 - RELIEF) * above, half + above
    share = 1.0 / (both * size)
    felt = worse * relieved * (size * share)
    return felt, (above * ((1.0 - RELIEF) * worse - felt) - 0.5 * WORSE * below * relieved) * (share * turn)


@lane
def _weighed(m, at, state, start, middle, end, turn, turned):
    return (get(m, at) * state + get(m, at + 1) * start + get(m, at + 4) * turn + get(m, at + 2) * middle
            + get(m, at + 3) * end + get(m, at + 5) * turned)  # fmt: skip


@lane
def _body(m, k, a, b, c):
    """Depot and both substances later."""
    return (
        get(m, k) * a, get(m, k + 1) * a + get(m, k + 2) * b,
        get(m, k + 3) * a + get(m, k + 4) * b + get(m, k + 5) * c,
    )  # fmt: skip


@lane
def _sites(m, k, a, b, c, x, y):
    """Both effect sites later."""
    return (
        get(m, k + 6) * a + get(m, k + 7) * b + get(m, k + 8) * x,
        get(m, k + 9) * a + get(m, k + 10) * b + get(m, k + 11) * c + get(m, k + 12) * y,
    )


@lane
def _solved(residual, slack, pull):
    """Newton's step of an opening that follows itself: `residual` over 1 + slack · pull, which is near 1."""
    back = slack * pull
    return residual * (1.0 - back * (1.0 - back))


@lane
def _step(m, at, midway):
    """Advance a block by the length of step at row `at`; `midway` says whether its middle is asked for."""
    a, b, c, x, y = get(m, DEPOT), get(m, FIRST), get(m, SECOND), get(m, SITE1), get(m, SITE2)
    start, turn, fast0, slow0 = get(m, OPEN), get(m, OPENING), get(m, FAST), get(m, SLOW)
    x_mid, y_mid = _sites(m, at + TO_MIDDLE, a, b, c, x, y)
    if midway:
        a_mid, b_mid, c_mid = _body(m, at + TO_MIDDLE, a, b, c)
        _put_all(m, MIDWAY, (a_mid, b_mid, c_mid, x_mid, y_mid))
    k = at + BEFORE_MIDDLE
    guess, pull = start + turn * get(m, at + HALF_STEP), get(m, k + 3)
    open_, slack_mid, _ = _open(
        x_mid, y_mid,
        get(m, k) * fast0 + get(m, k + 1) * slow0 + get(m, k + 2) * start + get(m, k + 4) * turn + pull * guess,
    )  # fmt: skip
    middle = guess + _solved(open_ - AT_REST - guess, slack_mid, pull)

    x, y = _sites(m, at + TO_END, a, b, c, x, y)
    a, b, c = _body(m, at + TO_END, a, b, c)
    _put_all(m, DEPOT, (a, b, c, x, y))
    rise = (middle - start) * get(m, at + SLOPED)
    turned = rise - 3.0 * turn
    end = start + (rise - 2.0 * turn) * get(m, at + HALF_STEP)
    fast = _weighed(m, at + OF_FAST, fast0, start, middle, end, turn, turned)
    slow = _weighed(m, at + OF_SLOW, slow0, start, middle, end, turn, turned)
    open_, slack, by_both = _open(x, y, fast + slow)
    pull_fast, pull_slow = get(m, at + OF_FAST + 3), get(m, at + OF_SLOW + 3)
    more = _solved(open_ - AT_REST - end, slack, pull_fast + pull_slow)
    end, fast, slow = end + more, fast + pull_fast * more, slow + pull_slow * more

    x_turn, y_turn = get(m, IN1) * b - get(m, OUT1) * x, get(m, IN2) * c - get(m, OUT2) * y
    steeper = get(m, GAIN) * end - get(m, FAST_RATE) * fast - get(m, SLOW_RATE) * slow
    really = (
        by_both * (x_turn * ((1.0 + y) * (1.0 + D2 * y)) + y_turn * ((1.0 + x) * (1.0 + D1 * x)))
        - slack * steeper
    )
    more, k = really - turned, at + BENT
    bent = -slack_mid * (
        get(m, k) * start + get(m, k + 3) * turn + get(m, k + 1) * middle + get(m, k + 2) * end + get(m, k + 4) * really
    )  # fmt: skip
    more_fast = get(m, at + OF_FAST + 5) * more + get(m, at + OF_FAST + 2) * bent
    more_slow = get(m, at + OF_SLOW + 5) * more + get(m, at + OF_SLOW + 2) * bent
    more = _solved(-slack * (more_fast + more_slow), slack, pull_fast + pull_slow)
    middle, end = middle + bent, end + more
    fast, slow = fast + more_fast + pull_fast * more, slow + more_slow + pull_slow * more

    felt_mid = _felt(middle, get(m, HALF))
    felt0, feeling0, pain = get(m, FELT), get(m, FEELING), get(m, PAIN)
    felt, feeling = _felt_sloped(end, really, get(m, HALF))
    if midway:
        k = at + HALFWAY
        fast_mid = _weighed(m, k, fast0, start, middle, end, turn, really)
        slow_mid = _weighed(m, k + WEIGHTS, slow0, start, middle, end, turn, really)
        pain_mid = _weighed(m, k + 2 * WEIGHTS, pain, felt0, felt_mid, felt, feeling0, feeling)
        _put_all(m, MIDWAY + FAST, (fast_mid, slow_mid, pain_mid, middle))
    pain = _weighed(m, at + OF_PAIN, pain, felt0, felt_mid, felt, feeling0, feeling)
    _put_all(m, FAST, (fast, slow, pain, end, really, felt, feeling))


# --- the march -----------------------------------------------------------------------------------------


@whole
def _begin(m, d, sizes, people, p):
    """Patients at rest, and the lengths of step."""
    zero, one = alike(d, 0.0), alike(d, 1.0)
    for k in range(FIXED):
        put(m, k, zero)
    k1, k2, b_fast, b_slow = (
        get_of(people, K1, p), get_of(people, K2, p), get_of(people, B_FAST, p), get_of(people, B_SLOW, p),
    )  # fmt: skip
    ke1, ke2 = 2.0 * (D1 - 1.0) * get_of(people, KE1, p), 2.0 * (D2 - 1.0) * get_of(people, KE2, p)
    in1, in2 = ke1 / (get_of(people, V1, p) * k1), ke2 / (get_of(people, V2, p) * k2)
    fast, slow = one / get_of(people, TAU_FAST, p), one / get_of(people, TAU_SLOW, p)
    half = 2.0 * get_of(people, I50, p)
    _put_all(m, IN1, (in1, ke1, in2, ke2, fast * b_fast + slow * b_slow, fast, slow, half))
    _put_all(m, UNITS, (one, one, one, k1, k2, one / b_fast, one / b_slow, get_of(people, PAIN0, p)))
    put(m, PAIN, one)
    put(m, TOTAL, one)
    put(m, FELT, _felt(get(m, OPEN), get(m, HALF)))
    for k in range(len(sizes)):
        _length(m, d, FIXED + k * ROWS, sizes[k, 0] + sizes[k, 1] * get_of(people, LAG, p), people, p)


@lane
def _note(m, states, opening, kept, hour, p):
    """A whole hour: summed up, and kept where there is room for it."""
    share = get(m, opening)
    put(m, PEAK, max(get(m, PEAK), share))
    put(m, LEAST, min(get(m, LEAST), share))
    put(m, TOTAL, get(m, TOTAL) + get(m, states + PAIN))
    if hour < len(kept):
        for place in range(PAIN + 1):
            put_of(kept[hour], place, p, get(m, states + place) * get(m, UNITS + place))


def march(m, d, people, sizes, plan, dose, kept, folded):
    """All patients, `W` at a time. Of each step, `plan` has its place in `sizes`, and whether it begins with a dose and
    whether its middle and its end are whole hours."""
    for p in range(0, people.shape[1], W):
        _begin(m, d, sizes, people, p)
        hour = 0
        for k in range(len(plan)):
            at = FIXED + plan[k, 0] * ROWS
            if plan[k, 1]:
                put(m, DEPOT, get(m, DEPOT) + dose)
            if plan[k, 2]:
                _step(m, at, True)
                _note(m, MIDWAY, MIDWAY + 8, kept, hour, p)
                hour += 1
            else:
                _step(m, at, False)
            if plan[k, 3]:
                _note(m, DEPOT, OPEN, kept, hour, p)
                hour += 1
        for k in range(3):
            put_of(folded, k, p, get(m, PEAK + k))
