"""The care team's side: an invitation from its mail to the page, the list, since last session, reviewed."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import event

from journal.accounts import service as accounts
from journal.audit.queries import get_access_log
from journal.domain.access import Scope
from journal.shares import service
from journal.shares.service import Wish
from tests.cast import PASSPHRASE, TODAY, Cast, log_checkin
from tests.client import CheckingClient
from tests.conftest import NOON
from tests.factors.people import set_up_app
from tests.shares.stage import EVERYTHING, WHERE, Reader, Stage, make_stage

LEE = "lee@example.org"


@pytest.fixture
def stage(app: Flask, cast: Cast) -> Iterator[Stage]:
    yield make_stage(app, cast)


def invite(app: Flask, cast: Cast, email: str = LEE) -> tuple[Wish, str]:
    """An invitation, and the link as it stands in the mail."""
    wish = Wish(uuid4(), "Mara", "Dr Lee", Scope(EVERYTHING), TODAY + timedelta(days=30), email)
    with app.extensions["database"].writing() as session:
        accounts.settle(session, cast.patient.account_id, verified_at=NOON)
        service.invite(session, cast.patient.viewer, wish, service.expiry(wish.ends_on, WHERE, 0), NOON)
        token = service.new_invitation(session, wish.share_id, NOON)
        session.commit()
    return wish, f"/invitations/{token}"


def confirm(app: Flask, email: str) -> None:
    with app.extensions["database"].writing() as session:
        known = accounts.queries.find_for_reset(session, email)
        assert known
        accounts.settle(session, known[0], verified_at=NOON)
        session.commit()


def test_from_the_mail_to_the_page(app: Flask, cast: Cast, client: CheckingClient) -> None:
    """Somebody who never was here: invited, signs up, confirms, accepts, sets up a second step, reads."""
    wish, link = invite(app, cast)
    shown = client.get(link).text
    assert "Mara" not in shown and "Sign in to see who, and what." in shown
    sign_up = f"/sign-up?next={link}"
    assert sign_up in shown and "Make an account" in client.get(sign_up).text
    answer = client.send(sign_up, {"email": LEE, "password": PASSPHRASE}, page=sign_up)
    assert answer.location == link
    assert "confirm your address first" in client.get(link).text
    confirm(app, LEE)
    offered = client.get(link).text
    assert "Mara wants to share with you." in offered and "Tuesday 22 December" in offered
    assert client.send(link, {"answer": "accept"}).location == "/care"
    assert client.get("/care", expect=303).location == "/account/second-step?next=/care"
    client.get(f"/care/{wish.share_id}", expect=303)
    set_up_app(client)
    assert "Mara" in client.get("/care").text
    assert "<h1>Mara</h1>" in client.get(f"/care/{wish.share_id}").text
    assert client.get("/", expect=303).location == "/care"
    assert "no longer open" in client.get(link, expect=404).text
    patient = cast.patient.sign_in()
    log = patient.get("/sharing/access-log").text
    assert "Dr Lee" in log and "the page." in log and "the list of people" in log


def test_nobody_else_who_holds_the_mail(app: Flask, cast: Cast) -> None:
    _wish, link = invite(app, cast)
    for player in (cast.newcomer, cast.other, cast.patient):
        browser = player.sign_in()
        page = browser.get(link, expect=404).text
        assert "for another address" in page and "Mara" not in page
        browser.send(link, {"answer": "accept"}, expect=404, page="/account")
        browser.send(link, {"answer": "decline"}, expect=404, page="/account")
    assert "no longer open" in cast.newcomer.sign_in().get("/invitations/wrong", expect=404).text


def test_looking_at_an_invitation_accepts_nothing(app: Flask, cast: Cast, client: CheckingClient) -> None:
    _wish, link = invite(app, cast, cast.newcomer.email)
    confirm(app, cast.newcomer.email)
    browser = cast.newcomer.sign_in()
    for _ in range(3):
        assert "wants to share with you" in browser.get(link).text
        client.get(link)
    assert "Invited, not yet accepted" in cast.patient.sign_in().get("/sharing").text


def test_no_thank_you(app: Flask, cast: Cast) -> None:
    _wish, link = invite(app, cast, cast.newcomer.email)
    confirm(app, cast.newcomer.email)
    browser = cast.newcomer.sign_in()
    browser.send(link, {"answer": "decline"}, page=link)
    browser.get(link, expect=404)
    assert "They said no, thank you" in cast.patient.sign_in().get("/sharing").text


def test_taken_back_before_it_was_answered(app: Flask, cast: Cast) -> None:
    wish, link = invite(app, cast, cast.newcomer.email)
    confirm(app, cast.newcomer.email)
    browser = cast.newcomer.sign_in()
    browser.get(link)
    with app.extensions["database"].writing() as session:
        service.end(session, cast.patient.viewer, wish.share_id, NOON)
        session.commit()
    browser.send(link, {"answer": "accept"}, expect=404)


def test_without_a_second_step_nothing_is_read(stage: Stage, app: Flask) -> None:
    """Somebody who accepted, and has set nothing up yet: every door leads to setting it up."""
    player = stage.players["everything"]
    with app.extensions["database"].writing() as session:
        accounts.settle(session, player.account_id, second_step_since=None)
        session.commit()
    browser = super(Reader, player).sign_in()
    for path in ("/care", f"/care/{stage.shares['everything'].id}"):
        answer = browser.raw("GET", path)
        assert answer.status_code == 303 and answer.location.startswith("/account/second-step?next=/care")
    with app.extensions["database"].reading() as session:
        assert get_access_log(session, stage.cast.patient.viewer).count == 0


def test_ended_and_expired_say_so_without_a_hint(stage: Stage) -> None:
    for name in ("ended", "expired"):
        browser = stage.players[name].sign_in()
        page = browser.get(f"/care/{stage.shares[name].id}", expect=404).text
        assert "This share has ended" in page and "ask the person who shared it" in page
        assert "Mara" not in page and "canary" not in page
        assert "Nobody shares with you at the moment." in browser.get("/care").text
    stranger = stage.players["never"].sign_in().get(f"/care/{stage.shares['ended'].id}", expect=404).text
    assert "nothing at this address" in stranger


def test_an_end_while_the_page_is_made(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from journal.summaries.queries import get_summary

    given = stage.shares["everything"]

    def end_meanwhile(*args: Any, **values: Any) -> Any:
        with stage.app.extensions["database"].writing() as session:
            service.end(session, stage.cast.patient.viewer, given.id, NOON)
            session.commit()
        return get_summary(*args, **values)

    monkeypatch.setattr("journal.care.views.get_summary", end_meanwhile)
    page = stage.players["everything"].sign_in().get(f"/care/{given.id}", expect=404).text
    assert "This share has ended" in page and "canary" not in page


def test_since_last_session(stage: Stage) -> None:
    given = stage.shares["everything"]
    browser = stage.players["everything"].sign_in()
    where = f"/care/{given.id}"
    assert "Enter the day you last met" in browser.get(where).text
    browser.send(f"{where}/session", {"session_on": "2026-11-16"}, page=where)
    page = browser.get(where).text
    assert "Monday 16 November" in page
    assert re.search(r"<b>Infusion 2</b> on 18 Nov, first report filled in\.", page)
    assert re.search(r"<b>Mood</b> 3 to 5, logged on 7 of 7 days\. Middle 4", page)
    assert re.search(r"<b>PHQ-9</b> 16 on 19 Nov, 8 on 23 Sep\.", page)
    assert "<b>Flags</b> none open." in page
    for wrong in ("2026-11-23", "16.11.2026", "1999-01-01"):
        answer = browser.send(f"{where}/session", {"session_on": wrong}, expect=422, page=where)
        assert wrong in answer.text
    browser.send(f"{where}/session", {"session_on": ""}, page=where)
    assert "Enter the day you last met" in browser.get(where).text


def test_mark_reviewed(stage: Stage, app: Flask) -> None:
    given = stage.shares["everything"]
    with app.extensions["database"].writing() as session:
        viewer = stage.cast.patient.viewer
        log_checkin(session, viewer, TODAY, {"mood": 3}, side_effects={"dizziness": "severe"}, made=NOON)
        session.commit()
    browser = stage.players["everything"].sign_in()
    assert "See first" in browser.get("/care").text
    where = f"/care/{given.id}"
    too_long = browser.send(f"{where}/review", {"line": "x" * 281}, expect=422, page=where)
    assert "Keep it to 280 characters. This has 281." in too_long.text and "x" * 281 in too_long.text
    browser.send(f"{where}/review", {"line": "Let’s look at the <sleep> part."}, page=where)
    page = browser.get(where).text
    assert "Reviewed Sun 22 Nov, 12:00 pm: “Let’s look at the &lt;sleep&gt; part.”" in page
    assert "Sunday 22 November, your last review." in page
    listed = browser.get("/care").text
    assert "Logged “Dizzy or off balance” as severe." not in listed.split("Everybody")[0]
    patient = stage.cast.patient.sign_in()
    for path in ("/sharing", f"/sharing/{given.id}"):
        told = patient.get(path).text
        assert "Let’s look at the &lt;sleep&gt; part." in told and "nobody watches this journal" in told


def test_a_share_can_be_given_back(stage: Stage) -> None:
    given = stage.shares["everything"]
    browser = stage.players["everything"].sign_in()
    assert "Give this share back?" in browser.get(f"/care/{given.id}/leave").text
    browser.send(f"/care/{given.id}/leave")
    browser.get(f"/care/{given.id}", expect=404)
    assert "Nobody can open it any more." in stage.cast.patient.sign_in().get(f"/sharing/{given.id}").text


def test_finding_somebody(stage: Stage) -> None:
    browser = stage.players["everything"].sign_in()
    page = browser.get("/care").text
    assert page.count('class="person-row"') == 2
    assert browser.get("/care?find=MARA").text.count('class="person-row"') == 2  # both are shared as Mara
    assert "Nobody by that name shares with you." in browser.get("/care?find=zz").text


def statements_of(app: Flask, browser: CheckingClient, path: str) -> int:
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(args[2])

    engine = app.extensions["database"].engine
    event.listen(engine, "before_cursor_execute", note)
    browser.get(path)
    event.remove(engine, "before_cursor_execute", note)
    return len([one for one in seen if not one.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))])


def test_statements_do_not_grow_with_people_or_days(stage: Stage, app: Flask) -> None:
    browser = stage.players["everything"].sign_in()
    where = f"/care/{stage.shares['everything'].id}"
    before = statements_of(app, browser, "/care"), statements_of(app, browser, where)
    player = stage.players["everything"]
    with app.extensions["database"].writing() as session:
        for place in range(8):
            hashed = app.extensions["hasher"].hash(PASSPHRASE, f"p{place}@example.org")
            patient = accounts.sign_up(
                session, f"p{place}@example.org", hashed, accounts.Place("America/Denver"), NOON
            )
            viewer = stage.cast.patient.viewer.patient(patient)
            for back in range(14):
                log_checkin(session, viewer, TODAY - timedelta(days=back), {"mood": 5})
            wish = Wish(uuid4(), f"P{place}", "", Scope(EVERYTHING), TODAY + timedelta(days=9), player.email)
            service.invite(session, viewer, wish, service.expiry(wish.ends_on, WHERE, 0), NOON)
            token = service.new_invitation(session, wish.share_id, NOON) or ""
            assert service.accept(session, token, player.account_id, player.email, NOON)
        session.commit()
    assert browser.get("/care").text.count('class="person-row"') == 10
    assert (statements_of(app, browser, "/care"), statements_of(app, browser, where)) == before
    assert before[0] <= 12 and before[1] <= 18


def test_the_list_is_not_sent_after_an_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from journal.care.queries import list_people

    given = stage.shares["everything"]
    ended = []

    def end_meanwhile(*args: Any, **values: Any) -> Any:
        if not ended:
            ended.append(given.id)
            with stage.app.extensions["database"].writing() as session:
                service.end(session, stage.cast.patient.viewer, given.id, NOON)
                session.commit()
        return list_people(*args, **values)

    monkeypatch.setattr("journal.care.views.list_people", end_meanwhile)
    browser = stage.players["everything"].sign_in()
    answer = browser.get("/care", expect=303)
    assert browser.follow(answer).text.count('class="person-row"') == 1


def test_what_is_open_on_the_screen_says_that_it_ended(stage: Stage) -> None:
    given = stage.shares["everything"]
    browser = stage.players["everything"].sign_in()
    where = f"/care/{given.id}"
    browser.get(where)
    with stage.app.extensions["database"].writing() as session:
        service.end(session, stage.cast.patient.viewer, given.id, NOON)
        session.commit()
    page = browser.send(f"{where}/review", {"line": "too late"}, expect=404)
    assert "This share has ended" in page.text


def test_confirming_the_address_leads_back_to_the_invitation(
    app: Flask, cast: Cast, client: CheckingClient
) -> None:
    _wish, link = invite(app, cast)
    client.send(f"/sign-up?next={link}", {"email": LEE, "password": PASSPHRASE}, page=f"/sign-up?next={link}")
    client.get(link)
    with app.extensions["database"].writing() as session:
        known = accounts.queries.find_for_reset(session, LEE)
        assert known
        token = accounts.make_link(session, "verify", known[0], LEE, NOON)
        session.commit()
    assert client.send(f"/account/verify/{token}").location == link
