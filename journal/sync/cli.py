"""For the operator: what to say after a backup was put back."""

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from journal.kit import clock
from journal.kit.db import Database
from journal.sync import service

sync = AppGroup("sync", help="Look after what phones send.")


@sync.command("new-epoch")
@with_appcontext
def new_epoch() -> None:
    """Say that the database was put back from a backup: phones send the last two days once more."""
    database: Database = current_app.extensions["database"]
    with database.writing() as session:
        epoch = service.begin_epoch(session, clock.now())
        session.commit()
    click.echo(
        f"A new epoch has begun ({epoch}). Phones will send again what they sent in the last 48 hours."
    )
