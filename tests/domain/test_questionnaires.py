"""Scores: from whole forms only, in the ranges that exist, and what a change is called."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from journal.domain.errors import Refused
from journal.domain.instrument import Instrument
from journal.domain.instrument_files import instruments
from journal.domain.questionnaires import (
    Response,
    Scored,
    UrinaryCheck,
    asked_items,
    band,
    change,
    find_baseline,
    is_whole,
    say_change,
    score,
    since_baseline,
    unanswered,
)

SCORED = [code for code, one in instruments().items() if one.method != "none"]
BANDED = [code for code, one in instruments().items() if one.bands]


def answers(one: Instrument, pick: int) -> dict[str, int]:
    """Every question answered with its lowest (0) or highest (-1) answer."""
    return {item.id: item.options[pick].score for item in one.items}


def answers_of(one: Instrument, total: int) -> dict[str, int]:
    """Answers that add up to the total."""
    found: dict[str, int] = {}
    left = total
    for item in (item for item in one.items if item.scored):
        found[item.id] = min(left, item.options[-1].score)
        left -= found[item.id]
    assert left == 0
    return found


@pytest.mark.parametrize("code", SCORED)
def test_all_lowest_and_all_highest(code: str) -> None:
    one = instruments()[code]
    assert score(one, answers(one, 0)) == one.least
    assert score(one, answers(one, -1)) == one.most


@pytest.mark.parametrize("code", SCORED)
def test_one_missing_has_no_score_and_one_extra_changes_nothing(code: str) -> None:
    one = instruments()[code]
    whole = answers(one, -1)
    for item in one.items:
        left = {name: value for name, value in whole.items() if name != item.id}
        counts = item.scored or item.gate
        assert (score(one, left) is None) is counts, item.id
    assert score(one, {**whole, "of_another_form": 3}) == score(one, whole)


@pytest.mark.parametrize("code", sorted(instruments()))
def test_what_is_not_offered_is_refused(code: str) -> None:
    one = instruments()[code]
    kind = UrinaryCheck if one.kept_as == "urinary-check" else Response
    item = one.items[0]
    for bad in (item.options[0].score - 1, item.options[-1].score + 1, "1.5", "many", True, [1], 10**9):
        with pytest.raises(Refused) as refused:
            kind.parse({"instrument": code, "answers": {item.id: bad}})
        assert refused.value.reasons == {item.id: "Choose one of the answers."}
    with pytest.raises(Refused, match="phq9_99"):
        kind.parse({"instrument": code, "answers": {"phq9_99": 1}})


@pytest.mark.parametrize("name", ["total", "score", "band"])
def test_totals_from_outside_are_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        Response.parse({"instrument": "phq-9", "answers": {}, name: 3})
    assert refused.value.reasons[name] == "The journal counts scores itself. Leave this out."


def test_a_urinary_check_is_a_kind_of_its_own() -> None:
    with pytest.raises(Refused):
        Response.parse({"instrument": "urinary"})
    with pytest.raises(Refused):
        UrinaryCheck.parse({"instrument": "phq-9"})
    told = UrinaryCheck.parse({"instrument": "urinary", "answers": {"urine_pain": "1"}})
    assert (
        told.kind == "urinary-check"
        and score(instruments()["urinary"], answers(instruments()["urinary"], 0)) is None
    )


@pytest.mark.parametrize("code", BANDED)
def test_every_edge_of_a_range_and_its_neighbours(code: str) -> None:
    one = instruments()[code]
    for place, each in enumerate(one.bands):
        for total, expected in (
            (each.least, each),
            (each.most, each),
            (each.least - 1, one.bands[place - 1] if place else None),
            (each.most + 1, one.bands[place + 1] if place + 1 < len(one.bands) else None),
        ):
            if one.least <= total <= one.most:
                counted = score(one, answers_of(one, total))
                assert counted == total
                assert band(one, counted) == expected


@pytest.mark.parametrize(
    ("code", "total", "name"),
    [
        ("phq-9", 4, "minimal"), ("phq-9", 5, "mild"), ("phq-9", 9, "mild"), ("phq-9", 10, "moderate"),
        ("phq-9", 14, "moderate"), ("phq-9", 15, "moderately-severe"), ("phq-9", 19, "moderately-severe"),
        ("phq-9", 20, "severe"), ("phq-9", 27, "severe"), ("phq-8", 24, "severe"), ("phq-8", 19, "moderately-severe"),
        ("gad-7", 4, "minimal"), ("gad-7", 5, "mild"), ("gad-7", 10, "moderate"), ("gad-7", 14, "moderate"),
        ("gad-7", 15, "severe"), ("gad-7", 21, "severe"),
    ],
)  # fmt: skip
def test_ranges_as_published(code: str, total: int, name: str) -> None:
    found = band(instruments()[code], Decimal(total))
    assert found and found.id == name


@pytest.mark.parametrize("code", sorted(set(SCORED) - set(BANDED)))
def test_no_range_where_none_was_found(code: str) -> None:
    assert band(instruments()[code], Decimal(3)) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [((0, 0, 0), "0.0"), ((3, 4, 4), "3.7"), ((10, 10, 9), "9.7"), ((1, 0, 0), "0.3"), ((5, 5, 6), "5.3")],
)
def test_peg_is_the_mean_to_one_place(values: tuple[int, ...], expected: str) -> None:
    one = instruments()["peg"]
    told = dict(zip((item.id for item in one.items), values, strict=True))
    assert str(score(one, told)) == expected


def test_the_gate_ends_the_form() -> None:
    one = instruments()["pc-ptsd-5"]
    assert [i.id for i in asked_items(one, {"pcptsd_gate": 0})] == ["pcptsd_gate"]
    assert score(one, {"pcptsd_gate": 0}) == 0
    assert score(one, {"pcptsd_gate": 0, "pcptsd_1": 1}) == 0  # answered before the gate was changed
    assert score(one, {"pcptsd_gate": 1}) is None
    assert score(one, {"pcptsd_gate": 1, **{f"pcptsd_{n}": 1 for n in range(1, 5)}, "pcptsd_5": 0}) == 4
    assert score(one, {f"pcptsd_{n}": 1 for n in range(1, 6)}) is None  # the gate itself is missing


def test_the_tenth_question_comes_only_when_something_is_above_zero_and_never_counts() -> None:
    one = instruments()["phq-9"]
    zeros = {f"phq9_{n}": 0 for n in range(1, 10)}
    assert unanswered(one, zeros) == () and score(one, zeros) == 0
    some = {**zeros, "phq9_3": 1}
    assert [item.id for item in unanswered(one, some)] == ["phq9_10"]
    assert is_whole(one, some) and score(one, some) == score(one, {**some, "phq9_10": 3}) == 1


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(days: int, total: str) -> Scored:
    return Scored(NOON.date() + timedelta(days=days), NOON + timedelta(days=days), Decimal(total))


@pytest.mark.parametrize(
    ("code", "before", "now", "percent", "step", "goals"),
    [
        # The named step is reached at its number of points, not one below; up and down alike.
        ("phq-9", "20", "16", 20, None, []),
        ("phq-9", "20", "15", 25, 5, []),
        ("phq-9", "15", "20", -33, 5, []),
        ("gad-7", "15", "12", 20, None, []),
        ("gad-7", "15", "11", 27, 4, []),
        ("pcl-5", "50", "41", 18, None, []),
        ("pcl-5", "50", "40", 20, 10, []),
        ("pcl-5", "50", "36", 28, 10, []),
        ("pcl-5", "50", "35", 30, 15, []),  # points only: no response, no remission
        ("peg", "6.0", "5.1", 15, None, []),
        ("peg", "6.0", "5.0", 17, 1, []),
        # Response at half or less, 30 % for pain; not one below.
        ("phq-9", "20", "11", 45, 5, []),
        ("phq-9", "20", "10", 50, 5, ["response"]),
        ("phq-9", "21", "11", 48, 5, []),
        ("gad-7", "16", "8", 50, 4, ["response"]),
        ("peg", "6.0", "4.3", 28, 1, []),
        ("peg", "6.0", "4.2", 30, 1, ["response"]),
        # Remission under 5, from 5 or more.
        ("phq-9", "9", "5", 44, None, []),
        ("phq-9", "9", "4", 56, 5, ["response", "remission"]),
        ("phq-9", "6", "4", 33, None, ["remission"]),
        ("gad-7", "5", "4", 20, None, ["remission"]),
        # A baseline under 5: points only, and neither is said.
        ("phq-9", "4", "1", None, None, []),
        ("phq-9", "4", "0", None, None, []),
        ("phq-9", "0", "6", None, 5, []),
        ("peg", "4.9", "1.0", None, 1, []),
        ("phq-8", "20", "5", 75, None, []),  # no step and no goal was found for it, so none is said
    ],
)
def test_change_since_the_baseline(
    code: str, before: str, now: str, percent: int | None, step: int | None, goals: list[str]
) -> None:
    one = instruments()[code]
    told = since_baseline(one, at(0, before), Decimal(now))
    assert told.percent == percent
    assert (told.step.points if told.step else None) == step
    named: list[Any] = [("response", one.response), ("remission", one.remission)]
    assert [name for name, goal in named if goal in told.goals and goal] == goals


def test_change_since_last_time_says_no_response() -> None:
    told = change(instruments()["phq-9"], at(0, "20"), Decimal(4))
    assert told.goals == () and told.points == -16


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ("17", "14", "3 points lower than last time, which is 18 % lower. A change of 5 points or more is often taken as "
         "meaningful. This change is smaller."),
        ("17", "18", "1 point higher than last time, which is 6 % higher. A change of 5 points or more is often taken as "
         "meaningful. This change is smaller."),
        ("4", "9", "5 points higher than last time. A change of 5 points or more is often taken as meaningful. This change is that big."),
        ("9", "9", "The same as last time."),
    ],
)  # fmt: skip
def test_what_is_said_of_a_change(before: str, now: str, words: str) -> None:
    told = change(instruments()["phq-9"], at(0, before), Decimal(now))
    assert " ".join(say_change(told, "last time")) == words


def test_nothing_said_diagnoses_advises_or_promises() -> None:
    for one in instruments().values():
        said = [step.says for step in one.steps] + [
            goal.says for goal in (one.response, one.remission) if goal
        ]
        for text in (*said, *one.content_note, one.about):
            for word in ("you have", "your depression", "should", "will help", "disorder", "severe"):
                assert word not in text.lower(), text


@pytest.mark.parametrize(
    ("days", "started", "expected"),
    [
        ([-15], "10:00", None),  # more than 14 days before
        ([-14], "10:00", -14),
        ([-9, -3], "10:00", -3),  # the last one
        ([0], "13:00", 0),  # that morning, before the start
        ([0], "11:00", None),  # after it
        ([0], None, None),  # nobody knows whether before
        ([-2, 1], "10:00", -2),
        ([], "10:00", None),
    ],
)
def test_the_baseline_is_the_last_score_before_infusion_1(
    days: list[int], started: str | None, expected: int | None
) -> None:
    starts = None
    if started:
        starts = NOON.replace(hour=int(started[:2]), minute=int(started[3:]))
    found = find_baseline([at(n, "10") for n in days], date(2026, 3, 1), starts)
    assert (None if found is None else (found.day - date(2026, 3, 1)).days) == expected
