"""Taking the journal along: asked for with the passphrase, whole, readable, and the same again elsewhere."""

import csv
import io
import os
from datetime import timedelta
from typing import Any
from uuid import uuid4

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from journal.domain.access import Viewer
from journal.domain.errors import NotYours
from journal.domain.exchange import dump_entry, parse
from journal.domain.payloads import KINDS
from journal.entries.queries import count_entries, list_ids, list_whole
from journal.entries.service import take_in
from journal.flags.queries import list_told
from journal.privacy import service
from journal.privacy.queries import get_export, own_id_of, to_data
from tests.cast import TODAY, Cast, Player, log_checkin
from tests.client import CheckingClient
from tests.payloads import VALID
from tests.privacy.journals import CANARIES, MOMENT, NOW, bring, fill, journal_of, keep, parts_of, take

pytestmark = pytest.mark.long

EXAMPLES = 60 if os.environ.get("FULL") else 12


@pytest.fixture
def filled(cast: Cast, session: Session) -> CheckingClient:
    fill(session, cast.patient.viewer)
    session.commit()
    return cast.patient.sign_in()


def test_export_import_export_gives_the_same_journal(filled: CheckingClient, elsewhere: Player) -> None:
    first = take(filled)
    browser = elsewhere.sign_in()
    bring(browser, first.data)
    told, again = journal_of(first), journal_of(take(browser))
    assert len(told["entries"]) == 13
    assert again["entries"] == told["entries"]
    for name in ("zone", "country", "day_ends_hour"):
        assert again["account"][name] == told["account"][name]


def test_what_was_brought_in_can_be_gone_on_with(filled: CheckingClient, elsewhere: Player) -> None:
    """The plan, the profile, the safety plan and a report are found and changed as if they had been made here."""
    browser = elsewhere.sign_in()
    bring(browser, take(filled).data)
    for path in ("/today", "/check-ins", "/infusions", "/trends?days=all", "/questionnaires", "/safety-plan"):
        browser.get(path)
    assert "two versions" in browser.get("/check-ins").text or "2 versions" in browser.get("/check-ins").text
    browser.send("/infusions/plan", {"days": "2026-12-24"}, page="/infusions/plan")
    browser.send("/account/name", {"name": "Mara B."}, page="/account/name")
    browser.send("/safety-plan/edit", {"struggling": "other words"}, page="/safety-plan/edit")
    assert browser.send("/help-now/safe", {"safe": "yes"}, page="/help-now").status_code == 303
    data = journal_of(take(browser))
    newest = {one["kind"]: one["last_revision"] for one in data["entries"]}
    assert (newest["plan"], newest["profile"], newest["safety-plan"]) == (3, 2, 2)
    counts = [one["kind"] for one in data["entries"]]
    assert counts.count("plan") == counts.count("profile") == counts.count("safety-plan") == 1


def test_no_help_page_comes_up_for_old_answers(filled: CheckingClient, cast: Cast, elsewhere: Player) -> None:
    filled.send("/help-now/safe", {"safe": "no"}, page="/help-now")
    told = journal_of(take(filled))
    assert told["flags"]
    browser = elsewhere.sign_in()
    bring(browser, take(filled).data)
    browser.get("/today")  # would lead to help
    assert journal_of(take(browser))["flags"] == []


def test_it_is_asked_for_with_the_passphrase(filled: CheckingClient) -> None:
    filled.send("/account/export", {"password": ""}, expect=422, page="/account/export")
    answer = filled.send("/account/export", {"password": "not my passphrase"}, expect=422)
    assert "This is not your passphrase" in answer.text and "canary" not in answer.text
    codes = set()
    for _ in range(14):
        codes.add(
            filled.raw(
                "POST",
                "/account/export",
                data={**filled.hidden("/account/export"), "password": "guess guess guess"},
            ).status_code
        )
    assert codes == {422, 429}


def test_the_answer_is_a_file_that_nobody_keeps(filled: CheckingClient, session: Session) -> None:
    answer = take(filled)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="infusion-journal-2026-11-22.zip"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.mimetype == "application/zip"
    noted = session.execute(text("SELECT count(*) FROM audit_events WHERE action = 'journal-exported'"))
    assert noted.scalar_one() == 1


def test_everything_is_in_it_and_nothing_of_anybody_else(filled: CheckingClient, cast: Cast) -> None:
    parts = parts_of(take(filled))
    assert set(parts) == {
        "README.txt",
        "journal.html",
        "journal.json",
        "journal.fhir.json",
        "check-ins.csv",
        "notes.csv",
        "infusions.csv",
        "after-infusions.csv",
        "questionnaires.csv",
        "answers.csv",
    }
    for name in ("journal.json", "journal.html"):
        told = parts[name].decode()
        assert [words for words in CANARIES if words not in told] == []
        assert "otis" not in told
    told = parts["check-ins.csv"].decode("utf-8-sig")
    assert "canary corrected" in told and "canary at dawn" not in told


def test_the_same_journal_gives_the_same_bytes(filled: CheckingClient) -> None:
    assert parts_of(take(filled)) == parts_of(take(filled))


