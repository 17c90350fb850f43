"""The plan in a question, where a case states none: `Can he take Soma 350 mg three times a day for 5 days?`"""

from __future__ import annotations

import re

from eutonia.dosing.names import find
from eutonia.dosing.text import read_plan
from eutonia.errors import InputError
from eutonia.formulary import recognise
from eutonia.knowledge import Knowledge
from eutonia.patient import Case, PlanItem

_LEAD = re.compile(
    r"(?:(?:so|please|hello|hi|and)[,\s]+)*"
    r"(?:(?:is|would|will)\s+it\s+(?:be\s+)?(?:safe|ok|okay|fine|right|all right|acceptable|reasonable|possible)"
    r"(?:\s+for(?:\s+\w+){1,2}?(?=\s+to\b))?|(?:can|could|may|might|should|shall|must|do|does|would|what about|"
    r"how about|is|are|safe|ok|okay|fine|good idea)\b)"
    r"(?:\s+(?:i|we|you|he|she|they|it|one|someone|the patient|this patient|this man|this woman|my patient))?"
    r"(?:\s+(?:safely|now|also|still|just|need))*(?:\s+to)?\s+",
    re.IGNORECASE,
)
"""How a question about a plan begins."""

MOST_WORDS = 40
"""Words of a question that are looked at."""


def with_plan_asked(case: Case, knowledge: Knowledge) -> Case:
    """The case with the plan that its question asks about, where it states no plan; what was understood is told."""
    if case.plan or not case.question.strip():
        return case
    item = _asked(case.question, knowledge)
    if item is None:
        return _warned(case, knowledge)
    if item.action in ("start", "continue") and _drugs(item.text, knowledge) & _listed(case, knowledge):
        if item.dose is None and item.action == "start":
            return case  # what is taken already, asked about beside something else
        item = item.model_copy(update={"action": "continue"})
    told = f"The case states no plan. Its question was read as the plan “{item.written}”."
    return case.model_copy(update={"plan": (item,), "warnings": (*case.warnings, told)})


def _warned(case: Case, knowledge: Knowledge) -> Case:
    """The case, which says so where its question names a medicine that is neither taken nor planned."""
    found = find(case.question, knowledge)
    drugs = _drugs(found.text, knowledge) if found and not found.therapy else set()
    missing = sorted(drugs - _listed(case, knowledge))
    if not missing:
        return case
    names = " and ".join(knowledge.drugs[drug].title.lower() for drug in missing)
    told = f"The question names {names}, neither taken nor planned: it was not judged. State a plan."
    return case.model_copy(update={"warnings": (*case.warnings, told)})


def _asked(question: str, knowledge: Knowledge) -> PlanItem | None:
    """The longest beginning of a question, behind the words that ask, that reads as a plan."""
    lead = _LEAD.match(question.strip())
    words = question.strip()[lead.end() if lead else 0 :].split("?")[0].split()[:MOST_WORDS]
    for count in range(len(words), 0, -1):
        try:
            item = read_plan(" ".join(words[:count]).rstrip(".,;"), knowledge)
        except InputError:
            continue
        return item if item.text or item.therapy else None
    return None


def _listed(case: Case, knowledge: Knowledge) -> set[str]:
    """The drugs on the medication list."""
    listed = (recognise(m.text, m.rxcui, knowledge, atc=m.atc) for m in case.medications or ())
    return {each.drug for medicine in listed if medicine for each in medicine.ingredients}


def _drugs(text: str, knowledge: Knowledge) -> set[str]:
    found = recognise(text, None, knowledge)
    return {each.drug for each in found.ingredients} if found else set()
