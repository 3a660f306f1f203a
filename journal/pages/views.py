"""The public doors: home, the look of this device, health."""

from datetime import timedelta

from flask import Blueprint, current_app, jsonify, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from journal.clinics.present import memberships
from journal.kit import clock, health
from journal.kit.web import local_target, person, public, unit

blueprint = Blueprint("pages", __name__)

LOOK = "look"
LOOK_AGE = timedelta(days=400)


@blueprint.get("/")
@public
def home() -> str | Response:
    if current_user.is_authenticated:
        only_reads = person().reads_others and not person().was_welcomed
        work = "staff.home" if only_reads and memberships() else "care.index"
        return redirect(url_for(work if only_reads else "checkins.today"), 303)
    return render_template("pages/home.html")


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
def healthz() -> Response | tuple[Response, int]:
    """200 when the journal can serve, reach its database, and nothing that is due stays undone."""
    here = current_app.extensions
    reasons = health.faults(unit(), clock.now(), here["started_at"], here["health_checks"])
    if reasons:
        return jsonify({"status": "red", "reasons": reasons}), 503
    return jsonify({"status": "ok"})
