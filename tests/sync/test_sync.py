"""What a phone sends: kept once, answered after the commit, and never taken from anywhere else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from journal.domain.checkin import CheckIn
from journal.entries.queries import Want, list_entries, list_versions
from journal.infusions.queries import report_id
from journal.sync import service
from journal.sync.views import kept_pages
from tests.cast import Cast, Player, log_infusion
from tests.client import CheckingClient

NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
STATEMENTS, STATEMENTS_EACH = 9, 7
"""Of a batch with one check-in: who it is, the epoch with the last number; then of each: waiting for the patient's other
writers, whether it is known with the last number, its own row, and what a check-in from its page takes."""
HERE = {"Sec-Fetch-Site": "same-origin"}


def operation(owner: Player, kind: str = "check-in", **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": str(uuid4()),
        "owner": str(owner.account_id),
        "entry": str(uuid4()),
        "base": 0,
        "after": None,
        "kind": kind,
        "day": "2026-11-22",
        "zone": "America/Denver",
        "captured_at": NOW.isoformat(),
        "payload": {"mood": "4", "note": "from the phone"},
    }
    return made | changes


def body(owner: Player, *operations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    told = {
        "version": 1,
        "owner": str(owner.account_id),
        "sent_at": NOW.isoformat(),
        "shown": None,
        "epoch": None,
        "seen": 0,
        "operations": list(operations),
    }
    return told | changes


class Phone:
    """Somebody's browser, as far as the server sees it."""

    def __init__(self, owner: Player) -> None:
        self.owner, self.browser = owner, owner.sign_in()

    def post(self, told: Any, expect: int = 200, headers: dict[str, str] | None = None) -> Any:
        answer = self.browser.raw("POST", "/sync", json=told, headers=HERE if headers is None else headers)
        assert answer.status_code == expect, (answer.status_code, answer.text[:400])
        assert answer.mimetype == "application/json"
        return answer.json

    def send(self, *operations: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = self.post(body(self.owner, *operations, **changes))["answers"]
        return answers


@pytest.fixture
def phone(cast: Cast) -> Phone:
    return Phone(cast.patient)


def held(session: Session, who: Player, kind: str = "check-in") -> list[Any]:
    session.expire_all()
    return list(list_entries(session, who.viewer, [Want(kind)]))


def test_an_operation_is_kept_once(phone: Phone, cast: Cast, session: Session) -> None:
    asked = operation(cast.patient)
    (first,) = phone.send(asked)
    assert (first["status"], first["revision"], first["number"]) == ("applied", 1, 1)
    (again,) = phone.send(asked)
    assert again["status"] == "duplicate" and again["revision"] == 1
    (kept,) = held(session, cast.patient)
    assert CheckIn.load(kept.payload).note == "from the phone"
    assert str(kept.id) == asked["entry"]


def test_the_same_id_with_other_words_is_refused_and_changes_nothing(
    phone: Phone, cast: Cast, session: Session
) -> None:
    asked = operation(cast.patient)
    phone.send(asked)
    (other,) = phone.send(asked | {"payload": {"mood": "9"}})
    assert other["status"] == "rejected" and "other words" in other["reasons"]["form"]
    assert CheckIn.load(held(session, cast.patient)[0].payload).measures == {"mood": 4}


def test_the_same_words_under_another_id_are_a_duplicate(phone: Phone, cast: Cast, session: Session) -> None:
    """A phone that forgot the operation's id, or a server that forgot it: the entry's id and base still say so."""
    asked = operation(cast.patient)
    phone.send(asked)
    (again,) = phone.send(asked | {"id": str(uuid4())})
    assert again["status"] == "duplicate"
    assert held(session, cast.patient)[0].last_revision == 1


def test_a_rejected_one_holds_up_no_other(phone: Phone, cast: Cast, session: Session) -> None:
    empty = operation(cast.patient, payload={})
    strange = operation(cast.patient, kind="poem")
    mood = operation(cast.patient, payload={"mood": "11"})
    fine = operation(cast.patient, day="2026-11-21")
    answers = phone.send(empty, strange, mood, fine)
    assert [one["status"] for one in answers] == ["rejected", "retry", "rejected", "applied"]
    assert [one["id"] for one in answers] == [one["id"] for one in (empty, strange, mood, fine)]
    assert "nothing to keep" in answers[0]["reasons"]["form"]
    assert len(held(session, cast.patient)) == 1


def test_a_fault_in_one_leaves_it_queued_and_keeps_the_others(
    phone: Phone, cast: Cast, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = service.KEEPERS["note"]

    def fail(*_: Any) -> Any:
        raise RuntimeError("private words")

    monkeypatch.setitem(service.KEEPERS, "note", fail)  # type: ignore[arg-type] # a dict, for this test
    note = operation(cast.patient, kind="note", payload={"note": "private words"})
    first, second = phone.send(note, operation(cast.patient))
    assert (first["status"], second["status"]) == ("retry", "applied")
    monkeypatch.setitem(service.KEEPERS, "note", real)  # type: ignore[arg-type]
    assert phone.send(note)[0]["status"] == "applied"
    assert len(held(session, cast.patient, "note")) == 1


def test_made_from_an_older_revision_it_is_kept_beside(phone: Phone, cast: Cast, session: Session) -> None:
    asked = operation(cast.patient)
    phone.send(asked)
    newer = operation(cast.patient, entry=asked["entry"], base=1, payload={"mood": "6"})
    older = operation(cast.patient, entry=asked["entry"], base=1, payload={"mood": "2"})
    assert phone.send(newer)[0]["status"] == "applied"
    (beside,) = phone.send(older)
    assert beside["status"] == "conflict"
    assert beside["page"].endswith("/history")
    assert "6" in phone.browser.get(beside["page"]).text
    (kept,) = held(session, cast.patient)
    assert kept.beside == 1 and CheckIn.load(kept.payload).measures == {"mood": 6}
    versions = list_versions(session, cast.patient.viewer, kept.id, "check-in")
    assert [v.payload["measures"]["mood"] for v in versions if v.payload] == [4, 6, 2]


def test_made_after_one_that_the_server_knows_it_follows_it(phone: Phone, cast: Cast) -> None:
    """The phone didn't learn which revision its first one made: its answer was lost."""
    first = operation(cast.patient)
    second = operation(
        cast.patient, entry=first["entry"], after=first["id"], payload={"mood": "5", "note": "mended"}
    )
    answers = phone.send(first, second)
    assert [(one["status"], one["revision"]) for one in answers] == [("applied", 1), ("applied", 2)]


def test_a_restored_server_takes_what_it_no_longer_knows(phone: Phone, cast: Cast, session: Session) -> None:
    """An edit of revision 3 of an entry that the old backup never had."""
    asked = operation(cast.patient, base=3)
    assert phone.send(asked)[0]["status"] == "applied"
    edit = operation(cast.patient, entry=asked["entry"], base=7, payload={"mood": "8"})
    (answer,) = phone.send(edit)
    assert (answer["status"], answer["revision"]) == ("applied", 2)


def test_a_phone_that_knows_more_sends_that_first(phone: Phone, cast: Cast, session: Session) -> None:
    epoch = phone.post(body(cast.patient))["epoch"]
    asked = operation(cast.patient)
    for changes in ({"epoch": str(uuid4())}, {"epoch": epoch, "seen": 3}):
        told = phone.post(body(cast.patient, asked, **changes))
        assert told["answers"] == [] and told["epoch"] == epoch
    assert held(session, cast.patient) == []
    told = phone.post(body(cast.patient, asked, epoch=epoch, seen=0))
    assert told["answers"][0]["status"] == "applied" and told["last"] == 1


def test_a_new_epoch_begins_when_the_operator_says_so(phone: Phone, cast: Cast, session: Session) -> None:
    first = phone.post(body(cast.patient))["epoch"]
    assert phone.post(body(cast.patient))["epoch"] == first
    begun = service.begin_epoch(session, NOW)
    session.flush()
    assert str(begun) != first


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"},
    ],
)
def test_only_the_journals_own_pages_may_send(
    phone: Phone, cast: Cast, session: Session, headers: dict[str, str]
) -> None:
    phone.post(body(cast.patient, operation(cast.patient)), 403, headers)
    assert held(session, cast.patient) == []


