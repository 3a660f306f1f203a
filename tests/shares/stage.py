"""A stage for sharing: a patient with canaries in every kind and on early days, and everybody who might look."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.checkins import service as checkins
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.after_infusion import AfterInfusion
from journal.domain.checkin import Note
from journal.domain.days import Moment
from journal.domain.infusion import Infusion
from journal.domain.instrument_files import instruments
from journal.domain.profile import OwnSymptom, Profile
from journal.domain.questionnaires import Response
from journal.domain.safety import SafetyPlan
from journal.infusions import service as infusions
from journal.infusions.queries import get_course
from journal.profiles import service as profiles
from journal.questionnaires import service as questionnaires
from journal.safety import service as safety
from journal.shares import service as shares
from journal.shares.service import Wish
from tests.cast import PASSPHRASE, TODAY, ZONE, Cast, Player, log_checkin
from tests.client import CheckingClient
from tests.conftest import NOON

WHERE = ZoneInfo(ZONE)
EARLY = TODAY - timedelta(days=60)
SINCE = TODAY - timedelta(days=13)
PASSCODE = "k7mp-w3xz"
EVERYTHING = frozenset(KINDS)
SCORES = frozenset({"daily", "questionnaires"})

CANARIES: dict[str, tuple[str, ...]] = {
    # what only holders of a kind may ever see
    "daily": ("daily canary",),
    "side-effects": ("Itching or rash",),
    "infusions": ("1277.3",),
    "questionnaires": ("PHQ-9",),
    "safety-plan": ("plan canary", "+1 505 555 0199"),
    "notes": ("note canary", "second canary", "infusion canary", "feeling canary", "report canary"),
}
EARLY_CANARIES = ("early canary", "1288.4", "Less hungry")
"""On days that not every share holds."""
NEVER = ("mara@example.org", "outside the clinic")
"""What no share holds."""


class Reader(Player):
    """Somebody who signs in with a second step."""

    def sign_in(self) -> CheckingClient:
        with self.app.extensions["database"].writing() as session:
            token = accounts.start_session(session, self.account_id, "a test", NOON, second_step_at=NOON)
            session.commit()
        browser = CheckingClient(self.app)
        browser.keep_session(token)
        return browser


@dataclass(frozen=True)
class Given:
    """A share that was given: to whom it is open, what it holds."""

    id: UUID
    scope: Scope
    reader: str
    is_open: bool
    link: str = ""


@dataclass(frozen=True)
class Stage:
    app: Flask
    cast: Cast
    players: dict[str, Player]
    shares: dict[str, Given]
    ids: dict[str, UUID]


def moment(day: date = TODAY) -> Moment:
    return Moment(NOON, day, WHERE)


def fill_patient(session: Session, viewer: Viewer) -> dict[str, UUID]:
    """Mara's journal: something of every kind, lately and sixty days ago."""
    own = (OwnSymptom("own-abc123", "daily canary"), OwnSymptom("own-abc456", "early canary"))
    profile = Profile("Mara", ("ptsd",), own_symptoms=own)
    profiles.keep(session, viewer, profile, 0, moment())
    ids = {"checkin": uuid4()}
    for back in range(12):
        measures = {"mood": 3 + back % 3, "own-abc123": 4, "memories": 5}
        effects = {"itch_rash": "mild", "craving": "mild"} if back % 2 else {"nausea": "none"}
        note = "note canary" if back == 1 else ""
        ids["checkin"] = log_checkin(
            session, viewer, TODAY - timedelta(days=back), measures, side_effects=effects, note=note
        )
    log_early(session, viewer)
    note_id = uuid4()
    checkins.record_note(session, viewer, Note("second canary"), moment(), entry_id=note_id, day=TODAY)
    for day, dose, name in (
        (TODAY - timedelta(days=4), "1277.3", "infusion"),
        (EARLY, "1288.4", "early_infusion"),
    ):
        ids[name] = uuid4()
        late = Infusion(
            number=2 if name == "infusion" else 1,
            dose_mg=Decimal(dose),
            note="infusion canary" if name == "infusion" else "",
            feeling_before="feeling canary" if name == "infusion" else "",
        )
        infusions.record(session, viewer, late, moment(max(day, TODAY)), entry_id=ids[name], base=0, day=day)
    held = get_course(session, viewer).get(ids["infusion"])
    told = AfterInfusion(ids["infusion"], "first", diss_peak=7, note="report canary")
    infusions.report(session, viewer, told, held, moment(), base=0)
    plan = SafetyPlan(struggling="plan canary", person_name="Jo", person_number="+1 505 555 0199")
    safety.keep_plan(session, viewer, plan, moment(), base=0)
    phq = instruments()["phq-9"]
    ids["response"] = uuid4()
    for day, entry_id, value in ((TODAY - timedelta(days=3), ids["response"], 2), (EARLY, uuid4(), 1)):
        answers = {item.id: value for item in phq.items if not item.flag} | {
            item.id: 0 for item in phq.items if item.flag
        }
        response = Response("phq-9", "en", answers, "finished")
        then = Moment(NOON - (TODAY - day), day, WHERE)
        questionnaires.record(session, viewer, response, then, entry_id=entry_id)
    return ids


