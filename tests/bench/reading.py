"""Two hundred patients who share with one reader, for `make bench`."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pyotp
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.accounts.passphrases import Hasher
from journal.accounts.queries import find_for_reset
from journal.checkins import service as checkins
from journal.config import Settings
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.checkin import CheckIn
from journal.domain.days import Moment
from journal.domain.infusion import Infusion
from journal.factors import service as factors
from journal.infusions import service as infusions
from journal.kit.db import Database
from journal.kit.vault import Vault
from journal.shares import service as shares
from journal.shares.service import Wish
from tests.faults.person import PASSPHRASE
from tests.servers import Journal

READER = "reader@example.org"
SECRET = pyotp.random_base32()
PATIENTS, DAYS = 200, 35
WHERE = ZoneInfo("UTC")


def fill_shares(journal: Journal, address: str, with_years: str) -> UUID:
    """Give the reader two hundred journals of five weeks, and that of `with_years`; gives that share's id."""
    settings = Settings.from_env(dict(journal.env))
    vault = Vault(settings.master_key)
    database = Database(address, {"vault": vault})
    now = datetime.now(UTC)
    hashed = Hasher(vault, settings.passphrase_rounds, settings.passphrase_kib).hash(PASSPHRASE, READER)
    with database.writing() as session:
        reader = accounts.sign_up(session, READER, hashed, accounts.Place("UTC"), now, send_mail=False)
        accounts.settle(session, reader, verified_at=now)
        factors.set_app(session, reader, SECRET, now)
        for number in range(PATIENTS):
            email = f"shared{number}@example.org"
            patient = accounts.sign_up(session, email, "x", accounts.Place("UTC"), now, send_mail=False)
            viewer = Viewer.patient(patient)
            for back in range(DAYS):
                _log(session, viewer, now, now.date() - timedelta(days=back), back)
            _share(session, viewer, reader, f"Person {number}", now)
        found = find_for_reset(session, with_years)
        assert found
        share_id = _share(session, Viewer.patient(found[0]), reader, "One year", now)
        session.commit()
    database.close()
    return share_id


def _log(session: Session, viewer: Viewer, now: datetime, day: date, back: int) -> None:
    moment = Moment(now, day, WHERE)
    checkin = CheckIn({"mood": back % 11, "anxiety": 3, "sleep": 5}, {"fatigue": "mild"}, {}, "")
    checkins.record(session, viewer, checkin, moment, entry_id=uuid4(), base=0, day=day)
    if back % 14 == 9:
        infusions.record(
            session, viewer, Infusion(number=3 - back // 14), moment, entry_id=uuid4(), base=0, day=day
        )


def _share(session: Session, viewer: Viewer, reader: UUID, name: str, now: datetime) -> UUID:
    wish = Wish(uuid4(), name, "", Scope(frozenset(KINDS)), now.date() + timedelta(days=30), READER)
    shares.invite(session, viewer, wish, shares.expiry(wish.ends_on, WHERE, 0), now)
    token = shares.new_invitation(session, wish.share_id, now)
    assert token and shares.accept(session, token, reader, READER, now)
    return wish.share_id
