"""Keeping the profile. Nothing here commits."""

from datetime import date, datetime

from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.profile import Profile
from journal.entries import service as entries
from journal.profiles.queries import profile_id


def keep(
    session: Session, viewer: Viewer, profile: Profile, base: int, day: date, zone: str, now: datetime
) -> None:
    """Keep the profile as it is now. `base` is the revision it was changed from."""
    draft = entries.Draft(
        id=profile_id(viewer.patient_id),
        kind=Profile.kind,
        payload=profile,
        day=day,
        zone=zone,
        captured_at=now,
        base=base,
    )
    entries.append(session, viewer, draft, now)