def log_early(session: Session, viewer: Viewer) -> None:
    for back in range(3):
        log_checkin(
            session,
            viewer,
            EARLY - timedelta(days=back),
            {"mood": 1, "own-abc456": 9},
            side_effects={"appetite": "moderate"},
            note="early canary note" if not back else "",
        )


def make_stage(app: Flask, cast: Cast) -> Stage:
    with app.extensions["database"].writing() as session:
        ids = fill_patient(session, cast.patient.viewer)
        players: dict[str, Player] = {}
        hasher = app.extensions["hasher"]
        for name in ("everything", "scores", "dates", "expired", "ended", "never"):
            email = f"{name}@example.org"
            hashed = hasher.hash(PASSPHRASE, accounts.email_key(email))
            account_id = accounts.sign_up(session, email, hashed, accounts.Place(ZONE, "US"), NOON)
            accounts.settle(session, account_id, verified_at=NOON, second_step_since=NOON)
            players[name] = Reader(account_id, email, app)
        mine, other = cast.patient.viewer, cast.other.viewer
        given = {
            "everything": _person(session, mine, players["everything"], Scope(EVERYTHING)),
            "scores": _person(session, mine, players["scores"], Scope(SCORES)),
            "dates": _person(session, mine, players["dates"], Scope(EVERYTHING, SINCE)),
            "expired": _person(session, mine, players["expired"], Scope(EVERYTHING), days=-1),
            "ended": _person(session, mine, players["ended"], Scope(EVERYTHING), end=True),
            "otis": _person(session, other, players["everything"], Scope(frozenset({"daily"}))),
            "link": _link(session, hasher, mine, Scope(EVERYTHING)),
            "ended_link": _link(session, hasher, mine, Scope(EVERYTHING), end=True),
        }
        session.commit()
    return Stage(app, cast, players, given, ids)


def _wish(scope: Scope, days: int, email: str = "") -> tuple[Wish, Any]:
    wish = Wish(uuid4(), "Mara", "reader", scope, TODAY + timedelta(days=days), email)
    return wish, shares.expiry(wish.ends_on, WHERE, 0)


def _person(
    session: Session, viewer: Viewer, player: Player, scope: Scope, *, days: int = 30, end: bool = False
) -> Given:
    wish, ends_at = _wish(scope, days, player.email)
    then = NOON - timedelta(days=10)
    shares.invite(session, viewer, wish, ends_at, then)
    token = shares.new_invitation(session, wish.share_id, then) or ""
    assert shares.accept(session, token, player.account_id, player.email, then) == wish.share_id
    if end:
        shares.end(session, viewer, wish.share_id, NOON)
    return Given(wish.share_id, scope, player.email.partition("@")[0], not end and days > 0)


def _link(session: Session, hasher: Any, viewer: Viewer, scope: Scope, *, end: bool = False) -> Given:
    wish, ends_at = _wish(scope, 7)
    hashed = hasher.hash(PASSCODE.replace("-", ""), f"share|{wish.share_id}")
    link = shares.give_link(session, viewer, wish, ends_at, hashed, NOON, once=False) or ""
    if end:
        shares.end(session, viewer, wish.share_id, NOON)
    return Given(wish.share_id, scope, "link", not end, link)
