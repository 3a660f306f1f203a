"""Changing accounts and sessions. Nothing here commits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Table, delete, false, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from journal.accounts import queries
from journal.accounts.models import Account, AccountSession, AppLock, MailedLink
from journal.audit import service as audit
from journal.domain.app_lock import MOST_PIN_TRIES
from journal.domain.errors import JournalError
from journal.kit import outbox, throttle
from journal.kit.db import upsert
from journal.kit.tokens import hash_token, new_token

TRY_WINDOW = timedelta(minutes=15)
TRIES_PER_ADDRESS = 100
TRIES_PER_ACCOUNT = 12
MAIL_WINDOW = timedelta(hours=1)
MAILS_PER_ACCOUNT = 4
MAILS_PER_ADDRESS = 100
TOUCH_EVERY = timedelta(minutes=10)
TOUCH_READER_EVERY = timedelta(minutes=1)
"""Their sessions end after 30 minutes without use, so use is noted more often."""
HERE_EVERY = timedelta(minutes=1)
"""While the app lock is on, so that it comes after 15 minutes, give or take one."""


class TakenMeanwhile(JournalError):
    """Another account proved the same address a moment ago."""


Link = MailedLink
"""What a view passes on without looking inside."""


def email_key(email: str) -> str:
    """How addresses are compared: upper and lower case are one."""
    return email.strip().casefold()


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody settled: zone name, country code if told."""

    zone: str
    country: str | None = None


def sign_up(
    session: Session,
    email: str,
    passphrase_hash: str,
    place: Place,
    now: datetime,
    *,
    send_mail: bool = True,
) -> UUID:
    """Make the account, usable at once, and ask for the mail that proves the address."""
    account = Account(
        id=uuid4(),
        email=email,
        email_key=email_key(email),
        passphrase_hash=passphrase_hash,
        created_at=now,
        zone=place.zone,
        country=place.country,
        day_ends_hour=0,
    )
    session.add(account)
    session.flush()
    if send_mail:
        outbox.put(session, "verify", email, account.id, now)
    audit.note(session, "signed-up", now, actor_id=account.id, patient_id=account.id)
    return account.id


def start_session(
    session: Session, account_id: UUID, device: str, now: datetime, *, second_step_at: datetime | None = None
) -> str:
    """Sign a browser in; gives the token for its cookie. Where the account asks for a second step, a session without
    one opens nothing."""
    token = new_token()
    session.add(
        AccountSession(
            id=uuid4(),
            token_hash=hash_token(token),
            account_id=account_id,
            created_at=now,
            seen_at=now,
            device=device,
            second_step_at=second_step_at,
        )
    )
    audit.note(session, "signed-in", now, actor_id=account_id, patient_id=account_id)
    return token


def touch_every(who: queries.SignedIn) -> timedelta:
    """How long a session may be in use before that is noted again."""
    return TOUCH_READER_EVERY if who.reads_others else TOUCH_EVERY


def has_to_note(who: queries.SignedIn, now: datetime, *, is_here: bool) -> bool:
    """Whether this request is one after which use of the session is noted. `is_here`: it shows that the person is
    here, which a page that is never locked, or a phone that sends what waited, doesn't."""
    return now - who.seen_at > touch_every(who) or (
        is_here and who.wants_lock and now - who.here_at >= HERE_EVERY
    )


def touch_session(session: Session, session_id: UUID, now: datetime, *, is_here: bool = False) -> None:
    """Note that a session is in use. An ended one stays ended, however slow the request that touches it."""
    session.execute(
        update(AccountSession)
        .where(
            AccountSession.id == session_id, AccountSession.ended_at.is_(None), AccountSession.seen_at < now
        )
        .values({"seen_at": now, "here_at": now} if is_here else {"seen_at": now})
    )


def set_lock(
    session: Session,
    account_id: UUID,
    session_id: UUID,
    now: datetime,
    *,
    pin_hash: str | None,
    by_passkey: bool,
) -> None:
    """Turn the app lock on, or change what it opens with. Without either way in, it is off; other browsers that were
    locked are open then."""
    is_on = pin_hash is not None or by_passkey
    table, browsers = AppLock.__table__, update(AccountSession)
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    if is_on:
        opens = {"pin_hash": pin_hash, "by_passkey": by_passkey}
        wanted = upsert(session, table).values(account_id=account_id, since=now, **opens)
        session.execute(wanted.on_conflict_do_update(index_elements=[table.c.account_id], set_=opens))
        session.execute(browsers.where(AccountSession.id == session_id).values(here_at=now, pin_tries=0))
    else:
        session.execute(delete(AppLock).where(AppLock.account_id == account_id))
        every = browsers.where(AccountSession.account_id == account_id)
        session.execute(every.values(here_at=None, locked_at=None, pin_tries=0))
    audit.note(
        session,
        "app-lock-set" if is_on else "app-lock-off",
        now,
        actor_id=account_id,
        patient_id=account_id,
    )


