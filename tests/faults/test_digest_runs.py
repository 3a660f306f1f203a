"""Four workers killed with -9 at random while they make digests and send them through a mail server that fails in every
way: each clinic's week has one digest, and everybody entitled to it one mail, however often that had to be tried.

40 runs; 200 with `FULL=1`.
"""

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from email import message_from_bytes, policy
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.clinics.models import Clinic, Staff
from journal.digests.models import Digest, DigestSending
from journal.domain.days import instant_of
from journal.domain.weeks import Week
from journal.kit.db import Database
from tests.digests import stage
from tests.faults.mail_harness import Books, Harness, wrongs
from tests.faults.mail_servers import FAULTS, Taken

pytestmark = pytest.mark.slow
RUNS = 200 if os.environ.get("FULL") else 40
LANES = 6
KILLS = 2
"""A worker's first look costs half a second of a core: with three, that would be most of what the runs cost."""
PATIENTS = 3
WHERE = ZoneInfo("UTC")
STAFF = (
    {"ann": "clinician", "bo": "admin", "both": "clinician"},
    {"cleo": "admin", "both": "clinician"},
)
"""Who is to get a digest, by clinic; one of them works in both."""
MAILS = 8
"""Of a run: three people two weeks, two people one."""
NOT_TOLD = {"desk": "front-desk", "declined": "clinician", "removed": "admin"}


@dataclass(frozen=True)
class Due:
    """A mail that has to come: about whose week, to whom, and with which link that stops it."""

    digest_id: UUID
    staff_id: UUID
    to: str
    week: Week
    token: str


@dataclass
class Plan:
    """What the runs have to lead to: mails by their id, the clinics of each run, the weeks of each clinic."""

    due: dict[str, Due] = field(default_factory=dict)
    clinics: dict[int, list[UUID]] = field(default_factory=dict)
    weeks: dict[UUID, tuple[Week, ...]] = field(default_factory=dict)

    def fill(self, database: Database, run: int, now: datetime) -> Collection[UUID]:
        """Two clinics, for which nothing was made while everything was down: two weeks for one, one for the other."""
        day = (now - timedelta(days=2)).date()  # of digests: the last is long due, the next not for days
        newest = Week.of(day).previous
        asked: list[Due] = []
        with database.writing() as session:
            self.clinics[run] = []
            for entitled, weeks in zip(STAFF, ((newest.previous, newest), (newest,)), strict=True):
                opened = instant_of(weeks[0].monday, time(1), WHERE)
                clinic = stage.a_clinic(session, opened, zone=WHERE.key, day=day.weekday(), hour=0)
                self.clinics[run].append(clinic)
                self.weeks[clinic] = weeks
                hired = _hire(session, clinic, entitled, run, opened)
                _let_follow(session, clinic, weeks, opened)
                asked += [
                    Due(uuid5(clinic, week.label), one.staff_id, _address(name, run), week, one.token)
                    for week in weeks
                    for name, one in hired.items()
                ]
            tomorrow = {"look_due_at": now + timedelta(days=1)}  # the daily look is no matter here
            session.execute(update(Clinic).where(Clinic.id.in_(self.clinics[run])).values(**tomorrow))
            session.commit()
        ids = [uuid5(one.digest_id, one.staff_id.hex) for one in asked]
        self.due |= {mail_id.hex: one for mail_id, one in zip(ids, asked, strict=True)}
        return ids

    def check(self, database: Database, run: int) -> list[str]:
        """What is wrong with the digests of this run."""
        told = []
        entitled = {(one.digest_id, one.staff_id) for one in self.due.values()}
        with database.reading() as session:
            for clinic in self.clinics[run]:
                made = session.execute(select(Digest).where(Digest.clinic_id == clinic)).scalars().all()
                labels = sorted(one.week for one in made)
                if labels != [week.label for week in self.weeks[clinic]]:
                    told.append(f"a clinic has the digests {labels}")
                for one in made:
                    counts = orjson.loads(one.told)["counts"]
                    if (counts["people"], counts["received"]) != (PATIENTS, PATIENTS):
                        told.append(f"a digest counts {counts}")
                    sent = select(DigestSending.staff_id).where(DigestSending.digest_id == one.id)
                    found = {(one.id, staff_id) for staff_id in session.execute(sent).scalars()}
                    if found != {pair for pair in entitled if pair[0] == one.id}:
                        told.append("a digest was sent to somebody else than those entitled to it")
        return told

    def strays(self, books: Books) -> list[str]:
        """Mails that say something else, or went to somebody else, than they should."""
        return [
            f"{one.mail_id} is not the mail that was due"
            for one in books.taken
            if one.mail_id in self.due and not _is(one, self.due[one.mail_id])
        ]


