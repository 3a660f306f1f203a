"""What a clinic is told at once, what waits in its list, and what happens when nobody answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from journal.clinic_flags import queries, service
from journal.clinic_flags.models import ClinicFlag, FlagStep
from journal.clinics.models import Clinic
from journal.clinics.queries import list_memberships
from journal.domain.access import Scope, Viewer
from journal.flags.models import Flag
from journal.kit import bounces
from journal.kit.outbox import OutboxMail
from journal.shares import queries as shares
from journal.shares import service as shares_service
from journal.shares.service import Wish
from tests.cast import TODAY, Cast
from tests.clinic_flags.told import DAY, deliver, follow, log_yellow_skin, say_unsafe
from tests.clinics.stage import HARBOR, OTHER, ClinicStage, make_clinics
from tests.conftest import NOON


@pytest.fixture
def stage(app: Flask, cast: Cast) -> ClinicStage:
    return make_clinics(app)


def mails(session: Session, purpose: str = "flag") -> list[str]:
    rows = session.execute(select(OutboxMail.recipient).where(OutboxMail.purpose == purpose)).scalars()
    return sorted(rows)


def held(session: Session, clinic: UUID) -> list[Any]:
    statement = select(ClinicFlag).where(ClinicFlag.clinic_id == clinic).order_by(ClinicFlag.told_at)
    return list(session.execute(statement).scalars())


def steps(session: Session) -> list[str]:
    return list(session.execute(select(FlagStep.step).order_by(FlagStep.id)).scalars())


def test_an_urgent_one_is_mailed_once_to_each_clinician(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    log_yellow_skin(cast.patient)
    assert deliver(session) == 1
    assert deliver(session) == 0
    assert mails(session) == ["clinician@clinic.example.org"]
    (one,) = held(session, stage.ids[HARBOR])
    assert (one.state, one.urgency, one.escalate_at) == ("open", "urgent", NOON + timedelta(minutes=60))
    assert held(session, stage.ids[OTHER]) == []
    assert steps(session) == ["raised", "mailed"]


def test_several_at_once_make_one_mail(stage: ClinicStage, cast: Cast, session: Session) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    browser = log_yellow_skin(cast.patient)
    say_unsafe(browser)
    assert deliver(session) == 2
    assert mails(session) == ["clinician@clinic.example.org"]
    assert len(held(session, stage.ids[HARBOR])) == 2


def test_what_the_share_does_not_hold_is_not_told(stage: ClinicStage, cast: Cast, session: Session) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR], kinds=frozenset({"daily"}))
    log_yellow_skin(cast.patient)
    deliver(session)
    assert mails(session) == [] and held(session, stage.ids[HARBOR]) == []


def test_nobody_who_does_not_agree_is_told_of(stage: ClinicStage, cast: Cast, session: Session) -> None:
    log_yellow_skin(cast.patient)
    deliver(session)
    assert mails(session) == [] and held(session, stage.ids[HARBOR]) == []


@pytest.mark.parametrize(("hours", "is_news"), [(23, True), (25, False)])
def test_what_was_told_before_the_clinic_followed_is_listed_and_mailed_if_it_is_fresh(
    stage: ClinicStage, cast: Cast, session: Session, clock: Any, hours: int, is_news: bool
) -> None:
    log_yellow_skin(cast.patient)
    deliver(session)
    later = NOON + timedelta(hours=hours)
    follow(session, cast.patient.viewer, stage.ids[HARBOR], now=later)
    assert deliver(session, later) == 1
    (one,) = held(session, stage.ids[HARBOR])
    assert bool(one.escalate_at) == bool(one.mailed_at) == bool(mails(session)) == is_news


def test_a_no_is_not_lost_by_a_later_not_sure(
    stage: ClinicStage, cast: Cast, session: Session, clock: Any
) -> None:
    """While nobody has answered: what was said before still stands, also where no worker was there to tell it, and the
    second contact is not put off."""
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    browser = cast.patient.sign_in()
    for minutes, safe in ((0, "no"), (30, "unsure"), (20, "no"), (5, "unsure")):
        clock.shift(timedelta(minutes=minutes))
        browser.get("/help-now")
        browser.send("/help-now/safe", {"safe": safe, "next": "/today"})
        if minutes in (0, 30):  # afterwards there is no worker for a while
            deliver(session, NOON + timedelta(minutes=minutes))
    deliver(session, NOON + timedelta(minutes=56))
    session.expire_all()
    shown = service.read(session, member(session, stage), queries.OPEN_STATES, NOON).shown
    told = " ".join((shown[0].flag.why, *shown[0].flag.earlier))
    assert len(shown) == 1 and "not sure" in told and "do not feel safe" in told
    (one,) = held(session, stage.ids[HARBOR])
    assert one.escalate_at == NOON + timedelta(hours=1)
    kept = [step.note for step in queries.list_steps(session, shown[0].reading.viewer, shown[0].flag)]
    assert any("do not feel safe" in note for note in kept) and any("not sure" in note for note in kept)


def test_one_that_cannot_be_opened_holds_up_no_other(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    browser = log_yellow_skin(cast.patient)
    session.execute(update(Flag).values(sealed=b"\x01" + bytes(40)))
    say_unsafe(browser)
    delivered = service.deliver(session, NOON)
    assert (delivered.count, len(delivered.failed)) == (2, 1)
    assert [one.urgency for one in held(session, stage.ids[HARBOR])] == ["safety"]
    assert service.deliver(session, NOON, delivered.failed).count == 0
    late = NOON + timedelta(minutes=6)
    assert queries.overdue(session, late) == ("A flag could not be told to its clinic for 5 minutes.",)


def test_an_old_page_answers_nothing_newer(
    stage: ClinicStage, cast: Cast, session: Session, clock: Any
) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    browser = cast.patient.sign_in()
    say_unsafe(browser)
    deliver(session)
    session.commit()
    (one,) = held(session, stage.ids[HARBOR])
    reader, where = stage.players["clinician"].sign_in(), f"/clinic/flags/{one.id}"
    reader.get(where)
    clock.shift(timedelta(minutes=10))
    say_unsafe(browser)
    deliver(session, NOON + timedelta(minutes=10))
    session.commit()
    for act in ("acknowledge", "close"):
        page = reader.follow(reader.send(f"{where}/{act}", {"why": "talked"}, told_at=NOON.isoformat()))
        assert "This was told again meanwhile. Look at it first." in page.text
    session.expire_all()
    assert held(session, stage.ids[HARBOR])[0].state == "open"


def test_who_comes_back_is_looked_after_again(stage: ClinicStage, cast: Cast, session: Session) -> None:
    first = follow(session, cast.patient.viewer, stage.ids[HARBOR])
    log_yellow_skin(cast.patient)
    deliver(session)
    shares_service.end(session, cast.patient.viewer, first, NOON)
    late = NOON + timedelta(hours=2)
    assert service.escalate(session, late) == 1 and mails(session, "flag-waits") == []
    follow(session, cast.patient.viewer, stage.ids[HARBOR], now=late)
    deliver(session, late)
    session.expire_all()
    (one,) = held(session, stage.ids[HARBOR])
    assert one.escalate_at == late + timedelta(hours=1)
    assert service.read(session, member(session, stage), queries.OPEN_STATES, late).count == 1


def test_a_second_contact_whose_mail_comes_back_is_passed_over(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    second = "on-call@example.org"
    session.execute(update(Clinic).where(Clinic.id == stage.ids[HARBOR]).values(second_contact=second))
    for _ in range(2):
        bounces.bounce(session, second, 550, NOON)
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    log_yellow_skin(cast.patient)
    deliver(session)
    service.escalate(session, NOON + timedelta(hours=2))
    assert mails(session, "flag-waits") == ["admin@clinic.example.org", "clinician@clinic.example.org"]


def test_a_rule_that_is_on_again_lists_what_it_missed(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    session.execute(update(Clinic).where(Clinic.id == stage.ids[HARBOR]).values(rules_off="yellow-skin"))
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    browser = log_yellow_skin(cast.patient)
    deliver(session)
    session.execute(update(Clinic).where(Clinic.id == stage.ids[HARBOR]).values(rules_off=""))
    assert "was not told of this when you logged it" in browser.get(DAY).text
    service.list_earlier(session, stage.ids[HARBOR], {"yellow-skin"}, NOON)
    (one,) = held(session, stage.ids[HARBOR])
    assert one.state == "open" and mails(session) == []
    assert "It is in their list" in browser.get(DAY).text


def test_a_rule_that_is_off_tells_nobody_and_the_patient_reads_so(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    session.execute(
        update(Clinic).where(Clinic.id == stage.ids[HARBOR]).values(rules_off="yellow-skin silent")
    )
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    browser = log_yellow_skin(cast.patient)
    deliver(session)
    assert mails(session) == [] and held(session, stage.ids[HARBOR]) == []
    assert "Harbor Light has turned off being told about this" in browser.get(DAY).text


def test_said_anew_it_is_open_again_and_mailed_again(
    stage: ClinicStage, cast: Cast, session: Session, clock: Any
) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    browser = cast.patient.sign_in()
    say_unsafe(browser)
    deliver(session)
    (one,) = held(session, stage.ids[HARBOR])
    acknowledge(session, stage, one.id)
    clock.shift(timedelta(hours=3))
    say_unsafe(browser)
    now = NOON + timedelta(hours=3)
    assert deliver(session, now) == 1
    session.expire_all()
    open_now = [flag for flag in held(session, stage.ids[HARBOR]) if flag.state == "open"]
    assert [flag.told_at for flag in open_now] == [now]
    assert len(mails(session)) == 2


def member(session: Session, stage: ClinicStage, who: str = "clinician") -> Any:
    return list_memberships(session, stage.players[who].account_id)[0]


def acknowledge(session: Session, stage: ClinicStage, flag_id: UUID) -> bool:
    shown = service.read(session, member(session, stage), queries.OPEN_STATES, NOON, only=flag_id).shown[0]
    return service.acknowledge(session, member(session, stage), shown.flag, NOON)


def test_unacknowledged_the_second_contact_is_told_once(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    session.execute(
        update(Clinic).where(Clinic.id == stage.ids[HARBOR]).values(second_contact="on-call@example.org")
    )
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    log_yellow_skin(cast.patient)
    deliver(session)
    assert service.escalate(session, NOON + timedelta(minutes=59)) == 0
    late = NOON + timedelta(minutes=60)
    assert service.escalate(session, late) == 1
    assert service.escalate(session, late + timedelta(hours=5)) == 0
    assert mails(session, "flag-waits") == ["on-call@example.org"]
    assert steps(session)[-1] == "second-contact"


def test_without_a_second_contact_all_who_can_act_are_told_again(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    log_yellow_skin(cast.patient)
    deliver(session)
    service.escalate(session, NOON + timedelta(hours=2))
    assert mails(session, "flag-waits") == ["admin@clinic.example.org", "clinician@clinic.example.org"]


@pytest.mark.parametrize("how", ["acknowledged", "withdrawn"])
def test_no_second_mail_where_somebody_answered_or_the_patient_left(
    stage: ClinicStage, cast: Cast, session: Session, how: str
) -> None:
    share_id = follow(session, cast.patient.viewer, stage.ids[HARBOR])
    log_yellow_skin(cast.patient)
    deliver(session)
    (one,) = held(session, stage.ids[HARBOR])
    if how == "acknowledged":
        assert acknowledge(session, stage, one.id)
        assert not acknowledge(session, stage, one.id)
    else:
        shares_service.end(session, cast.patient.viewer, share_id, NOON)
    service.escalate(session, NOON + timedelta(hours=2))
    assert mails(session, "flag-waits") == []


def test_another_clinic_learns_nothing_of_the_first(stage: ClinicStage, cast: Cast, session: Session) -> None:
    """The patient leaves for another clinic and keeps the journal; each clinic has its own flag, its own answers."""
    viewer: Viewer = cast.patient.viewer
    first = follow(session, viewer, stage.ids[HARBOR])
    log_yellow_skin(cast.patient)
    deliver(session)
    (one,) = held(session, stage.ids[HARBOR])
    acknowledge(session, stage, one.id)
    later = NOON + timedelta(hours=1)
    second = follow(session, viewer, stage.ids[OTHER], clinic=OTHER, now=later)
    deliver(session, later)
    session.expire_all()
    assert shares.get_share(session, viewer, first, later).state == "ended"
    assert shares.get_share(session, viewer, second, later).state == "open"
    (other,) = held(session, stage.ids[OTHER])
    assert (other.state, other.acknowledged_at, other.owner_id) == ("open", None, None)
    assert other.id != one.id
    page = service.read(session, member(session, stage), queries.OPEN_STATES, later)
    assert page.count == 0, "the first clinic sees nothing of who left"


def test_the_patient_is_told_who_is_told_and_sees_the_answer(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    session.execute(update(Clinic).where(Clinic.id == stage.ids[HARBOR]).values(hours="Mon to Fri, 8 to 5"))
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    browser = log_yellow_skin(cast.patient)
    page = browser.get(DAY).text
    assert "We marked this for Harbor Light, and send them a mail" in page
    assert "Mon to Fri, 8 to 5" in page
    deliver(session)
    (one,) = held(session, stage.ids[HARBOR])
    acknowledge(session, stage, one.id)
    assert "Harbor Light has seen it: Sunday 22 November, 12:00 pm." in browser.get(DAY).text


def test_everything_about_it_is_sealed(stage: ClinicStage, cast: Cast, session: Session) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    log_yellow_skin(cast.patient)
    deliver(session)
    (one,) = held(session, stage.ids[HARBOR])
    assert b"Yellow" not in one.sealed and b"yellow-skin" not in one.sealed


def test_statements_do_not_grow_with_flags(stage: ClinicStage, cast: Cast, session: Session) -> None:
    follow(session, cast.patient.viewer, stage.ids[HARBOR])
    browser = log_yellow_skin(cast.patient)
    deliver(session)
    with counted(session) as few:
        service.read(session, member(session, stage), queries.OPEN_STATES, NOON)
    say_unsafe(browser)
    deliver(session)
    with counted(session) as more:
        assert service.read(session, member(session, stage), queries.OPEN_STATES, NOON).count >= 2
    assert len(more) == len(few)


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    told: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        told.append(statement)

    bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", note)
    yield told
    event.remove(bind, "before_cursor_execute", note)


def test_a_narrowed_share_takes_the_flag_off_the_list(
    stage: ClinicStage, cast: Cast, session: Session
) -> None:
    share_id = follow(session, cast.patient.viewer, stage.ids[HARBOR])
    log_yellow_skin(cast.patient)
    deliver(session)
    assert service.read(session, member(session, stage), queries.OPEN_STATES, NOON).count == 1
    wish = Wish(share_id, "Mara", HARBOR, Scope(frozenset({"daily"}), TODAY), None)
    shares_service.change(session, cast.patient.viewer, wish, shares.NO_END, NOON)
    assert service.read(session, member(session, stage), queries.OPEN_STATES, NOON).count == 0
