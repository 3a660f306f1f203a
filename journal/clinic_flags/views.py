"""The doors of a clinic's flags, for its clinicians: the list, one flag with all that happened to it."""

from datetime import datetime
from uuid import UUID

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.clinic_flags import queries, service
from journal.clinic_flags.service import PAGE, REASONS, Shown
from journal.clinics import queries as clinics
from journal.clinics.present import membership
from journal.clinics.queries import Membership
from journal.domain.errors import NotYours, Refused
from journal.domain.flag_rules import AT_ONCE
from journal.domain.summary import say_to_reader
from journal.factors.present import second_step_first
from journal.kit import clock, health
from journal.kit.web import database, end_unit, find_person, say, unit
from journal.shares import service as shares

blueprint = Blueprint("clinic_flags", __name__)

Page = str | Response | tuple[str, int]
EVERY = (*queries.OPEN_STATES, "closed")


@blueprint.before_request
def careful() -> Response | None:
    """Whoever reads in other people's journals gave a second step."""
    who = find_person()
    return second_step_first() if who is not None and who.reads_others else None


def _read(
    member: Membership, states: tuple[str, ...], only: UUID | None = None, start: int = 0
) -> service.Page:
    """The flags, logged in their patients' access logs before anything is shown."""
    end_unit()
    with database().writing() as own:
        page = service.read(own, member, states, clock.now(), start=start, only=only)
        own.commit()
    return page


@blueprint.get("/clinic/flags")
def index() -> Page:
    member = membership("clinician")
    closed = request.args.get("show") == "closed"
    number = request.args.get("page", 1, type=int)
    start = (max(1, min(number, 10_000)) - 1) * PAGE
    _look_for_new()
    page = _read(member, ("closed",) if closed else queries.OPEN_STATES, start=start)
    clinic = clinics.get_settings(unit(), member.clinic_id)
    answer = render_template(
        "clinic_flags/index.html",
        member=member,
        clinic=clinic,
        closed=closed,
        page=page,
        number=start // PAGE + 1,
        pages=-(-page.count // PAGE),
        start=start,
        now=clock.now(),
        no_worker=health.is_worker_gone(unit(), clock.now(), current_app.extensions["started_at"]),
        **_words(member),
    )
    with database().reading() as fresh:
        if not shares.are_open(fresh, page.readings, clock.now()):
            return redirect(request.full_path, 303)  # somebody withdrew meanwhile: ask anew
    return answer


def _look_for_new() -> None:
    """Whoever opens the list sees what was said a moment ago, also when no worker is there to tell it."""
    end_unit()
    with database().writing() as own:
        service.deliver(own, clock.now())
        own.commit()


def _words(member: Membership) -> dict[str, object]:
    staff = clinics.list_staff(unit(), member.clinic_id, clock.now())
    return {
        "names": {one.id: one.name for one in staff},
        "at_once": AT_ONCE,
        "reasons": REASONS,
        "say_to_reader": say_to_reader,
    }


def _get(member: Membership, flag_id: UUID) -> Shown:
    """One of the clinic's flags that the person may see now. Raises NotYours."""
    shown = _read(member, EVERY, only=flag_id).shown
    if not shown:
        raise NotYours("flag")
    return shown[0]


@blueprint.get("/clinic/flags/<uuid:flag_id>")
def flag(flag_id: UUID) -> Page:
    member = membership("clinician")
    shown = _get(member, flag_id)
    answer = _page(member, shown, {}, {})
    with database().reading() as fresh:
        if not shares.is_open(fresh, shown.reading, clock.now()):
            raise NotYours("flag")
    return answer


def _page(member: Membership, shown: Shown, values: dict[str, str], errors: dict[str, str]) -> str:
    return render_template(
        "clinic_flags/flag.html",
        member=member,
        clinic=clinics.get_settings(unit(), member.clinic_id),
        shown=shown,
        steps=queries.list_steps(unit(), shown.reading.viewer, shown.flag),
        values=values,
        errors=errors,
        now=clock.now(),
        **_words(member),
    )


def _is_as_seen(shown: Shown) -> bool:
    """Whether the flag is told as it was when the person looked: False where the patient has told it anew since."""
    try:
        seen_at = datetime.fromisoformat(request.form.get("told_at", ""))
    except ValueError:
        return False
    return seen_at == shown.flag.told_at


def _look_first(flag_id: UUID) -> Response:
    say("This was told again meanwhile. Look at it first.")
    return redirect(url_for("clinic_flags.flag", flag_id=flag_id), 303)


@blueprint.post("/clinic/flags/<uuid:flag_id>/acknowledge")
def acknowledge(flag_id: UUID) -> Page:
    member = membership("clinician")
    shown = _get(member, flag_id)
    if not _is_as_seen(shown):
        return _look_first(flag_id)
    if service.acknowledge(unit(), member, shown.flag, clock.now()):
        say(f"Acknowledged. {shown.reading.name} can see that. It is with you now.")
    else:
        say("Somebody has acknowledged it already.")
    unit().commit()
    if request.form.get("back") == "list":
        return redirect(url_for("clinic_flags.index"), 303)
    return redirect(url_for("clinic_flags.flag", flag_id=flag_id), 303)


@blueprint.post("/clinic/flags/<uuid:flag_id>/note")
def note(flag_id: UUID) -> Page:
    member = membership("clinician")
    shown = _get(member, flag_id)
    try:
        service.note(
            unit(), member, shown.reading.viewer, shown.flag, request.form.get("note", ""), clock.now()
        )
    except Refused as refused:
        return _page(member, shown, {"note": request.form.get("note", "")}, refused.reasons), 422
    unit().commit()
    say("Noted. Your clinic’s clinicians can read it; the patient can’t.")
    return redirect(url_for("clinic_flags.flag", flag_id=flag_id), 303)


@blueprint.post("/clinic/flags/<uuid:flag_id>/close")
def close(flag_id: UUID) -> Page:
    member = membership("clinician")
    shown = _get(member, flag_id)
    if not _is_as_seen(shown):
        return _look_first(flag_id)
    why, text = request.form.get("why", ""), request.form.get("closing", "")
    try:
        closed = service.close(unit(), member, shown.reading.viewer, shown.flag, why, text, clock.now())
    except Refused as refused:
        errors = {("closing" if name == "note" else name): said for name, said in refused.reasons.items()}
        return _page(member, shown, {"why": why, "closing": text}, errors), 422
    unit().commit()
    say("Closed. You can open it again." if closed else "It is closed already.")
    return redirect(url_for("clinic_flags.index"), 303)


@blueprint.post("/clinic/flags/<uuid:flag_id>/reopen")
def reopen(flag_id: UUID) -> Page:
    member = membership("clinician")
    shown = _get(member, flag_id)
    if service.reopen(unit(), member, shown.flag, clock.now()):
        say("It is open again, and with you.")
    unit().commit()
    return redirect(url_for("clinic_flags.flag", flag_id=flag_id), 303)
