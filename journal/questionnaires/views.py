"""The doors of questionnaires: what is due, one question per page, the result."""

from datetime import timedelta
from uuid import UUID, uuid4

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from journal.accounts import present
from journal.domain.days import day_of
from journal.domain.errors import NotYours, Refused
from journal.domain.flags import Context, reasons_to_call
from journal.domain.instrument import LANGUAGES, STAGES, Instrument
from journal.domain.instrument_files import find_instrument, instruments
from journal.domain.profile import Profile
from journal.domain.questionnaires import (
    RESUME_DAYS,
    asked_items,
    band,
    is_whole,
    say_change,
    say_number,
    unanswered,
)
from journal.entries import removal
from journal.entries.forms import entry_id_of, number_of
from journal.kit import clock
from journal.kit.web import device, local_target, person, saves_while_locked, say, unit
from journal.kit.words import say_short_day
from journal.profiles import service as profiles
from journal.profiles.queries import get_profile
from journal.questionnaires import queries, service
from journal.questionnaires.queries import Filled, Shelf

blueprint = Blueprint("questionnaires", __name__)

Page = str | tuple[str, int] | Answer


def _instrument(code: str) -> Instrument:
    found = find_instrument(code)
    if found is None:
        abort(404)
    return found


def _shelf() -> Shelf:
    return queries.get_shelf(unit(), present.viewer(), clock.now() - timedelta(days=2))


def _may_restore(shelf: Shelf) -> list[UUID]:
    zone, ends = present.zone(), person().day_ends_hour
    return [d.id for d in shelf.deleted if day_of(d.received_at, zone, ends) == present.today()]


@blueprint.get("/questionnaires")
def index() -> Page:
    shelf, today = _shelf(), present.today()
    every = instruments()
    due = shelf.due(today)
    begun = [one for code in every if (one := shelf.find_open(code, today)) and one.response.answers]
    finished = [one for one in shelf.filled if one.response.state == "finished"]
    return render_template(
        "questionnaires/index.html",
        every=every,
        due=[one for one in due if one.code not in {b.instrument.code for b in begun}],
        begun=begun,
        left={b.entry.id: len(unanswered(b.instrument, b.response.answers)) for b in begun},
        finished=sorted(finished, key=lambda one: one.entry.captured_at, reverse=True),
        following={code: shelf.find_next(one, today) for code, one in every.items() if shelf.is_on(one)},
        is_on={code: shelf.is_on(one) for code, one in every.items()},
        withheld=shelf.withheld,
        clinic=shelf.clinic,
        deleted=_may_restore(shelf),
        today=today,
        resume_days=RESUME_DAYS,
        say_number=say_number,
    )


@blueprint.get("/questionnaires/<code>")
def begin(code: str) -> Page:
    """On to the first question that is open; where there is something to know first, that comes first."""
    instrument = _instrument(code)
    shelf = _shelf()
    held = shelf.find_open(code, present.today())
    if held is not None and held.response.answers:
        left = unanswered(instrument, held.response.answers)
        if not left:
            return redirect(url_for("questionnaires.end", code=code), 303)
        return redirect(
            url_for("questionnaires.question", code=code, place=_place(instrument, left[0].id)), 303
        )
    finished = shelf.find_finished(code, present.today())
    if finished is not None and "new" not in request.args:
        at = finished.entry.captured_at.astimezone(present.zone())
        return render_template("questionnaires/again.html", instrument=instrument, held=finished, at=at)
    if code in shelf.withheld:
        return _withheld(instrument, shelf)
    if instrument.content_note:
        return render_template("questionnaires/begin.html", instrument=instrument, anew=finished is not None)
    return _show_question(instrument, 1, shelf, None, uuid4())


def _withheld(instrument: Instrument, shelf: Shelf) -> str:
    """The clinic that follows hasn't chosen this one. What was begun before can still be finished."""
    return render_template("questionnaires/withheld.html", instrument=instrument, clinic=shelf.clinic)


def _place(instrument: Instrument, item_id: str) -> int:
    return next(place for place, item in enumerate(instrument.items, 1) if item.id == item_id)


def _target(instrument: Instrument, shelf: Shelf) -> Filled | None:
    """The response that a page is about: the one it names, else the unfinished one, else the one that was finished
    today, for somebody who steps back from its result."""
    named = request.values.get("response", "")
    if "new" in request.args:
        return None
    if named:
        try:
            found = shelf.get(UUID(named))
        except ValueError:
            raise NotYours("questionnaire") from None
        if found.instrument.code != instrument.code:
            raise NotYours("questionnaire")
        return found
    today = present.today()
    return shelf.find_open(instrument.code, today) or shelf.find_finished(instrument.code, today)


