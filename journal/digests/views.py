"""The doors of a clinic's digests: the weeks, and one of them. Clinicians see rows, admins counts, the front desk that
it went out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from journal.clinics.present import membership
from journal.clinics.queries import Membership, get_settings, list_memberships
from journal.digests import queries, service
from journal.digests.queries import Made, Seen
from journal.domain.digest import SECTIONS
from journal.domain.digest_counts import say_counts, say_exact
from journal.domain.errors import NotYours
from journal.domain.flag_rules import URGENCIES
from journal.domain.weeks import Week
from journal.factors.present import second_step_first
from journal.kit import clock
from journal.kit.web import database, end_unit, find_person, person, unit
from journal.shares.service import are_open

blueprint = Blueprint("digests", __name__)
ROLES = ("clinician", "admin", "front-desk")
SHORT, PAGE = 20, 50
"""Own choice: so many of each section at first, and on a page of one section."""
Page = str | Response | tuple[str, int]


@blueprint.before_request
def careful() -> Response | None:
    """Only staff, and whoever looks into a clinic gave a second step."""
    if find_person() is None:
        return None
    membership(*ROLES)
    return second_step_first()


@blueprint.get("/clinic/digests")
def index() -> Page:
    who, now = membership(*ROLES), clock.now()
    settings = get_settings(unit(), who.clinic_id)
    return render_template(
        "digests/index.html",
        staff=who,
        made=queries.list_digests(unit(), who.clinic_id),
        next=queries.find_next(unit(), settings),
        late=queries.is_overdue(unit(), who.clinic_id, now),
        zone=settings.zone,
    )


@blueprint.get("/clinic/digests/<week:week>")
def digest(week: Week) -> Page:
    who, now = membership(*ROLES), clock.now()
    settings = get_settings(unit(), who.clinic_id)
    made = queries.find_digest(unit(), who.clinic_id, week)
    if made is None:
        following = queries.find_next(unit(), settings)
        if not following.week <= week <= Week.of(now.astimezone(settings.zone).date()).next:
            raise NotYours("digest")
        return render_template(
            "digests/to_come.html",
            week=week,
            next=following,
            late=following.due_at <= now,
            zone=settings.zone,
        )
    told = {"staff": who, "made": made, "zone": settings.zone}
    if not who.is_("clinician"):
        lines = say_counts(made.counts, made.below) if who.is_("admin") else ()
        return render_template("digests/counts.html", lines=lines, **told)
    return _rows(who, made, now, told)


def _rows(who: Membership, made: Made, now: datetime, told: dict[str, object]) -> Page:
    """The rows for a clinician: what is shown is in its patients' access logs before it is shown, and the shares are
    asked once more when the page is made."""
    seen = queries.list_seen(unit(), made, person().account_id, now)
    end_unit()
    sections = _sections(seen, request.args.get("section", ""), request.args.get("page", "1"))
    shown = [one for section in sections for one in section.rows]
    with database().writing() as own:
        if not _may_still(who) or not are_open(own, [one.reading for one in shown], clock.now()):
            return redirect(request.full_path, 303)
        service.note_shown(own, person().account_id, shown, clock.now())
        own.commit()
    answer = render_template(
        "digests/digest.html",
        sections=sections,
        one=request.args.get("section", "") in SECTIONS,
        lines=say_exact(made.counts),
        people=len(seen),
        SECTIONS=SECTIONS,
        **told,
    )
    with database().reading() as fresh:
        if not are_open(fresh, [one.reading for one in shown], clock.now()):
            return redirect(request.full_path, 303)  # somebody ended or changed a share meanwhile: ask anew
    return answer if _may_still(who) else redirect(request.full_path, 303)


def _may_still(who: Membership) -> bool:
    with database().reading() as fresh:
        return any(
            one.clinic_id == who.clinic_id and one.is_("clinician")
            for one in list_memberships(fresh, who.account_id)
        )


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page: some of its rows, of how many, and which page of how many."""

    id: str
    title: str
    rows: tuple[Seen, ...]
    count: int
    page: int
    pages: int


def _sections(seen: Sequence[Seen], only: str, page: str) -> tuple[Section, ...]:
    """Each patient once, in the gravest section that names them. With a section that there is, that one alone."""
    by_section: dict[str, list[Seen]] = {}
    for one in sorted(seen, key=_order):
        by_section.setdefault(one.section, []).append(one)
    found = []
    for name, title in SECTIONS.items():
        rows = by_section.get(name, [])
        if only == name:
            pages = max(1, -(-len(rows) // PAGE))
            here = min(max(1, int(page)), pages) if page.isascii() and page.isdigit() else 1
            part = tuple(rows[PAGE * (here - 1) : PAGE * here])
            return (Section(name, title, part, len(rows), here, pages),)
        if rows:
            found.append(Section(name, title, tuple(rows[:SHORT]), len(rows), 1, 1))
    return tuple(found)


def _order(one: Seen) -> tuple[int, str]:
    """The gravest flags first, then by name."""
    shape = one.items[0].shape
    return (URGENCIES.index(shape) if shape in URGENCIES else len(URGENCIES)), one.reading.name.casefold()
