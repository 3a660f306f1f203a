"""Telling a clinic what can't wait, and keeping who answered it. Nothing here commits.

A flag is delivered when the clinic that follows the patient was looked for: what its share holds becomes a flag of the
clinic's own, and for what is told at once a mail without any detail goes to its clinicians. Whoever can't be told is
never told by silence: the patient's page says it (`shares.present`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from journal.audit import service as audit
from journal.clinic_flags import queries
from journal.clinic_flags.models import ClinicFlag, FlagStep
from journal.clinic_flags.queries import OPEN_STATES, OfClinic, clinic_flag_belongs_to, may_see_of_clinic
from journal.clinics import queries as clinics
from journal.clinics.queries import Membership, Recipient
from journal.domain.access import Viewer
from journal.domain.errors import NotYours, Refused
from journal.domain.flag_rules import AT_ONCE
from journal.domain.summary import say_to_reader
from journal.entries.queries import KEYS, get_box
from journal.flags import queries as flags
from journal.flags import service as flags_service
from journal.flags.queries import Undelivered
from journal.kit import bounces, outbox
from journal.kit.db import upsert, vault_of
from journal.kit.logs import where
from journal.kit.vault import CannotOpen
from journal.shares import queries as shares
from journal.shares import service as shares_service
from journal.shares.queries import Reading

log = structlog.get_logger()
BATCH = 50
PAGE = 50
MOST_NOTE = 500
"""Own choice: a note on a flag, not a record of treatment."""
REASONS: Mapping[str, str] = {
    "talked": "We talked",
    "in-treatment": "It is being treated",
    "no-need": "Nothing more is needed",
    "mistake": "It was logged by mistake",
    "passed-on": "Somebody else looks after it",
    "left": "The patient left the clinic",
}
FRESH = timedelta(days=1)
"""Own choice: what was told so shortly before a patient let the clinic follow is news to it, and mailed."""
MOST_EARLIER = 3
QUIET_DAYS = 14
"""Own choice: what the daily look found and a clinic closed is not found again for two weeks."""
_CF: Any = ClinicFlag.__table__
_STEPS: Any = FlagStep.__table__


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many flags were looked at, and which of them could not be told."""

    count: int
    failed: frozenset[UUID]


def deliver(session: Session, now: datetime, passed_over: Collection[UUID] = ()) -> Delivered:
    """Look for the clinics of flags that were told since the last look, the oldest first. What is told at once is mailed
    once for all of these to each clinician. One that can't be told holds up no other: it is logged, passed over, and
    makes health red until it is mended."""
    waiting = flags.list_undelivered(session, BATCH, passed_over)
    if not waiting:
        return Delivered(0, frozenset())
    followed = _followed(session, [flag.patient_id for flag in waiting], now)
    settings = {
        clinic_id: clinics.get_settings(session, clinic_id)
        for clinic_id in {one.clinic_id for one in followed.values() if one.clinic_id}
    }
    readers = {clinic_id: _readers(session, clinic_id) for clinic_id in settings}
    to_mail: set[UUID] = set()
    failed: set[UUID] = set()
    for flag in waiting:
        reading = followed.get(flag.patient_id)
        if reading is None or reading.clinic_id is None:
            continue
        try:
            with session.begin_nested():
                told = _deliver(
                    session, flag, reading, settings[reading.clinic_id], bool(readers[reading.clinic_id]), now
                )
        except Exception as error:  # this one's fault must not keep what others said from their clinics
            log.error("flag not told", flag_id=str(flag.id), error=type(error).__name__, where=where(error))
            failed.add(flag.id)
            continue
        if told:
            to_mail.add(reading.clinic_id)
    flags_service.mark_delivered(session, [one for one in waiting if one.id not in failed], now)
    for clinic_id in to_mail:
        for one in readers[clinic_id]:
            outbox.put(
                session, "flag", one.email, one.account_id, now, subject_id=clinic_id, group_id=clinic_id
            )
    return Delivered(len(waiting), frozenset(failed))


def _followed(session: Session, patient_ids: Sequence[UUID], now: datetime) -> dict[UUID, Reading]:
    """By patient, the share by which a clinic follows now."""
    readings = shares.list_followed_of(session, list(set(patient_ids)), now)
    return {one.viewer.patient_id: one for one in readings}


