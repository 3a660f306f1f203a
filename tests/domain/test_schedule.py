"""When questionnaires are due: whole courses worked through day by day, by table."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.domain.infusion import Held, Infusion
from journal.domain.instrument_files import instruments
from journal.domain.profile import Profile
from journal.domain.schedule import Timeline, Window, find_due, find_next, list_due, windows

START = date(2026, 3, 1)
ALL = ("baseline", "weekly", "after", "four-weekly")
URINARY = ("weekly", "four-weekly")
SIX = (0, 3, 7, 10, 14, 17)


def day(n: int) -> date:
    return START + timedelta(days=n)


def held(n: int, number: int, phase: str = "series") -> Held:
    zone = ZoneInfo("America/Denver")
    return Held(uuid4(), day(n), zone, datetime(2026, 1, 1, tzinfo=UTC), Infusion(number, phase), number)


def given_on(days: Sequence[int], first_number: int = 1, phase: str = "series") -> list[Held]:
    return [held(n, first_number + place, phase) for place, n in enumerate(days)]


def told(windows_: Sequence[Window]) -> list[tuple[str, int, int]]:
    return [(w.stage, (w.opens - START).days, (w.closes - START).days) for w in windows_]


WORKED: dict[str, tuple[list[Held], list[int], int, tuple[str, ...], list[tuple[str, int, int]]]] = {
    # name: (given, planned days, today, stages, the windows that open up to day 110)
    "planned, nothing given yet": (
        [], [0, 3, 7, 10, 14, 17], -10, ALL,
        [("baseline", -7, 0), ("weekly", 7, 13), ("weekly", 14, 20), ("weekly", 21, 27), ("after", 31, 48),
         ("four-weekly", 59, 65), ("four-weekly", 87, 93)],
    ),
    "a full induction of six, then maintenance": (
        [*given_on(SIX), held(45, 7, "maintenance"), held(73, 8, "maintenance")], [], 100, ALL,
        [("baseline", -7, -1), ("weekly", 7, 13), ("weekly", 14, 20), ("weekly", 21, 27), ("after", 31, 48),
         ("four-weekly", 59, 65), ("four-weekly", 87, 93)],
    ),
    "the fourth was skipped: its planned day passed": (
        given_on((0, 3, 7)), [0, 3, 7, 10, 14, 17], 12, ALL,
        [("baseline", -7, -1), ("weekly", 7, 13), ("weekly", 14, 20), ("weekly", 21, 27), ("after", 31, 48),
         ("four-weekly", 59, 65), ("four-weekly", 87, 93)],
    ),
    "the last one was moved a week on": (
        given_on((0, 3, 7, 10, 14)), [0, 3, 7, 10, 14, 24], 16, ALL,
        [("baseline", -7, -1), ("weekly", 7, 13), ("weekly", 14, 20), ("weekly", 21, 27), ("weekly", 28, 34),
         ("after", 38, 55), ("four-weekly", 66, 72), ("four-weekly", 94, 100)],
    ),
    "stopped after two, nothing planned": (
        given_on((0, 3)), [], 60, ALL,
        [("baseline", -7, -1), ("weekly", 7, 13), ("after", 17, 34), ("four-weekly", 45, 51), ("four-weekly", 73, 79),
         ("four-weekly", 101, 107)],
    ),
    "a second series: the first one's windows end before its baseline": (
        [*given_on((0, 3, 7)), *given_on((50, 53, 57))], [], 60, ALL,
        [("baseline", -7, -1), ("weekly", 7, 13), ("after", 21, 38), ("baseline", 43, 49), ("weekly", 57, 63),
         ("after", 71, 88), ("four-weekly", 99, 105)],
    ),
    "a second series that comes while the first is asked after: cut, not doubled": (
        [*given_on((0, 3, 7)), *given_on((35, 38))], [], 40, ALL,
        [("baseline", -7, -1), ("weekly", 7, 13), ("after", 21, 27), ("baseline", 28, 34), ("weekly", 42, 48),
         ("after", 52, 69), ("four-weekly", 80, 86), ("four-weekly", 108, 114)],
    ),
    "a second series is planned after maintenance: three days close together": (
        [*given_on((0, 3)), held(31, 3, "maintenance")], [70, 73, 77], 60, ALL,
        [("baseline", -7, -1), ("weekly", 7, 13), ("after", 17, 34), ("four-weekly", 45, 51), ("baseline", 63, 70),
         ("weekly", 77, 83), ("after", 91, 108)],
    ),
    "one planned day in maintenance is no series": (
        [*given_on((0, 3)), held(31, 3, "maintenance")], [70], 60, ALL,
        [("baseline", -7, -1), ("weekly", 7, 13), ("after", 17, 34), ("four-weekly", 45, 51), ("four-weekly", 73, 79),
         ("four-weekly", 101, 107)],
    ),
    "the journal began at infusion 4: no baseline is asked for": (
        given_on((9, 12, 16), 4), [], 20, ALL,
        [("weekly", 16, 22), ("after", 30, 47), ("four-weekly", 58, 64), ("four-weekly", 86, 92)],
    ),
    "maintenance only": (
        given_on((0, 28, 56), 12, "maintenance"), [], 60, ALL,
        [("four-weekly", 0, 6), ("four-weekly", 28, 34), ("four-weekly", 56, 62), ("four-weekly", 84, 90)],
    ),
    "the urinary check: weekly in the series, every 28 days after": (
        given_on(SIX), [], 100, URINARY,
        [("weekly", 7, 13), ("weekly", 14, 20), ("weekly", 21, 27), ("four-weekly", 45, 51), ("four-weekly", 73, 79),
         ("four-weekly", 101, 107)],
    ),
    "nothing known": ([], [], 0, ALL, []),
}  # fmt: skip


@pytest.mark.parametrize("name", WORKED)
def test_a_course_worked_through(name: str) -> None:
    infusions, planned, today, stages, expected = WORKED[name]
    timeline = Timeline.of(infusions, [day(n) for n in planned], day(today))
    assert told(windows(stages, timeline, day(110))) == expected


def fill_in_when_asked(infusions: Sequence[Held], last: int, late_by: int) -> list[int]:
    """Somebody who fills it in `late_by` days after it is first asked, with each infusion logged on its day."""
    done: list[date] = []
    waited, window = 0, None
    for n in range(-10, last):
        known = [one for one in infusions if one.day <= day(n)]
        ahead = [one.day for one in infusions]
        due = find_due("phq-9", ALL, Timeline.of(known, ahead, day(n)), done, day(n))
        waited = waited + 1 if due and due.window == window else 1
        window = due.window if due else None
        if due and waited > late_by:
            done.append(day(n))
    return [(one - START).days for one in done]


@pytest.mark.parametrize(
    ("late_by", "expected"),
    [
        (0, [-7, 7, 14, 21, 31, 59, 87]),
        (3, [-4, 10, 17, 24, 34, 62, 90]),
        (6, [-1, 13, 27, 37, 65, 93]),  # on the last day of week 1: close enough to count for week 2
        (7, [38]),  # too late for the others: they lapse, and nothing is said of it
    ],
)
def test_filled_in_when_asked(late_by: int, expected: list[int]) -> None:
    assert fill_in_when_asked(given_on(SIX), 100, late_by) == expected


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=9, unique=True),
    st.integers(0, 9),
    st.lists(st.integers(-10, 90), max_size=8),
)
def test_nothing_is_due_twice(days: list[int], in_series: int, done_on: list[int]) -> None:
    infusions = [
        held(n, place + 1, "series" if place < in_series else "maintenance")
        for place, n in enumerate(sorted(days))
    ]
    timeline = Timeline.of(infusions, [], day(80))
    found = windows(ALL, timeline, day(150))
    assert all(a.closes < b.opens for a, b in pairwise(found))  # never two at once
    done = [day(n) for n in done_on]
    for n in range(-10, 90):
        due = find_due("phq-9", ALL, timeline, done, day(n))
        if due is not None:
            again = find_due("phq-9", ALL, timeline, [*done, day(n)], day(n))
            assert again is None  # filled in, it is asked no more that day
            for later in range(n, (due.window.closes - START).days + 1):
                assert find_due("phq-9", ALL, timeline, [*done, day(n)], day(later)) is None


@pytest.mark.parametrize(
    ("done", "today", "is_due"),
    [
        # The weekly window from day 7 to 13.
        (None, 6, False), (None, 7, True), (None, 13, True),
        (3, 7, True), (4, 7, False),  # three days early counts, four doesn't
        (7, 13, False), (10, 14, True), (11, 14, False),  # the next week: day 11 is three days before it
        # The one after the series, from day 31 to 48; nothing earlier counts for it.
        (None, 30, False), (None, 31, True), (None, 48, True), (None, 49, False),
        (30, 31, True), (31, 32, False),
        # Every four weeks, from day 59; 13 days early counts.
        (45, 59, True), (46, 59, False), (31, 59, True), (None, 65, True), (None, 66, False),
    ],
)  # fmt: skip
def test_edges_of_windows(done: int | None, today: int, is_due: bool) -> None:
    timeline = Timeline.of(given_on(SIX), [], day(today))
    days = [] if done is None else [day(done)]
    assert (find_due("phq-9", ALL, timeline, days, day(today)) is not None) is is_due


def test_recording_and_moving_an_infusion_moves_it() -> None:
    planned = [day(n) for n in SIX]
    before = Timeline.of([], planned, day(-9))
    assert find_due("phq-9", ALL, before, [], day(-7)) is not None
    moved = Timeline.of([], [day(n + 5) for n in SIX], day(-9))
    assert find_due("phq-9", ALL, moved, [], day(-7)) is None
    assert find_due("phq-9", ALL, moved, [], day(-2)) is not None
    # Infusion 1 was given today: what is filled in now is no baseline any more.
    assert find_due("phq-9", ALL, Timeline.of(given_on((0,)), planned, day(0)), [], day(0)) is None
    assert find_next(ALL, Timeline.of(given_on((0,)), planned, day(0)), [], day(0)) == Window(
        "weekly", day(7), day(13), 1
    )


def test_why_is_said() -> None:
    due = find_due("phq-9", ALL, Timeline.of(given_on(SIX), [], day(15)), [], day(15))
    assert due and due.why == "It is asked once a week during a series. This is week 2."


def test_once_is_asked_once() -> None:
    nothing = Timeline((), None)
    assert find_due("pc-ptsd-5", ("once",), nothing, [], day(0)) is not None
    assert find_due("pc-ptsd-5", ("once",), nothing, [day(-400)], day(0)) is None


@pytest.mark.parametrize(
    ("treated", "chosen", "codes"),
    [
        ((), {}, ["phq-9"]),
        (("depression",), {}, ["phq-9"]),
        (("ptsd",), {}, ["pcl-5"]),
        (("anxiety", "pain"), {}, ["gad-7", "peg"]),
        (("ocd",), {}, ["phq-9"]),
        (("depression",), {"phq-9": False}, []),
        (("depression",), {"phq-9": False, "phq-8": True}, ["phq-8"]),
        (("pain",), {"pc-ptsd-5": True}, ["pc-ptsd-5", "peg"]),
        (("pain",), {"phq-2": True}, ["peg"]),  # it has no set time
        (("depression",), {"of-another-time": True}, ["phq-9"]),
    ],
)
def test_which_are_asked(treated: tuple[str, ...], chosen: dict[str, bool], codes: list[str]) -> None:
    profile = Profile(treated_for=treated, questionnaires=chosen)
    timeline = Timeline.of([], [day(n) for n in SIX], day(-5))
    assert [one.code for one in list_due(profile, [], timeline, day(-5))] == codes
    after = Timeline.of(given_on(SIX), [], day(8))
    urinary = [one.code for one in list_due(profile, [], after, day(8)) if one.code == "urinary"]
    assert urinary == ["urinary"]  # for everybody
    assert set(codes) <= set(instruments())
