"""Reading the log, always for somebody, through one statement."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, cast
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, String, and_, bindparam, func, null, or_, select, type_coerce
from sqlalchemy.orm import Session, aliased

from journal.domain.access import DATELESS, Viewer, clip
from journal.domain.errors import NotYours
from journal.domain.exchange import Revision as WholeRevision
from journal.domain.exchange import Whole
from journal.entries.models import Entry, PatientKey, Revision
from journal.kit.db import vault_of
from journal.kit.vault import Box


@dataclass(frozen=True, slots=True)
class Want:
    """A kind of entry, and the days wanted of it (both ends included; None is open)."""

    kind: str
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry as it stands now. `beside` counts other versions that nobody has looked at yet."""

    id: UUID
    kind: str
    day: date
    zone: str
    is_late: bool
    is_deleted: bool
    revision: int
    last_revision: int
    beside: int
    captured_at: datetime
    received_at: datetime
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """One revision of an entry. `payload` is None for a deletion."""

    number: int
    base: int
    is_beside: bool
    is_open: bool
    is_current: bool
    day: date
    captured_at: datetime
    received_at: datetime
    device: str
    payload: dict[str, Any] | None


# Plain tables: rows come out several times as fast as through the mapper, and nothing here is changed.
ENTRIES: Any = Entry.__table__
KEYS: Any = PatientKey.__table__
"""For joining to from features to the right; what is sealed is opened for a viewer only."""
_E = Entry.__table__.c
_R = Revision.__table__.c
_K = PatientKey.__table__.c
_ENTRY: Any = Entry.__table__
_REVISION: Any = Revision.__table__
_JOINED = Entry.__table__.join(PatientKey.__table__, _K.patient_id == _E.patient_id).join(
    Revision.__table__,
    and_(_R.patient_id == _E.patient_id, _R.entry_id == _E.id, _R.number == _E.current_revision),
)
_CURRENT: Any = select(
    _E.id,
    _E.kind,
    _E.day,
    _E.zone,
    _E.is_late,
    _E.is_deleted,
    _E.current_revision,
    _E.last_revision,
    _E.beside,
    _R.captured_at,
    _R.received_at,
    _R.sealed,
    _K.wrapped_key,
).select_from(_JOINED)
# The id only as it is stored: text on SQLite, a UUID on PostgreSQL; making a year of UUIDs costs half a millisecond.
_LOGGED: Any = select(
    type_coerce(_E.id, String), _E.kind, _E.day, _E.is_late, _E.current_revision, _R.sealed, _K.wrapped_key
).select_from(_JOINED)


def get_box(session: Session, viewer: Viewer) -> Box:
    """What opens and seals the patient's things. Raises NotYours where nothing was ever kept; whoever asks for it
    answers for what is shown to the viewer."""
    wrapped = session.execute(
        select(_K.wrapped_key).where(_K.patient_id == viewer.patient_id)
    ).scalar_one_or_none()
    if wrapped is None:
        raise NotYours("key")
    return vault_of(session).box(wrapped, viewer.patient_id.bytes)


def belongs_to(patient_id: UUID, entry_id: UUID, number: int) -> bytes:
    """What a sealed payload is bound to."""
    return belongs_to_patient(patient_id) + entry_id.bytes + number.to_bytes(4, "big")


def belongs_to_patient(patient_id: UUID) -> bytes:
    """The part of `belongs_to` that all of a patient's entries share."""
    return b"entry|" + patient_id.bytes


def open_versions(made_beside: Sequence[tuple[int, int]], settled: int) -> set[int]:
    """Of the revisions made beside a newer one, as (number, base), those that nobody has looked at yet: made after
    the last choice, and not gone on from."""
    continued = {base for _number, base in made_beside}
    return {number for number, _base in made_beside if number > settled and number not in continued}


def list_entries(
    session: Session, viewer: Viewer, wants: Sequence[Want], *, with_deleted: bool = False
) -> tuple[Opened, ...]:
    """The current state of the entries wanted, by day and then by when they were made; deleted ones are left out
    unless asked for (their payload is empty). One statement, however many kinds."""
    readable = _held(viewer, wants)
    if not readable:
        return ()
    statement = _current_wanted(_shape(readable), with_deleted)
    return _open_all(session, viewer, statement, _values(viewer, readable))


