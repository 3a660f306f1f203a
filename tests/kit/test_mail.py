"""Mail: into files, and through a real SMTP server with STARTTLS whose certificate is checked."""

import re
import socket
import ssl
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from journal.config import MailServer
from journal.kit import bounces, outbox, smtp
from journal.kit.db import Database
from journal.kit.mail import BadAddress, BadLink, Letter, Mail, NotSent, keep_in_folder, to_message
from journal.kit.outbox import OutboxMail
from journal.kit.smtp import send_through
from tests.certificates import make_certificate
from tests.servers import free_port

NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


def message(to: str = "sam@example.org") -> Letter:
    mail_id = uuid4()
    data = to_message(Mail(to, "Hello", "Words.\n"), "journal@example.net", mail_id, NOW)
    return Letter(mail_id, "journal@example.net", to, NOW, data)


class Box:
    """Keeps what it gets; refuses addresses that say so."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("full"):
            return "451 try later"
        if address.startswith("gone"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append(envelope.content)
        return "250 OK"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(certificate: tuple[Path, Path]) -> Iterator[tuple[MailServer, Box]]:
    box, port = Box(), free_port()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    def check(_s: SMTP, _session: Any, _envelope: Any, _mechanism: str, said: Any) -> AuthResult:
        right = isinstance(said, LoginPassword) and said.password == b"p@ss"
        return AuthResult(success=right, handled=False)

    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        authenticator=check,
        auth_required=True,
    )
    controller.start()
    yield MailServer("localhost", port, tls_from_start=False, username="me", password="p@ss"), box
    controller.stop()


def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


def test_starttls_with_a_checked_certificate(
    server: tuple[MailServer, Box], certificate: tuple[Path, Path]
) -> None:
    send_through(server[0], trusting(certificate))(message())
    got = message_from_bytes(server[1].got[0])
    assert (got["To"], got["Subject"]) == ("sam@example.org", "Hello")


def test_an_unknown_certificate_gets_no_password_and_no_mail(server: tuple[MailServer, Box]) -> None:
    with pytest.raises(NotSent, match="not reached") as told:
        send_through(server[0])(message())
    assert not told.value.for_good
    assert server[1].got == []


@pytest.mark.parametrize(("to", "for_good"), [("full@example.org", False), ("gone@example.org", True)])
def test_refusals_say_whether_to_try_again(
    server: tuple[MailServer, Box], certificate: tuple[Path, Path], to: str, for_good: bool
) -> None:
    with pytest.raises(NotSent) as told:
        send_through(server[0], trusting(certificate))(message(to))
    assert told.value.for_good is for_good


def test_a_wrong_password_is_tried_again_later(
    server: tuple[MailServer, Box], certificate: tuple[Path, Path]
) -> None:
    wrong = MailServer("localhost", server[0].port, tls_from_start=False, username="me", password="no")
    with pytest.raises(NotSent) as told:
        send_through(wrong, trusting(certificate))(message())
    assert not told.value.for_good


@contextmanager
def talking(*replies: str, drips: bool = False) -> Iterator[MailServer]:
    """A server that says these lines in turn, whatever it hears; or sends a byte now and then."""
    listening = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        line, _ = listening.accept()
        with line, suppress(OSError):
            until = time.perf_counter() + 5
            while drips and time.perf_counter() < until:
                line.sendall(b"2")
                time.sleep(0.05)
            for reply in replies:
                line.sendall(f"{reply}\r\n".encode())
                heard = b""
                while not heard.endswith(b"\r\n.\r\n" if reply.startswith("354") else b"\r\n"):
                    more = line.recv(65536)
                    if not more:
                        return
                    heard += more

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield MailServer("127.0.0.1", listening.getsockname()[1], tls_from_start=False, plain=True)
    listening.close()
    thread.join(10)
    assert not thread.is_alive()


def test_a_server_that_drips_is_cut_off_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, so that no step ever times out."""
    monkeypatch.setattr(smtp, "DEADLINE_S", 0.5)
    began = time.perf_counter()
    with talking(drips=True) as server, pytest.raises(NotSent) as told:
        send_through(server)(message())
    assert not told.value.for_good and time.perf_counter() - began < 3


