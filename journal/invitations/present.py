"""What a patient sees whom a clinic asked, and what their answer does."""

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.accounts import service as accounts
from journal.clinics import queries, service
from journal.clinics.queries import Invited
from journal.kit import clock
from journal.kit.web import Person, say, unit

Page = str | Response | tuple[str, int]


def agree(token: str, invited: Invited, who: Person) -> Page:
    """The patient is the right one, with a proven address. Saying no needs nothing more."""
    clinic = queries.get_settings(unit(), invited.clinic_id)
    if request.method == "POST" and request.form.get("answer") == "decline":
        key = accounts.email_key(who.email)
        if service.answer(unit(), token, "declined", who.account_id, key, clock.now()) is None:
            return render_template("invitations/gone.html"), 404
        unit().commit()
        say("You said no. Nothing is shared.")
        return redirect(url_for("pages.home"), 303)
    return render_template("invitations/agree.html", clinic=clinic, invited=invited)
