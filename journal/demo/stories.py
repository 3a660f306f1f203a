"""Made-up patients whose stories differ, as lists of days. Pure: the same seed tells the same stories."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from journal.domain.after_infusion import AfterInfusion, Course
from journal.domain.checkin import CheckIn
from journal.domain.infusion import Infusion
from journal.domain.instrument_files import instruments
from journal.domain.safety import SafetyPlan
from journal.domain.schedule import Series, Timeline, windows

NAMES = ("Maya", "Jonas", "Amira", "Luis", "Grete", "Tomas", "Noor", "Eli", "Rosa", "Kofi", "Ida", "Sam")
STORIES = ("quick", "slow", "none", "worse", "forgets", "maintenance")
CONDITIONS = ("depression", "ptsd", "depression", "pain", "anxiety", "ocd")
EXTRA = {"depression": "hope", "ptsd": "memories", "pain": "pain", "anxiety": "function", "ocd": "obsessions"}
BETTER = ("mood", "sleep", "hope", "function")
NOTES = (
    "Slept in the chair by the window, woke before the alarm.",
    "Walked to the river and back. First time since spring.",
    "Could not get up before noon. Ate toast.",
    "Called my sister. We laughed about the goat.",
    "The old pictures came back at night, less loud than before.",
    "Nothing moved today, grey all over.",
    "Cooked for two. Burned the rice, did not mind.",
    "Shoulder aches when it rains.",
)
ASKED = {"depression": "phq-9", "ptsd": "pcl-5", "pain": "peg", "anxiety": "gad-7", "ocd": "phq-9"}
PLAN = SafetyPlan(
    struggling="I stop answering the phone. I keep the curtains closed.",
    things_i_do="The cold tap on my wrists. Walk round the block, even in slippers.",
    places_and_people="The library. Jonas and the dog.",
    people_to_tell="My sister. Jonas.",
    safer_home="Jonas keeps the spare tablets.",
    what_matters="Seeing the goats in spring.",
    person_name="Jonas",
    person_number="+1 505 555 0117",
    clinic_name="Harbor Light",
    clinic_number="+1 505 555 0100",
)
FEELINGS = ("A bit nervous, mostly hopeful.", "Tired of trying, but here.", "Calm. Brought my own blanket.")


@dataclass(frozen=True, slots=True)
class Told:
    """A check-in of a day, logged `late_by` days later at `hour` o'clock."""

    day: date
    checkin: CheckIn
    hour: int
    late_by: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """An infusion, with the answers given afterwards (made into reports once the infusion has its id)."""

    day: date
    infusion: Infusion
    first: Mapping[str, object]
    next_day: Mapping[str, object]

    def reports(self, infusion_id: UUID) -> tuple[AfterInfusion, AfterInfusion]:
        return (
            AfterInfusion(infusion_id, "first", **self.first),  # type: ignore[arg-type] # made below, by field name
            AfterInfusion(infusion_id, "next-day", **self.next_day),  # type: ignore[arg-type]
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """A questionnaire filled in on a day; its answers in the order of the form."""

    day: date
    code: str
    answers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Patient:
    name: str
    story: str
    condition: str
    days: tuple[Told, ...] = field(repr=False)
    infusions: tuple[Given, ...] = field(repr=False)
    responses: tuple[Answered, ...] = field(repr=False, default=())
    plan: SafetyPlan | None = field(repr=False, default=None)
    unsure_on: date | None = field(repr=False, default=None)
    """The day on which they answered "Not sure" when asked whether they feel safe."""


def tell(count: int, weeks: int, seed: int, today: date) -> Iterator[Patient]:
    """`count` patients with `weeks` weeks up to today."""
    for place in range(count):
        draw = Random(f"{seed}:{place}")
        story = STORIES[place % len(STORIES)]
        condition = CONDITIONS[(place + place // len(STORIES)) % len(CONDITIONS)]
        name = NAMES[place % len(NAMES)] + ("" if place < len(NAMES) else f" {place // len(NAMES) + 1}")
        first = today - timedelta(days=weeks * 7 - 1)
        given = _infusion_days(story, first, today, draw)
        yield Patient(
            name,
            story,
            condition,
            tuple(_days(story, condition, first, today, given, draw)),
            tuple(_infusion(day, number, draw) for number, day in enumerate(given, 1)),
            tuple(_responses(story, condition, given, today, Random(f"{seed}:{place}:answers"))),
            PLAN if place % 3 == 1 else None,
            today - timedelta(days=1) if place % len(STORIES) == 1 else None,
        )


def _responses(
    story: str, condition: str, given: list[date], today: date, draw: Random
) -> Iterator[Answered]:
    """At the times at which they are asked, now and then a day or two later, and sometimes not at all."""
    if not given:
        return
    first, last = given[0], given[min(5, len(given) - 1)]
    timeline = Timeline((Series(first, last, True, True),), None)
    for code in (ASKED[condition], "urinary"):
        instrument = instruments()[code]
        for window in windows(instrument.stages, timeline, today):
            day = window.opens + timedelta(days=draw.randrange(3))
            left_out = draw.random() < (0.3 if story == "forgets" else 0.08)
            if day > today - timedelta(days=1) or (left_out and window.stage != "baseline"):
                continue
            share = _severity(story, day, given, draw) / 10
            if code == "urinary":
                yield Answered(day, code, (0, 1 if draw.random() < 0.15 else 0, 0))
                continue
            answers = []
            for item in instrument.items:
                most = item.options[-1].score
                value = min(most, max(0, round(share * most + draw.uniform(-0.8, 0.6))))
                dark = item.flag == "item-9" and story == "none" and window.stage == "baseline"
                answers.append(1 if dark else 0 if item.flag else value)
            yield Answered(day, code, tuple(answers))


def _infusion_days(story: str, first: date, today: date, draw: Random) -> list[date]:
    start = first + timedelta(days=10 + draw.randrange(6))
    days = [start + timedelta(days=n) for n in (0, 3, 7, 10, 14, 17)]
    if story != "none":
        step = 28 if story == "maintenance" else 35
        while days[-1] + timedelta(days=step) <= today:
            days.append(days[-1] + timedelta(days=step + draw.randrange(-2, 3)))
    return [day for day in days if day <= today]


def _severity(story: str, day: date, given: list[date], draw: Random) -> float:
    """0-10, how bad the day is, by the story."""
    done = [g for g in given if g < day]
    base = 7.4 + draw.uniform(-0.9, 0.9)
    if not done or story == "none":
        return base
    since, count = (day - done[-1]).days, len(done)
    if story == "worse":
        return base + min(2.0, count * 0.35)
    if story == "slow":
        return base - min(4.2, count * 0.75) + max(0, since - 20) * 0.12
    if story == "maintenance":
        return base - 4.3 + max(0, since - 19) * 0.45
    return base - 4.4 + max(0, since - 12) * 0.2


def _days(
    story: str, condition: str, first: date, today: date, given: list[date], draw: Random
) -> Iterator[Told]:
    gap = {"forgets": 0.55, "none": 0.2, "worse": 0.15}.get(story, 0.08)
    for n in range((today - first).days + 1):
        day = first + timedelta(days=n)
        skipped, severity = draw.random() < gap, _severity(story, day, given, draw)
        late_by = draw.randrange(1, 5) if draw.random() < (0.25 if story == "forgets" else 0.06) else 0
        checkin = _checkin(condition, day, given, severity, draw)
        if not skipped and day + timedelta(days=late_by) <= today and not (day == today and n % 2):
            yield Told(day, checkin, draw.randrange(17, 23), late_by)


def _number(value: float) -> int:
    return min(10, max(0, round(value)))


def _checkin(condition: str, day: date, given: list[date], severity: float, draw: Random) -> CheckIn:
    since = min(((day - g).days for g in given if g <= day), default=99)
    measures: dict[str, int] = {}
    for measure in ("mood", "anxiety", "sleep", EXTRA[condition]):
        bad = _number(severity + draw.uniform(-1.2, 1.2))
        if draw.random() > 0.04:
            measures[measure] = 10 - bad if measure in BETTER else bad
    if since <= 7:
        measures["dissociation"] = _number(5 - since * 2 + draw.uniform(-1, 1))
    effects: dict[str, str] = {}
    if since <= 3:
        weights = {0: 1.6, 1: 0.9, 2: 0.4, 3: 0.1}[since]  # severe ones are rare, as they are in clinics
        for effect in ("fatigue", "confusion", "dizziness", "nausea", "headache"):
            grade = min(3, max(0, int(draw.gauss(weights, 0.6))))
            effects[effect] = ("none", "mild", "moderate", "severe")[grade]
    note = draw.choice(NOTES) if draw.random() < 0.15 else ""
    return CheckIn(measures, effects, {}, note)


def _infusion(day: date, number: int, draw: Random) -> Given:
    weight, share = 62 + draw.randrange(30), Decimal("0.5")
    vitals = {
        "before_systolic": 112 + draw.randrange(16),
        "before_diastolic": 70 + draw.randrange(12),
        "peak_systolic": 130 + draw.randrange(20),
        "peak_diastolic": 80 + draw.randrange(14),
        "after_systolic": 114 + draw.randrange(16),
        "after_diastolic": 70 + draw.randrange(12),
    }
    infusion = Infusion(
        number=number,
        phase="series" if number <= 6 else "maintenance",
        started=time(9 + draw.randrange(5), draw.choice((0, 15, 30, 45))),
        minutes=40,
        dose_mg=(share * weight).quantize(Decimal("0.1")),
        dose_mg_per_kg=share,
        route="iv",
        setting="clinic",
        feeling_before=draw.choice(FEELINGS) if number < 4 else "",
        vitals=vitals,
    )
    peak = 5 + draw.randrange(4)
    first: dict[str, object] = {
        "diss_peak": peak,
        "worst_side_effect": draw.choice(("mild", "moderate")),
        "any_red_flag_now": False,
        "domains": {
            "diss_unreal": "moderate",
            "diss_time": draw.choice(("mild", "moderate")),
            "diss_memory": "none",
        },
        "diss_peace": 3 + draw.randrange(6),
        "diss_distress": draw.randrange(5),
        "diss_duration": draw.choice(("1h", "2h")),
        "side_effects": {
            "nausea": draw.choice(("none", "mild")),
            "dizziness": draw.choice(("mild", "moderate")),
        },
        "courses": {"dizziness": Course("during", False, "2h")},
    }
    return Given(day, infusion, first, {"diss_next_day": draw.randrange(3), "still_senses": False})
