"""Which row of a block of patients holds what, in the compiled engine.

The rows of fixed place come first: where the step is, states, the patient's figures, and folds. The rows after them
are as many as the plan needs (see `lanes.march`).
"""

W = 64
"""Patients in a block."""

NOW, STEP, UNIT = range(3)

# Energies and slow states in the middle and at the end of a step, in one order; and what begins the next one.
MIDDLE, END = 3, 9
ENERGY, OTHER, RELAXING, FAST, SLOW, DULLED = range(6)
"""After `MIDDLE` or `END`."""
ENERGY_BEFORE, OTHER_BEFORE, TURNING, FELT_NOW, WITHDRAWAL, WITHDRAWAL_MID, WITHDRAWAL_BEFORE, HAZARD = range(
    15, 23
)

# What is read out of them, at the start, in the middle and at the end of a step.
DRIVE, SEDATING, RELIEF, VENTILATION = range(4)
READ_BEFORE, READ_MIDDLE, READ_END = 23, 27, 31

# The patient's figures: the brain (in the order of `adaptation.rates`), and those of the readouts.
BRAIN = 35
(RELAX_SHARE, RELAX_MOST, RELAX_HALF, IMPAIRED, NOTICEABLE, PAIN_REST, OPIOID_MOST, DRIVE_MOST, DRIVE_HALF, SYNERGY,
 OPIOID_GAIN, FELT, LAST_DOSE) = range(45, 58)  # fmt: skip

FOLDED = 58
(PEAK_DRIVE, PEAK_SEDATING, PEAK_RELIEF, MIN_VENTILATION, HOURS, HOURS_DAY, HOURS_RELIEVED, RELIEF_AREA, ONSET, W_PEAK,
 W_TIME, W_ONSET, HAZARD_ZERO) = range(FOLDED, 71)  # fmt: skip
EASED, LEFT, OPIOID, NATURAL_MIDDLE, NATURAL_END, NET, STIRRED = range(71, 78)
"""`STIRRED` is the deficit on its way to becoming withdrawal."""
DESK = 78
"""Rows on which others are laid out while they are worked on."""
OWN = DESK + 16
"""Rows of the induced substance in hand."""
INDUCED = 12
"""Two modes beyond the linear ones, speed, what draws it up, then figures of the substance."""
FIXED = OWN + INDUCED

# A fold of one substance: highest level and its time, areas, lowest level in the window, and the last fall.
CMAX, TMAX, AREA, AREA_WINDOW, LOWEST, LAST_PEAK, UPPER, LOWER, LAST_LEVEL = range(9)
FOLD_ROWS = 9

KEPT = (END + ENERGY, END + RELAXING, END + OTHER, END + FAST, END + SLOW, END + DULLED, WITHDRAWAL, HAZARD)
"""What is kept at an output, after the levels."""
