"""Invitations of staff and of patients from the mail or the card to the page, and everybody who holds them wrongly.
Those to read by a share are in tests/care."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.clinics import emails, queries, service
from journal.clinics.service import NewPatient, NewStaff
from journal.kit import outbox
from journal.kit.db import Database
from journal.kit.mail import Mail, keep_in_folder
from journal.kit.outbox import Waiting
from tests.accounts.test_accounts import mails
from tests.care.test_care import confirm
from tests.cast import PASSPHRASE
from tests.client import CheckingClient
from tests.clinics.stage import HARBOR, ClinicStage, make_account, make_clinics
from tests.conftest import NOON
from tests.factors.people import set_up_app

LEE = "lee@example.org"
TRAP = "=?UTF-8?Q?=0A?=Bcc: ketamine canary"


@pytest.fixture
def mailing(app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The app, sending a clinic's mails out of the test's own transaction."""

    def render(name: str, to: str, **values: Any) -> Mail:
        page = app.jinja_env.get_template
        subject = page(f"emails/{name}/subject.txt").render(**values).strip()
        return Mail(to, subject, page(f"emails/{name}/body.txt").render(**values))

    settings = app.extensions["settings"]
    writers = emails.writers(render, settings.base_url)
    transport = keep_in_folder(Path(settings.data_dir) / "mail")
    monkeypatch.setitem(
        app.extensions,
        "send_mail",
        lambda: outbox.send_due(database, writers | ELSE, transport, "journal@localhost", NOON),
    )
    return app


ELSE: dict[str, Any] = {purpose: lambda *_: None for purpose in ("verify",)}


@pytest.fixture
def stage(app: Flask) -> Iterator[ClinicStage]:
    yield make_clinics(app)


def ask_staff(stage: ClinicStage, email: str = LEE, *roles: str) -> tuple[UUID, str]:
    staff_id = uuid4()
    with stage.app.extensions["database"].writing() as session:
        asked = NewStaff("Lee", email, frozenset(roles or {"clinician"}))
        service.invite_staff(session, stage.ids[HARBOR], staff_id, asked, NOON, None)
        token = service.new_staff_invitation(session, staff_id, NOON)
        session.commit()
    return staff_id, f"/invitations/{token}"


def ask_patient(stage: ClinicStage, way: str, email: str = "") -> tuple[UUID, str]:
    asked_id = uuid4()
    with stage.app.extensions["database"].writing() as session:
        who = stage.staff["front-desk"], stage.players["front-desk"].account_id
        asked = NewPatient(way, "Cleo canary", email)
        token = service.ask_patient(session, stage.ids[HARBOR], asked_id, asked, NOON, *who)
        session.commit()
    return asked_id, f"/invitations/{token}"


def test_from_the_mail_to_the_clinic(stage: ClinicStage, client: CheckingClient) -> None:
    """Somebody who never was here: signs up, confirms, joins, sets up a second step, works."""
    _staff_id, link = ask_staff(stage, LEE, "clinician", "front-desk")
    shown = client.get(link).text
    assert "You are invited to work with a clinic." in shown and HARBOR not in shown and "Lee" not in shown
    sign_up = f"/sign-up?next={link}"
    assert client.send(sign_up, {"email": LEE, "password": PASSPHRASE}, page=sign_up).location == link
    page = client.get(link).text
    assert "confirm your address first" in page and HARBOR not in page
    confirm(stage.app, LEE)
    page = client.get(link).text
    assert f"{HARBOR} asks you to join its staff." in page and "Admin" not in page
    assert "<b>Clinician</b>" in page and "<b>Front desk</b>" in page
    assert client.send(link, {"answer": "accept"}).location == "/clinic"
    assert client.get("/clinic", expect=303).location == "/account/second-step?next=/clinic"
    set_up_app(client)
    assert "You work here as clinician and front desk." in client.get("/clinic").text
    assert "no longer open" in client.get(link, expect=404).text
    assert client.get("/", expect=303).location == "/clinic"


def test_nobody_else_who_holds_the_mail(stage: ClinicStage) -> None:
    _staff_id, staff_link = ask_staff(stage)
    _asked_id, patient_link = ask_patient(stage, "mail", LEE)
    for link in (staff_link, patient_link):
        for name in ("never", "admin", "other-clinician"):
            browser = stage.players[name].sign_in()
            page = browser.get(link, expect=404).text
            assert "for another address" in page and HARBOR not in page
            for answer in ("accept", "agree", "decline"):
                page = browser.send(link, {"answer": answer}, expect=404, page="/account").text
                assert HARBOR not in page
    with stage.app.extensions["database"].reading() as session:
        for link in (staff_link, patient_link):
            assert queries.find_invited(session, link.rpartition("/")[2], NOON)


def test_an_address_that_is_only_claimed_opens_nothing(stage: ClinicStage, client: CheckingClient) -> None:
    """Without the mail that proves it, anybody could have typed it."""
    _staff_id, link = ask_staff(stage)
    _asked_id, card = ask_patient(stage, "code")
    client.send("/sign-up", {"email": LEE, "password": PASSPHRASE}, page="/sign-up")
    for address in (link, card):
        for answer in ("accept", "agree", "decline"):
            page = client.send(address, {"answer": answer}, expect=200, page=address).text
            assert "confirm your address first" in page and HARBOR not in page


