"""Rows of a block of patients, as compiled code handles them: each as one value.

`Lanes` are numbers of all patients of a block, side by side. The compiler knows them as a vector, so that an equation
written for one patient runs on all of them: arithmetic, comparisons, `min`, `max` and `abs` work lane by lane, and a
plain number stands for the same in every lane. Nothing is left for the compiler to find out by itself, neither that
rows lie apart nor that a loop can be put into vector registers.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs, allow-untyped-decorators
# (the compiler infers the types of what it compiles)
from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import (
    intrinsic,
    lower_builtin,
    lower_cast,
    models,
    overload,
    register_jitable,
    register_model,
)

from eutonia.simulation.layout import W

INFINITE = float("inf")

EITHER: dict[str, Any] = {"fastmath": {"contract", "nsz", "arcp"}, "error_model": "numpy", "_nrt": False}
lane = njit(nogil=True, forceinline=True, **EITHER)
whole = njit(nogil=True, **EITHER)
"""For larger functions: compiled one by one, or the compiler takes minutes."""
built: Any = intrinsic
"""For what is put together from instructions of the machine, given the kinds of its arguments."""
equation = register_jitable(**EITHER)
"""For equations that Python runs as well."""

_LN2 = 0.6931471805599453


class Lanes(types.Type):
    """Numbers of the patients of a block."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"lanes({dtype})")


class Flags(types.Type):
    """Yes or no for each patient of a block."""

    def __init__(self) -> None:
        super().__init__("flags")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, kind: Any) -> None:
        super().__init__(dmm, kind, _vector(kind))


@register_model(Flags)
class _FlagsModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, kind: Any) -> None:
        super().__init__(dmm, kind, ir.VectorType(ir.IntType(1), W))


def _vector(kind: Any) -> Any:
    return ir.VectorType(ir.FloatType() if kind.dtype == types.float32 else ir.DoubleType(), W)


def _splat(b: Any, value: Any) -> Any:
    """The same value in every lane."""
    one = b.insert_element(ir.Constant(ir.VectorType(value.type, W), ir.Undefined), value, ir.IntType(32)(0))
    return b.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), W), [0] * W))


@lower_cast(types.Number, Lanes)
def _spread(context: Any, b: Any, given: Any, kind: Any, value: Any) -> Any:
    return _splat(b, context.cast(b, value, given, kind.dtype))


@lower_cast(Lanes, Lanes)
def _convert(context: Any, b: Any, given: Any, kind: Any, value: Any) -> Any:
    if given == kind:
        return value
    return (b.fpext if kind.dtype == types.float64 else b.fptrunc)(value, _vector(kind))


# --- arithmetic ----------------------------------------------------------------------------------------


def _joined(given: tuple[Any, ...]) -> Lanes | None:
    """The wider kind of the lanes among `given`, where there are any and the rest are numbers."""
    lanes = [each for each in given if isinstance(each, Lanes)]
    if not lanes or not all(isinstance(each, Lanes | types.Number) for each in given):
        return None
    return max(lanes, key=lambda kind: kind.dtype.bitwidth)


class _Arithmetic(AbstractTemplate):
    def generic(self, given: tuple[Any, ...], _: Any) -> Any:
        kind = _joined(given)
        return None if kind is None else signature(kind, *([kind] * len(given)))


class _Comparison(AbstractTemplate):
    def generic(self, given: tuple[Any, ...], _: Any) -> Any:
        kind = _joined(given)
        return None if kind is None else signature(Flags(), *([kind] * len(given)))


class _Masked(AbstractTemplate):
    def generic(self, given: tuple[Any, ...], _: Any) -> Any:
        return (
            signature(given[1], *given)
            if isinstance(given[0], Flags) and isinstance(given[1], Lanes)
            else None
        )


def _defined(
    template: Any, functions: tuple[Any, ...], kinds: tuple[Any, ...], build: Callable[..., Any]
) -> None:
    for function in functions:
        infer_global(function)(template)
        lower_builtin(function, *kinds)(lambda context, b, _, given: build(b, *given))


for _name in ("add", "sub", "mul", "truediv"):
    _plain = getattr(operator, _name), getattr(operator, f"i{_name}")
    _defined(_Arithmetic, _plain, (Lanes, Lanes),
             lambda b, x, y, name=_name: getattr(b, f"f{name.removeprefix('true')}")(x, y))  # fmt: skip
for _name, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "==")):
    _defined(_Comparison, (getattr(operator, _name),), (Lanes, Lanes),
             lambda b, x, y, sign=_sign: b.fcmp_ordered(sign, x, y))  # fmt: skip
_defined(_Masked, (operator.mul,), (Flags, Lanes),
         lambda b, where, x: b.select(where, x, ir.Constant(x.type, [0.0] * W)))  # fmt: skip
_defined(_Arithmetic, (min,), (Lanes, Lanes), lambda b, x, y: b.select(b.fcmp_ordered("<", x, y), x, y))
_defined(_Arithmetic, (max,), (Lanes, Lanes), lambda b, x, y: b.select(b.fcmp_ordered(">", x, y), x, y))
_defined(_Arithmetic, (operator.neg,), (Lanes,), lambda b, x: b.fneg(x))
_defined(_Arithmetic, (abs,), (Lanes,), lambda b, x: _called(b, "fabs", x))
_defined(_Arithmetic, (operator.pow,), (Lanes, Lanes), lambda b, x, y: _called(b, "pow", x, y))


