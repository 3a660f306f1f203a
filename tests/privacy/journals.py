"""A journal with everything in it: every kind, edits, deletions, two versions, late days."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from journal.domain.access import Viewer
from journal.domain.days import Moment
from journal.domain.payloads import KINDS
from journal.entries import removal
from journal.entries.service import Draft, append
from journal.infusions.queries import plan_id, report_id
from journal.profiles.queries import profile_id
from journal.safety.queries import safety_check_id, safety_plan_id
from tests.cast import PASSPHRASE, TODAY, ZONE
from tests.client import CheckingClient

NOW = datetime(2026, 11, 22, 19, 0, 0, 123456, tzinfo=UTC)
CANARIES = (
    "canary at dawn",
    "canary corrected",
    "canary beside it",
    "canary thrown away",
    "canary infusion",
    "canary report",
    "canary plan words",
    "canary own symptom",
)
MOMENT = Moment(NOW, TODAY, ZoneInfo(ZONE))


def keep(
    session: Session,
    viewer: Viewer,
    kind: str,
    data: dict[str, Any],
    entry_id: UUID | None = None,
    **more: Any,
) -> UUID:
    """Append a payload as its page would."""
    values = {"day": TODAY, "zone": ZONE, "captured_at": NOW, "device": "Firefox on Android"} | more
    draft = Draft(entry_id or uuid4(), kind, KINDS[kind].parse(data), **values)
    append(session, viewer, draft, NOW + timedelta(seconds=len(more)))
    return draft.id


def fill(session: Session, viewer: Viewer) -> None:
    """Every kind of entry, and everything that can happen to one."""
    me, infusion = viewer.patient_id, uuid4()
    first = keep(
        session, viewer, "check-in", {"measures": {"mood": 3, "own-abc123": 7}, "note": "canary at dawn"}
    )
    fixed = {"measures": {"mood": 4}, "side_effects": {"nausea": "severe"}, "note": "canary corrected"}
    keep(session, viewer, "check-in", fixed, first, base=1)
    keep(session, viewer, "check-in", {"note": "canary beside it"}, first, base=1)
    late = {"day": TODAY - timedelta(days=9), "is_late": True, "zone": "Asia/Tokyo"}
    keep(session, viewer, "check-in", {"measures": {"sleep": 0}}, **late)
    gone = keep(session, viewer, "note", {"text": "canary thrown away"}, day=TODAY - timedelta(days=1))
    removal.delete(session, viewer, gone, "note", 1, "Safari on iPhone", NOW)
    back = keep(session, viewer, "note", {"text": "=1+1 and back again"})
    removal.delete(session, viewer, back, "note", 1, "Safari on iPhone", NOW)
    removal.restore(session, viewer, back, "note", "Safari on iPhone", NOW)
    told = {
        "number": 3,
        "dose_mg": "40.50",
        "started": "10:40",
        "vitals": {"before_pulse": 71},
        "note": "canary infusion",
    }
    keep(session, viewer, "infusion", told, infusion, day=TODAY - timedelta(days=3))
    report = {
        "infusion_id": str(infusion),
        "diss_peak": 8,
        "courses": {"nausea": ["during", False, "2h"]},
        "note": "canary report",
    }
    keep(
        session, viewer, "after-infusion", report, report_id(infusion, "first"), day=TODAY - timedelta(days=3)
    )
    keep(session, viewer, "plan", {"days": ["2026-12-01", "2026-12-04"]}, plan_id(me))
    keep(session, viewer, "plan", {"days": ["2026-12-02"]}, plan_id(me), base=1)
    own = [["own-abc123", "canary own symptom", True]]
    keep(
        session,
        viewer,
        "profile",
        {"name": "Mara", "treated_for": ["ptsd"], "own_symptoms": own},
        profile_id(me),
    )
    answers = {f"phq9_{n}": n % 4 for n in range(1, 10)}
    keep(session, viewer, "questionnaire", {"instrument": "phq-9", "answers": answers, "state": "finished"})
    keep(session, viewer, "urinary-check", {"instrument": "urinary", "state": "open"})
    keep(session, viewer, "safety-plan", {"struggling": "canary plan words"}, safety_plan_id(me))
    for back_by in (0, 4):
        day = TODAY - timedelta(days=back_by)
        keep(session, viewer, "safety-check", {"safe": "unsure"}, safety_check_id(me, day), day=day)


def take(client: CheckingClient, passphrase: str = PASSPHRASE) -> TestResponse:
    """The export, asked for as its page does."""
    client.get("/account/export")
    hidden = client.hidden("/account/export")
    answer = client.raw("POST", "/account/export", data={**hidden, "password": passphrase})
    assert answer.status_code == 200, answer.text[:2000]
    return answer


def parts_of(answer: TestResponse) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def journal_of(answer: TestResponse) -> Any:
    return json.loads(parts_of(answer)["journal.json"])


def post_file(
    client: CheckingClient, path: str, content: bytes, name: str, fields: dict[str, str] | None = None
) -> TestResponse:
    """A form with a file. Written out here, since the test client leaves its temporary files open."""
    edge = "----edge"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in (fields or {}).items()
    ]
    parts.append(f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n')
    body = "".join(parts).encode() + content + f"\r\n--{edge}--\r\n".encode()
    return client.raw("POST", path, data=body, content_type=f"multipart/form-data; boundary={edge}")


def bring(
    client: CheckingClient, content: bytes, name: str = "journal.zip", expect: int = 303
) -> TestResponse:
    """Choose the file on the import's page and go on."""
    client.get("/account/import")
    answer = post_file(client, "/account/import", content, name, client.hidden("/account/import"))
    assert answer.status_code == expect, (answer.status_code, answer.text[:3000])
    client._check(answer)
    if answer.status_code != 303:
        client.page = answer
    return answer


def to_bytes(data: Any) -> bytes:
    return orjson.dumps(data)
