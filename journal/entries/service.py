"""Appending to the log: the one way anything a patient logs gets kept. Nothing here commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import and_, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from journal.audit import service as audit
from journal.domain.access import Viewer
from journal.domain.days import Moment
from journal.domain.errors import NotYours, Refused
from journal.domain.exchange import Revision as WholeRevision
from journal.domain.exchange import Whole
from journal.domain.payloads import Payload
from journal.entries.models import Entry, PatientKey, Revision
from journal.entries.queries import belongs_to, get_box, open_versions
from journal.kit.db import upsert, vault_of
from journal.kit.vault import Box

ENTRIES_AT_ONCE = 500
FIXED_DAY = frozenset({"check-in", "note"})
"""These belong to their day for good: a change never moves them."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be kept. `base` is the revision it was made from, 0 for a new entry. `settles` is the last revision
    the writer was shown when choosing between versions. A payload of None deletes the entry."""

    id: UUID
    kind: str
    payload: Payload | None
    day: date
    zone: str
    captured_at: datetime
    base: int = 0
    device: str = ""
    is_late: bool = False
    settles: int = 0

    @classmethod
    def made(
        cls,
        entry_id: UUID,
        payload: Payload,
        moment: Moment,
        *,
        base: int = 0,
        day: date | None = None,
        is_late: bool = False,
        settles: int = 0,
    ) -> "Draft":
        """What somebody makes at this moment, on this day, or about another one."""
        return cls(
            id=entry_id,
            kind=payload.kind,
            payload=payload,
            day=day or moment.today,
            zone=moment.zone.key,
            captured_at=moment.captured_at,
            base=base,
            device=moment.device,
            is_late=is_late,
            settles=settles,
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """`how`: "new", "revised", "beside" (kept next to a newer version), or "same" (it was there already)."""

    entry_id: UUID
    number: int
    how: str


def append(session: Session, viewer: Viewer, draft: Draft, now: datetime) -> Kept:
    """Keep the draft. Raises NotYours when the viewer may not write here or there is nothing to revise, Refused when
    it claims a base that never was.

    A patient's writes queue up on the row of the patient's key, so of two at once one sees the other.
    """
    if not viewer.may_write:
        raise NotYours(draft.kind)
    row = _lock(session, viewer, draft.id, now)
    if row.kind is None:
        return _append_new(session, viewer, draft, row.wrapped_key, now)
    if row.kind != draft.kind or (draft.kind in FIXED_DAY and row.day != draft.day):
        raise NotYours(draft.kind)
    if draft.base > row.last_revision:
        raise Refused(
            {"base": "This was made from a version that the journal doesn’t have. Open the page again."}
        )
    return _append_to(session, viewer, draft, row, now)


# Built once: putting a statement together costs as much as running it.
_ENTRIES: Any = Entry.__table__
_REVISIONS: Any = Revision.__table__
_KEYS: Any = PatientKey.__table__
_INSERT_ENTRY = insert(_ENTRIES)
_INSERT_REVISION = insert(_REVISIONS)
_KEY = select(_KEYS.c.patient_id).where(_KEYS.c.patient_id == bindparam("patient")).with_for_update()
_HELD = (
    select(
        _KEYS.c.wrapped_key,
        _ENTRIES.c.kind,
        _ENTRIES.c.day,
        _ENTRIES.c.is_deleted,
        _ENTRIES.c.current_revision,
        _ENTRIES.c.last_revision,
        _ENTRIES.c.settled_revision,
        _ENTRIES.c.beside,
    )
    .select_from(
        _KEYS.outerjoin(
            _ENTRIES, and_(_ENTRIES.c.patient_id == _KEYS.c.patient_id, _ENTRIES.c.id == bindparam("entry"))
        )
    )
    .where(_KEYS.c.patient_id == bindparam("patient"))
    .with_for_update(of=_KEYS)
)


def lock(session: Session, viewer: Viewer, now: datetime) -> None:
    """Queue up behind the patient's other writers, before reading what is about to be changed."""
    mine = {"patient": viewer.patient_id}
    if session.execute(_KEY, mine).first() is None:
        # The first thing ever written: there has to be a row to wait at.
        _make_key(session, viewer.patient_id, now)
        session.execute(_KEY, mine)


