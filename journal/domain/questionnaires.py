"""A response to a questionnaire: what was answered, its score, and how it has changed. Totals are always computed here,
never accepted, and never from a form that isn't whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Self

from journal.domain.errors import Refused
from journal.domain.fields import Reader
from journal.domain.instrument import ABOVE_ZERO, Band, Goal, Instrument, Item, Step
from journal.domain.instrument_files import find_instrument, instruments

STATES = ("open", "finished", "set-aside")
RESUME_DAYS = 7
"""Own choice: an unfinished response can be gone on with for a week. Later its answers would look back on two
different times."""
BASELINE_DAYS = 14
"""Own choice: the last whole score in the 14 days before infusion 1 is the baseline."""
PERCENT_FROM = 5
"""Own choice: under a baseline of 5, a change is told in points only."""
TOTALS = ("total", "score", "band")


@dataclass(frozen=True, slots=True)
class Response:
    """`answers` is a score by item id, in the order of the form; an item that was skipped is left out."""

    kind: ClassVar[str] = "questionnaire"

    instrument: str
    language: str = "en"
    answers: Mapping[str, int] = field(default_factory=dict)
    state: str = "open"

    def dump(self) -> dict[str, Any]:
        return {
            "instrument": self.instrument,
            "language": self.language,
            "answers": dict(self.answers),
            "state": self.state,
        }

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Self:
        """From what `dump` gave; nothing is checked again."""
        known = find_instrument(stored["instrument"])
        order = [item.id for item in known.items] if known else []
        answers = {
            i: stored["answers"][i]
            for i in dict.fromkeys([*order, *stored["answers"]])
            if i in stored["answers"]
        }
        return cls(stored["instrument"], stored["language"], answers, stored["state"])

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """From untrusted data. Raises Refused with a reason per field."""
        for name in TOTALS:
            if name in data:
                raise Refused({name: "The journal counts scores itself. Leave this out."})
        reader = Reader(data, {"instrument", "language", "answers", "state"})
        codes = tuple(code for code, one in instruments().items() if one.kept_as == cls.kind)
        code = reader.choice("instrument", codes, "The journal doesn’t know this questionnaire.")
        if code is None:
            reader.refuse("instrument", "Say which questionnaire this is.")
            reader.finish()
        instrument = instruments()[code or ""]
        language = reader.choice("language", instrument.languages, "Choose a language that it comes in.")
        state = reader.choice("state", STATES, "Choose open, finished or set-aside.")
        answers: dict[str, int] = {}
        raw = reader.mapping("answers")
        for item_id, value in raw.items():
            item = instrument.find_item(item_id)
            if item is None:
                reader.refuse(item_id[:40], "This questionnaire has no such question.")
                continue
            number = reader.whole_value(value, item.options[0].score, item.options[-1].score, PICK, item_id)
            if number is not None and item.find_option(number) is None:
                reader.refuse(item_id, PICK)
            elif number is not None:
                answers[item_id] = number
        reader.finish()
        ordered = {item.id: answers[item.id] for item in instrument.items if item.id in answers}
        return cls(instrument.code, language or instrument.languages[0], ordered, state or "open")

    def answer(self, item_id: str, value: Any, language: str) -> Self:
        """The response with one answer more, or changed. Raises Refused for one that the form doesn't offer."""
        data = self.dump() | {"answers": {**self.answers, item_id: value}, "language": language}
        return type(self).parse(data)

    def become(self, state: str) -> Self:
        return replace(self, state=state)


PICK = "Choose one of the answers."


@dataclass(frozen=True, slots=True)
class UrinaryCheck(Response):
    """The same, kept as a kind of its own: it is shared with the side effects."""

    kind: ClassVar[str] = "urinary-check"


RESPONSES: Mapping[str, type[Response]] = {one.kind: one for one in (Response, UrinaryCheck)}


def may_take_answers(state: str, day: date, today: date) -> bool:
    """A finished response, on the day on which it was finished (own choice: then its score stands); an unfinished one,
    for a week from the day on which it was begun."""
    return day == today if state == "finished" else today <= day + timedelta(days=RESUME_DAYS)


def asked_items(instrument: Instrument, answers: Mapping[str, int]) -> tuple[Item, ...]:
    """The questions to ask, given the answers so far: none after a gate that was answered with 0; a question that is
    asked only when something is above zero, only then."""
    first = instrument.items[0]
    if first.gate and answers.get(first.id) == 0:
        return (first,)
    above = any(answers.get(item.id, 0) > 0 for item in instrument.items if item.scored)
    return tuple(item for item in instrument.items if item.asked_if != ABOVE_ZERO or above)


