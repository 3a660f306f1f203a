"""Signing in with a second step: nothing opens without it, each code and each answer counts once."""

import json
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from journal.accounts.models import AccountSession
from journal.factors import service
from journal.factors.models import Passkey
from tests.accounts.test_accounts import NEW, link_in, mailing, mails
from tests.architecture.test_routes import guarded, path_of
from tests.cast import PASSPHRASE, Cast
from tests.client import CheckingClient
from tests.factors.authenticator import PRESENT, Authenticator
from tests.factors.people import (
    AT_SIGN_IN,
    ask,
    code,
    csrf,
    give,
    give_answer,
    half_way,
    set_up_app,
    set_up_passkey,
)
from tests.factors.test_setting_up import waiting_mails

__all__ = ["mailing"]
RECOVERY = "/sign-in/recovery-code"


@pytest.fixture
def secret(cast: Cast, clock: Any) -> str:
    """Mara's app, set up a minute ago."""
    made, _ = set_up_app(cast.patient.sign_in())
    clock.shift(60)
    return made


@pytest.fixture
def device(cast: Cast, clock: Any) -> Authenticator:
    made, _ = set_up_passkey(cast.patient.sign_in())
    clock.shift(60)
    return made


def test_the_passphrase_alone_opens_nothing_anywhere(
    app: Flask, cast: Cast, secret: str, session: Session
) -> None:
    browser = half_way(app, cast.patient)
    before = session.query(AccountSession).count()
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        for rule in guarded(app):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                answer = browser.raw(method, path_of(rule, str(uuid4()), str(uuid4())))
                assert answer.status_code in (303, 401), (method, rule.rule, answer.status_code)
                assert answer.status_code == 401 or answer.location.startswith("/sign-in"), rule.rule
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    assert session.query(AccountSession).count() == before
    assert browser.cookie("known_device") is None
    assert "Sign in" in browser.get("/").text


def test_with_the_apps_code(app: Flask, cast: Cast, secret: str) -> None:
    browser = half_way(app, cast.patient, "/sign-in?next=/trends")
    assert "One more step" in browser.get(AT_SIGN_IN).text
    answer = give(browser, code(secret))
    assert (answer.status_code, answer.location) == (303, "/trends")
    browser.get("/trends")
    assert browser.cookie("known_device")
    browser.get(AT_SIGN_IN, expect=303)
    assert "this one" in browser.get("/account/sessions").text


