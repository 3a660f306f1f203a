"""Reading shares: the patient's own, and those that somebody reads by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from journal.accounts import queries as accounts
from journal.clinics import queries as clinics
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.days import day_of
from journal.domain.errors import NotYours
from journal.entries.queries import KEYS, get_box
from journal.kit.db import vault_of
from journal.kit.tokens import hash_token
from journal.kit.vault import Box
from journal.shares.models import Review, Share, ShareOpening

MOST_TRIES = 10
"""So often may a passcode be wrong, in a link's whole life (product decision)."""
OPENING_LASTS = timedelta(hours=12)
OPENING_IDLE = timedelta(minutes=30)
"""A link's reader types the passcode anew after these, as a care-team member signs in anew."""
INVITE_DAYS = 14
"""Own choice: an invitation that nobody accepted is no use after two weeks."""
NO_END = datetime(9999, 1, 1, tzinfo=UTC)
"""A clinic follows until the patient ends it: an end that came by itself would silence flags without a word."""
SHARES: Any = Share.__table__
"""For joining to from features to the right."""
_S: Any = SHARES.c
_K: Any = KEYS.c


@dataclass(frozen=True, slots=True)
class Held:
    """A share as its patient sees it. `state`: "waiting" (invited), "unanswered" (the invitation is too
    old; it can be sent anew), "open", "used" (a link for one
    opening that was opened), "ended", "expired", "locked" or "declined"."""

    id: UUID
    way: str
    scope: Scope
    state: str
    name: str
    to: str
    email: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    first_opened_at: datetime | None
    seen_at: datetime | None
    accepted_at: datetime | None
    openings_left: int | None
    tell_me: bool
    clinic_id: UUID | None = None

    @property
    def has_end(self) -> bool:
        """False for a clinic, which follows until the patient ends it."""
        return self.expires_at < NO_END

    @property
    def is_live(self) -> bool:
        return self.state in ("waiting", "unanswered", "open", "used")


@dataclass(frozen=True, slots=True)
class Reading:
    """A share as its reader sees it: whose journal, what of it, and what day it is for the patient."""

    share_id: UUID
    way: str
    viewer: Viewer
    name: str
    to: str
    zone: ZoneInfo
    day_ends_hour: int
    expires_at: datetime
    seen_at: datetime | None
    session_on: date | None
    changed_at: datetime
    clinic_id: UUID | None = None
    accepted_at: datetime | None = None

    @property
    def scope(self) -> Scope:
        if self.viewer.scope is None:
            raise NotYours("share")
        return self.viewer.scope

    def today(self, now: datetime) -> date:
        return day_of(now, self.zone, self.day_ends_hour)

    @property
    def ends_on(self) -> date:
        """The last day on which it is open; far away where it has no end."""
        return (self.expires_at - timedelta(seconds=1)).astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review: by which share, when, up to which day, and the line back."""

    share_id: UUID
    at: datetime
    last_day: date
    line: str


def belongs_to(patient_id: UUID, share_id: UUID) -> bytes:
    """What a share's sealed part is bound to."""
    return b"share|" + patient_id.bytes + share_id.bytes


def review_belongs_to(patient_id: UUID, review_id: UUID) -> bytes:
    return b"review|" + patient_id.bytes + review_id.bytes


def scope_of(row: Any) -> Scope:
    return Scope(frozenset(row.kinds.split()) & frozenset(KINDS), row.since, row.until)


def _state(row: Any, now: datetime) -> str:
    if row.ended_at is not None:
        return {"locked": "locked", "declined": "declined"}.get(row.ended_why, "ended")
    if row.expires_at <= now:
        return "expired"
    if row.way == "person" and row.accepted_at is None:
        return "waiting" if row.invite_expires_at > now else "unanswered"
    if row.way == "person" and row.reader_id is None:  # the reader's account is gone
        return "ended"
    return "used" if row.openings_left == 0 else "open"


def _held(row: Any, box: Box, patient_id: UUID, now: datetime) -> Held:
    told = orjson.loads(box.open(row.sealed, belongs_to(patient_id, row.id)))
    return Held(
        row.id,
        row.way,
        scope_of(row),
        _state(row, now),
        told["name"],
        told["to"],
        told.get("email", ""),
        row.created_at,
        row.expires_at,
        row.ended_at,
        row.first_opened_at,
        row.seen_at,
        row.accepted_at,
        row.openings_left,
        row.tell_me,
        row.clinic_id,
    )


