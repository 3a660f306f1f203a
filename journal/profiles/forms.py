"""The forms of the first steps and the settings."""

from wtforms import BooleanField, SelectField, SelectMultipleField, StringField

from journal.domain.days import LATEST_DAY_END
from journal.domain.measures import CONDITIONS, MEASURES
from journal.domain.profile import MOST_NAME
from journal.kit.forms import Form, choices, zones

DAY_ENDS = [("0", "At midnight"), *((str(h), f"At {h} in the morning") for h in range(1, LATEST_DAY_END + 1))]


class NameForm(Form):
    name = StringField(
        "What should we call you?", render_kw={"autocomplete": "given-name", "maxlength": MOST_NAME}
    )


class ZoneForm(Form):
    zone = SelectField("Your time zone", choices=[], validate_choice=True)

    def __init__(self, present: str) -> None:
        super().__init__(zone=present)
        # The present one is offered whatever it is: else the browser would show, and save, the first of the list.
        names = sorted({*zones(), present})
        self.zone.choices = choices((name, name.replace("_", " ")) for name in names)


class CountryForm(Form):
    country = SelectField("Where you are", choices=[], validate_choice=True)

    def __init__(self, countries: list[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.country.choices = choices(countries, "Somewhere else, or I’d rather not say")


class TreatedForm(Form):
    treated_for = SelectMultipleField("What are you treated for?", choices=choices(CONDITIONS.items()))


class DayEndForm(Form):
    day_ends_hour = SelectField("When does your day end?", choices=choices(DAY_ENDS))


class MeasuresForm(Form):
    measures = SelectMultipleField(
        "Asked each day",
        choices=choices((m.id, m.title) for m in MEASURES.values() if m.id != "dissociation"),
    )
    always_dissociation = BooleanField("Ask every day how spaced-out or unreal I feel")
    own_asked = SelectMultipleField("Symptoms of your own", choices=[], validate_choice=False)
    own_symptom = StringField("Name a symptom", render_kw={"maxlength": MOST_NAME, "autocomplete": "off"})
