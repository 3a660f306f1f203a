"""A whole journal as it goes out and comes back: every entry with every revision. docs/export.md describes the file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from journal.domain.days import LATEST_DAY_END, find_zone
from journal.domain.errors import Refused
from journal.domain.fields import FORBIDDEN
from journal.domain.payloads import KINDS

FORMAT, VERSION = "infusion-journal", 1
MOST_ENTRIES, MOST_REVISIONS = 200_000, 400_000
"""Own choice: what twenty years of several entries a day come to, with room to spare."""
MOST_TOLD = 20
"""So many things to mend are told at once."""
MOST_DEVICE, MOST_ZONE, MOST_ID = 200, 64, 60
COUNTRY = re.compile("[A-Z]{2}|")

OwnId = Callable[[str, date], UUID | None]
"""The id that the one entry of a kind (and day) has in this account; None for kinds of which there can be many."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of an entry. `payload` is None for a deletion."""

    number: int
    base: int
    is_beside: bool
    day: date
    captured_at: datetime
    received_at: datetime
    device: str
    payload: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Whole:
    """An entry with all of its revisions, the first one first."""

    id: UUID
    kind: str
    day: date
    zone: str
    is_late: bool
    is_deleted: bool
    current_revision: int
    last_revision: int
    settled_revision: int
    beside: int
    revisions: tuple[Revision, ...]

    @property
    def current(self) -> Revision:
        return self.revisions[self.current_revision - 1]

    @property
    def made_beside(self) -> list[tuple[int, int]]:
        """(number, base) of every revision that was made beside a newer one."""
        return [(one.number, one.base) for one in self.revisions if one.is_beside]


@dataclass(frozen=True, slots=True)
class Journal:
    """What a file holds. Without a zone or a country that is known here, the account keeps its own."""

    entries: tuple[Whole, ...]
    zone: str | None
    country: str | None
    day_ends_hour: int


def name_of(whole: Whole, own_id: OwnId) -> str:
    """The entry's id in a file. One that is made from the account's is told as what it is, so that it becomes the
    right one in another account."""
    if whole.id == own_id(whole.kind, whole.day):
        return f"{whole.kind} {whole.day}" if whole.kind == "safety-check" else whole.kind
    return str(whole.id)


def dump_entry(whole: Whole, own_id: OwnId) -> dict[str, Any]:
    return {
        "id": name_of(whole, own_id),
        "kind": whole.kind,
        "day": whole.day.isoformat(),
        "zone": whole.zone,
        "is_late": whole.is_late,
        "is_deleted": whole.is_deleted,
        "current_revision": whole.current_revision,
        "last_revision": whole.last_revision,
        "settled_revision": whole.settled_revision,
        "beside": whole.beside,
        "revisions": [_dump_revision(whole.kind, one) for one in whole.revisions],
    }


def _dump_revision(kind: str, one: Revision) -> dict[str, Any]:
    # Through `load`, so that what an older version of the journal kept has the shape of this one.
    payload = None if one.payload is None else KINDS[kind].load(one.payload).dump()
    return {
        "number": one.number,
        "base": one.base,
        "is_beside": one.is_beside,
        "day": one.day.isoformat(),
        "captured_at": one.captured_at.isoformat(),
        "received_at": one.received_at.isoformat(),
        "device": one.device,
        "payload": payload,
    }


