"""The facts of exposed persons in plain tables: days as whole numbers, codes as numbers of their meanings.

    known_person     person_id, birth_year, birth_month, birth_day, sex, died
    observed         person_id, first_day, last_day
    exposure         person_id, nth, drug, start_day, end_day, measured_by, stopped, dose, unit, times, provider
    condition_fact   person_id, condition, since, until
    reading_fact     person_id, nth, reading, day, raw, high
    slot_fact        person_id, slot, day, next_day, value, word, high, sound: what a result says to a look-up

`nth` numbers a person's rows in the order in which a case lists them. Rows that cannot be used are left out here,
once, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eutonia.screening.cdm import view

if TYPE_CHECKING:
    from eutonia.screening.engine import Engine

LONGEST_SUPPLY = 365
"""A supply beyond a year is suspect (Themis 76, 124, 125): the next best statement of length counts."""

MOST_A_DAY = 24
"""More doses of a day than hours say that the quantity is not in tablets."""


def day(column: str) -> str:
    """A date as days since 1970."""
    return f"CAST(DATE_DIFF('day', DATE '1970-01-01', {column}) AS INTEGER)"


def drug_key(alias: str = "x") -> Mapping[str, str]:
    """Column → expression: what tells one way of naming a drug from another."""
    return {
        "concept": f"COALESCE({alias}.drug_concept_id, 0)",
        "source": f"CASE WHEN k.concept_id IS NULL THEN COALESCE({alias}.drug_source_concept_id, 0) ELSE 0 END",
        "source_value": f"CASE WHEN k.concept_id IS NULL THEN COALESCE({alias}.drug_source_value, '') ELSE '' END",
        "route": f"COALESCE({alias}.route_concept_id, 0)",
        "route_value": f"COALESCE({alias}.route_source_value, '')",
    }


def fact_key(prefix: str, alias: str = "x") -> Mapping[str, str]:
    """The same for a condition, procedure, measurement or observation.

    The source's own words count only where one of the two concepts is not known.
    """
    concept, source = f"{alias}.{prefix}_concept_id", f"{alias}.{prefix}_source_concept_id"
    return {
        "concept": f"COALESCE({concept}, 0)",
        "source": f"COALESCE({source}, 0)",
        "source_value": f"CASE WHEN k.concept_id IS NULL OR s.concept_id IS NULL "
        f"THEN COALESCE({alias}.{prefix}_source_value, '') ELSE '' END",
    }


def joined_to_concepts(prefix: str, alias: str = "x") -> str:
    return (
        f"LEFT JOIN known_concept AS k ON k.concept_id = {alias}.{prefix}_concept_id "
        f"LEFT JOIN known_concept AS s ON s.concept_id = {alias}.{prefix}_source_concept_id"
    )


DRUG_COLUMNS = (
    "person_id", "drug_concept_id", "drug_source_concept_id", "drug_source_value", "route_concept_id",
    "route_source_value",
)  # fmt: skip
"""Columns of DRUG_EXPOSURE that tell who took which drug."""


def distinct_drugs(engine: Engine) -> str:
    key = drug_key()
    return (
        f"SELECT {_selected(key)}, COUNT(*) AS n FROM {view('drug_exposure', engine, columns=DRUG_COLUMNS)} AS x "
        f"LEFT JOIN known_concept AS k ON k.concept_id = x.drug_concept_id GROUP BY {_grouped(key)} ORDER BY ALL"
    )


def distinct_facts(engine: Engine, table: str, prefix: str, more: Mapping[str, str] | None = None) -> str:
    """Distinct codes of a fact table among exposed persons."""
    key = {**fact_key(prefix), **(more or {})}
    return (
        f"SELECT {_selected(key)}, COUNT(*) AS n FROM {view(table, engine)} AS x "
        f"JOIN exposed AS e ON e.person_id = x.person_id {joined_to_concepts(prefix)} "
        f"GROUP BY {_grouped(key)} ORDER BY ALL"
    )


def _selected(key: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in key.items())


def _grouped(key: Mapping[str, str]) -> str:
    return ", ".join(str(n + 1) for n in range(len(key)))


def same(key: Mapping[str, str], table: str) -> str:
    return " AND ".join(f"{table}.{name} = {expression}" for name, expression in key.items())


# --- the tables -------------------------------------------------------------------------------------


def stage_exposed(engine: Engine, as_of: int | None) -> None:
    """The persons with a muscle relaxant, by a quick look at the whole of DRUG_EXPOSURE."""
    columns = (*DRUG_COLUMNS, "drug_exposure_start_date")
    until = f"AND {day('x.drug_exposure_start_date')} <= {as_of}" if as_of is not None else ""
    engine.make(
        "exposed",
        f"SELECT DISTINCT x.person_id FROM {view('drug_exposure', engine, columns=columns)} AS x "
        "LEFT JOIN known_concept AS k ON k.concept_id = x.drug_concept_id "
        f"JOIN drug AS d ON {same(drug_key(), 'd')} JOIN {view('person', engine, columns=('person_id',))} AS p "
        f"ON p.person_id = x.person_id WHERE d.relaxant AND x.drug_exposure_start_date IS NOT NULL {until}",
    )


def stage_persons(engine: Engine) -> None:
    """Persons once each; sex by concept, else by the source's word."""
    engine.make(
        "known_person",
        f"""
        SELECT p.person_id, MIN(p.year_of_birth) AS birth_year, MIN(p.month_of_birth) AS birth_month,
               MIN(p.day_of_birth) AS birth_day, MIN({day("d.death_date")}) AS died,
               MIN(CASE WHEN p.gender_concept_id = 8507 OR p.word IN ('m', 'male') THEN 'male'
                        WHEN p.gender_concept_id = 8532 OR p.word IN ('f', 'female') THEN 'female' END) AS sex,
               MIN(TRY_CAST(CONCAT(CAST(p.year_of_birth AS VARCHAR), '-', CAST(p.month_of_birth AS VARCHAR), '-',
                                   CAST(p.day_of_birth AS VARCHAR)) AS DATE)) IS NOT NULL AS birth_exact
        FROM (SELECT *, CASE WHEN COALESCE(gender_concept_id, 0) NOT IN (8507, 8532) THEN LOWER(gender_source_value)
                        END AS word FROM {view("person", engine)} AS q) AS p
        JOIN exposed AS e ON e.person_id = p.person_id
        LEFT JOIN {view("death", engine)} AS d ON d.person_id = p.person_id
        GROUP BY p.person_id
        """,
    )


