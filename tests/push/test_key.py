"""The key: made once at the first start, however many processes start; and a new one by the operator's command."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from journal import create_app
from journal.config import Settings, UnfitSettings
from journal.kit import vapid
from journal.kit.cli import check_vault, migrate
from journal.kit.db import Database
from journal.kit.vault import CannotOpen, Vault
from tests.conftest import MASTER_KEY, NOON, make_settings
from tests.push.conftest import subscribe
from tests.push.phone import Phone
from tests.reminders.people import settle_in


@pytest.fixture
def settings(empty_database: str, tmp_path: Path) -> Settings:
    made = make_settings(tmp_path, empty_database)
    migrate(made)
    return made


def held(settings: Settings, master_key: bytes = MASTER_KEY) -> vapid.KeyPair | None:
    database = Database(settings.database_url)
    try:
        with database.reading() as session:
            return vapid.find_key(session, Vault(master_key))
    finally:
        database.close()


@pytest.mark.long
def test_processes_that_start_at_once_have_one_key(settings: Settings) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: check_vault(settings), range(6)))
    first = held(settings)
    assert first is not None and len(first.secret) == 32
    check_vault(settings)
    assert held(settings) == first
    with pytest.raises(CannotOpen):
        held(settings, bytes(range(1, 33)))


def test_a_wrong_master_key_makes_none(settings: Settings) -> None:
    check_vault(settings)
    first = held(settings)
    wrong = make_settings(settings.data_dir, settings.database_url, master_key=bytes(range(50, 82)))
    with pytest.raises(UnfitSettings):
        check_vault(wrong)
    assert held(settings) == first


def test_a_new_one(settings: Settings) -> None:
    check_vault(settings)
    before = held(settings)
    app = create_app(settings)
    database: Database = app.extensions["database"]
    with database.writing() as session:
        one = settle_in(session, "ida@example.org", "America/Denver", NOON)
        subscribe(session, one, Phone("http://localhost:9/push/x"))
        session.commit()
    told = app.test_cli_runner().invoke(args=["push", "new-key"], input="n\n")
    assert told.exit_code == 1 and held(settings) == before
    told = app.test_cli_runner().invoke(args=["push", "new-key", "--yes"])
    assert told.exit_code == 0 and "turned off: 1." in told.output
    assert held(settings) not in (None, before)
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM push_devices")).scalar_one() == 0
    database.close()


@pytest.mark.parametrize(("value", "is_on"), [("", True), ("on", True), ("off", False), ("OFF", False)])
def test_switched_on_or_off(tmp_path: Path, value: str, is_on: bool) -> None:
    assert Settings.from_env({"DATA_DIR": str(tmp_path), "WEB_PUSH": value}).web_push is is_on


def test_a_switch_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnfitSettings, match="WEB_PUSH must be on or off"):
        Settings.from_env({"DATA_DIR": str(tmp_path), "WEB_PUSH": "maybe"})


def test_no_public_journal_pushes_to_this_machine(tmp_path: Path) -> None:
    env = {"DATA_DIR": str(tmp_path), "JOURNAL_TEST_PUSH": "loopback"}
    assert Settings.from_env(env).push_to_loopback
    public = {
        **env,
        "BASE_URL": "https://journal.example.org",
        "SECRET_KEY": "kz83hd02kf93jf82hf73hg62hf72hf6q",
    }
    assert not Settings.from_env(public).push_to_loopback
