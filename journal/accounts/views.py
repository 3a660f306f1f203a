"""The doors of accounts: sign up, in and out, prove an address, links by mail, sessions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, current_user, login_user
from werkzeug.wrappers import Response as AnyResponse

from journal.accounts import queries, service
from journal.accounts.forms import (
    AddressForm,
    AskMailForm,
    ButtonForm,
    PassphraseForm,
    ResetForm,
    SignInForm,
    SignUpForm,
)
from journal.accounts.present import (
    INVITED,
    KNOWN_DEVICE,
    PASSKEY_HERE,
    TOO_MANY,
    address_bucket,
    guess_allowed,
    hasher,
    note_passphrase,
    wrong_passphrase,
)
from journal.domain.days import find_zone
from journal.kit import clock, outbox, throttle
from journal.kit.forms import typed
from journal.kit.web import (
    database,
    device,
    end_unit,
    find_person,
    is_open_while_locked,
    local_target,
    open_while_locked,
    person,
    public,
    say,
    unit,
    wake_outbox,
)

blueprint = Blueprint("accounts", __name__)
logins = LoginManager()

KNOWN_DEVICE_AGE = timedelta(days=400)
HALF_WAY = "half_way"
HALF_WAY_LASTS = timedelta(minutes=10)
MOST_TARGET = 1000
NO_MATCH = "This address and passphrase don’t go together. Check both, or reset your passphrase by mail."

Page = str | tuple[str, int] | AnyResponse


class WebPerson:
    """The signed-in person, in the shape that Flask-Login wants."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, token: str, who: queries.SignedIn | None) -> None:
        self._token = token
        self.person = who

    def get_id(self) -> str:
        return self._token


@logins.user_loader  # type: ignore[untyped-decorator] # Flask-Login ships no types
def load_person(token: str) -> WebPerson | None:
    now = clock.now()
    found = queries.find_signed_in(unit(), token, now)
    if found is None:
        return None
    is_here = not found.is_locked and not is_open_while_locked()
    if service.has_to_note(found, now, is_here=is_here):
        g.session_to_touch = (found.session_id, is_here and found.wants_lock)
    return WebPerson(token, found)


def touch_session(_error: BaseException | None = None) -> None:
    """After the answer, in a unit of its own: reading pages must not wait for the write lock."""
    session_id, is_here = g.pop("session_to_touch", (None, False))
    if session_id is not None:
        end_unit()
        with database().writing() as own_unit:
            service.touch_session(own_unit, session_id, clock.now(), is_here=is_here)
            own_unit.commit()


def install(app: Flask) -> None:
    logins.session_protection = None  # phones change their address all day
    logins.init_app(app)
    app.teardown_request(touch_session)
    app.register_blueprint(blueprint)


