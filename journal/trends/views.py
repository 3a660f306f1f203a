"""The doors of trends: the page, and the same numbers as JSON."""

from flask import Blueprint, Response, abort, jsonify, render_template, request

from journal.accounts import present
from journal.domain import alignment, trends
from journal.kit.web import unit
from journal.trends import drawing, queries

blueprint = Blueprint("trends", __name__)


def _answer() -> queries.Answer:
    window = request.args.get("days", "90")
    if window not in trends.WINDOWS:
        abort(400)
    return queries.get_trends(unit(), present.viewer(), window, request.args.get("measure"), present.today())


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
