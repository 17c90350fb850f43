"""People rather than points: harms that trials counted, and responders worked out from means."""

from collections.abc import Sequence
from math import exp, sqrt

from eutonia.appraisal.models import Evidence, EvidenceRow, Modelled, SideEffect
from eutonia.appraisal.question import Question, lowered, members, title
from eutonia.appraisal.rows import Z95
from eutonia.knowledge import Knowledge
from eutonia.knowledge.evidence import Trial
from eutonia.meta import log_risk_ratio
from eutonia.meta.distributions import norm


def modelled_responders(knowledge: Knowledge, question: Question, effect: Evidence) -> Modelled | None:
    """Share of people whose pain falls by the least that one person notices, from trials that print mean changes.

    Changes are taken as normal in each arm; None where no trial of the answer prints them.
    """
    fall = question.outcome.within_person
    if fall is None or effect.measure != "MD":
        return None
    shares: dict[str, tuple[float, float, int]] = {}
    for row in effect.rows:
        trial = knowledge.trials[row.trial]
        one, two = (_share(trial, set(names), row, fall) for names in (row.treatments, row.comparators))
        if one is not None and two is not None:
            shares[row.trial] = (one, two, sum(row.n))
    if not shares:
        return None
    people = sum(n for _, _, n in shares.values())
    with_it, without = (sum(share[i] * share[2] for share in shares.values()) / people for i in (0, 1))
    return Modelled(
        treatment_per_100=100 * with_it,
        comparator_per_100=100 * without,
        fall=fall,
        trials=list(shares),
        say=(
            f"Worked out from mean changes ({', '.join(shares)}), not counted: {100 * with_it:.0f} against "
            f"{100 * without:.0f} in 100 have at least {fall:g} of 100 less pain."
        ),
    )


def _share(trial: Trial, treatments: set[str], row: EvidenceRow, fall: float) -> float | None:
    """Share of the arms with `treatments` whose score falls by `fall` or more."""
    found = []
    for result in trial.results:
        if (
            trial.arms[result.arm].treatment in treatments
            and (result.outcome, result.day) == (row.outcome, row.day)
            and result.kind in ("change", "improvement")
            and result.mean is not None
            and result.sd
            and result.scale
            and result.n
        ):
            width = (result.scale[1] - result.scale[0]) / 100
            lessened = (result.mean if result.kind == "improvement" else -result.mean) / width
            found.append((float(norm.cdf((lessened - fall) * width / result.sd)), result.n))
    people = sum(n for _, n in found)
    return sum(share * n for share, n in found) / people if people else None


def side_effects(knowledge: Knowledge, question: Question) -> list[SideEffect]:
    """Harms that trials of the therapy counted, in any condition, for each dose against the trial's own control."""
    mine = members(knowledge, question.therapy)
    found = []
    for trial in knowledge.trials.values():
        if trial.design == "not-randomised":
            continue
        for outcome in knowledge.outcomes.values():
            if outcome.harm:
                found += _counted(knowledge, trial, mine, outcome.trial_outcomes, outcome.title, question)
    return sorted(found, key=lambda harm: (harm.harm, harm.trial, harm.dose))


def _counted(
    knowledge: Knowledge,
    trial: Trial,
    mine: frozenset[str],
    names: Sequence[str],
    harm: str,
    question: Question,
) -> list[SideEffect]:
    counts = [
        (trial.arms[r.arm], r)
        for r in trial.results
        if r.outcome in names and r.events is not None and r.n and r.mark in question.marks
    ]
    controls = [(arm, r) for arm, r in counts if knowledge.interventions[arm.treatment].kind == "control"]
    found = []
    for arm, result in counts:
        control = next(
            (c for c in controls if c[1].day == result.day and c[0].added_to == arm.added_to), None
        )
        if arm.treatment not in mine or control is None or result.n is None or result.events is None:
            continue
        other = control[1]
        if other.n is None or other.events is None:
            continue
        risk, base = result.events / result.n, other.events / other.n
        ratio = ci = None
        if result.events + other.events > 0:
            y, v = log_risk_ratio([result.events], [result.n], [other.events], [other.n])
            se = sqrt(float(v[0]))
            ratio = exp(float(y[0]))
            ci = (exp(float(y[0]) - Z95 * se), exp(float(y[0]) + Z95 * se))
        added = f" with {lowered(knowledge, arm.added_to)}" if arm.added_to else ""
        found.append(
            SideEffect(
                harm=harm,
                dose=", ".join(filter(None, (title(knowledge, arm.treatment), arm.form, arm.dose))) + added,
                risk_per_100=100 * risk,
                comparator_per_100=100 * base,
                ratio=ratio,
                ci=ci,
                nnh=1 / (risk - base) if ci is not None and ci[0] > 1 else None,
                against=title(knowledge, control[0].treatment) + added,
                trial=trial.id,
                mark=result.mark,
            )
        )
    return found
