"""The doors of help: whom to call, here and now; what waits after an answer; the safety plan."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, current_app, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.accounts import present
from journal.app_lock.present import told_while_locked
from journal.domain import safety as plans
from journal.domain.days import day_of
from journal.domain.errors import Refused
from journal.domain.help_numbers import countries, help_for
from journal.domain.safety import SafetyCheck, SafetyPlan
from journal.entries.forms import number_of
from journal.entries.views import BOTH_KEPT, versions
from journal.flags import queries as flags
from journal.flags import service as raising
from journal.flags.present import standing
from journal.kit import clock
from journal.kit.web import (
    find_person,
    find_person_here,
    local_target,
    open_while_locked,
    person,
    public,
    saves_while_locked,
    say,
    unit,
)
from journal.kit.words import say_time
from journal.safety import queries, service

blueprint = Blueprint("safety", __name__)

Page = str | tuple[str, int] | Response
MOST_SHOWN = 100


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


HELP_FIRST = frozenset({"checkins", "infusions", "questionnaires", "trends"})
"""Rooms in which help that was not seen yet comes before any page: before any further question, and any score."""


def help_first() -> Response | None:
    """Lead to help that waits. One tap there leads on; settings, the safety plan and the way out are never in its way."""
    if request.method != "GET" or request.blueprint not in HELP_FIRST or request.path.endswith(".json"):
        return None
    if not standing().waits:
        return None
    return redirect(url_for("safety.help_now", next=request.full_path.rstrip("?")), 303)


@blueprint.get("/help-now")
@public
@open_while_locked
def help_now() -> str:
    """The country is the one a person set, or picked here; never guessed from the network. After an answer that needs
    help, the same page says what was saved, and who will see it."""
    is_copy = "offline" in request.args  # for any phone to keep: it holds nothing about anybody
    who, here = (None, None) if is_copy else (find_person(), find_person_here())
    picked = request.args.get("country")
    known = {code for code, _name in countries()}
    if picked is not None and picked not in known:
        picked = ""
    own = queries.get_own(unit(), present.viewer(), present.today()) if here else None
    code = picked if picked is not None else (who.country if who else None)
    if code is None and own is not None and own.clinic is not None:
        code = own.clinic.country
    if code is None:
        code = current_app.config["DEFAULT_COUNTRY"]
    waiting = flags.list_waiting(unit(), present.viewer()) if who else ()
    if who is not None and here is None:
        since = told_while_locked()
        waiting = tuple(flag for flag in waiting if since is not None and flag.told_at >= since)
    told_at = max((flag.told_at for flag in waiting), default=None)
    asked_since = told_at or clock.now() - plans.SAFE_FOR
    return render_template(
        "safety/help_now.html",
        is_copy=is_copy,
        help=help_for(code),
        countries=countries(),
        choosing="elsewhere" in request.args,
        own=own,
        waiting=waiting,
        topic=waiting[0].rule.urgency if waiting else None,
        just_saved="saved" in request.args,
        safe=own.safe if own and own.safe_at and own.safe_at >= asked_since else None,
        picked=code if picked is not None else None,
        told_on=_day_before_today(told_at) if told_at else None,
        onward=local_target(request.args.get("next")) or _came_from() or url_for("pages.home"),
        answers=plans.SAFE_ANSWERS,
        question=plans.SAFE_QUESTION,
        to_dial=plans.to_dial,
        zone=present.zone() if who else None,
        is_locked=who is not None and here is None,
    )


def _day_before_today(at: datetime) -> date | None:
    """The day of something that was told on an earlier day, else None."""
    day = day_of(at, present.zone(), person().day_ends_hour)
    return day if day < present.today() else None


def _came_from() -> str | None:
    """The page of this journal on which "Help now" was tapped."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host or parts.path.startswith("/help-now"):
        return None
    return local_target(parts.path + (f"?{parts.query}" if parts.query else ""))


