"""Signing in with a passkey alone: who gets in by it, and who doesn't."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.accounts.models import AccountSession
from journal.factors import service
from journal.factors.models import Challenge, Passkey
from journal.kit import clock as clocks
from journal.kit.throttle import Throttle
from tests.accounts.test_accounts import NEW, link_in, mailing, mails
from tests.cast import PASSPHRASE, Cast
from tests.client import CheckingClient
from tests.factors.authenticator import PRESENT, Authenticator, b64
from tests.factors.people import (
    AT_SIGN_IN,
    CODES,
    ask,
    ask_touch,
    csrf,
    half_way,
    set_up_app,
    set_up_key,
    set_up_passkey,
    touch,
)
from tests.factors.test_setting_up import waiting_mails

__all__ = ["mailing"]


@pytest.fixture
def device(cast: Cast, clock: Any) -> Authenticator:
    """Mara's phone, which signs in alone."""
    made = set_up_key(cast.patient.sign_in())
    clock.shift(60)
    return made


def test_one_touch_signs_in(app: Flask, cast: Cast, device: Authenticator, session: Session) -> None:
    browser = CheckingClient(app)
    options = ask_touch(browser)
    assert options["userVerification"] == "required" and not options["allowCredentials"]
    answer = touch(browser, device.sign_in(options), "/sign-in/one-touch?next=/trends")
    assert (answer.status_code, answer.location) == (303, "/trends")
    assert cast.patient.email in browser.get("/account").text
    assert "Last used" in browser.get("/account/passkeys").text
    assert session.query(Challenge).count() == 0


def test_nobody_is_sent_elsewhere_after_it(app: Flask, device: Authenticator) -> None:
    browser = CheckingClient(app)
    answer = touch(
        browser, device.sign_in(ask_touch(browser)), "/sign-in/one-touch?next=https://evil.example"
    )
    assert answer.location == "/today"


def test_the_passphrase_goes_on_working_alone(cast: Cast, device: Authenticator) -> None:
    cast.patient.sign_in().get("/today")


def test_other_devices_stay_signed_in_and_the_owner_hears_of_it(cast: Cast, session: Session) -> None:
    here, there = cast.patient.sign_in(), cast.patient.sign_in()
    set_up_key(here)
    there.get("/today")
    assert waiting_mails(session) == ["passkey-added"]


def test_it_is_the_second_step_too(app: Flask, cast: Cast, clock: Any) -> None:
    """Somebody with a second step gets in by one touch; the passphrase goes on asking for it."""
    device, _ = set_up_passkey(cast.patient.sign_in())
    clock.shift(60)
    browser = CheckingClient(app)
    assert touch(browser, device.sign_in(ask_touch(browser))).location == "/today"
    browser.get("/today")
    half_way(app, cast.patient)


def test_half_way_is_whole_after_it(app: Flask, cast: Cast, clock: Any) -> None:
    device, _ = set_up_passkey(cast.patient.sign_in())
    clock.shift(60)
    browser = half_way(app, cast.patient)
    assert touch(browser, device.sign_in(ask_touch(browser))).location == "/today"
    assert browser.get(AT_SIGN_IN, expect=303).location == "/sign-in"


def test_it_proves_no_passphrase(app: Flask, device: Authenticator) -> None:
    """What asks for the passphrase goes on asking: a phone that was left unlocked adds no key of somebody else's."""
    browser = CheckingClient(app)
    touch(browser, device.sign_in(ask_touch(browser)))
    for path in ("/account/passkeys/new", "/account/second-step/app", "/account/second-step/turn-on"):
        assert "/account/second-step/passphrase?" in browser.get(path, expect=303).location


def test_an_answer_counts_once(app: Flask, device: Authenticator) -> None:
    browser = CheckingClient(app)
    answer = device.sign_in(ask_touch(browser))
    kept = browser.cookie("journal")
    assert touch(browser, answer).status_code == 303
    thief = CheckingClient(app)
    thief.get("/sign-in")
    thief.set_cookie("journal", kept or "")
    thief.get("/sign-in")
    told = touch(thief, answer)
    assert told.status_code == 422 and "This passkey didn’t work here" in told.text
    thief.get("/today", expect=303)


def test_an_answer_is_for_the_browser_that_asked(app: Flask, device: Authenticator) -> None:
    """Somebody who lures Mara into signing their challenge, or steals her answer on the way, gets nothing by it."""
    victim, thief = CheckingClient(app), CheckingClient(app)
    answer = device.sign_in(ask_touch(victim))
    ask_touch(thief)
    assert touch(thief, answer).status_code == 422
    assert touch(victim, answer).status_code == 303  # and her own challenge wasn't used up by it


