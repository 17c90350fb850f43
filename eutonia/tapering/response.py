"""Days of doses → withdrawal, for many schedules in the same virtual patients, from any state that they are in.

The engine of the simulation marches a whole course; a search needs to go on from the middle of one, in hundreds of
directions. So the day is the step here: levels are sums of exponentials and follow from the state in the morning and
the doses of the day at once, and the brain's slow states are carried from hour to hour. The equations are those of
`simulation.adaptation`, and the tests hold the two against each other.

Arrays are [schedules, patients]; hours run from the moment of the day at which no dose is due for longest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eutonia.simulation import adaptation, kinetics
from eutonia.simulation.assembly import build_system
from eutonia.simulation.individuals import Individuals
from eutonia.simulation.population import Patients

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge

Column = NDArray[np.float64]

# The engine compiles its equations as they are; here they are given their types.
_turnover: Callable[..., Column] = adaptation.turnover
_deficit: Callable[..., Column] = adaptation.deficit
_induction: Callable[..., Column] = kinetics.induction


@dataclass(frozen=True)
class State:
    """Where each patient is at the end of a day: [modes or nothing, schedules, patients]."""

    modes: Column
    extra: Column
    speed: Column
    fast: Column
    slow: Column
    stirred: Column
    withdrawal: Column
    peak: Column
    """Highest withdrawal so far, kT."""
    area: Column
    """Integral of withdrawal so far, kT d."""
    hazard: Column
    """Integral of its cube, kT³ h."""
    impaired: Column
    """Hours impaired so far."""

    def at(self, rows: NDArray[np.int64] | Sequence[int]) -> State:
        """Some of the schedules, each as often as it is named."""
        return State(*(getattr(self, f.name)[..., rows, :] for f in fields(self)))

    def fresh(self) -> State:
        """The same moment, with nothing counted so far."""
        zero = np.zeros_like(self.peak)
        return replace(self, peak=zero, area=zero, hazard=zero, impaired=zero)


class Response:
    """How virtual patients respond to a day of doses at given hours of the clock."""

    def __init__(
        self,
        substance: str,
        hours: Sequence[float],
        patients: Patients,
        knowledge: Knowledge,
        modulators: Sequence[tuple[str, float]] = (),
        step: float = 1.0,
    ) -> None:
        """`step` is the hours from one look at the brain to the next; levels are looked at twice as often."""
        people = Individuals(patients, knowledge)
        people.with_modulators(modulators)
        system = build_system(people, (substance,))
        self.system, self.hours, self.draws = system, tuple(hours), patients.number
        self.assumptions = people.assumptions()
        self.dawn = quietest(hours)
        self.step, self.steps = step, round(24.0 / step)
        times = np.arange(2 * self.steps + 1) * 0.5 * step
        arrival = np.array([(hour - self.dawn) % 24.0 for hour in hours])[:, None] + system.lags[0]
        rates = system.rates
        weights = np.zeros((system.signals, len(rates), system.number))
        np.add.at(weights, (system.entry_signal, system.entry_mode), system.entry_weight)
        fed = np.zeros((len(rates), 1))
        fed[system.modes[0]] = 1.0
        since = times[:, None, None] - arrival  # [times, doses, patients]
        given = np.where(
            since[:, :, None] >= 0.0, np.exp(-rates * np.maximum(since, 0.0)[:, :, None]) * fed, 0.0
        )
        self.free = (
            weights * np.exp(-rates * times[:, None, None])[:, None]
        )  # [times, signals, modes, patients]
        self.dosed = np.einsum("smp,tdmp->tsdp", weights, given)
        self.carried = np.exp(-rates * 24.0)[:, None]
        self.added = np.moveaxis(given[-1], 0, 1)  # [modes, doses, patients]

    def start(self) -> State:
        """Someone who has taken nothing."""
        zero = np.zeros((1, self.draws))
        modes = np.zeros((len(self.system.rates), 1, self.draws))
        induced = self.system.induced
        extra = np.zeros((2 * len(induced), 1, self.draws))
        return State(modes, extra, np.ones((len(induced), 1, self.draws)), *(zero for _ in range(8)))

    def day(self, state: State, doses: Column, kept: list[Column] | None = None) -> State:
        """The state a day later, after `doses` [schedules, hours] in mg.

        Withdrawal over the day, [steps, schedules, patients], is added to `kept`.
        """
        level = np.einsum("tsmp,mnp->tsnp", self.free, state.modes)
        level += np.einsum("tsdp,nd->tsnp", self.dosed, doses)
        modes = state.modes * self.carried + np.einsum("mdp,nd->mnp", self.added, doses)
        extra, speed = self._induced(state, level)
        energies = self._energies(level)
        return self._brain(replace(state, modes=modes, extra=extra, speed=speed), *energies, kept)

    def days(self, state: State, doses: Column, kept: list[Column] | None = None) -> State:
        """As `day`, for `doses` [days, schedules, hours] one after the other."""
        for each in doses:
            state = self.day(state, each, kept)
        return state

    def tail(self, state: State, days: int, kept: list[Column] | None = None) -> State:
        """The state some days after the last dose."""
        nothing = np.zeros((state.peak.shape[0], len(self.hours)))
        for _ in range(days):
            state = self.day(state, nothing, kept)
        return state

    def _induced(self, state: State, level: Column) -> tuple[Column, Column]:
        """What induced elimination takes from the linear levels, which are changed in place, hour by hour."""
        extra, speed = state.extra.copy(), state.speed.copy()
        for k, own in enumerate(self.system.induced):
            both = extra[2 * k : 2 * k + 2]
            whole, half = (np.exp(-own.rates * part * self.step)[:, None] for part in (1.0, 0.5))
            beyond = [both.sum(0)]
            for hour in range(self.steps):
                middle = level[2 * hour + 1, own.signal] + (both * half).sum(0)
                lost = own.weights[:, None] * (own.clearance * (speed[k] - 1.0) * middle) * self.step
                beyond.append((both * half).sum(0) - 0.5 * (half * lost).sum(0))
                both = both * whole - half * lost
                beyond.append(both.sum(0))
                change = _induction(middle, speed[k], own.maximum, own.half, own.time)
                speed[k] = speed[k] + self.step * change
            extra[2 * k : 2 * k + 2] = both
            level[:, own.signal] = np.maximum(level[:, own.signal] + np.stack(beyond), 0.0)
        return extra, speed

    def _energies(self, level: Column) -> tuple[Column, Column, Column]:
        """Energy at GABA-A, what of it slow tolerance follows, and that of other sedation: [times, schedules,
        patients]."""
        s = self.system
        opened = np.ones((len(s.strength), *level.shape[:1], *level.shape[2:]))
        closed = np.ones_like(opened)
        for site, signal, up, down in zip(
            s.member_site, s.member_signal, s.member_opened, s.member_closed, strict=True
        ):
            opened[site] += up * level[:, signal]
            closed[site] += down * level[:, signal]
        energy = s.strength[:, None, None] * np.log(opened / closed)
        return energy[s.gaba].sum(0), (s.adapts[:, None, None] * energy).sum(0), energy[~s.gaba].sum(0)

    def _brain(
        self, state: State, energy: Column, lasting: Column, other: Column, kept: list[Column] | None
    ) -> State:
        sensitivity, fast_share, fast_rate, slow_share, on, off, _, _, symptom_rate, width = self.system.brain
        quick, building, fading = (-np.expm1(-rate * self.step) for rate in (fast_rate, on, off))
        mean, followed = ((x[:-1:2] + 4.0 * x[1::2] + x[2::2]) / 6.0 for x in (energy, lasting))
        adapted = np.empty_like(energy)
        fast, slow = state.fast, state.slow
        adapted[0] = fast + slow
        for hour in range(self.steps):
            fast = fast + (fast_share * mean[hour] - fast) * quick
            slow = slow + _turnover(slow_share * followed[hour] - slow, building, fading, width)
            adapted[2 * hour + 2] = fast + slow
        adapted[1::2] = 0.5 * (adapted[:-1:2] + adapted[2::2])
        net = sensitivity * energy - adapted
        felt = _deficit(net, width)
        felt = (felt[:-1:2] + 4.0 * felt[1::2] + felt[2::2]) / 6.0
        course = np.empty((self.steps, *net.shape[1:]))
        pace = 2.0 * symptom_rate * self.step
        left, stirred, withdrawal = np.exp(-pace), state.stirred, state.withdrawal
        for hour in range(self.steps):
            above = stirred - felt[hour]
            withdrawal = felt[hour] + (withdrawal - felt[hour] + pace * above) * left
            stirred = felt[hour] + above * left
            course[hour] = withdrawal
        if kept is not None:
            kept.append(course)
        sedating = np.maximum(net, 0.0) + sensitivity * other
        return replace(
            state,
            fast=fast,
            slow=slow,
            stirred=stirred,
            withdrawal=withdrawal,
            peak=np.maximum(state.peak, course.max(0)),
            area=state.area + course.mean(0),
            hazard=state.hazard + (course**3).sum(0) * self.step,
            impaired=state.impaired + 0.5 * self.step * (sedating[1:] > self._impairing).sum(0),
        )

    @property
    def _impairing(self) -> Column:
        """The drive from which a patient counts as impaired."""
        p = self.system.figures
        share = p["impaired"] / (100.0 - p["impaired"])
        return np.asarray(p["impairment_half"] * share ** (1.0 / p["impairment_hill"]))


def quietest(hours: Sequence[float]) -> float:
    """The middle of the longest time without a dose."""
    ordered = sorted(hour % 24.0 for hour in hours)
    gaps = [(b - a, a) for a, b in zip(ordered, [*ordered[1:], ordered[0] + 24.0], strict=True)]
    length, begins = max(gaps)
    return (begins + 0.5 * length) % 24.0


def outcomes(peak: Column, hazard: Column, figures: Mapping[str, Any]) -> dict[str, Column]:
    """What withdrawal of some peak and hazard comes to: chances and score, as `simulation.fold` has them."""
    from eutonia.simulation import readouts

    return {
        "score": figures["score_most"] * peak**2 / (peak**2 + figures["score_half"] ** 2),
        "any": readouts.any_withdrawal(peak, figures["any_half"], figures["any_slope"]),
        "seizure": -np.expm1(-figures["seizure_rate"] * hazard),
        "hallucinosis": -np.expm1(-figures["hallucinosis_rate"] * hazard),
    }