@blueprint.post("/help-now/safe")
@saves_while_locked
def answer_safe() -> Response:
    """Do you feel safe right now? Each answer is a button, kept when it is tapped."""
    moment = present.moment()
    check = SafetyCheck.parse({"safe": request.form.get("safe")})
    service.answer(unit(), present.viewer(), check, moment)
    unit().commit()
    if not flags.get_standing(unit(), present.viewer(), moment.today).waits:
        say("Saved. The numbers stay here for you.")
    onward, country = local_target(request.form.get("next")), request.form.get("country")
    known = country if country in {code for code, _name in countries()} | {""} else None
    return redirect(url_for("safety.help_now", saved=1, country=known, next=onward), 303)


@blueprint.post("/help-now/seen")
def see_help() -> Response:
    """Going on: help was seen, and nothing is locked."""
    shown = [flag_id for text in request.form.getlist("shown")[:MOST_SHOWN] if (flag_id := _uuid(text))]
    raising.see_help(unit(), present.viewer(), shown, clock.now())
    unit().commit()
    return redirect(local_target(request.form.get("next")) or url_for("pages.home"), 303)


@blueprint.post("/help-now/again")
def settle_again() -> Response:
    """Help was offered once more, and the person goes on, with or without it."""
    raising.settle_again(unit(), present.viewer(), present.today(), clock.now())
    unit().commit()
    onward = "safety.help_now" if request.form.get("show") == "help" else "pages.home"
    return redirect(url_for(onward), 303)


@blueprint.get("/safety-plan")
def safety_plan() -> Page:
    own = queries.get_own(unit(), present.viewer(), present.today())
    return render_template(
        "safety/safety_plan.html", own=own, plan=own.plan, headings=plans.HEADINGS, to_dial=plans.to_dial
    )


@blueprint.get("/safety-plan/card.json")
def card() -> Response:
    """What the crisis card on a phone holds, for whoever wants to keep one."""
    own = queries.get_own(unit(), present.viewer(), present.today())
    parts = [(title, getattr(own.plan, name)) for name, (title, _hint) in plans.HEADINGS.items()]
    return jsonify(
        {
            "person_name": own.plan.person_name,
            "person_number": own.plan.person_number,
            "clinic_name": own.clinic_name,
            "clinic_number": own.clinic_number,
            "parts": [part for part in parts if part[1]],
        }
    )


@blueprint.route("/safety-plan/edit", methods=["GET", "POST"])
@saves_while_locked
def edit_plan() -> Page:
    own = queries.get_own(unit(), present.viewer(), present.today())
    values: Mapping[str, str] = own.plan.dump()
    base, errors = own.entry.revision if own.entry else 0, {}
    if request.method == "POST":
        names = SafetyPlan().dump()
        values = {name: request.form.get(name, "") for name in names}
        base = number_of(request.form, "base")
        try:
            kept = service.keep_plan(
                unit(), present.viewer(), SafetyPlan.parse(values), present.moment(), base=base
            )
        except Refused as refused:
            errors = {name: refused.reasons[name] for name in [*names, "base"] if name in refused.reasons}
        else:
            unit().commit()
            beside = kept.how == "beside"
            say(BOTH_KEPT if beside else f"Saved at {say_time(clock.now().astimezone(present.zone()))}.")
            return redirect(url_for("safety.plan_history" if beside else "safety.safety_plan"), 303)
    page = render_template(
        "safety/edit_plan.html", values=values, base=base, errors=errors, headings=plans.HEADINGS
    )
    return (page, 422) if errors else page


@blueprint.route("/safety-plan/history", methods=["GET", "POST"])
def plan_history() -> Page:
    """The versions of the safety plan, and the choice between them."""
    plan_id = queries.safety_plan_id(person().account_id)
    return versions(plan_id, SafetyPlan.kind, "My safety plan", url_for("safety.safety_plan"), _lines)


def _lines(payload: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if payload is None:
        return [("Deleted", "")]
    plan = SafetyPlan.load(payload)
    names = {name: title for name, (title, _hint) in plans.HEADINGS.items()} | {
        "person_name": "My person",
        "person_number": "Their number",
        "clinic_name": "My clinic",
        "clinic_number": "The clinic’s number",
    }
    return [(title, getattr(plan, name)) for name, title in names.items() if getattr(plan, name)]
