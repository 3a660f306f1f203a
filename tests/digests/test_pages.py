"""The digest's pages: who sees what of them, as the shares are now, and that each row seen is in an access log."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import update

from journal.accounts import service as accounts
from journal.audit.queries import get_access_log
from journal.clinic_flags.models import ClinicFlag
from journal.clinics.models import Staff
from journal.digests import queries, tasks
from journal.domain.access import KINDS, Viewer
from journal.domain.weeks import Week
from journal.kit.db import Database
from journal.shares import queries as share_queries
from journal.shares import service as shares
from journal.shares.models import Share
from tests.care.test_care import statements_of
from tests.cast import log_infusion
from tests.client import CheckingClient
from tests.digests import stage

MONDAY = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 9, 1, tzinfo=UTC)
OPENED = datetime(2026, 11, 17, tzinfo=UTC)
WEEK = "/clinic/digests/2026-W47"


@dataclass
class Stage:
    app: Flask
    database: Database
    clinic: UUID
    people: dict[str, stage.Hired]
    patients: dict[str, tuple[Viewer, UUID]]
    flag: UUID

    def enter(self, name: str, *, step: bool = True) -> CheckingClient:
        with self.database.writing() as session:
            at = MONDAY if step else None
            account = self.people[name].account_id
            if not step:
                accounts.settle(session, account, second_step_since=None)
            token = accounts.start_session(session, account, "a test", MONDAY, second_step_at=at)
            session.commit()
        browser = CheckingClient(self.app)
        browser.keep_session(token)
        return browser


@pytest.fixture
def staged(app: Flask, database: Database, clock: Any) -> Stage:
    """Mara (a flag, and worse), Otis (worse), Quinn (nothing new, never reviewed) and Ann (no longer shares); the other
    clinic's Zed."""
    people, patients = {}, {}
    with database.writing() as session:
        clinic = stage.a_clinic(session, OPENED)
        other = stage.a_clinic(session, OPENED, name="Far Shore")
        for name, where, roles in (
            ("clinician", clinic, ("clinician",)),
            ("admin", clinic, ("admin",)),
            ("desk", clinic, ("front-desk",)),
            ("both", clinic, ("admin", "clinician")),
            ("other", other, ("clinician", "admin")),
            ("removed", clinic, ("clinician",)),
        ):
            people[name] = stage.hire(session, where, f"{name}@example.org", *roles, now=LONG_AGO)
        session.execute(update(Staff).where(Staff.id == people["removed"].staff_id).values(removed_at=OPENED))
        for name, where in (
            ("Mara", clinic),
            ("Otis", clinic),
            ("Quinn", clinic),
            ("Ann", clinic),
            ("Zed", other),
        ):
            viewer = stage.a_patient(session, f"{name.lower()}.x@example.org", LONG_AGO)
            patients[name] = (viewer, stage.follow(session, where, viewer, f"{name} canary", LONG_AGO))
            for back in range(20):
                day = date(2026, 11, 22) - timedelta(days=back)
                mood = 2 if back < 3 and name != "Quinn" else 8
                stage.log(session, viewer, datetime(2026, 11, 22, 19, tzinfo=UTC), day=day, mood=mood)
        log_infusion(session, patients["Mara"][0], date(2026, 11, 20), number=3)
        day = date(2026, 11, 19)
        flag = stage.flag(
            session,
            clinic,
            *patients["Mara"],
            "item-9",
            "questionnaire",
            day,
            OPENED,
            why="Answered a question.",
        )
        session.commit()
    clock.move_to(MONDAY)
    assert tasks.send_due(database, MONDAY) == 2
    with database.writing() as session:
        shares.end(session, patients["Ann"][0], patients["Ann"][1], MONDAY)
        session.commit()
    return Stage(app, database, clinic, people, patients, flag)


def test_a_clinician_sees_rows_the_gravest_first(staged: Stage) -> None:
    browser = staged.enter("clinician")
    assert "16 to 22 November 2026" in browser.get("/clinic/digests").text
    page = browser.get(WEEK).text
    assert "Ann canary" not in page and "Zed canary" not in page
    places = [page.index(f"{name} canary</b>") for name in ("Mara", "Otis", "Quinn")]
    assert places == sorted(places) and page.count('class="person-row') == 3
    assert "Harbor Light. How things stood" in page
    assert "Answered a question." in page and "question 9 of the PHQ-9" in page.lower().replace("phq", "PHQ")
    assert "The last 3 logged days have a middle of 2" in page
    assert f"/care/{staged.patients['Mara'][1]}" in page
    browser.get(f"/care/{staged.patients['Mara'][1]}")