@pytest.mark.parametrize("goodbye", ["221 bye", "421 too busy to say goodbye", "nonsense"])
def test_what_is_taken_is_taken_whatever_is_said_afterwards(goodbye: str) -> None:
    with talking("220 hi", "250 ehlo", "250 mail", "250 rcpt", "354 go", "250 taken", goodbye) as server:
        send_through(server)(message())


@pytest.mark.parametrize(
    ("replies", "for_good", "bounced"),
    [
        (("554 go away",), False, False),
        (("220 hi", "250 ehlo", "530 sign in first", "250 rset"), False, False),
        (("220 hi", "250 ehlo", "550 not from you", "250 rset"), True, False),
        (("220 hi", "250 ehlo", "250 mail", "550 nobody", "250 rset"), True, True),
        (("220 hi", "250 ehlo", "250 mail", "450 later", "250 rset"), False, False),
        (("220 hi", "250 ehlo", "250 mail", "250 rcpt", "354 go", "554 spam", "250 rset"), True, True),
        (("220 hi", "250 ehlo", "250 mail", "250 rcpt", "354 go", "452 full", "250 rset"), False, False),
    ],
)
def test_the_code_decides_not_the_class(replies: tuple[str, ...], for_good: bool, bounced: bool) -> None:
    with talking(*replies) as server, pytest.raises(NotSent) as told:
        send_through(server)(message())
    assert (told.value.for_good, told.value.bounced) == (for_good, bounced)
    assert "sam@" not in str(told.value) and "spam" not in str(told.value)


def test_kept_as_files_until_a_server_is_set(tmp_path: Path) -> None:
    keep_in_folder(tmp_path / "mail")(message())
    [path] = (tmp_path / "mail").iterdir()
    assert path.suffix == ".eml" and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"Words." in path.read_bytes()


@pytest.mark.parametrize(
    "to", ["sam@example.org\r\nBcc: eve@example.org", "=?UTF-8?Q?=0A?=Bcc:@x", "a b@example.org", ""]
)
def test_addresses_that_would_become_headers(to: str) -> None:
    with pytest.raises(BadAddress):
        message(to)


ANY_TEXT = st.text(max_size=80) | st.lists(
    st.sampled_from(
        [
            "=?UTF-8?Q?=0A?=",
            "=?utf-8?b?DQpCY2M6?=",
            "Bcc: eve@example.org",
            "\r\n",
            "\n",
            "\x00",
            "\u2028",
            "\x85",
            "=",
            "?",
            "é",
            ",",
        ]
    )
).map("".join)


@given(name=ANY_TEXT, subject=ANY_TEXT)
@example("=?UTF-8?Q?=0A?=Bcc: eve@example.org", "=?UTF-8?Q?=0A?=Bcc: eve@example.org")
@example("==??UTF-8?Q?=0A??==Bcc:", "a\u2028Bcc: eve@example.org")
def test_no_name_starts_a_header(name: str, subject: str) -> None:
    """Read by a parser that knows nothing but lines: the headers are ours, each once."""
    mail = Mail("sam@example.org", subject, "Words.\n")
    data = to_message(mail, "journal@example.net", MAIL_ID, NOW, name=name)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert [line.partition(b":")[0].decode() for line in lines] == HEADERS
    assert not {b"\n", b"\r", b"\x00"} & {bytes([c]) for c in head.replace(b"\r\n", b"")}
    assert body == b"Words.\r\n" and all(byte < 128 for byte in data)
    told = message_from_bytes(data)
    assert [one for one in told["From"].splitlines() if "journal@example.net" in one]
    assert parseaddr(told["From"])[1] == "journal@example.net" and told["Bcc"] is None