def _lock(session: Session, viewer: Viewer, entry_id: UUID, now: datetime) -> Any:
    held = {"patient": viewer.patient_id, "entry": entry_id}
    row = session.execute(_HELD, held).one_or_none()
    if row is None:
        _make_key(session, viewer.patient_id, now)
        row = session.execute(_HELD, held).one()
    if session.get_bind().dialect.name != "sqlite":
        # The lock may have been waited for; what stood beside the key before the wait may be old.
        row = session.execute(_HELD, held).one()
    return row


def _make_key(session: Session, patient_id: UUID, now: datetime) -> None:
    table: Any = PatientKey.__table__
    wrapped = vault_of(session).new_wrapped_key(patient_id.bytes)
    made = upsert(session, table).values(patient_id=patient_id, wrapped_key=wrapped, created_at=now)
    try:
        session.execute(made.on_conflict_do_nothing())
    except IntegrityError:  # the account was deleted a moment ago, on another page
        raise NotYours("key") from None


def _append_new(session: Session, viewer: Viewer, draft: Draft, wrapped_key: bytes, now: datetime) -> Kept:
    if draft.base != 0 or draft.payload is None:
        raise NotYours(draft.kind)
    session.execute(
        _INSERT_ENTRY,
        {
            "patient_id": viewer.patient_id,
            "id": draft.id,
            "kind": draft.kind,
            "day": draft.day,
            "zone": draft.zone,
            "is_late": draft.is_late,
            "is_deleted": False,
            "current_revision": 1,
            "last_revision": 1,
            "settled_revision": 0,
            "beside": 0,
        },
    )
    _insert_revision(session, viewer, draft, wrapped_key, 1, False, now)
    _audit(session, viewer, draft, "recorded", now)
    return Kept(draft.id, 1, "new")


def _append_to(session: Session, viewer: Viewer, draft: Draft, row: Any, now: datetime) -> Kept:
    same = _find_same(session, viewer, draft, row.wrapped_key)
    if same is not None:
        return Kept(draft.id, same, "same")
    number = row.last_revision + 1
    # What somebody wrote while the entry was deleted elsewhere brings it back: words win over their absence.
    revives = row.is_deleted and draft.payload is not None
    is_beside = draft.base != row.current_revision and not revives
    values: dict[str, Any] = {"last_revision": number}
    settled = row.settled_revision
    if not is_beside:
        settled = max(settled, min(draft.settles, row.last_revision))
        values |= {
            "current_revision": number,
            "day": draft.day,
            "is_deleted": draft.payload is None,
            "settled_revision": settled,
        }
    if is_beside or draft.settles:
        made = _made_beside(session, viewer, draft.id) + ([(number, draft.base)] if is_beside else [])
        values["beside"] = len(open_versions(made, settled))
    session.execute(
        update(Entry).where(Entry.patient_id == viewer.patient_id, Entry.id == draft.id).values(**values)
    )
    _insert_revision(session, viewer, draft, row.wrapped_key, number, is_beside, now)
    _audit(session, viewer, draft, "deleted" if draft.payload is None else "revised", now)
    return Kept(draft.id, number, "beside" if is_beside else "revised")


def _made_beside(session: Session, viewer: Viewer, entry_id: UUID) -> list[tuple[int, int]]:
    """(number, base) of every revision that was made beside a newer one."""
    return [
        (number, base)
        for number, base in session.execute(
            select(Revision.number, Revision.base).where(
                Revision.patient_id == viewer.patient_id,
                Revision.entry_id == entry_id,
                Revision.is_beside.is_(True),
            )
        )
    ]


def _find_same(session: Session, viewer: Viewer, draft: Draft, wrapped_key: bytes) -> int | None:
    """The revision that a repeated send made already, if any: a double tap must not make two."""
    box = vault_of(session).box(wrapped_key, viewer.patient_id.bytes)
    rows = session.execute(
        select(Revision.number, Revision.sealed, Revision.day).where(
            Revision.patient_id == viewer.patient_id,
            Revision.entry_id == draft.id,
            Revision.base == draft.base,
        )
    ).all()
    wanted = None if draft.payload is None else _plain(draft.payload)
    for row in rows:
        held = None
        if row.sealed is not None:
            held = box.open(row.sealed, belongs_to(viewer.patient_id, draft.id, row.number))
        if held == wanted and row.day == draft.day:
            return int(row.number)
    return None