@pytest.mark.parametrize(("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phones_clock_may_be_one_step_off(
    app: Flask, cast: Cast, secret: str, steps: int, fits: bool
) -> None:
    answer = give(half_way(app, cast.patient), code(secret, steps))
    assert answer.status_code == (303 if fits else 422)


def test_a_code_counts_once_and_none_before_it(app: Flask, cast: Cast, secret: str) -> None:
    assert give(half_way(app, cast.patient), code(secret)).status_code == 303
    again = half_way(app, cast.patient)
    told = give(again, code(secret))
    assert told.status_code == 422 and "used already" in told.text
    assert give(again, code(secret, -1)).status_code == 422
    assert give(again, code(secret, 1)).status_code == 303


def test_the_code_that_set_it_up_does_not_sign_in(app: Flask, cast: Cast) -> None:
    secret, _ = set_up_app(cast.patient.sign_in())
    assert give(half_way(app, cast.patient), code(secret)).status_code == 422


@pytest.mark.parametrize("typed", ["", "000000", "٣٣٣٣٣٣", "12345", "x" * 41, "\x00"])
def test_codes_that_are_refused(app: Flask, cast: Cast, secret: str, typed: str) -> None:
    told = give(half_way(app, cast.patient), typed)
    assert told.status_code == 422 and 'id="code-error"' in told.text


def test_somebody_elses_code_is_no_use(app: Flask, cast: Cast, secret: str, clock: Any) -> None:
    theirs, codes = set_up_app(cast.other.sign_in())
    clock.shift(60)
    browser = half_way(app, cast.patient)
    assert give(browser, code(theirs)).status_code == 422
    assert give(browser, codes[0], RECOVERY).status_code == 422


def test_a_recovery_code_counts_once_and_its_owner_hears_of_it(
    app: Flask, cast: Cast, clock: Any, session: Session
) -> None:
    _, shown = set_up_app(cast.patient.sign_in())
    clock.shift(60)
    browser = half_way(app, cast.patient)
    answer = give(browser, shown[0].upper(), RECOVERY)
    assert (answer.status_code, answer.location) == (303, "/today")
    assert "You have 9 left" in browser.get("/today").text
    assert "recovery-code-used" in waiting_mails(session)
    again = half_way(app, cast.patient)
    assert give(again, shown[0], RECOVERY).status_code == 422
    assert give(again, shown[1].replace("-", " "), RECOVERY).status_code == 303


def test_with_a_passkey(app: Flask, cast: Cast, device: Authenticator, session: Session) -> None:
    browser = half_way(app, cast.patient, "/sign-in?next=/trends")
    options = ask(browser)
    assert options["userVerification"] == "required" and len(options["allowCredentials"]) == 1
    answer = give_answer(browser, device.sign_in(options))
    assert (answer.status_code, answer.location) == (303, "/trends")
    assert "Last used" in browser.get("/account/second-step").text


def test_an_answer_counts_once(app: Flask, cast: Cast, device: Authenticator) -> None:
    """The same response again, in the same browser and in another one."""
    browser, other = half_way(app, cast.patient), half_way(app, cast.patient)
    answer = device.sign_in(ask(browser))
    assert give_answer(browser, answer).status_code == 303
    assert give_answer(other, answer).status_code == 422
    again = half_way(app, cast.patient)
    ask(again)
    assert give_answer(again, answer).status_code == 422
    assert give_answer(again, device.sign_in(ask(again))).status_code == 303


def test_an_old_challenge_is_no_use(app: Flask, cast: Cast, device: Authenticator, clock: Any) -> None:
    browser = half_way(app, cast.patient)
    answer = device.sign_in(ask(browser))
    clock.shift(300)
    assert give_answer(browser, answer).status_code == 422


def test_a_challenge_is_for_one_account_and_one_purpose(
    app: Flask, cast: Cast, device: Authenticator, clock: Any
) -> None:
    theirs, _ = set_up_passkey(cast.other.sign_in())
    mara, otis = half_way(app, cast.patient), half_way(app, cast.other)
    options = ask(mara)
    own = {"challenge": options["challenge"], "allowCredentials": ask(otis)["allowCredentials"]}
    assert give_answer(otis, theirs.sign_in(own)).status_code == 422  # Mara's challenge
    assert give_answer(mara, theirs.sign_in({**own})).status_code == 422  # Otis's key
    signed_in = give_answer(otis, theirs.sign_in(ask(otis)))
    assert signed_in.status_code == 303
    otis.get("/account/second-step/passkeys/new")
    registering = ask(otis, "/account/second-step/passkeys/ask")
    again = half_way(app, cast.other)
    for_another_purpose = {**ask(again), "challenge": registering["challenge"]}
    assert give_answer(again, theirs.sign_in(for_another_purpose)).status_code == 422


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "http://evil.example"},
        {"host": "evil.example"},
        {"flags": PRESENT},
        {"flags": 0},
        {"key": Authenticator().key},
    ],
    ids=["origin", "host", "not-verified", "not-present", "another-key"],
)
def test_answers_that_are_refused(
    app: Flask, cast: Cast, device: Authenticator, change: dict[str, Any]
) -> None:
    browser = half_way(app, cast.patient)
    for name, value in change.items():
        setattr(device, name, value)
    told = give_answer(browser, device.sign_in(ask(browser)))
    assert told.status_code == 422 and "That didn’t work" in told.text


def test_a_count_that_goes_back_is_refused_and_told(
    app: Flask, cast: Cast, device: Authenticator, session: Session
) -> None:
    browser = half_way(app, cast.patient)
    assert give_answer(browser, device.sign_in(ask(browser))).status_code == 303
    for back in (1, 2):
        copied = half_way(app, cast.patient)
        device.count -= back
        assert give_answer(copied, device.sign_in(ask(copied))).status_code == 422
    assert waiting_mails(session).count("second-step-refused") == 2
    device.counts, device.count = False, 0
    zero = half_way(app, cast.patient)
    assert give_answer(zero, device.sign_in(ask(zero))).status_code == 422


