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
from typing import NamedTuple

from eutonia.errors import InputError
from eutonia.features.chart import Chart
from eutonia.forecast import FirstDays, first_days, simulated_quantities
from eutonia.knowledge import Knowledge
from eutonia.simulated_case import SimulatedCase, can_be_made, simulated_case
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
        cases = {place: simulated_case(chart, place) for place in places if can_be_foreseen(chart, place)}
        keys = {place: key_of(case, self._knowledge) for place, case in cases.items()}
        for key, case in zip(keys.values(), cases.values(), strict=True):
            if key in self._kept or key in self._running:
                continue
            if len(keys) == 1 and is_brief(case):
                # A thread and back would disturb the others for as long.
                self._keep(key, foreseen(case, self._knowledge))
            elif len(self._running) < MOST_WAITING:
                self._running[key] = asyncio.create_task(self._make(key, case))
        # Whoever is late this time finds it kept the next time: the simulation goes on.
        waiting = [self._running[key] for key in keys.values() if key in self._running]
        if waiting:
            await asyncio.wait(waiting, timeout=self._seconds)
        return {place: self._kept.get(key) for place, key in keys.items()}

    async def _make(self, key: str, case: SimulatedCase) -> None:
        connection.set(None)  # whoever asks next may still want it
        try:
            async with self._turn:
                made = await self._workers.run(lambda: foreseen(case, self._knowledge))
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


def is_brief(case: SimulatedCase) -> bool:
    """Whether the simulation of an order takes milliseconds: no dose is as needed, which is decided hour by hour."""
    taken = [*case.own, *case.others]
    return not any(each.as_needed for item in taken for each in (item, *item.steps))


def key_of(case: SimulatedCase, knowledge: Knowledge) -> str:
    """A digest of all that the simulation of an order depends on."""
    taken = [list(vars(each).values()) for each in (*case.own, *case.others)]
    whole = (knowledge.version, len(case.own), taken, case.left_out, sorted(case.facts.items()))
    return hashlib.blake2b(repr(whole).encode(), digest_size=16).hexdigest()


def foreseen(case: SimulatedCase, knowledge: Knowledge) -> Foreseen:
    """Simulate one order, or say why that cannot be done."""
    asked = simulated_quantities(knowledge)
    try:
        made = first_days(case, knowledge, DAYS, draws=DRAWS)
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
