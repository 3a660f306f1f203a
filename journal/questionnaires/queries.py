"""What the questionnaire pages need from the log, in one read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from journal.clinics.queries import Settings
from journal.domain import schedule
from journal.domain.access import Viewer
from journal.domain.errors import NotYours
from journal.domain.infusion import Held, Plan
from journal.domain.instrument import Instrument
from journal.domain.instrument_files import find_instrument
from journal.domain.profile import Profile
from journal.domain.questionnaires import (
    RESPONSES,
    Change,
    Response,
    Scored,
    change,
    find_baseline,
    may_take_answers,
    score,
    since_baseline,
)
from journal.domain.schedule import Due, Timeline, Window
from journal.entries.held import held_in, plan_in
from journal.entries.queries import Opened, Want, list_entries
from journal.profiles.queries import PROFILE, profile_in
from journal.shares.queries import find_clinic


@dataclass(frozen=True, slots=True)
class Filled:
    """A response with its entry and its questionnaire."""

    entry: Opened
    response: Response
    instrument: Instrument

    @property
    def scored(self) -> Scored | None:
        """The score of a finished, whole response."""
        total = score(self.instrument, self.response.answers) if self.response.state == "finished" else None
        return None if total is None else Scored(self.entry.day, self.entry.captured_at, total)


def filled_in(opened: Iterable[Opened]) -> tuple[Filled, ...]:
    """The responses among the entries, in their order; one whose questionnaire is no longer there is left out."""
    found = []
    for one in opened:
        kind = RESPONSES.get(one.kind)
        if kind is not None:
            response = kind.load(one.payload)
            instrument = find_instrument(response.instrument)
            if instrument is not None:
                found.append(Filled(one, response, instrument))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Everything about the patient's questionnaires."""

    profile: Profile
    infusions: tuple[Held, ...]
    plan: Plan
    filled: tuple[Filled, ...]
    deleted: tuple[Opened, ...]
    clinic: Settings | None = None
    """The clinic that follows the patient: it chooses between PHQ-9 and PHQ-8."""

    @property
    def withheld(self) -> frozenset[str]:
        """The questionnaires that the clinic that follows hasn't chosen, so that they are not offered."""
        if self.clinic is None or self.clinic.phq == schedule.WITH_ITEM_9:
            return frozenset()
        return frozenset({schedule.WITH_ITEM_9})

    def of(self, code: str) -> tuple[Filled, ...]:
        return tuple(one for one in self.filled if one.instrument.code == code)

    def get(self, entry_id: UUID) -> Filled:
        """Raises NotYours for a response that isn't in this journal."""
        found = next((one for one in self.filled if one.entry.id == entry_id), None)
        if found is None:
            raise NotYours("questionnaire")
        return found

    def _find_newest(self, code: str) -> Filled | None:
        """The one that was answered last; of two at the same moment, the one that isn't finished."""
        mine = self.of(code)
        return max(
            mine, key=lambda one: (one.entry.captured_at, one.response.state != "finished"), default=None
        )

    def find_open(self, code: str, today: date) -> Filled | None:
        """The unfinished response that can be gone on with: begun or set aside at most a week ago."""
        newest = self._find_newest(code)
        if newest is None or newest.response.state == "finished":
            return None
        return newest if may_take_answers(newest.response.state, newest.entry.day, today) else None

    def find_finished(self, code: str, today: date) -> Filled | None:
        """The newest response, if it was finished today: its answers can still be changed."""
        newest = self._find_newest(code)
        if newest is None or newest.response.state != "finished" or newest.entry.day != today:
            return None
        return newest

    def is_on(self, instrument: Instrument) -> bool:
        return instrument.is_on(self.profile.treated_for, self.profile.questionnaires)

    def timeline(self, today: date) -> Timeline:
        return Timeline.of(self.infusions, self.plan.days, today)

    def due(self, today: date) -> tuple[Due, ...]:
        return schedule.list_due(self.profile, done_days(self.filled), self.timeline(today), today)

    def find_next(self, instrument: Instrument, today: date) -> Window | None:
        done = [day for _code, day in done_days(self.of(instrument.code))]
        return schedule.find_next(instrument.stages, self.timeline(today), done, today)

    def compare(self, one: Filled) -> "Compared":
        """How the score has changed since the one before it, and since the baseline of its series."""
        now = one.scored
        if now is None:
            return Compared(None, None, None)
        scores = [other.scored for other in self.of(one.instrument.code) if other.entry.id != one.entry.id]
        earlier = [other for other in scores if other is not None and other.at < now.at]
        last = max(earlier, key=lambda other: other.at, default=None)
        baseline = self._baseline(earlier, now.day)
        return Compared(
            now,
            change(one.instrument, last, now.score) if last else None,
            since_baseline(one.instrument, baseline, now.score) if baseline else None,
        )

    def _baseline(self, earlier: Sequence[Scored], day: date) -> Scored | None:
        firsts = [
            held
            for held in self.infusions
            if held.number == 1 and held.infusion.phase == "series" and held.day <= day
        ]
        if not firsts:
            return None
        first = firsts[-1]
        return find_baseline(earlier, first.day, first.infusion.starts_at(first.day, first.zone))


@dataclass(frozen=True, slots=True)
class Compared:
    """A score with its changes; None where there is nothing to compare it with."""

    scored: Scored | None
    since_last: Change | None
    since_baseline: Change | None


def done_days(filled: Iterable[Filled]) -> list[tuple[str, date]]:
    """What was finished or set aside, by code and day: it isn't asked again for those."""
    return [(one.instrument.code, one.entry.day) for one in filled if one.response.state != "open"]


def get_shelf(session: Session, viewer: Viewer, restorable: datetime | None = None) -> Shelf:
    """In one read. Responses deleted since `restorable` can still be brought back."""
    wants = [PROFILE, Want("infusion"), Want("plan"), *(Want(kind) for kind in RESPONSES)]
    opened = list_entries(session, viewer, wants, with_deleted=True)
    live = [one for one in opened if not one.is_deleted]
    deleted = tuple(
        one
        for one in opened
        if one.is_deleted
        and one.kind in RESPONSES
        and restorable is not None
        and one.received_at >= restorable
    )
    profile, clinic = profile_in(live)[0], find_clinic(session, viewer)
    if clinic is not None:
        profile = schedule.as_clinic_chose(profile, clinic.phq)
    return Shelf(profile, held_in(live), plan_in(live)[0], filled_in(live), deleted, clinic)
