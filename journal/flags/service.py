"""Raising flags in the same breath in which their cause is kept. Nothing here commits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import CursorResult, and_, bindparam, delete, select, update
from sqlalchemy.orm import Session

from journal.audit import service as audit
from journal.domain import flags as rules
from journal.domain.access import Viewer
from journal.domain.days import Moment
from journal.domain.flag_rules import URINARY_DAYS
from journal.domain.flags import Context, Raised
from journal.domain.infusion import Held
from journal.domain.payloads import KINDS, Payload
from journal.entries.held import held_in
from journal.entries.queries import Want, get_box, list_entries, list_versions
from journal.entries.service import Kept, lock
from journal.flags.models import Flag
from journal.flags.queries import Undelivered, belongs_to
from journal.kit.db import upsert, vault_of

REPORTS = ("check-in", "after-infusion", "urinary-check")
"""Kinds of entry in which urinary trouble can be told."""
_FLAGS: Any = Flag.__table__


@dataclass(frozen=True, slots=True)
class Considered:
    """`kept` is what the log did; `help_first` that help comes before anything else; `says` what to add to "Saved"."""

    kept: Kept
    help_first: bool = False
    says: str = ""


def consider(
    session: Session,
    viewer: Viewer,
    kept: Kept,
    payload: Payload,
    day: date,
    moment: Moment,
    *,
    base: int = 0,
    held: Held | None = None,
    before: Payload | None = None,
) -> Considered:
    """Hold an entry that was just kept against every rule, and raise a flag for each new cause. `held` is the infusion
    that the entry is about, where it is about one. What stood there before, revision `base` or `before`, isn't raised
    again: saving a corrected note doesn't bring help up once more."""
    if kept.how == "same":
        return Considered(kept)
    infusions = _infusions(session, viewer, payload, day) if held is None else (held,)
    context = Context(
        rules.hours_since(infusions, _told_at(held, moment.captured_at, day, moment)),
        day < moment.today,
        _urinary_reports(session, viewer, payload, day),
        f"{day:%Y-%m}",
    )
    raised = rules.decide(payload, context)
    if not raised:
        return Considered(kept)
    earlier = context
    if before is None and base:
        before, then = _revision(session, viewer, kept.entry_id, payload.kind, base)
        earlier = replace(context, hours=rules.hours_since(infusions, _told_at(held, then, day, moment)))
    fresh = rules.newly(raised, rules.decide(before, earlier) if before is not None else ())
    told = [one for one in fresh if _raise(session, viewer, one, kept.entry_id, moment)]
    says = dict.fromkeys(one.rule.says for one in told if one.rule.says)
    return Considered(kept, any(one.rule.first for one in told), " ".join(says))


def _told_at(held: Held | None, captured_at: datetime, day: date, moment: Moment) -> datetime:
    """When it was so: a report says how it is as it is written; a check-in, how its day was."""
    if held is not None:
        return captured_at
    return rules.told_at(captured_at, day, moment.today, moment.zone)


def _infusions(session: Session, viewer: Viewer, payload: Payload, day: date) -> tuple[Held, ...]:
    if not rules.needs(payload).infusions:
        return ()
    return held_in(list_entries(session, viewer, [Want("infusion", until=day)]))


def _urinary_reports(session: Session, viewer: Viewer, payload: Payload, day: date) -> int:
    if not rules.needs(payload).urinary:
        return 1
    around = timedelta(days=URINARY_DAYS - 1)
    told = list_entries(session, viewer, [Want(kind, day - around, day + around) for kind in REPORTS])
    return rules.count_urinary(((one.day, KINDS[one.kind].load(one.payload)) for one in told), day)


def _revision(
    session: Session, viewer: Viewer, entry_id: UUID, kind: str, number: int
) -> tuple[Payload | None, datetime]:
    """What the revision said (None for a deletion), and when it was captured."""
    held = next(v for v in list_versions(session, viewer, entry_id, kind) if v.number == number)
    return (None if held.payload is None else cast(Payload, KINDS[kind].load(held.payload))), held.captured_at