def _called(b: Any, name: str, *given: Any) -> Any:
    """A function of the machine, in every lane."""
    kind = given[0].type
    whole_name = f"llvm.{name}.v{W}f{32 if kind.element == ir.FloatType() else 64}"
    return b.call(
        b.module.declare_intrinsic(whole_name, (), ir.FunctionType(kind, [kind] * len(given))), given
    )


@built
def both(typing: Any, one: Any, other: Any) -> Any:
    return Flags()(one, other), lambda context, b, _, given: b.and_(*given)


@built
def either(typing: Any, one: Any, other: Any) -> Any:
    return Flags()(one, other), lambda context, b, _, given: b.or_(*given)


@built
def some(typing: Any, flags: Any) -> Any:
    """Whether it is so in any lane."""

    def build(context: Any, b: Any, signature: Any, given: Any) -> Any:
        return b.icmp_unsigned("!=", b.bitcast(given[0], ir.IntType(W)), ir.IntType(W)(0))

    return types.boolean(flags), build


@built
def alike(typing: Any, array: Any, value: Any) -> Any:
    """Lanes, or one number in each of them, as precise as those of an array."""
    kind = Lanes(array.dtype)
    return kind(array, kind), lambda context, b, _, given: given[1]


@built
def choose(typing: Any, where: Any, one: Any, other: Any) -> Any:
    """One where it is so, the other elsewhere."""
    kind = _joined((one, other))
    return signature(kind, where, kind, kind), lambda context, b, _, given: b.select(*given)


# --- memory --------------------------------------------------------------------------------------------


def _place(context: Any, b: Any, kind: Any, given: Any) -> Any:
    """Where lanes lie in an array of one or two dimensions."""
    array = context.make_array(kind)(context, b, given[0])
    place = given[-1]
    if kind.ndim == 2:
        place = b.add(b.mul(given[1], b.extract_value(array.shape, 1)), place)
    return b.bitcast(b.gep(array.data, [place]), _vector(kind).as_pointer())


@built
def _loaded(typing: Any, array: Any, place: Any) -> Any:
    def build(context: Any, b: Any, signature: Any, given: Any) -> Any:
        return b.load(_place(context, b, array, given), align=array.dtype.bitwidth // 8)

    return Lanes(array.dtype)(array, types.intp), build


@built
def get_of(typing: Any, array: Any, row: Any, place: Any) -> Any:
    """Lanes from `place` on of a row of a table of all patients."""

    def build(context: Any, b: Any, signature: Any, given: Any) -> Any:
        return b.load(_place(context, b, array, given), align=array.dtype.bitwidth // 8)

    return Lanes(array.dtype)(array, types.intp, types.intp), build


@built
def _stored(typing: Any, array: Any, place: Any, value: Any) -> Any:
    def build(context: Any, b: Any, signature: Any, given: Any) -> Any:
        b.store(given[2], _place(context, b, array, given[:2]), align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, Lanes(array.dtype)), build


@built
def put_of(typing: Any, array: Any, row: Any, place: Any, value: Any) -> Any:
    """Set those lanes."""

    def build(context: Any, b: Any, signature: Any, given: Any) -> Any:
        b.store(given[3], _place(context, b, array, given[:3]), align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, types.intp, Lanes(array.dtype)), build


@lane
def get(m, k):
    """Row `k` of a block."""
    return _loaded(m, k * W)


@lane
def put(m, k, value):
    _stored(m, k * W, value)


# --- the logarithm -------------------------------------------------------------------------------------


def _stored_as(kind: Any) -> tuple[Any, int, int, int, int]:
    """How numbers of this width are stored: binary digits, and what marks 1 and the first number with no fraction."""
    if kind.dtype == types.float32:
        return ir.VectorType(ir.IntType(32), W), 23, 0x7FFFFF, 0x3F800000, 0x4B000000
    return ir.VectorType(ir.IntType(64), W), 52, 0xFFFFFFFFFFFFF, 0x3FF0000000000000, 0x4330000000000000


@built
def _mantissa(typing: Any, x: Any) -> Any:
    """Between 1 and 2."""
    number, _, digits, one, _ = _stored_as(x)

    def build(context: Any, b: Any, signature: Any, given: Any) -> Any:
        fraction = b.and_(b.bitcast(given[0], number), ir.Constant(number, [digits] * W))
        return b.bitcast(b.or_(fraction, ir.Constant(number, [one] * W)), _vector(x))

    return x(x), build


@built
def _exponent(typing: Any, x: Any) -> Any:
    """The power of two, and a large number that is the same for all."""
    number, places, _, _, large = _stored_as(x)

    def build(context: Any, b: Any, signature: Any, given: Any) -> Any:
        power = b.lshr(b.bitcast(given[0], number), ir.Constant(number, [places] * W))
        return b.bitcast(b.or_(power, ir.Constant(number, [large] * W)), _vector(x))

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

    return short if s.dtype == types.float32 else long


@lane
def log_ratio(up, down):
    """Natural logarithm of `up` / `down`, both positive, with one division: error below 1e-11 (single: 2e-7).

    The exponents are subtracted as they are stored, and the ratio of the mantissas, between 1/2 and 2, is left to
    the series of the inverse hyperbolic tangent. Unlike a call to the library it runs in the lanes of a vector unit.
    """
    one, other = _mantissa(up), _mantissa(down)
    y = (one - other) / (one + other)
    return (_exponent(up) - _exponent(down)) * _LN2 + 2.0 * y * _series(y * y)
