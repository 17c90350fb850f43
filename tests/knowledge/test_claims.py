"""Every claim is found in its wordings, its opposite in the opposite ones; rules and evidence still decide it."""

from importlib.util import find_spec

import pytest

from eutonia.claims import check
from eutonia.knowledge import load
from eutonia.knowledge.articles import Claim

KNOWLEDGE = load()
CLAIMS = list(KNOWLEDGE.claims.values())
IDS = [claim.id for claim in CLAIMS]


def said(words: str) -> set[tuple[str, bool, str]]:
    return {(found.claim, found.denied, found.verdict) for found in check(words, KNOWLEDGE).claims}


def test_there_are_at_least_120_claims_on_more_than_one_drug() -> None:
    assert len(CLAIMS) >= 120
    assert len({claim.about for claim in CLAIMS}) >= 20


@pytest.mark.parametrize("claim", CLAIMS, ids=IDS)
def test_a_claim_is_found_in_each_of_its_wordings(claim: Claim) -> None:
    assert [w for w in claim.wordings if (claim.id, False, claim.verdict) not in said(w)] == []


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.opposite], ids=lambda claim: claim.id)
def test_its_denial_is_found_and_gets_the_other_verdict(claim: Claim) -> None:
    opposite = claim.opposite
    assert opposite is not None
    assert opposite.verdict != claim.verdict
    assert [w for w in opposite.wordings if (claim.id, True, opposite.verdict) not in said(w)] == []


@pytest.mark.parametrize("claim", CLAIMS, ids=IDS)
def test_a_claim_has_several_wordings_and_a_source(claim: Claim) -> None:
    assert claim.sources
    assert len(set(claim.wordings)) == len(claim.wordings) >= 2
    assert claim.correction.endswith((".", ")"))


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.decided_by], ids=lambda claim: claim.id)
def test_the_rules_that_decide_a_claim_still_say_so(claim: Claim) -> None:
    """A rule that grows milder or graver asks for a new look at the verdict."""
    for basis in claim.decided_by:
        if basis.rule:
            assert basis.rule in KNOWLEDGE.rules, f"{claim.id} rests on {basis.rule}, which is gone"
            assert KNOWLEDGE.rules[basis.rule].severity == basis.severity, basis.rule


@pytest.mark.skipif(find_spec("eutonia.appraisal") is None, reason="pooled results are not installed")
@pytest.mark.parametrize(
    ("claim", "question", "finds"),
    [(c.id, b.evidence, b.finds) for c in CLAIMS for b in c.decided_by if b.evidence],
)
def test_the_pooled_results_that_decide_a_claim_still_say_so(claim: str, question: str, finds: str) -> None:
    from eutonia.appraisal import evidence

    therapy, condition, outcome = question.split()
    result = evidence(therapy, condition=condition, outcome=outcome)
    assert finding(result) == finds, claim


def finding(result: object) -> str:
    if result.answer == "no-usable-data" or result.ci is None:  # type: ignore[attr-defined]
        return "no-usable-data"
    _, high = result.ci  # type: ignore[attr-defined]
    return "benefit" if high < 0 else "no-clear-benefit"


def test_an_honest_leaflet_mentions_what_a_bare_one_omits() -> None:
    bare = check("Carisoprodol relaxes muscles. Carisoprodol is a tablet.", KNOWLEDGE)
    told = {o.omission for o in bare.omissions}
    assert {"car-says-porphyria", "car-says-triple", "car-says-schedule", "car-says-driving"} <= told
    honest = check(
        "Carisoprodol is a schedule IV controlled substance. People with porphyria must not take it. Do not drive "
        "after taking it. Never take carisoprodol with an opioid and a benzodiazepine.",
        KNOWLEDGE,
    )
    left = {o.omission for o in honest.omissions}
    assert not {"car-says-porphyria", "car-says-triple", "car-says-schedule", "car-says-driving"} & left
    assert "car-says-pregnancy" in left


def test_omissions_are_asked_only_of_the_article_s_own_topics() -> None:
    topics = {
        o.topic for o in check("Yoga helps chronic back pain. Yoga classes are fun.", KNOWLEDGE).omissions
    }
    assert "carisoprodol" not in topics


SPOKEN_OF = {
    "car": "Carisoprodol", "cyc": "Cyclobenzaprine", "mtc": "Methocarbamol", "tiz": "Tizanidine", "bac": "Baclofen",
    "met": "Metaxalone", "nsaid": "NSAIDs", "apap": "Acetaminophen", "mfr": "Myofascial release", "mag": "Magnesium",
    "manip": "Spinal manipulation", "opioid": "Opioids", "smr": "Muscle relaxants", "heat": "Heat", "dzp": "Diazepam",
}  # fmt: skip
"""First part of a rule's id → the heading under which its words are read."""


def test_what_the_rules_say_is_next_to_never_called_wrong() -> None:
    """Hundreds of sentences that were not written for this: rules and claims would part, or the reader errs."""
    sentences, alarms = 0, []
    for rule in KNOWLEDGE.rules.values():
        heading = SPOKEN_OF.get(rule.id.split("-")[0], "Back pain")
        result = check(f"# {heading}\n\n{rule.say} {rule.do}", KNOWLEDGE)
        sentences += result.sentences
        alarms += [(rule.id, c.claim, c.quote) for c in result.claims if c.verdict != "supported"]
    assert len(alarms) <= 0.02 * sentences, alarms


