"""What the worker does for web push: hand notes to push services, one phone after the other.

A note is claimed with a lease; what a push service said about a phone is committed before the next phone is tried. So a
note that one phone has is never sent to it again, unless the worker died between the answer and that commit; and then the
second takes the place of the first on the phone, because both have one topic and one tag.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog

from journal.kit import vapid
from journal.kit.db import Database, vault_of
from journal.kit.logs import where
from journal.kit.vapid import KeyPair
from journal.kit.webpush import Answer, Note, Post
from journal.push import queries, service
from journal.push.queries import Reached, Wall
from journal.push.service import Claim, Instead, IsWanted

SENTENCE = "Your journal is here when you are ready."
"""What a locked screen may show to anybody."""
TOPIC = "reminder"
SWEEP_FOR_S = 40.0
"""Own choice: one look sends for so long at most, so that the mail comes to its turn each minute."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Office:
    """What sending needs. Nobody posts where web push is switched off."""

    post: Post | None
    is_wanted: IsWanted
    instead: Instead


@dataclass(frozen=True)
class Work:
    """A note that is ours, and all that it takes to send it."""

    claim: Claim
    post: Post
    key: KeyPair
    wall: Wall
    phones: tuple[Reached, ...]
    give_up_at: datetime


def send_due(
    database: Database, office: Office, now: datetime, may_go_on: Callable[[], bool] = lambda: True
) -> int:
    """Send every note that is due; gives how many were taken by a phone."""
    began = time.monotonic()
    away: set[str] = set()

    def present() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    taken = 0
    while may_go_on() and time.monotonic() - began < SWEEP_FOR_S:
        with database.writing() as session:
            claimed = service.claim(session, present())
            session.commit()
        if claimed is None:
            break
        try:
            taken += _send(database, office, claimed, present, away)
        except Exception as error:  # one note's fault must not keep the others back; its lease ends by itself
            log.error(
                "note failed", note_id=str(claimed.note_id), error=type(error).__name__, where=where(error)
            )
    return taken


def _send(
    database: Database, office: Office, claimed: Claim, present: Callable[[], datetime], away: set[str]
) -> bool:
    work = _begin(database, office, claimed, present())
    if work is None:
        return False
    is_taken, wait = claimed.was_taken, None
    for phone in work.phones:
        if present() >= claimed.claimed_at + service.START_WITHIN:
            return False  # the lease might end meanwhile: the next claim goes on from here
        answer = _post(work, phone, present(), away)
        if answer.kind != "taken":
            log.warning("note not taken", note_id=str(claimed.note_id), told=answer.told)
        if answer.kind == "later":
            wait = max(wait or timedelta(0), answer.retry_after or _back_off(claimed.number))
        is_taken = is_taken or answer.kind == "taken"
        with database.writing() as session:
            if not service.note_answer(session, claimed, phone.id, answer, present()):
                return False
            session.commit()
    _end(database, office, work, present(), is_taken=is_taken, wait=wait)
    return is_taken


def _begin(database: Database, office: Office, claimed: Claim, now: datetime) -> Work | None:
    """All that it takes; None where the note is settled without any phone: nobody wants it, or it is quiet or too late,
    or there is no phone any more."""
    with database.writing() as session:
        if not service.is_ours(session, claimed):
            return None
        key = vapid.find_key(session, vault_of(session))
        wall = queries.find_wall(session, claimed.account_id)
        quiet_at = wall.quiet.begin_after(claimed.asked_at, wall.zone)
        ends = [claimed.asked_at + service.TRY_FOR, claimed.day_ends_at, *([quiet_at] if quiet_at else [])]
        phones = queries.list_reached(session, claimed.account_id, claimed.note_id)
        is_wanted = office.is_wanted(session, claimed.account_id, claimed.asked_at, now)
        is_over = now >= min(ends) or wall.quiet.is_quiet(now, wall.zone)
        if is_wanted and office.post is not None and key is not None and phones and not is_over:
            return Work(claimed, office.post, key, wall, phones, min(ends))
        if is_wanted and not claimed.was_taken:
            office.instead(session, claimed.account_id, claimed.note_id, claimed.asked_at, now)
        service.settle(session, claimed, now)
        session.commit()
        return None


def _post(work: Work, phone: Reached, now: datetime, away: set[str]) -> Answer:
    """To one phone, unless its push service did not answer a moment ago: nobody else waits for it meanwhile."""
    host = urlsplit(phone.subscription.endpoint).netloc
    if host in away:
        return Answer("later", "not tried", is_away=True)
    note = Note(SENTENCE, TOPIC, keep_for(work.claim, work.wall, now))
    answer = work.post(phone.subscription, note, work.key, now)
    if answer.is_away:
        away.add(host)
    return answer


def keep_for(claimed: Claim, wall: Wall, now: datetime) -> timedelta:
    """For how long a push service may keep the note for a phone that is off: not into the quiet hours, nor past the day."""
    quiet_at = wall.quiet.begin_after(now, wall.zone)
    ends = [now + service.KEEP_FOR, claimed.day_ends_at, *([quiet_at] if quiet_at else [])]
    return min(ends) - now


def _back_off(number: int) -> timedelta:
    return service.BACK_OFF[min(number, len(service.BACK_OFF)) - 1]


def _end(
    database: Database,
    office: Office,
    work: Work,
    now: datetime,
    *,
    is_taken: bool,
    wait: timedelta | None,
) -> None:
    """One phone that took it is enough. Else it is tried again where a push service asked for that and there is time;
    else there is the mail."""
    claimed = work.claim
    with database.writing() as session:
        if not is_taken and wait is not None and now + wait < work.give_up_at:
            service.put_off(session, claimed, now + wait)
        elif service.settle(session, claimed, now) and not is_taken:
            office.instead(session, claimed.account_id, claimed.note_id, claimed.asked_at, now)
        session.commit()
