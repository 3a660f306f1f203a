"""Accounts, their sessions, and the links mailed to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class Account(Base):
    """One person. Until an address is proven by mail, several accounts may claim it: that way signing up answers
    alike whether or not the address is known here. `reads_others`: somebody shares with this person, or a clinic has
    them as staff. `second_step_since`: signing in takes a second step; sessions that passed none are not let in."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("day_ends_hour BETWEEN 0 AND 6", name="day_ends_hour_in_range"),
        CheckConstraint("(pending_email IS NULL) = (pending_hash IS NULL)", name="pending_is_whole"),
        Index("ix_accounts_email_key", "email_key"),
        Index(
            "uq_accounts_verified_email_key",
            "email_key",
            unique=True,
            sqlite_where=text("verified_at IS NOT NULL"),
            postgresql_where=text("verified_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text)
    passphrase_hash: Mapped[str] = mapped_column(Text)
    pending_email: Mapped[str | None] = mapped_column(Text)
    pending_hash: Mapped[str | None] = mapped_column(Text)
    verified_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    zone: Mapped[str] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    day_ends_hour: Mapped[int] = mapped_column(SmallInteger, default=0)
    welcomed_at: Mapped[datetime | None] = mapped_column(Instant)
    reads_others: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    second_step_since: Mapped[datetime | None] = mapped_column(Instant)


class AccountSession(Base):
    """One browser that is signed in. The cookie holds a token; here is its hash. `here_at`: when its person was last
    here, noted while the app lock is on; `locked_at`: it was locked by hand."""

    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint("pin_tries >= 0", name="pin_tries_not_negative"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    device: Mapped[str] = mapped_column(Text)
    second_step_at: Mapped[datetime | None] = mapped_column(Instant)
    here_at: Mapped[datetime | None] = mapped_column(Instant)
    locked_at: Mapped[datetime | None] = mapped_column(Instant)
    pin_tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")


class AppLock(Base):
    """Whoever has a row here wants to be asked again after a while: for a PIN, kept as a hash, or a passkey, or either."""

    __tablename__ = "app_locks"
    __table_args__ = (CheckConstraint("pin_hash IS NOT NULL OR by_passkey", name="opens"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime] = mapped_column(Instant)
    pin_hash: Mapped[str | None] = mapped_column(Text)
    by_passkey: Mapped[bool] = mapped_column(Boolean)


class MailedLink(Base):
    """A link that was mailed: used once, gone after its time, kept only as a hash."""

    __tablename__ = "mailed_links"
    __table_args__ = (CheckConstraint("purpose IN ('verify', 'reset', 'sign-in')", name="purpose_known"),)

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