def test_a_form_of_another_site_is_refused_by_its_type(phone: Phone, cast: Cast, session: Session) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = phone.browser.raw("POST", "/sync", data="{}", content_type=kind, headers=HERE)
        assert answer.status_code == 403, kind
    assert phone.browser.raw("GET", "/sync").status_code == 405


def test_the_own_origin_is_enough_where_a_browser_says_no_more(phone: Phone, cast: Cast) -> None:
    phone.post(body(cast.patient, operation(cast.patient)), 200, {"Origin": "http://localhost"})


def test_nobody_sends_for_another_account(phone: Phone, cast: Cast, session: Session) -> None:
    mine, theirs = operation(cast.patient), operation(cast.other)
    phone.post(body(cast.other, theirs), 403)
    phone.post(body(cast.patient, mine, theirs), 403)
    assert held(session, cast.patient) == []
    assert len(held(session, cast.other)) == 1  # the one that was there


def test_the_same_ids_in_two_accounts_are_two_entries(cast: Cast, session: Session) -> None:
    mine = operation(cast.patient)
    theirs = mine | {"owner": str(cast.other.account_id), "payload": {"mood": "1", "note": "otis"}}
    assert Phone(cast.patient).send(mine)[0]["status"] == "applied"
    assert Phone(cast.other).send(theirs)[0]["status"] == "applied"
    assert CheckIn.load(held(session, cast.patient)[0].payload).note == "from the phone"


