"""The table of reminders: when somebody wants to be reminded, and when that is next."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, LargeBinary, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class Reminder(Base):
    """How one patient wants to be reminded. `next_due_at`: when to look at it next, as reckoned in `zone`.
    `last_turn_on`: the last of the patient's days that had its reminder, or needed none because it was logged.
    `token_hash`: of the token in every mail's link that pauses."""

    __tablename__ = "reminders"
    __table_args__ = (
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour_in_range"),
        CheckConstraint("cadence IN ('daily', 'some-days', 'weekly')", name="cadence_known"),
        CheckConstraint("(next_due_at IS NOT NULL) = (is_on AND NOT is_paused)", name="due_while_on"),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[int] = mapped_column(SmallInteger)
    cadence: Mapped[str] = mapped_column(Text)
    is_on: Mapped[bool] = mapped_column(Boolean)
    is_paused: Mapped[bool] = mapped_column(Boolean)
    zone: Mapped[str] = mapped_column(Text)
    next_due_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
    last_turn_on: Mapped[date | None] = mapped_column(Date)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
