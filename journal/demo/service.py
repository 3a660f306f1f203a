"""Filling the demo clinic through the same services as everybody. Nothing here commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from journal.accounts import queries as account_queries
from journal.accounts import service as accounts
from journal.checkins import service as checkins
from journal.demo.clinic import Hashes, follow, make_digests, open_clinic, secret_of, work_through
from journal.demo.clinic import tell as tell_clinic
from journal.demo.stories import Answered, Given, Patient, Told, tell
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.days import Moment, day_of, instant_of
from journal.domain.infusion import Held
from journal.domain.instrument_files import instruments
from journal.domain.profile import Profile
from journal.domain.questionnaires import RESPONSES, asked_items
from journal.domain.safety import SafetyCheck
from journal.factors import service as factors
from journal.flags import queries as flag_queries
from journal.flags import service as flags
from journal.infusions import service as infusions
from journal.kit import outbox
from journal.profiles import service as profiles
from journal.profiles.queries import get_profile
from journal.questionnaires import service as questionnaires
from journal.safety import service as safety
from journal.shares import service as shares
from journal.shares.service import Wish

LINES = ("Thank you for sharing. Let’s look at the sleep part next time.", "", "See you on Thursday.")
DOMAIN = "demo.example.org"
DEVICE = "Chrome on Android"


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody who can sign in."""

    email: str
    roles: tuple[str, ...]
    name: str
    story: str
    totp: str | None = None
    """The secret of an authenticator app, for whoever needs a second step."""


def fill(
    session: Session,
    hasher: Hashes,
    passphrase: str,
    *,
    patients: int,
    weeks: int,
    seed: int,
    zone: ZoneInfo,
    now: datetime,
) -> tuple[Entry, ...]:
    """Add the patients that aren't there yet, and give all of them the passphrase."""
    today = day_of(now, zone, 0)
    told = list(tell(patients, weeks, seed, today))
    emails = [f"{patient.name.lower().replace(' ', '-')}@{DOMAIN}" for patient in told]
    known = set(account_queries.list_accounts_by_email(session, emails))
    clinic_id, workers = open_clinic(session, hasher, passphrase, weeks=weeks, seed=seed, zone=zone, now=now)
    listed = []
    for place, (patient, email) in enumerate(zip(told, emails, strict=True)):
        hashed = hasher.hash(passphrase, accounts.email_key(email))
        if email in known:
            accounts.set_passphrase(session, email, hashed)
        else:
            ids = Random(f"{seed}:{place}:ids")  # the same story keeps the same addresses of its entries
            followed_by = None if place % 6 == 5 else clinic_id  # one in six has not agreed
            _add(session, patient, email, hashed, zone, now, ids, followed_by)
        listed.append(Entry(email, ("patient",), patient.name, patient.story))
    listed.append(_therapist(session, hasher, passphrase, emails, seed, zone, now))
    if clinic_id is not None:
        work_through(session, clinic_id, now)
        make_digests(session, clinic_id, now)
    listed += [Entry(one.email, (one.role,), one.name, one.story, one.totp) for one in workers]
    return tuple(listed)


THERAPIST = "dr-lee"
SHARED_DAYS, REVIEWED_DAYS_AGO = 60, 6


def _therapist(
    session: Session,
    hasher: Hashes,
    passphrase: str,
    patients: Sequence[str],
    seed: int,
    zone: ZoneInfo,
    now: datetime,
) -> Entry:
    """Dr Lee, with whom most of them share, and who looked at most of them last week."""
    email = f"{THERAPIST}@{DOMAIN}"
    hashed = hasher.hash(passphrase, accounts.email_key(email))
    secret = secret_of(seed, email)
    if account_queries.list_accounts_by_email(session, [email]):
        accounts.set_passphrase(session, email, hashed)
        return Entry(email, ("therapist",), "Dr Lee", "reads what patients share", secret)
    then = now - timedelta(days=SHARED_DAYS)
    lee = accounts.sign_up(session, email, hashed, accounts.Place(zone.key, "US"), then, send_mail=False)
    accounts.settle(session, lee, verified_at=then)
    factors.set_app(session, lee, secret, then)
    for place, patient_email in enumerate(patients):
        patient_id = account_queries.find_proven(session, accounts.email_key(patient_email))
        if patient_id is not None and place % 5 != 3:
            _share(session, patient_id, lee, email, place, zone, now)
    return Entry(email, ("therapist",), "Dr Lee", "reads what patients share", secret)


