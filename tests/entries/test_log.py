"""The log: revisions, two versions, sealing, strangers; on whichever database the suite runs."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.checkin import CheckIn
from journal.domain.days import day_of, find_zone
from journal.domain.errors import NotYours, Refused
from journal.domain.payloads import KINDS
from journal.entries import removal
from journal.entries.models import Entry, Revision
from journal.entries.queries import Want, find_entry, get_entry, list_entries, list_versions
from journal.entries.service import Draft, append
from journal.kit.vault import CannotOpen
from tests.cast import TODAY, ZONE, Cast
from tests.payloads import VALID

NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


def draft(mood: int, entry_id: UUID | None = None, base: int = 0, day: date = TODAY) -> Draft:
    return Draft(entry_id or uuid4(), "check-in", CheckIn({"mood": mood}), day, ZONE, NOW, base)


def moods(session: Session, viewer: Viewer, entry_id: UUID) -> list[tuple[int, Any, bool, bool]]:
    """(number, mood, is current, is open) of each version."""
    return [
        (v.number, v.payload and v.payload["measures"].get("mood"), v.is_current, v.is_open)
        for v in list_versions(session, viewer, entry_id, "check-in")
    ]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_goes_in_comes_out_equal_in_every_zone(session: Session, cast: Cast, kind: str) -> None:
    """Also on both nights when clocks change, with the day's end at 3 am: no entry is moved, doubled or lost."""
    viewer = cast.patient.viewer
    instants = st.one_of(
        st.timedeltas(timedelta(0), timedelta(days=4)).map(
            lambda later: datetime(2026, 3, 6, tzinfo=UTC) + later
        ),
        st.timedeltas(timedelta(0), timedelta(days=10)).map(
            lambda later: datetime(2026, 10, 24, tzinfo=UTC) + later
        ),
    )

    @settings(max_examples=60)
    @given(VALID[kind], st.sampled_from(sorted(available_timezones())), instants)
    def check(data: dict[str, Any], zone: str, at: datetime) -> None:
        payload = KINDS[kind].parse(data)
        where = find_zone(zone)
        assert where is not None
        day = day_of(at, where, 3)
        before = len(list_entries(session, viewer, [Want(kind)]))
        entry = Draft(uuid4(), kind, payload, day, zone, at)
        append(session, viewer, entry, at)
        append(session, viewer, entry, at + timedelta(seconds=1))  # a second tap
        held = get_entry(session, viewer, entry.id, kind)
        assert KINDS[kind].load(held.payload) == payload
        assert (held.day, held.zone, held.captured_at) == (day, zone, at)
        assert len(list_entries(session, viewer, [Want(kind)])) == before + 1
        assert entry.id in {one.id for one in list_entries(session, viewer, [Want(kind, day, day)])}

    check()


