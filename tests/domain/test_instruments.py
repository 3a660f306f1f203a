"""Every word of every questionnaire that we didn't write, against a reference; and a wrong file stops the start."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from journal.domain.instrument import WrongShape
from journal.domain.instrument_files import FOLDER, instruments, load

REFERENCE = json.loads(
    Path(__file__).parent.parent.joinpath("reference", "instruments.json").read_text("utf-8")
)
CODES = sorted(REFERENCE["instruments"])


def said(text: dict[str, Any] | None, languages: tuple[str, ...]) -> dict[str, Any] | None:
    """The reference's text in the languages that are shipped."""
    kept = {language: text[language] for language in languages if text and text.get(language)}
    return kept or None


@pytest.mark.parametrize("code", CODES)
def test_wording_is_the_reference_character_by_character(code: str) -> None:
    ours, theirs = instruments()[code], REFERENCE["instruments"][code]
    languages = ours.languages
    assert ours.title == theirs["title"]
    assert ours.recall == said(theirs["recall"], languages)
    assert ours.instructions == said(theirs["instructions"], languages)
    assert ours.stem == said(theirs["stem"], languages)
    assert ours.licence.credit == said(theirs["credit"], languages)
    assert ours.licence.statement == theirs["licence"]
    assert [(item.id, item.text, item.loinc) for item in ours.items] == [
        (item["id"], said(item["text"], languages), item["loinc"]) for item in theirs["items"]
    ]
    labels = [said(label, languages) for label in theirs["options"]]
    usual = [item for item in ours.items if not item.asked_if]
    assert all([o.label for o in item.options] == labels for item in usual)
    assert all([o.score for o in item.options] == theirs["scores"] for item in usual)
    extra = [item for item in ours.items if item.asked_if]
    assert [[o.label for o in item.options] for item in extra] == [
        [said(label, languages) for label in labels] for labels in theirs["extra_options"]
    ]
    for item, reference in zip(ours.items, theirs["items"], strict=True):
        anchors = reference["anchors"]
        expected = {one: (anchors["0"][one], anchors["10"][one]) for one in languages} if anchors else None
        assert item.anchors == expected
    assert [(b.least, b.most, b.id, b.label) for b in ours.bands] == [
        (least, most, band_id, said(label, languages)) for least, most, band_id, label in theirs["bands"]
    ]
    assert [ours.least, ours.most] == theirs["range"]
    assert [ours.panel_loinc, ours.total_loinc] == theirs["loinc"]


def test_the_reference_names_its_sources() -> None:
    for code, one in REFERENCE["instruments"].items():
        for language in instruments()[code].languages:
            named = one["verified_against"][language]
            assert set(named) <= set(REFERENCE["sources"])
            assert named or code == "pain-nrs"  # that one is our own wording
        assert instruments()[code].sources


def test_phq_8_and_phq_2_are_the_first_items_of_the_phq_9() -> None:
    nine, eight, two = (instruments()[code] for code in ("phq-9", "phq-8", "phq-2"))
    assert [i.text for i in eight.items] == [i.text for i in nine.items[:8]]
    assert [i.options for i in eight.items] == [i.options for i in nine.items[:8]]
    assert [i.text for i in two.items] == [i.text for i in nine.items[:2]]
    assert (eight.least, eight.most) == (0, 24)
    assert [(b.id, b.least) for b in eight.bands] == [(b.id, b.least) for b in nine.bands]
    assert not any(item.flag for item in eight.items)


def test_what_the_sources_warn_of() -> None:
    assert instruments()["gad-7"].items[0].options[0].label["en"] == "Not at all"  # not "Not at all sure"
    for code in ("pcl-5", "pcl-5-week", "peg", "pain-nrs", "pc-ptsd-5", "phq-2"):
        assert instruments()[code].bands == ()
    month, week = instruments()["pcl-5"], instruments()["pcl-5-week"]
    assert {i.id for i in month.items}.isdisjoint(i.id for i in week.items)
    assert month.content_note and week.content_note
    assert all("describe" not in item.text["en"].lower() for item in month.items)  # no criterion A
    assert {code for code, one in instruments().items() if "es" in one.languages} == {
        "phq-9",
        "phq-8",
        "phq-2",
        "gad-7",
    }