def _share(
    session: Session, patient_id: UUID, lee: UUID, email: str, place: int, zone: ZoneInfo, now: datetime
) -> None:
    viewer, then = Viewer.patient(patient_id), now - timedelta(days=SHARED_DAYS)
    profile, _revision = get_profile(session, viewer)
    kinds = frozenset(kind.id for kind in KINDS.values() if kind.usual) | (
        {"notes"} if place % 4 == 1 else set()
    )
    ends_on = day_of(now, zone, 0) + timedelta(days=20 + place)
    wish = Wish(uuid4(), profile.name, "Dr Lee", Scope(kinds), ends_on, email)
    shares.invite(session, viewer, wish, shares.expiry(ends_on, zone, 0), then)
    token = shares.new_invitation(session, wish.share_id, then)
    if token is None or shares.accept(session, token, lee, email, then) is None:
        raise RuntimeError("the demo's own invitation could not be accepted")
    outbox.withdraw(session, wish.share_id)  # nobody in the demo has a mailbox
    if place % 4 != 3:
        looked = now - timedelta(days=REVIEWED_DAYS_AGO + place % 3)
        reading = shares.read(session, lee, wish.share_id, "page", looked)
        line = LINES[place % len(LINES)]
        shares.review(session, reading, uuid4(), line, day_of(looked, zone, 0), looked)


def _add(
    session: Session,
    patient: Patient,
    email: str,
    hashed: str,
    zone: ZoneInfo,
    now: datetime,
    ids: Random,
    clinic_id: UUID | None,
) -> None:
    start = instant_of(patient.days[0].day if patient.days else day_of(now, zone, 0), time(8), zone)
    account_id = accounts.sign_up(
        session, email, hashed, accounts.Place(zone.key, "US"), start, send_mail=False
    )
    accounts.settle(session, account_id, verified_at=start, welcomed_at=start)
    viewer = Viewer.patient(account_id)
    profile = Profile(name=patient.name, treated_for=(patient.condition,))
    profiles.keep(session, viewer, profile, 0, Moment(start, day_of(start, zone, 0), zone, DEVICE))
    if clinic_id is not None:
        follow(session, clinic_id, account_id, patient.name, start)
    for given in patient.infusions:
        began = given.infusion.starts_at(given.day, zone)
        if began is None or began <= now:  # today's may still be to come
            _add_infusion(session, viewer, given, zone, now, ids)
    for told in patient.days:
        _add_checkin(session, viewer, told, zone, now, ids)
    for answered in patient.responses:
        _add_response(session, viewer, answered, zone, now, ids)
    if patient.unsure_on is not None:
        at = _at(patient.unsure_on, 21, zone, now)
        moment = Moment(at, patient.unsure_on, zone, DEVICE)
        safety.answer(session, viewer, SafetyCheck("unsure"), moment)
        tell_clinic(session, at)
    waiting = [flag.id for flag in flag_queries.list_waiting(session, viewer)]
    flags.see_help(session, viewer, waiting, now)  # nobody in the demo is left in front of old help
    flags.settle_again(session, viewer, day_of(now, zone, 0) + timedelta(days=1), now)
    if patient.plan is not None:
        safety.keep_plan(
            session, viewer, patient.plan, Moment(start, day_of(start, zone, 0), zone, DEVICE), base=0
        )


def _at(day: date, hour: int, zone: ZoneInfo, now: datetime) -> datetime:
    return min(instant_of(day, time(hour, 20), zone), now)


def _add_checkin(
    session: Session, viewer: Viewer, told: Told, zone: ZoneInfo, now: datetime, ids: Random
) -> None:
    logged_on = told.day + timedelta(days=told.late_by)
    at = _at(logged_on, told.hour, zone, now)
    checkins.record(
        session,
        viewer,
        told.checkin,
        Moment(at, logged_on, zone, DEVICE),
        entry_id=_new_id(ids),
        base=0,
        day=told.day,
    )
    tell_clinic(session, at)


def _add_response(
    session: Session, viewer: Viewer, told: Answered, zone: ZoneInfo, now: datetime, ids: Random
) -> None:
    instrument = instruments()[told.code]
    response_id = _new_id(ids)
    moment = Moment(_at(told.day, 18, zone, now), told.day, zone, DEVICE)
    values = dict(zip((item.id for item in instrument.items), told.answers, strict=True))
    first = RESPONSES[instrument.kept_as](instrument.code)
    asked = {item.id for item in asked_items(instrument, values)}
    data = first.dump() | {"answers": {i: v for i, v in values.items() if i in asked}, "state": "finished"}
    questionnaires.record(session, viewer, type(first).parse(data), moment, entry_id=response_id)
    tell_clinic(session, moment.now)


def _add_infusion(
    session: Session, viewer: Viewer, given: Given, zone: ZoneInfo, now: datetime, ids: Random
) -> None:
    infusion_id = _new_id(ids)
    infusions.record(
        session,
        viewer,
        given.infusion,
        Moment(_at(given.day, 15, zone, now), given.day, zone, DEVICE),
        entry_id=infusion_id,
        base=0,
        day=given.day,
    )
    number = given.infusion.number or 1
    held = Held(infusion_id, given.day, zone, now, given.infusion, number)
    for report, later in zip(given.reports(infusion_id), (0, 1), strict=True):
        logged_on = given.day + timedelta(days=later)
        if logged_on > day_of(now, zone, 0):
            continue
        at = _at(logged_on, 19 if later == 0 else 12, zone, now)
        infusions.report(
            session,
            viewer,
            report,
            held,
            Moment(at, logged_on, zone, DEVICE),
            base=0,
        )
        tell_clinic(session, at)


def _new_id(ids: Random) -> UUID:
    return UUID(int=ids.getrandbits(128), version=4)
