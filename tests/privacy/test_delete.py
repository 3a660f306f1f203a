"""Deleting an account: named plainly, asked for twice where it should be, and nothing of it stays."""

import io
import re
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from time import sleep
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.orm import Session

from journal.accounts import emails
from journal.audit import service as audit
from journal.domain.days import Moment
from journal.domain.errors import NotYours
from journal.entries.queries import list_whole
from journal.kit import outbox
from journal.kit.db import Base
from journal.kit.mail import Letter, Mail
from journal.privacy import service
from tests.cast import PASSPHRASE, TODAY, Cast, log_infusion
from tests.client import CheckingClient
from tests.faults.person import Person
from tests.privacy.journals import NOW, fill, keep
from tests.servers import Journal, _postgres_bin

FORM = {"password": PASSPHRASE, "understood": "y"}
GONE = re.compile("Your account and journal are deleted")


@pytest.fixture
def browser(cast: Cast, session: Session) -> CheckingClient:
    fill(session, cast.patient.viewer)
    session.commit()
    return cast.patient.sign_in()


def rows_about(session: Session, account_id: UUID) -> dict[str, int]:
    """In how many rows of each table the account's id stands, whatever the column."""
    found = {}
    shown = {str(account_id), account_id.hex}
    for name in Base.metadata.tables:
        rows = session.execute(text(f'SELECT * FROM "{name}"')).all()
        found[name] = sum(any(str(value) in shown for value in row) for row in rows)
    return {name: count for name, count in found.items() if count}


def delete(browser: CheckingClient, expect: int = 303, **changes: str) -> Any:
    return browser.send("/account/delete", {**FORM, **changes}, expect=expect, page="/account/delete")


def test_what_goes_is_named_with_numbers(browser: CheckingClient) -> None:
    page = re.sub(r"\s+", " ", browser.get("/account/delete").text)
    for line in (
        "2 check-ins",
        "2 notes",
        "1 infusion",
        "2 questionnaires",
        "1 safety plan",
        "mara@example.org",
    ):
        assert f"{line}" in page, line
    assert "up to 30 days" in page and 'href="/account/export"' in page


@pytest.mark.parametrize(("days", "words"), [(30, "up to 30 days"), (0, "keeps no backups")])
def test_what_backups_hold_is_said_plainly(
    browser: CheckingClient, app: Flask, monkeypatch: pytest.MonkeyPatch, days: int, words: str
) -> None:
    settings = replace(app.extensions["settings"], backup_keep_days=days)
    monkeypatch.setitem(app.extensions, "settings", settings)
    assert words in browser.get("/account/delete").text
    assert words in browser.get("/account/deleted").text


def test_everything_goes_and_others_stay(browser: CheckingClient, cast: Cast, session: Session) -> None:
    before = rows_about(session, cast.other.account_id), list_whole(session, cast.other.viewer)
    mine = set(rows_about(session, cast.patient.account_id))
    assert {"accounts", "patient_keys", "entries", "revisions", "sessions", "audit_events", "outbox"} <= mine
    answer = delete(browser, anyway="y")
    assert answer.location == "/account/deleted"
    assert rows_about(session, cast.patient.account_id) == {}
    assert (rows_about(session, cast.other.account_id), list_whole(session, cast.other.viewer)) == before
    told = session.execute(text("SELECT * FROM accounts")).all()
    assert "mara" not in repr(told) + repr(session.execute(text("SELECT * FROM outbox")).all())
    [noted] = session.execute(text("SELECT * FROM audit_events WHERE action = 'account-deleted'")).mappings()
    assert (noted["actor_id"], noted["patient_id"], noted["subject"]) == (None, None, None)


