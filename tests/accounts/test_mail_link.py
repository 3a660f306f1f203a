"""A link by mail that signs in: once, soon, by a button, and never past a second step."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from journal.accounts import service
from journal.accounts.models import AccountSession, MailedLink
from journal.kit import clock as clocks
from tests.accounts.test_accounts import NEW, link_in, mailing, mails, sign_up
from tests.cast import PASSPHRASE, Cast
from tests.client import CheckingClient
from tests.factors.people import AT_SIGN_IN, code, csrf, give, set_up_app

__all__ = ["mailing"]
ASK = "/sign-in/link"


@pytest.fixture(autouse=True)
def confirmed(cast: Cast, session: Session) -> None:
    """Mara has confirmed her address."""
    service.settle(session, cast.patient.account_id, verified_at=clocks.now())
    session.commit()


def ask_for(app: Flask, email: str) -> CheckingClient:
    browser = CheckingClient(app)
    browser.send(ASK, {"email": email}, page=ASK)
    return browser


def link_to(app: Flask, email: str) -> str:
    ask_for(app, email)
    [mail] = [m for m in mails(app) if f"To: {email}" in m and "/sign-in/link/" in m]
    found = re.search(r"http://localhost:8000(/sign-in/link/[\w-]+)", mail)
    assert found
    return found[1]


def test_it_signs_in_by_a_button(cast: Cast, mailing: Flask) -> None:
    path = link_to(mailing, cast.patient.email)
    browser = CheckingClient(mailing)
    assert cast.patient.email in browser.get(path).text
    assert browser.send(path).location == "/today"
    assert cast.patient.email in browser.get("/account").text
    browser.get("/account/sessions")
    browser.get(path, expect=404)  # used up


def test_looking_at_it_uses_nothing_up(cast: Cast, mailing: Flask, session: Session) -> None:
    """As mail programs and scanners do."""
    path = link_to(mailing, cast.patient.email)
    before = session.query(AccountSession).count()
    scanner = CheckingClient(mailing)
    for method in ("GET", "HEAD", "GET", "HEAD", "OPTIONS"):
        assert scanner.raw(method, path).status_code == 200
    assert scanner.raw("POST", path).status_code == 400  # no CSRF token
    assert session.query(AccountSession).count() == before
    scanner.get("/today", expect=303)
    assert CheckingClient(mailing).send(path, page=path).location == "/today"


def test_it_signs_in_once(cast: Cast, mailing: Flask) -> None:
    path = link_to(mailing, cast.patient.email)
    one, two = CheckingClient(mailing), CheckingClient(mailing)
    two.get(path)
    one.send(path, page=path)
    told = two.send(path, expect=404)
    assert "no longer works" in told.text and 'href="/sign-in/link"' in told.text
    two.get("/today", expect=303)


def test_it_lives_15_minutes(cast: Cast, mailing: Flask, clock: Any) -> None:
    path = link_to(mailing, cast.patient.email)
    browser = CheckingClient(mailing)
    clock.shift(899)
    browser.get(path)
    clock.shift(2)
    browser.send(path, expect=404)
    browser.get(path, expect=404)


def test_a_mail_that_comes_too_late_is_not_sent(cast: Cast, mailing: Flask, clock: Any) -> None:
    ask_for(mailing, cast.patient.email)
    clock.shift(900)
    assert not [m for m in mails(mailing) if f"To: {cast.patient.email}" in m and "sign in" in m]


def test_only_its_hash_is_kept(cast: Cast, mailing: Flask, session: Session) -> None:
    path = link_to(mailing, cast.patient.email)
    row = session.execute(select(MailedLink).where(MailedLink.purpose == "sign-in")).scalar_one()
    assert path.rpartition("/")[2].encode() not in bytes(row.token_hash)


def test_asking_answers_alike(cast: Cast, mailing: Flask) -> None:
    """Known and confirmed, known and not confirmed, unknown: the same answer, in the same words."""
    told = set()
    for email in (cast.patient.email, cast.other.email, "nobody@example.org"):
        browser = CheckingClient(mailing)
        answer = browser.send(ASK, {"email": email}, page=ASK)
        told.add((answer.status_code, answer.location, answer.text, browser.follow(answer).text))
    assert len({one[:3] for one in told}) == 1
    assert not [m for m in mails(mailing) if "To: nobody@example.org" in m]


def test_addresses_that_are_no_addresses(client: CheckingClient) -> None:
    page = client.send(ASK, {"email": "mara"}, expect=422, page=ASK)
    assert 'value="mara"' in page.text and 'id="email-error"' in page.text


def test_mails_are_counted_by_address(cast: Cast, mailing: Flask) -> None:
    for _ in range(service.MAILS_PER_ACCOUNT):
        ask_for(mailing, cast.patient.email)
    told = CheckingClient(mailing).send(ASK, {"email": cast.patient.email.upper()}, expect=429, page=ASK)
    assert "Wait an hour" in told.text
    ask_for(mailing, cast.other.email)
    told = CheckingClient(mailing).send(
        "/account/reset", {"email": cast.patient.email}, page="/account/reset"
    )
    assert told.status_code == 303  # a new passphrase is counted apart


def test_mails_are_counted_by_who_asks(mailing: Flask) -> None:
    browser = CheckingClient(mailing)
    browser.get(ASK)
    codes = [
        browser.raw("POST", ASK, data={"csrf_token": csrf(browser), "email": f"a{n}@example.org"}).status_code
        for n in range(service.MAILS_PER_ADDRESS + 1)
    ]
    assert codes == [303] * service.MAILS_PER_ADDRESS + [429]


def test_a_second_step_is_still_asked_for(cast: Cast, mailing: Flask, clock: Any) -> None:
    secret, _ = set_up_app(cast.patient.sign_in())
    clock.shift(60)
    path = link_to(mailing, cast.patient.email)
    browser = CheckingClient(mailing)
    assert browser.send(path, page=path).location == AT_SIGN_IN
    browser.get("/today", expect=303)
    assert "Your link is right" in browser.get(AT_SIGN_IN).text
    assert give(browser, code(secret)).location == "/today"
    browser.get("/today")


def test_it_proves_no_passphrase(cast: Cast, mailing: Flask, clock: Any) -> None:
    """Whoever reads somebody's mail for a moment sets nothing up by it, with or without the second step."""
    path = link_to(mailing, cast.patient.email)
    browser = CheckingClient(mailing)
    browser.send(path, page=path)
    assert "/passphrase?" in browser.get("/account/passkeys/new", expect=303).location
    assert "/passphrase?" in browser.get("/account/second-step/app", expect=303).location
    secret, _ = set_up_app(cast.patient.sign_in())
    clock.shift(60)
    path = link_to(mailing, cast.patient.email)
    browser = CheckingClient(mailing)
    browser.send(path, page=path)
    give(browser, code(secret))
    assert "/passphrase?" in browser.get("/account/second-step/recovery-codes", expect=303).location


