"""The command that fills a believable clinic."""

import json
import secrets
from dataclasses import asdict
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import with_appcontext

from journal.config import Settings
from journal.demo.service import fill
from journal.kit import clock
from journal.kit.cli import migrate
from journal.kit.db import Database


@click.command()
@click.option("--patients", default=12, show_default=True, type=click.IntRange(1, 500))
@click.option("--weeks", default=16, show_default=True, type=click.IntRange(1, 260))
@click.option("--seed", default=7, show_default=True, help="The same number tells the same stories.")
@click.option("--password", default=None, help="Their passphrase; one is made up and shown if left out.")
@click.option("--json", "as_json", is_flag=True, help="List who can sign in as JSON.")
@with_appcontext
def demo(patients: int, weeks: int, seed: int, password: str | None, as_json: bool) -> None:
    """Fill a believable clinic, and say who can sign in."""
    settings: Settings = current_app.extensions["settings"]
    database: Database = current_app.extensions["database"]
    if settings.is_public:
        raise click.ClickException(
            "The demo is for trying out. This journal has a public address; nothing was added."
        )
    migrate(settings)
    passphrase = password or f"demo {secrets.token_hex(4)} journal {secrets.token_hex(4)}"
    with database.writing() as unit:
        listed = fill(
            unit,
            current_app.extensions["hasher"],
            passphrase,
            patients=patients,
            weeks=weeks,
            seed=seed,
            zone=ZoneInfo(settings.default_zone),
            now=clock.now(),
        )
        unit.commit()
    if as_json:
        click.echo(json.dumps([asdict(one) for one in listed], indent=1))
        return
    click.echo("These people can sign in:")
    for one in listed:
        click.echo(f"  {one.email:32} {one.story}")
        if one.totp:
            click.echo(f"  {'':32} second step: put this key into an authenticator app: {one.totp}")
    click.echo(f"Their passphrase: {passphrase}")
