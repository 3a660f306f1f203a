"""What people sign in with besides their passphrase. Secrets are sealed, codes and challenges are kept as hashes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from journal.kit.db import Base, Instant


class TotpFactor(Base):
    """An authenticator app. `pending_sealed` waits for its first code; until then the app that was confirmed before, if
    any, stays in force. `last_step`: the newest 30-second step that was used, so that each code counts once."""

    __tablename__ = "totp_factors"
    __table_args__ = (
        CheckConstraint("(sealed IS NULL) = (confirmed_at IS NULL)", name="confirmed_is_whole"),
        CheckConstraint("sealed IS NOT NULL OR pending_sealed IS NOT NULL", name="not_empty"),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    last_step: Mapped[int] = mapped_column(BigInteger)
    pending_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)


class Passkey(Base):
    """A key pair of which the private half never leaves the owner's device."""

    __tablename__ = "passkeys"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)


class RecoveryCode(Base):
    """A code that works once, kept as a keyed hash."""

    __tablename__ = "recovery_codes"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class PasskeyOffer(Base):
    """A passkey was set up or declined, so none is offered any more."""

    __tablename__ = "passkey_offers"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    settled_at: Mapped[datetime] = mapped_column(Instant)


class Challenge(Base):
    """What a passkey is asked to sign: once, soon, by this account, for this purpose. For signing in with one touch it is
    nobody's yet; the browser that asked for it keeps which one it was."""

    __tablename__ = "challenges"
    __table_args__ = (
        CheckConstraint("purpose IN ('register', 'sign-in', 'one-touch')", name="purpose_known"),
        CheckConstraint("(account_id IS NULL) = (purpose = 'one-touch')", name="owned_unless_one_touch"),
    )

    challenge_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(Instant)
