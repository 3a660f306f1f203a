"""Every kind of entry: what is valid comes back equal, and what is not gets a reason per field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.domain.errors import Refused
from journal.domain.payloads import KINDS
from tests.payloads import VALID, anything


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_valid_data_survives_parsing_and_storing(kind: str) -> None:
    @given(VALID[kind])
    def check(data: dict[str, Any]) -> None:
        payload = KINDS[kind].parse(data)
        stored = json.loads(json.dumps(payload.dump()))
        again = KINDS[kind].load(stored)
        assert again == payload
        assert KINDS[kind].parse(stored) == payload  # what was exported can be imported

    check()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_whatever_comes_is_kept_or_refused_with_reasons(kind: str) -> None:
    @given(anything(kind))
    def check(data: dict[str, Any]) -> None:
        try:
            payload = KINDS[kind].parse(data)
        except Refused as refused:
            assert refused.reasons
            assert all(name and reason.endswith((".", "?")) for name, reason in refused.reasons.items())
        else:
            assert KINDS[kind].load(json.loads(json.dumps(payload.dump()))) == payload

    check()


@given(st.text(max_size=40))
def test_a_skipped_number_is_not_zero(value: str) -> None:
    from journal.domain.checkin import CheckIn

    try:
        checkin = CheckIn.parse({"measures": {"mood": value}})
    except Refused:
        return
    assert ("mood" in checkin.measures) == (value != "")


def test_line_ends_are_those_of_the_journal() -> None:
    from journal.domain.checkin import Note

    assert Note.parse({"text": "one\r\ntwo\rthree"}).text == "one\ntwo\nthree"
