"""Giving, changing, answering, opening and ending shares. Nothing here commits.

Every read goes through here: it is held against the share as it stands at that instant, and put into the patient's
access log before anything is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hmac import compare_digest
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.audit import service as audit
from journal.audit.queries import Read
from journal.domain.access import LINK_DAYS, LONGEST_DAYS, Scope, Viewer
from journal.domain.days import instant_of
from journal.domain.errors import NotYours, Refused
from journal.domain.worklist import SCORE_DAYS
from journal.entries import service as entries
from journal.entries.queries import get_box
from journal.kit import outbox
from journal.kit.tokens import hash_token, new_token
from journal.shares import queries
from journal.shares.models import Review, Share, ShareOpening
from journal.shares.queries import INVITE_DAYS, MOST_TRIES, NO_END, Reading, belongs_to, review_belongs_to

LIST_DAYS = SCORE_DAYS
LISTED = frozenset({"daily", "side-effects", "infusions", "questionnaires"})
"""What a list of people can show: measures, scores, infusions and flags, of so many days."""
MOST_SHARES = 50
"""Own choice: so many can be open at once. More would be hard to look after."""
MOST_LINE = 280
"""Own choice: one line back, not a letter."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a patient wants to share: with whom (a label, and for a person the address), as whom, what, until when."""

    share_id: UUID
    name: str
    to: str
    scope: Scope
    ends_on: date | None
    """None: a clinic follows until it is ended."""
    email: str = ""
    tell_me: bool = False


def expiry(ends_on: date, zone: ZoneInfo, day_ends_hour: int) -> datetime:
    """The instant at which the patient's day `ends_on` is over."""
    return instant_of(ends_on + timedelta(days=1), time(day_ends_hour), zone)


def check(wish: Wish, way: str, today: date, since: date | None = None) -> None:
    """Raises Refused, with a reason for each field that can't be as it is. `since`: the day on which a link was made,
    from which its 31 days count, however often it is changed."""
    reasons = {}
    if not wish.scope.kinds:
        reasons["kinds"] = "Choose at least one thing to share."
    if wish.scope.since and wish.scope.until and wish.scope.since > wish.scope.until:
        reasons["until"] = "The last day is before the first one. Change one of them."
    if wish.ends_on is None:
        if reasons:
            raise Refused(reasons)
        return
    if wish.scope.since and wish.scope.since > wish.ends_on:
        reasons["since"] = "These days begin after the share has ended. Choose an earlier day."
    most = LINK_DAYS - 1 if way == "link" else LONGEST_DAYS  # a link's first day counts
    if wish.ends_on < today:
        reasons["ends_on"] = "This day has passed. Choose today or a later one."
    elif (wish.ends_on - (since or today)).days > most:
        reasons["ends_on"] = (
            f"A link can be open for {LINK_DAYS} days at most. Choose an earlier day, or make a new link."
            if way == "link"
            else "A share ends after a year at most. You can make it longer then."
        )
    if reasons:
        raise Refused(reasons)


def invite(session: Session, viewer: Viewer, wish: Wish, ends_at: datetime, now: datetime) -> bool:
    """Share with a named person: a mail goes to the address. False if the same wish was kept already. Raises Refused
    for the own address, and where too many shares are open."""
    email_key = accounts.email_key(wish.email)
    invited = queries.invited_hash(session, email_key)
    return _give(
        session,
        viewer,
        wish,
        ends_at,
        now,
        way="person",
        invited_hash=invited,
        invite_expires_at=_invite_ends(ends_at, now),
    ) and _ask_for_mail(session, viewer, wish, now)


def _invite_ends(ends_at: datetime, now: datetime) -> datetime:
    return min(ends_at, now + timedelta(days=INVITE_DAYS))


def invite_again(session: Session, viewer: Viewer, share_id: UUID, now: datetime) -> None:
    """Send the invitation's mail once more, for two more weeks; the link in the earlier one is no use from then on.
    Raises NotYours where nobody waits to be asked."""
    held = queries.get_share(session, viewer, share_id, now)
    if held.state not in ("waiting", "unanswered"):
        raise NotYours("share")
    session.execute(
        update(Share)
        .where(Share.id == share_id, Share.accepted_at.is_(None))
        .values(invite_expires_at=_invite_ends(held.expires_at, now))
    )
    outbox.put(session, "invitation", held.email, viewer.patient_id, now, subject_id=share_id)


