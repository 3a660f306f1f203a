"""The doors of the clinic's desk: its first page, its staff, its settings, the names of its patients.

Each view begins with `membership(roles)`: whoever has none of them gets what a stranger gets.
"""

from collections.abc import Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.clinic_flags.queries import count_open_for_clinic
from journal.clinic_flags.service import list_earlier
from journal.clinics import queries, service
from journal.clinics.present import SAID, choose, membership, memberships, settings
from journal.clinics.queries import Membership, Settings
from journal.digests import service as digests
from journal.digests.queries import is_overdue
from journal.domain.errors import NotYours, Refused
from journal.domain.flag_rules import AT_ONCE, TITLES, TOLD
from journal.domain.help_numbers import countries
from journal.entries.forms import entry_id_of
from journal.factors.present import second_step_first
from journal.kit import clock, outbox, qr, throttle
from journal.kit.web import find_person, person, say, unit, wake_outbox
from journal.shares.queries import count_followed, has_readings
from journal.staff import forms
from journal.staff.present import find_newest_digest, mail_is_stuck, worker_is_missing
from journal.staff.queries import list_patients, list_posted, list_unchosen, list_unsent

blueprint = Blueprint("staff", __name__)

Page = str | Response | tuple[str, int]
INVITE_WINDOW = timedelta(days=1)
INVITES_A_DAY = {"staff": 40, "patients": 300}
"""Own choice: more invitations than this in a day of a clinic are a mistake or a misuse."""


@blueprint.before_request
def careful() -> Response | None:
    """Whoever works with a clinic gave a second step. A stranger is told nothing, not even that."""
    who = find_person()
    if who is None or not who.reads_others:
        return None
    return second_step_first()


@blueprint.app_context_processor
def words() -> dict[str, Any]:
    return {"clinics_of_mine": memberships, "works_as": _works_as, "roles_said": SAID}


def _works_as(*roles: str) -> bool:
    """Whether the person has one of these roles in the chosen clinic: for what the pages offer."""
    try:
        return bool(membership(*roles))
    except NotYours:
        return False


@blueprint.get("/clinic")
def home() -> Page:
    here, clinic, now = membership(), settings(), clock.now()
    is_admin, reads = here.is_("admin"), here.is_("clinician")
    return render_template(
        "staff/home.html",
        here=here,
        clinic=clinic,
        now=now.astimezone(clinic.zone),
        others=memberships(),
        open_flags=count_open_for_clinic(unit(), clinic.id) if reads else 0,
        newest=find_newest_digest(clinic.id),
        followed=count_followed(unit(), clinic.id, now),
        asked=queries.count_asked(unit(), clinic.id, now),
        unsent=list_unsent(unit(), clinic.id) if is_admin else (),
        is_late=is_overdue(unit(), clinic.id, now),
        no_worker=worker_is_missing(now),
        has_clinician=bool(queries.list_recipients(unit(), clinic.id, "clinician")),
        is_stuck=is_admin and mail_is_stuck(now),
        unchosen=list_unchosen(clinic) if is_admin else (),
        has_people=has_readings(unit(), person().account_id, now),
    )


@blueprint.post("/clinic/choose")
def choose_clinic() -> Response:
    """Go on in another of one's clinics."""
    membership()
    try:
        choose(UUID(request.form.get("clinic", "")))
    except ValueError:
        raise NotYours("clinic") from None
    return redirect(url_for("staff.home"), 303)


@blueprint.post("/clinic/digest-mail")
def digest_mail() -> Response:
    here = membership("admin", "clinician")
    wants = request.form.get("wants") == "yes"
    service.set_wants_digest(unit(), here.staff_id, wants, clock.now(), here.account_id)
    unit().commit()
    say("Saved. You get the weekly mail." if wants else "Saved. You get no weekly mail any more.")
    return redirect(url_for("staff.home"), 303)


@blueprint.post("/clinic/mails/<uuid:mail_id>/again")
def send_again(mail_id: UUID) -> Response:
    here = membership("admin")
    if not outbox.send_again(unit(), here.clinic_id, mail_id, clock.now()):
        raise NotYours("mail")
    unit().commit()
    wake_outbox()
    say("We try to send it again now.")
    return redirect(url_for("staff.home"), 303)


