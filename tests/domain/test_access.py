"""Who may see what of an entry: every part belongs to a kind that can be shared, or to none."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.domain.access import DATELESS, KINDS, PARTS, WHOLE, Scope, Viewer, clip, is_wider
from journal.domain.errors import NotYours
from journal.domain.payloads import KINDS as ENTRY_KINDS
from tests.payloads import VALID

DAY = date(2026, 11, 1)
NEVER_SHARED = {
    # what the patient is treated for, how the journal is set up, and the plan of what is still to come
    "profile": {"name", "treated_for", "measures", "always_dissociation", "questionnaires", "language"},
    "safety-check": {"safe"},
}


@pytest.mark.parametrize("kind", sorted(ENTRY_KINDS))
@settings(max_examples=3)
@given(data=st.data())
def test_each_part_of_each_entry_is_decided(kind: str, data: st.DataObject) -> None:
    """A new field is shared with nobody until somebody decides, and this test asks for the decision."""
    dumped = ENTRY_KINDS[kind].parse(data.draw(VALID[kind])).dump()
    shared = set(PARTS.get(kind, {}))
    assert shared | NEVER_SHARED.get(kind, set()) == set(dumped)
    assert not shared & NEVER_SHARED.get(kind, set())
    assert set(PARTS.get(kind, {}).values()) <= set(KINDS)


@pytest.mark.parametrize("kind", sorted(ENTRY_KINDS))
@settings(max_examples=25)
@given(data=st.data())
def test_parts_can_be_read_and_show_nothing_else(kind: str, data: st.DataObject) -> None:
    dumped = ENTRY_KINDS[kind].parse(data.draw(VALID[kind])).dump()
    scope = Scope(frozenset(data.draw(st.sets(st.sampled_from(sorted(KINDS))))))
    part = scope.part_of(kind, dumped)
    if not scope.may_read(kind):
        assert part is None or kind in WHOLE
        return
    if part is None:
        held = [value for name, value in dumped.items() if PARTS[kind].get(name) in scope.kinds]
        assert not any(set(value) - {"craving"} for value in held if value)
        return
    loaded = ENTRY_KINDS[kind].load(part).dump()
    craves = dumped.get("side_effects", {}).get("craving", "none") != "none"
    for name, value in dumped.items():
        if name == "worst_side_effect" and craves:
            assert not loaded[name]
        elif PARTS[kind].get(name) in scope.kinds:
            told = {k: v for k, v in value.items() if k != "craving"} if isinstance(value, dict) else value
            assert loaded[name] == told
        else:
            assert not loaded[name] or (kind, name) == ("profile", "language"), (name, loaded[name])


CHECK_IN: dict[str, Any] = {
    "measures": {"mood": 3},
    "side_effects": {"nausea": "mild"},
    "happening_now": {},
    "note": "words",
}


@pytest.mark.parametrize(
    ("kinds", "part"),
    [
        ({"daily"}, {"measures": {"mood": 3}, "side_effects": {}, "happening_now": {}, "note": ""}),
        (
            {"side-effects"},
            {"measures": {}, "side_effects": {"nausea": "mild"}, "happening_now": {}, "note": ""},
        ),
        ({"notes"}, {"measures": {}, "side_effects": {}, "happening_now": {}, "note": "words"}),
        ({"infusions", "questionnaires", "safety-plan"}, None),
        (set(), None),
    ],
)
def test_a_check_in_by_kind(kinds: set[str], part: Any) -> None:
    assert Scope(frozenset(kinds)).part_of("check-in", CHECK_IN) == part


def test_an_entry_of_which_nothing_is_left_is_not_there() -> None:
    """That something was logged on a day would tell as well."""
    only_note = {**CHECK_IN, "measures": {}, "side_effects": {}}
    assert Scope(frozenset({"daily", "side-effects"})).part_of("check-in", only_note) is None


def test_what_was_promised_to_be_told_to_nobody_is_in_no_share() -> None:
    told = {**CHECK_IN, "side_effects": {"craving": "severe", "nausea": "mild"}}
    part = Scope(frozenset(KINDS)).part_of("check-in", told)
    assert part is not None and part["side_effects"] == {"nausea": "mild"}
    only = {"measures": {}, "side_effects": {"craving": "severe"}, "happening_now": {}, "note": ""}
    assert Scope(frozenset(KINDS)).part_of("check-in", only) is None


@pytest.mark.parametrize(
    ("since", "until", "wanted", "clipped"),
    [
        (None, None, (None, None), (None, None)),
        (date(2026, 10, 1), None, (None, None), (date(2026, 10, 1), None)),
        (date(2026, 10, 1), None, (date(2026, 9, 1), DAY), (date(2026, 10, 1), DAY)),
        (date(2026, 10, 1), None, (date(2026, 10, 5), DAY), (date(2026, 10, 5), DAY)),
        (None, date(2026, 10, 20), (date(2026, 10, 5), DAY), (date(2026, 10, 5), date(2026, 10, 20))),
        (None, date(2026, 12, 1), (None, DAY), (None, DAY)),
    ],
)
def test_days_are_clipped(since: Any, until: Any, wanted: Any, clipped: Any) -> None:
    scope = Scope(frozenset({"daily"}), since, until)
    assert clip(scope, "check-in", *wanted) == clipped
    for kind in DATELESS:
        assert clip(scope, kind, *wanted) == wanted


@pytest.mark.parametrize(
    ("before", "after", "wider"),
    [
        (Scope(frozenset({"daily"})), Scope(frozenset({"daily"})), False),
        (Scope(frozenset({"daily", "notes"})), Scope(frozenset({"daily"})), False),
        (Scope(frozenset({"daily"})), Scope(frozenset({"daily", "notes"})), True),
        (Scope(frozenset({"daily"})), Scope(frozenset({"notes"})), True),
        (Scope(frozenset({"daily"}), DAY), Scope(frozenset({"daily"})), True),
        (Scope(frozenset({"daily"}), DAY), Scope(frozenset({"daily"}), date(2026, 10, 31)), True),
        (Scope(frozenset({"daily"}), DAY), Scope(frozenset({"daily"}), date(2026, 11, 2)), False),
        (Scope(frozenset({"daily"})), Scope(frozenset({"daily"}), DAY), False),
        (Scope(frozenset({"daily"}), None, DAY), Scope(frozenset({"daily"})), True),
        (Scope(frozenset({"daily"}), None, DAY), Scope(frozenset({"daily"}), None, date(2026, 11, 2)), True),
    ],
)
def test_what_makes_a_share_wider(before: Scope, after: Scope, wider: bool) -> None:
    assert is_wider(before, after) is wider


def test_a_reader_writes_nothing_and_is_not_the_patient() -> None:
    patient, reader = uuid4(), uuid4()
    for viewer in (
        Viewer(reader, patient, Scope(frozenset(KINDS))),
        Viewer(patient, patient, Scope(frozenset(KINDS))),  # the preview
        Viewer(None, patient, Scope(frozenset(KINDS))),
        Viewer(reader, patient),
    ):
        assert not viewer.may_write
        with pytest.raises(NotYours):
            viewer.must_be_patient()
    assert not Viewer(reader, patient).may_read("check-in")
    assert Viewer.patient(patient).may_write