def _ask_for_mail(session: Session, viewer: Viewer, wish: Wish, now: datetime) -> bool:
    outbox.put(session, "invitation", wish.email, viewer.patient_id, now, subject_id=wish.share_id)
    return True


def give_link(
    session: Session,
    viewer: Viewer,
    wish: Wish,
    ends_at: datetime,
    passcode_hash: str,
    now: datetime,
    *,
    once: bool,
) -> str | None:
    """Share by a link: gives its token, which is shown once and kept as a hash. None if the same wish was kept
    already: then nobody knows the token any more."""
    token = new_token()
    made = _give(
        session,
        viewer,
        wish,
        ends_at,
        now,
        way="link",
        link_hash=hash_token(token),
        passcode_hash=passcode_hash,
        openings_left=1 if once else None,
    )
    return token if made else None


def follow(session: Session, viewer: Viewer, wish: Wish, clinic_id: UUID, now: datetime) -> bool:
    """Let a clinic follow from now on, until the patient ends it. One clinic follows at a time: another one's share
    ends with this. False if the same wish was kept already."""
    viewer.must_be_patient()
    entries.lock(session, viewer, now)
    other = session.execute(
        select(Share.id).where(
            Share.patient_id == viewer.patient_id,
            Share.way == "clinic",
            Share.ended_at.is_(None),
            Share.id != wish.share_id,
        )
    ).scalar_one_or_none()
    if other is not None:
        end(session, viewer, other, now)
    return _give(session, viewer, wish, NO_END, now, way="clinic", clinic_id=clinic_id, accepted_at=now)


def _give(
    session: Session, viewer: Viewer, wish: Wish, ends_at: datetime, now: datetime, **values: Any
) -> bool:
    viewer.must_be_patient()
    entries.lock(session, viewer, now)
    held = session.execute(select(Share.patient_id).where(Share.id == wish.share_id)).scalar_one_or_none()
    if held is not None:
        if held != viewer.patient_id:
            raise NotYours("share")
        return False
    live = session.execute(
        select(func.count()).where(
            Share.patient_id == viewer.patient_id, Share.ended_at.is_(None), Share.expires_at > now
        )
    ).scalar_one()
    if live >= MOST_SHARES:
        raise Refused({"form": f"{MOST_SHARES} shares are open. End one first, then share again."})
    session.add(
        Share(
            id=wish.share_id,
            patient_id=viewer.patient_id,
            kinds=" ".join(sorted(wish.scope.kinds)),
            since=wish.scope.since,
            until=wish.scope.until,
            created_at=now,
            changed_at=now,
            expires_at=ends_at,
            tell_me=wish.tell_me,
            tries=0,
            sealed=_seal(session, viewer, wish),
            **values,
        )
    )
    session.flush()
    _note(session, viewer, "shared", wish.share_id, now)
    return True


def _seal(session: Session, viewer: Viewer, wish: Wish) -> bytes:
    told = orjson.dumps({"name": wish.name, "to": wish.to, "email": wish.email}, option=orjson.OPT_SORT_KEYS)
    return get_box(session, viewer).seal(told, belongs_to(viewer.patient_id, wish.share_id))


def _note(session: Session, viewer: Viewer, action: str, share_id: UUID, now: datetime) -> None:
    audit.note(
        session,
        action,
        now,
        actor_id=viewer.account_id,
        patient_id=viewer.patient_id,
        subject=f"share:{share_id}",
    )


def change(session: Session, viewer: Viewer, wish: Wish, ends_at: datetime, now: datetime) -> None:
    """Narrow, widen, shorten or extend a share that is still open. Raises NotYours."""
    viewer.must_be_patient()
    entries.lock(session, viewer, now)
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment] # an UPDATE gives a cursor
        update(Share)
        .where(
            Share.id == wish.share_id,
            Share.patient_id == viewer.patient_id,
            Share.ended_at.is_(None),
            Share.expires_at > now,
        )
        .values(
            kinds=" ".join(sorted(wish.scope.kinds)),
            since=wish.scope.since,
            until=wish.scope.until,
            expires_at=ends_at,
            changed_at=now,
            tell_me=wish.tell_me,
            sealed=_seal(session, viewer, wish),
            invite_expires_at=_invite_ends(ends_at, now),
        )
    )
    if not result.rowcount:
        raise NotYours("share")
    _note(session, viewer, "share-changed", wish.share_id, now)