def test_a_key_that_never_counts_can_be_used_again(app: Flask, cast: Cast, session: Session) -> None:
    device, _ = set_up_passkey(cast.patient.sign_in(), counts=False)
    for _ in range(2):
        browser = half_way(app, cast.patient)
        assert give_answer(browser, device.sign_in(ask(browser))).status_code == 303
    assert session.query(Passkey).one().sign_count == 0


def test_hostile_answers_are_refused_and_never_a_fault(app: Flask, cast: Cast, device: Authenticator) -> None:
    browser = half_way(app, cast.patient)
    good = device.sign_in(ask(browser))
    hostile = ["", "null", "{}", "[" * 50_000, '"x"', good[:-2], "x" * 70_000]
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        for value in ("", "AA", "e30", "__8", "A" * 3000):
            told = json.loads(good)
            told["response"][name] = value
            hostile.append(json.dumps(told))
    for n, answer in enumerate(hostile):
        if n % service.TRIES == 0:
            browser = half_way(app, cast.patient)
        told = give_answer(browser, answer)
        assert told.status_code in (422, 429), (answer[:60], told.status_code)


def test_ten_minutes(app: Flask, cast: Cast, secret: str, clock: Any) -> None:
    browser = half_way(app, cast.patient, "/sign-in?next=/trends")
    clock.shift(600)
    browser.get(AT_SIGN_IN)
    clock.shift(1)
    assert browser.get(AT_SIGN_IN, expect=303).location == "/sign-in?next=/trends"
    assert "That took a while" in browser.get("/sign-in").text
    late = half_way(app, cast.patient)
    clock.shift(601)
    form = {"csrf_token": csrf(late), "code": code(secret)}
    assert late.raw("POST", AT_SIGN_IN, data=form).location.startswith("/sign-in")
    assert late.raw("POST", "/sign-in/passkey/ask", data=form).status_code == 401


def test_nobody_is_there_without_the_passphrase(client: CheckingClient) -> None:
    client.get("/sign-in")
    token = {"csrf_token": csrf(client), "code": "000000", "answer": "{}"}
    for path in (AT_SIGN_IN, RECOVERY):
        assert client.get(path, expect=303).location == "/sign-in"
    client.get("/sign-in")
    for path in (AT_SIGN_IN, RECOVERY, "/sign-in/passkey"):
        assert client.raw("POST", path, data=token).location == "/sign-in"
    assert client.raw("POST", "/sign-in/passkey/ask", data=token).status_code == 401


def test_guessing_is_slowed_and_the_owner_hears_of_it(
    app: Flask, cast: Cast, secret: str, session: Session, clock: Any
) -> None:
    browser, other = half_way(app, cast.patient), half_way(app, cast.patient)
    codes = [give(browser if n % 2 else other, f"{n:06}").status_code for n in range(service.TRIES + 2)]
    assert codes == [422] * service.TRIES + [429] * 2
    told = give(half_way(app, cast.patient), code(secret))
    assert told.status_code == 429 and "Wait 15 minutes" in told.text
    assert waiting_mails(session).count("second-step-refused") == 1
    clock.shift(901)
    assert give(half_way(app, cast.patient), code(secret)).status_code == 303


def test_right_ones_are_not_counted(app: Flask, cast: Cast, secret: str, clock: Any) -> None:
    for _ in range(service.TRIES + 2):
        clock.shift(30)
        assert give(half_way(app, cast.patient), code(secret)).status_code == 303


def test_a_passkey_still_works_when_codes_were_guessed_at(
    app: Flask, cast: Cast, device: Authenticator
) -> None:
    browser = half_way(app, cast.patient)
    for n in range(service.TRIES + 1):
        give(browser, f"{n:06}")
    assert give_answer(browser, device.sign_in(ask(browser))).status_code == 303


