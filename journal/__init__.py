"""The front hall: puts the journal together. Nothing imports it but the server and the tests."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter, ValidationError
from whitenoise import WhiteNoise

from journal.accounts import emails
from journal.accounts import views as accounts_doors
from journal.accounts.passphrases import Hasher
from journal.care.views import blueprint as care_doors
from journal.checkins.views import blueprint as checkins_doors
from journal.config import Settings
from journal.demo.cli import demo as demo_command
from journal.digests import emails as digest_emails
from journal.digests.cli import digests as digests_command
from journal.digests.views import blueprint as digests_doors
from journal.domain import side_effects
from journal.domain.errors import NotYours, Refused
from journal.domain.help_numbers import help_for
from journal.domain.instrument_files import instruments
from journal.domain.weeks import Week
from journal.factors import emails as factors_emails
from journal.factors.views import blueprint as factors_doors
from journal.infusions.views import blueprint as infusions_doors
from journal.kit import clock, logs, outbox, thread, throttle, web
from journal.kit.assets import Assets, never_changes
from journal.kit.cli import commands
from journal.kit.db import Database
from journal.kit.mail import Mail, keep_in_folder, send_through
from journal.kit.vault import Vault
from journal.kit.words import FILTERS
from journal.links.views import blueprint as links_doors
from journal.pages.views import blueprint as pages_doors
from journal.privacy.views import blueprint as privacy_doors
from journal.profiles.views import blueprint as profiles_doors
from journal.questionnaires.views import blueprint as questionnaires_doors
from journal.safety.views import blueprint as safety_doors
from journal.safety.views import help_first
from journal.shares import emails as share_emails
from journal.shares.present import who_sees
from journal.sharing.views import blueprint as sharing_doors
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
        who_sees=who_sees,
        help_for=lambda country: help_for(settings.default_country if country is None else country),
    )
    CSRFProtect(app)
    vault = Vault(settings.master_key, settings.seal)
    app.extensions["database"] = database or Database(settings.database_url, {"vault": vault})
    app.extensions["settings"] = settings
    app.extensions["hasher"] = Hasher(vault, settings.passphrase_rounds, settings.passphrase_kib)
    web.install(app)
    accounts_doors.install(app)
    for doors in (
        factors_doors,
        safety_doors,
        profiles_doors,
        checkins_doors,
        infusions_doors,
        questionnaires_doors,
        trends_doors,
        sharing_doors,
        links_doors,
        care_doors,
        digests_doors,
        privacy_doors,
        pages_doors,
    ):
        app.register_blueprint(doors)
    app.before_request(help_first)
    app.register_error_handler(NotYours, web.show_missing)
    app.register_error_handler(Refused, web.show_conflict)
    commands(app)
    app.cli.add_command(demo_command)
    app.cli.add_command(digests_command)
    _serve_static(app, settings)
    _send_mail(app, settings)
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
    app.wsgi_app = served  # type: ignore[method-assign] # WhiteNoise wraps a WSGI app

    @app.context_processor
    def words() -> dict[str, Any]:
        return {
            "asset": assets.url,
            "look": "low" if request.cookies.get("look") == "low" else "usual",
            "person": web.find_person,
            "here_again": web.here_again,
        }


def _static_headers(headers: Any, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


def _send_mail(app: Flask, settings: Settings) -> None:
    def render(name: str, to: str, **values: Any) -> Mail:
        subject = app.jinja_env.get_template(f"emails/{name}/subject.txt").render(**values).strip()
        body = app.jinja_env.get_template(f"emails/{name}/body.txt").render(**values)
        has_html = (ROOT / "templates" / "emails" / name / "body.html").exists()
        html = app.jinja_env.get_template(f"emails/{name}/body.html").render(**values) if has_html else None
        return Mail(to, subject, body, html)

    writers = {
        **emails.writers(render, settings.base_url),
        **factors_emails.writers(render, settings.base_url),
        **share_emails.writers(render, settings.base_url),
        **digest_emails.writers(render, settings.base_url),
    }
    transport = send_through(settings.mail) if settings.mail else keep_in_folder(settings.data_dir / "mail")

    def send(now: datetime) -> int:
        database: Database = app.extensions["database"]
        sent = outbox.send_due(database, writers, transport, settings.mail_from, now)
        with database.writing() as unit:
            throttle.sweep(unit, now - timedelta(days=1))
            unit.commit()
        return sent

    def start() -> None:
        sender = outbox.Sender(send)
        app.extensions["wake_outbox"] = sender.wake
        sender.start()

    app.extensions["send_mail"] = lambda: send(clock.now())
    app.extensions["start_outbox"] = start