def end(session: Session, viewer: Viewer, share_id: UUID, now: datetime) -> bool:
    """End it at once. False if it had ended already. Raises NotYours."""
    viewer.must_be_patient()
    row = session.execute(
        select(Share.ended_at).where(Share.id == share_id, Share.patient_id == viewer.patient_id)
    ).one_or_none()
    if row is None:
        raise NotYours("share")
    ended = _end(session, share_id, "patient", now)
    if ended:
        _note(session, viewer, "share-ended", share_id, now)
    return ended


def _end(session: Session, share_id: UUID, why: str, now: datetime) -> bool:
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment] # an UPDATE gives a cursor
        update(Share)
        .where(Share.id == share_id, Share.ended_at.is_(None))
        .values(ended_at=now, ended_why=why, invite_hash=None)
    )
    return bool(result.rowcount)


def new_invitation(session: Session, share_id: UUID, now: datetime) -> str | None:
    """A fresh token for an invitation's mail; one from an earlier mail is no use from then on. None where there is
    nothing to invite to any more."""
    token = new_token()
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment] # an UPDATE gives a cursor
        update(Share)
        .where(
            Share.id == share_id,
            Share.way == "person",
            Share.accepted_at.is_(None),
            Share.ended_at.is_(None),
            Share.invite_expires_at > now,
        )
        .values(invite_hash=hash_token(token))
    )
    return token if result.rowcount else None


def accept(session: Session, token: str, reader_id: UUID, email_key: str, now: datetime) -> UUID | None:
    """The invited person takes the share: once, and only with the address it was sent to. Gives the share's id, or
    None where the invitation is used, over, or somebody else's."""
    row = session.execute(
        update(Share)
        .where(
            Share.invite_hash == hash_token(token),
            Share.invited_hash == queries.invited_hash(session, email_key),
            Share.patient_id != reader_id,
            Share.accepted_at.is_(None),
            Share.ended_at.is_(None),
            Share.invite_expires_at > now,
            Share.expires_at > now,
        )
        .values(invite_hash=None, accepted_at=now, reader_id=reader_id)
        .returning(Share.id, Share.patient_id)
    ).one_or_none()
    if row is None:
        return None
    audit.note(
        session,
        "share-accepted",
        now,
        actor_id=reader_id,
        patient_id=row.patient_id,
        subject=f"share:{row.id}",
    )
    accounts.begin_reading(session, reader_id, now)
    found: UUID = row.id
    return found


def decline(session: Session, token: str, email_key: str, now: datetime) -> bool:
    """The invited person doesn't want it."""
    invited = queries.find_invited(session, token, now)
    if invited is None or not compare_digest(invited.invited_hash, queries.invited_hash(session, email_key)):
        return False
    return _end(session, invited.share_id, "declined", now)


def leave(session: Session, reader_id: UUID, share_id: UUID, now: datetime) -> bool:
    """A reader gives a share back."""
    if not queries.was_reader(session, reader_id, share_id):
        raise NotYours("share")
    return _end(session, share_id, "reader", now)


def count_try(session: Session, link: str, now: datetime) -> tuple[UUID, str] | None:
    """Count a try at a link's passcode before it is looked at, so that tries side by side count each. Gives the share
    and the passcode's hash, or None where the link is not open to tries."""
    row = session.execute(
        update(Share)
        .where(
            Share.link_hash == hash_token(link),
            Share.ended_at.is_(None),
            Share.expires_at > now,
            Share.tries < MOST_TRIES,
            or_(Share.openings_left.is_(None), Share.openings_left > 0),
        )
        .values(tries=Share.tries + 1)
        .returning(Share.id, Share.passcode_hash)
    ).one_or_none()
    return None if row is None else (row.id, row.passcode_hash or "")


def refuse_try(session: Session, share_id: UUID, now: datetime) -> int:
    """The try was wrong. After the tenth the link is locked and its patient told; gives how many tries are left."""
    tries = session.execute(select(Share.tries).where(Share.id == share_id)).scalar_one()
    lock_spent(session, share_id, now)
    return int(MOST_TRIES - tries)


