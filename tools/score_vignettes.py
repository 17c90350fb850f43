"""Score a file of vignettes: sensitivity and precision over rules, verdicts right.

    python tools/score_vignettes.py FILE

A rule of severity caution or graver that fires without being expected or allowed counts against precision;
so does anything that the file says must not fire. Monitor and info rules count where the file names them.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from eutonia.assessment import Assessment, assess_all
from eutonia.reading import read

ALLOWED_ANYWHERE = ("data-sex-pregnancy-unknown", "data-renal-missing", "*-info")
GRAVE = ("contraindicated", "avoid", "caution")


class Score(NamedTuple):
    """How one vignette was answered."""

    id: str
    verdict: str
    expected_verdict: str
    found: Sequence[str]
    missed: Sequence[str]
    wrong: Sequence[str]
    """Fired although not expected, or although it must not."""


def score(vignette: Mapping[str, Any], assessment: Assessment) -> Score:
    expected = vignette["expected"]
    fired = {issue.rule: issue.severity for plan in assessment.plans for issue in plan.issues}
    wanted = [finding["rule"] for finding in expected["findings"]]
    banned = expected["must_not_fire"]
    allowed = (*wanted, *expected["allowed_extra"], *ALLOWED_ANYWHERE)
    wrong = [
        rule
        for rule, severity in fired.items()
        if _named(rule, banned) or (severity in GRAVE and not _named(rule, allowed))
    ]
    return Score(
        vignette["id"],
        assessment.verdict,
        expected["verdict"],
        [rule for rule in wanted if rule in fired],
        [rule for rule in wanted if rule not in fired],
        wrong,
    )


def _named(rule: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(rule, pattern) for pattern in patterns)


def score_file(path: Path) -> list[Score]:
    vignettes = yaml.safe_load(path.read_text())["vignettes"]
    assessments = assess_all([read(v) for v in vignettes])
    return [score(v, a) for v, a in zip(vignettes, assessments, strict=True)]


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    scores = score_file(Path(sys.argv[1]))
    for s in scores:
        right = s.verdict == s.expected_verdict
        notes = [f"missed {', '.join(s.missed)}"] if s.missed else []
        notes += [f"not expected: {', '.join(s.wrong)}"] if s.wrong else []
        verdict = s.verdict if right else f"{s.verdict} (expected {s.expected_verdict})"
        print(f"{s.id}  {'ok ' if right and not notes else '-- '} {verdict}  {'; '.join(notes)}")
    found, missed, wrong = (
        sum(len(part) for part in parts) for parts in zip(*(s[3:] for s in scores), strict=True)
    )
    print(f"verdicts right     {sum(s.verdict == s.expected_verdict for s in scores)} of {len(scores)}")
    print(f"sensitivity        {found} of {found + missed} ({found / (found + missed):.1%})")
    print(f"precision          {found} of {found + wrong} ({found / (found + wrong):.1%})")


if __name__ == "__main__":
    main()
