"""Changing web push: phones, quiet hours, and notes under way. Nothing here commits."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Table, delete, exists, func, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from journal.accounts.queries import SESSIONS
from journal.domain.access import Viewer
from journal.domain.errors import NotYours, Refused
from journal.domain.quiet import QuietHours
from journal.kit import vapid
from journal.kit.db import upsert, vault_of
from journal.kit.webpush import Answer, Subscription
from journal.push import queries
from journal.push.models import PushDevice, PushNote, PushQuiet

IsWanted = Callable[[Session, UUID, datetime, datetime], bool]
"""is_wanted(session, account_id, asked_at, now): whether somebody still wants the note that was asked for then."""
Instead = Callable[[Session, UUID, UUID, datetime, datetime], None]
"""instead(session, account_id, note_id, asked_at, now): what happens where no phone took it."""
MOST_DEVICES = 10
"""Own choice: more phones than anybody has; each is asked one after the other."""
TRY_FOR = timedelta(hours=2)
"""Own choice: for so long a push service may say "later". Then the mail goes out, which has its three hours."""
KEEP_FOR = timedelta(hours=4)
"""Own choice: for so long a push service keeps a note for a phone that is off, and never into the quiet hours."""
LEASE = timedelta(minutes=5)
START_WITHIN = timedelta(minutes=2)
"""Own choice: a claim older than this sends no more. With a note's deadline it ends before the lease does."""
BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30))
"""After the first, second, … "later" that doesn't say when; the last one from then on."""
FAILURES = 5
"""Own choice: after so many notes in a row that were refused, a phone is taken off the list."""
KEEP_SETTLED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Claim:
    """A note that is ours until the lease ends, or until somebody else claims it."""

    note_id: UUID
    account_id: UUID
    number: int
    asked_at: datetime
    day_ends_at: datetime
    claimed_at: datetime
    was_taken: bool


def add(
    session: Session,
    viewer: Viewer,
    session_id: UUID,
    subscription: Subscription,
    name: str,
    now: datetime,
) -> None:
    """Turn reminders on for the phone that this session is on. A browser has one subscription, whoever is signed in: it
    goes over to whoever turned it on last. Raises Refused where there are too many, NotYours for anybody else."""
    viewer.must_be_patient()
    vault = vault_of(session)
    hashed = vault.keyed_hash(subscription.endpoint.encode(), b"push endpoint")
    session.execute(
        delete(PushDevice).where((PushDevice.endpoint_hash == hashed) | (PushDevice.session_id == session_id))
    )
    if len(queries.list_devices(session, viewer)) >= MOST_DEVICES:
        raise Refused({"device": f"There are {MOST_DEVICES} phones already. Remove one first."})
    device_id = uuid4()
    told = {
        "endpoint": subscription.endpoint,
        "public_key": b64encode(subscription.public_key).decode(),
        "auth": b64encode(subscription.auth).decode(),
    }
    session.add(
        PushDevice(
            id=device_id,
            account_id=viewer.patient_id,
            session_id=session_id,
            name=name,
            endpoint_hash=hashed,
            sealed=vault.seal(orjson.dumps(told), b"push device", device_id.bytes),
            created_at=now,
            failures=0,
        )
    )
    session.flush()


def remove(session: Session, viewer: Viewer, device_id: UUID) -> None:
    """Turn them off for one of the patient's own phones. Raises NotYours where it is none."""
    viewer.must_be_patient()
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment] # a DELETE gives a cursor
        delete(PushDevice).where(PushDevice.id == device_id, PushDevice.account_id == viewer.patient_id)
    )
    if not result.rowcount:
        raise NotYours


def keep_quiet(session: Session, viewer: Viewer, quiet: QuietHours) -> None:
    """Keep when the patient's phones stay dark. Raises Refused, and NotYours for anybody else."""
    viewer.must_be_patient()
    quiet.check()
    table = PushQuiet.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    hours = {"from_hour": quiet.from_hour, "until_hour": quiet.until_hour}
    statement = upsert(session, table).values(account_id=viewer.patient_id, **hours)
    session.execute(statement.on_conflict_do_update(index_elements=[table.c.account_id], set_=hours))


