"""Setting factors up, using them, and taking them away. Nothing here commits. What counts once is used up by one
statement that names what it must find, so of any number at once one gets it.

A passkey asks for a fingerprint, face or PIN, so it is two factors in one and signs in alone. That alone doesn't make the
passphrase insufficient: only a second step that was turned on does."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy import Row, Table, delete, insert, select, update
from sqlalchemy.orm import Session

from journal.accounts import queries as accounts
from journal.accounts import service as owners
from journal.audit import service as audit
from journal.domain.errors import JournalError, NotYours
from journal.factors import codes
from journal.factors.models import Challenge, Passkey, PasskeyOffer, RecoveryCode, TotpFactor
from journal.factors.passkeys import Answer, NewKey, Site, WrongAnswer, check_registration, check_sign_in
from journal.factors.queries import SEALED_FOR, get_factors, open_secret
from journal.kit import outbox, throttle
from journal.kit.db import upsert, vault_of

TRY_WINDOW = timedelta(minutes=15)
TRIES = 8
TRIES_PER_ADDRESS = 60
CHALLENGES = 30
CHALLENGES_PER_ADDRESS = 100
CHALLENGE_LASTS = timedelta(minutes=5)
MOST_PASSKEYS = 10


class LastFactor(JournalError):
    """Somebody who reads what others share keeps at least one factor."""


class KeyTaken(JournalError):
    """This passkey is somebody's already, or there are too many."""


# Setting up


def begin_app(session: Session, account_id: UUID) -> None:
    """Make a secret for an app. It counts for nothing before `confirm_app`; one that is in force stays so."""
    sealed = vault_of(session).seal(codes.new_secret().encode(), SEALED_FOR, account_id.bytes)
    table = TotpFactor.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    session.execute(
        upsert(session, table)
        .values(account_id=account_id, last_step=0, pending_sealed=sealed)
        .on_conflict_do_update(index_elements=[table.c.account_id], set_={"pending_sealed": sealed})
    )


def confirm_app(
    session: Session, account_id: UUID, session_id: UUID, typed: str, now: datetime
) -> tuple[str, ...] | None:
    """Put the pending secret in force if the code is its; None if it isn't. Gives recovery codes with the first factor
    of an account, else nothing."""
    owners.lock(session, account_id)
    pending = session.execute(
        select(TotpFactor.pending_sealed).where(TotpFactor.account_id == account_id)
    ).scalar_one_or_none()
    if pending is None:
        return None
    step = codes.matching_step(open_secret(session, account_id, pending), typed, now)
    if step is None:
        return None
    session.execute(
        update(TotpFactor)
        .where(TotpFactor.account_id == account_id)
        .values(sealed=pending, confirmed_at=now, last_step=step, pending_sealed=None)
    )
    return _added(session, account_id, session_id, "app", now)


def set_app(session: Session, account_id: UUID, secret: str, now: datetime) -> None:
    """Put a known secret in force, for a demo account that its visitors share."""
    sealed = vault_of(session).seal(secret.encode(), SEALED_FOR, account_id.bytes)
    session.add(TotpFactor(account_id=account_id, sealed=sealed, confirmed_at=now, last_step=0))
    owners.settle(session, account_id, second_step_since=now)


def add_passkey(
    session: Session,
    account_id: UUID,
    session_id: UUID,
    answer: Answer,
    name: str,
    site: Site,
    now: datetime,
    *,
    as_second_step: bool,
) -> tuple[str, ...]:
    """Keep a new passkey, to sign in with alone or also as the second step after the passphrase; for somebody who reads
    what others share it is always the latter. Gives recovery codes where it turns the second step on, else nothing. The
    challenge is used up either way. Raises WrongAnswer, KeyTaken."""
    made = _check_new(session, account_id, answer, site, now)
    owners.lock(session, account_id)
    if len(get_factors(session, account_id).keys) >= MOST_PASSKEYS:
        raise KeyTaken
    table = Passkey.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    key_id = session.execute(
        upsert(session, table)
        .values(
            id=uuid4(),
            account_id=account_id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            name=name,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=[table.c.credential_id])
        .returning(table.c.id)
    ).scalar_one_or_none()
    if key_id is None:
        raise KeyTaken
    settle_offer(session, account_id, now)
    if as_second_step or accounts.reads_others(session, account_id):
        return _added(session, account_id, session_id, f"passkey {key_id}", now)
    _tell(session, account_id, "passkey-added", now, f"passkey {key_id}")
    return ()


def turn_on(session: Session, account_id: UUID, session_id: UUID, now: datetime) -> tuple[str, ...]:
    """Ask for a passkey that is there already after the passphrase too. Gives recovery codes; nothing where there is no
    passkey, or the second step is on."""
    owners.lock(session, account_id)
    if accounts.asks_second_step(session, account_id) or not get_factors(session, account_id).keys:
        return ()
    return _added(session, account_id, session_id, "passkeys", now)