def list_entries_of(
    session: Session, viewers: Sequence[Viewer], wants: Sequence[Want]
) -> list[tuple[Opened, ...]]:
    """The same for several viewers, in their order: one statement, however many. Only what a viewer may see of the
    days is opened at all."""
    if not viewers:
        return []
    wanted = or_(
        *(and_(_E.kind == want.kind, *((_E.day >= want.since,) if want.since else ())) for want in wants)
    )
    patients = list({viewer.patient_id for viewer in viewers})
    rows = session.execute(
        _CURRENT.add_columns(_E.patient_id).where(
            _E.patient_id.in_(patients), wanted, _E.is_deleted.is_(False)
        )
    ).all()
    by_patient: dict[UUID, list[Any]] = {}
    for row in rows:
        by_patient.setdefault(row.patient_id, []).append(row)
    return [
        _open_rows(
            session,
            viewer,
            [
                row[:-1]
                for row in by_patient.get(viewer.patient_id, ())
                if viewer.may_read(row.kind)
                and (viewer.scope is None or row.kind in DATELESS or viewer.scope.holds_day(row.day))
            ],
        )
        for viewer in viewers
    ]


class Streamed(NamedTuple):
    """What a digest needs of an entry. `came_in_at`, when its first revision was received, where that was asked for."""

    id: bytes
    kind: str
    day: date
    zone: str
    number: int
    captured_at: datetime
    came_in_at: datetime | None
    payload: dict[str, Any]


ANY_DAY = date(1900, 1, 1)
AT_ONCE = 1000
"""Rows that a stream holds at a time."""


class Following:
    """Rows that come by patient, in the order of their ids (the first column), taken patient by patient."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._groups = groupby(rows, itemgetter(0))
        self._next: tuple[bytes, Iterator[Any]] | None = None
        self._move()

    def _move(self) -> None:
        found = next(self._groups, None)
        self._next = None if found is None else (_bytes_of(found[0]), found[1])

    def of(self, patient_id: UUID) -> list[Any]:
        """The patient's rows; whoever comes before is passed over."""
        while self._next is not None and self._next[0] < patient_id.bytes:
            self._move()
        if self._next is None or self._next[0] != patient_id.bytes:
            return []
        rows = list(self._next[1])
        self._move()
        return rows


def _in_parts(session: Session, statement: Any) -> Iterator[Any]:
    """The rows, asked for in parts: one by one takes twice as long."""
    found = session.execute(statement, execution_options={"yield_per": AT_ONCE})
    while part := found.fetchmany(AT_ONCE):
        yield from part


def _bytes_of(stored: Any) -> bytes:
    """An id as the database gives it: text on SQLite, a UUID on PostgreSQL."""
    return bytes.fromhex(stored) if isinstance(stored, str) else bytes(stored.bytes)


class Stream:
    """The log of many patients, one after the other, in the order of their ids: one statement for each kind wanted and
    a steady share of memory, however many patients. `patients` is a subquery with a column `patient_id`, each once."""

    def __init__(self, session: Session, patients: Any, wants: Sequence[Want]) -> None:
        self._kinds = [
            Following(session.execute(_streamed(patients, want), execution_options={"yield_per": AT_ONCE}))
            for want in wants
        ]

    def of(self, viewer: Viewer, box: Box) -> list[Streamed]:
        """What the viewer may see of the patient's; only that is opened at all. `box`: what opens the patient's."""
        rows = [row for kind in self._kinds for row in kind.of(viewer.patient_id)]
        return _open_streamed(viewer, box, rows)


class CameIn:
    """The same for what came in since an instant, whichever day it is of, with the instant at which it first did."""

    def __init__(self, session: Session, patients: Any, kinds: Sequence[str], since: datetime) -> None:
        of, first = patients.c.patient_id, aliased(Revision.__table__)
        joined = (
            patients.join(first, and_(first.c.patient_id == of, first.c.number == 1))
            .join(_ENTRY, and_(_E.patient_id == of, _E.id == first.c.entry_id))
            .join(
                _REVISION,
                and_(_R.patient_id == of, _R.entry_id == _E.id, _R.number == _E.current_revision),
            )
        )
        statement = (
            _stream_columns(of, first.c.received_at)
            .select_from(joined)
            .where(first.c.received_at >= since, _E.kind.in_(kinds), _E.is_deleted.is_(False))
            .order_by(of)
        )
        self._rows = Following(_in_parts(session, statement))

    def of(self, viewer: Viewer, box: Box, opened: Iterable[Streamed] = ()) -> list[Streamed]:
        """`opened`: entries of the same viewer that were opened already; they aren't opened twice."""
        known = {one.id: one for one in opened}
        rows = self._rows.of(viewer.patient_id)
        found = [
            known[one]._replace(came_in_at=row[7]) for row in rows if (one := _bytes_of(row[1])) in known
        ]
        return found + _open_streamed(viewer, box, [row for row in rows if _bytes_of(row[1]) not in known])