def test_each_row_is_in_its_patients_access_log(staged: Stage) -> None:
    staged.enter("clinician").get(WEEK)
    with staged.database.reading() as session:
        log = get_access_log(session, staged.patients["Mara"][0])
        assert log.is_whole and log.count == 1
        read = log.rows[0]
        assert (read.shape, read.way, read.reader_id) == (
            "digest",
            "clinic",
            staged.people["clinician"].account_id,
        )
        assert set(read.kinds) == {"questionnaires", "daily", "infusions"}
        otis = get_access_log(session, staged.patients["Otis"][0]).rows[0]
        assert otis.kinds == ("daily",) and otis.until == date(2026, 11, 22)
        assert get_access_log(session, staged.patients["Ann"][0]).count == 0
        assert get_access_log(session, staged.patients["Zed"][0]).count == 0


@pytest.mark.parametrize("name", ["admin", "desk"])
def test_the_others_see_no_row_and_read_nobody(staged: Stage, name: str) -> None:
    browser = staged.enter(name)
    page = browser.get(WEEK).text + browser.get("/clinic/digests").text
    assert "canary" not in page and "Mail for 3 people" in page and "Answered" not in page
    if name == "admin":
        assert "fewer than 5" in page and "People active" in page
    else:
        assert "People active" not in page and "fewer than" not in page
    with staged.database.reading() as session:
        assert get_access_log(session, staged.patients["Mara"][0]).count == 0


@pytest.mark.parametrize("path", ["/clinic/digests", WEEK, "/clinic/digests/2026-W48"])
def test_whoever_is_no_staff_gets_nothing(staged: Stage, path: str) -> None:
    staged.enter("removed").get(path, expect=404)
    staged.people["patient"] = stage.Hired(UUID(int=0), staged.patients["Otis"][0].patient_id, "")
    staged.enter("patient").get(path, expect=404)
    assert (
        staged.enter("clinician", step=False)
        .get(path, expect=303)
        .location.startswith("/account/second-step")
    )
    assert CheckingClient(staged.app).get(path, expect=303).location.startswith("/sign-in")


def test_the_other_clinic_sees_its_own(staged: Stage) -> None:
    page = staged.enter("other").get(WEEK).text
    assert "Zed canary" in page and "Mara" not in page and "Harbor" not in page


def test_a_clinician_who_is_admin_too_sees_rows(staged: Stage) -> None:
    assert "Mara canary" in staged.enter("both").get(WEEK).text


@pytest.mark.parametrize(
    ("kinds", "since", "sees", "hidden"),
    [
        (frozenset(KINDS) - {"questionnaires"}, None, "Mood worse", "Answered a question."),
        (frozenset(KINDS) - {"daily"}, None, "Answered a question.", "Mood worse"),
        (frozenset(KINDS), date(2026, 11, 20), "Infusion 3", "Answered a question."),
        (frozenset(KINDS), date(2026, 11, 20), "Infusion 3", "Mood worse"),
        (frozenset({"safety-plan"}), None, "Otis canary", "Mara canary"),
    ],
)
def test_what_is_no_longer_shared_is_gone(
    staged: Stage, kinds: frozenset[str], since: date | None, sees: str, hidden: str
) -> None:
    with staged.database.writing() as session:
        narrower = {"kinds": " ".join(sorted(kinds)), "since": since, "changed_at": MONDAY}
        session.execute(update(Share).where(Share.id == staged.patients["Mara"][1]).values(**narrower))
        session.execute(update(Share).where(Share.id == staged.patients["Otis"][1]).values(kinds="daily"))
        session.commit()
    page = staged.enter("clinician").get(WEEK).text
    mine = (
        page[page.index("Mara canary</b>") : page.index("Otis canary</b>")] if "Mara canary" in page else ""
    )
    assert sees in page and hidden not in mine


def test_who_agrees_anew_does_not_bring_back_old_rows(staged: Stage) -> None:
    viewer, share = staged.patients["Mara"]
    with staged.database.writing() as session:
        shares.end(session, viewer, share, MONDAY)
        stage.follow(session, staged.clinic, viewer, "Mara canary", MONDAY)
        session.commit()
    assert "Mara canary" not in staged.enter("clinician").get(WEEK).text


