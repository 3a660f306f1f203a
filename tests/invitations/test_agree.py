"""A patient whom a clinic asked: what it means, the exact page first, yes or no, and leaving for another clinic."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.clinics import service
from journal.clinics.models import ClinicInvitation
from journal.clinics.service import NewPatient
from journal.shares import queries as shares
from journal.shares.models import Share
from tests.cast import TODAY, Cast, log_checkin, log_infusion
from tests.clinics.stage import HARBOR, OTHER, ClinicStage, make_clinics
from tests.conftest import NOON

CHOSEN = {"name": "Mara", "kinds": ["daily", "infusions"], "back": "90"}


@pytest.fixture
def stage(app: Flask, cast: Cast, session: Session) -> ClinicStage:
    for player in (cast.patient, cast.other):
        accounts.settle(session, player.account_id, verified_at=NOON)
    return make_clinics(app)


def ask(
    session: Session, stage: ClinicStage, clinic: str, email: str = "mara@example.org", way: str = "mail"
) -> str:
    asked_id = uuid4()
    who = "front-desk" if clinic == HARBOR else "other-admin"
    asked = NewPatient(way, "Mara", email if way == "mail" else "")
    token = service.ask_patient(
        session, stage.ids[clinic], asked_id, asked, NOON, stage.staff[who], stage.players[who].account_id
    )
    assert token
    session.commit()
    return f"/invitations/{token}"


def test_agreeing_by_the_form_with_the_exact_page_first(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    log_checkin(session, cast.patient.viewer, TODAY, {"mood": 3}, note="note canary")
    where = ask(session, stage, HARBOR)
    browser = cast.patient.sign_in()
    first = browser.get(where).text
    assert "Harbor Light asks to follow your journal." in first and "No one watches this journal" in first
    form = browser.get(f"{where}?step=choose").text
    assert "Which parts?" in form and "Until when?" not in form
    refused = browser.send(where, {"name": "", "back": "90"}, expect=422).text
    assert "Enter your name as they know it." in refused
    page = browser.send(where, {**CHOSEN, "step": "preview"}, expect=200)
    assert "This is the page." in page.text and "note canary" not in page.text
    done = browser.follow(browser.send(where, {**CHOSEN, "step": "share"}))
    assert "Harbor Light follows your journal now." in done.text
    assert "Stop them following me" in done.text
    held = session.execute(select(Share).where(Share.patient_id == cast.patient.account_id)).scalar_one()
    assert (held.way, held.kinds, held.clinic_id) == ("clinic", "daily infusions", stage.ids[HARBOR])
    browser.get(where, expect=404)  # it worked once
    assert "Mara" in stage.players["clinician"].sign_in().get(f"/care/{held.id}").text
    answer = session.execute(select(ClinicInvitation.answer).where(ClinicInvitation.answer.is_not(None)))
    assert answer.scalars().all() == ["agreed"]


def test_saying_no_shares_nothing(stage: ClinicStage, cast: Cast, session: Session) -> None:
    where = ask(session, stage, HARBOR)
    browser = cast.patient.sign_in()
    browser.get(where)
    browser.send(where, {"answer": "decline"})
    assert "You said no. Nothing is shared." in browser.get("/today").text
    assert session.execute(select(Share)).first() is None
    browser.get(where, expect=404)


def test_a_printed_code_works_for_whoever_holds_it_once(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    where = ask(session, stage, HARBOR, way="code")
    browser = cast.patient.sign_in()
    browser.get(f"{where}?step=choose")
    browser.send(where, {**CHOSEN, "step": "share"})
    cast.other.sign_in().get(where, expect=404)


def test_a_mailed_one_is_no_use_to_anybody_else(stage: ClinicStage, cast: Cast, session: Session) -> None:
    where = ask(session, stage, HARBOR)
    browser = cast.other.sign_in()
    assert "Harbor" not in browser.get(where, expect=404).text
    browser.send(where, {**CHOSEN, "step": "share"}, expect=404, page="/account")
    assert session.execute(select(Share)).first() is None


def test_within_a_day_after_an_infusion_it_asks_twice(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    log_infusion(session, cast.patient.viewer, TODAY, number=1)
    where = ask(session, stage, HARBOR)
    browser = cast.patient.sign_in()
    browser.get(f"{where}?step=choose")
    twice = browser.send(where, {**CHOSEN, "step": "share"}, expect=200)
    assert "Share now, or wait a little?" in twice.text
    assert session.execute(select(Share)).first() is None
    browser.send(where, {**CHOSEN, "step": "share", "asked": "twice"})
    assert session.execute(select(Share.way)).scalar_one() == "clinic"


def test_leaving_for_another_clinic_keeps_the_journal(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    log_checkin(session, cast.patient.viewer, TODAY - timedelta(days=2), {"mood": 3})
    browser = cast.patient.sign_in()
    for clinic in (HARBOR, OTHER):
        where = ask(session, stage, clinic)
        page = browser.get(where).text
        assert ("follows you now" in page) == (clinic == OTHER)
        browser.get(f"{where}?step=choose")
        browser.send(where, {**CHOSEN, "step": "share"})
    session.expire_all()
    held = {one.to: one for one in shares.list_shares(session, cast.patient.viewer, NOON)}
    assert (held[HARBOR].state, held[OTHER].state) == ("ended", "open")
    old, new = held[HARBOR].id, held[OTHER].id
    first, second = (stage.players[name].sign_in() for name in ("clinician", "other-clinician"))
    assert "mood" not in first.get(f"/care/{old}", expect=404).text
    first.get(f"/care/{new}", expect=404)
    assert "Mara" in second.get(f"/care/{new}").text
    second.get(f"/care/{old}", expect=404)


def test_withdrawing_and_narrowing_hold_at_the_next_request(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    where = ask(session, stage, HARBOR)
    browser = cast.patient.sign_in()
    browser.get(f"{where}?step=choose")
    browser.send(where, {**CHOSEN, "step": "share"})
    share_id: UUID = session.execute(select(Share.id)).scalar_one()
    browser.get(f"/sharing/{share_id}/edit")
    narrowed = {"name": "Mara", "kinds": ["infusions"], "back": "14", "step": "share"}
    done = browser.follow(browser.send(f"/sharing/{share_id}/edit", narrowed))
    assert "It holds from now on." in done.text
    reader = stage.players["clinician"].sign_in()
    assert "Not shared: daily measures" in reader.get(f"/care/{share_id}").text
    browser.get(f"/sharing/{share_id}")
    browser.send(f"/sharing/{share_id}/end")
    reader.get(f"/care/{share_id}", expect=404)
    assert "They don’t follow you any more" in browser.get(f"/sharing/{share_id}").text
