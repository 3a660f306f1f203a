"""The doors of the app lock: opening it, and turning it on and off."""

from flask import Blueprint, jsonify, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from journal.accounts import queries as accounts
from journal.accounts import service
from journal.accounts.forms import ButtonForm
from journal.accounts.present import PROVEN_FOR, hasher, passphrase_is_fresh, wrong_passphrase
from journal.app_lock.forms import NewPinForm, PasskeyForm, PassphraseForm, UnlockForm
from journal.app_lock.present import find_held, onward, unlock_page
from journal.factors import queries as factors
from journal.factors.present import ask_for_passkey, is_own_passkey
from journal.kit import clock, throttle
from journal.kit.forms import typed
from journal.kit.web import database, end_unit, lead, open_while_locked, person, say, unit, wake_outbox

blueprint = Blueprint("app_lock", __name__)

Page = str | tuple[str, int] | Response | tuple[Response, int]
UNLOCKED_AT = "unlocked_at"
WRONG_PIN = "This is not your PIN. Try again, or use another way."
PIN_IS_OFF = "That PIN was wrong five times. It works again after you gave your passphrase once."
WRONG_KEY = "That didn’t work. Try again, or use another way."
TOO_MANY = "There were many tries in a short time. Wait 15 minutes, or use your passphrase."
NO_KEY = "There is no passkey any more. Use your passphrase."
MOST_KEY_TRIES = 8


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


# Opening it


@blueprint.route("/unlock", methods=["GET", "POST"])
@open_while_locked
def unlock() -> Page:
    """A PIN or the passphrase. A page that was covered asks in place, and is told as JSON."""
    who = person()
    if request.method != "POST":
        asks = who.is_locked or (who.wants_lock and "prove" in request.args)
        return unlock_page(onward()) if asks else _onward()
    name = "password" if "password" in request.form else "pin"
    problem, code = _wrong_pin() if name == "pin" else _wrong_words()
    return _refuse(name, problem, code) if problem else _open()


def _wrong_words() -> tuple[str, int]:
    form = PassphraseForm()
    if not form.validate():
        return form.problems()[0][1], 422
    return wrong_passphrase(typed(form.password))


def _wrong_pin() -> tuple[str, int]:
    """Each PIN is counted before it is looked at; the hashing holds up nobody's save."""
    form, who = UnlockForm(), person()
    if not form.validate():
        return form.problems()[0][1], 422
    end_unit()
    with database().writing() as own_unit:
        may_try = service.count_pin(own_unit, who.session_id)
        own_unit.commit()
    if not may_try:
        return PIN_IS_OFF, 429
    hashed = hasher().hash_pin(typed(form.pin), who.account_id)
    if accounts.has_pin(unit(), who.account_id, hashed):
        return "", 200
    still = accounts.takes_pin(unit(), who.session_id)
    return (WRONG_PIN, 422) if still else (PIN_IS_OFF, 429)


def _refuse(name: str, problem: str, code: int) -> Page:
    if _wants_json():
        pin_is_off = not accounts.takes_pin(unit(), person().session_id)
        return jsonify({"error": problem, "pin_is_off": pin_is_off}), code
    errors = {} if problem == PIN_IS_OFF else {name: problem}  # the page says that by itself
    return unlock_page(onward(), errors, held=request.form.get("held")), code


def _open() -> Page:
    """Unlock, and back to where they were: to the page, or to the form that waited."""
    now = clock.now()
    service.unlock_browser(unit(), person().session_id, now)
    unit().commit()
    session[UNLOCKED_AT] = int(now.timestamp())
    if _wants_json():
        return jsonify({"open": True})
    held = find_held()
    if held is not None:
        return render_template("app_lock/held.html", held=held, target=onward())
    return _onward()


def _onward() -> Response:
    return redirect(onward(), 303)


def _key(purpose: str) -> bytes:
    return hasher().key(f"app lock {purpose}", str(person().account_id))


@blueprint.post("/unlock/passkey/ask")
@open_while_locked
def ask_passkey() -> Page:
    who = person()
    if not factors.list_credentials(unit(), who.account_id):
        return jsonify({"error": NO_KEY}), 422
    asked = ask_for_passkey(who.account_id, _key("challenges"), clock.now())
    unit().commit()
    return (jsonify({"error": TOO_MANY}), 429) if asked is None else jsonify(asked)


