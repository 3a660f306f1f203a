"""The first steps after signing up, and the same questions later as settings."""

import secrets
from collections.abc import Callable

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.accounts import present
from journal.accounts import service as accounts
from journal.domain.days import find_zone
from journal.domain.errors import Refused
from journal.domain.help_numbers import countries
from journal.domain.profile import Profile
from journal.kit import clock
from journal.kit.forms import Form, choices
from journal.kit.web import person, say, unit
from journal.profiles import service
from journal.profiles.forms import CountryForm, DayEndForm, MeasuresForm, NameForm, TreatedForm, ZoneForm
from journal.profiles.queries import get_profile

blueprint = Blueprint("profiles", __name__)

Page = str | tuple[str, int] | Response
STEPS = ("name", "zone", "country", "treated-for", "day-end")


def _keep(profile: Profile, base: int) -> None:
    service.keep(unit(), present.viewer(), profile, base, present.moment())


def _revise(data: dict[str, object]) -> None:
    """Keep the profile with some of its fields changed, through the same door as everything untrusted."""
    profile, base = get_profile(unit(), present.viewer())
    _keep(Profile.parse(profile.dump() | data), base)


def _name_form(profile: Profile) -> Form:
    return NameForm(name=profile.name)


def _zone_form(_profile: Profile) -> Form:
    return ZoneForm(person().zone)


def _country() -> str:
    """The country chosen, or the clinic's while none was: somebody who skips this still sees numbers to call."""
    chosen = person().country
    return str(current_app.config["DEFAULT_COUNTRY"]) if chosen is None else chosen


def _country_form(_profile: Profile) -> Form:
    return CountryForm(countries(), data={"country": _country()})


def _treated_form(profile: Profile) -> Form:
    return TreatedForm(treated_for=list(profile.treated_for))


def _day_end_form(_profile: Profile) -> Form:
    return DayEndForm(day_ends_hour=str(person().day_ends_hour))


def _save_name(form: Form) -> None:
    _revise({"name": form["name"].data or ""})


def _save_zone(form: Form) -> None:
    if find_zone(form["zone"].data) is None:
        raise Refused({"zone": "Choose a time zone from the list."})
    accounts.settle(unit(), person().account_id, zone=form["zone"].data)


def _save_country(form: Form) -> None:
    accounts.settle(unit(), person().account_id, country=form["country"].data)


def _save_treated(form: Form) -> None:
    _revise({"treated_for": form["treated_for"].data})


def _save_day_end(form: Form) -> None:
    accounts.settle(unit(), person().account_id, day_ends_hour=int(form["day_ends_hour"].data))


MAKE: dict[str, Callable[[Profile], Form]] = {
    "name": _name_form,
    "zone": _zone_form,
    "country": _country_form,
    "treated-for": _treated_form,
    "day-end": _day_end_form,
}
SAVE: dict[str, Callable[[Form], None]] = {
    "name": _save_name,
    "zone": _save_zone,
    "country": _save_country,
    "treated-for": _save_treated,
    "day-end": _save_day_end,
}


def _save(step: str, form: Form) -> bool:
    """True when the step's answer was kept; else the form carries what to mend."""
    if not form.validate():
        return False
    try:
        SAVE[step](form)
    except Refused as refused:
        for name, reason in refused.reasons.items():
            form[name if name in form else step.replace("-", "_")].errors = [reason]
        return False
    return True


@blueprint.get("/welcome")
def welcome() -> Response:
    return redirect(url_for("profiles.step", step=STEPS[0]), 303)


@blueprint.route(
    "/welcome/<any(name, zone, country, 'treated-for', 'day-end'):step>", methods=["GET", "POST"]
)
def step(step: str) -> Page:
    """One question. "Skip" goes on without keeping anything."""
    place = STEPS.index(step)
    following = STEPS[place + 1] if place + 1 < len(STEPS) else None
    onward = url_for("profiles.step", step=following) if following else url_for("profiles.finish")
    profile, _base = get_profile(unit(), present.viewer())
    form = MAKE[step](profile)
    values = {
        "form": form,
        "step": step,
        "place": place + 1,
        "steps": len(STEPS),
        "onward": onward,
        "back": url_for("profiles.step", step=STEPS[place - 1]) if place else None,
        "local_now": clock.now().astimezone(present.zone()),
    }
    if request.method != "POST":
        return render_template("profiles/step.html", **values)
    if not _save(step, form):
        return render_template("profiles/step.html", **values), 422
    unit().commit()
    return redirect(onward, 303)


@blueprint.route("/welcome/ready", methods=["GET", "POST"])
def finish() -> Page:
    """The last of the first steps: what the journal is not, then on to today."""
    if request.method != "POST":
        return render_template("profiles/ready.html", form=Form())
    accounts.settle(unit(), person().account_id, welcomed_at=clock.now())
    unit().commit()
    return redirect(url_for("checkins.today"), 303)


@blueprint.route(
    "/account/<any(name, zone, country, 'treated-for', 'day-end'):setting>", methods=["GET", "POST"]
)
def setting(setting: str) -> Page:
    """One of the same questions, later."""
    profile, _base = get_profile(unit(), present.viewer())
    form = MAKE[setting](profile)
    local_now = clock.now().astimezone(present.zone())
    if request.method != "POST":
        return render_template("profiles/setting.html", form=form, step=setting, local_now=local_now)
    if not _save(setting, form):
        return render_template("profiles/setting.html", form=form, step=setting, local_now=local_now), 422
    unit().commit()
    say("Saved.")
    return redirect(url_for("accounts.account"), 303)


@blueprint.route("/check-ins/measures", methods=["GET", "POST"])
def measures() -> Page:
    """What is asked each day, own symptoms included."""
    profile, base = get_profile(unit(), present.viewer())
    asked = (
        profile.measures
        if profile.measures is not None
        else tuple(m.id for m in profile.asked(soon_after_infusion=False))
    )
    form = MeasuresForm(
        data={
            "measures": [m for m in asked if m != "dissociation" and not m.startswith("own-")],
            "always_dissociation": profile.always_dissociation,
            "own_asked": [s.id for s in profile.own_symptoms if s.asked],
        }
    )
    form.own_asked.choices = choices((s.id, s.name) for s in profile.own_symptoms)
    if request.method != "POST":
        return render_template("profiles/measures.html", form=form)
    if not form.validate():
        return render_template("profiles/measures.html", form=form), 422
    own = [[s.id, s.name, s.id in (form.own_asked.data or [])] for s in profile.own_symptoms]
    if (form.own_symptom.data or "").strip():
        own.append([f"own-{secrets.token_hex(3)}", form.own_symptom.data, True])
    try:
        changed = Profile.parse(
            profile.dump()
            | {
                "measures": form.measures.data,
                "always_dissociation": form.always_dissociation.data,
                "own_symptoms": own,
            }
        )
    except Refused as refused:
        for name, reason in refused.reasons.items():
            form[name if name in form else "own_symptom"].errors = [reason]
        return render_template("profiles/measures.html", form=form), 422
    _keep(changed, base)
    unit().commit()
    added = len(changed.own_symptoms) > len(profile.own_symptoms)
    say("Saved.")
    return redirect(url_for("profiles.measures" if added else "checkins.today"), 303)
