"""Which row of a block of patients holds what, in the compiled engine.

A block has two memories. `d` is always in double precision: the clock, and the exponentials that levels are sums of.
`m` may be in single precision: levels, states, the patient's figures, and folds. In both, rows of fixed place come
first, then figures of the patients, then what the engine works with: as many rows as the system needs (`Places`).
"""

from typing import Any, NamedTuple

W = 16
"""Patients in a block: two or four vector registers, so that one need not wait for another, and all the rows of a block
lie in the first-level cache.
"""

# Of `d`.
NOW, UNIT = range(2)
"""`UNIT` is the length of the smallest step."""
CLOCKS = 2
"""Rows of fixed place."""

# Of `m`. Energies and slow states in the middle and at the end of a step, in one order; and what begins the next one.
STEP = 0
MIDDLE, END = 1, 8
ENERGY, LASTING, OTHER, RELAXING, FAST, SLOW, DULLED = range(7)
"""After `MIDDLE` or `END`. The brain adapts to the first three; `LASTING` is what slow tolerance follows."""
BEFORE, SLOPE, SLOPE_BEFORE = 15, 18, 21
"""The first three of the energies at the start, and their changes at the end and at the start."""
TURNING, FELT_NOW, WITHDRAWAL, WITHDRAWAL_MID, WITHDRAWAL_BEFORE, HAZARD = range(24, 30)

# What is read out of them, at the start, in the middle and at the end of a step.
DRIVE, SEDATING, RELIEF, VENTILATION, OPIOID = range(5)
READ_BEFORE, READ_MIDDLE, READ_END = 30, 35, 40

# The patient's figures: the brain (in the order of `adaptation.rates`), and those of the readouts.
BRAIN = 45
(RELAX_SHARE, RELAX_MOST, RELAX_HALF, IMPAIRED, NOTICEABLE, PAIN_REST, OPIOID_MOST, DRIVE_MOST, DRIVE_HALF, SYNERGY,
 OPIOID_GAIN, FELT) = range(55, 67)  # fmt: skip

FOLDED = 67
(PEAK_DRIVE, PEAK_SEDATING, PEAK_RELIEF, MIN_VENTILATION, HOURS, HOURS_DAY, HOURS_RELIEVED, RELIEF_AREA, ONSET,
 W_PEAK, W_TIME, W_ONSET, HAZARD_ZERO) = range(FOLDED, 80)  # fmt: skip
NATURAL_MIDDLE, NATURAL_END, NET, STIRRED = range(80, 84)
"""Pain without treatment, and the deficit on its way to becoming withdrawal."""
BEGAN, LAST_DOSE = range(84, 86)
"""When the step began, and when the last dose is taken."""
FIXED = 86
INDUCED = 12
"""Rows of an induced substance: two modes beyond the linear ones, speed, what draws it up, then its figures."""

# A fold of one substance: highest level and when, areas, lowest level in the window, and the last fall: from which
# peak, and when it came through two thresholds.
CMAX, TMAX, AREA, AREA_WINDOW, LOWEST, LAST_PEAK, LAST_LEVEL, UPPER, LOWER = range(9)
FOLD_ROWS = 9
FALL_FROM, FALL_TO = 0.40, 0.08
"""The half-life is read from the fall between these fractions of the last peak."""

KEPT = (END + ENERGY, END + RELAXING, END + OTHER, END + FAST, END + SLOW, END + DULLED, WITHDRAWAL, HAZARD)
"""What is kept at an output, after the levels."""


class Places(NamedTuple):
    """The first of the rows of each kind, after those of fixed place."""

    # Figures, in `m`.
    induced: int
    """`INDUCED` of each induced substance."""
    strength: int
    adapts: int
    """Of each receptor site, as its strength."""
    opened: int
    closed: int
    """Of each substance at each site."""
    saturated: int
    """Highest rate and half-saturating level of each substance whose elimination saturates."""
    most: int
    half: int
    """Of each level of each axis of effect."""
    therapy: int
    """Effect, time to build and time to fade of each session."""
    # Work, in `m`.
    linear: int
    linear_middle: int
    linear_end: int
    """Levels as far as they are sums of exponentials."""
    middle: int
    end: int
    """Levels: the same rows where all are."""
    rose: int
    rising: int
    """Their changes an hour where the step begins and ends."""
    folds: int
    """`FOLD_ROWS` of each substance."""
    stock: int
    """Levels of what saturates."""
    # Figures, in `d`.
    rates: int
    """Of each mode, then those at which the two parts of pain fade."""
    weights: int
    lags: int
    pain: int
    """What is left of its two parts."""
    # Work, in `d`.
    parts: int
    """Of levels: each mode times its weight in each level that it is a part of."""
    factors: int
    """What is left of each mode after half a step."""
    memory: int
    """Of factors that come again."""
    arrival: int
    event: int
    """When doses of this interval arrive, in order, and which; -1 where none does."""


class Structure(NamedTuple):
    """How levels, receptors and effects hang together: the same in all patients."""

    part_ends: Any
    part_mode: Any
    part_input: Any
    member_ends: Any
    member_signal: Any
    gaba: Any
    relaxes: Any
    axis_ends: Any
    axis_signal: Any
    induced_signal: Any
    saturable_signal: Any
    """And that of what flows in."""
    therapy_times: Any


class Plan(NamedTuple):
    """Times, doses and steps, as those of `grid`, and when what is summed up."""

    times: Any
    event_time: Any
    event_input: Any
    amounts: Any
    may: Any
    may_ends: Any
    sizes: Any
    size_ends: Any
    slots: Any
    """For each part of each interval, where its factors are remembered (`marching._slots`)."""
    windows: Any
    """Of each substance: start, end, last dose."""
    spans: Any
    """End of the days of dosing, and the earliest last dose."""
    outputs: Any


class Found(NamedTuple):
    """What is kept at outputs, and the folds."""

    kept: Any
    folded: Any
    levels: Any