@blueprint.post("/unlock/passkey")
@open_while_locked
def passkey() -> Page:
    form, who, now = PasskeyForm(), person(), clock.now()
    tries = throttle.count_try(unit(), _key("passkeys"), service.TRY_WINDOW, now)
    is_right = (
        tries <= MOST_KEY_TRIES
        and form.validate()
        and is_own_passkey(who.account_id, typed(form.answer), now)
    )
    if is_right:
        throttle.take_back(unit(), _key("passkeys"))
        return _open()
    unit().commit()  # the try counts, and a challenge that was answered wrongly is used up
    wake_outbox()
    return _refuse("passkey", TOO_MANY if tries > MOST_KEY_TRIES else WRONG_KEY, 422)


@blueprint.post("/unlock/still-here")
@open_while_locked
def still_here() -> Page:
    """Somebody writes on one page for long: what they send then is not to meet a locked door."""
    who = person()
    if who.is_locked:
        return jsonify({"locked": True}), 401
    if who.wants_lock:
        service.touch_session(unit(), who.session_id, clock.now(), is_here=True)
        unit().commit()
    return Response(status=204)


# Turning it on and off


def _prove_first(endpoint: str) -> Response | None:
    """Lead to the PIN whoever changes a lock that is on, and didn't open it a moment ago."""
    fresh = clock.now().timestamp() - session.get(UNLOCKED_AT, 0) <= PROVEN_FOR.total_seconds()
    if not person().wants_lock or fresh or passphrase_is_fresh():
        return None
    return lead("app_lock.unlock", prove=1, next=url_for(endpoint))


@blueprint.get("/account/lock")
def index() -> Page:
    who = person()
    keys = factors.list_credentials(unit(), who.account_id)
    return render_template("app_lock/index.html", me=who, has_keys=bool(keys), form=ButtonForm())


@blueprint.route("/account/lock/pin", methods=["GET", "POST"])
def pin() -> Page:
    form, who = NewPinForm(), person()
    if led := _prove_first("app_lock.pin"):
        return led
    if request.method != "POST" or not form.validate():
        page = render_template("app_lock/pin.html", form=form, me=who)
        return (page, 422) if request.method == "POST" else page
    end_unit()
    hashed = hasher().hash_pin(typed(form.pin), who.account_id)
    _set(hashed, by_passkey=who.unlocks_by_passkey)
    say("Your PIN is changed." if who.has_pin else "Your PIN is set.")
    return lead("app_lock.index")


@blueprint.post("/account/lock/passkey")
def use_passkey() -> Page:
    """Unlock with a passkey from now on, or not any more."""
    who, wanted = person(), request.form.get("use") == "yes"
    if led := _prove_first("app_lock.index"):
        return led
    if wanted and not factors.list_credentials(unit(), who.account_id):
        return lead("app_lock.index")
    if not wanted and not who.has_pin:
        return lead("app_lock.turn_off")
    _set(accounts.find_pin_hash(unit(), who.account_id), by_passkey=wanted)
    say("Your passkey unlocks this journal." if wanted else "From now on, only your PIN unlocks it.")
    return lead("app_lock.index")


@blueprint.route("/account/lock/off", methods=["GET", "POST"])
def turn_off() -> Page:
    if led := _prove_first("app_lock.turn_off"):
        return led
    if request.method != "POST":
        return render_template("app_lock/off.html", form=ButtonForm())
    _set(None, by_passkey=False)
    say("The app lock is off.")
    return lead("app_lock.index")


@blueprint.post("/account/lock/now")
def lock_now() -> Page:
    if person().wants_lock:
        service.lock_browser(unit(), person().session_id, clock.now())
        unit().commit()
    return lead("app_lock.unlock")


def _set(pin_hash: str | None, *, by_passkey: bool) -> None:
    who = person()
    service.set_lock(
        unit(), who.account_id, who.session_id, clock.now(), pin_hash=pin_hash, by_passkey=by_passkey
    )
    unit().commit()
