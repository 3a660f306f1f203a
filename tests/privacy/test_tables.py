"""Days from Daylio and eMoods, through the page: shown first, kept when confirmed, all or nothing."""

import re
import zlib
from base64 import urlsafe_b64encode
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from journal.domain.cells import unguard
from journal.domain.exchange import Whole
from journal.entries.queries import list_whole
from journal.privacy import archive
from journal.privacy.tables import safe, write
from journal.privacy.views import _carried_out
from tests.cast import Cast, log_checkin
from tests.client import CheckingClient
from tests.domain.test_imports import EMOODS, NEW, row
from tests.privacy.journals import TODAY, bring
from tests.privacy.test_bring_in import zipped

GOOD = [
    row("rad", "2026-11-20", "9:00 pm", "<script>canary</script>"),
    row("meh", "2026-11-20", "4:10 pm"),
    row("bad", "2025-03-02", ""),
]


@pytest.fixture
def browser(cast: Cast) -> CheckingClient:
    return cast.newcomer.sign_in()


def daylio(*rows: str) -> bytes:
    return ("\ufeff" + "\n".join((NEW, *rows)) + "\n").encode()


def preview(browser: CheckingClient, content: bytes, name: str = "daylio_export.csv") -> TestResponse:
    return bring(browser, content, name, expect=200)


def confirm(browser: CheckingClient, expect: int = 303, **changes: str) -> TestResponse:
    hidden = {**browser.hidden("/account/import"), **changes}
    answer = browser.raw("POST", "/account/import", data=hidden)
    assert answer.status_code == expect, (answer.status_code, answer.text[:2000])
    browser._check(answer)
    return answer


def mine(session: Session, cast: Cast) -> list[Whole]:
    return sorted(
        list_whole(session, cast.newcomer.viewer), key=lambda one: (one.day, one.current.captured_at)
    )


def test_shown_first_and_kept_when_confirmed(browser: CheckingClient, cast: Cast, session: Session) -> None:
    page = preview(browser, daylio(*GOOD)).text
    assert "2 days are ready" in page and "Import these 2 days" in page
    assert "From 2 March 2025 to 20 November 2026" in page
    assert page.count("<b>Row ") == 3 and "canary" not in page
    assert mine(session, cast) == []
    answer = confirm(browser)
    assert "2 days are in your journal now." in browser.follow(answer).text
    first, note, last = mine(session, cast)
    assert (first.day, first.kind, first.current.payload["measures"]) == (
        date(2025, 3, 2),
        "check-in",
        {"mood": 3},
    )
    assert first.current.captured_at == datetime(2025, 3, 2, 12, tzinfo=ZoneInfo("America/Denver"))
    assert (note.kind, note.current.payload) == ("note", {"text": "Mood: meh"})
    assert note.current.captured_at == datetime(2026, 11, 20, 16, 10, tzinfo=ZoneInfo("America/Denver"))
    assert last.current.payload["measures"] == {"mood": 10}
    for one in (first, note, last):
        assert one.is_late and one.current.device == "Imported from Daylio"
    shown = browser.get("/check-ins/2026-11-20").text
    assert "4:10 pm" in shown and "&lt;script&gt;canary" in shown
    assert "filled in later" in browser.get("/check-ins").text


def test_pressing_twice_keeps_them_once(browser: CheckingClient, cast: Cast, session: Session) -> None:
    preview(browser, daylio(*GOOD))
    confirm(browser)
    assert "brought in already" in browser.follow(confirm(browser)).text
    assert len(mine(session, cast)) == 3


def test_one_wrong_row_keeps_all_out(browser: CheckingClient, cast: Cast, session: Session) -> None:
    page = bring(browser, daylio(*GOOD, row("rage", "2026-01-01"), row(day="soon")), "a.csv", expect=422).text
    assert "2 rows need mending" in page and "The other 3 are fine." in page
    assert "Row 5" in page and "The mood “rage”" in page and "Row 6" in page
    assert 'name="carried"' not in page
    assert mine(session, cast) == []


def test_a_day_that_was_logged_is_told_and_refused(
    browser: CheckingClient, cast: Cast, session: Session
) -> None:
    log_checkin(session, cast.newcomer.viewer, TODAY - timedelta(days=2), {"mood": 5})
    session.commit()
    page = bring(browser, daylio(*GOOD), "a.csv", expect=422).text
    assert "has a check-in for this day already" in page
    assert len(mine(session, cast)) == 1


