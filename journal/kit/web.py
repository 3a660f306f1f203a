"""The web edge: a unit of work per request, headers, who may come in, error pages, and small answers' size."""

import gzip
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import structlog
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.json.provider import DefaultJSONProvider
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict, HTTPException, NotFound
from werkzeug.wrappers import Response as AnyResponse

from journal.kit.db import Database
from journal.kit.logs import where

log = structlog.get_logger()

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",  # over https the CSRF check wants to see where a form came from
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
}
WAKES = "wakes"
"""Set in a unit's `info` by a service whose work can't wait for the worker's next minute."""
DEFAULT_PORTS = {"http": 80, "https": 443}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
GZIP_FROM_BYTES = 1400
MOST_BYTES = 1024 * 1024

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Mark a view that needs no sign-in. Every other view turns strangers away."""
    view.is_public = True  # type: ignore[attr-defined] # a mark on a function, read by may_enter
    return view


def is_public(view: Callable[..., Any]) -> bool:
    return bool(getattr(view, "is_public", False))


def open_while_locked(view: View) -> View:
    """Mark a view that the app lock never covers, and whose use says nothing of whether somebody is here."""
    view.while_locked = "open"  # type: ignore[attr-defined] # a mark on a function, read by while_locked
    return view


def saves_while_locked(view: View) -> View:
    """Mark a view that keeps what was sent even while the app lock is on; what it answers is not shown."""
    view.while_locked = "saves"  # type: ignore[attr-defined] # likewise
    return view


def while_locked(endpoint: str | None) -> str | None:
    """What a locked browser may do there: "open", "saves", or None where it waits."""
    view = current_app.view_functions.get(endpoint or "")
    return cast("str | None", getattr(view, "while_locked", None))


def is_open_while_locked() -> bool:
    """Whether the page that is asked for is never locked."""
    return while_locked(request.endpoint) == "open"


class Person(Protocol):
    """Who is signed in, as far as pages need to know."""

    @property
    def account_id(self) -> UUID: ...
    @property
    def session_id(self) -> UUID: ...
    @property
    def email(self) -> str: ...
    @property
    def is_verified(self) -> bool: ...
    @property
    def pending_email(self) -> str | None: ...
    @property
    def zone(self) -> str: ...
    @property
    def country(self) -> str | None: ...
    @property
    def day_ends_hour(self) -> int: ...
    @property
    def was_welcomed(self) -> bool: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def reads_others(self) -> bool: ...
    @property
    def has_second_step(self) -> bool: ...
    @property
    def wants_lock(self) -> bool: ...
    @property
    def is_locked(self) -> bool: ...
    @property
    def has_pin(self) -> bool: ...
    @property
    def unlocks_by_passkey(self) -> bool: ...


def person() -> Person:
    """The signed-in person; only for views that are not public."""
    return cast(Person, current_user.person)


def find_person() -> Person | None:
    """The signed-in person, or None on a public page."""
    return person() if current_user.is_authenticated else None


def find_person_here() -> Person | None:
    """The signed-in person as pages may show them: None while the app lock is on."""
    who = find_person()
    return None if who is None or who.is_locked else who


def device() -> str:
    """A short name of the browser that is asking, such as "Firefox on Android"."""
    agent = request.user_agent.string
    browser = next((name for mark, name in _BROWSERS if mark in agent), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return f"{browser} on {system}" if system else browser


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "a Mac"),
    ("Linux", "Linux"),
)


def database() -> Database:
    return cast(Database, current_app.extensions["database"])


def unit() -> Session:
    """This request's unit of work: it may write when the method may, and is undone unless the view commits."""
    if "unit" not in g:
        g.unit_stack = ExitStack()
        opened = database().reading() if request.method in SAFE_METHODS else database().writing()
        g.unit = g.unit_stack.enter_context(opened)
    return cast(Session, g.unit)


def end_unit(_error: BaseException | None = None) -> None:
    """Close the unit now, so that slow work (hashing a passphrase) holds up nobody's save."""
    g.pop("unit", None)
    stack = g.pop("unit_stack", None)
    if stack is not None:
        stack.close()


def here_again() -> str:
    """The address of this page, for coming back to it: a page that answered a form is opened anew by its own address
    where it has one."""
    return request.full_path.rstrip("?") if request.method != "POST" else url_for("pages.home")


def lead(endpoint: str, **values: Any) -> AnyResponse:
    """Send the browser on to another page."""
    return redirect(url_for(endpoint, **values), 303)