def settle_offer(session: Session, account_id: UUID, now: datetime) -> None:
    """Offer no passkey any more: one was set up, or declined."""
    table = PasskeyOffer.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    session.execute(
        upsert(session, table).values(account_id=account_id, settled_at=now).on_conflict_do_nothing()
    )


def _check_new(session: Session, account_id: UUID, answer: Answer, site: Site, now: datetime) -> NewKey:
    if not use_challenge(session, account_id, "register", answer.challenge, now):
        raise WrongAnswer
    return check_registration(site, answer)


def _added(
    session: Session, account_id: UUID, session_id: UUID, subject: str, now: datetime
) -> tuple[str, ...]:
    _tell(session, account_id, "factor-added", now, subject)
    if accounts.asks_second_step(session, account_id):
        return ()
    owners.ask_second_step(session, account_id, session_id, now)
    return _replace_codes(session, account_id)


def make_recovery_codes(session: Session, account_id: UUID, now: datetime) -> tuple[str, ...]:
    """Ten new codes; older ones stop working. They can be shown now and never again."""
    owners.lock(session, account_id)
    _tell(session, account_id, "recovery-codes-made", now)
    return _replace_codes(session, account_id)


def _replace_codes(session: Session, account_id: UUID) -> tuple[str, ...]:
    made = codes.new_recovery_codes()
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    session.execute(
        insert(RecoveryCode),
        [{"account_id": account_id, "code_hash": _code_hash(session, account_id, one)} for one in made],
    )
    return made


def _code_hash(session: Session, account_id: UUID, typed: str) -> bytes:
    words = account_id.bytes + codes.recovery_code(typed).encode()
    return vault_of(session).keyed_hash(words, b"recovery code")


# Taking away


def remove_app(session: Session, account_id: UUID, now: datetime) -> None:
    """Raises NotYours where there is none, LastFactor where it has to stay."""
    _may_lose_one(session, account_id)
    gone = session.execute(
        delete(TotpFactor)
        .where(TotpFactor.account_id == account_id, TotpFactor.confirmed_at.is_not(None))
        .returning(TotpFactor.account_id)
    ).first()
    _removed(session, account_id, gone is not None, "app", now)


def remove_passkey(session: Session, account_id: UUID, key_id: UUID, now: datetime) -> None:
    """Raises NotYours where there is none, LastFactor where it has to stay."""
    _may_lose_one(session, account_id)
    gone = session.execute(
        delete(Passkey).where(Passkey.id == key_id, Passkey.account_id == account_id).returning(Passkey.id)
    ).first()
    _removed(session, account_id, gone is not None, f"passkey {key_id}", now)


def forget_strange_keys(session: Session, account_id: UUID, now: datetime) -> None:
    """Take away what was set up before anybody had shown that the address is theirs: whoever signed up with somebody
    else's address would keep a way in. Where a second step was on, the owner of the address was never let in."""
    if accounts.asks_second_step(session, account_id):
        return
    gone = session.execute(
        delete(Passkey).where(Passkey.account_id == account_id).returning(Passkey.id)
    ).scalars()
    for key_id in gone.all():
        audit.note(
            session,
            "factor-removed",
            now,
            actor_id=account_id,
            patient_id=account_id,
            subject=f"passkey {key_id}",
        )


def _may_lose_one(session: Session, account_id: UUID) -> None:
    owners.lock(session, account_id)  # two that go at the same moment would each see the other one stay
    if get_factors(session, account_id).count == 1 and accounts.reads_others(session, account_id):
        raise LastFactor


def _removed(session: Session, account_id: UUID, is_gone: bool, subject: str, now: datetime) -> None:
    if not is_gone:
        raise NotYours
    _tell(session, account_id, "factor-removed", now, subject)
    if get_factors(session, account_id).count == 0:
        owners.drop_second_step(session, account_id)
        session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))


# Using


def use_code(session: Session, account_id: UUID, typed: str, now: datetime) -> bool:
    """Use up a code of the account's app. Each step counts once, and none before the newest one used."""
    sealed = session.execute(
        select(TotpFactor.sealed).where(TotpFactor.account_id == account_id)
    ).scalar_one_or_none()
    if sealed is None:
        return False
    step = codes.matching_step(open_secret(session, account_id, sealed), typed, now)
    if step is None:
        return False
    used = session.execute(
        update(TotpFactor)
        .where(TotpFactor.account_id == account_id, TotpFactor.sealed == sealed, TotpFactor.last_step < step)
        .values(last_step=step)
        .returning(TotpFactor.account_id)
    ).first()
    return used is not None


def use_recovery_code(session: Session, account_id: UUID, typed: str, now: datetime) -> bool:
    """Use up a recovery code; its owner is told."""
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.account_id == account_id,
            RecoveryCode.code_hash == _code_hash(session, account_id, typed),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(RecoveryCode.account_id)
    ).first()
    if used is None:
        return False
    _tell(session, account_id, "recovery-code-used", now)
    return True


