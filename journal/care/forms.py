"""Reading the small forms of a summary's page."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from journal.domain.errors import Refused


def session_day(form: Mapping[str, str], today: date) -> date | None:
    """The day of the last session, or None for "since the last review". Raises Refused."""
    text = form.get("session_on", "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refused({"session_on": "Enter a day, such as 2026-11-22."}) from None
    if not day.year >= 2000 or day > today:
        raise Refused(
            {"session_on": "This day is still to come, or too long ago. Enter the day you last met."}
        )
    return day


OLDEST_PAGE = timedelta(hours=12)
"""As long as a session lasts: an older page was not looked at just now."""


def seen_up_to(form: Mapping[str, str], now: datetime) -> datetime:
    """When the page was made that the reader marks as reviewed. A time that can't be is taken as twelve hours ago, so
    that nothing is held for seen that may not have been."""
    try:
        made_at = datetime.fromisoformat(form.get("made_at", ""))
    except ValueError:
        return now - OLDEST_PAGE
    if made_at.tzinfo is None or not now - OLDEST_PAGE <= made_at <= now:
        return now - OLDEST_PAGE
    return made_at
