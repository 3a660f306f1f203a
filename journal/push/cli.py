"""Commands that look after web push."""

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from journal.kit import clock
from journal.push import service

push = AppGroup("push", help="Look after web push.")


@push.command("new-key")
@click.option("--yes", is_flag=True, help="Don't ask.")
@with_appcontext
def new_key(yes: bool) -> None:
    """Make a new key pair. Every phone has to be turned on anew; until then its owner gets mails."""
    if not yes:
        click.confirm("Every phone has to be turned on anew by its owner. Go on?", abort=True)
    with current_app.extensions["database"].writing() as session:
        count = service.change_key(session, clock.now())
        session.commit()
    click.echo(f"There is a new key. Phones that were turned off: {count}.")
