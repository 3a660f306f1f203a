"""The pages of a clinic's flags: who gets in, what is kept, what the patient's access log says."""

from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from journal.audit.queries import get_access_log
from journal.clinic_flags.models import ClinicFlag, FlagStep
from journal.clinics.models import Clinic
from tests.cast import Cast
from tests.clinic_flags.told import deliver, follow, log_yellow_skin
from tests.clinics.stage import HARBOR, ClinicStage, make_clinics


@pytest.fixture
def stage(app: Flask, cast: Cast) -> ClinicStage:
    return make_clinics(app)


@pytest.fixture
def flag_id(stage: ClinicStage, cast: Cast, session: Session) -> UUID:
    follow(session, cast.patient.viewer, stage.ids[HARBOR], name="Mara canary")
    log_yellow_skin(cast.patient)
    deliver(session)
    session.commit()
    return session.execute(select(ClinicFlag.id)).scalar_one()


OUTSIDE = ("admin", "front-desk", "removed", "other-admin", "other-clinician", "never")


@pytest.mark.parametrize("who", OUTSIDE)
def test_nobody_else_gets_in(stage: ClinicStage, flag_id: UUID, who: str) -> None:
    browser = stage.players[who].sign_in()
    if who == "other-clinician":
        assert "Mara canary" not in browser.get("/clinic/flags").text
    else:
        browser.get("/clinic/flags", expect=404)
    browser.get(f"/clinic/flags/{flag_id}", expect=404)
    for act in ("acknowledge", "note", "close", "reopen"):
        browser.send(
            f"/clinic/flags/{flag_id}/{act}", {"why": "talked", "note": "x"}, expect=404, page="/account"
        )


def test_a_clinician_acknowledges_notes_closes_and_opens_again(
    stage: ClinicStage, flag_id: UUID, session: Session
) -> None:
    browser = stage.players["clinician"].sign_in()
    page = browser.get("/clinic/flags").text
    assert "Mara canary" in page and "Yellow skin or eyes" in page and "Nobody has it yet" in page
    back = browser.follow(browser.send(f"/clinic/flags/{flag_id}/acknowledge", {"back": "list"}))
    assert "With clinician since" in back.text
    where = f"/clinic/flags/{flag_id}"
    browser.get(where)
    assert "Write the note first." in browser.send(f"{where}/note", {"note": "  "}, expect=422).text
    assert "Keep it to 500 characters" in browser.send(f"{where}/note", {"note": "x" * 501}, expect=422).text
    assert (
        "note canary" in browser.follow(browser.send(f"{where}/note", {"note": "note canary\nand more"})).text
    )
    refused = browser.send(f"{where}/close", {"closing": "kept words"}, expect=422)
    assert "Choose why it is closed." in refused.text and "kept words" in refused.text
    closed = browser.follow(browser.send(f"{where}/close", {"why": "talked", "closing": "We spoke."}))
    assert "No flag is open." in closed.text
    assert "Mara canary" in browser.get("/clinic/flags?show=closed").text
    page = browser.get(where).text
    assert "We talked" in page and "We spoke." in page
    assert "It is open again" in browser.follow(browser.send(f"{where}/reopen")).text
    kept = session.execute(select(FlagStep.step).order_by(FlagStep.id)).scalars().all()
    assert kept == ["raised", "mailed", "acknowledged", "noted", "closed", "reopened"]
    for sealed in session.execute(select(FlagStep.sealed)).scalars():
        assert sealed is None or b"canary" not in sealed


def test_each_look_is_in_the_patients_access_log(
    stage: ClinicStage, flag_id: UUID, cast: Cast, session: Session
) -> None:
    stage.players["clinician"].sign_in().get("/clinic/flags")
    stage.players["clinician"].sign_in().get(f"/clinic/flags/{flag_id}")
    session.expire_all()
    log = get_access_log(session, cast.patient.viewer)
    assert [(one.way, one.shape, one.kinds) for one in log.rows] == [
        ("clinic", "flags", ("side-effects",))
    ] * 2
    assert {one.reader_id for one in log.rows} == {stage.players["clinician"].account_id}
    assert log.is_whole
    page = cast.patient.sign_in().get("/sharing/access-log").text
    assert "clinician, Harbor Light" in page and "a flag" in page


def test_the_summary_opens_for_the_clinician_alone(
    stage: ClinicStage, flag_id: UUID, session: Session
) -> None:
    share_id = session.execute(select(ClinicFlag.share_id)).scalar_one()
    assert "Mara canary" in stage.players["clinician"].sign_in().get(f"/care/{share_id}").text
    for who in OUTSIDE:
        stage.players[who].sign_in().get(f"/care/{share_id}", expect=404)


def test_a_hostile_note_is_text(stage: ClinicStage, flag_id: UUID) -> None:
    browser = stage.players["clinician"].sign_in()
    browser.get(f"/clinic/flags/{flag_id}")
    hostile = "<script>alert(1)</script>"
    page = browser.follow(browser.send(f"/clinic/flags/{flag_id}/note", {"note": hostile}))
    assert "&lt;script&gt;" in page.text and hostile not in page.text


def test_phq_9_waits_for_the_clinics_choice(stage: ClinicStage, cast: Cast, session: Session) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    session.commit()
    browser = cast.patient.sign_in()
    assert "has not chosen yet" in browser.get("/questionnaires/phq-9").text
    assert "has not chosen yet" in browser.get("/questionnaires/phq-9/1").text
    session.execute(update(Clinic).values(phq="phq-8"))
    session.commit()
    assert "uses the PHQ-8" in browser.get("/questionnaires/phq-9").text
    assert "uses the PHQ-8" in browser.get("/questionnaires").text
