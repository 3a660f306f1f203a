"""The infusion-aligned chart, against tables worked out by hand."""

from datetime import date, timedelta

from journal.domain.alignment import OFFSETS, build
from journal.domain.benefit import Given
from journal.domain.measures import MEASURES

DAY0 = date(2026, 3, 10)
MOOD = MEASURES["mood"]


def lay(
    starts: list[int], values: dict[int, int], *, since: int = -100, today: int = 100
) -> tuple[dict[int, dict[int, int]], dict[int, float], dict[int, int]]:
    """Infusions and values by days from DAY0; gives values by number and day, the middle by day, n by day."""
    chart = build(
        MOOD,
        {DAY0 + timedelta(days=d): v for d, v in values.items()},
        [Given(DAY0 + timedelta(days=d), n) for n, d in enumerate(starts, 1)],
        DAY0 + timedelta(days=since),
        DAY0 + timedelta(days=today),
    )
    lines = {
        line.number: {o: v for o, v in zip(OFFSETS, line.values, strict=True) if v is not None}
        for line in chart.lines
    }
    middle = {o: m for o, m in zip(OFFSETS, chart.middle, strict=True) if m is not None}
    return lines, middle, {o: n for o, n in zip(OFFSETS, chart.counts, strict=True) if n}


def test_three_days_before_to_fourteen_after() -> None:
    lines, _middle, _n = lay([0], dict.fromkeys(range(-20, 40), 5))
    assert list(lines[1]) == list(range(-3, 15))


def test_only_up_to_the_next_infusion() -> None:
    lines, _middle, _n = lay([0, 4], dict.fromkeys(range(-5, 30), 5))
    assert list(lines[1]) == [-3, -2, -1, 0, 1, 2, 3]
    assert list(lines[2]) == list(range(-3, 15))


def test_a_gap_stays_a_gap() -> None:
    lines, _middle, _n = lay([0], {0: 4, 1: 6, 4: 7})
    assert lines[1] == {0: 4, 1: 6, 4: 7}


def test_the_middle_is_said_from_three_on() -> None:
    values = {0: 2, 1: 3, 20: 4, 21: 9, 40: 6, 41: None}
    lines, middle, counts = lay([0, 20, 40], {d: v for d, v in values.items() if v is not None})
    assert middle == {0: 4.0}
    assert counts == {0: 3, 1: 2}
    assert sorted(lines) == [1, 2, 3]


def test_the_middle_of_four_lies_between_the_two_in_the_middle() -> None:
    _lines, middle, counts = lay([0, 20, 40, 60], {1: 1, 21: 4, 41: 7, 61: 9})
    assert middle == {1: 5.5}
    assert counts == {1: 4}


def test_nothing_after_today() -> None:
    lines, _middle, _n = lay([0], dict.fromkeys(range(-5, 30), 5), today=2)
    assert list(lines[1]) == [-3, -2, -1, 0, 1, 2]


def test_infusions_before_the_time_shown_are_left_out() -> None:
    lines, _middle, _n = lay([0, 20], dict.fromkeys(range(-5, 40), 5), since=10)
    assert list(lines) == [2]
