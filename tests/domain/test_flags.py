"""Every rule fires at its threshold and not one below, and says why in plain words."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from journal.domain.after_infusion import AfterInfusion, Course
from journal.domain.checkin import CheckIn
from journal.domain.flag_rules import RULES, URGENCIES
from journal.domain.flags import (
    Context,
    count_urinary,
    decide,
    hours_since,
    may_pass,
    needs,
    newly,
    reasons_to_call,
    told_at,
)
from journal.domain.infusion import Held, Infusion
from journal.domain.questionnaires import Response, UrinaryCheck
from journal.domain.safety import SafetyCheck
from journal.domain.side_effects import RED_FLAGS

SOME = UUID(int=1)


def effects(**grades: str) -> CheckIn:
    return CheckIn(side_effects=grades)


def now(**answers: bool) -> CheckIn:
    return CheckIn(side_effects=dict.fromkeys(answers, "mild"), happening_now=answers)


def next_day(**values: Any) -> AfterInfusion:
    return AfterInfusion(SOME, "next-day", **values)


def first(**values: Any) -> AfterInfusion:
    return AfterInfusion(SOME, "first", **values)


def phq9(value: int, language: str = "en") -> Response:
    return Response("phq-9", language, {"phq9_9": value})


EARLY, LATER, LATE = Context(hours=23.99), Context(hours=24.0), Context(hours=24.0, is_late=True)
LONG_AGO, NEVER = Context(hours=24 * 40), Context()

ROWS: list[tuple[Any, Context, list[str], str]] = [
    # item 9: from "Several days" on, in any language, finished or not
    (phq9(0), NEVER, [], "none at all"),
    (phq9(1), NEVER, ["item-9"], "at the threshold"),
    (phq9(3), NEVER, ["item-9"], "above it"),
    (phq9(1, "es"), NEVER, ["item-9"], "in Spanish"),
    (Response("phq-9", "en", {f"phq9_{n}": 3 for n in range(1, 9)}), NEVER, [], "everything else at its worst"),
    (Response("phq-8", "en", {f"phq8_{n}": 3 for n in range(1, 9)}), NEVER, [], "a form without it"),
    (Response("pcl-5", "en", {"pcl5_16": 2}), NEVER, [], "one below"),
    (Response("pcl-5", "en", {"pcl5_16": 3}), NEVER, ["harm-risk"], "at the threshold"),
    (Response("pcl-5-week", "en", {"pcl5w_16": 3}), NEVER, ["harm-risk"], "the weekly one alike"),
    # not safe
    (SafetyCheck("yes"), NEVER, [], "safe"),
    (SafetyCheck("unsure"), NEVER, ["not-safe"], "not sure"),
    (SafetyCheck("no"), NEVER, ["not-safe"], "not safe"),
    # a red flag now, or passed
    *((now(**{e: True}), NEVER, ["red-flag-now"], f"{e} now") for e in RED_FLAGS),
    *((now(**{e: False}), NEVER, ["red-flag-passed"], f"{e} passed") for e in RED_FLAGS),
    *((effects(**{e: "none"}), NEVER, [], f"no {e}") for e in RED_FLAGS),
    (effects(chest_pain="mild"), NEVER, ["red-flag-passed"], "the question was skipped"),
    (effects(chest_pain="severe"), NEVER, ["red-flag-passed"], "named once, not as severe too"),
    (CheckIn(happening_now={"breathing": True}), NEVER, ["red-flag-now"], "no grade, but now"),
    (now(hallucination=True), EARLY, [], "seeing things is usual in the first day"),
    (first(any_red_flag_now=True), EARLY, ["red-flag-now"], "the three-tap question"),
    (first(any_red_flag_now=False), EARLY, [], "answered no"),
    # the severe headache
    (effects(headache="severe"), NEVER, ["severe"], "alone it is a severe side effect"),
    (effects(headache="moderate", blurred_vision="severe"), NEVER, ["severe"], "one below for the headache"),
    (effects(headache="severe", blurred_vision="mild"), NEVER, ["severe"], "one below for the eyes"),
    (effects(headache="severe", blurred_vision="moderate"), NEVER, ["severe-headache"], "with the eyes"),
    (effects(headache="severe", confusion="mild"), NEVER, ["severe"], "one below for the mind"),
    (effects(headache="severe", confusion="moderate"), NEVER, ["severe-headache"], "with the mind"),
    (effects(headache="severe", chest_pain="none"), NEVER, ["severe"], "no chest pain"),
    (effects(headache="severe", chest_pain="mild"), NEVER, ["severe-headache", "red-flag-passed"], "any chest pain"),
    (effects(headache="severe", breathing="mild"), NEVER, ["severe-headache", "red-flag-passed"], "any breathlessness"),
    (effects(headache="severe", confusion="moderate"), LATE, ["headache-passed"], "of an earlier day"),
    (first(side_effects={"headache": "severe", "confusion": "moderate"}), EARLY, ["severe-headache"], "in a report"),
    (first(side_effects={"headache": "severe", "confusion": "moderate"}, courses={"headache": Course("2h", False)}),
     EARLY, ["headache-passed"], "gone by then"),
    (first(side_effects={"headache": "severe", "confusion": "moderate"}), LATE, ["headache-passed"], "told the next day"),
    (first(side_effects={"headache": "severe", "confusion": "moderate"}, courses={"headache": Course("2h", True)}),
     LATE, ["severe-headache"], "told the next day, and still there"),
    # seeing or hearing things, 24 hours or more after
    (effects(hallucination="mild"), EARLY, [], "before 24 hours"),
    (effects(hallucination="mild"), LATER, ["still-seeing"], "at 24 hours"),
    (effects(hallucination="none"), LATER, [], "not at all"),
    (effects(hallucination="mild"), LONG_AGO, ["still-seeing"], "weeks after"),
    (effects(hallucination="mild"), NEVER, ["still-seeing"], "with no infusion to explain it"),
    (effects(hallucination="severe"), EARLY, ["severe"], "severe counts at once"),
    (next_day(still_senses=True), EARLY, [], "the day after, but before 24 hours"),
    (next_day(still_senses=True), LATER, ["still-seeing"], "the day after"),
    (next_day(still_senses=False), LATER, [], "no longer"),
    (next_day(side_effects={"hallucination": "mild"}), LATER, ["still-seeing"], "graded as it is that day"),
    (first(side_effects={"hallucination": "moderate"}), LATER, [], "what was in the chair, filled in the next day"),
    (first(side_effects={"hallucination": "moderate"}, courses={"hallucination": Course("during", True)}),
     LATER, ["still-seeing"], "and still there"),
    (next_day(side_effects={"hallucination": "mild"}, courses={"hallucination": Course(None, False, "2h")}),
     LATER, [], "gone, the day after"),
    # feeling unreal, 24 hours or more after
    (next_day(diss_next_day=3), LATER, [], "one below"),
    (next_day(diss_next_day=4), LATER, ["still-unreal"], "at the threshold"),
    (next_day(diss_next_day=10), EARLY, [], "before 24 hours"),
    (next_day(diss_duration="not-yet"), LATER, ["still-unreal"], "not yet"),
    (next_day(diss_duration="not-yet"), EARLY, [], "not yet, but it is early"),
    (next_day(diss_duration="longer"), LATER, [], "over by now"),
    (CheckIn({"dissociation": 6}), LATER, [], "one below on the daily question"),
    (CheckIn({"dissociation": 7}), LATER, ["still-unreal"], "at its threshold"),
    (CheckIn({"dissociation": 7}), EARLY, [], "before 24 hours"),
    (CheckIn({"dissociation": 7}), Context(hours=8 * 24 - 0.01), ["still-unreal"], "on the seventh day"),
    (CheckIn({"dissociation": 10}), Context(hours=8 * 24), [], "a week later it is about something else"),
    (CheckIn({"dissociation": 10}), NEVER, [], "with no infusion"),
    # call the clinic today
    (effects(urine_blood="none"), NEVER, [], "none"),
    (effects(urine_blood="mild"), NEVER, ["blood-in-pee"], "any"),
    (effects(urine_blocked="mild"), NEVER, ["cannot-pee"], "any"),
    (effects(yellow_skin="mild"), NEVER, ["yellow-skin"], "any"),
    (effects(very_high_mood="mild"), NEVER, [], "one below"),
    (effects(very_high_mood="moderate"), NEVER, ["very-high-mood"], "at the threshold"),
    (effects(nausea="moderate"), NEVER, [], "one below"),
    (effects(nausea="severe"), NEVER, ["severe"], "at the threshold"),
    (effects(nausea="severe", fatigue="severe"), NEVER, ["severe", "severe"], "each by its name"),
    (first(worst_side_effect="moderate"), EARLY, [], "one below, in three taps"),
    (first(worst_side_effect="severe"), EARLY, ["severe"], "in three taps"),
    (first(worst_side_effect="severe", side_effects={"nausea": "severe"}), EARLY, ["severe"], "and by its name"),
    # peeing
    (effects(urine_pain="mild"), Context(urinary_reports=1), [], "once, mildly"),
    (effects(urine_pain="mild"), Context(urinary_reports=2), ["urinary"], "twice in 14 days"),
    (effects(urine_freq="moderate"), Context(urinary_reports=1), ["urinary"], "moderate once"),
    (UrinaryCheck("urinary", answers={"urine_night": 1}), Context(urinary_reports=1), [], "the check, once, mildly"),
    (UrinaryCheck("urinary", answers={"urine_night": 1}), Context(urinary_reports=2), ["urinary"], "twice"),
    (UrinaryCheck("urinary", answers={"urine_night": 2}), Context(), ["urinary"], "moderate once"),
    (UrinaryCheck("urinary", answers={"urine_pain": 3}), Context(), ["severe", "urinary"], "severe"),
    (UrinaryCheck("urinary", answers={"urine_pain": 0}), Context(urinary_reports=5), [], "none today"),
    # craving
    (effects(craving="none"), NEVER, [], "none"),
    (effects(craving="mild"), NEVER, ["craving"], "answered kindly, told to nobody"),
    # nothing to say
    (CheckIn({"mood": 0, "hope": 0}, note="I want to die"), NEVER, [], "words are never read by a machine"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "context", "rules", "why"), ROWS, ids=[f"{n}-{r[3]}" for n, r in enumerate(ROWS)]
)
def test_each_rule_at_its_threshold(payload: Any, context: Context, rules: list[str], why: str) -> None:
    raised = decide(payload, context)
    assert [one.rule.id for one in raised] == rules, why
    for one in raised:
        assert one.why.startswith("You ") and one.why.endswith("."), one.why
        assert "alert" not in one.why.lower() and "risk" not in one.why.lower()


def test_every_rule_has_a_row() -> None:
    assert {rule for _, _, rules, _ in ROWS for rule in rules} == set(RULES)


def test_why_in_plain_words() -> None:
    def why(payload: Any, context: Context = NEVER) -> str:
        return decide(payload, context)[0].why

    assert why(phq9(1)) == "You answered “Several days” to question 9 of the PHQ-9."
    assert why(phq9(1, "es")) == "You answered “Varios días” to question 9 of the PHQ-9."
    assert why(now(chest_pain=True)) == "You logged “Chest pain”, happening right then."
    assert why(next_day(diss_next_day=6), Context(hours=27.9)) == (
        "You logged still feeling spaced-out or unreal at 6 of 10, 27 hours after the infusion."
    )
    assert why(effects(headache="severe", blurred_vision="moderate")) == (
        "You logged a severe headache together with “Blurred or double vision”."
    )
    assert why(effects(urine_pain="mild"), Context(urinary_reports=2)) == (
        "You logged trouble with peeing 2 times in 14 days."
    )


def test_the_gravest_comes_first() -> None:
    both = CheckIn(
        side_effects={"yellow_skin": "mild", "chest_pain": "mild"}, happening_now={"chest_pain": True}
    )
    assert [one.rule.urgency for one in decide(both, NEVER)] == ["emergency", "urgent"]
    assert all(rule.urgency in URGENCIES for rule in RULES.values())


DENVER = ZoneInfo("America/Denver")


def held(day: date, started: time | None, minutes: int = 40) -> Held:
    infusion = Infusion(1, "series", started, minutes)
    return Held(uuid4(), day, DENVER, datetime(2026, 1, 1, tzinfo=UTC), infusion, 1)


def denver(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=DENVER).astimezone(UTC)


@pytest.mark.parametrize(
    ("day", "at", "hours", "fires"),
    [
        # An ordinary night: the infusion ends at 10:40.
        (date(2026, 11, 10), (10, 39), 23 + 59 / 60, False),
        (date(2026, 11, 10), (10, 40), 24, True),
        # The night on which the clocks go back has 25 hours: 9:40 is 24 real hours later.
        (date(2026, 10, 31), (9, 39), 23 + 59 / 60, False),
        (date(2026, 10, 31), (9, 40), 24, True),
        (date(2026, 10, 31), (10, 40), 25, True),
        # The night on which they go forward has 23: by the clock it looks like a day, but it is an hour short.
        (date(2026, 3, 7), (10, 40), 23, False),
        (date(2026, 3, 7), (11, 39), 23 + 59 / 60, False),
        (date(2026, 3, 7), (11, 40), 24, True),
    ],
)
def test_24_real_hours_across_a_night_on_which_the_clocks_change(
    day: date, at: tuple[int, int], hours: float, fires: bool
) -> None:
    infusion = held(day, time(10, 0))
    counted = hours_since([infusion], denver(day + timedelta(days=1), *at))
    assert counted == pytest.approx(hours)
    for payload in (next_day(still_senses=True), next_day(diss_next_day=4), effects(hallucination="mild")):
        assert bool(decide(payload, Context(hours=counted))) is fires


def test_hours_count_from_the_last_infusion_that_had_begun() -> None:
    day = date(2026, 11, 10)
    two = [held(day, time(10, 0)), held(day + timedelta(days=3), time(10, 0))]
    assert hours_since(two, denver(day + timedelta(days=2), 10, 40)) == 48
    assert hours_since(two, denver(day + timedelta(days=3), 10, 20)) == 0  # while it runs
    assert hours_since(two, denver(day, 9)) is None
    assert hours_since([], denver(day, 9)) is None
    # No start is known: from the start of its day, so that nothing comes too late.
    assert hours_since([held(day, None)], denver(day + timedelta(days=1), 10)) == 34


def test_a_day_that_is_filled_in_later_is_judged_as_of_its_end() -> None:
    day = date(2026, 11, 10)
    captured = denver(day + timedelta(days=5), 9)
    assert told_at(captured, day, day + timedelta(days=5), DENVER) == denver(day, 23, 59) + timedelta(
        seconds=59
    )
    assert told_at(captured, day, day, DENVER) == captured


def test_only_what_needs_reading_is_read() -> None:
    assert needs(CheckIn({"mood": 3, "dissociation": 6}, {"nausea": "severe"})) == needs(phq9(3))
    assert needs(effects(hallucination="mild")).infusions and needs(CheckIn({"dissociation": 7})).infusions
    assert needs(effects(urine_pain="mild")).urinary
    assert needs(UrinaryCheck("urinary", answers={"urine_pain": 1})).urinary
    assert not needs(UrinaryCheck("urinary", answers={"urine_pain": 0})).urinary


def test_urinary_trouble_is_counted_within_any_14_days_around() -> None:
    day = date(2026, 11, 20)
    mild, none = effects(urine_pain="mild"), effects(urine_pain="none")
    check, report = (
        UrinaryCheck("urinary", answers={"urine_night": 1}),
        first(side_effects={"urine_freq": "severe"}),
    )

    def count(*told: tuple[int, Any]) -> int:
        return count_urinary([(day + timedelta(days=n), payload) for n, payload in told], day)

    assert count((0, mild), (-1, none), (-2, phq9(1))) == 1
    assert count((0, mild), (-13, check), (-14, mild)) == 2
    assert count((0, mild), (3, report)) == 2  # told for an earlier day
    assert count((0, mild), (-8, mild), (8, mild)) == 2  # never three within 14 days
    assert count((0, mild), (-6, mild), (7, mild)) == 3


def test_only_what_is_new_or_graver_is_raised_again() -> None:
    one, two, none = decide(phq9(1), NEVER), decide(phq9(2), NEVER), decide(phq9(0), NEVER)
    assert newly(one, none) == one and newly(two, one) == two
    assert newly(one, one) == () and newly(one, two) == ()


def test_what_the_page_goes_on_saying() -> None:
    told = CheckIn(side_effects={"chest_pain": "mild", "yellow_skin": "mild", "craving": "severe"})
    assert [one.why for one in reasons_to_call(told, NEVER)] == [
        "You logged “Chest pain”.",
        "You logged “Yellow skin or eyes, or very dark pee” as mild.",
    ]
    assert reasons_to_call(effects(hallucination="mild"), EARLY) == ()
    assert [one.rule.id for one in reasons_to_call(effects(hallucination="severe"), Context(hours=3))] == [
        "severe"
    ]


@pytest.mark.parametrize(
    ("told", "hours", "expected"),
    [
        (next_day(still_senses=True), 20, True),
        (next_day(diss_next_day=4), 23.9, True),
        (next_day(diss_next_day=3), 20, False),
        (next_day(diss_next_day=10), 24, False),  # then it is a flag
        (first(diss_duration="not-yet"), 3, False),
    ],
)
def test_far_from_normal_but_24_hours_have_not_passed(told: Any, hours: float, expected: bool) -> None:
    assert may_pass(told, Context(hours=hours)) is expected


def test_the_documents_show_the_same_table() -> None:
    document = Path(__file__).parent.parent.parent.joinpath("docs", "clinical.md").read_text("utf-8")
    for rule in RULES.values():
        comes_first = "yes" if rule.first else "no"
        assert (
            f"| `{rule.id}` | {rule.urgency} | {rule.when} | {comes_first} | {rule.basis} |\n" in document
        ), rule.id
    assert document.count("\n| `") == len(RULES)
