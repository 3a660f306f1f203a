"""Writing the audit log and the access log."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from journal.audit.models import AccessHead, AccessRead, AuditEvent
from journal.audit.queries import START, Read, chain
from journal.kit.db import upsert, vault_of

_INSERT = insert(AuditEvent.__table__)  # type: ignore[arg-type] # a table is a table, whatever its stubs say
_READS: Any = AccessRead.__table__
_HEADS: Any = AccessHead.__table__
_MOVE = (
    update(_HEADS)
    .where(_HEADS.c.patient_id == bindparam("whose"))
    .values(number=bindparam("new_number"), hash=bindparam("new_hash"))
)


def note(
    session: Session,
    action: str,
    now: datetime,
    *,
    actor_id: UUID | None,
    patient_id: UUID | None = None,
    subject: str | None = None,
) -> None:
    """Keep that it happened. `subject` names a thing by kind and id, never by content."""
    session.execute(
        _INSERT,
        {"at": now, "actor_id": actor_id, "patient_id": patient_id, "action": action, "subject": subject},
    )


def note_reads(session: Session, reads: Sequence[Read], now: datetime) -> None:
    """Put reads at the end of their patients' access logs: five statements, however many."""
    if not reads:
        return
    patients = sorted({read.patient_id for read in reads}, key=lambda one: one.bytes)
    session.execute(
        upsert(session, _HEADS).on_conflict_do_nothing(),
        [{"patient_id": one, "number": 0, "hash": START} for one in patients],
    )
    held = select(_HEADS).where(_HEADS.c.patient_id.in_(patients)).order_by(_HEADS.c.patient_id)
    heads = {row.patient_id: (row.number, row.hash) for row in session.execute(held.with_for_update())}
    vault = vault_of(session)
    rows = []
    for read in reads:
        number, before = heads[read.patient_id]
        values = {**read.values(), "number": number + 1, "at": now}
        made = chain(vault, before, values)
        rows.append({**values, "hash": made})
        heads[read.patient_id] = (number + 1, made)
    session.execute(insert(_READS), rows)
    session.execute(
        _MOVE,
        [{"whose": one, "new_number": number, "new_hash": made} for one, (number, made) in heads.items()],
    )


def read_now(
    patient_id: UUID,
    share_id: UUID,
    reader_id: UUID | None,
    way: str,
    shape: str,
    kinds: Sequence[str],
    since: date | None,
    until: date | None,
) -> Read:
    """A read that is about to happen."""
    return Read(patient_id, share_id, reader_id, way, shape, " ".join(sorted(kinds)), since, until)


def forget(session: Session, account_id: UUID) -> None:
    """Delete what was noted about the account's own journal. In other people's journals it stays noted that somebody
    was there, and no longer who."""
    session.execute(delete(AuditEvent).where(AuditEvent.patient_id == account_id))
    session.execute(update(AuditEvent).where(AuditEvent.actor_id == account_id).values(actor_id=None))
