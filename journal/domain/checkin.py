"""A check-in: what a patient logs about one day. Everything may be skipped, and skipped is not zero."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from journal.domain.fields import Reader
from journal.domain.measures import LEAST, MEASURES, MOST, is_measure
from journal.domain.side_effects import SIDE_EFFECTS, read_grades, read_happening

MOST_MEASURES = 40


@dataclass(frozen=True, slots=True)
class CheckIn:
    """`measures` 0-10 by id, `side_effects` grade by id, `happening_now` for red flags, a private `note`."""

    kind: ClassVar[str] = "check-in"

    measures: Mapping[str, int] = field(default_factory=dict)
    side_effects: Mapping[str, str] = field(default_factory=dict)
    happening_now: Mapping[str, bool] = field(default_factory=dict)
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.measures or self.side_effects or self.happening_now or self.note)

    def dump(self) -> dict[str, Any]:
        return {
            "measures": dict(self.measures),
            "side_effects": dict(self.side_effects),
            "happening_now": dict(self.happening_now),
            "note": self.note,
        }

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "CheckIn":
        """From what `dump` gave; nothing is checked again."""
        return cls(
            _in_order(MEASURES, stored["measures"]),
            _in_order(SIDE_EFFECTS, stored["side_effects"]),
            stored["happening_now"],
            stored["note"],
        )

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> "CheckIn":
        """From untrusted data. Raises Refused with a reason per field."""
        reader = Reader(data, {"measures", "side_effects", "happening_now", "note"})
        measures: dict[str, int] = {}
        raw = reader.mapping("measures")
        if len(raw) > MOST_MEASURES:
            reader.refuse("measures", "There are more measures here than one day can hold.")
            raw = {}
        for measure_id, value in raw.items():
            if not is_measure(measure_id):
                reader.refuse(measure_id[:40], "The journal doesn’t know this measure.")
                continue
            number = reader.whole_value(
                value, LEAST, MOST, "Choose a number from 0 to 10, or skip it.", measure_id
            )
            if number is not None:
                measures[measure_id] = number
        grades = read_grades(reader, reader.mapping("side_effects"))
        happening = read_happening(reader, reader.mapping("happening_now"), grades)
        note = reader.text("note")
        reader.finish()
        return cls(measures, grades, happening, note)


def _in_order(known: Iterable[str], stored: Mapping[str, Any]) -> dict[str, Any]:
    """As the page has them: the known ones in their order, then the patient's own."""
    return {name: stored[name] for name in dict.fromkeys([*known, *stored]) if name in stored}


@dataclass(frozen=True, slots=True)
class Note:
    """One more note on a day, with its own time."""

    kind: ClassVar[str] = "note"

    text: str

    def dump(self) -> dict[str, Any]:
        return {"text": self.text}

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "Note":
        return cls(stored["text"])

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> "Note":
        """Raises Refused when there is nothing in it."""
        reader = Reader(data, {"text"})
        text = reader.text("text")
        if not text and not reader.reasons:
            reader.refuse("text", "Write a few words first.")
        reader.finish()
        return cls(text)
