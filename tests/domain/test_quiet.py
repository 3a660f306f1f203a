"""Quiet hours, over midnight and over the nights on which clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from journal.domain.errors import Refused
from journal.domain.quiet import QuietHours

DENVER, KIRITIMATI = ZoneInfo("America/Denver"), ZoneInfo("Pacific/Kiritimati")


@pytest.mark.parametrize(
    ("first", "last", "quiet", "why"),
    [
        (22, 8, {22, 23, *range(8)}, "over midnight"),
        (0, 8, set(range(8)), "from midnight"),
        (22, 0, {22, 23}, "until midnight"),
        (13, 15, {13, 14}, "a nap"),
        (8, 8, set(), "the same twice: none"),
        (0, 0, set(), "the same twice: none"),
        (9, 8, set(range(24)) - {8}, "nearly always"),
        (23, 22, set(range(24)) - {22}, "nearly always, over midnight"),
    ],
)
def test_each_hour(first: int, last: int, quiet: set[int], why: str) -> None:
    assert {hour for hour in range(24) if QuietHours(first, last).are_quiet(hour)} == quiet, why


def test_to_the_second() -> None:
    quiet = QuietHours()
    at = datetime(2026, 11, 22, 22, 0, tzinfo=DENVER)
    assert not quiet.is_quiet(at - timedelta(seconds=1), DENVER) and quiet.is_quiet(at, DENVER)
    end = datetime(2026, 11, 23, 8, 0, tzinfo=DENVER)
    assert quiet.is_quiet(end - timedelta(seconds=1), DENVER) and not quiet.is_quiet(end, DENVER)


def test_on_the_own_wall() -> None:
    noon = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert QuietHours().is_quiet(noon, KIRITIMATI) and not QuietHours().is_quiet(noon, UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize("night", [datetime(2026, 3, 8, tzinfo=DENVER), datetime(2026, 11, 1, tzinfo=DENVER)])
def test_nights_on_which_clocks_change(night: datetime) -> None:
    """From ten to eight by the clock on the wall, whether that is nine hours or eleven."""
    begin = (night - timedelta(days=1)).replace(hour=12)
    instants = [begin.astimezone(UTC) + timedelta(minutes=15 * n) for n in range(24 * 4 + 8)]
    quiet = [one for one in instants if QuietHours().is_quiet(one, DENVER)]
    assert quiet[0].astimezone(DENVER).hour == 22
    assert quiet[-1].astimezone(DENVER).strftime("%H:%M") == "07:45"
    hours = (quiet[-1] - quiet[0] + timedelta(minutes=15)) / timedelta(hours=1)
    assert hours == (9 if night.month == 3 else 11)
    assert len(quiet) == hours * 4  # without a gap


@pytest.mark.parametrize("first", range(24))
def test_when_they_begin_next(first: int) -> None:
    quiet = QuietHours(first, (first + 3) % 24)
    for at in (datetime(2026, 3, 7, 11, 7, tzinfo=UTC) + timedelta(hours=n) for n in range(60)):
        begin = quiet.begin_after(at, DENVER)
        assert begin is not None and at < begin <= at + timedelta(hours=25)
        assert quiet.is_quiet(begin, DENVER)
    assert QuietHours(first, first).begin_after(at, DENVER) is None


@pytest.mark.parametrize(("first", "last", "field"), [(24, 8, "quiet_from"), (22, -1, "quiet_until")])
def test_hours_that_are_none(first: int, last: int, field: str) -> None:
    with pytest.raises(Refused) as told:
        QuietHours(first, last).check()
    assert set(told.value.reasons) == {field}