def test_a_wrong_answer_uses_the_challenge_up(app: Flask, device: Authenticator) -> None:
    browser = CheckingClient(app)
    options = ask_touch(browser)
    good = device.sign_in(options)
    told = json.loads(good)
    told["response"]["signature"] = b64(b"no signature")
    assert touch(browser, json.dumps(told)).status_code == 422
    assert touch(browser, good).status_code == 422


def test_an_old_challenge_is_no_use(app: Flask, device: Authenticator, clock: Any, session: Session) -> None:
    browser = CheckingClient(app)
    answer = device.sign_in(ask_touch(browser))
    clock.shift(300)
    assert touch(browser, answer).status_code == 422
    ask_touch(browser)
    assert session.query(Challenge).count() == 1  # old ones are swept away


def test_challenges_are_for_one_purpose(app: Flask, cast: Cast, device: Authenticator, clock: Any) -> None:
    """Those of the second step and of setting up don't sign in alone, and the other way round."""
    strict, _ = set_up_passkey(cast.other.sign_in())
    clock.shift(60)
    browser = half_way(app, cast.other)
    for_step = ask(browser)
    own = {**ask_touch(browser), "challenge": for_step["challenge"]}
    assert touch(browser, strict.sign_in(own)).status_code == 422
    browser = half_way(app, cast.other)
    alone = ask_touch(browser)
    known = {**ask(browser), "challenge": alone["challenge"]}
    form = {"csrf_token": csrf(browser), "answer": strict.sign_in(known)}
    assert browser.raw("POST", "/sign-in/passkey", data=form).status_code == 422


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:8001"},
        {"host": "evil.example"},
        {"flags": PRESENT},
        {"flags": 0},
        {"key": Authenticator().key},
        {"owner": ""},
        {"owner": b64(bytes(16))},
        {"credential_id": bytes(32)},
    ],
    ids=[
        "origin",
        "port",
        "host",
        "not-verified",
        "not-present",
        "another-key",
        "no-owner",
        "another-owner",
        "unknown",
    ],
)
def test_answers_that_are_refused(app: Flask, device: Authenticator, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(device, name, value)
    browser = CheckingClient(app)
    assert touch(browser, device.sign_in(ask_touch(browser))).status_code == 422
    browser.get("/today", expect=303)


def test_somebody_elses_key_under_ones_own_name(app: Flask, cast: Cast, device: Authenticator) -> None:
    theirs = set_up_key(cast.other.sign_in())
    theirs.owner = device.owner
    browser = CheckingClient(app)
    assert touch(browser, theirs.sign_in(ask_touch(browser))).status_code == 422


def test_a_count_that_goes_back_is_refused_and_told(
    app: Flask, device: Authenticator, session: Session
) -> None:
    browser, copied = CheckingClient(app), CheckingClient(app)
    assert touch(browser, device.sign_in(ask_touch(browser))).status_code == 303
    device.count -= 1
    assert touch(copied, device.sign_in(ask_touch(copied))).status_code == 422
    assert "passkey-refused" in waiting_mails(session)


def test_hostile_answers_change_nothing(app: Flask, device: Authenticator, session: Session) -> None:
    browser = CheckingClient(app)
    good = device.sign_in(ask_touch(browser))
    hostile = ["", "null", "{}", "[" * 50_000, '"x"', good[:-2], "x" * 70_000]
    for name in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        for value in ("", "AA", "e30", "__8", "A" * 3000, 5, None):
            told = json.loads(good)
            told["response"][name] = value
            hostile.append(json.dumps(told))
    before = session.query(AccountSession).count()
    for answer in hostile:
        browser = CheckingClient(app)
        ask_touch(browser)
        assert touch(browser, answer).status_code in (422, 429), answer[:60]
    assert session.query(AccountSession).count() == before
    assert waiting_mails(session) == ["passkey-added"]
    assert session.execute(select(Passkey.last_used_at)).scalar_one() is None


def test_nothing_is_there_without_a_challenge(app: Flask, device: Authenticator) -> None:
    browser = CheckingClient(app)
    browser.get("/sign-in")
    made_up = {"challenge": b64(bytes(64)), "allowCredentials": []}
    assert touch(browser, device.sign_in(made_up)).status_code == 422


def test_tries_are_counted_by_address_and_lock_nobody_out(
    app: Flask, cast: Cast, device: Authenticator, clock: Any
) -> None:
    stranger = CheckingClient(app)
    ask_touch(stranger)
    codes = [touch(stranger, "{}").status_code for _ in range(service.TRIES_PER_ADDRESS + 1)]
    assert codes == [422] * service.TRIES_PER_ADDRESS + [429]
    cast.patient.sign_in()  # the passphrase is counted apart
    clock.shift(901)
    browser = CheckingClient(app)
    assert touch(browser, device.sign_in(ask_touch(browser))).status_code == 303


def test_right_ones_are_not_counted(app: Flask, device: Authenticator, clock: Any) -> None:
    for _ in range(service.TRIES_PER_ADDRESS + 2):
        browser = CheckingClient(app)
        assert touch(browser, device.sign_in(ask_touch(browser))).status_code == 303
        clock.shift(10)


def test_challenges_are_not_handed_out_without_end(app: Flask) -> None:
    browser = CheckingClient(app)
    browser.get("/sign-in")
    token = {"csrf_token": csrf(browser)}
    codes = [
        browser.raw("POST", "/sign-in/one-touch/ask", data=token).status_code
        for _ in range(service.CHALLENGES_PER_ADDRESS + 1)
    ]
    assert codes == [200] * service.CHALLENGES_PER_ADDRESS + [429]


def test_it_gives_back_no_tries_at_passphrases(app: Flask, device: Authenticator, session: Session) -> None:
    """Else somebody with a passkey of their own could guess at others' passphrases for ever."""
    stranger = CheckingClient(app)
    form = {"email": "nobody@example.org", "password": "guess guess guess"}
    stranger.send("/sign-in", form, expect=422, page="/sign-in")
    bucket = app.extensions["hasher"].key("tries by address", "127.0.0.1")
    counted = select(Throttle.tries).where(Throttle.key == bucket)
    assert session.execute(counted).scalar_one() == 1
    browser = CheckingClient(app)
    assert touch(browser, device.sign_in(ask_touch(browser))).status_code == 303
    assert session.execute(counted).scalar_one() == 1


@pytest.mark.parametrize("path", ["/sign-in/one-touch", "/sign-in/one-touch/ask"])
def test_only_a_post_does_something(app: Flask, path: str, session: Session) -> None:
    browser = CheckingClient(app)
    for method in ("GET", "HEAD"):
        assert browser.raw(method, path).status_code == 405
    assert browser.raw("POST", path).status_code == 400  # no CSRF token
    assert session.query(Challenge).count() == 0


def test_a_removed_key_signs_in_no_more(app: Flask, cast: Cast, device: Authenticator) -> None:
    browser = cast.patient.sign_in()
    page = browser.get("/account/passkeys").text
    key = page.split("/account/second-step/passkeys/")[1].split("/")[0]
    path = f"/account/second-step/passkeys/{key}/remove"
    assert "Your passphrase goes on working" in browser.get(path).text
    assert browser.send(path).location == "/account/passkeys"
    gone = CheckingClient(app)
    assert touch(gone, device.sign_in(ask_touch(gone))).status_code == 422


def test_the_page_begins_with_it_where_it_was_used(app: Flask, cast: Cast, device: Authenticator) -> None:
    browser = CheckingClient(app)
    page = browser.get("/sign-in").text
    assert page.index('name="password"') < page.index("Use my passkey")
    touch(browser, device.sign_in(ask_touch(browser)))
    browser.get("/account")
    browser.send("/sign-out")
    page = browser.get("/sign-in?next=/trends").text
    assert page.index('name="password"') > page.index("Use my passkey")
    assert 'action="/sign-in/one-touch?next=%2Ftrends"' in page


# With a second step, and for those who read what others share


def test_readers_get_no_second_door(cast: Cast, session: Session) -> None:
    """For them a passkey is a second step, whichever page they come by."""
    accounts.begin_reading(session, cast.patient.account_id, clocks.now())
    session.commit()
    browser = cast.patient.sign_in()
    led = browser.get("/account/passkeys/new?next=/care", expect=303).location
    assert led == "/account/second-step/passkeys/new?next=/care"
    browser.get(led)
    form = {"csrf_token": csrf(browser), "name": "x", "answer": "{}"}
    assert browser.raw("POST", "/account/passkeys/new", data=form).status_code == 303
    assert session.query(Passkey).count() == 0


def test_who_becomes_a_reader_while_adding_a_key_gets_the_second_step(
    app: Flask, cast: Cast, session: Session
) -> None:
    from journal.accounts.queries import asks_second_step
    from journal.factors.passkeys import Site, read_answer

    browser = cast.patient.sign_in()
    browser.get("/account/passkeys/new")
    answer = Authenticator().register(ask(browser, "/account/passkeys/ask"))
    accounts.begin_reading(session, cast.patient.account_id, clocks.now())
    who, kept = cast.patient.account_id, session.execute(select(AccountSession.id)).scalars().first()
    assert kept
    site, told = Site.of("http://localhost:8000"), read_answer(answer, registering=True)
    made = service.add_passkey(session, who, kept, told, "x", site, clocks.now(), as_second_step=False)
    assert len(made) == 10 and asks_second_step(session, who)


def test_a_second_step_is_turned_on_with_the_key_that_is_there(
    app: Flask, cast: Cast, device: Authenticator, session: Session
) -> None:
    browser, elsewhere = cast.patient.sign_in(), cast.patient.sign_in()
    assert "Use the passkey you have" in browser.get("/account/second-step").text
    told = browser.send("/account/second-step/turn-on", page="/account/second-step/turn-on", expect=200)
    assert len(CODES.findall(told.text)) == 10
    elsewhere.get("/today", expect=303)
    browser.get("/today")
    half_way(app, cast.patient)
    assert browser.get("/account/second-step/turn-on", expect=303).location == "/account/second-step"
    assert waiting_mails(session) == ["passkey-added", "factor-added"]
    again = CheckingClient(app)
    assert touch(again, device.sign_in(ask_touch(again))).status_code == 303


def test_an_app_turns_it_on_where_a_passkey_signs_in_alone(
    app: Flask, cast: Cast, device: Authenticator
) -> None:
    _, codes = set_up_app(cast.patient.sign_in())
    assert len(codes) == 10
    assert "Use my passkey" in half_way(app, cast.patient).get(AT_SIGN_IN).text


def test_a_key_of_ones_own_beside_a_second_step_weakens_nothing(app: Flask, cast: Cast) -> None:
    browser = cast.patient.sign_in()
    set_up_app(browser)
    led = browser.get("/account/passkeys/new", expect=303).location
    assert led == "/account/second-step/passkeys/new"
    set_up_passkey(browser)
    half_way(app, cast.patient)


def test_new_keys_can_be_found_by_the_device(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/account/passkeys/new")
    alone = ask(browser, "/account/passkeys/ask")["authenticatorSelection"]
    after = ask(browser, "/account/second-step/passkeys/ask")["authenticatorSelection"]
    assert (alone["residentKey"], after["residentKey"]) == ("required", "preferred")
    assert alone["userVerification"] == after["userVerification"] == "required"


def test_the_passphrase_is_asked_again_after_half_an_hour(cast: Cast, clock: Any, session: Session) -> None:
    browser = cast.patient.sign_in()
    clock.shift(1800)
    browser.get("/account/passkeys/new")
    clock.shift(1)
    led = browser.get("/account/passkeys/new?next=/today", expect=303).location
    assert led.startswith("/account/second-step/passphrase?back=")
    browser.get(led)
    token = {"csrf_token": csrf(browser), "name": "x", "answer": "{}"}
    assert browser.raw("POST", "/account/passkeys/ask", data=token).status_code == 401
    assert browser.raw("POST", "/account/passkeys/new", data=token).status_code == 303
    assert session.query(Challenge).count() == 0
    back = browser.send(led, {"password": PASSPHRASE})
    assert back.location == "/account/passkeys/new?next=/today"


# An address that nobody has shown to be theirs


def reset(app: Flask, email: str) -> CheckingClient:
    browser = CheckingClient(app)
    browser.send("/account/reset", {"email": email}, page="/account/reset")
    [mail] = [m for m in mails(app) if "Choose a new passphrase" in m]
    path = link_in(mail, "reset")
    browser.send(path, {"password": NEW}, page=path)
    return browser


def test_who_signed_up_with_somebody_elses_address_keeps_no_key(
    mailing: Flask, cast: Cast, device: Authenticator, session: Session
) -> None:
    """A stranger signs up with Mara's address and adds a passkey; Mara takes the account over by mail."""
    mara = reset(mailing, cast.patient.email)
    assert "Remove" not in mara.get("/account/passkeys").text
    stranger = CheckingClient(mailing)
    assert touch(stranger, device.sign_in(ask_touch(stranger))).status_code == 422


def test_a_key_outlives_a_reset_where_the_address_was_confirmed(
    mailing: Flask, cast: Cast, device: Authenticator, session: Session
) -> None:
    accounts.settle(session, cast.patient.account_id, verified_at=clocks.now())
    session.commit()
    reset(mailing, cast.patient.email)
    browser = CheckingClient(mailing)
    assert touch(browser, device.sign_in(ask_touch(browser))).status_code == 303


def test_a_second_step_outlives_a_reset_in_any_case(mailing: Flask, cast: Cast, clock: Any) -> None:
    set_up_passkey(cast.patient.sign_in())
    clock.shift(60)
    browser = reset(mailing, cast.patient.email)
    assert "Use my passkey" in browser.get(AT_SIGN_IN).text
