"""When a browser is locked, and which PINs are refused."""

from datetime import UTC, datetime, timedelta

import pytest

from journal.domain.app_lock import LOCK_AFTER, is_locked, pin_problem, read_pin

NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("ago", "locked"),
    [
        (timedelta(0), False),
        (LOCK_AFTER - SECOND, False),
        (LOCK_AFTER, True),
        (LOCK_AFTER + SECOND, True),
        (-timedelta(hours=2), False),  # the server's clock was put back: nobody is thrown out for it
    ],
)
def test_fifteen_minutes_to_the_second(ago: timedelta, locked: bool) -> None:
    assert is_locked(is_wanted=True, here_at=NOW - ago, locked_at=None, now=NOW) is locked
    assert not is_locked(is_wanted=False, here_at=NOW - ago, locked_at=None, now=NOW)


def test_locked_by_hand_is_locked_at_once() -> None:
    assert is_locked(is_wanted=True, here_at=NOW, locked_at=NOW, now=NOW)
    assert not is_locked(is_wanted=False, here_at=NOW, locked_at=NOW, now=NOW)


@pytest.mark.parametrize(
    ("pin", "told"),
    [
        ("4071", None),
        ("40718329", None),
        ("1357", None),
        ("407", "4 to 8 digits"),
        ("407183290", "4 to 8 digits"),
        ("40a1", "4 to 8 digits"),
        ("", "4 to 8 digits"),
        ("٤٠٧١", "4 to 8 digits"),
        ("0000", "first that people try"),
        ("1111111", "first that people try"),
        ("1212", "first that people try"),
        ("121212", "first that people try"),
        ("1234", "first that people try"),
        ("567890", "first that people try"),
        ("7890", "first that people try"),
        ("4321", "first that people try"),
        ("2580", "first that people try"),
    ],
)
def test_pins(pin: str, told: str | None) -> None:
    problem = pin_problem(pin)
    assert problem is None if told is None else told in (problem or "")


def test_spaces_and_wide_digits_are_read() -> None:
    assert read_pin(" 40 71 ") == "4071"
    assert read_pin("4071") == "4071"