def _mail_allowed(purpose: str, about: str, now: datetime) -> bool:
    """Count a wish for a mail, by what it is about and by where it comes from."""
    return service.count_mail(unit(), hasher().key(purpose, about), address_bucket(purpose), now)


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Somebody who gave the right passphrase or came by a link that was mailed, and is not signed in before a second
    step is given too, where the account asks for one."""

    account_id: UUID
    began_at: datetime
    target: str
    knows_passphrase: bool = True


def first_page(account_id: UUID) -> str:
    """Where somebody comes to who was going nowhere else."""
    return url_for("pages.home" if queries.reads_others(unit(), account_id) else "checkins.today")


def _let_in(account_id: UUID, target: str, *, knows_passphrase: bool = True) -> AnyResponse:
    """After the right passphrase, or a link that was mailed: sign this browser in, or ask for the second step first."""
    now = clock.now()
    if not queries.asks_second_step(unit(), account_id):
        return open_session(HalfWay(account_id, now, target, knows_passphrase), None)
    mark = _passphrase_mark(account_id)
    unit().commit()
    session.clear()
    fits = len(target) <= MOST_TARGET  # a cookie holds 4 KB
    onward = target if fits else url_for("checkins.today")
    session[HALF_WAY] = [str(account_id), int(now.timestamp()), onward, mark, knows_passphrase]
    return redirect(url_for("factors.second_step"), 303)


def _passphrase_mark(account_id: UUID) -> str:
    """What changes when the passphrase does: whoever was half-way by the former one has to begin anew."""
    return hasher().key("half way", queries.find_passphrase_hash(unit(), account_id) or "").hex()


def find_half_way() -> HalfWay | None:
    """Whoever is between the passphrase (or the link) and the second step in this browser, for ten minutes."""
    if HALF_WAY not in session:
        return None
    account_id, at, target, mark, knows_passphrase = session[HALF_WAY]
    who = HalfWay(UUID(account_id), datetime.fromtimestamp(at, UTC), target, knows_passphrase)
    if clock.now() - who.began_at > HALF_WAY_LASTS:
        return None
    return who if compare_digest(mark, _passphrase_mark(who.account_id)) else None


def sign_in_again() -> AnyResponse:
    """Back to the passphrase: the ten minutes are over, or never began, or the passphrase is another one now."""
    left = session.pop(HALF_WAY, None)
    if left is None:
        return redirect(url_for("accounts.sign_in"), 303)
    say("That took a while, or your passphrase was changed. Please sign in once more.")
    return redirect(url_for("accounts.sign_in", next=left[2]), 303)


def open_session(who: HalfWay, second_step_at: datetime | None) -> AnyResponse:
    """Sign this browser in and go on. Tries are forgiven, and the browser is known from now on, only where the address
    is this account's alone or proven: else a stranger could claim the address to guess on for ever. Who gave no
    passphrase used up no try at one, so none is given back, and is asked for it where it matters."""
    account_id, keyed = who.account_id, hasher()
    key = service.email_key(queries.get_email(unit(), account_id))
    token = service.start_session(unit(), account_id, device(), clock.now(), second_step_at=second_step_at)
    owns = queries.owns_address(unit(), account_id, key)
    if who.knows_passphrase:
        throttle.forgive(unit(), address_bucket("tries"))
    if owns:
        throttle.take_back(unit(), keyed.key("tries", key))
        throttle.take_back(unit(), keyed.key("known device tries", str(account_id)))
    unit().commit()
    session.clear()
    session.permanent = True
    if who.knows_passphrase:
        note_passphrase(who.began_at)
    login_user(WebPerson(token, None))
    answer = redirect(who.target, 303)
    if not owns:
        return answer
    answer.set_cookie(
        KNOWN_DEVICE,
        keyed.device_mark(account_id),
        max_age=KNOWN_DEVICE_AGE,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        path="/",
    )
    return answer


@blueprint.route("/sign-up", methods=["GET", "POST"])
@public
def sign_up() -> Page:
    form = SignUpForm()
    target = local_target(request.args.get("next"))
    if request.method != "POST":
        if current_user.is_authenticated:
            return redirect(target or url_for("checkins.today"), 303)
        return render_template("accounts/sign_up.html", form=form, target=target)
    if not form.validate():
        return render_template("accounts/sign_up.html", form=form, target=target), 422
    email = typed(form.email)
    if not guess_allowed(email, "sign-ups"):
        form.email.errors = [TOO_MANY]
        return render_template("accounts/sign_up.html", form=form, target=target), 429
    hashed = hasher().hash(typed(form.password), service.email_key(email))
    now = clock.now()
    # Two taps on the button queue up here, so that they make one account.
    throttle.count_try(unit(), hasher().key("sign-up", service.email_key(email)), service.TRY_WINDOW, now)
    known = queries.find_by_passphrase(unit(), service.email_key(email), hashed)
    if known is not None:
        return _let_in(known, target or url_for("checkins.today"))
    zone = (
        form.zone.data if form.zone.data and find_zone(form.zone.data) else current_app.config["DEFAULT_ZONE"]
    )
    mail_allowed = _mail_allowed("sign-up mails", service.email_key(email), now)
    account_id = service.sign_up(unit(), email, hashed, service.Place(zone), now, send_mail=mail_allowed)
    answer = _let_in(account_id, target or url_for("profiles.welcome"))
    wake_outbox()
    return answer


def show_sign_in(form: SignInForm, target: str | None, passkey_problem: str = "") -> str:
    """The page for signing in; it begins with the passkey where one was used in this browser."""
    return render_template(
        "accounts/sign_in.html",
        form=form,
        target=target,
        passkey_first=PASSKEY_HERE in request.cookies,
        passkey_problem=passkey_problem,
    )


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> Page:
    form = SignInForm()
    target = local_target(request.args.get("next"))
    if request.method != "POST":
        if current_user.is_authenticated:
            return redirect(target or url_for("checkins.today"), 303)
        return show_sign_in(form, target)
    if not form.validate():
        return show_sign_in(form, target), 422
    email = typed(form.email)
    if not guess_allowed(email):
        form.password.errors = [TOO_MANY]
        return show_sign_in(form, target), 429
    hashed = hasher().hash(typed(form.password), service.email_key(email))
    account_id = queries.find_by_passphrase(unit(), service.email_key(email), hashed)
    if account_id is None:
        form.password.errors = [NO_MATCH]
        return show_sign_in(form, target), 422
    return _let_in(account_id, target or first_page(account_id))


@blueprint.post("/sign-out")
@public
@open_while_locked
def sign_out() -> AnyResponse:
    who = find_person()
    if who is not None:
        service.end_session(unit(), who.account_id, who.session_id, clock.now())
        unit().commit()
    session.clear()
    answer = redirect(url_for("pages.home"), 303)
    # Not "storage": entries that wait on this phone are sealed, and the page has said what becomes of them.
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def _ask_mail(purpose: str, template: str, asked: str) -> Page:
    """The page that asks where to send a link. It answers alike whether or not there is anybody to send it to."""
    form = AskMailForm()
    if request.method != "POST":
        return render_template(template, form=form)
    if not form.validate():
        return render_template(template, form=form), 422
    now, key = clock.now(), service.email_key(typed(form.email))
    allowed = _mail_allowed(f"{purpose} mails", key, now)
    if allowed:
        outbox.put(unit(), purpose, typed(form.email), None, now)
    unit().commit()
    if not allowed:
        form.email.errors = ["There were many mails in a short time. Wait an hour, then try again."]
        return render_template(template, form=form), 429
    wake_outbox()
    return redirect(url_for(asked), 303)


@blueprint.route("/sign-in/link", methods=["GET", "POST"])
@public
def ask_link() -> Page:
    return _ask_mail("sign-in", "accounts/ask_link.html", "accounts.link_asked")


@blueprint.get("/sign-in/link/asked")
@public
def link_asked() -> Page:
    return render_template("accounts/link_asked.html")


@blueprint.route("/sign-in/link/<token>", methods=["GET", "POST"])
@public
def follow_link(token: str) -> Page:
    """Opening the link changes nothing, since mail programs and scanners open it too. The button signs in."""
    now = clock.now()
    link = queries.find_link(unit(), token, "sign-in", now)
    if link is None:
        return render_template("accounts/link_gone.html", purpose="sign-in"), 404
    if request.method != "POST":
        return render_template("accounts/follow_link.html", form=ButtonForm(), email=link.email)
    service.lock(unit(), link.account_id)  # a passphrase that is changed at this moment ends this session too
    if service.use_link(unit(), token, "sign-in", now) is None:
        return render_template("accounts/link_gone.html", purpose="sign-in"), 404
    return _let_in(link.account_id, first_page(link.account_id), knows_passphrase=False)


@blueprint.route("/account/reset", methods=["GET", "POST"])
@public
@open_while_locked
def ask_reset() -> Page:
    return _ask_mail("reset", "accounts/ask_reset.html", "accounts.reset_asked")


@blueprint.get("/account/reset/asked")
@public
@open_while_locked
def reset_asked() -> Page:
    return render_template("accounts/reset_asked.html")


@blueprint.route("/account/reset/<token>", methods=["GET", "POST"])
@public
@open_while_locked
def reset(token: str) -> Page:
    link = queries.find_link(unit(), token, "reset", clock.now())
    if link is None:
        return render_template("accounts/link_gone.html", purpose="reset"), 404
    form = ResetForm()
    if request.method != "POST":
        return render_template("accounts/reset.html", form=form)
    if not form.validate():
        return render_template("accounts/reset.html", form=form), 422
    key = service.find_key_of_link(unit(), link)
    end_unit()
    hashed = hasher().hash(typed(form.password), key)
    now = clock.now()
    used = service.use_link(unit(), token, "reset", now)
    if used is None:
        return render_template("accounts/link_gone.html", purpose="reset"), 404
    if queries.find_proven(unit(), key) != used.account_id:
        current_app.extensions["on_first_proof"](unit(), used.account_id, now)
    _verify(used, now)
    service.change_passphrase(unit(), used.account_id, hashed, None, now)
    answer = _let_in(used.account_id, url_for("checkins.today"))
    say("Your passphrase is changed. Other devices were signed out.")
    wake_outbox()
    return answer


@blueprint.route("/account/verify/<token>", methods=["GET", "POST"])
@public
def verify(token: str) -> Page:
    now = clock.now()
    link = queries.find_link(unit(), token, "verify", now)
    if link is None:
        return render_template("accounts/link_gone.html", purpose="verify"), 404
    if request.method != "POST":
        return render_template("accounts/verify.html", form=ButtonForm(), email=link.email)
    used = service.use_link(unit(), token, "verify", now)
    if used is None or not _verify(used, now):
        return render_template("accounts/link_gone.html", purpose="verify"), 404
    unit().commit()
    say("Thank you. Your address is confirmed.")
    invited = local_target(session.pop(INVITED, None))
    if invited is not None:
        return redirect(invited, 303)
    return redirect(url_for("accounts.account" if current_user.is_authenticated else "accounts.sign_in"), 303)


def _verify(link: service.Link, now: datetime) -> bool:
    """Prove the link's address; of two accounts that prove it at once, the database lets one."""
    try:
        return service.verify(unit(), link, now)
    except service.TakenMeanwhile:
        return False


