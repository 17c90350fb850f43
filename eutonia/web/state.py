"""What the requests of one process share."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from eutonia.knowledge import Knowledge
from eutonia.web.feedback import Store
from eutonia.web.foreseen import Forecasts
from eutonia.web.metrics import Metrics
from eutonia.web.outside import Outside
from eutonia.web.settings import Settings
from eutonia.web.trust import Trust
from eutonia.web.work import Workers


@dataclass(frozen=True)
class State:
    settings: Settings
    knowledge: Knowledge
    store: Store
    outside: Outside
    trust: Trust
    workers: Workers
    forecasts: Forecasts
    metrics: Metrics


def state_of(request: Request) -> State:
    found: State = request.app.state.eutonia
    return found