def stage_observed(engine: Engine) -> None:
    """Observation periods; without the table, from a person's first to last exposure or diagnosis."""
    if "observation_period" in engine.columns:
        engine.make(
            "observed",
            f"SELECT o.person_id, {day('o.observation_period_start_date')} AS first_day, "
            f"{day('o.observation_period_end_date')} AS last_day FROM {view('observation_period', engine)} AS o "
            "JOIN exposed AS e ON e.person_id = o.person_id",
        )
        return
    engine.make(
        "observed",
        "SELECT person_id, MIN(first_day) AS first_day, MAX(last_day) AS last_day FROM ("
        "SELECT person_id, start_day AS first_day, end_day AS last_day FROM exposure UNION ALL "
        "SELECT person_id, since AS first_day, COALESCE(until, since) AS last_day FROM condition_fact) AS f "
        "GROUP BY person_id",
    )


def distinct_sigs(engine: Engine) -> str:
    return (
        f"SELECT DISTINCT x.sig FROM {view('drug_exposure', engine, columns=('person_id', 'sig'))} AS x "
        "JOIN exposed AS e ON e.person_id = x.person_id WHERE x.sig IS NOT NULL ORDER BY 1"
    )


def stage_exposures(engine: Engine, as_of: int | None) -> None:
    """Exposures with their length: by days_supply, quantity and sig, dates, or the usual length of the class."""
    start, end, verbatim = (
        day(f"x.{c}") for c in ("drug_exposure_start_date", "drug_exposure_end_date", "verbatim_end_date")
    )
    raw = f"""
        SELECT x.person_id, x.drug_exposure_id AS id, d.drug, d.usual_days, d.strength, d.countable,
               {start} AS start_day, {end} AS end_day, {verbatim} AS verbatim_day,
               x.stop_reason IS NOT NULL AS stopped, x.quantity, x.days_supply, NULLIF(x.provider_id, 0) AS provider,
               g.dose AS sig_dose, g.unit AS sig_unit, g.times AS sig_times
        FROM {view("drug_exposure", engine)} AS x
        JOIN exposed AS e ON e.person_id = x.person_id
        LEFT JOIN known_concept AS k ON k.concept_id = x.drug_concept_id
        JOIN drug AS d ON {same(drug_key(), "d")}
        LEFT JOIN sig AS g ON g.sig = x.sig
        WHERE d.is_drug AND x.drug_exposure_start_date IS NOT NULL
        """
    supply = f"CASE WHEN days_supply >= 1 AND days_supply <= {LONGEST_SUPPLY} THEN CEIL(days_supply) END"
    a_day = (
        "CASE WHEN sig_unit = 'mg' THEN sig_dose / strength ELSE sig_dose END * sig_times"  # tablets of a day
    )
    counted = f"CASE WHEN quantity > 0 AND {a_day} > 0 AND countable THEN quantity / ({a_day}) END"
    counted = f"CASE WHEN {counted} >= 1 AND {counted} <= {LONGEST_SUPPLY} THEN CEIL({counted}) END"
    dates = (
        "CASE WHEN verbatim_day > start_day THEN verbatim_day - start_day + 1 "
        "WHEN end_day > start_day THEN end_day - start_day + 1 END"
    )
    sure = f"quantity / ({supply})"
    by_quantity = f"sig_times IS NULL AND countable AND quantity > 0 AND {sure} <= {MOST_A_DAY}"
    until = f"AND x.start_day <= {as_of}" if as_of is not None else ""
    engine.make(
        "exposure",
        f"""
        SELECT person_id, CAST(ROW_NUMBER() OVER (PARTITION BY person_id
                   ORDER BY start_day, id, drug, days, stopped, dose, times) AS INTEGER) AS nth,
               drug, start_day, CAST(start_day + days - 1 AS INTEGER) AS end_day,
               measured_by, stopped, dose, unit, times, provider
        FROM (
            SELECT x.person_id, id, drug, start_day, stopped, provider,
                   COALESCE({supply}, {counted}, {dates}, usual_days) AS days,
                   CASE WHEN {supply} IS NOT NULL THEN 'days-supply' WHEN {counted} IS NOT NULL THEN 'quantity-and-sig'
                        WHEN {dates} IS NOT NULL THEN 'dates' ELSE 'usual-length' END AS measured_by,
                   CASE WHEN sig_times IS NOT NULL THEN sig_dose WHEN {by_quantity} THEN 1.0 END AS dose,
                   CASE WHEN sig_times IS NOT NULL AND sig_dose IS NOT NULL THEN sig_unit
                        WHEN {by_quantity} THEN 'tablet' END AS unit,
                   CASE WHEN sig_times IS NOT NULL THEN sig_times WHEN {by_quantity} THEN {sure} END AS times
            FROM ({raw}) AS x JOIN known_person AS p ON p.person_id = x.person_id
            WHERE (p.birth_year IS NULL OR x.start_day >= {day("MAKE_DATE(p.birth_year, 1, 1)")})
              AND (p.died IS NULL OR x.start_day <= p.died) {until}
        ) AS y
        """,
    )