@blueprint.post("/account/verify")
def send_verify_again() -> AnyResponse:
    now, who = clock.now(), person()
    if who.is_verified and not who.pending_email:
        say("Your address is confirmed already.")
    elif _mail_allowed("verify mails", str(who.account_id), now):
        outbox.put(unit(), "verify", who.pending_email or who.email, who.account_id, now)
        say("We sent you the mail again.")
    else:
        say("We sent several mails already. Look in your spam folder, or try again in an hour.")
    unit().commit()
    wake_outbox()
    return redirect(url_for("accounts.account"), 303)


@blueprint.get("/account")
def account() -> Page:
    return render_template("accounts/account.html", form=ButtonForm(), me=person())


@blueprint.get("/account/sessions")
def sessions() -> Page:
    who = person()
    zone = ZoneInfo(who.zone)
    listed: list[dict[str, Any]] = [
        {
            "id": row.id,
            "device": row.device,
            "started": row.created_at.astimezone(zone),
            "seen": row.seen_at.astimezone(zone),
            "is_this": row.id == who.session_id,
        }
        for row in queries.list_sessions(unit(), who.account_id, clock.now())
    ]
    return render_template("accounts/sessions.html", form=ButtonForm(), sessions=listed)


@blueprint.post("/account/sessions/<uuid:session_id>/end")
def end_session(session_id: UUID) -> AnyResponse:
    who = person()
    if not service.end_session(unit(), who.account_id, session_id, clock.now()):
        abort(404)
    unit().commit()
    if session_id == who.session_id:
        session.clear()
        return redirect(url_for("pages.home"), 303)
    say("That device is signed out.")
    return redirect(url_for("accounts.sessions"), 303)


