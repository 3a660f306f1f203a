"""The forms about the journal as a whole."""

from wtforms import BooleanField, FileField
from wtforms.validators import ValidationError

from journal.kit.forms import Form, passphrase_field

TICK = "Tick this box if you want to go on."


class ExportForm(Form):
    password = passphrase_field(
        "Your passphrase", "Enter your passphrase, so that nobody else can take this."
    )


class ImportForm(Form):
    file = FileField("The file")


class DeleteForm(Form):
    """`anyway` is asked for only where `asks_twice` is set: in the day after an infusion."""

    asks_twice = False
    understood = BooleanField("I understand that this can’t be undone")
    anyway = BooleanField("I want to do this today all the same")
    password = passphrase_field("Your passphrase", "Enter your passphrase, so that nobody else can do this.")

    def validate_understood(self, field: BooleanField) -> None:
        if not field.data:
            raise ValidationError(TICK)

    def validate_anyway(self, field: BooleanField) -> None:
        if self.asks_twice and not field.data:
            raise ValidationError(TICK)
