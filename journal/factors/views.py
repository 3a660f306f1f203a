"""The doors of passkeys and second steps: signing in with them, and setting them up."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

from flask import (
    Blueprint,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response

from journal.accounts.forms import ButtonForm, SignInForm
from journal.accounts.present import (
    PASSKEY_HERE,
    PROVEN_FOR,
    address_bucket,
    hasher,
    passphrase_is_fresh,
    wrong_passphrase,
    zone,
)
from journal.accounts.queries import asks_second_step
from journal.accounts.views import (
    KNOWN_DEVICE_AGE,
    HalfWay,
    find_half_way,
    first_page,
    open_session,
    show_sign_in,
    sign_in_again,
)
from journal.domain.errors import NotYours
from journal.factors import codes, passkeys, queries, service
from journal.factors.forms import CodeForm, NewPasskeyForm, PasskeyForm, ProveForm, RecoveryCodeForm
from journal.kit import clock, qr, throttle
from journal.kit.forms import typed
from journal.kit.web import (
    database,
    device,
    end_unit,
    lead,
    local_target,
    person,
    public,
    say,
    unit,
    wake_outbox,
)

blueprint = Blueprint("factors", __name__)

Page = str | tuple[str, int] | Response | tuple[Response, int]
TOO_MANY = "There were many tries in a short time. Wait 15 minutes, then try again."
WRONG_CODE = "This code isn’t right, or it was used already. Wait for the next one, and type that."
WRONG_RECOVERY_CODE = "This isn’t one of your recovery codes, or it was used already. Try another one."
WRONG_KEY = "That didn’t work. Try again, or use another way below."
WRONG_TOUCH = "This passkey didn’t work here. Try again, or sign in with your passphrase or a mailed link."
ASKED = "one_touch_asked"
"""Where a browser's session keeps which challenge it was given, so that no other browser's answer fits."""
ALONE_WITHIN = timedelta(minutes=30)
"""Own choice: so long after the passphrase a passkey can be added that turns no second step on. It is offered after the
first check-in, and nobody should have to type four words twice in one sitting; the owner gets a mail."""


def _site() -> passkeys.Site:
    return passkeys.Site.of(current_app.extensions["settings"].base_url)


def _bucket(what: str, account_id: UUID) -> bytes:
    return hasher().key(f"second step {what}", str(account_id))


def _may_try(what: str, account_id: UUID, now: datetime) -> bool:
    """Count this try, for good, before it is looked at: tries at the same moment count too."""
    end_unit()
    with database().writing() as own_unit:
        bucket, address = _bucket(what, account_id), address_bucket("second steps")
        allowed = service.count_try(own_unit, account_id, bucket, address, now)
        own_unit.commit()
    if not allowed:
        wake_outbox()
    return allowed


# Signing in


def _find_waiting() -> HalfWay | None:
    """Who gave the passphrase, and still has a second step to give."""
    who = find_half_way()
    return who if who is not None and asks_second_step(unit(), who.account_id) else None


def _come_in(who: HalfWay, what: str, now: datetime) -> Response:
    throttle.take_back(unit(), _bucket(what, who.account_id))
    throttle.forgive(unit(), address_bucket("second steps"))
    answer = open_session(who, now)
    wake_outbox()
    return answer


def _ask(who: HalfWay, form: CodeForm, key_problem: str = "") -> str:
    return render_template(
        "factors/second_step.html",
        form=form,
        key_form=PasskeyForm(),
        knows_passphrase=who.knows_passphrase,
        factors=queries.get_factors(unit(), who.account_id),
        key_problem=key_problem,
    )


@blueprint.route("/sign-in/second-step", methods=["GET", "POST"])
@public
def second_step() -> Page:
    form, who, now = CodeForm(), _find_waiting(), clock.now()
    if who is None:
        return sign_in_again()
    if request.method != "POST":
        return _ask(who, form)
    if not form.validate():
        return _ask(who, form), 422
    if not _may_try("codes", who.account_id, now):
        form.code.errors = [TOO_MANY]
        return _ask(who, form), 429
    if not service.use_code(unit(), who.account_id, typed(form.code), now):
        form.code.errors = [WRONG_CODE]
        return _ask(who, form), 422
    return _come_in(who, "codes", now)


@blueprint.route("/sign-in/recovery-code", methods=["GET", "POST"])
@public
def recovery_code() -> Page:
    form, who, now = RecoveryCodeForm(), _find_waiting(), clock.now()
    if who is None:
        return sign_in_again()
    if request.method != "POST":
        return render_template("factors/recovery_code.html", form=form)
    if not form.validate():
        return render_template("factors/recovery_code.html", form=form), 422
    if not _may_try("codes", who.account_id, now):
        form.code.errors = [TOO_MANY]
        return render_template("factors/recovery_code.html", form=form), 429
    if not service.use_recovery_code(unit(), who.account_id, typed(form.code), now):
        form.code.errors = [WRONG_RECOVERY_CODE]
        return render_template("factors/recovery_code.html", form=form), 422
    left = queries.get_factors(unit(), who.account_id).codes_left
    answer = _come_in(who, "codes", now)
    say(f"You used a recovery code. You have {left} left.")
    return answer


@blueprint.post("/sign-in/passkey/ask")
@public
def ask_passkey() -> Page:
    who, now = _find_waiting(), clock.now()
    if who is None:
        return jsonify({"error": "Please sign in once more."}), 401
    if not service.count_challenge(unit(), _bucket("challenges", who.account_id), now):
        unit().commit()
        return jsonify({"error": TOO_MANY}), 429
    challenge = service.make_challenge(unit(), who.account_id, "sign-in", now)
    known = queries.list_credentials(unit(), who.account_id)
    unit().commit()
    return jsonify(passkeys.ask_to_sign_in(_site(), challenge, known))


@blueprint.post("/sign-in/passkey")
@public
def passkey() -> Page:
    form, who, now = PasskeyForm(), _find_waiting(), clock.now()
    if who is None:
        return sign_in_again()
    if not _may_try("passkeys", who.account_id, now):
        return _ask(who, CodeForm(formdata=None), TOO_MANY), 429
    try:
        answer = passkeys.read_answer(typed(form.answer) if form.validate() else "", registering=False)
        is_right = service.use_passkey(unit(), who.account_id, answer, _site(), now)
    except passkeys.WrongAnswer:
        is_right = False
    if is_right:
        return _come_in(who, "passkeys", now)
    unit().commit()  # a challenge that was answered wrongly is used up too
    wake_outbox()
    return _ask(who, CodeForm(formdata=None), WRONG_KEY), 422


# Signing in with one touch


@blueprint.post("/sign-in/one-touch/ask")
@public
def ask_one_touch() -> Page:
    now = clock.now()
    if not service.count_open_challenge(unit(), address_bucket("one-touch challenges"), now):
        unit().commit()
        return jsonify({"error": TOO_MANY}), 429
    challenge = service.make_challenge(unit(), None, "one-touch", now)
    unit().commit()
    session[ASKED] = sha256(challenge).hexdigest()
    return jsonify(passkeys.ask_to_sign_in(_site(), challenge, []))


@blueprint.post("/sign-in/one-touch")
@public
def one_touch() -> Page:
    """A passkey asks for a fingerprint, face or PIN, so it is the second step too, where the account asks for one."""
    now, target, asked = clock.now(), local_target(request.args.get("next")), session.pop(ASKED, "")
    if not _may_touch(now):
        return show_sign_in(SignInForm(formdata=None), target, TOO_MANY), 429
    account_id = _find_toucher(asked, now)
    if account_id is None:
        unit().commit()  # a challenge that was answered wrongly is used up too
        wake_outbox()
        return show_sign_in(SignInForm(formdata=None), target, WRONG_TOUCH), 422
    throttle.forgive(unit(), address_bucket("one touch"))
    who = HalfWay(account_id, now, target or first_page(account_id), knows_passphrase=False)
    return _remember_passkey(open_session(who, now))


def _may_touch(now: datetime) -> bool:
    end_unit()
    with database().writing() as own_unit:
        allowed = service.count_open_try(own_unit, address_bucket("one touch"), now)
        own_unit.commit()
    return allowed


def _find_toucher(asked: str, now: datetime) -> UUID | None:
    """Whose passkey answered the challenge that this browser was given."""
    form = PasskeyForm()
    try:
        answer = passkeys.read_answer(typed(form.answer) if form.validate() else "", registering=False)
    except passkeys.WrongAnswer:
        return None
    if not compare_digest(asked, sha256(answer.challenge).hexdigest()):
        return None
    return service.use_passkey_alone(unit(), answer, _site(), now)


def _remember_passkey(answer: Response) -> Response:
    """From now on this browser's page for signing in begins with the passkey."""
    answer.set_cookie(
        PASSKEY_HERE,
        "yes",
        max_age=KNOWN_DEVICE_AGE,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        path="/",
    )
    return answer


