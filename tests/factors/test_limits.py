"""How long a session lasts for those who read others, and for everybody else; and who is led to the second step."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.factors.present import second_step_first
from journal.kit import clock as clocks
from tests.cast import Cast
from tests.client import CheckingClient
from tests.factors.people import set_up_app

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.fixture
def reader(cast: Cast, session: Session) -> CheckingClient:
    """Mara's browser, signed in; somebody shares with her."""
    accounts.begin_reading(session, cast.patient.account_id, clocks.now())
    session.commit()
    return cast.patient.sign_in()


def test_a_reader_has_30_minutes_without_use(reader: CheckingClient, clock: Any) -> None:
    clock.shift(29 * MINUTE)
    reader.get("/account")
    clock.shift(29 * MINUTE)
    reader.get("/account")
    clock.shift(31 * MINUTE)
    assert reader.get("/account", expect=303).location == "/sign-in?next=/account"


def test_a_readers_use_is_noted_each_minute(reader: CheckingClient, clock: Any) -> None:
    """However it is used, it ends 30 minutes after the last use, to within a minute."""
    for _ in range(20):
        clock.shift(59)
        reader.get("/account")
    clock.shift(29 * MINUTE)
    reader.get("/account")


def test_a_reader_has_12_hours(reader: CheckingClient, clock: Any) -> None:
    for _ in range(28):
        clock.shift(25 * MINUTE)
        reader.get("/account")
    clock.shift(19 * MINUTE)  # 11:59
    reader.get("/account")
    clock.shift(2 * MINUTE)  # 12:01
    reader.get("/account", expect=303)


def test_an_ended_session_is_not_listed(reader: CheckingClient, cast: Cast, clock: Any) -> None:
    clock.shift(31 * MINUTE)
    assert cast.patient.sign_in().get("/account/sessions").text.count(">End</button>") == 1


def test_it_begins_at_once_for_sessions_that_are_open(cast: Cast, clock: Any, session: Session) -> None:
    browser = cast.patient.sign_in()
    clock.shift(13 * HOUR)
    browser.get("/account")
    accounts.begin_reading(session, cast.patient.account_id, clocks.now())
    session.commit()
    browser.get("/account", expect=303)


@pytest.mark.parametrize("away", [31 * MINUTE, 13 * HOUR, 89 * DAY])
def test_everybody_else_stays_signed_in(cast: Cast, reader: CheckingClient, clock: Any, away: int) -> None:
    browser = cast.other.sign_in()
    set_up_app(browser)
    clock.shift(away)
    browser.get("/account")
    clock.shift(91 * DAY)
    browser.get("/account", expect=303)


def test_one_statement_says_who_is_here(cast: Cast, database: Any) -> None:
    from sqlalchemy import event

    browser = cast.patient.sign_in()
    told: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *a: told.append(a[2]))
    browser.get("/account")
    assert len([one for one in told if "FROM sessions" in one]) == 1
    assert len([one for one in told if "accounts" in one]) == 1


@pytest.fixture
def fence(app: Flask) -> Iterator[None]:
    """The sessions page as a room that shows other people's pages would be."""
    views = app.view_functions
    inside = views["accounts.sessions"]
    views["accounts.sessions"] = lambda: second_step_first() or inside()
    yield
    views["accounts.sessions"] = inside


def test_other_peoples_pages_wait_behind_it(cast: Cast, reader: CheckingClient, fence: None) -> None:
    led = reader.get("/account/sessions?x=1", expect=303).location
    assert led == "/account/second-step?next=/account/sessions?x%3D1"
    page = reader.get(led).text
    assert "Other people’s pages wait behind this" in page
    set_up_app(reader)
    reader.get("/account/sessions")
    stranger = CheckingClient(reader.app)
    assert stranger.get("/account/sessions", expect=303).location.startswith("/sign-in")


def test_a_step_that_was_dropped_has_to_be_passed_anew(cast: Cast, fence: None, session: Session) -> None:
    browser = cast.patient.sign_in()
    set_up_app(browser)
    browser.get("/account/sessions")
    browser.send("/account/second-step/app/remove", page="/account/second-step/app/remove")
    browser.get("/account/sessions", expect=303)
    set_up_app(cast.patient.sign_in())
    browser.get("/account", expect=303)
