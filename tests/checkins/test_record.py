"""Saving a check-in, as a person does it."""

import pytest

from tests.cast import Cast


def test_a_day_is_logged_and_shown(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    answer = browser.send(
        "/check-ins/2026-11-22", {"mood": "6", "anxiety": "4", "side_effects-nausea": "mild"}
    )
    page = browser.follow(answer)
    assert "Saved at 12:00 pm." in page.text
    assert "Mood</dt><dd>6" in page.text
    assert "canary" not in page.text


def test_nothing_at_all_is_refused_kindly(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    page = browser.send("/check-ins/2026-11-22", {}, expect=422)
    assert "There is nothing to keep yet" in page.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mood", "11"),
        ("mood", "-1"),
        ("mood", "six"),
        ("mood", "6.5"),
        ("side_effects-nausea", "awful"),
        ("joy", "5"),
    ],
)
def test_bad_input_says_why_and_keeps_the_rest(cast: Cast, field: str, value: str) -> None:
    browser = cast.patient.sign_in()
    browser.get("/today")
    page = browser.send(
        "/check-ins/2026-11-22", {"sleep": "3", "note": "kept words", field: value}, expect=422
    )
    assert 'id="errors"' in page.text
    assert "kept words" in page.text
    assert 'name="sleep" value="3" checked' in page.text
    assert "How is today" in browser.get("/today").text  # nothing was saved
