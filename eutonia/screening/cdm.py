"""An OMOP CDM of version 5.3 or 5.4 → its tables with the columns that screening reads, typed.

Taken are a DuckDB file, a folder or zip of CSV (also .gz, also tab-separated) or Parquet, a SQLite file, and
PostgreSQL by its URL: attached where DuckDB's extension is installed, else exported (`exported.py`). Names are read in
any case. A table or column that is optional and not there is read as empty; what cannot be cast is null and counted by
`quality.py`.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eutonia.errors import InputError
from eutonia.screening.engine import DuckDB, Engine, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES: Mapping[str, Mapping[str, str]] = {
    "person": {
        "person_id": "id!", "gender_concept_id": "id", "year_of_birth": "int", "month_of_birth": "int",
        "day_of_birth": "int", "gender_source_value": "text",
    },
    "observation_period": {
        "person_id": "id!", "observation_period_start_date": "date!", "observation_period_end_date": "date!",
    },
    "drug_exposure": {
        "drug_exposure_id": "id", "person_id": "id!", "drug_concept_id": "id!", "drug_exposure_start_date": "date!",
        "drug_exposure_end_date": "date", "verbatim_end_date": "date", "drug_type_concept_id": "id",
        "stop_reason": "text", "quantity": "number", "days_supply": "number", "sig": "text",
        "route_concept_id": "id", "provider_id": "id", "drug_source_value": "text",
        "drug_source_concept_id": "id", "route_source_value": "text",
    },
    "condition_occurrence": {
        "condition_occurrence_id": "id", "person_id": "id!", "condition_concept_id": "id!",
        "condition_start_date": "date!", "condition_end_date": "date", "condition_source_value": "text",
        "condition_source_concept_id": "id",
    },
    "procedure_occurrence": {
        "procedure_occurrence_id": "id", "person_id": "id!", "procedure_concept_id": "id!",
        "procedure_date": "date!", "procedure_source_value": "text", "procedure_source_concept_id": "id",
    },
    "measurement": {
        "measurement_id": "id", "person_id": "id!", "measurement_concept_id": "id!", "measurement_date": "date!",
        "operator_concept_id": "id", "value_as_number": "number", "value_as_concept_id": "id",
        "unit_concept_id": "id", "range_high": "number", "measurement_source_value": "text",
        "measurement_source_concept_id": "id", "unit_source_value": "text", "value_source_value": "text",
    },
    "observation": {
        "observation_id": "id", "person_id": "id!", "observation_concept_id": "id!", "observation_date": "date!",
        "value_as_number": "number", "value_as_string": "text", "value_as_concept_id": "id",
        "unit_concept_id": "id", "observation_source_value": "text", "observation_source_concept_id": "id",
        "unit_source_value": "text", "value_source_value": "text",
        "qualifier_concept_id": "id",
    },
    "death": {"person_id": "id!", "death_date": "date!"},
    "concept": {
        "concept_id": "id!", "concept_name": "text!", "domain_id": "text", "vocabulary_id": "text",
        "concept_class_id": "text", "standard_concept": "text", "concept_code": "text!",
    },
    "concept_ancestor": {"ancestor_concept_id": "id!", "descendant_concept_id": "id!"},
    "concept_relationship": {
        "concept_id_1": "id!", "concept_id_2": "id!", "relationship_id": "text!", "invalid_reason": "text",
    },
    "drug_strength": {
        "drug_concept_id": "id!", "ingredient_concept_id": "id!", "amount_value": "number",
        "amount_unit_concept_id": "id",
    },
}  # fmt: skip
"""Table → column → kind; `!` marks what the table is useless without."""

REQUIRED = ("person", "drug_exposure")

EXPECTED = ("observation_period", "condition_occurrence", "measurement", "concept")
"""Tables whose absence changes the answers; it is told."""

SQL_TYPES = {"id": "BIGINT", "int": "INTEGER", "number": "DOUBLE", "text": "VARCHAR", "date": "DATE"}


def open_database(database: str | Path, engine: DuckDB) -> None:
    """Find the tables of the CDM in `database` and hand them to `engine`. Raises InputError."""
    import duckdb

    try:
        for table, source in _sources(str(database), engine):
            if table in TABLES:
                _decoded(source, partial(engine.add, table))
        check_tables(database, engine)
        check_values(database, engine)
        for table, source in list(engine.sources.items()):
            if source.startswith("read_csv"):
                _decoded(source, partial(_parsed, table, engine))
    except duckdb.Error as error:
        raise InputError(
            f"{database} cannot be read: {plain(error)}. Is every file whole, and of the kind that its name says?"
        ) from None


def _parsed(table: str, engine: DuckDB, source: str) -> None:
    """A CSV is parsed once: every query after reads what that gave."""
    engine.add(table, source)
    engine.make(f"cdm_{table}", f"SELECT * FROM {view(table, engine)}")
    engine.add(table, f"cdm_{table}")


def _decoded(source: str, work: Callable[[str], None]) -> None:
    """Do `work` on a source; on a CSV that is not UTF-8 as on one of Latin-1, where only accents could differ."""
    import duckdb

    try:
        work(source)
    except duckdb.Error as error:
        if "not utf-8" not in str(error):
            raise
        work(source.replace("all_varchar", "encoding = 'latin-1', all_varchar", 1))


def check_values(database: str | Path, engine: Engine) -> None:
    """Refuse a table whose persons or dates are all in a form that is not read: it would look like an empty one."""
    for table in engine.columns:
        for column, kind in TABLES[table].items():
            if kind != "date!" and column != "person_id":
                continue
            typed = view(table, engine, columns=(column,))
            if len(engine.get(f"SELECT {column} FROM {typed} AS x WHERE {column} IS NOT NULL LIMIT 1")):
                continue
            raw = f'"{engine.columns[table][column]}"'
            found = engine.get(f"SELECT {raw} FROM {engine.read(table)} WHERE {raw} IS NOT NULL LIMIT 1")
            if len(found):
                seen = f"“{found.item()}” is not a date like 2024-03-31"
                why = seen if kind == "date!" else "OMOP gives every person a whole number"
                raise InputError(f"No {column} of {table.upper()} in {database} can be read: {why}.")


def check_tables(database: str | Path, engine: Engine) -> None:
    """Refuse a database without what screening cannot do without."""
    missing = [table for table in REQUIRED if table not in engine.columns]
    if missing:
        found = ", ".join(sorted(engine.columns)) or "none of the tables"
        raise InputError(
            f"{database} has no table {' and no table '.join(name.upper() for name in missing)}, which an OMOP CDM "
            f"must have (found: {found}). Give a DuckDB file, or a folder with one CSV or Parquet file per table."
        )
    for table, wanted in TABLES.items():
        if table in engine.columns:
            lost = [c for c, kind in wanted.items() if kind.endswith("!") and c not in engine.columns[table]]
            if lost:
                raise InputError(
                    f"The table {table.upper()} of {database} has no column {', '.join(lost)}. "
                    "Export it with the column names of OMOP CDM 5.4."
                )


def view(table: str, engine: Engine, *, columns: tuple[str, ...] | None = None) -> str:
    """A subquery that reads `table` typed, with null for what is not there."""
    wanted = {c: k.rstrip("!") for c, k in TABLES[table].items() if columns is None or c in columns}
    if table not in engine.columns:
        nulls = ", ".join(f"CAST(NULL AS {SQL_TYPES[k]}) AS {c}" for c, k in wanted.items())
        return f"(SELECT {nulls} WHERE FALSE)"
    there, types = engine.columns[table], engine.types[table]
    parts = [
        f"{_cast(there[c], types[c], k)} AS {c}" if c in there else f"CAST(NULL AS {SQL_TYPES[k]}) AS {c}"
        for c, k in wanted.items()
    ]
    return f"(SELECT {', '.join(parts)} FROM {engine.read(table)})"


WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "INT", "UINTEGER", "UBIGINT", "USMALLINT", "UTINYINT")


def _cast(column: str, type_: str, kind: str) -> str:
    """A column as its kind; slow ways only for what is stored as text."""
    name, wanted = f'"{column}"', SQL_TYPES[kind]
    if kind == "text":
        return f"NULLIF(TRIM(CAST({name} AS VARCHAR)), '')"
    if kind == "date":
        return name if type_ == "DATE" else f"CAST({name} AS DATE)" if "TIMESTAMP" in type_ else _date(name)
    if type_ == wanted:
        return name
    if kind == "number" or type_ in WHOLE or type_.startswith(("DOUBLE", "FLOAT", "DECIMAL")):
        return f"TRY_CAST({name} AS {wanted})"
    text = f"TRIM(CAST({name} AS VARCHAR))"  # pandas writes whole numbers beside gaps as 8507.0
    whole = f"CASE WHEN {text} LIKE '%.0' THEN SUBSTR({text}, 1, LENGTH({text}) - 2) ELSE {text} END"
    return f"TRY_CAST({whole} AS {wanted})"


def _date(name: str) -> str:
    """CSV has 2014-04-22, 2014-4-2, 2014-04-22 00:00:00 and 20140422."""
    day = f"SPLIT_PART(SPLIT_PART(TRIM(CAST({name} AS VARCHAR)), ' ', 1), 'T', 1)"
    compact = f"CONCAT(SUBSTR({day}, 1, 4), '-', SUBSTR({day}, 5, 2), '-', SUBSTR({day}, 7, 2))"
    bare = f"LENGTH({day}) = 8 AND {day} NOT LIKE '%-%'"
    return f"TRY_CAST(CASE WHEN {bare} THEN {compact} ELSE {day} END AS DATE)"


# --- where the tables lie ---------------------------------------------------------------------------

URL = re.compile(r"^(?P<kind>postgres(?:ql)?|sqlite|mysql)://", re.I)


def _sources(database: str, engine: DuckDB) -> Iterator[tuple[str, str]]:
    url = URL.match(database)
    if url and url["kind"].lower() != "sqlite":
        yield from _attached(database, url["kind"].lower().replace("postgresql", "postgres"), engine)
        return
    path = Path(
        re.sub(r"^sqlite:/{2,3}", lambda m: "/" if len(m[0]) == 10 else "", database) if url else database
    )
    if not path.exists():
        raise InputError(
            f"There is no {database}. Give a DuckDB file, or a folder with the tables of an OMOP CDM."
        )
    if path.is_dir():
        yield from _folder(path, engine)
    elif zipfile.is_zipfile(path):
        yield from _zip(path, engine)
    elif _begins(path).startswith(b"SQLite format 3"):
        yield from _attached(str(path), "sqlite", engine)
    elif path.suffix.lower() in (".csv", ".tsv", ".txt", ".gz", ".parquet"):
        raise InputError(f"{path} is one table. Give the folder in which all tables lie.")
    else:
        yield from _attached(str(path), "", engine)


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _attached(database: str, kind: str, engine: DuckDB) -> Iterator[tuple[str, str]]:
    import duckdb

    if kind in ("sqlite", "postgres") and not _installed(kind, engine):
        yield from _exported(database, kind, engine)
        return
    place = database.replace("'", "''")
    how = f"(TYPE {kind}, READ_ONLY)" if kind else "(READ_ONLY)"
    try:
        engine.db.execute(f"ATTACH '{place}' AS cdm {how}")
    except duckdb.Error as error:
        if kind and "extension" in str(error).lower():
            raise InputError(
                f"DuckDB reads {kind} through its extension “{kind}”, which is not installed and could not be "
                f"fetched. Where there is a network: python -c \"import duckdb; duckdb.execute('INSTALL {kind}')\". "
                "Or export the tables as Parquet and give the folder."
            ) from None
        hint = "" if kind else " A DuckDB file was expected, or a folder of CSV or Parquet."
        raise InputError(f"{_without_password(database)} cannot be opened: {plain(error)}.{hint}") from None
    for schema, table in engine.db.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'cdm' UNION ALL "
        "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'cdm' AND NOT internal ORDER BY ALL"
    ).fetchall():
        yield table.lower(), f'cdm."{schema}"."{table}"'


def _installed(kind: str, engine: DuckDB) -> bool:
    """Whether DuckDB's extension is on this machine: it is never fetched unasked."""
    query = "SELECT BOOL_OR(installed) FROM duckdb_extensions() WHERE extension_name IN (?, ?)"
    row = engine.db.execute(query, [kind, f"{kind}_scanner"]).fetchone()
    return bool(row and row[0])


