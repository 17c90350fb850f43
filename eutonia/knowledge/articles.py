"""What articles claim, what they leave out, and how English puts it.

A claim is recognised by its concepts: each line of `says` names concepts of which one must be found in the
sentence. The sign that negation gives them says whether the sentence makes the claim or denies it.
"""

from dataclasses import field
from typing import Literal

from eutonia.knowledge.common import Citation, Severity, entry

Judgement = Literal["supported", "misleading", "wrong", "unproven"]
"""What is known of a claim. unproven: nobody has shown it; misleading: true words that give a false picture."""


@entry
class Basis:
    """A rule or pooled result that decides a claim. Tests fail where the two part."""

    rule: str = ""
    severity: Severity | None = None
    """What the rule must say for the verdict to stand."""
    evidence: str = ""
    """Therapy, condition and outcome, as `eutonia evidence` takes them."""
    finds: Literal["", "benefit", "no-clear-benefit", "no-usable-data"] = ""


@entry
class Opposite:
    """The verdict on those who deny the claim."""

    statement: str
    verdict: Judgement
    correction: str
    wordings: tuple[str, ...]


@entry
class Claim:
    """One checkable statement of articles about a drug or therapy."""

    id: str
    statement: str
    about: str
    """The topic it is about; where a sentence names none, the heading or paragraph does."""
    says: tuple[str, ...]
    """Each line must be found: concepts or topics with `|` between alternatives, `-` before one that must be
    denied, `than:TOPIC` for the one compared with, `two:TOPIC` for two of its kind, or a quantity such as
    `days > 21`."""
    unless: tuple[str, ...] = ()
    """Concepts that make it another statement."""
    or_says: tuple[str, ...] = ()
    """Another way to say it, instead of `says`."""
    verdict: Judgement
    correction: str
    opposite: Opposite | None = None
    wordings: tuple[str, ...]
    """Ways people put it; each is a test."""
    sources: tuple[Citation, ...]
    decided_by: tuple[Basis, ...] = ()
    note: str = ""


@entry
class Frame:
    """A way in which many claims are put: that something may be done, or that it works."""

    concepts: tuple[str, ...]
    """The first that a claim names decides; `-` before one that says the contrary. None: the frame of other claims."""
    made: tuple[str, ...]
    """Idioms that say so, about whatever it may be; `(a|b)` for either of two."""
    denied: tuple[str, ...]


@entry
class Likeness:
    """How evidence is weighed: two sums that a logistic curve turns into probabilities; see tools/teach_claims.py."""

    start: float
    """Of the first sum, before any evidence."""
    claim: dict[str, float]
    """Evidence that the sentence speaks of the claim → weight, 0 or more."""
    side: dict[str, float]
    """Evidence for the claim made, or, below 0, denied → weight, 0 or more."""
    accept: float
    """From which product of the two probabilities on a claim is said to be found."""
    further: float
    """The same of a second claim in one sentence."""
    sources: tuple[Citation, ...]


@entry
class Omission:
    """What an honest article on a topic must say."""

    id: str
    title: str
    about: str
    says: tuple[str, ...]
    """How its presence is recognised: one of these lines, each like a line of a claim with `&` between parts."""
    why: str
    sources: tuple[Citation, ...]
    note: str = ""


@entry
class Topic:
    """A drug, class or therapy as articles name it."""

    names: tuple[str, ...]
    part_of: tuple[str, ...] = ()
    """Wider topics whose claims apply to it too."""
    kinds: tuple[str, ...] = ()
    """Words for its kind (“Soma is a *muscle relaxant*”), which name no other subject beside it."""
    companion: bool = False
    """Taken beside a treatment; in a list with another that a claim names, it is no other subject."""


@entry
class Concept:
    """Words that say one thing. `*` ends a word early; `~` stands for up to three words; `(a|b)` for either of two.

    Several families may hold words of one concept: the plain ones in one file, everyday ones in another.
    """

    words: tuple[str, ...] = ()
    opposite: tuple[str, ...] = ()
    """Words that say the contrary."""
    if_denied: tuple[str, ...] = ()
    """Words that say the contrary where they are denied, and nothing otherwise (“do not *take*”)."""
    fine_if_denied: tuple[str, ...] = ()
    """Words that say it where they are denied, and nothing otherwise (“won't *hurt*”)."""
    polar: bool = True
    """Whether a negation before it can turn it round; a circumstance (pregnancy, long-term) is not polar."""
    swallows: bool = False
    """Whether a drug that these words name is no topic of the sentence (“allergic to meprobamate”)."""


@entry
class Wording:
    """A family of topics and concepts."""

    id: str
    title: str
    topics: dict[str, Topic] = field(default_factory=dict)
    concepts: dict[str, Concept] = field(default_factory=dict)


@entry
class Language:
    """The small words of a language that turn, split, quote or compare."""

    id: str
    title: str
    negations: tuple[str, ...]
    firm: tuple[str, ...]
    """Negations that turn a circumstance too where nothing else follows (“not for long-term relief”)."""
    permissions: tuple[str, ...]
    """Words by which a verb allows (“you *can* take”)."""
    not_negations: tuple[str, ...]
    """Phrases that look like a negation and are none (“not only”)."""
    later_negations: tuple[str, ...]
    """Phrases that deny what stands before them (“has not been shown”)."""
    stops: tuple[str, ...]
    """Words that end the reach of a negation."""
    breaks: tuple[str, ...]
    """Words between two statements of one sentence."""
    openers: tuple[str, ...]
    """Words that open a subordinate statement, which then ends at the comma."""
    attributed: tuple[str, ...]
    """Phrases by which the author reports a statement that is not his."""
    refutations: tuple[str, ...]
    """What stands before and after (`…`) a statement that the author refutes, or before it only."""
    doubts: tuple[str, ...]
    """Openings after which nothing is claimed, only denied (“Nobody has shown that …”)."""
    myths: tuple[str, ...]
    """Labels of a statement that the author quotes to refute."""
    facts: tuple[str, ...]
    asides: tuple[str, ...]
    """Words after which a topic is what something is compared with."""
    examples: tuple[str, ...]
    """Words after which a topic is an example and not the subject."""
    questions: tuple[str, ...]
    """First words of a question that yes or no answers."""
    drawbacks: tuple[str, ...]
    """Words of a heading under which a cross marks an item, and does not deny it."""
    titles: tuple[str, ...]
    """First words of a heading that names its section and says nothing of the items below."""
    reasons: tuple[str, ...]
    """Words by which a question asks two things at once (“Is it harmless *because* …?”)."""
    open_questions: tuple[str, ...]
    """First words of a question that yes or no does not answer."""
    yes: tuple[str, ...]
    no: tuple[str, ...]
    abbreviations: tuple[str, ...]
    """Words whose full stop does not end a sentence."""
    short_use_days: int
    """A length up to which is short-term use, and beyond which long-term."""
    numbers: dict[str, float]
    at_most: tuple[str, ...]
    above: tuple[str, ...]
    frames: dict[str, Frame]
    """Tried in order."""
    beside_the_point: tuple[str, ...]
    """Sentences on the topics of claims that make none."""
    likeness: Likeness
    units: dict[str, dict[str, float]]
    """Kind of quantity → unit as written → factor."""
