"""The app lock: when a browser that somebody left alone is locked, and which PINs keep nobody out."""

import re
from datetime import datetime, timedelta
from unicodedata import normalize

LOCK_AFTER = timedelta(minutes=15)
"""Own choice: long enough to look up from the phone while writing, short enough for a phone left on a table."""
SHORTEST_PIN, LONGEST_PIN = 4, 8
MOST_PIN_TRIES = 5
"""Own choice: of 10,000 PINs, five are no use to a stranger, and few owners need a sixth."""
_RISING = "0123456789" * 2
_DIGITS = re.compile(rf"[0-9]{{{SHORTEST_PIN},{LONGEST_PIN}}}")


def is_locked(*, is_wanted: bool, here_at: datetime, locked_at: datetime | None, now: datetime) -> bool:
    """Whether a session is locked: it was locked by hand, or its person was last here 15 minutes ago or more."""
    return is_wanted and (locked_at is not None or now - here_at >= LOCK_AFTER)


def read_pin(typed: str) -> str:
    """The PIN as it is compared: wide digits are plain ones, and spaces between them don't count."""
    return "".join(normalize("NFKC", typed).split())


def pin_problem(pin: str) -> str | None:
    """What is wrong with a new PIN, or None."""
    if _DIGITS.fullmatch(pin) is None:
        return f"Use {SHORTEST_PIN} to {LONGEST_PIN} digits, and nothing else."
    if _is_easy(pin):
        return "This PIN is one of the first that people try. Please choose another one."
    return None


def _is_easy(pin: str) -> bool:
    """The same digits over and over (0000, 1212), a run up or down (1234, 9876), the middle of the keys (2580)."""
    repeats = any(pin == pin[:n] * (len(pin) // n) for n in (1, 2) if len(pin) % n == 0)
    return repeats or pin in _RISING or pin[::-1] in _RISING or pin in ("2580", "0852")
