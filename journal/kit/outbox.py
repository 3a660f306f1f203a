"""Mail to be sent: a row is committed with the work that caused it; a worker claims it with a lease, and sends it.

A row first holds only what the mail is about. The worker that claims it first writes the whole message, seals it into
the row, and commits that before anything is sent, so every try sends the very same bytes, links and Message-ID included.
When the mail is sent or given up the sealed bytes are emptied. So nothing in the database can be clicked or read, and
asking for a mail takes the same time whether or not there is anybody to send it to.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    and_,
    delete,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from journal.kit import bounces
from journal.kit.bounces import OnSwitchedOff
from journal.kit.db import Base, Database, Instant, upsert, vault_of
from journal.kit.logs import where
from journal.kit.mail import NAME, BadAddress, Letter, Mail, NotSent, Transport, to_message

LEASE = timedelta(minutes=5)
START_WITHIN = timedelta(minutes=2)
"""Own choice: a claim older than this is not begun any more. With the deadline of a mail (smtp.DEADLINE_S) it ends
before the lease does, so that no other worker sends the same mail meanwhile."""
BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60))
"""After the first, second, … failure; the last one from then on."""
GIVE_UP_AFTER = timedelta(days=4)
SWEEP_FOR_S = 50.0
"""Own choice: one look sends for so long at most, so that the other chores come to their turn each minute."""
KEEP_SETTLED = timedelta(days=30)
KEEP_IDS = timedelta(days=400)
"""Own choice: for so long a mail that was asked for by its id is not sent a second time."""
PAUSE = timedelta(seconds=1)
SWITCHED_OFF = "address switched off"

log = structlog.get_logger()


class OutboxMail(Base):
    """A mail that is waiting, sent, or given up on."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        CheckConstraint("(due_at IS NULL) = (settled_at IS NOT NULL)", name="due_until_settled"),
        CheckConstraint("settled_at IS NULL OR sealed IS NULL", name="emptied_when_settled"),
        Index("ix_outbox_due_at", "due_at"),
        Index("ix_outbox_group_id", "group_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    purpose: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID | None] = mapped_column(Uuid)
    subject_id: Mapped[UUID | None] = mapped_column(Uuid)
    group_id: Mapped[UUID | None] = mapped_column(Uuid)
    is_named: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    fault: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True)
class Waiting:
    """What a writer of mails needs to know of a row."""

    id: UUID
    purpose: str
    recipient: str
    account_id: UUID | None
    created_at: datetime
    subject_id: UUID | None = None
    group_id: UUID | None = None


@dataclass(frozen=True)
class Fault:
    """A mail that did not go out (yet): to whom, why, and whether it is still tried."""

    mail_id: UUID
    purpose: str
    recipient: str
    subject_id: UUID | None
    fault: str
    created_at: datetime
    is_waiting: bool


@dataclass(frozen=True)
class Office:
    """What sending needs: who writes the mails, who takes them, in whose name, and whom to tell of a dead address."""

    writers: Mapping[str, "Writer"]
    transport: Transport
    sender: str
    name: str = NAME
    base_url: str | None = None
    on_switched_off: OnSwitchedOff | None = None


Writer = Callable[[Session, Waiting, datetime], Mail | None]


@dataclass(frozen=True)
class Wanted:
    """A writer whose mail may be no longer wanted between two tries: asked before each, and a no is a no."""

    write: Writer
    is_wanted: Callable[[Session, Waiting, datetime], bool]

    def __call__(self, session: Session, waiting: Waiting, now: datetime) -> Mail | None:
        return self.write(session, waiting, now) if self.is_wanted(session, waiting, now) else None


def put(
    session: Session,
    purpose: str,
    recipient: str,
    account_id: UUID | None,
    now: datetime,
    *,
    subject_id: UUID | None = None,
    mail_id: UUID | None = None,
    group_id: UUID | None = None,
) -> bool:
    """Ask for a mail, about a thing where it is about one. It goes out after the caller's commit. A mail with a
    `mail_id` is sent once: False where it was asked for before. Faults are shown to the group whose mail it is."""
    table = OutboxMail.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    statement = upsert(session, table).values(
        id=mail_id or uuid4(),
        purpose=purpose,
        recipient=recipient,
        account_id=account_id,
        subject_id=subject_id,
        group_id=group_id,
        is_named=mail_id is not None,
        created_at=now,
        due_at=now,
        attempts=0,
    )
    statement = statement.on_conflict_do_nothing(index_elements=[table.c.id]).returning(table.c.id)
    return session.execute(statement).first() is not None


def withdraw(session: Session, subject_id: UUID) -> None:
    """Take back what waits about a thing."""
    session.execute(
        delete(OutboxMail).where(OutboxMail.subject_id == subject_id, OutboxMail.sent_at.is_(None))
    )


def withdraw_group(session: Session, group_id: UUID) -> None:
    """Take back every mail of a group that has not been sent."""
    session.execute(delete(OutboxMail).where(OutboxMail.group_id == group_id, OutboxMail.sent_at.is_(None)))


