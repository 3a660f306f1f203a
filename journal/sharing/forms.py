"""Reading the form of a share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from werkzeug.datastructures import MultiDict

from journal.domain.access import DAYS_BACK, ENDS, KINDS, Scope, last_day
from journal.domain.errors import Refused
from journal.kit.forms import ADDRESS_SHAPE, MOST_ADDRESS
from journal.shares.queries import Held
from journal.shares.service import Wish

MOST_NAME = 60
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of what follows: in a name they would turn our own sentences round."""
FIELDS = ("way", "name", "to", "email", "back", "since", "until", "ends", "ends_on", "once", "tell_me")
DAYS = (
    ("14", "Last 14 days, and new days as they come"),
    ("90", "Last 90 days, and new days as they come"),
    ("all", "Everything, and new days as they come"),
    ("some", "Only some days"),
)
UNTIL = (("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("date", "A date"))


@dataclass(frozen=True, slots=True)
class Read:
    """What was typed, as text, and what it means."""

    values: dict[str, Any]
    wish: Wish
    once: bool


def typed(form: MultiDict[str, str]) -> dict[str, Any]:
    """The form's fields as they were typed, for showing them again."""
    return {name: form.get(name, "")[:1000].strip() for name in FIELDS} | {"kinds": form.getlist("kinds")}


def first_values(way: str, name: str) -> dict[str, Any]:
    """How an empty form begins: the usual kinds, three months, and a share of thirty days (a link's of seven)."""
    return dict.fromkeys(FIELDS, "") | {
        "way": way,
        "name": name,
        "kinds": [kind.id for kind in KINDS.values() if kind.usual],
        "back": "90",
        "ends": "30" if way == "person" else "7",
        "tell_me": "yes",
    }


def values_of(held: Held, ends_on: date | None) -> dict[str, Any]:
    """How the form of a share that is there begins; `ends_on` is None for a clinic's."""
    scope = held.scope
    return dict.fromkeys(FIELDS, "") | {
        "way": held.way,
        "name": held.name,
        "to": held.to,
        "email": held.email,
        "kinds": [kind for kind in KINDS if kind in scope.kinds],
        "back": "some" if scope.since or scope.until else "all",
        "since": scope.since.isoformat() if scope.since else "",
        "until": scope.until.isoformat() if scope.until else "",
        "ends": "date",
        "ends_on": ends_on.isoformat() if ends_on else "",
        "tell_me": "yes" if held.tell_me else "",
    }


def read(
    form: MultiDict[str, str],
    way: str,
    share_id: UUID,
    today: date,
    *,
    fixed: Held | None = None,
    clinic: str = "",
) -> Read:
    """What the form wishes for; `clinic` is the name of the one that would follow. Raises Refused with a reason for
    each field that can't be read."""
    values = typed(form)
    reasons: dict[str, str] = {}
    kinds = frozenset(kind for kind in values["kinds"] if kind in KINDS)
    name = _text(values, "name", "Enter your name as they know it.", reasons)
    email = ""
    if fixed is not None:
        to, email = fixed.to, fixed.email
    elif way == "clinic":
        to = clinic
    elif way == "person":
        email = values["email"]
        if len(email) > MOST_ADDRESS or not ADDRESS_SHAPE.fullmatch(email):
            reasons["email"] = "Enter their whole address, such as lee@example.org."
        to = " ".join(TURNING.sub("", values["to"]).split())[:MOST_NAME] or email
    else:
        to = _text(values, "to", "Say who it is for, so that you find it again.", reasons)
    since, until = _days(values, today, reasons)
    ends_on = None if way == "clinic" else _end(values, today, reasons)
    if reasons:
        raise Refused(reasons)
    wish = Wish(share_id, name, to, Scope(kinds, since, until), ends_on, email, values["tell_me"] == "yes")
    return Read(values, wish, values["once"] == "yes")


def _text(values: Mapping[str, Any], field: str, missing: str, reasons: dict[str, str]) -> str:
    text = " ".join(TURNING.sub("", str(values[field])).split())
    if not text:
        reasons[field] = missing
    elif len(text) > MOST_NAME:
        reasons[field] = f"Keep it to {MOST_NAME} characters."
    elif any(ord(c) < 32 for c in text):
        reasons[field] = "Use letters and spaces only."
    return text


def _days(values: Mapping[str, Any], today: date, reasons: dict[str, str]) -> tuple[date | None, date | None]:
    back = values["back"]
    if back in DAYS_BACK:
        length = DAYS_BACK[back]
        return (None if length is None else today - timedelta(days=length - 1)), None
    if back != "some":
        reasons["back"] = "Choose which days."
        return None, None
    since, until = _date(values, "since", reasons), _date(values, "until", reasons)
    if since is None and until is None and not reasons.keys() & {"since", "until"}:
        reasons["since"] = "Enter the first day, the last day, or both."
    return since, until


def _end(values: Mapping[str, Any], today: date, reasons: dict[str, str]) -> date:
    ends = values["ends"]
    if ends in ENDS:
        return last_day(ENDS[ends], today)
    if ends != "date":
        reasons["ends"] = "Choose until when."
        return today
    day = _date(values, "ends_on", reasons)
    if day is None and "ends_on" not in reasons:
        reasons["ends_on"] = "Enter the last day on which it can be read."
    return day or today


def _date(values: Mapping[str, Any], field: str, reasons: dict[str, str]) -> date | None:
    text = values[field]
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        reasons[field] = "Enter a day, such as 2026-11-22."
        return None
    if not 2000 <= day.year <= 2100:
        reasons[field] = "Enter a day between 2000 and 2100."
        return None
    return day
