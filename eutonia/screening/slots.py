"""Which measurements and statements the features read, and what each distinct one says.

A slot is one look-up that a feature makes: the codes it takes, and how it reads the value. The value is read by
the features' own code, once per distinct value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from eutonia.features import value_of
from eutonia.features.chart import Chart
from eutonia.features.drinking import drinks_a_week
from eutonia.features.results import latest, named, number_in
from eutonia.knowledge import Knowledge
from eutonia.knowledge.safety import MeasurementFeature
from eutonia.patient import Case, Lab
from eutonia.units import meant

DAY = date(2000, 1, 1)
"""Any day: a value is read the same on each."""


@dataclass(frozen=True)
class Slot:
    """One look-up of one feature."""

    id: str
    """The feature's name, with what it looks for where it makes several look-ups."""
    feature: str
    codes: frozenset[str]
    names: frozenset[str] = frozenset()
    unit: str | None = None
    """A measurement in this unit; None: a word, date or plain count."""
    plausible: tuple[float, float] = (float("-inf"), float("inf"))
    molar_mass: float | None = None
    valence: int = 1
    word: Callable[[Lab, Knowledge], str | float | None] | None = None
    """Reads a statement: what it says, None for nothing."""

    reads_row: bool = True
    """Whether a number in the unit wanted can be read as it stands in its row."""

    def takes(self, code: str | None, name: str) -> bool:
        return code in self.codes or (code is None and named(name) in self.names)


def slots(knowledge: Knowledge) -> list[Slot]:
    """Every look-up that the features of `knowledge` make."""
    found: list[Slot] = []
    for feature in knowledge.features.values():
        if isinstance(feature, MeasurementFeature):
            found.append(_measurement(feature))
        elif feature.id in COMPUTED:
            found += COMPUTED[feature.id](feature)
    return found


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(named, names))


def _measurement(feature: MeasurementFeature) -> Slot:
    codes, names = frozenset(feature.loinc), _names(feature.names)
    bridge = feature.molar_mass, feature.valence
    return Slot(feature.id, feature.id, codes, names, feature.unit, feature.plausible, *bridge)


def _egfr(feature: Any) -> list[Slot]:
    limits, creatinine = feature.limits, frozenset(feature.codes["creatinine"])
    return [
        Slot(
            "egfr:reported", feature.id, frozenset(feature.loinc) - creatinine,
            _names(feature.codes["named"]), feature.unit, (limits["lowest"], limits["highest"]),
        ),
        Slot(
            "egfr:creatinine", feature.id, creatinine, _names(feature.codes["creatinine_named"]), "mg/dL",
            (limits["creatinine_lowest"], limits["creatinine_highest"]), limits["creatinine_g_mol"],
        ),
        Slot(
            "egfr:any", feature.id, frozenset(feature.loinc),
            _names((*feature.codes["named"], *feature.codes["creatinine_named"])), word=_any,
        ),
    ]  # fmt: skip


def _any(_: Lab, __: Knowledge) -> float:
    """There is a result, whatever it says."""
    return 1.0


def _enzyme(feature: Any) -> list[Slot]:
    span = feature.limits["lowest"], feature.limits["highest"]
    names = _names(feature.codes["named"])
    return [Slot(feature.id, feature.id, frozenset(feature.loinc), names, "U/L", span)]


def _weight(feature: Any) -> list[Slot]:
    span = feature.limits["lowest"], feature.limits["highest"]
    names = _names(feature.codes["named"])
    return [Slot(feature.id, feature.id, frozenset(feature.loinc), names, unit="kg", plausible=span)]


def _temperature(feature: Any) -> list[Slot]:
    codes, names = frozenset(feature.codes["temperature"]), _names(feature.codes["named"])
    span = feature.limits["lowest"], feature.limits["highest"]
    return [Slot(f"{feature.id}:temperature", feature.id, codes, names, unit="Cel", plausible=span)]


def _gestation(feature: Any) -> list[Slot]:
    span = feature.limits["lowest"], feature.limits["highest"]
    return [
        Slot(
            "gestation:weeks", feature.id, frozenset(feature.codes["weeks"]), _names(feature.codes["weeks_named"]),
            unit="d", plausible=span,
        ),
        Slot(
            "gestation:due", feature.id, frozenset(feature.codes["due"]), _names(feature.codes["due_named"]),
            word=_due, reads_row=False,
        ),
    ]  # fmt: skip