def attach(body: bytes, media_type: str, name: str) -> Response:
    """A file to be kept. `name` is plain ASCII."""
    answer = Response(body, content_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def wake_outbox() -> None:
    """Let a worker look now at what was just asked for. Tests and commands have no bell; the worker looks each minute."""
    wake = current_app.extensions.get("wake")
    if wake is not None:
        wake()


def say(message: str) -> None:
    """Show one message on the next page. A newer one takes its place, so that the cookie stays small."""
    session["_flashes"] = [("message", message)]


def local_target(address: str | None) -> str | None:
    """The address if it is a path of this journal, else None: nobody is sent elsewhere after signing in."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")) or "\\" in address:
        return None
    parts = urlsplit(address)
    return None if parts.scheme or parts.netloc or any(ord(c) < 32 for c in address) else address


def comes_from_here() -> bool:
    """Whether a page of this journal sends this, as far as the browser says: what guards JSON that a phone may have kept
    for days, so that no token in it could still be good. A form of another site can't send that type, and a browser
    says where a request comes from in at least one of the two headers."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if not request.is_json or (site is None and origin is None):
        return False
    own = {request.host_url.rstrip("/"), origin_of(current_app.extensions["settings"].base_url)}
    return site in (None, "same-origin") and (origin is None or origin in own)


def origin_of(address: str) -> str:
    """The origin of an address, as browsers write it."""
    parts = urlsplit(address)
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def _wants_json() -> bool:
    return request.path.endswith(".json") or request.is_json


def _may_enter() -> AnyResponse | None:
    if request.endpoint is None or request.endpoint == "static":
        return None
    view = current_app.view_functions[request.endpoint]
    if is_public(view) or current_user.is_authenticated:
        return None
    if _wants_json():
        abort(401)
    back = request.full_path.rstrip("?") if request.method != "POST" else None
    return redirect(url_for("accounts.sign_in", next=back), 303)


def _finish(response: Response) -> Response:
    if "unit" in g and g.unit.info.pop(WAKES, False):
        wake_outbox()
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return _squeeze(response)


def _squeeze(response: Response) -> Response:
    # Safe against BREACH: no page repeats what a foreign site can choose, and the session cookie is SameSite=Lax.
    if (
        response.is_streamed
        or response.content_encoding
        or response.mimetype not in ("text/html", "application/json")
        or (response.content_length or 0) < GZIP_FROM_BYTES
        or "gzip" not in request.headers.get("Accept-Encoding", "")
    ):
        return response
    response.set_data(gzip.compress(response.get_data(), 1, mtime=0))
    response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    return response


ERRORS: Mapping[int, tuple[str, str]] = {
    400: (
        "This page couldn’t be read",
        "Something was missing from what was sent. Go back and try once more.",
    ),
    401: ("Please sign in first", "You were signed out, or never signed in here. Your entries are safe."),
    403: ("This isn’t allowed", "You can’t open this page."),
    404: ("There is nothing at this address", "It may have been moved, or the link may have been cut short."),
    405: ("This page can’t be used that way", "Go back and use the button on the page."),
    409: ("This was changed meanwhile", "Open the page again to see both versions. Nothing was lost."),
    413: ("That is too much at once", "Please write a shorter text. Nothing was saved yet."),
    429: (
        "Please wait a little",
        "There were many tries in a short time. You can try again in a few minutes.",
    ),
    500: (
        "The journal had a fault",
        "What you saved before is safe. What you just sent may not be saved. "
        "Please go back and try again in a minute.",
    ),
}


Answer = tuple[str, int] | tuple[Response, int] | Response | AnyResponse


def _show_error(error: HTTPException) -> Answer:
    code = error.code or 500
    if code < 400:
        return error.get_response()
    title, text = ERRORS.get(code, ERRORS[400 if code < 500 else 500])
    if isinstance(error, CSRFError):
        title, text = (
            "You were signed out meanwhile",
            "What you wrote was not sent. If a draft was kept on this phone, it is there when you sign in again. "
            "Else go back, copy what you wrote, and sign in.",
        )
        back = local_target(urlsplit(request.referrer or "").path)
        return render_template(
            "errors/error.html", title=title, text=text, code=code, sign_in=True, back=back
        ), code
    if _wants_json():
        return jsonify({"error": title}), code
    return render_template("errors/error.html", title=title, text=text, code=code), code


def show_missing(_error: Exception) -> Answer:
    """A thing that isn't there, or isn't yours: a stranger can't tell which."""
    return _show_error(NotFound())


def show_conflict(_error: Exception) -> Answer:
    """What was sent doesn't fit what is there, and no form on a page could show why."""
    return _show_error(Conflict())


def _show_fault(error: Exception) -> tuple[str, int]:
    end_unit()
    log.error("request failed", rule=str(request.url_rule), error=type(error).__name__, where=where(error))
    title, text = ERRORS[500]
    return render_template("errors/error.html", title=title, text=text, code=500, bare=True), 500


class Json(DefaultJSONProvider):
    """JSON by orjson, which writes a year of numbers in a tenth of the time."""

    def dumps(self, obj: Any, **_options: Any) -> str:
        return orjson.dumps(obj).decode()


def install(app: Flask) -> None:
    """Put the edge round the app."""
    app.json = Json(app)
    app.before_request(_may_enter)
    app.after_request(_finish)
    app.teardown_request(end_unit)
    app.register_error_handler(HTTPException, _show_error)
    app.register_error_handler(Exception, _show_fault)
