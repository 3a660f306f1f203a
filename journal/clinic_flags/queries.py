"""Reading a clinic's flags: for its clinicians, as far as each share holds them now, and for the patient."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from journal.clinic_flags.models import ClinicFlag, FlagStep
from journal.domain.access import Scope, Viewer
from journal.domain.flag_rules import OF_KIND, OF_RULE, RULES, TOLD, URGENCIES, Rule, may_see
from journal.entries.queries import ENTRIES, KEYS, get_box
from journal.flags.queries import FLAGS, TAKEN_BACK
from journal.kit.db import vault_of
from journal.kit.vault import Box
from journal.shares.queries import SHARES

_F: Any = FLAGS.c
_E: Any = ENTRIES.c
_K: Any = KEYS.c


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a clinic's flag, when, and who did it (None: the journal)."""

    at: datetime
    step: str
    staff_id: UUID | None
    note: str


@dataclass(frozen=True, slots=True)
class OfClinic:
    """A flag as staff see it. `kinds`: the shared kinds it comes from; `day`, the day of what was logged.
    `earlier`: what was said before the newest, while nobody had answered."""

    id: UUID
    share_id: UUID
    patient_id: UUID
    rule: Rule
    why: str
    urgency: str
    state: str
    raised_at: datetime
    told_at: datetime
    escalated_at: datetime | None
    owner_id: UUID | None
    acknowledged_at: datetime | None
    closed_at: datetime | None
    closed_why: str | None
    kinds: frozenset[str]
    day: date
    earlier: tuple[str, ...]


_CF: Any = ClinicFlag.__table__.c
_ST: Any = FlagStep.__table__.c
_OF_CLINIC = select(ClinicFlag.__table__, _E.is_deleted, _K.wrapped_key).select_from(
    ClinicFlag.__table__.join(KEYS, _K.patient_id == _CF.patient_id)
    .outerjoin(FLAGS, and_(_F.patient_id == _CF.patient_id, _F.id == _CF.flag_id))
    .outerjoin(ENTRIES, and_(_E.patient_id == _F.patient_id, _E.id == _F.entry_id))
)
OPEN_STATES = ("open", "acknowledged")
MOST_CLOSED = 500
"""Own choice: so many of a clinic's closed flags are listed, the newest."""


def clinic_flag_belongs_to(patient_id: UUID, flag_id: UUID) -> bytes:
    """What the sealed part of a clinic's flag, and of the notes on it, is bound to."""
    return b"clinic flag|" + patient_id.bytes + flag_id.bytes


def list_share_ids(
    session: Session, clinic_id: UUID, states: Sequence[str], only: UUID | None = None
) -> tuple[UUID, ...]:
    """The shares that the clinic's flags in these states came by; `only` one flag's."""
    statement = select(_CF.share_id).where(_CF.clinic_id == clinic_id, _CF.state.in_(states)).distinct()
    return tuple(session.execute(statement if only is None else statement.where(_CF.id == only)).scalars())


def list_of_clinic(
    session: Session,
    clinic_id: UUID,
    viewers: Mapping[UUID, Viewer],
    states: Sequence[str] = OPEN_STATES,
    only: UUID | None = None,
) -> tuple[OfClinic, ...]:
    """The clinic's flags in these states that the viewers, by share, may see now: the gravest first and then the
    newest. One statement, however many. `only` one flag."""
    statement = _OF_CLINIC.where(_CF.clinic_id == clinic_id, _CF.state.in_(states))
    if only is not None:
        statement = statement.where(_CF.id == only)
    # Open ones are few; the closed ones are all that ever were, and nobody looks further back.
    most = MOST_CLOSED if "closed" in states and only is None else None
    rows = session.execute(statement.order_by(_CF.told_at.desc()).limit(most)).all()
    vault = vault_of(session)
    found = []
    for row in rows:
        viewer = viewers.get(row.share_id)
        if viewer is None or viewer.scope is None:
            continue
        told = orjson.loads(
            vault.box(row.wrapped_key, row.patient_id.bytes).open(
                row.sealed, clinic_flag_belongs_to(row.patient_id, row.id)
            )
        )
        if may_see_of_clinic(viewer.scope, told):
            found.append(_of_clinic(row, told))
    found.sort(key=lambda one: URGENCIES.index(one.urgency))  # stable: the newest first within each
    return tuple(found)


