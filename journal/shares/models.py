"""The shares' tables. Kinds, days and times stand in clear; names and addresses are sealed, tokens kept as hashes."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class Share(Base):
    """A patient lets a named person, whoever has a link and its passcode, or the clinicians of a clinic that follows
    them, see some kinds of some days until an instant. A patient is followed by one clinic at a time. `sealed` holds the patient's name as the reader sees it, and whom it is for. `invited_hash` is a keyed
    hash of the invited address; `openings_left` None is any number. `ended_why` tells an end from an expiry."""

    __tablename__ = "shares"
    __table_args__ = (
        CheckConstraint("way IN ('person', 'link', 'clinic')", name="way_known"),
        CheckConstraint(
            "(way = 'person' AND invited_hash IS NOT NULL AND link_hash IS NULL AND passcode_hash IS NULL "
            "AND clinic_id IS NULL) OR "
            "(way = 'link' AND invited_hash IS NULL AND invite_hash IS NULL AND reader_id IS NULL "
            "AND link_hash IS NOT NULL AND passcode_hash IS NOT NULL AND clinic_id IS NULL) OR "
            "(way = 'clinic' AND invited_hash IS NULL AND invite_hash IS NULL AND reader_id IS NULL "
            "AND link_hash IS NULL AND passcode_hash IS NULL AND clinic_id IS NOT NULL AND accepted_at IS NOT NULL)",
            name="way_is_whole",
        ),
        CheckConstraint("until IS NULL OR since IS NULL OR since <= until", name="days_in_order"),
        CheckConstraint("tries BETWEEN 0 AND 10", name="tries_at_most_ten"),
        CheckConstraint("openings_left >= 0", name="openings_left_not_negative"),
        CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="end_is_whole"),
        CheckConstraint("ended_why IN ('patient', 'declined', 'locked', 'reader')", name="ended_why_known"),
        CheckConstraint("accepted_at IS NULL OR invite_hash IS NULL", name="invite_used_once"),
        Index("ix_shares_patient_id", "patient_id"),
        Index("ix_shares_reader_id", "reader_id"),
        Index("ix_shares_clinic_id_patient_id", "clinic_id", "patient_id"),
        Index(
            "uq_shares_followed_by_one",
            "patient_id",
            unique=True,
            sqlite_where=text("way = 'clinic' AND ended_at IS NULL"),
            postgresql_where=text("way = 'clinic' AND ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    way: Mapped[str] = mapped_column(Text)
    kinds: Mapped[str] = mapped_column(Text)
    since: Mapped[date | None] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_why: Mapped[str | None] = mapped_column(Text)
    tell_me: Mapped[bool] = mapped_column(Boolean, default=False)
    first_opened_at: Mapped[datetime | None] = mapped_column(Instant)
    seen_at: Mapped[datetime | None] = mapped_column(Instant)
    session_on: Mapped[date | None] = mapped_column(Date)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    invited_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    invite_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    invite_expires_at: Mapped[datetime | None] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    reader_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    clinic_id: Mapped[UUID | None] = mapped_column(ForeignKey("clinics.id", ondelete="CASCADE"))
    link_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    passcode_hash: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    openings_left: Mapped[int | None] = mapped_column(Integer)


class ShareOpening(Base):
    """A browser that was let in by a link and its passcode. Its cookie holds a token; here is its hash."""

    __tablename__ = "share_openings"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    share_id: Mapped[UUID] = mapped_column(ForeignKey("shares.id", ondelete="CASCADE"), index=True)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)


class Review(Base):
    """A reader marked a summary as reviewed, with a line back or none. `seen_up_to`: when that page was made, so that
    what came between the page and the button is not taken for seen."""

    __tablename__ = "reviews"
    __table_args__ = (Index("ix_reviews_patient_id_at", "patient_id", "at"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    share_id: Mapped[UUID] = mapped_column(ForeignKey("shares.id", ondelete="CASCADE"), index=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    reader_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(Instant)
    seen_up_to: Mapped[datetime] = mapped_column(Instant)
    last_day: Mapped[date] = mapped_column(Date)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