def lock_browser(session: Session, session_id: UUID, now: datetime) -> None:
    """Lock a browser now, without waiting for the 15 minutes."""
    session.execute(update(AccountSession).where(AccountSession.id == session_id).values(locked_at=now))


def unlock_browser(session: Session, session_id: UUID, now: datetime) -> None:
    """The owner showed who they are: they are here, and wrong PINs before it are forgiven."""
    session.execute(
        update(AccountSession)
        .where(AccountSession.id == session_id, AccountSession.ended_at.is_(None))
        .values(here_at=now, seen_at=now, locked_at=None, pin_tries=0)
    )


def count_pin(session: Session, session_id: UUID) -> bool:
    """Count a PIN before it is looked at; False when this browser takes none any more."""
    counted = session.execute(
        update(AccountSession)
        .where(AccountSession.id == session_id, AccountSession.pin_tries < MOST_PIN_TRIES)
        .values(pin_tries=AccountSession.pin_tries + 1)
        .returning(AccountSession.pin_tries)
    ).first()
    return counted is not None


def end_session(session: Session, account_id: UUID, session_id: UUID, now: datetime) -> bool:
    """End one of the account's own sessions; False if it has no such live one."""
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment] # an UPDATE gives a cursor
        update(AccountSession)
        .where(
            AccountSession.id == session_id,
            AccountSession.account_id == account_id,
            AccountSession.ended_at.is_(None),
        )
        .values(ended_at=now)
    )
    if result.rowcount:
        audit.note(session, "session-ended", now, actor_id=account_id, patient_id=account_id)
    return bool(result.rowcount)


def end_other_sessions(session: Session, account_id: UUID, keep: UUID | None, now: datetime) -> None:
    statement = update(AccountSession).where(
        AccountSession.account_id == account_id, AccountSession.ended_at.is_(None)
    )
    if keep is not None:
        statement = statement.where(AccountSession.id != keep)
    session.execute(statement.values(ended_at=now))
    audit.note(session, "sessions-ended", now, actor_id=account_id, patient_id=account_id)


def begin_reading(session: Session, account_id: UUID, now: datetime) -> None:
    """From now on this person reads what others share: sessions end sooner, and `factors.present.second_step_first`
    asks for a second step."""
    changed = session.execute(
        update(Account)
        .where(Account.id == account_id, Account.reads_others == false())
        .values(reads_others=True)
        .returning(Account.id)
    ).first()
    if changed is not None:
        audit.note(session, "began-reading", now, actor_id=account_id, patient_id=account_id)


def lock(session: Session, account_id: UUID) -> None:
    """Let changes of what this account signs in with happen one after the other. SQLite's writers queue anyway."""
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update()).scalar_one()


def ask_second_step(session: Session, account_id: UUID, keep: UUID, now: datetime) -> None:
    """From now on, signing in takes a second step. The session in which it was set up has passed it; every other one
    ends."""
    session.execute(update(Account).where(Account.id == account_id).values(second_step_since=now))
    session.execute(update(AccountSession).where(AccountSession.id == keep).values(second_step_at=now))
    end_other_sessions(session, account_id, keep, now)


def drop_second_step(session: Session, account_id: UUID) -> None:
    """Ask for no second step any more; a later one has to be passed anew."""
    session.execute(update(Account).where(Account.id == account_id).values(second_step_since=None))
    session.execute(
        update(AccountSession).where(AccountSession.account_id == account_id).values(second_step_at=None)
    )


def settle(session: Session, account_id: UUID, **values: object) -> None:
    """Set zone, country, day_ends_hour or welcomed_at."""
    session.execute(update(Account).where(Account.id == account_id).values(**values))


def set_passphrase(session: Session, email: str, passphrase_hash: str) -> None:
    """Set the passphrase of a demo account, by address."""
    session.execute(
        update(Account).where(Account.email_key == email_key(email)).values(passphrase_hash=passphrase_hash)
    )


def change_passphrase(
    session: Session, account_id: UUID, passphrase_hash: str, keep: UUID | None, now: datetime
) -> None:
    """Set the new one; every other browser has to sign in again, and the owner is told by mail."""
    account = session.get_one(Account, account_id)
    account.passphrase_hash = passphrase_hash
    account.pending_email = account.pending_hash = None  # it was hashed with the old passphrase
    end_other_sessions(session, account_id, keep, now)
    _forget_links(session, account_id, "reset", "sign-in")
    outbox.put(session, "passphrase-changed", account.email, account_id, now)
    audit.note(session, "passphrase-changed", now, actor_id=account_id, patient_id=account_id)


