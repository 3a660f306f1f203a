"""The doors of a link: the passcode, then the summary. Opening needs a POST, so mail scanners open nothing."""

from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.domain.summary import Summary
from journal.kit import clock
from journal.kit.tokens import plain_passcode
from journal.kit.web import attach, database, end_unit, public, unit, wake_outbox
from journal.shares import queries, service
from journal.shares.queries import Reading
from journal.summaries.files import FILES, CannotDraw, name_of
from journal.summaries.present import WINDOWS, drawn_with, window_of
from journal.summaries.queries import get_summary

blueprint = Blueprint("links", __name__)

Page = str | Response | tuple[str, int]
WRONG = "This is not the passcode. Check it with the person who gave you the link."


@blueprint.route("/shared/<token>", methods=["GET", "POST"])
@public
def page(token: str) -> Page:
    if request.method == "POST":
        return _try(token)
    reading = _read(token, "page")
    if reading is None:
        return _closed(token) or _ask(token)
    window, _chosen = window_of(request.args)
    answer = render_template(
        "links/page.html",
        reading=reading,
        address=token,
        window=window,
        **drawn_with(_summary(reading), reading.ends_on),
    )
    return answer if _is_open(reading) else _closed(token) or _ask(token)


@blueprint.get("/shared/<token>.pdf", defaults={"ending": "pdf"}, endpoint="pdf")
@blueprint.get("/shared/<token>.csv", defaults={"ending": "csv"}, endpoint="csv")
@blueprint.get("/shared/<token>.fhir.json", defaults={"ending": "fhir.json"}, endpoint="fhir")
@public
def keep(token: str, ending: str) -> Page:
    """The same summary as a file, for a browser that was let in."""
    file = FILES[ending]
    reading = _read(token, file.shape)
    if reading is None:
        return _closed(token) or redirect(url_for("links.page", token=token), 303)
    summary = _summary(reading)
    end_unit()
    try:
        body = file.write(summary, reading.share_id, render_template)
    except CannotDraw as problem:
        back = url_for("links.page", token=token)
        return render_template("summaries/no_file.html", problem=str(problem), back=back), 503
    if not _is_open(reading):
        return _closed(token) or redirect(url_for("links.page", token=token), 303)
    return attach(body, file.media_type, name_of(file, summary))


def _locked(token: str) -> Page:
    """No try was left, or the link closed a moment ago."""
    state = queries.find_link(unit(), token, clock.now())
    if state is not None and state.state == "locked":
        service.lock_spent(unit(), state.share_id, clock.now())
        unit().commit()
        wake_outbox()
    return _closed(token) or _ask(token, WRONG, 422)


def _summary(reading: Reading) -> Summary:
    now = clock.now()
    window, chosen = window_of(request.args)
    return get_summary(
        unit(),
        reading.viewer,
        reading.name,
        reading.zone,
        reading.today(now),
        now,
        window=window,
        chosen=chosen,
    )


def _read(token: str, shape: str) -> Reading | None:
    """What the link opens for this browser, noted in the patient's access log first; None without a passcode."""
    state = queries.find_link(unit(), token, clock.now())
    opening = None if state is None else request.cookies.get(_cookie(state.share_id))
    end_unit()
    if opening is None:
        return None
    with database().writing() as own:
        days = WINDOWS[window_of(request.args)[0]]
        reading = service.read_by_link(own, token, opening, shape, clock.now(), days)
        own.commit()
    return reading


def _is_open(reading: Reading) -> bool:
    """Asked once more when the answer is made: one that took long is not sent after the end."""
    with database().reading() as fresh:
        return service.is_open(fresh, reading, clock.now())


def _cookie(share_id: UUID) -> str:
    return f"journal-shared-{share_id.hex[:12]}"


def _ask(token: str, problem: str = "", code: int = 200) -> Page:
    return render_template("links/passcode.html", problem=problem), code


def _closed(token: str) -> Page | None:
    """The page of a link that is no longer open, without a hint of what it held; None while it is."""
    state = queries.find_link(unit(), token, clock.now())
    if state is not None and state.state == "open":
        return None
    return render_template("links/ended.html", state="ended" if state is None else state.state), 404


def _try(token: str) -> Page:
    if _closed(token) is not None:
        return _locked(token)
    tried = service.count_try(unit(), token, clock.now())
    unit().commit()
    end_unit()
    if tried is None:
        return _locked(token)
    share_id, expected = tried
    hasher: Any = current_app.extensions["hasher"]
    typed = plain_passcode(request.form.get("passcode", "")[:100])
    if not hasher.same(hasher.hash(typed, f"share|{share_id}"), expected):
        left = service.refuse_try(unit(), share_id, clock.now())
        unit().commit()
        wake_outbox()
        return _closed(token) or _ask(token, f"{WRONG} {left} {'try' if left == 1 else 'tries'} left.", 422)
    opening = service.let_in(unit(), share_id, clock.now())
    unit().commit()
    if opening is None:
        return _closed(token) or _ask(token)
    answer = make_response(redirect(url_for("links.page", token=token), 303))
    answer.set_cookie(
        _cookie(share_id),
        opening,
        max_age=queries.OPENING_LASTS,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        path="/shared",
    )
    return answer
