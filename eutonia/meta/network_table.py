"""Trial tables, by arm or by contrast → one block of basic contrasts for each study.

By arm: `study, treatment` with `mean, sd, n` (or `mean, se`) or with `events, n`. Arms of one study with
the same treatment are merged. By contrast: `study, treat1, treat2, effect, se`, where effect is treat1
minus treat2. A trial of several arms gives either all its contrasts, or those against one arm; then the
variance of that arm may stand in `se_shared`, else contrasts correlate at one half (arms of like size).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from eutonia.errors import InputError
from eutonia.meta.effect_sizes import small_sample_correction
from eutonia.meta.record import Floats

Measure = Literal["MD", "SMD", "OR", "RR", "RD"]

_NAMES = {
    "study": ("studlab", "trial", "trial_id", "study_id", "id"),
    "treatment": ("treat", "trt", "arm"),
    "treat1": ("treatment1", "t1"),
    "treat2": ("treatment2", "t2"),
    "effect": ("te", "yi", "estimate", "y"),
    "se": ("sete", "sei", "std_err"),
    "mean": ("mi", "m"),
    "sd": ("sdi", "s"),
    "n": ("ni", "total"),
    "events": ("event", "xi", "r"),
    "se_shared": ("se_base",),
}


ROUNDING = 0.25
"""Standard errors by which the contrasts of one study may miss each other, for they are printed rounded."""


@dataclass(frozen=True)
class Block:
    """One study: the contrasts of `treatments[1:]` with `treatments[0]`, and their sampling covariance."""

    study: str
    treatments: tuple[str, ...]
    y: Floats
    cov: Floats


@dataclass(frozen=True)
class Arm:
    """One treatment arm as the table gives it."""

    study: str
    treatment: str
    n: float
    mean: float = 0.0
    sd: float = 0.0
    events: float = 0.0


def records(table: Any) -> list[dict[str, Any]]:
    """Rows of a list of mappings, a mapping of columns, or a pandas or Polars frame, with standard column
    names.
    """
    rows: Iterable[Any]
    if hasattr(table, "to_dicts"):
        rows = table.to_dicts()
    elif hasattr(table, "to_dict") and hasattr(table, "columns"):
        rows = table.to_dict(orient="records")
    elif isinstance(table, Mapping):
        columns = {name: list(values) for name, values in table.items()}
        if len({len(values) for values in columns.values()}) > 1:
            raise InputError("The columns of the table differ in length.")
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    else:
        rows = table
    try:
        found = [dict(row) for row in rows]
    except (TypeError, ValueError):
        raise InputError("The table must be a list of records, a mapping of columns, or a frame.") from None
    if not found:
        raise InputError("The table is empty.")
    return _with_values([_renamed(row) for row in found])


def _with_values(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without columns that hold nothing in any of them."""
    empty = {name for name in rows[0] if all(_is_empty(row.get(name)) for row in rows)}
    return [{name: value for name, value in row.items() if name not in empty} for row in rows]


def _is_empty(value: Any) -> bool:
    return value in (None, "") or (isinstance(value, float) and np.isnan(value))


def _renamed(row: Mapping[str, Any]) -> dict[str, Any]:
    lower = {str(name).lower().replace(".", "_"): value for name, value in row.items()}
    for name, others in _NAMES.items():
        for other in others:
            if name not in lower and other in lower:
                lower[name] = lower.pop(other)
    return lower


def blocks(
    table: Any, measure: Measure | None = None, correction: str = "zero"
) -> tuple[list[Block], Measure]:
    """Read a table into one block per study, and say which measure its effects are in.

    Studies that tell nothing (one treatment only; no events at all, for a ratio) are left out.
    Raises InputError that names the row and column of a value that cannot be used.
    """
    rows = records(table)
    if "treat1" in rows[0] and "treat2" in rows[0]:
        contrasts = _from_contrasts(rows)
        _told_apart(contrasts)
        return contrasts, measure or "MD"
    if "treatment" not in rows[0]:
        raise InputError(
            "The table needs the columns study, treatment (by arm), or study, treat1, treat2, effect, se."
        )
    binary = "events" in rows[0]
    chosen: Measure = measure or ("OR" if binary else "MD")
    if binary != (chosen in ("OR", "RR", "RD")):
        raise InputError(f"Measure {chosen} does not go with a table of {'events' if binary else 'means'}.")
    found = [_arms_block(study, arms, chosen, correction) for study, arms in _merged(rows, binary).items()]
    kept = [block for block in found if block is not None]
    if not kept:
        raise InputError("No study of the table compares two treatments.")
    _told_apart(kept)
    return kept, chosen


def arms_by_study(table: Any) -> dict[str, list[Arm]]:
    """Arms with events, of each study that has two treatments or more."""
    rows = records(table)
    if "events" not in rows[0] or "treatment" not in rows[0]:
        raise InputError("This needs a table by arm with the columns study, treatment, events and n.")
    return {study: arms for study, arms in _merged(rows, binary=True).items() if len(arms) > 1}


