"""An invitation from its mail or its printed code: GET shows, POST acts, so that a mail scanner accepts nothing."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask import session as flask_session
from werkzeug.wrappers import Response

from journal.accounts import service as accounts
from journal.accounts.present import INVITED
from journal.clinics import queries as clinics
from journal.clinics import service as clinics_service
from journal.clinics.present import SAID, memberships
from journal.invitations.present import agree
from journal.kit import clock
from journal.kit.tokens import as_code
from journal.kit.web import Person, find_person, public, say, unit
from journal.shares import queries, service

blueprint = Blueprint("invitations", __name__)

Page = str | Response | tuple[str, int]
Asked = queries.Invited | clinics.Invited


@blueprint.route("/invitations/<token>", methods=["GET", "POST"])
@public
def answer(token: str) -> Page:
    """Who was asked what is told only to the right person, with the address proven."""
    now, token = clock.now(), as_code(token)
    asked: Asked | None = queries.find_invited(unit(), token, now) or clinics.find_invited(unit(), token, now)
    if asked is None:
        return _follows_already() or _gone()
    who = find_person()
    if who is None or not who.is_verified:
        flask_session[INVITED] = request.path  # confirming the address leads back here
    if who is None:
        return render_template("invitations/sign_in.html", asked=asked, kind=_kind(asked), address=token)
    if not _is_for(asked, who):
        return render_template("invitations/other.html", email=who.email), 404
    if not who.is_verified:
        return render_template("invitations/unconfirmed.html", email=who.email)
    if isinstance(asked, queries.Invited):
        return _share(token, asked, who)
    return _staff(token, asked, who) if asked.kind == "staff" else agree(token, asked, who)


def _follows_already() -> Page | None:
    """Where a patient's "Agree" was tapped twice: the second time it has worked already."""
    who = find_person()
    try:
        share_id = UUID(request.form.get("share_id", ""))
    except ValueError:
        return None
    if who is None or not queries.is_followed_by(unit(), who.account_id, share_id):
        return None
    return redirect(url_for("sharing.share", share_id=share_id), 303)


def _gone() -> Page:
    return render_template("invitations/gone.html"), 404


def _kind(asked: Asked) -> str:
    return "share" if isinstance(asked, queries.Invited) else asked.kind


def _is_for(asked: Asked, who: Person) -> bool:
    key = accounts.email_key(who.email)
    if isinstance(asked, queries.Invited):
        mine = queries.invited_hash(unit(), key) == asked.invited_hash
        return mine and who.account_id != asked.patient_id
    return asked.invited_hash in (None, clinics.invited_hash(unit(), key))


def _share(token: str, invited: queries.Invited, who: Person) -> Page:
    now = clock.now()
    if request.method != "POST":
        reading = queries.describe_invited(unit(), invited)
        return render_template("invitations/share.html", reading=reading)
    if request.form.get("answer") == "decline":
        service.decline(unit(), token, accounts.email_key(who.email), now)
        return _said_no("You said no. Nothing was shared.")
    share_id = service.accept(unit(), token, who.account_id, accounts.email_key(who.email), now)
    if share_id is None:
        return _gone()
    unit().commit()
    return redirect(url_for("care.index"), 303)


def _staff(token: str, invited: clinics.Invited, who: Person) -> Page:
    now, key = clock.now(), accounts.email_key(who.email)
    if request.method != "POST" or _works_in(invited.clinic_id):
        clinic = clinics.get_settings(unit(), invited.clinic_id)
        return render_template(
            "invitations/staff.html",
            clinic=clinic,
            roles=[SAID[role] for role in clinics.ROLES if role in invited.roles],
            works_there=_works_in(invited.clinic_id),
        )
    if request.form.get("answer") == "decline":
        clinics_service.decline_staff(unit(), token, who.account_id, key, now)
        return _said_no("You said no. Nothing has changed.")
    if clinics_service.accept_staff(unit(), token, who.account_id, key, now) is None:
        return _gone()
    unit().commit()
    return redirect(url_for("staff.home"), 303)


def _works_in(clinic_id: UUID) -> bool:
    return any(one.clinic_id == clinic_id for one in memberships())


def _said_no(message: str) -> Page:
    unit().commit()
    say(message)
    return redirect(url_for("pages.home"), 303)
