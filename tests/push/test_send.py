"""From the patient's hour to the phone, over real HTTP; and the mail wherever no phone took it."""

from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from cryptography.exceptions import InvalidTag

from journal.accounts import service as accounts
from journal.accounts.queries import find_signed_in
from journal.domain.days import Moment, instant_of
from journal.domain.quiet import QuietHours
from journal.privacy.service import delete_account
from journal.push import service, tasks
from journal.push.service import TRY_FOR
from journal.push.tasks import SENTENCE, Office
from journal.reminders import service as reminders
from tests.cast import TODAY
from tests.conftest import NOON
from tests.push.conftest import OFFICE, Stage
from tests.push.phone import Phone, check_signature
from tests.push.push_service import PushService, cut, drip, flood, flood_headers, go_on, hang, nonsense

DENVER = ZoneInfo("America/Denver")
EIGHT = instant_of(TODAY, time(20), DENVER)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def test_a_note_in_place_of_the_mail(stage: Stage, pushes: PushService) -> None:
    phone = pushes.phone()
    stage.subscribe(phone)
    assert stage.look(EIGHT - MINUTE) == 0 and pushes.got == []
    assert stage.look(EIGHT) == 1
    [got] = pushes.got_for(phone)
    assert phone.open(got.body).decode() == SENTENCE
    claims = check_signature(got.headers["authorization"], stage.public_key)
    assert claims["aud"] == f"http://localhost:{pushes.port}"
    assert claims["sub"] == "mailto:journal@example.org"
    assert 0 < claims["exp"] - EIGHT.timestamp() <= 24 * 3600
    assert got.headers["content-encoding"] == "aes128gcm"
    assert (got.headers["urgency"], got.headers["topic"]) == ("normal", "reminder")
    assert 2 * 3600 - 5 <= int(got.headers["ttl"]) <= 2 * 3600  # it is quiet from ten
    assert got.headers["host"] == f"localhost:{pushes.port}"
    assert stage.mails() == []
    for later in (MINUTE, TRY_FOR, 3 * timedelta(hours=1)):
        assert stage.look(EIGHT + later) == 0
    assert len(pushes.got) == 1 and stage.mails() == []
    assert stage.look(EIGHT + DAY) == 1


def test_only_that_phone_can_open_it(stage: Stage, pushes: PushService) -> None:
    phone = pushes.phone()
    stage.subscribe(phone)
    stage.look(EIGHT)
    with pytest.raises(InvalidTag):
        Phone(phone.endpoint).open(pushes.got[0].body)
    assert SENTENCE.encode() not in pushes.got[0].body


def test_it_says_nothing_of_anybody(stage: Stage, pushes: PushService) -> None:
    """Two people's notes differ in nothing but what encryption makes different."""
    stage.ida.infuse(stage.session, TODAY - DAY, NOON)
    phone = pushes.phone()
    stage.subscribe(phone)
    stage.look(EIGHT)
    got = pushes.got[0]
    known = {"host", "accept-encoding", "content-length", "ttl", "topic", "urgency", "content-encoding"}
    assert set(got.headers) == known | {"content-type", "authorization"}
    assert "ida" not in str(got.headers).casefold()


@pytest.mark.parametrize("code", [404, 410])
def test_a_phone_that_is_gone_is_taken_off_the_list(stage: Stage, pushes: PushService, code: int) -> None:
    stage.subscribe(pushes.phone(code))
    assert stage.look(EIGHT) == 0
    assert stage.count("push_devices") == 0
    assert stage.mails() == [EIGHT]
    assert stage.look(EIGHT + MINUTE) == 0 and len(pushes.got) == 1


@pytest.mark.parametrize("answer", [400, 401, 403, 413, (301, {"Location": "/elsewhere"})])
def test_what_is_refused_is_not_tried_again(stage: Stage, pushes: PushService, answer: Any) -> None:
    phone = pushes.phone(answer)
    stage.subscribe(phone)
    assert stage.look(EIGHT) == 0
    assert stage.mails() == [EIGHT] and stage.count("push_devices", "failures = 1") == 1
    for n in range(1, service.FAILURES):
        assert stage.look(EIGHT + n * DAY) == 0
    assert stage.count("push_devices") == 0
    assert {got.path for got in pushes.got} == {"/" + phone.endpoint.split("/", 3)[3]}  # nobody followed it
    assert len(pushes.got) == service.FAILURES == len(stage.mails())


