"""Fits figures of the typical patient to published tables, and writes what remains possible: `python -m calibration`.

Read `plan` (what is fitted to what), then `kinetics` (simulated single-dose studies and their likelihood), `chains`
(sampling), `brain` (studies of effect and withdrawal), `pages` (docs/reference/calibration.md).
"""
