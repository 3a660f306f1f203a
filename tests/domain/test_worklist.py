"""Whom to see first: each rule at its threshold and one below, with the words it is told in."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from journal.domain.flag_rules import RULES
from journal.domain.instrument_files import instruments
from journal.domain.measures import MEASURES
from journal.domain.questionnaires import Scored, change, say_number
from journal.domain.worklist import RANKS, TAGS, Flag, Reason, Recent, Score, order, reasons

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 19, tzinfo=UTC)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def moods(*values: int | None) -> dict[date, int]:
    """The last one is today's; None is a day without an entry."""
    days = [ago(n) for n in range(len(values) - 1, -1, -1)]
    return {day: value for day, value in zip(days, values, strict=True) if value is not None}


def told(**values: object) -> Recent:
    given: dict[str, object] = {
        "measure": MEASURES["mood"],
        "values": {},
        "infusions": [],
        "logged": [TODAY],
        "scores": [],
        "flags": [],
    }
    return Recent(**(given | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "fires", "why"),
    [
        (moods(5, 5, 5, 5, 5, 2, 2, 2), True, "three points below the middle of five, three days in a row"),
        (moods(5, 5, 5, 5, 5, 2, 2, 3), False, "the last day is two points below only"),
        (moods(5, 5, 5, 5, 5, 2, 3, 2), False, "the day between is two points below only"),
        (moods(5, 5, 5, 5, 5, 5, 2, 2), False, "two days only"),
        (moods(5, 5, 5, 5, 2, 2, 2), False, "the baseline has four days"),
        (moods(5, 5, 5, 5, 5, None, 2, None, 2, 2), True, "a gap between is bridged"),
        (
            moods(5, 5, 5, 5, 5, 2, 2, 2, None, None, None, None, None),
            True,
            "seven days since the first of the three",
        ),
        (moods(5, 5, 5, 5, 5, 2, 2, 2, *[None] * 6), False, "longer ago than a week"),
        (moods(9, 9, 9, 9, 9, *[None] * 12, 2, 2, 2), False, "the days before are longer ago than two weeks"),
        ({}, False, "nothing logged"),
        (moods(2, 2, 2, 2, 2, 0, 0, 0), False, "no room for three points"),
        (moods(3, 3, 3, 3, 3, 6, 6, 6), False, "better, not worse"),
    ],
)
def test_worse_than_the_own_middle(values: dict[date, int], fires: bool, why: str) -> None:
    assert [one.kind for one in reasons(told(values=values), TODAY)] == (["worse"] if fires else []), why


def test_for_a_measure_that_is_better_low() -> None:
    found = reasons(told(measure=MEASURES["anxiety"], values=moods(4, 4, 4, 4, 4, 7, 7, 8)), TODAY)
    assert [one.says for one in found] == [
        "The last 3 logged days have a middle of 7; the two weeks before, 4."
    ]
    assert found[0].tag == "Anxiety worse"
    assert not reasons(told(measure=MEASURES["anxiety"], values=moods(4, 4, 4, 4, 4, 2, 1, 0)), TODAY)


@pytest.mark.parametrize(
    ("before", "now", "days_ago", "fires"),
    [(10, 15, 3, True), (10, 14, 3, False), (15, 10, 3, False), (10, 15, 27, True), (10, 15, 28, False)],
)
def test_a_score_that_is_higher_by_a_named_step(before: int, now: int, days_ago: int, fires: bool) -> None:
    phq = instruments()["phq-9"]
    first = Scored(ago(days_ago + 7), NOW - timedelta(days=days_ago + 7), Decimal(before))
    changed = change(phq, first, Decimal(now))
    score = Score("PHQ-9", ago(days_ago), say_number(Decimal(now)), changed)
    found = reasons(told(scores=[score]), TODAY)
    assert [one.kind for one in found] == (["worse"] if fires else [])
    if fires:
        assert found[0].says.startswith("PHQ-9 is 15, from 10 on ")
        assert found[0].rule == "higher by 5 points or more"


@pytest.mark.parametrize(
    ("infusion", "last", "fires", "why"),
    [
        (5, None, True, "nothing since the infusion, five days ago"),
        (4, None, False, "four days only"),
        (10, 5, True, "the last entry was five days ago"),
        (10, 4, False, "the last entry was four days ago"),
        (21, 10, True, "three weeks after"),
        (22, 10, False, "later than three weeks after"),
        (6, 30, True, "entries from before the infusion say nothing about after it"),
    ],
)
def test_silent_after_an_infusion(infusion: int, last: int | None, fires: bool, why: str) -> None:
    logged = [] if last is None else [ago(last)]
    found = reasons(told(infusions=[(ago(infusion), 3)], logged=logged), TODAY)
    assert [one.kind for one in found] == (["silent"] if fires else []), why
    closed = told(infusions=[(ago(infusion), 3)], logged=logged, may_be_silent=False)
    assert reasons(closed, TODAY) == ()


def flag(rule: str, hours_ago: int = 1) -> Flag:
    return Flag(RULES[rule], "Answered.", NOW - timedelta(hours=hours_ago))


def test_flags_come_first_by_urgency_and_each_rule_once() -> None:
    silent = {"infusions": [(ago(6), 3)], "logged": []}
    flags = [flag("severe"), flag("item-9"), flag("red-flag-now"), flag("severe", 5), flag("urinary")]
    found = reasons(told(flags=flags, **silent), TODAY)
    assert [one.kind for one in found] == ["emergency", "safety", "urgent", "review", "silent"]
    severe = found[2]
    assert severe.at == NOW - timedelta(hours=1) and severe.more == 1


def test_a_flag_that_was_open_at_the_last_review_is_no_reason_any_more() -> None:
    both = told(flags=[flag("severe", 5), flag("item-9", 1)], seen_up_to=NOW - timedelta(hours=3))
    assert [one.kind for one in reasons(both, TODAY)] == ["safety"]
    at_once = told(flags=[flag("severe", 5)], seen_up_to=NOW - timedelta(hours=5))
    assert reasons(at_once, TODAY) == ()


def test_who_comes_first() -> None:
    def one(kind: str) -> list[Reason]:
        return [Reason(kind, "", "", "")]

    early, late = NOW - timedelta(days=9), NOW
    people = [
        ("nobody looked yet", order([], None)),
        ("looked long ago", order([], early)),
        ("looked today", order([], late)),
        *((kind, order(one(kind), late)) for kind in RANKS),
    ]
    assert [name for name, key in sorted(people, key=lambda pair: pair[1])] == [
        *RANKS,
        "nobody looked yet",
        "looked long ago",
        "looked today",
    ]
    assert order(one("worse"), early) < order(one("worse"), late)
    assert set(TAGS) == set(RANKS)