def test_a_new_passphrase_ends_open_links(cast: Cast, mailing: Flask) -> None:
    path = link_to(mailing, cast.patient.email)
    browser = cast.patient.sign_in()
    form = {"current": PASSPHRASE, "password": NEW}
    browser.send("/account/passphrase", form, page="/account/passphrase")
    CheckingClient(mailing).get(path, expect=404)


def test_a_reset_ends_open_links(cast: Cast, mailing: Flask) -> None:
    path = link_to(mailing, cast.patient.email)
    browser = CheckingClient(mailing)
    browser.send("/account/reset", {"email": cast.patient.email}, page="/account/reset")
    [mail] = [m for m in mails(mailing) if "/account/reset/" in m]
    to_reset = link_in(mail, "reset")
    browser.send(to_reset, {"password": NEW}, page=to_reset)
    CheckingClient(mailing).get(path, expect=404)


def test_another_address_ends_open_links(cast: Cast, mailing: Flask) -> None:
    """When it is asked for, and once more when it is confirmed."""
    before = link_to(mailing, cast.patient.email)
    browser = cast.patient.sign_in()
    form = {"email": "mara-elsewhere@example.org", "password": PASSPHRASE}
    browser.send("/account/address", form, page="/account/address")
    CheckingClient(mailing).get(before, expect=404)
    [mail] = [m for m in mails(mailing) if "To: mara-elsewhere@example.org" in m]
    meanwhile = link_to(mailing, cast.patient.email)
    CheckingClient(mailing).get(meanwhile)
    to_verify = link_in(mail, "verify")
    CheckingClient(mailing).send(to_verify, page=to_verify)
    CheckingClient(mailing).get(meanwhile, expect=404)


