"""Signing up and in, proving an address, resetting, sessions: as people and as those who guess."""

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from journal.accounts import service
from journal.accounts.models import Account, AccountSession, MailedLink
from journal.accounts.passphrases import common, problem
from tests.cast import PASSPHRASE, Cast
from tests.client import CheckingClient

NEW = "seven quiet boats on ice"


def mails(app: Flask) -> list[str]:
    """Send what waits; give the newest mails' text, oldest first."""
    folder = Path(app.extensions["settings"].data_dir) / "mail"
    before = set(folder.glob("*.eml")) if folder.exists() else set()
    app.extensions["send_mail"]()
    from email import message_from_bytes
    from email.policy import default

    fresh = sorted(set(folder.glob("*.eml")) - before, key=lambda p: p.stat().st_mtime_ns)
    return [
        f"To: {m['To']}\nSubject: {m['Subject']}\n\n{m.get_content()}"
        for m in (message_from_bytes(p.read_bytes(), policy=default) for p in fresh)
    ]


@pytest.fixture
def mailing(app: Flask, monkeypatch: pytest.MonkeyPatch, database: Any) -> Flask:
    """The app, sending out of the test's own transaction."""
    import journal
    from journal.accounts import emails
    from journal.kit import clock, outbox
    from journal.kit.mail import Mail, keep_in_folder

    settings = app.extensions["settings"]

    def render(name: str, to: str, **values: Any) -> Mail:
        page = app.jinja_env.get_template
        return Mail(
            to,
            page(f"emails/{name}/subject.txt").render(**values).strip(),
            page(f"emails/{name}/body.txt").render(**values),
        )

    writers = emails.writers(render, settings.base_url)
    send = lambda: outbox.send_due(  # noqa: E731 - one call, handed over
        database, writers, keep_in_folder(settings.data_dir / "mail"), settings.mail_from, clock.now()
    )
    monkeypatch.setitem(app.extensions, "send_mail", send)
    assert journal
    return app


def link_in(mail: str, kind: str) -> str:
    found = re.search(rf"http://localhost:8000(/account/{kind}/[\w-]+)", mail)
    assert found, mail
    return found[1]


def sign_up(client: CheckingClient, email: str, password: str = PASSPHRASE) -> Any:
    return client.send(
        "/sign-up", {"email": email, "password": password, "zone": "Europe/Vienna"}, page="/sign-up"
    )


def test_a_new_account_is_usable_at_once(client: CheckingClient, session: Session) -> None:
    answer = sign_up(client, "new@example.org")
    assert answer.location == "/welcome"
    client.get("/today")
    account = session.execute(select(Account).where(Account.email == "new@example.org")).scalar_one()
    assert account.verified_at is None and account.zone == "Europe/Vienna"
    assert account.passphrase_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("passphrase", "words"),
    [
        ("fourteen chars", "15 characters or more"),
        ("passwordpassword", "on the lists"),
        ("PASSWORDPASSWORD", "on the lists"),
        ("aaaaaaaaaaaaaaaaaaa", "on the lists"),
        ("", "Choose a passphrase"),
    ],
)
def test_passphrases_that_are_refused(client: CheckingClient, passphrase: str, words: str) -> None:
    page = client.send(
        "/sign-up", {"email": "n@example.org", "password": passphrase}, expect=422, page="/sign-up"
    )
    assert words in page.text
    assert 'value="n@example.org"' in page.text


@pytest.mark.parametrize(
    "passphrase",
    [
        "fifteen charact",
        "no digits no signs",
        "日本語の長い合言葉を選びました今日",
        " " * 3 + "spaces are fine",
    ],
)
def test_there_are_no_other_rules(passphrase: str) -> None:
    assert problem(passphrase) is None


def test_the_list_of_common_ones_is_there() -> None:
    assert len(common()) > 1000
    assert min(map(len, common())) >= 15


@pytest.mark.parametrize(
    "email",
    [
        "",
        "sam",
        "sam@",
        "@example.org",
        "sam@example",
        "a b@example.org",
        "x" * 250 + "@example.org",
        "a@b..cd",
        "a..b@example.org",
        "🙂@example.org",
        "sam@example.org\nBcc: a@b.cd",
    ],
)
def test_addresses_that_are_refused(client: CheckingClient, email: str) -> None:
    page = client.send("/sign-up", {"email": email, "password": PASSPHRASE}, expect=422, page="/sign-up")
    assert 'id="email-error"' in page.text


