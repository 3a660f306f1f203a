"""The whole journal with a real SMTP server, one that is away at first: the mail waits, and goes out once."""

import time
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import create_engine, text

from tests.faults.person import Person
from tests.servers import Journal, free_port

pytestmark = pytest.mark.slow


class Box:
    def __init__(self) -> None:
        self.got: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append(envelope.content.decode())
        return "250 OK"


def wait_for(found: Any, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def test_mail_goes_through_the_server_that_is_named(empty_database: str, tmp_path: Path) -> None:
    box, port = Box(), free_port()
    address = None if empty_database.startswith("sqlite") else empty_database
    journal = Journal(tmp_path, address, MAIL_URL=f"smtp://localhost:{port}?tls=off").start()
    try:
        Person(journal.url).sign_up("first@example.org")
        engine = create_engine(empty_database)

        def attempts() -> int:
            with engine.connect() as connection:
                told = connection.execute(
                    text("SELECT attempts FROM outbox WHERE fault LIKE '%not reached%'")
                )
                return int(told.scalar() or 0)

        wait_for(lambda: attempts() == 1)  # nobody is there; the person was not held up
        controller = Controller(box, hostname="127.0.0.1", port=port)
        controller.start()
        try:
            Person(journal.url).sign_up("second@example.org")
            wait_for(lambda: len(box.got) == 1)
            with engine.begin() as connection:
                connection.execute(text("UPDATE outbox SET due_at = created_at WHERE sent_at IS NULL"))
            Person(journal.url).sign_up("third@example.org")
            wait_for(lambda: len(box.got) == 3)
            time.sleep(0.5)
        finally:
            controller.stop()
        engine.dispose()
        assert sorted(m.split("To: ")[1].split("\r\n")[0] for m in box.got) == [
            "first@example.org",
            "second@example.org",
            "third@example.org",
        ]
        assert all("/account/verify/" in m for m in box.got)
        assert not (tmp_path / "mail").exists()
    finally:
        journal.stop()
