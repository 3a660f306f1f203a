"""Mail to be sent: a row is committed with the work that caused it, and a sender claims it with a lease.

A row holds no text and no link, only what the mail is about; the text is made when it is sent. So nothing in the
database can be clicked, and asking for a mail takes the same time whether or not there is anybody to send it to.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import CheckConstraint, Index, Integer, Text, Uuid, and_, delete, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from journal.kit import clock
from journal.kit.db import Base, Database, Instant, upsert
from journal.kit.mail import BadAddress, Mail, NotSent, Transport, to_message

LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 12
SWEEP_S = 30.0

log = structlog.get_logger()


class OutboxMail(Base):
    """A mail that is waiting, sent, or given up on."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index("ix_outbox_due_at", "due_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    purpose: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID | None] = mapped_column(Uuid)
    subject_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    fault: Mapped[str | None] = mapped_column(Text)


_TABLE: Any = OutboxMail.__table__


@dataclass(frozen=True)
class Waiting:
    """What a writer of mails needs to know of a row."""

    id: UUID
    purpose: str
    recipient: str
    account_id: UUID | None
    created_at: datetime
    subject_id: UUID | None = None


Writer = Callable[[Session, Waiting, datetime], Mail | None]


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
    """Ask for a mail, about a thing where it is about one. It goes out after the caller's commit. False where a mail
    of this id was asked for before."""
    statement = upsert(session, _TABLE).values(
        id=mail_id or uuid4(),
        purpose=purpose,
        recipient=recipient,
        account_id=account_id,
        subject_id=subject_id,
        created_at=now,
        due_at=now,
        attempts=0,
    )
    return session.execute(statement.on_conflict_do_nothing().returning(_TABLE.c.id)).first() is not None


def withdraw(session: Session, subject_id: UUID) -> None:
    """Take back what waits about a thing."""
    session.execute(
        delete(OutboxMail).where(OutboxMail.subject_id == subject_id, OutboxMail.sent_at.is_(None))
    )


def forget(session: Session, account_id: UUID, addresses: Collection[str]) -> None:
    """Delete the account's mails, waiting and sent, and those to these addresses that belong to no account. A mail
    that is being sent at this moment still goes out."""
    nobodys = and_(
        OutboxMail.account_id.is_(None),
        func.lower(OutboxMail.recipient).in_([address.lower() for address in addresses]),
    )
    session.execute(delete(OutboxMail).where(or_(OutboxMail.account_id == account_id, nobodys)))


def send_due(
    database: Database, writers: Mapping[str, Writer], transport: Transport, sender: str, now: datetime
) -> int:
    """Send every mail that is due; give how many went out. A row is marked only after the server took it, and one that
    can't be written or sent is settled too, so that it holds up no other."""
    sent = 0
    while waiting := _claim(database, now):
        fault: str | None = None
        for_good = False
        try:
            with database.writing() as session:
                mail = writers[waiting.purpose](session, waiting, now)
                session.commit()
            if mail is not None:
                transport(to_message(mail, sender, waiting.id, waiting.created_at))
                sent += 1
        except BadAddress:
            fault, for_good = "bad address", True
        except NotSent as error:
            fault, for_good = str(error), error.for_good
        except (
            Exception
        ) as error:  # one mail's fault must not keep the others back; it is logged and tried again
            fault = type(error).__name__
        if fault is not None:
            log.warning("mail not sent", mail_id=str(waiting.id), fault=fault, for_good=for_good)
        with database.writing() as session:
            _settle(session, waiting.id, fault, for_good, now)
            session.commit()
    return sent


def _claim(database: Database, now: datetime) -> Waiting | None:
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
        row.due_at = now + LEASE  # a sender that dies leaves the row to the next one
        row.attempts += 1
        session.commit()
        return Waiting(row.id, row.purpose, row.recipient, row.account_id, row.created_at, row.subject_id)


def _settle(session: Session, mail_id: UUID, fault: str | None, for_good: bool, now: datetime) -> None:
    row = session.get(OutboxMail, mail_id)
    if row is None:  # its account was deleted while it was being sent
        return
    row.fault = fault
    if fault is None:
        row.sent_at, row.due_at, row.recipient = now, None, ""  # an address is kept no longer than needed
    elif for_good or row.attempts >= MOST_ATTEMPTS:
        row.due_at = None
    else:
        row.due_at = now + timedelta(minutes=min(2**row.attempts, 120))


class Sender:
    """A thread that sends what is due, woken after each commit that put something into the outbox."""

    def __init__(self, send: Callable[[datetime], int]) -> None:
        self._send = send
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def _run(self) -> None:
        while True:
            try:
                self._send(clock.now())
            except Exception as error:  # the thread must outlive a database that is away for a while
                log.error("outbox failed", error=type(error).__name__)
            self._wake.wait(SWEEP_S)
            self._wake.clear()
