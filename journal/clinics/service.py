"""Making clinics and looking after their staff. Nothing here commits."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from journal.clinics.models import Clinic, Staff
from journal.clinics.queries import belongs_to, get_box


def forget(session: Session, account_id: UUID) -> None:
    """Somebody deletes the own account: no longer staff anywhere. A clinic keeps the name, since its history of flags
    says who did what; the address goes."""
    rows = session.execute(
        select(Staff.id, Staff.clinic_id, Staff.sealed).where(Staff.account_id == account_id)
    ).all()
    for row in rows:
        box, place = get_box(session, row.clinic_id), belongs_to(row.clinic_id, row.id)
        told = orjson.loads(box.open(row.sealed, place)) | {"email": ""}
        session.execute(
            update(Staff)
            .where(Staff.id == row.id)
            .values(
                account_id=None,
                sealed=box.seal(orjson.dumps(told, option=orjson.OPT_SORT_KEYS), place),
                wants_digest=False,
            )
        )


def lock(session: Session, clinic_id: UUID) -> None:
    """Whoever makes a digest of the clinic waits here for whoever makes another."""
    session.execute(select(Clinic.id).where(Clinic.id == clinic_id).with_for_update(key_share=True))


def set_digest_due(session: Session, clinic_id: UUID, due_at: datetime) -> None:
    session.execute(update(Clinic).where(Clinic.id == clinic_id).values(digest_due_at=due_at))


def stop_digest(session: Session, staff_id: UUID) -> bool:
    """Somebody no longer wants the weekly digest. False if that was so already."""
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment] # an UPDATE gives a cursor
        update(Staff).where(Staff.id == staff_id, Staff.wants_digest).values(wants_digest=False)
    )
    return bool(result.rowcount)
