"""Any order of writing, changing, faults, deaths, other people, wrong clocks and restored servers: every text that was
saved is there once, in its owner's journal only. `FULL=1` plays 300 games, 30 otherwise."""

import os
import sqlite3
from collections import Counter
from contextlib import closing
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.browser.chromium import chromium
from tests.faults.hands import end_sessions, forget_tries
from tests.faults.kept import list_kept
from tests.faults.two_phones import Pocket
from tests.faults.writing import Line

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.once]
FULL = bool(os.environ.get("FULL"))
GAMES = 300 if FULL else 30
STEPS = 12 if FULL else 6
FAULTS = [
    "refuse",
    "reset",
    "502",
    "captive",
    "truncated",
    "foreign",
    "newer",
    "401",
    "403",
    "413",
    "429",
    "500",
]
if FULL:
    FAULTS.append("blackhole")
ZONES = ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Vienna"]


class Game(RuleBasedStateMachine):
    """Two accounts, two phones. What was saved is known by its mark."""

    line: ClassVar[Line]
    phones: ClassVar[list[Pocket]]

    @initialize()
    def begin(self) -> None:
        self.line.proxy.mend()
        self.everything = False
        forget_tries(self.line.journal)
        self.people = [self.line.sign_up(), self.line.sign_up()]
        self.saved: dict[str, str] = {}
        self.perhaps: set[str] = set()
        """What somebody threw away (it may have arrived before that), or what the phone wasn't there any more to send
        again to a restored server."""
        self.forgotten: set[str] = set()
        """What left a phone's memory when its owner signed out."""
        self.backup = self.line.journal.data_dir / "backup.sqlite3"
        self.phones[0].sign_in(self.people[0])
        self.copy()

    def phone(self, second: bool) -> Pocket:
        """The phone in hand. The second one's owner signs in where that is possible."""
        return self.phones[1 if second and self.phones[1].who else 0]

    def note(self, owner: str | None, mark: str) -> None:
        assert owner is not None
        self.saved[mark] = owner

    def can_write(self) -> bool:
        return self.phones[0].who is not None

    @precondition(can_write)
    @rule(days_ago=st.integers(0, 5), second=st.booleans(), mode=st.sampled_from([None, *FAULTS]))
    def write(self, days_ago: int, second: bool, mode: str | None) -> None:
        if mode is not None:
            self.fault(mode, False)
        phone = self.phone(second)
        self.note(phone.who, phone.write(days_ago))

    @precondition(can_write)
    @rule(place=st.integers(0, 3), second=st.booleans())
    def change(self, place: int, second: bool) -> None:
        phone = self.phone(second)
        told = phone.change(place)
        if told:
            self.note(phone.who, told[1])

    @precondition(can_write)
    @rule(place=st.integers(0, 3))
    def throw_away(self, place: int) -> None:
        gone = self.phones[0].throw_away(place)
        if gone:
            self.perhaps |= set(gone.split(","))

    @precondition(lambda self: self.can_write() and not self.everything)
    @rule(place=st.integers(0, 3), second=st.booleans())
    def edit(self, place: int, second: bool) -> None:
        """What arrived is changed on its page."""
        phone = self.phone(second)
        mark = phone.edit(place)
        if mark:
            self.note(phone.who, mark)

    @precondition(lambda self: self.can_write() and not self.everything)
    @rule(place=st.integers(0, 3), second=st.booleans())
    def delete(self, place: int, second: bool) -> None:
        """What arrived is deleted; a restored server or another version of it may bring it back."""
        there = list_kept(self.line.journal)
        gone = self.phone(second).delete(place)
        self.perhaps |= {mark for one in there if str(one.entry) == gone for mark in one.marks}

    @rule(mode=st.sampled_from(FAULTS), everything=st.booleans())
    def fault(self, mode: str, everything: bool) -> None:
        self.everything = everything
        self.line.proxy.fail(mode, only="" if everything else "/sync")

    @rule()
    def mend(self) -> None:
        self.line.proxy.mend()
        self.everything = False

    @rule(page=st.sampled_from(["/offline", "/today"]))
    def reload(self, page: str) -> None:
        self.phones[0].page.goto("/offline" if self.everything else page)

    @rule()
    def die(self) -> None:
        self.phones[0].renew()

    @precondition(lambda self: self.phones[1].who is None)
    @rule()
    def take_second_phone(self) -> None:
        self.mend()
        self.phones[1].sign_in(self.people[0])

    @rule()
    def expire(self) -> None:
        self.mend()
        for person in self.people:
            end_sessions(self.line.journal, person)
        phone = self.phones[0]
        phone.page.goto("/today")
        assert "/sign-in" in phone.page.url or "/today" not in phone.page.url
        phone.page.wait_for_timeout(100)
        for one in self.phones:
            one.who = None

    @precondition(can_write)
    @rule()
    def sign_out(self) -> None:
        phone = self.phones[0]
        self.forgotten |= {mark for mark, owner in self.saved.items() if owner == phone.who}
        phone.leave()

    @rule(number=st.integers(0, 1))
    def sign_in(self, number: int) -> None:
        self.mend()
        phone = self.phones[0]
        if phone.who and phone.who != self.people[number]:
            self.sign_out()
        phone.sign_in(self.people[number])

    @rule(hours=st.sampled_from([-48, -1, 0, 1, 48]))
    def set_clock(self, hours: int) -> None:
        self.phones[0].set_clock(hours)

    @rule(zone=st.sampled_from(ZONES))
    def travel(self, zone: str) -> None:
        self.phones[0].set_zone(zone)

    @rule()
    def copy(self) -> None:
        """Tonight's backup."""
        live = self.line.journal.data_dir / "journal.sqlite3"
        with closing(sqlite3.connect(live)) as source, closing(sqlite3.connect(self.backup)) as target:
            source.backup(target)

    @rule(says_so=st.booleans())
    def restore(self, says_so: bool) -> None:
        """The server is put back from it, with or without saying that a new epoch has begun."""
        journal = self.line.journal
        live = journal.data_dir / "journal.sqlite3"
        journal.stop()
        for old in live.parent.glob("journal.sqlite3*"):
            old.unlink()
        live.write_bytes(self.backup.read_bytes())
        if says_so:
            told = journal.flask("sync", "new-epoch")
            assert told.returncode == 0, told.stderr
        journal.start()
        there = {mark for one in list_kept(journal) for mark in one.marks}
        self.perhaps |= self.forgotten - there

    def teardown(self) -> None:
        """Faults off, everybody signs in, everything is sent: then each text is there once."""
        if not hasattr(self, "saved"):
            return
        self.line.proxy.mend()
        attention: set[str] = set()
        try:
            for phone in self.phones:
                if not phone.used:
                    continue
                phone.page.goto("/offline")
                phone.page.evaluate("() => localStorage.removeItem('test-clock-off')")
                for email in sorted(phone.used):
                    attention |= phone.drain(email)
            self.judge(attention)
        finally:
            for number, phone in enumerate(self.phones):
                if phone.used:
                    phone.context.close()
                    self.phones[number] = Pocket(phone.browser, self.line)

    def judge(self, attention: set[str]) -> None:
        kept = list_kept(self.line.journal)
        found = Counter((one.owner, mark) for one in kept for mark in one.marks)
        for mark, owner in self.saved.items():
            times = {email: number for (email, one), number in found.items() if one == mark}
            assert set(times) <= {owner}, f"{mark} of {owner} is with {times}"
            assert times.get(owner, 0) <= 1, f"{mark} is there {times[owner]} times"
            assert times or mark in attention or mark in self.perhaps, f"{mark} is lost"


def test_every_saved_text_is_there_once(line: Line) -> None:
    with chromium() as browser:
        Game.line, Game.phones = line, [Pocket(browser, line), Pocket(browser, line)]
        run_state_machine_as_test(
            Game,
            settings=settings(
                max_examples=GAMES,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=not FULL,
                database=None,
                report_multiple_bugs=False,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
