"""What the codes of a database mean, worked out once for each distinct code and never per person.

The database's own vocabulary says which RxNorm, LOINC, SNOMED CT and ICD-10-CM codes its concepts stand for;
eutonia's knowledge says what those mean. What neither can tell is counted and named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from eutonia.screening.cdm import view

if TYPE_CHECKING:
    import polars as pl

    from eutonia.screening.engine import Engine


class Concept(NamedTuple):
    """One row of CONCEPT."""

    name: str
    domain: str
    vocabulary: str
    kind: str
    code: str


class Codes(NamedTuple):
    """How one distinct code of a fact table is written down in a case."""

    text: str = ""
    rxcui: str | None = None
    atc: str | None = None
    icd10cm: str | None = None
    snomed: str | None = None
    loinc: str | None = None


@dataclass
class Vocabulary:
    """The concepts that the facts use, and their ingredients."""

    concepts: Mapping[int, Concept]
    ingredients: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """Drug concept → concepts of its ingredients, by CONCEPT_ANCESTOR or CONCEPT_RELATIONSHIP."""
    strengths: Mapping[tuple[int, int], float] = field(default_factory=dict)
    """Drug and ingredient concept → mg in one unit, by DRUG_STRENGTH."""
    warnings: list[str] = field(default_factory=list)

    def get(self, concept_id: int) -> Concept | None:
        return self.concepts.get(concept_id)


USED = (
    ("drug_exposure", "drug_concept_id"),
    ("drug_exposure", "drug_source_concept_id"),
    ("drug_exposure", "route_concept_id"),
    ("condition_occurrence", "condition_concept_id"),
    ("condition_occurrence", "condition_source_concept_id"),
    ("procedure_occurrence", "procedure_concept_id"),
    ("procedure_occurrence", "procedure_source_concept_id"),
    ("measurement", "measurement_concept_id"),
    ("measurement", "measurement_source_concept_id"),
    ("measurement", "unit_concept_id"),
    ("measurement", "value_as_concept_id"),
    ("observation", "observation_concept_id"),
    ("observation", "observation_source_concept_id"),
    ("observation", "unit_concept_id"),
    ("observation", "value_as_concept_id"),
    ("observation", "qualifier_concept_id"),
)


def read_vocabulary(engine: Engine) -> Vocabulary:
    """Fetch the concepts that the fact tables name, and the way from drugs to ingredients."""
    used = " UNION ".join(
        f"SELECT DISTINCT {column} AS concept_id FROM {view(table, engine, columns=(column,))} AS t"
        for table, column in USED
        if column in engine.columns.get(table, {})
    )
    engine.make("used_concept", f"SELECT concept_id FROM ({used}) AS u WHERE concept_id > 0")
    concepts = _concepts(engine, "SELECT concept_id FROM used_concept")
    vocabulary = Vocabulary(concepts)
    if "concept" not in engine.columns:
        vocabulary.warnings.append(
            "There is no table CONCEPT: concept ids cannot be resolved, and source values are read instead."
        )
    _read_ingredients(engine, vocabulary)
    return vocabulary


def _concepts(engine: Engine, ids: str) -> dict[int, Concept]:
    rows = engine.get(
        "SELECT c.concept_id, c.concept_name, c.domain_id, c.vocabulary_id, c.concept_class_id, c.concept_code "
        f"FROM {view('concept', engine)} AS c JOIN ({ids}) AS used ON used.concept_id = c.concept_id"
    )
    return {row[0]: Concept(*(str(cell or "") for cell in row[1:])) for row in rows.iter_rows()}


# --- drugs ------------------------------------------------------------------------------------------

TO_INGREDIENT = (
    "Maps to", "Consists of", "RxNorm has ing", "Has precise ing", "Tradename of", "Form of", "Contains",
    "RxNorm is a", "Quantified form of", "Marketed form of", "Box of",
)  # fmt: skip
"""Relationships that lead from a product towards its ingredients."""

HOPS = 5
"""A box of a marketed, quantified, branded drug is five steps from its ingredient."""


def _read_ingredients(engine: Engine, vocabulary: Vocabulary) -> None:
    drugs = "SELECT DISTINCT drug_concept_id AS concept_id FROM " + view(
        "drug_exposure", engine, columns=("drug_concept_id",)
    )
    found = _by_ancestor(engine, drugs)
    if not found:
        found = _by_relationship(engine, drugs)
        if not found and vocabulary.concepts:
            vocabulary.warnings.append(
                "CONCEPT_ANCESTOR and CONCEPT_RELATIONSHIP lead from no drug to its ingredients: drugs are "
                "recognised by their RxNorm codes, else by name."
            )
    vocabulary.ingredients = found
    named = {i for parts in found.values() for i in parts} - set(vocabulary.concepts)
    if named:
        ids = " UNION ALL ".join(f"SELECT {i} AS concept_id" for i in sorted(named))
        vocabulary.concepts = {**vocabulary.concepts, **_concepts(engine, ids)}
    milligram = 8576  # the id of the UCUM unit mg in the OMOP vocabulary
    strengths = engine.get(
        f"SELECT s.drug_concept_id, s.ingredient_concept_id, max(s.amount_value) AS mg FROM "
        f"{view('drug_strength', engine)} AS s JOIN ({drugs}) AS d ON d.concept_id = s.drug_concept_id "
        f"WHERE s.amount_unit_concept_id = {milligram} AND s.amount_value > 0 GROUP BY 1, 2"
    )
    vocabulary.strengths = {(row[0], row[1]): row[2] for row in strengths.iter_rows()}


def _by_ancestor(engine: Engine, drugs: str) -> dict[int, list[int]]:
    rows = engine.get(
        "SELECT a.descendant_concept_id AS drug, a.ancestor_concept_id AS ingredient FROM "
        f"{view('concept_ancestor', engine)} AS a JOIN ({drugs}) AS d ON d.concept_id = a.descendant_concept_id "
        f"JOIN {view('concept', engine)} AS c ON c.concept_id = a.ancestor_concept_id "
        "WHERE c.concept_class_id = 'Ingredient' AND c.vocabulary_id IN ('RxNorm', 'RxNorm Extension') ORDER BY 1, 2"
    )
    return _grouped(rows)


def _by_relationship(engine: Engine, drugs: str) -> dict[int, list[int]]:
    """Walk from each drug towards its ingredients, all drugs at once, one step at a time."""
    kinds = ", ".join(f"'{name}'" for name in TO_INGREDIENT)
    engine.make(
        "step",
        "SELECT concept_id_1 AS a, concept_id_2 AS b FROM "
        f"{view('concept_relationship', engine)} AS r WHERE relationship_id IN ({kinds}) "
        "AND invalid_reason IS NULL AND concept_id_1 <> concept_id_2",
    )
    engine.make(
        "reached_0", f"SELECT concept_id AS drug, concept_id AS node FROM ({drugs}) AS d WHERE concept_id > 0"
    )
    for hop in range(1, HOPS + 1):
        engine.make(
            f"reached_{hop}",
            f"SELECT DISTINCT r.drug AS drug, s.b AS node FROM reached_{hop - 1} AS r JOIN step AS s ON s.a = r.node",
        )
    every = " UNION ".join(f"SELECT drug, node FROM reached_{hop}" for hop in range(HOPS + 1))
    return _grouped(
        engine.get(
            f"SELECT DISTINCT r.drug, r.node FROM ({every}) AS r JOIN {view('concept', engine)} AS c "
            "ON c.concept_id = r.node WHERE c.concept_class_id = 'Ingredient' ORDER BY 1, 2"
        )
    )


def _grouped(rows: pl.DataFrame) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for drug, ingredient in rows.iter_rows():
        found.setdefault(drug, []).append(ingredient)
    return found


class Candidate(NamedTuple):
    """One way of writing a drug down, and how it was found."""

    codes: Codes
    how: str


def drug_candidates(
    concept: int, source: int, value: str, vocabulary: Vocabulary
) -> tuple[list[Candidate], str, bool]:
    """Ways of writing down a drug, best first; its name; and whether it is known to be no drug at all."""
    standard, original = vocabulary.get(concept), vocabulary.get(source)
    name = (standard.name if standard else "") or (original.name if original else "") or value
    if not concept and original and original.domain not in ("Drug", ""):
        return [], name, True
    if standard and standard.domain not in ("Drug", "", "Device", "Metadata"):
        return [], name, True
    found = []
    for each in (standard, original):
        if each and each.vocabulary == "RxNorm":
            found.append(Candidate(Codes(each.name, rxcui=each.code), "code"))
    for each in (original, standard):
        if each and each.vocabulary == "ATC":
            found.append(Candidate(Codes(each.name, atc=each.code), "code"))
    if not standard and re.fullmatch(r"\d{3,8}", value):
        found.append(Candidate(Codes(original.name if original else "", rxcui=value), "code"))
    found += [
        Candidate(codes, "ingredient")
        for drug in (concept, source)
        if drug in vocabulary.ingredients
        for codes in _by_parts(drug, name, vocabulary)
    ]
    found += [
        Candidate(Codes(text), "name")
        for text in dict.fromkeys((name, value))
        if re.search("[A-Za-z]{3}", text)
    ]
    return found, name, False


def _by_parts(drug: int, name: str, vocabulary: Vocabulary) -> Iterable[Codes]:
    """The drug by its ingredients: under its own name with the code of its only one, or spelt out."""
    parts = [i for i in vocabulary.ingredients[drug] if i in vocabulary.concepts]
    if len(parts) == 1:
        yield Codes(name, rxcui=vocabulary.concepts[parts[0]].code)
    spelt = []
    for part in parts:
        mg = vocabulary.strengths.get((drug, part))
        spelt.append(vocabulary.concepts[part].name + (f" {mg:g} MG" if mg else ""))
    if spelt:
        yield Codes(" / ".join(spelt))


# --- conditions -------------------------------------------------------------------------------------

ICD10CM = re.compile(r"[A-TV-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?")
SNOMED = re.compile(r"\d{6,18}")


def condition_codes(concept: int, source: int, value: str, vocabulary: Vocabulary) -> Codes:
    """Diagnosis codes of a concept and of what it was mapped from."""
    pair = [c for c in (vocabulary.get(concept), vocabulary.get(source)) if c]
    icd = next((c.code for c in reversed(pair) if c.vocabulary in ("ICD10CM", "ICD10")), None)
    snomed = next((c.code for c in pair if c.vocabulary == "SNOMED"), None)
    if icd is None and ICD10CM.fullmatch(value.upper()):
        icd = value.upper()
    if snomed is None and SNOMED.fullmatch(value):
        snomed = value
    text = next((c.name for c in pair if c.name), value)
    return Codes(text, icd10cm=icd, snomed=snomed)


# --- measurements and statements --------------------------------------------------------------------


def reading_codes(concept: int, source: int, value: str, vocabulary: Vocabulary) -> list[Codes]:
    """Codes under which a reading may be known, best first, and its name where it has none."""
    pair = [c for c in (vocabulary.get(concept), vocabulary.get(source)) if c]
    codes = [Codes(c.name, loinc=c.code) for c in pair if c.vocabulary in ("LOINC", "SNOMED")]
    if re.fullmatch(r"\d{1,6}-\d", value) and not any(c.vocabulary == "LOINC" for c in pair):
        codes.append(Codes(pair[0].name if pair else value, loinc=value))
    return codes or ([Codes(value)] if value else [])
