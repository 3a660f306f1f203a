"""The safety plan, in headings of our own (the idea is Stanley and Brown's; their form is not copied), and the question
"Do you feel safe right now?"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, ClassVar

from journal.domain.fields import Reader

HEADINGS: dict[str, tuple[str, str]] = {
    "struggling": ("How I know I am struggling", "Thoughts, feelings, or things I do."),
    "things_i_do": ("Things I can do", "What has helped before, by myself."),
    "places_and_people": ("Places and people that take my mind off it", ""),
    "people_to_tell": ("People I can tell", ""),
    "professionals": ("Professionals and crisis lines", ""),
    "safer_home": ("Making my home safer", ""),
    "what_matters": ("What matters to me", ""),
}
MOST_NAME = 60
NUMBER = re.compile(r"([0-9 ()+./-]{3,30}?)(?: *(?:ext|x)\.? *([0-9]{1,6}))?", re.IGNORECASE)
BAD_NUMBER = {
    "person_number": "Enter your person’s phone number with digits, such as +1 505 555 0100, or leave it empty.",
    "clinic_number": "Enter the clinic’s phone number with digits, such as +1 505 555 0100 ext. 4, or leave it empty.",
}
SAFE_FOR = timedelta(hours=1)
"""Own choice: after an hour the question is asked afresh; at once when something new is said."""
SAFE_QUESTION = "Do you feel safe right now?"
SAFE_ANSWERS = {"yes": "Yes", "no": "No", "unsure": "Not sure"}


@dataclass(frozen=True, slots=True)
class SafetyPlan:
    """What helps, and whom to call. All of it may be left empty; numbers are kept as they were typed."""

    kind: ClassVar[str] = "safety-plan"

    struggling: str = ""
    things_i_do: str = ""
    places_and_people: str = ""
    people_to_tell: str = ""
    professionals: str = ""
    safer_home: str = ""
    what_matters: str = ""
    person_name: str = ""
    person_number: str = ""
    clinic_name: str = ""
    clinic_number: str = ""

    @property
    def is_empty(self) -> bool:
        return self == SafetyPlan()

    @property
    def has_words(self) -> bool:
        """Something stands under a heading, beside the numbers."""
        return any(getattr(self, name) for name in HEADINGS)

    def dump(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "SafetyPlan":
        return cls(**stored)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> "SafetyPlan":
        """From untrusted data. Raises Refused with a reason per field."""
        reader = Reader(data, {one.name for one in fields(cls)})
        values = {name: reader.text(name) for name in HEADINGS}
        for name in ("person_name", "clinic_name"):
            values[name] = reader.text(name, MOST_NAME).strip()
        for name, reason in BAD_NUMBER.items():
            number = reader.text(name, MOST_NAME).strip()
            found = NUMBER.fullmatch(number)
            if number and (found is None or sum(c.isdigit() for c in found[1]) < 3):
                reader.refuse(name, reason)
            values[name] = number
        reader.finish()
        return cls(**values)


def to_dial(number: str) -> str:
    """The number as a phone wants it: digits, a plus in front, an extension after a pause."""
    found = NUMBER.fullmatch(number.strip())
    main, extension = (found[1], found[2]) if found else (number, None)
    digits = ("+" if main.startswith("+") else "") + "".join(c for c in main if c.isdigit())
    return f"{digits},{extension}" if extension else digits


@dataclass(frozen=True, slots=True)
class SafetyCheck:
    """The answer to "Do you feel safe right now?"."""

    kind: ClassVar[str] = "safety-check"

    safe: str

    def dump(self) -> dict[str, Any]:
        return {"safe": self.safe}

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "SafetyCheck":
        return cls(stored["safe"])

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> "SafetyCheck":
        """Raises Refused for anything but yes, no and unsure."""
        reader = Reader(data, {"safe"})
        safe = reader.choice("safe", tuple(SAFE_ANSWERS), "Choose yes, no or not sure.")
        if safe is None:
            reader.refuse("safe", "Choose yes, no or not sure.")
        reader.finish()
        return cls(safe or "")
