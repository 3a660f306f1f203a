"""The patient's side: choose, look at the page, share, change, end; and who looked."""

import re
from datetime import datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from journal.accounts import service as accounts
from journal.kit.outbox import OutboxMail
from journal.shares.models import Share
from tests.cast import TODAY, Cast, log_infusion
from tests.client import CheckingClient
from tests.conftest import NOON

LEE = "lee@example.org"
USUAL = {"kinds": ["daily", "side-effects", "infusions", "questionnaires"], "back": "90", "name": "Mara"}


@pytest.fixture
def patient(app: Flask, cast: Cast) -> CheckingClient:
    with app.extensions["database"].writing() as session:
        accounts.settle(session, cast.patient.account_id, verified_at=NOON)
        session.commit()
    return cast.patient.sign_in()


def shares(app: Flask) -> list[Share]:
    with app.extensions["database"].reading() as session:
        return list(session.execute(select(Share)).scalars())


def give(patient: CheckingClient, way: str = "person", **fields: object) -> str:
    """Go through the steps; gives the share's address."""
    typed = {
        **USUAL,
        "way": way,
        "ends": "30" if way == "person" else "7",
        "to": "Dr Lee",
        "email": LEE,
        **fields,
    }
    page = f"/sharing/new?way={way}"
    patient.send("/sharing/new", {**typed, "step": "preview"}, expect=200, page=page)
    answer = patient.send("/sharing/new", {**typed, "step": "share"}, expect=303 if way == "person" else 200)
    return answer.location if way == "person" else answer.text


def test_nothing_is_shared_until_the_address_is_confirmed(cast: Cast, app: Flask) -> None:
    patient = cast.patient.sign_in()
    assert "Nobody sees your journal but you." in patient.get("/sharing").text
    for way in ("person", "link"):
        assert "confirm your address first" in patient.get(f"/sharing/new?way={way}").text
        answer = patient.send(
            "/sharing/new", {**USUAL, "way": way, "step": "share", "email": LEE}, expect=200, page="/sharing"
        )
        assert "confirm your address first" in answer.text
    assert shares(app) == []


def test_share_with_a_person(patient: CheckingClient, app: Flask) -> None:
    assert "By a link and a passcode" in patient.get("/sharing/new").text
    page = patient.get("/sharing/new?way=person").text
    for kind, usual in (("daily", True), ("infusions", True), ("safety-plan", False), ("notes", False)):
        assert (f'value="{kind}" checked' in page) is usual
    where = give(patient)
    (share,) = shares(app)
    assert where == f"/sharing/{share.id}"
    assert (share.since, share.until) == (TODAY - timedelta(days=89), None)
    told = patient.get(where).text
    assert "Invited, not yet accepted" in told and "Dr Lee" in told and LEE in told
    assert "Tuesday 22 December" in told
    with app.extensions["database"].reading() as session:
        mail = session.execute(select(OutboxMail).where(OutboxMail.purpose == "invitation")).scalar_one()
    assert (mail.recipient, mail.subject_id) == (LEE, share.id)
    assert "Dr Lee" in patient.get("/sharing").text


def test_the_preview_comes_first_and_shares_nothing(patient: CheckingClient, app: Flask) -> None:
    typed = {**USUAL, "way": "person", "ends": "30", "email": LEE, "to": ""}
    preview = patient.send("/sharing/new", typed, expect=200, page="/sharing/new?way=person").text
    assert "This is the page." in preview and 'class="summary"' in preview
    assert "Share until Tue 22 Dec" in preview
    assert shares(app) == []
    changed = patient.send("/sharing/new?again=1", {**typed, "step": ""}, expect=200).text
    assert f'value="{LEE}"' in changed  # what was typed is still there


@pytest.mark.parametrize(
    ("way", "fields", "told"),
    [
        ("person", {"email": "lee"}, "Enter their whole address"),
        ("person", {"email": ""}, "Enter their whole address"),
        ("person", {"email": "mara@example.org"}, "This is your own address"),
        ("person", {"name": " "}, "Enter your name as they know it."),
        ("person", {"name": "x" * 61}, "Keep it to 60 characters."),
        ("person", {"kinds": []}, "Choose at least one thing to share."),
        ("person", {"kinds": ["everything"]}, "Choose at least one thing to share."),
        ("person", {"back": "some", "since": "", "until": ""}, "Enter the first day, the last day, or both."),
        ("person", {"back": "some", "since": "22/11/2026"}, "Enter a day, such as 2026-11-22."),
        ("person", {"back": "some", "since": "0001-01-01"}, "Enter a day between 2000 and 2100."),
        (
            "person",
            {"back": "some", "since": "2026-11-22", "until": "2026-11-01"},
            "The last day is before the first",
        ),
        ("person", {"back": "?"}, "Choose which days."),
        ("person", {"ends": "?"}, "Choose until when."),
        ("person", {"ends": "date", "ends_on": ""}, "Enter the last day on which it can be read."),
        ("person", {"ends": "date", "ends_on": "2026-11-21"}, "This day has passed."),
        ("link", {"ends": "date", "ends_on": "2026-12-24"}, "A link can be open for 31 days at most."),
        ("link", {"ends": "90"}, "A link can be open for 31 days at most."),
        ("link", {"to": ""}, "Say who it is for"),
    ],
)
def test_bad_wishes_are_told_and_kept(
    patient: CheckingClient, app: Flask, way: str, fields: dict[str, object], told: str
) -> None:
    typed = {**USUAL, "way": way, "ends": "7", "email": LEE, "to": "Dr Lee", **fields}
    for step in ("preview", "share"):
        answer = patient.send(
            "/sharing/new", {**typed, "step": step}, expect=422, page=f"/sharing/new?way={way}"
        )
        assert told in answer.text
        if fields.get("name") is None:
            assert 'value="Mara"' in answer.text
    assert shares(app) == []


