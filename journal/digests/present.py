"""Who is asking: somebody on the staff of a clinic, in which roles."""

from journal.clinics.queries import Membership, list_memberships
from journal.domain.errors import NotYours
from journal.kit.web import person, unit


def membership(*roles: str) -> Membership:
    """The first clinic in which the person has one of the roles now. Raises NotYours."""
    found = next((one for one in list_memberships(unit(), person().account_id) if one.is_(*roles)), None)
    if found is None:
        raise NotYours("clinic")
    return found
