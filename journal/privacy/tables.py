"""The journal as CSV tables (RFC 4180): what counts now, a row an entry. Deleted entries and earlier versions are in
journal.json only."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from journal.domain.after_infusion import DOMAINS, AfterInfusion
from journal.domain.cells import guard
from journal.domain.checkin import CheckIn, Note
from journal.domain.exchange import Whole
from journal.domain.infusion import VITAL_FIELDS, Infusion
from journal.domain.instrument_files import find_instrument
from journal.domain.measures import MEASURES
from journal.domain.profile import Profile
from journal.domain.questionnaires import RESPONSES, band, score
from journal.domain.side_effects import ASKED_IF_NOW, SIDE_EFFECTS

Cell = str | int | Decimal | bool | None
Table = tuple[Sequence[str], Iterable[Sequence[Cell]]]


def tables(entries: Sequence[Whole], profile: Profile) -> dict[str, bytes]:
    """Every table by the name of its file."""
    live = sorted(
        (one for one in entries if not one.is_deleted), key=lambda one: (one.day, one.current.captured_at)
    )
    by_kind: dict[str, list[Whole]] = {}
    for one in live:
        by_kind.setdefault(one.kind, []).append(one)
    responses = [one for one in live if one.kind in RESPONSES]
    made = {
        "check-ins.csv": _checkins(by_kind.get(CheckIn.kind, []), profile),
        "notes.csv": _notes(by_kind.get(Note.kind, [])),
        "infusions.csv": _infusions(by_kind.get(Infusion.kind, [])),
        "after-infusions.csv": _reports(by_kind.get(AfterInfusion.kind, [])),
        "questionnaires.csv": _responses(responses),
        "answers.csv": _answers(responses),
    }
    return {name: write(*table) for name, table in made.items()}


def write(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A table in UTF-8 with a byte-order mark (Excel wants one), lines ended by CRLF, every text in quotes."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([safe(name) for name in header])
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
    return file.getvalue().encode("utf-8-sig")


def safe(cell: Cell) -> Cell:
    """The cell, unable to be taken for a formula. Numbers stay numbers, yes and no are words, empty is skipped."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return guard(cell) if isinstance(cell, str) else cell


ABOUT = ("id", "day", "logged_at", "filled_in_later", "versions")


def _about(one: Whole) -> list[Cell]:
    return [
        str(one.id),
        one.day.isoformat(),
        _local(one.current.captured_at, one.zone),
        one.is_late,
        one.last_revision,
    ]


def _local(at: datetime, zone: str) -> str:
    """The time on the patient's wall, with how far that is from UTC."""
    return at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")


def _load(one: Whole, kind: Any) -> Any:
    return kind.load(one.current.payload)


def _seen(values: Iterable[Mapping[str, Any]], known: Iterable[str]) -> list[str]:
    """The names that occur, in the order of the pages, the patient's own last."""
    found = {name for one in values for name in one}
    order = list(known)
    return [name for name in order if name in found] + sorted(found - set(order))


def _checkins(entries: Sequence[Whole], profile: Profile) -> Table:
    told: list[CheckIn] = [_load(one, CheckIn) for one in entries]
    measures = _seen((one.measures for one in told), MEASURES)
    effects = _seen((one.side_effects for one in told), SIDE_EFFECTS)
    now = _seen((one.happening_now for one in told), ASKED_IF_NOW)
    names = [name if name in MEASURES else f"{name} {profile.measure(name).title}" for name in measures]
    header = [*ABOUT, *names, *_prefixed("side_effects", effects), *_prefixed("happening_now", now), "note"]
    rows = (
        [
            *_about(entry),
            *(one.measures.get(name) for name in measures),
            *(one.side_effects.get(name) for name in effects),
            *(one.happening_now.get(name) for name in now),
            one.note,
        ]
        for entry, one in zip(entries, told, strict=True)
    )
    return header, rows


def _prefixed(prefix: str, names: Iterable[str]) -> list[str]:
    return [f"{prefix}-{name}" for name in names]


