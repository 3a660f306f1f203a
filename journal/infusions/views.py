"""The doors of infusions: the list and the plan, one infusion, and how it was."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.accounts import present
from journal.domain import after_infusion, flags
from journal.domain import infusion as infusions
from journal.domain.after_infusion import AfterInfusion
from journal.domain.errors import Refused
from journal.domain.fields import Reader
from journal.domain.flag_rules import LATER_HOURS
from journal.domain.infusion import Held, Infusion, Plan, is_hazy, latest_notice
from journal.domain.schedule import propose_phase
from journal.domain.side_effects import COMMON, SIDE_EFFECTS
from journal.entries import removal
from journal.entries.forms import entry_id_of, number_of
from journal.entries.queries import list_versions
from journal.entries.service import Kept
from journal.entries.views import BOTH_KEPT, versions
from journal.entries.views import choose as choose_version
from journal.infusions import forms, queries, service
from journal.kit import clock
from journal.kit.web import device, person, saves_while_locked, say, unit
from journal.kit.words import say_time

blueprint = Blueprint("infusions", __name__)

Page = str | tuple[str, int] | Response


@blueprint.get("/infusions")
def index() -> Page:
    now, who = clock.now(), person()
    course = queries.get_course(unit(), present.viewer())
    return render_template(
        "infusions/index.html",
        course=course,
        notice=latest_notice(course.infusions, now),
        deleted=queries.list_deleted(unit(), present.viewer(), now, present.zone(), who.day_ends_hour),
        today=present.today(),
        now=now,
        zone=present.zone(),
    )


def _show_form(
    values: Mapping[str, str], *, entry_id: UUID, base: int, errors: dict[str, str] | None = None
) -> str:
    return render_template(
        "infusions/form.html",
        values=values,
        entry_id=entry_id,
        base=base,
        errors=errors or {},
        facts=infusions,
        today=present.today(),
    )


@blueprint.route("/infusions/new", methods=["GET", "POST"])
@saves_while_locked
def new() -> Page:
    now = clock.now()
    if request.method == "POST":
        return _record(entry_id_of(request.form), number_of(request.form, "base"), now)
    course = queries.get_course(unit(), present.viewer())
    last = course.infusions[-1] if course.infusions else None
    asked = Reader({"day": request.args.get("day", "")}, {"day"}).day("day", "")
    day = (asked or present.today()).isoformat()
    values = {
        "day": day,
        "number": str(last.number + 1 if last else 1),
        "minutes": str(infusions.DEFAULT_MINUTES),
        "phase": propose_phase(last, present.today()),
    }
    if last:
        again = forms.infusion_form(last.infusion, last.day)
        values |= {name: again[name] for name in ("route", "setting", "minutes") if name in again}
    return _show_form(values, entry_id=uuid4(), base=0)


@blueprint.route("/infusions/<uuid:infusion_id>/edit", methods=["GET", "POST"])
@saves_while_locked
def edit(infusion_id: UUID) -> Page:
    course = queries.get_course(unit(), present.viewer())
    held = course.get(infusion_id)
    if request.method == "POST":
        return _record(infusion_id, number_of(request.form, "base"), clock.now())
    values = forms.infusion_form(held.infusion, held.day) | {"number": str(held.number)}
    return _show_form(values, entry_id=infusion_id, base=course.entries[infusion_id].revision)


def _record(entry_id: UUID, base: int, now: datetime) -> Page:
    reader = Reader(dict(request.form), set(request.form))
    day = reader.day("day", "Enter a date from 2000 on, such as 2026-11-30.")
    errors = dict(reader.reasons)
    if day is None:
        errors.setdefault("day", service.NO_DAY)
    try:
        told = Infusion.parse(forms.infusion_data(request.form))
    except Refused as refused:
        errors |= refused.reasons
    if not errors:
        try:
            kept = service.record(
                unit(),
                present.viewer(),
                told,
                present.moment(),
                entry_id=entry_id,
                base=base,
                day=day,
                others=queries.get_course(unit(), present.viewer()).infusions,
            )
        except Refused as refused:
            errors |= refused.reasons
    if errors:
        ordered = {name: errors[name] for name in sorted(errors, key=forms.place_of)}
        return _show_form(request.form.to_dict(), entry_id=entry_id, base=base, errors=ordered), 422
    unit().commit()
    if kept.how == "beside":
        say(BOTH_KEPT)
    else:
        say(f"Saved at {say_time(now.astimezone(present.zone()))}.")
    return redirect(url_for("infusions.infusion", infusion_id=entry_id), 303)


@blueprint.get("/infusions/<uuid:infusion_id>")
def infusion(infusion_id: UUID) -> Page:
    now = clock.now()
    course = queries.get_course(unit(), present.viewer())
    held = course.get(infusion_id)
    told = [one for part in after_infusion.PARTS if (one := course.part(infusion_id, part)) is not None]
    return render_template(
        "infusions/infusion.html",
        held=held,
        entry=course.entries[infusion_id],
        reports=[(part, course.part(infusion_id, part)) for part in after_infusion.PARTS],
        hazy={part: _hazy(held, course.part(infusion_id, part)) for part in after_infusion.PARTS},
        reasons=[raised for one in told for raised in flags.reasons_to_call(one.report, _told(held, one))],
        may_pass=any(flags.may_pass(one.report, _told(held, one)) for one in told),
        later_at=None if held.ends_at is None else held.ends_at + timedelta(hours=LATER_HOURS),
        notice=held.no_driving(now),
        now=now,
        zone=present.zone(),
        today=present.today(),
        facts=infusions,
        asked=after_infusion,
    )


def _hazy(held: Held, reported: queries.Reported | None) -> bool:
    return reported is not None and is_hazy(held.infusion, held.day, held.zone, reported.entry.captured_at)


def _told(held: Held, reported: queries.Reported) -> flags.Context:
    """In which context it was reported: as the rules saw it then."""
    at = reported.entry.captured_at
    return flags.Context(flags.hours_since([held], at), reported.entry.day < at.astimezone(held.zone).date())


@blueprint.get("/infusions/<uuid:infusion_id>/history")
def history(infusion_id: UUID) -> Page:
    versions = list_versions(unit(), present.viewer(), infusion_id, "infusion")
    held = queries.get_course(unit(), present.viewer()).get(infusion_id)
    return render_template(
        "infusions/history.html",
        versions=[(v, None if v.payload is None else Infusion.load(v.payload)) for v in versions],
        open_count=sum(v.is_open for v in versions),
        last=versions[-1].number,
        current=next(v.number for v in versions if v.is_current),
        held=held,
        zone=present.zone(),
        facts=infusions,
    )


@blueprint.post("/infusions/<uuid:infusion_id>/choose")
def choose(infusion_id: UUID) -> Page:
    choose_version(infusion_id, "infusion")
    return redirect(url_for("infusions.infusion", infusion_id=infusion_id), 303)


@blueprint.route("/infusions/<uuid:infusion_id>/delete", methods=["GET", "POST"])
def delete(infusion_id: UUID) -> Page:
    course = queries.get_course(unit(), present.viewer())
    held, entry = course.get(infusion_id), course.entries[infusion_id]
    if request.method != "POST":
        return render_template("infusions/delete.html", held=held, entry=entry)
    base = number_of(request.form, "base")
    kept = removal.delete(unit(), present.viewer(), infusion_id, "infusion", base, device(), clock.now())
    unit().commit()
    if kept.how == "same":
        say("This was changed elsewhere meanwhile, so it was not deleted.")
        return redirect(url_for("infusions.infusion", infusion_id=infusion_id), 303)
    return render_template("infusions/deleted.html", held=held)


@blueprint.post("/infusions/<uuid:infusion_id>/restore")
def restore(infusion_id: UUID) -> Page:
    removal.restore(unit(), present.viewer(), infusion_id, "infusion", device(), clock.now())
    unit().commit()
    say("It is back.")
    return redirect(url_for("infusions.infusion", infusion_id=infusion_id), 303)


@blueprint.route("/infusions/plan", methods=["GET", "POST"])
def plan() -> Page:
    """The planned days. "Fill in six" proposes dates and saves nothing."""
    course = queries.get_course(unit(), present.viewer())
    values: list[str] = forms.plan_form(course.plan)
    base, first, errors = course.plan_revision, "", {}
    if request.method == "POST":
        values, base = request.form.getlist("days"), number_of(request.form, "base")
        first = request.form.get("first", "")
        if request.form.get("action") == "fill":
            reader = Reader({"first": first}, {"first"})
            day = reader.day("first", "Enter the first day, such as 2026-11-30.")
            errors = dict(reader.reasons)
            if day is None:
                errors.setdefault("first", "Enter the first day, such as 2026-11-30.")
            else:
                values = forms.plan_form(Plan.six_from(day))
        elif request.form.get("action") != "more":
            try:
                told = Plan.parse(forms.plan_data(request.form))
                kept = service.keep_plan(unit(), present.viewer(), told, present.moment(), base=base)
            except Refused as refused:
                errors = refused.reasons
            else:
                unit().commit()
                say(BOTH_KEPT if kept.how == "beside" else "Your plan is saved.")
                onward = "infusions.plan_history" if kept.how == "beside" else "infusions.index"
                return redirect(url_for(onward), 303)
    page = render_template(
        "infusions/plan.html",
        values=[*values, *([""] * 3)][: infusions.MOST_PLANNED],
        base=base,
        first=first,
        errors=errors,
        today=present.today(),
    )
    return (page, 422) if errors else page


@blueprint.route("/infusions/<uuid:infusion_id>/after", methods=["GET", "POST"])
@saves_while_locked
def after(infusion_id: UUID) -> Page:
    """How it was. The same day in three taps; the longer questions now or later; the next day once more."""
    now = clock.now()
    today = present.today()
    course = queries.get_course(unit(), present.viewer())
    held = course.get(infusion_id)
    if today < held.day:
        abort(404)
    part = request.values.get("part") or ("first" if today == held.day else "next-day")
    if part not in after_infusion.PARTS:
        abort(404)
    told = course.part(infusion_id, part)
    everything = part == "first" and (
        "all" in request.args or request.form.get("show") == "all" or (told is not None and today > held.day)
    )
    values: dict[str, str] = forms.report_form(told.report) if told else {}
    base = told.entry.revision if told else 0
    errors: dict[str, str] = {}
    show_effects = False
    warned: Kept | None = None
    if request.method == "POST":
        values = {name: value for name, value in request.form.items() if value}
        base = number_of(request.form, "base")
        action = request.form.get("action")
        if values.get("any_red_flag_now") == "yes":
            action = None  # a warning sign is saved and answered before any further question
        if action == "everything":
            everything = True
        elif action == "all-side-effects":
            show_effects = True
        else:
            answer, errors, warned = _report(held, base, now)
            if answer is not None:
                return answer
            base = warned.number if warned else base
    page = _show_report(
        course, held, part, everything, values, base, errors, show_effects, now, warned is not None
    )
    return (page, 422) if errors else page


def _show_report(
    course: queries.Course,
    held: Held,
    part: str,
    everything: bool,
    values: dict[str, str],
    base: int,
    errors: dict[str, str],
    show_effects: bool,
    now: datetime,
    warned: bool,
) -> str:
    first = course.part(held.id, "first")
    effects = [e for e in SIDE_EFFECTS if e in COMMON or values.get(forms.GRADE + e)]
    if part == "next-day" and first is not None and first.report.side_effects and not show_effects:
        graded = [e for e, grade in first.report.side_effects.items() if grade != "none"]
        effects = [e for e in SIDE_EFFECTS if e in graded or values.get(forms.GRADE + e)]
    return render_template(
        "infusions/after.html",
        held=held,
        part=part,
        everything=everything,
        values=values,
        base=base,
        errors=errors,
        first=first,
        effects=list(SIDE_EFFECTS) if show_effects else effects,
        show_effects=show_effects,
        notice=held.no_driving(now),
        hazy=is_hazy(held.infusion, held.day, held.zone, now),
        warned=warned,
        now=now,
        zone=present.zone(),
        asked=after_infusion,
    )


def _report(held: Held, base: int, now: datetime) -> tuple[Response | None, dict[str, str], Kept | None]:
    """Where the report leads, or what to mend, and what was kept all the same."""
    data: dict[str, Any] = forms.report_data(request.form, str(held.id))
    data["unfinished"] = request.form.get("unfinished") == "yes"
    try:
        told = AfterInfusion.parse(data)
        considered = service.report(
            unit(),
            present.viewer(),
            told,
            held,
            present.moment(),
            base=base,
        )
    except Refused as refused:
        warned = service.report_warning_signs(
            unit(), present.viewer(), data, held, present.moment(), base=base
        )
        if warned is not None:
            unit().commit()
        return None, refused.reasons, warned.kept if warned else None
    unit().commit()
    here = url_for("infusions.infusion", infusion_id=held.id)
    if considered.help_first:
        return redirect(url_for("safety.help_now", saved=1, next=here), 303), {}, None
    saved = f"Saved at {say_time(now.astimezone(present.zone()))}. {considered.says}".strip()
    say(BOTH_KEPT if considered.kept.how == "beside" else saved)
    return redirect(here, 303), {}, None


@blueprint.route("/infusions/<uuid:infusion_id>/after/history", methods=["GET", "POST"])
def after_history(infusion_id: UUID) -> Page:
    """The versions of a report, and the choice between them."""
    held = queries.get_course(unit(), present.viewer()).get(infusion_id)
    part = request.values.get("part", "first")
    if part not in after_infusion.PARTS:
        abort(404)
    back = url_for("infusions.infusion", infusion_id=infusion_id)
    title = f"How infusion {held.number} was" if part == "first" else f"The day after infusion {held.number}"
    kind = AfterInfusion.kind
    return versions(queries.report_id(infusion_id, part), kind, title, back, partial(forms.lines_of, kind))


@blueprint.route("/infusions/plan/history", methods=["GET", "POST"])
def plan_history() -> Page:
    """The versions of the plan, and the choice between them."""
    kind, back = Plan.kind, url_for("infusions.index")
    plan_id = queries.plan_id(person().account_id)
    return versions(plan_id, kind, "Your plan", back, partial(forms.lines_of, kind))
