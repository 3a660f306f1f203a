"""Mail: into files, and through a real SMTP server with STARTTLS whose certificate is checked."""

import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select
from sqlalchemy.orm import Session

from journal.config import MailServer
from journal.kit import outbox
from journal.kit.db import Database
from journal.kit.mail import BadAddress, Mail, NotSent, keep_in_folder, send_through, to_message
from journal.kit.outbox import OutboxMail
from tests.servers import free_port

NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


def message(to: str = "sam@example.org") -> Any:
    return to_message(Mail(to, "Hello", "Words.\n"), "journal@example.net", uuid4(), NOW)


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
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=9000))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"


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


def test_the_outbox_tries_again_and_gives_up_for_good(database: Database, session: Session) -> None:
    tries: list[str] = []

    def transport(sent: Any) -> None:
        tries.append(str(sent["Message-ID"]))
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
