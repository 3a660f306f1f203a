"""The public doors: home, the look of this device, what a home screen shows of the journal, health."""

from datetime import timedelta

from flask import Blueprint, current_app, jsonify, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from journal.clinics.present import memberships
from journal.kit import clock, health
from journal.kit.web import local_target, open_while_locked, person, public, unit

blueprint = Blueprint("pages", __name__)

LOOK = "look"
LOOK_AGE = timedelta(days=400)
GROUNDS = {"light": "#f1f1ea", "dark": "#13191b", "low": "#160f09"}
"""The page's ground in each look, as the style sheet has it."""
SCHEME = "Sec-CH-Prefers-Color-Scheme"
"""Light or dark, said by browsers that a page asked for it; the others get the light one."""
MANIFEST_SECONDS = 3600
"""Nobody's page: it may be kept, but after an upgrade a phone should see the new one soon."""


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
@open_while_locked
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


@blueprint.get("/manifest.webmanifest")
@public
@open_while_locked
def manifest() -> Response:
    """What a phone needs to put the journal on its home screen. The address stays; the icons' addresses change with
    them. A manifest has one pair of colours for the moment in which the journal opens, so each look gets its own."""
    shown = request.args.get(LOOK) or request.headers.get(SCHEME)
    ground = GROUNDS.get(shown or "", GROUNDS["light"])
    answer = current_app.make_response(render_template("pages/manifest.webmanifest", ground=ground))
    answer.content_type = "application/manifest+json"
    answer.headers["Cache-Control"] = f"public, max-age={MANIFEST_SECONDS}"
    answer.vary.add(SCHEME)
    return answer


@blueprint.get("/healthz")
@public
@open_while_locked
def healthz() -> Response | tuple[Response, int]:
    """200 when the journal can serve, reach its database, and nothing that is due stays undone."""
    here = current_app.extensions
    reasons = health.faults(unit(), clock.now(), here["started_at"], here["health_checks"])
    if reasons:
        return jsonify({"status": "red", "reasons": reasons}), 503
    return jsonify({"status": "ok"})