def test_the_person_is_signed_out_everywhere(browser: CheckingClient, cast: Cast) -> None:
    other_phone = cast.patient.sign_in()
    answer = delete(browser, anyway="y")
    assert "storage" in answer.headers["Clear-Site-Data"]
    assert browser.cookie("known_device") is None
    shown = browser.follow(answer).text
    assert GONE.search(shown) and "data-goodbye" in shown  # drafts on this phone go too
    assert "data-goodbye" not in browser.get("/account/deleted").text
    for one in (browser, other_phone):
        one.get("/today", expect=303)
    stranger = CheckingClient(cast.patient.app)
    stranger.send(
        "/sign-in", {"email": cast.patient.email, "password": PASSPHRASE}, expect=422, page="/sign-in"
    )


def test_what_another_account_has_waiting_on_the_phone_stays(browser: CheckingClient) -> None:
    answer = delete(browser, anyway="y", others_wait="yes")
    assert "storage" not in answer.headers["Clear-Site-Data"]
    assert "data-goodbye" in browser.follow(answer).text


def test_the_address_is_free_for_a_new_journal(
    browser: CheckingClient, cast: Cast, client: CheckingClient
) -> None:
    delete(browser, anyway="y")
    client.send(
        "/sign-up", {"email": cast.patient.email, "password": PASSPHRASE, "zone": "UTC"}, page="/sign-up"
    )
    assert "canary" not in client.get("/check-ins").text


def test_it_needs_the_passphrase_and_the_tick(cast: Cast, session: Session) -> None:
    browser = cast.newcomer.sign_in()
    page = delete(browser, expect=422, understood="").text
    assert "Tick this box" in page
    assert "This is not your passphrase" in delete(browser, expect=422, password="not my passphrase").text
    assert "Enter your passphrase" in delete(browser, expect=422, password="").text
    codes = {delete_raw(browser, password="guess guess guess") for _ in range(14)}
    assert codes == {422, 429}
    assert rows_about(session, cast.newcomer.account_id)["accounts"] == 1


def delete_raw(browser: CheckingClient, **changes: str) -> int:
    hidden = browser.hidden("/account/delete")
    return browser.raw("POST", "/account/delete", data={**hidden, **FORM, **changes}).status_code


def test_the_day_after_an_infusion_it_asks_once_more(cast: Cast, session: Session, clock: Any) -> None:
    log_infusion(session, cast.newcomer.viewer, TODAY, started=time(7, 0), minutes=40)  # it is noon
    session.commit()
    browser = cast.newcomer.sign_in()
    page = browser.get("/account/delete").text
    assert "You had an infusion 4 hours ago." in page and "wait until Monday 7:40 am" in page
    assert "Tick this box" in delete(browser, expect=422).text
    clock.shift(timedelta(hours=19, minutes=40).total_seconds())
    assert "You had an infusion" not in browser.get("/account/delete").text
    clock.shift(-timedelta(hours=1).total_seconds())
    delete(browser, anyway="y")  # asked twice, never locked
    assert rows_about(session, cast.newcomer.account_id) == {}


def test_a_second_press_finds_nobody(browser: CheckingClient) -> None:
    browser.get("/account/delete")
    hidden = browser.hidden("/account/delete")
    form = {**hidden, **FORM, "anyway": "y"}
    assert browser.raw("POST", "/account/delete", data=form).location == "/account/deleted"
    assert browser.raw("POST", "/account/delete", data=form).status_code in (303, 400)


def test_in_other_journals_it_stays_noted_that_somebody_was_there(
    browser: CheckingClient, cast: Cast, session: Session
) -> None:
    audit.note(session, "looked", NOW, actor_id=cast.patient.account_id, patient_id=cast.other.account_id)
    session.commit()
    delete(browser, anyway="y")
    [noted] = session.execute(text("SELECT * FROM audit_events WHERE action = 'looked'")).mappings()
    assert noted["actor_id"] is None and noted["patient_id"] is not None


