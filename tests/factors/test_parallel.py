"""Twenty at once, with real commits: one code, one recovery code, one passkey's answer, one mailed link lets one in."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from journal import create_app
from journal.accounts import service as accounts
from journal.accounts.models import AccountSession
from journal.factors import queries, service
from journal.factors.passkeys import Site, ask_to_register, ask_to_sign_in, read_answer
from journal.kit.cli import migrate
from journal.kit.clock import now as time_now
from tests.cast import Player, make_player
from tests.client import CheckingClient
from tests.conftest import make_settings
from tests.factors.authenticator import Authenticator
from tests.factors.people import AT_SIGN_IN, code, csrf, half_way

pytestmark = pytest.mark.slow
MANY = 20
SITE = Site.of("http://localhost:8000")


@dataclass
class Owner:
    app: Flask
    player: Player
    secret: str
    recovery_codes: tuple[str, ...]
    device: Authenticator


@pytest.fixture
def owner(empty_database: str, tmp_path: Path) -> Iterator[Owner]:
    """Somebody with an app, a passkey and recovery codes, all set up an hour ago, in a database of their own."""
    settings = make_settings(tmp_path, empty_database)
    migrate(settings)
    app = create_app(settings)
    then, device = time_now() - timedelta(hours=1), Authenticator()
    with app.extensions["database"].writing() as session:
        player = make_player(app, session, "mara@example.org")
        who = player.account_id
        accounts.start_session(session, who, "A browser", then)
        session.flush()
        session_id = session.execute(select(AccountSession.id)).scalar_one()
        service.begin_app(session, who)
        secret = queries.find_pending_secret(session, who)
        assert secret
        first = pyotp.TOTP(secret).at(int(then.timestamp()))
        recovery_codes = service.confirm_app(session, who, session_id, first, then)
        assert recovery_codes
        challenge = service.make_challenge(session, who, "register", then)
        answer = device.register(
            ask_to_register(SITE, who, player.email, challenge, [], signs_in_alone=False)
        )
        service.add_passkey(
            session,
            who,
            session_id,
            read_answer(answer, registering=True),
            "Phone",
            SITE,
            then,
            as_second_step=True,
        )
        session.commit()
    yield Owner(app, player, secret, recovery_codes, device)
    app.extensions["database"].close()


def let_in(owner: Owner, use: Callable[[Session], bool]) -> int:
    """How many of twenty get in that come at the same moment."""
    start = Barrier(MANY)

    def one(_n: int) -> bool:
        start.wait()
        with owner.app.extensions["database"].writing() as session:
            if used := use(session):
                now = time_now()
                accounts.start_session(session, owner.player.account_id, "A browser", now, second_step_at=now)
            session.commit()
            return used

    with ThreadPoolExecutor(MANY) as pool:
        return sum(pool.map(one, range(MANY)))


def test_one_code_lets_one_in(owner: Owner) -> None:
    typed, who = code(owner.secret), owner.player.account_id
    assert let_in(owner, lambda session: service.use_code(session, who, typed, time_now())) == 1


def test_one_recovery_code_lets_one_in(owner: Owner) -> None:
    typed, who = owner.recovery_codes[3], owner.player.account_id
    assert let_in(owner, lambda session: service.use_recovery_code(session, who, typed, time_now())) == 1
    with owner.app.extensions["database"].reading() as session:
        assert queries.get_factors(session, who).codes_left == 9


def test_one_answer_lets_one_in(owner: Owner) -> None:
    who, database = owner.player.account_id, owner.app.extensions["database"]
    with database.writing() as session:
        challenge = service.make_challenge(session, who, "sign-in", time_now())
        known = queries.list_credentials(session, who)
        session.commit()
    answer = read_answer(owner.device.sign_in(ask_to_sign_in(SITE, challenge, known)), registering=False)
    assert let_in(owner, lambda session: service.use_passkey(session, who, answer, SITE, time_now())) == 1


def test_one_touch_lets_one_in(owner: Owner) -> None:
    database = owner.app.extensions["database"]
    with database.writing() as session:
        challenge = service.make_challenge(session, None, "one-touch", time_now())
        session.commit()
    answer = read_answer(owner.device.sign_in(ask_to_sign_in(SITE, challenge, [])), registering=False)

    def use(session: Session) -> bool:
        return service.use_passkey_alone(session, answer, SITE, time_now()) == owner.player.account_id

    assert let_in(owner, use) == 1


def test_one_mailed_link_lets_one_in(owner: Owner) -> None:
    who, now = owner.player.account_id, time_now()
    with owner.app.extensions["database"].writing() as session:
        token = accounts.make_link(session, "sign-in", who, owner.player.email, now)
        session.commit()
    assert let_in(owner, lambda session: accounts.use_link(session, token, "sign-in", now) is not None) == 1


def test_one_code_lets_one_browser_in(owner: Owner) -> None:
    """The same over the pages, from copies of one browser. The others hear that it was used, or of many tries."""
    first = half_way(owner.app, owner.player)
    browsers = [CheckingClient(owner.app) for _ in range(MANY)]
    for browser in browsers:
        browser._client.set_cookie("journal", first.cookie("journal") or "")
    data, start = {"csrf_token": csrf(first), "code": code(owner.secret)}, Barrier(MANY)

    def one(browser: CheckingClient) -> int:
        start.wait()
        return int(browser.raw("POST", AT_SIGN_IN, data=data).status_code)

    with ThreadPoolExecutor(MANY) as pool:
        codes = list(pool.map(one, browsers))
    assert codes.count(303) == 1 and set(codes) <= {303, 422, 429}
    assert sum(b.raw("GET", "/account").status_code == 200 for b in browsers) == 1


def test_two_factors_that_go_at_once_leave_a_reader_one(owner: Owner) -> None:
    """One is taken away, but not committed yet, when the other is asked for."""
    who, database = owner.player.account_id, owner.app.extensions["database"]
    with database.writing() as session:
        accounts.begin_reading(session, who, time_now())
        key_id = queries.get_factors(session, who).keys[0].id
        session.commit()

    def remove_the_other() -> bool:
        with database.writing() as session:
            try:
                service.remove_passkey(session, who, key_id, time_now())
            except service.LastFactor:
                return False
            session.commit()
            return True

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            service.remove_app(session, who, time_now())
            removed = pool.submit(remove_the_other)
            wait([removed], timeout=0.5)
            session.commit()
        assert not removed.result()
    with database.reading() as session:
        assert queries.get_factors(session, who).count == 1


def test_the_owner_hears_of_each_change(owner: Owner, tmp_path: Path) -> None:
    """The mails go the whole way: put with the change, written and sent by the journal as it is put together."""
    with owner.app.extensions["database"].writing() as session:
        service.make_recovery_codes(session, owner.player.account_id, time_now())
        session.commit()
    owner.app.extensions["send_mail"]()
    told = [path.read_text() for path in (tmp_path / "mail").glob("*.eml")]
    assert sum("Subject: A way to sign in was added" in mail for mail in told) == 2
    assert sum("Subject: New recovery codes were made" in mail for mail in told) == 1
    assert all("To: mara@example.org" in mail for mail in told)
