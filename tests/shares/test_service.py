"""Shares from giving to ending: who may open what at which instant, and that every read is in the log first."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from journal.accounts import service as accounts
from journal.audit.queries import get_access_log
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.errors import NotYours, Refused
from journal.kit.outbox import OutboxMail
from journal.shares import queries, service
from journal.shares.models import Share
from journal.shares.service import Wish
from tests.cast import TODAY, ZONE, Cast
from tests.conftest import NOON as NOW

WHERE = ZoneInfo(ZONE)
EVERYTHING = Scope(frozenset(KINDS))
READER = "lee@example.org"


def a_wish(**values: object) -> Wish:
    given: dict[str, object] = {
        "share_id": uuid4(),
        "name": "Mara",
        "to": "Dr Lee",
        "scope": EVERYTHING,
        "ends_on": TODAY + timedelta(days=30),
        "email": READER,
        "tell_me": True,
    }
    return Wish(**(given | values))  # type: ignore[arg-type]


def expires(wish: Wish) -> datetime:
    return service.expiry(wish.ends_on, WHERE, 0)


@pytest.fixture
def reader(session: Session) -> UUID:
    account_id = accounts.sign_up(session, READER, "x", accounts.Place(ZONE), NOW)
    accounts.settle(session, account_id, verified_at=NOW)
    return account_id


@pytest.fixture
def viewer(cast: Cast) -> Iterator[Viewer]:
    yield cast.patient.viewer


def give(session: Session, viewer: Viewer, reader: UUID, wish: Wish | None = None) -> Wish:
    """An accepted share with a person."""
    wish = wish or a_wish()
    assert service.invite(session, viewer, wish, expires(wish), NOW)
    token = service.new_invitation(session, wish.share_id, NOW)
    assert token and service.accept(session, token, reader, READER, NOW) == wish.share_id
    return wish


def test_an_invitation_is_for_one_address_and_once(
    session: Session, viewer: Viewer, reader: UUID, cast: Cast
) -> None:
    wish = a_wish()
    assert service.invite(session, viewer, wish, expires(wish), NOW)
    assert not service.invite(session, viewer, wish, expires(wish), NOW)  # the form sent twice
    token = service.new_invitation(session, wish.share_id, NOW) or ""
    assert len(token) >= 22  # 128 bits or more
    assert service.accept(session, token, cast.newcomer.account_id, cast.newcomer.email, NOW) is None
    assert service.accept(session, "another", reader, READER, NOW) is None
    assert service.accept(session, token, reader, READER, NOW + timedelta(days=15)) is None
    assert service.accept(session, token, reader, READER, NOW) == wish.share_id
    assert service.accept(session, token, reader, READER, NOW) is None
    assert service.new_invitation(session, wish.share_id, NOW) is None


def test_a_second_mail_makes_the_first_useless(session: Session, viewer: Viewer, reader: UUID) -> None:
    wish = a_wish()
    service.invite(session, viewer, wish, expires(wish), NOW)
    first = service.new_invitation(session, wish.share_id, NOW) or ""
    second = service.new_invitation(session, wish.share_id, NOW) or ""
    assert service.accept(session, first, reader, READER, NOW) is None
    assert service.accept(session, second, reader, READER, NOW) == wish.share_id


def test_a_patient_cannot_accept_the_own_invitation(session: Session, viewer: Viewer, cast: Cast) -> None:
    wish = a_wish(email=cast.patient.email)
    service.invite(session, viewer, wish, expires(wish), NOW)
    token = service.new_invitation(session, wish.share_id, NOW) or ""
    assert service.accept(session, token, cast.patient.account_id, cast.patient.email, NOW) is None


def test_open_until_the_last_day_is_over(session: Session, viewer: Viewer, reader: UUID) -> None:
    """To the second, in the patient's zone: Denver is seven hours behind."""
    wish = give(session, viewer, reader, a_wish(ends_on=date(2026, 11, 29)))
    over = datetime(2026, 11, 30, 7, 0, tzinfo=NOW.tzinfo)
    assert (
        service.read(session, reader, wish.share_id, "page", over - timedelta(seconds=1)).share_id
        == wish.share_id
    )
    for late in (over, over + timedelta(days=400)):
        with pytest.raises(NotYours):
            service.read(session, reader, wish.share_id, "page", late)


