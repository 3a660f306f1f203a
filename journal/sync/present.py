"""What a phone sends, read from JSON; and what it is told, with the addresses of pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from flask import url_for

from journal.accounts import present
from journal.checkins.forms import to_data
from journal.domain.days import Moment, day_of, find_zone
from journal.domain.instrument_files import find_instrument
from journal.infusions.forms import infusion_data, report_data
from journal.kit.web import device, person
from journal.kit.words import say_time
from journal.sync.service import KEEPERS, Operation, Outcome, captured

VERSION = 1
MOST_OPERATIONS = 20
MOST_FIELDS = 300


class Unreadable(Exception):
    """Not a request that this version of the journal can read."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that came, oldest first. What can't be read even in outline isn't among `operations`."""

    sent_at: datetime
    shown: UUID | None
    epoch: UUID | None
    seen: int
    operations: tuple[Mapping[str, Any], ...]


def read_batch(told: Any, owner: UUID) -> Batch:
    """Raises Unreadable, PermissionError where it is another account's."""
    if not isinstance(told, dict) or told.get("version") != VERSION:
        raise Unreadable
    operations = told.get("operations")
    if not isinstance(operations, list) or not 0 <= len(operations) <= MOST_OPERATIONS:
        raise Unreadable
    if not all(isinstance(one, dict) for one in operations):
        raise Unreadable
    if any(one.get("owner") != str(owner) for one in (told, *operations)):
        raise PermissionError
    seen = told.get("seen", 0)
    return Batch(
        _instant(told.get("sent_at")),
        _uuid_or_none(told.get("shown")),
        _uuid_or_none(told.get("epoch")),
        seen if isinstance(seen, int) else 0,
        tuple(operations),
    )


def read_operation(told: Mapping[str, Any]) -> Operation:
    """One operation. Raises Unreadable for one of an unknown kind or shape: a newer phone's, perhaps."""
    fields, kind = told.get("payload"), told.get("kind")
    if (
        not isinstance(kind, str)
        or kind not in KEEPERS
        or not isinstance(fields, dict)
        or len(fields) > MOST_FIELDS
    ):
        raise Unreadable
    if not all(isinstance(value, str) for value in fields.values()):
        raise Unreadable
    base = told.get("base")
    if not isinstance(base, int) or not 0 <= base < 10**7:
        raise Unreadable
    return Operation(
        _uuid(told.get("id")),
        _uuid(told.get("entry")),
        base,
        _uuid_or_none(told.get("after")),
        kind,
        _day(told.get("day")),
        _payload(kind, {str(name): value for name, value in fields.items()}),
        orjson.dumps(told, option=orjson.OPT_SORT_KEYS),
    )


def _payload(kind: str, fields: dict[str, str]) -> dict[str, Any]:
    """A form's fields as the kind's data; nothing is judged here."""
    match kind:
        case "check-in":
            return to_data(fields)
        case "note":
            return {"text": fields.get("note", "")}
        case "infusion":
            return infusion_data(fields)
        case "after-infusion":
            infusion = _uuid(fields.pop("infusion", None))
            data = report_data(fields, str(infusion))
            unfinished = fields.get("unfinished") == "yes"
            return data | {"infusion_id": infusion, "unfinished": unfinished}
    answers = {
        name: value
        for name, value in fields.items()
        if name not in ("instrument", "language", "finish") and value != ""
    }
    finish = fields.get("finish") == "yes"
    told = {name: fields.get(name, "") for name in ("instrument", "language")}
    return {**told, "answers": answers, "finish": finish}


def moment_of(told: Mapping[str, Any], sent_at: datetime, now: datetime) -> Moment:
    """When and where the operation was made. Raises Unreadable."""
    made = captured(_instant(told.get("captured_at")), sent_at, now)
    zone = find_zone(str(told.get("zone"))) or ZoneInfo(person().zone)
    return Moment(now, day_of(made, zone, person().day_ends_hour), zone, device(), made)


def tell(told: Mapping[str, Any], asked: Operation, done: Outcome, now: datetime) -> dict[str, Any]:
    """What the phone is told of one operation."""
    page = _page(asked, done)
    says = f"Saved at {say_time(now.astimezone(present.zone()))}. {done.says}".strip()
    answer: dict[str, Any] = {"id": told["id"], "status": done.status, "entry": str(done.entry)}
    if done.status == "rejected":
        answer |= {"reasons": dict(done.reasons), "base": done.base}
    else:
        answer |= {"revision": done.revision, "number": done.number, "page": page, "says": says}
    answer["help"] = url_for("safety.help_now", saved=1, next=page) if done.help_first else None
    return answer


def _page(asked: Operation, done: Outcome) -> str:
    """Where what was sent can be seen; two versions of it, where they can be told apart."""
    is_beside = done.status == "conflict"
    match asked.kind:
        case "check-in" if is_beside:
            return url_for("checkins.history", day=asked.day, entry_id=done.entry)
        case "check-in" | "note":
            return _day_page(asked.day)
        case "infusion":
            onward = "infusions.history" if is_beside else "infusions.infusion"
            return url_for(onward, infusion_id=done.entry)
        case "after-infusion":
            infusion_id = asked.payload["infusion_id"]
            if is_beside:
                part = asked.payload.get("part")
                return url_for("infusions.after_history", infusion_id=infusion_id, part=part)
            return url_for("infusions.infusion", infusion_id=infusion_id)
    instrument = find_instrument(asked.payload["instrument"])
    return url_for("questionnaires.begin", code=instrument.code if instrument else "")


def _day_page(day: date) -> str:
    return url_for("checkins.today") if day == present.today() else url_for("checkins.day", day=day)


def _uuid(text: Any) -> UUID:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        raise Unreadable from None


def _uuid_or_none(text: Any) -> UUID | None:
    return None if text is None else _uuid(text)


def _day(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (ValueError, TypeError):
        raise Unreadable from None


def _instant(text: Any) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        pass
    raise Unreadable
