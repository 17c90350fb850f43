"""Which row of a block of patients holds what, in the compiled engine.

A block has two memories. `d` is always in double precision: clocks, and the exponentials that levels are sums of. `m`
may be in single precision: levels, states, the patient's figures, and folds. In both, rows of fixed place come first;
the rows after them are as many as the plan needs (see `marching.march`).
"""

W = 16
"""Patients in a block: two or four vector registers, so that one need not wait for another, and all the rows of a block
lie in the first-level cache.
"""

# Of `d`.
NOW, BEGAN, UNIT, LAST_DOSE = range(4)
"""`BEGAN` is where the step began, and `UNIT` the length of the smallest step."""
TIMES = 4
ONSET, W_TIME, W_ONSET = range(TIMES, 7)
"""Times that are folded."""
CLOCKS = 7
"""Rows of fixed place; times of the levels of each substance follow."""
TMAX, UPPER, LOWER = range(3)
LEVEL_TIMES = 3

# Of `m`. Energies and slow states in the middle and at the end of a step, in one order; and what begins the next one.
STEP = 0
MIDDLE, END = 1, 8
ENERGY, LASTING, OTHER, RELAXING, FAST, SLOW, DULLED = range(7)
"""After `MIDDLE` or `END`. The brain adapts to the first three; `LASTING` is what slow tolerance follows."""
BEFORE, SLOPE, SLOPE_BEFORE = 15, 18, 21
"""The first three of the energies at the start, and their changes at the end and at the start."""
TURNING, FELT_NOW, WITHDRAWAL, WITHDRAWAL_MID, WITHDRAWAL_BEFORE, HAZARD = range(24, 30)

# What is read out of them, at the start, in the middle and at the end of a step.
DRIVE, SEDATING, RELIEF, VENTILATION = range(4)
READ_BEFORE, READ_MIDDLE, READ_END = 30, 34, 38

# The patient's figures: the brain (in the order of `adaptation.rates`), and those of the readouts.
BRAIN = 42
(RELAX_SHARE, RELAX_MOST, RELAX_HALF, IMPAIRED, NOTICEABLE, PAIN_REST, OPIOID_MOST, DRIVE_MOST, DRIVE_HALF, SYNERGY,
 OPIOID_GAIN, FELT) = range(52, 64)  # fmt: skip

FOLDED = 64
(PEAK_DRIVE, PEAK_SEDATING, PEAK_RELIEF, MIN_VENTILATION, HOURS, HOURS_DAY, HOURS_RELIEVED, RELIEF_AREA, W_PEAK,
 HAZARD_ZERO) = range(FOLDED, 74)  # fmt: skip
NATURAL_MIDDLE, NATURAL_END, NET, STIRRED = range(74, 78)
"""Pain without treatment, and the deficit on its way to becoming withdrawal."""
FIXED = 78
INDUCED = 12
"""Rows of an induced substance: two modes beyond the linear ones, speed, what draws it up, then its figures."""

# A fold of one substance: highest level, areas, lowest level in the window, and the last fall.
CMAX, AREA, AREA_WINDOW, LOWEST, LAST_PEAK, LAST_LEVEL = range(6)
FOLD_ROWS = 6

KEPT = (END + ENERGY, END + RELAXING, END + OTHER, END + FAST, END + SLOW, END + DULLED, WITHDRAWAL, HAZARD)
"""What is kept at an output, after the levels."""