def test_a_day_that_was_logged_between_looking_and_pressing(
    browser: CheckingClient, cast: Cast, session: Session
) -> None:
    preview(browser, daylio(*GOOD))
    log_checkin(session, cast.newcomer.viewer, TODAY - timedelta(days=2), {"mood": 5})
    session.commit()
    assert "Choose the file again" in confirm(browser, expect=422).text
    assert len(mine(session, cast)) == 1


def test_days_come_into_a_journal_that_has_others(
    browser: CheckingClient, cast: Cast, session: Session
) -> None:
    log_checkin(session, cast.newcomer.viewer, TODAY, {"mood": 5})
    session.commit()
    preview(browser, daylio(*GOOD))
    confirm(browser)
    assert len(mine(session, cast)) == 4


def test_a_backup_of_emoods(browser: CheckingClient, cast: Cast, session: Session) -> None:
    table = f"{EMOODS}\n1,2026-11-20,0,2,3,1,7.5,0,,0,0,0.0\n2,2026-11-21,0,0,0,0,0.0,0,,0,0,0.0\n".encode()
    page = preview(browser, zipped(**{"entry.csv": table, "meds.csv": b"a,b\n"}), "backup.emoods").text
    assert "1 day is ready" in page and "Nothing is marked here" in page
    confirm(browser)
    [one] = mine(session, cast)
    assert one.current.payload["measures"] == {"anxiety": 3, "mood": 3}
    assert one.current.device == "Imported from eMoods"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b,c\n1,2,3\n", "doesn’t know this table"),
        (b"hello", "no days in this file"),
        (NEW.encode(), "no days in this file"),
        (daylio(*GOOD).decode().encode("utf-16"), "no journal in this file"),
        (daylio(row(note="\xe9")).decode().encode("cp1252", "ignore"), "CSV UTF-8"),
        (daylio() + b"x" * archive.MOST_TABLE, "larger than the 4 MB"),
        (daylio(*GOOD) + b'2026-11-20,x,y,18:20,good,"a', "may be missing there"),
    ],
)
def test_tables_that_cannot_be_read(browser: CheckingClient, content: bytes, words: str) -> None:
    assert words in bring(browser, content, "a.csv", expect=422).text


@pytest.mark.parametrize(
    "carried",
    ["", "x", "eJw=", urlsafe_b64encode(b"plain").decode(), "é", "A" * 100_000],
)
def test_what_no_page_of_ours_carried(
    browser: CheckingClient, cast: Cast, session: Session, carried: str
) -> None:
    preview(browser, daylio(*GOOD))
    assert "can’t be opened" in confirm(browser, expect=422, carried=carried).text
    assert mine(session, cast) == []


def test_a_carried_bomb(browser: CheckingClient) -> None:
    preview(browser, daylio(*GOOD))
    bomb = urlsafe_b64encode(zlib.compress(b"x" * (archive.MOST_TABLE * 20), 9)).decode()
    assert "can’t be opened" in confirm(browser, expect=422, carried=bomb).text


def test_what_is_carried_is_checked_again(browser: CheckingClient, cast: Cast, session: Session) -> None:
    """A form can be changed between looking and pressing."""
    preview(browser, daylio(*GOOD))
    wrong = _carried_out(daylio(row("rage")).decode())
    confirm(browser, expect=422, carried=wrong)
    assert mine(session, cast) == []


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "-", '=HYPERLINK("http://x")'],
)
def test_no_cell_is_worked_out(text: str) -> None:
    guarded = safe(text)
    assert isinstance(guarded, str) and guarded.startswith("'") and unguard(guarded) == text


def test_other_cells_stay_as_they_are() -> None:
    assert [safe(cell) for cell in (-1, 0, "a=b", "", None, True, False, "5")] == [
        -1,
        0,
        "a=b",
        "",
        None,
        "yes",
        "no",
        "5",
    ]


def test_a_table_is_rfc_4180() -> None:
    written = write(["a", "=b"], [['say "hi"', 5], ["two\nlines", None]])
    assert written == b'\xef\xbb\xbf"a","\'=b"\r\n"say ""hi""",5\r\n"two\nlines",""\r\n'
    assert re.search(rb"[^\r]\n", written.replace(b"two\nlines", b"")) is None