def _address(name: str, run: int) -> str:
    return f"{name}{run}@example.org"


def _hire(
    session: Session, clinic: UUID, entitled: dict[str, str], run: int, opened: datetime
) -> dict[str, stage.Hired]:
    """Those entitled to a digest, beside others who are not."""
    hired = {}
    for name, role in (entitled | (NOT_TOLD if "ann" in entitled else {})).items():
        email = _address(name, run)
        if not accounts.queries.find_for_reset(session, email):
            accounts.sign_up(session, email, "x", accounts.Place("UTC"), opened, send_mail=False)
        hired[name] = stage.hire(session, clinic, email, role, now=opened)
    for name, values in (("declined", {"wants_digest": False}), ("removed", {"removed_at": opened})):
        if name in hired:
            session.execute(update(Staff).where(Staff.id == hired[name].staff_id).values(**values))
    return {name: one for name, one in hired.items() if name in entitled}


def _let_follow(session: Session, clinic: UUID, weeks: Sequence[Week], opened: datetime) -> None:
    """Patients who log once in each week."""
    for place in range(PATIENTS):
        viewer = stage.a_patient(session, f"p{place}-{clinic.hex}@example.org", opened, WHERE.key)
        stage.follow(session, clinic, viewer, f"Patient {place}", opened)
        for week in weeks:
            at = instant_of(week.monday + timedelta(days=1 + place), time(12), WHERE)
            stage.log(session, viewer, at, zone=WHERE.key)


def _is(taken: Taken, due: Due) -> bool:
    mail = message_from_bytes(taken.content, policy=policy.default)
    body = mail.get_body(("plain",))
    words = body.get_content().split() if body else []
    return (
        mail["To"] == due.to
        and mail["List-Unsubscribe"].endswith(f"/unsubscribe/{due.token}>")
        and any(word.endswith(f"/clinic/digests/{due.week.label}") for word in words)
        and due.week.says in " ".join(words)
    )


def test_each_week_has_one_digest_and_each_person_one_mail_of_it(harness: Harness) -> None:
    plan = Plan()
    runs = harness.run_all(plan.fill, RUNS, LANES, check=plan.check, kills=KILLS)
    assert len(runs) == RUNS and len(plan.due) == RUNS * MAILS
    found = [told for books in runs if (told := wrongs(books) + plan.strays(books))]
    assert found == []
    assert sum(len(books.hung) for books in runs) <= RUNS // 8, "too slow a machine to tell"
    met = Counter(fault for books in runs for fault in books.faults)
    assert set(FAULTS) <= set(met), "some fault never happened"
    killed = sum(len(books.killed_at) for books in runs)
    early = sum(books.early for books in runs)
    copies = sum(len(books.taken) - len({one.mail_id for one in books.taken}) for books in runs)
    assert killed >= RUNS * KILLS and early >= RUNS // 8 and copies >= RUNS // 8, (killed, early, copies)
    print(
        f"{RUNS} runs, {len(plan.due)} digest mails: {sum(len(books.taken) for books in runs)} taken,"
        f" {copies} of them copies; {killed} workers killed, {early} before the digests were made;"
        f" {sum(met.values()) - met['fine']} of {sum(met.values())} connections failed;"
        f" {sum(len(books.given_up) for books in runs)} mails refused for good,"
        f" {sum(len(books.off) for books in runs)} not sent to an address that was switched off"
    )


def test_the_harness_finds_a_digest_that_is_marked_before_it_is_sent(harness: Harness) -> None:
    plan = Plan()
    runs = harness.run_all(plan.fill, 2, 2, check=plan.check, WRONG_ORDER="yes")
    missing = [line for books in runs for line in wrongs(books) if line.endswith(" is missing")]
    assert missing and all(line.partition(" ")[0] in plan.due for line in missing)
