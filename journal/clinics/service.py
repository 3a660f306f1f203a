"""Making clinics and looking after their staff. Nothing here commits."""

from uuid import UUID

import orjson
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from journal.clinics.models import Staff
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
