"""Who is here, and what day it is for them: what every view of a signed-in patient begins with."""

from datetime import date
from zoneinfo import ZoneInfo

from journal.domain.access import Viewer
from journal.domain.days import Moment, day_of
from journal.kit import clock
from journal.kit.web import device, person


def viewer() -> Viewer:
    """The signed-in person, in the own journal."""
    return Viewer.patient(person().account_id)


def zone() -> ZoneInfo:
    return ZoneInfo(person().zone)


def moment() -> Moment:
    """Now, as this request sees it."""
    now, where = clock.now(), zone()
    return Moment(now, day_of(now, where, person().day_ends_hour), where, device())


def today() -> date:
    return moment().today
