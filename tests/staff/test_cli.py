"""The operator makes a clinic; all the rest is the clinic's."""

import re
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from journal.clinics import queries, service
from journal.kit.outbox import OutboxMail
from tests.clinics.stage import make_account
from tests.conftest import NOON

CREATE = ("clinic", "create", "--name", "Harbor Light", "--zone", "America/Denver", "--country", "US")


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=list(words))


def test_a_clinic_is_made_and_its_admin_invited(app: Flask, session: Session) -> None:
    told = run(app, *CREATE, "--admin", "dana@example.org", "--admin-name", "Dana")
    assert told.exit_code == 0, told.output
    found = re.search(r"http://localhost:8000/invitations/(\S+)", told.output)
    assert found
    [(made, staff)] = queries.list_clinics(session)
    assert (made.name, made.zone.key, made.country, made.phq, staff) == (
        "Harbor Light",
        "America/Denver",
        "US",
        None,
        0,
    )
    [dana] = queries.list_staff(session, made.id, NOON)
    assert (dana.name, dana.roles, dana.state) == ("Dana", {"admin"}, "waiting")
    [mail] = session.query(OutboxMail).all()
    assert (mail.purpose, mail.recipient, mail.subject_id) == (
        "staff-invitation",
        "dana@example.org",
        dana.id,
    )
    assert service.new_staff_invitation(session, dana.id, NOON) == found[1], "the mail holds the same link"
    who = make_account(app, session, "dana@example.org")
    assert service.accept_staff(session, found[1], who.account_id, who.email, NOON) == made.id
    session.commit()
    listed = run(app, "clinic", "list").output
    assert f"{made.id}  Harbor Light, America/Denver, made 2026-11-22, staff: 1" in listed


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--name": "  "}, "--name: Give the clinic a name."),
        ({"--zone": "Denver"}, "--zone: Choose a time zone by its name, such as America/Denver."),
        ({"--country": "Utopia"}, "--country: Choose one of these countries: "),
        ({"--admin": "dana"}, "--admin: Enter a whole address, such as sam@example.org."),
        ({"--admin": "=?UTF-8?Q?=0A?=Bcc:@example.org"}, "--admin: Enter a whole address"),
        ({"--admin-name": "x" * 61}, "--admin-name: Keep it to 60 characters."),
    ],
)
def test_what_can_not_be_is_said(app: Flask, session: Session, changed: Any, said: str) -> None:
    options = {
        "--name": "Harbor Light",
        "--zone": "America/Denver",
        "--country": "US",
        "--admin": "dana@example.org",
    } | changed
    told = run(app, "clinic", "create", *(word for pair in options.items() for word in pair))
    assert told.exit_code == 1 and said in told.output
    assert "no clinic yet" in run(app, "clinic", "list").output


def test_a_clinic_that_lost_its_admin_gets_another(app: Flask, session: Session) -> None:
    run(app, *CREATE, "--admin", "dana@example.org")
    [(made, _staff)] = queries.list_clinics(session)
    told = run(app, "clinic", "add-admin", str(made.id), "--admin", "tom@example.org")
    assert told.exit_code == 0 and "/invitations/" in told.output
    assert {one.email for one in queries.list_staff(session, made.id, NOON)} == {
        "dana@example.org",
        "tom@example.org",
    }
    again = run(app, "clinic", "add-admin", str(made.id), "--admin", "tom@example.org")
    assert again.exit_code == 1 and "on the list already" in again.output
    nowhere = run(app, "clinic", "add-admin", "0" * 32, "--admin", "tom@example.org")
    assert nowhere.exit_code == 1 and "no clinic of this number" in nowhere.output