def test_somebody_elses_entry_can_not_be_changed(phone: Phone, cast: Cast, session: Session) -> None:
    taken = operation(cast.patient, entry=str(cast.other_checkin), base=1, payload={"note": "taken over"})
    assert phone.send(taken)[0]["status"] == "applied"  # an entry of one's own, with the same id
    theirs = next(one for one in held(session, cast.other) if one.id == cast.other_checkin)
    assert theirs.payload["note"] == "otis canary note" and theirs.last_revision == 1


def test_signed_out_it_stays_queued(client: CheckingClient, cast: Cast) -> None:
    answer = client.raw("POST", "/sync", json=body(cast.patient, operation(cast.patient)), headers=HERE)
    assert answer.status_code == 401 and answer.mimetype == "application/json"


@pytest.mark.parametrize(
    "told",
    [
        "x",
        [],
        {},
        {"version": 2},
        {"version": 1, "operations": {}},
        {"version": 1, "operations": ["x"]},
        {"version": 1, "operations": [{}] * 21},
    ],
)
def test_what_cannot_be_read_is_left_queued(phone: Phone, told: Any) -> None:
    phone.post(told, 400)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "x"},
        {"entry": None},
        {"base": "1"},
        {"base": -1},
        {"day": "22.11.2026"},
        {"captured_at": "yesterday"},
        {"captured_at": "2026-11-22T12:00:00"},
        {"payload": {"mood": 4}},
        {"payload": ["mood"]},
        {"payload": {str(n): "" for n in range(301)}},
        {"kind": 3},
        {"after": "x"},
    ],
    ids=str,
)
def test_one_that_cannot_be_read_is_left_queued(
    phone: Phone, cast: Cast, session: Session, changes: dict[str, Any]
) -> None:
    bad, good = operation(cast.patient, **changes), operation(cast.patient)
    answers = phone.send(bad, good)
    assert [one["status"] for one in answers] == ["retry", "applied"]
    assert len(held(session, cast.patient)) == 1


@pytest.mark.parametrize(
    ("claimed", "sent", "at"),
    [
        (timedelta(hours=-3), timedelta(0), timedelta(hours=-3)),
        (timedelta(hours=-3), timedelta(minutes=-2), timedelta(hours=-3)),
        (timedelta(hours=-3), timedelta(minutes=-2, seconds=-1), timedelta(hours=-3, minutes=2, seconds=1)),
        (timedelta(hours=45), timedelta(hours=48), timedelta(hours=-3)),
        (timedelta(hours=-51), timedelta(hours=-48), timedelta(hours=-3)),
        (timedelta(hours=1), timedelta(0), timedelta(0)),
    ],
)
def test_a_wrong_clock_is_put_right(claimed: timedelta, sent: timedelta, at: timedelta) -> None:
    assert service.captured(NOW + claimed, NOW + sent, NOW) == NOW + at


