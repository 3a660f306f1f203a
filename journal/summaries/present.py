"""What the page of a summary is drawn with: the same for the reader, for whoever has the link, and for the preview."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from journal.domain import summary as told
from journal.domain.access import KINDS
from journal.domain.questionnaires import say_number
from journal.domain.safety import HEADINGS
from journal.domain.summary import Summary
from journal.domain.trends import CHOICES, STRIP_DAYS
from journal.domain.trends import WINDOWS as WINDOWS
from journal.trends import drawing


def drawn_with(summary: Summary, ends_on: date | None) -> dict[str, Any]:
    """For templates/summaries/summary.html. `ends_on` is the last day on which the share is open."""
    return {
        "summary": summary,
        "ends_on": ends_on,
        "draw": drawing,
        "strip_days": range(STRIP_DAYS + 1),
        "by_rule": told.by_rule,
        "effects": told.count_effects(summary.days),
        "say_runs": told.say_runs,
        "say_changes": told.say_changes,
        "say_number": say_number,
        "kinds": KINDS,
        "say_dose": told.say_dose,
        "say_vitals": told.say_vitals,
        "say_report": told.say_report,
        "headings": HEADINGS,
        "choices": CHOICES,
    }


def window_of(args: Mapping[str, str]) -> tuple[str, str | None]:
    """Which days and which measure the page is asked for; the usual ones for anything it doesn't know."""
    window = args.get("days", "90")
    return (window if window in WINDOWS else "90"), args.get("measure")