def test_signing_up_answers_alike_for_a_known_address(
    cast: Cast, client: CheckingClient, mailing: Flask, session: Session
) -> None:
    """A stranger learns nothing; the owner keeps the journal and, if proven, gets a mail."""
    session.execute(text("UPDATE accounts SET verified_at = created_at WHERE email = 'mara@example.org'"))
    session.commit()
    known = sign_up(client, cast.patient.email, "a strangers long passphrase")
    unknown = sign_up(CheckingClient(mailing), "nobody-yet@example.org", "a strangers long passphrase")
    assert (known.status_code, known.location, known.text) == (
        unknown.status_code,
        unknown.location,
        unknown.text,
    )
    assert "canary" not in client.get("/today").text
    told = [m for m in mails(mailing) if "To: mara@example.org" in m]
    assert len(told) == 1 and "signed up with this address" in told[0]
    cast.patient.sign_in().get("/today")


def test_signing_up_twice_with_the_same_passphrase_is_one_account(
    client: CheckingClient, session: Session
) -> None:
    sign_up(client, "twice@example.org")
    sign_up(CheckingClient(client.app), "twice@example.org")
    assert len(session.execute(select(Account).where(Account.email == "twice@example.org")).all()) == 1


def test_sign_in_answers_alike_whether_or_not_the_address_is_known(
    cast: Cast, client: CheckingClient
) -> None:
    told = {}
    for email in (cast.patient.email, "nobody@example.org"):
        page = client.send(
            "/sign-in", {"email": email, "password": "wrong wrong wrong"}, expect=422, page="/sign-in"
        )
        told[email] = re.sub(r'value="[^"]*"', "", page.text)
    assert len(set(told.values())) == 1


