"""What the server remembers of operations, so that each happens once; and which life of the database this is."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class SyncOperation(Base):
    """An operation of a phone that was kept. `body_hash`: a keyed hash of all of it, so that nothing of what was written
    can be guessed from it. `revision` is 0 where it made no single one. `number` counts the patient's operations."""

    __tablename__ = "sync_operations"
    __table_args__ = (
        CheckConstraint("revision >= 0", name="revision_not_negative"),
        CheckConstraint("number >= 1", name="number_positive"),
        UniqueConstraint("patient_id", "number"),
        {"sqlite_with_rowid": False},
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    entry_id: Mapped[UUID] = mapped_column(Uuid)
    revision: Mapped[int] = mapped_column(Integer)
    received_at: Mapped[datetime] = mapped_column(Instant, index=True)


class DataEpoch(Base):
    """One row: which life of the database this is. A restored one begins another."""

    __tablename__ = "data_epochs"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[UUID] = mapped_column(Uuid)
    began_at: Mapped[datetime] = mapped_column(Instant)
