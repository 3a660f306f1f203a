"""What a questionnaire is made of. Each is a file in `instruments/`; no code knows one by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from journal.domain.errors import JournalError
from journal.domain.measures import CONDITIONS

KINDS = ("questionnaire", "urinary-check")
"""As what kind of entry a response is kept: who holds one kind in a share doesn't hold the other."""
LANGUAGES = {"en": "English", "es": "Español"}
STAGES = ("baseline", "weekly", "after", "four-weekly", "once")
FOR = (*CONDITIONS, "unknown", "everyone")
METHODS = ("sum", "mean", "none")
ITEM_FLAGS = ("item-9", "harm-risk")
"""Rules of journal/domain/flags.py that an item can name."""
ABOVE_ZERO = "any-above-zero"

Text = Mapping[str, str]
"""What is said, by language."""


class WrongShape(JournalError):
    """A questionnaire's file can't be used. The message names the file and the field."""


@dataclass(frozen=True, slots=True)
class Option:
    score: int
    label: Text
    loinc: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """`gate`: the first question, whose 0 ends the form with a score of 0. `asked_if`: asked only when any scored item
    is above zero. `anchors` are what the lowest and the highest number mean, by language. `flag` names a rule."""

    id: str
    text: Text
    options: tuple[Option, ...]
    loinc: str | None
    scored: bool
    gate: bool
    asked_if: str | None
    anchors: Mapping[str, tuple[str, str]] | None
    cluster: str | None
    flag: str | None

    def find_option(self, score: int | None) -> Option | None:
        return next((option for option in self.options if option.score == score), None)


@dataclass(frozen=True, slots=True)
class Band:
    id: str
    least: int
    most: int
    label: Text


@dataclass(frozen=True, slots=True)
class Step:
    """A change that somebody found to mean something: `points`, what is said of it, and where it comes from."""

    points: int
    says: str
    basis: str


@dataclass(frozen=True, slots=True)
class Goal:
    """Response (`share`, 0-1, at least that much lower than the baseline) or remission (`below` that score)."""

    says: str
    basis: str
    share: float | None = None
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Licence:
    statement: str
    copyright: str | None
    credit: Text | None
    confidence: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One questionnaire. Scores run from `least` to `most`, higher is worse; method "none" has no score."""

    code: str
    place: int
    kept_as: str
    title: str
    short_title: str
    about: str
    version: str
    languages: tuple[str, ...]
    licence: Licence
    sources: tuple[str, ...]
    recall: Text
    content_note: tuple[str, ...]
    instructions: Text | None
    stem: Text | None
    items: tuple[Item, ...]
    method: str
    least: int
    most: int
    decimals: int
    bands: tuple[Band, ...]
    steps: tuple[Step, ...]
    response: Goal | None
    remission: Goal | None
    stages: tuple[str, ...]
    default_for: tuple[str, ...]
    panel_loinc: str | None
    total_loinc: str | None

    @property
    def length(self) -> int:
        """How many questions it has, without one that is only sometimes asked."""
        return sum(item.asked_if is None for item in self.items)

    def find_item(self, item_id: str) -> Item | None:
        return next((item for item in self.items if item.id == item_id), None)

    def is_on(self, treated_for: Iterable[str], chosen: Mapping[str, bool]) -> bool:
        """Whether it is asked: as the patient chose, else by what is treated."""
        if self.code in chosen:
            return chosen[self.code] and bool(self.stages)
        treated = tuple(treated_for) or ("unknown",)
        return "everyone" in self.default_for or any(one in self.default_for for one in treated)

    def language(self, wanted: str) -> str:
        """The language wanted where the wording exists in it, else the first one."""
        return wanted if wanted in self.languages else self.languages[0]
