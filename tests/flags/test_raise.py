"""Flags are rows: one per cause, sealed, in the same breath as what caused them, and nobody else's."""

from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from journal.checkins import service as checkins
from journal.domain.checkin import CheckIn
from journal.domain.days import Moment
from journal.domain.instrument_files import instruments
from journal.flags import queries, service
from journal.flags.models import Flag
from journal.kit.vault import CannotOpen
from journal.questionnaires import service as questionnaires
from tests.cast import TODAY, ZONE, Cast, Player, log_infusion
from tests.conftest import NOON

PHQ9 = instruments()["phq-9"]


def moment(hours: float = 0) -> Moment:
    now = NOON + timedelta(hours=hours)
    return Moment(now, now.astimezone(ZoneInfo(ZONE)).date(), ZoneInfo(ZONE))


def flags(session: Session, player: Player) -> list[Flag]:
    return list(
        session.scalars(
            select(Flag).where(Flag.patient_id == player.account_id).order_by(Flag.raised_at, Flag.urgency)
        )
    )


def item_9(session: Session, player: Player, value: int, response: UUID, hours: float = 0) -> bool:
    told = questionnaires.answer(
        session, player.viewer, PHQ9, "phq9_9", str(value), moment(hours), entry_id=response, language="en"
    )
    return told.considered.help_first


def log(session: Session, player: Player, entry: UUID, base: int = 0, hours: float = 0, **told: Any) -> bool:
    checkin, at = CheckIn(**told), moment(hours)
    return checkins.record(
        session, player.viewer, checkin, at, entry_id=entry, base=base, day=at.today
    ).help_first


def test_item_9_is_flagged_once_however_often_it_is_tapped(cast: Cast, session: Session) -> None:
    one = uuid4()
    seen = []
    for value in (0, 1, 1, 2, 1, 0, 1):
        helps = item_9(session, cast.patient, value, one)
        seen.append((value, helps, len(flags(session, cast.patient))))
    assert seen == [  # the answer, whether help comes first (newly said, or graver), how many flags
        (0, False, 0),
        (1, True, 1),
        (1, False, 1),
        (2, True, 1),
        (1, False, 1),
        (0, False, 1),
        (1, True, 1),
    ]
    questionnaires.settle(session, cast.patient.viewer, PHQ9, "finished", moment(), entry_id=one)
    item_9(session, cast.patient, 1, uuid4())
    assert len(flags(session, cast.patient)) == 2  # another response is another cause
    assert flags(session, cast.other) == []


def test_a_graver_answer_is_what_the_flag_says(cast: Cast, session: Session) -> None:
    one = uuid4()
    for value, words in ((1, "Several days"), (3, "Nearly every day"), (2, "Nearly every day")):
        item_9(session, cast.patient, value, one, value)
        (told,) = queries.list_waiting(session, cast.patient.viewer)
        assert f"“{words}”" in told.why
    assert told.raised_at == NOON + timedelta(hours=1)


