"""The flags' table. Whose, how urgent, in what state and when stand in clear; the rule and its evidence are sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class Flag(Base):
    """`cause_hash` is a keyed hash of the cause; `told_at`, when it was last told anew. `help_on`: from this day help
    waits to be shown to the patient; `again_on`: from this day it is offered once more. `delivered_at` None: the clinic
    that follows the patient, if one does, hasn't been looked for since it was told."""

    __tablename__ = "flags"
    __table_args__ = (
        ForeignKeyConstraint(
            ["patient_id", "entry_id"],
            ["entries.patient_id", "entries.id"],
            name="fk_flags_patient_id_entry_id",
            ondelete="CASCADE",
        ),
        CheckConstraint("urgency IN ('emergency', 'safety', 'urgent', 'review')", name="urgency_known"),
        CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name="state_known"),
        UniqueConstraint("patient_id", "cause_hash", name="uq_flags_patient_id_cause_hash"),
        Index(
            "ix_flags_undelivered",
            "told_at",
            sqlite_where=text("delivered_at IS NULL"),
            postgresql_where=text("delivered_at IS NULL"),
        ),
    )

    patient_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(Uuid)
    cause_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    urgency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime] = mapped_column(Instant)
    help_on: Mapped[date | None] = mapped_column(Date)
    help_seen_at: Mapped[datetime | None] = mapped_column(Instant)
    again_on: Mapped[date | None] = mapped_column(Date)
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
