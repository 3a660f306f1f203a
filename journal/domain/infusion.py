"""An infusion as the patient knows it, the plan of the next ones, and what to leave alone afterwards."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from journal.domain.days import instant_of
from journal.domain.fields import Reader

DEFAULT_MINUTES = 40
"""Usual length of an infusion (facts: about 40 minutes; clinics differ, so it can be changed)."""
NO_DRIVING_HOURS = 24
"""No driving for at least 24 hours and until a full night's sleep. May be lengthened, never shortened."""
HAZY_HOURS = 6
"""Entries made in the first hours are marked, because memory can be hazy (own choice)."""
LIGHT_SHY_HOURS = 24
"""Light can bother for about a day; so long the low-light look is offered (own choice)."""
SERIES_DAYS = (0, 3, 7, 10, 14, 17)
"""The template "six in 14 to 21 days": all dates can be changed."""
MOST_PLANNED = 40
ROUTES = {
    "iv": "By vein (IV)",
    "im": "By shot (IM)",
    "oral": "By mouth",
    "nasal": "By nose",
    "other": "Another way",
}
SETTINGS = {"clinic": "Clinic", "hospital": "Hospital", "home": "Home", "other": "Somewhere else"}
PHASES = {"series": "First series", "maintenance": "Maintenance"}
MOMENTS = {"before": "Before", "peak": "Highest", "after": "After"}
VITALS: dict[str, tuple[str, int, int, str]] = {
    "systolic": ("Blood pressure, upper", 50, 300, "The upper number is between 50 and 300."),
    "diastolic": ("Blood pressure, lower", 20, 200, "The lower number is between 20 and 200."),
    "pulse": ("Pulse", 20, 250, "A pulse is between 20 and 250."),
    "oxygen": ("Oxygen, %", 50, 100, "Oxygen is between 50 and 100 %."),
}
VITAL_FIELDS = tuple(f"{moment}_{vital}" for moment in MOMENTS for vital in VITALS)


@dataclass(frozen=True, slots=True)
class Infusion:
    """The day itself stands in the entry. `started` is wall-clock time, `minutes` the length (1-720), `number` the
    place in the series (1-500), `dose_mg` 0.1-2000, `dose_mg_per_kg` 0.01-10."""

    kind: ClassVar[str] = "infusion"

    number: int | None = None
    phase: str = "series"
    started: time | None = None
    minutes: int | None = None
    dose_mg: Decimal | None = None
    dose_mg_per_kg: Decimal | None = None
    route: str | None = None
    setting: str | None = None
    feeling_before: str = ""
    vitals: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    def dump(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "phase": self.phase,
            "started": self.started.isoformat("minutes") if self.started else None,
            "minutes": self.minutes,
            "dose_mg": None if self.dose_mg is None else str(self.dose_mg),
            "dose_mg_per_kg": None if self.dose_mg_per_kg is None else str(self.dose_mg_per_kg),
            "route": self.route,
            "setting": self.setting,
            "feeling_before": self.feeling_before,
            "vitals": dict(self.vitals),
            "note": self.note,
        }

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "Infusion":
        values = dict(stored)
        values["started"] = time.fromisoformat(values["started"]) if values["started"] else None
        for name in ("dose_mg", "dose_mg_per_kg"):
            values[name] = None if values[name] is None else Decimal(values[name])
        return cls(**values)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> "Infusion":
        """From untrusted data; vitals as a mapping `vitals` of `before_pulse` and the like. Raises Refused."""
        reader = Reader(data, {f.name for f in fields(cls)})
        vitals: dict[str, int] = {}
        for name, value in reader.mapping("vitals").items():
            vital = name.partition("_")[2]
            if name not in VITAL_FIELDS:
                reader.refuse(f"vitals-{name[:40]}", "The journal doesn’t know this reading.")
                continue
            _label, least, most, reason = VITALS[vital]
            number = reader.whole_value(value, least, most, reason, f"vitals-{name}")
            if number is not None:
                vitals[name] = number
        for moment in MOMENTS:
            upper, lower = vitals.get(f"{moment}_systolic"), vitals.get(f"{moment}_diastolic")
            if upper is not None and lower is not None and lower >= upper:
                reader.refuse(f"vitals-{moment}_diastolic", "The lower number must be below the upper one.")
        infusion = cls(
            number=reader.whole("number", 1, 500, "Enter a whole number from 1 to 500, or leave it empty."),
            phase=reader.choice("phase", tuple(PHASES), "Choose from the list.") or "series",
            started=reader.time_of_day("started", "Enter a time such as 10:40, or leave it empty."),
            minutes=reader.whole("minutes", 1, 720, "Enter whole minutes from 1 to 720, or leave it empty."),
            dose_mg=reader.decimal(
                "dose_mg", "0.1", "2000", "Enter milligrams from 0.1 to 2000, or leave it empty."
            ),
            dose_mg_per_kg=reader.decimal(
                "dose_mg_per_kg",
                "0.01",
                "10",
                "Enter milligrams per kilogram from 0.01 to 10, or leave it empty.",
            ),
            route=reader.choice("route", tuple(ROUTES), "Choose from the list."),
            setting=reader.choice("setting", tuple(SETTINGS), "Choose from the list."),
            feeling_before=reader.text("feeling_before"),
            vitals={name: vitals[name] for name in VITAL_FIELDS if name in vitals},
            note=reader.text("note"),
        )
        reader.finish()
        return infusion

    def starts_at(self, day: date, zone: ZoneInfo) -> datetime | None:
        """The UTC instant of the start, where the time is known."""
        return None if self.started is None else instant_of(day, self.started, zone)

    def ends_at(self, day: date, zone: ZoneInfo) -> datetime | None:
        """The UTC instant of the end; hours after an infusion count from here. None where no start is known."""
        start = self.starts_at(day, zone)
        return None if start is None else start + timedelta(minutes=self.minutes or DEFAULT_MINUTES)


