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
from numba.extending import intrinsic

from eutonia.simulation.layout import W

FLAGS = {"contract", "nsz", "arcp"}
lane = njit(fastmath=FLAGS, error_model="numpy", nogil=True, forceinline=True)
whole = njit(fastmath=FLAGS, error_model="numpy", nogil=True)
"""For larger functions: compiled one by one, or the compiler takes minutes."""

_MANTISSA, _ONE, _EXPONENT = 0xFFFFFFFFFFFFF, 0x3FF0000000000000, 0x4330000000000000
_LN2 = 0.6931471805599453


@intrinsic
def _bits(typing: Any, x: Any) -> Any:
    return types.int64(types.float64), lambda context, b, sig, args: b.bitcast(args[0], ir.IntType(64))


@intrinsic
def _number(typing: Any, x: Any) -> Any:
    return types.float64(types.int64), lambda context, b, sig, args: b.bitcast(args[0], ir.DoubleType())


@lane
def log_ratio(up, down):
    """Natural logarithm of `up` / `down`, both positive: error below 1e-11, with one division.

    The exponents are subtracted as they are stored, and the ratio of the mantissas, between 1/2 and 2, is left to
    the series of the inverse hyperbolic tangent. Unlike a call to the library it runs in the lanes of a vector unit.
    """
    a, b = _bits(up), _bits(down)  # type: ignore[call-arg, var-annotated]
    ma, mb = _number((a & _MANTISSA) | _ONE), _number((b & _MANTISSA) | _ONE)
    y = (ma - mb) / (ma + mb)
    s = y * y
    series = 1 / 9 + s * (1 / 11 + s * (1 / 13 + s * (1 / 15 + s * (1 / 17 + s * (1 / 19 + s * (1 / 21))))))
    series = 1.0 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * series)))
    return (_number((a >> 52) | _EXPONENT) - _number((b >> 52) | _EXPONENT)) * _LN2 + 2.0 * y * series


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
