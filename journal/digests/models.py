"""The digests' tables. Counts of whole clinics and times stand in clear; what is said of a patient is sealed with that
patient's own key."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Integer, LargeBinary, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class Digest(Base):
    """One clinic's week, made once. Its id comes from both. `told` holds the counts, and what else a mail says, as they
    were then: a mail that is sent again says the same."""

    __tablename__ = "digests"
    __table_args__ = (
        UniqueConstraint("clinic_id", "week", name="uq_digests_clinic_id_week"),
        CheckConstraint("starts_at < ends_at", name="week_has_days"),
        CheckConstraint("people >= 0", name="people_not_negative"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("clinics.id", ondelete="CASCADE"))
    week: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    made_at: Mapped[datetime] = mapped_column(Instant)
    people: Mapped[int] = mapped_column(Integer)
    told: Mapped[str] = mapped_column(Text)


class DigestRow(Base):
    """What a digest says of one patient, seen by whoever may see it at that instant: only while the share that it was
    made from is open."""

    __tablename__ = "digest_rows"

    digest_id: Mapped[UUID] = mapped_column(ForeignKey("digests.id", ondelete="CASCADE"), primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    share_id: Mapped[UUID] = mapped_column(ForeignKey("shares.id", ondelete="CASCADE"), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class DigestSending(Base):
    """A digest's mail was put into the outbox for somebody: once for each."""

    __tablename__ = "digest_sendings"

    digest_id: Mapped[UUID] = mapped_column(ForeignKey("digests.id", ondelete="CASCADE"), primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(
        ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    at: Mapped[datetime] = mapped_column(Instant)