def use_passkey(session: Session, account_id: UUID, answer: Answer, site: Site, now: datetime) -> bool:
    """Use up the challenge, and say whether it was signed with one of the account's passkeys."""
    if not use_challenge(session, account_id, "sign-in", answer.challenge, now):
        return False
    key = _find_key(session, answer)
    if key is None or key.account_id != account_id:
        return False
    return _has_signed(session, key, answer, site, now, refused="second-step-refused")


def use_passkey_alone(session: Session, answer: Answer, site: Site, now: datetime) -> UUID | None:
    """Use up a challenge that is nobody's, and say whose passkey signed it. The device has to name its owner."""
    if not use_challenge(session, None, "one-touch", answer.challenge, now):
        return None
    key = _find_key(session, answer)
    if key is None or answer.owner != key.account_id.bytes:
        return None
    signed = _has_signed(session, key, answer, site, now, refused="passkey-refused")
    return key.account_id if signed else None


def _find_key(session: Session, answer: Answer) -> Row[UUID, UUID, bytes] | None:
    return session.execute(
        select(Passkey.id, Passkey.account_id, Passkey.public_key).where(
            Passkey.credential_id == answer.credential_id
        )
    ).one_or_none()


def _has_signed(
    session: Session, key: Row[UUID, UUID, bytes], answer: Answer, site: Site, now: datetime, *, refused: str
) -> bool:
    """Whether the key signed the answer. A count that doesn't go up means that the key was copied, or an answer
    replayed: refused, and its owner is told."""
    try:
        count = check_sign_in(site, answer, key.public_key)
    except WrongAnswer:
        return False
    goes_up = Passkey.sign_count < count
    used = session.execute(
        update(Passkey)
        .where(Passkey.id == key.id, goes_up if count else Passkey.sign_count == 0)  # many never count
        .values(sign_count=count, last_used_at=now)
        .returning(Passkey.id)
    ).first()
    if used is None:
        _tell(session, key.account_id, refused, now, f"passkey {key.id}")
    return used is not None


def make_challenge(session: Session, account_id: UUID | None, purpose: str, now: datetime) -> bytes:
    """64 random bytes for a passkey to sign, of this account or, for one touch, nobody's; only their hash is kept."""
    challenge = secrets.token_bytes(64)
    session.execute(delete(Challenge).where(Challenge.account_id == account_id, Challenge.expires_at <= now))
    session.add(
        Challenge(
            challenge_hash=sha256(challenge).digest(),
            account_id=account_id,
            purpose=purpose,
            expires_at=now + CHALLENGE_LASTS,
        )
    )
    session.flush()
    return challenge


def use_challenge(
    session: Session, account_id: UUID | None, purpose: str, challenge: bytes, now: datetime
) -> bool:
    """Use a challenge up, whatever its answer is worth."""
    used = session.execute(
        delete(Challenge)
        .where(
            Challenge.challenge_hash == sha256(challenge).digest(),
            Challenge.account_id == account_id,
            Challenge.purpose == purpose,
            Challenge.expires_at > now,
        )
        .returning(Challenge.challenge_hash)
    ).first()
    return used is not None


def count_try(
    session: Session, account_id: UUID, account_bucket: bytes, address_bucket: bytes, now: datetime
) -> bool:
    """Count a try before it is looked at; False when there were too many. The owner hears of the first one too many:
    whoever tries here knows the passphrase."""
    tries = throttle.count_try(session, account_bucket, TRY_WINDOW, now)
    from_there = throttle.count_try(session, address_bucket, TRY_WINDOW, now)
    if tries == TRIES + 1:
        _tell(session, account_id, "second-step-refused", now)
    return tries <= TRIES and from_there <= TRIES_PER_ADDRESS


def count_challenge(session: Session, account_bucket: bytes, now: datetime) -> bool:
    """Count a wish for a challenge; False when there were too many."""
    return throttle.count_try(session, account_bucket, TRY_WINDOW, now) <= CHALLENGES


def count_open_challenge(session: Session, address_bucket: bytes, now: datetime) -> bool:
    """Count a wish for a challenge by somebody who isn't known yet; a clinic's people come from one address."""
    return throttle.count_try(session, address_bucket, TRY_WINDOW, now) <= CHALLENGES_PER_ADDRESS


def count_open_try(session: Session, address_bucket: bytes, now: datetime) -> bool:
    """Count an answer by somebody who isn't known yet. No account is counted: nobody can lock another one out."""
    return throttle.count_try(session, address_bucket, TRY_WINDOW, now) <= TRIES_PER_ADDRESS


def _tell(session: Session, account_id: UUID, what: str, now: datetime, subject: str | None = None) -> None:
    """By mail and in the audit log."""
    outbox.put(session, what, accounts.get_email(session, account_id), account_id, now)
    audit.note(session, what, now, actor_id=account_id, patient_id=account_id, subject=subject)