def _of_clinic(row: Any, told: Mapping[str, Any]) -> OfClinic:
    return OfClinic(
        row.id,
        row.share_id,
        row.patient_id,
        TOLD[told["rule"]],
        TAKEN_BACK if row.is_deleted else told["why"],
        row.urgency,
        row.state,
        row.raised_at,
        row.told_at,
        row.escalated_at,
        row.owner_id,
        row.acknowledged_at,
        row.closed_at,
        row.closed_why,
        kinds_of(told["rule"], told["kind"], told.get("kinds", ())),
        date.fromisoformat(told["day"]),
        () if row.is_deleted else tuple(told.get("earlier", ())),
    )


def kinds_of(rule: str, entry_kind: str, kinds: Iterable[str]) -> frozenset[str]:
    """The shared kinds that a flag comes from: those of its entry, or those that the daily look named."""
    return frozenset(kinds) or frozenset(
        OF_RULE.get((entry_kind, rule)) or OF_KIND.get(entry_kind, ("nobody",))
    )


def may_see_of_clinic(scope: Scope, told: Mapping[str, Any]) -> bool:
    """Whether the share holds, now, all that a clinic's flag comes from."""
    day = date.fromisoformat(told["day"])
    if told["rule"] in RULES:
        return may_see(scope, RULES[told["rule"]], told["kind"], day)
    return (
        scope.holds(*told["kinds"])
        and scope.holds_day(date.fromisoformat(told["since"]))
        and scope.holds_day(day)
    )


def list_steps(session: Session, viewer: Viewer, flag: OfClinic) -> tuple[Step, ...]:
    """What happened to a clinic's flag, in order. Whoever asks has made sure that the viewer may see it."""
    rows = session.execute(
        select(_ST.at, _ST.step, _ST.staff_id, _ST.sealed)
        .where(_ST.clinic_flag_id == flag.id)
        .order_by(_ST.id)
    ).all()
    box = get_box(session, viewer)
    place = clinic_flag_belongs_to(flag.patient_id, flag.id)
    return tuple(
        Step(
            row.at, row.step, row.staff_id, "" if row.sealed is None else box.open(row.sealed, place).decode()
        )
        for row in rows
    )


def count_open_for_clinic(session: Session, clinic_id: UUID) -> int:
    """How many of the clinic's flags nobody has closed, of patients whom it follows."""
    return session.execute(
        select(func.count())
        .select_from(ClinicFlag)
        .join(SHARES, SHARES.c.id == _CF.share_id)
        .where(_CF.clinic_id == clinic_id, _CF.state.in_(OPEN_STATES), SHARES.c.ended_at.is_(None))
    ).scalar_one()


@dataclass(frozen=True, slots=True)
class Handled:
    """How the clinic that follows the patient stands to a flag of theirs: told by mail, acknowledged, closed."""

    flag_id: UUID
    rule: Rule
    day: date
    told_at: datetime
    mailed_at: datetime | None
    acknowledged_at: datetime | None
    closed_at: datetime | None


