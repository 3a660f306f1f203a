"""Whatever the format, a file holds what is shared and nothing else."""

import re
from collections.abc import Callable
from datetime import date
from html import unescape

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from journal.domain import fhir, summary_csv
from journal.domain.access import KINDS
from journal.domain.summary import Summary
from journal.kit import pdf
from tests.cast import TODAY, Cast
from tests.summaries.test_print import page_of, read
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

pytestmark = pytest.mark.long

FORMATS: dict[str, Callable[[Flask, Summary], str]] = {
    "csv": lambda app, summary: summary_csv.write(summary),
    "fhir": lambda app, summary: fhir.write(fhir.document(summary)),
    "fhir collection": lambda app, summary: fhir.write(fhir.collection(summary)),
    "print": lambda app, summary: words_of(page_of(app, summary)),
}
NOT_PRINTED = {"How long until you felt like yourself again?", "Thoughts that you would be better off dead"}
"""Questions in full and single answers are for the files; sheets are short."""
SCOPES = [
    (EVERYTHING, None, None),
    (EVERYTHING, SINCE, UNTIL),
    (SCORES_ONLY, None, None),
    (SCORES_ONLY, SINCE, UNTIL),
    *((EVERYTHING - {kind}, None, None) for kind in sorted(KINDS)),
    *((frozenset({kind}), SINCE, UNTIL) for kind in sorted(KINDS)),
]


def words_of(page: str) -> str:
    """What a page says, the titles of its charts included."""
    return unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.S))


def check(text: str, summary: Summary, printed: bool) -> None:
    kinds = summary.scope.kinds
    text = re.sub(r"\s+", " ", text).casefold()
    for kind, words in CANARIES.items():
        for word in words:
            if kind not in kinds:
                assert word.casefold() not in text, (kind, word)
            elif (kind != "notes" or kinds == EVERYTHING) and not (printed and word in NOT_PRINTED):
                assert word.casefold() in text, (kind, word)
    for word in OUT_OF_RANGE:
        if summary.scope.since is not None:
            assert word.casefold() not in text, word
        elif kinds == EVERYTHING:
            assert word.casefold() in text, word
    told = {date.fromisoformat(day) for day in re.findall(r"20\d\d-\d\d-\d\d", text)} - {TODAY}  # made today
    assert all(summary.scope.holds_day(day) for day in told), sorted(told)
    assert told or printed
    for number, month in re.findall(r"\b(\d\d?) (sep|oct|nov)\b", text):
        day = date(2026, ("sep", "oct", "nov").index(month) + 9, int(number))
        assert summary.scope.holds_day(day), day
    assert "otis" not in text
    for kind in KINDS.values():
        assert kind.title.lower() in text, "shared or not, each kind is named"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("kinds", "since", "until"), SCOPES, ids=str)
def test_nothing_outside_the_scope(
    app: Flask,
    cast: Cast,
    session: Session,
    name: str,
    kinds: frozenset[str],
    since: date | None,
    until: date | None,
) -> None:
    tell(session, cast.patient.viewer)
    summary = summarize(session, cast.patient.viewer, kinds, since, until)
    text = re.sub("urn:uuid:[0-9a-f-]{36}", "", FORMATS[name](app, summary))  # any digits may stand in these
    check(text, summary, name == "print")


@pytest.mark.long
@pytest.mark.parametrize(("kinds", "since", "until"), SCOPES[:4], ids=str)
def test_nothing_outside_the_scope_in_the_pdf(
    app: Flask, cast: Cast, session: Session, kinds: frozenset[str], since: date | None, until: date | None
) -> None:
    tell(session, cast.patient.viewer)
    summary = summarize(session, cast.patient.viewer, kinds, since, until)
    reader, text = read(pdf.render(page_of(app, summary)))
    check(text, summary, True)
    whole = " ".join(
        [text, str(reader.metadata), reader.root_object["/Metadata"].get_object().get_data().decode()]
    )
    assert ("canary" in whole) == ("canary" in text)
