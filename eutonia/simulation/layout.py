"""Which row of a block of patients holds what, in the compiled engine.

A block has two memories. `d` is always in double precision: the clock, and the exponentials that levels are sums of.
`m` may be in single precision: levels, states, the patient's figures, and folds. In both, rows of fixed place come
first; the rows after them are as many as the plan needs (see `marching.march`).
"""

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

KEPT = (END + ENERGY, END + RELAXING, END + OTHER, END + FAST, END + SLOW, END + DULLED, WITHDRAWAL, HAZARD)
"""What is kept at an output, after the levels."""
