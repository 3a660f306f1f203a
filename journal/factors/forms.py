"""The forms of second steps."""

from wtforms import Field, HiddenField, StringField
from wtforms.validators import DataRequired, Length

from journal.kit.forms import Form, passphrase_field, strip

MOST_NAME = 60
MOST_ANSWER = 60_000
TOO_LONG = "This is longer than any code. Check it, and type it once more."


def _code_field(label: str, message: str) -> Field:
    return StringField(
        label, filters=[strip], validators=[DataRequired(message), Length(max=40, message=TOO_LONG)]
    )


class CodeForm(Form):
    code = _code_field("Code from your app", "Enter the six digits that your app shows.")


class RecoveryCodeForm(Form):
    code = _code_field("Recovery code", "Enter one of the codes you kept.")


class PasskeyForm(Form):
    """What the browser answered, put in by the page's script."""

    answer = HiddenField(validators=[Length(max=MOST_ANSWER)])


class NewPasskeyForm(PasskeyForm):
    name = StringField(
        "A name for it",
        filters=[strip],
        validators=[
            DataRequired("Give it a name, so that you know it again."),
            Length(max=MOST_NAME, message=f"Use {MOST_NAME} letters at most."),
        ],
    )


class ProveForm(Form):
    password = passphrase_field("Your passphrase", "Enter your passphrase.")
