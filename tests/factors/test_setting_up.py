"""Setting a second step up and taking it away: the passphrase first, recovery codes once, a mail for each change."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.factors import emails
from journal.factors.models import Passkey, RecoveryCode, TotpFactor
from journal.kit import clock as clocks
from journal.kit import qr
from tests.cast import PASSPHRASE, Cast
from tests.factors.authenticator import PRESENT, Authenticator
from tests.factors.people import ask, code, csrf, set_up_app, set_up_passkey

PAGE = "/account/second-step"


def waiting_mails(session: Session) -> list[str]:
    rows = session.execute(text("SELECT purpose FROM outbox ORDER BY created_at, purpose")).scalars()
    return [purpose for purpose in rows if purpose in emails.PURPOSES]


def audited(session: Session) -> list[str]:
    return list(session.execute(text("SELECT action FROM audit_events ORDER BY id")).scalars())


def test_an_app_counts_once_it_has_shown_a_code(cast: Cast, session: Session) -> None:
    browser = cast.patient.sign_in()
    assert "Off" in browser.get("/account").text
    browser.send(f"{PAGE}/app/begin", page=f"{PAGE}/app")
    page = browser.get(f"{PAGE}/app").text
    assert "data:" not in page and "<svg" in page
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
    assert len(secret) == 32
    browser.send(f"{PAGE}/app", {"code": "000000"}, expect=422)
    assert cast.patient.sign_in().get("/account")  # nothing asked yet
    told = browser.send(f"{PAGE}/app", {"code": f"{code(secret)[:3]} {code(secret)[3:]}"}, expect=200)
    shown = re.findall(r"<li>([a-z0-9-]{14})</li>", told.text)
    assert len(set(shown)) == 10
    page = browser.get(PAGE).text
    assert "Authenticator app" in page and "<b>10</b> left" in page and secret not in page.replace(" ", "")
    assert not any(one in page for one in shown)
    assert secret[:4] not in browser.get(f"{PAGE}/app").text  # a confirmed one is never shown again
    assert waiting_mails(session) == ["factor-added"]
    assert "On" in browser.get("/account").text


def test_the_drawing_is_the_code() -> None:
    side, path = qr.drawing("otpauth://totp/x")
    modules = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", path)}
    quiet = qr.QUIET_ZONE
    finder = {(quiet + x, quiet + y) for x in range(7) for y in range(7) if x in (0, 6) or y in (0, 6)}
    assert finder <= modules
    assert all(quiet <= x < side - quiet and quiet <= y < side - quiet for x, y in modules)


def test_secrets_do_not_stand_in_the_database(cast: Cast, session: Session) -> None:
    browser = cast.patient.sign_in()
    secret, shown = set_up_app(browser)
    browser.send(f"{PAGE}/app/begin", page=f"{PAGE}/app")
    pending = browser.get(f"{PAGE}/app").text
    pending = re.search(r'class="secret">([A-Z2-7 ]+)<', pending)[1].replace(" ", "")  # type: ignore[index]
    assert pending != secret
    app = session.get_one(TotpFactor, cast.patient.account_id)
    assert app.sealed and app.pending_sealed
    for table in ("totp_factors", "recovery_codes", "challenges", "outbox", "audit_events", "accounts"):
        for row in session.execute(text(f"SELECT * FROM {table}")):
            told = repr(row) + "".join(
                v.decode("latin-1")
                for v in map(bytes, filter(lambda v: isinstance(v, bytes | memoryview), row))
            )
            assert secret not in told and pending not in told
            assert not any(one in told or one.replace("-", "") in told for one in shown)


def test_one_seal_does_not_open_for_another_account(cast: Cast, session: Session) -> None:
    from journal.factors.queries import open_secret
    from journal.kit.vault import CannotOpen

    set_up_app(cast.patient.sign_in())
    sealed = session.get_one(TotpFactor, cast.patient.account_id).sealed
    assert sealed
    with pytest.raises(CannotOpen):
        open_secret(session, cast.other.account_id, sealed)


@pytest.mark.parametrize("path", ["app", "app/remove", "passkeys/new", "recovery-codes"])
def test_the_passphrase_comes_first_unless_it_was_given_a_moment_ago(
    cast: Cast, clock: Any, path: str
) -> None:
    browser = cast.patient.sign_in()
    set_up_app(browser)
    clock.shift(300)
    browser.get(f"{PAGE}/{path}")
    clock.shift(1)
    led = browser.get(f"{PAGE}/{path}", expect=303).location
    assert led.startswith(f"{PAGE}/passphrase?back=")
    browser.get(led)
    browser.send(led, {"password": "not my passphrase"}, expect=422)
    browser.get(f"{PAGE}/{path}", expect=303)
    browser.get(led)
    answer = browser.send(led, {"password": PASSPHRASE})
    assert answer.location == f"{PAGE}/{path}"
    browser.get(answer.location)


def test_a_post_without_a_fresh_passphrase_changes_nothing(cast: Cast, clock: Any, session: Session) -> None:
    browser = cast.patient.sign_in()
    set_up_app(browser)
    set_up_passkey(browser)
    key = session.query(Passkey).one()
    clock.shift(301)
    browser.get("/account")
    token = {"csrf_token": csrf(browser)}
    for path in (
        "app/begin",
        "app",
        "app/remove",
        "passkeys/new",
        f"passkeys/{key.id}/remove",
        "recovery-codes",
    ):
        answer = browser.raw("POST", f"{PAGE}/{path}", data={**token, "code": "123456", "name": "x"})
        assert answer.status_code == 303 and "/passphrase?" in answer.location, path
    assert browser.raw("POST", f"{PAGE}/passkeys/ask", data=token).status_code == 401
    session.expire_all()
    assert session.get_one(TotpFactor, cast.patient.account_id).confirmed_at
    assert session.get_one(Passkey, key.id)
    assert waiting_mails(session) == ["factor-added", "factor-added"]


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_nobody_is_sent_elsewhere_after_the_passphrase(cast: Cast, back: str) -> None:
    browser = cast.patient.sign_in()
    browser.get("/account")
    answer = browser.raw(
        "POST",
        f"{PAGE}/passphrase",
        query_string={"back": back},
        data={"csrf_token": csrf(browser), "password": PASSPHRASE},
    )
    assert answer.location == PAGE


def test_other_devices_are_signed_out_by_the_first_factor_only(cast: Cast, app: Flask) -> None:
    here, there = cast.patient.sign_in(), cast.patient.sign_in()
    set_up_app(here)
    there.get("/today", expect=303)
    here.get("/today")
    set_up_passkey(here)
    here.get("/today")


def test_a_session_without_the_second_step_opens_nothing_however_it_came_to_be(
    cast: Cast, session: Session, database: Any
) -> None:
    """As when a sign-in is under way at the very moment in which the first factor is set up."""
    set_up_app(cast.patient.sign_in())
    token = accounts.start_session(session, cast.patient.account_id, "A browser", clocks.now())
    session.commit()
    from journal.accounts.queries import find_signed_in, list_sessions

    assert find_signed_in(session, token, clocks.now()) is None
    assert len(list_sessions(session, cast.patient.account_id, clocks.now())) == 1


def test_passkeys_are_named_listed_and_removed(cast: Cast, session: Session) -> None:
    browser = cast.patient.sign_in()
    _, shown = set_up_passkey(browser, "Blue <phone>")
    assert len(shown) == 10
    _, more = set_up_passkey(browser, "Key ring")
    assert more == []
    page = browser.get(PAGE).text
    assert "Blue &lt;phone&gt;" in page and "Key ring" in page and "added 22 November 2026" in page
    ids = re.findall(r"/passkeys/([0-9a-f-]{36})/remove", page)
    for key_id in ids:
        browser.send(f"{PAGE}/passkeys/{key_id}/remove", page=f"{PAGE}/passkeys/{key_id}/remove")
    assert "Use a passkey" in browser.get(PAGE).text
    assert session.query(RecoveryCode).count() == 0
    assert waiting_mails(session).count("factor-removed") == 2
    cast.patient.sign_in().get("/today")  # the passphrase alone again
    assert {"factor-added", "factor-removed"} <= set(audited(session))


def test_somebody_elses_passkey_is_not_there(cast: Cast, session: Session) -> None:
    set_up_passkey(cast.other.sign_in())
    key = session.query(Passkey).one()
    browser = cast.patient.sign_in()
    browser.get(f"{PAGE}/passkeys/{key.id}/remove", expect=404)
    browser.get("/account")
    answer = browser.raw("POST", f"{PAGE}/passkeys/{key.id}/remove", data={"csrf_token": csrf(browser)})
    assert answer.status_code == 404
    assert session.query(Passkey).count() == 1


def test_the_last_factor_of_somebody_who_reads_others_stays(cast: Cast, session: Session) -> None:
    browser = cast.patient.sign_in()
    set_up_app(browser)
    accounts.begin_reading(session, cast.patient.account_id, clocks.now())
    accounts.begin_reading(session, cast.patient.account_id, clocks.now())
    session.commit()
    assert audited(session).count("began-reading") == 1
    assert "one has to stay" in browser.get(f"{PAGE}/app/remove").text
    browser.get("/account")
    browser.raw("POST", f"{PAGE}/app/remove", data={"csrf_token": csrf(browser)})
    assert "Add another one first" in browser.get(PAGE).text
    set_up_passkey(browser)
    browser.send(f"{PAGE}/app/remove", page=f"{PAGE}/app/remove")
    page = browser.get(PAGE).text
    assert "Authenticator app" not in page and "My phone" in page


def test_a_new_app_takes_the_place_of_the_old_one_when_it_has_shown_a_code(cast: Cast, clock: Any) -> None:
    from journal.factors import service

    browser = cast.patient.sign_in()
    old, _ = set_up_app(browser)
    clock.shift(60)
    browser.send(f"{PAGE}/app/begin", page=f"{PAGE}/app")
    with cast.patient.app.extensions["database"].writing() as unit:
        assert service.use_code(unit, cast.patient.account_id, code(old), clocks.now())
        unit.commit()
    clock.shift(60)
    new, shown = set_up_app(browser)
    assert shown == [] and new != old
    clock.shift(60)
    with cast.patient.app.extensions["database"].writing() as unit:
        assert not service.use_code(unit, cast.patient.account_id, code(old), clocks.now())
        assert service.use_code(unit, cast.patient.account_id, code(new), clocks.now())


def test_new_recovery_codes_end_the_old_ones(cast: Cast, session: Session) -> None:
    from journal.factors import service

    browser = cast.patient.sign_in()
    _, old = set_up_app(browser)
    told = browser.send(f"{PAGE}/recovery-codes", page=f"{PAGE}/recovery-codes", expect=200).text
    new = re.findall(r"<li>([a-z0-9-]{14})</li>", told)
    assert len(new) == 10 and not set(new) & set(old)
    who = cast.patient.account_id
    assert not service.use_recovery_code(session, who, old[0], clocks.now())
    assert service.use_recovery_code(session, who, f" {new[0].upper().replace('-', ' ')}", clocks.now())
    assert not service.use_recovery_code(session, cast.other.account_id, new[1], clocks.now())
    assert "recovery-codes-made" in waiting_mails(session)


@pytest.mark.parametrize(
    "kind",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:8001"},
        {"host": "evil.example"},
        {"flags": PRESENT},  # no fingerprint, face or PIN
        {"flags": 0},
    ],
)
def test_a_passkey_that_is_not_for_here_is_not_kept(cast: Cast, session: Session, kind: Any) -> None:
    browser = cast.patient.sign_in()
    browser.get(f"{PAGE}/passkeys/new")
    options = ask(browser, f"{PAGE}/passkeys/ask")
    device = Authenticator(**kind)
    form = {"csrf_token": csrf(browser), "name": "x", "answer": device.register(options)}
    assert browser.raw("POST", f"{PAGE}/passkeys/new", data=form).status_code == 422
    device = Authenticator()
    form["answer"] = device.register(options)  # the challenge was used up by the wrong answer
    assert browser.raw("POST", f"{PAGE}/passkeys/new", data=form).status_code == 422
    assert session.query(Passkey).count() == 0


def test_one_registration_makes_one_passkey(cast: Cast, session: Session) -> None:
    browser = cast.patient.sign_in()
    browser.get(f"{PAGE}/passkeys/new")
    options = ask(browser, f"{PAGE}/passkeys/ask")
    form = {"csrf_token": csrf(browser), "name": "x", "answer": Authenticator().register(options)}
    assert browser.raw("POST", f"{PAGE}/passkeys/new", data=form).status_code == 200
    assert browser.raw("POST", f"{PAGE}/passkeys/new", data=form).status_code == 422
    assert session.query(Passkey).count() == 1
    other = cast.other.sign_in()
    other.get(f"{PAGE}/passkeys/new")
    form["csrf_token"] = csrf(other)
    assert other.raw("POST", f"{PAGE}/passkeys/new", data=form).status_code == 422


def test_one_credential_is_one_accounts(cast: Cast, session: Session) -> None:
    device, _ = set_up_passkey(cast.patient.sign_in())
    other = cast.other.sign_in()
    other.get(f"{PAGE}/passkeys/new")
    answer = device.register(ask(other, f"{PAGE}/passkeys/ask"))
    form = {"csrf_token": csrf(other), "name": "x", "answer": answer}
    told = other.raw("POST", f"{PAGE}/passkeys/new", data=form)
    assert told.status_code == 422 and "in use already" in told.text
    assert session.query(Passkey).one().account_id == cast.patient.account_id
    other.get("/account")
    cast.other.sign_in().get("/today")  # and nothing else is asked of the other one


def test_names_that_are_refused(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    for name, words in (("", "Give it a name"), ("x" * 61, "60 letters at most")):
        page = browser.send(f"{PAGE}/passkeys/new", {"name": name}, expect=422, page=f"{PAGE}/passkeys/new")
        assert words in page.text


def test_mails_say_what_was_done_and_nothing_about_health(cast: Cast, app: Flask) -> None:
    from journal.kit.mail import Mail

    def render(name: str, to: str, **values: Any) -> Mail:
        page = app.jinja_env.get_template
        subject = page(f"emails/{name}/subject.txt").render(**values).strip()
        return Mail(to, subject, page(f"emails/{name}/body.txt").render(**values))

    for purpose, write in emails.writers(render, "http://localhost:8000").items():
        waiting = type("W", (), {"recipient": "mara@example.org"})()
        mail = write(None, waiting, clocks.now())  # type: ignore[arg-type]
        assert mail and mail.subject and "If this wasn’t you" in mail.body, purpose
        assert not re.search(
            "ketamine|infusion|symptom|journal|mood|clinic|treat|care", (mail.subject + mail.body).lower()
        )


def test_where_somebody_was_going_is_kept(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    assert "next=/trends" in browser.get(f"{PAGE}?next=/trends").text
    browser.send(f"{PAGE}/app/begin?next=/trends", page=f"{PAGE}/app?next=/trends")
    page = browser.get(f"{PAGE}/app?next=/trends").text
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
    told = browser.send(f"{PAGE}/app?next=/trends", {"code": code(secret)}, expect=200)
    assert 'href="/trends">I have kept them' in told.text
    page = browser.get(f"{PAGE}?next=//evil.example").text
    assert 'href="//evil' not in page and f'href="{PAGE}/recovery-codes"' in page and ">Go on<" not in page


def test_hostile_answers_are_refused_and_never_a_fault(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get(f"{PAGE}/passkeys/new")
    options = ask(browser, f"{PAGE}/passkeys/ask")
    good = Authenticator().register(options)
    hostile = ["", "null", "[]", "{}", "{" * 50_000, "[" * 50_000, '"x"', "9" * 5000, good[:-3]]
    hostile += [
        good.replace('"public-key"', '"x"'),
        good.replace('"rawId": "', '"rawId": "AAAA'),
        "x" * 70_000,
    ]
    hostile += [
        re.sub(r'("attestationObject": )"[^"]+"', rf'\1"{text}"', good) for text in ("", "AA", "oWNmbXQ")
    ]
    hostile += [
        re.sub(r'("clientDataJSON": )"[^"]+"', rf'\1"{text}"', good)
        for text in ("", "AA", "e30", "bnVsbA", "__8")
    ]
    for answer in hostile:
        form = {"csrf_token": csrf(browser), "name": "x", "answer": answer}
        told = browser.raw("POST", f"{PAGE}/passkeys/new", data=form)
        assert told.status_code == 422, (answer[:80], told.status_code)