def _readers(session: Session, clinic_id: UUID) -> tuple[Recipient, ...]:
    """Who is mailed: the clinicians, or the admins where there is none."""
    return clinics.list_recipients(session, clinic_id, "clinician") or clinics.list_recipients(
        session, clinic_id, "admin"
    )


def _deliver(
    session: Session,
    flag: Undelivered,
    reading: Reading,
    clinic: clinics.Settings,
    has_reader: bool,
    now: datetime,
) -> bool:
    """Make it a flag of the clinic's. True if the clinic has to be mailed."""
    told = _told(session, flag)
    if told["rule"] in clinic.rules_off or not may_see_of_clinic(reading.scope, told):
        return False
    # What was told long before the clinic followed stands in its list; it was not told to them, so it isn't news.
    since = None if reading.accepted_at is None else reading.accepted_at - FRESH
    at_once = flag.urgency in AT_ONCE and since is not None and flag.told_at >= since
    wait = timedelta(minutes=clinic.acknowledge_minutes if has_reader else 0)
    return (
        _keep(
            session,
            reading,
            told,
            flag.cause_hash,
            flag.urgency,
            flag_id=flag.id,
            raised_at=flag.raised_at,
            told_at=flag.told_at,
            mailed_at=now if at_once and has_reader else None,
            escalate_at=now + wait if at_once else None,
            now=now,
        )
        and at_once
        and has_reader
    )


def _told(session: Session, flag: Undelivered) -> dict[str, Any]:
    box = vault_of(session).box(flag.wrapped_key, flag.patient_id.bytes)
    said = orjson.loads(box.open(flag.sealed, flags.belongs_to(flag.patient_id, flag.id)))
    told = {"rule": said["rule"], "why": said["why"], "kind": flag.kind, "day": flag.day.isoformat()}
    return told | {"earlier": said.get("earlier", [])}


def list_earlier(session: Session, clinic_id: UUID, rules: Collection[str], now: datetime) -> None:
    """Rules were turned on again: what they raised meanwhile of those whom the clinic follows goes into its list. It is
    not news, so nobody is mailed."""
    readings = {one.viewer.patient_id: one for one in shares.list_followed(session, clinic_id, None, now)}
    for flag in flags.list_raised(session, list(readings)):
        reading, told = readings[flag.patient_id], _told(session, flag)
        if told["rule"] in rules and may_see_of_clinic(reading.scope, told):
            _keep(
                session,
                reading,
                told,
                flag.cause_hash,
                flag.urgency,
                flag_id=flag.id,
                raised_at=flag.raised_at,
                told_at=flag.told_at,
                mailed_at=None,
                escalate_at=None,
                now=now,
            )


def _keep(
    session: Session,
    reading: Reading,
    told: Mapping[str, Any],
    cause_hash: bytes,
    urgency: str,
    *,
    flag_id: UUID | None,
    raised_at: datetime,
    told_at: datetime,
    mailed_at: datetime | None,
    escalate_at: datetime | None,
    now: datetime,
) -> bool:
    """Insert the clinic's flag, or open it again where it was told anew. False for what it has already."""
    patient_id = reading.viewer.patient_id
    made = b"|".join((str(reading.clinic_id).encode(), patient_id.bytes, cause_hash))
    own_id = UUID(bytes=vault_of(session).keyed_hash(made, b"clinic flag")[:16])
    held = session.execute(
        select(_CF.c.told_at, _CF.c.state, _CF.c.escalate_at, _CF.c.escalated_at, _CF.c.sealed)
        .where(_CF.c.id == own_id)
        .with_for_update()
    ).one_or_none()
    if held is not None and held.told_at >= told_at:
        again: dict[str, Any] = {"share_id": reading.share_id}  # the same, by a share that was given anew
        if held.state == "open" and held.escalate_at is None and held.escalated_at is None:
            again["escalate_at"] = escalate_at
        session.execute(update(_CF).where(_CF.c.id == own_id).values(**again))
        return False
    box, place = get_box(session, reading.viewer), clinic_flag_belongs_to(patient_id, own_id)
    if held is not None and held.state == "open":
        # Nobody has answered yet: what was said before still counts, and the second contact is not put off by it.
        before = orjson.loads(box.open(held.sealed, place))
        told = {**told, "earlier": _earlier(before, told)}
        if escalate_at and held.escalate_at:
            escalate_at = min(escalate_at, held.escalate_at)
    values: dict[str, Any] = {
        "share_id": reading.share_id,
        "urgency": urgency,
        "state": "open",
        "told_at": told_at,
        "mailed_at": mailed_at,
        "escalate_at": escalate_at,
        "escalated_at": None,
        "owner_id": None,
        "acknowledged_at": None,
        "closed_at": None,
        "closed_why": None,
        "sealed": box.seal(orjson.dumps(told, option=orjson.OPT_SORT_KEYS), place),
    }
    if held is None:
        statement = upsert(session, _CF).values(
            id=own_id,
            clinic_id=reading.clinic_id,
            patient_id=patient_id,
            flag_id=flag_id,
            cause_hash=cause_hash,
            raised_at=raised_at,
            **values,
        )
        if session.execute(statement.on_conflict_do_nothing().returning(_CF.c.id)).first() is None:
            return False
    else:
        session.execute(update(_CF).where(_CF.c.id == own_id).values(**values))
    said = box.seal(say_to_reader(told["why"]).encode(), place)
    _step(session, own_id, "raised" if held is None else "again", now, sealed=said)
    if mailed_at:
        _step(session, own_id, "mailed", now)
    return True