def test_mails_to_an_address_that_another_claims_stay(cast: Cast, session: Session) -> None:
    """Nobody keeps another from resetting a passphrase by claiming the address and deleting the claim."""
    claim = CheckingClient(cast.patient.app)
    claim.send("/sign-up", {"email": cast.other.email, "password": "a strangers passphrase"}, page="/sign-up")
    for address in (cast.other.email, "MARA@example.org"):
        outbox.put(session, "reset", address, None, NOW)
    session.commit()
    delete(claim, password="a strangers passphrase")
    delete(cast.patient.sign_in())
    resets = session.execute(text("SELECT recipient FROM outbox WHERE purpose = 'reset'")).scalars().all()
    assert resets == [cast.other.email]


def test_a_save_that_comes_too_late_is_no_fault(cast: Cast, session: Session) -> None:
    """Another phone saves at the moment at which the account goes."""
    service.delete_account(session, cast.newcomer.viewer, Moment(NOW, TODAY, ZoneInfo("UTC")))
    session.commit()
    with pytest.raises(NotYours):
        keep(session, cast.newcomer.viewer, "note", {"text": "too late"})


def test_every_table_that_holds_a_person_is_looked_after() -> None:
    """A new table about an account or a patient has to be forgotten too."""
    holding = {
        name
        for name, table in Base.metadata.tables.items()
        if {"patient_id", "account_id", "actor_id"} & set(table.columns.keys())
    }
    assert holding | {"accounts"} <= set(service.TOUCHED)


def test_a_mail_under_way_finds_its_row_gone(app: Flask, cast: Cast, session: Session) -> None:
    """The account is deleted while a mail to it is being sent."""
    sent = []

    def transport(letter: Letter) -> None:
        outbox.forget(session, cast.patient.account_id, [])
        session.commit()
        sent.append(letter.to)

    outbox.put(session, "passphrase-changed", cast.patient.email, cast.patient.account_id, NOW)
    session.commit()
    writers = emails.writers(lambda name, to, **_: Mail(to, name, "text"), "http://localhost")
    outbox.send_due(app.extensions["database"], writers, transport, "j@example.org", NOW)
    assert cast.patient.email in sent


WRITTEN = "a canary that sings at five"
AGAIN = "the canary corrected herself"
PLAN = "the blue blanket behind the door"
EMAIL = "canary.person@example.org"
STAYS = "otis keeps this note of his"


def live_bytes(journal: Journal, address: str, folder: Path) -> str:
    """All that is in the live system: the database's files or its dump, every file in the data folder, the log, and
    what lies in the folders for temporary files."""
    told = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and "static" not in path.parts]
    assert journal.log in set(folder.rglob("*"))
    if not address.startswith("sqlite"):
        plain = address.replace("postgresql+psycopg", "postgresql")
        dumped = subprocess.run(
            [_postgres_bin() / "pg_dump", "--inserts", plain], check=True, capture_output=True
        )
        told.append(dumped.stdout)
    engine = create_engine(address)
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                told.append(repr(row).encode())
                told += [value for value in row if isinstance(value, bytes)]
    engine.dispose()
    return b"\n".join(told).decode("utf-8", "replace").casefold()


def found(words: set[str], *where: Any) -> set[str]:
    told = live_bytes(*where)
    return {word for word in words if word.casefold() in told}


def until_sent(address: str) -> None:
    """Wait until no mail is under way any more: one that is goes out all the same, and lies in its folder then."""
    engine = create_engine(address)
    for _ in range(600):
        with engine.connect() as connection:
            waiting = connection.execute(text("SELECT count(*) FROM outbox WHERE settled_at IS NULL"))
            if not waiting.scalar_one():
                break
        sleep(0.05)
    else:
        raise AssertionError("some mail is not sent")
    engine.dispose()


