"""Commands that look after the journal: `flask db ...`, `flask check`, `flask worker`, `flask mail ...`."""

import time
from importlib import import_module
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import CheckConstraint, LargeBinary, SmallInteger, Table, inspect, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from journal.config import Settings, UnfitSettings
from journal.kit import bounces, clock, outbox, vapid
from journal.kit.db import Base, Database, upsert
from journal.kit.vault import Vault

MIGRATIONS = Path(__file__).parent.parent.parent / "migrations"
MADE = ".database-made"
WAIT_FOR_DATABASE_S = 60.0


class VaultMark(Base):
    """What only the right master key makes; one row."""

    __tablename__ = "vault_marks"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    mark: Mapped[bytes] = mapped_column(LargeBinary(32))


def alembic_config(database_url: str) -> Config:
    config = Config(str(MIGRATIONS / "alembic.ini"))
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database_url"] = database_url
    return config


def migrate(settings: Settings) -> None:
    """Bring the database to the newest shape, and leave a mark that there is one."""
    command.upgrade(alembic_config(settings.database_url), "head")
    if settings.sqlite_path is not None:
        settings.sqlite_path.chmod(0o600)
    (settings.data_dir / MADE).touch(mode=0o600)


def is_made(database: Database) -> bool:
    """Whether the database has its tables."""
    return inspect(database.engine).has_table(VaultMark.__tablename__)


def check_vault(settings: Settings) -> None:
    """Compare the master key with the mark that the first start left in the database, and leave one where there is
    none; with the right one, make the key for web push where there is none. Raises UnfitSettings for another key: nothing
    could be opened, and new entries would be lost to the old one."""
    database = Database(settings.database_url)
    vault = Vault(settings.master_key)
    mark = vault.keyed_hash(b"this journal", b"vault mark")
    table = VaultMark.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what SQLAlchemy knows
    with database.writing() as session:
        # Web server and workers may start at the same moment: the first one's mark stays.
        session.execute(upsert(session, table).values(id=1, mark=mark).on_conflict_do_nothing())
        session.commit()
        held = session.execute(select(VaultMark.mark)).scalar_one()
        if held == mark:
            vapid.make_key(session, vault, clock.now())
            session.commit()
    database.close()
    if held != mark:
        raise UnfitSettings(
            "MASTER_KEY (or secrets/master.key in DATA_DIR) is not the one this database was made with. "
            "Put the right one back; what patients wrote can be opened with no other."
        )


def missing_database(settings: Settings) -> str | None:
    """A sentence when a database file that should exist doesn't: starting with an empty one would look like loss."""
    path = settings.sqlite_path
    if path is None or path.exists():
        return None
    if (settings.data_dir / MADE).exists():
        return (
            f"The database {path} is gone, though this folder had one. Put it back, or restore a backup. "
            f"To start with an empty journal on purpose, delete {settings.data_dir / MADE} first."
        )
    if settings.is_public:
        return f"There is no database at {path}. Make it with: flask db upgrade. Check DATABASE_URL and DATA_DIR first."
    return None


def is_ready(settings: Settings) -> bool:
    """True when the database is there, in the shape that this version needs. Makes no file."""
    if settings.sqlite_path is not None and not settings.sqlite_path.exists():
        return False
    database = Database(settings.database_url)
    try:
        with database.engine.connect() as connection:
            here = MigrationContext.configure(connection).get_current_heads()
    except OperationalError:
        return False
    finally:
        database.close()
    newest = ScriptDirectory.from_config(alembic_config(settings.database_url)).get_heads()
    return set(here) == set(newest)


def wait_until_ready(settings: Settings) -> None:
    """Wait for the database a minute long: the server that makes it may be starting at this moment. Raises
    UnfitSettings."""
    until = time.monotonic() + WAIT_FOR_DATABASE_S
    while not is_ready(settings):
        if time.monotonic() >= until:
            raise UnfitSettings(
                "The database is not there, or not up to date. Run: flask --app wsgi db upgrade"
            )
        time.sleep(0.3)
    check_vault(settings)


