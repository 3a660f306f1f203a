"""The doors of reminders: the patient's settings, and the link in each mail that ends such mails."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.accounts import present
from journal.config import Settings
from journal.digests import service as digests
from journal.domain.errors import Refused
from journal.kit import clock
from journal.kit.web import open_while_locked, person, public, say, unit
from journal.push.present import phones
from journal.reminders import emails, forms, queries, service

blueprint = Blueprint("reminders", __name__)

Page = str | tuple[str, int] | Response
PAUSED = "Reminders are paused. None is sent until you turn them on again."


@blueprint.route("/reminders", methods=["GET", "POST"])
def index() -> Page:
    who = person()
    if not who.is_verified:
        return render_template("reminders/unconfirmed.html", me=who)
    reminders = queries.get_reminders(unit(), present.viewer())
    if request.method != "POST":
        return _show(reminders, forms.values_of(reminders), {})
    values = forms.typed(request.form)
    wish, moment = forms.wish_of(values), present.moment()
    try:
        service.keep(unit(), present.viewer(), wish, moment.zone, who.day_ends_hour, moment.now)
    except Refused as refused:
        return _show(reminders, values, refused.reasons), 422
    unit().commit()
    say("Saved." if wish.is_on else "Saved. No reminders are sent.")
    return redirect(url_for("reminders.index"), 303)


def _show(reminders: queries.Reminders, values: dict[str, str], errors: dict[str, str]) -> str:
    """The form; and below it the mail itself, so that everybody can judge what it gives away."""
    moment, ours = present.moment(), _settings()
    next_at = queries.find_next(unit(), present.viewer(), moment.zone, person().day_ends_hour, moment.now)
    links = emails.links(ours.base_url, queries.pause_token(unit(), person().account_id))
    return render_template(
        "reminders/index.html",
        reminders=reminders,
        values=values,
        errors=errors,
        hours=forms.HOURS,
        cadences=forms.CADENCES.items(),
        next_at=next_at.astimezone(moment.zone) if next_at else None,
        push=phones(reminders.hour),
        to=person().email,
        sender=ours.mail_from,
        subject=render_template("emails/reminder/subject.txt"),
        body=render_template("emails/reminder/body.txt", **links),
    )


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


@blueprint.post("/reminders/pause")
def pause() -> Response:
    """One switch, at once: pause all reminders, or end the pause."""
    moment, viewer = present.moment(), present.viewer()
    if request.form.get("pause") == "no":
        service.resume(unit(), viewer, moment.zone, person().day_ends_hour, moment.now)
        said = "Reminders are on again."
    else:
        service.pause(unit(), viewer, moment.now)
        said = PAUSED
    unit().commit()
    say(said)
    return redirect(url_for("reminders.index"), 303)


@dataclass(frozen=True)
class Ending:
    """A kind of mail that the link in it ends: `is_known(session, token)` says whether it is such a link's,
    `end(session, token, now)` ends them, and the rest is what the pages say before and after."""

    is_known: Callable[..., bool]
    end: Callable[..., bool]
    question: str
    about: str
    button: str
    ended: str
    again: str
    path: str
    path_title: str


ENDINGS = (
    Ending(
        digests.is_known,
        digests.unsubscribe,
        question="Stop the weekly summary?",
        about="No more weekly summaries are sent to you then. Your clinic’s admin is told. Flags that can’t wait still "
        "come, if that is part of your role.",
        button="Stop the weekly summary",
        ended="You won’t get the weekly summary any more",
        again="Your clinic’s admin is told. You can turn it on again on the clinic’s pages when you are signed in.",
        path="/clinic",
        path_title="Open the clinic",
    ),
    Ending(
        queries.is_known,
        service.unsubscribe,
        question="Pause all reminders?",
        about="No more reminders are sent then. Your journal stays as it is.",
        button="Pause all reminders",
        ended="Reminders are paused",
        again="None is sent until you turn them on again: sign in, and open Account, then Reminders.",
        path="/reminders",
        path_title="Open reminders",
    ),
)
"""Asked in turn: the first that knows the token answers."""


@blueprint.route("/unsubscribe/<token>", methods=["GET", "POST"])
@public
@open_while_locked
def unsubscribe(token: str) -> Page:
    """GET shows, POST acts: a mail scanner that follows the link ends nothing. Mail programs post here by themselves
    when "unsubscribe" is tapped (RFC 8058), with no cookie and no form of ours; the token in the link is the guard."""
    ending = next((one for one in ENDINGS if one.is_known(unit(), token)), None)
    if ending is None:
        return render_template("reminders/unknown.html"), 404
    if request.method != "POST":  # HEAD, too, is a scanner's
        return render_template("reminders/unsubscribe.html", ending=ending)
    ending.end(unit(), token, clock.now())
    unit().commit()
    return render_template("reminders/unsubscribed.html", ending=ending)