def test_an_end_while_the_page_is_made(staged: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from journal.digests import views

    real, ended = views.render_template, []

    def slow(*args: Any, **values: Any) -> str:
        answer = real(*args, **values)
        if not ended:
            ended.append(True)
            with staged.database.writing() as session:
                shares.end(session, staged.patients["Mara"][0], staged.patients["Mara"][1], MONDAY)
                session.commit()
        return answer

    monkeypatch.setattr(views, "render_template", slow)
    browser = staged.enter("clinician")
    answer = browser.get(WEEK, expect=303)
    assert "Mara" not in browser.follow(answer).text


def test_staff_who_are_removed_while_the_page_is_made(staged: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from journal.digests import views

    real = views.render_template

    def slow(*args: Any, **values: Any) -> str:
        with staged.database.writing() as session:
            session.execute(
                update(Staff).where(Staff.id == staged.people["clinician"].staff_id).values(removed_at=MONDAY)
            )
            session.commit()
        return real(*args, **values)

    browser = staged.enter("clinician")
    monkeypatch.setattr(views, "render_template", slow)
    answer = browser.get(WEEK, expect=303)
    assert "canary" not in answer.text


def test_what_happened_since_is_marked(staged: Stage) -> None:
    later = MONDAY + timedelta(hours=1)
    with staged.database.writing() as session:
        session.execute(
            update(ClinicFlag)
            .where(ClinicFlag.id == staged.flag)
            .values(state="closed", closed_at=later, closed_why="talked")
        )
        account = staged.people["clinician"].account_id
        reading = share_queries.find_reading(session, account, staged.patients["Otis"][1], later)
        assert reading is not None
        shares.review(session, reading, UUID(int=7), "", date(2026, 11, 23), later)
        session.commit()
    page = staged.enter("clinician").get(WEEK).text
    assert page.count("Closed since.") == 1 and page.count("Reviewed since") == 1


def test_weeks_to_come_and_unknown_ones(staged: Stage) -> None:
    browser = staged.enter("clinician")
    page = browser.get("/clinic/digests/2026-W48").text
    assert "still to come" in page and "Monday 30 November at 7:00 am" in page
    assert "This week is still to come." in browser.get("/clinic/digests/2026-W49").text
    for path in ("2026-W46", "2026-W50", "2026-W54", "2026-W7", "x"):
        browser.get(f"/clinic/digests/{path}", expect=404)


def test_a_week_that_is_late_says_so(staged: Stage, clock: Any) -> None:
    clock.move_to(datetime(2026, 11, 30, 14, 45, tzinfo=UTC))
    with staged.database.writing() as session:
        token = accounts.start_session(
            session,
            staged.people["desk"].account_id,
            "a test",
            datetime(2026, 11, 30, 14, 45, tzinfo=UTC),
            second_step_at=MONDAY,
        )
        session.commit()
    browser = CheckingClient(staged.app)
    browser.keep_session(token)
    assert "is late" in browser.get("/clinic/digests").text
    assert "on its way" in browser.get("/clinic/digests/2026-W48").text


def test_an_empty_digest(staged: Stage) -> None:
    with staged.database.writing() as session:
        for viewer, share in staged.patients.values():
            shares.end(session, viewer, share, MONDAY)
        session.commit()
    page = staged.enter("clinician").get(WEEK).text
    assert "Nothing that a rule names" in page and "no promise" in page


def test_many_patients_come_by_pages(staged: Stage) -> None:
    browser = staged.enter("clinician")
    before = statements_of(staged.app, browser, WEEK)
    with staged.database.writing() as session:
        for place in range(110):
            viewer = stage.a_patient(session, f"many{place}@example.org", LONG_AGO)
            stage.follow(session, staged.clinic, viewer, f"Many {place:03}", LONG_AGO)
            stage.log(session, viewer, datetime(2026, 11, 24, 19, tzinfo=UTC))
        session.commit()
    assert tasks.make(staged.database, staged.clinic, Week(2026, 48), MONDAY + timedelta(days=7))[0]
    path = "/clinic/digests/2026-W48"
    page = browser.get(path).text
    assert "Show all 112" in page and page.count('class="person-row') <= 20 + 3
    first, third = browser.get(f"{path}?section=waiting"), browser.get(f"{path}?section=waiting&page=3")
    assert first.text.count('class="person-row') == 50 and "Page 1 of 3" in first.text
    assert third.text.count('class="person-row') == 12
    for odd in ("?section=x", "?section=silent", "?section=waiting&page=99", "?section=waiting&page=-1"):
        browser.get(path + odd)
    assert statements_of(staged.app, browser, path) == before
    with staged.database.reading() as session:
        made = queries.find_digest(session, staged.clinic, Week(2026, 48))
    assert made and made.counts.people == 113
