"""Changing, sending and pausing reminders. Nothing here commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, null, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.checkin import CheckIn
from journal.domain.days import day_of, instant_of
from journal.domain.errors import Refused
from journal.domain.infusion import Infusion
from journal.domain.reminders import EVERY, Verdict, decide, next_look
from journal.kit import outbox
from journal.kit.db import upsert
from journal.kit.tokens import hash_token
from journal.push import service as push
from journal.push.queries import list_reachable
from journal.reminders import queries
from journal.reminders.queries import REMINDERS, Due

PURPOSE = "reminder"
AT_ONCE = 200
"""Own choice: so many in one transaction, so that nobody's save waits long behind it."""
_R: Any = REMINDERS.c
_MOVE = (
    update(REMINDERS)
    .where(_R.account_id == bindparam("whose"))
    .values(
        next_due_at=bindparam("new_due_at"), zone=bindparam("new_zone"), last_turn_on=bindparam("new_turn_on")
    )
)


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants to be reminded: at all, at which hour of theirs (0-23), how often (one of EVERY)."""

    is_on: bool
    hour: int
    cadence: str

    def check(self) -> None:
        """Raises Refused, with a reason for each field that can't be as it is."""
        reasons = {}
        if not 0 <= self.hour <= 23:
            reasons["hour"] = "Choose a time from the list."
        if self.cadence not in EVERY:
            reasons["cadence"] = "Choose how often a reminder may come."
        if reasons:
            raise Refused(reasons)


def keep(
    session: Session, viewer: Viewer, wish: Wish, zone: ZoneInfo, day_ends_hour: int, now: datetime
) -> None:
    """Keep how the patient wants to be reminded. Whoever turns reminders on anew has no pause left from before. Raises
    Refused, and NotYours for anybody else."""
    viewer.must_be_patient()
    wish.check()
    values = {
        "hour": wish.hour,
        "cadence": wish.cadence,
        "is_on": wish.is_on,
        "zone": zone.key,
        "next_due_at": next_look(now, zone, wish.hour, day_ends_hour) if wish.is_on else None,
        "changed_at": now,
    }
    made = upsert(session, REMINDERS).values(
        account_id=viewer.patient_id,
        is_paused=False,
        token_hash=hash_token(queries.pause_token(session, viewer.patient_id)),
        created_at=now,
        **values,
    )
    stays_paused = and_(_R.is_on, _R.is_paused)
    due_at = case((stays_paused, null()), else_=made.excluded.next_due_at)
    session.execute(
        made.on_conflict_do_update(
            index_elements=[_R.account_id],
            set_={**values, "is_paused": stays_paused, "next_due_at": due_at},
        )
    )


def pause(session: Session, viewer: Viewer, now: datetime) -> None:
    """No more reminders from now on, until they are asked for again. Also one that waits to be sent stays here."""
    viewer.must_be_patient()
    _pause(session, _R.account_id == viewer.patient_id, now)


def unsubscribe(session: Session, token: str, now: datetime) -> bool:
    """The same by the link in a mail, as often as it is tapped. False for a link that is nobody's."""
    return _pause(session, _R.token_hash == hash_token(token), now)


def _pause(session: Session, whose: ColumnElement[bool], now: datetime) -> bool:
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment] # an UPDATE gives a cursor
        update(REMINDERS).where(whose).values(is_paused=True, next_due_at=None, changed_at=now)
    )
    return bool(result.rowcount)


def resume(session: Session, viewer: Viewer, zone: ZoneInfo, day_ends_hour: int, now: datetime) -> None:
    """End the pause."""
    held = queries.get_reminders(session, viewer)
    due_at = next_look(now, zone, held.hour, day_ends_hour) if held.is_on else None
    session.execute(
        update(REMINDERS)
        .where(_R.account_id == viewer.patient_id)
        .values(is_paused=False, next_due_at=due_at, zone=zone.key, changed_at=now)
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """How many reminders were looked at, and how many notes and mails were asked for."""

    looked_at: int
    sent: int


def send_batch(session: Session, now: datetime, *, by_push: bool = True) -> Batch:
    """Look at reminders whose time has come: ask for those that have their turn, and say of each when to look again. Both
    are one transaction, and the id of what is asked for is made of the patient and the day: however many workers do
    this, and wherever one dies, there is one. Who has a phone that can be reached gets a note there, others a mail."""
    due = queries.claim_due(session, now, AT_ONCE)
    return Batch(len(due), _settle(session, due, now, by_push=by_push))


def follow_journeys(session: Session, now: datetime) -> int:
    """Reckon anew where a patient's zone is another now. Gives how many there were."""
    travelled = queries.claim_travelled(session, AT_ONCE)
    _settle(session, travelled, now, by_push=False)
    return len(travelled)


def mail_id(account_id: UUID, day: date) -> UUID:
    """A patient's day has one reminder, whoever asks for it."""
    return uuid5(account_id, f"{PURPOSE} {day}")


def _settle(session: Session, reminders: Sequence[Due], now: datetime, *, by_push: bool) -> int:
    if not reminders:
        return 0
    days = queries.list_days(session, [one.account_id for one in reminders], now)
    moves, turns = [], []
    for one in reminders:
        day = day_of(one.due_at, one.zone, one.day_ends_hour)
        verdict = "rest" if one.has_travelled else _decide(one, days[one.account_id], now)
        if verdict == "send" and one.is_verified:
            turns.append((one, day))
        moves.append(
            {
                "whose": one.account_id,
                "new_due_at": next_look(now, one.zone, one.hour, one.day_ends_hour),
                "new_zone": one.zone.key,
                "new_turn_on": day if verdict in ("send", "logged") else one.last_turn_on,
            }
        )
    session.execute(_MOVE, moves)
    reachable = list_reachable(session, [one.account_id for one, _day in turns]) if by_push and turns else {}
    for one, day in turns:
        note_id, quiet = mail_id(one.account_id, day), reachable.get(one.account_id)
        ends_at = instant_of(day + timedelta(days=1), time(one.day_ends_hour), one.zone)
        if quiet is None or not push.put(session, one.account_id, note_id, quiet, one.zone, ends_at, now):
            outbox.put(session, PURPOSE, one.email, one.account_id, now, mail_id=note_id)
    return len(turns)


def is_wanted(session: Session, account_id: UUID, asked_at: datetime, now: datetime) -> bool:
    """Whether a note that was asked for should still go to phones."""
    return queries.find_wanted(session, account_id, asked_at, now) is not None


def mail_instead(
    session: Session, account_id: UUID, note_id: UUID, asked_at: datetime, now: datetime
) -> None:
    """No phone took the note: ask for the mail, with the note's own id and time, so that it is one and comes too late when
    the note would."""
    email = queries.find_wanted(session, account_id, asked_at, now)
    if email is not None:
        outbox.put(session, PURPOSE, email, account_id, asked_at, mail_id=note_id)


def _decide(one: Due, days: Mapping[str, set[date]], now: datetime) -> Verdict:
    return decide(
        one.due_at,
        now,
        one.zone,
        one.day_ends_hour,
        one.cadence,
        one.last_turn_on,
        days[CheckIn.kind],
        days[Infusion.kind],
    )


def forget(session: Session, account_id: UUID) -> None:
    """Delete what the account wished."""
    session.execute(delete(REMINDERS).where(_R.account_id == account_id))