def parse(data: Any, own_id: OwnId) -> Journal:
    """From untrusted data. Raises Refused with a sentence for each entry that can't be kept, up to 20 of them."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise Refused(
            {"file": "This is not the export of an Infusion Journal. Choose the file you got there."}
        )
    version = data.get("version")
    if type(version) is not int or version < 1:
        raise Refused({"file": "This file doesn’t say which version it is. Choose the file as you got it."})
    if version > VERSION:
        raise Refused({"file": "This file comes from a newer journal than this one. Update this one first."})
    raw, account = data.get("entries"), data.get("account")
    if not isinstance(raw, list) or not isinstance(account, dict):
        raise Refused({"file": "A part of this file is missing. Choose the file as you got it."})
    if len(raw) > MOST_ENTRIES:
        raise Refused({"file": f"There are more than {MOST_ENTRIES:,} entries in this file."})
    return Journal(_parse_entries(raw, own_id), *_parse_place(account))


class _Wrong(Exception):
    """What is wrong with one entry, in a sentence."""


def _parse_entries(raw: list[Any], own_id: OwnId) -> tuple[Whole, ...]:
    reasons: dict[str, str] = {}
    entries: dict[UUID, Whole] = {}
    revisions = 0
    for place, one in enumerate(raw, 1):
        try:
            whole = _parse_entry(one, own_id)
            if whole.id in entries:
                raise _Wrong("it has the same id as another one.")
        except _Wrong as wrong:
            reasons[f"entry-{place}"] = f"Entry {place}{_about(one)}: {wrong}"
            if len(reasons) >= MOST_TOLD:
                break
            continue
        entries[whole.id] = whole
        revisions += len(whole.revisions)
        if revisions > MOST_REVISIONS:
            raise Refused({"file": f"There are more than {MOST_REVISIONS:,} versions in this file."})
    if reasons:
        raise Refused(reasons)
    return tuple(entries.values())


def _about(one: Any) -> str:
    kind, day = (one.get("kind"), _day(one.get("day"))) if isinstance(one, dict) else (None, None)
    return f" ({kind} of {day})" if isinstance(kind, str) and kind in KINDS and day else ""


def _parse_entry(one: Any, own_id: OwnId) -> Whole:
    if not isinstance(one, dict):
        raise _Wrong("it is not an entry.")
    kind, zone, day = one.get("kind"), one.get("zone"), _day(one.get("day"))
    if not isinstance(kind, str) or kind not in KINDS:
        raise _Wrong("the journal doesn’t know this kind of entry.")
    if day is None:
        raise _Wrong("its day can’t be read.")
    if not isinstance(zone, str) or len(zone) > MOST_ZONE or find_zone(zone) is None:
        raise _Wrong("the journal doesn’t know its time zone.")
    raw = one.get("revisions")
    if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_REVISIONS:
        raise _Wrong("its versions are missing.")
    revisions = tuple(_parse_revision(kind, number, inner) for number, inner in enumerate(raw, 1))
    whole = Whole(
        id=_parse_id(one.get("id"), kind, day, own_id),
        kind=kind,
        day=day,
        zone=zone,
        is_late=_flag(one, "is_late"),
        is_deleted=_flag(one, "is_deleted"),
        current_revision=_number(one, "current_revision", 1, len(raw)),
        last_revision=_number(one, "last_revision", len(raw), len(raw)),
        settled_revision=_number(one, "settled_revision", 0, len(raw)),
        beside=_number(one, "beside", 0, len(raw)),
        revisions=revisions,
    )
    _check_together(whole)
    return whole


def _check_together(whole: Whole) -> None:
    """An entry as the log would have made it: the last version that wasn't made beside another one counts, and says
    its day and whether it is deleted."""
    first, current = whole.revisions[0], whole.current
    counting = [one.number for one in whole.revisions if not one.is_beside]
    if first.is_beside or first.payload is None or counting[-1] != whole.current_revision:
        raise _Wrong("it doesn’t say which of its versions counts.")
    if current.day != whole.day or whole.is_deleted != (current.payload is None):
        raise _Wrong("what it says of itself and its newest version don’t fit together.")


def _parse_revision(kind: str, number: int, one: Any) -> Revision:
    if not isinstance(one, dict):
        raise _Wrong(f"version {number} is not a version.")
    day, device = _day(one.get("day")), one.get("device")
    captured_at, received_at = _instant(one.get("captured_at")), _instant(one.get("received_at"))
    if one.get("number") != number or type(one["number"]) is not int:
        raise _Wrong(f"version {number} is missing, or in the wrong place.")
    if day is None or captured_at is None or received_at is None:
        raise _Wrong(f"a day or time in version {number} can’t be read.")
    if not isinstance(device, str) or len(device) > MOST_DEVICE or FORBIDDEN.search(device):
        raise _Wrong(f"the device in version {number} can’t be read.")
    return Revision(
        number=number,
        base=_number(one, "base", 0, number - 1),
        is_beside=_flag(one, "is_beside"),
        day=day,
        captured_at=captured_at,
        received_at=received_at,
        device=device,
        payload=_payload(kind, number, one.get("payload")),
    )


def _payload(kind: str, number: int, raw: Any) -> Mapping[str, Any] | None:
    """What was written, through the same door as everything untrusted."""
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise _Wrong(f"what version {number} says can’t be read.")
    try:
        dumped: Mapping[str, Any] = KINDS[kind].parse(raw).dump()
    except Refused as refused:
        field, reason = next(iter(refused.reasons.items()))
        raise _Wrong(f"in version {number}, “{field}” can’t be kept. {reason}") from None
    return dumped


def _parse_id(raw: Any, kind: str, day: date, own_id: OwnId) -> UUID:
    mine = own_id(kind, day)
    if mine is not None:
        if raw != (f"{kind} {day}" if kind == "safety-check" else kind):
            raise _Wrong("its id doesn’t fit its kind.")
        return mine
    try:
        found = UUID(raw) if isinstance(raw, str) and len(raw) <= MOST_ID else None
    except ValueError:
        found = None
    if found is None or str(found) != raw:
        raise _Wrong("its id can’t be read.")
    return found


def _parse_place(account: Mapping[str, Any]) -> tuple[str | None, str | None, int]:
    zone, country, hour = account.get("zone"), account.get("country"), account.get("day_ends_hour")
    known = isinstance(zone, str) and len(zone) <= MOST_ZONE and find_zone(zone) is not None
    if type(hour) is not int or not 0 <= hour <= LATEST_DAY_END:
        raise Refused({"file": "The hour at which a day ends can’t be read in this file."})
    fits = isinstance(country, str) and COUNTRY.fullmatch(country) is not None
    return (zone if known else None), (country if fits else None), hour


def _number(one: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = one.get(name)
    if type(value) is not int or not least <= value <= most:
        raise _Wrong(f"its “{name}” doesn’t fit.")
    return value


def _flag(one: Mapping[str, Any], name: str) -> bool:
    value = one.get(name)
    if type(value) is not bool:
        raise _Wrong(f"its “{name}” is neither true nor false.")
    return value


def _day(value: Any) -> date | None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None
    return day if day is not None and 2000 <= day.year <= 2100 else None


def _instant(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None or not 2000 <= at.year <= 2100:
        return None
    return at.astimezone(UTC)
