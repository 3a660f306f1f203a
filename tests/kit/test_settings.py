"""Settings that are unfit are refused with a sentence that says how to mend it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from journal.config import Settings, UnfitSettings
from journal.kit.cli import MADE, check_vault, migrate, missing_database
from tests.servers import ROOT

GOOD_SECRET = "kQ4v8sT1nLx7Wm2ZpR9cYb3HdJf6Gt5AaEe0UuIiOo"
PUBLIC = {"BASE_URL": "https://journal.example.net", "SECRET_KEY": GOOD_SECRET}


def test_a_first_start_asks_nothing_and_keeps_its_secrets(tmp_path: Path) -> None:
    one = Settings.from_env({"DATA_DIR": str(tmp_path / "new")})
    two = Settings.from_env({"DATA_DIR": str(tmp_path / "new")})
    assert (one.secret_key, one.master_key) == (two.secret_key, two.master_key)
    kept = sorted((tmp_path / "new" / "secrets").iterdir())
    assert [path.name for path in kept] == ["master.key", "secret.key"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert one.secret_key not in repr(one) and "master" not in repr(one)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"BASE_URL": "https://journal.example.net"}, "SECRET_KEY is missing"),
        (
            {**PUBLIC, "SECRET_KEY": "change-me-change-me-change-me-change-me"},
            "SECRET_KEY is too short or looks",
        ),
        ({**PUBLIC, "SECRET_KEY": "a" * 64}, "SECRET_KEY is too short or looks"),
        ({**PUBLIC, "SECRET_KEY": "kQ4v8sT1"}, "SECRET_KEY is too short or looks"),
        ({**PUBLIC, "BASE_URL": "http://journal.example.net"}, "BASE_URL must start with https://"),
        ({"BASE_URL": "journal.example.net"}, "BASE_URL must be the journal's own address"),
        ({"BASE_URL": "https://journal.example.net/path"}, "a scheme and a host only"),
        ({"PORT": "http"}, "PORT must be a whole number"),
        ({"PORT": "0"}, "PORT must be a whole number"),
        ({"BACKUP_KEEP_DAYS": "for ever"}, "BACKUP_KEEP_DAYS must be a whole number"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL must start with"),
        ({"MAIL_URL": "mail.example.org"}, "MAIL_URL must look like"),
        ({"MASTER_KEY": "c2hvcnQ="}, "MASTER_KEY must be 32 bytes"),
        ({"DEFAULT_ZONE": "Mars/Olympus"}, "DEFAULT_ZONE must name a time zone"),
    ],
)
def test_unfit_settings(tmp_path: Path, env: dict[str, str], words: str) -> None:
    with pytest.raises(UnfitSettings, match=words) as told:
        Settings.from_env({"DATA_DIR": str(tmp_path), **env})
    assert str(told.value).endswith((".", "'")) and GOOD_SECRET not in str(told.value)


def test_an_unwritable_folder(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(UnfitSettings, match="DATA_DIR can't be made"):
        Settings.from_env({"DATA_DIR": str(blocked / "below")})


def test_fit_public_settings(tmp_path: Path) -> None:
    fit = Settings.from_env(
        {"DATA_DIR": str(tmp_path), **PUBLIC, "MAIL_URL": "smtp://me:p%40ss@mail.example.org"}
    )
    assert fit.is_public and fit.is_https
    assert fit.mail is not None
    assert (fit.mail.port, fit.mail.password, fit.mail.tls_from_start) == (587, "p@ss", False)


def test_a_database_that_should_be_there(tmp_path: Path) -> None:
    local = Settings.from_env({"DATA_DIR": str(tmp_path)})
    assert missing_database(local) is None  # a first start
    migrate(local)
    assert local.sqlite_path is not None
    local.sqlite_path.unlink()
    assert "is gone" in (missing_database(local) or "")
    (tmp_path / MADE).unlink()
    assert missing_database(local) is None
    public = Settings.from_env({"DATA_DIR": str(tmp_path), **PUBLIC})
    assert "flask db upgrade" in (missing_database(public) or "")


@pytest.mark.long
def test_the_server_says_it_in_one_sentence(tmp_path: Path) -> None:
    env = {**os.environ, "DATA_DIR": str(tmp_path), "BASE_URL": "http://journal.example.net"}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "check"]
    told = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert told.returncode == 1
    assert told.stderr.strip().startswith("The journal can't start: BASE_URL must start with https://")
    assert "Traceback" not in told.stderr


def test_another_master_key_is_refused(tmp_path: Path) -> None:
    right = Settings.from_env({"DATA_DIR": str(tmp_path)})
    migrate(right)
    check_vault(right)
    check_vault(right)
    (tmp_path / "secrets" / "master.key").unlink()
    with pytest.raises(UnfitSettings, match="not the one this database was made with"):
        check_vault(Settings.from_env({"DATA_DIR": str(tmp_path)}))


@pytest.mark.long
def test_gunicorn_says_it_in_one_sentence(tmp_path: Path) -> None:
    for env, words in (
        ({"BASE_URL": "http://journal.example.net"}, "BASE_URL must start with https://"),
        ({"BIND": "0.0.0.0:8999"}, "BIND opens it to the network"),
        ({"WORKERS": "2"}, "need PostgreSQL"),
    ):
        command = [str(Path(sys.executable).parent / "gunicorn"), "-c", "deploy/gunicorn.conf.py", "wsgi:app"]
        told = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "DATA_DIR": str(tmp_path), **env},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert told.returncode != 0 and words in told.stderr
        assert "Traceback" not in told.stderr
