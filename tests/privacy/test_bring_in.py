"""Bringing a journal in: what comes is believed in nothing, and either all of it is kept or none."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from journal.entries.queries import count_entries, list_whole
from journal.privacy import archive, views
from journal.privacy.queries import get_export, to_data
from tests.cast import Cast, log_checkin
from tests.client import CheckingClient
from tests.privacy.journals import MOMENT, NOW, TODAY, bring, fill, journal_of, post_file, take, to_bytes

Data = dict[str, Any]


@pytest.fixture
def exported(cast: Cast, session: Session) -> Data:
    """Mara's journal as it goes out."""
    fill(session, cast.patient.viewer)
    session.commit()
    data: Data = json.loads(
        to_bytes(to_data(get_export(session, cast.patient.viewer, "Mara", MOMENT), account(), NOW))
    )
    return data


def account() -> Data:
    return {"email": "mara@example.org", "zone": "America/Denver", "country": "US", "day_ends_hour": 3}


@pytest.fixture
def browser(cast: Cast) -> CheckingClient:
    """Ines, whose journal is empty."""
    return cast.newcomer.sign_in()


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return file.getvalue()


def kept(session: Session, cast: Cast) -> dict[str, int]:
    return count_entries(session, cast.newcomer.viewer)


def refused(browser: CheckingClient, content: bytes, *words: str, name: str = "journal.json") -> None:
    page = bring(browser, content, name, expect=422)
    assert 'id="errors"' in page.text
    for word in words:
        assert word in page.text, page.text[page.text.index('id="errors"') :][:600]


def test_the_bare_json_and_a_zip_packed_anew_come_in_too(
    exported: Data, browser: CheckingClient, cast: Cast, session: Session
) -> None:
    folder = {"my journal/journal.json": to_bytes(exported), "__MACOSX/._journal.json": b"\0\1"}
    answer = bring(browser, zipped(**folder))
    assert "Your journal is here: 13 entries." in browser.follow(answer).text
    theirs = list_whole(session, cast.newcomer.viewer)
    assert len(theirs) == 13 and {one.kind for one in theirs} == {one["kind"] for one in exported["entries"]}


def test_sending_it_twice_keeps_it_once(
    exported: Data, browser: CheckingClient, cast: Cast, session: Session
) -> None:
    bring(browser, to_bytes(exported), "journal.json")
    again = bring(browser, to_bytes(exported), "journal.json")
    assert "brought in already" in browser.follow(again).text
    assert sum(kept(session, cast).values()) == 13


def test_a_journal_with_entries_takes_no_other_in(exported: Data, cast: Cast, session: Session) -> None:
    log_checkin(session, cast.newcomer.viewer, TODAY, {"mood": 9})
    session.commit()
    refused(cast.newcomer.sign_in(), to_bytes(exported), "has entries already", "another address")
    assert kept(session, cast) == {"check-in": 1}


def test_the_first_answers_give_way(
    exported: Data, browser: CheckingClient, cast: Cast, session: Session
) -> None:
    browser.send("/welcome/name", {"name": "Ines"}, page="/welcome/name")
    browser.send("/welcome/day-end", {"day_ends_hour": "0"}, page="/welcome/day-end")
    assert "gives way" in browser.get("/account/import").text
    bring(browser, to_bytes(exported), "journal.json")
    assert kept(session, cast)["profile"] == 1
    assert 'value="Mara"' in browser.get("/account/name").text
    assert "At 3 in the morning" in browser.get("/account").text


def test_without_a_profile_in_the_file_the_first_answers_stay(
    exported: Data, browser: CheckingClient, cast: Cast, session: Session
) -> None:
    browser.send("/welcome/name", {"name": "Ines"}, page="/welcome/name")
    exported["entries"] = [one for one in exported["entries"] if one["kind"] != "profile"]
    exported["account"] |= {"zone": "Mars/Olympus", "country": "XX"}
    bring(browser, to_bytes(exported), "journal.json")
    assert 'value="Ines"' in browser.get("/account/name").text
    assert journal_of(take(browser))["account"]["zone"] == "America/Denver"  # where Ines lives


