"""From the tap on "Several days" to the mail at the clinic's server, through the real worker; and what follows."""

import json
import re
import time
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import create_engine, text

from tests.faults.person import Person
from tests.faults.test_smtp import wait_for
from tests.servers import Journal, free_port

pytestmark = pytest.mark.slow
PASSPHRASE = "four green lamps at dusk"
DEMO = ("demo", "--patients", "2", "--weeks", "3", "--password", PASSPHRASE, "--json")
SOL, SECOND = "sol@demo.example.org", "on-call@demo.example.org"


class Box:
    """Keeps what comes, and when."""

    def __init__(self) -> None:
        self.got: list[tuple[float, Any]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append((time.monotonic(), message_from_bytes(envelope.content, policy=SMTP)))
        return "250 OK"

    def to(self, address: str) -> list[Any]:
        return [one for _at, one in self.got if one["To"] == address]


def answer_item_9(patient: Person) -> None:
    page = patient.open("/questionnaires/phq-9/9")[1]
    token, entry = (re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("csrf_token", "entry_id"))
    assert token and entry
    sent = {"csrf_token": token[1], "entry_id": entry[1], "answer": "1", "language": "en"}
    assert patient.open("/questionnaires/phq-9/9", sent)[0] == 303


@pytest.mark.parametrize("worker", ["runs", "comes later"])
def test_from_the_tap_to_the_mail(empty_database: str, tmp_path: Path, worker: str) -> None:
    box, port = Box(), free_port()
    address = None if empty_database.startswith("sqlite") else empty_database
    journal = Journal(
        tmp_path, address, has_worker=worker == "runs", MAIL_URL=f"smtp://localhost:{port}?tls=off"
    ).start()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    engine = create_engine(empty_database)
    try:
        told = journal.flask(*DEMO)
        assert told.returncode == 0, told.stderr
        listed = {one["email"]: one for one in json.loads(told.stdout)}
        patient, sol = Person(journal.url), Person(journal.url)
        assert patient.sign_in("maya@demo.example.org", PASSPHRASE) == 303
        tapped = time.monotonic()
        answer_item_9(patient)
        if worker == "comes later":
            time.sleep(1)
            assert not box.got
            journal.has_worker = True
            tapped = time.monotonic()
            journal.start_worker()
        wait_for(lambda: box.to(SOL), 60)
        took = box.got[0][0] - tapped
        assert took < 60
        print(f"the mail came after {took:.1f} s")
        [mail] = box.to(SOL)
        said = f"{mail['Subject']} {mail.get_content()}".lower()
        for word in ("maya", "harbor", "question", "phq", "dead", "several", "infusion", "ketamine"):
            assert word not in said
        assert re.findall(r"https?://\S+", said) == [f"{journal.url}/clinic/flags"]

        assert sol.sign_in(SOL, PASSPHRASE, listed[SOL]["totp"]) == 303
        page = sol.open("/clinic/flags")[1]
        mine = re.search(
            r'<b>Maya</b>.*?action="(/clinic/flags/[^"]+)/acknowledge".*?name="told_at" value="([^"]+)"',
            page,
            re.DOTALL,
        )
        assert mine and "Answered “Several days” to question 9" in page
        assert sol.post(f"{mine[1]}/acknowledge", {"told_at": mine[2]}) == 303
        share = re.search(
            r'href="(/sharing/[0-9a-f-]{36})"[^>]*><span><b>Harbor Light', patient.open("/sharing")[1]
        )
        assert share and "Seen " in patient.open(share[1])[1]
        assert "Harbor Light has seen it" in patient.open("/help-now")[1]

        assert patient.post("/help-now/safe", {"safe": "unsure", "next": "/today"}) == 303
        wait_for(lambda: len(box.to(SOL)) == 2, 60)
        with engine.begin() as connection:
            connection.execute(text("UPDATE clinic_flags SET escalate_at = told_at WHERE state = 'open'"))
        assert patient.post("/help-now/safe", {"safe": "no", "next": "/today"}) == 303  # rings the bell
        wait_for(lambda: box.to(SECOND), 70)
        assert journal.flask("worker", "--once").returncode == 0
        time.sleep(1)
        assert len(box.to(SECOND)) == 1
        assert len({one["Message-ID"] for _at, one in box.got}) == len(box.got)
    finally:
        controller.stop()
        journal.stop()
        engine.dispose()
