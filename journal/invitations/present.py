"""What a patient sees whom a clinic asked: what being followed means, what they would see, the exact page first."""

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.accounts import present
from journal.accounts import service as accounts
from journal.clinics import queries, service
from journal.clinics.queries import Invited, Settings
from journal.domain.errors import Refused
from journal.domain.flag_rules import TOLD
from journal.entries.forms import entry_id_of
from journal.flags import service as flags
from journal.kit import clock
from journal.kit.web import Person, say, unit, wake_outbox
from journal.profiles.queries import get_profile
from journal.shares import service as shares
from journal.shares.queries import find_clinic
from journal.sharing import forms
from journal.sharing.present import ask_twice_page, find_recent_infusion, form_page, preview_page

Page = str | Response | tuple[str, int]


def agree(token: str, invited: Invited, who: Person) -> Page:
    """The patient is the right one, with a proven address. Saying no needs nothing more."""
    clinic = queries.get_settings(unit(), invited.clinic_id)
    if request.method != "POST":
        if request.args.get("step") == "choose":
            profile, _ = get_profile(unit(), present.viewer())
            values = forms.first_values("clinic", profile.name) | {"to": clinic.name}
            return form_page(values, shares.new_id(), {}, back=request.path)
        before = find_clinic(unit(), present.viewer())
        return render_template(
            "invitations/agree.html",
            clinic=clinic,
            before=before,
            token_path=request.path,
            off=[rule for rule in TOLD.values() if rule.id in clinic.rules_off],
        )
    if request.form.get("answer") == "decline":
        if _answer(token, "declined", who) is None:
            return render_template("invitations/gone.html"), 404
        unit().commit()
        say("You said no. Nothing is shared.")
        return redirect(url_for("pages.home"), 303)
    return _choose(token, clinic, who)


def _answer(token: str, how: str, who: Person) -> object:
    return service.answer(unit(), token, how, who.account_id, accounts.email_key(who.email), clock.now())


def _choose(token: str, clinic: Settings, who: Person) -> Page:
    share_id = entry_id_of(request.form, "share_id")
    typed = forms.typed(request.form) | {"way": "clinic", "to": clinic.name}
    if "again" in request.args:
        return form_page(typed, share_id, {}, back=request.path)
    try:
        read = forms.read(request.form, "clinic", share_id, present.today(), clinic=clinic.name)
        shares.check(read.wish, "clinic", present.today())
    except Refused as refused:
        return form_page(typed, share_id, refused.reasons, back=request.path), 422
    if request.form.get("step") != "share":
        return preview_page(read, None)
    recent = find_recent_infusion()
    if recent is not None and request.form.get("asked") != "twice":
        return ask_twice_page(read, recent, request.path)
    try:
        shares.follow(unit(), present.viewer(), read.wish, clinic.id, clock.now())
    except Refused as refused:
        return form_page(typed, share_id, refused.reasons, back=request.path), 422
    if _answer(token, "agreed", who) is None:
        return render_template("invitations/gone.html"), 404
    flags.look_again(unit(), present.viewer())
    unit().commit()
    wake_outbox()
    say(f"{clinic.name} follows your journal now. You can change or end it at any time.")
    return redirect(url_for("sharing.share", share_id=share_id), 303)