def list_shares(session: Session, viewer: Viewer, now: datetime) -> tuple[Held, ...]:
    """The patient's own shares, the newest first, ended ones among them. Raises NotYours for anybody else."""
    viewer.must_be_patient()
    rows = session.execute(
        select(Share.__table__).where(_S.patient_id == viewer.patient_id).order_by(_S.created_at.desc())
    ).all()
    if not rows:
        return ()
    box = get_box(session, viewer)
    return tuple(_held(row, box, viewer.patient_id, now) for row in rows)


def get_share(session: Session, viewer: Viewer, share_id: UUID, now: datetime) -> Held:
    """One of the patient's own shares. Raises NotYours."""
    found = next((one for one in list_shares(session, viewer, now) if one.id == share_id), None)
    if found is None:
        raise NotYours("share")
    return found


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation behind a link, as long as it can be answered."""

    share_id: UUID
    patient_id: UUID
    invited_hash: bytes
    expires_at: datetime


def find_invited(session: Session, token: str, now: datetime) -> Invited | None:
    """The invitation that a mailed link opens, or None: used, ended, or too old."""
    row = session.execute(
        select(_S.id, _S.patient_id, _S.invited_hash, _S.expires_at).where(
            _S.invite_hash == hash_token(token),
            _S.accepted_at.is_(None),
            _S.ended_at.is_(None),
            _S.invite_expires_at > now,
            _S.expires_at > now,
        )
    ).one_or_none()
    return None if row is None else Invited(row.id, row.patient_id, row.invited_hash, row.expires_at)


def invited_hash(session: Session, email_key: str) -> bytes:
    """How an invited address is kept and compared."""
    return vault_of(session).keyed_hash(email_key.encode(), b"invited address")


def describe_invited(session: Session, invited: Invited) -> Reading:
    """What the invitation offers. Only for the person whose address it was sent to."""
    row = session.execute(_READINGS.where(_S.id == invited.share_id)).one()
    return _reading(session, row, None)


_READINGS = (
    select(
        _S.id,
        _S.patient_id,
        _S.way,
        _S.kinds,
        _S.since,
        _S.until,
        _S.expires_at,
        _S.seen_at,
        _S.session_on,
        _S.changed_at,
        _S.clinic_id,
        _S.accepted_at,
        _S.sealed,
        _K.wrapped_key,
        accounts.ACCOUNTS.c.zone,
        accounts.ACCOUNTS.c.day_ends_hour,
    )
    .select_from(Share.__table__)
    .join(KEYS, _K.patient_id == _S.patient_id)
    .join(accounts.ACCOUNTS, accounts.ACCOUNTS.c.id == _S.patient_id)
)


def _live(now: datetime) -> Any:
    return and_(_S.ended_at.is_(None), _S.expires_at > now)


def _reading(session: Session, row: Any, reader_id: UUID | None) -> Reading:
    box = vault_of(session).box(row.wrapped_key, row.patient_id.bytes)
    told = orjson.loads(box.open(row.sealed, belongs_to(row.patient_id, row.id)))
    return Reading(
        row.id,
        row.way,
        Viewer(reader_id, row.patient_id, scope_of(row)),
        told["name"],
        told["to"],
        ZoneInfo(row.zone),
        row.day_ends_hour,
        row.expires_at,
        row.seen_at,
        row.session_on,
        row.changed_at,
        row.clinic_id,
        row.accepted_at,
    )


def find_reading(session: Session, reader_id: UUID, share_id: UUID, now: datetime) -> Reading | None:
    """A share that the person reads by, as themselves or as a clinician of a clinic, and that is open at this instant,
    or None."""
    row = session.execute(_READINGS.where(_S.id == share_id, _read_by(reader_id), _live(now))).one_or_none()
    return None if row is None else _reading(session, row, reader_id)


def _read_by(reader_id: UUID) -> Any:
    """Shares with the person, and those by which a clinic follows in which the person is a clinician now."""
    return or_(_S.reader_id == reader_id, _S.clinic_id.in_(clinics.clinician_in(reader_id)))


def list_followed(
    session: Session, clinic_id: UUID, reader_id: UUID | None, now: datetime
) -> tuple[Reading, ...]:
    """Every share by which the clinic follows at this instant, by patient. `reader_id`: the clinician who reads; None
    where the clinic itself looks (flags, the digest). Whoever asks has made sure that the person is staff there."""
    rows = session.execute(
        _READINGS.where(_S.clinic_id == clinic_id, _live(now)).order_by(_S.patient_id)
    ).all()
    return tuple(_reading(session, row, reader_id) for row in rows)


@dataclass(frozen=True, slots=True)
class Followed:
    """What a digest is made from: a share by which a clinic follows, and what opens its patient's things."""

    share_id: UUID
    viewer: Viewer
    box: Box
    zone: ZoneInfo
    day_ends_hour: int


