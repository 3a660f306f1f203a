"""What is read to take a journal along, to bring one in, and before an account is deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from journal.audit.queries import AccessLog, Logged, get_access_log
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.checkin import CheckIn
from journal.domain.days import Moment
from journal.domain.exchange import FORMAT, VERSION, Whole, dump_entry, name_of
from journal.domain.infusion import Held, Infusion
from journal.domain.profile import Profile
from journal.domain.quiet import QuietHours
from journal.domain.summary import Summary
from journal.entries.held import held_in
from journal.entries.queries import Want, count_entries, list_entries, list_whole
from journal.flags.queries import Told, list_told
from journal.infusions.queries import plan_id
from journal.profiles.queries import PROFILE, profile_id, profile_in
from journal.push.queries import Device, get_quiet, list_devices
from journal.reminders.queries import Reminders, get_reminders
from journal.safety.queries import safety_check_id, safety_plan_id
from journal.shares.queries import Held as Share
from journal.shares.queries import Reviewed, list_reviews, list_shares
from journal.summaries.queries import get_summary


@dataclass(frozen=True, slots=True)
class Export:
    """All that there is of a journal, and who else was or is let in."""

    patient_id: UUID
    entries: tuple[Whole, ...]
    flags: tuple[Told, ...]
    profile: Profile
    infusions: tuple[Held, ...]
    shares: tuple[Share, ...]
    reviews: tuple[Reviewed, ...]
    access_log: AccessLog
    reminders: Reminders
    devices: tuple[Device, ...]
    quiet: QuietHours
    summary: Summary


def own_id_of(patient_id: UUID, kind: str, day: date) -> UUID | None:
    """The id of the one entry that there is of a kind, which is made from the patient's; None for other kinds."""
    match kind:
        case "profile":
            return profile_id(patient_id)
        case "plan":
            return plan_id(patient_id)
        case "safety-plan":
            return safety_plan_id(patient_id)
        case "safety-check":
            return safety_check_id(patient_id, day)
    return None


def get_export(session: Session, viewer: Viewer, name: str, moment: Moment) -> Export:
    """Everything, for the patient alone. Raises NotYours for anybody else. A fixed number of statements. `name` is
    whose summary it is where the journal knows no name."""
    opened = list_entries(session, viewer, [PROFILE, Want(Infusion.kind)])
    profile, _revision = profile_in(opened)
    everything = replace(viewer, scope=Scope(frozenset(KINDS)))
    return Export(
        viewer.patient_id,
        tuple(sorted(list_whole(session, viewer), key=lambda one: (one.day, one.kind, str(one.id)))),
        list_told(session, viewer),
        profile,
        held_in(opened),
        list_shares(session, viewer, moment.now),
        list_reviews(session, viewer),
        get_access_log(session, viewer, everything=True),
        get_reminders(session, viewer),
        list_devices(session, viewer),
        get_quiet(session, viewer),
        get_summary(
            session, everything, profile.name or name, moment.zone, moment.today, moment.now, window="all"
        ),
    )


def to_data(export: Export, account: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The export as journal.json holds it. Shares and the access log are told, and never brought in again."""

    def own_id(kind: str, day: date) -> UUID | None:
        return own_id_of(export.patient_id, kind, day)

    names = {one.id: name_of(one, own_id) for one in export.entries}
    entries = [dump_entry(one, own_id) for one in export.entries]
    return {
        "shares": [_share(one) for one in export.shares],
        "reviews": [_review(one, export.shares) for one in export.reviews],
        "access_log": [_read(one, export.shares) for one in reversed(export.access_log.rows)],
        "access_log_is_whole": export.access_log.is_whole,
        "reminders": _reminders(export.reminders),
        "reminder_devices": [_device(one) for one in export.devices],
        "quiet_hours": {"from_hour": export.quiet.from_hour, "until_hour": export.quiet.until_hour},
        "format": FORMAT,
        "version": VERSION,
        "exported_at": now.isoformat(),
        "account": dict(account),
        "entries": sorted(entries, key=lambda one: (one["day"], one["kind"], one["id"])),
        "flags": [_flag(one, names[one.entry_id]) for one in export.flags],
    }


def _share(one: Share) -> dict[str, Any]:
    return {
        "to": one.to,
        "email": one.email,
        "as": one.name,
        "way": one.way,
        "state": one.state,
        "kinds": sorted(one.scope.kinds),
        "since": _iso(one.scope.since),
        "until": _iso(one.scope.until),
        "created_at": _iso(one.created_at),
        "accepted_at": _iso(one.accepted_at),
        "expires_at": _iso(one.expires_at),
        "ended_at": _iso(one.ended_at),
        "first_opened_at": _iso(one.first_opened_at),
        "last_opened_at": _iso(one.seen_at),
    }


def _review(one: Reviewed, shares: Sequence[Share]) -> dict[str, Any]:
    by = next((share.to for share in shares if share.id == one.share_id), "")
    return {"by": by, "at": _iso(one.at), "last_day": _iso(one.last_day), "line": one.line}


def _read(one: Logged, shares: Sequence[Share]) -> dict[str, Any]:
    return {
        "number": one.number,
        "at": _iso(one.at),
        "by": next((share.to for share in shares if share.id == one.share_id), ""),
        "way": one.way,
        "shape": one.shape,
        "kinds": list(one.kinds),
        "since": _iso(one.since),
        "until": _iso(one.until),
    }


def _reminders(one: Reminders) -> dict[str, Any]:
    return {
        "is_on": one.is_on,
        "is_paused": one.is_paused,
        "hour": one.hour,
        "cadence": one.cadence,
        "last_turn_on": _iso(one.last_turn_on),
    }


def _device(one: Device) -> dict[str, Any]:
    return {
        "device": one.name,
        "turned_on_at": _iso(one.created_at),
        "last_reminder_at": _iso(one.last_success_at),
    }


def _iso(at: date | datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _flag(one: Told, entry: str) -> dict[str, Any]:
    return {
        "entry": entry,
        "rule": one.rule,
        "why": one.why,
        "urgency": one.urgency,
        "state": one.state,
        "raised_at": one.raised_at.isoformat(),
        "told_at": one.told_at.isoformat(),
        "help_seen_at": None if one.help_seen_at is None else one.help_seen_at.isoformat(),
    }


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a journal holds, in numbers by kind, deleted entries too; and its infusions."""

    counts: Mapping[str, int]
    infusions: tuple[Held, ...]
    open_shares: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def is_empty(self) -> bool:
        """Nothing but the answers to the first questions."""
        return not set(self.counts) - {Profile.kind}


def get_holdings(session: Session, viewer: Viewer, now: datetime) -> Holdings:
    return Holdings(
        count_entries(session, viewer),
        held_in(list_entries(session, viewer, [Want(Infusion.kind)])),
        sum(one.is_live for one in list_shares(session, viewer, now)),
    )


def list_logged_days(session: Session, viewer: Viewer) -> frozenset[date]:
    """The days that have a check-in."""
    return frozenset(one.day for one in list_entries(session, viewer, [Want(CheckIn.kind)]))
