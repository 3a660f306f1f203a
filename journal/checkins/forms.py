"""Between the flat names of the page's form and a check-in. The check-in itself is parsed by the still room: one
door for the page, the import and the demo, and no second list of choices."""

from collections.abc import Mapping
from typing import Any

from journal.domain.checkin import CheckIn

TECHNICAL = frozenset({"csrf_token", "entry_id", "base", "settles", "action", "show"})
GRADE, NOW = "side_effects-", "happening_now-"


def to_data(form: Mapping[str, str]) -> dict[str, Any]:
    """The form's fields as a check-in's data; nothing is judged here."""
    data: dict[str, Any] = {
        "measures": {},
        "side_effects": {},
        "happening_now": {},
        "note": form.get("note", ""),
    }
    for name, value in form.items():
        if name in TECHNICAL or name == "note":
            continue
        if name.startswith(GRADE):
            data["side_effects"][name[len(GRADE) :]] = value
        elif name.startswith(NOW):
            data["happening_now"][name[len(NOW) :]] = value
        else:
            data["measures"][name] = value
    return data


def to_form(checkin: CheckIn) -> dict[str, str]:
    """A check-in as the form's fields."""
    values = {measure_id: str(value) for measure_id, value in checkin.measures.items()}
    values |= {GRADE + effect_id: grade for effect_id, grade in checkin.side_effects.items()}
    values |= {NOW + effect_id: "yes" if now else "no" for effect_id, now in checkin.happening_now.items()}
    if checkin.note:
        values["note"] = checkin.note
    return values
