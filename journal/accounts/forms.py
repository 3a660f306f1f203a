"""The forms of accounts."""

from wtforms import HiddenField
from wtforms.validators import ValidationError

from journal.accounts import passphrases
from journal.kit.forms import Form, email_field, passphrase_field

CHOOSE = "Choose a passphrase."


def _fit(_form: Form, field: object) -> None:
    told = passphrases.problem(getattr(field, "data", None) or "")
    if told:
        raise ValidationError(told)


class SignUpForm(Form):
    email = email_field()
    password = passphrase_field("Passphrase", CHOOSE)
    zone = HiddenField()
    validate_password = staticmethod(_fit)


class SignInForm(Form):
    email = email_field()
    password = passphrase_field("Passphrase", "Enter your passphrase.")


class AskMailForm(Form):
    email = email_field()


class ResetForm(Form):
    password = passphrase_field("New passphrase", CHOOSE)
    validate_password = staticmethod(_fit)


class AddressForm(Form):
    email = email_field()
    password = passphrase_field(
        "Your passphrase", "Enter your passphrase, so that nobody else can change this."
    )


class PassphraseForm(Form):
    current = passphrase_field("Your passphrase now", "Enter the passphrase you have now.")
    password = passphrase_field("New passphrase", CHOOSE)
    validate_password = staticmethod(_fit)


class ButtonForm(Form):
    """A form that is only a button (and its CSRF token)."""
