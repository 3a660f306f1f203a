"""Bringing a journal in, and deleting an account for good. Nothing here commits."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.audit import service as audit
from journal.clinic_flags import service as clinic_flags
from journal.clinics import service as clinics
from journal.digests import service as digests
from journal.domain import exchange
from journal.domain.access import Viewer
from journal.domain.days import Moment, instant_of
from journal.domain.errors import Refused
from journal.domain.exchange import Journal, Revision, Whole
from journal.domain.help_numbers import countries
from journal.domain.imports import Report
from journal.domain.payloads import Payload
from journal.domain.profile import Profile
from journal.entries import service as entries
from journal.entries.queries import count_entries, list_ids, open_versions
from journal.flags import service as flags
from journal.privacy.queries import list_logged_days, own_id_of
from journal.profiles.queries import profile_id
from journal.push import service as push
from journal.reminders import service as reminders
from journal.shares import service as shares
from journal.sync import service as sync

NOT_EMPTY = (
    "Your journal here has entries already, and two journals can’t be put into one. "
    "Start a journal with another address, and bring the file in there."
)
FORGET: tuple[Callable[[Session, UUID], None], ...] = (
    push.forget,
    reminders.forget,
    sync.forget,
    digests.forget,
    flags.forget,  # before what clinics made of them: a worker that delivers holds them in this order
    clinic_flags.forget,
    shares.forget,
    entries.forget,
    audit.forget,
    clinics.forget,
    accounts.forget,
)
"""What is destroyed with an account, in this order: each feature that keeps something about a person has its own."""
TOUCHED = (
    "sync_operations",
    "digest_rows",
    "clinic_invitations",
    "flag_steps",
    "clinic_flags",
    "staff",
    "flags",
    "revisions",
    "entries",
    "patient_keys",
    "audit_events",
    "outbox",
    "mail_addresses",
    "mailed_links",
    "sessions",
    "app_locks",
    "reviews",
    "share_openings",
    "shares",
    "access_reads",
    "access_heads",
    "totp_factors",
    "passkeys",
    "passkey_offers",
    "recovery_codes",
    "challenges",
    "push_devices",
    "push_quiet_hours",
    "push_notes",
    "reminders",
    "accounts",
)
"""The tables in which that happens. Second steps and the access log go with the account's own row: the database keeps
anybody from deleting them before it."""


CLOCKS_APART = timedelta(days=1)
"""Own choice: so far may the clock of the server that a file comes from be ahead of ours, zones included."""


def parse(data: Any, viewer: Viewer, now: datetime) -> Journal:
    """A file's data as a journal of the viewer's. Raises Refused, also for days and times that are still to come: what
    was made last counts, so they would win over everything logged from now on."""
    journal = exchange.parse(data, partial(own_id_of, viewer.patient_id))
    latest = now + CLOCKS_APART
    for place, one in enumerate(journal.entries, 1):
        times = [at for r in one.revisions for at in (r.captured_at, r.received_at)]
        if max(times) > latest or max(one.day, *(r.day for r in one.revisions)) > latest.date():
            reason = f"Entry {place} ({one.kind} of {one.day}): its day or a time is still to come."
            raise Refused({f"entry-{place}": reason})
        if one.beside != len(open_versions(one.made_beside, one.settled_revision)):
            reason = f"Entry {place} ({one.kind} of {one.day}): its “beside” doesn’t fit its versions."
            raise Refused({f"entry-{place}": reason})
    return journal


def take_in(session: Session, viewer: Viewer, journal: Journal, moment: Moment) -> bool:
    """Keep a whole journal in an empty account, exactly as it was. The answers to the first questions give way to
    those in the file. False where the same journal is here already (the form was sent twice). Raises Refused where
    there are other entries."""
    entries.lock(session, viewer, moment.now)
    if set(count_entries(session, viewer)) - {Profile.kind}:
        if journal.entries and list_ids(session, viewer) >= {one.id for one in journal.entries}:
            return False
        raise Refused({"file": NOT_EMPTY})
    if any(one.kind == Profile.kind for one in journal.entries):
        entries.drop(session, viewer, profile_id(viewer.patient_id))
    entries.take_in(session, viewer, journal.entries, moment.now)
    accounts.settle(session, viewer.patient_id, **_place(journal))
    _note(session, viewer, "journal-imported", moment)
    return True


def _place(journal: Journal) -> dict[str, object]:
    place: dict[str, object] = {"day_ends_hour": journal.day_ends_hour}
    if journal.zone is not None:
        place["zone"] = journal.zone
    if journal.country in {"", *(code for code, _name in countries())}:
        place["country"] = journal.country
    return place


def take_in_days(
    session: Session, viewer: Viewer, report: Report, moment: Moment, *, import_id: UUID
) -> bool:
    """Keep the days of another app's table. `import_id` is made by the page: the same one makes the same entries, so
    that pressing twice keeps them once; False the second time. Raises Refused where a day was logged meanwhile."""
    entries.lock(session, viewer, moment.now)
    made = _entries_of(report, moment, import_id)
    if list_ids(session, viewer) >= {one.id for one in made}:
        return False
    if list_logged_days(session, viewer) & {day.day for day in report.days}:
        raise Refused(
            {"file": "Some of these days were logged meanwhile. Choose the file again to see which."}
        )
    entries.take_in(session, viewer, made, moment.now)
    _note(session, viewer, "days-imported", moment)
    return True


def _entries_of(report: Report, moment: Moment, import_id: UUID) -> list[Whole]:
    made: list[Whole] = []

    def keep(day: date, at: time | None, payload: Payload) -> None:
        entry_id = uuid5(import_id, str(len(made)))
        made.append(_entry(entry_id, payload, day, at, moment, report.source))

    for one in report.days:
        keep(one.day, one.at, one.checkin)
        for at, note in one.notes:
            keep(one.day, at, note)
    return made


NOON = time(12)
"""When something was logged on its day, where the table doesn't tell."""


def _entry(
    entry_id: UUID, payload: Payload, day: date, at: time | None, moment: Moment, source: str
) -> Whole:
    first = Revision(
        number=1,
        base=0,
        is_beside=False,
        day=day,
        captured_at=min(instant_of(day, at or NOON, moment.zone), moment.now),
        received_at=moment.now,
        device=f"Imported from {source}",
        payload=payload.dump(),
    )
    return Whole(
        id=entry_id,
        kind=payload.kind,
        day=day,
        zone=moment.zone.key,
        is_late=True,
        is_deleted=False,
        current_revision=1,
        last_revision=1,
        settled_revision=0,
        beside=0,
        revisions=(first,),
    )


def _note(session: Session, viewer: Viewer, action: str, moment: Moment) -> None:
    audit.note(session, action, moment.now, actor_id=viewer.account_id, patient_id=viewer.patient_id)


def note_export(session: Session, viewer: Viewer, moment: Moment) -> None:
    """Keep in the audit log that the journal was taken along."""
    _note(session, viewer, "journal-exported", moment)


def delete_account(session: Session, viewer: Viewer, moment: Moment) -> None:
    """Destroy the patient's key, every row about the person, and the account with its sessions. What stays is a line in
    the audit log that says that some account was deleted, and not whose."""
    entries.lock(session, viewer, moment.now)
    for forget in FORGET:
        forget(session, viewer.patient_id)
    audit.note(session, "account-deleted", moment.now, actor_id=None)