def _show_question(
    instrument: Instrument, place: int, shelf: Shelf, held: Filled | None, entry_id: UUID, error: str = ""
) -> str:
    answers = held.response.answers if held else {}
    asked = [item.id for item in asked_items(instrument, answers)]
    item = instrument.items[place - 1]
    counted = [one.id for one in instrument.items if not one.asked_if]
    language = instrument.language(shelf.profile.language)
    after = next((_place(instrument, one) for one in asked if _place(instrument, one) > place), None)
    named = held.entry.id if held and held.response.state == "finished" else None
    anew = 1 if held is None and "new" in request.args else None
    return render_template(
        "questionnaires/question.html",
        today=present.today(),
        instrument=instrument,
        item=item,
        place=place,
        counted=counted,
        answers=answers,
        language=language,
        others=[(code, LANGUAGES[code]) for code in instrument.languages if code != language],
        entry_id=entry_id,
        error=error,
        named=named,
        back=_question_url(instrument, place - 1, named, anew)
        if place > 1
        else url_for("questionnaires.index"),
        onward=_question_url(instrument, after, named, anew)
        if after
        else url_for("questionnaires.end", code=instrument.code, response=named),
    )


def _question_url(instrument: Instrument, place: int, named: UUID | None, anew: int | None = None) -> str:
    """`anew` keeps to a new response until it holds an answer."""
    return url_for("questionnaires.question", code=instrument.code, place=place, response=named, new=anew)


@blueprint.route("/questionnaires/<code>/<int:place>", methods=["GET", "POST"])
@saves_while_locked
def question(code: str, place: int) -> Page:
    """One question. Each answer is a button that keeps it."""
    instrument = _instrument(code)
    if not 1 <= place <= len(instrument.items):
        abort(404)
    if request.method != "POST":
        shelf = _shelf()
        held = _target(instrument, shelf)
        if held is None and code in shelf.withheld:
            return _withheld(instrument, shelf)
        return _show_question(instrument, place, shelf, held, held.entry.id if held else uuid4())
    entry_id = entry_id_of(request.form)
    shelf = _shelf()
    if code in shelf.withheld and _target(instrument, shelf) is None:
        return _withheld(instrument, shelf), 409
    language = request.form.get("language", "")
    try:
        answered = service.answer(
            unit(),
            present.viewer(),
            instrument,
            instrument.items[place - 1].id,
            request.form.get("answer"),
            present.moment(),
            entry_id=entry_id,
            language=language if language in instrument.languages else instrument.languages[0],
        )
    except Refused as refused:
        why, shelf = next(iter(refused.reasons.values())), _shelf()
        return _show_question(instrument, place, shelf, _target(instrument, shelf), entry_id, why), 422
    unit().commit()
    response, entry_id = answered.response, answered.entry_id
    named = entry_id if response.state == "finished" else None
    left = [_place(instrument, item.id) for item in unanswered(instrument, response.answers)]
    later = next((one for one in left if one > place), None)
    considered = answered.considered
    if considered.says:
        say(f"Saved. {considered.says}")
    if named:
        onward = url_for("questionnaires.result", code=code, response_id=entry_id)
        if not considered.says:
            say("Saved. You changed an answer." if answered.was_finished else "Saved.")
    elif later:
        onward = _question_url(instrument, later, None)
    else:
        onward = url_for("questionnaires.end", code=code)
    if considered.help_first:
        onward = url_for("safety.help_now", saved=1, next=onward)
    # The page's own script goes there after a moment, so that a double tap doesn't answer the next question.
    if request.accept_mimetypes.best == "application/json":
        return jsonify({"next": onward})
    return redirect(onward, 303)


@blueprint.get("/questionnaires/<code>/end")
def end(code: str) -> Page:
    """After the last question, where some were skipped."""
    instrument = _instrument(code)
    held = _target(instrument, _shelf())
    if held is None or not held.response.answers:
        return redirect(url_for("questionnaires.begin", code=code), 303)
    if held.response.state == "finished":
        return redirect(url_for("questionnaires.result", code=code, response_id=held.entry.id), 303)
    left = unanswered(instrument, held.response.answers)
    return render_template(
        "questionnaires/end.html",
        instrument=instrument,
        held=held,
        left=[(_place(instrument, item.id), item) for item in left],
        is_whole=is_whole(instrument, held.response.answers),
        language=instrument.language(held.response.language),
    )


@blueprint.post("/questionnaires/<code>/settle")
@saves_while_locked
def settle(code: str) -> Page:
    """Finish as it is, or set aside."""
    instrument = _instrument(code)
    state = "set-aside" if request.form.get("state") == "set-aside" else "finished"
    entry_id = entry_id_of(request.form)
    try:
        service.settle(unit(), present.viewer(), instrument, state, present.moment(), entry_id=entry_id)
    except Refused as refused:
        say(refused.reasons["form"])
        return redirect(url_for("questionnaires.index"), 303)
    unit().commit()
    if state == "finished":
        return redirect(url_for("questionnaires.result", code=code, response_id=entry_id), 303)
    say(f"{instrument.short_title} is set aside. You can go on with it for {RESUME_DAYS} days.")
    return redirect(url_for("questionnaires.index"), 303)


