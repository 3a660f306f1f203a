"""People who want to be reminded, and what they were sent."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.checkins import service as checkins
from journal.domain.access import Viewer
from journal.domain.checkin import CheckIn
from journal.domain.days import Moment
from journal.domain.infusion import Infusion
from journal.infusions import service as infusions
from journal.kit import outbox
from journal.kit.db import Database
from journal.kit.mail import Letter, Mail
from journal.reminders import emails, service
from journal.reminders.service import Wish


@dataclass(frozen=True)
class Reminded:
    """A patient with a confirmed address, somewhere in the world."""

    account_id: UUID
    zone: ZoneInfo
    day_ends_hour: int = 0

    @property
    def viewer(self) -> Viewer:
        return Viewer.patient(self.account_id)

    def wish(self, session: Session, now: datetime, hour: int = 20, cadence: str = "daily") -> None:
        wish = Wish(True, hour, cadence)
        service.keep(session, self.viewer, wish, self.zone, self.day_ends_hour, now)

    def log(self, session: Session, day: date, now: datetime) -> UUID:
        entry_id = uuid4()
        moment = Moment(now, day, self.zone)
        checkins.record(
            session, self.viewer, CheckIn({"mood": 5}), moment, entry_id=entry_id, base=0, day=day
        )
        return entry_id

    def infuse(self, session: Session, day: date, now: datetime) -> None:
        moment = Moment(now, day, self.zone)
        infusions.record(session, self.viewer, Infusion(), moment, entry_id=uuid4(), base=0, day=day)


def settle_in(
    session: Session, email: str, zone: str, now: datetime, day_ends_hour: int = 0, *, confirmed: bool = True
) -> Reminded:
    account_id = accounts.sign_up(session, email, "x", accounts.Place(zone), now, send_mail=False)
    verified_at = now if confirmed else None
    accounts.settle(session, account_id, day_ends_hour=day_ends_hour, verified_at=verified_at)
    return Reminded(account_id, ZoneInfo(zone), day_ends_hour)


def asked_for(session: Session) -> list[tuple[UUID, datetime]]:
    """(whose, when) of every mail that reminds, in order."""
    rows = session.execute(
        text("SELECT account_id, created_at FROM outbox WHERE purpose = 'reminder' ORDER BY created_at")
    )
    return [(_uuid(whose), _instant(at)) for whose, at in rows]


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _instant(value: Any) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def writer_of(app: Flask, base_url: str) -> outbox.Writer:
    """What writes the mail that reminds, with the app's own templates."""

    def render(name: str, to: str, **values: Any) -> Mail:
        def part(file: str) -> str:
            return app.jinja_env.get_template(f"emails/{name}/{file}").render(**values)

        return Mail(to, part("subject.txt").strip(), part("body.txt"), part("body.html"))

    return emails.writers(render, base_url)["reminder"]


def deliver(app: Flask, database: Database, now: datetime) -> list[EmailMessage]:
    """Send what waits in the outbox; gives the reminders among it."""
    sent: list[Letter] = []
    writers = defaultdict(lambda: lambda _session, _waiting, _now: None)
    writers["reminder"] = writer_of(app, app.extensions["settings"].base_url)
    outbox.send_due(database, writers, sent.append, "journal@example.net", now)
    return [message_from_bytes(one.data, policy=SMTP) for one in sent]


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    seen: list[str] = []

    def note(*args: Any) -> None:
        if not args[2].lstrip().upper().startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN")):
            seen.append(args[2])

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