def _raise(session: Session, viewer: Viewer, one: Raised, entry_id: UUID, moment: Moment) -> bool:
    """Keep the flag. False for one that says nothing new: it is only answered kindly, or was raised this month."""
    rule = one.rule
    if rule.urgency == "support":
        return False
    cause = "|".join((str(viewer.patient_id), rule.id, one.subject, _scope(one, entry_id)))
    hashed = vault_of(session).keyed_hash(cause.encode(), b"flag cause")
    # The id comes from the cause, so that what is told anew can be sealed into the same row.
    flag_id = UUID(bytes=hashed[:16])
    evidence: dict[str, Any] = {"rule": rule.id, "subject": one.subject, "weight": one.weight, "why": one.why}
    earlier = _untold(session, viewer, flag_id, one.why)
    if earlier:
        evidence["earlier"] = earlier
    insert = upsert(session, _FLAGS).values(
        patient_id=viewer.patient_id,
        id=flag_id,
        entry_id=entry_id,
        cause_hash=hashed,
        urgency=rule.urgency,
        state="open",
        raised_at=moment.now,
        told_at=moment.now,
        help_on=moment.today if rule.first else None,
        again_on=moment.today + timedelta(days=1) if rule.first else None,
        delivered_at=None,
        sealed=get_box(session, viewer).seal(orjson.dumps(evidence), belongs_to(viewer.patient_id, flag_id)),
    )
    cause_columns = ["patient_id", "cause_hash"]
    if rule.urgency == "review":
        insert = insert.on_conflict_do_nothing(index_elements=cause_columns)
    else:  # It was said anew, or more gravely: it is open again, it says so, and help is shown again.
        anew = ("state", "told_at", "help_on", "again_on", "delivered_at", "sealed")
        insert = insert.on_conflict_do_update(
            index_elements=cause_columns, set_={name: insert.excluded[name] for name in anew}
        )
    # What comes back says whether a row was made or changed; PostgreSQL's driver doesn't count inserts.
    if session.execute(insert.returning(_FLAGS.c.id)).first() is None:
        return False
    session.info["wakes"] = True  # a clinic that follows is told at once
    audit.note(
        session,
        "flag raised",
        moment.now,
        actor_id=viewer.account_id,
        patient_id=viewer.patient_id,
        subject=f"flag:{flag_id}",
    )
    return True


def _scope(one: Raised, entry_id: UUID) -> str:
    """Within what a cause is one: its entry, but for urinary trouble, whose subject names its month."""
    return "" if one.rule.id == "urinary" else str(entry_id)


def _untold(session: Session, viewer: Viewer, flag_id: UUID, why: str) -> list[str]:
    """What the same flag said before, where no clinic was looked for since: it isn't lost by being said anew."""
    held = session.execute(
        select(_FLAGS.c.sealed).where(
            _FLAGS.c.patient_id == viewer.patient_id, _FLAGS.c.id == flag_id, _FLAGS.c.delivered_at.is_(None)
        )
    ).scalar_one_or_none()
    if held is None:
        return []
    said = orjson.loads(get_box(session, viewer).open(held, belongs_to(viewer.patient_id, flag_id)))
    return [one for one in dict.fromkeys([*said.get("earlier", ()), said["why"]]) if one != why]


def see_help(session: Session, viewer: Viewer, shown: Sequence[UUID], now: datetime) -> bool:
    """The patient has seen the help that waited for these flags, and goes on. What was raised meanwhile, on another
    phone, still waits. False where none of them did."""
    lock(session, viewer, now)
    mine = and_(_FLAGS.c.patient_id == viewer.patient_id, _FLAGS.c.id.in_(shown))
    return _change(
        session,
        update(_FLAGS).where(mine, _FLAGS.c.help_on.is_not(None)).values(help_on=None, help_seen_at=now),
    )


def settle_again(session: Session, viewer: Viewer, today: date, now: datetime) -> bool:
    """Help was offered once more, and that is done. False where none was on offer."""
    lock(session, viewer, now)
    return _change(
        session,
        update(_FLAGS)
        .where(_FLAGS.c.patient_id == viewer.patient_id, _FLAGS.c.again_on <= today)
        .values(again_on=None),
    )


def forget(session: Session, patient_id: UUID) -> None:
    """Delete every flag of the patient."""
    session.execute(delete(_FLAGS).where(_FLAGS.c.patient_id == patient_id))


def mark_delivered(session: Session, flags: Sequence[Undelivered], now: datetime) -> None:
    """The clinics that follow these patients, where one does, were looked for."""
    session.execute(
        update(_FLAGS)
        .where(
            _FLAGS.c.patient_id == bindparam("whose"),
            _FLAGS.c.id == bindparam("which"),
            _FLAGS.c.told_at == bindparam("as_told"),
        )
        .values(delivered_at=now),
        [{"whose": one.patient_id, "which": one.id, "as_told": one.told_at} for one in flags],
    )


def look_again(session: Session, viewer: Viewer) -> None:
    """The patient lets a clinic follow, or changed what it sees: every flag is looked at anew. Raises NotYours."""
    viewer.must_be_patient()
    session.execute(update(_FLAGS).where(_FLAGS.c.patient_id == viewer.patient_id).values(delivered_at=None))


def _change(session: Session, statement: Any) -> bool:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount > 0