def test_what_a_claim_s_correction_says_is_next_to_never_called_wrong() -> None:
    sentences, alarms = 0, []
    for claim in CLAIMS:
        for words in {claim.correction, claim.opposite.correction if claim.opposite else claim.correction}:
            result = check(f"# {claim.about.replace('-', ' ')}\n\n{words}", KNOWLEDGE)
            sentences += result.sentences
            alarms += [(claim.id, c.claim, c.quote) for c in result.claims if c.verdict != "supported"]
    assert len(alarms) <= 0.02 * sentences, alarms


SIDES = [
    ("A past addiction is no reason to decline Soma.", "car-misuse-history", True),
    ("Being pregnant needn't stop you from taking Soma.", "car-pregnancy", False),
    ("There is no need to wean off baclofen.", "bac-abrupt", False),
    ("There isn't enough evidence to say that Soma is safe in pregnancy.", "car-pregnancy", True),
    ("Soma is great for a neck that refuses to let up.", "car-chronic-back", False),
    ("Robaxin won't leave you as drowsy as Soma.", "mtc-less-sedating", False),
    ("Metaxalone is not as sedating as carisoprodol.", "met-less-sedating", False),
    ("There is little reason to think Soma works for chronic back pain.", "car-chronic-back", True),
    ("Methocarbamol is the least sedating relaxant.", "mtc-less-sedating", False),
    ("Ask for advice on Soma rather than stopping it abruptly.", "car-stop-suddenly", True),
    ("Soma isn't for children, and hasn't been shown safe for them.", "car-children", True),
    ("Soma should be avoided in people with a record of drug abuse.", "car-misuse-history", False),
    ("Soma is not safe for teenage athletes with a pulled muscle.", "car-children", True),
    ("Soma helps people who have had pain for six months.", "car-chronic-back", False),
    ("The Beers list says old people should avoid muscle relaxers.", "relaxant-elderly", True),
    ("Never quit Soma cold turkey because you can get seizures.", "car-withdrawal", False),
    ("Stopping Soma suddenly does not cause seizures.", "car-withdrawal", True),
    ("Carisoprodol does not pass into breast milk.", "car-in-milk", True),
    ("Many doctors combine Soma with opioids such as hydrocodone for stronger relief.", "car-opioid", False),
    ("Cyclobenzaprine is safer than carisoprodol for older adults.", "relaxant-elderly-safer", False),
    ("After a session of myofascial release you may feel sore for a day or two.", "mfr-soreness", False),
]
"""What turns a claim round, and what only looks so: (sentence, its one claim, whether it denies it)."""


@pytest.mark.parametrize(("words", "claim", "denied"), SIDES, ids=[words for words, _, _ in SIDES])
def test_a_sentence_is_taken_for_its_one_claim_on_the_right_side(
    words: str, claim: str, denied: bool
) -> None:
    assert [(c.claim, c.denied) for c in check(words, KNOWLEDGE).claims] == [(claim, denied)]


@pytest.mark.parametrize(
    "words",
    [
        "It would be a mistake to think Soma is not addictive.",
        "Soma may look harmless but is anything but.",
        "Flexeril, Robaxin or Soma can be used.",
        "The 350 mg tablet of Soma is white and round.",
        "Carisoprodol vs cyclobenzaprine.",
    ],
)
def test_nothing_is_read_into_rejected_speech_choices_and_tablet_sizes(words: str) -> None:
    assert check(words, KNOWLEDGE).claims == ()


@pytest.mark.parametrize(
    ("words", "claim", "denied"),
    [
        ("Anyone who tells you Soma is not addictive is kidding you.", "car-dependence", False),
        ("The idea that Soma is safe in pregnancy is nonsense.", "car-pregnancy", True),
        ("Those who say Soma cures fibromyalgia are wrong.", "car-fibromyalgia", True),
        ("The claim that massage flushes out toxins has been debunked.", "massage-toxins", True),
        ("It is a myth that Flexeril does not make you drowsy.", "cyc-drowsy", False),
        ("Will Soma cure a bad back? No.", "car-cure", True),
        ("May people with porphyria take Soma? Please don't.", "car-porphyria", True),
    ],
)
def test_what_is_refuted_is_denied(words: str, claim: str, denied: bool) -> None:
    claims = check(words, KNOWLEDGE).claims
    assert (claim, denied) in {(c.claim, c.denied) for c in claims}
    assert {c.verdict for c in claims} == {"supported"}


def test_drugs_joined_by_or_are_no_combination() -> None:
    """“A and B together” is one."""
    pair = {"car-two-relaxants", "relaxant-two"}
    assert not pair & {claim for claim, _, _ in said("Older patients may take Soma or baclofen with care.")}
    assert pair & {claim for claim, _, _ in said("Older patients may take Soma and baclofen together.")}
