"""The doors of sharing, for the patient: give, look at the exact page first, change, end, and see who looked."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.accounts import present
from journal.accounts import service as accounts
from journal.audit import queries as audit
from journal.clinic_flags import queries as clinic_flags
from journal.clinics import queries as clinics
from journal.domain.access import KINDS, LINK_DAYS, Scope, Viewer, is_wider
from journal.domain.errors import Refused
from journal.domain.flag_rules import TOLD
from journal.domain.safety import to_dial
from journal.entries.forms import entry_id_of
from journal.flags import service as flags
from journal.kit import clock, throttle
from journal.kit.tokens import new_passcode, plain_passcode
from journal.kit.web import end_unit, person, say, unit, wake_outbox
from journal.profiles.queries import get_profile
from journal.shares import queries, service
from journal.sharing import forms
from journal.sharing.present import ask_twice_page, ends_at, find_recent_infusion, form_page, preview_page
from journal.summaries.present import drawn_with, window_of
from journal.summaries.queries import get_summary

blueprint = Blueprint("sharing", __name__)

Page = str | Response | tuple[str, int]
INVITE_WINDOW = timedelta(days=1)
INVITES_A_DAY = 20
"""Own choice: more invitations than this in a day are a mistake or a misuse."""


@blueprint.get("/sharing")
def index() -> str:
    now = clock.now()
    held = queries.list_shares(unit(), present.viewer(), now)
    reviews = queries.list_reviews(unit(), present.viewer())
    names = {one.id: one.to for one in held}
    return render_template(
        "sharing/index.html",
        live=[one for one in held if one.is_live],
        past=[one for one in held if not one.is_live],
        reviews=[(one, names.get(one.share_id, "")) for one in reviews[:3]],
        kinds=KINDS,
        zone=present.zone(),
        now=now,
        me=person(),
    )


@blueprint.route("/sharing/new", methods=["GET", "POST"])
def new() -> Page:
    way = request.values.get("way", "")
    if way not in ("person", "link"):
        return render_template("sharing/choose.html", most_days=LINK_DAYS, me=person())
    if not person().is_verified:
        return render_template("sharing/unconfirmed.html", me=person())
    if request.method != "POST":
        profile, _ = get_profile(unit(), present.viewer())
        return form_page(forms.first_values(way, profile.name), service.new_id(), {})
    share_id = entry_id_of(request.form, "share_id")
    if "again" in request.args:
        return form_page(forms.typed(request.form), share_id, {})
    try:
        read = _read(way, share_id)
    except Refused as refused:
        return form_page(forms.typed(request.form), share_id, refused.reasons), 422
    if request.form.get("step") != "share":
        return preview_page(read, None)
    recent = find_recent_infusion()
    if recent is not None and request.form.get("asked") != "twice":
        return ask_twice_page(read, recent, "/sharing")
    return _invite(read) if way == "person" else _give_link(read)


def _read(way: str, share_id: UUID, fixed: queries.Held | None = None) -> forms.Read:
    """What the form wishes for, checked. Raises Refused."""
    read = forms.read(request.form, way, share_id, present.today(), fixed=fixed)
    made_on = fixed.created_at.astimezone(present.zone()).date() if fixed and way == "link" else None
    service.check(read.wish, way, present.today(), made_on)
    mine = accounts.email_key(person().email)
    if way == "person" and fixed is None and accounts.email_key(read.wish.email) == mine:
        raise Refused({"email": "This is your own address. Enter the address of the person to share with."})
    return read


def _invite(read: forms.Read) -> Page:
    now = clock.now()
    if not _may_invite():
        errors = {"email": "You sent many invitations today. Try again tomorrow."}
        return form_page(read.values, read.wish.share_id, errors), 429
    try:
        service.invite(unit(), present.viewer(), read.wish, ends_at(read.wish.ends_on), now)
    except Refused as refused:
        return form_page(read.values, read.wish.share_id, refused.reasons), 422
    unit().commit()
    wake_outbox()
    say(f"Shared. We sent a mail to {read.wish.email}.")
    return redirect(url_for("sharing.share", share_id=read.wish.share_id), 303)


def _may_invite() -> bool:
    hasher: Any = current_app.extensions["hasher"]
    bucket = hasher.key("invitations", str(person().account_id))
    return throttle.count_try(unit(), bucket, INVITE_WINDOW, clock.now()) <= INVITES_A_DAY


def _give_link(read: forms.Read) -> Page:
    passcode = new_passcode()
    end_unit()
    hashed = _hash_passcode(passcode, read.wish.share_id)
    try:
        token = service.give_link(
            unit(),
            present.viewer(),
            read.wish,
            ends_at(read.wish.ends_on),
            hashed,
            clock.now(),
            once=read.once,
        )
    except Refused as refused:
        return form_page(read.values, read.wish.share_id, refused.reasons), 422
    unit().commit()
    if token is None:  # the form was sent twice; the link was shown the first time
        return redirect(url_for("sharing.share", share_id=read.wish.share_id), 303)
    base_url = current_app.extensions["settings"].base_url
    return render_template(
        "sharing/link.html", read=read, link=f"{base_url}/shared/{token}", passcode=passcode
    )


def _hash_passcode(passcode: str, share_id: UUID) -> str:
    hasher: Any = current_app.extensions["hasher"]
    return str(hasher.hash(plain_passcode(passcode), f"share|{share_id}"))


@blueprint.get("/sharing/<uuid:share_id>")
def share(share_id: UUID) -> str:
    now = clock.now()
    held = queries.get_share(unit(), present.viewer(), share_id, now)
    log = audit.get_access_log(unit(), present.viewer())
    clinic = queries.find_clinic(unit(), present.viewer()) if held.way == "clinic" and held.is_live else None
    return render_template(
        "sharing/share.html",
        held=held,
        clinic=clinic,
        handled=clinic_flags.list_handled(unit(), present.viewer(), clinic.id) if clinic else (),
        rules=TOLD,
        to_dial=to_dial,
        ends_on=_last_day(held),
        reads=[one for one in log.rows if one.share_id == share_id][:5],
        reviews=queries.list_reviews(unit(), present.viewer(), [share_id]),
        kinds=KINDS,
        zone=present.zone(),
    )


def _last_day(held: queries.Held) -> date | None:
    """The last day on which it is open; None for a clinic, which follows until the patient ends it."""
    return (
        (held.expires_at - timedelta(seconds=1)).astimezone(present.zone()).date() if held.has_end else None
    )


@blueprint.get("/sharing/<uuid:share_id>/preview")
def preview(share_id: UUID) -> str:
    now = clock.now()
    held = queries.get_share(unit(), present.viewer(), share_id, now)
    viewer = Viewer(None, present.viewer().patient_id, held.scope)
    window, chosen = window_of(request.args)
    summary = get_summary(
        unit(), viewer, held.name, present.zone(), present.today(), now, window=window, chosen=chosen
    )
    return render_template(
        "sharing/seen.html", held=held, window=window, **drawn_with(summary, _last_day(held))
    )


@blueprint.route("/sharing/<uuid:share_id>/edit", methods=["GET", "POST"])
def edit(share_id: UUID) -> Page:
    held = queries.get_share(unit(), present.viewer(), share_id, clock.now())
    if not held.is_live:
        say("This share has ended, so it can’t be changed. You can share again.")
        return redirect(url_for("sharing.share", share_id=share_id), 303)
    before = _last_day(held)
    if request.method != "POST":
        return form_page(forms.values_of(held, before), share_id, {}, held)
    if "again" in request.args:
        return form_page(forms.typed(request.form) | {"way": held.way}, share_id, {}, held)
    try:
        read = _read(held.way, share_id, held)
    except Refused as refused:
        return form_page(forms.typed(request.form) | {"way": held.way}, share_id, refused.reasons, held), 422
    if request.form.get("step") != "share":
        return preview_page(read, held)
    longer = before is not None and read.wish.ends_on is not None and read.wish.ends_on > before
    wider = is_wider(held.scope, read.wish.scope) or longer
    recent = find_recent_infusion() if wider else None
    if recent is not None and request.form.get("asked") != "twice":
        return ask_twice_page(read, recent, url_for("sharing.share", share_id=share_id))
    service.change(unit(), present.viewer(), read.wish, ends_at(read.wish.ends_on), clock.now())
    if held.way == "clinic":
        flags.look_again(unit(), present.viewer())
    unit().commit()
    wake_outbox()
    say("Saved. It holds from now on.")
    return redirect(url_for("sharing.share", share_id=share_id), 303)


@blueprint.post("/sharing/<uuid:share_id>/end")
def end(share_id: UUID) -> Response:
    service.end(unit(), present.viewer(), share_id, clock.now())
    unit().commit()
    say("Ended. Nobody can open it any more.")
    return redirect(url_for("sharing.index"), 303)


@blueprint.post("/sharing/<uuid:share_id>/invite")
def invite_again(share_id: UUID) -> Response:
    """Send the mail once more; the link in the earlier one is no use from then on."""
    if _may_invite():
        service.invite_again(unit(), present.viewer(), share_id, clock.now())
        say("We sent the mail again.")
    else:
        say("You sent many invitations today. Try again tomorrow.")
    unit().commit()
    wake_outbox()
    return redirect(url_for("sharing.share", share_id=share_id), 303)


@blueprint.get("/sharing/access-log")
def access_log() -> str:
    log = audit.get_access_log(unit(), present.viewer(), everything=request.args.get("all") == "1")
    names = {one.id: one for one in queries.list_shares(unit(), present.viewer(), clock.now())}
    return render_template(
        "sharing/access_log.html",
        log=log,
        visits=_visits(log.rows),
        names=names,
        staff=clinics.list_names(unit(), list({one.reader_id for one in log.rows if one.reader_id})),
        kinds=KINDS,
        zone=present.zone(),
        shapes=SHAPES,
    )


def _visits(rows: Sequence[audit.Logged]) -> list[list[audit.Logged]]:
    """Rows of the same reader, shape, kinds, days and hour, one after the other, as one visit each."""
    zone = present.zone()

    def alike(one: audit.Logged) -> object:
        hour = one.at.astimezone(zone).replace(minute=0, second=0, microsecond=0)
        return (one.share_id, one.reader_id, one.shape, one.kinds, one.since, one.until, hour)

    return [list(group) for _same, group in groupby(rows, alike)]


SHAPES = {
    "list": "the list of people, with your last days",
    "page": "the page",
    "pdf": "the page as a PDF",
    "csv": "the numbers as a CSV file",
    "fhir": "the page as a FHIR file",
    "flags": "a flag, in the clinic’s list",
    "digest": "your line in the clinic’s weekly summary",
}


def scope_said(scope: Scope) -> str:
    """Daily measures, side effects"""
    return ", ".join(KINDS[kind].title for kind in KINDS if kind in scope.kinds)


@blueprint.app_context_processor
def words() -> dict[str, Any]:
    return {"scope_said": scope_said}
