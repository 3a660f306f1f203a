"""The doors of the journal as a whole: taking it along, bringing it in, deleting the account."""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

import structlog
from flask import Blueprint, Response, current_app, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from journal.accounts import present
from journal.accounts import service as accounts
from journal.config import Settings
from journal.domain import fhir, imports, imports_daylio, imports_emoods
from journal.domain.errors import Refused
from journal.domain.imports import Report
from journal.domain.pause import find_recent
from journal.kit import clock, throttle
from journal.kit.forms import typed
from journal.kit.mail import forget_kept
from journal.kit.web import database, end_unit, person, public, say, unit
from journal.privacy import archive, queries, readable, service
from journal.privacy.forms import DeleteForm, ExportForm, ImportForm
from journal.privacy.tables import tables

blueprint = Blueprint("privacy", __name__)
log = structlog.get_logger()

Page = str | tuple[str, int] | AnyResponse
TABLES = ((imports_daylio.fits, imports_daylio.read), (imports_emoods.fits, imports_emoods.read))
MOST_BODY = archive.MOST_UPLOAD + 64 * 1024
MOST_CARRIED = 6 * 1024 * 1024
IMPORTS_WINDOW, MOST_IMPORTS = timedelta(hours=1), 30
ROWS_SHOWN = 500
ONE_AT_A_TIME = Lock()
"""A large file takes some hundred megabytes while it is read: one of them at a time in each process."""
JUST_DELETED = "just_deleted"
"""So that drafts on this phone go with the account, and not when somebody merely opens the page."""
TOO_MANY = "Many files were brought in within a short time. Wait an hour, then choose the file again."
UNKNOWN_TABLE = (
    "The journal doesn’t know this table. It can read what Daylio exports as CSV, and backups of eMoods. "
    "Choose the file as the app gave it."
)


@blueprint.url_value_preprocessor
def let_files_in(endpoint: str | None, _values: Mapping[str, Any] | None) -> None:
    """Somebody who is signed in may send a larger body to the import, and only there. It has to be said before the
    check for forged forms, which reads the body; and nobody's save may wait while it comes in."""
    if endpoint == "privacy.bring_in" and request.method == "POST" and current_user.is_authenticated:
        request.max_content_length = MOST_BODY
        request.max_form_memory_size = MOST_CARRIED
        end_unit()


@blueprint.errorhandler(RequestEntityTooLarge)
def show_too_large(_error: RequestEntityTooLarge) -> tuple[str, int]:
    title = "This file is too large"
    return render_template("errors/error.html", title=title, text=archive.TOO_BIG, code=413), 413


@blueprint.route("/account/export", methods=["GET", "POST"])
def export() -> Page:
    form, moment = ExportForm(), present.moment()
    if request.method != "POST":
        return render_template("privacy/export.html", form=form)
    if not form.validate():
        return render_template("privacy/export.html", form=form), 422
    problem, code = present.wrong_passphrase(typed(form.password))
    if problem:
        form.password.errors = [problem]
        return render_template("privacy/export.html", form=form), code
    service.note_export(unit(), present.viewer(), moment)
    unit().commit()
    end_unit()
    with database().reading() as reading:  # nobody's save waits for this
        found = queries.get_export(reading, present.viewer(), person().email, moment)
    packed = archive.pack(_parts(found, moment.now), moment.now)
    answer = Response(packed, mimetype="application/zip")
    name = f"infusion-journal-{moment.today}.zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _parts(found: queries.Export, now: datetime) -> dict[str, bytes]:
    """Every file of the export by its name."""
    data = queries.to_data(found, _account(), now)
    shown = {"now": now.astimezone(present.zone()), "found": found, "account": data["account"]}
    page = render_template(
        "privacy/journal.html",
        **shown,
        standing=readable.standing(found),
        days=readable.by_day(found),
        extras={
            **{name: data[name] for name in ("shares", "reviews", "access_log")},
            "reminders": [data["reminders"]],
            "reminder_devices": data["reminder_devices"],
            "quiet_hours": [data["quiet_hours"]] if data["reminder_devices"] else [],
        },
        zone=present.zone(),
    )
    readme = render_template("privacy/readme.txt", **shown)
    return {
        "README.txt": readme.replace("\n", "\r\n").encode(),
        "journal.html": page.encode(),
        "journal.json": archive.to_json(data),
        "journal.fhir.json": fhir.write(fhir.collection(found.summary, found.patient_id)).encode(),
        **tables(found.entries, found.profile),
    }


def _account() -> dict[str, Any]:
    who = person()
    return {
        "email": who.email,
        "is_verified": who.is_verified,
        "zone": who.zone,
        "country": who.country,
        "day_ends_hour": who.day_ends_hour,
        "app_lock": who.wants_lock,
        "created_at": who.created_at.isoformat(),
    }


@blueprint.route("/account/import", methods=["GET", "POST"])
def bring_in() -> Page:
    """A journal comes in at once; a table from another app is shown first, row by row."""
    if request.method != "POST":
        return _show_import({})
    end_unit()
    if not _count_import():
        return _show_import({"file": TOO_MANY}), 429
    try:
        with ONE_AT_A_TIME:
            if "carried" in request.form:
                return _keep_table(_carried_in(request.form["carried"]))
            sent = request.files.get("file")
            upload = archive.unpack(sent.read(archive.MOST_UPLOAD + 1) if sent else b"")
            if upload.table is None:
                return _keep_journal(upload.journal)
            return _show_report(upload.table)
    except Refused as refused:
        end_unit()
        return _show_import(refused.reasons), 422