def _may_invite(here: Membership, whom: str) -> bool:
    hasher: Any = current_app.extensions["hasher"]
    bucket = hasher.key(f"{whom} invited", str(here.clinic_id))
    return throttle.count_try(unit(), bucket, INVITE_WINDOW, clock.now()) <= INVITES_A_DAY[whom]


TOO_MANY = "Your clinic sent many invitations today. Try again tomorrow."


# Staff


@blueprint.get("/clinic/staff")
def index() -> Page:
    membership("admin")
    clinic, now = settings(), clock.now()
    listed = queries.list_staff(unit(), clinic.id, now)
    return render_template(
        "staff/index.html",
        clinic=clinic,
        staff=[one for one in listed if one.state != "removed"],
        past=[one for one in listed if one.state == "removed"],
        posted=outbox.list_posted(unit(), [one.id for one in listed if one.state == "waiting"]),
    )


@blueprint.route("/clinic/staff/new", methods=["GET", "POST"])
def invite() -> Page:
    here, now = membership("admin"), clock.now()
    if request.method != "POST":
        return _invite_form({}, [], {}, service.new_id())
    staff_id = entry_id_of(request.form, "staff_id")
    values = forms.typed(request.form, "name", "email")
    try:
        asked = forms.new_staff(request.form)
        if not _may_invite(here, "staff"):
            raise Refused({"email": TOO_MANY})
        service.invite_staff(unit(), here.clinic_id, staff_id, asked, now, here.account_id)
    except Refused as refused:
        return _invite_form(values, request.form.getlist("roles"), refused.reasons, staff_id), 422
    unit().commit()
    wake_outbox()
    say(f"A mail goes to {asked.email}.")
    return redirect(url_for("staff.index"), 303)


def _invite_form(
    values: Mapping[str, str], chosen: list[str], errors: Mapping[str, str], staff_id: UUID
) -> str:
    return render_template(
        "staff/invite.html", values=values, chosen=chosen, errors=errors, staff_id=staff_id
    )


@blueprint.route("/clinic/staff/<uuid:staff_id>", methods=["GET", "POST"])
def member(staff_id: UUID) -> Page:
    """One of the staff: roles, and the way out."""
    here, clinic, now = membership("admin"), settings(), clock.now()
    held = queries.get_member(unit(), clinic.id, staff_id, now)
    chosen, errors = list(held.roles), dict[str, str]()
    if request.method == "POST":
        chosen = request.form.getlist("roles")
        try:
            wanted = forms.roles(request.form)
            service.change_roles(unit(), clinic.id, staff_id, wanted, now, here.account_id)
        except Refused as refused:
            errors = refused.reasons
        else:
            unit().commit()
            say("Saved. It holds from now on.")
            still = staff_id != here.staff_id or "admin" in wanted
            return redirect(url_for("staff.index" if still else "staff.home"), 303)
    page = render_template(
        "staff/member.html",
        held=held,
        chosen=chosen,
        errors=errors,
        clinic=clinic,
        is_me=staff_id == here.staff_id,
        posted=outbox.list_posted(unit(), [staff_id]).get(staff_id),
    )
    return (page, 422) if errors else page


@blueprint.post("/clinic/staff/<uuid:staff_id>/invite")
def invite_again(staff_id: UUID) -> Response:
    """Send the mail once more; the link in the earlier one is no use from then on."""
    here = membership("admin")
    queries.get_member(unit(), here.clinic_id, staff_id, clock.now())
    if _may_invite(here, "staff"):
        service.invite_staff_again(unit(), here.clinic_id, staff_id, clock.now(), here.account_id)
        say("We sent the mail again.")
    else:
        say(TOO_MANY)
    unit().commit()
    wake_outbox()
    return redirect(url_for("staff.member", staff_id=staff_id), 303)


@blueprint.route("/clinic/staff/<uuid:staff_id>/remove", methods=["GET", "POST"])
def remove(staff_id: UUID) -> Page:
    here, now = membership("admin"), clock.now()
    held = queries.get_member(unit(), here.clinic_id, staff_id, now)
    if held.state == "removed":
        raise NotYours("staff")
    is_me = staff_id == here.staff_id
    if request.method != "POST":
        return render_template("staff/remove.html", held=held, is_me=is_me, problem="")
    try:
        service.remove_staff(unit(), here.clinic_id, staff_id, now, here.account_id)
    except Refused as refused:
        problem = refused.reasons["form"]
        return render_template("staff/remove.html", held=held, is_me=is_me, problem=problem), 422
    unit().commit()
    say(f"{held.name} can open nothing of this clinic’s any more." if not is_me else "You left the clinic.")
    return redirect(url_for("pages.home" if is_me else "staff.index"), 303)