def test_one_good_note_forgets_the_bad_ones(stage: Stage, pushes: PushService) -> None:
    stage.subscribe(pushes.phone(400, 400, 201))
    for n in range(3):
        stage.look(EIGHT + n * DAY)
    assert stage.count("push_devices", "failures = 0 AND last_success_at IS NOT NULL") == 1
    assert len(stage.mails()) == 2


def at_half_past(_now: datetime) -> str:
    return format_datetime((EIGHT + timedelta(minutes=30)).astimezone(UTC), usegmt=True)


@pytest.mark.parametrize(
    ("code", "headers", "minutes"),
    [
        (429, {"Retry-After": "1800"}, 30),
        (503, {"Retry-After": at_half_past(EIGHT)}, 30),
        (500, {}, 1),
        (429, {"Retry-After": "soon"}, 1),
        (502, {"Retry-After": "-5"}, 1),
    ],
)
def test_later_means_later(
    stage: Stage, pushes: PushService, code: int, headers: dict[str, str], minutes: int
) -> None:
    stage.subscribe(pushes.phone((code, headers), 201))
    assert stage.look(EIGHT) == 0
    assert stage.look(EIGHT + timedelta(minutes=minutes, seconds=-1)) == 0
    assert len(pushes.got) == 1 and stage.mails() == []
    assert stage.look(EIGHT + timedelta(minutes=minutes, seconds=1)) == 1
    assert len(pushes.got) == 2 and stage.mails() == []


@pytest.mark.parametrize("wait", ["7200", "86400", "999999999999", "Sun, 29 Nov 2026 00:00:00 GMT"])
def test_too_much_later_means_the_mail_now(stage: Stage, pushes: PushService, wait: str) -> None:
    stage.subscribe(pushes.phone((429, {"Retry-After": wait})))
    assert stage.look(EIGHT) == 0
    assert stage.mails() == [EIGHT]
    assert stage.count("push_devices", "failures = 0") == 1  # it is not the phone's fault
    assert stage.look(EIGHT + TRY_FOR) == 0 and len(pushes.got) == 1


def test_a_push_service_that_never_gets_well(stage: Stage, pushes: PushService) -> None:
    stage.subscribe(pushes.phone(500))
    now = EIGHT
    while now < EIGHT + TRY_FOR + 2 * MINUTE:
        stage.look(now)
        now += MINUTE
    assert len(stage.mails()) == 1
    assert 4 <= len(pushes.got) <= 8


@pytest.mark.parametrize("bad", [hang, go_on, cut, nonsense, flood_headers], ids=lambda one: one.__name__)
def test_a_push_service_that_hangs_or_raves(stage: Stage, pushes: PushService, bad: Any, short: None) -> None:
    """It costs its deadline and no more, and what it says is not believed."""
    stage.subscribe(pushes.phone(bad, 201))
    assert stage.look(EIGHT) == 0 and stage.mails() == []
    assert stage.look(EIGHT + 2 * MINUTE) == 1
    assert len(pushes.got) == 2


@pytest.mark.parametrize("bad", [flood, drip], ids=lambda one: one.__name__)
def test_an_answer_without_end(stage: Stage, pushes: PushService, bad: Any, short: None) -> None:
    """It said "201"; what else it says is not waited for."""
    stage.subscribe(pushes.phone(bad))
    assert stage.look(EIGHT) == 1


def test_one_that_hangs_holds_up_nobody_else(stage: Stage, pushes: PushService, short: None) -> None:
    """Of many phones at one push service that is away, one is tried in each look."""
    for _ in range(6):
        stage.subscribe(pushes.phone(hang))
    stage.look(EIGHT)
    assert len(pushes.got) == 1 and stage.count("push_notes", "due_at IS NOT NULL") == 1


def test_no_push_service_at_all(stage: Stage) -> None:
    stage.subscribe(Phone("http://localhost:9/push/x"))
    assert stage.look(EIGHT) == 0
    stage.look(EIGHT + TRY_FOR)
    assert len(stage.mails()) == 1


def test_one_phone_of_several_is_enough(stage: Stage, pushes: PushService) -> None:
    phones = [pushes.phone(code) for code in (201, 410, 500, 201)]
    for phone in phones:
        stage.subscribe(phone)
    assert stage.look(EIGHT) == 1
    assert len(pushes.got) == 4
    assert stage.count("push_devices") == 3 and stage.mails() == []
    assert stage.look(EIGHT + timedelta(hours=1)) == 0 and len(pushes.got) == 4


