"""The lock itself: when it comes, what it lets through, how it opens."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from journal.kit.db import Database
from journal.kit.web import while_locked
from tests.app_lock.people import A_WHILE, PIN, unlock, with_lock
from tests.architecture.test_routes import PUBLIC, path_of
from tests.cast import PASSPHRASE, TODAY, Cast, log_checkin, log_infusion

SECOND = timedelta(seconds=1)
OPEN = {
    "accounts.sign_out",
    "accounts.ask_reset",
    "accounts.reset_asked",
    "accounts.reset",
    "app_lock.unlock",
    "app_lock.ask_passkey",
    "app_lock.passkey",
    "app_lock.still_here",
    "safety.help_now",
    "pages.look",
    "pages.healthz",
    "pages.manifest",
    "reminders.unsubscribe",
    "sync.take",
    "sync.sign_out",
    "sync.worker",
    "sync.waiting",
    "sync.check_in",
    "sync.add_note",
    "sync.log_infusion",
    "sync.report",
    "sync.respond",
    "sync.leave",
}
SAVES = {
    "checkins.record_today",
    "checkins.record",
    "checkins.record_note",
    "infusions.new",
    "infusions.edit",
    "infusions.after",
    "questionnaires.question",
    "questionnaires.settle",
    "safety.answer_safe",
    "safety.edit_plan",
}


def test_what_is_never_locked_and_what_still_saves_is_listed(app: Flask) -> None:
    with app.app_context():
        told = {r.endpoint: while_locked(r.endpoint) for r in app.url_map.iter_rules()}
    assert {endpoint for endpoint, how in told.items() if how == "open"} == OPEN
    assert {endpoint for endpoint, how in told.items() if how == "saves"} == SAVES


def test_it_comes_after_fifteen_minutes_and_leads_back(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    clock.shift(A_WHILE - SECOND)
    client.get("/trends?days=90")
    clock.shift(A_WHILE - SECOND)
    client.get("/trends?days=90")
    clock.shift(A_WHILE)
    answer = client.get("/trends?days=90", expect=303)
    page = client.follow(answer).text
    assert "<h1>Locked</h1>" in page and cast.patient.email not in page
    assert unlock(client, page=answer.location) == "/trends?days=90"
    client.get("/trends?days=90")


def test_without_the_lock_nothing_is_locked(cast: Cast, clock: Any) -> None:
    client = cast.patient.sign_in()
    clock.shift(timedelta(days=3))
    client.get("/today")
    assert client.get("/unlock", expect=303).location == "/"


def test_being_here_is_noted_each_minute_and_not_by_pages_that_are_never_locked(
    cast: Cast, clock: Any
) -> None:
    client = with_lock(cast.patient)
    clock.shift(timedelta(minutes=14))
    client.get("/help-now")
    clock.shift(timedelta(minutes=1))
    client.get("/today", expect=303)
    unlock(client)
    for _ in range(3):  # a page a minute before each would be late
        clock.shift(timedelta(seconds=61))
        client.get("/today")
        clock.shift(A_WHILE - SECOND)
        client.get("/today")


def test_what_a_locked_browser_asks_for_does_not_keep_it_awake(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    for _ in range(3):
        clock.shift(A_WHILE)
        client.get("/today", expect=303)
        client.get("/unlock")
    client.get("/today", expect=303)


@pytest.fixture
def full(app: Flask, cast: Cast, database: Database) -> tuple[Any, Any]:
    with database.writing() as session:
        viewer = cast.patient.viewer
        entry = log_checkin(session, viewer, TODAY, {"mood": 3}, note="mara canary note")
        infusion = log_infusion(session, viewer, TODAY - timedelta(days=1), note="mara canary infusion")
        session.commit()
    client = cast.patient.sign_in()
    client.send("/account/name", {"name": "Mara Canary"}, page="/account/name")
    client.send(
        "/safety-plan/edit",
        {"person_name": "Joan canary", "person_number": "555 0100"},
        page="/safety-plan/edit",
    )
    return entry, infusion


def test_every_route_is_locked_but_those_listed(
    app: Flask, cast: Cast, clock: Any, full: tuple[Any, Any]
) -> None:
    """No answer to any method on any route holds a word of the person's own."""
    client = with_lock(cast.patient)
    clock.shift(A_WHILE)
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        for rule in app.url_map.iter_rules():
            if rule.endpoint == "accounts.sign_out":
                continue
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                answer = client.raw(method, path_of(rule, str(full[0]), str(full[1])), data={"x": "y"})
                told = (rule.rule, method, answer.status_code, answer.location)
                words = answer.text.casefold()
                assert "canary" not in words and cast.patient.email not in words, told
                assert "555 0100" not in words and "joan canary" not in words, told
                if rule.endpoint in OPEN or (method == "POST" and rule.endpoint in SAVES):
                    continue
                if method == "POST":
                    assert answer.status_code == 401 and "<h1>Locked</h1>" in answer.text, told
                elif rule.rule.endswith(".json"):
                    assert answer.status_code == 401, told
                else:
                    assert answer.status_code == 303 and answer.location.startswith("/unlock"), told
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    assert {r for r in OPEN if not r.startswith("app_lock.")} - {"sync.take"} == PUBLIC & OPEN
    unlock(client)
    assert "mara canary note" in client.get("/today").text


def test_nothing_was_changed_behind_the_lock(cast: Cast, clock: Any, full: tuple[Any, Any]) -> None:
    client = with_lock(cast.patient)
    page = f"/check-ins/{TODAY}/{full[0]}/delete"
    client.get(page)
    clock.shift(A_WHILE)
    client.send(page, expect=401)
    client.page = None
    unlock(client)
    assert "mara canary note" in client.get("/today").text


