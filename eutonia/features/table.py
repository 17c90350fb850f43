"""Cases → a table of features, one row per case; null where the record does not tell. `rules.py` judges such tables."""

from collections.abc import Iterable, Mapping

import polars as pl

from eutonia.features import chart_of, names
from eutonia.knowledge import Knowledge
from eutonia.knowledge.safety import Feature
from eutonia.patient import Case

DTYPES: Mapping[str, type[pl.DataType]] = {"boolean": pl.Boolean, "number": pl.Float64, "category": pl.String}


def schema(features: Iterable[Feature]) -> dict[str, type[pl.DataType]]:
    """The columns of a feature table and their types."""
    return {feature.id: DTYPES[feature.type] for feature in features if feature.kind != "question"}


def tabulate(cases: Iterable[Case], knowledge: Knowledge) -> pl.DataFrame:
    """Every feature of every case."""
    charts = [chart_of(case, knowledge) for case in cases]
    data = {name: [chart.values[name].known for chart in charts] for name in names(knowledge)}
    return pl.DataFrame(data, schema=schema(knowledge.features[name] for name in data), strict=False)