def test_ended_at_the_next_read(session: Session, viewer: Viewer, reader: UUID) -> None:
    wish = give(session, viewer, reader)
    reading = service.read(session, reader, wish.share_id, "page", NOW)
    assert service.is_open(session, reading, NOW)
    assert service.end(session, viewer, wish.share_id, NOW)
    assert not service.end(session, viewer, wish.share_id, NOW)
    with pytest.raises(NotYours):
        service.read(session, reader, wish.share_id, "page", NOW)
    assert service.read_list(session, reader, NOW) == ()
    assert not service.is_open(session, reading, NOW)
    assert queries.was_reader(session, reader, wish.share_id)


def test_strangers_read_and_change_nothing(
    session: Session, viewer: Viewer, reader: UUID, cast: Cast
) -> None:
    wish = give(session, viewer, reader)
    stranger = cast.newcomer.account_id
    with pytest.raises(NotYours):
        service.read(session, stranger, wish.share_id, "page", NOW)
    with pytest.raises(NotYours):
        service.end(session, cast.other.viewer, wish.share_id, NOW)
    with pytest.raises(NotYours):
        service.change(session, cast.other.viewer, wish, expires(wish), NOW)
    with pytest.raises(NotYours):
        service.leave(session, stranger, wish.share_id, NOW)
    with pytest.raises(NotYours):
        service.invite(session, cast.other.viewer, a_wish(share_id=wish.share_id), expires(wish), NOW)
    with pytest.raises(NotYours):
        queries.get_share(session, cast.other.viewer, wish.share_id, NOW)
    assert not queries.was_reader(session, stranger, wish.share_id)
    assert queries.list_shares(session, cast.other.viewer, NOW) == ()
    with pytest.raises(NotYours):
        queries.list_shares(session, Viewer(reader, viewer.patient_id, EVERYTHING), NOW)


def test_narrowed_and_widened_at_once(session: Session, viewer: Viewer, reader: UUID) -> None:
    wish = give(session, viewer, reader)
    narrow = a_wish(share_id=wish.share_id, scope=Scope(frozenset({"daily"}), TODAY))
    service.change(session, viewer, narrow, expires(narrow), NOW)
    assert service.read(session, reader, wish.share_id, "page", NOW).scope == narrow.scope
    service.end(session, viewer, wish.share_id, NOW)
    with pytest.raises(NotYours):
        service.change(session, viewer, wish, expires(wish), NOW)


