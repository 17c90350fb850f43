"""Write knowledge/trials from an arm table and a contrast table, once: the YAML files are the source from then on.

    python tools/trials_from_tables.py trials.csv contrasts.csv eutonia/knowledge/trials

Names are brought to eutonia's; values stay as they were printed. A file that exists is left alone.
"""

import re
import sys
from pathlib import Path
from typing import Any

import polars as pl
import yaml

POPULATIONS = {
    "acute_lbp": "acute-low-back-pain",
    "chronic_lbp": "chronic-low-back-pain",
    "neck_pain": "neck-pain",
    "fibromyalgia": "fibromyalgia",
    "tension_headache": "headache",
    "acute_spasm_back_neck": "acute-back-or-neck-spasm",
    "acute_lbp_neck": "acute-back-or-neck-pain",
    "nonspecific_lbp": "low-back-pain-any-duration",
    "mixed_lbp": "low-back-pain-any-duration",
    "chronic_lbp_or_oa": "chronic-back-pain-or-osteoarthritis",
    "chronic_lbp_neuropathic": "chronic-neuropathic-back-pain",
}

TREATMENTS = {
    "mfr": ("myofascial-release", ""),
    "mfr_direct": ("myofascial-release", "direct technique"),
    "mfr_indirect": ("myofascial-release", "indirect technique"),
    "self_mfr": ("self-myofascial-release", ""),
    "massage_mfr": ("massage-and-myofascial-release", ""),
    "sham_mfr": ("sham-touch", ""),
    "sham": ("sham-procedure", ""),
    "smt": ("spinal-manipulation", ""),
    "smt_plus_exercise": ("manipulation-and-exercise", ""),
    "osteopathic_mt": ("osteopathic-treatment", ""),
    "mbsr": ("mindfulness", "mindfulness-based stress reduction"),
    "heat_wrap": ("heat", "heat wrap"),
    "cyclobenzaprine_sl": ("cyclobenzaprine", "sublingual"),
    "cyclobenzaprine_er": ("cyclobenzaprine", "extended release"),
    "massage_structural": ("massage", "structural"),
    "massage_relaxation": ("massage", "relaxation"),
    "pf06372865": ("pf-06372865", ""),
    "medication_fm": ("fibromyalgia-medication", ""),
}

OUTCOMES = {"any_ae": "any-adverse-event", "pain_mpq": "pain-mcgill", "pain_sfmpq": "pain-short-mcgill"}

ADDED_TO = {
    "naproxen": "naproxen",
    "ibuprofen": "ibuprofen",
    "diclofenac": "diclofenac",
    "advice plus acetaminophen": "acetaminophen",
    "physical therapy, anticonvulsant": "physical-therapy-and-drugs",
    "specific back exercises": "exercise",
    "ultrasound and TENS": "ultrasound-and-tens",
}

SAME_PEOPLE = {
    "soma_label_pooled": ["ralph2008", "serfer2010"],
    "flexeril_label_pooled": ["borenstein2003_s1", "borenstein2003_s2"],
    "arguisuelas2019": ["arguisuelas2017"],
}

DESIGNS = {
    "liptan2013": "not-randomised",
    "schnitzer2000": "enriched-withdrawal",
    "soma_label_pooled": "pooled-report",
    "flexeril_label_pooled": "pooled-report",
}


def named(treatment: str) -> tuple[str, str]:
    return TREATMENTS.get(treatment, (treatment.replace("_", "-"), ""))


def outcome(name: str) -> str:
    return OUTCOMES.get(name, name.replace("_", "-"))


def number(text: str | None, whole: bool = False) -> float | int | None:
    if text in (None, ""):
        return None
    return int(float(text)) if whole or float(text).is_integer() else float(text)


def filled(pairs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in pairs.items() if value not in (None, "", [], {}, False)}


def added_to(background: str) -> str:
    return next((name for start, name in ADDED_TO.items() if background.startswith(start)), "")


def scale(row: dict[str, Any]) -> list[float | int | None] | None:
    return (
        [number(row["scale_min"]), number(row["scale_max"])] if row["scale_min"] not in (None, "") else None
    )


def better(row: dict[str, Any]) -> str:
    return (row["direction"] or "").removesuffix("_better")


def mark(row: dict[str, Any]) -> str:
    return str(row["confidence_mark"]).replace("_", "-")