def _plain(payload: Payload) -> bytes:
    return orjson.dumps(payload.dump(), option=orjson.OPT_SORT_KEYS)


def _insert_revision(
    session: Session,
    viewer: Viewer,
    draft: Draft,
    wrapped_key: bytes,
    number: int,
    is_beside: bool,
    now: datetime,
) -> None:
    sealed = None
    if draft.payload is not None:
        box = vault_of(session).box(wrapped_key, viewer.patient_id.bytes)
        sealed = box.seal(_plain(draft.payload), belongs_to(viewer.patient_id, draft.id, number))
    session.execute(
        _INSERT_REVISION,
        {
            "patient_id": viewer.patient_id,
            "entry_id": draft.id,
            "number": number,
            "base": draft.base,
            "is_beside": is_beside,
            "day": draft.day,
            "captured_at": draft.captured_at,
            "received_at": now,
            "device": draft.device,
            "sealed": sealed,
        },
    )


def _audit(session: Session, viewer: Viewer, draft: Draft, action: str, now: datetime) -> None:
    audit.note(
        session,
        action,
        now,
        actor_id=viewer.account_id,
        patient_id=viewer.patient_id,
        subject=f"{draft.kind}:{draft.id}",
    )


def take_in(session: Session, viewer: Viewer, entries: Sequence[Whole], now: datetime) -> None:
    """Keep whole entries exactly as they were elsewhere, sealed anew. They must have been parsed, and must not be here
    yet. Nothing is raised for them: they were told long ago. Raises NotYours."""
    if not viewer.may_write:
        raise NotYours("journal")
    lock(session, viewer, now)
    box, patient = get_box(session, viewer), viewer.patient_id
    for start in range(0, len(entries), ENTRIES_AT_ONCE):
        batch = entries[start : start + ENTRIES_AT_ONCE]
        session.execute(_INSERT_ENTRY, [_entry_row(patient, whole) for whole in batch])
        revisions = [_revision_row(box, patient, whole.id, one) for whole in batch for one in whole.revisions]
        session.execute(_INSERT_REVISION, revisions)


def _entry_row(patient_id: UUID, whole: Whole) -> dict[str, Any]:
    return {
        "patient_id": patient_id,
        "id": whole.id,
        "kind": whole.kind,
        "day": whole.day,
        "zone": whole.zone,
        "is_late": whole.is_late,
        "is_deleted": whole.is_deleted,
        "current_revision": whole.current_revision,
        "last_revision": whole.last_revision,
        "settled_revision": whole.settled_revision,
        "beside": whole.beside,
    }


def _revision_row(box: Box, patient_id: UUID, entry_id: UUID, one: WholeRevision) -> dict[str, Any]:
    sealed = None
    if one.payload is not None:
        plain = orjson.dumps(one.payload, option=orjson.OPT_SORT_KEYS)
        sealed = box.seal(plain, belongs_to(patient_id, entry_id, one.number))
    return {
        "patient_id": patient_id,
        "entry_id": entry_id,
        "number": one.number,
        "base": one.base,
        "is_beside": one.is_beside,
        "day": one.day,
        "captured_at": one.captured_at,
        "received_at": one.received_at,
        "device": one.device,
        "sealed": sealed,
    }


def drop(session: Session, viewer: Viewer, entry_id: UUID) -> None:
    """Take an entry out with all its revisions, because an imported one comes in its place. Raises NotYours."""
    if not viewer.may_write:
        raise NotYours("journal")
    mine = (_ENTRIES.c.patient_id == viewer.patient_id, _ENTRIES.c.id == entry_id)
    session.execute(delete(_ENTRIES).where(*mine))


def forget(session: Session, patient_id: UUID) -> None:
    """Destroy the patient's key and everything in the log that it sealed."""
    for table in (_REVISIONS, _ENTRIES, _KEYS):
        session.execute(delete(table).where(table.c.patient_id == patient_id))
