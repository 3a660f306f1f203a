"""Raising flags in the same breath in which their cause is kept. Nothing here commits."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import orjson
from sqlalchemy import CursorResult, update
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
from journal.entries.queries import Want, get_box, list_entries, list_versions, vault_of
from journal.entries.service import Kept
from journal.flags.models import Flag
from journal.flags.queries import belongs_to
from journal.kit.db import upsert

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
        rules.hours_since(infusions, _told_at(held, moment.now, day, moment)),
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
    for one in fresh:
        if one.rule.urgency != "support":
            _raise(session, viewer, one, kept.entry_id, moment)
    says = dict.fromkeys(one.rule.says for one in fresh if one.rule.says)
    return Considered(kept, any(one.rule.first for one in fresh), " ".join(says))


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
    first = day - timedelta(days=URINARY_DAYS - 1)
    told = list_entries(session, viewer, [Want(kind, first, day) for kind in REPORTS])
    return rules.count_urinary(KINDS[one.kind].load(one.payload) for one in told)


def _revision(
    session: Session, viewer: Viewer, entry_id: UUID, kind: str, number: int
) -> tuple[Payload | None, datetime]:
    """What the revision said (None for a deletion), and when it was captured."""
    held = next(v for v in list_versions(session, viewer, entry_id, kind) if v.number == number)
    return (None if held.payload is None else cast(Payload, KINDS[kind].load(held.payload))), held.captured_at


def _raise(session: Session, viewer: Viewer, one: Raised, entry_id: UUID, moment: Moment) -> None:
    flag_id, rule = uuid4(), one.rule
    cause = "|".join((str(viewer.patient_id), rule.id, one.subject, _scope(one, entry_id)))
    evidence = {"rule": rule.id, "subject": one.subject, "weight": one.weight, "why": one.why}
    sealed = get_box(session, viewer).seal(orjson.dumps(evidence), belongs_to(viewer.patient_id, flag_id))
    help_on = moment.today if rule.first else None
    insert = upsert(session, _FLAGS).values(
        patient_id=viewer.patient_id,
        id=flag_id,
        entry_id=entry_id,
        cause_hash=vault_of(session).keyed_hash(cause.encode(), b"flag cause"),
        urgency=rule.urgency,
        state="open",
        raised_at=moment.now,
        help_on=help_on,
        again_on=moment.today + timedelta(days=1) if rule.first else None,
        sealed=sealed,
    )
    # The flag is there once. It was said anew: it is open again, and help is shown again.
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["patient_id", "cause_hash"],
            set_={name: insert.excluded[name] for name in ("state", "help_on", "again_on")},
        )
    )
    audit.note(
        session,
        "flag raised",
        moment.now,
        actor_id=viewer.account_id,
        patient_id=viewer.patient_id,
        subject=f"flag:{entry_id}",
    )


def _scope(one: Raised, entry_id: UUID) -> str:
    """Within what a cause is one: its entry, but for urinary trouble, whose subject names its month."""
    return "" if one.rule.id == "urinary" else str(entry_id)


def see_help(session: Session, viewer: Viewer, now: datetime) -> bool:
    """The patient has seen the help that waited, and goes on. False where none waited."""
    return _change(
        session,
        update(_FLAGS)
        .where(_FLAGS.c.patient_id == viewer.patient_id, _FLAGS.c.help_on.is_not(None))
        .values(help_on=None, help_seen_at=now),
    )


def settle_again(session: Session, viewer: Viewer, today: date) -> bool:
    """Help was offered once more, and that is done. False where none was on offer."""
    return _change(
        session,
        update(_FLAGS)
        .where(_FLAGS.c.patient_id == viewer.patient_id, _FLAGS.c.again_on <= today)
        .values(again_on=None),
    )


def _change(session: Session, statement: Any) -> bool:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount > 0