def test_everything_counts_that_happens_meanwhile(stage: Stage, pushes: PushService) -> None:
    stage.subscribe(pushes.phone((429, {"Retry-After": "600"}), 201))
    stage.look(EIGHT)
    stage.ida.log(stage.session, TODAY, EIGHT)
    stage.session.commit()
    assert stage.look(EIGHT + timedelta(minutes=11)) == 0
    assert len(pushes.got) == 1 and stage.mails() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda s: reminders.pause(s.session, s.ida.viewer, EIGHT),
        lambda s: accounts.settle(s.session, s.ida.account_id, verified_at=None),
        lambda s: delete_account(s.session, s.ida.viewer, Moment(EIGHT, TODAY, DENVER)),
    ],
    ids=["paused", "not confirmed", "gone"],
)
def test_silent_at_once_when(stage: Stage, pushes: PushService, change: Any) -> None:
    stage.subscribe(pushes.phone(500))
    stage.look(EIGHT)
    change(stage)
    stage.session.commit()
    assert stage.look(EIGHT + TRY_FOR) == 0
    assert len(pushes.got) == 1 and stage.mails() == []


def test_signing_out_silences_that_phone_at_once(stage: Stage, pushes: PushService) -> None:
    lost, kept = pushes.phone(), pushes.phone()
    token = stage.subscribe(lost)
    stage.subscribe(kept)
    found = find_signed_in(stage.session, token, NOON)
    assert found is not None
    accounts.end_session(stage.session, stage.ida.account_id, found.session_id, NOON)
    stage.session.commit()
    assert stage.look(EIGHT) == 1
    assert pushes.got_for(lost) == [] and len(pushes.got_for(kept)) == 1
    assert stage.count("push_devices") == 2
    assert service.sweep(stage.session, EIGHT) == 1 and stage.count("push_devices") == 1


def test_without_any_phone_left_the_mail_comes(stage: Stage, pushes: PushService) -> None:
    phone = pushes.phone(500)
    stage.subscribe(phone)
    stage.look(EIGHT)
    accounts.end_other_sessions(stage.session, stage.ida.account_id, None, EIGHT)
    stage.session.commit()
    stage.look(EIGHT + 2 * MINUTE)
    assert len(pushes.got) == 1 and len(stage.mails()) == 1


def test_switched_off_by_the_operator(stage: Stage, pushes: PushService) -> None:
    stage.subscribe(pushes.phone())
    reminders.send_batch(stage.session, EIGHT)
    stage.session.commit()
    off = Office(None, OFFICE.is_wanted, OFFICE.instead)
    assert tasks.send_due(stage.database, off, EIGHT) == 0
    assert pushes.got == [] and stage.mails() == [EIGHT]
    reminders.send_batch(stage.session, EIGHT + DAY, by_push=False)
    assert len(stage.mails()) == 2


def test_after_a_new_key_mails_come(stage: Stage, pushes: PushService) -> None:
    stage.subscribe(pushes.phone())
    assert service.change_key(stage.session, NOON) == 1
    stage.session.commit()
    assert stage.look(EIGHT) == 0 and stage.mails() == [EIGHT]
    stage.subscribe(pushes.phone())
    assert stage.look(EIGHT + DAY) == 1


def test_a_note_that_came_up_late_is_left_out(stage: Stage, pushes: PushService) -> None:
    """The worker was away between asking and sending."""
    stage.subscribe(pushes.phone())
    reminders.send_batch(stage.session, EIGHT)
    stage.session.commit()
    assert tasks.send_due(stage.database, OFFICE, EIGHT + timedelta(hours=3, seconds=1)) == 0
    assert pushes.got == [] and stage.mails() == []


def test_a_note_is_asked_for_once_a_day(stage: Stage, pushes: PushService) -> None:
    stage.subscribe(pushes.phone())
    stage.look(EIGHT)
    for _ in range(2):
        service.put(
            stage.session,
            stage.ida.account_id,
            reminders.mail_id(stage.ida.account_id, TODAY),
            QuietHours(),
            DENVER,
            EIGHT + DAY,
            EIGHT,
        )
    stage.session.commit()
    assert stage.look(EIGHT + MINUTE) == 0 and len(pushes.got) == 1


def test_settled_notes_are_forgotten(stage: Stage, pushes: PushService) -> None:
    stage.subscribe(pushes.phone())
    stage.look(EIGHT)
    assert service.sweep(stage.session, EIGHT + 29 * DAY) == 0
    assert service.sweep(stage.session, EIGHT + 31 * DAY) == 1


