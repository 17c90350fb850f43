"""Fits figures of the typical patient to published tables, and writes what remains possible: `python -m calibration`.

Read `plan` (what is fitted to what), then `traced` (the engine's equations, with gradients), `kinetics` (simulated
single-dose studies and their likelihood), `chains` (sampling), `effects` (reports of effect and withdrawal), `recover`
(does the method find what is there), `pages` (docs/reference/calibration.md).
"""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Before NumPy and JAX are imported: a chain is a thread here, and threads within each of its thousand small steps (or
# within a matrix of 32 rows) would only wait for one another; on a busy machine that is ten times slower.
