"""The audit log's table. Nothing clinical stands in it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Integer, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class AuditEvent(Base):
    """`actor_id` did `action` to `subject` (a kind and an id, or nothing) in the journal of `patient_id`."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_patient_id_at", "patient_id", "at"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), Identity(always=False), primary_key=True
    )
    at: Mapped[datetime] = mapped_column(Instant)
    actor_id: Mapped[UUID | None] = mapped_column(Uuid)
    patient_id: Mapped[UUID | None] = mapped_column(Uuid)
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
