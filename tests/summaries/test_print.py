"""The PDF: one or two sheets, readable by people and machines, and the same numbers as on the page."""

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy.orm import Session

from journal.domain.access import KINDS
from journal.domain.questionnaires import say_number
from journal.domain.summary import Summary
from journal.domain.trends import Series
from journal.kit import pdf
from journal.summaries.printing import print_html
from journal.trends import drawing
from tests.cast import TODAY, Cast
from tests.summaries.told import summarize, tell

pytestmark = [pytest.mark.long, pytest.mark.once]
USUAL = frozenset(kind for kind in KINDS if KINDS[kind].usual)


def page_of(app: Flask, summary: Summary) -> str:
    def render(name: str, /, **values: Any) -> str:
        return app.jinja_env.get_template(name).render(**values)

    return print_html(summary, render)


def read(drawn: bytes) -> tuple[PdfReader, str]:
    reader = PdfReader(io.BytesIO(drawn))
    return reader, re.sub(r"\s+", " ", " ".join(sheet.extract_text() for sheet in reader.pages))


@pytest.fixture
def summary(cast: Cast, session: Session) -> Summary:
    tell(session, cast.patient.viewer)
    return summarize(session, cast.patient.viewer, USUAL)


def test_two_sheets_that_machines_can_read_too(app: Flask, summary: Summary) -> None:
    page = page_of(app, summary)
    drawn = pdf.render(page)
    assert drawn == pdf.render(page_of(app, summary))  # the same summary, the same bytes
    reader, text = read(drawn)
    assert len(reader.pages) <= 2
    assert (
        reader.metadata and reader.metadata.title == "Summary for Mara Lind, 23 September to 22 November 2026"
    )
    assert reader.root_object["/Lang"] == "en"
    assert reader.root_object["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in reader.root_object
    assert b"pdfuaid" in reader.root_object["/Metadata"].get_object().get_data()
    assert not [image for sheet in reader.pages for image in sheet.images]
    assert not reader.attachments
    fonts = [font.get_object() for sheet in reader.pages for font in sheet["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        inner = font["/DescendantFonts"][0].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(inner["/FontDescriptor"].get_object()), (
            "every font is embedded"
        )
        assert "/ToUnicode" in font
    assert "/URI" not in str(drawn) and "http" not in text
    for number, sheet in enumerate(reader.pages, 1):
        assert f"page {number} of {len(reader.pages)}" in sheet.extract_text()
        assert "Mara Lind · 23 September to 22 November 2026" in sheet.extract_text()


def test_each_chart_says_in_words_what_it_shows(app: Flask, summary: Summary) -> None:
    reader, _text = read(pdf.render(page_of(app, summary)))
    found: list[str] = []

    def walk(node: Any) -> None:
        node = node.get_object()
        if isinstance(node, list):
            for inner in node:
                walk(inner)
        elif isinstance(node, dict):
            if node.get("/S") == "/Figure" and "/Alt" in node:
                found.append(str(node["/Alt"]))
            if "/K" in node:
                walk(node["/K"])

    walk(reader.root_object["/StructTreeRoot"])
    for series in summary.trends.series:
        assert f"{series.measure.title}, day by day. {series.sentence}" in found
    assert any(words.startswith("Mood around each infusion") for words in found)
    assert any(words.startswith("Side effects by day after an infusion") for words in found)


def drawn_values(svg: str, series: Series, count: int, right: float) -> dict[int, float]:
    """The numbers that a chart shows by day, read back off its line and points."""
    step = (right - drawing.LEFT) / (count - 1)
    height = drawing.BOTTOM - drawing.TOP
    path = re.search(r'class="value" d="([^"]*)"', svg)
    assert path
    spots = [tuple(map(float, spot.split())) for spot in re.split("[ML]", path[1]) if spot]
    spots += [
        (float(x), float(y))
        for x, y in re.findall(r'<circle class="(?:lone|late|last)" cx="([\d.]+)" cy="([\d.]+)"', svg)
    ]
    return {round((x - drawing.LEFT) / step): round((drawing.BOTTOM - y) / height * 10) for x, y in spots}


def test_the_same_numbers_as_the_summary(app: Flask, summary: Summary) -> None:
    page = page_of(app, summary)
    _reader, text = read(pdf.render(page))
    drawings = {
        title: svg
        for svg, title in re.findall(r"(<svg[^>]*aria-label=\"(\w[\w ]*), day by day.*?</svg>)", page, re.S)
    }
    for series in summary.trends.series:
        svg = drawings[series.measure.title]
        width = drawing.WIDE if series.measure.id == "mood" else drawing.WIDTH
        right = width - (drawing.WIDTH - drawing.RIGHT)
        shown = drawn_values(svg, series, len(summary.trends.days), right)
        assert shown == {i: v for i, v in enumerate(series.values) if v is not None}
        assert svg.count('class="late"') == sum(series.late)
        assert series.sentence in text
    for one in summary.answered:
        if one.scored is not None:
            assert f"{say_number(one.scored.score)} on {one.day.day} {one.day:%b}" in text
        if one.band is not None and one.day > TODAY.replace(day=1):
            assert f"{one.band.label['en'].lower()} ({one.band.least} to {one.band.most})" in text
    assert "131/80" in text and "183/–" in text and "pulse 71, 98 %" in text
    assert "41.3 mg, 0.5 mg/kg, by vein (IV), clinic" in text and "1277.3 mg" in text
    assert "far from normal 8; calm 6; scary 2; normal again: 1 to 2 hours after" in text
    assert summary.adherence and f"{summary.adherence.logged} of {summary.adherence.days} days." in text
    assert summary.session
    for what, words in summary.session.lines:
        assert f"{what} {words}" in text
    for flag in summary.flags:
        assert flag.why in text


def test_what_is_not_shared_is_said(app: Flask, summary: Summary) -> None:
    _reader, text = read(pdf.render(page_of(app, summary)))
    assert "Not shared, so not in here: safety plan, private notes." in text
    assert "Self-reported by the patient. Own scales are not validated." in text


def test_notes_may_go_on(app: Flask, cast: Cast, session: Session) -> None:
    tell(session, cast.patient.viewer)
    summary = summarize(session, cast.patient.viewer)
    note = replace(summary.notes[0], text="\n".join(["a line of a long note"] * 200) + "\nthe last line")
    reader, text = read(pdf.render(page_of(app, replace(summary, notes=(note,)))))
    assert len(reader.pages) > 3 and "the last line" in text
    assert "canary plan" in text and "My person canary person +1 505 555 0199" in text


def test_an_empty_summary_says_so(app: Flask, cast: Cast, session: Session) -> None:
    reader, text = read(pdf.render(page_of(app, summarize(session, cast.newcomer.viewer, name=" "))))
    assert len(reader.pages) == 1
    assert "Nothing was logged in these days." in text and "no name given" in text


def test_hostile_words_stay_words(app: Flask, summary: Summary) -> None:
    name = '</style><script>alert(1)</script><img src="file:///etc/passwd"> "\\'
    page = page_of(app, replace(summary, name=name))
    assert "<script" not in page and "<img" not in page
    reader, text = read(pdf.render(page))
    assert '</style><script>alert(1)</script><img src="file:///etc/passwd"> "\\' in text
    assert reader.metadata and name in str(reader.metadata.title)
    assert not [image for sheet in reader.pages for image in sheet.images]
