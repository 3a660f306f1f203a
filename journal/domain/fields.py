"""Reading untrusted values, each with a sentence for the person who typed it."""

import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from journal.domain.errors import Refused

MOST_NOTE = 5000
"""Characters in a note (own choice: about three pages)."""
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Reader:
    """Takes fields out of a mapping and gathers what is wrong with them, so that all is told at once."""

    def __init__(self, data: Mapping[str, Any], known: set[str]) -> None:
        self._data = data
        self.reasons: dict[str, str] = {}
        for name in data:
            if name not in known:
                self.reasons[str(name)[:60]] = "The journal doesn’t know this field."

    def refuse(self, field: str, reason: str) -> None:
        self.reasons.setdefault(field or "form", reason)

    def finish(self) -> None:
        """Raises Refused if anything was wrong."""
        if self.reasons:
            raise Refused(self.reasons)

    def text(self, name: str, most: int = MOST_NOTE) -> str:
        value = self._data.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.refuse(name, "Write this as text.")
            return ""
        value = value.replace("\r\n", "\n").replace("\r", "\n")
        if len(value) > most:
            self.refuse(name, f"This is {len(value) - most:,} characters too long. Up to {most:,} fit here.")
        elif FORBIDDEN.search(value):
            self.refuse(name, "There is a sign in here that can’t be kept. Try typing the text again.")
        return value if value.strip() else ""

    def whole(self, name: str, least: int, most: int, reason: str, field: str | None = None) -> int | None:
        """A whole number, or None where it was left out. The reason is told when it isn't one, or out of range."""
        return self.whole_value(self._data.get(name), least, most, reason, field or name)

    def whole_value(self, value: Any, least: int, most: int, reason: str, field: str) -> int | None:
        if value is None or value == "":
            return None
        if isinstance(value, str) and len(value) <= 6 and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(field, reason)
            return None
        return value

    def decimal(self, name: str, least: str, most: str, reason: str) -> Decimal | None:
        value = self._data.get(name)
        if value is None or value == "":
            return None
        try:
            number = (
                Decimal(value.strip().replace(",", "."))
                if isinstance(value, str) and len(value) < 12
                else None
            )
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or not Decimal(least) <= number <= Decimal(most):
            self.refuse(name, reason)
            return None
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and exponent < -3:
            self.refuse(name, "Up to three places after the point can be kept.")
            return None
        return number

    def choice(
        self, name: str, allowed: tuple[str, ...], reason: str, field: str | None = None
    ) -> str | None:
        return self.choice_value(self._data.get(name), allowed, reason, field or name)

    def choice_value(self, value: Any, allowed: tuple[str, ...], reason: str, field: str) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str) or value not in allowed:
            self.refuse(field, reason)
            return None
        return value

    def day(self, name: str, reason: str) -> date | None:
        return self.day_value(self._data.get(name), reason, name)

    def day_value(self, value: Any, reason: str, field: str) -> date | None:
        if value is None or value == "":
            return None
        try:
            if not isinstance(value, str) or len(value) != 10:
                raise ValueError
            day = date.fromisoformat(value)
            if not 2000 <= day.year <= 2100:
                raise ValueError
        except ValueError:
            self.refuse(field, reason)
            return None
        return day

    def time_of_day(self, name: str, reason: str) -> time | None:
        value = self._data.get(name)
        if value is None or value == "":
            return None
        try:
            if not isinstance(value, str) or not re.fullmatch(r"\d\d:\d\d(:\d\d)?", value):
                raise ValueError
            at = time.fromisoformat(value)
        except ValueError:
            self.refuse(name, reason)
            return None
        return at.replace(second=0)

    def flag(self, name: str) -> bool:
        value = self._data.get(name)
        if value in (None, "", False, "no"):
            return False
        if value in (True, "yes"):
            return True
        self.refuse(name, "Choose yes or no.")
        return False

    def yes_no(self, name: str, field: str | None = None) -> bool | None:
        value = self._data.get(name)
        if isinstance(value, bool):
            return value
        chosen = self.choice_value(value, ("yes", "no"), "Choose yes or no.", field or name)
        return None if chosen is None else chosen == "yes"

    def uuid(self, name: str) -> UUID | None:
        value = self._data.get(name)
        try:
            return UUID(value) if isinstance(value, str) and len(value) == 36 else None
        except ValueError:
            return None

    def mapping(self, name: str) -> dict[str, Any]:
        value = self._data.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.refuse(name, "The journal can’t read this part.")
            return {}
        return {str(key): inner for key, inner in value.items()}
