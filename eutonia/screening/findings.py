"""Rows of features → rows of findings: which rules apply or cannot be told, for whom, when and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from eutonia.conditions import features_of, rules_of_the_record
from eutonia.judging import concerns
from eutonia.patient import PlanItem
from eutonia.rules import check

if TYPE_CHECKING:
    import polars as pl

    from eutonia.knowledge import Knowledge
    from eutonia.knowledge.safety import Rule
    from eutonia.screening.groups import Kind

KEY = ("person_id", "index_day", "therapy", "episode_first", "episode_last")

ORDER = ("person_id", "episode_start", "therapy", "index_date", "rule")


def find(frame: pl.DataFrame, knowledge: Knowledge, kinds: Sequence[Kind]) -> pl.DataFrame:
    """Judge every row; return the contract's rows, one per person, episode and rule, ordered.

    Of several index dates in an episode the first counts on which the rule applies, else the first on which it
    cannot be told. What cannot be told counts only for rules about the plan, as for a single case.
    """
    import polars as pl

    rules = rules_of_the_record(knowledge)
    table = frame.select(list(dict.fromkeys(name for rule in rules for name in features_of(rule))))
    found = check(table, rules)
    keys = frame.select(*KEY, "planned").with_row_index("row")
    about = _concerned(frame["planned"].unique(), rules, knowledge, kinds)
    rows = found.join(keys, on="row").join(about, on=["planned", "rule"], how="left")
    rows = rows.with_columns(existing=pl.col("concerned").is_null()).filter(
        pl.col("applies").fill_null(False) | ~pl.col("existing")
    )
    rows = rows.sort(
        "person_id", "therapy", "episode_first", "rule", pl.col("applies").is_null(), "index_day"
    ).unique(["person_id", "therapy", "episode_first", "rule"], keep="first", maintain_order=True)
    rows = _with_reasons(rows, table, knowledge)
    return _as_contract(pl.concat([rows, _clear(rows, keys)], how="diagonal"), knowledge)


def _concerned(
    planned: pl.Series, rules: Sequence[Rule], knowledge: Knowledge, kinds: Sequence[Kind]
) -> pl.DataFrame:
    """Which rules are about which plans: plans are told apart by their ingredients."""
    import polars as pl

    by_name = {f"{kind.treatment}:{kind.bit}": kind for kind in kinds}
    item = PlanItem(action="start", text="an episode")
    rows = [
        (names, rule.id, True)
        for names in sorted(planned)
        for rule in rules
        if concerns(rule, item, [by_name[name] for name in names.split(" ")], knowledge)  # type: ignore[misc]
    ]
    schema_ = {"planned": pl.String, "rule": pl.String, "concerned": pl.Boolean}
    return pl.DataFrame(rows, schema=schema_, orient="row")


def _with_reasons(rows: pl.DataFrame, table: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
    """Add `because`: the features of a rule that applies which are neither unknown nor false, as JSON."""
    import polars as pl

    parts = []
    for (name,), some in rows.filter(pl.col("applies")).group_by("rule", maintain_order=True):
        values = table[some["row"]]
        reason = values.select(_reason(features_of(knowledge.rules[str(name)]), values.schema)).to_series()
        parts.append(some.select("row", "rule").with_columns(because=reason))
    if not parts:
        return rows.with_columns(because=pl.lit(None, dtype=pl.String))
    return rows.join(pl.concat(parts), on=["row", "rule"], how="left", maintain_order="left")


def _reason(names: Iterable[str], types: Any) -> pl.Expr:
    import polars as pl

    pieces = []
    for name in names:
        value = pl.col(name)
        written = (
            pl.lit("true")
            if types[name] == pl.Boolean
            else value.cast(pl.String)
            if types[name] == pl.Float64
            else pl.concat_str(pl.lit('"'), value, pl.lit('"'))
        )
        holds = value if types[name] == pl.Boolean else value.is_not_null()
        pieces.append(pl.when(holds).then(pl.concat_str(pl.lit(f'"{name}": '), written)))
    return pl.concat_str(
        pl.lit("{"), pl.concat_str(pieces, separator=", ", ignore_nulls=True), pl.lit("}")
    ).alias("because")


def _clear(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Exposed persons with nothing found: one row each, at their first index date."""
    return (
        keys.join(rows.select("person_id").unique(), on="person_id", how="anti")
        .sort("person_id", "index_day", "therapy")
        .unique("person_id", keep="first", maintain_order=True)
        .select(*KEY)
    )


def _as_contract(rows: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
    import polars as pl

    severity = {rule.id: rule.severity for rule in knowledge.rules.values()}
    asks = {f.id: f.asks for f in knowledge.features.values() if f.asks}
    asked = pl.element().replace(asks).unique(maintain_order=True)
    return rows.select(
        "person_id",
        index_date=pl.col("index_day").cast(pl.Date),
        therapy="therapy",
        episode_start=pl.col("episode_first").cast(pl.Date),
        episode_end=pl.col("episode_last").cast(pl.Date),
        rule="rule",
        severity=pl.col("rule").replace_strict(severity, default=None, return_dtype=pl.String),
        applies="applies",
        ask=pl.col("ask").list.eval(asked),
        because="because",
        urgent="urgent",
        existing="existing",
    ).sort(*ORDER, nulls_last=True)
