"""Which single answers bring help up on a phone without signal, each at its edge."""

import pytest

from journal.domain.flag_rules import asks_for_help
from journal.domain.side_effects import RED_FLAGS


@pytest.mark.parametrize(
    ("field", "value", "when"),
    [
        ("any_red_flag_now", "yes", "now"),
        ("any_red_flag_now", "no", None),
        ("side_effects-headache", "severe", "now"),
        ("side_effects-headache", "moderate", None),
        ("phq9_9", "1", "now"),
        ("phq9_9", "0", None),
        ("phq9_8", "3", None),
        ("happening_now-hallucination", "yes", "later"),
        ("happening_now-hallucination", "no", None),
        ("side_effects-hallucination", "mild", "later"),
        ("side_effects-hallucination", "none", None),
        ("dissociation", "7", "later"),
        ("dissociation", "6", None),
        ("dissociation", "", None),
        ("diss_next_day", "4", "later"),
        ("diss_next_day", "3", None),
        ("diss_duration", "not-yet", "later"),
        ("diss_duration", "longer", None),
        ("still_senses", "yes", "later"),
        ("still_senses", "no", None),
        ("side_effects-nausea", "severe", None),
        ("mood", "0", None),
    ],
)
def test_an_answer(field: str, value: str, when: str | None) -> None:
    assert asks_for_help(field, value) == when


@pytest.mark.parametrize("effect", RED_FLAGS)
def test_each_alarm_sign_that_is_happening_now(effect: str) -> None:
    assert asks_for_help(f"happening_now-{effect}", "yes") == "now"
    assert asks_for_help(f"happening_now-{effect}", "no") is None