def put(
    session: Session,
    account_id: UUID,
    note_id: UUID,
    quiet: QuietHours,
    zone: ZoneInfo,
    day_ends_at: datetime,
    now: datetime,
) -> bool:
    """Ask for a note to all phones of somebody who has some, once for each id. It goes out after the caller's commit.
    False where it is quiet now."""
    if quiet.is_quiet(now, zone):
        return False
    table = PushNote.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    statement = upsert(session, table).values(
        id=note_id, account_id=account_id, asked_at=now, day_ends_at=day_ends_at, due_at=now, attempts=0
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=[table.c.id]))
    return True


def claim(session: Session, now: datetime) -> Claim | None:
    """Take the note that has waited longest. A worker that dies leaves it to the next one when the lease is over."""
    row = session.execute(
        select(PushNote)
        .where(PushNote.due_at <= now)
        .order_by(PushNote.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if row is None:
        return None
    row.due_at = now + LEASE
    row.attempts += 1
    session.flush()
    was_taken = row.taken_at is not None
    return Claim(row.id, row.account_id, row.attempts, row.asked_at, row.day_ends_at, now, was_taken)


def is_ours(session: Session, claimed: Claim) -> bool:
    """Whether nobody else has claimed the note, and it is not settled. Held until the end of the transaction."""
    return _find_ours(session, claimed) is not None


def _find_ours(session: Session, claimed: Claim) -> PushNote | None:
    return session.execute(
        select(PushNote)
        .where(
            PushNote.id == claimed.note_id,
            PushNote.attempts == claimed.number,
            PushNote.due_at.is_not(None),
        )
        .with_for_update()
    ).scalar_one_or_none()


def note_answer(session: Session, claimed: Claim, device_id: UUID, answer: Answer, now: datetime) -> bool:
    """Keep what a push service said about one phone, before the next one is tried. False where the claim was lost."""
    row = _find_ours(session, claimed)
    if row is None:
        return False
    device = session.get(PushDevice, device_id)
    if answer.kind == "taken":
        row.taken_at = row.taken_at or now
    if device is None:
        return True
    if answer.kind == "taken":
        device.last_success_at, device.last_note_id, device.failures = now, row.id, 0
    elif answer.kind == "refused":
        device.failures += 1
    if answer.kind == "gone" or device.failures >= FAILURES:
        session.delete(device)
    return True


def settle(session: Session, claimed: Claim, now: datetime) -> bool:
    """The note needs nothing more. False where the claim was lost."""
    row = _find_ours(session, claimed)
    if row is not None:
        row.due_at, row.settled_at = None, now
    return row is not None


def put_off(session: Session, claimed: Claim, until: datetime) -> None:
    """Try again at an instant."""
    row = _find_ours(session, claimed)
    if row is not None:
        row.due_at = until


def sweep(session: Session, now: datetime) -> int:
    """Delete the phones whose session was ended, and notes that were settled long ago; how many."""
    live = exists().where(SESSIONS.c.id == PushDevice.session_id, SESSIONS.c.ended_at.is_(None))
    gone = session.execute(delete(PushDevice).where(~live).returning(PushDevice.id)).all()
    old = delete(PushNote).where(PushNote.settled_at < now - KEEP_SETTLED)
    return len(gone) + len(session.execute(old.returning(PushNote.id)).all())


def change_key(session: Session, now: datetime) -> int:
    """Make a new key pair. Every phone has to be turned on anew; gives how many."""
    count = session.execute(select(func.count()).select_from(PushDevice)).scalar_one()
    session.execute(delete(PushDevice))
    vapid.drop_key(session)
    vapid.make_key(session, vault_of(session), now)
    return count


def forget(session: Session, account_id: UUID) -> None:
    """Delete the account's phones, quiet hours and notes."""
    for table in (PushNote, PushQuiet, PushDevice):
        session.execute(delete(table).where(table.account_id == account_id))
