"""A dump of the database and the server's log after the demo holds nothing that a patient wrote or scored."""

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import create_engine, text

from journal.demo.stories import FEELINGS, NOTES, PLAN, tell
from journal.domain.after_infusion import DOMAINS
from journal.domain.flag_rules import RULES
from journal.domain.instrument_files import instruments
from journal.domain.measures import CONDITIONS, MEASURES
from journal.domain.side_effects import SIDE_EFFECTS
from tests.faults.person import Person
from tests.servers import Journal, _postgres_bin

pytestmark = pytest.mark.slow
PASSPHRASE = "four green lamps at dusk"
WRITTEN = "a canary that sings at four"
PLAN_CANARY = "the blue blanket on the stairs"


def words() -> set[str]:
    """Every word that only a payload would hold: notes, measures with their scores, symptoms, side effects."""
    ids = {*MEASURES, *SIDE_EFFECTS, *DOMAINS, *CONDITIONS} - {
        "other",
        "function",
        "memory",
        "sleep",
        "speech",
        "pain",
    }
    ids = {name for name in ids if len(name) > 4}  # random bytes hold every short word somewhere
    return {
        *NOTES,
        *FEELINGS,
        *ids,
        "moderate",
        "severe",
        "dose_mg",
        "treated_for",
        *(item.id for one in instruments().values() for item in one.items if "_" in item.id),
        *(item.text["en"] for one in instruments().values() for item in one.items),
        # which of these a clinic has chosen is its own setting, and about nobody
        *(code for code in instruments() if code not in ("urinary", "phq-8", "phq-9") and len(code) > 4),
        *(rule for rule in RULES if "-" in rule),
        "You answered",
        "Several days",
        PLAN.things_i_do,
        PLAN.what_matters,
        PLAN.person_number,
        PLAN_CANARY,
        WRITTEN,
        urlencode({"n": WRITTEN})[2:],
    }


def dump(journal: Journal, address: str, folder: Path) -> str:
    """All of the database in readable form, its raw files (the WAL too), and the server's log."""
    told = [journal.log.read_bytes()]
    if address.startswith("sqlite"):
        told += [path.read_bytes() for path in folder.glob("journal.sqlite3*")]
        assert any(path.name.endswith("-wal") for path in folder.glob("journal.sqlite3*"))
    else:
        plain = address.replace("postgresql+psycopg", "postgresql")
        told.append(
            subprocess.run(
                [_postgres_bin() / "pg_dump", "--inserts", plain], check=True, capture_output=True
            ).stdout
        )
    engine = create_engine(address)
    with engine.connect() as connection:
        for table in (
            "accounts",
            "sessions",
            "mailed_links",
            "throttles",
            "outbox",
            "mail_addresses",
            "audit_events",
            "entries",
            "revisions",
            "flags",
            "totp_factors",
            "passkeys",
            "recovery_codes",
            "challenges",
        ):
            for row in connection.execute(text(f"SELECT * FROM {table}")):
                told.append(repr(row).encode())
                told += [value for value in row if isinstance(value, bytes)]
    engine.dispose()
    return b"\n".join(told).decode("utf-8", "replace").casefold()


def found(journal: Journal, address: str, folder: Path) -> set[str]:
    text_of_it = dump(journal, address, folder)
    assert len(text_of_it) > 200_000
    return {
        word for word in words() if re.search(rf"(?<![a-z]){re.escape(word.casefold())}(?![a-z])", text_of_it)
    }


def tell_more(person: Person) -> None:
    """Answer item 9, say that one isn't safe, write a safety plan: each over HTTP, as a person does."""
    for path, fields in (
        ("/questionnaires/phq-9/1", {"answer": "1"}),
        ("/questionnaires/phq-9/9", {"answer": "1"}),
        ("/help-now/safe", {"safe": "unsure"}),
        ("/safety-plan/edit", {"struggling": PLAN_CANARY}),
        ("/questionnaires/urinary/1", {"answer": "2"}),
    ):
        token = person.token("/help-now")
        code, _ = person.open(path, {"csrf_token": token, **fields})
        assert code == 303, path


@pytest.mark.parametrize("sealing", [True, False], ids=["sealed", "sealing-switched-off"])
def test_nothing_is_readable(empty_database: str, tmp_path: Path, sealing: bool) -> None:
    """And the check itself finds what it looks for when sealing is switched off."""
    env = {} if sealing else {"JOURNAL_TEST_UNSEALED": "yes"}
    address = None if empty_database.startswith("sqlite") else empty_database
    journal = Journal(tmp_path, address, DEFAULT_ZONE="America/Denver", **env).start()
    try:
        told = journal.flask("demo", "--patients", "6", "--weeks", "8", "--password", PASSPHRASE)
        assert told.returncode == 0, told.stderr
        person = Person(journal.url)
        person.sign_up("canary@example.org")
        assert person.save({"mood": "3", "note": WRITTEN, "side_effects-nausea": "severe"}) == 303
        assert person.save({"mood": "300", "note": WRITTEN}) == 422
        tell_more(person)
        seen = found(journal, empty_database, tmp_path)
    finally:
        journal.stop()
    shutil.rmtree(tmp_path / "mail", ignore_errors=True)
    if sealing:
        assert seen == set()
    else:
        assert {WRITTEN, "nausea", "anxiety", *NOTES[:1]} <= seen
        assert {
            PLAN_CANARY,
            "phq9_9",
            "item-9",
            "not-safe",
            "You answered",
            PLAN.what_matters,
        } <= seen


def test_the_stories_differ_and_repeat() -> None:
    today = date(2026, 11, 22)
    one, two = list(tell(12, 16, 7, today)), list(tell(12, 16, 7, today))
    assert one == two
    assert one != list(tell(12, 16, 8, today))
    assert len({p.story for p in one}) == 6
    by_story = {p.story: p for p in one}
    assert len(by_story["forgets"].days) < len(by_story["quick"].days) * 0.7
    assert all(any(t.late_by for t in p.days) for p in one)
    assert all(any(t.checkin.side_effects for t in p.days) for p in one)

    def mood(story: str, last: int) -> float:
        values = [t.checkin.measures["mood"] for t in by_story[story].days if "mood" in t.checkin.measures]
        return sum(values[:8]) / 8 if last == 0 else sum(values[-last:]) / last

    assert mood("quick", 30) > mood("quick", 0) + 2
    assert mood("worse", 30) < mood("worse", 0)
    assert abs(mood("none", 30) - mood("none", 0)) < 1.5
