"""Holding an entry against the rules: which fire, on what, and why, in plain words. The rules are fixed and say what
was answered; they predict nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from journal.domain.after_infusion import STILL_UNREAL, AfterInfusion
from journal.domain.checkin import CheckIn
from journal.domain.days import instant_of
from journal.domain.flag_rules import (
    EACH,
    HARM_RISK_FROM,
    ITEM_9_FROM,
    LATER_HOURS,
    MILD,
    MODERATE,
    RULES,
    SEVERE,
    UNREAL_DAYS,
    UNREAL_TODAY,
    URGENCIES,
    URINARY,
    URINARY_DAYS,
    URINARY_REPORTS,
    Rule,
)
from journal.domain.infusion import Held
from journal.domain.instrument_files import find_instrument
from journal.domain.questionnaires import Response, UrinaryCheck
from journal.domain.safety import SafetyCheck
from journal.domain.side_effects import GRADES, RED_FLAGS, SIDE_EFFECTS


@dataclass(frozen=True, slots=True)
class Raised:
    """A rule that fired: on what (`subject`), how strongly (`weight`, for telling a graver answer from the same one
    again), and why, in plain words to the patient."""

    rule: Rule
    subject: str
    weight: int
    why: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may need beside the answers: the real hours since the end of the infusion that counts (None: none
    is logged, 0: it isn't over), whether it is about an earlier day, and on how many reports in 14 days, this one
    included, there was urinary trouble. `month` is the patient's own, such as 2026-11."""

    hours: float | None = None
    is_late: bool = False
    urinary_reports: int = 1
    month: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be read before deciding; most entries need nothing."""

    infusions: bool = False
    urinary: bool = False


def needs(payload: Any) -> Needs:
    """What of `Context` the entry needs."""
    match payload:
        case CheckIn():
            unreal = payload.measures.get("dissociation", 0) >= UNREAL_TODAY
            return Needs(
                unreal
                or _grade(payload.side_effects, "hallucination") >= MILD
                or bool(payload.happening_now.get("hallucination")),
                _has_urinary(payload.side_effects),
            )
        case AfterInfusion():
            return Needs(urinary=_has_urinary(payload.side_effects))
        case UrinaryCheck():
            return Needs(urinary=any(payload.answers.values()))
    return Needs()


def decide(payload: Any, context: Context) -> tuple[Raised, ...]:
    """Every rule that fires for the entry, the gravest first; each subject once, by its gravest rule."""
    match payload:
        case CheckIn():
            found = _of_checkin(payload, context)
        case AfterInfusion():
            found = _of_report(payload, context)
        case Response():
            found = _of_response(payload, context)
        case SafetyCheck():
            found = _of_safety_check(payload)
        case _:
            found = []
    ordered = sorted(
        found, key=lambda one: (URGENCIES.index(one.rule.urgency), list(RULES).index(one.rule.id))
    )
    once: dict[str, Raised] = {}
    for one in ordered:
        once.setdefault(one.subject, one)
    return tuple(once.values())


def reasons_to_call(payload: Any, context: Context) -> tuple[Raised, ...]:
    """Why the entry is a reason to call the clinic, or more: what its page goes on saying after help was seen."""
    return tuple(one for one in decide(payload, context) if one.rule.urgency in ("emergency", "urgent"))


def may_pass(told: AfterInfusion, context: Context) -> bool:
    """Whether the day after is still far from normal, but 24 hours have not passed yet: then it may be just late."""
    later = replace(context, hours=float(LATER_HOURS))
    return bool(
        told.part == "next-day"
        and context.hours is not None
        and context.hours < LATER_HOURS
        and {one.rule.id for one in decide(told, later)} & {"still-seeing", "still-unreal"}
    )


def newly(raised: Iterable[Raised], before: Iterable[Raised]) -> tuple[Raised, ...]:
    """Those that the entry didn't say before, or says more gravely now."""
    held = {(one.rule.id, one.subject): one.weight for one in before}
    return tuple(one for one in raised if one.weight > held.get((one.rule.id, one.subject), -1))


def hours_since(infusions: Sequence[Held], at: datetime) -> float | None:
    """Real hours from the end of the last infusion that had begun by then; the clocks' change adds and takes nothing.
    Where no start is known, they count from the start of its day, so that nothing comes too late (own choice)."""
    found = []
    for held in infusions:
        start = held.infusion.starts_at(held.day, held.zone) or instant_of(held.day, time(0), held.zone)
        if start <= at:
            found.append(max(0.0, (at - (held.ends_at or start)).total_seconds() / 3600))
    return min(found, default=None)


