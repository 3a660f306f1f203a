"""The doors of trends: the page, and the same numbers as JSON."""

from datetime import date
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, jsonify, render_template, request

from journal.domain import alignment, trends
from journal.domain.access import Viewer
from journal.domain.days import day_of
from journal.kit import clock
from journal.kit.web import person, unit
from journal.trends import drawing, queries

blueprint = Blueprint("trends", __name__)


def _answer() -> queries.Answer:
    who = person()
    window = request.args.get("days", "90")
    if window not in trends.WINDOWS:
        abort(400)
    today: date = day_of(clock.now(), ZoneInfo(who.zone), who.day_ends_hour)
    return queries.get_trends(
        unit(), Viewer.patient(who.account_id), window, request.args.get("measure"), today
    )


@blueprint.get("/trends")
def page() -> str:
    answer = _answer()
    return render_template(
        "trends/page.html",
        trends=answer.trends,
        measures=answer.measures,
        draw=drawing,
        choices=trends.CHOICES,
        offsets=alignment.OFFSETS,
        strip_days=range(trends.STRIP_DAYS + 1),
    )


@blueprint.get("/trends.json")
def data() -> Response:
    built = _answer().trends
    return jsonify(
        trends.to_json(built) | {"ticks": {str(i): text for i, text in drawing.ticks(built.days).items()}}
    )
