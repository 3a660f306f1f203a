"""Somebody whom a clinic follows, and what they say."""

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from journal.clinic_flags import service as clinic_flags
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.profile import Profile
from journal.flags import service as flags
from journal.profiles import service as profiles
from journal.shares import service as shares
from journal.shares.service import Wish
from tests.cast import TODAY, Player
from tests.client import CheckingClient
from tests.conftest import NOON
from tests.shares.stage import moment

USUAL = frozenset(kind.id for kind in KINDS.values() if kind.usual)
DAY = f"/check-ins/{TODAY}"


def follow(
    session: Session,
    viewer: Viewer,
    clinic_id: UUID,
    *,
    clinic: str = "Harbor Light",
    kinds: frozenset[str] = USUAL,
    since: date | None = None,
    name: str = "Mara",
    now: datetime = NOON - timedelta(hours=1),
    share_id: UUID | None = None,
) -> UUID:
    """The patient agrees."""
    wish = Wish(share_id or uuid4(), name, clinic, Scope(kinds, since), None)
    assert shares.follow(session, viewer, wish, clinic_id, now)
    flags.look_again(session, viewer)
    return wish.share_id


def name_them(session: Session, viewer: Viewer, name: str = "Mara") -> None:
    profiles.keep(session, viewer, Profile(name, ("depression",)), 0, moment())


def say_unsafe(browser: CheckingClient) -> None:
    browser.get("/help-now")
    assert browser.send("/help-now/safe", {"safe": "no", "next": "/today"}).status_code == 303


def log_yellow_skin(patient: Player) -> CheckingClient:
    browser = patient.sign_in()
    browser.get("/today")
    browser.follow(browser.send(DAY, {"side_effects-yellow_skin": "mild"}))
    return browser


def deliver(session: Session, now: datetime = NOON) -> int:
    return clinic_flags.deliver(session, now).count