def _stream_columns(of: Any, came_in_at: Any) -> Any:
    # Ids only as they are stored, and times only as text or as they come: a digest reads hundreds of thousands.
    return select(
        type_coerce(of, String),
        type_coerce(_E.id, String),
        _E.kind,
        _E.day,
        _E.zone,
        _E.current_revision,
        _R.captured_at,
        came_in_at,
        _R.sealed,
    )


def _streamed(patients: Any, want: Want) -> Any:
    of = patients.c.patient_id
    since = want.since or ANY_DAY  # or SQLite reads everything that a patient ever wrote, for a few of a kind
    mine = and_(_E.patient_id == of, _E.kind == want.kind, _E.day >= since)
    joined = patients.join(_ENTRY, mine).join(
        _REVISION, and_(_R.patient_id == of, _R.entry_id == _E.id, _R.number == _E.current_revision)
    )
    columns = _stream_columns(of, null().label("came_in_at"))
    return columns.select_from(joined).where(_E.is_deleted.is_(False)).order_by(of)


def _open_streamed(viewer: Viewer, box: Box, rows: Sequence[Any]) -> list[Streamed]:
    scope = viewer.scope
    if scope is None:
        raise NotYours("scope")
    readable = {kind for kind in {row[2] for row in rows} if scope.may_read(kind)}
    held = [row for row in rows if row[2] in readable and (row[2] in DATELESS or scope.holds_day(row[3]))]
    prefix, ids = belongs_to_patient(viewer.patient_id), [_bytes_of(row[1]) for row in held]
    plain = box.open_all(
        [(row[8], prefix + one + row[5].to_bytes(4, "big")) for row, one in zip(held, ids, strict=True)]
    )
    found = []
    for row, one, text in zip(held, ids, plain, strict=True):
        part = scope.part_of(row[2], orjson.loads(text))
        if part is not None:
            found.append(Streamed(one, row[2], row[3], row[4], row[5], row[6], row[7], part))
    found.sort(key=lambda one: (one.day, one.captured_at))
    return found


class Logged(NamedTuple):
    """What charts need of an entry: its kind, its day, whether late, and what it says. A tuple, since years of them
    are made for one page."""

    kind: str
    day: date
    is_late: bool
    payload: dict[str, Any]


def list_logged(session: Session, viewer: Viewer, wants: Sequence[Want]) -> list[Logged]:
    """Like list_entries, by day and time, but with so little about each entry that years of them are
    read in a few milliseconds."""
    readable = _held(viewer, wants)
    if not readable:
        return []
    rows = session.execute(_logged_wanted(_shape(readable)), _values(viewer, readable)).all()
    if not rows:
        return []
    box = vault_of(session).box(rows[0][-1], viewer.patient_id.bytes)
    prefix = belongs_to_patient(viewer.patient_id)
    plain = box.open_all(
        [
            (
                sealed,
                prefix
                + (bytes.fromhex(entry_id) if isinstance(entry_id, str) else entry_id.bytes)
                + number.to_bytes(4, "big"),
            )
            for entry_id, _kind, _day, _late, number, sealed, _key in rows
        ]
    )
    logged = [
        Logged(row[1], row[2], row[3], payload)
        for row, payload in zip(rows, map(orjson.loads, plain), strict=True)
    ]
    if viewer.scope is None:
        return logged
    parts = ((one, viewer.scope.part_of(one.kind, one.payload)) for one in logged)
    return [one._replace(payload=part) for one, part in parts if part is not None]


def find_entry(session: Session, viewer: Viewer, entry_id: UUID, kind: str) -> Opened | None:
    """One entry that the viewer may read, or None. A deleted one is found too, so that it can be brought back."""
    if not viewer.may_read(kind):
        return None
    viewer.must_be_patient()  # readers come in by days, through list_entries
    statement = _CURRENT.where(_E.patient_id == viewer.patient_id, _E.id == entry_id, _E.kind == kind)
    return next(iter(_open_all(session, viewer, statement)), None)


def find_last_revision(session: Session, viewer: Viewer, entry_id: UUID) -> int:
    """The number of the entry's last revision, 0 where there is no such entry: for the patient alone. Raises NotYours."""
    viewer.must_be_patient()
    mine = select(_E.last_revision).where(_E.patient_id == viewer.patient_id, _E.id == entry_id)
    return session.execute(mine).scalar_one_or_none() or 0