def _number(row: Mapping[str, Any], name: str, place: int) -> float:
    value = row.get(name)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        comma = isinstance(value, str) and "," in value
        todo = "Write decimals with a point" if comma else "Leave the row out"
        raise InputError(f"Row {place + 1} of the table has no usable {name} (found {value!r}). {todo}.")
    return number


def _label(row: Mapping[str, Any], name: str, place: int) -> str:
    value = row.get(name)
    if _is_empty(value):
        raise InputError(f"Row {place + 1} of the table has no {name}.")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _told_apart(found: Sequence[Block]) -> None:
    """Refuse names of treatments that differ only in how they are written: they would be two treatments."""
    spelled: dict[str, str] = {}
    for name in (treatment for block in found for treatment in block.treatments):
        other = spelled.setdefault(" ".join(name.casefold().split()), name)
        if other != name:
            raise InputError(f"“{other}” and “{name}” would be two treatments. Write one name in one way.")


def left_out(rows: Sequence[Mapping[str, Any]], kept: Sequence[Block]) -> tuple[str, ...]:
    """Studies of a table that are in no block, for they compare nothing or tell nothing."""
    there = {block.study for block in kept}
    labels = dict.fromkeys(_label(row, "study", place) for place, row in enumerate(rows))
    return tuple(study for study in labels if study not in there)


def _merged(rows: Sequence[Mapping[str, Any]], binary: bool) -> dict[str, list[Arm]]:
    studies: dict[str, dict[str, Arm]] = {}
    for place, row in enumerate(rows):
        arm = _arm(row, place, binary)
        arms = studies.setdefault(arm.study, {})
        arms[arm.treatment] = _joined(arms[arm.treatment], arm) if arm.treatment in arms else arm
    return {study: list(arms.values()) for study, arms in studies.items()}


def _arm(row: Mapping[str, Any], place: int, binary: bool) -> Arm:
    study, treatment = _label(row, "study", place), _label(row, "treatment", place)
    if not binary and row.get("n") is None and row.get("se") is not None:
        # A standard error is all that a mean difference needs; n = 1 carries it.
        n, sd = 1.0, _number(row, "se", place)
    else:
        n = _number(row, "n", place)
        sd = 0.0 if binary else _number(row, "sd", place)
    if n <= 0 or (not binary and sd <= 0):
        raise InputError(f"Row {place + 1} of the table: n and sd must be above 0.")
    if not binary:
        return Arm(study, treatment, n, mean=_number(row, "mean", place), sd=sd)
    events = _number(row, "events", place)
    if not 0 <= events <= n:
        raise InputError(f"Row {place + 1} of the table: {events:g} events among {n:g} people cannot be.")
    return Arm(study, treatment, n, events=events)


def _joined(a: Arm, b: Arm) -> Arm:
    """Two arms as one (Cochrane Handbook, table 6.5.a)."""
    n = a.n + b.n
    mean = (a.n * a.mean + b.n * b.mean) / n
    if n > 2:
        squares = (a.n - 1) * a.sd**2 + (b.n - 1) * b.sd**2 + a.n * b.n / n * (a.mean - b.mean) ** 2
        sd = float(np.sqrt(squares / (n - 1)))
    else:
        sd = float(np.hypot(a.sd, b.sd) / 2)
    return Arm(a.study, a.treatment, n, mean, sd, a.events + b.events)


def _arms_block(study: str, arms: list[Arm], measure: Measure, correction: str) -> Block | None:
    if len(arms) < 2:
        return None
    n = np.array([arm.n for arm in arms])
    if measure in ("MD", "SMD"):
        value, variance = np.array([arm.mean for arm in arms]), np.array([arm.sd**2 for arm in arms]) / n
    else:
        events = np.array([arm.events for arm in arms])
        if measure != "RD" and (np.all(events == 0) or np.all(events == n)):
            return None
        value, variance = _binary(events, n, measure, correction)
    y = value[1:] - value[0]
    cov = np.diag(variance[1:]) + variance[0]
    if measure == "SMD":
        y, cov = _standardised(y, n, np.array([arm.sd for arm in arms]))
    return Block(study, tuple(arm.treatment for arm in arms), y, cov)


def _binary(events: Floats, n: Floats, measure: Measure, correction: str) -> tuple[Floats, Floats]:
    """Arm values and variances; 0.5 is added to the cells of a study that has a zero cell, or of all
    studies.
    """
    e, rest = events, n - events
    if correction == "all" or (correction == "zero" and (np.any(e == 0) or np.any(rest == 0))):
        e, rest = e + 0.5, rest + 0.5
    total = e + rest
    if np.any(e <= 0) or np.any(rest <= 0):
        raise InputError(
            "A study has a zero cell. Use correction “zero” or “all”, or the binomial likelihood."
        )
    if measure == "OR":
        return np.log(e / rest), 1 / e + 1 / rest
    if measure == "RR":
        return np.log(e / total), 1 / e - 1 / total
    return e / total, e * rest / total**3