def send_file(person: Person, path: str, name: str, content: bytes) -> int:
    edge = "----edge"
    token = person.token(path)
    body = f'--{edge}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'.encode()
    body += f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body += content + f"\r\n--{edge}--\r\n".encode()
    sent = Request(person.url + path, body, {"Content-Type": f"multipart/form-data; boundary={edge}"})
    try:
        with person._opener.open(sent, timeout=60) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def export(person: Person) -> bytes:
    token = person.token("/account/export")
    body = urlencode({"csrf_token": token, "password": PASSPHRASE}).encode()
    with person._opener.open(Request(person.url + "/account/export", body), timeout=60) as answer:
        assert answer.headers["Content-Type"] == "application/zip"
        packed: bytes = answer.read()
    return packed


def write_much(person: Person, days: int = 14) -> None:
    """Notes and changes on many days, so that rows are moved about in the database's pages."""
    today = date.fromisoformat(re.search(r"check-ins/(\d{4}-\d\d-\d\d)", person.open("/check-ins")[1])[1])
    for back in range(days):
        path = f"/check-ins/{today - timedelta(days=back)}"
        token = person.token("/account")
        assert (
            person.open(path, {"csrf_token": token, "mood": "3", "note": f"{WRITTEN} {back} " * 20})[0] == 303
        )
        for n in range(3):
            assert (
                person.open(f"{path}/notes", {"csrf_token": token, "note": f"{AGAIN} {back} {n}"})[0] == 303
            )
    assert (
        person.open("/safety-plan/edit", {"csrf_token": person.token("/account"), "struggling": PLAN})[0]
        == 303
    )
    assert person.open("/help-now/safe", {"csrf_token": person.token("/help-now"), "safe": "no"})[0] == 303


@pytest.fixture
def served(
    empty_database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[Journal, str, Path]]:
    env = {} if request.param else {"JOURNAL_TEST_UNSEALED": "yes"}
    # Files for the moment go where this test can see them, and the compressed static files do not matter.
    (tmp_path / "tmp").mkdir()
    address = None if empty_database.startswith("sqlite") else empty_database
    journal = Journal(tmp_path, address, DEFAULT_ZONE="UTC", TMPDIR=str(tmp_path / "tmp"), **env).start()
    yield journal, empty_database, tmp_path
    journal.stop()


@pytest.mark.slow
@pytest.mark.parametrize("served", [True, False], ids=["sealed", "sealing-switched-off"], indirect=True)
def test_nothing_of_a_deleted_account_is_left(
    served: tuple[Journal, str, Path], request: pytest.FixtureRequest
) -> None:
    """Over real HTTP with real commits; and, with sealing off, that the rows are really gone and not only unreadable.
    Somebody else's stay."""
    journal = served[0]
    sealed = "sealing-switched-off" not in request.node.name
    canary, otis = Person(journal.url), Person(journal.url)
    canary.sign_up(EMAIL)
    otis.sign_up("otis@example.org")
    for n in range(8):  # rows of two people lie side by side
        token = otis.token("/account")
        today = "/check-ins/" + re.search(r"check-ins/(\d{4}-\d\d-\d\d)", otis.open("/check-ins")[1])[1]
        assert otis.open(f"{today}/notes", {"csrf_token": token, "note": f"{STAYS} {n} " * 30})[0] == 303
    write_much(canary)
    packed = export(canary)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert WRITTEN in archive.read("journal.json").decode()
    assert send_file(canary, "/account/import", f"{WRITTEN}.zip", packed + b"\0" * 900_000) in (303, 422)
    words = {WRITTEN, AGAIN, PLAN, EMAIL, urlencode({"n": WRITTEN})[2:]}
    seen = found(words, *served)
    assert EMAIL in seen
    assert ({WRITTEN, AGAIN, PLAN} <= seen) is not sealed  # the sweep finds what is there
    until_sent(served[1])
    token = canary.token("/account/delete")
    form = {"csrf_token": token, "password": PASSPHRASE, "understood": "y"}
    assert canary.open("/account/delete", form)[0] == 303
    assert found(words, *served) == set()
    assert canary.open("/today")[0] == 303  # signed out
    assert STAYS in otis.open(today)[1]
    if not sealed:
        assert found({STAYS}, *served) == {STAYS}
    export(otis)