@dataclass(frozen=True, slots=True)
class Held:
    """An infusion with what its entry says: day, zone, when it was logged; `number` is its place as shown."""

    id: UUID
    day: date
    zone: ZoneInfo
    made_at: datetime
    infusion: Infusion
    number: int

    def no_driving(self, now: datetime) -> "NoDriving | None":
        return no_driving(self.infusion, self.day, self.zone, now)

    @property
    def ends_at(self) -> datetime | None:
        return self.infusion.ends_at(self.day, self.zone)

    def may_be_light_shy(self, now: datetime) -> bool:
        return may_be_light_shy(self.infusion, self.day, self.zone, now)


def in_order(
    logged: Iterable[tuple[UUID, date, str, datetime, Infusion]],
) -> tuple[Held, ...]:
    """(entry, day, zone, made at, infusion) to infusions by day; one without a number follows the one before it."""
    held: list[Held] = []
    for entry_id, day, zone, made_at, infusion in sorted(
        logged, key=lambda i: (i[1], i[4].started or time(12), i[3])
    ):
        number = infusion.number or (held[-1].number + 1 if held else 1)
        held.append(Held(entry_id, day, ZoneInfo(zone), made_at, infusion, number))
    return tuple(held)


@dataclass(frozen=True, slots=True)
class NoDriving:
    """Until when not to drive. `until` is None where no time was logged; `left` is never negative."""

    until: datetime | None
    left: timedelta
    share_gone: float


def no_driving(infusion: Infusion, day: date, zone: ZoneInfo, now: datetime) -> NoDriving | None:
    """The notice while it holds, else None. Where no start was logged it holds for the day and all of the next."""
    end = infusion.ends_at(day, zone)
    if end is None:
        after = instant_of(day + timedelta(days=2), time(0), zone)
        begin = instant_of(day, time(0), zone)
        return NoDriving(None, timedelta(0), 0.0) if begin <= now < after else None
    until = end + timedelta(hours=NO_DRIVING_HOURS)
    start = infusion.starts_at(day, zone) or end
    if not start <= now < until:
        return None
    return NoDriving(until, until - now, (now - start) / (until - start))


def latest_notice(infusions: Sequence[Held], now: datetime) -> NoDriving | None:
    """The notice that holds longest, whichever infusion it is from; one without a known end counts as the longest."""
    notices = [notice for held in infusions if (notice := held.no_driving(now)) is not None]
    if not notices:
        return None
    return max(notices, key=lambda notice: (notice.until is None, notice.left))


def may_be_light_shy(infusion: Infusion, day: date, zone: ZoneInfo, now: datetime) -> bool:
    """True from the start until 24 hours after the end. Where no start was logged: from the day's begin until 24 hours
    after its noon, where such an infusion stands among the others of its day too."""
    start = infusion.starts_at(day, zone) or instant_of(day, time(0), zone)
    end = infusion.ends_at(day, zone) or instant_of(day, time(12), zone)
    return start <= now < end + timedelta(hours=LIGHT_SHY_HOURS)


def is_hazy(infusion: Infusion, day: date, zone: ZoneInfo, captured_at: datetime) -> bool:
    """True for what was captured in the first six hours after the end."""
    end = infusion.ends_at(day, zone)
    return end is not None and captured_at < end + timedelta(hours=HAZY_HOURS)


@dataclass(frozen=True, slots=True)
class Plan:
    """Days on which infusions are planned, in order, each once."""

    kind: ClassVar[str] = "plan"

    days: tuple[date, ...] = ()

    def dump(self) -> dict[str, Any]:
        return {"days": [day.isoformat() for day in self.days]}

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "Plan":
        return cls(tuple(date.fromisoformat(day) for day in stored["days"]))

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> "Plan":
        """From `days`, a list of ISO dates; empty ones are left out. Raises Refused with the field `days-N`."""
        reader = Reader(data, {"days"})
        raw = data.get("days") or ()
        days: list[date] = []
        if not isinstance(raw, list | tuple) or len(raw) > MOST_PLANNED:
            reader.refuse("days", f"Up to {MOST_PLANNED} days fit into a plan.")
            raw = ()
        for index, value in enumerate(raw):
            field_name = f"days-{index}"
            day = reader.day_value(value, "Enter a date such as 2026-11-30, or leave it empty.", field_name)
            if day is not None and day in days:
                reader.refuse(field_name, "This day is in the plan already. Change it, or leave it empty.")
            elif day is not None:
                days.append(day)
        reader.finish()
        return cls(tuple(sorted(days)))

    @classmethod
    def six_from(cls, first: date) -> "Plan":
        """The template: six in 18 days from the first."""
        return cls(tuple(first + timedelta(days=n) for n in SERIES_DAYS))

    def next_after(self, today: date, given: Sequence[date]) -> date | None:
        """The next planned day, today included, on which no infusion is logged yet."""
        return next((day for day in self.days if day >= today and day not in given), None)