def get_entry(session: Session, viewer: Viewer, entry_id: UUID, kind: str) -> Opened:
    """Like find_entry; raises NotYours where there is none."""
    found = find_entry(session, viewer, entry_id, kind)
    if found is None:
        raise NotYours(kind)
    return found


def list_versions(session: Session, viewer: Viewer, entry_id: UUID, kind: str) -> tuple[Version, ...]:
    """Every revision of an entry, the first one first; for the patient alone. Raises NotYours."""
    viewer.must_be_patient()
    rows = session.execute(
        select(
            Revision,
            Entry.current_revision,
            Entry.settled_revision,
            PatientKey.wrapped_key,
        )
        .join(Entry, and_(Entry.patient_id == Revision.patient_id, Entry.id == Revision.entry_id))
        .join(PatientKey, PatientKey.patient_id == Entry.patient_id)
        .where(Entry.patient_id == viewer.patient_id, Entry.id == entry_id, Entry.kind == kind)
        .order_by(Revision.number)
    ).all()
    if not rows:
        raise NotYours(kind)
    box = vault_of(session).box(rows[0].wrapped_key, viewer.patient_id.bytes)
    made = [(row.Revision.number, row.Revision.base) for row in rows if row.Revision.is_beside]
    still_open = open_versions(made, rows[0].settled_revision)
    return tuple(
        Version(
            number=r.number,
            base=r.base,
            is_beside=r.is_beside,
            is_open=r.number in still_open,
            is_current=r.number == row.current_revision,
            day=r.day,
            captured_at=r.captured_at,
            received_at=r.received_at,
            device=r.device,
            payload=_open(box, viewer.patient_id, entry_id, r.number, r.sealed),
        )
        for row in rows
        for r in (row.Revision,)
    )


def _held(viewer: Viewer, wants: Sequence[Want]) -> list[Want]:
    """What is wanted, as far as the viewer may have it."""
    readable = [want for want in wants if viewer.may_read(want.kind)]
    if viewer.scope is None:
        return readable
    return [Want(want.kind, *clip(viewer.scope, want.kind, want.since, want.until)) for want in readable]


def list_whole(session: Session, viewer: Viewer) -> tuple[Whole, ...]:
    """Every entry with every revision, deleted ones too: for the patient alone. Raises NotYours for anybody else. One
    statement, however long the journal."""
    viewer.must_be_patient()
    statement = (
        select(
            _E.id,
            _E.kind,
            _E.day,
            _E.zone,
            _E.is_late,
            _E.is_deleted,
            _E.current_revision,
            _E.last_revision,
            _E.settled_revision,
            _E.beside,
            _R.number,
            _R.base,
            _R.is_beside,
            _R.day.label("then"),
            _R.captured_at,
            _R.received_at,
            _R.device,
            _R.sealed,
            _K.wrapped_key,
        )
        .select_from(
            Entry.__table__.join(PatientKey.__table__, _K.patient_id == _E.patient_id).join(
                Revision.__table__, and_(_R.patient_id == _E.patient_id, _R.entry_id == _E.id)
            )
        )
        .where(_E.patient_id == viewer.patient_id)
        .order_by(_E.id, _R.number)
    )
    rows = session.execute(statement).all()
    if not rows:
        return ()
    box = vault_of(session).box(rows[0].wrapped_key, viewer.patient_id.bytes)
    found = (tuple(group) for _id, group in groupby(rows, attrgetter("id")))
    return tuple(
        Whole(*group[0][:10], tuple(_whole_revision(box, viewer.patient_id, row) for row in group))
        for group in found
    )


def _whole_revision(box: Box, patient_id: UUID, row: Any) -> WholeRevision:
    return WholeRevision(
        number=row.number,
        base=row.base,
        is_beside=row.is_beside,
        day=row.then,
        captured_at=row.captured_at,
        received_at=row.received_at,
        device=row.device,
        payload=_open(box, patient_id, row.id, row.number, row.sealed),
    )


def count_entries(session: Session, viewer: Viewer) -> dict[str, int]:
    """How many entries of each kind there are, deleted ones too: for the patient alone. Raises NotYours."""
    viewer.must_be_patient()
    counted = select(_E.kind, func.count()).where(_E.patient_id == viewer.patient_id).group_by(_E.kind)
    return {row[0]: row[1] for row in session.execute(counted)}


