"""The doors of the check-in."""

from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from journal.accounts import present
from journal.checkins import queries, service
from journal.checkins.forms import GRADE, to_data, to_form
from journal.domain.checkin import CheckIn, Note
from journal.domain.days import LATE_DAYS, Moment, day_of, may_fill
from journal.domain.errors import NotYours, Refused
from journal.domain.flags import Context, Raised, hours_since, reasons_to_call, told_at
from journal.domain.infusion import latest_notice
from journal.domain.side_effects import COMMON, SIDE_EFFECTS
from journal.entries import removal
from journal.entries.forms import entry_id_of, number_of
from journal.entries.queries import Opened, get_entry, list_versions
from journal.entries.service import Kept
from journal.entries.views import choose as choose_version
from journal.factors.queries import may_offer_passkey
from journal.flags.present import standing
from journal.kit import clock
from journal.kit.web import device, person, saves_while_locked, say, unit
from journal.kit.words import say_time

blueprint = Blueprint("checkins", __name__)

Page = str | tuple[str, int] | Response
LIST_DAYS = 30
OFFER_SETTLED = "passkey_offer_settled"
FIRST_DAY = date(2000, 2, 1)


def _may_restore(held: Opened) -> bool:
    """Until the patient's day ends on which it was deleted."""
    return day_of(held.received_at, present.zone(), person().day_ends_hour) == present.today()


def _get_day(day: date) -> queries.Day:
    return queries.get_day(unit(), present.viewer(), day, _may_restore)


def _day_url(day: date, today: date) -> str:
    return url_for("checkins.today") if day == today else url_for("checkins.day", day=day)


def _show_form(
    shown: queries.Day,
    today: date,
    values: dict[str, str],
    *,
    entry_id: UUID,
    base: int = 0,
    errors: dict[str, str] | None = None,
    show_all: bool = False,
    settles: int = 0,
    again: bool = False,
    warned: bool = False,
) -> str:
    wanted = [e for e in SIDE_EFFECTS if e in COMMON or values.get(GRADE + e)]
    yesterday = shown.yesterday.side_effects if shown.yesterday else {}
    first = [e for e in wanted if e in yesterday or values.get(GRADE + e)] or list(COMMON[:2])
    extra = tuple(
        shown.profile.measure(m)
        for m in values
        if (m in ("dissociation",) or m.startswith("own-") or values[m].isdigit())
        and m not in {a.id for a in shown.asked}
        and not m.startswith((GRADE, "happening_now-"))
        and m not in ("note", "entry_id", "base", "settles", "csrf_token", "action", "show")
    )
    return render_template(
        "checkins/form.html",
        shown=shown,
        today=today,
        measures=(*shown.asked, *extra),
        values=values,
        entry_id=entry_id,
        base=base,
        settles=settles,
        errors=errors or {},
        first_effects=first,
        other_effects=[e for e in wanted if e not in first],
        show_all=show_all,
        now=clock.now(),
        zone=present.zone(),
        notice=latest_notice(shown.infusions, clock.now()),
        note_id=uuid4(),
        again=again,
        warned=warned,
    )


def _show_day(shown: queries.Day, today: date, again: bool = False) -> str:
    return render_template(
        "checkins/day.html",
        shown=shown,
        today=today,
        zone=present.zone(),
        now=clock.now(),
        note_id=uuid4(),
        again=again,
        reasons_to_call=partial(_reasons, shown, today),
        offers_passkey=shown.day == today and not again and _may_offer_passkey(shown),
    )


def _may_offer_passkey(shown: queries.Day) -> bool:
    """Once something was logged. Whoever reads what others share is asked for a second step elsewhere. A browser that
    knows the answer doesn't look for it each time."""
    who = person()
    if shown.main is None or who.reads_others or session.get(OFFER_SETTLED) == str(who.account_id):
        return False
    if may_offer_passkey(unit(), who.account_id):
        return True
    session[OFFER_SETTLED] = str(who.account_id)
    return False


