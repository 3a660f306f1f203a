"""Whom to call, by the country a person chose. The numbers stand in help_numbers.json with the day they were checked."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Line:
    """`kind`: "call", "text" (a number to dial or write to) or "link" (an address). `short` is one word for it."""

    kind: str
    label: str
    number: str
    detail: str
    short: str = "more"


@dataclass(frozen=True, slots=True)
class Help:
    """`code` is the country's two letters, "" for elsewhere; `emergency` None where we don't know the number; `urge` is
    whom to call about a strong urge for a drug, where we know it."""

    code: str
    name: str
    emergency: str | None
    emergency_also: str | None
    lines: tuple[Line, ...]
    verified_on: date | None
    urge: Line | None = None


@cache
def _all() -> dict[str, Help]:
    data = json.loads(files("journal.domain").joinpath("help_numbers.json").read_text("utf-8"))
    return {
        code: Help(
            code,
            raw["name"],
            raw["emergency"],
            raw.get("emergency_also"),
            tuple(Line(**line) for line in raw["lines"]),
            date.fromisoformat(raw["verified_on"]) if raw["verified_on"] else None,
            Line(**raw["urge"]) if "urge" in raw else None,
        )
        for code, raw in {"": data["elsewhere"], **data["countries"]}.items()
    }


def countries() -> list[tuple[str, str]]:
    """(code, name) of every country we have numbers for."""
    return [(code, one.name) for code, one in _all().items() if code]


def help_for(country: str | None) -> Help:
    """The numbers of a country; those for elsewhere where it is unknown."""
    return _all().get(country or "") or _all()[""]
