"""Reading accounts and sessions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, false, func, or_, select
from sqlalchemy.orm import Session

from journal.accounts.models import Account, AccountSession, AppLock, MailedLink
from journal.domain.app_lock import MOST_PIN_TRIES, is_locked
from journal.kit.tokens import hash_token

IDLE_DAYS = 90
READER_LASTS = timedelta(hours=12)
READER_IDLE = timedelta(minutes=30)
"""Sessions of people who read what others share end sooner: a laptop in a practice is shared, a phone is not."""
LINK_LIVES = {"verify": timedelta(days=3), "reset": timedelta(hours=1), "sign-in": timedelta(minutes=15)}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person behind a request, as Flask-Login carries it."""

    session_id: UUID
    account_id: UUID
    seen_at: datetime
    email: str
    is_verified: bool
    pending_email: str | None
    zone: str
    country: str | None
    day_ends_hour: int
    was_welcomed: bool
    created_at: datetime
    reads_others: bool
    has_second_step: bool
    here_at: datetime
    wants_lock: bool
    is_locked: bool
    has_pin: bool
    unlocks_by_passkey: bool


ACCOUNTS: Any = Account.__table__
SESSIONS: Any = AccountSession.__table__
"""For joining to from features to the right."""
_A: Any = ACCOUNTS.c
_S: Any = SESSIONS.c
_L: Any = AppLock.__table__.c
_LIVE = (
    _S.ended_at.is_(None),
    _S.seen_at > bindparam("used_since"),
    or_(
        _A.reads_others == false(),
        and_(_S.seen_at > bindparam("reader_used_since"), _S.created_at > bindparam("reader_began_since")),
    ),
    or_(_A.second_step_since.is_(None), _S.second_step_at.is_not(None)),
)
"""When a session lets its browser in. The last line is the one place that keeps whoever passed no second step out of an
account that asks for one, however the session came to be."""
_SIGNED_IN = (
    select(
        _S.id,
        _A.id.label("account_id"),
        _S.seen_at,
        _A.email,
        _A.verified_at,
        _A.pending_email,
        _A.zone,
        _A.country,
        _A.day_ends_hour,
        _A.welcomed_at,
        _A.created_at,
        _A.reads_others,
        _A.second_step_since,
        _L.since.label("lock_since"),
        _L.pin_hash.is_not(None).label("has_pin"),
        _L.by_passkey,
        func.coalesce(_S.here_at, _S.seen_at).label("here_at"),
        _S.locked_at,
    )
    .select_from(
        AccountSession.__table__.join(Account.__table__, _A.id == _S.account_id).outerjoin(
            AppLock.__table__, _L.account_id == _A.id
        )
    )
    .where(_S.token_hash == bindparam("token"), *_LIVE)
)
"""Asked on every request, so it is put together once."""


def _live_at(now: datetime) -> dict[str, datetime]:
    """What `_LIVE` is asked with."""
    return {
        "used_since": now - timedelta(days=IDLE_DAYS),
        "reader_used_since": now - READER_IDLE,
        "reader_began_since": now - READER_LASTS,
    }


def find_signed_in(session: Session, token: str, now: datetime) -> SignedIn | None:
    """Who holds the token, unless its session was ended, has ended by itself, or lacks the second step."""
    row = session.execute(_SIGNED_IN, {"token": hash_token(token), **_live_at(now)}).one_or_none()
    if row is None:
        return None
    return SignedIn(
        session_id=row.id,
        account_id=row.account_id,
        seen_at=row.seen_at,
        email=row.email,
        is_verified=row.verified_at is not None,
        pending_email=row.pending_email,
        zone=row.zone,
        country=row.country,
        day_ends_hour=row.day_ends_hour,
        was_welcomed=row.welcomed_at is not None,
        created_at=row.created_at,
        reads_others=row.reads_others,
        has_second_step=row.second_step_since is not None,
        here_at=row.here_at,
        wants_lock=row.lock_since is not None,
        is_locked=is_locked(
            is_wanted=row.lock_since is not None, here_at=row.here_at, locked_at=row.locked_at, now=now
        ),
        has_pin=row.has_pin,
        unlocks_by_passkey=bool(row.by_passkey),
    )


def find_by_passphrase(session: Session, email_key: str, passphrase_hash: str) -> UUID | None:
    """The account that this address and passphrase open; a proven one before a claim, an older before a newer."""
    return session.execute(
        select(Account.id)
        .where(Account.email_key == email_key, Account.passphrase_hash == passphrase_hash)
        .order_by(Account.verified_at.is_(None), Account.created_at)
        .limit(1)
    ).scalar_one_or_none()


