"""What the page of reminders says about phones."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from flask import current_app

from journal.accounts import present
from journal.config import Settings
from journal.kit import vapid
from journal.kit.web import person, unit
from journal.push import queries
from journal.push.queries import Device
from journal.push.tasks import SENTENCE


@dataclass(frozen=True, slots=True)
class Phones:
    """`key` is what a browser subscribes with; None where web push is switched off here. `quiet` as the form has it."""

    key: str | None
    devices: tuple[Device, ...]
    quiet: dict[str, str]
    is_quiet_then: bool
    sentence: str = SENTENCE


def phones(hour: int) -> Phones:
    """The signed-in patient's phones, in their own time, and whether a reminder at an hour (0-23) would be too late for
    them."""
    viewer, quiet = present.viewer(), queries.get_quiet(unit(), present.viewer())
    return Phones(
        public_key(),
        tuple(
            _local(one, present.zone()) for one in queries.list_devices(unit(), viewer, person().session_id)
        ),
        {"quiet_from": str(quiet.from_hour), "quiet_until": str(quiet.until_hour)},
        quiet.are_quiet(hour),
    )


def public_key() -> str | None:
    """What a browser subscribes with; None where web push is switched off, or no server was ever started."""
    return vapid.find_public_key(unit()) if settings().web_push else None


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def _local(one: Device, zone: ZoneInfo) -> Device:
    last = one.last_success_at
    return replace(
        one,
        created_at=one.created_at.astimezone(zone),
        last_success_at=last.astimezone(zone) if last else None,
    )