MAIL_ID = UUID(int=7)
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
]


def test_with_html_the_text_comes_first_and_styles_stand_on_each_element() -> None:
    html = "<!doctype html><html><head><style>p { color: #333 }</style></head><body><p>Grüß dich</p></body></html>"
    mail = Mail("sam@example.org", "Hello", "Grüß dich\n", html)
    data = to_message(mail, "journal@example.net", MAIL_ID, NOW)
    assert data == to_message(mail, "journal@example.net", MAIL_ID, NOW)
    told = message_from_bytes(data, policy=default)
    assert told.get_content_type() == "multipart/alternative"
    text, rich = told.iter_parts()
    assert (text.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().strip() == "Grüß dich" and "Grüß dich" in rich.get_content()
    assert re.search(r'<p style="color: ?#333', rich.get_content())


@pytest.mark.parametrize(
    "html",
    [
        '<img src="http://localhost:8000/static/x.png">',
        '<link rel="stylesheet" href="http://localhost:8000/x.css">',
        "<p style='background: url(http://localhost:8000/x)'>",
        '<a href="//evil.example">x</a>',
        '<a href="https://evil.example/?http://localhost:8000/">x</a>',
        '<a href="http://localhost:8000.evil.example/">x</a>',
        '<a href="mailto:eve@example.org">x</a>',
    ],
)
def test_a_mail_fetches_nothing_and_links_nowhere_else(html: str) -> None:
    with pytest.raises(BadLink):
        to_message(Mail("a@example.org", "Hi", "x", html), "j@example.net", MAIL_ID, NOW, base_url=BASE)


BASE = "http://localhost:8000"


@pytest.mark.parametrize(
    "link", ["https://evil.example/", "http://localhost:80001/", "http://localhost:8000/a b", "x"]
)
def test_links_begin_with_the_base_address(link: str) -> None:
    for mail in (
        Mail("a@example.org", "Hi", "x", unsubscribe=link),
        Mail("a@example.org", "Hi", f"{BASE}/ https://evil.example"),
    ):
        with pytest.raises(BadLink):
            to_message(mail, "j@example.net", MAIL_ID, NOW, base_url=BASE)


def test_one_click_unsubscribe_is_a_whole_line() -> None:
    base = "https://journal.a-clinic-with-a-rather-long-name.example.org"
    link = f"{base}/unsubscribe/{'x' * 43}"
    mail = Mail("a@example.org", "Hi", f"Stop: {link}\n", unsubscribe=link)
    data = to_message(mail, "j@example.net", MAIL_ID, NOW, base_url=base)
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in data
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in data


def test_the_sender_tells_nothing() -> None:
    assert message().data.startswith(b"From: Journal <journal@example.net>\r\n")


def write(_session: Session, waiting: outbox.Waiting, _now: datetime) -> Mail:
    """A writer that never writes the same twice."""
    return Mail(waiting.recipient, "Hello", f"Words {uuid4()}.")


class Post:
    """A transport that keeps what it got, and fails as it is told."""

    def __init__(self, *answers: Exception | None) -> None:
        self.got: list[Letter] = []
        self.answers = list(answers)

    def __call__(self, letter: Letter) -> None:
        self.got.append(letter)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer


def ask(database: Database, to: str = "sam@example.org", **more: Any) -> bool:
    with database.writing() as unit:
        asked = outbox.put(unit, "hello", to, None, NOW, **more)
        unit.commit()
    return asked


def send(database: Database, post: Any, after: timedelta = timedelta(0), **more: Any) -> int:
    return outbox.send_due(database, {"hello": write}, post, "journal@example.net", NOW + after, **more)


def row(database: Database) -> OutboxMail:
    with database.reading() as unit:
        return unit.execute(select(OutboxMail)).scalar_one()


LATER = NotSent("server said 451 to the address", for_good=False, code=451)
NEVER = NotSent("server said 550 to the address", for_good=True, bounced=True, code=550)


@pytest.mark.long
def test_back_off_by_the_table_for_four_days(database: Database) -> None:
    ask(database)
    waits, now = [], NOW
    while (at := row(database).due_at) is not None:
        waits.append((at - now) / timedelta(minutes=1))
        now = at
        assert send(database, Post(LATER), now - NOW) == 0
    assert [round(w) for w in waits[:8]] == [0, 1, 5, 15, 30, 60, 60, 60]
    assert set(map(round, waits[5:])) == {60}
    assert timedelta(days=4) <= now - NOW < timedelta(days=4, hours=1)
    last = row(database)
    assert last.fault == "server said 451 to the address" and last.sealed is None
    with database.reading() as unit:
        [told] = outbox.list_faults(unit, None)
        assert not told.is_waiting and outbox.oldest_waiting(unit) is None


def test_after_a_long_outage_a_mail_still_gets_its_tries(database: Database) -> None:
    ask(database)
    assert send(database, Post(LATER), timedelta(days=9)) == 0
    assert send(database, Post(), timedelta(days=9, minutes=2)) == 1


def test_a_refusal_for_good_stops_at_once_and_is_shown_to_its_group(database: Database) -> None:
    group = uuid4()
    ask(database, group_id=group)
    send(database, Post(NEVER))
    assert (row(database).due_at, row(database).attempts) == (None, 1)
    with database.reading() as unit:
        [told] = outbox.list_faults(unit, group)
        assert told.fault == "server said 550 to the address" and not told.is_waiting
        assert outbox.list_faults(unit, None) == outbox.list_faults(unit, uuid4()) == ()


def test_every_try_sends_the_same_bytes_and_none_stays_readable(database: Database) -> None:
    ask(database, mail_id=MAIL_ID)
    post = Post(LATER, LATER)
    send(database, post)
    kept = row(database).sealed
    assert kept is not None and b"Words" not in kept
    for minutes in (2, 10):
        send(database, post, timedelta(minutes=minutes))
    assert len(post.got) == 3 and len({one.data for one in post.got}) == 1
    assert f"<{MAIL_ID.hex}@example.net>".encode() in post.got[0].data
    last = row(database)
    assert (last.sealed, last.recipient, last.fault) == (None, "", None)


@pytest.mark.parametrize("still", [True, False])
def test_a_no_between_two_tries_is_a_no(database: Database, still: bool) -> None:
    ask(database)
    post, wanted = Post(LATER), [True]
    writers = {"hello": outbox.Wanted(write, lambda _session, _waiting, _now: wanted[0])}
    for minutes, answer in ((0, True), (2, still)):
        wanted[0] = answer
        outbox.send_due(database, writers, post, "journal@example.net", NOW + timedelta(minutes=minutes))
    assert len(post.got) == (2 if still else 1)
    last = row(database)
    assert (last.due_at, last.sealed, last.recipient) == (None, None, "")
    assert (last.sent_at is not None) == still


def test_only_what_was_given_up_is_sent_again_by_hand(database: Database) -> None:
    """A mail that a worker may have in hand is left to it, or two would send it."""
    group = uuid4()
    ask(database, group_id=group)
    send(database, Post(LATER))
    with database.writing() as unit:
        assert not outbox.send_again(unit, group, row(database).id, NOW)
    send(database, Post(NEVER), timedelta(minutes=2))
    with database.writing() as unit:
        assert not outbox.send_again(unit, uuid4(), row(database).id, NOW)
        assert outbox.send_again(unit, group, row(database).id, NOW)
        unit.commit()
    assert send(database, Post()) == 1


def test_the_bytes_are_kept_before_the_first_try(database: Database) -> None:
    ask(database)

    def dies(letter: Letter) -> None:
        assert row(database).sealed is not None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(database, dies)


def test_a_writer_with_a_bug_loses_nothing(database: Database) -> None:
    ask(database)
    for_all = lambda writers, after: outbox.send_due(  # noqa: E731 - one call, handed over
        database, writers, Post(), "journal@example.net", NOW + after
    )
    assert for_all({}, timedelta(0)) == 0
    assert row(database).fault == "KeyError" and row(database).attempts == 1
    assert for_all({"hello": write}, timedelta(minutes=2)) == 1


def test_asked_for_once_by_its_id_sent_or_not(database: Database) -> None:
    assert ask(database, mail_id=MAIL_ID)
    assert not ask(database, mail_id=MAIL_ID)
    assert send(database, Post()) == 1
    assert not ask(database, mail_id=MAIL_ID)
    with database.writing() as unit:
        assert outbox.sweep(unit, NOW + timedelta(days=31)) == 0
        unit.commit()
    assert not ask(database, mail_id=MAIL_ID) and send(database, Post()) == 0


def test_settled_mails_are_swept_after_a_month(database: Database) -> None:
    ask(database)
    ask(database, "waits@example.org")
    post = Post(None, LATER)
    send(database, post)
    with database.writing() as unit:
        assert outbox.sweep(unit, NOW + timedelta(days=29)) == 0
        assert outbox.sweep(unit, NOW + timedelta(days=31)) == 1
        unit.commit()
    assert row(database).sent_at is None


def test_who_lost_the_lease_settles_nothing(database: Database) -> None:
    """A worker that hung for longer than its lease comes back when another has the mail in hand."""
    ask(database)
    second = Post(LATER)

    def hangs(_letter: Letter) -> None:
        assert send(database, second, outbox.LEASE + timedelta(seconds=1)) == 0

    send(database, hangs)
    mine = row(database)
    assert len(second.got) == 1
    assert (mine.attempts, mine.sent_at, mine.fault) == (2, None, "server said 451 to the address")


def test_a_mail_that_was_taken_is_marked_when_the_database_is_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "PAUSE", timedelta(milliseconds=1))
    settle, away = outbox._settle, [OperationalError("x", None, Exception()) for _ in range(3)]

    def settle_if_there(*words: Any) -> None:
        if away:
            raise away.pop()
        settle(*words)

    monkeypatch.setattr(outbox, "_settle", settle_if_there)
    ask(database)
    post = Post()
    assert send(database, post) == 1 and row(database).sent_at is not None and len(post.got) == 1


