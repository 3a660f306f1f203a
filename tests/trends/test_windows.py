"""Days of benefit say the same in every window, wherever infusion 1 lies."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.cast import TODAY, Cast, log_checkin, log_infusion


@pytest.mark.parametrize("back", range(8, 32))
def test_the_window_slides_over_the_baseline(cast: Cast, session: Session, back: int) -> None:
    viewer = cast.patient.viewer
    for n in range(back + 8):
        log_checkin(session, viewer, TODAY - timedelta(days=n), {"mood": 2 if n > back else 7})
    for number, later in ((1, 0), (2, 4)):
        log_infusion(session, viewer, TODAY - timedelta(days=back - later), number=number)
    session.commit()
    browser = cast.patient.sign_in()
    whole = {b["number"]: b for b in browser.get("/trends.json?days=all").json["aligned"]["benefit"]}
    for days in ("14", "90"):
        aligned = browser.get(f"/trends.json?days={days}").json["aligned"]
        for benefit in aligned["benefit"] if aligned else ():
            assert benefit == whole[benefit["number"]], days


def test_an_older_series_keeps_its_own_baseline(cast: Cast, session: Session) -> None:
    viewer = cast.patient.viewer
    for n in range(130):
        log_checkin(session, viewer, TODAY - timedelta(days=n), {"mood": 2 if n > 120 or 20 < n < 30 else 7})
    for number, back in ((1, 120), (5, 80), (1, 20)):
        log_infusion(session, viewer, TODAY - timedelta(days=back), number=number)
    session.commit()
    browser = cast.patient.sign_in()
    whole = browser.get("/trends.json?days=all").json["aligned"]["benefit"]
    assert browser.get("/trends.json?days=90").json["aligned"]["benefit"] == whole[1:]


def test_a_second_check_in_takes_nothing_away(cast: Cast, session: Session) -> None:
    viewer = cast.patient.viewer
    log_checkin(session, viewer, TODAY, {"mood": 7, "sleep": 4})
    log_checkin(session, viewer, TODAY, {"sleep": 6}, note="only words and sleep")
    session.commit()
    told = {
        s["id"]: s["values"][-1] for s in cast.patient.sign_in().get("/trends.json?days=14").json["series"]
    }
    assert told["mood"] == 7 and told["sleep"] in (4, 6)
