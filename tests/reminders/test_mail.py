"""The mail itself, from the worker's tick to the file: it names nothing, and its links lead here."""

import re
from datetime import time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import html5lib
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from journal import create_app
from journal.domain.days import Moment, instant_of
from journal.domain.measures import MEASURES
from journal.domain.profile import Profile
from journal.domain.side_effects import SIDE_EFFECTS
from journal.kit.cli import migrate
from journal.kit.db import Database
from journal.kit.mail import Mail
from journal.kit.outbox import Waiting
from journal.kit.vault import Vault
from journal.profiles import service as profiles
from journal.reminders import queries
from journal.reminders.tasks import send_due
from tests.cast import TODAY, Cast
from tests.conftest import MASTER_KEY, NOON, make_settings
from tests.reminders.people import Reminded, settle_in, writer_of

EIGHT = instant_of(TODAY, time(20), ZoneInfo("America/Denver"))
FIXED = "This journal is not watched day and night. It is not for emergencies."
BASE = "https://journal.example.org"
CANARY_ADDRESS = "canary.of.ida@example.org"
HEALTH = re.compile(
    "ketamine|infusion|symptom|anxi|depress|trauma|clinic|treat|therap|dose|drug|medic|patient|health"
    "|canary|streak|missed|" + "|".join(m.title for m in MEASURES.values()) + "|" + "|".join(SIDE_EFFECTS),
    re.IGNORECASE,
)
WIRE = {"To", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}


def confess(session: Session, ida: Reminded) -> None:
    """A journal that says much."""
    own = {"name": "canary name", "own_symptoms": [["own-abc123", "canary symptom", True]]}
    moment = Moment(NOON, TODAY, ida.zone)
    profiles.keep(session, ida.viewer, Profile.parse(Profile().dump() | own), 0, moment)
    ida.infuse(session, TODAY - timedelta(days=1), NOON)
    ida.log(session, TODAY - timedelta(days=1), NOON)


@pytest.mark.long
def test_it_names_nothing_and_nobody(empty_database: str, tmp_path: Path, clock: Any) -> None:
    settings = make_settings(tmp_path, empty_database, base_url=BASE, mail_from="notes@example.org")
    migrate(settings)
    database = Database(empty_database, {"vault": Vault(MASTER_KEY)})
    app = create_app(settings, database)
    with database.writing() as session:
        ida = settle_in(session, CANARY_ADDRESS, "America/Denver", NOON)
        confess(session, ida)
        ida.wish(session, NOON)
        token = queries.pause_token(session, ida.account_id)
        session.commit()
    clock.move_to(EIGHT)
    assert send_due(database, EIGHT) == 1
    assert app.extensions["send_mail"]() == 1
    database.close()
    [kept] = (tmp_path / "mail").glob("*.eml")
    mail = message_from_bytes(kept.read_bytes(), policy=default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == "A note from your journal"
    parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    heads = [f"{name}: {value}" for name, value in mail.items() if name not in WIRE]
    told = "\n".join([*heads, *parts])
    links = {link.rstrip('">') for link in re.findall(r"https?://[^\s<>]+", told)}
    assert links == {f"{BASE}/today", f"{BASE}/unsubscribe/{token}"}
    assert "check-in waiting" in told and FIXED in told
    assert HEALTH.findall(told.replace(token, "")) == []


@pytest.fixture
def ida(app: Flask, cast: Cast, session: Session) -> Reminded:
    ida = settle_in(session, CANARY_ADDRESS, "America/Denver", NOON)
    confess(session, ida)
    ida.wish(session, NOON)
    return ida


def write(app: Flask, session: Session, ida: Reminded, minutes: int = 0) -> Mail:
    waiting = Waiting(UUID(int=1), "reminder", CANARY_ADDRESS, ida.account_id, EIGHT)
    mail = writer_of(app, BASE)(session, waiting, EIGHT + timedelta(minutes=minutes))
    assert mail is not None
    return mail


def test_a_retry_says_the_same(app: Flask, session: Session, ida: Reminded) -> None:
    assert write(app, session, ida) == write(app, session, ida, minutes=90)


def test_the_page_says_the_same_as_the_text(app: Flask, session: Session, ida: Reminded) -> None:
    """In the same order, with nothing from elsewhere, and no style that a mail program would drop."""
    mail = write(app, session, ida)
    assert mail.html is not None and mail.unsubscribe is not None
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(mail.html)
    assert parser.errors == []
    links = [f"{BASE}/today", mail.unsubscribe]
    assert re.findall(r'href="([^"]*)"', mail.html) == links == re.findall(r"https?://\S+", mail.body)
    for said in ("ou have a check-in waiting.", "Fill in what you can. Leaving it out is fine too.", FIXED):
        assert said in mail.html and said in mail.body
    assert not re.search(r"<img|<link|<style|<script|url\(|src=|@media", mail.html)
    assert HEALTH.findall((mail.html + mail.body).replace(mail.unsubscribe, "")) == []