def list_handled(session: Session, viewer: Viewer, clinic_id: UUID) -> tuple[Handled, ...]:
    """What the clinic was told about the patient and when it answered, the newest first: for the patient alone.
    Raises NotYours."""
    viewer.must_be_patient()
    rows = (
        session.execute(
            select(ClinicFlag)
            .where(_CF.clinic_id == clinic_id, _CF.patient_id == viewer.patient_id)
            .order_by(_CF.told_at.desc())
        )
        .scalars()
        .all()
    )
    if not rows:
        return ()
    box = get_box(session, viewer)
    found = []
    for row in rows:
        told = orjson.loads(box.open(row.sealed, clinic_flag_belongs_to(viewer.patient_id, row.id)))
        found.append(
            Handled(
                row.flag_id or row.id,
                TOLD[told["rule"]],
                date.fromisoformat(told["day"]),
                row.told_at,
                row.mailed_at,
                row.acknowledged_at,
                row.closed_at,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Unclosed:
    """A flag that was raised by an answer, as a clinic has it, still sealed."""

    id: UUID
    patient_id: UUID
    urgency: str
    state: str
    told_at: datetime
    sealed: bytes
    is_deleted: bool | None

    def open(self, box: Box) -> Mapping[str, Any]:
        """`rule`, `why`, and the `kind` and `day` (an ISO date) of the entry that it comes from."""
        told: dict[str, Any] = orjson.loads(
            box.open(self.sealed, clinic_flag_belongs_to(self.patient_id, self.id))
        )
        return told | {"why": TAKEN_BACK} if self.is_deleted else told


def stream_unclosed(session: Session, clinic_id: UUID) -> Iterator[Unclosed]:
    """The clinic's flags from answers that it hasn't closed, by patient. What the daily look raises is left out:
    whoever asks for these works that out anew."""
    rows = session.execute(
        select(_CF.id, _CF.patient_id, _CF.urgency, _CF.state, _CF.told_at, _CF.sealed, _E.is_deleted)
        .outerjoin(FLAGS, and_(_F.patient_id == _CF.patient_id, _F.id == _CF.flag_id))
        .outerjoin(ENTRIES, and_(_E.patient_id == _F.patient_id, _E.id == _F.entry_id))
        .where(_CF.clinic_id == clinic_id, _CF.state != "closed", _CF.flag_id.is_not(None))
        .order_by(_CF.patient_id, _CF.told_at.desc()),
        execution_options={"yield_per": 500},
    )
    for row in rows:
        yield Unclosed(*row)


def list_taken_back(session: Session, clinic_id: UUID, ids: Iterable[UUID]) -> frozenset[UUID]:
    """Of these flags, those whose cause was deleted since: its words are told to nobody any more."""
    wanted = list(ids)
    if not wanted:
        return frozenset()
    deleted = (
        select(_CF.id)
        .join(FLAGS, and_(_F.patient_id == _CF.patient_id, _F.id == _CF.flag_id))
        .join(ENTRIES, and_(_E.patient_id == _F.patient_id, _E.id == _F.entry_id))
        .where(_CF.clinic_id == clinic_id, _CF.id.in_(wanted), _E.is_deleted)
    )
    return frozenset(session.execute(deleted).scalars())


def list_closed(session: Session, clinic_id: UUID, ids: Iterable[UUID]) -> frozenset[UUID]:
    """Which of these flags the clinic has closed since."""
    wanted = list(ids)
    if not wanted:
        return frozenset()
    closed = select(_CF.id).where(_CF.clinic_id == clinic_id, _CF.id.in_(wanted), _CF.state == "closed")
    return frozenset(session.execute(closed).scalars())


def list_closed_sources(session: Session, clinic_id: UUID, patient_id: UUID) -> dict[UUID, datetime]:
    """The patient's own flags that this clinic has closed, and as told when."""
    rows = session.execute(
        select(_CF.flag_id, _CF.told_at).where(
            _CF.clinic_id == clinic_id,
            _CF.patient_id == patient_id,
            _CF.state == "closed",
            _CF.flag_id.is_not(None),
        )
    )
    return {row.flag_id: row.told_at for row in rows}


LATE = timedelta(minutes=5)
"""Own choice: a flag that its clinic wasn't told of for so long is a fault of the server's."""


def overdue(session: Session, now: datetime) -> tuple[str, ...]:
    """What health says of flags: nothing of anybody."""
    since = case((_F.told_at > SHARES.c.changed_at, _F.told_at), else_=SHARES.c.changed_at)
    untold = (
        select(_F.id)
        .join(SHARES, and_(SHARES.c.patient_id == _F.patient_id, SHARES.c.clinic_id.is_not(None)))
        .where(_F.delivered_at.is_(None), SHARES.c.ended_at.is_(None), since < now - LATE)
    )
    unanswered = select(_CF.id).where(_CF.escalate_at < now - LATE, _CF.state == "open")
    told = []
    if session.execute(untold.limit(1)).first() is not None:
        told.append("A flag could not be told to its clinic for 5 minutes.")
    if session.execute(unanswered.limit(1)).first() is not None:
        told.append("A second contact was due 5 minutes ago.")
    return tuple(told)