def list_days_of(
    session: Session, viewers: Sequence[Viewer], kinds: Collection[str], since: date
) -> dict[UUID, dict[str, set[date]]]:
    """On which days from `since` on each patient has entries of these kinds: by patient and kind, for the patients
    themselves alone. One statement, however many, and nothing sealed is opened. Raises NotYours for anybody else."""
    found: dict[UUID, dict[str, set[date]]] = {}
    for viewer in viewers:
        viewer.must_be_patient()
        found[viewer.patient_id] = {kind: set() for kind in kinds}
    if not found:
        return found
    rows = session.execute(
        select(_E.patient_id, _E.kind, _E.day)
        .where(_E.patient_id.in_(list(found)), _E.kind.in_(kinds), _E.day >= since, _E.is_deleted.is_(False))
        .distinct()
    )
    for patient_id, kind, day in rows:
        found[patient_id][kind].add(day)
    return found


def list_ids(session: Session, viewer: Viewer) -> set[UUID]:
    """The ids of all entries, deleted ones too: for the patient alone. Raises NotYours."""
    viewer.must_be_patient()
    return set(session.execute(select(_E.id).where(_E.patient_id == viewer.patient_id)).scalars())


Shape = tuple[tuple[bool, bool], ...]
"""Of each kind wanted, whether a first and a last day is given."""


def _shape(wants: Sequence[Want]) -> Shape:
    return tuple((want.since is not None, want.until is not None) for want in wants)


def _values(viewer: Viewer, wants: Sequence[Want]) -> dict[str, Any]:
    values: dict[str, Any] = {"patient": viewer.patient_id}
    for place, want in enumerate(wants):
        values[f"kind{place}"] = want.kind
        if want.since is not None:
            values[f"since{place}"] = want.since
        if want.until is not None:
            values[f"until{place}"] = want.until
    return values


def _wanted(shape: Shape) -> ColumnElement[bool]:
    every = []
    for place, (has_since, has_until) in enumerate(shape):
        parts = [_E.kind == bindparam(f"kind{place}", type_=_E.kind.type)]
        if has_since:
            parts.append(_E.day >= bindparam(f"since{place}", type_=_E.day.type))
        if has_until:
            parts.append(_E.day <= bindparam(f"until{place}", type_=_E.day.type))
        every.append(and_(*parts))
    return and_(_E.patient_id == bindparam("patient", type_=_E.patient_id.type), or_(*every))


# A page asks in the same shape each time; putting its statement together costs as much as running it.
@lru_cache(maxsize=64)
def _current_wanted(shape: Shape, with_deleted: bool) -> Any:
    statement = _CURRENT.where(_wanted(shape))
    return statement if with_deleted else statement.where(_E.is_deleted.is_(False))


@lru_cache(maxsize=64)
def _logged_wanted(shape: Shape) -> Any:
    return _LOGGED.where(_wanted(shape), _E.is_deleted.is_(False)).order_by(_E.day, _R.captured_at)


def _open(
    box: Box, patient_id: UUID, entry_id: UUID, number: int, sealed: bytes | None
) -> dict[str, Any] | None:
    if sealed is None:
        return None
    return cast(dict[str, Any], orjson.loads(box.open(sealed, belongs_to(patient_id, entry_id, number))))


def _open_all(
    session: Session, viewer: Viewer, statement: Any, values: dict[str, Any] | None = None
) -> tuple[Opened, ...]:
    return _open_rows(session, viewer, session.execute(statement, values or {}).all())


def _open_rows(session: Session, viewer: Viewer, rows: Sequence[Any]) -> tuple[Opened, ...]:
    if not rows:
        return ()
    box = vault_of(session).box(rows[0][-1], viewer.patient_id.bytes)
    patient_id = viewer.patient_id
    opened = [
        Opened(
            entry_id,
            kind,
            day,
            zone,
            is_late,
            is_deleted,
            number,
            last,
            beside,
            captured_at,
            received_at,
            _open(box, patient_id, entry_id, number, sealed) or {},
        )
        for entry_id, kind, day, zone, is_late, is_deleted, number, last, beside, captured_at, received_at, sealed, _ in rows
    ]
    if viewer.scope is not None:
        parts = ((one, viewer.scope.part_of(one.kind, one.payload)) for one in opened if not one.is_deleted)
        opened = [replace(one, payload=part, beside=0) for one, part in parts if part is not None]
    opened.sort(key=lambda one: (one.day, one.captured_at))
    return tuple(opened)
