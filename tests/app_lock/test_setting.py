"""Turning it on and off, and what that takes."""

from datetime import timedelta
from io import BytesIO
from json import loads
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from sqlalchemy import text

from journal.kit.db import Database
from tests.app_lock.people import A_WHILE, PIN, turn_on, unlock, with_lock
from tests.cast import PASSPHRASE, Cast
from tests.client import CheckingClient
from tests.factors.authenticator import Authenticator
from tests.factors.people import ask, csrf, set_up_passkey


def unlock_by(client: CheckingClient, device: Authenticator) -> str | None:
    """Where a passkey's answer leads."""
    client.get("/unlock")
    signed = device.sign_in(ask(client, "/unlock/passkey/ask"))
    answer = client.raw("POST", "/unlock/passkey", data={"csrf_token": csrf(client), "answer": signed})
    client.page = None
    return answer.location


def test_the_account_page_says_whether_it_is_on(cast: Cast) -> None:
    client = cast.patient.sign_in()
    assert "Off" in client.get("/account").text.partition("App lock")[2][:80]
    client.page = None
    turn_on(client)
    assert "After 15 minutes" in client.get("/account").text.partition("App lock")[2][:80]
    page = client.get("/account/lock").text
    assert "It is on." in page and "Change the PIN" in page


@pytest.mark.parametrize(
    ("pin", "again", "told"),
    [
        ("1234", "1234", "one of the first that people try"),
        ("12", "12", "4 to 8 digits"),
        ("", "", "Choose a PIN."),
        ("4071", "4072", "The two PINs differ."),
    ],
)
def test_a_pin_that_does_not_fit_is_told_kindly(cast: Cast, pin: str, again: str, told: str) -> None:
    client = cast.patient.sign_in()
    page = client.send(
        "/account/lock/pin", {"pin": pin, "again": again}, page="/account/lock/pin", expect=422
    )
    assert told in page.text
    assert "App lock" in client.get("/account/lock").text and "It is on." not in page.text


def test_changing_it_takes_the_pin_or_the_passphrase(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    clock.shift(timedelta(minutes=6))  # signing in was a while ago
    for path in ("/account/lock/pin", "/account/lock/off"):
        answer = client.get(path, expect=303)
        assert answer.location == f"/unlock?prove=1&next={path}"
    page = client.follow(answer).text
    assert "<h1>Is it you?</h1>" in page
    client.page = None
    assert "This is not your PIN" in unlock(client, 422, page=answer.location, pin="9999")
    assert unlock(client, page=answer.location) == "/account/lock/off"
    client.send("/account/lock/off", page="/account/lock/off")
    assert "It is on." not in client.get("/account/lock").text
    clock.shift(A_WHILE)
    client.get("/today")
    client.page = None
    turn_on(client, "8305")
    clock.shift(A_WHILE)
    unlock(client, 422)
    assert unlock(client, pin="8305") == "/"
    client.send("/account/lock/pin", {"pin": "6194", "again": "6194"}, page="/account/lock/pin")
    client.page = None
    clock.shift(A_WHILE)
    assert unlock(client, pin="6194") == "/"


def test_nothing_is_changed_by_a_form_alone(cast: Cast, clock: Any) -> None:
    client = with_lock(cast.patient)
    client.get("/account/lock/off")
    clock.shift(timedelta(minutes=6))
    assert client.send("/account/lock/off").location.startswith("/unlock?prove=1")
    client.get("/account/lock")
    assert client.send("/account/lock/passkey", {"use": "no"}).location.startswith("/unlock?prove=1")
    assert "It is on." in client.get("/account/lock").text


def test_turning_it_off_opens_every_browser_and_on_again_starts_anew(cast: Cast, clock: Any) -> None:
    client, other, third = with_lock(cast.patient), cast.patient.sign_in(), cast.patient.sign_in()
    clock.shift(timedelta(minutes=2))
    other.get("/today")
    third.send("/account/lock/now", page="/account/lock")
    clock.shift(A_WHILE)
    other.get("/today", expect=303)
    unlock(client)
    client.send("/account/lock/off", page="/account/lock/off")
    other.get("/today")
    clock.shift(timedelta(hours=1))
    other.get("/today")
    third.get("/today")
    client.page = None
    turn_on(client)
    other.get("/today")
    third.get("/today")


def test_a_passkey_unlocks_it(app: Flask, cast: Cast, clock: Any) -> None:
    client = cast.patient.sign_in()
    page = client.get("/account/lock").text
    assert "Set up a passkey first" in page and "Turn it on with this device" not in page
    assert client.send("/account/lock/passkey", {"use": "yes"}, expect=303, page="/account/lock/pin")
    assert "It is on." not in client.get("/account/lock").text  # there is no passkey yet
    key = set_up_passkey(client)[0]
    client.send("/account/lock/passkey", {"use": "yes"}, page="/account/lock")
    assert "It is on." in client.get("/account/lock").text
    clock.shift(A_WHILE)
    page = client.get("/unlock").text
    assert 'name="pin"' not in page and "Use this device’s passkey" in page
    assert unlock_by(client, key) == "/"
    client.get("/today")
    # Without a PIN beside it, the last way in doesn't go by this button.
    assert (
        client.send("/account/lock/passkey", {"use": "no"}, page="/account/lock").location
        == "/account/lock/off"
    )
    turn_on(client)
    client.send("/account/lock/passkey", {"use": "no"}, page="/account/lock")
    assert "passkey" not in client.get("/unlock?prove=1").text


def test_a_passkey_brings_the_pin_back(cast: Cast, clock: Any) -> None:
    client = cast.patient.sign_in()
    key = set_up_passkey(client)[0]
    client.page = None
    turn_on(client)
    client.send("/account/lock/passkey", {"use": "yes"}, page="/account/lock")
    client.page = None
    clock.shift(A_WHILE)
    for code in (422, 422, 422, 422, 429):
        unlock(client, code, pin="9999")
    assert unlock_by(client, key) == "/"
    clock.shift(A_WHILE)
    client.page = None
    assert unlock(client) == "/"


def test_a_wrong_passkey_is_told(cast: Cast, clock: Any) -> None:
    client = cast.patient.sign_in()
    set_up_passkey(client)
    client.send("/account/lock/passkey", {"use": "yes"}, page="/account/lock")
    clock.shift(A_WHILE)
    client.get("/unlock")
    for answer in ("", "{}", "nonsense"):
        page = client.send("/unlock/passkey", {"answer": answer}, expect=422)
        assert "That didn’t work" in page.text
    client.get("/today", expect=303)


def test_the_export_says_whether_it_is_on_and_never_the_pin(cast: Cast) -> None:
    client = with_lock(cast.patient)
    answer = client.send("/account/export", {"password": PASSPHRASE}, page="/account/export", expect=200)
    with ZipFile(BytesIO(answer.data)) as files:
        told = loads(files.read("journal.json"))
        whole = b"".join(files.read(name) for name in files.namelist())
    assert told["account"]["app_lock"] is True
    assert PIN.encode() not in whole and b"argon2" not in whole


def test_it_goes_with_the_account(cast: Cast, database: Database) -> None:
    client = with_lock(cast.patient)
    client.send("/account/delete", {"password": PASSPHRASE, "understood": "y"}, page="/account/delete")
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM app_locks")).scalar_one() == 0
