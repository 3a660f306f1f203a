"""What the clinic's desk shows: names and counts, mails that could not be sent, what is still to be chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from journal.clinics import queries as clinics
from journal.clinics.queries import Asked, Settings
from journal.kit import outbox
from journal.shares.queries import list_followed

PAGE = 50
GROUPS = ("invited", "followed", "past")


@dataclass(frozen=True, slots=True)
class Patient:
    """A row of the desk's list: a name, and how it stands. `group`: one of GROUPS."""

    name: str
    group: str
    share_id: UUID | None = None
    since: datetime | None = None
    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of the list, and how many there are in each group."""

    rows: tuple[Patient, ...]
    counts: dict[str, int]
    found: int
    page: int
    pages: int


def list_patients(session: Session, clinic_id: UUID, find: str, page: int, now: datetime) -> Listed:
    """Whom the clinic follows or has asked, those who have not answered yet on top, then by name. Names are sealed, so
    they are sorted and looked through here: three statements, however many there are."""
    people = [
        Patient(one.name, "followed", one.share_id, one.accepted_at)
        for one in list_followed(session, clinic_id, None, now)
    ]
    for one in clinics.list_asked(session, clinic_id, now):
        if one.state != "agreed":  # then they are followed, by the name they chose, or have left since
            group = "invited" if one.state in ("waiting", "unanswered") else "past"
            people.append(Patient(one.name, group, asked=one))
    counts = {group: sum(one.group == group for one in people) for group in GROUPS}
    wanted = find.casefold()
    found = [one for one in people if wanted in one.name.casefold() or _has_address(one, wanted)]
    found.sort(key=lambda one: (GROUPS.index(one.group), one.name.casefold()))
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(1, page), pages)
    return Listed(tuple(found[(page - 1) * PAGE : page * PAGE]), counts, len(found), page, pages)


def _has_address(one: Patient, wanted: str) -> bool:
    return one.asked is not None and bool(wanted) and wanted == one.asked.email.casefold()


MAILS = {
    "staff-invitation": "An invitation to join the staff",
    "clinic-invitation": "An invitation of a patient. The front desk sees which one",
    "digest": "A weekly digest",
}
"""What a mail was about, for an admin, who sees no patient's name."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """A mail that could not be sent, as an admin may see it: no address of a patient."""

    id: UUID
    what: str
    to: str
    fault: str
    at: datetime
    given_up: bool


def list_unsent(session: Session, clinic_id: UUID) -> tuple[Unsent, ...]:
    """The clinic's mails that had a fault at the last try."""
    return tuple(
        Unsent(
            one.mail_id,
            MAILS.get(one.purpose, "A mail to the staff"),
            "" if one.purpose == "clinic-invitation" else one.recipient,
            one.fault,
            one.created_at,
            not one.is_waiting,
        )
        for one in outbox.list_faults(session, clinic_id)
    )


def list_unchosen(clinic: Settings) -> tuple[tuple[str, str], ...]:
    """(section, sentence) of each setting that a clinic should not be without."""
    told = (
        (
            clinic.phq is None,
            "phq",
            "Choose PHQ-9 or PHQ-8. Until you do, nobody is asked question 9 for you.",
        ),
        (not clinic.phone, "contact", "Give the phone number that patients should call."),
        (
            not clinic.second_contact,
            "second-contact",
            "Say who is told when nobody answers an urgent flag in time.",
        ),
    )
    return tuple((section, says) for is_missing, section, says in told if is_missing)


def list_posted(session: Session, rows: Sequence[Patient]) -> dict[UUID, outbox.Posted]:
    """Whether the mails went out, of the invitations among these rows."""
    return outbox.list_posted(
        session, [one.asked.id for one in rows if one.asked and one.asked.way == "mail"]
    )
