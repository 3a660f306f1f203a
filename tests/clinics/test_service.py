"""Clinics, their staff and whom they ask: who may join, who has to stay, what is due when, and what is kept."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson
import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from journal.audit.models import AuditEvent
from journal.clinics import queries, service
from journal.clinics.models import Clinic, ClinicInvitation, Staff
from journal.clinics.service import NewPatient, NewStaff
from journal.domain.errors import NotYours, Refused
from journal.kit import outbox
from journal.kit.outbox import OutboxMail
from tests.clinics.stage import HARBOR, OTHER, ClinicStage, hire, make_account, make_clinics
from tests.conftest import NOON

LEE = "lee@example.org"
DANA = NewStaff("Dana", "dana@example.org", frozenset({"admin"}))


@pytest.fixture
def stage(app: Flask) -> Iterator[ClinicStage]:
    yield make_clinics(app)


def actions(session: Session) -> list[str]:
    return list(session.execute(select(AuditEvent.action).order_by(AuditEvent.id)).scalars())


@pytest.mark.parametrize("zone", ["America/Denver", "Pacific/Auckland", "Asia/Kathmandu", "Europe/Zurich"])
def test_the_daily_look_is_in_the_next_early_morning(zone: str) -> None:
    for written in ("2026-11-22T19:00Z", "2026-03-28T12:00Z", "2026-11-23T12:00Z"):
        then = datetime.fromisoformat(written)
        look = service.next_look(ZoneInfo(zone), then)
        assert then < look <= then + timedelta(hours=25)
        assert look.astimezone(ZoneInfo(zone)).strftime("%H:%M") == "05:00"


def test_a_clinic_is_made_with_its_own_key(session: Session) -> None:
    one = service.create_clinic(session, "  Harbor \u202eLight ", "America/Denver", "US", NOON)
    two = service.create_clinic(session, "Second Shore", "Asia/Kathmandu", "", NOON)
    told = queries.get_settings(session, one)
    assert (told.name, told.country, told.phq, told.acknowledge_minutes) == ("Harbor Light", "US", None, 60)
    assert told.digest_due_at == datetime(2026, 11, 23, 14, tzinfo=UTC)  # a Sunday: tomorrow at seven
    assert queries.get_settings(session, two).country is None
    keys = session.execute(select(Clinic.wrapped_key)).scalars().all()
    assert len(set(keys)) == 2
    assert "clinic-made" in actions(session)


@pytest.mark.parametrize(
    ("name", "zone", "country", "field"),
    [
        (" ", "America/Denver", "US", "name"),
        ("x" * 81, "America/Denver", "US", "name"),
        ("a\x07b", "America/Denver", "US", "name"),
        ("A", "Denver", "US", "zone"),
        ("A", "America", "US", "zone"),
        ("A", "", "US", "zone"),
        ("A", "../../etc/passwd", "US", "zone"),
        ("A", "America/Denver", "us", "country"),
        ("A", "America/Denver", "ZZ", "country"),
    ],
)
def test_a_clinic_that_cannot_be(session: Session, name: str, zone: str, country: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        service.create_clinic(session, name, zone, country, NOON)
    assert set(refused.value.reasons) == {field}
    assert session.execute(select(func.count()).select_from(Clinic)).scalar_one() == 0


def ask(session: Session, clinic: UUID, email: str = LEE, *roles: str) -> tuple[UUID, str]:
    staff_id = uuid4()
    asked = NewStaff("Lee", email, frozenset(roles or {"clinician"}))
    assert service.invite_staff(session, clinic, staff_id, asked, NOON, None)
    return staff_id, service.new_staff_invitation(session, staff_id, NOON) or ""


def test_an_invitation_says_the_same_each_time_it_is_written(stage: ClinicStage, session: Session) -> None:
    """So a mail that has to be sent twice is the same, and what the operator was shown works too."""
    staff_id, token = ask(session, stage.ids[HARBOR])
    assert service.new_staff_invitation(session, staff_id, NOON + timedelta(days=1)) == token
    later = NOON + timedelta(hours=1)
    service.invite_staff_again(session, stage.ids[HARBOR], staff_id, later, stage.players["admin"].account_id)
    fresh = service.new_staff_invitation(session, staff_id, later)
    assert fresh and fresh != token
    assert queries.find_invited(session, token, later) is None, "the link in the earlier mail is no use"
    assert queries.find_invited(session, fresh, later)
    waiting = session.execute(select(OutboxMail).where(OutboxMail.subject_id == staff_id)).scalars().all()
    assert [(row.recipient, row.group_id) for row in waiting] == [(LEE, stage.ids[HARBOR])]


def test_only_the_invited_address_joins_and_only_once(stage: ClinicStage, session: Session) -> None:
    _staff_id, token = ask(session, stage.ids[HARBOR], LEE, "clinician", "front-desk")
    stranger, lee = make_account(stage.app, session, "not@example.org"), make_account(stage.app, session, LEE)
    assert service.accept_staff(session, token, stranger.account_id, stranger.email, NOON) is None
    assert not service.decline_staff(session, token, stranger.account_id, stranger.email, NOON)
    assert service.accept_staff(session, token, lee.account_id, LEE, NOON) == stage.ids[HARBOR]
    assert service.accept_staff(session, token, lee.account_id, LEE, NOON) is None
    [held] = queries.list_memberships(session, lee.account_id)
    assert (held.clinic_name, held.roles) == (HARBOR, {"clinician", "front-desk"})
    assert actions(session)[-2:] == ["staff-accepted", "began-reading"]


def test_an_invitation_grows_old(stage: ClinicStage, session: Session) -> None:
    staff_id, token = ask(session, stage.ids[HARBOR])
    lee = make_account(stage.app, session, LEE)
    then = NOON + timedelta(days=14)
    assert service.new_staff_invitation(session, staff_id, then) is None
    assert service.accept_staff(session, token, lee.account_id, LEE, then) is None
    assert service.accept_staff(session, token, lee.account_id, LEE, then - timedelta(seconds=1))


def test_an_address_is_on_the_list_once(stage: ClinicStage, session: Session) -> None:
    clinic, email = stage.ids[HARBOR], stage.players["clinician"].email
    for again in (email, email.upper()):
        with pytest.raises(Refused) as refused:
            service.invite_staff(
                session, clinic, uuid4(), NewStaff("A", again, frozenset({"admin"})), NOON, None
            )
        assert "on the list already" in refused.value.reasons["email"]
    ask(session, stage.ids[OTHER], email)  # another clinic may ask the same person
    ask(session, clinic, stage.players["removed"].email)  # and somebody who left may come back


def test_somebody_who_works_there_does_not_join_twice(stage: ClinicStage, session: Session) -> None:
    """Invited at a second address, to which the account has moved since."""
    _staff_id, token = ask(session, stage.ids[HARBOR])
    one = stage.players["clinician"]
    assert service.accept_staff(session, token, one.account_id, LEE, NOON) is None
    assert len(queries.list_memberships(session, one.account_id)) == 1


def test_sent_twice_a_form_invites_once(stage: ClinicStage, session: Session) -> None:
    staff_id, _token = ask(session, stage.ids[HARBOR])
    asked = NewStaff("Lee", LEE, frozenset({"clinician"}))
    assert not service.invite_staff(session, stage.ids[HARBOR], staff_id, asked, NOON, None)
    with pytest.raises(NotYours):
        service.invite_staff(session, stage.ids[OTHER], staff_id, asked, NOON, None)


def test_a_clinic_keeps_an_admin(stage: ClinicStage, session: Session) -> None:
    clinic, admin = stage.ids[HARBOR], stage.players["admin"].account_id
    mine = stage.staff["admin"]
    ask(session, clinic, "soon@example.org", "admin")  # an invited admin is none yet
    for roles in ({"clinician"}, {"front-desk", "clinician"}):
        with pytest.raises(Refused) as refused:
            service.change_roles(session, clinic, mine, roles, NOON, admin)
        assert refused.value.reasons == {"roles": service.LAST_ADMIN}
    with pytest.raises(Refused):
        service.remove_staff(session, clinic, mine, NOON, admin)
    service.change_roles(session, clinic, mine, {"admin", "clinician"}, NOON, admin)
    service.change_roles(session, clinic, stage.staff["clinician"], {"admin"}, NOON, admin)
    service.remove_staff(session, clinic, mine, NOON, admin)
    with pytest.raises(Refused):
        service.change_roles(
            session,
            clinic,
            stage.staff["clinician"],
            {"front-desk"},
            NOON,
            stage.players["clinician"].account_id,
        )
    assert queries.list_memberships(session, admin) == ()


def test_an_admin_whose_account_is_gone_counts_no_more(stage: ClinicStage, session: Session) -> None:
    clinic = stage.ids[HARBOR]
    second = make_account(stage.app, session, "second@example.org")
    hire(session, clinic, second, "admin")
    service.forget(session, second.account_id)
    with pytest.raises(Refused):
        service.remove_staff(session, clinic, stage.staff["admin"], NOON, stage.players["admin"].account_id)


def test_no_role_is_no_role(stage: ClinicStage, session: Session) -> None:
    clinic, admin = stage.ids[HARBOR], stage.players["admin"].account_id
    for roles in (set(), {"owner"}, {"admin", "owner"}):
        with pytest.raises(Refused):
            service.change_roles(session, clinic, stage.staff["admin"], roles, NOON, admin)
        with pytest.raises(Refused):
            service.invite_staff(session, clinic, uuid4(), NewStaff("A", LEE, frozenset(roles)), NOON, admin)


def test_nothing_of_another_clinic_is_changed(stage: ClinicStage, session: Session) -> None:
    clinic, admin = stage.ids[OTHER], stage.players["other-admin"].account_id
    theirs, asked = stage.staff["clinician"], stage.asked[HARBOR]
    for do in (
        lambda: service.change_roles(session, clinic, theirs, {"admin"}, NOON, admin),
        lambda: service.remove_staff(session, clinic, theirs, NOON, admin),
        lambda: service.invite_staff_again(session, clinic, theirs, NOON, admin),
        lambda: service.withdraw_invitation(session, clinic, asked, NOON, admin),
        lambda: service.ask_patient_again(session, clinic, asked, NOON, admin),
        lambda: service.ask_patient(
            session, clinic, asked, NewPatient("code", "A"), NOON, stage.staff["other-admin"], admin
        ),
        lambda: queries.get_member(session, clinic, theirs, NOON),
        lambda: queries.get_asked(session, clinic, asked, NOON),
        lambda: service.set_wants_digest(session, theirs, False, NOON, admin),
    ):
        with pytest.raises(NotYours):
            do()
    assert {one.name for one in queries.list_staff(session, clinic, NOON)} == {
        "other-admin",
        "other-clinician",
    }
    assert [one.name for one in queries.list_asked(session, clinic, NOON)] == ["Bea canary"]


def test_names_and_addresses_are_sealed(stage: ClinicStage, session: Session) -> None:
    for table in ("staff", "clinic_invitations"):
        for row in session.execute(text(f"SELECT * FROM {table}")):
            told = b"".join(
                bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in row
            )
            assert b"canary" not in told and b"example" not in told and b"clinician" not in told


def test_a_change_of_zone_moves_the_daily_look(stage: ClinicStage, session: Session) -> None:
    clinic, admin = stage.ids[HARBOR], stage.players["admin"].account_id
    service.save_settings(session, clinic, {"zone": "Pacific/Honolulu"}, NOON, admin)
    look = session.execute(select(Clinic.look_due_at).where(Clinic.id == clinic)).scalar_one()
    assert look == datetime(2026, 11, 23, 15, tzinfo=UTC)
    with pytest.raises(ValueError):
        service.save_settings(session, clinic, {"phq": "phq-9"}, NOON, admin)
    assert queries.get_settings(session, stage.ids[OTHER]).zone.key == "America/Denver"


def test_question_9_wants_a_plan(stage: ClinicStage, session: Session) -> None:
    clinic, who = stage.ids[HARBOR], stage.players["admin"].account_id
    for plan in (" ", "x" * 2001):
        with pytest.raises(Refused):
            service.confirm_plan(session, clinic, stage.staff["admin"], plan, NOON, who)
    service.confirm_plan(session, clinic, stage.staff["admin"], "Dr Lee calls within an hour.", NOON, who)
    told = queries.get_settings(session, clinic)
    assert (told.phq, told.plan_confirmed_by) == ("phq-9", stage.staff["admin"])
    service.choose_phq_8(session, clinic, NOON, who)
    told = queries.get_settings(session, clinic)
    assert (told.phq, told.plan_confirmed_at) == ("phq-8", None) and told.response_plan
    assert actions(session)[-2:] == ["response-plan-confirmed", "phq-8-chosen"]


def ask_somebody(
    session: Session, stage: ClinicStage, way: str = "mail", email: str = LEE
) -> tuple[UUID, str]:
    invitation_id = uuid4()
    asked = NewPatient(way, "Cleo", email if way == "mail" else "")
    who = stage.staff["front-desk"], stage.players["front-desk"].account_id
    token = service.ask_patient(session, stage.ids[HARBOR], invitation_id, asked, NOON, *who)
    assert token
    assert service.ask_patient(session, stage.ids[HARBOR], invitation_id, asked, NOON, *who) is None
    return invitation_id, token


def test_a_mailed_invitation_is_for_one_address(stage: ClinicStage, session: Session) -> None:
    invitation_id, token = ask_somebody(session, stage)
    assert service.new_patient_invitation(session, invitation_id, NOON) == token
    lee, other = make_account(stage.app, session, LEE), stage.players["never"]
    assert service.answer(session, token, "agreed", other.account_id, other.email, NOON) is None
    assert service.answer(session, token, "agreed", lee.account_id, LEE, NOON) == stage.ids[HARBOR]
    assert service.answer(session, token, "declined", lee.account_id, LEE, NOON) is None
    assert queries.get_asked(session, stage.ids[HARBOR], invitation_id, NOON).state == "agreed"
    with pytest.raises(NotYours):
        service.withdraw_invitation(session, stage.ids[HARBOR], invitation_id, NOON, other.account_id)


def test_a_printed_code_is_for_whoever_holds_it_once(stage: ClinicStage, session: Session) -> None:
    invitation_id, token = ask_somebody(session, stage, "code")
    assert service.new_patient_invitation(session, invitation_id, NOON) is None, "no mail can hold it"
    row = session.get_one(ClinicInvitation, invitation_id)
    assert token.encode() not in row.sealed and token != (row.token_hash or b"").hex()
    front = stage.players["front-desk"].account_id
    fresh = service.ask_patient_again(session, stage.ids[HARBOR], invitation_id, NOON, front)
    who = stage.players["never"]
    assert service.answer(session, token, "agreed", who.account_id, who.email, NOON) is None
    late = NOON + timedelta(days=31)
    assert service.answer(session, fresh, "agreed", who.account_id, who.email, late) is None
    assert service.answer(session, fresh, "declined", who.account_id, who.email, NOON) == stage.ids[HARBOR]
    assert queries.count_asked(session, stage.ids[HARBOR], NOON) == 1


def test_taken_back_it_can_not_be_answered(stage: ClinicStage, session: Session) -> None:
    invitation_id, token = ask_somebody(session, stage)
    front = stage.players["front-desk"].account_id
    service.withdraw_invitation(session, stage.ids[HARBOR], invitation_id, NOON, front)
    lee = make_account(stage.app, session, LEE)
    assert service.answer(session, token, "agreed", lee.account_id, LEE, NOON) is None
    assert service.new_patient_invitation(session, invitation_id, NOON) is None
    assert outbox.list_posted(session, [invitation_id]) == {}
    ask_somebody(session, stage)  # and the address can be asked again


def test_an_address_is_asked_once_at_a_time(stage: ClinicStage, session: Session) -> None:
    ask_somebody(session, stage)
    with pytest.raises(Refused):
        ask_somebody(session, stage, "mail", LEE.upper())
    for email in (
        "nobody",
        "a@b",
        "a b@example.org",
        f"{'x' * 250}@example.org",
        "a@example.org\nBcc: b@c.org",
    ):
        with pytest.raises(Refused):
            ask_somebody(session, stage, "mail", email)


def test_who_never_came_is_forgotten(stage: ClinicStage, session: Session) -> None:
    invitation_id, token = ask_somebody(session, stage)
    service.withdraw_invitation(
        session, stage.ids[HARBOR], invitation_id, NOON, stage.players["front-desk"].account_id
    )
    ends = NOON + timedelta(days=31)
    assert service.forget_old(session, NOON + timedelta(days=89)) == 0
    assert service.forget_old(session, NOON + timedelta(days=90)) == 1
    assert service.forget_old(session, ends + timedelta(days=90)) == 2  # ran out in both clinics
    assert token


def test_somebody_who_deletes_the_account_leaves_the_name(stage: ClinicStage, session: Session) -> None:
    who = stage.players["clinician"].account_id
    service.forget(session, who)
    [gone] = [
        one
        for one in queries.list_staff(session, stage.ids[HARBOR], NOON)
        if one.id == stage.staff["clinician"]
    ]
    assert (gone.name, gone.email, gone.state) == ("clinician", "", "removed")
    row = session.get_one(Staff, gone.id)
    assert row.account_id is None
    box = queries.get_box(session, stage.ids[HARBOR])
    told = orjson.loads(box.open(row.sealed, queries.belongs_to(stage.ids[HARBOR], gone.id)))
    assert told == {"name": "clinician", "email": ""}


def test_the_operator_sees_every_clinic(stage: ClinicStage, session: Session) -> None:
    told = [(one.name, count) for one, count in queries.list_clinics(session)]
    assert told == [(HARBOR, 3), (OTHER, 2)]