def lock_spent(session: Session, share_id: UUID, now: datetime) -> None:
    """Lock a link whose ten tries are spent, and tell its patient: also where whoever spent the last one was lost on
    the way."""
    tries = session.execute(select(Share.tries).where(Share.id == share_id)).scalar_one()
    if tries >= MOST_TRIES and _end(session, share_id, "locked", now):
        address = queries.find_address(session, share_id)
        if address is not None:
            outbox.put(session, "link-locked", address[1], address[0], now)
            audit.note(
                session, "link-locked", now, actor_id=None, patient_id=address[0], subject=f"share:{share_id}"
            )


def let_in(session: Session, share_id: UUID, now: datetime) -> str | None:
    """The passcode was right: gives the token for this browser's cookie, or None if somebody else took the last
    opening meanwhile."""
    row = session.execute(
        update(Share)
        .where(
            Share.id == share_id,
            Share.ended_at.is_(None),
            Share.expires_at > now,
            Share.tries > 0,
            or_(Share.openings_left.is_(None), Share.openings_left > 0),
        )
        .values(tries=Share.tries - 1, openings_left=Share.openings_left - 1)
        .returning(Share.id)
    ).one_or_none()
    if row is None:
        return None
    token = new_token()
    session.add(ShareOpening(token_hash=hash_token(token), share_id=share_id, opened_at=now, seen_at=now))
    session.flush()
    return token


def read(
    session: Session, reader_id: UUID, share_id: UUID, shape: str, now: datetime, days: int | None = None
) -> Reading:
    """Somebody is about to read the last `days` days (None: all) by a share. Raises NotYours where it isn't open to them at this instant."""
    _lock(session, share_id)
    found = queries.find_reading(session, reader_id, share_id, now)
    if found is None:
        raise NotYours("share")
    _log(session, found, reader_id, shape, now, days)
    return found


def read_by_link(
    session: Session, link: str, opening: str, shape: str, now: datetime, days: int | None = None
) -> Reading | None:
    """The same for a browser that was let in by a link; None where it has to type the passcode."""
    state = queries.find_link(session, link, now)
    if state is None:
        return None
    _lock(session, state.share_id)
    found = queries.find_link_reading(session, link, opening, now)
    if found is None:
        return None
    session.execute(
        update(ShareOpening).where(ShareOpening.token_hash == hash_token(opening)).values(seen_at=now)
    )
    _log(session, found, None, shape, now, days)
    return found


def read_list(session: Session, reader_id: UUID, now: datetime) -> tuple[Reading, ...]:
    """Somebody is about to see the list of the people who share with them: a read in each journal."""
    found = queries.list_readings(session, reader_id, now)
    audit.note_reads(session, [_read(one, reader_id, "list", now, LIST_DAYS, LISTED) for one in found], now)
    _note_first(session, [one.share_id for one in found], now)
    return found


def note_digest_reads(
    session: Session,
    reader_id: UUID,
    shown: Sequence[tuple[Reading, frozenset[str], date, date]],
    now: datetime,
) -> None:
    """Somebody is about to see what a clinic's digest says of these patients: of each, the kinds that it comes from,
    and the first and the last day."""
    reads = [
        audit.read_now(
            reading.viewer.patient_id,
            reading.share_id,
            reader_id,
            reading.way,
            "digest",
            tuple(kinds),
            first,
            last,
        )
        for reading, kinds, first, last in shown
    ]
    audit.note_reads(session, reads, now)
    _note_first(session, [reading.share_id for reading, _kinds, _first, _last in shown], now)


def are_open(session: Session, readings: Sequence[Reading], now: datetime) -> bool:
    """Whether all of them are still open, and hold what they held: asked once more when what was read is about to be
    sent."""
    if not readings:
        return True
    live = session.execute(
        select(Share.id, Share.changed_at).where(
            Share.id.in_([one.share_id for one in readings]), Share.ended_at.is_(None), Share.expires_at > now
        )
    ).all()
    return {(row.id, row.changed_at) for row in live} == {(one.share_id, one.changed_at) for one in readings}


def is_open(session: Session, reading: Reading, now: datetime) -> bool:
    return are_open(session, [reading], now)


def read_followed(
    session: Session,
    reader_id: UUID,
    readings: Sequence[Reading],
    shape: str,
    kinds: Mapping[UUID, frozenset[str]],
    now: datetime,
    days: Mapping[UUID, int],
) -> None:
    """A clinician is about to see something of several patients whom a clinic follows: a read in each journal, of the
    kinds and as many days back as it comes from, by share."""
    reads = [_read(one, reader_id, shape, now, days[one.share_id], kinds[one.share_id]) for one in readings]
    audit.note_reads(session, reads, now)
    _note_first(session, [one.share_id for one in readings], now)