class Killed(BaseException):
    """A worker dies here."""


def test_killed_before_the_answer_was_kept(
    stage: Stage, pushes: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one case in which a push service gets a note twice; the phone shows one, by topic and tag."""
    phone = pushes.phone()
    stage.subscribe(phone)

    def die(*_: object) -> bool:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(service, "note_answer", die)
        with pytest.raises(Killed):
            stage.look(EIGHT)
    assert stage.look(EIGHT + service.LEASE - timedelta(seconds=1)) == 0 and len(pushes.got) == 1
    assert stage.look(EIGHT + service.LEASE + MINUTE) == 1
    assert len(pushes.got) == 2 and len({got.headers["topic"] for got in pushes.got}) == 1
    assert stage.mails() == []


def test_killed_between_two_phones(
    stage: Stage, pushes: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first phone has its note, and gets no second; the other gets its own."""
    first, second = pushes.phone(), pushes.phone(500)
    stage.subscribe(first)
    stage.subscribe(second)
    post = tasks._post

    def die_second(work: Any, phone: Any, *more: Any) -> Any:
        if phone.subscription.endpoint == second.endpoint:
            raise Killed
        return post(work, phone, *more)

    with monkeypatch.context() as patched:
        patched.setattr(tasks, "_post", die_second)
        with pytest.raises(Killed):
            stage.look(EIGHT)
    stage.look(EIGHT + service.LEASE + MINUTE)
    assert len(pushes.got_for(first)) == len(pushes.got_for(second)) == 1
    assert stage.count("push_notes", "settled_at IS NOT NULL") == 1
    assert stage.mails() == []  # one phone took it


def test_a_worker_that_slept_too_long_changes_nothing(stage: Stage, pushes: PushService) -> None:
    """Its lease is over, and another has the note."""
    stage.subscribe(pushes.phone())
    reminders.send_batch(stage.session, EIGHT)
    slow = service.claim(stage.session, EIGHT)
    assert slow is not None and service.claim(stage.session, EIGHT) is None
    fast = service.claim(stage.session, EIGHT + service.LEASE)
    assert fast is not None and fast.note_id == slow.note_id
    assert not service.is_ours(stage.session, slow) and service.is_ours(stage.session, fast)
    assert not service.settle(stage.session, slow, EIGHT)
    assert service.settle(stage.session, fast, EIGHT)


def test_one_fault_keeps_nobody_back(
    stage: Stage, pushes: PushService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = pushes.phone()
    stage.subscribe(phone)
    stage.session.execute(
        service.PushNote.__table__.insert().values(
            id=uuid4(),
            account_id=stage.ida.account_id,
            asked_at=EIGHT - MINUTE,
            day_ends_at=EIGHT + DAY,
            due_at=EIGHT - MINUTE,
            attempts=0,
        )
    )
    stage.session.commit()
    begin = tasks._begin

    def fail_first(database: Any, office: Any, claimed: Any, now: Any) -> Any:
        if claimed.asked_at < EIGHT:
            raise ValueError(phone.endpoint)
        return begin(database, office, claimed, now)

    monkeypatch.setattr(tasks, "_begin", fail_first)
    assert stage.look(EIGHT) == 1
    logged = capsys.readouterr()
    assert "note failed" in logged.err and "/push/" not in logged.err + logged.out


def test_logs_name_no_address(
    stage: Stage, pushes: PushService, short: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for answer in (500, 410, 301, hang):
        stage.subscribe(pushes.phone(answer))
    stage.look(EIGHT)
    logged = capsys.readouterr()
    assert logged.err.count("note not taken") == 4
    assert "localhost" not in logged.err and "/push/" not in logged.err + logged.out


def test_nothing_is_left_of_a_deleted_account(stage: Stage, pushes: PushService) -> None:
    stage.subscribe(pushes.phone(500))
    service.keep_quiet(stage.session, stage.ida.viewer, QuietHours(1, 2))
    stage.session.commit()
    stage.look(EIGHT)
    tables = ("push_devices", "push_notes", "push_quiet_hours")
    assert [stage.count(table) for table in tables] == [1, 1, 1]
    delete_account(stage.session, stage.ida.viewer, Moment(EIGHT, TODAY, DENVER))
    stage.session.commit()
    assert [stage.count(table) for table in tables] == [0, 0, 0]
