"""Reading the profile out of the log."""

from collections.abc import Iterable
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.profile import Profile
from journal.entries.queries import Opened, Want, list_entries

PROFILE = Want("profile")


def profile_id(patient_id: UUID) -> UUID:
    """The one profile entry of a patient."""
    return uuid5(patient_id, "profile")


def profile_in(opened: Iterable[Opened]) -> tuple[Profile, int]:
    """The profile among the entries and its revision; an empty one and 0 where none was kept yet."""
    for one in opened:
        if one.kind == Profile.kind:
            return Profile.load(one.payload), one.revision
    return Profile(), 0


def get_profile(session: Session, viewer: Viewer) -> tuple[Profile, int]:
    """The patient's profile and its revision."""
    return profile_in(list_entries(session, viewer, [PROFILE]))