def test_looking_joins_nothing_and_no_is_no(stage: ClinicStage) -> None:
    staff_id, link = ask_staff(stage)
    with stage.app.extensions["database"].writing() as session:
        lee = make_account(stage.app, session, LEE)
        session.commit()
    browser = lee.sign_in()
    for _ in range(3):
        browser.get(link)
    with stage.app.extensions["database"].reading() as session:
        assert queries.list_memberships(session, lee.account_id) == ()
    assert browser.send(link, {"answer": "decline"}, page=link).location == "/"
    browser.get(link, expect=404)
    browser.get("/clinic", expect=404)
    with stage.app.extensions["database"].reading() as session:
        gone = queries.get_member(session, stage.ids[HARBOR], staff_id, NOON)
    assert (gone.state, gone.accepted_at) == ("removed", None)


def test_whoever_works_there_already_is_told_so(stage: ClinicStage) -> None:
    one = stage.players["clinician"]
    with stage.app.extensions["database"].writing() as session:
        accounts.settle(session, one.account_id, email=LEE, email_key=LEE)
        session.commit()
    _staff_id, link = ask_staff(stage, LEE, "admin")
    browser = one.sign_in()
    assert f"You work with {HARBOR} already." in browser.get(link).text
    assert "already" in browser.send(link, {"answer": "accept"}, expect=200, page="/account").text
    browser.get("/clinic/settings", expect=404)


def test_a_patient_is_asked_by_name_of_the_clinic(stage: ClinicStage) -> None:
    for way, email in (("mail", LEE), ("code", "")):
        asked_id, link = ask_patient(stage, way, email)
        stranger = CheckingClient(stage.app)
        shown = stranger.get(link).text
        assert "You are invited to share your journal." in shown and HARBOR not in shown
        assert ("This code works once." in shown) == (way == "code")
        with stage.app.extensions["database"].writing() as session:
            email = email or "card@example.org"
            who = make_account(stage.app, session, email)
            session.commit()
        browser = who.sign_in()
        page = browser.get(link).text
        assert HARBOR in page and "Cleo" not in page, "what the clinic calls them is the clinic's"
        assert browser.send(link, {"answer": "decline"}, page=link).location == "/"
        browser.get(link, expect=404)
        with stage.app.extensions["database"].reading() as session:
            assert queries.get_asked(session, stage.ids[HARBOR], asked_id, NOON).state == "declined"


def test_taken_back_while_the_page_is_open(stage: ClinicStage) -> None:
    staff_id, link = ask_staff(stage)
    asked_id, card = ask_patient(stage, "code")
    with stage.app.extensions["database"].writing() as session:
        lee = make_account(stage.app, session, LEE)
        session.commit()
    browser = lee.sign_in()
    browser.get(link)
    admin = stage.players["admin"].account_id
    with stage.app.extensions["database"].writing() as session:
        service.remove_staff(session, stage.ids[HARBOR], staff_id, NOON, admin)
        service.withdraw_invitation(session, stage.ids[HARBOR], asked_id, NOON, admin)
        session.commit()
    browser.send(link, {"answer": "accept"}, expect=404)
    browser.send(card, {"answer": "decline"}, expect=404)
    browser.get("/clinic", expect=404)


def test_the_mails_say_nothing(stage: ClinicStage, mailing: Flask, session: Session) -> None:
    """Names that are traps, a clinic's name that tells: none of it is in a mail; links lead here alone."""
    clinic = service.create_clinic(session, TRAP, "America/Denver", "US", NOON)
    staff_id, asked_id = uuid4(), uuid4()
    service.invite_staff(session, clinic, staff_id, NewStaff(TRAP, LEE, frozenset({"admin"})), NOON, None)
    service.ask_patient(
        session, clinic, asked_id, NewPatient("mail", TRAP, "cleo@example.org"), NOON, staff_id, staff_id
    )
    token = service.new_staff_invitation(session, staff_id, NOON)
    session.commit()
    told = {one.partition("\n")[0]: one for one in mails(mailing)}
    for to in (LEE, "cleo@example.org"):
        mail = told[f"To: {to}"]
        assert not re.search(
            "canary|ketamine|infusion|bcc|harbor|mood|symptom|lee |cleo ",
            mail.lower().replace(f"to: {to}", ""),
        )
        assert re.findall(r"https?://\S+", mail) == [
            re.search(r"http://localhost:8000/invitations/\S+", mail)[0]
        ]  # type: ignore[index]
        assert "not for emergencies" in mail
    assert f"/invitations/{token}" in told[f"To: {LEE}"]
    raw = "".join(
        path.read_text() for path in (Path(mailing.extensions["settings"].data_dir) / "mail").glob("*.eml")
    )
    assert "canary" not in raw and "Bcc" not in raw


def test_a_mail_written_twice_is_the_same(stage: ClinicStage, app: Flask, session: Session) -> None:
    def render(name: str, to: str, **values: str) -> Mail:
        return Mail(to, name, app.jinja_env.get_template(f"emails/{name}/body.txt").render(**values))

    writers = emails.writers(render, "http://localhost:8000")
    staff_id, _link = ask_staff(stage)
    waits = {"staff-invitation": staff_id, "clinic-invitation": stage.asked[HARBOR]}
    for purpose, subject_id in waits.items():
        waiting = Waiting(uuid4(), purpose, LEE, None, NOON, subject_id)
        once, twice = (writers[purpose](session, waiting, NOON) for _ in range(2))
        assert once and once == twice and "/invitations/" in once.body
        gone = Waiting(uuid4(), purpose, LEE, None, NOON, uuid4())
        assert writers[purpose](session, gone, NOON) is None
