"""Commands that look after the database and the settings: `flask db ...`, `flask check`, `flask mail send`."""

from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import CheckConstraint, LargeBinary, SmallInteger, select
from sqlalchemy.orm import Mapped, mapped_column

from journal.config import Settings, UnfitSettings
from journal.kit.db import Base, Database
from journal.kit.vault import Vault

MIGRATIONS = Path(__file__).parent.parent.parent / "migrations"
MADE = ".database-made"


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


def check_vault(settings: Settings) -> None:
    """Compare the master key with the mark that the first start left in the database, and leave one where there is
    none. Raises UnfitSettings for another key: nothing could be opened, and new entries would be lost to the old one."""
    database = Database(settings.database_url)
    mark = Vault(settings.master_key).keyed_hash(b"this journal", b"vault mark")
    with database.writing() as session:
        held = session.execute(select(VaultMark.mark)).scalar_one_or_none()
        if held is None:
            session.add(VaultMark(id=1, mark=mark))
            session.commit()
    database.close()
    if held not in (None, mark):
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

    app.cli.add_command(db)
