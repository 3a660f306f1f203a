"""When a patient is reminded: at the own hour, on which days, and never twice on one day.

A reminder is looked at once on each of the patient's days, at their hour. Whether it goes out is decided then: an infusion
logged an hour ago counts, and so does a journey.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from journal.domain.days import day_of, instant_of

EVERY: Mapping[str, int] = {"daily": 1, "some-days": 3, "weekly": 7}
"""After how many days the next reminder comes (own choice)."""
DENSE_DAYS = 7
"""Every day for a week after an infusion, whatever was chosen (product decision). That the day of the infusion itself
is not among them is own choice: it is a day to rest."""
LATE = timedelta(hours=3)
"""Own choice: one that could not go out for so long is left out. At night it would wake somebody for nothing."""
FIRST_HOUR = 20
"""Own choice: 8 pm is what the form begins with."""

Verdict = Literal["send", "logged", "rest", "late"]


def due_on(day: date, zone: ZoneInfo, hour: int, day_ends_hour: int) -> datetime:
    """The instant of the hour (0-23) on a patient's day. An hour past midnight at which the day still lasts belongs to
    it. An hour that a spring night leaves out comes with the hour after it, or before it where the day is over then; of
    two in an autumn night it is the first."""
    night = timedelta(days=1) if hour < day_ends_hour else timedelta(0)
    at = instant_of(day + night, time(hour), zone)
    return at if day_of(at, zone, day_ends_hour) <= day else at - timedelta(hours=1)


def next_look(after: datetime, zone: ZoneInfo, hour: int, day_ends_hour: int) -> datetime:
    """The first time after an instant at which it is the patient's hour."""
    day = day_of(after, zone, day_ends_hour)
    today = due_on(day, zone, hour, day_ends_hour)
    return today if today > after else due_on(day + timedelta(days=1), zone, hour, day_ends_hour)


def has_turn(day: date, cadence: str, last_turn_on: date | None, infusion_days: Iterable[date]) -> bool:
    """Whether a day is one for a reminder. `last_turn_on`: the last day that was one, whether the mail went out or the
    day was logged already. A day before it, after a journey, is none."""
    if last_turn_on is not None and day <= last_turn_on:
        return False
    if any(1 <= (day - given).days <= DENSE_DAYS for given in infusion_days):
        return True
    return last_turn_on is None or (day - last_turn_on).days >= EVERY[cadence]


def next_due(
    after: datetime,
    zone: ZoneInfo,
    hour: int,
    cadence: str,
    last_turn_on: date | None,
    infusion_days: Collection[date],
    day_ends_hour: int,
) -> datetime:
    """The instant of the next reminder, as things stand, unless the day is logged by then."""
    at = next_look(after, zone, hour, day_ends_hour)
    while not has_turn(day_of(at, zone, day_ends_hour), cadence, last_turn_on, infusion_days):
        at = next_look(at, zone, hour, day_ends_hour)
    return at


def decide(
    due_at: datetime,
    now: datetime,
    zone: ZoneInfo,
    day_ends_hour: int,
    cadence: str,
    last_turn_on: date | None,
    logged_days: Collection[date],
    infusion_days: Collection[date],
) -> Verdict:
    """What becomes of a reminder whose time has come: sent; left out because the day is logged; no turn of its own; or
    too late, also where its day is over."""
    day = day_of(due_at, zone, day_ends_hour)
    if now - due_at > LATE or day_of(now, zone, day_ends_hour) != day:
        return "late"
    if not has_turn(day, cadence, last_turn_on, infusion_days):
        return "rest"
    return "logged" if day in logged_days else "send"