@blueprint.post("/account/sessions/end-others")
def end_other_sessions() -> AnyResponse:
    who = person()
    service.end_other_sessions(unit(), who.account_id, who.session_id, clock.now())
    unit().commit()
    say("All other devices are signed out.")
    return redirect(url_for("accounts.sessions"), 303)


@blueprint.route("/account/address", methods=["GET", "POST"])
def address() -> Page:
    form, who = AddressForm(), person()
    if request.method != "POST":
        return render_template("accounts/address.html", form=form, email=who.email)
    if not form.validate():
        return render_template("accounts/address.html", form=form, email=who.email), 422
    problem, code = wrong_passphrase(typed(form.password))
    if problem:
        form.password.errors = [problem]
        return render_template("accounts/address.html", form=form, email=who.email), code
    email = typed(form.email)
    hashed = hasher().hash(typed(form.password), service.email_key(email))
    if not _mail_allowed("verify mails", str(who.account_id), clock.now()):
        form.email.errors = ["We sent several mails already. Try again in an hour."]
        return render_template("accounts/address.html", form=form, email=who.email), 429
    service.change_email(unit(), who.account_id, email, hashed, clock.now())
    unit().commit()
    wake_outbox()
    say("We sent a mail to the new address. Confirm it there.")
    return redirect(url_for("accounts.account"), 303)


@blueprint.route("/account/passphrase", methods=["GET", "POST"])
def passphrase() -> Page:
    form, who = PassphraseForm(), person()
    if request.method != "POST":
        return render_template("accounts/passphrase.html", form=form, email=who.email)
    if not form.validate():
        return render_template("accounts/passphrase.html", form=form, email=who.email), 422
    problem, code = wrong_passphrase(typed(form.current))
    if problem:
        form.current.errors = [problem]
        return render_template("accounts/passphrase.html", form=form, email=who.email), code
    hashed = hasher().hash(typed(form.password), service.email_key(who.email))
    service.change_passphrase(unit(), who.account_id, hashed, who.session_id, clock.now())
    unit().commit()
    wake_outbox()
    say("Your passphrase is changed. Other devices were signed out.")
    return redirect(url_for("accounts.account"), 303)