def forget(session: Session, account_id: UUID, addresses: Collection[str]) -> None:
    """Delete the account's mails, waiting and sent, those to these addresses that belong to no account, and what is
    known of the addresses. A mail that is being sent at this moment still goes out."""
    nobodys = and_(
        OutboxMail.account_id.is_(None),
        func.lower(OutboxMail.recipient).in_([address.lower() for address in addresses]),
    )
    session.execute(delete(OutboxMail).where(or_(OutboxMail.account_id == account_id, nobodys)))
    bounces.forget(session, addresses)


def list_faults(session: Session, group_id: UUID | None) -> tuple[Fault, ...]:
    """The group's mails (without one: nobody's) that were given up or are tried again, the newest first."""
    rows = session.execute(
        select(OutboxMail)
        .where(OutboxMail.group_id == group_id, OutboxMail.fault.is_not(None))
        .order_by(OutboxMail.created_at.desc(), OutboxMail.id)
    ).scalars()
    return tuple(
        Fault(
            row.id,
            row.purpose,
            row.recipient,
            row.subject_id,
            row.fault or "",
            row.created_at,
            row.due_at is not None,
        )
        for row in rows
    )


def send_again(session: Session, group_id: UUID, mail_id: UUID, now: datetime) -> bool:
    """Try one of the group's mails again that was given up, from the beginning, even to an address that was switched off.
    One that is still tried is left to its worker. False if there is nothing to send."""
    recipient = session.execute(
        update(OutboxMail)
        .where(
            OutboxMail.id == mail_id,
            OutboxMail.group_id == group_id,
            OutboxMail.settled_at.is_not(None),
            OutboxMail.fault.is_not(None),
        )
        .values(due_at=now, settled_at=None, attempts=0)
        .returning(OutboxMail.recipient)
    ).scalar_one_or_none()
    if recipient is not None:
        bounces.switch_on(session, recipient)
    return recipient is not None


@dataclass(frozen=True, slots=True)
class Posted:
    """How it stands with the newest mail about a thing."""

    created_at: datetime
    sent_at: datetime | None
    fault: str | None


def list_posted(session: Session, subject_ids: Sequence[UUID]) -> dict[UUID, Posted]:
    """Of each thing, how it stands with the newest mail about it; left out where there was none."""
    if not subject_ids:
        return {}
    rows = session.execute(
        select(OutboxMail.subject_id, OutboxMail.created_at, OutboxMail.sent_at, OutboxMail.fault)
        .where(OutboxMail.subject_id.in_(subject_ids))
        .order_by(OutboxMail.created_at)
    )
    return {row.subject_id: Posted(row.created_at, row.sent_at, row.fault) for row in rows if row.subject_id}


def oldest_waiting(session: Session) -> datetime | None:
    """Since when the oldest mail waits that is not settled."""
    return session.execute(
        select(func.min(OutboxMail.created_at)).where(OutboxMail.due_at.is_not(None))
    ).scalar()


def sweep(session: Session, now: datetime) -> int:
    """Delete mails that were settled long ago; how many. Those with an id of their own stay longer: while the row is
    there, the mail is not sent again."""
    gone = session.execute(
        delete(OutboxMail)
        .where(
            or_(
                and_(OutboxMail.is_named.is_(False), OutboxMail.settled_at < now - KEEP_SETTLED),
                OutboxMail.settled_at < now - KEEP_IDS,
            )
        )
        .returning(OutboxMail.id)
    )
    return len(gone.all())


