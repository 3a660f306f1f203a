"""Ida wants a reminder at eight, and has a phone; a push service stands on this machine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.accounts.queries import find_signed_in
from journal.kit import vapid, webpush
from journal.kit.db import Database, vault_of
from journal.push import service, tasks
from journal.push.tasks import Office
from journal.reminders import service as reminders
from journal.reminders.tasks import send_due as ask
from tests.cast import Cast
from tests.conftest import NOON
from tests.push.phone import Phone
from tests.push.push_service import PushService, push_service
from tests.reminders.people import Reminded, asked_for, settle_in


@pytest.fixture
def pushes() -> Iterator[PushService]:
    with push_service() as opened:
        yield opened


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A push service that hangs costs half a second."""
    monkeypatch.setattr(webpush, "STEP_S", 0.4)
    monkeypatch.setattr(webpush, "DEADLINE_S", 0.6)


OFFICE = Office(
    webpush.post_as("mailto:journal@example.org", loopback=True),
    reminders.is_wanted,
    reminders.mail_instead,
)


def subscribe(session: Session, ida: Reminded, phone: Phone, name: str = "Chrome on Android") -> str:
    """Turn notes on for a phone on which Ida has just signed in; gives the token of that session."""
    token = accounts.start_session(session, ida.account_id, name, NOON)
    found = find_signed_in(session, token, NOON)
    assert found is not None
    subscription = webpush.read_subscription(**_as_sent(phone), loopback=True)
    service.add(session, ida.viewer, found.session_id, subscription, name, NOON)
    return token


def _as_sent(phone: Phone) -> dict[str, str]:
    form = phone.form
    return {"endpoint": form["endpoint"], "public_key": form["p256dh"], "auth": form["auth"]}


@dataclass
class Stage:
    """What a test of sending needs at hand."""

    database: Database
    session: Session
    ida: Reminded
    public_key: str

    def subscribe(self, phone: Phone, name: str = "Chrome on Android") -> str:
        token = subscribe(self.session, self.ida, phone, name)
        self.session.commit()
        return token

    def look(self, now: datetime) -> int:
        """What the worker does in its minute: ask, then send. Gives how many notes a phone took."""
        ask(self.database, now)
        return tasks.send_due(self.database, OFFICE, now)

    def mails(self) -> list[Any]:
        return [when for whose, when in asked_for(self.session) if whose == self.ida.account_id]

    def count(self, table: str, where: str = "1 = 1") -> int:
        found = self.session.execute(text(f"SELECT count(*) FROM {table} WHERE {where}"))
        return int(found.scalar_one())


@pytest.fixture
def stage(app: Flask, cast: Cast, database: Database, session: Session) -> Stage:
    vapid.make_key(session, vault_of(session), NOON)
    ida = settle_in(session, "ida@example.org", "America/Denver", NOON)
    ida.wish(session, NOON)
    session.commit()
    public_key = vapid.find_public_key(session)
    assert public_key is not None
    return Stage(database, session, ida, public_key)


Change = Callable[[Stage], object]
