"""The audit log's tables. Nothing clinical stands in them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    event,
)
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


class AccessRead(Base):
    """Somebody else read in a patient's journal: by which share, in what shape, which kinds and days. Each row's hash
    is made from the one before it, with the server's key, so none can be changed, left out or put in between. The
    database refuses to change a row, and to delete one while its patient's account is there."""

    __tablename__ = "access_reads"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number_positive"),
        CheckConstraint("way IN ('person', 'link', 'clinic')", name="way_known"),
        CheckConstraint(
            "shape IN ('list', 'page', 'pdf', 'csv', 'fhir', 'flags', 'digest')", name="shape_known"
        ),
        {"sqlite_with_rowid": False},
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    share_id: Mapped[UUID] = mapped_column(Uuid)
    reader_id: Mapped[UUID | None] = mapped_column(Uuid)
    way: Mapped[str] = mapped_column(Text)
    shape: Mapped[str] = mapped_column(Text)
    kinds: Mapped[str] = mapped_column(Text)
    since: Mapped[date | None] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AccessHead(Base):
    """The last row of a patient's access log: where the chain goes on, and what it must end in. Readers of one journal
    queue up here."""

    __tablename__ = "access_heads"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


_SQLITE = (
    "CREATE TRIGGER access_reads_unchanged BEFORE UPDATE ON access_reads "
    "BEGIN SELECT RAISE(ABORT, 'the access log is kept as it is'); END",
    "CREATE TRIGGER access_reads_kept BEFORE DELETE ON access_reads "
    "WHEN EXISTS (SELECT 1 FROM accounts WHERE id = OLD.patient_id) "
    "BEGIN SELECT RAISE(ABORT, 'the access log is kept as it is'); END",
)
_POSTGRESQL = (
    "CREATE FUNCTION keep_access_reads() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT 1 FROM accounts WHERE id = OLD.patient_id) THEN RETURN OLD; END IF; "
    "RAISE EXCEPTION 'the access log is kept as it is'; END $$",
    "CREATE TRIGGER access_reads_kept BEFORE UPDATE OR DELETE ON access_reads "
    "FOR EACH ROW EXECUTE FUNCTION keep_access_reads()",
)
for _dialect, _statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
    for _statement in _statements:
        _made: Any = DDL(_statement)  # type: ignore[no-untyped-call] # SQLAlchemy has no types here
        event.listen(AccessRead.__table__, "after_create", _made.execute_if(dialect=_dialect))
