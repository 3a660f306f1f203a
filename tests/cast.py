"""One cast for all tests: Mara, whose journal is looked at; Otis, whose rows must never show; Ines, new here."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.checkins import service as checkins
from journal.domain.access import Viewer
from journal.domain.checkin import CheckIn, Note
from journal.domain.days import Moment
from journal.domain.infusion import Infusion
from journal.infusions import service as infusions
from tests.client import CheckingClient

PASSPHRASE = "four green lamps at dusk"
ZONE = "America/Denver"
TODAY = date(2026, 11, 22)


@dataclass(frozen=True)
class Player:
    account_id: UUID
    email: str
    app: Flask

    @property
    def viewer(self) -> Viewer:
        return Viewer.patient(self.account_id)

    def sign_in(self) -> CheckingClient:
        """A browser of this person's own, signed in."""
        client = CheckingClient(self.app)
        client.send("/sign-in", {"email": self.email, "password": PASSPHRASE}, page="/sign-in")
        client.page = None
        return client


@dataclass(frozen=True)
class Cast:
    patient: Player
    other: Player
    newcomer: Player
    other_infusion: UUID
    other_checkin: UUID


def make_player(app: Flask, session: Session, email: str) -> Player:
    now = datetime.now(UTC)
    hashed = app.extensions["hasher"].hash(PASSPHRASE, accounts.email_key(email))
    account_id = accounts.sign_up(session, email, hashed, accounts.Place(ZONE, "US"), now)
    return Player(account_id, email, app)


def log_checkin(
    session: Session, viewer: Viewer, day: date, measures: dict[str, int], **more: object
) -> UUID:
    """A check-in kept as the page would, with everything a page adds."""
    entry_id = uuid4()
    made = more.pop("made", None)
    now = made if isinstance(made, datetime) else datetime.now(UTC)
    checkin = CheckIn(measures, **more)  # type: ignore[arg-type]
    checkins.record(
        session,
        viewer,
        checkin,
        Moment(now, max(day, TODAY) if day > TODAY - timedelta(days=15) else day, ZoneInfo(ZONE)),
        entry_id=entry_id,
        base=0,
        day=day,
    )
    return entry_id


def log_infusion(session: Session, viewer: Viewer, day: date, **values: object) -> UUID:
    entry_id = uuid4()
    infusions.record(
        session,
        viewer,
        Infusion(**values),  # type: ignore[arg-type]
        Moment(datetime.now(UTC), max(TODAY, day), ZoneInfo(ZONE)),
        entry_id=entry_id,
        base=0,
        day=day,
    )
    return entry_id


def make_cast(app: Flask) -> Cast:
    with app.extensions["database"].writing() as session:
        players = [make_player(app, session, f"{name}@example.org") for name in ("mara", "otis", "ines")]
        other = players[1].viewer
        checkin = log_checkin(session, other, TODAY, {"mood": 1}, note="otis canary note")
        infusion = log_infusion(
            session, other, TODAY - timedelta(days=2), number=77, note="otis canary infusion"
        )
        note = Note("otis canary second note")
        checkins.record_note(
            session,
            other,
            note,
            Moment(datetime.now(UTC), TODAY, ZoneInfo(ZONE)),
            entry_id=uuid4(),
            day=TODAY,
        )
        session.commit()
    return Cast(players[0], players[1], players[2], infusion, checkin)
