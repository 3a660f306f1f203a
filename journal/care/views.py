"""The doors of the care team: the list, a summary, reviewed or not yet."""

from datetime import date, datetime
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from journal.accounts import present
from journal.care import forms
from journal.care.queries import list_people
from journal.domain.errors import NotYours, Refused
from journal.domain.questionnaires import say_number
from journal.domain.summary import Summary
from journal.entries.forms import entry_id_of
from journal.factors.present import second_step_first
from journal.kit import clock
from journal.kit.web import attach, database, end_unit, find_person, person, say, show_missing, unit
from journal.shares import queries, service
from journal.shares.queries import Reading
from journal.summaries.files import FILES, CannotDraw, name_of
from journal.summaries.present import WINDOWS, drawn_with, window_of
from journal.summaries.queries import get_summary
from journal.trends import drawing

blueprint = Blueprint("care", __name__)

Page = str | Response | tuple[str, int]


@blueprint.before_request
def careful() -> Response | None:
    """Whoever reads in other people's journals gave a second step."""
    who = find_person()
    if who is None or not who.reads_others:
        return None
    return second_step_first()


@blueprint.get("/care")
def index() -> Page:
    now = clock.now()
    end_unit()  # what is read afterwards is read as it is after this
    with database().writing() as own:
        readings = service.read_list(own, person().account_id, now)
        own.commit()
    people = list_people(unit(), readings, now)
    find = request.args.get("find", "").strip()[:60]
    shown = [one for one in people if find.casefold() in one.reading.name.casefold()]
    answer = render_template(
        "care/index.html",
        first=[one for one in shown if one.reasons],
        others=[one for one in shown if not one.reasons],
        count=len(people),
        first_count=sum(bool(one.reasons) for one in people),
        find=find,
        now=now.astimezone(present.zone()),
        draw=drawing,
        say_number=say_number,
    )
    with database().reading() as fresh:
        if not service.are_open(fresh, readings, clock.now()):
            return redirect(request.full_path, 303)  # somebody ended or changed a share meanwhile: ask anew
    return answer


def _read(share_id: UUID, shape: str) -> Reading:
    """The share as it stands now; the read is in the patient's access log before anything is shown. Raises
    NotYours."""
    end_unit()
    with database().writing() as own:
        days = WINDOWS[window_of(request.args)[0]]
        reading = service.read(own, person().account_id, share_id, shape, clock.now(), days)
        own.commit()
    return reading


def _is_open(reading: Reading) -> bool:
    """Asked once more when the answer is made: one that took long is not sent after the end."""
    with database().reading() as fresh:
        return service.is_open(fresh, reading, clock.now())


def _ended(share_id: UUID) -> Page:
    """One page for a share that has ended, for whoever once read by it; nothing at all for anybody else."""
    with database().reading() as fresh:
        if not queries.was_reader(fresh, person().account_id, share_id):
            raise NotYours("share")
    return render_template("care/ended.html"), 404


@blueprint.errorhandler(NotYours)
def show_ended(_error: NotYours) -> Page:
    """What was open on the screen when the share ended, or nothing at all for whoever never read by it."""
    end_unit()
    try:
        return _ended((request.view_args or {})["share_id"])
    except (NotYours, KeyError):
        return show_missing(_error)  # type: ignore[return-value] # an answer, whichever shape it has


@blueprint.get("/care/<uuid:share_id>")
def summary(share_id: UUID) -> Page:
    try:
        reading = _read(share_id, "page")
    except NotYours:
        return _ended(share_id)
    answer = _page(reading)
    return answer if _is_open(reading) else _ended(share_id)