def unanswered(instrument: Instrument, answers: Mapping[str, int]) -> tuple[Item, ...]:
    return tuple(item for item in asked_items(instrument, answers) if item.id not in answers)


def is_whole(instrument: Instrument, answers: Mapping[str, int]) -> bool:
    """Every question that counts was answered."""
    return all(item.id in answers for item in asked_items(instrument, answers) if item.scored or item.gate)


def score(instrument: Instrument, answers: Mapping[str, int]) -> Decimal | None:
    """The score of a whole form, within the instrument's range; None for one that isn't whole, or has no score."""
    if instrument.method == "none" or not is_whole(instrument, answers):
        return None
    scored = [item for item in asked_items(instrument, answers) if item.scored]
    total = Decimal(sum(answers[item.id] for item in scored))
    if instrument.method == "mean" and scored:
        total /= len(scored)
    return total.quantize(Decimal(1).scaleb(-instrument.decimals), ROUND_HALF_UP)


def band(instrument: Instrument, total: Decimal) -> Band | None:
    """The range of severity that the score is in, where the instrument has any."""
    return next((one for one in instrument.bands if one.least <= total <= one.most), None)


@dataclass(frozen=True, slots=True)
class Scored:
    """A score with its day, and the instant at which it was finished."""

    day: date
    at: datetime
    score: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """From `before` to a later score: `points` below zero are better. `percent` is how much lower (negative: higher),
    None where the baseline is too low to say. `step` is the largest named step that was reached; `smallest` the first
    one that there is."""

    before: Scored
    points: Decimal
    percent: int | None
    step: Step | None
    smallest: Step | None
    goals: tuple[Goal, ...] = ()


def change(instrument: Instrument, before: Scored, now: Decimal) -> Change:
    points = now - before.score
    percent = None
    if before.score >= PERCENT_FROM:
        percent = int((-points * 100 / before.score).quantize(Decimal(1), ROUND_HALF_UP))
    reached = [step for step in instrument.steps if abs(points) >= step.points]
    return Change(
        before,
        points,
        percent,
        reached[-1] if reached else None,
        instrument.steps[0] if instrument.steps else None,
    )


def since_baseline(instrument: Instrument, baseline: Scored, now: Decimal) -> Change:
    """The change since the baseline, with response and remission where they are defined. A response needs a baseline
    of 5 or more; remission, that the baseline was above it."""
    told = change(instrument, baseline, now)
    goals = []
    response, remission = instrument.response, instrument.remission
    fell = -told.points
    if response is not None and response.share is not None and baseline.score >= PERCENT_FROM:
        goals += [response] if fell >= Decimal(str(response.share)) * baseline.score else []
    if remission is not None and remission.below is not None and now < remission.below <= baseline.score:
        goals.append(remission)
    return replace(told, goals=tuple(goals))


def find_baseline(scores: Sequence[Scored], first_day: date, starts_at: datetime | None) -> Scored | None:
    """The last score in the 14 days before infusion 1. One of the same day counts if it was finished before the start,
    where that is known."""
    before = [
        one
        for one in scores
        if first_day - timedelta(days=BASELINE_DAYS) <= one.day
        and (one.day < first_day or (one.day == first_day and starts_at is not None and one.at < starts_at))
    ]
    return max(before, key=lambda one: one.at, default=None)


def say_number(value: Decimal) -> str:
    """14, 4.3, 4 for 4.0."""
    return f"{value.normalize():f}"


def say_change(told: Change, since: str) -> tuple[str, ...]:
    """How it changed since what `since` names ("last time (17 on Sun 15 Nov)"), and what a step of that size is held to
    mean."""
    if told.points == 0:
        return (f"The same as {since}.",)
    size, way = abs(told.points), "lower" if told.points < 0 else "higher"
    text = f"{say_number(size)} point{'' if size == 1 else 's'} {way} than {since}"
    text += f", which is {abs(told.percent)} % {way}." if told.percent else "."
    says = [text, *(goal.says for goal in told.goals)]
    if told.step is not None:
        says.append(f"{told.step.says} This change is that big.")
    elif told.smallest is not None:
        says.append(f"{told.smallest.says} This change is smaller.")
    return tuple(says)