def test_the_log_and_the_charts_of_others_are_not_touched(
    exported: Data, browser: CheckingClient, cast: Cast, session: Session
) -> None:
    """A file may carry the ids of somebody else's entries: they are other entries here."""
    exported["entries"] = [one for one in exported["entries"] if one["kind"] == "check-in"][:1]
    exported["entries"][0]["id"] = str(cast.other_checkin)
    before = list_whole(session, cast.other.viewer)
    bring(browser, to_bytes(exported), "journal.json")
    assert list_whole(session, cast.other.viewer) == before
    assert [one.id for one in list_whole(session, cast.newcomer.viewer)] == [cast.other_checkin]


def entry(data: Data, kind: str) -> Data:
    found: Data = next(one for one in data["entries"] if one["kind"] == kind)
    return found


def change(which: str, **values: Any) -> Callable[[Data], None]:
    return lambda data: entry(data, which).update(values)


def revise(kind: str, number: int = 1, **values: Any) -> Callable[[Data], None]:
    return lambda data: entry(data, kind)["revisions"][number - 1].update(values)


def renumber(kind: str, number: Any) -> Callable[[Data], None]:
    return lambda data: entry(data, kind)["revisions"][0].update(number=number)


def payload(kind: str, **values: Any) -> Callable[[Data], None]:
    return lambda data: entry(data, kind)["revisions"][0]["payload"].update(values)


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


