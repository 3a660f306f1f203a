"""The operator's commands: `flask clinic create`, `flask clinic add-admin`, `flask clinic list`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from journal.clinics import queries, service
from journal.clinics.service import NewStaff
from journal.config import Settings
from journal.domain import names
from journal.domain.errors import Refused
from journal.kit import clock
from journal.kit.cli import is_made
from journal.kit.db import Database

clinic = AppGroup("clinic", help="Make clinics. All the rest is theirs to do.")


def _tell(reasons: Mapping[str, str], options: Mapping[str, str]) -> click.ClickException:
    return click.ClickException(
        "\n".join(f"{options.get(field, field)}: {reason}" for field, reason in reasons.items())
    )


OPTIONS = {"name": "--name", "zone": "--zone", "country": "--country", "email": "--admin"}


def _invite(session: Any, clinic_id: UUID, name: str, email: str, now: datetime) -> str:
    """Ask the address to be an admin; gives the link that its mail will hold."""
    staff_id, name = uuid4(), names.one_line(name) or email.partition("@")[0]
    if told := names.problem(name, ""):
        raise Refused({"--admin-name": told})
    service.invite_staff(session, clinic_id, staff_id, NewStaff(name, email, frozenset({"admin"})), now, None)
    settings: Settings = current_app.extensions["settings"]
    return f"{settings.base_url}/invitations/{service.new_staff_invitation(session, staff_id, now)}"


@clinic.command("create")
@click.option("--name", required=True, help="As patients know it.")
@click.option("--admin", required=True, help="The email address of its first admin.")
@click.option("--admin-name", default="", help="Their name; what stands before the @ if left out.")
@click.option("--zone", required=True, help="Its time zone, such as America/Denver.")
@click.option(
    "--country", required=True, help="Two letters, such as US; empty for one that has no help numbers here."
)
@with_appcontext
def create(name: str, admin: str, admin_name: str, zone: str, country: str) -> None:
    """Make a clinic, and invite its first admin."""
    database: Database = current_app.extensions["database"]
    if not is_made(database):
        raise click.ClickException("There is no database yet. Make it first, with: flask db upgrade")
    now = clock.now()
    with database.writing() as session:
        try:
            clinic_id = service.create_clinic(session, name, zone, country.upper(), now)
            link = _invite(session, clinic_id, admin_name, admin.strip(), now)
        except Refused as refused:
            raise _tell(refused.reasons, OPTIONS) from None
        session.commit()
    click.echo(f"Made {names.one_line(name)}. Its number is {clinic_id}.")
    _echo_link(admin.strip(), link)


def _echo_link(email: str, link: str) -> None:
    click.echo(f"An invitation goes to {email}. It holds this link, which works once, for two weeks:")
    click.echo(f"  {link}")
    click.echo("Only an account with that address, confirmed by mail, can accept it.")


@clinic.command("add-admin")
@click.argument("clinic_id", type=click.UUID)
@click.option("--admin", required=True, help="The email address to invite.")
@click.option("--admin-name", default="", help="Their name; what stands before the @ if left out.")
@with_appcontext
def add_admin(clinic_id: UUID, admin: str, admin_name: str) -> None:
    """Invite an admin to a clinic that has lost its own."""
    database: Database = current_app.extensions["database"]
    with database.writing() as session:
        if clinic_id not in {one.id for one, _count in queries.list_clinics(session)}:
            raise click.ClickException("There is no clinic of this number. See: flask clinic list")
        try:
            link = _invite(session, clinic_id, admin_name, admin.strip(), clock.now())
        except Refused as refused:
            raise _tell(refused.reasons, OPTIONS) from None
        session.commit()
    _echo_link(admin.strip(), link)


@clinic.command("list")
@with_appcontext
def show() -> None:
    """List the clinics."""
    database: Database = current_app.extensions["database"]
    with database.reading() as session:
        listed = queries.list_clinics(session)
    for one, staff in listed:
        made = one.created_at.date().isoformat()
        click.echo(f"{one.id}  {one.name}, {one.zone.key}, made {made}, staff: {staff}")
    if not listed:
        click.echo("There is no clinic yet. Make one with: flask clinic create")