# Settings


@blueprint.get("/clinic/settings")
def list_settings() -> Page:
    membership("admin")
    clinic = settings()
    return render_template(
        "staff/list_settings.html",
        clinic=clinic,
        unchosen=dict(list_unchosen(clinic)),
        country=dict(countries()).get(clinic.country or "", "Somewhere else"),
        day=forms.DAYS[clinic.digest_day],
        off=[one for one in TOLD if one in clinic.rules_off],
        off_at_once=forms.grave_among(clinic.rules_off),
    )


@blueprint.route("/clinic/settings/<section>", methods=["GET", "POST"])
def setting(section: str) -> Page:
    here, clinic = membership("admin"), settings()
    if section not in forms.FIELDS:
        raise NotYours("setting")
    if request.method != "POST":
        return _section(section, clinic, forms.first_values(section, clinic), {})
    if section == "flags":
        return _save_rules(here, clinic)
    values = forms.typed(request.form, *forms.FIELDS[section])
    try:
        if section == "phq":
            _save_phq(here, values)
        else:
            kept = forms.SECTIONS[section](values, clinic)
            service.save_settings(unit(), here.clinic_id, kept, clock.now(), here.account_id)
            digests.reschedule(unit(), here.clinic_id)
    except Refused as refused:
        return _section(section, clinic, values, refused.reasons), 422
    unit().commit()
    say("Saved.")
    return redirect(url_for("staff.list_settings"), 303)