def told_at(captured_at: datetime, day: date, today: date, zone: Any) -> datetime:
    """When it was so: at the time it was logged, or at the end of the day, for a day filled in later."""
    if day >= today:
        return captured_at
    return min(captured_at, instant_of(day + timedelta(days=1), time(0), zone) - timedelta(seconds=1))


def count_urinary(told: Iterable[tuple[date, Any]], day: date) -> int:
    """In how many reports there was urinary trouble at mild or more: the most within any 14 days around the day."""
    troubled = [one for one, payload in told if _has_urinary(_grades_of(payload))]
    starts = [day - timedelta(days=n) for n in range(URINARY_DAYS)]
    return max(
        sum(start <= one < start + timedelta(days=URINARY_DAYS) for one in troubled) for start in starts
    )


def _grades_of(payload: Any) -> Mapping[str, str]:
    if isinstance(payload, UrinaryCheck):
        return {item: GRADES[value] for item, value in payload.answers.items() if item in URINARY}
    return payload.side_effects if isinstance(payload, CheckIn | AfterInfusion) else {}


def _grade(grades: Mapping[str, str], effect_id: str) -> int:
    return GRADES.index(grades.get(effect_id, "none"))


def _has_urinary(grades: Mapping[str, str]) -> bool:
    return any(_grade(grades, effect_id) >= MILD for effect_id in URINARY)


def _label(effect_id: str) -> str:
    return SIDE_EFFECTS[effect_id].label


def _raise(rule: str, subject: str, weight: int, why: str) -> Raised:
    return Raised(RULES[rule], subject, weight, why)


def _of_checkin(told: CheckIn, context: Context) -> list[Raised]:
    found = _of_side_effects(told.side_effects, told.happening_now, context)
    if _is_later(context, none_counts=True):
        graded = _grade(told.side_effects, "hallucination")
        if graded >= MILD or told.happening_now.get("hallucination"):
            found.append(_still_seeing(graded, context))
    unreal = told.measures.get("dissociation", 0)
    soon = context.hours is not None and LATER_HOURS <= context.hours < (UNREAL_DAYS + 1) * 24
    if unreal >= UNREAL_TODAY and soon:
        found.append(
            _still_unreal(unreal, f"You logged feeling spaced-out or unreal at {unreal} of 10", context)
        )
    return found


def _of_report(told: AfterInfusion, context: Context) -> list[Raised]:
    gone = {
        effect_id for effect_id, course in told.courses.items() if course.still_there is False or course.gone
    }
    still = {effect_id for effect_id, course in told.courses.items() if course.still_there}
    now = replace(context, is_late=context.is_late and "headache" not in still)
    found = _of_side_effects(told.side_effects, told.happening_now, now, gone)
    if told.any_red_flag_now:
        found.append(
            _raise("red-flag-now", "any", 1, "You logged that a warning sign was happening right then.")
        )
    if told.worst_side_effect == "severe" and "severe" not in told.side_effects.values():
        found.append(_raise("severe", "worst", SEVERE, "You logged a side effect as severe."))
    if not _is_later(context, none_counts=False):
        return found
    graded = _grade(told.side_effects, "hallucination")
    is_still = "hallucination" in still or (told.part == "next-day" and "hallucination" not in gone)
    if told.still_senses or told.happening_now.get("hallucination") or (graded >= MILD and is_still):
        found.append(_still_seeing(max(graded, MILD), context))
    unreal = told.diss_next_day or 0
    if unreal >= STILL_UNREAL:
        found.append(
            _still_unreal(unreal, f"You logged still feeling spaced-out or unreal at {unreal} of 10", context)
        )
    elif told.diss_duration == "not-yet":
        found.append(
            _still_unreal(STILL_UNREAL, "You logged that you do not feel like yourself again yet", context)
        )
    return found


def _is_later(context: Context, *, none_counts: bool) -> bool:
    return none_counts if context.hours is None else context.hours >= LATER_HOURS


def _since(context: Context) -> str:
    if context.hours is None:
        return "and no infusion is logged that would explain it"
    return f"{int(context.hours)} hours after the infusion"