def _standardised(difference: Floats, n: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Hedges's g on the SD of all arms, with the covariance of Gleser and Olkin."""
    df = float(np.sum(n - 1))
    g = small_sample_correction(df) * difference / np.sqrt(np.sum((n - 1) * sd**2) / df)
    return g, np.diag(1 / n[1:]) + 1 / n[0] + np.outer(g, g) / (2 * n.sum())


def _from_contrasts(rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    studies: dict[str, dict[tuple[str, str], tuple[float, float, float | None]]] = {}
    for place, row in enumerate(rows):
        one, two = _label(row, "treat1", place), _label(row, "treat2", place)
        effect, se = _number(row, "effect", place), _number(row, "se", place)
        if one == two:
            raise InputError(
                f"Row {place + 1} of the table compares {one} with itself. Merge those arms first."
            )
        if se <= 0:
            raise InputError(f"Row {place + 1} of the table: se is {se:g}; it must be above 0.")
        contrasts = studies.setdefault(_label(row, "study", place), {})
        if (one, two) in contrasts or (two, one) in contrasts:
            raise InputError(
                f"Row {place + 1} of the table gives {one} against {two} a second time for its study."
            )
        shared = row.get("se_shared")
        contrasts[one, two] = (effect, se, None if shared in (None, "") else float(shared))
    return [_contrast_block(study, contrasts) for study, contrasts in studies.items()]


def _contrast_block(
    study: str, contrasts: Mapping[tuple[str, str], tuple[float, float, float | None]]
) -> Block:
    names = list(dict.fromkeys(name for pair in contrasts for name in reversed(pair)))
    m = len(names)
    if len(contrasts) == m * (m - 1) // 2:
        return _complete(study, names, contrasts)
    shared = [name for name in names if all(name in pair for pair in contrasts)]
    if len(contrasts) == m - 1 and shared:
        return _star(study, shared[0], contrasts)
    raise InputError(
        f"Study {study} has {m} treatments and {len(contrasts)} contrasts. Give all {m * (m - 1) // 2}, "
        f"or the {m - 1} against one of its arms."
    )


def _star(
    study: str, base: str, contrasts: Mapping[tuple[str, str], tuple[float, float, float | None]]
) -> Block:
    others = [a if b == base else b for a, b in contrasts]
    sign = np.array([1.0 if b == base else -1.0 for _, b in contrasts])
    se = np.array([se for _, se, _ in contrasts.values()])
    shared = [s for _, _, s in contrasts.values() if s is not None]
    off = np.full((len(se), len(se)), shared[0] ** 2) if shared else 0.5 * np.outer(se, se)
    cov = off * (1 - np.eye(len(se))) + np.diag(se**2)
    _positive_definite(study, cov)
    return Block(study, (base, *others), sign * np.array([e for e, _, _ in contrasts.values()]), cov)


def _complete(
    study: str, names: list[str], contrasts: Mapping[tuple[str, str], tuple[float, float, float | None]]
) -> Block:
    """All contrasts of a study. Their variances give the covariance; rounding in the effects is averaged
    out.
    """
    m = len(names)
    effect, variance = np.zeros((m, m)), np.zeros((m, m))
    for (one, two), (value, se, _) in contrasts.items():
        i, j = names.index(one), names.index(two)
        effect[i, j], effect[j, i] = value, -value
        variance[i, j] = variance[j, i] = se**2
    cov = (variance[1:, :1] + variance[:1, 1:] - variance[1:, 1:]) / 2
    _positive_definite(study, cov)
    # The weights of the pairs are those of the graph Laplacian, as in netmeta (Rücker 2012).
    precision = np.linalg.inv(cov)
    weights = np.zeros((m, m))
    weights[1:, 1:] = -precision
    weights[0, 1:] = weights[1:, 0] = precision.sum(axis=0)
    np.fill_diagonal(weights, 0)
    laplacian = np.diag(weights.sum(axis=0)) - weights
    y = np.linalg.solve(laplacian[1:, 1:], np.sum(weights * effect, axis=1)[1:])
    fitted = np.subtract.outer(np.append(0.0, y), np.append(0.0, y))
    if np.any(np.abs(fitted - effect) > ROUNDING * np.sqrt(variance)):
        raise InputError(
            f"The contrasts of study {study} do not add up: A against B and B against C give A against C. "
            "Check their signs."
        )
    return Block(study, tuple(names), y, cov)


def _positive_definite(study: str, cov: Floats) -> None:
    if np.linalg.eigvalsh(cov).min() <= 0:
        raise InputError(
            f"The standard errors of study {study} do not fit one trial of {len(cov) + 1} arms. Check them."
        )
