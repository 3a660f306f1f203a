"""The page of reminders: off until turned on, needs a confirmed address, and shows the very mail."""

import re
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.domain.days import instant_of
from journal.kit.db import Database
from journal.reminders import queries
from journal.reminders.tasks import send_due
from tests.cast import TODAY, Cast, log_infusion
from tests.client import CheckingClient
from tests.conftest import NOON
from tests.reminders.people import deliver

ON = {"is_on": "yes", "hour": "20", "cadence": "daily"}
EIGHT = instant_of(TODAY, time(20), ZoneInfo("America/Denver"))


@pytest.fixture
def browser(cast: Cast, session: Session) -> CheckingClient:
    accounts.settle(session, cast.patient.account_id, verified_at=NOON)
    session.commit()
    return cast.patient.sign_in()


def shown(browser: CheckingClient) -> str:
    return re.sub(r"\s+", " ", browser.get("/reminders").text)


def test_off_until_turned_on(
    browser: CheckingClient, cast: Cast, session: Session, database: Database
) -> None:
    page = shown(browser)
    assert "None is sent until you turn it on." in page and "checked" not in page.partition("hour")[0]
    assert "Pause all reminders" not in page.partition("What the mail looks like")[0]
    assert session.execute(text("SELECT count(*) FROM reminders")).scalar_one() == 0
    assert send_due(database, EIGHT) == 0
    browser.send("/reminders", ON)
    assert "The next one comes on Sunday 22 November at 8:00 pm." in shown(browser)
    assert send_due(database, EIGHT) == 1


def test_two_taps_from_the_account(browser: CheckingClient) -> None:
    assert 'href="/reminders"' in browser.get("/account").text
    assert 'href="/reminders"' not in browser.get("/today").text  # nobody is nagged
    browser.send("/check-ins/2026-11-22", {"mood": "4"}, page="/today")
    assert 'href="/reminders"' in browser.get("/today").text


def test_it_says_what_comes_next(browser: CheckingClient, cast: Cast, session: Session) -> None:
    browser.send("/reminders", ON)
    browser.send("/check-ins/2026-11-22", {"mood": "4"}, page="/today")
    assert "on Monday 23 November at 8:00 pm." in shown(browser)
    browser.send("/reminders", {**ON, "hour": "9", "cadence": "weekly"}, page="/reminders")
    assert "on Monday 23 November at 9:00 am." in shown(browser)
    session.execute(text("UPDATE reminders SET last_turn_on = '2026-11-22'"))
    session.commit()
    assert "on Sunday 29 November at 9:00 am." in shown(browser)
    log_infusion(session, cast.patient.viewer, TODAY)
    session.commit()
    assert "on Monday 23 November at 9:00 am." in shown(browser)


def test_an_address_that_nobody_confirmed(cast: Cast, session: Session) -> None:
    browser = cast.patient.sign_in()
    page = browser.get("/reminders").text
    assert "Please confirm your address first." in page and 'action="/account/verify"' in page
    browser.send("/reminders", ON, expect=200)
    assert session.execute(text("SELECT count(*) FROM reminders")).scalar_one() == 0
    browser.send("/account/verify", page="/reminders")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"hour": "25"}, "Choose a time from the list."),
        ({"hour": "x"}, "Choose a time from the list."),
        ({"hour": ""}, "Choose a time from the list."),
        ({"cadence": ""}, "Choose how often a reminder may come."),
        ({"cadence": "hourly"}, "Choose how often a reminder may come."),
    ],
)
def test_what_cannot_be_is_said_and_the_rest_kept(
    browser: CheckingClient, session: Session, change: dict[str, str], told: str
) -> None:
    page = browser.send("/reminders", {**ON, "hour": "7", **change}, expect=422, page="/reminders").text
    assert told in page
    assert 'value="yes" checked' in page
    assert "hour" in change or '<option value="7" selected>' in page
    assert session.execute(text("SELECT count(*) FROM reminders")).scalar_one() == 0


def test_one_switch_pauses_at_once(browser: CheckingClient, cast: Cast, database: Database) -> None:
    browser.send("/reminders", ON, page="/reminders")
    browser.send("/reminders/pause", page="/reminders")
    page = shown(browser)
    assert "Reminders are paused." in page and "The next one comes" not in page
    assert '<option value="20" selected>' in page  # the time is kept
    assert send_due(database, EIGHT) == 0
    browser.send("/reminders", {**ON, "hour": "7"}, page="/reminders")
    assert "Reminders are paused." in shown(browser)  # another time is not another wish
    browser.send("/reminders/pause", page="/reminders")
    assert "The next one comes on Monday 23 November at 7:00 am." in shown(browser)


def test_turned_off(browser: CheckingClient, database: Database) -> None:
    browser.send("/reminders", ON, page="/reminders")
    browser.send("/reminders", {"hour": "20", "cadence": "daily"}, page="/reminders")
    assert "The next one comes" not in shown(browser)
    assert send_due(database, EIGHT) == 0


def test_pausing_what_was_never_turned_on(browser: CheckingClient, cast: Cast, session: Session) -> None:
    for pause in ("yes", "no"):
        hidden = browser.get("/reminders") and browser.hidden("/reminders")
        answer = browser.raw("POST", "/reminders/pause", data={**hidden, "pause": pause})
        assert answer.status_code == 303
    assert not queries.get_reminders(session, cast.patient.viewer).is_on


def test_the_page_shows_the_very_mail(browser: CheckingClient, app: Flask, database: Database) -> None:
    browser.send("/reminders", ON, page="/reminders")
    page = browser.get("/reminders").text
    send_due(database, EIGHT)
    [mail] = deliver(app, database, EIGHT)
    said: Any = mail.get_content() if not mail.is_multipart() else mail.get_body(("plain",)).get_content()
    assert said.replace("\r\n", "\n").strip() in page
    assert mail["Subject"] in page


def test_the_export_tells_and_an_import_turns_nothing_on(browser: CheckingClient, cast: Cast) -> None:
    from tests.privacy.journals import bring, journal_of, take

    browser.send("/reminders", {**ON, "cadence": "some-days"}, page="/reminders")
    taken = take(browser)
    told = journal_of(taken)["reminders"]
    wanted = {"is_on": True, "is_paused": False, "hour": 20, "cadence": "some-days", "last_turn_on": None}
    assert told == wanted
    elsewhere = cast.newcomer.sign_in()
    bring(elsewhere, taken.data)
    assert journal_of(take(elsewhere))["reminders"]["is_on"] is False