def followed_patients(clinic_id: UUID, now: datetime) -> Any:
    """The patients whom the clinic follows at this instant, for joining to."""
    return select(_S.patient_id).where(_S.clinic_id == clinic_id, _live(now)).subquery("followed")


def stream_followed(session: Session, clinic_id: UUID, now: datetime) -> Iterator[Followed]:
    """Every share by which the clinic follows at this instant, by patient, a few at a time."""
    rows = session.execute(
        _READINGS.where(_S.clinic_id == clinic_id, _live(now)).order_by(_S.patient_id),
        execution_options={"yield_per": 200},
    )
    vault = vault_of(session)
    for row in rows:
        box = vault.box(row.wrapped_key, row.patient_id.bytes)
        viewer = Viewer(None, row.patient_id, scope_of(row))
        yield Followed(row.id, viewer, box, ZoneInfo(row.zone), row.day_ends_hour)


def stream_reviewed(session: Session, clinic_id: UUID, now: datetime) -> Iterator[tuple[UUID, datetime]]:
    """(patient, when the page was made that the clinic last marked as reviewed), by patient."""
    rows = session.execute(
        select(_S.patient_id, func.max(Review.seen_up_to))
        .join(Review.__table__, Review.share_id == _S.id)
        .where(_S.clinic_id == clinic_id, _live(now))
        .group_by(_S.patient_id)
        .order_by(_S.patient_id),
        execution_options={"yield_per": 1000},
    )
    for row in rows:
        yield row[0], row[1]


def list_open_ids(session: Session, clinic_id: UUID, now: datetime) -> frozenset[UUID]:
    """The shares by which the clinic follows at this instant."""
    return frozenset(session.execute(select(_S.id).where(_S.clinic_id == clinic_id, _live(now))).scalars())


def list_followed_by(
    session: Session, clinic_id: UUID, share_ids: Sequence[UUID], reader_id: UUID, now: datetime
) -> tuple[Reading, ...]:
    """Those of the shares by which the clinic follows at this instant."""
    if not share_ids:
        return ()
    rows = session.execute(
        _READINGS.where(_S.id.in_(list(share_ids)), _S.clinic_id == clinic_id, _live(now))
    ).all()
    return tuple(_reading(session, row, reader_id) for row in rows)


def find_clinic(session: Session, viewer: Viewer) -> clinics.Settings | None:
    """The clinic that follows the patient now, with its settings; for the patient alone. Raises NotYours."""
    viewer.must_be_patient()
    row = session.execute(
        select(clinics.CLINICS)
        .join(SHARES, _S.clinic_id == clinics.CLINICS.c.id)
        .where(_S.patient_id == viewer.patient_id, _S.ended_at.is_(None))
    ).one_or_none()
    return None if row is None else clinics.settings_of(row)


def is_followed_by(session: Session, patient_id: UUID, share_id: UUID) -> bool:
    """Whether this is the patient's own share by which a clinic follows."""
    statement = select(_S.id).where(_S.id == share_id, _S.patient_id == patient_id, _S.clinic_id.is_not(None))
    return session.execute(statement).first() is not None


def list_followed_of(session: Session, patient_ids: Sequence[UUID], now: datetime) -> tuple[Reading, ...]:
    """The shares by which clinics follow these patients at this instant."""
    if not patient_ids:
        return ()
    rows = session.execute(
        _READINGS.where(_S.patient_id.in_(list(patient_ids)), _S.clinic_id.is_not(None), _live(now))
    ).all()
    return tuple(_reading(session, row, None) for row in rows)


def list_readings(session: Session, reader_id: UUID, now: datetime) -> tuple[Reading, ...]:
    """Every share that is open to the person at this instant."""
    rows = session.execute(
        _READINGS.where(_S.reader_id == reader_id, _live(now)).order_by(_S.created_at)
    ).all()
    return tuple(_reading(session, row, reader_id) for row in rows)


