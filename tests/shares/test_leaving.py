"""What becomes of shares and of who looked when somebody takes the journal along, or leaves for good."""

import io
import json
import zipfile
from collections.abc import Iterator

import pytest
from fhir.resources.R4B.bundle import Bundle
from flask import Flask
from sqlalchemy import text

from journal.audit.queries import get_access_log
from journal.shares.queries import list_shares
from tests.cast import PASSPHRASE, Cast
from tests.conftest import NOON
from tests.shares.stage import NEVER, Stage, make_stage


@pytest.fixture
def stage(app: Flask, cast: Cast) -> Iterator[Stage]:
    yield make_stage(app, cast)


def test_the_export_tells_whom_was_shared_with_and_who_looked(stage: Stage) -> None:
    given = stage.shares["everything"]
    reader = stage.players["everything"].sign_in()
    reader.get(f"/care/{given.id}")
    reader.raw("GET", f"/care/{given.id}.csv")
    patient = stage.cast.patient.sign_in()
    answer = patient.send("/account/export", {"password": PASSPHRASE}, expect=200)
    parts = zipfile.ZipFile(io.BytesIO(answer.data))
    told = json.loads(parts.read("journal.json"))
    assert {one["state"] for one in told["shares"]} == {"open", "expired", "ended"}
    assert len(told["shares"]) == 7
    assert [(one["by"], one["shape"]) for one in told["access_log"]] == [
        ("reader", "page"),
        ("reader", "csv"),
    ]
    assert told["access_log_is_whole"] is True
    page = parts.read("journal.html").decode()
    assert "Whom I shared with" in page and "Who looked" in page
    bundle = parts.read("journal.fhir.json").decode()
    Bundle.model_validate_json(bundle)
    assert json.loads(bundle)["type"] == "collection"
    assert "1277.3" in bundle and "1288.4" in bundle and "note canary" in bundle and NEVER[1] not in bundle


def test_deleting_the_journal_ends_every_share(stage: Stage, app: Flask) -> None:
    reader = stage.players["everything"].sign_in()
    where = f"/care/{stage.shares['everything'].id}"
    reader.get(where)
    patient = stage.cast.patient.sign_in()
    assert "4 shares: they end now" in patient.get("/account/delete").text
    patient.send("/account/delete", {"password": PASSPHRASE, "understood": "y", "anyway": "y"})
    reader.get(where, expect=404)
    assert reader.raw("GET", f"{where}.pdf").status_code == 404
    assert reader.get("/care").text.count('class="person-row"') == 1  # Otis still shares
    with app.extensions["database"].reading() as session:
        patient_id = stage.cast.patient.account_id
        for table in ("shares", "access_reads", "access_heads", "reviews"):
            left = session.execute(text(f"SELECT patient_id FROM {table}")).scalars().all()
            assert not [one for one in left if str(one).replace("-", "") == patient_id.hex], table
        assert get_access_log(session, stage.cast.other.viewer).is_whole


def test_a_reader_who_leaves_reads_nothing_and_the_log_stays_whole(stage: Stage, app: Flask) -> None:
    reader = stage.players["everything"].sign_in()
    reader.get(f"/care/{stage.shares['everything'].id}")
    reader.send("/account/delete", {"password": PASSPHRASE, "understood": "y"})
    with app.extensions["database"].reading() as session:
        viewer = stage.cast.patient.viewer
        held = next(
            one for one in list_shares(session, viewer, NOON) if one.id == stage.shares["everything"].id
        )
        assert held.state == "ended" and not held.is_live
        log = get_access_log(session, viewer)
        assert log.is_whole and log.count == 1
    told = stage.cast.patient.sign_in().get(f"/sharing/{held.id}").text
    assert "Ended: they have no account here any more" in told