def _exported(database: str, kind: str, engine: DuckDB) -> Iterator[tuple[str, str]]:
    from eutonia.screening.exported import export_postgres, export_sqlite

    engine.unpacked = unpacked = tempfile.TemporaryDirectory(prefix="eutonia-cdm-")
    folder, wanted = Path(unpacked.name), {table: list(columns) for table, columns in TABLES.items()}
    if kind == "sqlite":
        export_sqlite(Path(database), folder, wanted)
    else:
        export_postgres(database, _without_password(database), folder, wanted)
    yield from _folder(folder, engine)


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", url)


def _folder(folder: Path, engine: DuckDB) -> Iterator[tuple[str, str]]:
    """One file per table, or one folder of Parquet files per table."""
    found = {}
    for path in sorted(folder.iterdir()):
        table, name = table_of(path), path.name.lower()
        if table in TABLES and path.is_dir():
            if any(path.glob("*.parquet")):
                found[table] = f"read_parquet('{_quoted(path)}/*.parquet')"
        elif table in TABLES and name != table:
            found[table] = _file(path)
    if not found:
        zips = [path for path in folder.iterdir() if path.suffix.lower() == ".zip"]
        if len(zips) == 1:
            yield from _zip(zips[0], engine)
            return
    yield from found.items()


def table_of(path: Path) -> str:
    """The table that a file or folder holds, by its name."""
    return re.sub(r"(\.(csv|tsv|txt|parquet))?(\.gz)?$", "", path.name.lower())


def _file(path: Path) -> str:
    if ".parquet" in path.name.lower():
        return f"read_parquet('{_quoted(path)}')"
    # Every column as text: types are cast column by column, so that one bad cell does not lose a table.
    encoding = "encoding = 'utf-16', " if _begins(path)[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    options = f"{encoding}all_varchar = true, header = true, null_padding = true, sample_size = 20480"
    return f"read_csv('{_quoted(path)}', {options})"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _zip(path: Path, engine: DuckDB) -> Iterator[tuple[str, str]]:
    """Unpack the tables into a temporary folder."""
    engine.unpacked = unpacked = tempfile.TemporaryDirectory(prefix="eutonia-cdm-")
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = Path(entry.filename).name
            if not entry.is_dir() and not name.startswith("._"):
                with archive.open(entry) as packed, open(Path(unpacked.name) / name, "wb") as out:
                    while block := packed.read(1 << 20):
                        out.write(block)
    yield from _folder(Path(unpacked.name), engine)
