"""The clinics' tables. A clinic's own name and settings stand in clear; names and addresses of people are sealed with
the clinic's key, invitations kept as hashes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class Clinic(Base):
    """One clinic and its settings. `phq` has no default: the clinic chooses, and for the PHQ-9 confirms who answers
    when question 9 is not "not at all". `second_contact` is an address; `rules_off` holds rule ids."""

    __tablename__ = "clinics"
    __table_args__ = (
        CheckConstraint("phq IN ('phq-8', 'phq-9')", name="phq_known"),
        CheckConstraint(
            "phq IS NULL OR phq = 'phq-8' OR plan_confirmed_at IS NOT NULL", name="plan_confirmed"
        ),
        CheckConstraint("digest_day BETWEEN 0 AND 6", name="digest_day_in_range"),
        CheckConstraint("digest_hour BETWEEN 0 AND 23", name="digest_hour_in_range"),
        CheckConstraint("acknowledge_minutes BETWEEN 5 AND 10080", name="acknowledge_minutes_in_range"),
        CheckConstraint("blur_below BETWEEN 3 AND 50", name="blur_below_in_range"),
        Index("ix_clinics_digest_due_at", "digest_due_at"),
        Index("ix_clinics_look_due_at", "look_due_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    zone: Mapped[str] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text, default="")
    hours: Mapped[str] = mapped_column(Text, default="")
    after_hours: Mapped[str] = mapped_column(Text, default="")
    phq: Mapped[str | None] = mapped_column(Text)
    response_plan: Mapped[str] = mapped_column(Text, default="")
    plan_confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    plan_confirmed_by: Mapped[UUID | None] = mapped_column(Uuid)
    digest_day: Mapped[int] = mapped_column(SmallInteger, default=0)
    digest_hour: Mapped[int] = mapped_column(SmallInteger, default=7)
    digest_due_at: Mapped[datetime] = mapped_column(Instant)
    look_due_at: Mapped[datetime] = mapped_column(Instant)
    second_contact: Mapped[str] = mapped_column(Text, default="")
    acknowledge_minutes: Mapped[int] = mapped_column(Integer, default=60)
    rules_off: Mapped[str] = mapped_column(Text, default="")
    blur_below: Mapped[int] = mapped_column(SmallInteger, default=5)


class Staff(Base):
    """Somebody's roles in one clinic. Invited by mail, in force from `accepted_at` to `removed_at`. `sealed` holds the
    name and the invited address."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("is_admin OR is_clinician OR is_front_desk", name="has_a_role"),
        CheckConstraint("accepted_at IS NULL OR invite_hash IS NULL", name="invite_used_once"),
        Index("ix_staff_clinic_id", "clinic_id"),
        Index(
            "uq_staff_account_id_clinic_id",
            "account_id",
            "clinic_id",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("clinics.id", ondelete="CASCADE"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    is_admin: Mapped[bool] = mapped_column(Boolean)
    is_clinician: Mapped[bool] = mapped_column(Boolean)
    is_front_desk: Mapped[bool] = mapped_column(Boolean)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    invited_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    invite_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    invite_expires_at: Mapped[datetime] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    removed_at: Mapped[datetime | None] = mapped_column(Instant)
    wants_digest: Mapped[bool] = mapped_column(Boolean, default=True)
    unsubscribe_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)


class ClinicInvitation(Base):
    """A patient whom the clinic asked, by mail or by a printed code. `sealed` holds the name and, for a mail, the
    address. Some time after it was answered or ran out, the row goes: see `service.forget_old`."""

    __tablename__ = "clinic_invitations"
    __table_args__ = (
        CheckConstraint("way IN ('mail', 'code')", name="way_known"),
        CheckConstraint("(way = 'mail') = (invited_hash IS NOT NULL)", name="way_is_whole"),
        CheckConstraint("answer IN ('agreed', 'declined', 'withdrawn')", name="answer_known"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answer_is_whole"),
        CheckConstraint("answer IS NULL OR token_hash IS NULL", name="used_once"),
        Index("ix_clinic_invitations_clinic_id", "clinic_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("clinics.id", ondelete="CASCADE"))
    way: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    invited_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    expires_at: Mapped[datetime] = mapped_column(Instant)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    answer: Mapped[str | None] = mapped_column(Text)
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