BARE = (
    "x.value_as_number IS NULL AND x.value_as_string IS NULL AND COALESCE(x.value_as_concept_id, 0) = 0 "
    "AND COALESCE(x.qualifier_concept_id, 0) = 0"
)
"""An observation that answers nothing: its code states the sign. `signs.py` reads the others."""


def stage_conditions(engine: Engine, as_of: int | None, more: str = "") -> None:
    """Diagnoses, and the observations and procedures whose codes name a value set, with `more` rows of a query."""
    tables = (
        ("condition_occurrence", "condition", "condition_start_date", "condition_end_date", "c"),
        ("procedure_occurrence", "procedure", "procedure_date", None, "p"),
        ("observation", "observation", "observation_date", None, "o"),
    )
    parts = []
    for table, prefix, start, end, letter in tables:
        if table not in engine.columns:
            continue
        since = day(f"x.{start}")
        until = (
            f"CASE WHEN x.{end} > x.{start} THEN {day(f'x.{end}')} END" if end else "CAST(NULL AS INTEGER)"
        )
        bare = f"AND {BARE}" if table == "observation" else ""
        seen = f"AND {since} <= {as_of}" if as_of is not None else ""
        parts.append(
            f"SELECT x.person_id, c.condition, {since} AS since, {until} AS until FROM {view(table, engine)} AS x "
            f"JOIN exposed AS e ON e.person_id = x.person_id {joined_to_concepts(prefix)} "
            f"JOIN condition_meaning AS c ON c.letter = '{letter}' AND {same(fact_key(prefix), 'c')} "
            f"WHERE x.{start} IS NOT NULL {bare} {seen}"
        )
    none = (
        "SELECT CAST(0 AS BIGINT) AS person_id, CAST(0 AS INTEGER) AS condition, 0 AS since, "
        "CAST(NULL AS INTEGER) AS until WHERE FALSE"
    )
    engine.make("condition_fact", " UNION ALL ".join([*parts, *([more] if more else [])]) or none)


READINGS = (
    ("measurement", "measurement", "measurement_date", "m"),
    ("observation", "observation", "observation_date", "o"),
)


def reading_unit(table: str) -> Mapping[str, str]:
    return {
        "unit_concept": "COALESCE(x.unit_concept_id, 0)",
        "unit_value": "COALESCE(x.unit_source_value, '')",
    }


