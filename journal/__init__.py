"""The front hall: puts the journal together. Nothing imports it but the server and the tests."""

from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from flask import Flask, request
from flask_wtf import CSRFProtect
from jinja2 import TemplateNotFound
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter, ValidationError
from whitenoise import WhiteNoise

from journal.accounts import emails
from journal.accounts import views as accounts_doors
from journal.accounts.passphrases import Hasher
from journal.app_lock.present import hold_back, lock_first
from journal.app_lock.views import blueprint as app_lock_doors
from journal.care.tasks import look as look_at_people
from journal.care.views import blueprint as care_doors
from journal.checkins.views import blueprint as checkins_doors
from journal.clinic_flags import emails as clinic_flag_emails
from journal.clinic_flags import queries as clinic_flag_queries
from journal.clinic_flags import tasks as clinic_flag_tasks
from journal.clinic_flags.present import answered, who_sees
from journal.clinic_flags.views import blueprint as clinic_flags_doors
from journal.clinics import emails as clinic_emails
from journal.clinics import queries as clinic_queries
from journal.clinics import service as clinics_service
from journal.config import Settings
from journal.demo.cli import demo as demo_command
from journal.digests import emails as digest_emails
from journal.digests import queries as digest_queries
from journal.digests.cli import digests as digests_command
from journal.digests.tasks import send_due as send_digests
from journal.digests.views import blueprint as digests_doors
from journal.domain import side_effects
from journal.domain.errors import NotYours, Refused
from journal.domain.flag_rules import asks_for_help
from journal.domain.help_numbers import help_for
from journal.domain.instrument_files import instruments
from journal.domain.weeks import Week
from journal.factors import emails as factors_emails
from journal.factors import service as factors_service
from journal.factors.views import blueprint as factors_doors
from journal.infusions.views import blueprint as infusions_doors
from journal.invitations.views import blueprint as invitations_doors
from journal.kit import clock, logs, outbox, thread, throttle, web
from journal.kit.assets import Assets, never_changes
from journal.kit.cli import commands
from journal.kit.db import Database
from journal.kit.health import Check
from journal.kit.jobs import Bell, Chore, look
from journal.kit.mail import Mail, keep_in_folder
from journal.kit.smtp import send_through
from journal.kit.vault import Vault
from journal.kit.webpush import post_as
from journal.kit.words import FILTERS
from journal.links.views import blueprint as links_doors
from journal.pages.views import blueprint as pages_doors
from journal.privacy.views import blueprint as privacy_doors
from journal.profiles.views import blueprint as profiles_doors
from journal.push import service as push_service
from journal.push.cli import push as push_command
from journal.push.tasks import Office
from journal.push.tasks import send_due as send_notes
from journal.push.views import blueprint as push_doors
from journal.questionnaires.views import blueprint as questionnaires_doors
from journal.reminders import emails as reminder_emails
from journal.reminders import service as reminders_service
from journal.reminders import views as reminders_doors
from journal.reminders.tasks import send_due as send_reminders
from journal.safety.views import blueprint as safety_doors
from journal.safety.views import help_first
from journal.shares import emails as share_emails
from journal.sharing.views import blueprint as sharing_doors
from journal.staff.cli import clinic as clinic_commands
from journal.staff.views import blueprint as staff_doors
from journal.sync import service as sync_service
from journal.sync import views as sync_doors
from journal.sync.cli import sync as sync_command
from journal.sync.shell import Shell
from journal.trends.views import blueprint as trends_doors

ROOT = Path(__file__).parent.parent
COOKIE_DAYS = 400