def _set(*way: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        inner: Any = data
        for step in way[:-1]:
            inner = inner[step]
        if to is KeyError:
            del inner[way[-1]]
        else:
            inner[way[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set("title", to=KeyError), "gad-7.json has no field “title”"),
        (_set("title", to=" "), "gad-7.json: title must be a text that isn’t empty"),
        (_set("code", to="gad7"), "gad-7.json: code must be “gad-7”, as the file is named"),
        (_set("colour", to="red"), "gad-7.json has a field “colour” that nobody knows"),
        (_set("place", to="first"), "gad-7.json: place must be a whole number"),
        (_set("kept_as", to="note"), "gad-7.json: kept_as must be one of questionnaire, urinary-check"),
        (_set("languages", to=[]), "gad-7.json: languages must name at least one language"),
        (_set("languages", to=["en", "tlh"]), "gad-7.json: languages[1] must be one of en, es"),
        (_set("items", to={}), "gad-7.json: items must be a list"),
        (_set("items", to=[]), "gad-7.json: items must hold at least one question"),
        (_set("items", 2, "text", "es", to=KeyError), "gad-7.json: items[2].text has no field “es”"),
        (_set("items", 2, "text", "fr", to="non"), "gad-7.json: items[2].text has a field “fr”"),
        (_set("items", 1, "id", to="gad7_1"), "gad-7.json: items names a question twice"),
        (_set("items", 1, "scored", to="yes"), "gad-7.json: items[1].scored must be true or false"),
        (_set("items", 1, "gate", to=True), "gad-7.json: items[1] is a gate"),
        (_set("items", 1, "flag", to="worry"), "gad-7.json: items[1].flag must be one of item-9, harm-risk"),
        (_set("items", 1, "anchors", to={"en": ["a"], "es": ["b", "c"]}), "anchors.en must hold two texts"),
        (_set("options", 0, "score", to=3), "gad-7.json: options must hold two or more answers"),
        (_set("options", to=[]), "gad-7.json: options must hold two or more answers"),
        (_set("scoring", "most", to=20), "gad-7.json: scoring says 0 to 20, but the answers make 0 to 21"),
        (_set("scoring", "method", to="guess"), "gad-7.json: scoring.method must be one of sum, mean, none"),
        (_set("scoring", "decimals", to=9), "gad-7.json: scoring.decimals must be from 0 to 2"),
        (_set("bands", 1, "least", to=6), "bands must follow each other without a gap: 6 to 9 doesn’t begin at 5"),
        (_set("bands", 3, "most", to=20), "gad-7.json: bands must end at 21"),
        (_set("change", "response", "share", to="2"), "change.response.share must be a number between 0 and 1"),
        (_set("change", "remission", "share", to="0.5"), "change.remission must have either"),
        (_set("asked", "stages", to=["daily"]), "gad-7.json: asked.stages[0] must be one of baseline"),
        (_set("asked", "for", to=["gout"]), "gad-7.json: asked.for[0] must be one of"),
        (_set("licence", to="MIT"), "gad-7.json: licence must be an object"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named_with_its_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    data = json.loads((FOLDER / "gad-7.json").read_text("utf-8"))
    change(data)
    (tmp_path / "gad-7.json").write_text(json.dumps(data))
    with pytest.raises(WrongShape) as wrong:
        load(tmp_path)
    assert words in str(wrong.value)


def test_what_is_no_json_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"code": ')
    with pytest.raises(WrongShape, match=r"^half\.json is not JSON"):
        load(tmp_path)
