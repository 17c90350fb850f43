"""What a simulation adds to a card: how much the order slows breathing and the next morning, for this patient.

An answer must come within milliseconds, and a simulation takes some of them, or some hundreds where doses are taken as
needed. So each is made once, by a few virtual patients, and kept for whoever is alike in all that it depends on: an
order that is selected is foreseen by the time that it is signed. Kept are figures, under a digest; no patient can be
told from them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from eutonia.errors import InputError
from eutonia.features.chart import Chart
from eutonia.features.taken import Taken
from eutonia.forecast import FirstDays, first_days, simulated_quantities
from eutonia.knowledge import Knowledge
from eutonia.patient import Dosage
from eutonia.simulated_case import can_be_made, facts_of
from eutonia.simulation.compiled import at_hand
from eutonia.web.problems import Refusal
from eutonia.web.work import Workers, connection

DRAWS = 40
"""Virtual patients: enough for a median and its band in whole numbers."""

DAYS = 7
"""Days that are simulated. Peaks, the worst morning and the least breathing come in the first week, before tolerance
and after what is taken has built up: the figures of 44 days differ by less than 1 of 100 in all of 74 varied orders."""

MOST_KEPT = 5000
MOST_WAITING = 32
"""Simulations that may wait for their turn; an order beyond them is said to be late at once."""


class Foreseen(NamedTuple):
    """What a simulation says of one order."""

    features: Mapping[str, float | None]
    """What rules ask for (feature → median)."""
    text: str
    left_out: Sequence[str]
    """Medicines that are taken and not in these numbers."""


class Forecasts:
    """Simulations of orders, kept. One for each worker process; used by its event loop alone."""

    def __init__(self, knowledge: Knowledge, workers: Workers, seconds: float) -> None:
        self._knowledge = knowledge
        self._workers = workers
        self._seconds = seconds
        self._kept: OrderedDict[str, Foreseen] = OrderedDict()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        """One simulation at a time: several would share one interpreter, and all of them be late."""

    async def of(self, chart: Chart, places: Iterable[int]) -> dict[int, Foreseen | None]:
        """Place in the plan → what is foreseen; None where that was not ready in time."""
        if not self._seconds or not at_hand():
            return {}
        keys = {place: key_of(chart, place) for place in places if can_be_foreseen(chart, place)}
        for place, key in keys.items():
            if key in self._kept or key in self._running:
                continue
            if len(keys) == 1 and is_brief(chart, place):
                # A thread and back would disturb the others for as long.
                self._keep(key, foreseen(chart, place))
            elif len(self._running) < MOST_WAITING:
                self._running[key] = asyncio.create_task(self._make(key, chart, place))
        # Whoever is late this time finds it kept the next time: the simulation goes on.
        waiting = [self._running[key] for key in keys.values() if key in self._running]
        if waiting:
            await asyncio.wait(waiting, timeout=self._seconds)
        return {place: self._kept.get(key) for place, key in keys.items()}

    async def _make(self, key: str, chart: Chart, place: int) -> None:
        connection.set(None)  # whoever asks next may still want it
        try:
            async with self._turn:
                made = await self._workers.run(lambda: foreseen(chart, place))
        except Refusal:
            return  # too busy: the next one tries again
        finally:
            self._running.pop(key, None)
        self._keep(key, made)

    def _keep(self, key: str, made: Foreseen) -> None:
        self._kept[key] = made
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def can_be_foreseen(chart: Chart, place: int) -> bool:
    """Whether an order is of a drug that is simulated, and begins or goes on with it."""
    parts = chart.plan[place][1]
    return can_be_made(chart, place) and any(p.treatment in chart.knowledge.substances for p in parts)


def is_brief(chart: Chart, place: int) -> bool:
    """Whether the simulation of an order takes milliseconds: no dose is as needed, which is decided hour by hour."""
    item, _ = chart.plan[place]
    taken = [item, *item.steps, *(entry for entry, _ in chart.listed if chart.in_use(entry))]
    return not any(each.as_needed for each in taken)


def key_of(chart: Chart, place: int) -> str:
    """A digest of all that the simulation of an order depends on."""
    knowledge = chart.knowledge
    item, parts = chart.plan[place]
    beside = [(entry, taken) for entry, taken in chart.listed if chart.in_use(entry)]
    whole = (knowledge.version, item, parts, beside, chart.planned, sorted(facts_of(chart).items()))
    return hashlib.blake2b(_plain(whole).encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> str:
    """Text that is the same for the same content: sets have no order of their own."""
    if isinstance(value, Taken):
        return repr([_sorted(getattr(value, name)) for name in Taken.__slots__])
    if isinstance(value, Dosage):
        return repr(list(vars(value).values()))
    if isinstance(value, tuple | list):
        return f"({','.join(map(_plain, value))})"
    return repr(value)


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def foreseen(chart: Chart, place: int) -> Foreseen:
    """Simulate one order, or say why that cannot be done."""
    asked = simulated_quantities(chart.knowledge)
    try:
        made = first_days(chart, place, DAYS, draws=DRAWS)
    except InputError as error:
        return Foreseen(dict.fromkeys(asked), f"not possible. {error}".rstrip("."), ())
    features = {name: getattr(made, quantity).median for name, quantity in asked.items()}
    return Foreseen(features, _text(made), made.left_out)


def _text(made: FirstDays) -> str:
    taken = f" with {', '.join(made.with_medicines)}" if made.with_medicines else ""
    parts = [f"drowsy in {100 * made.probability_drowsy:.0f} of 100"]
    morning, breath = made.morning_impairment, made.min_ventilation
    if morning.median is not None:
        parts.append(f"next morning impaired by {morning.median:.0f} of 100")
    if breath.median is not None and breath.p5 is not None and breath.p95 is not None:
        parts.append(
            f"breathing down to {breath.median:.0%} of resting ({breath.p5:.0%} to {breath.p95:.0%})"
        )
    return f"{DRAWS} virtual patients like this one{taken}, in the first week: {', '.join(parts)}"
