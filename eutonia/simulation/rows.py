"""Rows of a block of patients, as compiled code handles them: one vector loop in one small function each.

A function that takes its rows as arguments lets the compiler see that they are apart; written out in a loop over
drugs or sites, the same lines are not put into vector registers.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs
# (the compiler infers the types of what it compiles)
from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic, overload, register_jitable

from eutonia.simulation.layout import W
from eutonia.simulation.width import Widths

INFINITE = float("inf")
LITTLE = 1e-30
"""What keeps a divisor from zero, in either precision."""

FLAGS = {"contract", "nsz", "arcp"}
EITHER: dict[str, Any] = {"fastmath": FLAGS, "error_model": "numpy", "pipeline_class": Widths}
lane = njit(nogil=True, forceinline=True, **EITHER)
whole = njit(nogil=True, **EITHER)
"""For larger functions: compiled one by one, or the compiler takes minutes."""
equation = register_jitable(**EITHER)
"""For equations that Python runs as well."""

_LN2 = 0.6931471805599453


def _form(x: Any) -> tuple[Any, Any, int, int, int, int]:
    """How numbers of this width are stored: binary digits, and what marks 1 and the first number with no fraction."""
    if x == types.float32:
        return ir.IntType(32), ir.FloatType(), 23, 0x7FFFFF, 0x3F800000, 0x4B000000
    return ir.IntType(64), ir.DoubleType(), 52, 0xFFFFFFFFFFFFF, 0x3FF0000000000000, 0x4330000000000000


@intrinsic
def _mantissa(typing: Any, x: Any) -> Any:
    """Between 1 and 2."""
    whole_number, real, _, digits, one, _ = _form(x)

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        stored = b.bitcast(arguments[0], whole_number)
        return b.bitcast(b.or_(b.and_(stored, whole_number(digits)), whole_number(one)), real)

    return x(x), build


@intrinsic
def _exponent(typing: Any, x: Any) -> Any:
    """The power of two, and a large number that is the same for all."""
    whole_number, real, places, _, _, large = _form(x)

    def build(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        stored = b.bitcast(arguments[0], whole_number)
        return b.bitcast(b.or_(b.lshr(stored, whole_number(places)), whole_number(large)), real)

    return x(x), build


def _series(s):
    """The inverse hyperbolic tangent of the root of `s`, by that root; `s` is below 1/9."""
    raise NotImplementedError


@overload(_series, jit_options=EITHER)  # type: ignore[arg-type]
def _series_of_width(s):
    def short(s):
        return 1.0 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s * (1 / 13))))))

    def long(s):
        more = 1 / 9 + s * (1 / 11 + s * (1 / 13 + s * (1 / 15 + s * (1 / 17 + s * (1 / 19 + s * (1 / 21))))))
        return 1.0 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * more)))

    return short if s == types.float32 else long


@lane
def log_ratio(up, down):
    """Natural logarithm of `up` / `down`, both positive, with one division: error below 1e-11 (single: 2e-7).

    The exponents are subtracted as they are stored, and the ratio of the mantissas, between 1/2 and 2, is left to
    the series of the inverse hyperbolic tangent. Unlike a call to the library it runs in the lanes of a vector unit.
    """
    one, other = _mantissa(up), _mantissa(down)  # type: ignore[call-arg, var-annotated]
    y = (one - other) / (one + other)
    return (_exponent(up) - _exponent(down)) * _LN2 + 2.0 * y * _series(y * y)


@njit(inline="always")
def row(m, k):
    """One row. Rows whose place is not fixed are taken this way, or each index would be checked for its sign."""
    return m[k * W : k * W + W]


@lane
def filled(to, value):
    for i in range(len(to)):
        to[i] = value


@lane
def copied(to, of):
    for i in range(len(to)):
        to[i] = of[i]


@lane
def multiplied(to, by):
    for i in range(len(to)):
        to[i] *= by[i]


@lane
def add(to, of):
    for i in range(len(to)):
        to[i] += of[i]


@lane
def add_scaled(to, factor, of):
    for i in range(len(to)):
        to[i] += factor * of[i]


@lane
def add_product(to, one, other):
    for i in range(len(to)):
        to[i] += one[i] * other[i]


@lane
def add_products(to, one, other, third, fourth):
    for i in range(len(to)):
        to[i] += one[i] * other[i] + third[i] * fourth[i]


@lane
def energy(to, strength, up, down):
    for i in range(len(to)):
        to[i] = strength[i] * log_ratio(up[i], down[i])


@lane
def add_saturating(to, most, half, of):
    for i in range(len(to)):
        to[i] += most[i] * of[i] / (of[i] + half[i])


@lane
def leave(to, most, half, of):
    """Take a saturating share away."""
    for i in range(len(to)):
        to[i] *= 1.0 - most[i] * of[i] / (of[i] + half[i])


@lane
def add_ratio(to, of, half):
    for i in range(len(to)):
        to[i] += of[i] / half[i]