@pytest.mark.parametrize(
    ("way", "values", "field"),
    [
        ("person", {"scope": Scope(frozenset())}, "kinds"),
        ("person", {"ends_on": TODAY - timedelta(days=1)}, "ends_on"),
        ("person", {"ends_on": TODAY + timedelta(days=367)}, "ends_on"),
        ("link", {"ends_on": TODAY + timedelta(days=31)}, "ends_on"),
        ("person", {"scope": Scope(frozenset({"daily"}), TODAY + timedelta(days=31))}, "since"),
        ("person", {"scope": Scope(frozenset({"daily"}), TODAY, TODAY - timedelta(days=1))}, "until"),
    ],
)
def test_a_wish_that_cannot_be(way: str, values: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as refused:
        service.check(a_wish(**values), way, TODAY)
    assert set(refused.value.reasons) == {field}


def test_the_longest_wishes() -> None:
    service.check(a_wish(ends_on=TODAY), "link", TODAY)
    service.check(a_wish(ends_on=TODAY + timedelta(days=30)), "link", TODAY)
    service.check(a_wish(ends_on=TODAY + timedelta(days=366)), "person", TODAY)


def a_link(session: Session, viewer: Viewer, *, once: bool = False) -> tuple[Wish, str]:
    wish = a_wish(email="", ends_on=TODAY + timedelta(days=7))
    token = service.give_link(session, viewer, wish, expires(wish), "right", NOW, once=once)
    assert token and len(token) >= 22
    return wish, token


def test_a_link_opens_after_its_passcode_only(session: Session, viewer: Viewer) -> None:
    wish, link = a_link(session, viewer)
    assert service.read_by_link(session, link, "no opening", "page", NOW) is None
    assert service.count_try(session, link, NOW) == (wish.share_id, "right")
    opening = service.let_in(session, wish.share_id, NOW) or ""
    found = service.read_by_link(session, link, opening, "page", NOW)
    assert found is not None and found.viewer.account_id is None and found.scope == EVERYTHING
    assert service.read_by_link(session, link, opening, "page", NOW + timedelta(minutes=29)) is not None
    assert service.read_by_link(session, link, opening, "page", NOW + timedelta(minutes=60)) is None  # idle
    assert service.give_link(session, viewer, wish, expires(wish), "x", NOW, once=False) is None  # sent twice


def test_an_opening_lasts_twelve_hours_at_most(session: Session, viewer: Viewer) -> None:
    wish, link = a_link(session, viewer)
    service.count_try(session, link, NOW)
    opening = service.let_in(session, wish.share_id, NOW) or ""
    for minutes in range(0, 720, 20):
        assert service.read_by_link(session, link, opening, "page", NOW + timedelta(minutes=minutes))
    assert service.read_by_link(session, link, opening, "page", NOW + timedelta(minutes=719, seconds=59))
    assert service.read_by_link(session, link, opening, "page", NOW + timedelta(minutes=720)) is None


def test_an_opening_fits_its_own_link_alone(session: Session, viewer: Viewer, cast: Cast) -> None:
    wish, link = a_link(session, viewer)
    service.count_try(session, link, NOW)
    _other, other_link = a_link(session, cast.other.viewer)
    opening = service.let_in(session, wish.share_id, NOW) or ""
    assert service.read_by_link(session, other_link, opening, "page", NOW) is None


def test_ten_wrong_passcodes_lock_the_link_and_tell_the_patient(
    session: Session, viewer: Viewer, cast: Cast
) -> None:
    wish, link = a_link(session, viewer)
    for left in range(9, -1, -1):
        assert service.count_try(session, link, NOW) is not None
        assert service.refuse_try(session, wish.share_id, NOW) == left
        mails = session.query(OutboxMail).filter_by(purpose="link-locked").all()
        assert [mail.recipient for mail in mails] == ([] if left else [cast.patient.email])
    assert service.count_try(session, link, NOW) is None  # not even the right one
    assert service.let_in(session, wish.share_id, NOW) is None
    assert queries.find_link(session, link, NOW) == queries.LinkState(wish.share_id, "locked")
    assert queries.get_share(session, viewer, wish.share_id, NOW).state == "locked"


def test_right_tries_are_not_counted_and_wrong_ones_stay(session: Session, viewer: Viewer) -> None:
    wish, link = a_link(session, viewer)
    for _ in range(5):
        service.count_try(session, link, NOW)
        service.refuse_try(session, wish.share_id, NOW)
        service.count_try(session, link, NOW)
        assert service.let_in(session, wish.share_id, NOW)
    assert session.get_one(Share, wish.share_id).tries == 5


def test_a_link_for_one_opening(session: Session, viewer: Viewer) -> None:
    wish, link = a_link(session, viewer, once=True)
    assert service.let_in(session, wish.share_id, NOW) is None  # no try was counted
    service.count_try(session, link, NOW)
    opening = service.let_in(session, wish.share_id, NOW) or ""
    assert service.read_by_link(session, link, opening, "page", NOW)
    assert service.count_try(session, link, NOW) is None
    assert service.let_in(session, wish.share_id, NOW) is None
    assert queries.find_link(session, link, NOW) == queries.LinkState(wish.share_id, "used")
    assert service.read_by_link(session, link, opening, "pdf", NOW)  # the one who came in stays in


def test_nothing_in_the_tables_can_be_used_or_read(session: Session, viewer: Viewer, reader: UUID) -> None:
    give(session, viewer, reader, a_wish(name="Mara Canary", to="Dr Canary"))
    _wish, link = a_link(session, viewer)
    session.flush()
    rows = session.execute(text("SELECT * FROM shares")).all()
    told = repr([tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows])
    assert len(rows) == 2
    for word in ("Canary", READER, link):
        assert word not in told


def test_an_invitation_can_be_sent_anew_when_it_was_not_answered(
    session: Session, viewer: Viewer, reader: UUID
) -> None:
    wish = a_wish()
    service.invite(session, viewer, wish, expires(wish), NOW)
    later = NOW + timedelta(days=15)
    assert queries.get_share(session, viewer, wish.share_id, later).state == "unanswered"
    assert service.new_invitation(session, wish.share_id, later) is None
    service.invite_again(session, viewer, wish.share_id, later)
    assert queries.get_share(session, viewer, wish.share_id, later).state == "waiting"
    token = service.new_invitation(session, wish.share_id, later) or ""
    assert service.accept(session, token, reader, READER, later) == wish.share_id
    with pytest.raises(NotYours):
        service.invite_again(session, viewer, wish.share_id, later)


def test_ten_spent_tries_lock_also_where_the_last_one_was_lost(
    session: Session, viewer: Viewer, cast: Cast
) -> None:
    """The server was killed between counting the tenth try and looking at it."""
    wish, link = a_link(session, viewer)
    for _ in range(10):
        service.count_try(session, link, NOW)
    assert queries.find_link(session, link, NOW) == queries.LinkState(wish.share_id, "locked")
    assert service.count_try(session, link, NOW) is None
    service.lock_spent(session, wish.share_id, NOW)
    service.lock_spent(session, wish.share_id, NOW)
    assert queries.get_share(session, viewer, wish.share_id, NOW).state == "locked"
    assert session.query(OutboxMail).filter_by(purpose="link-locked").count() == 1


def test_a_link_ends_after_31_days_however_often_it_is_changed(session: Session, viewer: Viewer) -> None:
    longest = a_wish(ends_on=TODAY + timedelta(days=30), email="")
    service.check(longest, "link", TODAY)
    assert expires(longest) - NOW <= timedelta(days=31)
    with pytest.raises(Refused):
        service.check(a_wish(ends_on=TODAY + timedelta(days=31)), "link", TODAY + timedelta(days=20), TODAY)


def test_narrowed_while_the_answer_is_made(session: Session, viewer: Viewer, reader: UUID) -> None:
    wish = give(session, viewer, reader)
    reading = service.read(session, reader, wish.share_id, "csv", NOW)
    narrow = a_wish(share_id=wish.share_id, scope=Scope(frozenset({"daily"})))
    service.change(session, viewer, narrow, expires(narrow), NOW + timedelta(seconds=1))
    assert not service.is_open(session, reading, NOW + timedelta(seconds=2))
    assert not service.are_open(session, [reading], NOW + timedelta(seconds=2))
    assert service.are_open(session, [], NOW)


# The access log


def test_every_read_is_logged_with_kinds_and_days(session: Session, viewer: Viewer, reader: UUID) -> None:
    scope = Scope(frozenset({"daily", "questionnaires"}), date(2026, 11, 1))
    wish = give(session, viewer, reader, a_wish(scope=scope))
    for shape in ("page", "pdf", "csv", "fhir"):
        service.read(session, reader, wish.share_id, shape, NOW)
    service.read_list(session, reader, NOW)
    log = get_access_log(session, viewer)
    assert [one.shape for one in reversed(log.rows)] == ["page", "pdf", "csv", "fhir", "list"]
    assert [one.number for one in reversed(log.rows)] == [1, 2, 3, 4, 5]
    assert {(one.kinds, one.since, one.until, one.reader_id, one.way) for one in log.rows} == {
        (("daily", "questionnaires"), date(2026, 11, 1), TODAY, reader, "person")
    }
    assert log.is_whole and log.count == 5


def test_the_log_tells_the_kinds_and_days_that_could_be_seen(
    session: Session, viewer: Viewer, reader: UUID
) -> None:
    wish = give(session, viewer, reader)
    service.read(session, reader, wish.share_id, "page", NOW, 14)
    service.read_list(session, reader, NOW)
    listed, page = get_access_log(session, viewer).rows
    assert (page.since, page.until) == (TODAY - timedelta(days=13), TODAY)
    assert listed.kinds == ("daily", "infusions", "questionnaires", "side-effects")
    assert (listed.since, listed.until) == (TODAY - timedelta(days=119), TODAY)


def test_a_refused_read_is_no_read(session: Session, viewer: Viewer, cast: Cast) -> None:
    wish, link = a_link(session, viewer)
    with pytest.raises(NotYours):
        service.read(session, cast.newcomer.account_id, wish.share_id, "page", NOW)
    assert service.read_by_link(session, link, "wrong", "page", NOW) is None
    assert get_access_log(session, viewer).rows == ()


def test_the_list_is_a_read_in_each_journal(
    session: Session, viewer: Viewer, reader: UUID, cast: Cast
) -> None:
    give(session, viewer, reader)
    give(session, viewer, reader)  # two shares of one journal: two rows
    give(session, cast.other.viewer, reader)
    assert len(service.read_list(session, reader, NOW)) == 3
    assert get_access_log(session, viewer).count == 2
    assert get_access_log(session, cast.other.viewer).count == 1
    assert get_access_log(session, viewer).is_whole
    with pytest.raises(NotYours):
        get_access_log(session, Viewer(reader, viewer.patient_id, EVERYTHING))


def test_the_first_opening_is_mailed_once_if_wished(session: Session, viewer: Viewer, reader: UUID) -> None:
    wish = give(session, viewer, reader)
    quiet = give(session, viewer, reader, a_wish(tell_me=False))
    for one in (wish, wish, quiet):
        service.read(session, reader, one.share_id, "page", NOW)
    assert session.query(OutboxMail).filter_by(purpose="share-opened").count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_reads SET shape = 'csv' WHERE number = 1",
        "UPDATE access_reads SET reader_id = NULL",
        "DELETE FROM access_reads WHERE number = 2",
        "DELETE FROM access_reads",
    ],
)
def test_the_database_refuses_to_change_the_log(
    session: Session, viewer: Viewer, reader: UUID, statement: str
) -> None:
    wish = give(session, viewer, reader)
    for _ in range(3):
        service.read(session, reader, wish.share_id, "page", NOW)
    session.flush()
    with pytest.raises(DatabaseError), session.begin_nested():
        session.execute(text(statement))
    assert get_access_log(session, viewer).is_whole


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_reads SET shape = 'csv' WHERE number = 1",
        "UPDATE access_reads SET at = '2026-11-22 19:00:01.000000' WHERE number = 2",
        "UPDATE access_reads SET kinds = 'daily' WHERE number = 3",
        "DELETE FROM access_reads WHERE number = 1",
        "DELETE FROM access_reads WHERE number = 2",
        "DELETE FROM access_reads WHERE number = 3",
        "DELETE FROM access_reads",
        "UPDATE access_heads SET number = 2",
        "DELETE FROM access_heads",
    ],
)
def test_a_log_changed_from_outside_is_told(
    session: Session, viewer: Viewer, reader: UUID, statement: str
) -> None:
    """Somebody who can take the triggers away still has no key to make the chain fit."""
    wish = give(session, viewer, reader)
    for _ in range(3):
        service.read(session, reader, wish.share_id, "page", NOW)
    session.flush()
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("DROP TRIGGER access_reads_unchanged"))
        session.execute(text("DROP TRIGGER access_reads_kept"))
    else:
        session.execute(text("DROP TRIGGER access_reads_kept ON access_reads"))
    assert get_access_log(session, viewer).is_whole
    session.execute(text(statement))
    assert not get_access_log(session, viewer).is_whole


# Reviews


def test_a_review_with_a_line_back_is_seen_by_the_patient(
    session: Session, viewer: Viewer, reader: UUID
) -> None:
    wish = give(session, viewer, reader)
    reading = service.read(session, reader, wish.share_id, "page", NOW)
    review_id = uuid4()
    assert service.review(session, reading, review_id, "  Let’s talk\nabout sleep. ", TODAY, NOW)
    assert not service.review(session, reading, review_id, "again", TODAY, NOW)
    (seen,) = queries.list_reviews(session, viewer)
    assert (seen.line, seen.last_day, seen.at) == ("Let’s talk about sleep.", TODAY, NOW)
    assert "sleep" not in repr(session.execute(text("SELECT sealed FROM reviews")).scalar_one())
    with pytest.raises(Refused):
        service.review(session, reading, uuid4(), "x" * 281, TODAY, NOW)
    with pytest.raises(NotYours):
        queries.list_reviews(session, reading.viewer)
