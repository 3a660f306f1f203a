"""What an entry says, as lines that anybody can read: for the page in the export."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from journal.domain import after_infusion as after
from journal.domain import infusion as infusions
from journal.domain import safety
from journal.domain.after_infusion import AfterInfusion
from journal.domain.checkin import CheckIn, Note
from journal.domain.infusion import Infusion, Plan
from journal.domain.instrument_files import find_instrument
from journal.domain.measures import CONDITIONS
from journal.domain.payloads import KINDS
from journal.domain.profile import Profile
from journal.domain.questionnaires import Response, UrinaryCheck, band, say_number, score
from journal.domain.safety import SafetyCheck, SafetyPlan
from journal.domain.side_effects import SIDE_EFFECTS
from journal.kit.words import say_date, say_time

Line = tuple[str, str]
TITLES = {
    "check-in": "Check-in",
    "note": "Note",
    "infusion": "Infusion",
    "after-infusion": "How the infusion was",
    "plan": "Plan of infusions",
    "profile": "About me",
    "questionnaire": "Questionnaire",
    "urinary-check": "Urinary check",
    "safety-plan": "My safety plan",
    "safety-check": "Do you feel safe right now?",
}
STATES = {"open": "not finished", "finished": "finished", "set-aside": "set aside"}
SAFETY = {name: title for name, (title, _hint) in safety.HEADINGS.items()} | {
    "person_name": "My person",
    "person_number": "Their number",
    "clinic_name": "My clinic",
    "clinic_number": "The clinic’s number",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What only the journal itself knows: the names of own symptoms, and the numbers of infusions."""

    profile: Profile
    numbers: Mapping[UUID, int]


def describe(kind: str, payload: Mapping[str, Any], names: Names) -> list[Line]:
    """(what, value) of everything that the entry says. What was skipped is left out."""
    told = WORDS[kind](KINDS[kind].load(payload), names)
    return [(what, str(value)) for what, value in told if value not in (None, "")]


Told = Iterable[tuple[str, Any]]


def _yes_no(answer: bool | None) -> str | None:
    return None if answer is None else ("Yes" if answer else "No")


def _effects(grades: Mapping[str, str], happening: Mapping[str, bool]) -> Told:
    for effect in dict.fromkeys([*grades, *happening]):
        parts = [grades[effect].capitalize()] if effect in grades else []
        if effect in happening:
            parts.append("happening then" if happening[effect] else "not happening then")
        yield SIDE_EFFECTS[effect].label, ", ".join(parts)


def _checkin(one: CheckIn, names: Names) -> Told:
    yield from ((names.profile.measure(name).title, value) for name, value in one.measures.items())
    yield from _effects(one.side_effects, one.happening_now)
    yield "Note", one.note


def _note(one: Note, _names: Names) -> Told:
    yield "Note", one.text


def _infusion(one: Infusion, _names: Names) -> Told:
    yield "Number", one.number
    yield "Part of", infusions.PHASES[one.phase]
    yield "Start", say_time(one.started) if one.started else None
    yield "Minutes", one.minutes
    yield "Dose, mg", one.dose_mg
    yield "Dose, mg per kg", one.dose_mg_per_kg
    yield "How it was given", infusions.ROUTES.get(one.route or "")
    yield "Where", infusions.SETTINGS.get(one.setting or "")
    yield "How I felt before", one.feeling_before
    for name, value in one.vitals.items():
        moment, _, vital = name.partition("_")
        yield f"{infusions.VITALS[vital][0]}, {infusions.MOMENTS[moment].lower()}", value
    yield "Note", one.note


def _report(one: AfterInfusion, names: Names) -> Told:
    yield "Infusion", names.numbers.get(one.infusion_id)
    yield "Asked", "The next day" if one.part == "next-day" else "The same day"
    yield after.PEAK[0], one.diss_peak
    yield "Strongest side effect", (one.worst_side_effect or "").capitalize()
    yield "A warning sign was happening then", _yes_no(one.any_red_flag_now)
    yield from ((after.DOMAINS[name], grade.capitalize()) for name, grade in one.domains.items())
    yield after.PEACE[0], one.diss_peace
    yield after.DISTRESS[0], one.diss_distress
    yield after.DURATION_QUESTION, after.DURATIONS.get(one.diss_duration or "")
    yield after.NEXT_DAY[0], one.diss_next_day
    yield after.STILL_SENSES, _yes_no(one.still_senses)
    yield from _effects(one.side_effects, one.happening_now)
    for effect, course in one.courses.items():
        label = SIDE_EFFECTS[effect].label
        yield f"{label}: started", after.STARTED.get(course.started or "")
        yield f"{label}: still there", _yes_no(course.still_there)
        yield f"{label}: gone", after.GONE.get(course.gone or "")
    yield "Note", one.note


def _plan(one: Plan, _names: Names) -> Told:
    yield "Planned", ", ".join(map(say_date, one.days)) or "No day"


def _profile(one: Profile, _names: Names) -> Told:
    yield "Name", one.name
    yield "Treated for", ", ".join(CONDITIONS[name] for name in one.treated_for)
    if one.measures is not None:
        yield "Asked each day", ", ".join(one.measure(name).title for name in one.measures) or "Nothing"
    yield "Always asked if spaced-out or unreal", _yes_no(one.always_dissociation)
    for own in one.own_symptoms:
        yield "Own symptom", own.name if own.asked else f"{own.name} (no longer asked)"
    for code, is_on in one.questionnaires.items():
        instrument = find_instrument(code)
        yield instrument.short_title if instrument else code, "Turned on" if is_on else "Turned off"


def _response(one: Response, _names: Names) -> Told:
    instrument = find_instrument(one.instrument)
    yield "Questionnaire", instrument.title if instrument else one.instrument
    yield "State", STATES[one.state]
    if instrument is None:
        yield from one.answers.items()
        return
    total = score(instrument, one.answers) if one.state == "finished" else None
    if total is not None:
        found = band(instrument, total)
        yield "Score", f"{say_number(total)} of {instrument.most}"
        yield "In the range called", found.label["en"] if found else None
    for item in instrument.items:
        option = item.find_option(one.answers.get(item.id))
        yield item.text[one.language], option.label[one.language] if option else None


def _safety_plan(one: SafetyPlan, _names: Names) -> Told:
    yield from ((title, getattr(one, name)) for name, title in SAFETY.items())


def _safety_check(one: SafetyCheck, _names: Names) -> Told:
    yield safety.SAFE_QUESTION, safety.SAFE_ANSWERS[one.safe]


WORDS: Mapping[str, Callable[[Any, Names], Told]] = {
    CheckIn.kind: _checkin,
    Note.kind: _note,
    Infusion.kind: _infusion,
    AfterInfusion.kind: _report,
    Plan.kind: _plan,
    Profile.kind: _profile,
    Response.kind: _response,
    UrinaryCheck.kind: _response,
    SafetyPlan.kind: _safety_plan,
    SafetyCheck.kind: _safety_check,
}
