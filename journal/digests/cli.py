"""`flask digests send`: for the operator, at any time, as often as wished."""

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from journal.clinics.queries import list_clinics
from journal.digests.tasks import send_by_hand
from journal.domain.errors import Refused
from journal.domain.weeks import Week
from journal.kit import clock
from journal.kit.db import Database

digests = AppGroup("digests", help="Make and send weekly digests.")


@digests.command("send")
@click.option("--week", "label", default=None, help="Such as 2026-W47. Left out: what is due.")
@with_appcontext
def send(label: str | None) -> None:
    """Make the digests that are missing, and send them to everybody entitled who hasn't had them."""
    try:
        week = None if label is None else Week.parse(label)
    except Refused as refused:
        raise click.ClickException(refused.reasons["week"]) from None
    database: Database = current_app.extensions["database"]
    with database.reading() as unit:
        clinics = [one for one, _staff in list_clinics(unit)]
    for one in clinics:
        try:
            told = send_by_hand(database, one, week, clock.now())
        except Refused as refused:
            told = [refused.reasons["week"]]
        for line in told:
            click.echo(f"{one.name}: {line}")
    if not clinics:
        click.echo("There is no clinic yet.")
    click.echo(f"{current_app.extensions['send_mail']()} mails sent.")
