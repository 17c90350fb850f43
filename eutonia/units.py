"""Units of measure: the only place where they are converted.

UCUM is read by ucumvert (a full grammar of UCUM on top of pint, kept up with its releases). It takes a second
to start, so it is loaded only when a unit differs from the one wanted.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from eutonia.errors import InputError

MASS_IN_MG: Mapping[str, float] = {
    "mg": 1.0, "milligram": 1.0, "milligrams": 1.0,
    "g": 1e3, "gm": 1e3, "gram": 1e3, "grams": 1e3,
    "mcg": 1e-3, "ug": 1e-3, "µg": 1e-3, "μg": 1e-3, "microgram": 1e-3, "micrograms": 1e-3,
}  # fmt: skip
"""Units of a dose, lower case → milligrams in one: no need to load UCUM for these."""


COUNTED = {
    "tablet", "tab", "capsule", "cap", "pill", "caplet", "patch", "{tbl}", "{tablet}", "{capsule}", "unit", "each",
    "packet",
}  # fmt: skip
"""Units of a dose that count pieces of the product, lower case, without the plural s."""


def is_counted(unit: str | None) -> bool:
    """Whether a dose in `unit` counts tablets or the like."""
    return (unit or "").casefold().strip().rstrip(".").removesuffix("(s)").rstrip("s") in COUNTED


class UnitError(InputError):
    """A unit is missing, not UCUM, or of another dimension."""


def convert(
    value: float,
    unit: str | None,
    to: str,
    *,
    spellings: Mapping[str, str],
    molar_mass: float | None = None,
    valence: int = 1,
) -> float:
    """Convert `value` from `unit` to the UCUM unit `to`.

    `spellings` maps what people write (lower case) to UCUM. `molar_mass` in g/mol bridges moles and grams,
    `valence` equivalents and moles. Raises UnitError where the unit is missing or cannot be converted.
    """
    if unit is None or not unit.strip():
        if to.startswith("{"):  # a ratio or a score has none
            return value
        raise UnitError(f"The value {value:g} has no unit; {to} was expected.")
    code = meant(unit, spellings)
    if code == to:
        return value
    if code == "meq/L":
        code, value = "mmol/L", value / valence
    return _way(code, to, molar_mass)(value)


def meant(unit: str, spellings: Mapping[str, str]) -> str:
    """The UCUM code of a unit as people write it; case, spaces, brackets and signs of power do not matter."""
    lower = unit.strip().lower()
    plain = re.sub(r"[\s{}()_*^]|\.(?!\d)", "", unicodedata.normalize("NFKC", lower))
    return spellings.get(lower) or spellings.get(plain) or unit.strip()


@lru_cache(maxsize=512)
def _way(unit: str, to: str, molar_mass: float | None) -> Callable[[float], float]:
    """How values of `unit` are converted: by a factor where there is one, in a hundredth of a quantity's time."""
    have, want = _parse(unit), _parse(to)
    one, none = type(have)(1.0, have.units), type(have)(0.0, have.units)
    if one.is_compatible_with(want.units):
        if none.to(want.units).magnitude != 0:  # °F
            return lambda value: float(type(have)(value, have.units).to(want.units).magnitude)
        factor = float(one.to(want.units).magnitude)
        return lambda value: value * factor
    if molar_mass:
        per_mole = _parse("g/mol")
        if one.dimensionality * per_mole.dimensionality == want.dimensionality:
            of_mass = float((one * per_mole).to(want.units).magnitude)
            return lambda value: value * molar_mass * of_mass
        if one.dimensionality / per_mole.dimensionality == want.dimensionality:
            of_moles = float((one / per_mole).to(want.units).magnitude)
            return lambda value: value / molar_mass * of_moles
    raise UnitError(f"“{unit}” cannot be converted to {to}.")


@cache
def _parse(unit: str) -> Any:
    try:
        found = _registry().from_ucum(unit)
    except Exception:  # the parser raises errors of several libraries
        raise UnitError(f"“{unit}” is not a unit of UCUM.") from None
    if isinstance(found, str):  # a remark in braces alone, as of an INR
        raise UnitError(f"“{unit}” is no unit that can be converted.")
    return found


@cache
def _registry() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()