def test_a_link_is_shown_once(patient: CheckingClient, app: Flask) -> None:
    page = give(patient, "link")
    link = re.search(r"http://localhost:8000/shared/([\w-]{43})", page)
    passcode = re.search(r'id="passcode">([\w]{4}-[\w]{4})<', page)
    assert link and passcode
    (share,) = shares(app)
    again = patient.get(f"/sharing/{share.id}").text
    assert link[1] not in again and passcode[1] not in again and "can’t be shown again" in again


def test_sent_twice_it_is_shared_once(patient: CheckingClient, app: Flask) -> None:
    typed = {**USUAL, "way": "person", "ends": "30", "email": LEE, "step": "share", "share_id": str(uuid4())}
    for _ in range(2):
        patient.send("/sharing/new", typed, page="/sharing/new?way=person")
    assert len(shares(app)) == 1
    with app.extensions["database"].reading() as session:
        mails = session.execute(select(OutboxMail).where(OutboxMail.purpose == "invitation")).all()
    assert len(mails) == 1


@pytest.mark.parametrize(("hours", "asks"), [(2, True), (23, True), (25, False)])
def test_in_the_day_after_an_infusion_it_asks_once_more(
    patient: CheckingClient, app: Flask, cast: Cast, hours: int, asks: bool
) -> None:
    began = NOON - timedelta(hours=hours, minutes=40)
    local = began.astimezone(ZoneInfo("America/Denver"))
    with app.extensions["database"].writing() as session:
        log_infusion(
            session, cast.patient.viewer, local.date(), started=time(local.hour, local.minute), minutes=40
        )
        session.commit()
    typed = {**USUAL, "way": "person", "ends": "30", "email": LEE, "step": "share"}
    answer = patient.send("/sharing/new", typed, expect=200 if asks else 303, page="/sharing/new?way=person")
    assert (len(shares(app)) == 0) is asks
    if asks:
        assert "Share now, or wait a little?" in answer.text
        patient.send("/sharing/new", {**typed, "asked": "twice"})
    (share,) = shares(app)
    where = f"/sharing/{share.id}"
    wider = {**USUAL, "kinds": ["daily", "notes"], "ends": "7", "step": "share"}
    patient.send(f"{where}/edit", wider, expect=200 if asks else 303, page=f"{where}/edit")
    narrower = {**USUAL, "kinds": ["daily"], "back": "14", "ends": "7", "step": "share"}
    patient.send(f"{where}/edit", narrower, expect=303, page=f"{where}/edit")
    patient.send(f"{where}/end", expect=303, page=where)  # ending never asks
    assert shares(app)[0].ended_at == NOON


def test_change_and_end(patient: CheckingClient, app: Flask) -> None:
    where = give(patient)
    form = patient.get(f"{where}/edit").text
    assert 'value="2026-12-22"' in form and "Change what Dr Lee can see" in form
    typed = {"kinds": ["daily"], "back": "14", "name": "M.", "ends": "date", "ends_on": "2026-12-01"}
    preview = patient.send(f"{where}/edit", {**typed, "step": "preview"}, expect=200).text
    assert "Keep it like this" in preview
    patient.send(f"{where}/edit", {**typed, "step": "share"})
    (share,) = shares(app)
    assert (share.kinds, share.since) == ("daily", TODAY - timedelta(days=13))
    assert share.expires_at == datetime(2026, 12, 2, 7, tzinfo=NOON.tzinfo)
    patient.send(f"{where}/end", page=where)
    ended = patient.get(where).text
    assert "Nobody can open it any more." in ended and "End it now" not in ended
    assert patient.get(f"{where}/edit", expect=303).location == where
    assert "You can share again." in patient.get(where).text
    patient.send(f"{where}/invite", expect=404, page=where)
    assert "Ended shares" in patient.get("/sharing").text


def test_twenty_invitations_a_day(patient: CheckingClient) -> None:
    for n in range(20):
        give(patient, email=f"lee{n}@example.org")
    typed = {**USUAL, "way": "person", "ends": "30", "email": LEE, "step": "share"}
    answer = patient.send("/sharing/new", typed, expect=429, page="/sharing/new?way=person")
    assert "Try again tomorrow." in answer.text


def test_nobody_looked_yet(patient: CheckingClient) -> None:
    assert "Nobody has opened anything of yours." in patient.get("/sharing/access-log").text
