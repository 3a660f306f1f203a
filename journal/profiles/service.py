"""Keeping the profile. Nothing here commits."""

from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.days import Moment
from journal.domain.profile import Profile
from journal.entries import service as entries
from journal.profiles.queries import profile_id


def keep(session: Session, viewer: Viewer, profile: Profile, base: int, moment: Moment) -> None:
    """Keep the profile as it is now. `base` is the revision it was changed from."""
    draft = entries.Draft.made(profile_id(viewer.patient_id), profile, moment, base=base)
    entries.append(session, viewer, draft, moment.now)