def _due(lab: Lab, _: Knowledge) -> float | None:
    """Days from 1970 to the date of birth expected."""
    try:
        return float((date.fromisoformat(str(lab.value)[:10]) - date(1970, 1, 1)).days)
    except ValueError:
        return None


def _status(feature: Any) -> list[Slot]:
    codes, names = frozenset(feature.codes["status"]), _names(feature.codes["named"])
    return [Slot(feature.id, feature.id, codes, names, word=_said(feature.id), reads_row=False)]


def _gene(feature: Any) -> list[Slot]:
    gene = feature.id
    return [
        Slot(
            f"{gene}:{kind}",
            gene,
            codes,
            _names(feature.codes[f"{kind}_named"]),
            word=_said(gene),
            reads_row=False,
        )
        for kind in ("phenotype", "genotype")
        if (codes := frozenset(feature.codes.get(kind, ())))
    ]


def _occupation(feature: Any) -> list[Slot]:
    names = _names(feature.codes["named"])
    return [
        Slot(
            feature.id,
            feature.id,
            frozenset(feature.codes["occupation"]),
            names,
            word=_said(feature.id),
            reads_row=False,
        )
    ]


def _alcohol(feature: Any) -> list[Slot]:
    return [
        Slot(
            f"{feature.id}:{group}",
            feature.id,
            frozenset(feature.codes[group]),
            _names(feature.codes[f"{group}_named"]),
            word=_count,
        )
        for group in ("audit_c", "per_week", "per_day")
    ] + [
        Slot(
            f"{feature.id}:in_words",
            feature.id,
            frozenset(feature.codes["in_words"]),
            _names(feature.codes["named"]),
            word=lambda lab, knowledge: drinks_a_week(lab.value, lab.unit, feature, knowledge),
            reads_row=False,
        )
    ]


def _count(lab: Lab, _: Knowledge) -> float | None:
    return number_in(lab.value)[0]


def _plain_count(lab: Lab, _: Knowledge) -> float | None:
    try:
        return float(str(lab.value))
    except ValueError:
        return None


def _said(name: str) -> Callable[[Lab, Knowledge], str | float | None]:
    """What the feature itself makes of a record that holds this one statement."""

    def read(lab: Lab, knowledge: Knowledge) -> str | float | None:
        known = value_of(name, Chart(Case(as_of=DAY, labs=(lab,)), knowledge)).known
        return known if known is None else str(known).lower()

    return read


def _falls(feature: Any) -> list[Slot]:
    return [Slot(feature.id, feature.id, frozenset(), _names(feature.codes["names"]), word=_plain_count)]


COMPUTED: Mapping[str, Callable[[Any], list[Slot]]] = {
    "egfr": _egfr,
    "alt_x_uln": _enzyme,
    "ast_x_uln": _enzyme,
    "weight_kg": _weight,
    "fever": _temperature,
    "back_pain_with_infection_sign": _temperature,
    "gestation": _gestation,
    "pregnant": _status,
    "breastfeeding": _status,
    "cyp2c19": _gene,
    "cyp2d6": _gene,
    "safety_critical_work": _occupation,
    "hazardous_alcohol": _alcohol,
    "falls_history": _falls,
}
"""Computed feature → the look-ups of its function."""


def measured(slot: Slot, lab: Lab, knowledge: Knowledge) -> float | None:
    """The value of a measurement in the slot's unit; None where it has to be set aside."""
    chart = Chart(Case(as_of=DAY, labs=(lab,)), knowledge)
    result = latest(
        chart,
        slot.feature,
        slot.codes,
        slot.unit or "",
        slot.plausible,
        names=slot.names,
        molar_mass=slot.molar_mass,
        valence=slot.valence,
    )
    return result.value if result else None


def in_its_unit(slot: Slot, unit: str | None, knowledge: Knowledge) -> bool:
    """Whether values in `unit` need no conversion for `slot`."""
    written = (unit or "").strip()
    spellings = knowledge.units["spellings"].spellings
    return bool(written) and meant(written, spellings) == slot.unit


def spoken(
    slot: Slot, lab: Lab, texts: Sequence[str], knowledge: Knowledge
) -> tuple[str, str | float | None]:
    """The first of several ways to write a statement that says something to `slot`, and what it says."""
    assert slot.word is not None
    for text in texts:
        answer = slot.word(lab.model_copy(update={"value": text}), knowledge)
        if answer is not None:
            return text, answer
    return (texts[0] if texts else ""), None
