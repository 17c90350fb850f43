"""One patient's kinetics as an SBML model (Level 3 Version 2), for other simulators to run.

Each level is what the engine sums: modes that decay, fed by doses at their times and weighted into levels. Elimination
that saturates or is induced is no sum of exponentials, and is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from eutonia.errors import NotAvailable

if TYPE_CHECKING:
    from eutonia.simulation.schedule import Schedule
    from eutonia.simulation.system import System


def to_sbml(system: System, schedule: Schedule, patient: int = 0) -> str:
    """The kinetics of one patient with all doses. Raises NotAvailable where elimination is not linear."""
    if system.saturable or any(np.any(own.maximum[patient] != 0.0) for own in system.induced):
        raise NotAvailable(
            "Only linear kinetics are written as SBML: this plan holds alcohol or induced elimination."
        )
    modes = range(len(system.rates))
    parameters = [f'<parameter id="mode{k}" value="0" constant="false"/>' for k in modes]
    rules = [_rate(f"mode{k}", f"-{float(system.rates[k, patient])!r} * mode{k}") for k in modes]
    for s, name in enumerate(system.substances):
        terms = [
            f"{float(system.entry_weight[e, patient])!r} * mode{system.entry_mode[e]}"
            for e in np.flatnonzero(system.entry_signal == s)
        ]
        parameters.append(f'<parameter id="{name}" value="0" constant="false"/>')
        rules.append(_assignment(name, terms))
    events: list[str] = []
    for regimen in schedule.regimens:
        place = system.inputs.index(regimen.substance)
        fed = range(system.modes[place].start, system.modes[place].stop)
        for time, amount in zip(regimen.times, regimen.amounts, strict=True):
            arrives = time + float(system.lags[place, patient])
            events.append(_dose(len(events), arrives, {f"mode{k}": amount for k in fed}))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2">\n'
        f'<model id="eutonia" name="{escape(", ".join(system.substances))}">\n'
        f"<listOfParameters>{''.join(parameters)}</listOfParameters>\n<listOfRules>{''.join(rules)}</listOfRules>\n"
        f"<listOfEvents>{''.join(events)}</listOfEvents>\n</model>\n</sbml>\n"
    )


def _math(inner: str) -> str:
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inner}</math>'


def _product(text: str) -> str:
    factor, name = text.split(" * ")
    return f"<apply><times/><cn>{_number(factor)}</cn><ci>{name}</ci></apply>"


def _number(text: str) -> str:
    """MathML wants no exponents in a plain number."""
    return f"{float(text):.25f}".rstrip("0") + "0"


def _rate(name: str, text: str) -> str:
    return f'<rateRule variable="{name}">{_math(_product(text))}</rateRule>'


def _assignment(name: str, terms: list[str]) -> str:
    total = f"<apply><plus/>{''.join(_product(term) for term in terms)}</apply>"
    return f'<assignmentRule variable="{name}">{_math(total)}</assignmentRule>'


def _dose(number: int, time: float, additions: dict[str, float]) -> str:
    csymbol = '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol>'
    when = _math(f"<apply><geq/>{csymbol}<cn>{_number(repr(max(time, 1e-9)))}</cn></apply>")
    given = "".join(
        f'<eventAssignment variable="{name}">'
        + _math(f"<apply><plus/><ci>{name}</ci><cn>{_number(repr(amount))}</cn></apply>")
        + "</eventAssignment>"
        for name, amount in additions.items()
    )
    return (
        f'<event id="dose{number}" useValuesFromTriggerTime="true">'
        f'<trigger initialValue="false" persistent="true">{when}'
        f"</trigger><listOfEventAssignments>{given}</listOfEventAssignments></event>"
    )
