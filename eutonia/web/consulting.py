"""From a CDS Hooks request to a judged case: which orders are the plan, and when the record was true."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from eutonia.errors import InputError
from eutonia.fhir import read_fhir
from eutonia.fhir.bundle import refuse_other_kinds
from eutonia.fhir.dating import latest_entry
from eutonia.judging import Judgement, judge_cases
from eutonia.knowledge import Knowledge
from eutonia.patient import Case
from eutonia.web.foreseen import Foreseen
from eutonia.web.gathering import PARTS, Gathered, Resource, drafted
from eutonia.web.problems import Refusal

ORDERS = ("MedicationRequest", "ServiceRequest")
"""Kinds of draft orders that can be judged; others are left alone."""
SUPPORTING = ("Medication", "Substance")
"""Kinds that an order may refer to, beside it in the Bundle of drafts."""

STALE = timedelta(days=365)
"""A request whose newest entry is older than this was recorded: it is judged as of that entry, not today."""


class FhirAuthorization(BaseModel):
    """How we may read the FHIR server."""

    model_config = ConfigDict(frozen=True)

    access_token: str = Field(min_length=1, max_length=20_000, pattern=r"^[\x21-\x7e]+$")
    token_type: str = "Bearer"


class HookRequest(BaseModel):
    """The body of a call to a service (CDS Hooks 2.0.1)."""

    model_config = ConfigDict(frozen=True)

    hook: str = Field(min_length=1, max_length=64)
    hookInstance: str = Field(min_length=1, max_length=128)
    context: dict[str, Any]
    fhirServer: str | None = Field(None, max_length=2000)
    fhirAuthorization: FhirAuthorization | None = None
    prefetch: dict[str, Any] | None = None

    @property
    def patient_id(self) -> str:
        return str(self.context["patientId"]).removeprefix("Patient/")


class Consultation(NamedTuple):
    """A case behind a request, judged."""

    request: HookRequest
    case: Case
    judged: Judgement
    orders: Sequence[Resource]
    """The draft order of each plan item."""
    asked_of: frozenset[int]
    """Plan items that the request is about; the others are judged with them."""
    not_seen: Sequence[str]
    """Prefetch keys."""
    stale: bool
    """Judged as of the newest entry, which is long ago."""
    foreseen: Mapping[int, Foreseen | None] = MappingProxyType({})
    """Plan item → what a simulation says of it; None where that was not ready in time."""


PATIENT_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
"""An id as FHIR has it, with the underscore that is met in practice; nothing that could leave its place in an URL."""

CONTEXT: Mapping[str, Mapping[str, type]] = {
    "patient-view": {"userId": str, "patientId": str},
    "order-select": {"userId": str, "patientId": str, "selections": list, "draftOrders": dict},
    "order-sign": {"userId": str, "patientId": str, "draftOrders": dict},
}
"""Hook → what its context must hold."""


def check_context(request: HookRequest) -> None:
    """Raise Refusal (400) that names what the context lacks."""
    for name, kind in CONTEXT[request.hook].items():
        value = request.context.get(name)
        if not isinstance(value, kind) or value == "" or not _texts(value):
            raise Refusal(
                400,
                f"context.{name} is missing or of the wrong kind; {request.hook} needs it.",
                where=(f"context.{name}",),
            )
    if not PATIENT_ID.fullmatch(request.patient_id):
        raise Refusal(400, "context.patientId is not the id of a resource.", where=("context.patientId",))
    if request.fhirAuthorization is not None and not request.fhirServer:
        raise Refusal(
            400, "fhirAuthorization is given without the fhirServer that it is for.", where=("fhirServer",)
        )


def _texts(value: Any) -> bool:
    """Whether a list holds texts alone."""
    return not isinstance(value, list) or all(isinstance(each, str) for each in value)


def consult(
    request: HookRequest, gathered: Gathered, knowledge: Knowledge, today: date
) -> Consultation | None:
    """Judge what the request asks about; None where it names nothing that can be judged."""
    subject = {
        "reference": f"Patient/{request.patient_id}"
    }  # the context says whose they are, however they say it
    sent = drafted(request.context.get("draftOrders"))
    _refuse_other_kinds(sent)
    drafts = [e["resource"] | {"subject": subject} for e in sent if _is_order(e["resource"])]
    if request.hook != "patient-view" and not drafts:
        return None
    entries = _record(gathered, drafts, request.patient_id)
    entries += [e for e in sent if e["resource"]["resourceType"] in SUPPORTING]
    day, stale = _as_of((e["resource"] for e in entries), drafts, today)
    case, orders = _case(entries, drafts, request.patient_id, day, gathered.asked, knowledge)
    if request.hook != "patient-view" and not case.plan:
        return None
    not_seen = gathered.not_seen
    parts = dict.fromkeys(PARTS[name] for name in not_seen if name in PARTS)
    case = case.model_copy(update={"not_seen": tuple(dict.fromkeys([*case.not_seen, *parts]))})
    (judged,) = judge_cases([case], knowledge)
    selected = _selected(request, orders)
    return Consultation(request, case, judged, orders, selected, not_seen, stale)


def _is_order(resource: Resource) -> bool:
    return resource.get("resourceType") in ORDERS


def _refuse_other_kinds(sent: Sequence[dict[str, Any]]) -> None:
    """An order of another version of FHIR is refused by name: left alone it would look like a safe one."""
    try:
        refuse_other_kinds({e["resource"]["resourceType"] for e in sent}, "context.draftOrders")
    except InputError as error:
        raise Refusal(422, str(error), where=("context.draftOrders",)) from None


def _record(gathered: Gathered, drafts: Sequence[Resource], patient_id: str) -> list[dict[str, Any]]:
    """The record without the plan: an order that is signed again stands in it already."""
    again = {_order_key(draft) for draft in drafts}
    entries = [e for e in gathered.entries if not _is_plan(e["resource"], again)]
    patients = [e for e in entries if e["resource"].get("resourceType") == "Patient"]
    if not patients:
        entries.append({"resource": {"resourceType": "Patient", "id": patient_id}})
    for entry in patients:
        if "id" not in entry["resource"]:
            entry["resource"] = entry["resource"] | {"id": patient_id}
    return entries


def _is_plan(resource: Resource, again: set[str]) -> bool:
    if resource.get("resourceType") not in ORDERS:
        return False
    return resource.get("status") == "draft" or _order_key(resource) in again


def _order_key(order: Resource) -> str:
    """What makes two orders the same: ids alone are not unique among drafts."""
    what = order.get("medicationCodeableConcept") or order.get("medicationReference") or order.get("code")
    return f"{order.get('resourceType')}/{order.get('id')} {what}"


def _case(
    entries: Sequence[dict[str, Any]],
    drafts: Sequence[Resource],
    patient_id: str,
    day: date,
    asked: set[str],
    knowledge: Knowledge,
) -> tuple[Case, list[Resource]]:
    """The case, and the order that each item of its plan was read from."""
    document = {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}

    def read(orders: Sequence[Resource]) -> Case:
        try:
            return read_fhir(
                document,
                patient=patient_id,
                as_of=day,
                where="The request",
                proposed=orders,
                asked=asked,
                judged_by=knowledge,
            ).case
        except InputError as error:
            raise Refusal(422, str(error), where=("prefetch",)) from None

    case = read(drafts)
    if len(case.plan) == len(drafts):
        return case, list(drafts)
    return case, [draft for draft in drafts if read([draft]).plan]


def _selected(request: HookRequest, orders: Sequence[Resource]) -> frozenset[int]:
    every = frozenset(range(len(orders)))
    if request.hook != "order-select":
        return every
    wanted = {str(each) for each in request.context["selections"]}
    found = {
        n for n, order in enumerate(orders) if f"{order.get('resourceType')}/{order.get('id')}" in wanted
    }
    return frozenset(found) or every


# --- when ---------------------------------------------------------------------------------------------


def _as_of(record: Iterable[Resource], drafts: Sequence[Resource], today: date) -> tuple[date, bool]:
    """The day the record is taken as known: today, unless all of it is long past, as in a recorded request."""
    ordered, recorded = latest_entry(drafts), latest_entry(record)
    newest = max((day.first for day in (ordered, recorded) if day), default=None)
    if newest is not None and newest < today - STALE:
        return newest, True
    if ordered is None or ordered.first - today >= timedelta(days=2):
        return today, False
    return max(today, ordered.first), False
