"""Who is here, and what day it is for them: what every view of a signed-in patient begins with. And the passphrase once
more, for what nobody else may do at a phone that was left open."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import current_app, request, session

from journal.accounts import queries, service
from journal.accounts.passphrases import Hasher
from journal.domain.access import Viewer
from journal.domain.days import Moment, day_of
from journal.kit import clock
from journal.kit.web import database, device, end_unit, person, unit

KNOWN_DEVICE = "known_device"
PROVEN_AT = "proven_at"
INVITED = "invited"
"""Where an invitation waits that this browser was shown before the address was confirmed."""
PROVEN_FOR = timedelta(minutes=5)
PASSKEY_HERE = "passkey_here"
"""A cookie of browsers in which a passkey signs in: their page for signing in begins with it."""
TOO_MANY = "There were many tries in a short time. Wait 15 minutes, or reset your passphrase by mail."


def viewer() -> Viewer:
    """The signed-in person, in the own journal."""
    return Viewer.patient(person().account_id)


def zone() -> ZoneInfo:
    return ZoneInfo(person().zone)


def moment() -> Moment:
    """Now, as this request sees it."""
    now, where = clock.now(), zone()
    return Moment(now, day_of(now, where, person().day_ends_hour), where, device())


def today() -> date:
    return moment().today


def hasher() -> Hasher:
    found: Hasher = current_app.extensions["hasher"]
    return found


def address_bucket(purpose: str) -> bytes:
    return hasher().key(f"{purpose} by address", request.remote_addr or "")


def guess_allowed(email: str, purpose: str = "tries") -> bool:
    """Count this try. A browser that signed in to the account before counts apart from strangers."""
    key, keyed = service.email_key(email), hasher()
    marked = keyed.account_of_mark(request.cookies.get(KNOWN_DEVICE, ""))
    with database().writing() as own_unit:
        known = marked is not None and queries.has_email_key(own_unit, marked, key)
        bucket = keyed.key("known device tries", str(marked)) if known else keyed.key("tries", key)
        address = None if known else address_bucket(purpose)
        allowed = service.count_guess(own_unit, bucket, address, clock.now())
        own_unit.commit()
    return allowed


def note_passphrase(at: datetime) -> None:
    session[PROVEN_AT] = int(at.timestamp())


def passphrase_is_fresh(within: timedelta = PROVEN_FOR) -> bool:
    """Whether the passphrase was given in this browser a moment ago, so that it need not be asked again."""
    given_at: int = session.get(PROVEN_AT, 0)
    return clock.now().timestamp() - given_at <= within.total_seconds()


def wrong_passphrase(given: str) -> tuple[str, int]:
    """What is wrong with the passphrase the owner typed, and the answer's code; an empty text when it is right. The
    unit is closed meanwhile, so that nobody's save waits for the hashing."""
    who = person()
    end_unit()
    if not guess_allowed(who.email):
        return TOO_MANY, 429
    key = service.email_key(who.email)
    hashed = hasher().hash(given, key)
    if not queries.has_passphrase(unit(), who.account_id, hashed):
        return "This is not your passphrase. Try again, or reset it by mail.", 422
    end_unit()
    note_passphrase(clock.now())
    return "", 200
