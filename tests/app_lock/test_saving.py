"""What is sent from a locked browser: entries are kept and nothing is read back; every other form waits, whole."""

import html
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask import Flask

from journal.kit.db import Database
from tests.app_lock.people import A_WHILE, PIN, unlock, with_lock
from tests.cast import TODAY, Cast, log_infusion
from tests.client import CheckingClient

DAY = f"/check-ins/{TODAY}"


def send_late(client: CheckingClient, clock: Any, page: str, path: str, expect: int, **fields: str) -> Any:
    """Open a form, leave it alone for 15 minutes, and send it."""
    client.get(page)
    clock.shift(A_WHILE)
    answer = client.send(path, fields, expect=expect)
    client.page = None
    return answer


def test_a_checkin_is_saved_and_the_way_leads_to_the_pin(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    answer = send_late(client, clock, "/today", DAY, 303, mood="4", note="a late canary")
    assert answer.location == "/unlock?next=/today"
    page = client.follow(answer).text
    assert "Saved." in page and "data-saved" in page and "canary" not in page
    client.page = None
    assert unlock(client, page=answer.location) == "/today"
    assert "a late canary" in client.get("/today").text


def test_notes_infusions_reports_and_plans_are_saved(
    app: Flask, cast: Cast, clock: Any, database: Database
) -> None:
    client = with_lock(cast.patient)
    with database.writing() as session:
        infusion = log_infusion(session, cast.patient.viewer, TODAY)
        session.commit()
    send_late(client, clock, "/today", DAY, 303, mood="4")
    unlock(client)
    send_late(client, clock, "/today", f"{DAY}/notes", 303, note="late note")
    unlock(client)
    send_late(client, clock, "/infusions/new", "/infusions/new", 303, day="2026-11-19", note="late infusion")
    unlock(client)
    after = f"/infusions/{infusion}/after"
    answer = send_late(client, clock, after, after, 303, diss_peak="7", any_red_flag_now="no")
    assert answer.location.startswith("/unlock?next=/infusions/")
    unlock(client)
    plan = "/safety-plan/edit"
    send_late(client, clock, plan, plan, 303, person_name="Late Joan", person_number="555 0100")
    client.get("/safety-plan", expect=303)
    unlock(client)
    assert "late note" in client.get("/today").text
    assert "Late Joan" in client.get("/safety-plan").text
    assert "7" in client.get(f"/infusions/{infusion}").text
    assert len(set(re.findall(r"/infusions/[0-9a-f-]{36}", client.get("/infusions").text))) == 2


def test_an_answer_to_a_question_is_saved(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    first = "/questionnaires/phq-9/1"
    answer = send_late(client, clock, first, first, 303, answer="2")
    assert answer.location == "/unlock?next=/questionnaires/phq-9/2"
    unlock(client)
    client.get("/questionnaires/phq-9/2")
    hidden = client.hidden("/questionnaires/phq-9/2")
    clock.shift(A_WHILE)
    told = client.raw(
        "POST",
        "/questionnaires/phq-9/2",
        data={**hidden, "answer": "1"},
        headers={"Accept": "application/json"},
    )
    assert told.get_json() == {"next": "/questionnaires/phq-9/3"}
    client.get("/questionnaires/phq-9/3", expect=303)
    client.page = None
    unlock(client)
    assert 'aria-pressed="true"' in client.get(first).text


def test_help_comes_before_the_pin_and_says_only_what_was_just_told(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    ninth = "/questionnaires/phq-9/9"
    answer = send_late(client, clock, ninth, ninth, 303, answer="2")
    assert answer.location.startswith("/help-now?saved=1")
    page = client.follow(answer).text
    assert "Your answer is saved" in page and "Thank you for telling us" in page and "988" in page
    assert "Who will see this" not in page and "Why you see this page" not in page
    assert 'action="/help-now/seen"' not in page and "/unlock?next=/help-now" in page
    other = cast.patient.sign_in()
    other.send("/account/lock/now", page="/account/lock")
    assert "Thank you for telling us" not in other.get("/help-now").text  # told elsewhere
    clock.shift(timedelta(minutes=11))
    assert "Thank you for telling us" not in client.get("/help-now").text
    client.page = None
    unlock(client)
    assert client.get("/today", expect=303).location.startswith("/help-now")  # it was not seen in full
    assert "Who will see this" in client.get("/help-now").text


def test_of_two_things_told_a_locked_browser_shows_the_one_told_there(
    app: Flask, cast: Cast, clock: Any, database: Database
) -> None:
    with database.writing() as session:
        infusion = log_infusion(session, cast.patient.viewer, TODAY)
        session.commit()
    client = with_lock(cast.patient)
    after, ninth = f"/infusions/{infusion}/after", "/questionnaires/phq-9/9"
    client.send(ninth, {"answer": "0"}, page=ninth)
    client.get(ninth)
    late = client.page
    client.send(after, {"diss_peak": "7", "any_red_flag_now": "yes"}, page=after)
    assert "Please call 911 now" in client.get("/help-now").text
    clock.shift(A_WHILE)
    assert "Please call 911 now" not in client.get("/help-now").text
    client.page = late
    answer = client.send(ninth, {"answer": "2"})
    page = client.follow(answer).text
    assert "Thank you for telling us" in page and "Please call 911 now" not in page


def test_help_keeps_to_the_country_that_was_set(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    client.send("/account/country", {"country": "GB"}, page="/account/country")
    clock.shift(A_WHILE)
    assert "116 123" in client.get("/help-now").text


def held_form(page: str) -> tuple[str, dict[str, str]]:
    """Where the form of the page that gives it back goes, and what is in it."""
    page = page[page.index("it waited.") :]
    form = re.search(r'<form method="post" action="(/[^"]*)">', page)
    pairs = re.findall(r'name="([^"]*)" value="([^"]*)"', page)
    assert form
    return html.unescape(form[1]), {name: html.unescape(value) for name, value in pairs}


def test_a_refused_form_waits_and_comes_back_as_it_was(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    client.send(DAY, {"mood": "6", "note": "canary of the day"}, page="/today")
    answer = send_late(
        client, clock, f"{DAY}", f"{DAY}/notes", 401, note="x" * 20_001 + " <b>late & long</b>"
    )
    assert "<h1>Locked</h1>" in answer.text and "What you wrote waits" in answer.text
    assert "canary" not in answer.text and "late" not in answer.text
    client.page = answer
    wrong = client.send("/unlock", {"pin": "9999"}, expect=422)
    assert "What you wrote waits" in wrong.text
    page = client.send("/unlock", {"pin": PIN}, expect=200).text
    path, fields = held_form(page)
    assert path == f"{DAY}/notes" and fields["note"].endswith(" <b>late & long</b>")
    back = client.send(path, fields, expect=422)
    assert "late &amp; long" in back.text and "canary of the day" in back.text


def test_any_other_form_waits_and_can_be_sent_after_all(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    client.get("/account/name")
    clock.shift(A_WHILE)
    answer = client.send("/account/name", {"name": "Late Mara"}, expect=401)
    assert "Late Mara" not in answer.text
    page = client.send("/unlock", {"pin": PIN}, expect=200)
    client.page = page
    client.send("/account/name", {}, expect=303)
    assert "Late Mara" in client.get("/account/name").text


def test_no_passphrase_waits_in_a_page(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    client.get("/account/passphrase")
    clock.shift(A_WHILE)
    client.send(
        "/account/passphrase", {"current": "my secret words", "password": "more secret words"}, expect=401
    )
    assert client.send("/unlock", {"pin": PIN}, expect=303).location == "/account/passphrase"


def test_what_waits_is_for_this_browser_alone(cast: Cast, clock: Any) -> None:
    client, other = with_lock(cast.patient), with_lock(cast.other)
    client.get("/account/name")
    clock.shift(A_WHILE)
    client.send("/account/name", {"name": "Late Mara"}, expect=401)
    carried = client.hidden("/unlock")["held"]
    for held in (carried, carried[:-8] + "AAAAAAA=", "nonsense", ""):
        other.page = None
        assert other.send("/unlock", {"pin": PIN, "held": held}, page="/unlock?prove=1").location


def test_a_form_without_a_token_is_refused_as_before(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    clock.shift(A_WHILE)
    answer = client.raw("POST", DAY, data={"mood": "3", "entry_id": str(uuid4())})
    assert answer.status_code == 400
