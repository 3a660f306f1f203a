"""Form fields that product pages share, and how a form's errors are told."""

import re
from collections.abc import Iterable
from typing import Any
from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import EmailField, Field, PasswordField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its type stubs
from wtforms.validators import DataRequired, Length, Regexp

MOST_ADDRESS = 254
ADDRESS = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,}$"
"""The address as mail can carry it everywhere: dots apart, no spaces, no quotes."""
ADDRESS_SHAPE = re.compile(ADDRESS)
MOST_PASSPHRASE = 1024


def strip(text: str | None) -> str | None:
    return text.strip() if text else text


def typed(field: Field) -> str:
    """What was typed into a field that was checked to hold text."""
    return str(field.data or "")


def email_field() -> EmailField:
    return EmailField(
        "Email",
        filters=[strip],
        validators=[
            DataRequired("Enter your email address."),
            Length(max=MOST_ADDRESS, message="This address is too long. Enter another one."),
            Regexp(ADDRESS, message="Enter a whole address, such as sam@example.org."),
        ],
    )


def passphrase_field(label: str, message: str) -> PasswordField:
    return PasswordField(
        label,
        validators=[
            DataRequired(message),
            Length(
                max=MOST_PASSPHRASE, message="This is longer than the journal can use. Choose a shorter one."
            ),
        ],
    )


def zones() -> list[str]:
    """Time zones that a person would pick: Area/City, and UTC."""
    areas = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    return [*sorted(name for name in available_timezones() if name.startswith(areas)), "UTC"]


def choices(pairs: Iterable[tuple[str, str]], empty: str | None = None) -> list[Any]:
    """(value, label) pairs as a field wants them; `empty` is the label of a choice that says nothing."""
    every = [("", empty), *pairs] if empty is not None else pairs
    return [SelectChoice(value, label) for value, label in every]


class Form(FlaskForm):  # type: ignore[misc] # Flask-WTF ships no types
    """A form whose errors come in the order of its fields, for the summary on top."""

    def problems(self) -> list[tuple[str, str]]:
        """(field id, sentence) for every field that needs mending."""
        return [(field.id, str(error)) for field in self for error in _flat(field.errors)]


def _flat(errors: Any) -> list[str]:
    if isinstance(errors, dict):
        return [text for inner in errors.values() for text in _flat(inner)]
    return [text for error in errors for text in ([error] if isinstance(error, str) else _flat(error))]