def test_challenges_are_not_handed_out_without_end(
    app: Flask, cast: Cast, device: Authenticator, clock: Any
) -> None:
    clock.shift(901)
    browser = half_way(app, cast.patient)
    codes = [
        browser.raw("POST", "/sign-in/passkey/ask", data={"csrf_token": csrf(browser)}).status_code
        for _ in range(service.CHALLENGES + 1)
    ]
    assert codes == [200] * service.CHALLENGES + [429]


def test_signing_up_with_the_known_passphrase_does_not_get_round_it(
    app: Flask, cast: Cast, secret: str
) -> None:
    browser = CheckingClient(app)
    form = {"email": cast.patient.email, "password": PASSPHRASE}
    assert browser.send("/sign-up", form, page="/sign-up").location == AT_SIGN_IN
    browser.get("/today", expect=303)
    assert give(browser, code(secret)).location == "/today"


def test_a_reset_by_mail_does_not_get_round_it(mailing: Flask, cast: Cast, secret: str) -> None:
    browser = CheckingClient(mailing)
    browser.send("/account/reset", {"email": cast.patient.email}, page="/account/reset")
    [mail] = [m for m in mails(mailing) if "Choose a new passphrase" in m]
    path = link_in(mail, "reset")
    assert browser.send(path, {"password": NEW}, page=path).location == AT_SIGN_IN
    browser.get("/today", expect=303)
    assert "Your passphrase is changed" in browser.get(AT_SIGN_IN).text
    old = CheckingClient(mailing)
    old.send("/sign-in", {"email": cast.patient.email, "password": PASSPHRASE}, expect=422, page="/sign-in")
    assert give(browser, code(secret)).location == "/today"
    browser.get("/today")


def test_the_page_of_the_second_step_says_what_there_is(app: Flask, cast: Cast, secret: str) -> None:
    page = half_way(app, cast.patient).get(AT_SIGN_IN).text
    assert "Code from your app" in page and "Use my passkey" not in page and "recovery code" in page
    set_up_passkey(cast.other.sign_in())
    page = half_way(app, cast.other).get(AT_SIGN_IN).text
    assert "Code from your app" not in page and "Use my passkey" in page


def test_whoever_lost_the_last_factor_meanwhile_signs_in_anew(
    app: Flask, cast: Cast, secret: str, session: Session
) -> None:
    from journal.kit.clock import now

    browser = half_way(app, cast.patient)
    service.remove_app(session, cast.patient.account_id, now())
    session.commit()
    assert browser.get(AT_SIGN_IN, expect=303).location.startswith("/sign-in?")
    cast.patient.sign_in().get("/today")


def test_half_way_by_a_former_passphrase_is_nowhere(app: Flask, cast: Cast, clock: Any) -> None:
    owner = cast.patient.sign_in()
    secret, _ = set_up_app(owner)
    stranger = half_way(app, cast.patient)
    form = {"current": PASSPHRASE, "password": NEW}
    owner.send("/account/passphrase", form, page="/account/passphrase")
    clock.shift(60)
    token = {"csrf_token": csrf(stranger), "code": code(secret)}
    assert stranger.raw("POST", AT_SIGN_IN, data=token).location.startswith("/sign-in?")
    assert stranger.get("/sign-in").text.count("your passphrase was changed") == 1
    stranger.get(AT_SIGN_IN, expect=303)


def test_an_endless_address_to_go_on_to_keeps_nobody_out(app: Flask, cast: Cast, secret: str) -> None:
    browser = half_way(app, cast.patient, f"/sign-in?next=/trends?{'x' * 3500}")
    assert give(browser, code(secret)).location == "/today"


def test_signing_in_gives_a_new_cookie(app: Flask, cast: Cast, secret: str) -> None:
    """Nothing that was known before the second step is worth anything after it."""
    browser = half_way(app, cast.patient)
    before = browser.cookie("journal")
    give(browser, code(secret))
    stolen = CheckingClient(app)
    stolen._client.set_cookie("journal", before or "")
    stolen.get("/today", expect=303)
    assert "One more step" in stolen.get(AT_SIGN_IN).text
    assert give(stolen, code(secret)).status_code == 422
