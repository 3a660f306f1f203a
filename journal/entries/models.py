"""The log's tables. Days, zones, kinds and times stand in clear; what was written is sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class PatientKey(Base):
    """The key that a patient's payloads are sealed with, wrapped by the server's master key."""

    __tablename__ = "patient_keys"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)


class Entry(Base):
    """One thing that was logged. `settled_revision`: two versions up to here were looked at and one was chosen."""

    __tablename__ = "entries"
    __table_args__ = (
        CheckConstraint("current_revision >= 1", name="current_revision_positive"),
        CheckConstraint("last_revision >= current_revision", name="last_revision_not_before_current"),
        CheckConstraint(
            "kind IN ('check-in', 'note', 'infusion', 'after-infusion', 'plan', 'profile', "
            "'questionnaire', 'urinary-check', 'safety-plan', 'safety-check')",
            name="kind_known",
        ),
        Index("ix_entries_patient_id_kind_day", "patient_id", "kind", "day"),
        {"sqlite_with_rowid": False},
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    zone: Mapped[str] = mapped_column(Text)
    is_late: Mapped[bool] = mapped_column(Boolean)
    is_deleted: Mapped[bool] = mapped_column(Boolean, default=False)
    current_revision: Mapped[int] = mapped_column(Integer)
    last_revision: Mapped[int] = mapped_column(Integer)
    settled_revision: Mapped[int] = mapped_column(Integer, default=0)
    beside: Mapped[int] = mapped_column(Integer, default=0)


class Revision(Base):
    """One state of an entry. Never updated. `base` is the revision it was made from (0: none); one that was made from
    an older revision than the current one is `is_beside`. A deletion has no payload."""

    __tablename__ = "revisions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["patient_id", "entry_id"], ["entries.patient_id", "entries.id"], ondelete="CASCADE"
        ),
        CheckConstraint("number >= 1", name="number_positive"),
        CheckConstraint("base >= 0 AND base < number", name="base_before_number"),
        Index(
            "ix_revisions_first_received_at",
            "patient_id",
            "received_at",
            sqlite_where=text("number = 1"),
            postgresql_where=text("number = 1"),
        ),
        {"sqlite_with_rowid": False},
    )

    patient_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    base: Mapped[int] = mapped_column(Integer)
    is_beside: Mapped[bool] = mapped_column(Boolean)
    day: Mapped[date] = mapped_column(Date)
    captured_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)
    device: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