def test_an_old_entry_is_judged_by_the_day_on_which_it_was_made(
    phone: Phone, cast: Cast, session: Session
) -> None:
    """Three weeks without signal: it is neither too far back nor filled in later."""
    made = NOW - timedelta(days=21)
    asked = operation(cast.patient, day="2026-11-01", captured_at=made.isoformat())
    assert phone.send(asked)[0]["status"] == "applied"
    (kept,) = held(session, cast.patient)
    assert (kept.day, kept.is_late, kept.captured_at) == (date(2026, 11, 1), False, made)
    assert kept.received_at > made


def test_a_day_still_to_come_needs_attention(phone: Phone, cast: Cast) -> None:
    (answer,) = phone.send(operation(cast.patient, day="2026-11-24"))
    assert answer["status"] == "rejected" and "14 days" in answer["reasons"]["form"]


def test_help_comes_first_for_a_warning_sign(phone: Phone, cast: Cast) -> None:
    signs = {"side_effects-chest_pain": "severe", "happening_now-chest_pain": "yes"}
    (answer,) = phone.send(operation(cast.patient, payload=signs))
    assert answer["help"].startswith("/help-now?saved=1")
    assert "Your answer is saved" in phone.browser.get(answer["help"]).text


def test_a_warning_sign_in_a_refused_one_is_kept_all_the_same(
    phone: Phone, cast: Cast, session: Session
) -> None:
    signs = {"side_effects-chest_pain": "severe", "happening_now-chest_pain": "yes", "mood": "99"}
    asked = operation(cast.patient, payload=signs)
    (answer,) = phone.send(asked)
    assert answer["status"] == "rejected" and answer["base"] == 1 and answer["help"]
    mended = operation(cast.patient, entry=asked["entry"], base=1, payload=signs | {"mood": "9"})
    assert phone.send(mended)[0]["revision"] == 2


def test_an_infusion_and_its_report_in_one_batch(phone: Phone, cast: Cast, session: Session) -> None:
    infusion = operation(
        cast.patient, kind="infusion", payload={"day": "2026-11-22", "number": "3", "started": "09:00"}
    )
    report = operation(
        cast.patient,
        kind="after-infusion",
        payload={"infusion": infusion["entry"], "part": "first", "diss_peak": "6"},
    )
    answers = phone.send(infusion, report)
    assert [one["status"] for one in answers] == ["applied", "applied"], answers
    assert answers[1]["entry"] == str(report_id(UUID(infusion["entry"]), "first"))
    phone.browser.get(answers[1]["page"])


def test_a_report_on_an_infusion_that_is_not_there_needs_attention(phone: Phone, cast: Cast) -> None:
    for infusion in (str(uuid4()), str(cast.other_infusion)):
        report = operation(
            cast.patient,
            kind="after-infusion",
            payload={"infusion": infusion, "part": "first", "diss_peak": "6"},
        )
        (answer,) = phone.send(report)
        assert answer["status"] == "rejected" and "isn’t in your journal" in answer["reasons"]["form"]


def test_a_report_sent_twice_is_one(phone: Phone, cast: Cast, session: Session) -> None:
    infusion_id = log_infusion(session, cast.patient.viewer, date(2026, 11, 22), number=1)
    session.commit()
    told = {"infusion": str(infusion_id), "part": "first", "diss_peak": "6"}
    report = operation(cast.patient, kind="after-infusion", payload=told)
    assert phone.send(report)[0]["status"] == "applied"
    assert phone.send(report)[0]["status"] == "duplicate"
    assert len(held(session, cast.patient, "after-infusion")) == 1


def test_a_questionnaire_is_put_in_answer_by_answer(phone: Phone, cast: Cast, session: Session) -> None:
    answers = {f"gad7_{n}": "1" for n in range(1, 8)}
    told = {"instrument": "gad-7", "language": "en", **answers}
    asked = operation(cast.patient, kind="questionnaire", payload=told)
    (answer,) = phone.send(asked)
    assert answer["status"] == "applied", answer
    (kept,) = held(session, cast.patient, "questionnaire")
    assert kept.payload["state"] == "finished"
    assert phone.send(asked)[0]["status"] == "duplicate"
    assert phone.send(asked | {"id": str(uuid4())})[0]["status"] == "duplicate"
    assert len(held(session, cast.patient, "questionnaire")) == 1