def _reasons(shown: queries.Day, today: date, entry: Opened, checkin: CheckIn) -> tuple[Raised, ...]:
    at = told_at(entry.captured_at, entry.day, today, present.zone())
    return reasons_to_call(checkin, Context(hours_since(shown.infusions, at), entry.is_late))


@blueprint.get("/today")
def today() -> Page:
    this_day = present.today()
    again = standing().again
    shown = _get_day(this_day)
    if shown.main is not None:
        return _show_day(shown, this_day, again)
    return _show_form(shown, this_day, {}, entry_id=uuid4(), again=again)


@blueprint.get("/check-ins/<day:day>")
def day(day: date) -> Page:
    this_day = present.today()
    shown = _get_day(day)
    if shown.main is None and not shown.notes and not shown.deleted and may_fill(day, this_day):
        return _show_form(shown, this_day, {}, entry_id=uuid4())
    if day > this_day:
        abort(404)
    return _show_day(shown, this_day)


@blueprint.get("/check-ins/<day:day>/log")
def log(day: date) -> Page:
    """The empty form, on a day that has notes only or had its check-in deleted."""
    this_day = present.today()
    shown = _get_day(day)
    if not may_fill(day, this_day):
        return redirect(_day_url(day, this_day), 303)
    if shown.main is not None:  # correct it, rather than log the day twice
        entry_id = shown.main[0].id
        return redirect(url_for("checkins.edit", day=day, entry_id=entry_id), 303)
    return _show_form(shown, this_day, {}, entry_id=uuid4())


@blueprint.get("/check-ins/<day:day>/<uuid:entry_id>/edit")
def edit(day: date, entry_id: UUID) -> Page:
    held = get_entry(unit(), present.viewer(), entry_id, "check-in")
    if held.is_deleted or held.day != day:
        abort(404)
    shown = _get_day(day)
    values = to_form(CheckIn.load(held.payload))
    return _show_form(shown, present.today(), values, entry_id=entry_id, base=held.revision)


@blueprint.post("/today")
@saves_while_locked
def record_today() -> Page:
    return _record(present.today())


@blueprint.post("/check-ins/<day:day>")
@saves_while_locked
def record(day: date) -> Page:
    return _record(day)


def _record(day: date) -> Page:
    moment, form = present.moment(), request.form
    this_day = moment.today
    entry_id, base, settles = entry_id_of(form), number_of(form, "base"), number_of(form, "settles")
    values: dict[str, str] = {name: value for name, value in form.items() if value}
    again: dict[str, Any] = {"entry_id": entry_id, "base": base, "settles": settles}
    if form.get("action") in ("same-as-yesterday", "all-side-effects"):
        shown = _get_day(day)
        if form["action"] == "same-as-yesterday" and shown.yesterday is not None:
            values |= {GRADE + e: grade for e, grade in shown.yesterday.side_effects.items()}
        show_all = form["action"] == "all-side-effects" or form.get("show") == "all"
        return _show_form(shown, this_day, values, **again, show_all=show_all)
    try:
        checkin = CheckIn.parse(to_data(form))
        considered = service.record(
            unit(),
            present.viewer(),
            checkin,
            moment,
            entry_id=entry_id,
            base=base,
            day=day,
            settles=settles,
        )
    except Refused as refused:
        warned = service.record_warning_signs(
            unit(), present.viewer(), to_data(form), moment, entry_id=entry_id, base=base, day=day
        )
        if warned is not None:
            unit().commit()
            again["base"] = warned.kept.number
        shown = _get_day(day)
        return _show_form(
            shown,
            this_day,
            values,
            **again,
            errors=refused.reasons,
            show_all=form.get("show") == "all",
            warned=warned is not None,
        ), 422
    unit().commit()
    if considered.help_first:
        return redirect(url_for("safety.help_now", saved=1, next=_day_url(day, this_day)), 303)
    _say_kept(considered.kept, moment, considered.says)
    return redirect(_day_url(day, this_day), 303)


def _say_kept(kept: Kept, moment: Moment, also: str) -> None:
    if kept.how == "beside":
        say("Saved. This day was changed elsewhere meanwhile, so both versions are kept.")
    elif kept.how == "same":
        say("This was saved already.")
    else:
        say(f"Saved at {say_time(moment.now.astimezone(moment.zone))}. {also}".strip())


