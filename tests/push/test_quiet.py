"""Nothing is pushed in the quiet hours, whatever the clock on the wall does: the mail comes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from journal.accounts import service as accounts
from journal.domain.days import instant_of
from journal.domain.quiet import QuietHours
from journal.push import service
from tests.cast import TODAY
from tests.conftest import NOON
from tests.push.conftest import Stage
from tests.push.push_service import PushService

DENVER = ZoneInfo("America/Denver")
EIGHT = instant_of(TODAY, time(20), DENVER)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def keep(stage: Stage, first: int, last: int) -> None:
    service.keep_quiet(stage.session, stage.ida.viewer, QuietHours(first, last))
    stage.session.commit()


@pytest.mark.parametrize(
    ("hour", "quiet", "is_pushed"),
    [
        (20, (22, 8), True),
        (21, (22, 8), True),
        (22, (22, 8), False),
        (3, (22, 8), False),
        (7, (22, 8), False),
        (8, (22, 8), True),
        (3, (8, 22), True),
        (12, (8, 22), False),
        (3, (5, 5), True),
    ],
)
def test_at_each_hour(
    stage: Stage, pushes: PushService, hour: int, quiet: tuple[int, int], is_pushed: bool
) -> None:
    stage.ida.wish(stage.session, NOON, hour=hour)
    keep(stage, *quiet)
    stage.subscribe(pushes.phone())
    at = instant_of(TODAY if hour > 12 else TODAY + DAY, time(hour), DENVER)  # it is noon
    assert stage.look(at) == is_pushed
    assert (len(pushes.got), stage.mails()) == ((1, []) if is_pushed else (0, [at]))


def test_on_the_wall_where_the_patient_is(stage: Stage, pushes: PushService) -> None:
    """Eight in the evening in Denver is the night in Zurich, and the patient flew there."""
    stage.subscribe(pushes.phone())
    accounts.settle(stage.session, stage.ida.account_id, zone="Europe/Zurich")
    stage.session.commit()
    stage.look(EIGHT)
    assert pushes.got == []
    at = instant_of(TODAY + DAY, time(20), ZoneInfo("Europe/Zurich"))
    assert stage.look(at) == 1


@pytest.mark.parametrize("wait", [None, "1500"])
def test_quiet_hours_that_begin_meanwhile(stage: Stage, pushes: PushService, wait: str | None) -> None:
    """A push service said "later"; by then it is quiet. The mail is sent in time, not the note."""
    stage.ida.wish(stage.session, NOON, hour=21)
    stage.subscribe(pushes.phone((503, {"Retry-After": wait} if wait else {}), 503, 503, 503, 503, 201))
    now = instant_of(TODAY, time(21), DENVER)
    pushed_at: list[datetime] = []
    pushes.on_got = lambda _got: pushed_at.append(now)
    while now < instant_of(TODAY, time(23, 30), DENVER):
        stage.look(now)
        now += MINUTE
    assert pushed_at and max(pushed_at) < instant_of(TODAY, time(22), DENVER)
    assert len(stage.mails()) == 1


def test_a_phone_that_is_off_is_not_woken_at_night(stage: Stage, pushes: PushService) -> None:
    """The push service keeps the note until the quiet hours, four hours, or the end of the patient's day."""
    stage.subscribe(pushes.phone())
    for n, (first, last, hours) in enumerate([(21, 8, 1), (23, 8, 3), (5, 5, 4)]):
        keep(stage, first, last)
        stage.look(EIGHT + n * DAY)
        assert 0 <= hours * 3600 - int(pushes.got[-1].headers["ttl"]) <= 10
    stage.ida.wish(stage.session, NOON + 3 * DAY, hour=23)
    stage.session.commit()
    stage.look(instant_of(TODAY + 3 * DAY, time(23), DENVER))
    assert 0 <= 3600 - int(pushes.got[-1].headers["ttl"]) <= 10


@pytest.mark.parametrize("day", ["2026-10-31", "2027-03-13"])
@pytest.mark.parametrize("hour", [0, 1, 2, 3, 4])
def test_over_the_nights_on_which_clocks_change(
    stage: Stage, pushes: PushService, hour: int, day: str
) -> None:
    """Quiet from one to three: in those hours it is the mail, in the others the note, and one of them in each night. An
    hour that the night in spring leaves out comes with the next one, and that is no quiet one."""
    first = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=DENVER).astimezone(UTC)
    stage.ida.wish(stage.session, first, hour=hour)
    keep(stage, 1, 3)
    stage.subscribe(pushes.phone())
    looks = [first + n * timedelta(minutes=30) for n in range(44)]
    pushed_at = [at for at in looks if stage.look(at)]
    assert len(pushed_at) + len(stage.mails()) == 1
    is_left_out = hour == 2 and first.month == 3
    assert bool(pushed_at) == (hour not in (1, 2) or is_left_out)
    assert not {1, 2} & {at.astimezone(DENVER).hour for at in pushed_at}