def count_followed(session: Session, clinic_id: UUID, now: datetime) -> int:
    """How many patients the clinic follows at this instant."""
    statement = select(func.count()).select_from(SHARES).where(_S.clinic_id == clinic_id, _live(now))
    return session.execute(statement).scalar_one()


def has_readings(session: Session, reader_id: UUID, now: datetime) -> bool:
    """Whether anybody shares with the person, as themselves, at this instant."""
    statement = select(_S.id).where(_S.reader_id == reader_id, _live(now)).limit(1)
    return session.execute(statement).first() is not None


def was_reader(session: Session, reader_id: UUID, share_id: UUID) -> bool:
    """Whether the person could once read by this share: such a one may be told that it has ended."""
    statement = select(_S.id).where(_S.id == share_id, _read_by(reader_id))
    return session.execute(statement).first() is not None


def find_link_reading(session: Session, link: str, opening: str, now: datetime) -> Reading | None:
    """What a link opens for the browser that holds the opening's token, or None."""
    openings: Any = ShareOpening.__table__.c
    row = session.execute(
        _READINGS.join(ShareOpening.__table__, openings.share_id == _S.id).where(
            _S.link_hash == hash_token(link),
            openings.token_hash == hash_token(opening),
            openings.opened_at > now - OPENING_LASTS,
            openings.seen_at > now - OPENING_IDLE,
            _live(now),
        )
    ).one_or_none()
    return None if row is None else _reading(session, row, None)


@dataclass(frozen=True, slots=True)
class LinkState:
    """How it stands with a link: "open", "used" (its openings are), "locked" or "ended"."""

    share_id: UUID
    state: str


def find_link(session: Session, link: str, now: datetime) -> LinkState | None:
    """The link's state, or None where there is no such link."""
    row = session.execute(
        select(_S.id, _S.ended_at, _S.ended_why, _S.expires_at, _S.openings_left, _S.tries).where(
            _S.link_hash == hash_token(link)
        )
    ).one_or_none()
    if row is None:
        return None
    if row.ended_at is not None or row.expires_at <= now:
        return LinkState(row.id, "locked" if row.ended_why == "locked" else "ended")
    if row.tries >= MOST_TRIES:
        return LinkState(row.id, "locked")
    return LinkState(row.id, "used" if row.openings_left == 0 else "open")


def list_reviews(session: Session, viewer: Viewer, share_ids: Sequence[UUID] = ()) -> tuple[Reviewed, ...]:
    """Reviews of the patient's journal, the newest first; a reader has to name the own share."""
    if not viewer.may_write and not share_ids:
        raise NotYours("reviews")
    statement = select(Review).where(Review.patient_id == viewer.patient_id).order_by(Review.at.desc())
    if share_ids:
        statement = statement.where(Review.share_id.in_(share_ids))
    rows = session.execute(statement).scalars().all()
    if not rows:
        return ()
    box = get_box(session, viewer)
    return tuple(
        Reviewed(
            row.share_id,
            row.at,
            row.last_day,
            ""
            if row.sealed is None
            else box.open(row.sealed, review_belongs_to(viewer.patient_id, row.id)).decode(),
        )
        for row in rows
    )


def list_seen_up_to(session: Session, share_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """Of each share, when the page was made that was last marked as reviewed; left out where the share was changed
    after that, since what it shows now may not have been there to be seen."""
    if not share_ids:
        return {}
    rows = session.execute(
        select(Review.share_id, func.max(Review.seen_up_to), _S.changed_at)
        .join(Share.__table__, _S.id == Review.share_id)
        .where(Review.share_id.in_(share_ids))
        .group_by(Review.share_id, _S.changed_at)
    )
    return {share_id: seen for share_id, seen, changed_at in rows if changed_at <= seen}


def find_address(session: Session, share_id: UUID) -> tuple[UUID, str] | None:
    """(patient, the patient's own address) of a share, for telling the patient something by mail."""
    row = session.execute(
        select(_S.patient_id, accounts.ACCOUNTS.c.email)
        .join(accounts.ACCOUNTS, accounts.ACCOUNTS.c.id == _S.patient_id)
        .where(_S.id == share_id)
    ).one_or_none()
    return None if row is None else (row.patient_id, row.email)