def _earlier(before: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    """What was said before the newest, each once, the oldest first."""
    said = [*before.get("earlier", ()), before["why"], *told.get("earlier", ())]
    return [one for one in dict.fromkeys(said) if one != told["why"]][-MOST_EARLIER:]


def _step(
    session: Session,
    flag_id: UUID,
    step: str,
    now: datetime,
    staff_id: UUID | None = None,
    sealed: bytes | None = None,
) -> None:
    session.execute(
        insert(_STEPS),
        {"clinic_flag_id": flag_id, "at": now, "staff_id": staff_id, "step": step, "sealed": sealed},
    )


def escalate(session: Session, now: datetime) -> int:
    """Tell the second contact about what nobody has acknowledged in the clinic's time: one mail for all of a clinic's.
    What the share holds no more, nobody could open, so nobody is told of it. Gives how many flags were looked at."""
    rows = session.execute(
        select(_CF.c.id, _CF.c.clinic_id, _CF.c.patient_id, _CF.c.share_id, _CF.c.sealed, KEYS.c.wrapped_key)
        .join(KEYS, KEYS.c.patient_id == _CF.c.patient_id)
        .where(_CF.c.escalate_at <= now, _CF.c.state == "open")
        .order_by(_CF.c.escalate_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=_CF)
    ).all()
    followed = _followed(session, [row.patient_id for row in rows], now)
    to_mail: set[UUID] = set()
    for row in rows:
        is_seen = _is_seen(session, row, followed.get(row.patient_id))
        session.execute(
            update(_CF)
            .where(_CF.c.id == row.id)
            .values(escalate_at=None, escalated_at=now if is_seen else None)
        )
        if is_seen:
            _step(session, row.id, "second-contact", now)
            to_mail.add(row.clinic_id)
    for clinic_id in to_mail:
        _mail_second(session, clinic_id, now)
    return len(rows)


def _is_seen(session: Session, row: Any, reading: Reading | None) -> bool:
    """Whether the clinic can see this flag now. One that can't be opened counts as seen: rather a mail too many."""
    if reading is None or reading.share_id != row.share_id:
        return False
    try:
        box = vault_of(session).box(row.wrapped_key, row.patient_id.bytes)
        told = orjson.loads(box.open(row.sealed, clinic_flag_belongs_to(row.patient_id, row.id)))
    except CannotOpen:
        return True
    return may_see_of_clinic(reading.scope, told)


def _mail_second(session: Session, clinic_id: UUID, now: datetime) -> None:
    """To the second contact; where none is set, or mail to it comes back, to every clinician and admin once more."""
    second = clinics.get_settings(session, clinic_id).second_contact
    if second and not bounces.is_switched_off(session, second):
        outbox.put(session, "flag-waits", second, None, now, subject_id=clinic_id, group_id=clinic_id)
        return
    for one in clinics.list_recipients(session, clinic_id, "clinician", "admin"):
        outbox.put(
            session, "flag-waits", one.email, one.account_id, now, subject_id=clinic_id, group_id=clinic_id
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What the daily look found: by which rule, about what (`subject`: a measure, a questionnaire), why in words, which
    shared kinds and days it comes from."""

    rule: str
    subject: str
    why: str
    kinds: frozenset[str]
    since: date
    day: date


def raise_found(
    session: Session, reading: Reading, found: Sequence[Found], off: frozenset[str], now: datetime
) -> int:
    """Put what the daily look found into the clinic's list, unless the same is there, or was closed in the last two
    weeks. Gives how many are new."""
    new = 0
    for one in found:
        if one.rule in off:
            continue
        told = {
            "rule": one.rule,
            "why": one.why,
            "kind": "",
            "kinds": sorted(one.kinds),
            "since": one.since.isoformat(),
            "day": one.day.isoformat(),
        }
        if not may_see_of_clinic(reading.scope, told):
            continue
        cause = vault_of(session).keyed_hash(f"{one.rule}|{one.subject}".encode(), b"daily look")
        if _is_known(session, reading, cause, now):
            continue
        new += _keep(
            session,
            reading,
            told,
            cause,
            "review",
            flag_id=None,
            raised_at=now,
            told_at=now,
            mailed_at=None,
            escalate_at=None,
            now=now,
        )
    return new


@dataclass(frozen=True, slots=True)
class Shown:
    """A flag that is about to be shown, by which share, and what happened to it."""

    flag: OfClinic
    reading: Reading


@dataclass(frozen=True, slots=True)
class Page:
    """Flags to show, and how many there are in all."""

    shown: tuple[Shown, ...]
    count: int

    @property
    def readings(self) -> tuple[Reading, ...]:
        return tuple({one.reading.share_id: one.reading for one in self.shown}.values())


def list_all(
    session: Session, member: Membership, states: Sequence[str], now: datetime, only: UUID | None = None
) -> tuple[Shown, ...]:
    """The clinic's flags as far as each share holds them now, the gravest first. Whoever shows them uses `read`."""
    share_ids = queries.list_share_ids(session, member.clinic_id, states, only)
    readings = {
        one.share_id: one
        for one in shares.list_followed_by(session, member.clinic_id, share_ids, member.account_id, now)
    }
    viewers = {share_id: one.viewer for share_id, one in readings.items()}
    found = queries.list_of_clinic(session, member.clinic_id, viewers, states, only)
    return tuple(Shown(flag, readings[flag.share_id]) for flag in found)


def read(
    session: Session,
    member: Membership,
    states: Sequence[str],
    now: datetime,
    *,
    start: int = 0,
    only: UUID | None = None,
) -> Page:
    """A clinician is about to see these flags, as far as each share holds them now: a read in each of the journals that
    something is shown from."""
    found = list_all(session, member, states, now, only)
    shown = found[start : start + PAGE]
    page = Page(shown, len(found))
    kinds: dict[UUID, frozenset[str]] = {}
    for one in shown:
        kinds[one.reading.share_id] = kinds.get(one.reading.share_id, frozenset()) | one.flag.kinds
    days: dict[UUID, int] = {}
    for one in shown:
        back = (one.reading.today(now) - one.flag.day).days + 1
        days[one.reading.share_id] = max(back, days.get(one.reading.share_id, 1))
    shares_service.read_followed(session, member.account_id, page.readings, "flags", kinds, now, days)
    return page


def _is_known(session: Session, reading: Reading, cause: bytes, now: datetime) -> bool:
    """Whether the clinic has this open where it can be seen, or closed it in the last two weeks."""
    held = session.execute(
        select(_CF.c.id, _CF.c.state, _CF.c.closed_at, _CF.c.share_id, _CF.c.sealed).where(
            _CF.c.clinic_id == reading.clinic_id,
            _CF.c.patient_id == reading.viewer.patient_id,
            _CF.c.cause_hash == cause,
        )
    ).one_or_none()
    if held is None:
        return False
    if held.state not in OPEN_STATES:
        return bool(held.closed_at > now - timedelta(days=QUIET_DAYS))
    box, patient_id = get_box(session, reading.viewer), reading.viewer.patient_id
    told = orjson.loads(box.open(held.sealed, clinic_flag_belongs_to(patient_id, held.id)))
    return held.share_id == reading.share_id and may_see_of_clinic(reading.scope, told)


def _change(
    session: Session, member: Membership, flag: OfClinic, states: Sequence[str], **values: Any
) -> bool:
    """Change the flag as it was told when the person looked: one that was told again since stays as it is."""
    row = session.execute(
        update(_CF)
        .where(
            _CF.c.id == flag.id,
            _CF.c.clinic_id == member.clinic_id,
            _CF.c.told_at == flag.told_at,
            _CF.c.state.in_(states),
        )
        .values(**values)
        .returning(_CF.c.id)
    ).first()
    return row is not None


def acknowledge(session: Session, member: Membership, flag: OfClinic, now: datetime) -> bool:
    """A clinician has seen it and looks after it; the second contact is not told any more. False if somebody was
    first."""
    done = _change(
        session,
        member,
        flag,
        ("open",),
        state="acknowledged",
        owner_id=member.staff_id,
        acknowledged_at=now,
        escalate_at=None,
    )
    if done:
        _step(session, flag.id, "acknowledged", now, member.staff_id)
        _audit(session, member, flag, "flag acknowledged", now)
    return done


def note(
    session: Session, member: Membership, viewer: Viewer, flag: OfClinic, text: str, now: datetime
) -> None:
    """Add a note that the clinic's clinicians see. Raises Refused for an empty or too long one."""
    _check_note(text)
    if not _clean(text):
        raise Refused({"note": "Write the note first."})
    _step(session, flag.id, "noted", now, member.staff_id, _seal(session, viewer, flag, _clean(text)))
    _audit(session, member, flag, "flag noted", now)


def close(
    session: Session,
    member: Membership,
    viewer: Viewer,
    flag: OfClinic,
    why: str,
    text: str,
    now: datetime,
) -> bool:
    """Close it with a reason of REASONS, and a note or none. False if it is closed already. Raises Refused."""
    if why not in REASONS:
        raise Refused({"why": "Choose why it is closed."})
    _check_note(text)
    done = _change(
        session,
        member,
        flag,
        OPEN_STATES,
        state="closed",
        closed_at=now,
        closed_why=why,
        escalate_at=None,
        acknowledged_at=flag.acknowledged_at or now,
        owner_id=flag.owner_id or member.staff_id,
    )
    if done:
        said = "\n".join(filter(None, [REASONS[why], _clean(text)]))
        _step(session, flag.id, "closed", now, member.staff_id, _seal(session, viewer, flag, said))
        _audit(session, member, flag, "flag closed", now)
    return done


def reopen(session: Session, member: Membership, flag: OfClinic, now: datetime) -> bool:
    """Take a closing back: the flag is acknowledged again, by whoever opens it."""
    done = _change(
        session,
        member,
        flag,
        ("closed",),
        state="acknowledged",
        closed_at=None,
        closed_why=None,
        owner_id=member.staff_id,
    )
    if done:
        _step(session, flag.id, "reopened", now, member.staff_id)
        _audit(session, member, flag, "flag reopened", now)
    return done


def _clean(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def _check_note(text: str) -> None:
    text = _clean(text)
    if len(text) > MOST_NOTE:
        raise Refused({"note": f"Keep it to {MOST_NOTE} characters. This has {len(text)}."})


def _seal(session: Session, viewer: Viewer, flag: OfClinic, text: str) -> bytes:
    if viewer.patient_id != flag.patient_id:
        raise NotYours("flag")
    return get_box(session, viewer).seal(text.encode(), clinic_flag_belongs_to(flag.patient_id, flag.id))


def _audit(session: Session, member: Membership, flag: OfClinic, action: str, now: datetime) -> None:
    audit.note(
        session,
        action,
        now,
        actor_id=member.account_id,
        patient_id=flag.patient_id,
        subject=f"flag:{flag.id}",
    )


def forget(session: Session, patient_id: UUID) -> None:
    """Delete what clinics made of the patient's flags."""
    mine = select(ClinicFlag.id).where(ClinicFlag.patient_id == patient_id)
    session.execute(delete(FlagStep).where(FlagStep.clinic_flag_id.in_(mine)))
    session.execute(delete(ClinicFlag).where(ClinicFlag.patient_id == patient_id))