def test_one_slow_computation_whoever_it_is(
    cast: Cast, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """About the same time for known, unknown and twice claimed addresses: each try hashes exactly once."""
    sign_up(CheckingClient(client.app), cast.patient.email, "another claim of this address")
    from journal.accounts import passphrases

    counted: list[int] = []
    real = passphrases.hash_secret
    monkeypatch.setattr(passphrases, "hash_secret", lambda *a, **k: (counted.append(1), real(*a, **k))[1])
    for email in (cast.patient.email, "nobody@example.org", cast.other.email):
        counted.clear()
        client.send(
            "/sign-in", {"email": email, "password": "wrong wrong wrong"}, expect=422, page="/sign-in"
        )
        assert counted == [1]
        counted.clear()
        sign_up(CheckingClient(client.app), email, "yet another claim of it")
        assert counted == [1]


def test_both_who_claim_an_address_get_into_their_own(cast: Cast, client: CheckingClient) -> None:
    sign_up(client, cast.other.email, "a second claim of this address")
    browser = CheckingClient(client.app)
    browser.send(
        "/sign-in", {"email": cast.other.email, "password": "a second claim of this address"}, page="/sign-in"
    )
    assert "canary" not in browser.get("/check-ins/2026-11-22").text
    assert "canary" in cast.other.sign_in().get("/check-ins/2026-11-22").text


def test_an_address_is_proven_by_mail_and_a_get_changes_nothing(
    client: CheckingClient, mailing: Flask, session: Session
) -> None:
    sign_up(client, "new@example.org")
    [mail] = [m for m in mails(mailing) if "To: new@example.org" in m]
    path = link_in(mail, "verify")
    stranger = CheckingClient(mailing)
    for _ in range(3):
        assert "Yes, confirm it" in stranger.get(path).text
    account = session.execute(select(Account).where(Account.email == "new@example.org")).scalar_one()
    assert account.verified_at is None
    stranger.send(path, page=path)
    session.expire_all()
    assert session.get_one(Account, account.id).verified_at is not None
    stranger.get(path, expect=404)  # used up
    row = session.execute(select(MailedLink).where(MailedLink.account_id == account.id)).scalar_one()
    assert path.rpartition("/")[2].encode() not in bytes(row.token_hash)


def test_mail_says_nothing_about_health(client: CheckingClient, mailing: Flask) -> None:
    sign_up(client, "new@example.org")
    client.send("/account/reset", {"email": "new@example.org"}, page="/account/reset")
    told = "".join(mails(mailing)).lower()
    assert "reset" in told
    assert not re.search(
        "ketamine|infusion|symptom|journal[^@]|mood|depress|clinic|treat",
        told.replace("infusion journal", "Infusion Journal"),
    )


def test_reset_by_mail(cast: Cast, client: CheckingClient, mailing: Flask) -> None:
    elsewhere = cast.patient.sign_in()
    client.send("/account/reset", {"email": cast.patient.email}, page="/account/reset")
    [mail] = [m for m in mails(mailing) if "Choose a new passphrase" in m]
    path = link_in(mail, "reset")
    client.send(path, {"password": "too short"}, expect=422, page=path)
    client.send(path, {"password": NEW}, page=path)
    client.get("/today")
    elsewhere.get("/today", expect=303)  # signed out elsewhere
    CheckingClient(mailing).get(path, expect=404)
    again = CheckingClient(mailing)
    again.send("/sign-in", {"email": cast.patient.email, "password": PASSPHRASE}, expect=422, page="/sign-in")
    again.send("/sign-in", {"email": cast.patient.email, "password": NEW}, page="/sign-in")


def test_a_reset_link_grows_old(cast: Cast, client: CheckingClient, mailing: Flask, clock: Any) -> None:
    client.send("/account/reset", {"email": cast.patient.email}, page="/account/reset")
    [mail] = [m for m in mails(mailing) if "Choose a new passphrase" in m]
    clock.shift(3601)
    client.get(link_in(mail, "reset"), expect=404)


def test_asking_for_a_reset_answers_alike(cast: Cast, client: CheckingClient, mailing: Flask) -> None:
    known = client.send("/account/reset", {"email": cast.patient.email}, page="/account/reset")
    unknown = client.send("/account/reset", {"email": "nobody@example.org"}, page="/account/reset")
    assert known.location == unknown.location
    assert not [m for m in mails(mailing) if "To: nobody@example.org" in m]


def test_sessions_end_at_the_next_request_and_slow_ones_do_not_bring_them_back(
    cast: Cast, session: Session
) -> None:
    one, two = cast.patient.sign_in(), cast.patient.sign_in()
    page = one.get("/account/sessions")
    assert page.text.count(">End</button>") == 2
    two_id = (
        session.execute(
            select(AccountSession.id)
            .where(AccountSession.account_id == cast.patient.account_id)
            .order_by(AccountSession.created_at.desc())
        )
        .scalars()
        .all()
    )
    mine = re.search(r"this one.*?/account/sessions/([0-9a-f-]{36})/end", page.text, re.S)
    assert mine
    other = next(str(i) for i in two_id if str(i) != mine[1])
    one.send(f"/account/sessions/{other}/end")
    from datetime import UTC, datetime
    from uuid import UUID

    service.touch_session(session, UUID(other), datetime(2026, 11, 22, 19, 30, tzinfo=UTC))  # a slow request
    session.commit()
    two.get("/today", expect=303)
    one.get("/today")


def test_nobody_ends_somebody_elses_session(cast: Cast, session: Session) -> None:
    cast.other.sign_in()
    theirs = (
        session.execute(select(AccountSession.id).where(AccountSession.account_id == cast.other.account_id))
        .scalars()
        .first()
    )
    browser = cast.patient.sign_in()
    browser.get("/account/sessions")
    browser.send(f"/account/sessions/{theirs}/end", expect=404)


def test_all_others_end(cast: Cast) -> None:
    one, two, three = (cast.patient.sign_in() for _ in range(3))
    one.get("/account/sessions")
    one.send("/account/sessions/end-others")
    one.get("/today")
    two.get("/today", expect=303)
    three.get("/today", expect=303)


def test_signing_out_is_a_post_and_ends_the_session(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/account")
    kept = browser.cookie("journal")
    answer = browser.send("/sign-out")
    assert answer.headers["Clear-Site-Data"] == '"cache"'  # what waits on the phone is sealed, and stays
    stolen = CheckingClient(cast.patient.app)
    stolen._client.set_cookie("journal", kept or "")
    stolen.get("/today", expect=303)
    assert stolen.raw("GET", "/sign-out").status_code == 405


def test_guessing_is_slowed_without_locking_the_owner_out(cast: Cast) -> None:
    owner = cast.patient.sign_in()
    stranger = CheckingClient(cast.patient.app)
    codes = []
    for _ in range(service.TRIES_PER_ACCOUNT + 3):
        stranger.get("/sign-in")
        answer = stranger.raw(
            "POST",
            "/sign-in",
            data={
                **stranger.hidden("/sign-in"),
                "email": cast.patient.email,
                "password": "guess guess guess",
            },
        )
        codes.append(answer.status_code)
    assert codes[-1] == 429 and codes[0] == 422
    stranger.send(
        "/sign-in", {"email": cast.patient.email, "password": PASSPHRASE}, expect=429, page="/sign-in"
    )
    owner.get("/account")
    owner.send("/sign-out")
    owner.send("/sign-in", {"email": cast.patient.email, "password": PASSPHRASE}, page="/sign-in")


def test_claiming_an_address_gives_no_more_tries(cast: Cast) -> None:
    """A stranger signs up with Mara's address, and signs in to that account between the guesses at hers."""
    owner = cast.patient.sign_in()
    stranger = CheckingClient(cast.patient.app)
    sign_up(stranger, cast.patient.email, "the strangers own passphrase")
    assert stranger.cookie("known_device") is None
    codes = []
    for n in range(service.TRIES_PER_ACCOUNT + 4):
        for words in (f"guess number {n:04}", "the strangers own passphrase"):
            browser = CheckingClient(cast.patient.app)
            browser.get("/sign-in")
            form = {**browser.hidden("/sign-in"), "email": cast.patient.email, "password": words}
            codes.append(browser.raw("POST", "/sign-in", data=form).status_code)
    assert codes.count(422) <= service.TRIES_PER_ACCOUNT and codes[-1] == 429
    owner.get("/account")
    owner.send("/sign-out")
    owner.send("/sign-in", {"email": cast.patient.email, "password": PASSPHRASE}, page="/sign-in")


def test_one_address_can_not_try_many_accounts(cast: Cast, client: CheckingClient) -> None:
    codes = set()
    for n in range(service.TRIES_PER_ADDRESS + 2):
        client.get("/sign-in")
        answer = client.raw(
            "POST",
            "/sign-in",
            data={**client.hidden("/sign-in"), "email": f"a{n}@example.org", "password": "guess guess guess"},
        )
        codes.add(answer.status_code)
    assert codes == {422, 429}


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\nfoo"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(cast: Cast, client: CheckingClient, target: str) -> None:
    client.get("/sign-in")
    answer = client.raw(
        "POST",
        "/sign-in",
        query_string={"next": target},
        data={**client.hidden("/sign-in"), "email": cast.patient.email, "password": PASSPHRASE},
    )
    assert answer.location == "/today"


def test_back_to_the_page_that_was_asked_for(cast: Cast, client: CheckingClient) -> None:
    answer = client.get("/trends?days=14", expect=303)
    client.get(answer.location)
    answer = client.raw(
        "POST",
        answer.location,
        data={**client.hidden("/sign-in"), "email": cast.patient.email, "password": PASSPHRASE},
    )
    assert answer.location == "/trends?days=14"


def test_changing_the_address_needs_the_passphrase(cast: Cast, mailing: Flask) -> None:
    browser = cast.patient.sign_in()
    page = {"email": "mara.new@example.org"}
    browser.send(
        "/account/address", {**page, "password": "not my passphrase"}, expect=422, page="/account/address"
    )
    browser.send("/account/address", {**page, "password": PASSPHRASE}, page="/account/address")
    assert any("To: mara.new@example.org" in m for m in mails(mailing))
    again = CheckingClient(mailing)
    again.send("/sign-in", {"email": "mara.new@example.org", "password": PASSPHRASE}, page="/sign-in")
    again.send("/account/address", {**page, "password": PASSPHRASE}, page="/account/address")


def test_changing_the_passphrase_signs_others_out(cast: Cast) -> None:
    one, two = cast.patient.sign_in(), cast.patient.sign_in()
    one.send(
        "/account/passphrase",
        {"current": "not my passphrase", "password": NEW},
        expect=422,
        page="/account/passphrase",
    )
    one.send("/account/passphrase", {"current": PASSPHRASE, "password": NEW}, page="/account/passphrase")
    one.get("/today")
    two.get("/today", expect=303)


def test_a_session_not_used_for_90_days_ends(cast: Cast, clock: Any) -> None:
    browser = cast.patient.sign_in()
    clock.shift(89 * 86400)
    browser.get("/today")
    clock.shift(89 * 86400)
    browser.get("/today")  # it was used in between
    clock.shift(91 * 86400)
    browser.get("/today", expect=303)


def test_cookies_are_strict(cast: Cast) -> None:
    client = CheckingClient(cast.patient.app)
    client.get("/sign-in")
    answer = client.send("/sign-in", {"email": cast.patient.email, "password": PASSPHRASE})
    for cookie in answer.headers.getlist("Set-Cookie"):
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_the_first_steps_can_be_done_skipped_and_changed_later(
    client: CheckingClient, session: Session
) -> None:
    sign_up(client, "new@example.org")
    client.send("/welcome/name", {"name": "Ana"}, page="/welcome/name")
    client.send("/welcome/zone", {"zone": "Mars/Olympus"}, expect=422, page="/welcome/zone")
    client.send("/welcome/zone", {"zone": "Asia/Tokyo"}, page="/welcome/zone")
    client.send("/welcome/country", {"country": "AU"}, page="/welcome/country")
    client.send("/welcome/treated-for", {"treated_for": ["ptsd", "ocd"]}, page="/welcome/treated-for")
    assert (
        client.send("/welcome/day-end", {"day_ends_hour": "3"}, page="/welcome/day-end").location
        == "/welcome/ready"
    )
    assert client.send("/welcome/ready", page="/welcome/ready").location == "/today"
    today = client.get("/today").text
    assert "How is today, Ana?" in today and 'name="memories"' in today and "Monday 23 November" in today
    assert "Lifeline" in client.get("/help-now").text
    client.send("/account/day-end", {"day_ends_hour": "0"}, page="/account/day-end")
    stored = session.execute(text("SELECT * FROM accounts WHERE email = 'new@example.org'")).one()
    assert "Ana" not in repr(stored)


def test_somebody_who_skips_the_country_still_sees_numbers(client: CheckingClient) -> None:
    sign_up(client, "new@example.org")
    assert "Call 988" in client.get("/help-now").text


def test_a_proven_address_stays_in_force_until_the_new_one_is_proven(
    cast: Cast, mailing: Flask, session: Session
) -> None:
    session.execute(text("UPDATE accounts SET verified_at = created_at WHERE email = 'mara@example.org'"))
    session.commit()
    browser = cast.patient.sign_in()
    change = {"email": "typo@example.org", "password": PASSPHRASE}
    browser.send("/account/address", change, page="/account/address")
    assert "typo@example.org waits to be confirmed" in browser.get("/account").text
    stranger = CheckingClient(mailing)
    stranger.send("/account/reset", {"email": "typo@example.org"}, page="/account/reset")
    told = mails(mailing)
    assert not [m for m in told if "/account/reset/" in m and "typo" in m.splitlines()[0]]
    cast.patient.sign_in().get("/today")  # the old address still opens the journal
    [verify] = [m for m in told if "To: typo@example.org" in m]
    path = link_in(verify, "verify")
    stranger.send(path, page=path)
    again = CheckingClient(mailing)
    again.send("/sign-in", {"email": "typo@example.org", "password": PASSPHRASE}, page="/sign-in")
    other = CheckingClient(mailing)
    other.send("/sign-in", {"email": cast.patient.email, "password": PASSPHRASE}, expect=422, page="/sign-in")


def test_no_reset_where_several_claim_an_address(cast: Cast, client: CheckingClient, mailing: Flask) -> None:
    sign_up(client, cast.patient.email, "a strangers long passphrase")
    client.send("/account/reset", {"email": cast.patient.email}, page="/account/reset")
    assert not [m for m in mails(mailing) if "/account/reset/" in m]


def test_a_mail_that_can_not_be_written_holds_up_no_other(mailing: Flask, database: Any) -> None:
    from journal.kit import clock, outbox

    with database.writing() as unit:
        for address in ("a@b..c", "good@example.org", "\u202e@x"):
            outbox.put(unit, "passphrase-changed", address, None, clock.now())
        unit.commit()
    assert [m.splitlines()[0] for m in mails(mailing)] == ["To: good@example.org"]


def test_sign_ups_send_only_a_few_mails(client: CheckingClient, mailing: Flask) -> None:
    for n in range(8):
        sign_up(CheckingClient(mailing), "one@example.org", f"a different passphrase {n}")
    assert len([m for m in mails(mailing) if "To: one@example.org" in m]) <= service.MAILS_PER_ACCOUNT
