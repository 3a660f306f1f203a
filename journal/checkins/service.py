"""Keeping check-ins and notes. Nothing here commits."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.checkin import CheckIn, Note
from journal.domain.days import LATE_DAYS, Moment, may_fill
from journal.domain.errors import Refused
from journal.domain.side_effects import add_warning_signs, warning_signs
from journal.entries import service as entries
from journal.entries.queries import find_entry
from journal.entries.service import Draft, Kept
from journal.flags import service as flags
from journal.flags.service import Considered

EMPTY = "There is nothing to keep yet. Tap what you can, or come back later."
TOO_FAR = f"Only today and the {LATE_DAYS} days before it can be filled in."


def record(
    session: Session,
    viewer: Viewer,
    checkin: CheckIn,
    moment: Moment,
    *,
    entry_id: UUID,
    base: int,
    day: date,
    settles: int = 0,
) -> Considered:
    """Keep a check-in, or a change of one made from revision `base`, and raise what it gives cause for. Raises Refused
    when it is empty or, for a new one, the day is not today or one of the 14 before."""
    if checkin.is_empty:
        raise Refused({"form": EMPTY})
    if base == 0 and not may_fill(day, moment.today):
        raise Refused({"form": TOO_FAR})
    draft = Draft.made(
        entry_id, checkin, moment, base=base, is_late=day < moment.today, settles=settles, day=day
    )
    kept = entries.append(session, viewer, draft, moment.now)
    return flags.consider(session, viewer, kept, checkin, day, moment, base=base)


def record_warning_signs(
    session: Session,
    viewer: Viewer,
    data: Mapping[str, Any],
    moment: Moment,
    *,
    entry_id: UUID,
    base: int,
    day: date,
) -> Considered | None:
    """Of a check-in that was refused, keep the warning signs that are happening now: help must not wait until a note is
    short enough. None where there are none, or the day can't be filled in. What the check-in held before stays."""
    told = warning_signs(data.get("side_effects"), data.get("happening_now"))
    if not told or not may_fill(day, moment.today):
        return None
    held = find_entry(session, viewer, entry_id, CheckIn.kind)
    before = CheckIn.load(held.payload) if held is not None and not held.is_deleted else CheckIn()
    checkin = replace(
        before,
        side_effects=add_warning_signs(before.side_effects, told),
        happening_now={**before.happening_now, **told["happening_now"]},
    )
    return record(session, viewer, checkin, moment, entry_id=entry_id, base=base, day=day)


def record_note(
    session: Session,
    viewer: Viewer,
    note: Note,
    moment: Moment,
    *,
    entry_id: UUID,
    day: date,
) -> Kept:
    """Keep one more note on the day, with its own time. Raises Refused as `record` does."""
    if not may_fill(day, moment.today):
        raise Refused({"note": TOO_FAR})
    draft = Draft.made(entry_id, note, moment, is_late=day < moment.today, day=day)
    return entries.append(session, viewer, draft, moment.now)
