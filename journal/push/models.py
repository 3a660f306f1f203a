"""The tables of web push: phones that are reached, hours in which none is, and notes under way."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class PushDevice(Base):
    """A browser that may be sent notes, as long as the session lives in which that was turned on: whoever signs it out,
    from wherever, silences it. `sealed`: its address at the push service, and its keys. `last_note_id`: the last note
    that was taken for it. `failures`: notes in a row that nobody took."""

    __tablename__ = "push_devices"
    __table_args__ = (CheckConstraint("failures >= 0", name="failures_not_negative"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text)
    endpoint_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_success_at: Mapped[datetime | None] = mapped_column(Instant)
    last_note_id: Mapped[UUID | None] = mapped_column(Uuid)
    failures: Mapped[int] = mapped_column(Integer)


class PushQuiet(Base):
    """The quiet hours of somebody who chose other ones than those that everybody begins with."""

    __tablename__ = "push_quiet_hours"
    __table_args__ = (
        CheckConstraint("from_hour BETWEEN 0 AND 23", name="from_hour_in_range"),
        CheckConstraint("until_hour BETWEEN 0 AND 23", name="until_hour_in_range"),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    from_hour: Mapped[int] = mapped_column(SmallInteger)
    until_hour: Mapped[int] = mapped_column(SmallInteger)


class PushNote(Base):
    """A note to somebody's phones, under way or settled. `attempts` fences: whoever claimed it last has it. `taken_at`:
    when the first phone's push service took it. `day_ends_at`: nobody wants it after that."""

    __tablename__ = "push_notes"
    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        CheckConstraint("(due_at IS NULL) = (settled_at IS NOT NULL)", name="due_until_settled"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    day_ends_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
    attempts: Mapped[int] = mapped_column(Integer)
    taken_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
