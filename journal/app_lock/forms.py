"""The forms of the app lock."""

from typing import Any

from wtforms import HiddenField, PasswordField
from wtforms.validators import DataRequired, EqualTo, Length, ValidationError

from journal.domain import app_lock
from journal.kit.forms import Form, passphrase_field

MOST_ANSWER = 60_000


def _pin_field(label: str, *validators: Any) -> PasswordField:
    return PasswordField(label, filters=[lambda typed: app_lock.read_pin(typed or "")], validators=validators)


class UnlockForm(Form):
    pin = _pin_field("Your PIN", DataRequired("Enter your PIN."), Length(max=100, message="This is no PIN."))


class PassphraseForm(Form):
    password = passphrase_field("Your passphrase", "Enter your passphrase.")


class PasskeyForm(Form):
    """What the browser answered, put in by the page's script."""

    answer = HiddenField(validators=[DataRequired(), Length(max=MOST_ANSWER)])


class NewPinForm(Form):
    pin = _pin_field("A PIN", DataRequired("Choose a PIN."))
    again = _pin_field("The same PIN once more", EqualTo("pin", "The two PINs differ. Type them once more."))

    @staticmethod
    def validate_pin(_form: Form, field: Any) -> None:
        told = app_lock.pin_problem(field.data)
        if told:
            raise ValidationError(told)
