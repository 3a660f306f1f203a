"""Between the flat names of the pages' forms and the still room's payloads."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from journal.domain import after_infusion as after
from journal.domain.after_infusion import DOMAINS, AfterInfusion
from journal.domain.infusion import VITAL_FIELDS, Infusion, Plan
from journal.domain.side_effects import SIDE_EFFECTS
from journal.kit.words import say_short_day

VITAL, GRADE, NOW = "vitals-", "side_effects-", "happening_now-"
COURSE = ("started-", "still-", "gone-")
TECHNICAL = frozenset({"csrf_token", "entry_id", "base", "action", "show", "day"})
NUMBERS = ("diss_peak", "diss_peace", "diss_distress", "diss_next_day")


def infusion_data(form: Mapping[str, str]) -> dict[str, Any]:
    """The form's fields as an infusion's data; nothing is judged here."""
    data: dict[str, Any] = {"vitals": {}}
    for name, value in form.items():
        if name in TECHNICAL:
            continue
        if name.startswith(VITAL):
            data["vitals"][name[len(VITAL) :]] = value
        else:
            data[name] = value
    return data


def infusion_form(infusion: Infusion, day: date) -> dict[str, str]:
    """An infusion as the form's fields."""
    values = {
        name: str(value)
        for name, value in infusion.dump().items()
        if value not in (None, "") and name != "vitals"
    }
    values |= {VITAL + name: str(value) for name, value in infusion.vitals.items()}
    values["day"] = day.isoformat()
    return values


def plan_data(form: Any) -> dict[str, Any]:
    return {"days": form.getlist("days")}


def plan_form(plan: Plan) -> list[str]:
    return [day.isoformat() for day in plan.days]


def report_data(form: Mapping[str, str], infusion_id: str) -> dict[str, Any]:
    """The form's fields as a report's data; nothing is judged here."""
    data: dict[str, Any] = {
        "infusion_id": infusion_id,
        "domains": {},
        "side_effects": {},
        "happening_now": {},
        "courses": {},
    }
    courses: dict[str, list[str | None]] = {}
    for name, value in form.items():
        if name in TECHNICAL:
            continue
        place = next((i for i, prefix in enumerate(COURSE) if name.startswith(prefix)), None)
        if name in DOMAINS:
            data["domains"][name] = value
        elif name.startswith(GRADE):
            data["side_effects"][name[len(GRADE) :]] = value
        elif name.startswith(NOW):
            data["happening_now"][name[len(NOW) :]] = value
        elif place is not None:
            courses.setdefault(name[len(COURSE[place]) :], [None, None, None])[place] = value or None
        else:
            data[name] = value
    data["courses"] = {effect_id: course for effect_id, course in courses.items() if any(course)}
    return data


def report_form(report: AfterInfusion) -> dict[str, str]:
    """A report as the form's fields."""
    values: dict[str, str] = {}
    for name in (*NUMBERS, "worst_side_effect", "diss_duration", "note"):
        value = getattr(report, name)
        if value not in (None, ""):
            values[name] = str(value)
    for name in ("any_red_flag_now", "still_senses"):
        answer = getattr(report, name)
        if answer is not None:
            values[name] = "yes" if answer else "no"
    values |= dict(report.domains)
    values |= {GRADE + effect_id: grade for effect_id, grade in report.side_effects.items()}
    values |= {NOW + effect_id: "yes" if now else "no" for effect_id, now in report.happening_now.items()}
    for effect_id, course in report.courses.items():
        still = None if course.still_there is None else ("yes" if course.still_there else "no")
        for prefix, value in zip(COURSE, (course.started, still, course.gone), strict=True):
            if value is not None:
                values[prefix + effect_id] = value
    return values


ORDER = (
    "day",
    "started",
    "minutes",
    "number",
    "phase",
    "feeling_before",
    "dose_mg",
    "dose_mg_per_kg",
    "route",
    "setting",
    *(VITAL + name for name in VITAL_FIELDS),
    "note",
)


def place_of(field: str) -> int:
    """Where a field stands in the form, for errors told in its order."""
    return ORDER.index(field) if field in ORDER else len(ORDER)


def lines_of(kind: str, payload: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """A report or a plan as (name, value) lines, for comparing versions."""
    if payload is None:
        return [("Deleted", "")]
    if kind == "plan":
        return [("Planned", say_short_day(day)) for day in Plan.load(payload).days] or [("Planned", "no day")]
    report = AfterInfusion.load(payload)
    told: list[tuple[str, Any]] = [
        (after.PEAK[0], report.diss_peak),
        ("Strongest side effect", report.worst_side_effect),
        ("A warning sign was happening then", _yes_no(report.any_red_flag_now)),
        *((after.DOMAINS[name], grade) for name, grade in report.domains.items()),
        (after.PEACE[0], report.diss_peace),
        (after.DISTRESS[0], report.diss_distress),
        (after.DURATION_QUESTION, after.DURATIONS.get(report.diss_duration or "")),
        (after.NEXT_DAY[0], report.diss_next_day),
        (after.STILL_SENSES, _yes_no(report.still_senses)),
        *((SIDE_EFFECTS[name].label, grade) for name, grade in report.side_effects.items()),
        ("Note", report.note or None),
    ]
    return [(name, str(value)) for name, value in told if value is not None]


def _yes_no(answer: bool | None) -> str | None:
    return None if answer is None else ("yes" if answer else "no")
