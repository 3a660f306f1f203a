"""Writing the audit log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from journal.audit.models import AuditEvent

_INSERT = insert(AuditEvent.__table__)  # type: ignore[arg-type] # a table is a table, whatever its stubs say


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


def forget(session: Session, account_id: UUID) -> None:
    """Delete what was noted about the account's own journal. In other people's journals it stays noted that somebody
    was there, and no longer who."""
    session.execute(delete(AuditEvent).where(AuditEvent.patient_id == account_id))
    session.execute(update(AuditEvent).where(AuditEvent.actor_id == account_id).values(actor_id=None))
