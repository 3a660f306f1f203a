"""What a locked browser gets instead of the page it asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from urllib.parse import urlsplit

from flask import abort, current_app, g, make_response, render_template, request, session, url_for
from werkzeug.wrappers import Response

from journal.accounts import queries
from journal.accounts.present import hasher
from journal.app_lock.held import Held, hold, let_go
from journal.kit import clock
from journal.kit.web import (
    SAFE_METHODS,
    end_unit,
    find_person,
    here_again,
    is_public,
    lead,
    local_target,
    person,
    say,
    unit,
    while_locked,
)

FLASHES = "_flashes"
TOLD_AT = "told_while_locked"
TOLD_FOR = timedelta(minutes=10)
"""Own choice: time enough to call somebody, with the page still saying why."""


def lock_first() -> Response | None:
    """For `before_request`: every page of a locked session leads to the way in, and every form waits there. Only what
    is marked so goes through: help, signing out, and what keeps an entry."""
    how = while_locked(request.endpoint)
    if request.endpoint is None or how == "open":
        return None
    who = find_person()
    if who is None or not who.is_locked:
        if is_public(current_app.view_functions[request.endpoint]):
            end_unit()  # such a view may begin with slow work, and holds up nobody's save with it
        return None
    if request.method in SAFE_METHODS:
        if request.path.endswith(".json"):
            abort(401)
        return lead("app_lock.unlock", next=here_again())
    if how == "saves":
        g.saved_while_locked = clock.now()
        return None
    return _hold_form()


def hold_back(response: Response) -> Response:
    """For `after_request`: what was sent from a locked session is kept, and nothing is read back. A form that was
    refused waits in the page that asks for the PIN: around what was typed it shows what was logged before."""
    saved_at = g.pop("saved_while_locked", None)
    if saved_at is None:
        return response
    if response.status_code == 303:
        _say_no_more()
        if urlsplit(response.location).path == "/help-now":  # help never waits
            session[TOLD_AT] = int(saved_at.timestamp())
            return response
        return lead("app_lock.unlock", next=local_target(response.location))
    if response.status_code >= 500 or (response.status_code == 200 and response.is_json):
        return response  # the fault's page is bare, and a script is only told where to go next
    session.pop(FLASHES, None)
    return _hold_form()


def told_while_locked() -> datetime | None:
    """Since when this locked browser was told something that needs help: of what waits for help, it shows that alone."""
    at = datetime.fromtimestamp(session.get(TOLD_AT, 0), UTC)
    return at if clock.now() - at <= TOLD_FOR else None


def _say_no_more() -> None:
    """Of what the next page would say, only that it was saved."""
    told = [message for _kind, message in session.pop(FLASHES, [])]
    if any(one.startswith(("Saved", "This was saved")) for one in told):
        say("Saved.")


def _hold_form() -> Response:
    here = request.full_path.rstrip("?")
    shows = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    fields = () if request.files else request.form.items(multi=True)
    held = hold(hasher().vault, person().session_id, here, fields)
    return make_response(unlock_page(here if shows else url_for("pages.home"), held=held), 401)


def find_held() -> Held | None:
    """The form that waited in the page that asked for the PIN."""
    carried = request.form.get("held")
    return let_go(hasher().vault, person().session_id, carried) if carried else None


def onward() -> str:
    """Where somebody was going when they were asked for the PIN."""
    told = local_target(request.values.get("next"))
    return told if told and not told.startswith("/unlock") else url_for("pages.home")


def unlock_page(
    target: str, errors: Mapping[str, str] = MappingProxyType({}), *, held: str | None = None
) -> str:
    """The way in. It names nobody and shows nothing of the journal."""
    who = person()
    return render_template(
        "app_lock/unlock.html",
        errors=errors,
        held=held,
        target=target,
        lock=who,
        takes_pin=who.has_pin and queries.takes_pin(unit(), who.session_id),
        proves="prove" in request.values and not who.is_locked,
    )