WRONG: dict[str, tuple[Callable[[Data], None], str]] = {
    "another format": (lambda d: d.update(format="diary"), "not the export"),
    "no format": (lambda d: d.pop("format"), "not the export"),
    "a newer version": (lambda d: d.update(version=2), "newer journal"),
    "a version that is a word": (lambda d: d.update(version="1"), "which version"),
    "version true": (lambda d: d.update(version=True), "which version"),
    "no entries": (lambda d: d.pop("entries"), "A part of this file is missing"),
    "entries that are a mapping": (lambda d: d.update(entries={"a": 1}), "A part of this file is missing"),
    "no account": (lambda d: d.update(account=[]), "A part of this file is missing"),
    "an hour that no day ends at": (lambda d: d["account"].update(day_ends_hour=7), "The hour"),
    "an entry that is a word": (lambda d: d["entries"].append("x"), "not an entry"),
    "the same id twice": (lambda d: d["entries"].append(d["entries"][0]), "same id"),
    "an unknown kind": (change("note", kind="diary"), "kind of entry"),
    "a kind that can't be looked up": (change("note", kind=["note"]), "kind of entry"),
    "a day that is none": (change("note", day="2026-02-30"), "its day"),
    "a day long ago": (change("note", day="0001-01-01"), "its day"),
    "a zone that is a path": (change("note", zone="../../../etc/passwd"), "time zone"),
    "a zone with a null": (change("note", zone="UTC\0"), "time zone"),
    "a zone as long as a book": (change("note", zone="A" * 100_000), "time zone"),
    "an id that is none": (change("note", id="x"), "its id"),
    "an id in another spelling": (change("note", id="{" + str(uuid4()) + "}"), "its id"),
    "the profile's name on a note": (change("note", id="profile"), "its id"),
    "a profile by another id": (change("profile", id=str(uuid4())), "its id doesn’t fit"),
    "a safety check of another day": (
        change("safety-check", id="safety-check 2020-01-01"),
        "its id doesn’t fit",
    ),
    "a flag that is a word": (change("note", is_late="no"), "neither true nor false"),
    "no versions": (change("note", revisions=[]), "versions are missing"),
    "a version too many": (change("note", last_revision=9), "last_revision"),
    "a current version that isn't there": (change("note", current_revision=9), "current_revision"),
    "a version that is true": (change("note", current_revision=True), "current_revision"),
    "more beside than there are": (change("check-in", beside=3), "beside"),
    "fewer beside than there are": (
        lambda d: next(one for one in d["entries"] if one["beside"])["revisions"][2].update(is_beside=False),
        "which of its versions counts",
    ),
    "beside, though settled": (
        lambda d: next(one for one in d["entries"] if one["beside"]).update(settled_revision=3),
        "“beside” doesn’t fit",
    ),
    "deleted, though it isn't": (change("infusion", is_deleted=True), "don’t fit together"),
    "a day that no version has": (change("infusion", day="2026-11-01"), "don’t fit together"),
    "a version without a number": (renumber("infusion", None), "wrong place"),
    "versions in another order": (renumber("infusion", 2), "wrong place"),
    "a base that comes later": (revise("infusion", base=1), "base"),
    "a time without a zone": (revise("infusion", captured_at="2026-11-22T10:00:00"), "a day or time"),
    "a time far off": (revise("infusion", captured_at="9999-12-31T23:59:59-23:59"), "a day or time"),
    "a number for a time": (revise("infusion", received_at=12), "a day or time"),
    "a device with a null": (revise("infusion", device="a\0b"), "the device"),
    "a first version that is a deletion": (revise("infusion", payload=None), "which of its versions"),
    "a payload that is a list": (revise("infusion", payload=[1]), "can’t be read"),
    "a payload that is deep": (revise("infusion", payload=nested(200)), "can’t be read"),
    "a field that the journal doesn't know": (payload("infusion", joy=1), "doesn’t know this field"),
    "a number out of range": (payload("check-in", measures={"mood": 11}), "0 to 10"),
    "a huge number": (payload("check-in", measures={"mood": 10**18}), "0 to 10"),
    "a number with a point": (payload("check-in", measures={"mood": 3.5}), "0 to 10"),
    "a total": (payload("questionnaire", total=27), "counts scores itself"),
    "a questionnaire that isn't here": (payload("questionnaire", instrument="phq-99"), "questionnaire"),
    "a note without words": (payload("note", text=" "), "Write a few words first."),
    "a note that is too long": (payload("note", text="a" * 5001), "1 characters too long"),
    "a note with half a sign": (payload("note", text="\x07"), "a sign in here"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_kept(
    exported: Data, browser: CheckingClient, cast: Cast, session: Session, name: str
) -> None:
    spoil, word = WRONG[name]
    spoil(exported)
    refused(browser, to_bytes(exported), word)
    assert kept(session, cast) == {}
    assert journal_of(take(browser))["account"]["day_ends_hour"] == 0


def test_every_fault_is_told_at_once_up_to_twenty(exported: Data, browser: CheckingClient) -> None:
    good = exported["entries"][0]
    exported["entries"] = [{**good, "id": "x"} for _ in range(60)]
    page = bring(browser, to_bytes(exported), "journal.json", expect=422)
    assert page.text.count("its id can’t be read") == 21  # twenty in the list, one at the field


def test_nothing_that_was_written_is_repeated(exported: Data, browser: CheckingClient) -> None:
    payload("check-in", measures={"mood": 99}, note="<script>canary</script>")(exported)
    page = bring(browser, to_bytes(exported), "journal.json", expect=422)
    assert "canary" not in page.text


def liar(content: bytes, said: int) -> bytes:
    """A zip that says a smaller size than it holds."""
    made = bytearray(zipped(**{"journal.json": content}))
    for sign, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = made.index(sign) + place
        made[at : at + 4] = struct.pack("<I", said)
    return bytes(made)


def encrypted() -> bytes:
    made = bytearray(zipped(**{"journal.json": b"{}"}))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        made[made.index(sign) + place] |= 1
    return bytes(made)


def twice() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a/journal.json", "{}")
        made.writestr("b/journal.json", "{}")
    return file.getvalue()


def same_name() -> bytes:
    made = zipped(**{"aaaa": b"1", "bbbb": b"2"})
    return made.replace(b"bbbb", b"aaaa")


ZEROS = b" " * (archive.MOST_JSON + 1)
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "Choose the file first"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n\0\0\0", "no journal in this file"),
    "half a zip": (lambda: zipped(**{"journal.json": b"{}" * 999})[:60], "can’t be opened"),
    "an empty zip": (lambda: zipped(), "no journal in this file"),
    "a zip of other things": (lambda: zipped(**{"a.txt": b"a"}), "no journal in this file"),
    "a bomb": (lambda: zipped(**{"journal.json": ZEROS}), "more in this file than"),
    "a bomb beside it": (
        lambda: zipped(**{"journal.json": b"{}", "a": ZEROS, "b": ZEROS}),
        "more in this file than",
    ),
    "a bomb that lies": (lambda: liar(ZEROS, 100), "can’t be opened"),
    "a path upwards": (lambda: zipped(**{"../journal.json": b"{}"}), "can’t be opened"),
    "a path from the root": (lambda: zipped(**{"/etc/journal.json": b"{}"}), "can’t be opened"),
    "a path on Windows": (lambda: zipped(**{"C:journal.json": b"{}"}), "can’t be opened"),
    "two journals": (twice, "can’t be opened"),
    "one name twice": (same_name, "can’t be opened"),
    "a thousand files": (lambda: zipped(**{f"f{n}": b"" for n in range(1000)}), "more in this file than"),
    "locked": (encrypted, "can’t be opened"),
    "broken json": (lambda: b'{"format": ', "can’t be opened"),
    "NaN": (lambda: b'{"format": "infusion-journal", "version": NaN}', "can’t be opened"),
    "ten thousand lists": (lambda: b"[" * 10_000 + b"]" * 10_000, "can’t be opened"),
    "a million mappings": (lambda: b'{"a":' * 1_000_000, "can’t be opened"),
    "millions of lists": (lambda: b"[" + b"[]," * 6_000_000 + b"[]]", "more in this file than"),
    "a list": (lambda: b"[]", "not the export"),
    "half a sign": (lambda: b'{"format": "\\ud800"}', "can’t be opened"),
    "not utf-8": (lambda: b'{"format": "\xff"}', "can’t be opened"),
    "a huge number": (lambda: b'{"format": "infusion-journal", "version": 1e400}', ""),
    "a number of a million digits": (
        lambda: b'{"format": "infusion-journal", "version": ' + b"9" * 1_000_000 + b"}",
        "",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_get_a_kind_sentence(
    browser: CheckingClient, cast: Cast, session: Session, name: str
) -> None:
    make, word = HOSTILE[name]
    refused(browser, make(), word, name="../../etc/passwd")
    assert kept(session, cast) == {}


def test_a_file_beyond_the_limit(browser: CheckingClient) -> None:
    browser.get("/account/import")
    large = b"x" * (views.MOST_BODY + 1)
    answer = post_file(browser, "/account/import", large, "a.zip", browser.hidden("/account/import"))
    assert answer.status_code == 413 and "larger than the 20 MB" in answer.text
    browser._check(answer)


def test_a_larger_body_is_let_in_nowhere_else(browser: CheckingClient, client: CheckingClient) -> None:
    large = b"x" * 1_200_000
    browser.get("/account/import")
    token = browser.hidden("/account/import")
    assert post_file(browser, "/account/import", large, "a.zip", token).status_code == 422
    assert post_file(browser, "/account/export", large, "a.zip", token).status_code == 413
    assert post_file(browser, "/today", large, "a.zip", token).status_code == 413
    assert post_file(client, "/account/import", large, "a.zip", token).status_code == 413


def test_files_are_counted(browser: CheckingClient) -> None:
    for _ in range(views.MOST_IMPORTS):
        bring(browser, b"{}", expect=422)
    page = bring(browser, b"{}", expect=429)
    assert "Wait an hour" in page.text


def test_a_larger_journal_comes_in_batches(
    exported: Data, browser: CheckingClient, cast: Cast, session: Session
) -> None:
    good = entry(exported, "infusion")
    exported["entries"] = [{**good, "id": str(UUID(int=n))} for n in range(1, 1302)]
    bring(browser, to_bytes(exported), "journal.json")
    assert kept(session, cast) == {"infusion": 1301}
    sealed = session.execute(text("SELECT count(DISTINCT sealed) FROM revisions")).scalar_one()
    assert sealed >= 1301  # each with a nonce of its own


@pytest.mark.parametrize("field", ["captured_at", "received_at", "day"])
def test_days_and_times_still_to_come_are_refused(
    exported: Data, browser: CheckingClient, cast: Cast, session: Session, field: str
) -> None:
    """What was made last counts: an entry of 2099 would win over everything logged from now on."""
    later = "2099-01-01" if field == "day" else "2099-01-01T00:00:00+00:00"
    one = next(e for e in exported["entries"] if e["kind"] == "check-in")
    one["revisions"][0][field] = later
    if field == "day":
        one["day"] = later
        for revision in one["revisions"]:
            revision["day"] = later
    answer = bring(browser, to_bytes(exported), expect=422)
    assert "still to come" in answer.text
    assert not set(count_entries(session, cast.newcomer.viewer)) - {"profile"}