class DayConverter(BaseConverter):
    """A civil date in an address, such as 2026-11-22."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValidationError from None
        if not 2000 <= day.year <= 2100:
            raise ValidationError
        return day

    def to_url(self, value: date) -> str:
        return value.isoformat()


class WeekConverter(BaseConverter):
    """An ISO week in an address, such as 2026-W47."""

    regex = r"\d{4}-W\d{2}"

    def to_python(self, value: str) -> Week:
        try:
            return Week.parse(value)
        except Refused:
            raise ValidationError from None

    def to_url(self, value: Week) -> str:
        return value.label


def create_app(settings: Settings, database: Database | None = None) -> Flask:
    """The journal, ready to serve. A database may be handed in by tests. Raises WrongShape for a questionnaire's file
    that can't be used."""
    logs.set_up()
    instruments()
    app = Flask("journal", root_path=str(ROOT), template_folder="templates", static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-journal" if settings.is_https else "journal",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_https,
        PERMANENT_SESSION_LIFETIME=timedelta(days=COOKIE_DAYS),
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_TIME_LIMIT=None,  # a form left open or offline must not die
        MAX_CONTENT_LENGTH=web.MOST_BYTES,
        MAX_FORM_MEMORY_SIZE=web.MOST_BYTES,
        DEFAULT_ZONE=settings.default_zone,
        DEFAULT_COUNTRY=settings.default_country,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.url_map.converters["day"] = DayConverter
    app.url_map.converters["week"] = WeekConverter
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(
        thread=thread,
        thread_labels=thread_labels,
        side_effects=side_effects.SIDE_EFFECTS,
        asked_if_now=side_effects.ASKED_IF_NOW,
        red_flags=side_effects.RED_FLAGS,
        groups=side_effects.GROUPS,
        grade_meaning=side_effects.GRADE_MEANING,
        asks_for_help=asks_for_help,
        who_sees=who_sees,
        answered=answered,
        help_for=lambda country: help_for(settings.default_country if country is None else country),
    )
    forgery = CSRFProtect(app)
    vault = Vault(settings.master_key, settings.seal)
    app.extensions["database"] = database or Database(settings.database_url, {"vault": vault})
    app.extensions["settings"] = settings
    app.extensions["hasher"] = Hasher(vault, settings.passphrase_rounds, settings.passphrase_kib)
    web.install(app)
    accounts_doors.install(app)
    for doors in (
        factors_doors,
        app_lock_doors,
        safety_doors,
        profiles_doors,
        checkins_doors,
        infusions_doors,
        questionnaires_doors,
        sync_doors.blueprint,
        trends_doors,
        sharing_doors,
        links_doors,
        care_doors,
        clinic_flags_doors,
        staff_doors,
        invitations_doors,
        push_doors,
        reminders_doors.blueprint,
        digests_doors,
        privacy_doors,
        pages_doors,
    ):
        app.register_blueprint(doors)
    # Mail programs post there by themselves; the token in the link is the guard.
    forgery.exempt(reminders_doors.unsubscribe)
    # What a phone kept for days has no token that could still be good; they look at where the request comes from.
    forgery.exempt(sync_doors.take)
    forgery.exempt(sync_doors.sign_out)
    app.before_request(lock_first)
    app.before_request(help_first)
    app.after_request(hold_back)
    app.register_error_handler(NotYours, web.show_missing)
    app.register_error_handler(Refused, web.show_conflict)
    commands(app)
    app.cli.add_command(demo_command)
    app.cli.add_command(clinic_commands)
    app.cli.add_command(digests_command)
    app.cli.add_command(sync_command)
    app.cli.add_command(push_command)
    _serve_static(app, settings)
    _set_to_work(app, settings)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign] # how Werkzeug's own docs put it in place
    return app


def thread_labels(first: date, last: date) -> list[str]:
    """A weekday for each day of a thread."""
    return [f"{first + timedelta(days=n):%a}" for n in range((last - first).days + 1)]


def _serve_static(app: Flask, settings: Settings) -> None:
    assets = Assets(ROOT / "static", settings.data_dir / "static")
    served = WhiteNoise(
        app.wsgi_app,
        root=str(assets.folder),
        prefix="static/",
        immutable_file_test=never_changes,
        add_headers_function=_static_headers,
        allow_all_origins=False,
    )
    app.extensions["shell"] = Shell.of(assets, ROOT)
    app.wsgi_app = served  # type: ignore[method-assign] # WhiteNoise wraps a WSGI app

    @app.context_processor
    def words() -> dict[str, Any]:
        return {
            "asset": assets.url,
            "shell_version": lambda: app.extensions["shell"].version,
            "look": "low" if request.cookies.get("look") == "low" else "usual",
            "person": web.find_person_here,
            "behind_lock": lambda: web.find_person() is not None and web.find_person_here() is None,
            "here_again": web.here_again,
        }


