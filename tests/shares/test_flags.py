"""Which flags a reader sees, in which words, and when they move out of "See first"."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.care.queries import list_people
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.days import Moment
from journal.domain.flag_rules import RULES, may_see
from journal.domain.safety import SafetyCheck
from journal.domain.summary import say_to_reader
from journal.entries import removal
from journal.entries.queries import Want, list_entries
from journal.flags.queries import list_open
from journal.safety import service as safety
from journal.shares import service
from journal.shares.present import who_sees
from tests.cast import TODAY, ZONE, Cast, log_checkin, log_infusion
from tests.conftest import NOON
from tests.shares.test_service import WHERE, a_wish, expires, give

EVERYTHING = frozenset(KINDS)


@pytest.fixture
def reader(session: Session) -> UUID:
    account_id = accounts.sign_up(session, "lee@example.org", "x", accounts.Place(ZONE), NOON)
    accounts.settle(session, account_id, verified_at=NOON)
    return account_id


@pytest.fixture
def viewer(cast: Cast) -> Iterator[Viewer]:
    yield cast.patient.viewer


def not_safe(session: Session, viewer: Viewer, answer: str, at: datetime) -> None:
    safety.answer(session, viewer, SafetyCheck(answer), Moment(at, TODAY, WHERE))


def reasons(session: Session, reader: UUID, at: datetime) -> list[str]:
    readings = service.read_list(session, reader, at)
    return [reason.says for person in list_people(session, readings, at) for reason in person.reasons]


def test_told_anew_after_a_review_it_is_a_reason_again(
    session: Session, viewer: Viewer, reader: UUID
) -> None:
    wish = give(session, viewer, reader)
    not_safe(session, viewer, "unsure", NOON)
    assert len(reasons(session, reader, NOON)) == 1
    looked = NOON + timedelta(minutes=5)
    reading = service.read(session, reader, wish.share_id, "page", looked)
    service.review(session, reading, UUID(int=1), "", TODAY, looked, looked)
    assert reasons(session, reader, looked) == []
    not_safe(session, viewer, "no", NOON + timedelta(hours=1))
    assert len(reasons(session, reader, NOON + timedelta(hours=2))) == 1


def test_what_came_between_the_page_and_the_button_was_not_seen(
    session: Session, viewer: Viewer, reader: UUID
) -> None:
    wish = give(session, viewer, reader)
    reading = service.read(session, reader, wish.share_id, "page", NOON)
    not_safe(session, viewer, "no", NOON + timedelta(minutes=10))
    pressed = NOON + timedelta(minutes=20)
    service.review(session, reading, UUID(int=1), "", TODAY, pressed, NOON)
    assert len(reasons(session, reader, pressed)) == 1


def test_what_a_wider_share_shows_was_not_seen(session: Session, viewer: Viewer, reader: UUID) -> None:
    wish = give(session, viewer, reader, a_wish(scope=Scope(frozenset({"daily"}))))
    not_safe(session, viewer, "no", NOON)
    later = NOON + timedelta(minutes=20)
    reading = service.read(session, reader, wish.share_id, "page", later)
    service.review(session, reading, UUID(int=1), "", TODAY, later, later)
    assert reasons(session, reader, later) == []
    wider = a_wish(share_id=wish.share_id)
    service.change(session, viewer, wider, expires(wider), later + timedelta(minutes=1))
    assert len(reasons(session, reader, later + timedelta(minutes=2))) == 1


@pytest.mark.parametrize(
    ("rule", "kind", "kinds", "since", "sees"),
    [
        ("item-9", "questionnaire", {"questionnaires"}, None, True),
        ("item-9", "questionnaire", EVERYTHING - {"questionnaires"}, None, False),
        ("not-safe", "safety-check", {"questionnaires"}, 0, True),
        ("severe", "check-in", {"side-effects"}, 0, True),
        ("severe", "check-in", {"daily", "infusions"}, None, False),
        ("still-unreal", "check-in", {"daily", "infusions"}, 8, True),
        ("still-unreal", "check-in", {"daily", "infusions"}, 7, False),
        ("still-unreal", "check-in", {"daily"}, None, False),
        ("still-unreal", "after-infusion", {"infusions"}, 8, True),
        ("red-flag-now", "after-infusion", {"infusions"}, 1, True),
        ("red-flag-now", "after-infusion", {"infusions"}, 0, False),
        ("urinary", "check-in", {"side-effects", "infusions"}, 14, True),
        ("urinary", "check-in", {"side-effects", "infusions"}, 13, False),
        ("urinary", "check-in", {"side-effects"}, None, False),
        ("severe", "a kind of its own", EVERYTHING, None, False),
    ],
)
def test_a_share_has_to_hold_all_that_a_flag_comes_from(
    rule: str, kind: str, kinds: Any, since: int | None, sees: bool
) -> None:
    first = None if since is None else TODAY - timedelta(days=since)
    assert may_see(Scope(frozenset(kinds), first), RULES[rule], kind, TODAY) is sees
    assert not may_see(Scope(frozenset(kinds), first, TODAY - timedelta(days=1)), RULES[rule], kind, TODAY)


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("You said that you do not feel safe right now.", "Said that they do not feel safe right now."),
        (
            "You said that you are not sure that you are safe right now.",
            "Said that they are not sure that they are safe right now.",
        ),
        (
            "You logged that you do not feel like yourself again yet, 30 hours after the infusion.",
            "Logged that they do not feel like themselves again yet.",
        ),
        (
            "You logged “Pain or burning when you pee” as severe.",
            "Logged “Pain or burning when you pee” as severe.",
        ),
        (
            "You answered “Several days” to question 9 of the PHQ-9.",
            "Answered “Several days” to question 9 of the PHQ-9.",
        ),
    ],
)
def test_reasons_are_told_about_somebody(why: str, told: str) -> None:
    assert say_to_reader(why) == told


def test_the_words_of_what_was_deleted_are_told_to_nobody(
    session: Session, viewer: Viewer, cast: Cast
) -> None:
    log_checkin(session, viewer, TODAY, {}, side_effects={"dizziness": "severe"})
    scoped = Viewer(None, viewer.patient_id, Scope(EVERYTHING))
    assert "Dizzy" in list_open(session, scoped)[0].why
    (entry,) = list_entries(session, viewer, [Want("check-in")])
    removal.delete(session, viewer, entry.id, "check-in", entry.revision, "", NOON)
    assert [flag.why for flag in list_open(session, scoped)] == [
        "You logged what gave cause for this, and deleted it since."
    ]


def test_who_will_see_this_goes_by_the_day_and_by_openings(
    app: Flask, session: Session, viewer: Viewer, reader: UUID
) -> None:
    give(session, viewer, reader, a_wish(to="Until", scope=Scope(EVERYTHING, None, TODAY)))
    give(session, viewer, reader, a_wish(to="Later", scope=Scope(EVERYTHING, TODAY + timedelta(days=3))))
    used = a_wish(to="Used", email="")
    link = service.give_link(session, viewer, used, expires(used), "p", NOON, once=True) or ""
    service.count_try(session, link, NOON)
    service.let_in(session, used.share_id, NOON)
    session.commit()
    client = app.test_client()
    told = [(RULES["severe"], "check-in", TODAY)]
    with app.test_request_context("/"):
        from flask_login import login_user

        from journal.accounts.views import WebPerson, load_person

        token = accounts.start_session(session, viewer.patient_id, "a test", NOON)
        session.commit()
        person = load_person(token)
        assert isinstance(person, WebPerson)
        login_user(person)
        seen = who_sees(told)
    assert client is not None
    assert seen.names == ("Until",) and seen.is_shared


def test_the_list_and_the_summary_number_infusions_alike(
    session: Session, viewer: Viewer, reader: UUID
) -> None:
    give(session, viewer, reader)
    for back in (200, 150, 100, 40, 6):
        log_infusion(session, viewer, TODAY - timedelta(days=back))
    readings = service.read_list(session, reader, NOON)
    (person,) = list_people(session, readings, NOON)
    assert (person.infusion, person.days_after) == (5, 6)
    assert datetime.now(UTC) == NOON