def test_a_change_keeps_what_was_before(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    append(session, viewer, first, NOW)
    append(session, viewer, draft(5, first.id, 1), NOW)
    assert moods(session, viewer, first.id) == [(1, 3, False, False), (2, 5, True, False)]


def test_two_changes_of_the_same_revision_are_both_kept_and_shown(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    append(session, viewer, first, NOW)
    assert append(session, viewer, draft(5, first.id, 1), NOW).how == "revised"
    assert append(session, viewer, draft(7, first.id, 1), NOW).how == "beside"
    assert moods(session, viewer, first.id) == [
        (1, 3, False, False),
        (2, 5, True, False),
        (3, 7, False, True),
    ]
    assert get_entry(session, viewer, first.id, "check-in").beside == 1


def test_going_on_from_the_other_version_makes_no_third(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    for one in (first, draft(5, first.id, 1), draft(7, first.id, 1), draft(8, first.id, 3)):
        append(session, viewer, one, NOW)
    assert [v for v in moods(session, viewer, first.id) if v[3]] == [(4, 8, False, True)]
    assert get_entry(session, viewer, first.id, "check-in").beside == 1


def test_choosing_settles_and_forgets_nothing(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    for one in (first, draft(5, first.id, 1), draft(7, first.id, 1)):
        append(session, viewer, one, NOW)
    removal.choose(session, viewer, first.id, "check-in", 3, 2, 3, "", NOW)
    assert moods(session, viewer, first.id) == [
        (1, 3, False, False),
        (2, 5, False, False),
        (3, 7, False, False),
        (4, 7, True, False),
    ]
    assert get_entry(session, viewer, first.id, "check-in").beside == 0


def test_a_version_made_while_choosing_stays_open(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    for one in (first, draft(5, first.id, 1), draft(7, first.id, 1), draft(9, first.id, 1)):
        append(session, viewer, one, NOW)
    removal.choose(session, viewer, first.id, "check-in", 3, 2, 3, "", NOW)  # the page had shown three
    assert [v[1] for v in moods(session, viewer, first.id) if v[3]] == [9]
    assert get_entry(session, viewer, first.id, "check-in").beside > 0


def test_a_second_tap_is_the_same_entry(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    assert append(session, viewer, first, NOW).how == "new"
    assert append(session, viewer, first, NOW).how == "same"
    append(session, viewer, draft(5, first.id, 1), NOW)
    assert append(session, viewer, draft(5, first.id, 1), NOW).how == "same"
    assert len(moods(session, viewer, first.id)) == 2


def test_a_newer_version_made_while_choosing_is_not_replaced(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    for one in (first, draft(5, first.id, 1), draft(7, first.id, 1), draft(9, first.id, 2)):
        append(session, viewer, one, NOW)
    kept = removal.choose(
        session, viewer, first.id, "check-in", 3, 2, 3, "", NOW
    )  # the page had shown 2 and 3
    assert kept.how == "beside"
    current = [v[1] for v in moods(session, viewer, first.id) if v[2]]
    assert current == [9]
    held = get_entry(session, viewer, first.id, "check-in")
    assert held.beside == sum(v[3] for v in moods(session, viewer, first.id)) > 0


def test_words_written_while_it_was_deleted_bring_it_back(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    append(session, viewer, first, NOW)
    removal.delete(session, viewer, first.id, "check-in", 1, "", NOW)
    assert append(session, viewer, draft(8, first.id, 1), NOW).how == "revised"
    assert [one.payload["measures"] for one in list_entries(session, viewer, [Want("check-in")])] == [
        {"mood": 8}
    ]


def test_what_was_changed_meanwhile_is_not_deleted(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    append(session, viewer, first, NOW)
    append(session, viewer, draft(8, first.id, 1), NOW)
    assert removal.delete(session, viewer, first.id, "check-in", 1, "", NOW).how == "same"
    assert len(list_entries(session, viewer, [Want("check-in")])) == 1


def test_a_change_moves_no_check_in_to_another_day(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    append(session, viewer, first, NOW)
    with pytest.raises(NotYours):
        append(session, viewer, draft(8, first.id, 1, TODAY - timedelta(days=3)), NOW)


def test_deleted_and_brought_back(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    append(session, viewer, first, NOW)
    removal.delete(session, viewer, first.id, "check-in", 1, "", NOW)
    assert list_entries(session, viewer, [Want("check-in")]) == ()
    removal.restore(session, viewer, first.id, "check-in", "", NOW)
    assert [one.payload["measures"] for one in list_entries(session, viewer, [Want("check-in")])] == [
        {"mood": 3}
    ]
    assert [v[1] for v in moods(session, viewer, first.id)] == [3, None, 3]


def test_a_base_that_never_was_is_refused(session: Session, cast: Cast) -> None:
    viewer, first = cast.patient.viewer, draft(3)
    append(session, viewer, first, NOW)
    with pytest.raises(Refused):
        append(session, viewer, draft(5, first.id, 9), NOW)
    with pytest.raises(NotYours):
        append(session, viewer, draft(5, uuid4(), 1), NOW)


def test_another_account_can_hold_the_same_id_and_learns_nothing(session: Session, cast: Cast) -> None:
    mine = replace(draft(9), id=cast.other_checkin)
    assert append(session, cast.patient.viewer, mine, NOW).how == "new"
    theirs = get_entry(session, cast.other.viewer, cast.other_checkin, "check-in")
    assert theirs.payload["measures"] == {"mood": 1}


def test_nobody_reads_or_writes_for_somebody_else(session: Session, cast: Cast) -> None:
    stranger = Viewer(cast.patient.account_id, cast.other.account_id)
    assert list_entries(session, stranger, [Want("check-in")]) == ()
    assert find_entry(session, stranger, cast.other_checkin, "check-in") is None
    with pytest.raises(NotYours):
        list_versions(session, stranger, cast.other_checkin, "check-in")
    with pytest.raises(NotYours):
        append(session, stranger, draft(1), NOW)


def test_a_sealed_box_fits_no_other_row(session: Session, cast: Cast) -> None:
    """Moving one patient's, one entry's or one revision's payload to another place makes it unreadable."""
    viewer, one, two = cast.patient.viewer, draft(3), draft(8)
    append(session, viewer, one, NOW)
    append(session, viewer, two, NOW)
    sealed = session.execute(select(Revision.sealed).where(Revision.entry_id == one.id)).scalar_one()
    session.execute(
        text("UPDATE revisions SET sealed = :sealed WHERE entry_id = :id"),
        {"sealed": sealed, "id": two.id if session.get_bind().dialect.name == "postgresql" else two.id.hex},
    )
    with pytest.raises(CannotOpen):
        list_entries(session, viewer, [Want("check-in")])


def test_nothing_that_was_written_stands_in_clear(session: Session, cast: Cast) -> None:
    words = "a very private sentence"
    one = replace(draft(3), payload=CheckIn({"mood": 3}, {"nausea": "severe"}, {}, words))
    append(session, cast.patient.viewer, one, NOW)
    row = session.execute(select(Revision.sealed).where(Revision.entry_id == one.id)).scalar_one()
    assert row is not None
    assert words.encode() not in row and b"nausea" not in row and b"mood" not in row
    entry = session.get_one(Entry, (cast.patient.account_id, one.id))
    assert words not in repr(vars(entry))
