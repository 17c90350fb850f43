"""Rows of features → rows of findings: which rules apply or cannot be told, for whom, when and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from eutonia.conditions import features_of, rules_of_the_record
from eutonia.judging import concerns
from eutonia.patient import PlanItem
from eutonia.rules import check_coded, named

if TYPE_CHECKING:
    import polars as pl

    from eutonia.knowledge import Knowledge
    from eutonia.knowledge.safety import Rule
    from eutonia.screening.groups import Kind

KEY = ("person_id", "index_day", "therapy", "episode_first", "episode_last")

ORDER = ("person_id", "episode_start", "therapy", "index_date", "rule")


def find(frame: pl.DataFrame, knowledge: Knowledge, kinds: Sequence[Kind]) -> pl.DataFrame:
    """Judge every row; return the contract's rows, one per person, episode and rule, in any order.

    Of several index dates in an episode the first counts on which the rule applies, else the first on which it
    cannot be told. What cannot be told counts only for rules about the plan, as for a single case.
    """
    import polars as pl

    rules = rules_of_the_record(knowledge)
    table = frame.select(list(dict.fromkeys(name for rule in rules for name in features_of(rule))))
    keys = _numbered(frame.select(*KEY, "planned"))
    found = check_coded(table, rules)
    about = _concerned(keys["plan"].gather(found["row"]), found["rule"], keys, rules, knowledge, kinds)
    found = found.with_columns(existing=~about).filter(found["applies"].fill_null(False) | about)
    found = found.gather(_first_of_each(found, keys, len(rules)))
    rows = named(found, rules).with_columns(found["existing"], *keys.select(KEY).gather(found["row"]))
    rows = _with_reasons(rows, table, knowledge)
    return _as_contract(pl.concat([rows, _clear(rows, keys)], how="diagonal"), knowledge)


def _numbered(keys: pl.DataFrame) -> pl.DataFrame:
    """Adds the number of each row's episode and plan, and its place in the order of index dates."""
    import polars as pl

    plans = keys["planned"].unique().sort()
    order = keys.select("person_id", "therapy", "index_day").with_row_index("row")
    rows = order.sort("person_id", "therapy", "index_day")["row"]
    episodes = keys.select("person_id", "therapy", "episode_first").gather(rows)
    fresh = pl.any_horizontal(pl.all() != pl.all().shift()).fill_null(True)
    placed = episodes.select(
        row=rows, episode=fresh.cum_sum().cast(pl.UInt64), place=pl.int_range(pl.len(), dtype=pl.UInt64)
    ).sort("row")
    return keys.with_columns(
        placed["episode"], placed["place"], plan=plans.search_sorted(keys["planned"]).cast(pl.UInt32)
    )


def _first_of_each(found: pl.DataFrame, keys: pl.DataFrame, rules: int) -> pl.Series:
    """Where the first index date of each episode and rule is: those that apply go before those that are open.

    One number per row is sorted many times as fast as the words that it stands for.
    """
    episode, place = (keys[name].gather(found["row"]) for name in ("episode", "place"))
    pair = episode * rules + found["rule"]
    order = ((pair * 2 + found["applies"].is_null()) * max(keys.height, 1) + place).arg_sort()
    pair = pair.gather(order)
    return order.filter(pair.ne_missing(pair.shift()))


def _concerned(
    plan: pl.Series,
    rule: pl.Series,
    keys: pl.DataFrame,
    rules: Sequence[Rule],
    knowledge: Knowledge,
    kinds: Sequence[Kind],
) -> pl.Series:
    """Whether each rule is about each plan: plans are told apart by their ingredients."""
    import polars as pl

    by_name = {kind.written: kind for kind in kinds}
    item = PlanItem(action="start", text="an episode")
    about = [
        concerns(each, item, [by_name[name] for name in names.split(" ")], knowledge)  # type: ignore[misc]
        for names in keys["planned"].unique().sort()
        for each in rules
    ]
    return pl.Series(about, dtype=pl.Boolean).gather(plan * len(rules) + rule)


def _with_reasons(rows: pl.DataFrame, table: pl.DataFrame, knowledge: Knowledge) -> pl.DataFrame:
    """Add `because`: the features of a rule that applies which are neither unknown nor false, as JSON."""
    import polars as pl

    parts = []
    rows = rows.with_row_index("at")
    for (name,), some in rows.filter(pl.col("applies")).group_by("rule", maintain_order=True):
        names = features_of(knowledge.rules[str(name)])
        values = table.select(names).gather(some["row"])
        reason = values.select(_reason(names, values.schema)).to_series()
        parts.append(some.select("at").with_columns(because=reason))
    every = pl.concat(parts) if parts else pl.DataFrame(schema={"at": pl.UInt32, "because": pl.String})
    return rows.join(every, on="at", how="left", maintain_order="left").drop("at")


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
    )
