"""Reading the forms of the clinic's desk. Each raises Refused with a reason for every field that can't be read."""

from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from journal.clinics.queries import ROLES, Settings
from journal.clinics.service import NewPatient, NewStaff
from journal.domain import names
from journal.domain.errors import Refused
from journal.domain.fields import Reader
from journal.domain.flag_rules import AT_ONCE, TOLD, Rule
from journal.domain.help_numbers import countries
from journal.domain.safety import NUMBER
from journal.kit.forms import ADDRESS_SHAPE, MOST_ADDRESS, zones
from journal.kit.words import say_time_of

MOST_TEXT = 500
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WAYS = ("mail", "code")


def typed(form: MultiDict[str, str], *fields: str) -> dict[str, str]:
    """The fields as they were typed, for showing them again."""
    return {name: form.get(name, "")[:5000].strip() for name in fields}


def _name(values: Mapping[str, str], missing: str, reasons: dict[str, str]) -> str:
    name = names.one_line(values["name"])
    if told := names.problem(name, missing):
        reasons["name"] = told
    return name


def _address(values: Mapping[str, str], field: str, reasons: dict[str, str]) -> str:
    email = values[field]
    if len(email) > MOST_ADDRESS or not ADDRESS_SHAPE.fullmatch(email):
        reasons[field] = "Enter a whole address, such as sam@example.org."
    return email


def roles(form: MultiDict[str, str]) -> frozenset[str]:
    chosen = frozenset(form.getlist("roles"))
    if not chosen or chosen - set(ROLES):
        raise Refused({"roles": "Choose at least one role."})
    return chosen


def new_staff(form: MultiDict[str, str]) -> NewStaff:
    values, reasons = typed(form, "name", "email"), dict[str, str]()
    name = _name(values, "Enter a name, so that others know who did what.", reasons)
    email = _address(values, "email", reasons)
    try:
        chosen = roles(form)
    except Refused as refused:
        raise Refused(reasons | refused.reasons) from None
    if reasons:
        raise Refused(reasons)
    return NewStaff(name, email, chosen)


def new_patient(form: MultiDict[str, str], way: str) -> NewPatient:
    values, reasons = typed(form, "name", "email"), dict[str, str]()
    name = _name(values, "Enter a name, so that you find the invitation again.", reasons)
    email = _address(values, "email", reasons) if way == "mail" else ""
    if reasons:
        raise Refused(reasons)
    return NewPatient(way, name, email)


# Settings, by section: how a form begins, and what it says


def _contact(values: Mapping[str, str], _clinic: Settings) -> dict[str, Any]:
    reader = Reader(values, {"phone", "hours", "after_hours"})
    phone = reader.text("phone", names.MOST_NAME).strip()
    found = NUMBER.fullmatch(phone)
    if phone and (found is None or sum(c.isdigit() for c in found[1]) < 3):
        reader.refuse("phone", "Enter a phone number with digits, such as +1 505 555 0100 ext. 4.")
    kept = {"phone": phone} | {
        name: reader.text(name, MOST_TEXT).strip() for name in ("hours", "after_hours")
    }
    reader.finish()
    return kept


def _place(values: Mapping[str, str], clinic: Settings) -> dict[str, Any]:
    reader = Reader(values, {"country", "zone"})
    if values["country"] and values["country"] not in dict(countries()):
        reader.refuse("country", "Choose a country from the list.")
    if values["zone"] not in {*zones(), clinic.zone.key}:
        reader.refuse("zone", "Choose a time zone from the list.")
    reader.finish()
    return {"country": values["country"] or None, "zone": values["zone"]}


def _digest(values: Mapping[str, str], _clinic: Settings) -> dict[str, Any]:
    reader = Reader(values, {"digest_day", "digest_hour", "blur_below"})
    kept = {
        "digest_day": reader.whole("digest_day", 0, 6, "Choose a day from the list."),
        "digest_hour": reader.whole("digest_hour", 0, 23, "Choose an hour from the list."),
        "blur_below": reader.whole("blur_below", 3, 50, BLUR),
    }
    return _whole(
        reader, kept, {"digest_day": "Choose a day.", "digest_hour": "Choose an hour.", "blur_below": BLUR}
    )


def _second_contact(values: Mapping[str, str], _clinic: Settings) -> dict[str, Any]:
    reader = Reader(values, {"second_contact", "acknowledge_minutes"})
    if values["second_contact"]:
        _address(values, "second_contact", reader.reasons)
    kept = {"acknowledge_minutes": reader.whole("acknowledge_minutes", 5, 10080, MINUTES)}
    return _whole(reader, kept, {"acknowledge_minutes": MINUTES}) | {
        "second_contact": values["second_contact"]
    }


def _whole(reader: Reader, kept: dict[str, int | None], missing: Mapping[str, str]) -> dict[str, Any]:
    """None of these may be left out."""
    for name, value in kept.items():
        if value is None:
            reader.refuse(name, missing[name])
    reader.finish()
    return kept


BLUR = "Enter a number from 3 to 50."
MINUTES = "Enter a number of minutes from 5 to 10,080, which is a week."
SECTIONS: Mapping[str, Callable[[Mapping[str, str], Settings], dict[str, Any]]] = {
    "contact": _contact,
    "place": _place,
    "digest": _digest,
    "second-contact": _second_contact,
}
"""The sections that are plain forms: what was typed, and the clinic as it is, to what is kept."""
FIELDS: Mapping[str, tuple[str, ...]] = {
    "contact": ("phone", "hours", "after_hours"),
    "place": ("country", "zone"),
    "digest": ("digest_day", "digest_hour", "blur_below"),
    "second-contact": ("second_contact", "acknowledge_minutes"),
    "phq": ("phq", "plan", "confirmed"),
    "flags": (),
}


def first_values(section: str, clinic: Settings) -> dict[str, str]:
    """How the section's form begins."""
    held = {
        "country": clinic.country or "",
        "zone": clinic.zone.key,
        "phq": clinic.phq or "",
        "plan": clinic.response_plan,
        "confirmed": "",
    }
    return {name: held[name] if name in held else str(getattr(clinic, name)) for name in FIELDS[section]}


def zone_choices(clinic: Settings) -> dict[str, str]:
    return {name: name.replace("_", " ") for name in sorted({*zones(), clinic.zone.key})}


def phq(values: Mapping[str, str]) -> str:
    """Which one is chosen; for the PHQ-9 with its plan written and confirmed."""
    chosen, reasons = values["phq"], dict[str, str]()
    if chosen not in ("phq-8", "phq-9"):
        reasons["phq"] = "Choose one of the two."
    elif chosen == "phq-9":
        if not values["plan"]:
            reasons["plan"] = "Write down who answers, in what time, and what happens out of hours."
        if values["confirmed"] != "yes":
            reasons["confirmed"] = "Please confirm that this is what happens."
    if reasons:
        raise Refused(reasons)
    return chosen


def rules_off(form: MultiDict[str, str]) -> frozenset[str]:
    """Every rule that was not ticked."""
    return frozenset(TOLD) - set(form.getlist("rules"))


def grave_among(rules: frozenset[str]) -> tuple[Rule, ...]:
    """Those of the rules that a clinic would be told of at once."""
    return tuple(one for one in TOLD.values() if one.id in rules and one.urgency in AT_ONCE)


HOURS = {str(hour): say_time_of(hour) for hour in range(24)}
