"""Times and days as people say them."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def say_time(at: datetime | time) -> str:
    """9:44 pm"""
    return f"{(at.hour % 12) or 12}:{at.minute:02} {'am' if at.hour < 12 else 'pm'}"


def say_time_of(hour: int) -> str:
    """7:00 am"""
    return say_time(time(hour))


def say_day(day: date) -> str:
    """Sunday 22 November"""
    return f"{day:%A} {day.day} {day:%B}"


def say_short_day(day: date) -> str:
    """Sun 22 Nov"""
    return f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


def say_date(day: date) -> str:
    """22 November 2026"""
    return f"{day.day} {day:%B} {day.year}"


def say_deadline(at: datetime) -> str:
    """Friday 11:20 am"""
    return f"{at:%A} {say_time(at)}"


def say_left(left: timedelta) -> str:
    """18 hours 40 minutes"""
    minutes = max(0, -(-int(left.total_seconds()) // 60))
    hours, minutes = divmod(minutes, 60)
    parts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((hours, "hour"), (minutes, "minute"))
        if count
    ]
    return " ".join(parts) or "less than a minute"


def in_zone(at: datetime, zone: str) -> datetime:
    """The wall-clock time where it happened."""
    return at.astimezone(ZoneInfo(zone))


def lower_first(text: str) -> str:
    """A phrase as it stands inside a sentence."""
    return text[:1].lower() + text[1:]


def days_later(day: date, count: int) -> date:
    return day + timedelta(days=count)


def day_before(at: datetime, zone: ZoneInfo) -> date:
    """The last whole day before an instant, where somebody is."""
    return (at - timedelta(seconds=1)).astimezone(zone).date()


def say_when(at: datetime) -> str:
    """Mon 16 Nov, 9:44 pm"""
    return f"{say_short_day(at.date())}, {say_time(at)}"


def say_age(age: timedelta) -> str:
    """12 minutes; 3 hours; 5 days"""
    minutes = max(0, int(age.total_seconds()) // 60)
    count, word = (
        (minutes, "minute")
        if minutes < 60
        else (minutes // 60, "hour")
        if minutes < 48 * 60
        else (age.days, "day")
    )
    return "less than a minute" if not count else f"{count} {word}{'' if count == 1 else 's'}"


FILTERS = {
    "day_before": day_before,
    "days_later": days_later,
    "lower_first": lower_first,
    "in_zone": in_zone,
    "say_time": say_time,
    "say_time_of": say_time_of,
    "say_day": say_day,
    "say_short_day": say_short_day,
    "say_date": say_date,
    "say_deadline": say_deadline,
    "say_left": say_left,
    "say_when": say_when,
    "say_age": say_age,
}