def test_a_wrong_pin_is_told_and_five_turn_it_off_for_this_browser(cast: Cast, clock: Any) -> None:
    client, other = with_lock(cast.patient), cast.patient.sign_in()
    clock.shift(A_WHILE)
    for _ in range(4):
        assert "This is not your PIN" in unlock(client, 422, pin="9999")
    assert "wrong five times" in unlock(client, 429, pin="9999")
    page = client.get("/unlock").text
    assert "wrong five times" in page and 'name="pin"' not in page
    answer = client.send("/unlock", {"pin": PIN}, expect=429)  # the right one, too late
    assert "wrong five times" in answer.text
    client.page = None
    client.get("/today", expect=303)
    assert unlock(other) == "/"  # another browser has tries of its own
    assert "This is not your passphrase" in unlock(client, 422, password="four green lamps at dawn")
    assert unlock(client, password=PASSPHRASE) == "/"
    client.get("/today")
    clock.shift(A_WHILE)
    assert unlock(client) == "/"


def test_an_empty_or_endless_pin_counts_for_nothing(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    clock.shift(A_WHILE)
    for _ in range(6):
        assert "Enter your PIN" in unlock(client, 422, pin="")
        unlock(client, 422, pin="4" * 500)
    assert unlock(client) == "/"


def test_a_right_pin_forgives_wrong_ones(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    for _ in range(3):
        clock.shift(A_WHILE)
        for _ in range(4):
            unlock(client, 422, pin="9999")
        assert unlock(client) == "/"


def test_somebody_elses_pin_opens_nothing(cast: Cast, clock: Any) -> None:
    client, other = with_lock(cast.patient), cast.other.sign_in()
    other.send("/account/lock/pin", {"pin": "8305", "again": "8305"}, page="/account/lock/pin")
    clock.shift(A_WHILE)
    unlock(client, 422, pin="8305")


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/unlock?next=/today", "/\\x"])
def test_it_leads_nowhere_else(cast: Cast, clock: Any, target: str) -> None:
    client = with_lock(cast.patient)
    clock.shift(A_WHILE)
    assert unlock(client, page=f"/unlock?next={target}") == "/"


def test_a_script_is_told_in_json(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    client.get("/today")
    token = client.hidden("/look")["csrf_token"]
    clock.shift(A_WHILE)

    def ask(path: str, **fields: str) -> tuple[int, Any]:
        answer = client.raw(
            "POST", path, data={"csrf_token": token, **fields}, headers={"Accept": "application/json"}
        )
        return answer.status_code, answer.get_json(silent=True)

    assert ask("/unlock/still-here") == (401, {"locked": True})
    code, told = ask("/unlock", pin="9999")
    assert code == 422 and told["pin_is_off"] is False and "not your PIN" in told["error"]
    assert ask("/unlock", pin=PIN) == (200, {"open": True})
    clock.shift(timedelta(minutes=14))
    assert ask("/unlock/still-here") == (204, None)
    clock.shift(timedelta(minutes=14))
    client.get("/today")


def test_locked_by_hand_in_this_browser_only(cast: Cast) -> None:
    client, other = with_lock(cast.patient), cast.patient.sign_in()
    assert client.send("/account/lock/now", page="/account/lock").location == "/unlock"
    client.page = None
    client.get("/today", expect=303)
    other.get("/today")
    assert unlock(client, page="/unlock?next=/today") == "/today"
    client.get("/today")


def test_signing_out_is_never_locked(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    clock.shift(A_WHILE)
    client.send("/sign-out", page="/unlock")
    client.page = None
    assert client.get("/today", expect=303).location.startswith("/sign-in")


def test_a_new_passphrase_turns_other_browsers_out_as_before(cast: Cast, clock: Any) -> None:
    client, other = with_lock(cast.patient), cast.patient.sign_in()
    new = "seven blue boats at dawn"
    client.send("/account/passphrase", {"current": PASSPHRASE, "password": new}, page="/account/passphrase")
    other.get("/today", expect=303)
    clock.shift(A_WHILE)
    assert other.get("/unlock", expect=303).location.startswith("/sign-in")
    client.page = None
    assert unlock(client, password=new) == "/"


def test_it_costs_no_statement_more(cast: Cast, clock: Any, database: Database) -> None:
    from sqlalchemy import event

    client, bare = with_lock(cast.patient), cast.other.sign_in()
    clock.shift(timedelta(seconds=1))
    counts = []
    for browser in (bare, client):
        seen: list[str] = []
        note = lambda *told: seen.append(told[2])  # noqa: E731, B023
        event.listen(database.engine, "before_cursor_execute", note)
        browser.get("/check-ins/measures")
        event.remove(database.engine, "before_cursor_execute", note)
        counts.append(len([one for one in seen if not one.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))]))
    assert counts[0] == counts[1] > 0


def test_the_pin_is_kept_as_a_hash_that_needs_the_servers_key(
    app: Flask, cast: Cast, database: Database
) -> None:
    with_lock(cast.patient)
    with database.reading() as session:
        [kept] = session.execute(text("SELECT pin_hash FROM app_locks")).scalars()
    hasher = app.extensions["hasher"]
    assert kept == hasher.hash_pin(PIN, cast.patient.account_id)
    assert kept != hasher.hash(PIN, f"pin of {cast.patient.account_id}")
    assert kept != hasher.hash_pin(PIN, uuid4())
