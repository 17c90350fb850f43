"""Carisoprodol and its alternatives, for one patient or a million: safety, simulation, evidence, tapering, claims.

The public names. Each is imported when it is first used, so that a program pays only for what it calls.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "read": "eutonia.reading",
    "assess": "eutonia.assessment",
    "simulate": "eutonia.simulation",
    "population": "eutonia.simulation",
    "exposure": "eutonia.simulation",
    "taper": "eutonia.tapering",
    "compare": "eutonia.appraisal",
    "evidence": "eutonia.appraisal",
    "check": "eutonia.claims",
    "screen": "eutonia.screening",
}

__all__ = [*_HOME, "meta"]  # noqa: PLE0604  (names of functions, made into strings above)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name == "meta":
        return import_module("eutonia.meta")
    raise AttributeError(f"eutonia has no public name “{name}”. There are: {', '.join(sorted(__all__))}.")


def __dir__() -> list[str]:
    return sorted(__all__)
