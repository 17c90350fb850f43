"""eutonia check: spans, context, HTML, hostile input, and what is and is not a claim."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.claims import check, decode
from eutonia.claims.report import as_page, as_text
from eutonia.cli import main
from eutonia.errors import InputError

ROOT = Path(__file__).parents[2]

ADVERT = """# Soma

Soma is a fast-acting relaxant. It is safe for long-term use. Is it addictive? No.

✓ No side effects
✓ Works within 30 minutes

| Factor | Myofascial release | Carisoprodol |
| --- | --- | --- |
| Side effects | None | Drowsiness |
| Addiction | None | Possible if misused |

Dr. Smith took 2.5 tablets, e.g. at 8 a.m. Then he slept.
"""


def found(text: str) -> list[tuple[str, str]]:
    """(quote, claim), with ~ before a claim that is denied."""
    return [(c.quote, ("~" if c.denied else "") + c.claim) for c in check(text).claims]


def claims(text: str) -> list[str]:
    return [claim for _, claim in found(text)]


# What is quoted


def test_spans_quote_the_text_exactly() -> None:
    result = check(ADVERT)
    assert len(result.claims) >= 7
    assert all(ADVERT[c.start : c.end] == c.quote for c in result.claims)


def test_spans_of_html_point_into_the_visible_text() -> None:
    html = (
        "<h1>Soma</h1><p>It is <b>not</b> addictive &amp; has <i>no side effects</i>.</p>"
        "<script>Soma is safe.</script>"
    )
    result = check(html)
    assert result.text is not None
    assert "script" not in result.text
    assert {c.claim for c in result.claims} == {"car-dependence", "car-no-side-effects"}
    assert all(result.text[c.start : c.end] == c.quote for c in result.claims)


def test_sentences_end_at_full_stops_and_not_at_abbreviations_or_decimals() -> None:
    assert check(ADVERT.splitlines()[-1] + " Soma is addictive.").sentences == 3


# What a sentence is about


def test_the_heading_is_the_subject_of_what_stands_under_it() -> None:
    assert claims("# Soma\n\nIt is safe for long-term use.") == ["car-long-term"]
    assert claims("# Myofascial release\n\nIt has no side effects.") == ["mfr-no-side-effects"]


def test_the_sentence_before_is_the_subject_too() -> None:
    assert "~car-stop-suddenly" in claims("Soma is a relaxant. Do not stop it suddenly.")


def test_nothing_is_said_without_a_subject() -> None:
    assert claims("It is not addictive. It works within 30 minutes.") == []


def test_another_drug_is_not_the_article_s_drug() -> None:
    assert claims("# Soma\n\nMetformin is safe for long-term use.") == []


def test_what_a_drug_is_compared_with_is_not_the_subject() -> None:
    assert claims("Unlike Soma, ibuprofen is not addictive.") == ["nsaid-not-addictive"]


def test_a_list_is_read_under_the_line_that_introduces_it() -> None:
    text = "Carisoprodol is used to treat:\n\n- fibromyalgia\n- nerve pain\n"
    assert found(text) == [("fibromyalgia", "car-fibromyalgia"), ("nerve pain", "car-non-muscular")]


def test_a_table_cell_is_about_its_column_and_row() -> None:
    cells = [(q, c) for q, c in found(ADVERT) if q in ("None", "Drowsiness", "Possible if misused")]
    assert cells == [
        ("None", "mfr-no-side-effects"),
        ("Drowsiness", "car-common-side-effects"),
        ("None", "mfr-not-addictive"),
        ("Possible if misused", "car-habit-if-misused"),
    ]


def test_a_table_in_html_is_read_like_one_in_text() -> None:
    html = (
        "<table><tr><th></th><th>MFR</th><th>Soma</th></tr>"
        "<tr><td>Long-term use</td><td>Safe</td><td>Not recommended</td></tr></table>"
    )
    assert found(html) == [("Safe", "mfr-long-term-safe"), ("Not recommended", "~car-long-term")]


# What is a claim


@pytest.mark.parametrize(
    "text",
    [
        "Is Soma safe for long-term use?",
        "Myth: Soma is not addictive.",
        "Some people believe that Soma is not addictive.",
        "## Myths\n\nSoma is not addictive.",
        "Sellers say that Prosoma is the same as Soma.",
        "## Safe use of Soma in older adults",
        "## Soma\n\n❌ Safe for long-term use",
    ],
)
def test_questions_and_quoted_statements_are_no_claims(text: str) -> None:
    assert claims(text) == []


def test_knocked_out_for_good_is_not_cured() -> None:
    assert "car-cure" not in claims("Booze and Soma together can knock you out for good.")
    assert "car-cure" in claims("Soma fixes muscle spasm for good.")


def test_what_nobody_has_shown_is_not_claimed() -> None:
    assert claims("Nobody has shown that four to six sessions of myofascial release are enough.") == []
    assert claims("Baclofen is meant for spasticity and not for an ordinary sore back.") in (
        [],
        ["~bac-back-pain"],
    )


def test_yes_and_no_answer_the_question_before() -> None:
    assert claims("Can I drink alcohol while taking Soma? No.") == ["~car-alcohol"]
    assert claims("Can I drink alcohol while taking Soma? Yes, a little.") == ["car-alcohol"]
    assert "~car-dependence" in claims("Q: Is Soma addictive?\nA: Not at all.")


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("Soma is safe for long-term use.", "car-long-term"),
        ("Soma is not safe for long-term use.", "~car-long-term"),
        ("Soma is unsafe for long-term use.", "~car-long-term"),
        ("Soma can be used for years.", "car-long-term"),
        ("Soma should not be used for more than three weeks.", "~car-long-term"),
        ("Soma should be used for up to 2–3 weeks.", "car-short-use-only"),
        ("Soma works within 30 minutes.", "car-onset-fast"),
        ("Soma does not work within 30 minutes.", "~car-onset-fast"),
        ("Clear relief on Soma took three days.", "car-relief-by-day-3"),
        ("Soma 500 mg is a relaxant.", "car-500-mg"),
        ("Soma comes in 350 mg tablets.", "car-350-mg"),
        ("Soma is not without risk of dependence.", "car-dependence"),
        ("Tolerance to Soma never develops.", "~car-tolerance"),
        ("Dependence does not occur with Soma.", "~car-dependence"),
        ("No study has shown that Soma helps chronic back pain.", "~car-chronic-back"),
        ("Withdrawal from Soma only happens to addicts.", "car-habit-if-misused"),
        ("You can take up to 6 grams of Tylenol a day.", "apap-over-4g"),
    ],
)
def test_negation_and_numbers_decide_the_side(text: str, claim: str) -> None:
    assert claim in claims(text)


# The command


def run(*arguments: str, text: str | bytes = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["check", *arguments], input=text)
    assert not isinstance(result.exception, Exception) or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("text", "claim", "denied"),
    [
        ("Ibuprofen won't bother weak kidneys.", "nsaid-kidney", False),
        ("Patients with a weak heart have problems and should not take Flexeril.", "cyc-heart", True),
        ("Soma doesn't impair driving.", "car-driving-no-effect", True),
        ("Baclofen by day and tizanidine by night can be combined without trouble.", "relaxant-two", False),
        ("Soma is not just a sedative, but it can be habit-forming.", "car-dependence", False),
        ("Massage feels good, but it has side effects.", "massage-safe", True),
        ("Carisoprodol is for short-term use of two to three weeks.", "car-short-use-only", False),
    ],
)
def test_everyday_words_and_ellipsis_are_read(text: str, claim: str, denied: bool) -> None:
    assert (claim, denied) in {(found.claim, found.denied) for found in check(text).claims}


def test_both_together_is_about_the_two_that_the_article_speaks_of() -> None:
    text = "Soma relaxes muscle. Myofascial release works on fascia.\n\nBoth can be used together."
    assert "car-with-mfr" in claims(text)


def test_weeks_of_pregnancy_are_no_length_of_use() -> None:
    assert [c.claim for c in check("Avoid NSAIDs from 20 weeks of pregnancy.").claims] == ["nsaid-pregnancy"]


def test_progress_is_told_and_grows() -> None:
    told: list[tuple[int, int]] = []
    check("Soma is safe. " * 1200, progress=lambda done, of: told.append((done, of)))
    assert told == sorted(told)
    assert {of for _, of in told} == {2400}


def test_json_has_the_fields_of_the_contract(tmp_path: Path) -> None:
    article = tmp_path / "article.txt"
    article.write_text(ADVERT)
    status, out, _ = run(str(article), "--json")
    answer = json.loads(out)
    assert status == 0
    assert answer["schema"] == "eutonia/claims/1"
    assert {"claims", "omissions", "sentences", "sentences_matched"} <= set(answer)
    for claim in answer["claims"]:
        assert ADVERT[claim["start"] : claim["end"]] == claim["quote"]
        assert claim["verdict"] in ("supported", "misleading", "wrong", "unproven")
        assert claim["correction"]
        assert all(source["key"] and source["mark"] for source in claim["sources"])


def test_the_terminal_shows_the_text_with_marks_corrections_and_omissions() -> None:
    status, out, _ = run("-", text=ADVERT)
    assert status == 0
    assert "It is safe for long-term use. [✗" in out
    assert "two or three weeks at most" in out
    assert "porphyria" in out
    assert "were not judged" in out


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "no words"), (b"  \n\n", "no words"), (b"12 34", "no words"), (b"\x00\x01\x02", "binary")],
)
def test_what_is_no_text_is_a_clear_error(content: bytes, says: str) -> None:
    status, out, err = run("-", text=content)
    assert (status, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


def test_a_file_that_is_not_there_is_a_clear_error() -> None:
    status, _, err = run("nowhere.txt")
    assert status == 2
    assert "nowhere.txt" in err


def test_encodings_of_office_programs_are_read() -> None:
    assert decode("“Soma”".encode("utf-16")) == "“Soma”"
    assert decode("“Soma”".encode("cp1252")) == "“Soma”"
    assert decode(b"\xef\xbb\xbfSoma") == "Soma"


# Hostile articles


def test_nothing_of_an_article_is_reflected_unescaped() -> None:
    text = (
        'Soma is not addictive <img src=x onerror=alert(1)> & "quoted". {{ 7*7 }} <script>alert(1)</script>'
    )
    page = as_page(check(text), text)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "49" not in page.split("</style>")[1].split("What is left out")[0]
    assert "default-src 'none'" in page


def test_control_characters_and_turned_text_do_not_reach_the_terminal() -> None:
    text = "Soma is \x1b[31mnot addictive\x07. \u202eSoma is safe.\u202c"
    shown = as_text(check(text), text).replace("\x1b[0m", "")
    assert "\x07" not in shown
    assert "\u202e" not in shown


def test_invisible_characters_do_not_hide_a_claim() -> None:
    assert "~car-dependence" in claims("So\u200bma is not ad\u00addictive.")


def test_size_and_depth_are_limited() -> None:
    with pytest.raises(InputError, match="in parts"):
        check("Soma is safe. " * 800_000)
    with pytest.raises(InputError, match="elements within each other"):
        check("<div>" * 100_000 + "Soma is safe." + "</div>")


@pytest.mark.parametrize(
    "text",
    [
        "." * 50_000 + "a",
        "a" * 200_000,
        "a|b|" * 20_000,
        "not " * 5_000,
        "- " * 9_000 + "a",
        "<p><b>" * 400 + "a",
    ],
)
def test_odd_texts_are_read_without_harm(text: str) -> None:
    assert check(text).claims == ()


fragments = st.sampled_from(
    ["Soma", "is", "not", "safe", ".", "\n", "\n\n", "- ", "| ", "✓ ", "# ", "30 minutes", "never", "and", "than",
     "<p>", "</p>", "Is it?", "No", ":", "500 mg", "2–3 weeks", "\u202e", "\x00", "e.g.", "…", "ibuprofen", "alcohol",
     "<script>", "&amp;", "\r\n"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(fragments | st.text(max_size=6), max_size=40))
def test_any_text_is_checked_or_refused_and_spans_hold(pieces: list[str]) -> None:
    text = " ".join(pieces)
    try:
        result = check(text)
    except InputError:
        return
    shown = result.text or text
    assert all(shown[c.start : c.end] == c.quote and c.start < c.end for c in result.claims)
    assert result.sentences_matched <= result.sentences
    assert "\u202e" not in as_text(result, text)
    assert "<script>" not in as_page(result, text)


# How well


def test_scores_stay_above_what_was_promised() -> None:
    import sys

    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from score_claims import false_alarms, score, strangers_score
    finally:
        sys.path.pop(0)
    test = score("test")
    assert test.match_precision >= 0.95
    assert test.match_recall >= 0.85
    stranger = strangers_score("test")
    assert stranger is not None
    assert stranger.precision >= 0.75
    assert stranger.recall >= 0.5
    sentences, alarms, _ = false_alarms()
    assert alarms <= 0.01 * sentences
