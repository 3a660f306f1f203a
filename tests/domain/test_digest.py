"""What a digest says of one patient: each reason at its threshold and one below, and what a share must hold for it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from journal.domain.access import KINDS, Scope
from journal.domain.digest import (
    SECTIONS,
    Answers,
    Cause,
    Item,
    Newest,
    OpenFlag,
    Row,
    Told,
    build_row,
)
from journal.domain.digest_counts import Counts, blur, counts, say_counts
from journal.domain.infusion import Held, Infusion
from journal.domain.instrument_files import instruments
from journal.domain.measures import MEASURES
from journal.domain.questionnaires import Scored
from journal.domain.worklist import Recent

TODAY = date(2026, 11, 22)
ALL = Scope(frozenset(KINDS))
WHERE = ZoneInfo("America/Denver")


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def held(days_ago: int, number: int, phase: str = "series") -> Held:
    day = ago(days_ago)
    at = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
    return Held(uuid4(), day, WHERE, at, Infusion(number=number, phase=phase), number)


def series(last_ago: int) -> list[Held]:
    """Six infusions, three days apart, the last so many days ago."""
    return [held(last_ago + 3 * (6 - n), n) for n in range(1, 7)]


def scored(*scores: tuple[int, int]) -> list[Scored]:
    """(days ago, score)"""
    return [
        Scored(ago(back), datetime(2026, 11, 22, tzinfo=UTC) - timedelta(days=back), Decimal(value))
        for back, value in scores
    ]


def phq(*scores: tuple[int, int], is_new: bool = False, done: tuple[int, ...] = ()) -> Answers:
    found = scored(*scores)
    days = [one.day for one in found] + [ago(back) for back in done]
    return Answers(instruments()["phq-9"], found, days, is_new)


def recent(**values: Any) -> Recent:
    given: dict[str, Any] = {
        "measure": MEASURES["mood"],
        "values": {},
        "infusions": [],
        "logged": [ago(n) for n in range(14)],
        "scores": [],
        "flags": [],
    }
    return Recent(**(given | values))


def told(**values: Any) -> Told:
    given: dict[str, Any] = {
        "scope": ALL,
        "today": TODAY,
        "since": ago(6),
        "recent": recent(),
        "infusions": [],
        "planned": [],
        "answers": [],
        "flags": [],
    }
    return Told(**(given | values))


def items(section: str, **values: Any) -> list[Item]:
    return [one for one in build_row(told(**values)).items if one.section == section]


def a_flag(rule: str = "item-9", urgency: str = "safety", day: date = TODAY) -> OpenFlag:
    return OpenFlag(Cause(str(uuid4()), rule, "questionnaire", day), urgency, "Answered.", "open")


@pytest.mark.parametrize(
    ("last_ago", "baseline", "newest", "newest_ago", "says"),
    [
        (20, 18, 14, 6, True),  # four points lower, fourteen days after
        (20, 18, 13, 6, False),  # five points: a meaningful step
        (20, 18, 14, 7, False),  # thirteen days after the last infusion
        (20, 18, 20, 6, True),  # higher: not lower either
        (45, 18, 17, 28, False),  # longer than four weeks ago
        (45, 18, 17, 27, True),
    ],
)
def test_no_improvement(last_ago: int, baseline: int, newest: int, newest_ago: int, says: bool) -> None:
    given = series(last_ago)
    answers = [phq((last_ago + 17, baseline), (newest_ago, newest))]
    found = items("no-improvement", infusions=given, answers=answers)
    assert bool(found) is says
    if says:
        assert f"PHQ-9 is {newest} on" in found[0].says and f"{baseline} before infusion 1" in found[0].says
        assert "not lower by 5 points" in found[0].rule
        assert found[0].kinds == {"questionnaires", "infusions"} and found[0].first == ago(last_ago + 17)


def test_a_share_that_begins_in_a_series_says_nothing_of_it() -> None:
    given = [replace(one, number=place + 1) for place, one in enumerate(series(20)[3:])]
    given = [replace(one, infusion=replace(one.infusion, number=None)) for one in given]
    late = Scope(frozenset(KINDS), ago(28))
    answers = [phq((27, 18), (6, 17))]
    assert not items("no-improvement", infusions=given, answers=answers, scope=late)


@pytest.mark.parametrize(
    ("last_ago", "done", "says"),
    [
        (21, (15,), True),  # asked from day 14 after the last: seven days ago
        (20, (14,), False),  # six days ago
        (21, (7,), False),  # answered on the day it was asked
        (21, (70,), False),  # turned off, for all that is shared
    ],
)
def test_overdue(last_ago: int, done: tuple[int, ...], says: bool) -> None:
    found = items("overdue", infusions=series(last_ago), answers=[phq((done[0], 15))])
    assert bool(found) is says
    if says:
        assert found[0].says.startswith("PHQ-9 was asked for from 15 November.")


def test_a_share_that_has_stopped_says_nothing_of_what_is_missing() -> None:
    stopped = Scope(frozenset(KINDS), None, ago(3))
    answers = [phq((24, 15))]
    found = build_row(told(infusions=series(21), answers=answers, scope=stopped, recent=recent(logged=[])))
    assert not found.has("overdue", "low-logging")


@pytest.mark.parametrize(
    ("days", "infusion_ago", "says"),
    [(3, 7, True), (4, 7, False), (3, 6, True), (3, 5, False), (3, 21, True), (3, 22, False)],
)
def test_little_logged(days: int, infusion_ago: int, says: bool) -> None:
    logged = [ago(n) for n in range(days)]
    found = items("low-logging", infusions=[held(infusion_ago, 1)], recent=recent(logged=logged))
    assert bool(found) is says
    if says:
        assert found[0].says.startswith("3 of the last 7 days logged, after infusion 1 on")


def test_silent_is_not_said_twice() -> None:
    quiet = recent(logged=[], infusions=[(ago(8), 1)])
    found = build_row(told(infusions=[held(8, 1)], recent=quiet))
    assert found.has("silent") and not found.has("low-logging")


@pytest.mark.parametrize(
    ("newest", "reviewed", "says"),
    [
        (Newest(TODAY, "daily"), None, True),
        (Newest(TODAY, "daily"), ago(14), True),
        (Newest(TODAY, "daily"), ago(13), False),
        (None, ago(40), False),
    ],
)
def test_waiting_for_review(newest: Newest | None, reviewed: date | None, says: bool) -> None:
    assert bool(items("waiting", newest=newest, reviewed_on=reviewed)) is says


def test_infusions_given_and_planned() -> None:
    given = [held(7, 1), held(6, 2), held(0, 3)]
    planned = [TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=14), TODAY + timedelta(days=15)]
    found = [one.says for one in items("infusions", infusions=given, planned=planned)]
    assert found == [
        "Infusion 2 on Monday 16 November.",
        "Infusion 3 on Sunday 22 November.",
        "Planned for Monday 23 November.",
        "Planned for Sunday 6 December.",
    ]
    until = Scope(frozenset(KINDS), None, TODAY + timedelta(days=1))
    assert len(items("infusions", infusions=given, planned=planned, scope=until)) == 3


def test_better_says_what_questionnaires_say() -> None:
    given = series(7)
    found = items("better", infusions=given, answers=[phq((24, 18), (1, 4), is_new=True)])
    assert found and "14 points lower than before infusion 1 (18 on" in found[0].says
    assert "under 5" in found[0].says.lower() or "remission" in found[0].says.lower()
    assert not items("better", infusions=given, answers=[phq((24, 18), (1, 4), is_new=False)])
    assert not items("better", infusions=given, answers=[phq((24, 18), (1, 14), is_new=True)])


def test_flags_come_first_by_urgency_and_each_row_once() -> None:
    raised = [a_flag("harm-risk", "review"), a_flag()]
    row = build_row(told(flags=raised, newest=Newest(TODAY, "daily")))
    assert [one.shape for one in row.items[:2]] == ["safety", "review"]
    assert row.items[0].section == "flags" and row.safety_flags == 1
    order = list(SECTIONS)
    assert [order.index(one.section) for one in row.items] == sorted(
        order.index(one.section) for one in row.items
    )


def test_items_survive_being_kept() -> None:
    answers = [phq((37, 18), (6, 17))]
    row = build_row(told(flags=[a_flag()], infusions=series(20), answers=answers))
    assert len(row.items) >= 2
    assert tuple(Item.load(one.dump()) for one in row.items) == row.items


def test_what_a_share_no_longer_holds_is_not_seen() -> None:
    answers = [phq((37, 18), (6, 17))]
    row = build_row(told(flags=[a_flag()], infusions=series(20), answers=answers))
    flagged, stays = row.items[0], next(one for one in row.items if one.section == "no-improvement")
    for scope, flag_seen, stays_seen in (
        (ALL, True, True),
        (Scope(frozenset({"questionnaires"})), True, False),
        (Scope(frozenset({"daily", "infusions"})), False, False),
        (Scope(frozenset(KINDS), ago(37)), True, True),
        (Scope(frozenset(KINDS), ago(36)), True, False),
        (Scope(frozenset(KINDS), None, ago(1)), False, True),
    ):
        assert (flagged.is_held(scope), stays.is_held(scope)) == (flag_seen, stays_seen), scope


@pytest.mark.parametrize(
    ("count", "says"), [(0, "0"), (1, "fewer than 5"), (4, "fewer than 5"), (5, "5"), (132, "132")]
)
def test_small_counts_are_blurred(count: int, says: str) -> None:
    assert blur(count, 5) == says


def said(**values: int) -> dict[str, str]:
    return {one.id: one.says for one in say_counts(Counts(**values), 5)}


def test_no_difference_of_two_counts_is_small() -> None:
    assert said(people=40, active=24, logged=19)["logged"] == "19"
    assert said(people=40, active=24, logged=22)["logged"] == "nearly all"
    assert said(people=40, active=24, logged=24)["logged"] == "24"
    assert said(people=26, active=24)["active"] == "nearly all"


def test_a_clinic_of_few_tells_no_count() -> None:
    told = said(people=4, active=4, received=28, flags=7)
    assert told["people"] == told["active"] == "fewer than 5" and told["waiting"] == "0"
    assert told["received"] == told["flags"] == "some"


def test_people_are_counted_once() -> None:
    flagged = build_row(told(flags=[a_flag(), a_flag("not-safe")], received=3, days_logged=4))
    found = counts([flagged, Row((), 1, 3), Row(())])
    assert found == Counts(people=3, active=2, logged=1, review=1, flags=2, received=4)