def _static_headers(headers: Any, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


def _renderer(app: Flask) -> Any:
    """render(mail name, recipient, **values) -> Mail, from templates/emails/<name>/. `unsubscribe` is the one-click link."""

    def render(name: str, to: str, **values: Any) -> Mail:
        page = app.jinja_env.get_template
        subject = page(f"emails/{name}/subject.txt").render(**values).strip()
        body = page(f"emails/{name}/body.txt").render(**values)
        try:
            html = page(f"emails/{name}/body.html").render(**values)
        except TemplateNotFound as missing:
            if missing.name != f"emails/{name}/body.html":
                raise
            html = None
        return Mail(to, subject, body, html, values.get("unsubscribe"))

    return render


def _set_to_work(app: Flask, settings: Settings) -> None:
    """The mail, the worker's chores, and what health looks at."""
    render = _renderer(app)
    writers = {
        **emails.writers(render, settings.base_url),
        **factors_emails.writers(render, settings.base_url),
        **share_emails.writers(render, settings.base_url),
        **clinic_flag_emails.writers(render, settings.base_url),
        **clinic_emails.writers(render, settings.base_url),
        **reminder_emails.writers(render, settings.base_url),
        **digest_emails.writers(render, settings.base_url),
    }
    transport = send_through(settings.mail) if settings.mail else keep_in_folder(settings.data_dir / "mail")
    database: Database = app.extensions["database"]
    stopping = Event()
    on_switched_off = clinics_service.tell_switched_off

    def send(now: datetime) -> int:
        return outbox.send_due(
            app.extensions["database"],
            writers,
            transport,
            settings.mail_from,
            now,
            name=settings.mail_name,
            base_url=settings.base_url,
            on_switched_off=on_switched_off,
            may_go_on=lambda: not stopping.is_set(),
        )

    def tidy(now: datetime) -> int:
        with database.writing() as unit:
            throttle.sweep(unit, now - timedelta(days=1))
            gone = outbox.sweep(unit, now) + clinics_service.forget_old(unit, now)
            gone += sync_service.sweep(unit, now) + push_service.sweep(unit, now)
            unit.commit()
        return gone

    post = post_as(f"mailto:{settings.mail_from}", loopback=settings.push_to_loopback)
    office = Office(
        post if settings.web_push else None, reminders_service.is_wanted, reminders_service.mail_instead
    )

    def notes(now: datetime) -> int:
        return send_notes(database, office, now, may_go_on=lambda: not stopping.is_set())

    checks: list[Check] = [
        clinic_flag_queries.overdue,
        clinic_queries.overdue,
        lambda unit, now: filter(None, [digest_queries.overdue(unit, now)]),
    ]
    # In their order; mail comes last, so that what the others ask for goes out in the same look.
    chores = [
        Chore("tidy", tidy),
        Chore("flags", partial(clinic_flag_tasks.tell, database)),
        Chore("second contacts", partial(clinic_flag_tasks.escalate, database)),
        Chore("daily look", partial(look_at_people, database)),
        Chore("digests", partial(send_digests, database)),
        Chore("reminders", partial(send_reminders, database, by_push=settings.web_push)),
        Chore("notes", notes),
        Chore("mail", send),
    ]
    queue_path = settings.data_dir / "jobs.sqlite3"
    app.extensions.update(
        writers=writers,
        send_mail=lambda: send(clock.now()),
        on_first_proof=factors_service.forget_strange_keys,
        on_switched_off=on_switched_off,
        chores=chores,
        look=partial(look, database, chores),
        stopping=stopping,
        queue_path=queue_path,
        bell=Bell(database, queue_path),
        health_checks=checks,
        started_at=clock.now(),
    )