def test_the_answer_and_its_flag_are_kept_together_or_not_at_all(
    cast: Cast, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr("journal.flags.service._raise", fail)
    with pytest.raises(RuntimeError):
        item_9(session, cast.patient, 3, uuid4())
    session.rollback()
    left = session.execute(text("SELECT count(*) FROM entries WHERE kind = 'questionnaire'")).scalar_one()
    assert left == 0


def test_what_is_in_a_flag_is_sealed_and_bound_to_its_row(cast: Cast, session: Session) -> None:
    for response in (uuid4(), uuid4()):
        item_9(session, cast.patient, 1, response)
        questionnaires.settle(session, cast.patient.viewer, PHQ9, "finished", moment(), entry_id=response)
    one, two = flags(session, cast.patient)
    for words in (b"item", b"phq9", b"Several days"):
        assert words not in one.sealed and words not in one.cause_hash
    assert {w.why for w in queries.list_waiting(session, cast.patient.viewer)} == {
        "You answered “Several days” to question 9 of the PHQ-9."
    }
    session.execute(update(Flag).where(Flag.id == one.id).values(sealed=two.sealed))
    with pytest.raises(CannotOpen):
        queries.list_waiting(session, cast.patient.viewer)
    assert queries.list_waiting(session, cast.other.viewer) == ()


def test_correcting_a_note_does_not_bring_help_up_again(cast: Cast, session: Session) -> None:
    entry = uuid4()
    chest: dict[str, Any] = {"side_effects": {"chest_pain": "mild"}, "happening_now": {"chest_pain": True}}
    assert log(session, cast.patient, entry, **chest)
    assert not log(session, cast.patient, entry, 1, note="at the desk", **chest)
    eased = {**chest, "happening_now": {"chest_pain": False}}
    assert not log(session, cast.patient, entry, 2, **eased)
    assert log(session, cast.patient, entry, 3, **chest)  # it is back
    assert [one.urgency for one in flags(session, cast.patient)] == ["emergency", "urgent"]


def test_a_closed_flag_is_open_again_when_its_cause_is_told_anew(cast: Cast, session: Session) -> None:
    one = uuid4()
    item_9(session, cast.patient, 1, one)
    session.execute(update(Flag).values(state="closed", help_on=None))
    item_9(session, cast.patient, 1, one, 1)
    assert [f.state for f in flags(session, cast.patient)] == [
        "closed"
    ]  # the same answer again says nothing new
    item_9(session, cast.patient, 3, one, 2)
    session.expire_all()
    assert [f.state for f in flags(session, cast.patient)] == ["open"]


@pytest.mark.parametrize(("hours", "helps"), [(20, False), (30, True)])
def test_hours_after_an_infusion_are_read_from_the_log(
    cast: Cast, session: Session, hours: float, helps: bool
) -> None:
    log_infusion(session, cast.patient.viewer, TODAY, started=time(10, 0), minutes=40)
    # Noon is 1 hour and 20 minutes after its end.
    assert log(session, cast.patient, uuid4(), hours=hours, side_effects={"hallucination": "mild"}) is helps


def test_urinary_trouble_is_counted_over_14_days_and_flagged_once_a_month(
    cast: Cast, session: Session
) -> None:
    mild: dict[str, Any] = {"side_effects": {"urine_freq": "mild"}}
    log(session, cast.patient, uuid4(), **mild)
    assert flags(session, cast.patient) == []
    log(session, cast.patient, uuid4(), hours=24, side_effects={"urine_freq": "none"})
    questionnaires.answer(
        session,
        cast.patient.viewer,
        instruments()["urinary"],
        "urine_pain",
        "1",
        moment(5 * 24),
        entry_id=uuid4(),
        language="en",
    )
    raised = flags(session, cast.patient)
    assert [one.urgency for one in raised] == ["review"] and raised[0].help_on is None
    log(session, cast.patient, uuid4(), hours=6 * 24, **mild)
    assert len(flags(session, cast.patient)) == 1
    log(session, cast.patient, uuid4(), hours=12 * 24, **mild)  # in December
    assert len(flags(session, cast.patient)) == 2


def test_two_that_are_more_than_14_days_apart_are_not_counted_together(cast: Cast, session: Session) -> None:
    mild: dict[str, Any] = {"side_effects": {"urine_freq": "mild"}}
    log(session, cast.patient, uuid4(), **mild)
    log(session, cast.patient, uuid4(), hours=14 * 24, **mild)
    assert flags(session, cast.patient) == []
    log(session, cast.patient, uuid4(), hours=27 * 24, **mild)
    assert len(flags(session, cast.patient)) == 1


def test_a_craving_makes_no_flag(cast: Cast, session: Session) -> None:
    assert not log(session, cast.patient, uuid4(), side_effects={"craving": "severe"})
    assert flags(session, cast.patient) == []


def test_help_waits_until_it_is_seen_and_is_offered_once_more(cast: Cast, session: Session) -> None:
    viewer = cast.patient.viewer
    item_9(session, cast.patient, 1, uuid4())
    assert queries.get_standing(session, viewer, TODAY) == queries.Standing(True, False)
    assert queries.get_standing(session, cast.other.viewer, TODAY) == queries.Standing(False, False)
    shown = [one.id for one in queries.list_waiting(session, viewer)]
    log(session, cast.patient, uuid4(), side_effects={}, happening_now={"seizure": True})  # on another phone
    assert service.see_help(session, viewer, shown, NOON)
    assert queries.get_standing(session, viewer, TODAY).waits  # what was raised meanwhile was not seen
    shown = [one.id for one in queries.list_waiting(session, viewer)]
    assert not service.see_help(session, cast.other.viewer, shown, NOON)
    assert service.see_help(session, viewer, shown, NOON)
    assert not service.see_help(session, viewer, shown, NOON)
    standing = [queries.get_standing(session, viewer, TODAY + timedelta(days=n)).again for n in range(10)]
    assert standing == [False, *[True] * 7, False, False]
    assert not service.settle_again(session, viewer, TODAY, NOON)  # not yet on offer
    assert service.settle_again(session, viewer, TODAY + timedelta(days=2), NOON)
    assert queries.get_standing(session, viewer, TODAY + timedelta(days=2)) == queries.Standing(False, False)