def _show_import(reasons: Mapping[str, str]) -> str:
    with database().reading() as reading:
        holdings = queries.get_holdings(reading, present.viewer(), clock.now())
    problems = [("file", reason) for reason in reasons.values()]
    return render_template("privacy/bring_in.html", form=ImportForm(), problems=problems, holdings=holdings)


def _count_import() -> bool:
    key = present.hasher().key("imports", str(person().account_id))
    with database().writing() as own_unit:
        tries = throttle.count_try(own_unit, key, IMPORTS_WINDOW, clock.now())
        own_unit.commit()
    return tries <= MOST_IMPORTS


def _keep_journal(data: Any) -> Page:
    journal = service.parse(data, present.viewer(), clock.now())
    is_new = service.take_in(unit(), present.viewer(), journal, present.moment())
    unit().commit()
    count = len(journal.entries)
    told = f"Your journal is here: {count:,} entr{'y' if count == 1 else 'ies'}."
    say(told if is_new else "This journal was brought in already.")
    return redirect(url_for("checkins.index"), 303)


def _read_table(text: str, taken: frozenset[date]) -> Report:
    """What becomes of a table's rows. `taken` are the days that have a check-in. Raises Refused."""
    header, lines = imports.read_lines(text)
    read = next((read for fits, read in TABLES if fits(header)), None)
    if read is None:
        raise Refused({"file": UNKNOWN_TABLE})
    return read(lines, present.today(), taken)


def _show_report(text: str) -> Page:
    with database().reading() as reading:
        taken = queries.list_logged_days(reading, present.viewer())
    report = _read_table(text, taken)
    page = render_template(
        "privacy/report.html",
        report=report,
        shown=ROWS_SHOWN,
        carried=_carried_out(text),
        import_id=uuid4(),
    )
    return (page, 422) if report.problems or not report.days else page


def _keep_table(text: str) -> Page:
    report = _read_table(text, frozenset())  # the days that are taken by now are looked at under the lock
    if report.problems or not report.days:
        raise Refused({"file": "This table needs mending first. Choose the file again to see what."})
    moment = present.moment()
    try:
        import_id = UUID(request.form.get("import_id", ""))
    except ValueError:
        import_id = uuid4()
    is_new = service.take_in_days(unit(), present.viewer(), report, moment, import_id=import_id)
    unit().commit()
    count = len(report.days)
    told = f"{count:,} day{' is' if count == 1 else 's are'} in your journal now."
    say(told if is_new else "These days were brought in already.")
    return redirect(url_for("checkins.index"), 303)


def _carried_out(text: str) -> str:
    """The table as the page carries it until it is confirmed; it is read and checked again then."""
    return urlsafe_b64encode(zlib.compress(text.encode(), 6)).decode()


def _carried_in(carried: str) -> str:
    """Raises Refused for what no page of ours carried."""
    try:
        opened = zlib.decompressobj()
        raw = opened.decompress(urlsafe_b64decode(carried), archive.MOST_TABLE + 1)
        if not opened.eof:
            raise ValueError
    except (ValueError, zlib.error):
        raise Refused({"file": archive.UNREADABLE}) from None
    return archive.read_table(raw)


@blueprint.route("/account/delete", methods=["GET", "POST"])
def delete() -> Page:
    form, moment = DeleteForm(), present.moment()
    with database().reading() as reading:
        holdings = queries.get_holdings(reading, present.viewer(), clock.now())
        addresses = accounts.list_own_addresses(reading, person().account_id)
    recent = find_recent(holdings.infusions, moment.now)

    def show() -> str:
        return render_template(
            "privacy/delete.html",
            form=form,
            holdings=holdings,
            recent=recent,
            keep_days=_settings().backup_keep_days,
            zone=moment.zone,
            email=person().email,
        )

    if request.method != "POST":
        return show()
    form.asks_twice = recent is not None
    if not form.validate():
        return show(), 422
    problem, code = present.wrong_passphrase(typed(form.password))
    if problem:
        form.password.errors = [problem]
        return show(), code
    service.delete_account(unit(), present.viewer(), moment)
    unit().commit()
    end_unit()
    if not database().forget(service.TOUCHED):
        log.warning("deleted rows are not cleaned up yet")
    if _settings().mail is None:
        forget_kept(_settings().data_dir / "mail", addresses)
    session.clear()
    session[JUST_DELETED] = True
    answer = redirect(url_for("privacy.deleted"), 303)
    # What this phone keeps goes too: all of it, or the page that follows takes this account's own things from it.
    answer.headers["Clear-Site-Data"] = '"cache"' if request.form.get("others_wait") else '"storage"'
    answer.delete_cookie(present.KNOWN_DEVICE, path="/")
    return answer


@blueprint.get("/account/deleted")
@public
def deleted() -> str:
    just_deleted = session.pop(JUST_DELETED, False)
    return render_template(
        "privacy/deleted.html", keep_days=_settings().backup_keep_days, just_deleted=just_deleted
    )


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
