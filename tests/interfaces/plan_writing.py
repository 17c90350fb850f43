"""Plan items in words, for tests: what is written must read back the same."""

from collections.abc import Sequence

from eutonia.dosing.words import FORMS
from eutonia.patient import PlanItem


def describe(item: PlanItem) -> str:
    """A plan item in words that `read_plan` reads back to the same item."""
    if item.steps:
        head = _head(item)
        parts = [_dose_and_timing(step) for step in item.steps]
        return " ".join(filter(None, (head, "; ".join(parts))))
    return " ".join(filter(None, (_head(item), _dose_and_timing(item))))


def _head(item: PlanItem) -> str:
    action = item.action.removesuffix("-therapy")
    return " ".join(filter(None, ("" if action == "start" else action, item.text or item.therapy or "")))


def _dose_and_timing(item: PlanItem) -> str:
    words = [
        _dose_words(item),
        {"oral": "by mouth", "transdermal": "to the skin", "topical": "topically"}.get(
            item.route or "", item.route or ""
        ),
        _timing_words(item),
        f"at {_listed(item.clock_times)}" if item.clock_times else "",
        "as needed" if item.as_needed else "",
        f"from day {item.start_day + 1:g}" if item.start_day is not None else "",
        f"from {item.start.first}" if item.start else "",
        f"until {item.end.last}" if item.end else "",
        f"for {item.duration_days:g} day{'s' if item.duration_days != 1 else ''}"
        if item.duration_days is not None
        else "",
        f"#{item.quantity:g}" if item.quantity is not None else "",
        f"{item.days_supply:g} days supply" if item.days_supply is not None else "",
    ]
    return " ".join(filter(None, words))


def _dose_words(item: PlanItem) -> str:
    if item.dose is None:
        return ""
    amount = f"{item.dose:g}" + (f"-{item.dose_high:g}" if item.dose_high is not None else "")
    unit = item.unit or "each"
    if unit == "each":
        return amount
    plural = unit in FORMS and (item.dose_high or item.dose) > 1
    return f"{amount} {_plural(unit) if plural else unit}"


def _plural(unit: str) -> str:
    return {"patch": "patches", "inch": "inches", "suppository": "suppositories"}.get(unit, unit + "s")


def _timing_words(item: PlanItem) -> str:
    times, low = item.times_per_day, item.times_per_day_low
    if item.every_hours is not None:
        longest = f"-{24 / low:.12g}" if low else ""
        words = _interval_words(item.every_hours, longest)
        natural = 24 / item.every_hours
        capped = times is not None and abs(times - natural) > 1e-9
        return words + (f", max {times:.12g} times a day" if capped else "")
    if times is None or (item.clock_times and times == len(item.clock_times)):
        return ""
    if times >= 1 and times == int(times):
        return (
            f"{low:g}-{times:g} times a day"
            if low
            else {1: "once a day", 2: "twice a day"}.get(int(times), f"{times:g} times a day")
        )
    a_week = times * 7
    if abs(a_week - round(a_week)) < 1e-9:
        return f"{round(a_week)} times a week"
    return f"{times:.12g} times a day"


def _interval_words(hours: float, longest: str) -> str:
    if longest or hours % 24:
        return f"every {hours:.12g}{longest} hours"
    days = hours / 24
    if days == 7:
        return "weekly"
    return f"every {days:.12g} days" if days > 1 else "every 24 hours"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
