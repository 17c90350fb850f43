"""A taper as a calendar that phones import: an event with an alarm for each dose, and one for each visit."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icalendar import Alarm, Calendar, Event

    from eutonia.tapering.models import Day, Dose, Taper

DOSE = timedelta(minutes=10)
"""How long a dose takes up in the calendar."""


def as_calendar(taper: Taper) -> bytes:
    """The calendar as iCalendar (RFC 5545), in the local time of whoever imports it. No name and no record number."""
    content: bytes = calendar(taper).to_ical()
    return content


def calendar(taper: Taper) -> Calendar:
    from icalendar import Calendar

    made = Calendar()
    made.add("prodid", "-//eutonia//taper//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", taper.title)
    for day in taper.days:
        for dose in day.doses:
            made.add_component(_dose(taper, day, dose))
    if taper.days:
        rest = "Keep the warning signs at hand for two more weeks. Return what is left."
        last = _whole_day(taper, _after(taper), "done", f"No {taper.drug} from today on", rest)
        made.add_component(last)
    for visit in taper.monitoring:
        made.add_component(
            _whole_day(
                taper,
                visit.date,
                f"visit-{visit.day}",
                "Talk to your clinician today",
                visit.what.capitalize(),
            )
        )
    return made


def _dose(taper: Taper, day: Day, dose: Dose) -> Event:
    from icalendar import Event

    hour, minute = (int(part) for part in dose.time.split(":"))
    start = datetime.combine(day.date, time(hour, minute))  # no zone: at this time wherever the phone is
    event = Event()
    event.add("uid", _uid(taper, f"dose-{day.day}-{dose.time.replace(':', '')}"))
    event.add("dtstamp", _stamp(taper))
    event.add("dtstart", start)
    event.add("dtend", start + DOSE)
    what = dose.tablets or f"{dose.mg:g} mg"
    event.add("summary", f"Take {what} {taper.drug}")
    event.add("description", f"Day {day.day}: {day.total_mg:g} mg in all. Never take more. "
              f"Call for help at once: {'; '.join(taper.emergency)}.")  # fmt: skip
    event.add("transp", "TRANSPARENT")
    event.add_component(_alarm(f"Take {what} {taper.drug}", timedelta(0)))
    return event


def _whole_day(taper: Taper, on: date, name: str, summary: str, description: str) -> Event:
    from icalendar import Event

    event = Event()
    event.add("uid", _uid(taper, name))
    event.add("dtstamp", _stamp(taper))
    event.add("dtstart", on)
    event.add("dtend", on + timedelta(days=1))
    event.add("summary", summary)
    event.add("description", description)
    event.add("transp", "TRANSPARENT")
    event.add_component(_alarm(summary, timedelta(hours=9)))
    return event


def _alarm(text: str, after: timedelta) -> Alarm:
    from icalendar import Alarm

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", text)
    alarm.add("trigger", after)
    return alarm


def _stamp(taper: Taper) -> datetime:

    return datetime.combine(
        taper.start, time(0, 0), tzinfo=UTC
    )  # of the plan, not of the clock: same input, same file


def _uid(taper: Taper, name: str) -> str:
    import hashlib

    whole = taper.model_dump_json(include={"drug", "start", "days", "now_mg"})
    return f"{name}-{hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()}@eutonia"


def _after(taper: Taper) -> date:
    return taper.days[-1].date + timedelta(days=1)
