"""The journal as one readable page: what stands, then every entry by day, each with its earlier versions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from journal.domain.exchange import Revision, Whole
from journal.privacy.queries import Export
from journal.privacy.words import TITLES, Line, Names, describe

STANDING = ("profile", "safety-plan", "plan")
"""These belong to no day."""


@dataclass(frozen=True, slots=True)
class State:
    """One version as it reads. `lines` is None for a deletion."""

    at: datetime
    device: str
    is_beside: bool
    lines: Sequence[Line] | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as it reads now; `others` are all its other versions, the newest first."""

    title: str
    is_late: bool
    now: State
    others: tuple[State, ...]


def standing(export: Export) -> tuple[Shown, ...]:
    found = [one for kind in STANDING for one in export.entries if one.kind == kind]
    return tuple(_show(one, _names(export)) for one in found)


def by_day(export: Export) -> tuple[tuple[date, tuple[Shown, ...]], ...]:
    """Every day with its entries in the order in which they were made, the newest day first."""
    days: dict[date, list[Whole]] = {}
    for one in export.entries:
        if one.kind not in STANDING:
            days.setdefault(one.day, []).append(one)
    names = _names(export)
    return tuple((day, tuple(_in_order(days[day], names))) for day in sorted(days, reverse=True))


def _in_order(entries: Iterable[Whole], names: Names) -> Iterable[Shown]:
    for one in sorted(entries, key=lambda one: (one.revisions[0].captured_at, one.kind, one.id)):
        yield _show(one, names)


def _names(export: Export) -> Names:
    return Names(export.profile, {held.id: held.number for held in export.infusions})


def _show(one: Whole, names: Names) -> Shown:
    others = (other for other in reversed(one.revisions) if other.number != one.current_revision)
    return Shown(
        TITLES[one.kind],
        one.is_late,
        _state(one, one.current, names),
        tuple(_state(one, other, names) for other in others),
    )


def _state(one: Whole, revision: Revision, names: Names) -> State:
    lines = None if revision.payload is None else describe(one.kind, revision.payload, names)
    at = revision.captured_at.astimezone(ZoneInfo(one.zone))
    return State(at, revision.device, revision.is_beside, lines)