def test_the_page_is_whole_and_runs_nothing(filled: CheckingClient, cast: Cast, session: Session) -> None:
    nasty = "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>{{ 7*7 }}"
    log_checkin(session, cast.patient.viewer, TODAY - timedelta(days=2), {"mood": 2}, note=nasty)
    session.commit()
    page = parts_of(take(filled))["journal.html"].decode()
    parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
    document = parser.parse(page)
    assert not parser.errors, parser.errors[:3]
    assert (
        not list(document.iter("script"))
        and not list(document.iter("img"))
        and not list(document.iter("link"))
    )
    assert not [e.attrib for e in document.iter() if {"src", "href", "onerror", "onclick"} & set(e.attrib)]
    assert "&lt;script&gt;" in page and "{{ 7*7 }}" in page


def rows(parts: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(parts[name].decode("utf-8-sig"), newline="")))


def test_the_tables_say_what_counts_now(filled: CheckingClient) -> None:
    parts = parts_of(take(filled))
    checkins = {row["day"]: row for row in rows(parts, "check-ins.csv")}
    assert checkins["2026-11-22"]["mood"] == "4" and checkins["2026-11-22"]["side_effects-nausea"] == "severe"
    assert checkins["2026-11-22"]["versions"] == "3"
    assert checkins["2026-11-13"]["filled_in_later"] == "yes" and checkins["2026-11-13"]["sleep"] == "0"
    assert checkins["2026-11-13"]["mood"] == ""  # skipped is not zero
    [infusion] = rows(parts, "infusions.csv")
    assert (infusion["dose_mg"], infusion["started"], infusion["vitals-before_pulse"]) == (
        "40.50",
        "10:40",
        "71",
    )
    [report] = rows(parts, "after-infusions.csv")
    assert (report["gone-nausea"], report["still_there-nausea"], report["infusion_id"]) == (
        "2h",
        "no",
        infusion["id"],
    )
    scores = {row["questionnaire"]: row for row in rows(parts, "questionnaires.csv")}
    assert scores["phq-9"]["score"] == "13" and scores["phq-9"]["range"] == "Moderate"
    assert scores["urinary"]["state"] == "open" and scores["urinary"]["score"] == ""
    assert len(rows(parts, "answers.csv")) == 9
    assert [row["text"] for row in rows(parts, "notes.csv")] == ["'=1+1 and back again"]


def test_only_the_patient_reads_the_whole(cast: Cast, session: Session) -> None:
    """Also somebody who may look into the journal one day doesn't get all of it."""
    stranger = Viewer(cast.newcomer.account_id, cast.other.account_id)
    for read in (list_whole, list_told, count_entries, list_ids):
        with pytest.raises(NotYours):
            read(session, stranger)
    with pytest.raises(NotYours):
        take_in(session, stranger, [], NOW)


def test_the_number_of_statements_does_not_grow(cast: Cast, session: Session) -> None:
    viewer = cast.patient.viewer
    told: list[str] = []

    def count() -> int:
        told.clear()
        get_export(session, viewer, "Mara", MOMENT)
        return len(told)

    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: told.append(args[2]))
    fill(session, viewer)
    few = count()
    for n in range(60):
        keep(session, viewer, "note", {"text": f"note {n}"})
    assert count() == few <= 13


def test_every_payload_comes_back_equal(cast: Cast, session: Session) -> None:
    """Whatever can be kept can be exported, and brought in where it is the same."""
    viewer = cast.patient.viewer

    def own(kind: str, day: Any) -> Any:
        return own_id_of(viewer.patient_id, kind, day)

    @settings(max_examples=EXAMPLES * len(KINDS))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(sorted(KINDS)))
        entry_id = own(kind, TODAY) or uuid4()
        payloads = data.draw(st.lists(VALID[kind], min_size=1, max_size=3))
        with session.begin_nested() as nested:
            for number, payload in enumerate(payloads):
                keep(session, viewer, kind, payload, entry_id, base=data.draw(st.integers(0, min(number, 1))))
            exported = to_data(get_export(session, viewer, "Mara", MOMENT), {"day_ends_hour": 0}, NOW)
            journal = service.parse(exported, viewer, NOW)
            nested.rollback()
        assert [dump_entry(one, own) for one in journal.entries] == exported["entries"]
        assert parse(exported, own) == journal

    check()


def test_a_warning_sign_out_of_a_refused_form_can_be_brought_in(cast: Cast, session: Session) -> None:
    """What was kept of a form that contradicts itself must not contradict itself, or the file could not come in."""
    browser = cast.patient.sign_in()
    browser.send("/check-ins/2026-11-22", {"mood": "4", "side_effects-chest_pain": "none"}, page="/today")
    [checkin] = list_whole(session, cast.patient.viewer)
    path = f"/check-ins/2026-11-22/{checkin.id}/edit"
    again = {"side_effects-chest_pain": "none", "happening_now-chest_pain": "yes"}
    browser.send("/check-ins/2026-11-22", again, expect=422, page=path)
    data = journal_of(take(browser))
    assert data["entries"][0]["revisions"][1]["payload"]["happening_now"] == {"chest_pain": True}
    assert len(service.parse(data, cast.patient.viewer, NOW).entries) == 1


def test_somebody_without_an_entry_gets_a_file_too(cast: Cast) -> None:
    answer = take(cast.newcomer.sign_in())
    assert journal_of(answer)["entries"] == []
    assert "No day is logged yet." in parts_of(answer)["journal.html"].decode()
