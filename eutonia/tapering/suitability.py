"""Whether a taper is needed, may be done at home, and which published schedule it would be: asked of the rules.

Everything is judged in three-valued logic over the features of one chart, by the same rules and code as an assessment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from eutonia.conditions import features_of
from eutonia.features import value_of
from eutonia.features.chart import Chart
from eutonia.knowledge.grammar import names_in, parsed
from eutonia.knowledge.safety import Rule
from eutonia.knowledge.tapers import Schedule, TaperPolicy
from eutonia.rowwise import check, holds
from eutonia.tapering.models import Asked, Refer


@dataclass
class Judge:
    """Asks conditions of one chart and remembers which facts it missed."""

    chart: Chart
    missed: dict[str, list[str]] = field(default_factory=dict)
    """Question → what its answer would settle."""

    def holds(self, line: str, settles: str = "") -> bool | None:
        """Whether a condition holds; None where a fact is missing, which is noted under `settles`."""
        names = names_in(parsed(line))
        row = {name: value_of(name, self.chart).known for name in names}
        answer = holds(line, row)
        if answer is None and settles:
            self.note([name for name in names if row[name] is None], settles)
        return answer

    def all_hold(self, lines: Iterable[str], settles: str = "") -> bool | None:
        """False as soon as one line fails; None where none fails and one cannot be told."""
        answers = [(line, self.holds(line)) for line in lines]
        if any(answer is False for _, answer in answers):
            return False
        for line, answer in answers:
            if answer is None:
                self.holds(line, settles)
        return None if any(answer is None for _, answer in answers) else True

    def rules(self, rules: Sequence[Rule], settles: str) -> Iterator[Rule]:
        """Those that apply; what is missing to tell the others is noted."""
        names = list(dict.fromkeys(name for rule in rules for name in features_of(rule)))
        row = {name: value_of(name, self.chart).known for name in names}
        for found in check(row, rules):
            if found.applies:
                yield found.rule
            else:
                self.note(found.ask, settles)

    def note(self, features: Iterable[str], settles: str) -> None:
        for name in features:
            ask = self.chart.knowledge.features[name].asks or name
            settled = self.missed.setdefault(ask, [])
            if settles not in settled:
                settled.append(settles)

    def asked(self) -> list[Asked]:
        features = self.chart.knowledge.features
        return [
            Asked(ask=ask, text=features[ask].ask, settles=settles) for ask, settles in self.missed.items()
        ]


HOME = "whether it can be done at home"
NEED = "whether a taper is needed"
LENGTH = "which published schedule is meant"


def referral(policy: TaperPolicy, judge: Judge) -> Refer | None:
    """Why this patient belongs in specialist hands; None where nothing known says so."""
    knowledge = judge.chart.knowledge
    applying = list(judge.rules([knowledge.rules[name] for name in policy.refer], HOME))
    why = [reason for rule in applying for reason in reasons(rule, judge)]
    why += [words for line, words in policy.refer_when.items() if judge.holds(line, HOME)]
    if not why:
        return None
    return Refer(
        why=list(dict.fromkeys(why)),
        rules=[rule.id for rule in applying],
        do=policy.refer_do,
    )


def reasons(rule: Rule, judge: Judge) -> Iterator[str]:
    """What in this patient makes a rule apply: those of its alternatives that hold, else its own title."""
    features = judge.chart.knowledge.features
    found = False
    for line in rule.when:
        parts = re.split(r"\s+OR\s+", line) if not re.search(r"[()]", line) else []
        for part in parts if len(parts) > 1 else ():
            if not judge.holds(part):
                continue
            found = True
            name = names_in(parsed(part))[0]
            value = judge.chart.values[name]
            told = f": {value.known:g} {features[name].unit}" if features[name].type == "number" else ""
            evidence = f" ({value.evidence})" if value.evidence and value.evidence != "as stated" else ""
            yield f"{features[name].title}{told}{evidence}"
    if not found:
        yield rule.title


def is_needed(policy: TaperPolicy, judge: Judge) -> bool | None:
    """Whether a taper is needed rather than a plain stop."""
    return judge.all_hold(policy.needed, NEED)


def suits(schedule: Schedule, judge: Judge, missed: Judge) -> bool | None:
    """Whether a published schedule is meant for this patient; what is missing is noted in `missed` as well."""
    if not schedule.when:
        return None
    answer = missed.all_hold(schedule.when, LENGTH)
    barred = [missed.holds(line, LENGTH) for line in schedule.unless] if answer is not False else []
    if answer is False or any(barred):
        return False
    if answer is None or None in barred:
        for ask, settles in missed.missed.items():
            judge.missed.setdefault(ask, []).extend(s for s in settles if s not in judge.missed.get(ask, []))
        return None
    return True
