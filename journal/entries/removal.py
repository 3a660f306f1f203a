"""Taking an entry out of the journal, bringing it back, and choosing between two versions. Nothing here commits."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.errors import NotYours
from journal.domain.payloads import KINDS
from journal.entries.queries import find_entry, get_entry, list_versions
from journal.entries.service import Draft, Kept, append, lock


def delete(
    session: Session, viewer: Viewer, entry_id: UUID, kind: str, base: int, device: str, now: datetime
) -> Kept:
    """Append the revision that says "deleted", unless the entry was changed since revision `base`: then nothing is
    appended and the answer is "same". Raises NotYours."""
    lock(session, viewer, now)
    held = get_entry(session, viewer, entry_id, kind)
    if base != held.revision:
        return Kept(entry_id, held.revision, "same")
    draft = Draft(entry_id, kind, None, held.day, held.zone, now, base, device, held.is_late)
    return append(session, viewer, draft, now)


def restore(session: Session, viewer: Viewer, entry_id: UUID, kind: str, device: str, now: datetime) -> Kept:
    """Append what stood there before it was deleted. Raises NotYours where nothing was deleted."""
    lock(session, viewer, now)
    held = find_entry(session, viewer, entry_id, kind)
    if held is None or not held.is_deleted:
        raise NotYours(kind)
    versions = list_versions(session, viewer, entry_id, kind)
    before = [v for v in versions if v.payload is not None and v.number < held.revision and not v.is_beside]
    payload: Any = KINDS[kind].load(before[-1].payload)
    draft = Draft(
        entry_id, kind, payload, before[-1].day, held.zone, now, held.revision, device, held.is_late
    )
    return append(session, viewer, draft, now)


def choose(
    session: Session,
    viewer: Viewer,
    entry_id: UUID,
    kind: str,
    number: int,
    base: int,
    shown: int,
    device: str,
    now: datetime,
) -> Kept:
    """Let revision `number` count from now on, in place of `base`, which counted when the page was shown; versions up
    to `shown` are settled. All of them stay in the history. Where another one counts by now, the choice is kept
    beside it. Raises NotYours for a revision that isn't there."""
    lock(session, viewer, now)
    held = get_entry(session, viewer, entry_id, kind)
    version = next((v for v in list_versions(session, viewer, entry_id, kind) if v.number == number), None)
    if version is None or version.payload is None:
        raise NotYours(kind)
    draft = Draft(
        entry_id,
        kind,
        KINDS[kind].load(version.payload),
        version.day,
        held.zone,
        now,
        base,
        device,
        held.is_late,
        settles=shown,
    )
    return append(session, viewer, draft, now)
