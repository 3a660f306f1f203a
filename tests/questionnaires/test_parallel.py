"""Every question of a form answered at the same moment, from as many phones: each answer is there, one flag."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from journal.domain.access import Viewer
from journal.domain.days import Moment
from journal.domain.instrument_files import instruments
from journal.entries.queries import get_entry
from journal.flags.models import Flag
from journal.kit.db import Database
from journal.questionnaires import service
from tests.cast import TODAY, ZONE
from tests.entries.test_parallel import NOW, patient

pytestmark = pytest.mark.slow
__all__ = ["patient"]
PHONES = 4


def test_all_answers_at_once(patient: tuple[Database, Viewer]) -> None:
    database, viewer = patient
    phq9, response = instruments()["phq-9"], uuid4()
    asked = [item.id for item in phq9.items[:9]] * PHONES  # the first things that this patient ever writes
    start = Barrier(len(asked))

    def tap(item_id: str) -> bool:
        start.wait()
        with database.writing() as session:
            moment = Moment(NOW, TODAY, ZoneInfo(ZONE))
            told = service.answer(
                session, viewer, phq9, item_id, "1", moment, entry_id=response, language="en"
            )
            session.commit()
            return told.considered.help_first

    with ThreadPoolExecutor(len(asked)) as pool:
        helped = list(pool.map(tap, asked))
    with database.reading() as session:
        held = get_entry(session, viewer, response, "questionnaire")
        flags = session.scalars(select(Flag)).all()
    assert held.payload["answers"] == {item.id: 1 for item in phq9.items[:9]}
    assert held.revision == 9 and held.beside == 0
    assert len(flags) == 1 and helped.count(True) == 1
