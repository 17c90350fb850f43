"""Levels in the body: sums of exponentials.

Absorption, distribution, metabolism and the delay at the receptor are linear in the amount, so the level after
one dose is a sum of decaying exponentials, found once per patient by convolving the response of one compartment
with what flows into it. Every later moment follows exactly, at whatever time a dose was taken.

Plain arithmetic on numbers or on columns of patients. A response maps the index of a rate to its weight.
"""

from collections.abc import Sequence
from typing import Any

Number = Any
"""A float, or an array of them."""

Response = dict[int, Number]

APART = 1e-6
"""Two rates closer than this, relatively, are moved apart: their exact coincidence has another formula."""


def biexponential(
    clearance: Number, volume: Number, exchange: Number, peripheral: Number
) -> tuple[Number, ...]:
    """Rates (fast, slow) and weights of the plasma level after a unit bolus into two compartments."""
    out, there, back = clearance / volume, exchange / volume, exchange / peripheral
    total = out + there + back
    fast = (total + (total * total - 4.0 * out * back) ** 0.5) / 2.0
    slow = out * back / fast
    return fast, slow, (fast - back) / (fast - slow) / volume, (back - slow) / (fast - slow) / volume


def scaled(response: Response, factor: Number) -> Response:
    return {index: factor * weight for index, weight in response.items()}


def added(one: Response, other: Response) -> Response:
    return {i: one.get(i, 0.0) + other.get(i, 0.0) for i in {**one, **other}}


def apart(rate: Number, others: Sequence[Number]) -> Number:
    """`rate`, moved up by a trifle wherever it coincides with one of `others`."""
    for other in others:
        rate = rate + (abs(rate - other) < APART * other) * (2.0 * APART * other)
    return rate


def convolved(inflow: Response, outflow: Response, rates: Sequence[Number]) -> Response:
    """The response to `inflow` of a compartment whose unit-bolus response is `outflow`."""
    result: Response = {}
    for i, w in inflow.items():
        for j, r in outflow.items():
            share = w * r / (rates[j] - rates[i])
            result[i] = result.get(i, 0.0) + share
            result[j] = result.get(j, 0.0) - share
    return result


def well_stirred(intrinsic: Number, flow: Number) -> tuple[Number, Number]:
    """Clearance and the fraction that escapes the first pass, of a liver with blood `flow`."""
    return flow * intrinsic / (flow + intrinsic), flow / (flow + intrinsic)


def saturable(level: Number, maximum: Number, half: Number) -> Number:
    """Fall of a level whose elimination saturates (Michaelis and Menten)."""
    return maximum * level / (half + level)


def induction(level: Number, state: Number, maximum: Number, half: Number, time: Number) -> Number:
    """Change of the induced clearance, as a multiple of the uninduced one."""
    return (1.0 + maximum * level / (half + level) - state) / time


def decay(x: Number) -> Number:
    """exp(-x) for x from 0 to 32 (beyond, exp(-32)), by arithmetic alone: relative error below 1e-7, and below
    1e-13 for x under 4.
    """
    x = x - (x > 32.0) * (x - 32.0)
    z = x * 0.0625
    p = 1.0 - z / 6.0 * (1.0 - z / 7.0 * (1.0 - z / 8.0 * (1.0 - z / 9.0 * (1.0 - z / 10.0))))
    p = 1.0 - z * (1.0 - z / 2.0 * (1.0 - z / 3.0 * (1.0 - z / 4.0 * (1.0 - z / 5.0 * p))))
    p = p * p
    p = p * p
    p = p * p
    return p * p
