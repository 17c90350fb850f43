"""Distinct drugs and dosing texts → their ingredients, strengths and daily doses.

drug   drug, name, is_drug, recognised, relaxant, usual_days, strength, countable, with the keys it is joined by
part   one row per drug and ingredient;   sig   one row per dosing text that says how often
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eutonia.features.chart import Chart
from eutonia.features.taken import Taken
from eutonia.patient import Case, Medication
from eutonia.screening import staging
from eutonia.screening.meanings import REGIONAL, RELAXANT, SOME_DAY, DrugMeaning, Meanings, Unmapped, regions
from eutonia.screening.vocabulary import Codes, Vocabulary, drug_candidates
from eutonia.units import is_counted

if TYPE_CHECKING:
    import polars as pl

    from eutonia.knowledge import Knowledge
    from eutonia.screening.engine import Engine


def read_drugs(engine: Engine, vocabulary: Vocabulary, knowledge: Knowledge, meanings: Meanings) -> None:
    """Recognise every distinct drug; leaves the tables `known_concept`, `drug` and `part`."""
    import polars as pl

    engine.put(
        "known_concept",
        pl.DataFrame({"concept_id": list(vocabulary.concepts)}, schema={"concept_id": pl.Int64}),
    )
    rows = engine.get(staging.distinct_drugs(engine))
    for number, (concept, source, value, route, route_value, n) in enumerate(rows.iter_rows()):
        place = vocabulary.get(route)
        how_given = (place.name if place else route_value) or None
        meanings.drugs.append(_drug(number, (concept, source, value), how_given, n, vocabulary, knowledge))
    _tell_drugs(meanings)
    keys = rows.drop("n").to_dicts()
    lengths = usual_lengths(knowledge)
    engine.put("drug", _drug_table(keys, meanings.drugs, lengths))
    engine.put("part", _part_table(meanings.drugs, knowledge))


def _drug(
    number: int,
    key: tuple[int, int, str],
    route: str | None,
    rows: int,
    vocabulary: Vocabulary,
    knowledge: Knowledge,
) -> DrugMeaning:
    candidates, name, no_drug = drug_candidates(*key, vocabulary)
    if no_drug:
        return DrugMeaning(number, Codes(name), name, route, (), "not-a-drug", True, rows)
    name = name or f"concept {key[0]}"
    read = [(codes, how, chart_of(codes, route, knowledge)) for codes, how in candidates]
    read = [each for each in read if each[2].listed[0][1]]
    # A way in which every ingredient is known comes before one that leaves some open.
    for codes, how, chart in sorted(read, key=lambda each: bool(each[2].unrecognised))[:1]:
        parts, whole = chart.listed[0][1], not chart.unrecognised
        return DrugMeaning(number, codes, name, route, parts, how, whole, rows)
    codes = candidates[0].codes if candidates else Codes(name)
    return DrugMeaning(number, codes._replace(text=codes.text or name), name, route, (), "none", False, rows)


def chart_of(codes: Codes, route: str | None, knowledge: Knowledge, **dosed: Any) -> Chart:
    """A case of which nothing is known but that the drug is taken."""
    return Chart(Case(as_of=SOME_DAY, medications=(medication(codes, route, **dosed),)), knowledge)


def medication(codes: Codes, route: str | None, **more: Any) -> Medication:
    return Medication(text=codes.text, rxcui=codes.rxcui, atc=codes.atc, route=route, **more)


def _tell_drugs(meanings: Meanings) -> None:
    tables = {"none": "DRUG_EXPOSURE", "not-a-drug": "DRUG_EXPOSURE (not a drug)"}
    unknown: Counter[tuple[str, str]] = Counter()
    for drug in meanings.drugs:
        if drug.how in tables:
            unknown[tables[drug.how], drug.name] += drug.rows
    meanings.unmapped += [Unmapped(table, name, n) for (table, name), n in unknown.most_common()]
    by_name = sorted({drug.name for drug in meanings.drugs if drug.how == "name"})
    if by_name:
        shown = "; ".join(by_name[:5]) + (f"; and {len(by_name) - 5} more" if len(by_name) > 5 else "")
        meanings.warnings.append(f"Recognised by name only, not by a code: {shown}.")


def usual_lengths(knowledge: Knowledge) -> Mapping[str, int]:
    """Drug or class → days of supply that are taken where a record tells none; the empty name for all others."""
    return {length.of: length.days for length in knowledge.section("exposure_lengths").values()}


def _drug_table(
    keys: list[dict[str, Any]], drugs: list[DrugMeaning], lengths: Mapping[str, int]
) -> pl.DataFrame:
    import polars as pl

    rows = [
        {
            **key,
            "drug": drug.number,
            "name": drug.codes.text or f"RxNorm {drug.codes.rxcui}",
            "is_drug": drug.how != "not-a-drug",
            "recognised": drug.whole,
            "relaxant": any(t.belongs((RELAXANT,)) for t in drug.parts),
            "usual_days": _usual_days(drug, lengths),
            "strength": drug.parts[0].strength_mg if drug.parts else None,
            "countable": bool(drug.parts)
            and drug.parts[0].strength_mg is not None
            and drug.parts[0].route == "systemic",
        }
        for key, drug in zip(keys, drugs, strict=True)
    ]
    return pl.DataFrame(
        rows,
        schema={
            "concept": pl.Int64, "source": pl.Int64, "source_value": pl.String, "route": pl.Int64,
            "route_value": pl.String, "drug": pl.Int32, "name": pl.String, "is_drug": pl.Boolean,
            "recognised": pl.Boolean, "relaxant": pl.Boolean, "usual_days": pl.Int32, "strength": pl.Float64,
            "countable": pl.Boolean,
        },
    )  # fmt: skip


def _usual_days(drug: DrugMeaning, lengths: Mapping[str, int]) -> int:
    fitting = [days for name, days in lengths.items() if name and any(t.belongs((name,)) for t in drug.parts)]
    return min(fitting, default=lengths.get("", 1))


def _part_table(drugs: list[DrugMeaning], knowledge: Knowledge) -> pl.DataFrame:
    """One row per drug and ingredient."""
    import polars as pl

    number = {
        treatment: n for n, treatment in enumerate(sorted({t.treatment for d in drugs for t in d.parts}))
    }
    merged: dict[tuple[str, str, str], int] = {}
    rows: list[dict[str, object]] = []
    for drug in drugs:
        in_mg = chart_of(drug.codes, drug.route, knowledge, dose=1.0, unit="mg")
        shares = in_mg.listed[0][1] if drug.parts else ()
        for part, share in zip(drug.parts, shares, strict=True):
            alike = merged.setdefault((part.treatment, part.product, part.route), len(merged))
            rows.append(
                {
                    "drug": drug.number,
                    "part": len(rows),
                    "treatment": number[part.treatment],
                    "alike": alike,
                    "name": part.treatment,
                    "strength": part.strength_mg,
                    "share": share.mg_per_dose,
                    "route": part.route,
                    "product": part.product,
                    "relaxant": part.belongs((RELAXANT,)) is True,
                    "watched": bool(part.classes or part.possible) or part.treatment in knowledge.drugs,
                    **said_of(part, drug, knowledge),
                }
            )
    schema = {
        "drug": pl.Int32, "part": pl.Int32, "treatment": pl.Int32, "alike": pl.Int32, "name": pl.String,
        "strength": pl.Float64, "share": pl.Float64, "route": pl.String, "product": pl.String,
        "relaxant": pl.Boolean, "watched": pl.Boolean, **{name: getattr(pl, kind) for name, kind in SAID.items()},
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


SAID = {
    "unapproved": "Boolean", "extended": "Boolean", "spared": "Boolean", "with_opioid": "Boolean", "alone": "Boolean",
    "strength_ok": "Boolean", "rate": "Float64", "mme": "Float64", "mme_by_rate": "Float64", "steroid": "Float64",
    "fracture_regions": "Int32", "skin_regions": "Int32",
}  # fmt: skip
"""What the text, make-up and drug file of an ingredient say: columns of `part`."""


def said_of(part: Taken, drug: DrugMeaning, knowledge: Knowledge) -> dict[str, bool | float | None]:
    """The answers that features find in a product's text and drug file, each as its feature finds it."""
    features, text = knowledge.features, part.text.casefold()
    entry = knowledge.drugs.get(part.treatment)

    def words(feature: str, group: str = "words") -> tuple[str, ...]:
        return features[feature].codes.get(group, ()) if feature in features else ()  # type: ignore[union-attr]

    opioid = features["nonopioid_tried"].about if "nonopioid_tried" in features else ()  # type: ignore[union-attr]
    combined = {p.ingredients.get(part.treatment) for p in knowledge.products.values()} - {None}
    return {
        "unapproved": part.unapproved or any(w in text for w in words("carisoprodol_product_unapproved")),
        "extended": bool(set(words("cyclobenzaprine_extended_release")) & set(text.split())),
        "spared": any(w in text for w in words("short_term_relaxant_days", "spared")),
        "with_opioid": any(t.belongs(opioid) for t in drug.parts),
        "alone": len(drug.parts) == 1,
        "strength_ok": part.strength_mg in {*(entry.strengths_mg if entry else ()), *combined},
        "rate": part.mg_per_hour,
        "mme": entry.mme_per_mg if entry else None,
        "mme_by_rate": entry.mme_per_mcg_h if entry else None,
        "steroid": entry.prednisone_mg_per_mg if entry else None,
        **{column: regions(feature, "", part.text, knowledge) for feature, column in REGIONAL.items()},
    }


def read_sigs(engine: Engine) -> None:
    """Read every distinct dosing text; leaves `sig`."""
    import polars as pl

    from eutonia.dosing.text import read_dosage

    rows = []
    for (text,) in engine.get(staging.distinct_sigs(engine)).iter_rows():
        item = read_dosage(text).item
        known = "mg" if item.unit == "mg" else "tablet" if is_counted(item.unit) else None
        if item.times_per_day and not item.steps:
            dose = item.dose_high if item.dose_high is not None else item.dose
            rows.append((text, dose if known else None, known, item.times_per_day))
    schema = {"sig": pl.String, "dose": pl.Float64, "unit": pl.String, "times": pl.Float64}
    engine.put("sig", pl.DataFrame(rows, schema=schema, orient="row"))
