"""Who of a clinic's staff is here: what every view under /clinic begins with."""

from flask import session

from journal.clinics.queries import Membership, list_memberships
from journal.domain.errors import NotYours
from journal.kit.web import person, unit

CHOSEN = "clinic"
"""Where a browser keeps which clinic somebody works for just now, who works for several."""


def membership(*roles: str) -> Membership:
    """The signed-in person's place in the clinic chosen, or the first one. Raises NotYours for whoever has none of the
    roles there."""
    mine = list_memberships(unit(), person().account_id)
    chosen = session.get(CHOSEN)
    found = next((one for one in mine if str(one.clinic_id) == chosen), mine[0] if mine else None)
    if found is None or not found.is_(*roles):
        raise NotYours("clinic")
    return found
