"""The engine's own builder of systems, run by JAX: gradients of every level in every figure, from one source.

`eutonia.simulation.assembly` writes plain arithmetic and a few functions of NumPy on columns of patients. `Traced`
holds an array of JAX and answers to both, so that the same lines that simulate a patient are traced, compiled and
differentiated here; there is no second copy of the equations to keep in step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from numpy.lib.mixins import NDArrayOperatorsMixin

from eutonia.knowledge.pharmacology import Quantity
from eutonia.simulation.assembly import Builder
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.population import Patients

Array = Any
"""An array of JAX, or of NumPy."""


class Traced(NDArrayOperatorsMixin):
    """An array of JAX that NumPy's functions and operators accept."""

    __slots__ = ("value",)

    def __init__(self, value: Array) -> None:
        self.value = value

    def __getitem__(self, at: Any) -> Traced:
        return Traced(self.value[at])

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            return NotImplemented
        return Traced(getattr(jnp, ufunc.__name__)(*map(plain, inputs)))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        given = {key: plain(value) for key, value in kwargs.items()}
        return Traced(getattr(jnp, func.__name__)(*map(plain, args), **given))


def plain(value: Any) -> Any:
    """The array of JAX in a traced one, and in each of a list."""
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    return value.value if isinstance(value, Traced) else value


@dataclass(frozen=True)
class TracedPeople(Individuals):
    """Individuals whose figures deviate by what is given, not by what is drawn."""

    typical_deviations: Mapping[str, Array] = field(default_factory=dict)
    """By figure, and by `…/spread` for how much people differ in it."""
    own: Mapping[str, Array] = field(default_factory=dict)
    """Standard normal deviates of each person, by figure; 0 where absent."""
    weight: Array = None

    @property
    def facts(self) -> Mapping[str, Any]:
        known = Individuals(self.patients, self.knowledge, {}).facts
        return {**known, "weight": Traced(self.weight)} if self.weight is not None else known

    def deviation(self, name: str, spread: float, uncertainty: float) -> Any:
        """How far each person is from the figure. Of covariates, which are not fitted, a plain array: compiled as a
        constant, not as work at every proposal."""
        if name.startswith("covariate/") and name not in self.own:
            return self.constant(0.0)
        of_all = self.typical_deviations.get(name, 0.0) + jnp.zeros(self.patients.number)
        if name not in self.own or not spread:
            return Traced(of_all)
        wider = jnp.exp(self.typical_deviations.get(f"{name}/spread", 0.0))
        return Traced(of_all + spread * wider * self.own[name])

    def figure(self, quantity: Quantity, name: str, per: float = 1.0) -> Any:
        deviation = plain(self.deviation(name, quantity.spread, quantity.uncertainty))
        value = (
            quantity.value + deviation if quantity.scale == "linear" else quantity.value * jnp.exp(deviation)
        )
        return Traced(jnp.clip(value, quantity.low, quantity.high) * per)


@dataclass(frozen=True)
class Levels:
    """Levels after one dose as sums of exponentials, and the time by which they start later."""

    rates: Array
    """[modes, people]"""
    weights: Array
    """[substances, modes, people]: the dosed one, then what is formed from it."""
    lag: Array
    """[people]"""

    def area(self) -> Array:
        return (self.weights / self.rates).sum(-2)


def levels(people: TracedPeople, dosed: str) -> Levels:
    """Levels of a substance and of what is formed from it after a unit dose."""
    build = Builder(people)
    build.take(dosed)
    nothing = jnp.zeros(people.patients.number)
    rates = [plain(rate) for rate in build.rates]
    weights = []
    for name, (response, *others) in build.plasma.items():
        assert not others, f"{name} reaches the plasma in more than one way"
        weights.append(jnp.stack([plain(response.get(k, nothing)) for k in range(len(rates))]))
    return Levels(jnp.stack(rates), jnp.stack(weights), plain(build.bodies.of(dosed).get("lag", nothing)))


def patients(facts: Mapping[str, Any]) -> Patients:
    """Patients with these facts, and nothing drawn."""
    number = len(next(iter(facts.values())))
    return Patients(number, facts, typical=True)