def test_a_claim_that_grew_old_is_not_begun(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "START_WITHIN", timedelta(0))
    ask(database)
    post = Post()
    assert send(database, post) == 0 and post.got == []


def test_two_refusals_for_good_switch_an_address_off(database: Database) -> None:
    told: list[str] = []

    def tell(_session: Session, address: str, _now: datetime) -> None:
        told.append(address)

    for number, address in enumerate(("sam@example.org", "Sam@Example.org"), 1):
        ask(database, address)
        send(database, Post(NEVER), on_switched_off=tell)
        with database.reading() as unit:
            assert bounces.is_switched_off(unit, "sam@example.org") is (number == 2)
    assert told == ["Sam@Example.org"]
    ask(database)
    ask(database, "other@example.org")
    post = Post()
    assert send(database, post) == 1
    assert [one.to for one in post.got] == ["other@example.org"]
    with database.writing() as unit:
        assert [one.fault for one in outbox.list_faults(unit, None)].count(outbox.SWITCHED_OFF) == 1
        assert bounces.list_switched_off(unit, ["other@example.org", "sam@example.org"]) == (
            "sam@example.org",
        )
        assert b"sam" not in repr(unit.execute(select(bounces.MailAddress.__table__)).all()).encode()
        assert bounces.switch_on(unit, "SAM@example.org") and not bounces.switch_on(unit, "sam@example.org")
        unit.commit()
    ask(database)
    assert send(database, Post()) == 1