@blueprint.get("/questionnaires/<code>/responses/<uuid:response_id>")
def result(code: str, response_id: UUID) -> Page:
    instrument, shelf, today = _instrument(code), _shelf(), present.today()
    held = shelf.get(response_id)
    if held.instrument.code != code:
        raise NotYours("questionnaire")
    if held.response.state != "finished":
        return redirect(url_for("questionnaires.begin", code=code), 303)
    told = shelf.compare(held)
    changes = []
    for title, one, what in (
        ("Since last time", told.since_last, "last time"),
        ("Since before infusion 1", told.since_baseline, "before infusion 1"),
    ):
        if one is not None:
            since = f"{what} ({say_number(one.before.score)} on {say_short_day(one.before.day)})"
            changes.append((title, say_change(one, since)))
    return render_template(
        "questionnaires/result.html",
        instrument=instrument,
        held=held,
        language=instrument.language(held.response.language),
        asked=[
            (place, item)
            for item in asked_items(instrument, held.response.answers)
            for place in (_place(instrument, item.id),)
        ],
        scored=told.scored,
        band=band(instrument, told.scored.score) if told.scored else None,
        say_number=say_number,
        changes=changes,
        reasons=reasons_to_call(held.response, Context()),
        may_change=held.entry.day == today,
        captured_at=held.entry.captured_at.astimezone(present.zone()),
        today=today,
    )


@blueprint.route("/questionnaires/<code>/responses/<uuid:response_id>/delete", methods=["GET", "POST"])
def delete(code: str, response_id: UUID) -> Page:
    instrument, held = _instrument(code), _shelf().get(response_id)
    if held.instrument.code != code:
        raise NotYours("questionnaire")
    if request.method != "POST":
        return render_template("questionnaires/delete.html", instrument=instrument, held=held)
    base, kind = number_of(request.form, "base"), instrument.kept_as
    kept = removal.delete(unit(), present.viewer(), response_id, kind, base, device(), clock.now())
    unit().commit()
    if kept.how == "same":
        say("This was changed elsewhere meanwhile, so it was not deleted.")
    else:
        say("Deleted. You can bring it back today.")
    return redirect(url_for("questionnaires.index"), 303)


@blueprint.post("/questionnaires/responses/<uuid:response_id>/restore")
def restore(response_id: UUID) -> Page:
    shelf = _shelf()
    if response_id not in _may_restore(shelf):
        raise NotYours("questionnaire")
    kind = next(one.kind for one in shelf.deleted if one.id == response_id)
    removal.restore(unit(), present.viewer(), response_id, kind, device(), clock.now())
    unit().commit()
    say("It is back.")
    return redirect(url_for("questionnaires.index"), 303)


@blueprint.get("/questionnaires/<code>/about")
def about(code: str) -> Page:
    instrument, shelf, today = _instrument(code), _shelf(), present.today()
    return render_template(
        "questionnaires/about.html",
        instrument=instrument,
        language=instrument.language(shelf.profile.language),
        languages=LANGUAGES,
        is_on=shelf.is_on(instrument),
        withheld=code in shelf.withheld,
        clinic=shelf.clinic,
        due=next((one for one in shelf.due(today) if one.code == code), None),
        following=shelf.find_next(instrument, today) if shelf.is_on(instrument) else None,
        stages=[stage for stage in STAGES if stage in instrument.stages],
        today=today,
        back=local_target(request.args.get("back")) or url_for("questionnaires.index"),
    )


@blueprint.post("/questionnaires/<code>/ask")
def ask(code: str) -> Page:
    """Turn a questionnaire on or off. What was filled in stays."""
    instrument = _instrument(code)
    turned_on = request.form.get("on") == "yes"
    profile, base = get_profile(unit(), present.viewer())
    switches = {**profile.questionnaires, code: turned_on}
    _keep(Profile.parse(profile.dump() | {"questionnaires": switches}), base)
    if turned_on:
        say(f"{instrument.short_title} will be asked when it is time.")
    else:
        say(f"{instrument.short_title} won’t be asked. You can still fill it in at any time.")
    return redirect(url_for("questionnaires.about", code=code), 303)


@blueprint.post("/questionnaires/language")
def choose_language() -> Page:
    """The language in which questionnaires are read, where they come in it."""
    profile, base = get_profile(unit(), present.viewer())
    _keep(Profile.parse(profile.dump() | {"language": request.form.get("language", "")}), base)
    return redirect(local_target(request.form.get("next")) or url_for("questionnaires.index"), 303)


def _keep(profile: Profile, base: int) -> None:
    profiles.keep(unit(), present.viewer(), profile, base, present.moment())
    unit().commit()
