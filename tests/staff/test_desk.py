"""The clinic's desk as its people use it: home, staff, settings, patients, the card."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.clinics import queries, service
from journal.clinics.models import Clinic
from journal.clinics.service import NewPatient
from journal.domain.flag_rules import AT_ONCE, TITLES, TOLD
from journal.kit import qr
from journal.kit.clock import now as clock_now
from journal.kit.outbox import OutboxMail
from journal.staff.queries import PAGE
from tests.care.test_care import statements_of
from tests.cast import PASSPHRASE, Cast
from tests.clinics.stage import HARBOR, OTHER, ClinicStage, follow, hire, make_account, make_clinics
from tests.conftest import NOON

PLAN = "Dr Lee calls within one hour.\nOut of hours: 988."


@pytest.fixture
def stage(app: Flask) -> Iterator[ClinicStage]:
    yield make_clinics(app)


def settings_of(stage: ClinicStage, session: Session) -> queries.Settings:
    session.expire_all()
    return queries.get_settings(session, stage.ids[HARBOR])


# Home


def test_each_role_has_its_own_first_page(stage: ClinicStage) -> None:
    admin = stage.players["admin"].sign_in().get("/clinic").text
    assert "3 things are still to be chosen." in admin and "An admin sees no names." in admin
    assert 'href="/clinic/staff"' in admin and 'href="/clinic/flags"' not in admin
    clinician = stage.players["clinician"].sign_in().get("/clinic").text
    assert "No flag is open." in clinician and 'href="/clinic/flags"' in clinician
    assert "/clinic/settings" not in clinician and "to be chosen" not in clinician
    front = stage.players["front-desk"].sign_in().get("/clinic").text
    assert "0 patients are followed, 1 is invited" in front and "/clinic/flags" not in front
    assert "digest email" not in front and "None was made yet" in front


def test_whoever_only_works_comes_to_the_clinic_first(stage: ClinicStage) -> None:
    browser = stage.players["clinician"].sign_in()
    assert browser.get("/", expect=303).location == "/clinic"
    assert 'href="/clinic"' in browser.get("/account").text
    assert browser.get("/clinic").text.count(">My journal<") == 2  # in the bar, and under "Elsewhere"
    assert stage.players["never"].sign_in().get("/", expect=303).location == "/today"


def test_somebody_who_works_in_two_clinics_chooses(stage: ClinicStage) -> None:
    with stage.app.extensions["database"].writing() as session:
        hire(session, stage.ids[OTHER], stage.players["admin"], "front-desk", now=NOON + timedelta(hours=1))
        session.commit()
    browser = stage.players["admin"].sign_in()
    assert f"<h1>{HARBOR}</h1>" in browser.get("/clinic").text
    browser.send("/clinic/choose", {"clinic": str(stage.ids[OTHER])}, page="/clinic")
    page = browser.get("/clinic").text
    assert f"<h1>{OTHER}</h1>" in page and "as front desk." in page
    browser.get("/clinic/staff", expect=404)  # an admin there, not here
    assert "Bea canary" in browser.get("/clinic/patients").text
    for wrong in (str(uuid4()), "x", ""):
        browser.send("/clinic/choose", {"clinic": wrong}, expect=404, page="/clinic")
    browser.send("/clinic/choose", {"clinic": str(stage.ids[HARBOR])}, page="/clinic")
    browser.get("/clinic/staff")


def test_a_mail_that_could_not_be_sent_is_told_and_tried_again(stage: ClinicStage, session: Session) -> None:
    rows = session.execute(select(OutboxMail).where(OutboxMail.group_id == stage.ids[HARBOR])).scalars().all()
    by_purpose = {row.purpose: row.id for row in rows}
    for row in rows:
        session.execute(
            update(OutboxMail)
            .where(OutboxMail.id == row.id)
            .values(fault="recipient refused (550)", due_at=None, settled_at=NOON, attempts=12)
        )
    session.commit()
    admin = stage.players["admin"].sign_in()
    page = admin.get("/clinic").text
    assert f"{len(rows)} mails could not be sent." in page and "recipient refused (550)" in page
    assert "clinician@clinic.example.org" in page
    assert "ana@example.org" not in page and "Ana canary" not in page, "an admin sees nothing of patients"
    front = stage.players["front-desk"].sign_in()
    assert "could not be sent" not in front.get("/clinic").text
    assert "The mail could not be sent yet: recipient refused (550)." in front.get("/clinic/patients").text
    mail_id = by_purpose["staff-invitation"]
    admin.send(f"/clinic/mails/{mail_id}/again", page="/clinic")
    session.expire_all()
    again = session.get_one(OutboxMail, mail_id)
    assert again.due_at == NOON and again.attempts == 0
    stage.players["other-admin"].sign_in().send(f"/clinic/mails/{mail_id}/again", expect=404, page="/clinic")


def test_a_late_digest_and_a_missing_worker_are_told(
    stage: ClinicStage, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = stage.players["admin"].sign_in()
    assert "has not gone out" not in browser.get("/clinic").text
    monkeypatch.setitem(stage.app.extensions, "started_at", NOON)
    assert "Nothing sends mail" not in browser.get("/clinic").text
    clock.shift(5 * 60 + 1)
    assert "Nothing sends mail at the moment." in browser.get("/clinic").text
    for late, told in ((timedelta(minutes=29, seconds=59), False), (timedelta(minutes=30), True)):
        with stage.app.extensions["database"].writing() as session:
            session.execute(update(Clinic).values(digest_due_at=clock_now() - late))
            session.commit()
        page = browser.get("/clinic").text
        assert ("<b>The weekly digest has not gone out.</b> It was due on Sunday 22 November" in page) == told


def settings_due(stage: ClinicStage) -> Any:
    with stage.app.extensions["database"].reading() as session:
        return queries.get_settings(session, stage.ids[HARBOR]).digest_due_at


def test_the_own_digest_mail_is_turned_off_and_on(stage: ClinicStage, session: Session) -> None:
    browser = stage.players["clinician"].sign_in()
    account = stage.players["clinician"].account_id
    for wants, shown in (("no", "Turn it on"), ("yes", "Turn it off")):
        browser.send("/clinic/digest-mail", {"wants": wants}, page="/clinic")
        assert shown in browser.get("/clinic").text
        [held] = queries.list_memberships(session, account)
        assert held.wants_digest == (wants == "yes")
    assert queries.list_recipients(session, stage.ids[HARBOR], "admin")[0].wants_digest


# Staff


def test_inviting_somebody_to_the_staff(stage: ClinicStage, session: Session) -> None:
    browser = stage.players["admin"].sign_in()
    wrong = browser.send(
        "/clinic/staff/new", {"name": " ", "email": "lee@"}, expect=422, page="/clinic/staff/new"
    ).text
    for reason in ("Enter a name", "Enter a whole address", "Choose at least one role."):
        assert reason in wrong
    assert 'value="lee@"' in wrong
    told = {"name": "Dr Lee", "email": "lee@example.org", "roles": ["clinician", "front-desk"]}
    browser.send("/clinic/staff/new", told, page="/clinic/staff/new")
    page = browser.get("/clinic/staff").text
    assert "Dr Lee" in page and "Clinician, Front desk" in page and "The mail is about to be sent." in page
    again = browser.send("/clinic/staff/new", told, expect=422, page="/clinic/staff/new").text
    assert "on the list already" in again and 'value="Dr Lee"' in again and again.count(" checked") == 2
    [held] = [one for one in queries.list_staff(session, stage.ids[HARBOR], NOON) if one.name == "Dr Lee"]
    where = f"/clinic/staff/{held.id}"
    browser.send(f"{where}/invite", page=where)
    assert "Invited, until 6 December 2026" in browser.get(where).text
    assert "Take the invitation of Dr Lee back?" in browser.get(f"{where}/remove").text
    browser.send(f"{where}/remove")
    assert "Never joined" in browser.get("/clinic/staff").text
    assert not session.execute(select(OutboxMail).where(OutboxMail.subject_id == held.id)).first()


def test_roles_are_changed_and_the_last_admin_stays(stage: ClinicStage) -> None:
    browser, mine = stage.players["admin"].sign_in(), f"/clinic/staff/{stage.staff['admin']}"
    refused = browser.send(mine, {"roles": ["clinician"]}, expect=422, page=mine).text
    assert service.LAST_ADMIN in refused
    assert "Choose at least one role." in browser.send(mine, {}, expect=422, page=mine).text
    page = browser.send(f"{mine}/remove", expect=422, page=f"{mine}/remove").text
    assert service.LAST_ADMIN in page and "Leave this clinic?" in page
    theirs = f"/clinic/staff/{stage.staff['clinician']}"
    browser.send(theirs, {"roles": ["admin", "clinician"]}, page=theirs)
    assert "/clinic/settings" in stage.players["clinician"].sign_in().get("/clinic").text
    assert browser.send(mine, {"roles": ["front-desk"]}, page=mine).location == "/clinic"
    browser.get("/clinic/staff", expect=404)
    second = stage.players["clinician"].sign_in()
    assert second.send(f"{mine}/remove", page=f"{mine}/remove").location == "/clinic/staff"
    browser.get("/clinic", expect=404)


# Settings


def test_phone_and_hours(stage: ClinicStage, session: Session) -> None:
    browser, path = stage.players["admin"].sign_in(), "/clinic/settings/contact"
    told = {"phone": "call us", "hours": "x" * 501, "after_hours": "Call 988."}
    wrong = browser.send(path, told, expect=422, page=path).text
    assert "Enter a phone number with digits" in wrong and "1 characters too long" in wrong
    assert 'value="call us"' in wrong and "Call 988.</textarea>" in wrong
    browser.send(path, told | {"phone": "+1 505 555 0100 ext. 4", "hours": "Mon to Fri"}, page=path)
    kept = settings_of(stage, session)
    assert (kept.phone, kept.hours, kept.after_hours) == ("+1 505 555 0100 ext. 4", "Mon to Fri", "Call 988.")


def test_place_and_digest_move_what_is_due(stage: ClinicStage, session: Session) -> None:
    browser = stage.players["admin"].sign_in()
    for path, told in (
        ("place", {"country": "ZZ", "zone": "America/Denver"}),
        ("place", {"country": "US", "zone": "Mars/Base"}),
        ("digest", {"digest_day": "7", "digest_hour": "7", "blur_below": "5"}),
        ("digest", {"digest_day": "1", "digest_hour": "24", "blur_below": "5"}),
        ("digest", {"digest_day": "1", "digest_hour": "", "blur_below": "5"}),
        ("digest", {"digest_day": "1", "digest_hour": "7", "blur_below": "1"}),
        ("digest", {"digest_day": "1", "digest_hour": "7", "blur_below": "51"}),
    ):
        browser.send(f"/clinic/settings/{path}", told, expect=422, page=f"/clinic/settings/{path}")
    assert settings_of(stage, session).digest_due_at == settings_due(stage)
    browser.send(
        "/clinic/settings/digest",
        {"digest_day": "4", "digest_hour": "16", "blur_below": "50"},
        page="/clinic/settings/digest",
    )
    assert "Friday at 4:00 pm" in browser.get("/clinic/settings").text
    browser.send(
        "/clinic/settings/place", {"country": "", "zone": "Asia/Kathmandu"}, page="/clinic/settings/place"
    )
    kept = settings_of(stage, session)
    assert kept.country is None and kept.blur_below == 50
    assert kept.digest_due_at.astimezone(kept.zone).strftime("%a %H:%M") == "Fri 16:00"


@pytest.mark.parametrize(
    ("address", "minutes", "code"),
    [
        ("", "60", 303),
        ("second@example.org", "5", 303),
        ("second@example.org", "10080", 303),
        ("second@example.org", "4", 422),
        ("second@example.org", "10081", 422),
        ("second@example.org", "", 422),
        ("second", "60", 422),
        ("a@example.org, b@example.org", "60", 422),
        ("=?UTF-8?Q?=0A?=Bcc:@example.org", "60", 422),
    ],
)
def test_the_second_contact(stage: ClinicStage, address: str, minutes: str, code: int) -> None:
    path = "/clinic/settings/second-contact"
    browser = stage.players["admin"].sign_in()
    told = {"second_contact": address, "acknowledge_minutes": minutes}
    page = browser.send(path, told, expect=code, page=path)
    if code == 422:
        assert f'value="{minutes}"' in page.text


def test_question_9_is_chosen_with_a_plan_and_a_name(stage: ClinicStage, session: Session) -> None:
    browser, path = stage.players["admin"].sign_in(), "/clinic/settings/phq"
    assert " checked" not in browser.get(path).text, "there is no usual choice"
    for told, reason in (
        ({}, "Choose one of the two."),
        ({"phq": "phq-2"}, "Choose one of the two."),
        ({"phq": "phq-9", "confirmed": "yes"}, "Write down who answers"),
        ({"phq": "phq-9", "plan": PLAN}, "Please confirm that this is what happens."),
        ({"phq": "phq-9", "plan": "x" * 2001, "confirmed": "yes"}, "Keep it to 2,000 characters."),
    ):
        page = browser.send(path, told, expect=422, page=path).text
        assert reason in page
        if told.get("plan") == PLAN:
            assert "Dr Lee calls within one hour." in page
    assert settings_of(stage, session).phq is None
    browser.send(path, {"phq": "phq-9", "plan": PLAN, "confirmed": "yes"}, page=path)
    page = browser.get(path).text
    assert "Confirmed by admin on 22 November 2026." in page
    browser.send(path, {"phq": "phq-8"}, page=path)
    assert settings_of(stage, session).phq == "phq-8"
    assert "2 things are still to be chosen." in browser.get("/clinic").text


def test_each_rule_can_be_turned_off_and_a_grave_one_asks_twice(stage: ClinicStage, session: Session) -> None:
    browser, path = stage.players["admin"].sign_in(), "/clinic/settings/flags"
    page = browser.get(path).text
    assert page.count(" checked") == len(TOLD) == len(TITLES) and "craving" not in page
    kept = [one for one in TOLD if one not in ("silent", "urinary")]
    browser.send(path, {"rules": kept}, page=path)
    assert settings_of(stage, session).rules_off == {"silent", "urinary"}
    for grave in [one for one in TOLD.values() if one.urgency in AT_ONCE]:
        browser.page = None
        without = [one for one in TOLD if one != grave.id]
        asked = browser.send(path, {"rules": without}, expect=200, page=path).text
        assert "Turn this off?" in asked and "Patients whom you follow are told so" in asked
        assert settings_of(stage, session).rules_off == {"silent", "urinary"}
    told = dict.fromkeys(("asked",), "twice")
    browser.send(path, {"rules": [one for one in TOLD if one != "item-9"], **told}, page=path)
    assert settings_of(stage, session).rules_off == {"item-9"}
    assert "1 off, 1 of them a mail at once" in browser.get("/clinic/settings").text
    browser.send(path, {"rules": [one for one in TOLD if one not in ("item-9", "silent")]}, page=path)
    assert settings_of(stage, session).rules_off == {"item-9", "silent"}, "what was off before asks no more"
    browser.get("/clinic/settings/nothing", expect=404)


# Patients


def test_a_patient_is_asked_by_mail(stage: ClinicStage, session: Session) -> None:
    browser = stage.players["front-desk"].sign_in()
    path = "/clinic/patients/invite?way=mail"
    assert "By a printed code" in browser.get("/clinic/patients/invite").text
    wrong = browser.send(path, {"name": "", "email": "cleo"}, expect=422, page=path).text
    assert "Enter a name" in wrong and 'value="cleo"' in wrong
    answer = browser.send(path, {"name": "Cleo", "email": "cleo@example.org"}, page=path)
    page = browser.follow(answer).text
    assert "A mail goes to cleo@example.org." in page and "The mail is about to be sent." in page
    browser.send(f"{answer.location}/again")
    waiting = session.execute(select(OutboxMail).where(OutboxMail.recipient == "cleo@example.org")).all()
    assert len(waiting) == 1
    again = browser.send(path, {"name": "Cleo", "email": "CLEO@example.org"}, expect=422, page=path)
    assert "has not answered yet" in again.text
    browser.get(answer.location or "")
    browser.send(f"{answer.location}/withdraw")
    assert "Said no, or taken back" in browser.get("/clinic/patients").text
    browser.page = None
    browser.send(f"{answer.location}/withdraw", expect=404, page="/clinic/patients/invite?way=code")


ADDRESS = re.compile(r'class="address">http://localhost:8000/invitations/<wbr><span>([a-z0-9-]{19})</span><')


def test_the_card_holds_a_code_once(stage: ClinicStage) -> None:
    browser = stage.players["front-desk"].sign_in()
    path = "/clinic/patients/invite?way=code"
    browser.get(path)
    hidden = browser.hidden(path)
    shown = browser.send(path, {"name": "Cleo"}, expect=200).text
    found = ADDRESS.search(shown)
    assert found and f"{HARBOR} would like to follow your journal." in shown
    side, drawn = qr.drawing(f"http://localhost:8000/invitations/{found[1]}")
    assert f'viewBox="0 0 {side} {side}"' in shown and drawn in shown
    handed_out = shown.split("<article")[1].split("</article>")[0]
    assert "Cleo" not in handed_out and "until 23 December 2026" in handed_out
    where = f"/clinic/patients/{hidden['invitation_id']}"
    twice = browser.raw("POST", path, data={**hidden, "name": "Cleo"})
    assert twice.status_code == 303 and twice.location == where, "sent twice, it is one invitation"
    assert found[1] not in browser.get(where).text
    assert browser.get(f"{where}/card", expect=303).location == where
    anew = ADDRESS.search(browser.send(f"{where}/card", expect=200, page=where).text)
    assert anew and anew[1] != found[1]
    guest = stage.players["never"].sign_in()
    guest.get(f"/invitations/{found[1]}", expect=404)
    assert HARBOR in guest.get(f"/invitations/{anew[1]}").text


def test_two_thousand_read_as_well_as_eight(stage: ClinicStage, cast: Cast) -> None:
    browser = stage.players["clinician"].sign_in()
    who = stage.staff["front-desk"], stage.players["front-desk"].account_id
    app = stage.app

    def add(count: int, named: str) -> None:
        with app.extensions["database"].writing() as session:
            for n in range(count):
                service.ask_patient(
                    session, stage.ids[HARBOR], uuid4(), NewPatient("code", f"{named} {n:04}"), NOON, *who
                )
                hashed = app.extensions["hasher"].hash(PASSPHRASE, f"{named}{n}")
                patient = accounts.sign_up(
                    session, f"{named}{n}@example.org", hashed, accounts.Place("America/Denver"), NOON
                )
                follow(session, stage.ids[HARBOR], cast.patient.viewer.patient(patient), f"{named} F{n:04}")
            session.commit()

    add(4, "a")
    before = statements_of(app, browser, "/clinic/patients"), statements_of(app, browser, "/clinic")
    add(60, "b")
    after = statements_of(app, browser, "/clinic/patients"), statements_of(app, browser, "/clinic")
    assert after == before and before[0] <= 9 and before[1] <= 12
    first = browser.get("/clinic/patients").text
    assert "64 followed, 65 invited." in first and "Page 1 of 3" in first
    assert first.count('class="item"') == PAGE and first.index("a 0000") < first.index("b 0001")
    assert (
        "<h2>Followed</h2>" not in first
        and "<h2>Followed</h2>" in browser.get("/clinic/patients?page=2").text
    )
    assert "Page 3 of 3" in browser.get("/clinic/patients?page=99").text
    assert "Page 1 of 3" in browser.get("/clinic/patients?page=-1").text
    found = browser.get("/clinic/patients?find=B+F00").text
    assert "Found: 60." in found and "Page 1 of 2" in found and 'href="?page=2&amp;find=B+F00"' in found
    assert "Found: 1." in browser.get("/clinic/patients?find=ANA@example.org").text
    assert "Nobody by that name is in the list." in browser.get("/clinic/patients?find=zz").text


def test_too_many_invitations_in_a_day(stage: ClinicStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("journal.staff.views", fromlist=["x"]).INVITES_A_DAY, "staff", 1)
    browser = stage.players["admin"].sign_in()
    for n, code in ((1, 303), (2, 422)):
        page = browser.send(
            "/clinic/staff/new",
            {"name": "Lee", "email": f"lee{n}@example.org", "roles": ["clinician"]},
            expect=code,
            page="/clinic/staff/new",
        )
    assert "sent many invitations today" in page.text
    other = stage.players["other-admin"].sign_in()
    other.send(
        "/clinic/staff/new",
        {"name": "Lee", "email": "lee@example.org", "roles": ["clinician"]},
        page="/clinic/staff/new",
    )


def test_an_account_of_the_staff_is_told_by_the_account_page_where_it_works(stage: ClinicStage) -> None:
    with stage.app.extensions["database"].writing() as session:
        lone = make_account(stage.app, session, "lone@example.org")
        session.commit()
    assert "Your work" not in lone.sign_in().get("/account").text
    assert HARBOR in stage.players["admin"].sign_in().get("/account").text


def test_a_mail_that_waits_for_an_hour_is_told_to_admins(
    stage: ClinicStage, session: Session, clock: Any
) -> None:
    told = "A mail has been waiting for more than an hour."
    admin, front = stage.players["admin"].sign_in(), stage.players["front-desk"].sign_in()
    for age, is_told in ((timedelta(hours=1), False), (timedelta(hours=1, seconds=1), True)):
        session.execute(update(OutboxMail).values(created_at=NOON - age))
        session.commit()
        assert (told in admin.get("/clinic").text) == is_told
        assert told not in front.get("/clinic").text
