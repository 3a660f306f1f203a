"""The doors of web push. The page is that of reminders; here phones are turned on and off, and quiet hours kept."""

from uuid import UUID

from flask import Blueprint, jsonify, redirect, request, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from journal.accounts import present
from journal.domain.errors import Refused
from journal.domain.quiet import QuietHours
from journal.kit.web import device, person, say, unit
from journal.kit.webpush import BadSubscription, read_subscription
from journal.push import service
from journal.push.present import public_key, settings

blueprint = Blueprint("push", __name__)

UNFIT = "Your browser gave no address that a reminder can be sent to. Mails come as before."


@blueprint.get("/reminders/devices.json")
def key() -> Response:
    """What a browser needs to subscribe: asked by its service worker when the browser changed the subscription by itself,
    and there is no page."""
    found = public_key()
    if found is None:
        raise NotFound
    return jsonify({"key": found, "csrf_token": generate_csrf()})


@blueprint.post("/reminders/devices")
def add() -> Response:
    """Turn reminders on for this phone."""
    if not settings().web_push:
        raise NotFound
    values = [request.form.get(name, "") for name in ("endpoint", "p256dh", "auth")]
    try:
        subscription = read_subscription(*values, loopback=settings().push_to_loopback)
        service.add(
            unit(), present.viewer(), person().session_id, subscription, device(), present.moment().now
        )
    except BadSubscription:
        say(UNFIT)
    except Refused as refused:
        say(next(iter(refused.reasons.values())))
    else:
        unit().commit()
        say("Reminders come to this phone too.")
    return redirect(url_for("reminders.index"), 303)


@blueprint.post("/reminders/devices/<uuid:device_id>/remove")
def remove(device_id: UUID) -> Response:
    service.remove(unit(), present.viewer(), device_id)
    unit().commit()
    say("Turned off. No reminder goes to that phone any more.")
    return redirect(url_for("reminders.index"), 303)


@blueprint.post("/reminders/quiet-hours")
def keep_quiet() -> Response:
    hours = [request.form.get(name, "") for name in ("quiet_from", "quiet_until")]
    quiet = QuietHours(*(int(hour) if hour.isascii() and hour.isdigit() else -1 for hour in hours))
    service.keep_quiet(unit(), present.viewer(), quiet)
    unit().commit()
    say("Saved.")
    return redirect(url_for("reminders.index"), 303)
