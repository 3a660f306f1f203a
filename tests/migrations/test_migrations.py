"""Migrations: up, down and up again with rows in it; and the shape they make is the models'."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, inspect, text

from journal.accounts import models as _accounts
from journal.audit import models as _audit
from journal.clinic_flags import models as _clinic_flags
from journal.clinics import models as _clinics
from journal.digests import models as _digests
from journal.entries import models as _entries
from journal.factors import models as _factors
from journal.flags import models as _flags
from journal.kit import bounces as _bounces
from journal.kit import health as _health
from journal.kit import outbox as _outbox
from journal.kit import throttle as _throttle
from journal.kit.cli import MIGRATIONS, alembic_config
from journal.kit.db import Base, make_engine
from journal.reminders import models as _reminders
from journal.shares import models as _shares

LOADED = (
    _accounts, _audit, _bounces, _clinic_flags, _clinics, _digests, _entries, _factors, _flags, _health, _outbox, _reminders,
    _shares, _throttle,
)  # fmt: skip
VERSIONS = sorted((MIGRATIONS / "versions").glob("*.py"))


def shape(url: str) -> Any:
    """Everything about the tables that matters, in one comparable value."""
    engine = create_engine(url)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
            told: Any = {
                name: sorted(
                    part.strip()
                    for part in re.split(r",\s*\n|\n", re.sub(r"[ \t]+", " ", sql.replace('"', "")))
                )
                for name, sql in rows
                if name != "alembic_version"
            }
        else:
            looked = inspect(connection)
            told = {}
            for name in looked.get_table_names():
                if name == "alembic_version":
                    continue
                constraints = connection.execute(
                    text(
                        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = CAST(:t AS regclass)"
                    ),
                    {"t": name},
                ).all()
                indexes = connection.execute(
                    text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :t"), {"t": name}
                ).all()
                columns = [
                    (c["name"], str(c["type"]), c["nullable"], bool(c.get("identity")))
                    for c in looked.get_columns(name)
                ]
                told[name] = (sorted(columns), sorted(map(tuple, constraints)), sorted(map(tuple, indexes)))
    engine.dispose()
    return told


def test_the_migrated_shape_is_the_models(empty_database: str, tmp_path: Path) -> None:
    command.upgrade(alembic_config(empty_database), "head")
    migrated = shape(empty_database)
    command.downgrade(alembic_config(empty_database), "base")
    engine = make_engine(empty_database)
    Base.metadata.create_all(engine)
    engine.dispose()
    assert shape(empty_database) == migrated
    assert len(migrated) >= 9


def test_up_down_up_with_rows(empty_database: str) -> None:
    config = alembic_config(empty_database)
    command.upgrade(config, "head")
    before = shape(empty_database)
    engine = make_engine(empty_database)
    add_entry(engine, "check-in")
    for version in reversed(VERSIONS[2:]):
        command.downgrade(config, VERSIONS[VERSIONS.index(version) - 1].stem)
        assert counts(engine) == (1, 1, 1)
    command.upgrade(config, "head")
    assert counts(engine) == (1, 1, 1)  # a table that is made anew takes nothing along that points to it
    for version in reversed(VERSIONS[1:]):
        command.downgrade(config, VERSIONS[VERSIONS.index(version) - 1].stem)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM accounts")).scalar_one() == 1
    command.upgrade(config, "head")
    engine.dispose()
    assert shape(empty_database) == before


def add_entry(engine: Engine, kind: str) -> None:
    """An account with one entry of one revision."""
    tables, patient, entry = Base.metadata.tables, uuid4(), uuid4()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    account = {"id": patient, "email": "a@example.org", "email_key": "a@example.org", "passphrase_hash": "x"}
    whose = {"patient_id": patient}
    one = {"id": entry, "kind": kind, "day": at.date(), "zone": "UTC", "is_late": False, "is_deleted": False}
    numbers = {"current_revision": 1, "last_revision": 1, "settled_revision": 0, "beside": 0}
    made = {"captured_at": at, "received_at": at, "device": "", "sealed": b"x"}
    first = {"entry_id": entry, "number": 1, "base": 0, "is_beside": False, "day": at.date()}
    with engine.begin() as connection:
        for table, values in (
            ("accounts", {**account, "created_at": at, "zone": "UTC", "day_ends_hour": 0}),
            ("patient_keys", {**whose, "wrapped_key": b"x", "created_at": at}),
            ("entries", {**whose, **one, **numbers}),
            ("revisions", {**whose, **first, **made}),
        ):
            connection.execute(tables[table].insert(), values)


def counts(engine: Engine) -> tuple[int, ...]:
    with engine.connect() as connection:
        return tuple(
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("accounts", "entries", "revisions")
        )


def test_going_back_refuses_to_lose_what_the_older_version_cannot_keep(empty_database: str) -> None:
    config = alembic_config(empty_database)
    command.upgrade(config, "head")
    engine = make_engine(empty_database)
    add_entry(engine, "questionnaire")
    with pytest.raises(RuntimeError, match="1 questionnaires, safety plans or checks and 0 flags"):
        command.downgrade(config, "0002_create_entries")
    assert counts(engine) == (1, 1, 1)
    engine.dispose()


def test_going_back_refuses_to_let_somebody_in_without_their_second_step(empty_database: str) -> None:
    config = alembic_config(empty_database)
    command.upgrade(config, "head")
    engine = make_engine(empty_database)
    add_entry(engine, "check-in")
    accounts = Base.metadata.tables["accounts"]
    for change in ({"second_step_since": datetime(2026, 1, 1, tzinfo=UTC)}, {"reads_others": True}):
        with engine.begin() as connection:
            connection.execute(accounts.update().values(second_step_since=None, reads_others=False))
            connection.execute(accounts.update().values(**change))
        with pytest.raises(RuntimeError, match="1 accounts sign in with a second step"):
            command.downgrade(config, "0003_create_flags")
    assert counts(engine) == (1, 1, 1)
    engine.dispose()


def test_migrations_are_numbered_named_and_alone() -> None:
    for number, path in enumerate(VERSIONS, 1):
        assert path.stem.startswith(f"{number:04}_")
        words = path.read_text("utf-8")
        assert f'revision = "{path.stem}"' in words
        names = {
            n.split(".")[0]
            for node in ast.walk(ast.parse(words))
            if isinstance(node, ast.ImportFrom)
            for n in [node.module or ""]
        }
        assert "journal" not in names and "import journal" not in words


def test_going_back_leaves_no_passkey_that_the_older_version_would_take_for_a_second_step(
    empty_database: str,
) -> None:
    """One that signs in alone goes, and so do open challenges and links that are nobody's there; a second step stays."""
    config = alembic_config(empty_database)
    command.upgrade(config, "head")
    engine, tables, at = make_engine(empty_database), Base.metadata.tables, datetime(2026, 1, 1, tzinfo=UTC)
    strict, plain = uuid4(), uuid4()
    account = {"passphrase_hash": "x", "created_at": at, "zone": "UTC", "day_ends_hour": 0}
    key = {"public_key": b"x", "sign_count": 0, "name": "x", "created_at": at}
    link = {"email": "x", "created_at": at, "expires_at": at}
    with engine.begin() as connection:
        for n, (who, since) in enumerate(((strict, at), (plain, None))):
            mine = {"id": who, "email": f"{n}@example.org", "email_key": f"{n}@example.org"}
            rows = {
                "accounts": {**account, **mine, "second_step_since": since},
                "passkeys": {**key, "id": uuid4(), "account_id": who, "credential_id": bytes([n])},
                "passkey_offers": {"account_id": who, "settled_at": at},
            }
            for table, values in rows.items():
                connection.execute(tables[table].insert(), values)
        for n, purpose in enumerate(("reset", "sign-in")):
            one = {**link, "token_hash": bytes([n]), "purpose": purpose, "account_id": plain}
            connection.execute(tables["mailed_links"].insert(), one)
        for n, (purpose, whose) in enumerate((("sign-in", strict), ("one-touch", None))):
            asked = {"challenge_hash": bytes([n]), "purpose": purpose, "account_id": whose, "expires_at": at}
            connection.execute(tables["challenges"].insert(), asked)
    step = next(n for n, path in enumerate(VERSIONS) if path.stem == "0011_sign_in_by_touch_and_link")
    command.downgrade(config, VERSIONS[step - 1].stem)
    with engine.connect() as connection:
        kept = [
            connection.execute(text(f"SELECT {what}")).scalars().all()
            for what in ("name FROM passkeys", "purpose FROM mailed_links", "purpose FROM challenges")
        ]
    assert kept == [["x"], ["reset"], ["sign-in"]]
    command.upgrade(config, "head")
    engine.dispose()
