"""Reading the form of reminders. It judges nothing."""

from collections.abc import Mapping
from datetime import time

from journal.kit.words import say_time
from journal.reminders.queries import Reminders
from journal.reminders.service import Wish

HOURS = {str(hour): say_time(time(hour)) for hour in range(24)}
CADENCES = {"daily": "Every day", "some-days": "Every third day", "weekly": "Once a week"}


def values_of(reminders: Reminders) -> dict[str, str]:
    """How the form begins."""
    on = "yes" if reminders.is_on else ""
    return {"is_on": on, "hour": str(reminders.hour), "cadence": reminders.cadence}


def typed(form: Mapping[str, str]) -> dict[str, str]:
    """The fields as they were sent, for showing them again."""
    return {name: form.get(name, "")[:20] for name in ("is_on", "hour", "cadence")}


def wish_of(values: Mapping[str, str]) -> Wish:
    """What the fields mean. An hour that is none is out of range."""
    hour = int(values["hour"]) if values["hour"] in HOURS else -1
    return Wish(values["is_on"] == "yes", hour, values["cadence"])
