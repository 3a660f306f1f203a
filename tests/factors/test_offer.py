"""The offer of a passkey on Today: after the first check-in, until it is answered, and never again."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.factors.models import PasskeyOffer
from journal.kit import clock as clocks
from tests.cast import TODAY, Cast, log_checkin
from tests.client import CheckingClient
from tests.factors.people import csrf, set_up_key, set_up_passkey

WORDS = "<h2>Next time, one touch is enough</h2>"


@pytest.fixture
def browser(cast: Cast, session: Session) -> CheckingClient:
    """Mara's, who has logged today."""
    log_checkin(session, cast.patient.viewer, TODAY, {"mood": 4})
    session.commit()
    return cast.patient.sign_in()


def test_it_comes_after_the_first_checkin(cast: Cast) -> None:
    browser = cast.newcomer.sign_in()
    assert WORDS not in browser.get("/today").text
    browser.send("/check-ins/2026-11-22", {"mood": "4"}, page="/today")
    page = browser.get("/today").text
    assert WORDS in page
    assert "data-passkey-offer hidden" in page  # a script shows it where the device can keep a key


def test_not_now_is_kept_for_good(cast: Cast, browser: CheckingClient, session: Session) -> None:
    answer = browser.send("/account/passkeys/not-now", page="/today")
    assert answer.location == "/today"
    assert WORDS not in browser.get("/today").text
    assert WORDS not in cast.patient.sign_in().get("/today").text
    browser.get("/account")
    browser.raw("POST", "/account/passkeys/not-now", data={"csrf_token": csrf(browser)})
    assert session.query(PasskeyOffer).count() == 1


def test_it_is_gone_with_a_passkey_also_when_that_is_removed(browser: CheckingClient) -> None:
    set_up_key(browser)
    assert WORDS not in browser.get("/today").text
    page = browser.get("/account/passkeys").text
    key = page.split("/account/second-step/passkeys/")[1].split("/")[0]
    path = f"/account/second-step/passkeys/{key}/remove"
    browser.send(path, page=path)
    assert WORDS not in browser.get("/today").text


def test_it_is_gone_with_a_second_step_by_passkey(browser: CheckingClient) -> None:
    set_up_passkey(browser)
    assert WORDS not in browser.get("/today").text


def test_readers_are_asked_for_a_second_step_elsewhere(
    cast: Cast, browser: CheckingClient, session: Session
) -> None:
    accounts.begin_reading(session, cast.patient.account_id, clocks.now())
    session.commit()
    assert WORDS not in cast.patient.sign_in().get("/today").text


def test_another_day_offers_nothing(cast: Cast, browser: CheckingClient, clock: Any) -> None:
    assert WORDS not in browser.get("/check-ins/2026-11-21").text
    clock.shift(86_400)
    assert WORDS not in browser.get("/today").text
    assert WORDS not in browser.get("/check-ins/2026-11-22").text