def _still_seeing(weight: int, context: Context) -> Raised:
    why = f"You logged seeing or hearing things that were not there, {_since(context)}."
    return _raise("still-seeing", "hallucination", weight, why)


def _still_unreal(weight: int, what: str, context: Context) -> Raised:
    return _raise("still-unreal", "unreal", weight, f"{what}, {_since(context)}.")


def _of_side_effects(
    grades: Mapping[str, str],
    happening: Mapping[str, bool],
    context: Context,
    gone: Iterable[str] = (),
) -> list[Raised]:
    found: list[Raised] = []
    for effect_id in RED_FLAGS:
        graded, name = _grade(grades, effect_id), f"“{_label(effect_id)}”"
        if happening.get(effect_id):
            found.append(
                _raise("red-flag-now", effect_id, SEVERE, f"You logged {name}, happening right then.")
            )
        elif graded >= MILD:
            passed = ", and that it has stopped" if effect_id in happening else ""
            found.append(_raise("red-flag-passed", effect_id, graded, f"You logged {name}{passed}."))
    headache = _headache(grades)
    if headache:
        rule = "headache-passed" if context.is_late or "headache" in gone else "severe-headache"
        found.append(_raise(rule, "headache", SEVERE, headache))
    for effect_id, (rule, least) in EACH.items():
        graded = _grade(grades, effect_id)
        if graded >= least:
            found.append(
                _raise(rule, effect_id, graded, f"You logged “{_label(effect_id)}” as {GRADES[graded]}.")
            )
    urinary = _urinary(grades, context)
    if urinary:
        found.append(urinary)
    named = {one.subject for one in found}
    for effect_id, grade in grades.items():
        if grade == "severe" and effect_id not in named:
            found.append(_raise("severe", effect_id, SEVERE, f"You logged “{_label(effect_id)}” as severe."))
    return found


def _headache(grades: Mapping[str, str]) -> str | None:
    """Why the headache counts as an emergency, or None."""
    if _grade(grades, "headache") < SEVERE:
        return None
    least = {"blurred_vision": MODERATE, "confusion": MODERATE, "chest_pain": MILD, "breathing": MILD}
    beside = [f"“{_label(e)}”" for e, from_ in least.items() if _grade(grades, e) >= from_]
    return f"You logged a severe headache together with {' and '.join(beside)}." if beside else None


def _urinary(grades: Mapping[str, str], context: Context) -> Raised | None:
    worst = max(_grade(grades, effect_id) for effect_id in URINARY)
    if worst >= MODERATE:
        which = next(e for e in URINARY if _grade(grades, e) == worst)
        return _raise(
            "urinary", f"urinary {context.month}", worst, f"You logged “{_label(which)}” as {GRADES[worst]}."
        )
    if worst >= MILD and context.urinary_reports >= URINARY_REPORTS:
        why = f"You logged trouble with peeing {context.urinary_reports} times in {URINARY_DAYS} days."
        return _raise("urinary", f"urinary {context.month}", worst, why)
    return None


def _of_response(told: Response, context: Context) -> list[Raised]:
    if isinstance(told, UrinaryCheck):
        grades = _grades_of(told)
        urinary = _urinary(grades, context)
        severe = [e for e, grade in grades.items() if grade == "severe"]
        return ([urinary] if urinary else []) + [
            _raise("severe", e, SEVERE, f"You logged “{_label(e)}” as severe.") for e in severe
        ]
    instrument = find_instrument(told.instrument)
    found = []
    for place, item in enumerate(instrument.items if instrument else (), 1):
        value = told.answers.get(item.id, 0)
        least = {"item-9": ITEM_9_FROM, "harm-risk": HARM_RISK_FROM}.get(item.flag or "")
        option = item.find_option(value)
        if instrument and item.flag and least is not None and value >= least and option:
            said = option.label[instrument.language(told.language)]
            why = f"You answered “{said}” to question {place} of the {instrument.short_title}."
            found.append(_raise(item.flag, item.id, value, why))
    return found


def _of_safety_check(told: SafetyCheck) -> list[Raised]:
    if told.safe == "yes":
        return []
    why = {
        "no": "You said that you do not feel safe right now.",
        "unsure": "You said that you are not sure that you are safe right now.",
    }[told.safe]
    return [_raise("not-safe", "safe", 2 if told.safe == "no" else 1, why)]
