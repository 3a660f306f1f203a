"""A clinic's week in numbers: exact ones for whoever sees the rows anyway, blurred ones for mails and everybody else."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from journal.domain.digest import LOGGED_LEAST, Row


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one clinic's week. People are counted once each, flags and entries one by one."""

    people: int = 0
    active: int = 0
    logged: int = 0
    review: int = 0
    flags: int = 0
    overdue: int = 0
    waiting: int = 0
    received: int = 0

    def add(self, row: Row) -> "Counts":
        return Counts(
            self.people + 1,
            self.active + (row.received > 0),
            self.logged + (row.days_logged >= LOGGED_LEAST),
            self.review + row.has("flags", "worse"),
            self.flags + row.safety_flags,
            self.overdue + row.has("overdue"),
            self.waiting + row.has("waiting"),
            self.received + row.received,
        )

    def dump(self) -> dict[str, int]:
        return asdict(self)


def counts(rows: Iterable[Row]) -> Counts:
    found = Counts()
    for row in rows:
        found = found.add(row)
    return found


NEARLY_ALL = "nearly all"


def blur(count: int, below: int, *, few_people: bool = False) -> str:
    """A count as mails and people without a right to rows may see it. Where few people are followed, no count is
    told but 0."""
    if count == 0:
        return "0"
    if count < below:
        return f"fewer than {below}"
    return "some" if few_people else str(count)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the counts: its id, what is counted, and the number in words."""

    id: str
    title: str
    says: str


TITLES = {
    "flags": "Safety flags still open",
    "people": "People followed",
    "active": "People active",
    "logged": "Logged 4 days or more",
    "review": "Need review",
    "overdue": "Follow-ups overdue",
    "waiting": "Shared summaries waiting",
    "received": "Entries that came in",
}
IN_MAIL = ("flags", "active", "logged", "review", "overdue", "waiting")
"""Without the people followed: who knows them all could tell from "23 active" that one was not."""


def say_counts(told: Counts, below: int, ids: Sequence[str] = tuple(TITLES)) -> tuple[Line, ...]:
    """Blurred, in their order. A count that lacks only a few to the one before it, of which it is a part, is told as
    "nearly all": the difference would be a small count too."""
    few = told.people < below
    says = {name: blur(getattr(told, name), below, few_people=few) for name in TITLES}
    if not few:
        for part, whole in (("logged", "active"), ("active", "people")):
            here, all_of_it = getattr(told, part), getattr(told, whole)
            if here >= below and 0 < all_of_it - here < below:
                says[part] = NEARLY_ALL
    return tuple(Line(name, TITLES[name], says[name]) for name in TITLES if name in ids)


def say_exact(told: Counts) -> tuple[Line, ...]:
    """For whoever may see the rows anyway."""
    return tuple(Line(name, title, str(getattr(told, name))) for name, title in TITLES.items())