def change_email(session: Session, account_id: UUID, email: str, passphrase_hash: str, now: datetime) -> None:
    """Ask for another address. A proven one stays in force until the new one is proven, so that a slip of the finger
    locks nobody out and hands nobody the journal; one that was never proven is changed at once."""
    account = session.get_one(Account, account_id)
    _forget_links(session, account_id, "reset", "verify", "sign-in")
    if account.verified_at is None:
        account.email, account.email_key, account.passphrase_hash = email, email_key(email), passphrase_hash
    else:
        account.pending_email, account.pending_hash = email, passphrase_hash
        outbox.put(session, "address-changed", account.email, account_id, now)
    outbox.put(session, "verify", email, account_id, now)
    audit.note(session, "address-change-asked", now, actor_id=account_id, patient_id=account_id)


def make_link(session: Session, purpose: str, account_id: UUID, email: str, now: datetime) -> str:
    """A token to mail; only its hash is kept."""
    token = new_token()
    session.add(
        MailedLink(
            token_hash=hash_token(token),
            purpose=purpose,
            account_id=account_id,
            email=email,
            created_at=now,
            expires_at=now + queries.LINK_LIVES[purpose],
        )
    )
    return token


def use_link(session: Session, token: str, purpose: str, now: datetime) -> MailedLink | None:
    """Use a mailed link up; None if it was used, is too old, or never was. Of two at once, one gets it."""
    return session.execute(
        update(MailedLink)
        .where(
            MailedLink.token_hash == hash_token(token),
            MailedLink.purpose == purpose,
            MailedLink.used_at.is_(None),
            MailedLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(MailedLink)
    ).scalar_one_or_none()


def verify(session: Session, link: MailedLink, now: datetime) -> bool:
    """Mark the link's address as proven, and put it in force if it was waiting; False if it changed since, or another
    account has it proven."""
    account = session.get_one(Account, link.account_id, with_for_update=True)
    owner = queries.find_proven(session, email_key(link.email))
    if owner not in (None, account.id):
        return False
    if account.pending_email == link.email and account.pending_hash is not None:
        account.email, account.email_key = link.email, email_key(link.email)
        account.passphrase_hash = account.pending_hash
        account.pending_email = account.pending_hash = None
        _forget_links(session, account.id, "reset", "sign-in")  # they went to the former address
    elif account.email != link.email:
        return False
    elif account.verified_at is not None:
        return True
    account.verified_at = now
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:
        raise TakenMeanwhile from None
    audit.note(session, "address-verified", now, actor_id=account.id, patient_id=account.id)
    return True


def find_key_of_link(session: Session, link: MailedLink) -> str:
    """The address, as compared, that a reset link's account has now."""
    return session.execute(select(Account.email_key).where(Account.id == link.account_id)).scalar_one()


def _forget_links(session: Session, account_id: UUID, *purposes: str) -> None:
    session.execute(
        delete(MailedLink).where(
            MailedLink.account_id == account_id,
            MailedLink.purpose.in_(purposes),
            MailedLink.used_at.is_(None),
        )
    )


def count_guess(session: Session, account_bucket: bytes, address_bucket: bytes | None, now: datetime) -> bool:
    """Count a try at a passphrase, before it is looked at; False when there were too many. A browser that has signed
    in to the account before brings a bucket of its own and no address bucket, so strangers who guess can't lock the
    owner out."""
    fine = throttle.count_try(session, account_bucket, TRY_WINDOW, now) <= TRIES_PER_ACCOUNT
    if address_bucket is not None:
        fine = throttle.count_try(session, address_bucket, TRY_WINDOW, now) <= TRIES_PER_ADDRESS and fine
    return fine


def count_mail(session: Session, account_bucket: bytes, address_bucket: bytes, now: datetime) -> bool:
    """Count a wish for a mail; False when there were too many in the hour."""
    fine = throttle.count_try(session, account_bucket, MAIL_WINDOW, now) <= MAILS_PER_ACCOUNT
    return throttle.count_try(session, address_bucket, MAIL_WINDOW, now) <= MAILS_PER_ADDRESS and fine


def list_own_addresses(session: Session, account_id: UUID) -> tuple[str, ...]:
    """The account's addresses, without one that somebody else claims too."""
    told = [address for address in queries.list_addresses(session, account_id) if address]
    return tuple(one for one in told if queries.owns_address(session, account_id, email_key(one)))


def forget(session: Session, account_id: UUID) -> None:
    """Delete the account, its sessions, links and mails, those to its address too that belong to no account."""
    outbox.forget(session, account_id, list_own_addresses(session, account_id))
    for table in (MailedLink, AccountSession, AppLock):
        session.execute(delete(table).where(table.account_id == account_id))
    session.execute(delete(Account).where(Account.id == account_id))