def _section(section: str, clinic: Settings, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    confirmed_by = None
    if section == "phq" and clinic.plan_confirmed_by is not None:
        staff = queries.list_staff(unit(), clinic.id, clock.now())
        confirmed_by = next((one.name for one in staff if one.id == clinic.plan_confirmed_by), None)
    return render_template(
        "staff/setting.html",
        section=section,
        clinic=clinic,
        values=values,
        errors=errors,
        days={str(n): day for n, day in enumerate(forms.DAYS)},
        hours=forms.HOURS,
        countries=dict(countries()),
        zones=forms.zone_choices(clinic) if section == "place" else {},
        rules=TOLD.values(),
        at_once=AT_ONCE,
        rule_titles=TITLES,
        confirmed_by=confirmed_by,
    )


def _save_phq(here: Membership, values: Mapping[str, str]) -> None:
    now = clock.now()
    if forms.phq(values) == "phq-8":
        service.choose_phq_8(unit(), here.clinic_id, now, here.account_id)
    else:
        service.confirm_plan(unit(), here.clinic_id, here.staff_id, values["plan"], now, here.account_id)


def _save_rules(here: Membership, clinic: Settings) -> Page:
    """Turning off one that would be told at once asks once more, and says what is lost."""
    off = forms.rules_off(request.form)
    grave = forms.grave_among(off - clinic.rules_off)
    if grave and request.form.get("asked") != "twice":
        kept = [one for one in TOLD if one not in off]
        return render_template(
            "staff/ask_twice.html", grave=grave, kept=kept, clinic=clinic, rule_titles=TITLES
        )
    service.save_settings(unit(), here.clinic_id, {"rules_off": off}, clock.now(), here.account_id)
    if clinic.rules_off - off:
        list_earlier(unit(), here.clinic_id, clinic.rules_off - off, clock.now())
    unit().commit()
    say("Saved.")
    return redirect(url_for("staff.list_settings"), 303)


# Patients


@blueprint.get("/clinic/patients")
def patients() -> Page:
    here, clinic = membership("clinician", "front-desk"), settings()
    find = " ".join(request.args.get("find", "").split())[:60]
    page = request.args.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    listed = list_patients(unit(), clinic.id, find, number, clock.now())
    return render_template(
        "staff/patients.html",
        here=here,
        clinic=clinic,
        listed=listed,
        groups=[(group, list(rows)) for group, rows in groupby(listed.rows, lambda one: one.group)],
        find=find,
        posted=list_posted(unit(), listed.rows),
    )


@blueprint.route("/clinic/patients/invite", methods=["GET", "POST"])
def ask() -> Page:
    here, now = membership("clinician", "front-desk"), clock.now()
    way = request.args.get("way", "")
    if way not in forms.WAYS:
        return render_template("staff/choose.html")
    if request.method != "POST":
        return _ask_form(way, {}, {}, service.new_id())
    invitation_id = entry_id_of(request.form, "invitation_id")
    try:
        asked = forms.new_patient(request.form, way)
        if not _may_invite(here, "patients"):
            raise Refused({"name": TOO_MANY})
        code = service.ask_patient(
            unit(), here.clinic_id, invitation_id, asked, now, here.staff_id, here.account_id
        )
    except Refused as refused:
        values = forms.typed(request.form, "name", "email")
        return _ask_form(way, values, refused.reasons, invitation_id), 422
    unit().commit()
    if way == "code" and code is not None:
        return _card(here, invitation_id, code)
    wake_outbox()
    if code is not None:
        say(f"A mail goes to {asked.email}.")
    return redirect(url_for("staff.invitation", invitation_id=invitation_id), 303)


def _ask_form(way: str, values: Mapping[str, str], errors: Mapping[str, str], invitation_id: UUID) -> str:
    return render_template(
        "staff/ask.html", way=way, values=values, errors=errors, invitation_id=invitation_id
    )


@blueprint.get("/clinic/patients/<uuid:invitation_id>")
def invitation(invitation_id: UUID) -> Page:
    here, clinic = membership("clinician", "front-desk"), settings()
    return render_template(
        "staff/invitation.html",
        asked=queries.get_asked(unit(), here.clinic_id, invitation_id, clock.now()),
        clinic=clinic,
        posted=outbox.list_posted(unit(), [invitation_id]).get(invitation_id),
    )


@blueprint.post("/clinic/patients/<uuid:invitation_id>/again")
def ask_again(invitation_id: UUID) -> Page:
    """Send the mail once more; the link in the earlier one is no use from then on."""
    here, now = membership("clinician", "front-desk"), clock.now()
    if queries.get_asked(unit(), here.clinic_id, invitation_id, now).way != "mail":
        raise NotYours("invitation")
    if _may_invite(here, "patients"):
        service.ask_patient_again(unit(), here.clinic_id, invitation_id, now, here.account_id)
        say("We sent the mail again.")
    else:
        say(TOO_MANY)
    unit().commit()
    wake_outbox()
    return redirect(url_for("staff.invitation", invitation_id=invitation_id), 303)


@blueprint.route("/clinic/patients/<uuid:invitation_id>/card", methods=["GET", "POST"])
def card(invitation_id: UUID) -> Page:
    """The card to print. Its code is shown in the answer to the form that made it, and kept nowhere to be shown
    again; opened anew, the address leads to where another one can be made."""
    here, now = membership("clinician", "front-desk"), clock.now()
    asked = queries.get_asked(unit(), here.clinic_id, invitation_id, now)
    if asked.way != "code":
        raise NotYours("invitation")
    if request.method != "POST":
        return redirect(url_for("staff.invitation", invitation_id=invitation_id), 303)
    code = service.ask_patient_again(unit(), here.clinic_id, invitation_id, now, here.account_id)
    unit().commit()
    return _card(here, invitation_id, code)


def _card(here: Membership, invitation_id: UUID, code: str) -> str:
    door = f"{current_app.extensions['settings'].base_url}/invitations/"
    side, path = qr.drawing(door + code)
    asked = queries.get_asked(unit(), here.clinic_id, invitation_id, clock.now())
    return render_template(
        "staff/card.html", asked=asked, clinic=settings(), door=door, code=code, side=side, path=path
    )


@blueprint.post("/clinic/patients/<uuid:invitation_id>/withdraw")
def withdraw(invitation_id: UUID) -> Response:
    here = membership("clinician", "front-desk")
    service.withdraw_invitation(unit(), here.clinic_id, invitation_id, clock.now(), here.account_id)
    unit().commit()
    say("Taken back. It can’t be used any more.")
    return redirect(url_for("staff.patients"), 303)