def test_a_delivery_forgives_what_the_server_said_but_not_what_was_told_later(database: Database) -> None:
    for answers in ((NEVER,), (None,), (NEVER,)):
        ask(database)
        send(database, Post(*answers))
    with database.writing() as unit:
        assert not bounces.is_switched_off(unit, "sam@example.org")
        bounces.switch_on(unit, "sam@example.org")
        assert not bounces.bounce(unit, "sam@example.org", None, NOW)
        unit.commit()
    ask(database)
    assert send(database, Post()) == 1
    with database.writing() as unit:
        assert bounces.bounce(unit, "sam@example.org", None, NOW)
        unit.commit()


def test_with_an_account_goes_what_is_known_of_its_address(database: Database) -> None:
    with database.writing() as unit:
        bounces.bounce(unit, "sam@example.org", 550, NOW)
        bounces.bounce(unit, "other@example.org", 550, NOW)
        outbox.forget(unit, uuid4(), ["Sam@example.org"])
        assert len(unit.execute(select(bounces.MailAddress)).all()) == 1
        unit.commit()


def test_the_operator_tells_of_mail_that_came_back(app: Flask, database: Database) -> None:
    def run(*words: str) -> str:
        told = app.test_cli_runner().invoke(args=["mail", *words])
        assert told.exit_code == 0, told.output
        return str(told.output)

    assert run("bounced", "sam@example.org") == "Counted.\n"
    assert run("bounced", "SAM@example.org").startswith("Switched off")
    ask(database)
    assert send(database, Post()) == 0
    faults = run("faults")
    assert "hello  address switched off  given up" in faults and "sam" not in faults
    assert run("again", "sam@example.org").startswith("Mail goes to this address again")
    assert run("again", "sam@example.org").startswith("Nothing was counted")


