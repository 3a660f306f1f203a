"""Reading the small forms of a summary's page."""

from collections.abc import Mapping
from datetime import date

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