def test_question_nine_brings_help_first(phone: Phone, cast: Cast) -> None:
    told = {"instrument": "phq-9", "language": "en", "phq9_9": "1"}
    (answer,) = phone.send(operation(cast.patient, kind="questionnaire", payload=told))
    assert answer["status"] == "applied" and answer["help"]


def test_the_open_page_says_that_it_is_saved(phone: Phone, cast: Cast) -> None:
    asked = operation(cast.patient)
    phone.send(asked, shown=asked["id"])
    assert "Saved at" in phone.browser.get("/today").text


def test_the_statements_of_a_save_are_few_and_fixed(phone: Phone, cast: Cast, database: Any) -> None:
    """One more operation in a batch costs what one costs, however much is there already."""
    counted: list[str] = []

    def count(*args: Any) -> None:
        if not args[2].lstrip().upper().startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "PRAGMA")):
            counted.append(args[2])

    def cost(*days: int) -> int:
        counted.clear()
        asked = [operation(cast.patient, day=f"2026-11-{day}") for day in days]
        event.listen(database.engine, "before_cursor_execute", count)
        try:
            answers = phone.send(*asked)
        finally:
            event.remove(database.engine, "before_cursor_execute", count)
        assert all(one["status"] == "applied" for one in answers)
        return len(counted)

    cost(10)
    one, two = cost(11), cost(12, 13)
    again = 0 if database.is_sqlite else 1  # what stood beside the key is read once more after the wait
    assert (one, cost(14)) == (STATEMENTS + again, STATEMENTS + again)
    assert two - one == STATEMENTS_EACH + again


def test_nothing_of_the_words_can_be_guessed_from_the_row(phone: Phone, cast: Cast, session: Session) -> None:
    phone.send(operation(cast.patient))
    (row,) = session.execute(text("SELECT * FROM sync_operations")).all()
    assert not any("phone" in str(value) or "mood" in str(value) for value in row)


def test_old_operations_are_forgotten_and_still_not_doubled(
    phone: Phone, cast: Cast, session: Session
) -> None:
    asked = operation(cast.patient)
    phone.send(asked)
    later = datetime.now(UTC) + service.KEPT_FOR
    assert service.sweep(session, later - timedelta(minutes=5)) == 0
    assert service.sweep(session, later + timedelta(minutes=5)) == 1
    session.commit()
    assert phone.send(asked)[0]["status"] == "duplicate"
    assert held(session, cast.patient)[0].last_revision == 1


def test_the_kit_is_ones_own_and_holds_no_answer(phone: Phone, cast: Cast) -> None:
    phone.send(operation(cast.patient))
    told = phone.browser.raw("GET", "/sync/kit.json")
    assert told.status_code == 200 and "from the phone" not in told.text
    kit = told.json
    assert kit["owner"] == str(cast.patient.account_id) and len(bytes.fromhex(kit["key"])) == 32
    other = Phone(cast.other).browser.raw("GET", "/sync/kit.json").json
    assert other["key"] != kit["key"]
    assert [one["number"] for one in other["infusions"]] == [77] and kit["infusions"] == []


def test_signing_out_from_a_kept_page(phone: Phone) -> None:
    raw = phone.browser.raw
    assert raw("POST", "/sync/sign-out", json={}).status_code == 403
    assert raw("GET", "/sync/kit.json").status_code == 200
    assert raw("POST", "/sync/sign-out", json={}, headers=HERE).json == {"signed_out": True}
    assert raw("GET", "/sync/kit.json").status_code == 401
    assert raw("POST", "/sync/sign-out", json={}, headers=HERE).json == {"signed_out": True}


def test_kept_pages_are_the_same_for_everybody(phone: Phone, client: CheckingClient) -> None:
    """So a phone may keep them: not a name, not a number of anybody's is in them."""
    for page in kept_pages():
        assert phone.browser.get(page).text == client.get(page).text, page
    assert client.get("/help-now?offline=1").text == phone.browser.get("/help-now?offline=1").text
