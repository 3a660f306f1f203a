"""The questionnaires' files, read once and checked whole, so that a wrong one stops the start instead of a patient. A
new questionnaire is a new file in `instruments/`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from journal.domain.instrument import (
    ABOVE_ZERO,
    FOR,
    ITEM_FLAGS,
    KINDS,
    LANGUAGES,
    METHODS,
    STAGES,
    Band,
    Goal,
    Instrument,
    Item,
    Licence,
    Option,
    Step,
    Text,
    WrongShape,
)

FOLDER = Path(__file__).parent / "instruments"


def instruments() -> Mapping[str, Instrument]:
    """All questionnaires by their code, in their order. Raises WrongShape."""
    return load(FOLDER)


def find_instrument(code: str) -> Instrument | None:
    return instruments().get(code)


@cache
def load(folder: Path) -> Mapping[str, Instrument]:
    """Read and check every file of the folder. Raises WrongShape with the file and the field."""
    found = [_read(path) for path in sorted(folder.glob("*.json"))]
    return {one.code: one for one in sorted(found, key=lambda one: (one.place, one.code))}


class _Field:
    """A value in a file, and the way to it."""

    def __init__(self, value: Any, where: str) -> None:
        self.value, self.where = value, where

    def wrong(self, why: str) -> WrongShape:
        return WrongShape(f"{self.where} {why}")

    def at(self, name: str) -> "_Field":
        if name not in self.mapping():
            raise self.wrong(f"has no field “{name}”")
        return _Field(
            self.value[name], f"{self.where}: {name}" if ":" not in self.where else f"{self.where}.{name}"
        )

    def find(self, name: str) -> "_Field | None":
        """The field, or None where it is left out or null."""
        return self.at(name) if self.mapping().get(name) is not None else None

    def only(self, *known: str) -> "_Field":
        for name in self.mapping():
            if name not in known:
                raise self.wrong(f"has a field “{name}” that nobody knows")
        return self

    def mapping(self) -> Mapping[str, Any]:
        if not isinstance(self.value, dict):
            raise self.wrong("must be an object")
        return self.value

    def list(self) -> "Iterator[_Field]":
        if not isinstance(self.value, list):
            raise self.wrong("must be a list")
        for place, value in enumerate(self.value):
            yield _Field(value, f"{self.where}[{place}]")

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.wrong("must be a text that isn’t empty")
        return self.value

    def maybe(self, name: str) -> str | None:
        found = self.find(name)
        return None if found is None else found.text()

    def whole(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("must be a whole number")
        return self.value

    def one_of(self, known: Iterable[str]) -> str:
        if self.value not in (allowed := tuple(known)):
            raise self.wrong(f"must be one of {', '.join(allowed)}")
        return str(self.value)

    def said_in(self, languages: Iterable[str]) -> Text:
        self.only(*languages)
        return {language: self.at(language).text() for language in languages}

    def maybe_said_in(self, name: str, languages: Iterable[str]) -> Text | None:
        found = self.find(name)
        return None if found is None else found.said_in(languages)


FIELDS = (
    "code", "place", "kept_as", "title", "short_title", "about", "version", "languages", "licence", "sources", "recall",
    "content_note", "instructions", "stem", "options", "items", "scoring", "loinc", "bands", "change", "asked",
)  # fmt: skip


def _read(path: Path) -> Instrument:
    try:
        data = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise WrongShape(f"{path.name} is not JSON: {error}") from None
    file = _Field(data, path.name).only(*FIELDS)
    code = file.at("code").text()
    if code != path.stem:
        raise file.at("code").wrong(f"must be “{path.stem}”, as the file is named")
    languages = tuple(one.one_of(LANGUAGES) for one in file.at("languages").list())
    if not languages:
        raise file.at("languages").wrong("must name at least one language")
    options = _options(file.at("options"), languages)
    items = tuple(_item(one, languages, options) for one in file.at("items").list())
    _check_items(file.at("items"), items)
    scoring = file.at("scoring").only("method", "least", "most", "decimals")
    licence = file.at("licence").only("statement", "copyright", "credit", "confidence")
    change = file.at("change").only("steps", "response", "remission")
    asked = file.at("asked").only("stages", "for")
    loinc = file.at("loinc").only("panel", "total")
    recall = file.at("recall").only("code", "text")
    recall.at("code").text()
    instrument = Instrument(
        code=code,
        place=file.at("place").whole(),
        kept_as=file.at("kept_as").one_of(KINDS),
        title=file.at("title").text(),
        short_title=file.at("short_title").text(),
        about=file.at("about").text(),
        version=file.at("version").text(),
        languages=languages,
        licence=Licence(
            licence.at("statement").text(),
            licence.maybe("copyright"),
            licence.maybe_said_in("credit", languages),
            licence.at("confidence").text(),
        ),
        sources=tuple(one.text() for one in file.at("sources").list()),
        recall=recall.at("text").said_in(languages),
        content_note=tuple(one.text() for one in file.at("content_note").list()),
        instructions=file.maybe_said_in("instructions", languages),
        stem=file.maybe_said_in("stem", languages),
        items=items,
        method=scoring.at("method").one_of(METHODS),
        least=scoring.at("least").whole(),
        most=scoring.at("most").whole(),
        decimals=scoring.at("decimals").whole(),
        bands=tuple(_band(one, languages) for one in file.at("bands").list()),
        steps=tuple(_step(one) for one in change.at("steps").list()),
        response=_goal(change.find("response")),
        remission=_goal(change.find("remission")),
        stages=tuple(one.one_of(STAGES) for one in asked.at("stages").list()),
        default_for=tuple(one.one_of(FOR) for one in asked.at("for").list()),
        panel_loinc=loinc.maybe("panel"),
        total_loinc=loinc.maybe("total"),
    )
    _check_scoring(scoring, instrument)
    _check_bands(file.at("bands"), instrument)
    return instrument


def _options(field: _Field, languages: tuple[str, ...]) -> tuple[Option, ...]:
    options = tuple(
        Option(one.at("score").whole(), one.at("label").said_in(languages), one.maybe("loinc"))
        for one in field.list()
        if one.only("score", "label", "loinc")
    )
    scores = [option.score for option in options]
    if len(options) < 2 or scores != sorted(set(scores)):
        raise field.wrong("must hold two or more answers, their scores rising")
    return options


def _item(field: _Field, languages: tuple[str, ...], options: tuple[Option, ...]) -> Item:
    field.only("id", "loinc", "text", "scored", "gate", "asked_if", "options", "anchors", "cluster", "flag")
    marks = {}
    for name, usual in (("scored", True), ("gate", False)):
        found = field.find(name)
        if found is not None and not isinstance(found.value, bool):
            raise found.wrong("must be true or false")
        marks[name] = usual if found is None else bool(found.value)
    own, anchors = field.find("options"), field.find("anchors")
    asked_if, flag = field.find("asked_if"), field.find("flag")
    return Item(
        id=field.at("id").text(),
        text=field.at("text").said_in(languages),
        options=options if own is None else _options(own, languages),
        loinc=field.maybe("loinc"),
        scored=marks["scored"],
        gate=marks["gate"],
        asked_if=None if asked_if is None else asked_if.one_of([ABOVE_ZERO]),
        anchors=None if anchors is None else _anchors(anchors, languages),
        cluster=field.maybe("cluster"),
        flag=None if flag is None else flag.one_of(ITEM_FLAGS),
    )


def _anchors(field: _Field, languages: tuple[str, ...]) -> Mapping[str, tuple[str, str]]:
    found = {}
    for language in languages:
        ends = [one.text() for one in field.at(language).list()]
        if len(ends) != 2:
            raise field.at(language).wrong("must hold two texts: for the lowest and for the highest number")
        found[language] = (ends[0], ends[1])
    return found


def _band(field: _Field, languages: tuple[str, ...]) -> Band:
    field.only("id", "least", "most", "label")
    return Band(
        field.at("id").text(),
        field.at("least").whole(),
        field.at("most").whole(),
        field.at("label").said_in(languages),
    )


def _step(field: _Field) -> Step:
    field.only("points", "says", "basis")
    return Step(field.at("points").whole(), field.at("says").text(), field.at("basis").text())


def _goal(field: _Field | None) -> Goal | None:
    if field is None:
        return None
    field.only("share", "below", "says", "basis")
    share, below = field.find("share"), field.find("below")
    if (share is None) == (below is None):
        raise field.wrong("must have either “share” or “below”")
    number = None
    if share is not None:
        try:
            number = float(share.text())
        except ValueError:
            number = 0.0
        if not 0 < number < 1:
            raise share.wrong("must be a number between 0 and 1, as a text")
    return Goal(
        field.at("says").text(), field.at("basis").text(), number, None if below is None else below.whole()
    )


def _check_items(field: _Field, items: tuple[Item, ...]) -> None:
    ids = [item.id for item in items]
    if not ids:
        raise field.wrong("must hold at least one question")
    if len(ids) != len(set(ids)):
        raise field.wrong("names a question twice")
    for place, item in enumerate(items):
        if item.gate and (place or item.scored or item.find_option(0) is None):
            raise _Field(None, f"{field.where}[{place}]").wrong(
                "is a gate: it must come first, not be scored, and have an answer that scores 0"
            )


def _check_scoring(field: _Field, one: Instrument) -> None:
    scored = [item for item in one.items if item.scored]
    lows = [item.options[0].score for item in scored]
    highs = [item.options[-1].score for item in scored]
    count = max(1, len(scored)) if one.method == "mean" else 1
    least, most = (0, 0) if one.method == "none" else (sum(lows) / count, sum(highs) / count)
    if (one.least, one.most) != (least, most):
        raise field.wrong(f"says {one.least} to {one.most}, but the answers make {least:g} to {most:g}")
    if not 0 <= one.decimals <= 2:
        raise field.at("decimals").wrong("must be from 0 to 2")


def _check_bands(field: _Field, one: Instrument) -> None:
    edges = [(band.least, band.most) for band in one.bands]
    expected = one.least
    for least, most in edges:
        if least != expected or most < least:
            raise field.wrong(
                f"must follow each other without a gap: {least} to {most} doesn’t begin at {expected}"
            )
        expected = most + 1
    if edges and edges[-1][1] != one.most:
        raise field.wrong(f"must end at {one.most}")
