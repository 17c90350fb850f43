"""CDS Hooks cards: what a judged request has to say, in at most three cards, gravest first.

A card interrupts, so it is made only for what should change an order: one card for what is urgent, one for each order
that a rule speaks against, with all its reasons, and one for orders of a medicine that is not known here, which were
not checked. Everything else waits on the page behind the link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4
from zlib import crc32

from eutonia.issues import Issue, PlanAssessment
from eutonia.judging import judge_forecast
from eutonia.knowledge import SEVERITIES, Knowledge
from eutonia.knowledge.treatments import Drug
from eutonia.options import Alternative, best_offered
from eutonia.web.consulting import Consultation
from eutonia.web.gathering import Resource, names_of
from eutonia.web.tapers import published_offer

MOST_CARDS = 3
MOST_SUMMARY = 139
MOST_ALTERNATIVES = 2

GRAVE = ("contraindicated", "avoid")

INDICATOR: Mapping[str, str] = {"contraindicated": "critical", "avoid": "warning", "caution": "info"}
"""Severity → indicator, of the severities that make a card."""
UNREAD = "medication_unrecognised"
"""The feature by which a rule of any severity makes a card for the order that it is true of: the order was not checked,
and silence would look as if it had been."""

OVERRIDE_SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
OVERRIDE_REASONS: Sequence[Mapping[str, str]] = [
    {"code": code, "system": OVERRIDE_SYSTEM, "display": display}
    for code, display in (
        ("cds-not-applicable", "Does not apply to this patient"),
        ("action-completed", "Already seen to"),
        ("action-not-priority", "Benefit outweighs the risk for this patient"),
        ("need-more-info", "More information is needed first"),
        ("recipient-disagrees-evidence", "I read the evidence differently"),
    )
]

Card = dict[str, Any]


class _Item(NamedTuple):
    """One order with what speaks against it."""

    place: int
    plan: PlanAssessment
    issues: Sequence[Issue]


def cards(consultation: Consultation, knowledge: Knowledge, page: str, smart: bool = False) -> list[Card]:
    """The cards of a request. `page` is where more can be read; `smart` opens it inside the record system."""
    told: set[str] = set()
    made = []
    for item in _items(consultation, knowledge):
        issues = [i for i in item.issues if i.rule not in told]
        if issues:
            told.update(i.rule for i in issues)
            made.append(_card(item._replace(issues=issues), consultation, knowledge, page, smart))
    if len(made) > MOST_CARDS:
        more = [card["summary"] for card in made[MOST_CARDS:]]
        made[MOST_CARDS - 1]["detail"] += "\n\n**Also:** " + "; ".join(escaped(each) for each in more)
    return made[:MOST_CARDS]


def places_told(consultation: Consultation, knowledge: Knowledge) -> list[int]:
    """Orders of the plan that get a card."""
    return [
        item.place for item in _items(consultation, knowledge) if 0 <= item.place < len(consultation.orders)
    ]


def _items(consultation: Consultation, knowledge: Knowledge) -> Iterator[_Item]:
    """What is worth a card: everything urgent together, then each item of the plan, the worst first."""
    plans = [p for n, p in enumerate(consultation.judged.plans) if _asked(n, consultation)]
    urgent = {i.rule: i for plan in plans for i in plan.issues if i.urgent}
    if urgent:
        yield _Item(-1, plans[0], list(urgent.values()))
    items = [
        _Item(n, plan, [i for i in plan.issues if _worth_a_card(i, n, consultation)])
        for n, plan in enumerate(consultation.judged.plans)
        if _asked(n, consultation)
    ]
    items = [i for i in items if _whoever_orders(i) or _is_ours(i.plan, consultation, knowledge)]
    yield from sorted((i for i in items if i.issues), key=lambda i: SEVERITIES.index(i.issues[0].severity))


def _worth_a_card(issue: Issue, place: int, consultation: Consultation) -> bool:
    if not issue.headline or issue.urgent:
        return False
    return issue.severity in INDICATOR or _is_about_the_order(issue, place, consultation)


def _is_about_the_order(issue: Issue, place: int, consultation: Consultation) -> bool:
    """Whether an issue says that it is not known which medicine is ordered."""
    if not 0 <= place < len(consultation.orders):
        return False
    chart, kind = consultation.judged.chart, consultation.orders[place]["resourceType"]
    if kind != "MedicationRequest" or chart.plan[place][0].action == "stop":
        return False
    return UNREAD in issue.because and chart.is_open(place)


def _whoever_orders(item: _Item) -> bool:
    """Whether there are words for an order of any drug, and not only for one of a muscle-pain treatment."""
    return any(issue.severity in GRAVE or UNREAD in issue.because for issue in item.issues)


def _is_ours(plan: PlanAssessment, consultation: Consultation, knowledge: Knowledge) -> bool:
    """Whether milder words are worth a card: for an order of a muscle-pain treatment, not of any other drug."""
    if consultation.request.hook == "patient-view":
        return False
    named = (plan.therapy or "").split("+")
    return any(name in knowledge.therapies or _treats_pain(knowledge.drugs.get(name)) for name in named)


def _treats_pain(drug: Drug | None) -> bool:
    """Whether a drug is among the treatments of muscle pain that are weighed here."""
    return drug is not None and drug.option is not None


def _asked(place: int, consultation: Consultation) -> bool:
    """Whether an item of the plan is what the request is about; treatment in use is, when a chart is opened."""
    return consultation.request.hook == "patient-view" or place in consultation.asked_of


# --- one card ---------------------------------------------------------------------------------------


def _card(item: _Item, consultation: Consultation, knowledge: Knowledge, page: str, smart: bool) -> Card:
    first = item.issues[0]
    card: Card = {
        "uuid": card_uuid(first.rule),
        "summary": _summary(item, knowledge),
        "detail": "\n".join(_detail(item, consultation, knowledge)),
        "indicator": "critical" if first.urgent else INDICATOR.get(first.severity, "info"),
        "source": _source(first, knowledge),
        "overrideReasons": OVERRIDE_REASONS,
        "links": [_link(page, smart, consultation)],
    }
    offered = (
        _suggestions(item, consultation, knowledge) if 0 <= item.place < len(consultation.orders) else []
    )
    if offered:
        card |= {"suggestions": offered, "selectionBehavior": "at-most-one"}
    return card


def card_uuid(rule: str) -> str:
    """A new UUID that names the rule in its first 32 bits, so that feedback can be counted by rule later,
    by any process, without keeping a list of the cards that were shown."""
    return str(UUID(int=(crc32(rule.encode()) << 96) | (uuid4().int & ((1 << 96) - 1))))


def rule_of(card: str, knowledge: Knowledge) -> str | None:
    """The rule that a card was about; None for a card that is not ours."""
    wanted = UUID(card).int >> 96
    return next((rule for rule in knowledge.rules if crc32(rule.encode()) == wanted), None)


def _summary(item: _Item, knowledge: Knowledge) -> str:
    first = item.issues[0]
    if first.urgent:
        text = f"Same-day referral: {first.title}"
    elif first.severity not in INDICATOR:
        text = f"{first.title}: {item.plan.plan}"
    else:
        name = _name(item.plan, knowledge)
        told = not name or name.casefold() in first.title.casefold()
        text = first.title if told else f"{name}: {first.title}"
    more = len(item.issues) - 1
    tail = f" (and {more} more)" if more else ""
    return shortened(" ".join(text.split()), MOST_SUMMARY - len(tail)) + tail


def _name(plan: PlanAssessment, knowledge: Knowledge) -> str:
    """What the card is about, in a word: the treatments, else the order as it is written."""
    found = [knowledge.drugs.get(n) or knowledge.therapies.get(n) for n in (plan.therapy or "").split("+")]
    titles = [each.title for each in found if each is not None]
    return " with ".join(titles) if titles else ""


def _detail(item: _Item, consultation: Consultation, knowledge: Knowledge) -> Iterator[str]:
    if 0 <= item.place < len(consultation.orders):
        yield f"**Order:** {escaped(item.plan.plan)}\n"
    for issue in item.issues:
        yield from _reasons(issue, knowledge)
    yield from _foreseen(item, consultation, knowledge)
    unread = consultation.judged.chart.unrecognised
    if unread and not any(UNREAD in issue.because for issue in item.issues):
        yield f"**Not recognised:** {escaped('; '.join(unread))}. What it does beside this order was not checked.\n"
    if consultation.not_seen:
        yield (
            f"**Not seen:** {names_of(consultation.not_seen)}. What was not seen is not taken as absent; "
            "rules that need it are open.\n"
        )
    if consultation.stale:
        yield f"The newest entry of the record is of {consultation.case.as_of}; it was judged as of that day.\n"
    yield "This supports a professional's judgement and does not replace it."


def _foreseen(item: _Item, consultation: Consultation, knowledge: Knowledge) -> Iterator[str]:
    """What a simulation adds: figures, and what the rules that ask for them say."""
    if item.place not in consultation.foreseen:
        return
    found = consultation.foreseen[item.place]
    if found is None:
        yield "*Simulated:* not ready in time; see the page.\n"
        return
    yield f"*Simulated:* {escaped(found.text)}.  "
    if found.left_out:
        yield f"*Not in these figures:* {escaped(', '.join(found.left_out))}.  "
    plan = item.plan.model_copy(update={"issues": []})
    judged = judge_forecast(plan, consultation.judged.chart, found.features, knowledge)
    for issue in judged.issues:
        yield f"**{escaped(issue.title)}.** {escaped(issue.do)}  "
    yield ""


def _reasons(issue: Issue, knowledge: Knowledge) -> Iterator[str]:
    label = "Same-day referral" if issue.urgent else issue.severity.capitalize()
    yield f"**{label}: {escaped(issue.title)}**  "
    seen = "; ".join(dict.fromkeys(issue.evidence.values()))
    if seen:
        yield f"*Seen:* {escaped(seen)}  "
    yield f"{escaped(issue.say)}  "
    if issue.do:
        yield f"**Do:** {escaped(issue.do)}  "
    yield f"*Source:* {'; '.join(_cited(issue, knowledge))}\n"


def _cited(issue: Issue, knowledge: Knowledge) -> Iterator[str]:
    for reference in issue.sources:
        source = knowledge.sources[reference.key]
        at = f", {escaped(reference.at)}" if reference.at else ""
        mark = f" ({reference.mark})" if reference.mark != "seen" else ""
        address = _address(source)
        title = escaped(source.title)
        yield (f"[{title}]({address})" if address else title) + at + mark


def _address(source: Any) -> str:
    if source.doi:
        return f"https://doi.org/{source.doi}"
    return source.url if str(source.url).startswith("https://") else ""


def _source(issue: Issue, knowledge: Knowledge) -> dict[str, Any]:
    source = knowledge.sources[issue.sources[0].key] if issue.sources else None
    found: dict[str, Any] = {"label": source.title if source else "eutonia"}
    address = _address(source) if source else ""
    if address:
        found["url"] = address
    found["topic"] = {"system": "urn:eutonia:rule", "code": issue.rule, "display": issue.title}
    return found


def _link(page: str, smart: bool, consultation: Consultation) -> dict[str, Any]:
    if smart:
        # The launch brings the patient; what is passed on is a random name, no patient data.
        context = f'{{"s":"{uuid4()}"}}'
        return {"label": "Open in eutonia", "url": f"{page}/launch", "type": "smart", "appContext": context}
    return {"label": "Open eutonia", "url": f"{page}/", "type": "absolute"}


# --- what can be done at a click --------------------------------------------------------------------


def _suggestions(item: _Item, consultation: Consultation, knowledge: Knowledge) -> list[dict[str, Any]]:
    order = consultation.orders[item.place]
    if not isinstance(order.get("id"), str) or not order["id"] or item.issues[0].severity not in GRAVE:
        return []
    delete = {
        "type": "delete",
        "description": f"Remove the order: {item.plan.plan}"[:200],
        "resourceId": f"{order['resourceType']}/{order['id']}",
    }
    stop: dict[str, Any] = {"label": "Remove this order", "uuid": str(uuid4()), "actions": [delete]}
    if item.issues[0].severity == "contraindicated":
        stop["isRecommended"] = True
    offered = best_offered(consultation.judged, knowledge, MOST_ALTERNATIVES)
    instead = [_instead(each, delete, consultation, knowledge) for each in offered]
    return [stop, *_taper(item.place, delete, consultation), *instead]


def _taper(place: int, delete: Mapping[str, Any], consultation: Consultation) -> list[dict[str, Any]]:
    """A way off the drug, where it is in use already and must not be stopped from one day to the next."""
    offer = published_offer(consultation.judged.chart, place, consultation.request.patient_id)
    if offer is None:
        return []
    create = {"type": "create", "description": f"Draft a taper: {offer.title}", "resource": offer.order}
    label = shortened(f"Taper instead: {offer.title}", 79)
    return [{"label": label, "uuid": str(uuid4()), "actions": [dict(delete), create]}]


def _instead(
    option: Alternative, delete: Mapping[str, Any], consultation: Consultation, knowledge: Knowledge
) -> dict[str, Any]:
    create = {
        "type": "create",
        "description": f"Draft instead: {option.plan}",
        "resource": order_for(option.plan, option, consultation, knowledge),
    }
    label = shortened(f"Instead: {option.title}", 79)
    return {"label": label, "uuid": str(uuid4()), "actions": [dict(delete), create]}


def order_for(plan: str, option: Alternative, consultation: Consultation, knowledge: Knowledge) -> Resource:
    """A draft order (FHIR R4) for an alternative."""
    who = {"reference": f"Patient/{consultation.request.patient_id}"}
    if not option.drug:
        return {
            "resourceType": "ServiceRequest",
            "status": "draft",
            "intent": "proposal",
            "code": {"text": option.title},
            "subject": who,
            "note": [{"text": plan}],
        }
    rxcui = knowledge.drugs[option.therapy].rxcui
    named: dict[str, Any] = {"text": option.title}
    if rxcui:
        coding = {
            "system": "http://www.nlm.nih.gov/research/umls/rxnorm",
            "code": rxcui,
            "display": option.title,
        }
        named["coding"] = [coding]
    return {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "proposal",
        "medicationCodeableConcept": named,
        "subject": who,
        "authoredOn": consultation.case.as_of.isoformat(),
        "dosageInstruction": [{"text": plan}],
    }


# --- words ------------------------------------------------------------------------------------------

MARKDOWN = str.maketrans({mark: f"\\{mark}" for mark in r"\`*_{}[]<>()#|~"})


def escaped(text: str) -> str:
    """Words from the record or the knowledge, so that Markdown shows them as they are."""
    return " ".join(text.split()).translate(MARKDOWN)


def shortened(text: str, most: int) -> str:
    """`text` cut at a word, at most `most` characters."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    return (head[: head.rfind(" ")] if " " in head[most // 2 :] else head).rstrip(" ,;:") + "…"


def rules_in(found: Iterable[Card]) -> list[str]:
    """The rules that cards were shown for, for counting."""
    return [card["source"]["topic"]["code"] for card in found]
