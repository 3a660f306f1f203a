"""The public doors: home, help by country, the look of this device, health."""

from datetime import timedelta

from flask import Blueprint, current_app, jsonify, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from journal.domain.help_numbers import countries, help_for
from journal.kit.web import can_reach_database, find_person, local_target, public

blueprint = Blueprint("pages", __name__)

LOOK = "look"
LOOK_AGE = timedelta(days=400)


@blueprint.get("/")
@public
def home() -> str | Response:
    if current_user.is_authenticated:
        return redirect(url_for("checkins.today"), 303)
    return render_template("pages/home.html")


@blueprint.get("/help-now")
@public
def help_now() -> str:
    """The country is the one a person set, or picked here; never guessed from the network."""
    who = find_person()
    picked = request.args.get("country")
    known = {code for code, _name in countries()}
    if picked is not None and picked not in known:
        picked = ""
    code = picked if picked is not None else (who.country if who else None)
    if code is None:
        code = current_app.config["DEFAULT_COUNTRY"]
    return render_template(
        "pages/help_now.html",
        help=help_for(code),
        countries=countries(),
        choosing="elsewhere" in request.args,
        saved="saved" in request.args and who is not None,
    )


@blueprint.post("/look")
@public
def look() -> Response:
    """Switch this device between its usual look and low light."""
    answer = redirect(local_target(request.form.get("next")) or url_for("pages.home"), 303)
    low = request.cookies.get(LOOK) != "low"
    answer.set_cookie(
        LOOK,
        "low" if low else "usual",
        max_age=LOOK_AGE,
        samesite="Lax",
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
    return answer


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """200 when the journal can serve and reach its database."""
    can_reach_database()
    return jsonify({"status": "ok"})