def _notes(entries: Sequence[Whole]) -> Table:
    return [*ABOUT, "text"], ([*_about(one), _load(one, Note).text] for one in entries)


INFUSION = ("number", "phase", "started", "minutes", "dose_mg", "dose_mg_per_kg", "route", "setting")


def _infusions(entries: Sequence[Whole]) -> Table:
    told: list[Infusion] = [_load(one, Infusion) for one in entries]
    header = [*ABOUT, *INFUSION, "feeling_before", *_prefixed("vitals", VITAL_FIELDS), "note"]
    rows = (
        [
            *_about(entry),
            one.number,
            one.phase,
            one.started.isoformat("minutes") if one.started else None,
            one.minutes,
            one.dose_mg,
            one.dose_mg_per_kg,
            one.route,
            one.setting,
            one.feeling_before,
            *(one.vitals.get(name) for name in VITAL_FIELDS),
            one.note,
        ]
        for entry, one in zip(entries, told, strict=True)
    )
    return header, rows


REPORT = (
    "part",
    "unfinished",
    "diss_peak",
    "diss_peace",
    "diss_distress",
    "diss_duration",
    "diss_next_day",
    "still_senses",
    "worst_side_effect",
    "any_red_flag_now",
)


def _reports(entries: Sequence[Whole]) -> Table:
    told: list[AfterInfusion] = [_load(one, AfterInfusion) for one in entries]
    effects = _seen((one.side_effects for one in told), SIDE_EFFECTS)
    courses = _seen((one.courses for one in told), SIDE_EFFECTS)
    now = _seen((one.happening_now for one in told), ASKED_IF_NOW)
    header = [*ABOUT, "infusion_id", *REPORT, *DOMAINS, *_prefixed("side_effects", effects)]
    header += [f"{part}-{name}" for name in courses for part in ("started", "still_there", "gone")]
    header += [*_prefixed("happening_now", now), "note"]
    rows = (
        [
            *_about(entry),
            str(one.infusion_id),
            *(getattr(one, name) for name in REPORT),
            *(one.domains.get(name) for name in DOMAINS),
            *(one.side_effects.get(name) for name in effects),
            *(value for name in courses for value in _course(one, name)),
            *(one.happening_now.get(name) for name in now),
            one.note,
        ]
        for entry, one in zip(entries, told, strict=True)
    )
    return header, rows


def _course(report: AfterInfusion, effect: str) -> tuple[Cell, Cell, Cell]:
    course = report.courses.get(effect)
    return (None, None, None) if course is None else (course.started, course.still_there, course.gone)


def _responses(entries: Sequence[Whole]) -> Table:
    header = [*ABOUT, "questionnaire", "title", "language", "state", "score", "range"]
    return header, (_response(one) for one in entries)


def _response(entry: Whole) -> list[Cell]:
    one = _load(entry, RESPONSES[entry.kind])
    instrument = find_instrument(one.instrument)
    total = score(instrument, one.answers) if instrument and one.state == "finished" else None
    found = band(instrument, total) if instrument and total is not None else None
    return [
        *_about(entry),
        one.instrument,
        instrument.title if instrument else None,
        one.language,
        one.state,
        total,
        found.label["en"] if found else None,
    ]


def _answers(entries: Sequence[Whole]) -> Table:
    header = ["response_id", "day", "questionnaire", "question", "wording", "score", "answer"]
    return header, (row for one in entries for row in _answers_of(one))


def _answers_of(entry: Whole) -> Iterable[list[Cell]]:
    one = _load(entry, RESPONSES[entry.kind])
    instrument = find_instrument(one.instrument)
    for item_id, number in one.answers.items():
        item = instrument.find_item(item_id) if instrument else None
        option = item.find_option(number) if item else None
        yield [
            str(entry.id),
            entry.day.isoformat(),
            one.instrument,
            item_id,
            item.text[one.language] if item else None,
            number,
            option.label[one.language] if option else None,
        ]
