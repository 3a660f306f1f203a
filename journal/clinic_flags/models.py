"""The tables of a clinic's flags. Whose, how urgent, in what state and when stand in clear; the rule, the evidence and
notes are sealed with the patient's key."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class ClinicFlag(Base):
    """A flag as the clinic that follows the patient has it: what was raised by an answer (`flag_id`), or by the daily
    look at how somebody is. Each clinic has its own, so that none learns of another. `sealed` (with the patient's key)
    holds the rule, the evidence, and what of a share it takes to see it. `escalate_at`: when the second contact is
    told, if nobody has acknowledged it by then."""

    __tablename__ = "clinic_flags"
    __table_args__ = (
        CheckConstraint("urgency IN ('emergency', 'safety', 'urgent', 'review')", name="urgency_known"),
        CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name="state_known"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_is_whole"),
        CheckConstraint("(closed_at IS NULL) = (closed_why IS NULL)", name="reason_is_whole"),
        CheckConstraint(
            "closed_why IN ('talked', 'in-treatment', 'no-need', 'mistake', 'passed-on', 'left')",
            name="reason_known",
        ),
        CheckConstraint(
            "state <> 'acknowledged' OR acknowledged_at IS NOT NULL", name="acknowledged_is_whole"
        ),
        UniqueConstraint("clinic_id", "patient_id", "cause_hash", name="uq_clinic_flags_cause"),
        Index("ix_clinic_flags_clinic_id_state", "clinic_id", "state"),
        Index("ix_clinic_flags_patient_id", "patient_id"),
        Index("ix_clinic_flags_escalate_at", "escalate_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("clinics.id", ondelete="CASCADE"))
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    share_id: Mapped[UUID] = mapped_column(ForeignKey("shares.id", ondelete="CASCADE"))
    flag_id: Mapped[UUID | None] = mapped_column(Uuid)
    cause_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    urgency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime] = mapped_column(Instant)
    mailed_at: Mapped[datetime | None] = mapped_column(Instant)
    escalate_at: Mapped[datetime | None] = mapped_column(Instant)
    escalated_at: Mapped[datetime | None] = mapped_column(Instant)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_why: Mapped[str | None] = mapped_column(Text)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class FlagStep(Base):
    """What happened to a clinic's flag, and who did it; only ever added to. A note is sealed with the patient's
    key."""

    __tablename__ = "flag_steps"
    __table_args__ = (
        CheckConstraint(
            "step IN ('raised', 'again', 'mailed', 'second-contact', 'acknowledged', 'noted', 'closed', 'reopened')",
            name="step_known",
        ),
        Index("ix_flag_steps_clinic_flag_id", "clinic_flag_id"),
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), Identity(always=False), primary_key=True
    )
    clinic_flag_id: Mapped[UUID] = mapped_column(ForeignKey("clinic_flags.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(Instant)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    step: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