def test_a_refused_sender_is_nobodys_bounce(database: Database) -> None:
    ask(database)
    send(database, Post(NotSent("server said 550 to the sender", for_good=True, code=550)))
    with database.reading() as unit:
        assert unit.execute(select(bounces.MailAddress)).first() is None


def test_the_outbox_tries_again_and_gives_up_for_good(database: Database, session: Session) -> None:
    tries: list[str] = []

    def transport(sent: Any) -> None:
        tries.append(str(sent.id))
        raise NotSent("server said 451", for_good=len(tries) >= 3)

    def write(_session: Session, waiting: outbox.Waiting, _now: datetime) -> Mail:
        return Mail(waiting.recipient, "Hello", "Words.")

    with database.writing() as unit:
        outbox.put(unit, "hello", "sam@example.org", None, NOW)
        unit.commit()
    now = NOW
    for _ in range(6):
        outbox.send_due(database, {"hello": write}, transport, "journal@example.net", now)
        now += timedelta(hours=3)
    assert len(tries) == 3 and len(set(tries)) == 1
    row = session.execute(select(OutboxMail).where(OutboxMail.purpose == "hello")).scalar_one()
    assert (row.sent_at, row.due_at, row.attempts) == (None, None, 3)


def test_a_sender_that_died_leaves_the_mail_to_the_next(database: Database) -> None:
    def write(_session: Session, waiting: outbox.Waiting, _now: datetime) -> Mail:
        return Mail(waiting.recipient, "Hello", "Words.")

    def dies(_sent: Any) -> None:
        raise KeyboardInterrupt

    sent: list[Any] = []
    with database.writing() as unit:
        outbox.put(unit, "hello", "sam@example.org", None, NOW)
        unit.commit()
    with pytest.raises(KeyboardInterrupt):
        outbox.send_due(database, {"hello": write}, dies, "journal@example.net", NOW)
    assert (
        outbox.send_due(database, {"hello": write}, sent.append, "j@example.net", NOW + timedelta(minutes=1))
        == 0
    )
    assert (
        outbox.send_due(database, {"hello": write}, sent.append, "j@example.net", NOW + timedelta(minutes=6))
        == 1
    )