# Setting up


def _onward() -> str | None:
    """Where somebody was going when they were sent here to set up a second step."""
    return local_target(request.args.get("next"))


def _prove_first(within: timedelta = PROVEN_FOR) -> Response | None:
    """Lead to the passphrase whoever didn't give it a moment ago."""
    if passphrase_is_fresh(within):
        return None
    here = url_for(request.endpoint or "", **(request.view_args or {}), next=_onward())
    return lead("factors.prove", back=here)


def _show_codes(made: tuple[str, ...], done: str) -> str:
    """The new codes, in the answer to the form that made them: they are kept nowhere to be shown again."""
    return render_template("factors/codes.html", codes=made, done=done, onward=_onward())


def _done(done: str, made: tuple[str, ...]) -> Page:
    unit().commit()
    wake_outbox()
    if made:
        return _show_codes(made, done)
    say(done)
    return lead("factors.index", next=_onward())


@blueprint.get("/account/second-step")
def index() -> str:
    return render_template(
        "factors/index.html",
        me=person(),
        factors=queries.get_factors(unit(), person().account_id),
        zone=zone(),
        onward=_onward(),
    )


@blueprint.route("/account/second-step/passphrase", methods=["GET", "POST"])
def prove() -> Page:
    """The passphrase once more, before anything that decides who gets in."""
    form, who = ProveForm(), person()
    back = local_target(request.args.get("back")) or url_for("factors.index")
    if request.method != "POST":
        return render_template("factors/prove.html", form=form, email=who.email)
    if not form.validate():
        return render_template("factors/prove.html", form=form, email=who.email), 422
    problem, code = wrong_passphrase(typed(form.password))
    if problem:
        form.password.errors = [problem]
        return render_template("factors/prove.html", form=form, email=who.email), code
    return redirect(back, 303)