def stage_raw_readings(engine: Engine, as_of: int | None) -> None:
    """Rows whose codes a feature reads, with what has to be told apart in them."""
    parts = [_raw_readings(engine, as_of, *reading) for reading in READINGS if reading[0] in engine.columns]
    none = (
        "SELECT CAST(0 AS BIGINT) AS person_id, '' AS letter, CAST(0 AS BIGINT) AS id, 0 AS day, 0 AS key, "
        "CAST(0 AS DOUBLE) AS raw, CAST(0 AS BIGINT) AS operator, '' AS text, CAST(0 AS BIGINT) AS value_concept, "
        "CAST(0 AS DOUBLE) AS high, FALSE AS same WHERE FALSE"
    )
    engine.make("raw_reading", " UNION ALL ".join(parts) or none)


def _raw_readings(engine: Engine, as_of: int | None, table: str, prefix: str, start: str, letter: str) -> str:
    measurement = table == "measurement"
    when = day(f"x.{start}")
    seen = f"AND {when} <= {as_of}" if as_of is not None else ""
    text = "x.value_source_value" if measurement else "COALESCE(x.value_as_string, x.value_source_value)"
    operator = "COALESCE(x.operator_concept_id, 0)" if measurement else "0"
    high = "x.range_high" if measurement else "CAST(NULL AS DOUBLE)"
    key = {**fact_key(prefix), **reading_unit(table)}
    return f"""
        SELECT x.person_id, '{letter}' AS letter, x.{table}_id AS id, {when} AS day, q.key, x.value_as_number AS raw,
               CAST({operator} AS BIGINT) AS operator,
               CASE WHEN x.value_as_number IS NULL THEN COALESCE({text}, '') ELSE '' END AS text,
               CASE WHEN x.value_as_number IS NULL THEN COALESCE(x.value_as_concept_id, 0) ELSE 0 END AS value_concept,
               {high} AS high, q.same
        FROM {view(table, engine)} AS x JOIN exposed AS e ON e.person_id = x.person_id {joined_to_concepts(prefix)}
        JOIN reading_key AS q ON q.letter = '{letter}' AND {same(key, "q")}
        WHERE x.{start} IS NOT NULL {seen}
          AND (x.value_as_number IS NOT NULL OR {text} IS NOT NULL OR COALESCE(x.value_as_concept_id, 0) > 0)
        """


def apart(alias: str = "r") -> str:
    """A value in the unit wanted is read as it stands; any other is read once per distinct value."""
    stands = f"{alias}.same AND {alias}.operator IN (0, 4172703)"
    return f"CASE WHEN {stands} THEN CAST(NULL AS DOUBLE) ELSE {alias}.raw END"


def distinct_readings() -> str:
    return (
        f"SELECT r.key, r.operator, r.text, r.value_concept, {apart()} AS apart, r.raw IS NOT NULL AS numeric "
        "FROM raw_reading AS r GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY ALL"
    )


def stage_readings(engine: Engine) -> None:
    engine.make(
        "reading_fact",
        f"""
        SELECT r.person_id, CAST(ROW_NUMBER() OVER (PARTITION BY r.person_id
                   ORDER BY r.day, r.letter, r.id, m.reading, r.raw, r.high) AS INTEGER) AS nth,
               m.reading, r.day, r.raw, r.high
        FROM raw_reading AS r JOIN reading_meaning AS m
          ON m.key = r.key AND m.operator = r.operator AND m.text = r.text AND m.value_concept = r.value_concept
         AND m.numeric = (r.raw IS NOT NULL) AND COALESCE(m.apart, -1e300) = COALESCE({apart()}, -1e300)
        """,
    )


def stage_slots(engine: Engine, due: int) -> None:
    """Leaves `slot_fact`; each is the latest of its person and slot until `next_day`, the day of the one after it.

    Of two dates of birth expected that were written on one day (slot `due`) the earlier counts.
    """
    value = "CASE WHEN s.in_row THEN r.raw ELSE s.value END"
    engine.make(
        "slot_fact",
        f"""
        SELECT person_id, slot, day, value, word, high, sound, LEAD(day) OVER (PARTITION BY person_id, slot
               ORDER BY day, CASE WHEN slot = {due} THEN value END DESC NULLS FIRST, nth DESC) AS next_day
        FROM (
            SELECT r.person_id, s.slot, r.day, r.nth, r.high, s.word, {value} AS value,
                   s.word IS NOT NULL OR COALESCE({value} BETWEEN s.lowest AND s.highest, FALSE) AS sound
            FROM reading_fact AS r JOIN slot_value AS s ON s.reading = r.reading
        ) AS l
        """,
    )