def send_due(
    database: Database,
    writers: Mapping[str, Writer],
    transport: Transport,
    sender: str,
    now: datetime,
    *,
    name: str = NAME,
    base_url: str | None = None,
    on_switched_off: OnSwitchedOff | None = None,
    may_go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Send every mail that is due; give how many went out. A row is marked only after the server took it, and one that
    can't be written or sent is settled or put off, so that it holds up no other."""
    office = Office(writers, transport, sender, name, base_url, on_switched_off)
    began = time.monotonic()

    def present() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    sent = 0
    while may_go_on() and time.monotonic() - began < SWEEP_FOR_S:
        claim = _claim(database, present())
        if claim is None:
            break
        sent += _try(database, office, claim, present)
    return sent


@dataclass(frozen=True)
class Claim:
    """A row that is ours until the lease ends, or until somebody else claims it: `number` is how often it was claimed."""

    waiting: Waiting
    number: int
    claimed_at: datetime


def _claim(database: Database, now: datetime) -> Claim | None:
    with database.writing() as session:
        row = session.execute(
            select(OutboxMail)
            .where(OutboxMail.due_at <= now)
            .order_by(OutboxMail.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).scalar_one_or_none()
        if row is None:
            return None
        row.due_at = now + LEASE  # a worker that dies leaves the row to the next one
        row.attempts += 1
        if _is_hopeless(row, now - LEASE - BACK_OFF[-1]):  # whoever claimed it died of it each time
            _close(row, row.fault or "never finished", now)
        session.commit()
        waiting = Waiting(
            row.id,
            row.purpose,
            row.recipient,
            row.account_id,
            row.created_at,
            row.subject_id,
            row.group_id,
        )
        return Claim(waiting, row.attempts, now)


def _try(database: Database, office: Office, claim: Claim, present: Callable[[], datetime]) -> bool:
    """Write, send and mark one mail. True when it went out."""
    fault: NotSent | None = None
    letter: Letter | None = None
    try:
        letter = _written(database, office, claim, present())
        if letter is None:
            return False
        if present() >= claim.claimed_at + START_WITHIN:
            return (
                False  # so much time went by that the lease might end while we send: the next claim does it
            )
        office.transport(letter)
    except BadAddress:
        fault = NotSent("bad address", for_good=True)
    except NotSent as error:
        fault = error
    except Exception as error:  # one mail's fault must not keep the others back, nor lose this one
        log.error(
            "mail failed", mail_id=str(claim.waiting.id), error=type(error).__name__, where=where(error)
        )
        fault = NotSent(type(error).__name__, for_good=False)
    _settle_surely(database, office, claim, fault, present)
    return fault is None


def _settle_surely(
    database: Database, office: Office, claim: Claim, fault: NotSent | None, present: Callable[[], datetime]
) -> None:
    """Settle, and try again while the lease lasts: a mail that was taken but not marked would be sent a second time."""
    while True:
        try:
            return _settle(database, office, claim, fault, present())
        except SQLAlchemyError as error:
            if present() + PAUSE >= claim.claimed_at + LEASE:
                raise
            log.error("mail not marked yet", mail_id=str(claim.waiting.id), error=type(error).__name__)
            time.sleep(PAUSE.total_seconds())


def _written(database: Database, office: Office, claim: Claim, now: datetime) -> Letter | None:
    """The letter that this row holds, written now if nobody did before. None when there is nothing (left) to do."""
    waiting = claim.waiting
    with database.writing() as session:
        row = _still_ours(session, claim)
        if row is None:
            return None
        if bounces.is_switched_off(session, waiting.recipient):
            _close(row, SWITCHED_OFF, now)
            session.commit()
            return None
        seal = vault_of(session)
        writer = office.writers[waiting.purpose]
        if (
            row.sealed is not None
            and isinstance(writer, Wanted)
            and not writer.is_wanted(session, waiting, now)
        ):
            _close(row, None, now)
            session.commit()
            return None
        if row.sealed is None:
            mail = writer(session, waiting, now)
            if mail is None:
                _close(row, None, now)
                session.commit()
                return None
            data = to_message(
                mail,
                office.sender,
                waiting.id,
                waiting.created_at,
                name=office.name,
                base_url=office.base_url,
            )
            row.sealed = seal.seal(mail.to.encode() + b"\n" + data, b"mail", waiting.id.bytes)
            session.commit()
        to, _, data = seal.open(row.sealed, b"mail", waiting.id.bytes).partition(b"\n")
        return Letter(waiting.id, office.sender, to.decode(), waiting.created_at, data)


def _settle(database: Database, office: Office, claim: Claim, fault: NotSent | None, now: datetime) -> None:
    with database.writing() as session:
        row = _still_ours(session, claim)
        if row is None:  # its account was deleted, or the lease ended and another worker has it
            log.warning("claim lost", mail_id=str(claim.waiting.id), was_sent=fault is None)
            return
        recipient = row.recipient
        if fault is None:
            bounces.note_delivery(session, recipient)
            row.sent_at = now
            _close(row, None, now)
        elif fault.for_good or _is_hopeless(row, now):
            if fault.bounced:
                bounces.bounce(session, recipient, fault.code, now, office.on_switched_off)
            _close(row, str(fault), now)
        else:
            row.fault = str(fault)
            row.due_at = now + BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1]
        if fault is not None:
            log.warning(
                "mail not sent",
                mail_id=str(row.id),
                fault=str(fault),
                given_up=row.settled_at is not None,
            )
        session.commit()


def _still_ours(session: Session, claim: Claim) -> OutboxMail | None:
    return session.execute(
        select(OutboxMail)
        .where(
            OutboxMail.id == claim.waiting.id,
            OutboxMail.attempts == claim.number,
            OutboxMail.due_at.is_not(None),
        )
        .with_for_update()
    ).scalar_one_or_none()


def _is_hopeless(row: OutboxMail, now: datetime) -> bool:
    """After four days; but one that waited while everything was down still gets its tries."""
    return now >= row.created_at + GIVE_UP_AFTER and row.attempts > len(BACK_OFF)


def _close(row: OutboxMail, fault: str | None, now: datetime) -> None:
    row.fault, row.due_at, row.settled_at, row.sealed = fault, None, now, None
    if fault is None:
        row.recipient = ""  # an address is kept no longer than needed