@blueprint.route("/account/second-step/app", methods=["GET", "POST"])
def app() -> Page:
    """Scan, then type the first code."""
    form, who = CodeForm(), person()
    if led := _prove_first():
        return led
    secret = queries.find_pending_secret(unit(), who.account_id)
    if secret is None:
        if request.method == "POST":
            return lead("factors.app", next=_onward())
        return render_template("factors/begin_app.html", form=ButtonForm(), onward=_onward())
    if request.method == "POST" and form.validate():
        made = service.confirm_app(unit(), who.account_id, who.session_id, typed(form.code), clock.now())
        if made is not None:
            return _done("Your app is set up.", made)
        form.code.errors = ["This code doesn’t fit. Wait for the next one in your app, and type that."]
    side, path = qr.drawing(codes.setup_address(secret, who.email))
    page = render_template(
        "factors/app.html",
        form=form,
        secret=codes.in_groups(secret),
        side=side,
        path=path,
        onward=_onward(),
    )
    return (page, 422) if request.method == "POST" else page


@blueprint.post("/account/second-step/app/begin")
def begin_app() -> Page:
    if led := _prove_first():
        return led
    service.begin_app(unit(), person().account_id)
    unit().commit()
    return lead("factors.app", next=_onward())


@blueprint.route("/account/second-step/passkeys/new", methods=["GET", "POST"])
def new_passkey() -> Page:
    return _prove_first() or _add_passkey("factors/new_passkey.html", as_second_step=True)


def _add_passkey(template: str, *, as_second_step: bool) -> Page:
    form, who, problem = NewPasskeyForm(data={"name": device()}), person(), ""
    if request.method == "POST" and form.validate():
        try:
            answer = passkeys.read_answer(typed(form.answer), registering=True)
            made = service.add_passkey(
                unit(),
                who.account_id,
                who.session_id,
                answer,
                typed(form.name),
                _site(),
                clock.now(),
                as_second_step=as_second_step,
            )
        except passkeys.WrongAnswer:
            problem = "The passkey couldn’t be added. Try again."
        except service.KeyTaken:
            problem = "This passkey is in use already, or you have as many as fit. Remove one you don’t use."
        else:
            if as_second_step or made:
                return _done("Your passkey is set up.", made)
            unit().commit()
            wake_outbox()
            say("Your passkey is set up. Next time, one touch is enough.")
            return _remember_passkey(redirect(_onward() or url_for("factors.keys"), 303))
        unit().commit()
    page = render_template(template, form=form, problem=problem, onward=_onward())
    return (page, 422) if request.method == "POST" else page


@blueprint.post("/account/second-step/passkeys/ask")
def ask_new_passkey() -> Page:
    return _ask_new(PROVEN_FOR, signs_in_alone=False)