def commands(app: Flask) -> None:
    db = AppGroup("db", help="Look after the database.")

    @db.command("upgrade")
    @with_appcontext
    def upgrade() -> None:
        """Bring the database to the newest shape."""
        settings: Settings = current_app.extensions["settings"]
        gone = missing_database(settings)
        if gone is not None and (settings.data_dir / MADE).exists():
            raise click.ClickException(gone)
        migrate(settings)
        click.echo("The database is up to date.")

    @db.command("downgrade")
    @click.argument("revision")
    @with_appcontext
    def downgrade(revision: str) -> None:
        """Take the database back to REVISION."""
        command.downgrade(alembic_config(current_app.extensions["settings"].database_url), revision)

    @app.cli.command("check")
    def check() -> None:
        """Say whether these settings are fit for patients."""
        settings: Settings = current_app.extensions["settings"]
        gone = missing_database(settings)
        if gone:
            raise click.ClickException(gone)
        try:
            check_vault(settings)
        except UnfitSettings as unfit:
            raise click.ClickException(str(unfit)) from None
        told = []
        if not settings.is_public:
            told.append("BASE_URL is this machine only: fit for trying out, not for patients elsewhere.")
        if settings.mail is None:
            told.append(f"MAIL_URL is not set: mail is kept in {settings.data_dir / 'mail'}.")
        for line in told or ["These settings are fit."]:
            click.echo(line)

    @app.cli.command("send-mail")
    def send_mail() -> None:
        """Send the mail that waits, once."""
        click.echo(f"{current_app.extensions['send_mail']()} sent.")

    @app.cli.command("worker")
    @click.option("--once", is_flag=True, help="Do what is due now, and stop.")
    def worker(once: bool) -> None:
        """Send mail and do what else is due, each minute, until it is stopped."""
        here = current_app.extensions
        settings: Settings = here["settings"]
        try:
            wait_until_ready(settings)
        except UnfitSettings as unfit:
            raise click.ClickException(str(unfit)) from None
        if not once:
            # Loaded here, so that no web process carries the queue's library.
            work = import_module("journal.kit.worker").work
            work(settings.database_url, here["queue_path"], here["look"], here["stopping"])
            return
        done = here["look"]()
        for name, count in done.items():
            click.echo(f"{name}: failed, see the log" if count is None else f"{name}: {count} done")
        if None in done.values():
            raise SystemExit(1)

    app.cli.add_command(db)
    app.cli.add_command(_mail_commands())


def _mail_commands() -> AppGroup:
    mail = AppGroup("mail", help="Look after mail that did not arrive.")

    @mail.command("bounced")
    @click.argument("address")
    @with_appcontext
    def bounced(address: str) -> None:
        """Count a mail to ADDRESS that came back later. After two the address gets no more mail."""
        here = current_app.extensions
        database: Database = here["database"]
        with database.writing() as session:
            off = bounces.bounce(session, address, None, clock.now(), here["on_switched_off"])
            session.commit()
        click.echo("Switched off: no more mail goes to this address." if off else "Counted.")

    @mail.command("again")
    @click.argument("address")
    @with_appcontext
    def again(address: str) -> None:
        """Send mail to ADDRESS again."""
        database: Database = current_app.extensions["database"]
        with database.writing() as session:
            known = bounces.switch_on(session, address)
            session.commit()
        click.echo("Mail goes to this address again." if known else "Nothing was counted for this address.")

    @mail.command("faults")
    @with_appcontext
    def faults() -> None:
        """List the mails that belong to no clinic and did not go out, without their addresses."""
        database: Database = current_app.extensions["database"]
        with database.reading() as session:
            for one in outbox.list_faults(session, None):
                state = "is tried again" if one.is_waiting else "given up"
                click.echo(f"{one.created_at:%Y-%m-%d %H:%M}  {one.purpose}  {one.fault}  {state}")

    return mail