def _lock(session: Session, share_id: UUID) -> None:
    """An end that was asked for first is seen; one that is asked for later waits until the read is logged."""
    session.execute(select(Share.id).where(Share.id == share_id).with_for_update())


def _read(
    reading: Reading,
    reader_id: UUID | None,
    shape: str,
    now: datetime,
    days: int | None,
    kinds: frozenset[str] | None = None,
) -> Read:
    """What the log tells: the kinds and days that can be seen in what is about to be shown."""
    scope = reading.scope
    last = reading.today(now) if scope.until is None else min(reading.today(now), scope.until)
    since = scope.since
    if days is not None:
        first = last - timedelta(days=days - 1)
        since = first if since is None else max(first, min(since, last))
    return audit.read_now(
        reading.viewer.patient_id,
        reading.share_id,
        reader_id,
        reading.way,
        shape,
        tuple(scope.kinds if kinds is None else scope.kinds & kinds),
        since,
        last,
    )


def _log(
    session: Session, reading: Reading, reader_id: UUID | None, shape: str, now: datetime, days: int | None
) -> None:
    audit.note_reads(session, [_read(reading, reader_id, shape, now, days)], now)
    _note_first(session, [reading.share_id], now)
    session.execute(update(Share).where(Share.id == reading.share_id).values(seen_at=now))


def _note_first(session: Session, share_ids: Sequence[UUID], now: datetime) -> None:
    """The first time that anything was opened by a share: its patient is told, where that was wished for."""
    if not share_ids:
        return
    opened = session.execute(
        update(Share)
        .where(Share.id.in_(share_ids), Share.first_opened_at.is_(None))
        .values(first_opened_at=now)
        .returning(Share.id, Share.tell_me)
    ).all()
    for share_id, tell_me in opened:
        address = queries.find_address(session, share_id) if tell_me else None
        if address is not None:
            outbox.put(session, "share-opened", address[1], address[0], now)


def set_session(session: Session, reading: Reading, session_on: date | None) -> None:
    """The reader notes the day of the last session; None goes back to the last review."""
    session.execute(update(Share).where(Share.id == reading.share_id).values(session_on=session_on))


def review(
    session: Session,
    reading: Reading,
    review_id: UUID,
    line: str,
    last_day: date,
    now: datetime,
    seen_up_to: datetime | None = None,
) -> bool:
    """Mark what was shown as reviewed, with one line back or none. `seen_up_to`: when the page was made that the
    reader looked at. False if the same was kept already. Raises Refused for a line that is too long."""
    line = " ".join(line.split())
    if len(line) > MOST_LINE:
        raise Refused({"line": f"Keep it to {MOST_LINE} characters. This has {len(line)}."})
    if session.execute(select(Review.id).where(Review.id == review_id)).first() is not None:
        return False
    patient_id = reading.viewer.patient_id
    sealed = None
    if line:
        sealed = get_box(session, reading.viewer).seal(
            line.encode(), review_belongs_to(patient_id, review_id)
        )
    session.add(
        Review(
            id=review_id,
            share_id=reading.share_id,
            patient_id=patient_id,
            reader_id=reading.viewer.account_id,
            at=now,
            seen_up_to=min(seen_up_to or now, now),
            last_day=last_day,
            sealed=sealed,
        )
    )
    session.flush()
    audit.note(
        session,
        "reviewed",
        now,
        actor_id=reading.viewer.account_id,
        patient_id=patient_id,
        subject=f"share:{reading.share_id}",
    )
    return True


def new_id() -> UUID:
    """For a form that makes a share or a review: sent twice, it makes one."""
    return uuid4()


def forget(session: Session, account_id: UUID) -> None:
    """Delete everything that the account shared. What others shared with it ends with its row, since nobody reads it
    any more; in their access logs stays that somebody looked, under a number that is nobody's."""
    mine = select(Share.id).where(Share.patient_id == account_id)
    session.execute(delete(ShareOpening).where(ShareOpening.share_id.in_(mine)))
    session.execute(delete(Review).where(Review.patient_id == account_id))
    session.execute(delete(Share).where(Share.patient_id == account_id))
