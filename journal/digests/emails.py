"""The weekly mail. It holds counts only, small ones blurred: no names, no answers, nothing of what is treated or with
what."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time

from sqlalchemy.orm import Session

from journal.clinics import queries as clinics
from journal.digests import queries
from journal.digests.service import ROLES
from journal.domain.digest_counts import IN_MAIL, say_counts
from journal.kit.mail import Mail
from journal.kit.outbox import Waiting, Wanted, Writer
from journal.kit.words import say_time

Render = Callable[..., Mail]
"""render(mail name, recipient, **values) -> Mail"""
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def writers(render: Render, base_url: str) -> dict[str, Writer]:
    """What each purpose in the outbox becomes."""

    def find_reader(session: Session, waiting: Waiting) -> clinics.Recipient | None:
        """Whoever it goes to, as long as they are staff in a role that gets it, and want it."""
        entitled = clinics.list_recipients(session, waiting.group_id, *ROLES) if waiting.group_id else ()
        return next(
            (one for one in entitled if one.account_id == waiting.account_id and one.wants_digest), None
        )

    def digest(session: Session, waiting: Waiting, _now: datetime) -> Mail | None:
        """None for somebody who is no longer staff, or stopped it meanwhile. All that is said was kept when the digest
        was made, so that a mail that is sent again is the same."""
        made = queries.find_by_id(session, waiting.subject_id) if waiting.subject_id else None
        if made is None:
            return None
        reader = find_reader(session, waiting)
        if reader is None:
            return None
        lines = say_counts(made.counts, made.below, IN_MAIL)
        stop = f"{base_url}/unsubscribe/{clinics.unsubscribe_token(session, reader.staff_id)}"
        mail = render(
            "digest",
            waiting.recipient,
            week=made.week.says,
            sees="who" if "clinician" in reader.roles else "the numbers",
            flags=lines[0],
            lines=lines[1:],
            link=f"{base_url}/clinic/digests/{made.week.label}",
            comes=f"{WEEKDAYS[made.day]} at {say_time(time(made.hour))}",
            stop=stop,
            base_url=base_url,
        )
        return replace(mail, unsubscribe=stop)

    def stopped(_session: Session, waiting: Waiting, _now: datetime) -> Mail:
        return render("digest_stopped", waiting.recipient, base_url=base_url)

    def is_wanted(session: Session, waiting: Waiting, _now: datetime) -> bool:
        return find_reader(session, waiting) is not None

    return {"digest": Wanted(digest, is_wanted), "digest-stopped": stopped}