def test_a_link_for_something_else_signs_nobody_in(cast: Cast, mailing: Flask) -> None:
    browser = CheckingClient(mailing)
    browser.send("/account/reset", {"email": cast.patient.email}, page="/account/reset")
    [mail] = [m for m in mails(mailing) if "/account/reset/" in m]
    token = link_in(mail, "reset").rpartition("/")[2]
    browser.get(f"/sign-in/link/{token}", expect=404)
    path = link_to(mailing, cast.patient.email)
    browser.get(f"/account/reset/{path.rpartition('/')[2]}", expect=404)
    for token in ("x", "x" * 3000, "é", "..%2f"):
        browser.get(f"/sign-in/link/{token}", expect=404)


def test_an_address_that_nobody_confirmed_gets_a_new_passphrase_instead(cast: Cast, mailing: Flask) -> None:
    """Whoever signed up with somebody else's address must not stay in when its owner comes."""
    squatter = cast.newcomer.sign_in()
    ask_for(mailing, cast.newcomer.email)
    [mail] = [m for m in mails(mailing) if f"To: {cast.newcomer.email}" in m and "sign in" in m]
    assert "/sign-in/link/" not in mail and "choose a new passphrase first" in mail
    path = link_in(mail, "reset")
    owner = CheckingClient(mailing)
    owner.send(path, {"password": NEW}, page=path)
    owner.get("/today")
    squatter.get("/today", expect=303)


def test_an_address_that_several_claim_gets_nothing(cast: Cast, mailing: Flask) -> None:
    sign_up(CheckingClient(mailing), cast.newcomer.email, "a second claim of this address")
    ask_for(mailing, cast.newcomer.email)
    assert not [m for m in mails(mailing) if f"To: {cast.newcomer.email}" in m and "sign in" in m]


def test_a_claim_beside_the_owner_changes_nothing(cast: Cast, mailing: Flask) -> None:
    sign_up(CheckingClient(mailing), cast.patient.email, "a second claim of this address")
    path = link_to(mailing, cast.patient.email)
    browser = CheckingClient(mailing)
    browser.send(path, page=path)
    assert "Please confirm your address" not in browser.get("/account").text  # as the claim's page would say


def test_the_mail_says_nothing_about_health(cast: Cast, mailing: Flask) -> None:
    ask_for(mailing, cast.patient.email)
    ask_for(mailing, cast.newcomer.email)
    told = "".join(m for m in mails(mailing) if "link to sign in" in m).lower()
    assert told.count("subject: your link to sign in\n") == 2
    assert not re.search("ketamine|infusion|symptom|journal|mood|depress|clinic|treat", told)


def test_readers_come_to_their_own_page(cast: Cast, mailing: Flask, session: Session) -> None:
    service.begin_reading(session, cast.patient.account_id, clocks.now())
    session.commit()
    path = link_to(mailing, cast.patient.email)
    assert CheckingClient(mailing).send(path, page=path).location == "/"
