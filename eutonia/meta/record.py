"""Results that read as attributes and as mappings, and the checks on what comes in."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eutonia.errors import InputError

Floats = NDArray[np.float64]


class Record:
    """A frozen dataclass that is read as `result.tau2`, `result["tau2"]` or `dict(result)`."""

    def keys(self) -> list[str]:
        return [field.name for field in fields(self)]  # type: ignore[arg-type]

    def __getitem__(self, name: str) -> Any:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())


def numbers(values: ArrayLike, name: str) -> Floats:
    """A finite one-dimensional float array. Raises InputError that names the place of the first bad value."""
    try:
        array = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError):
        raise InputError(f"{name} must hold numbers only.") from None
    if array.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, one value for each study.")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise InputError(
            f"{name}[{bad[0]}] is {array[bad[0]]}. Leave out studies without a result, or recover the value."
        )
    return array


def effects_and_variances(yi: ArrayLike, vi: ArrayLike) -> tuple[Floats, Floats]:
    """Study effects and their sampling variances, checked: same length, at least one, finite, positive."""
    y, v = numbers(yi, "yi"), numbers(vi, "vi")
    same_length(yi=y, vi=v)
    if y.size == 0:
        raise InputError("There is no study to pool: yi is empty.")
    positive(v, "vi")
    return y, v


def positive(values: Floats, name: str) -> None:
    bad = np.flatnonzero(values <= 0)
    if bad.size:
        raise InputError(f"{name}[{bad[0]}] is {values[bad[0]]:g}; it must be above 0.")


def same_length(**arrays: Sequence[Any] | Floats) -> None:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise InputError(f"Values do not belong together: {told}. Give one value for each study.")


def share(level: float) -> float:
    """A confidence level, checked."""
    if not 0 < level < 1:
        raise InputError(f"level is {level}; it must lie between 0 and 1, such as 0.95.")
    return level
