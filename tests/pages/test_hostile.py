"""Whatever is sent to a form that keeps things is kept or refused with a reason: never a fault."""

import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from journal.domain.after_infusion import DOMAINS
from journal.domain.infusion import VITAL_FIELDS
from journal.domain.measures import MEASURES
from journal.domain.side_effects import SIDE_EFFECTS
from tests.cast import Cast
from tests.infusions.test_infusions import log

EXAMPLES = 2000 if os.environ.get("FULL") else 60
NAMES = st.one_of(
    st.sampled_from(
        [
            *MEASURES,
            *DOMAINS,
            *(f"side_effects-{e}" for e in SIDE_EFFECTS),
            *(f"vitals-{v}" for v in VITAL_FIELDS),
        ]
    ),
    st.sampled_from(
        [
            "note",
            "day",
            "days",
            "base",
            "settles",
            "entry_id",
            "number",
            "minutes",
            "started",
            "dose_mg",
            "part",
        ]
    ),
    st.sampled_from(
        [
            "happening_now-chest_pain",
            "still-nausea",
            "gone-nausea",
            "name",
            "answer",
            "response",
            "state",
            "language",
            "safe",
            "person_number",
            "struggling",
            "next",
            "zone",
            "own_symptom",
            "action",
            "show",
            "code",
        ]
    ),
    st.text(max_size=20),
)
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "0",
            "10",
            "11",
            "-1",
            "none",
            "severe",
            "yes",
            "9" * 30,
            "2026-11-22",
            "0001-01-01",
            "24:00",
            "1e5",
            "\x00",
            "٣",
            "NaN",
        ]
    ),
)


def test_hostile_forms(cast: Cast) -> None:
    browser = cast.patient.sign_in()
    infusion = log(browser)
    paths = [
        "/today",
        "/check-ins/2026-11-20",
        "/check-ins/2026-11-20/notes",
        "/infusions/new",
        "/infusions/plan",
    ]
    paths += [
        f"{infusion}/edit",
        f"{infusion}/after",
        "/check-ins/measures",
        "/account/zone",
        "/account/name",
    ]
    paths += [f"/questionnaires/{code}/{place}" for code in ("phq-9", "peg", "urinary") for place in (1, 3)]
    paths += ["/questionnaires/phq-9/settle", "/questionnaires/phq-9/ask", "/questionnaires/language"]
    paths += ["/help-now/safe", "/help-now/seen", "/help-now/again", "/safety-plan/edit"]
    paths += ["/account/export", "/account/import", "/account/delete"]
    paths += ["/account/address", "/account/passphrase", "/sign-up", "/sign-in", "/account/reset"]
    paths += [f"/account/second-step/{place}" for place in ("app", "passkeys/new", "passphrase", "app/begin")]
    browser.get("/account")
    token = browser.hidden("/sign-out")["csrf_token"]

    @settings(max_examples=EXAMPLES)
    @given(st.sampled_from(paths), st.dictionaries(NAMES, VALUES, max_size=8))
    def check(path: str, fields: dict[str, Any]) -> None:
        data = {
            k.encode("utf-8", "replace").decode(): v.encode("utf-8", "replace").decode()
            for k, v in fields.items()
        }
        answer = browser.raw("POST", path, data={**data, "csrf_token": token})
        assert answer.status_code in (200, 303, 404, 409, 422, 429), (path, fields, answer.status_code)
        if answer.status_code == 422:
            assert 'class="error' in answer.text or 'id="errors"' in answer.text

    check()