@blueprint.get("/care/<uuid:share_id>.pdf", defaults={"ending": "pdf"}, endpoint="pdf")
@blueprint.get("/care/<uuid:share_id>.csv", defaults={"ending": "csv"}, endpoint="csv")
@blueprint.get("/care/<uuid:share_id>.fhir.json", defaults={"ending": "fhir.json"}, endpoint="fhir")
def keep(share_id: UUID, ending: str) -> Page:
    """The same summary as a file."""
    file = FILES[ending]
    try:
        reading = _read(share_id, file.shape)
    except NotYours:
        return _ended(share_id)
    now = clock.now()
    built = _summary(reading, queries.list_reviews(unit(), reading.viewer, [share_id]), now)
    end_unit()
    try:
        body = file.write(built, share_id, render_template)
    except CannotDraw as problem:
        back = url_for("care.summary", share_id=share_id)
        return render_template("summaries/no_file.html", problem=str(problem), back=back), 503
    return attach(body, file.media_type, name_of(file, built)) if _is_open(reading) else _ended(share_id)


def _summary(reading: Reading, reviews: tuple[queries.Reviewed, ...], now: datetime) -> Summary:
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
        session_on=_session_on(reading, reviews),
        clinic_id=reading.clinic_id,
    )


def _page(reading: Reading) -> str:
    now = clock.now()
    window, _chosen = window_of(request.args)
    reviews = queries.list_reviews(unit(), reading.viewer, [reading.share_id])
    built = _summary(reading, reviews, now)
    return render_template(
        "care/summary.html",
        reading=reading,
        window=window,
        reviews=reviews,
        review_id=service.new_id(),
        since_review=reading.session_on is None and bool(reviews),
        now=now.astimezone(present.zone()),
        **drawn_with(built, reading.ends_on),
    )


def _session_on(reading: Reading, reviews: tuple[queries.Reviewed, ...]) -> date | None:
    """The day the reader noted, or that of the last review; None where there is neither."""
    if reading.session_on is not None:
        return reading.session_on
    return reviews[0].at.astimezone(reading.zone).date() if reviews else None


def _current(share_id: UUID) -> Reading:
    """The share, for changing something that belongs to the reader: nothing of the journal is shown. Raises
    NotYours."""
    found = queries.find_reading(unit(), person().account_id, share_id, clock.now())
    if found is None:
        raise NotYours("share")
    return found


@blueprint.post("/care/<uuid:share_id>/review")
def review(share_id: UUID) -> Page:
    now = clock.now()
    reading = _current(share_id)
    line, review_id = request.form.get("line", ""), entry_id_of(request.form, "review_id")
    try:
        seen_up_to = forms.seen_up_to(request.form, now)
        service.review(unit(), reading, review_id, line, reading.today(now), now, seen_up_to)
    except Refused as refused:
        return render_template(
            "care/line.html",
            reading=reading,
            line=line,
            problem=refused.reasons["line"],
            review_id=review_id,
            made_at=request.form.get("made_at", ""),
        ), 422
    unit().commit()
    say(f"Marked as reviewed. {reading.name} can see that.")
    return redirect(url_for("care.summary", share_id=share_id), 303)


@blueprint.post("/care/<uuid:share_id>/session")
def session(share_id: UUID) -> Page:
    reading = _current(share_id)
    try:
        day = forms.session_day(request.form, reading.today(clock.now()))
    except Refused as refused:
        return render_template(
            "care/session.html",
            reading=reading,
            typed=request.form.get("session_on", "")[:40],
            problem=refused.reasons["session_on"],
        ), 422
    service.set_session(unit(), reading, day)
    unit().commit()
    return redirect(url_for("care.summary", share_id=share_id), 303)


@blueprint.route("/care/<uuid:share_id>/leave", methods=["GET", "POST"])
def leave(share_id: UUID) -> Page:
    """A reader gives a share back. What a clinic follows by belongs to the clinic, not to one reader."""
    reading = _current(share_id)
    if reading.way == "clinic":
        raise NotYours("share")
    if request.method != "POST":
        return render_template("care/leave.html", reading=reading)
    service.leave(unit(), person().account_id, share_id, clock.now())
    unit().commit()
    say("You can’t open it any more.")
    return redirect(url_for("care.index"), 303)
