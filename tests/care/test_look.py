"""The daily look of a clinic: who got worse or fell silent stands in its list once, until it is dealt with."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from journal.care.tasks import look
from journal.clinic_flags import queries, service
from journal.clinic_flags.models import ClinicFlag
from journal.clinics.models import Clinic
from journal.clinics.queries import list_memberships
from tests.cast import TODAY, Cast, log_checkin, log_infusion
from tests.clinic_flags.told import USUAL, follow
from tests.clinics.stage import HARBOR, ClinicStage, make_clinics
from tests.conftest import NOON


@pytest.fixture
def stage(app: Flask, cast: Cast, session: Session) -> ClinicStage:
    made = make_clinics(app)
    viewer = cast.patient.viewer
    log_infusion(session, viewer, TODAY - timedelta(days=9), number=3)
    for back in range(20, 4, -1):
        log_checkin(session, viewer, TODAY - timedelta(days=back), {"mood": 2 if back < 8 else 7})
    return made


def due(session: Session) -> None:
    session.execute(update(Clinic).values(look_due_at=NOON - timedelta(minutes=1)))
    session.commit()


def rules(session: Session, app: Flask, stage: ClinicStage) -> list[str]:
    """What the clinician's list shows."""
    member = list_memberships(session, stage.players["clinician"].account_id)[0]
    page = service.read(session, member, queries.OPEN_STATES, NOON)
    return sorted(one.flag.rule.id for one in page.shown)


def test_found_once_and_told_in_the_list_alone(
    stage: ClinicStage, app: Flask, cast: Cast, session: Session
) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    due(session)
    database = app.extensions["database"]
    assert look(database, NOON) == 2
    assert look(database, NOON) == 0, "the next look is tomorrow"
    due(session)
    assert look(database, NOON) == 0, "what is there is not found again"
    assert rules(session, app, stage) == ["measure-down", "silent"]
    for one in session.execute(select(ClinicFlag)).scalars():
        assert (one.urgency, one.mailed_at, one.escalate_at) == ("review", None, None)


def test_a_rule_that_is_off_is_not_looked_for(
    stage: ClinicStage, app: Flask, cast: Cast, session: Session
) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    session.execute(update(Clinic).values(rules_off="silent"))
    due(session)
    look(app.extensions["database"], NOON)
    assert rules(session, app, stage) == ["measure-down"]


@pytest.mark.parametrize(
    ("kinds", "since", "expected"),
    [
        (
            USUAL,
            TODAY - timedelta(days=10),
            [],
        ),  # no baseline in the share; silence rests on infusion day 9 back
        (frozenset({"daily"}), None, ["measure-down"]),
        (frozenset({"infusions"}), None, []),
    ],
)
def test_only_from_what_the_share_holds(
    stage: ClinicStage,
    app: Flask,
    cast: Cast,
    session: Session,
    kinds: frozenset[str],
    since: object,
    expected: list[str],
) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR], kinds=kinds, since=since)  # type: ignore[arg-type] # a day or None
    due(session)
    look(app.extensions["database"], NOON)
    found = rules(session, app, stage)
    assert found == (["silent"] if since else expected)


def test_what_was_closed_comes_back_after_two_weeks(
    stage: ClinicStage, app: Flask, cast: Cast, session: Session
) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    due(session)
    database = app.extensions["database"]
    look(database, NOON)
    for days, state in ((1, "closed"), (13, "closed")):
        close_all(session, NOON - timedelta(days=days))
        due(session)
        assert look(database, NOON) == 0, state
    close_all(session, NOON - timedelta(days=15))
    due(session)
    assert look(database, NOON) == 2


def close_all(session: Session, at: object) -> None:
    session.execute(
        update(ClinicFlag).values(
            told_at=at, state="closed", closed_at=at, closed_why="no-need", acknowledged_at=at
        )
    )
    session.commit()
