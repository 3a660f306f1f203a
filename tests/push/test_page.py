"""The page of reminders: what is said before the tap, the list of phones, quiet hours; and nobody else's phone."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.kit import vapid
from journal.kit.db import Database, vault_of
from journal.push import queries
from journal.push.tasks import SENTENCE
from tests.cast import Cast, Player
from tests.client import CheckingClient
from tests.conftest import NOON
from tests.privacy.journals import journal_of, take
from tests.push.phone import Phone

ON = {"is_on": "yes", "hour": "20", "cadence": "daily"}
AGENT = "Mozilla/5.0 (Linux; Android 15) Chrome/142.0 Mobile Safari/537.36"
PUSH = "https://push.example.net/secret/"


@pytest.fixture(autouse=True)
def key(app: Flask, session: Session) -> Iterator[str]:
    vapid.make_key(session, vault_of(session), NOON)
    session.commit()
    found = vapid.find_public_key(session)
    assert found is not None
    yield found


def sign_in(player: Player, session: Session) -> CheckingClient:
    accounts.settle(session, player.account_id, verified_at=NOON)
    session.commit()
    browser = player.sign_in()
    browser.send("/reminders", ON, page="/reminders")
    return browser


@pytest.fixture
def browser(cast: Cast, session: Session) -> CheckingClient:
    return sign_in(cast.patient, session)


def turn_on(browser: CheckingClient, name: str = "one", **changes: str) -> Any:
    browser.get("/reminders")
    form = {**browser.hidden("/reminders/pause"), **Phone(PUSH + name).form, **changes}
    return browser.raw("POST", "/reminders/devices", data=form, headers={"User-Agent": AGENT})


def shown(browser: CheckingClient) -> str:
    return re.sub(r"\s+", " ", browser.get("/reminders").text)


def devices(session: Session, player: Player) -> list[UUID]:
    return [one.id for one in queries.list_devices(session, player.viewer)]


def test_it_says_who_else_takes_part_before_the_tap(browser: CheckingClient, key: str) -> None:
    page = shown(browser)
    told = page.index("it goes through the company that makes your browser")
    assert told < page.index("Also remind me on this phone")
    assert SENTENCE in page[:told] and f'data-push="{key}"' in page
    assert 'data-push-if="able" hidden' in page  # only where a script finds that the browser can
    assert "The mail comes as before." in page


def test_not_before_reminders_are_on(cast: Cast, session: Session) -> None:
    accounts.settle(session, cast.patient.account_id, verified_at=NOON)
    session.commit()
    assert "On your phone" not in cast.patient.sign_in().get("/reminders").text


def test_turned_on_and_off(browser: CheckingClient, cast: Cast, session: Session) -> None:
    assert turn_on(browser).status_code == 303
    page = shown(browser)
    assert "Reminders come to this phone too." in page
    assert '<b>Chrome on Android</b> <span class="tag">this one</span>' in page
    assert "Turned on Sun 22 Nov." in page and "Also remind me on this phone" not in page
    [device] = devices(session, cast.patient)
    browser.send(f"/reminders/devices/{device}/remove", page="/reminders")
    assert "Turned off." in shown(browser) and devices(session, cast.patient) == []


def test_another_phone_in_the_list(browser: CheckingClient, cast: Cast, session: Session) -> None:
    turn_on(browser)
    other = cast.patient.sign_in()
    page = shown(other)
    assert "this one" not in page and ">Remove</button>" in page and "Also remind me" in page
    turn_on(other, "two")
    assert len(devices(session, cast.patient)) == 2
    turn_on(other, "three")  # its browser has a new address: the former one is no more
    assert len(devices(session, cast.patient)) == 2


def test_a_phone_goes_over_to_who_is_signed_in(browser: CheckingClient, cast: Cast, session: Session) -> None:
    turn_on(browser)
    turn_on(sign_in(cast.other, session))
    assert devices(session, cast.patient) == [] and len(devices(session, cast.other)) == 1


@pytest.mark.parametrize("way", ["sign out", "end it elsewhere", "another passphrase"])
def test_whoever_signs_out_is_off_the_list(
    browser: CheckingClient, cast: Cast, session: Session, way: str
) -> None:
    turn_on(browser)
    other = cast.patient.sign_in()
    if way == "sign out":
        browser.send("/sign-out", page="/account")
    elif way == "end it elsewhere":
        other.send("/account/sessions/end-others", page="/account/sessions")
    else:
        accounts.change_passphrase(session, cast.patient.account_id, "x", None, NOON)
        session.commit()
    assert devices(session, cast.patient) == []


def test_nobody_elses_phone(browser: CheckingClient, cast: Cast, session: Session) -> None:
    turn_on(browser)
    [device] = devices(session, cast.patient)
    stranger = sign_in(cast.other, session)
    stranger.get("/reminders")
    hidden = stranger.hidden("/reminders/pause")
    path = f"/reminders/devices/{device}/remove"
    assert stranger.raw("POST", path, data=hidden).status_code == 404
    assert devices(session, cast.patient) == [device]
    assert "Chrome on Android" not in stranger.get("/reminders").text


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "http://push.example.net/x"},
        {"endpoint": "https://10.0.0.1/x"},
        {"endpoint": "http://localhost:8000/x"},
        {"endpoint": ""},
        {"p256dh": ""},
        {"auth": "x"},
    ],
)
def test_what_no_browser_sends(
    browser: CheckingClient, cast: Cast, session: Session, changes: dict[str, str]
) -> None:
    assert turn_on(browser, **changes).status_code == 303
    assert "Mails come as before." in shown(browser) and devices(session, cast.patient) == []


def test_too_many(cast: Cast, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.push.service.MOST_DEVICES", 2)
    browsers = [sign_in(cast.patient, session) for _ in range(3)]
    for n, browser in enumerate(browsers):
        turn_on(browser, str(n))
    assert "phones already. Remove one first." in shown(browsers[2])
    assert len(devices(session, cast.patient)) == 2


def test_nothing_of_it_can_be_read_in_the_database(browser: CheckingClient, session: Session) -> None:
    turn_on(browser)
    [row] = session.execute(text("SELECT * FROM push_devices")).mappings()
    kept = b"".join(value for value in row.values() if isinstance(value, bytes)) + repr(dict(row)).encode()
    assert b"secret" not in kept and b"push.example.net" not in kept and b"sixteen" not in kept
    [own] = session.execute(text("SELECT * FROM push_keys")).mappings()
    pair = vapid.find_key(session, vault_of(session))
    assert pair is not None and pair.secret not in own["sealed"]


def test_quiet_hours(browser: CheckingClient) -> None:
    assert "Quiet hours" not in shown(browser)
    turn_on(browser)
    page = shown(browser)
    assert '<option value="22" selected>' in page and '<option value="8" selected>' in page
    assert "is in your quiet hours" not in page
    browser.send("/reminders/quiet-hours", {"quiet_from": "19", "quiet_until": "7"}, page="/reminders")
    page = shown(browser)
    assert '<option value="19" selected>' in page and '<option value="7" selected>' in page
    assert "Your time, 8:00 pm, is in your quiet hours.</b> So the reminder comes by mail." in page


@pytest.mark.parametrize("hours", [("", "8"), ("24", "8"), ("22", "x"), ("²", "8"), ("-1", "8")])
def test_quiet_hours_that_are_none(browser: CheckingClient, hours: tuple[str, str]) -> None:
    turn_on(browser)
    browser.get("/reminders")
    form = {**browser.hidden("/reminders/quiet-hours"), "quiet_from": hours[0], "quiet_until": hours[1]}
    assert browser.raw("POST", "/reminders/quiet-hours", data=form).status_code == 409
    assert '<option value="22" selected>' in shown(browser)


def test_the_service_worker_can_tell_a_new_address(
    browser: CheckingClient, cast: Cast, session: Session, key: str, client: CheckingClient
) -> None:
    told = browser.get("/reminders/devices.json").get_json()
    assert told["key"] == key
    form = {**Phone(PUSH + "anew").form, "csrf_token": told["csrf_token"]}
    assert browser.raw("POST", "/reminders/devices", data=form).status_code == 303
    assert len(devices(session, cast.patient)) == 1
    assert client.raw("GET", "/reminders/devices.json").status_code == 401


def test_switched_off_by_the_operator(
    browser: CheckingClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    off = replace(app.extensions["settings"], web_push=False)
    monkeypatch.setitem(app.extensions, "settings", off)
    assert "On your phone" not in shown(browser) and "push.js" not in shown(browser)
    assert browser.raw("GET", "/reminders/devices.json").status_code == 404
    assert turn_on(browser).status_code == 404


def test_the_service_worker_is_there_for_everybody(client: CheckingClient) -> None:
    answer = client.get("/sw.js")
    assert answer.mimetype == "text/javascript"
    [path] = re.findall(r'importScripts\("(/static/js/push-worker\.[0-9a-f]{10}\.js)"\)', answer.text)
    assert "showNotification" in client.raw("GET", path).text


def test_the_export_tells(browser: CheckingClient) -> None:
    turn_on(browser)
    told = journal_of(take(browser))
    [device] = told["reminder_devices"]
    assert device["device"] == "Chrome on Android" and device["last_reminder_at"] is None
    assert told["quiet_hours"] == {"from_hour": 22, "until_hour": 8}
    assert "push.example.net" not in str(told)


def test_several_starts_at_once_make_one_key(session: Session, database: Database, key: str) -> None:
    for _ in range(3):
        vapid.make_key(session, vault_of(session), NOON)
    session.commit()
    assert vapid.find_public_key(session) == key