def _ask_new(within: timedelta, *, signs_in_alone: bool) -> Page:
    who, now = person(), clock.now()
    if not passphrase_is_fresh(within):
        return jsonify({"error": "That took a while. Open this page again, and give your passphrase."}), 401
    if not service.count_challenge(unit(), _bucket("challenges", who.account_id), now):
        unit().commit()
        return jsonify({"error": TOO_MANY}), 429
    challenge = service.make_challenge(unit(), who.account_id, "register", now)
    known = queries.list_credentials(unit(), who.account_id)
    unit().commit()
    site, alone = _site(), signs_in_alone
    return jsonify(
        passkeys.ask_to_register(site, who.account_id, who.email, challenge, known, signs_in_alone=alone)
    )


@blueprint.get("/account/passkeys")
def keys() -> str:
    """The passkeys, as ways to sign in."""
    factors = queries.get_factors(unit(), person().account_id)
    return render_template("factors/keys.html", me=person(), factors=factors, zone=zone())


def _is_strict() -> bool:
    """Whether a new passkey is a second step too: one is on, or has to be."""
    return person().has_second_step or person().reads_others


@blueprint.route("/account/passkeys/new", methods=["GET", "POST"])
def new_key() -> Page:
    """A passkey that signs in alone and turns no second step on."""
    if _is_strict():
        return lead("factors.new_passkey", next=_onward())
    return _prove_first(ALONE_WITHIN) or _add_passkey("factors/new_key.html", as_second_step=False)


@blueprint.post("/account/passkeys/ask")
def ask_new_key() -> Page:
    return _ask_new(PROVEN_FOR if _is_strict() else ALONE_WITHIN, signs_in_alone=True)


@blueprint.post("/account/passkeys/not-now")
def decline_key() -> Page:
    service.settle_offer(unit(), person().account_id, clock.now())
    unit().commit()
    return lead("checkins.today")


@blueprint.route("/account/second-step/turn-on", methods=["GET", "POST"])
def turn_on() -> Page:
    """Ask for the passkeys that are there after the passphrase too."""
    who = person()
    if who.has_second_step or not queries.get_factors(unit(), who.account_id).keys:
        return lead("factors.index", next=_onward())
    if led := _prove_first():
        return led
    if request.method != "POST":
        return render_template("factors/turn_on.html", form=ButtonForm(), onward=_onward())
    made = service.turn_on(unit(), who.account_id, who.session_id, clock.now())
    return _done("Your second step is on.", made)


@blueprint.route("/account/second-step/app/remove", methods=["GET", "POST"])
def remove_app() -> Page:
    if led := _prove_first():
        return led
    factors = queries.get_factors(unit(), person().account_id)
    if factors.app_since is None:
        return lead("factors.index")
    if request.method != "POST":
        return _ask_to_remove("your authenticator app", factors)
    return _remove(lambda: service.remove_app(unit(), person().account_id, clock.now()))


@blueprint.route("/account/second-step/passkeys/<uuid:key_id>/remove", methods=["GET", "POST"])
def remove_passkey(key_id: UUID) -> Page:
    factors = queries.get_factors(unit(), person().account_id)
    name = next((key.name for key in factors.keys if key.id == key_id), None)
    if name is None:
        raise NotYours
    if led := _prove_first():
        return led
    if request.method != "POST":
        return _ask_to_remove(f"“{name}”", factors)
    return _remove(lambda: service.remove_passkey(unit(), person().account_id, key_id, clock.now()))


def _ask_to_remove(what: str, factors: queries.Factors) -> str:
    is_last = factors.count == 1
    return render_template(
        "factors/remove.html",
        what=what,
        is_last=is_last,
        has_to_stay=is_last and person().reads_others,
        is_second_step=person().has_second_step,
    )


def _remove(removing: Callable[[], None]) -> Page:
    try:
        removing()
    except service.LastFactor:
        say("This is your only one, so it stays. Add another one first.")
        return lead("factors.index")
    unit().commit()
    wake_outbox()
    say("It is removed.")
    return lead("factors.index" if person().has_second_step else "factors.keys")


@blueprint.route("/account/second-step/recovery-codes", methods=["GET", "POST"])
def recovery_codes() -> Page:
    who = person()
    if not who.has_second_step:
        return lead("factors.index")
    if led := _prove_first():
        return led
    if request.method != "POST":
        left = queries.get_factors(unit(), who.account_id).codes_left
        return render_template("factors/recovery_codes.html", left=left)
    return _done("You have ten new codes.", service.make_recovery_codes(unit(), who.account_id, clock.now()))