def trial(trial_id: str, arms: list[dict[str, Any]], contrasts: list[dict[str, Any]]) -> dict[str, Any]:
    head = (arms or contrasts)[0]
    told = [str(row["note"] or "") for row in [*arms, *contrasts]]
    level, _, why = str(head["risk_of_bias"]).partition("(")
    found_arms: dict[str, Any] = {}
    for row in arms:
        treatment, form = named(row["treatment"])
        known = found_arms.setdefault(row["arm"], {"treatment": treatment})
        known.update(
            filled(
                {
                    "form": form,
                    "dose": row["dose"],
                    "n": number(row["n_randomised"], whole=True),
                    "added_to": added_to(row["background"] or ""),
                    "background": row["background"],
                }
            )
        )
    if not arms:
        letters = iter("ABCDEFGH")
        names = dict.fromkeys(name for row in contrasts for name in (row["treatment"], row["comparator"]))
        found_arms = {
            next(letters): filled(dict(zip(("treatment", "form"), named(n), strict=True))) for n in names
        }
    return filled(
        {
            "title": head["citation"],
            "year": number(head["year"], whole=True),
            "identifier": head["doi_or_pmid"],
            "identifier_mark": head["identifier_mark"],
            "population": POPULATIONS[head["condition"]],
            "setting": head.get("setting"),
            "design": DESIGNS.get(trial_id, "randomised"),
            "same_people_as": SAME_PEOPLE.get(trial_id),
            "enrolled": enrolled(told),
            "industry": bool(re.search("industry|maker funded", str(head["risk_of_bias"]))),
            "risk_of_bias": filled({"level": bias(level), "why": why.removesuffix(")") or unusual(level)}),
            "arms": found_arms,
            "results": [result(row) for row in arms],
            "contrasts": [contrast(row) for row in contrasts],
        }
    )


def bias(level: str) -> str:
    first = level.strip()
    if first.startswith(("some", "low to some")):
        return "some"
    return next((word for word in ("low", "high") if first.startswith(word)), "unclear")


def unusual(level: str) -> str:
    return level.strip() if level.strip() not in ("low", "high", "some concerns", "unclear") else ""


def enrolled(notes: list[str]) -> int | None:
    for note in notes:
        found = re.search(
            r"(?:enrolment |total about |total )(\d{2,4})\b|\b(\d{2,4}) (?:enrolled )?in total", note
        )
        found = found or re.search(r"\b(\d{2,4}) randomised", note)
        if found:
            return int(found[1] if found[1] else found[2])
    return None


def result(row: dict[str, Any]) -> dict[str, Any]:
    return filled(
        {
            "arm": row["arm"],
            "outcome": outcome(row["outcome"]),
            "n": number(row["n_analysed"], whole=True),
        }
    ) | {"day": number(row["timepoint_days"], whole=True)} | {
        name: value
        for name, value in {
            "mean": number(row["mean"]),
            "sd": number(row["sd"]),
            "se": number(row["se"]),
            "events": number(row["events"], whole=True),
            "kind": row["mean_type"] or None,
            "scale": scale(row),
            "better": better(row) or None,
            "mark": mark(row),
            "note": row["note"] or None,
        }.items()
        if value is not None
    }  # fmt: skip


def contrast(row: dict[str, Any]) -> dict[str, Any]:
    ends = [number(row["ci_low"]), number(row["ci_high"])]
    sizes = [number(row["n_treatment"], whole=True), number(row["n_comparator"], whole=True)]
    return {"treatment": named(row["treatment"])[0], "comparator": named(row["comparator"])[0]} | filled(
        {
            "outcome": outcome(row["outcome"]),
            "day": number(row["timepoint_days"], whole=True),
            "measure": row["measure"],
        }
    ) | {"effect": number(row["effect"])} | filled(
        {
            "ci": ends if None not in ends else None,
            "se": number(row["se"]),
            "n": sizes if sizes != [None, None] else None,
            "scale": scale(row),
            "better": better(row),
            "adjusted": row["adjusted"] == "yes",
            "added_to": added_to(row["background"] or ""),
            "background": row["background"],
            "mark": mark(row),
            "note": row["note"],
        }
    )  # fmt: skip


class Dumper(yaml.SafeDumper):
    """Rows on one line each, the rest in blocks."""


class Line(dict[str, Any]):
    """A mapping that is written on one line."""


Dumper.add_representer(
    Line, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)
)


def main(arm_table: str, contrast_table: str, folder: str) -> None:
    arms = pl.read_csv(arm_table, infer_schema_length=0).rows(named=True)
    contrasts = pl.read_csv(contrast_table, infer_schema_length=0).rows(named=True)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for trial_id in dict.fromkeys(str(row["trial_id"]) for row in [*arms, *contrasts]):
        path = target / f"{trial_id}.yaml"
        if path.exists():
            print(f"{path} is there already", file=sys.stderr)
            continue
        entry = trial(
            trial_id,
            [row for row in arms if row["trial_id"] == trial_id],
            [row for row in contrasts if row["trial_id"] == trial_id],
        )
        entry["risk_of_bias"] = Line(entry["risk_of_bias"])
        entry["arms"] = {name: Line(arm) for name, arm in entry["arms"].items()}
        for part in ("results", "contrasts"):
            if part in entry:
                entry[part] = [Line(row) for row in entry[part]]
        text = yaml.dump(entry, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)
        path.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:4])
