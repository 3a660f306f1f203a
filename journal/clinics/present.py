"""In which clinic the person at this browser works, and as what: what every view of the clinic's begins with."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from flask import g, session

from journal.clinics import queries
from journal.clinics.queries import Membership, Settings
from journal.domain.errors import NotYours
from journal.kit.web import find_person, unit


@dataclass(frozen=True, slots=True)
class Said:
    """A role in words: its name, and what it may see."""

    id: str
    title: str
    may: str


SAID: Mapping[str, Said] = {
    one.id: one
    for one in (
        Said(
            "admin", "Admin", "Staff, settings, mail that could not be sent, and counts. No patient’s pages."
        ),
        Said(
            "clinician",
            "Clinician",
            "Flags, the weekly digest, and the pages of patients who agreed to be followed.",
        ),
        Said(
            "front-desk",
            "Front desk",
            "Names of patients who are followed or invited, and whether mail went out. No patient’s pages.",
        ),
    )
}
CHOSEN = "clinic"
"""Which clinic was chosen by somebody who works in several."""


def memberships() -> tuple[Membership, ...]:
    """The clinics in which the signed-in person is staff now; none where nobody is signed in. Asked once a request."""
    who = find_person()
    if who is None or not who.reads_others:
        return ()
    if "memberships" not in g:
        g.memberships = queries.list_memberships(unit(), who.account_id)
    found: tuple[Membership, ...] = g.memberships
    return found


def find_membership() -> Membership | None:
    """The person's place in the chosen clinic, else in the first."""
    held = memberships()
    chosen = session.get(CHOSEN)
    return next((one for one in held if str(one.clinic_id) == chosen), held[0] if held else None)


def membership(*roles: str) -> Membership:
    """The same, for a page of these roles (of any, where none is named). Raises NotYours."""
    found = find_membership()
    if found is None or (roles and not found.is_(*roles)):
        raise NotYours("clinic")
    return found


def choose(clinic_id: UUID) -> None:
    """Work in this one of the person's clinics from now on. Raises NotYours."""
    if not any(one.clinic_id == clinic_id for one in memberships()):
        raise NotYours("clinic")
    session[CHOSEN] = str(clinic_id)


def settings() -> Settings:
    """The chosen clinic. Raises NotYours."""
    return queries.get_settings(unit(), membership().clinic_id)
