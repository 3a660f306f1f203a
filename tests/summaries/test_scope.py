"""Whatever the format, a file holds what is shared and nothing else."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy.orm import Session

from journal.domain import fhir, summary_csv
from journal.domain.access import KINDS
from journal.domain.summary import Summary
from tests.cast import TODAY, Cast
from tests.summaries.told import (
    CANARIES,
    EVERYTHING,
    OUT_OF_RANGE,
    SCORES_ONLY,
    SINCE,
    UNTIL,
    summarize,
    tell,
)

FORMATS: dict[str, Callable[[Summary], str]] = {
    "csv": summary_csv.write,
    "fhir": lambda summary: fhir.write(fhir.document(summary)),
    "fhir collection": lambda summary: fhir.write(fhir.collection(summary)),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("kinds", "since", "until"),
    [
        (EVERYTHING, None, None),
        (EVERYTHING, SINCE, UNTIL),
        (SCORES_ONLY, None, None),
        (SCORES_ONLY, SINCE, UNTIL),
        *((EVERYTHING - {kind}, None, None) for kind in sorted(KINDS)),
        *((frozenset({kind}), SINCE, UNTIL) for kind in sorted(KINDS)),
    ],
    ids=str,
)
def test_nothing_outside_the_scope(
    cast: Cast, session: Session, name: str, kinds: frozenset[str], since: date | None, until: date | None
) -> None:
    tell(session, cast.patient.viewer)
    summary = summarize(session, cast.patient.viewer, kinds, since, until)
    text = re.sub("urn:uuid:[0-9a-f-]{36}", "", FORMATS[name](summary))  # any digits may stand in these
    for kind, words in CANARIES.items():
        held = kind in kinds and (kind != "notes" or kinds == EVERYTHING)
        for word in words:
            if held:
                assert word in text, (kind, word)
            elif kind not in kinds:
                assert word not in text, (kind, word)
    for word in OUT_OF_RANGE:
        if since is not None:
            assert word not in text, word
        elif kinds == EVERYTHING:
            assert word in text, word
    assert "otis" not in text
    told = {date.fromisoformat(day) for day in re.findall(r"20\d\d-\d\d-\d\d", text)} - {TODAY}  # made today
    assert told and all(summary.scope.holds_day(day) for day in told), sorted(told)
    for kind in sorted(KINDS):
        assert KINDS[kind].title.lower() in text.lower()
