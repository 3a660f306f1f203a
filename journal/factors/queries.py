"""Reading what an account signs in with."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from journal.factors.models import Passkey, PasskeyOffer, RecoveryCode, TotpFactor
from journal.kit.db import vault_of

SEALED_FOR = b"totp"


@dataclass(frozen=True, slots=True)
class Key:
    """A passkey as its owner knows it."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account can give as its second step."""

    app_since: datetime | None
    keys: tuple[Key, ...]
    codes_left: int

    @property
    def count(self) -> int:
        return len(self.keys) + (self.app_since is not None)


def get_factors(session: Session, account_id: UUID) -> Factors:
    """All of them; passkeys in the order in which they were added."""
    app_since = session.execute(
        select(TotpFactor.confirmed_at).where(TotpFactor.account_id == account_id)
    ).scalar_one_or_none()
    keys = session.execute(
        select(Passkey.id, Passkey.name, Passkey.created_at, Passkey.last_used_at)
        .where(Passkey.account_id == account_id)
        .order_by(Passkey.created_at, Passkey.id)
    ).all()
    left = session.execute(
        select(func.count()).where(RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None))
    ).scalar_one()
    return Factors(app_since, tuple(Key(*row) for row in keys), left)


def may_offer_passkey(session: Session, account_id: UUID) -> bool:
    """Whether the account has no passkey, and none was declined or set up before."""
    there = union_all(
        select(Passkey.account_id).where(Passkey.account_id == account_id),
        select(PasskeyOffer.account_id).where(PasskeyOffer.account_id == account_id),
    )
    return session.execute(there).first() is None


def find_pending_secret(session: Session, account_id: UUID) -> str | None:
    """The secret of an app that waits for its first code. One that was confirmed is never shown again."""
    sealed = session.execute(
        select(TotpFactor.pending_sealed).where(TotpFactor.account_id == account_id)
    ).scalar_one_or_none()
    return None if sealed is None else open_secret(session, account_id, sealed)


def open_secret(session: Session, account_id: UUID, sealed: bytes) -> str:
    return vault_of(session).open(sealed, SEALED_FOR, account_id.bytes).decode()


def list_credentials(session: Session, account_id: UUID) -> list[bytes]:
    """The ids of the account's passkeys, as its browsers know them."""
    statement = select(Passkey.credential_id).where(Passkey.account_id == account_id)
    return list(session.execute(statement.order_by(Passkey.created_at)).scalars())
