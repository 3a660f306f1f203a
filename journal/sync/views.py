"""The doors of the phone: sending what waits, what a phone needs to know, and pages that work without signal.

The offline pages hold nothing about anybody, so a phone may keep them: what is asked of whom is filled in on the phone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import Blueprint, Response, abort, current_app, jsonify, render_template, request, session

from journal.accounts import present as accounts
from journal.accounts import service as account_service
from journal.domain import after_infusion, infusion, side_effects
from journal.domain.app_lock import LOCK_AFTER
from journal.domain.days import LATE_DAYS
from journal.domain.errors import NotYours, Refused
from journal.domain.instrument_files import find_instrument, instruments
from journal.entries.views import BOTH_KEPT
from journal.kit import clock
from journal.kit.logs import where
from journal.kit.web import comes_from_here, find_person, open_while_locked, person, public, say, unit
from journal.sync import present, queries, service

blueprint = Blueprint("sync", __name__)
log = structlog.get_logger()

GONE = "This belongs to something that isn’t in your journal any more. You can copy your words, and log them anew."
Answered = Response | tuple[Response, int]


@blueprint.post("/sync")
@open_while_locked
def take() -> Answered:
    """Keep what waits on a phone. It is answered only after the commit."""
    if not comes_from_here():
        return jsonify({"error": "This can only be sent by the journal itself."}), 403
    now = clock.now()
    try:
        batch = present.read_batch(request.get_json(silent=True), person().account_id)
    except present.Unreadable:
        return jsonify({"error": "The journal on this phone is of another version. Open it anew."}), 400
    except PermissionError:
        return jsonify({"error": "These entries belong to another account."}), 403
    epoch, last = queries.get_epoch_with_last(unit(), accounts.viewer(), now)
    # A phone that knows more than this database sends what it knows first, so that everything comes in its order.
    has_lost = batch.epoch not in (None, epoch) or batch.seen > last
    answers = [_answer(told, batch.sent_at, now) for told in batch.operations if not has_lost]
    told = {
        "version": present.VERSION,
        "owner": str(person().account_id),
        "epoch": str(epoch),
        "last": max([last, *(one.get("number") or 0 for one in answers)]),
        "now": now.isoformat(),
        "answers": answers,
    }
    unit().commit()
    for one in answers:
        if batch.shown is not None and one["id"] == str(batch.shown) and "says" in one and not one["help"]:
            say(BOTH_KEPT if one["status"] == "conflict" else one["says"])
    return jsonify(told)


def _answer(told: Mapping[str, Any], sent_at: datetime, now: datetime) -> dict[str, Any]:
    """Each by itself, in a savepoint: one that can't be kept holds up no other."""
    try:
        asked = present.read_operation(told)
        done = service.apply(unit(), accounts.viewer(), asked, present.moment_of(told, sent_at, now))
        return present.tell(told, asked, done, now)
    except present.Unreadable:
        return {"id": told.get("id"), "status": "retry"}
    except NotYours:
        return _rejected(told, {"form": GONE})
    except Refused as refused:
        return _rejected(told, dict(refused.reasons))
    except Exception as error:  # a fault in one must not hold back the others; it stays on the phone
        log.error("operation failed", error=type(error).__name__, where=where(error))
        return {"id": told.get("id"), "status": "retry"}


def _rejected(told: Mapping[str, Any], reasons: dict[str, str]) -> dict[str, Any]:
    return {"id": told.get("id"), "status": "rejected", "reasons": reasons, "base": None, "help": None}


@blueprint.get("/sync/kit.json")
def kit() -> Response:
    """What a phone needs to know to be written on without signal, and the key that it seals with."""
    now = clock.now()
    told = queries.get_kit(unit(), accounts.viewer(), accounts.moment(), LATE_DAYS)
    key = accounts.hasher().key("phone", str(person().account_id))
    return jsonify(
        told
        | {
            "owner": str(person().account_id),
            "key": key.hex(),
            "zone": person().zone,
            "dayEnds": person().day_ends_hour,
            "country": person().country,
            "locks": LOCK_AFTER // timedelta(minutes=1) if person().wants_lock else 0,
            "now": now.isoformat(),
        }
    )


@blueprint.post("/sync/sign-out")
@public
@open_while_locked
def sign_out() -> Answered:
    """Sign out from a page that has put its things away already, perhaps days ago, without signal."""
    if not comes_from_here():
        return jsonify({"error": "This can only be sent by the journal itself."}), 403
    who = find_person()
    if who is not None:
        account_service.end_session(unit(), who.account_id, who.session_id, clock.now())
        unit().commit()
    session.clear()
    answer = jsonify({"signed_out": True})
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


# Pages that a phone keeps


@blueprint.get("/offline")
@public
@open_while_locked
def waiting() -> str:
    """What waits on this phone."""
    return render_template("sync/waiting.html")


@blueprint.get("/offline/check-in")
@public
@open_while_locked
def check_in() -> str:
    return render_template(
        "sync/check_in.html",
        common=side_effects.COMMON,
        late_days=LATE_DAYS,
    )


@blueprint.get("/offline/note")
@public
@open_while_locked
def add_note() -> str:
    return render_template("sync/add_note.html")


@blueprint.get("/offline/infusion")
@public
@open_while_locked
def log_infusion() -> str:
    return render_template("sync/log_infusion.html", facts=infusion, minutes=infusion.DEFAULT_MINUTES)


@blueprint.get("/offline/after-infusion/<part>")
@public
@open_while_locked
def report(part: str) -> str:
    if part not in after_infusion.PARTS:
        abort(404)
    return render_template("sync/report.html", part=part, asked=after_infusion, common=side_effects.COMMON)


@blueprint.get("/offline/questionnaires/<code>/<language>")
@public
@open_while_locked
def respond(code: str, language: str) -> str:
    instrument = find_instrument(code)
    if instrument is None or language not in instrument.languages or instrument.kept_as != "questionnaire":
        abort(404)
    return render_template("sync/respond.html", instrument=instrument, language=language)


@blueprint.get("/offline/sign-out")
@public
@open_while_locked
def leave() -> str:
    return render_template("sync/leave.html")


def kept_pages() -> list[str]:
    """The pages that a phone keeps, the same for everybody."""
    every = [one for one in instruments().values() if one.kept_as == "questionnaire"]
    return [
        "/offline",
        "/offline/check-in",
        "/offline/note",
        "/offline/infusion",
        *(f"/offline/after-infusion/{part}" for part in after_infusion.PARTS),
        *(f"/offline/questionnaires/{one.code}/{language}" for one in every for language in one.languages),
        "/offline/sign-out",
    ]


@blueprint.get("/sw.js")
@public
@open_while_locked
def worker() -> Response:
    """The service worker, with the list of what it keeps. Its bytes change whenever any of that does."""
    shell = current_app.extensions["shell"]
    text = render_template("sync/worker.js", version=shell.version, files=shell.files, pages=kept_pages())
    return Response(text, content_type="text/javascript; charset=utf-8")
