"""`flask demo` as a newcomer uses it."""

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from journal.demo.service import fill
from journal.kit.db import Database
from tests.faults.person import Person
from tests.servers import Journal

pytestmark = pytest.mark.slow
PASSPHRASE = "four green lamps at dusk"


def test_demo_lists_who_can_sign_in(empty_database: str, tmp_path: Path) -> None:
    address = None if empty_database.startswith("sqlite") else empty_database
    journal = Journal(tmp_path, address).start()
    try:
        words = ("demo", "--patients", "3", "--weeks", "4", "--seed", "7", "--password", PASSPHRASE, "--json")
        told = journal.flask(*words)
        assert told.returncode == 0, told.stderr
        listed = json.loads(told.stdout)
        assert [one["roles"] for one in listed] == [
            *[["patient"]] * 3,
            ["therapist"],
            ["clinician"],
            ["front-desk"],
            ["admin"],
        ]
        assert json.loads(journal.flask(*words).stdout) == listed  # a second time adds nobody
        person = Person(journal.url)
        assert person.sign_in(listed[0]["email"], PASSPHRASE) == 303
        told_trends = person.json("/trends.json?days=90")
        assert sum(v is not None for v in told_trends["series"][0]["values"]) > 15
        lee = Person(journal.url)
        assert lee.sign_in(listed[3]["email"], PASSPHRASE, listed[3]["totp"]) == 303
        assert "See first" in lee.open("/care")[1]
    finally:
        journal.stop()


@pytest.mark.parametrize("hour", range(0, 24))
def test_demo_fills_at_any_hour(hour: int, app: Flask, database: Database) -> None:
    """Whatever the time and weekday: an infusion of today that is still to come is left out, not refused."""
    zone = ZoneInfo("America/New_York")
    now = datetime(2026, 11, 23, hour, 7, tzinfo=zone)  # in this story an infusion is given on that day
    hasher = app.extensions["hasher"]
    with database.writing() as unit:
        listed = fill(unit, hasher, PASSPHRASE, patients=3, weeks=4, seed=7, zone=zone, now=now)
    assert len(listed) == 7


def test_no_made_up_patients_in_a_real_journal(tmp_path: Path) -> None:
    journal = Journal(
        tmp_path,
        BASE_URL="https://journal.example.net",
        SECRET_KEY="kQ4v8sT1nLx7Wm2ZpR9cYb3HdJf6Gt5AaEe0UuIiOo",
    )
    assert "up to date" in journal.flask("db", "upgrade").stdout
    told = journal.flask("demo")
    assert told.returncode == 1 and "nothing was added" in told.stderr