@blueprint.post("/check-ins/<day:day>/notes")
@saves_while_locked
def record_note(day: date) -> Page:
    moment = present.moment()
    this_day = moment.today
    try:
        note = Note.parse({"text": request.form.get("note", "")})
        service.record_note(
            unit(),
            present.viewer(),
            note,
            moment,
            entry_id=entry_id_of(request.form),
            day=day,
        )
    except Refused as refused:
        shown = _get_day(day)
        return render_template(
            "checkins/day.html",
            shown=shown,
            today=this_day,
            zone=moment.zone,
            now=moment.now,
            notice=latest_notice(shown.infusions, moment.now),
            note_id=entry_id_of(request.form),
            note=request.form.get("note", ""),
            note_error=next(iter(refused.reasons.values())),
            reasons_to_call=partial(_reasons, shown, this_day),
        ), 422
    unit().commit()
    say(f"Saved at {say_time(moment.now.astimezone(moment.zone))}.")
    return redirect(_day_url(day, this_day), 303)


@blueprint.get("/check-ins")
def index() -> Page:
    this_day = present.today()
    try:
        before = date.fromisoformat(request.args.get("before", ""))
    except ValueError:
        before = FIRST_DAY
    last = min(before - timedelta(days=1), this_day) if before > FIRST_DAY else this_day
    first = last - timedelta(days=LIST_DAYS - 1)
    rows, profile = queries.list_days(
        unit(), present.viewer(), first, last, this_day - timedelta(days=LATE_DAYS)
    )
    return render_template(
        "checkins/index.html", rows=rows, profile=profile, today=this_day, first=first, last=last
    )


@blueprint.get("/check-ins/<day:day>/<uuid:entry_id>/history")
def history(day: date, entry_id: UUID) -> Page:
    versions = list_versions(unit(), present.viewer(), entry_id, "check-in")
    shown = _get_day(day)
    open_ones = [v for v in versions if v.is_open]
    return render_template(
        "checkins/history.html",
        day=day,
        today=present.today(),
        entry_id=entry_id,
        zone=present.zone(),
        versions=[(v, None if v.payload is None else CheckIn.load(v.payload)) for v in versions],
        open_count=len(open_ones),
        last=versions[-1].number,
        current=next(v.number for v in versions if v.is_current),
        profile=shown.profile,
    )


@blueprint.post("/check-ins/<day:day>/<uuid:entry_id>/choose")
def choose(day: date, entry_id: UUID) -> Page:
    """Settle two versions: the chosen one counts, all stay in the history."""
    choose_version(entry_id, "check-in")
    return redirect(_day_url(day, present.today()), 303)


@blueprint.route("/check-ins/<day:day>/<uuid:entry_id>/delete", methods=["GET", "POST"])
def delete(day: date, entry_id: UUID) -> Page:
    kind = "note" if request.values.get("kind") == "note" else "check-in"
    held = get_entry(unit(), present.viewer(), entry_id, kind)
    if held.is_deleted or held.day != day:
        abort(404)
    if request.method != "POST":
        return render_template("checkins/delete.html", day=day, held=held, kind=kind, today=present.today())
    kept = removal.delete(
        unit(), present.viewer(), entry_id, kind, number_of(request.form, "base"), device(), clock.now()
    )
    unit().commit()
    if kept.how == "same":
        say("This was changed elsewhere meanwhile, so it was not deleted.")
    else:
        say("Deleted. You can bring it back today.")
    return redirect(url_for("checkins.day", day=day), 303)


@blueprint.post("/check-ins/<day:day>/<uuid:entry_id>/restore")
def restore(day: date, entry_id: UUID) -> Page:
    kind = "note" if request.form.get("kind") == "note" else "check-in"
    held = get_entry(unit(), present.viewer(), entry_id, kind)
    now = clock.now()
    if not _may_restore(held):
        raise NotYours(kind)
    removal.restore(unit(), present.viewer(), entry_id, kind, device(), now)
    unit().commit()
    say("It is back.")
    return redirect(_day_url(day, present.today()), 303)