def find_for_reset(session: Session, email_key: str) -> tuple[UUID, str] | None:
    """(account, address) that a reset mail is for: the one that has the address proven, or the only one that claims
    it. Where several claim it and none proved it, a reset could hand one person's journal to another: None."""
    rows = session.execute(
        select(Account.id, Account.email, Account.verified_at).where(Account.email_key == email_key)
    ).all()
    proven = [row for row in rows if row.verified_at is not None]
    chosen = proven if proven else rows
    return (chosen[0].id, chosen[0].email) if len(chosen) == 1 else None


def has_email_key(session: Session, account_id: UUID, email_key: str) -> bool:
    statement = select(Account.id).where(Account.id == account_id, Account.email_key == email_key)
    return session.execute(statement).first() is not None


def owns_address(session: Session, account_id: UUID, email_key: str) -> bool:
    """Whether the account has the address proven, or is the only one that claims it."""
    rows = session.execute(
        select(Account.id, Account.verified_at).where(Account.email_key == email_key)
    ).all()
    return all(row.id == account_id for row in rows) or any(
        row.id == account_id and row.verified_at is not None for row in rows
    )


def list_addresses(session: Session, account_id: UUID) -> tuple[str | None, ...]:
    """The account's address and the one that waits to be proven."""
    row = session.execute(
        select(Account.email, Account.pending_email).where(Account.id == account_id)
    ).one_or_none()
    return () if row is None else (row.email, row.pending_email)


def find_proven(session: Session, email_key: str) -> UUID | None:
    """The account that has this address proven."""
    return session.execute(
        select(Account.id).where(Account.email_key == email_key, Account.verified_at.is_not(None))
    ).scalar_one_or_none()


def find_link(session: Session, token: str, purpose: str, now: datetime) -> MailedLink | None:
    """A mailed link that can still be used."""
    return session.execute(
        select(MailedLink).where(
            MailedLink.token_hash == hash_token(token),
            MailedLink.purpose == purpose,
            MailedLink.used_at.is_(None),
            MailedLink.expires_at > now,
        )
    ).scalar_one_or_none()


def list_sessions(
    session: Session, account_id: UUID, now: datetime
) -> tuple[Row[UUID, datetime, datetime, str], ...]:
    """(id, created_at, seen_at, device) of each live session, the one used last first."""
    return tuple(
        session.execute(
            select(_S.id, _S.created_at, _S.seen_at, _S.device)
            .select_from(AccountSession.__table__.join(Account.__table__, _A.id == _S.account_id))
            .where(_S.account_id == account_id, *_LIVE)
            .order_by(_S.seen_at.desc()),
            _live_at(now),
        ).all()
    )


def list_accounts_by_email(session: Session, emails: list[str]) -> tuple[str, ...]:
    """Those of the addresses that some account has."""
    keys = [email.casefold() for email in emails]
    return tuple(session.execute(select(Account.email).where(Account.email_key.in_(keys))).scalars())


def has_passphrase(session: Session, account_id: UUID, passphrase_hash: str) -> bool:
    statement = select(Account.id).where(Account.id == account_id, Account.passphrase_hash == passphrase_hash)
    return session.execute(statement).first() is not None


def find_passphrase_hash(session: Session, account_id: UUID) -> str | None:
    """The encoded hash that is in force, or None if the account is gone."""
    statement = select(Account.passphrase_hash).where(Account.id == account_id)
    return session.execute(statement).scalar_one_or_none()


def asks_second_step(session: Session, account_id: UUID) -> bool:
    """Whether signing in to the account takes a second step."""
    statement = select(Account.id).where(Account.id == account_id, Account.second_step_since.is_not(None))
    return session.execute(statement).first() is not None


def reads_others(session: Session, account_id: UUID) -> bool:
    """Whether somebody shares with this account, or a clinic has it as staff."""
    return session.execute(select(Account.reads_others).where(Account.id == account_id)).scalar_one()


def get_email(session: Session, account_id: UUID) -> str:
    """The account's address."""
    return session.execute(select(Account.email).where(Account.id == account_id)).scalar_one()


def has_pin(session: Session, account_id: UUID, pin_hash: str) -> bool:
    """Whether the account's app lock opens with this PIN."""
    return find_pin_hash(session, account_id) == pin_hash


def find_pin_hash(session: Session, account_id: UUID) -> str | None:
    """The hash of the PIN that the account's app lock opens with."""
    return session.execute(select(_L.pin_hash).where(_L.account_id == account_id)).scalar_one_or_none()


def takes_pin(session: Session, session_id: UUID) -> bool:
    """Whether a PIN may still be tried in this browser."""
    statement = select(_S.id).where(_S.id == session_id, _S.pin_tries < MOST_PIN_TRIES)
    return session.execute(statement).first() is not None
