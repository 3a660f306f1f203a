"""A journal with something of every kind, each with words or a number that must not come out where it isn't shared."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from journal.checkins import service as checkins
from journal.domain.access import KINDS, Scope, Viewer
from journal.domain.after_infusion import AfterInfusion, Course
from journal.domain.checkin import Note
from journal.domain.days import Moment, instant_of
from journal.domain.infusion import Held, Infusion
from journal.domain.instrument_files import instruments
from journal.domain.profile import OwnSymptom, Profile
from journal.domain.questionnaires import RESPONSES
from journal.domain.safety import SafetyPlan
from journal.domain.summary import Summary
from journal.infusions import service as infusions
from journal.profiles import service as profiles
from journal.questionnaires import service as questionnaires
from journal.safety import service as safety
from journal.summaries.queries import get_summary
from tests.cast import TODAY, ZONE, log_checkin

HERE = ZoneInfo(ZONE)
NAME = "Mara Lind"
EARLY = TODAY - timedelta(days=60)
"""Days up to here are shared by nobody who holds a range; what happened on them is marked."""
SINCE = TODAY - timedelta(days=40)
UNTIL = TODAY - timedelta(days=2)
EVERYTHING = frozenset(KINDS)
SCORES_ONLY = frozenset({"daily", "questionnaires"})
NOTES = (
    "canary day note",
    "canary second note",
    "canary feeling before",
    "canary infusion note",
    "canary report note",
)
CANARIES = {
    "notes": NOTES,
    "safety-plan": ("canary plan", "canary person", "+1 505 555 0199"),
    "daily": ("canary symptom",),
    "infusions": ("41.3", "183", "How long until you felt like yourself again?"),
    "side-effects": ("Itching or rash", "Waking up to pee more than usual"),
    "questionnaires": ("PHQ-9", "Thoughts that you would be better off dead"),
}
"""What stands in the file only if the kind is held."""
OUT_OF_RANGE = ("1277.3", "canary early note", "Vivid dreams or nightmares", "canary late note", "GAD-7")


def moment(day: date, hour: int = 11) -> Moment:
    return Moment(instant_of(day, time(hour), HERE), day, HERE)


def tell(session: Session, viewer: Viewer) -> None:
    symptom = OwnSymptom("own-abc123", "canary symptom")
    profiles.keep(session, viewer, Profile(name=NAME, own_symptoms=(symptom,)), 0, moment(EARLY))
    for back in range(61):
        day = TODAY - timedelta(days=back)
        if back in (7, 8, 20):
            continue
        late = back == 12
        note = {0: "canary late note", 3: NOTES[0], 60: "canary early note"}.get(back, "")
        effects = {"nausea": "moderate" if back in (30, 29) else "none"}
        effects |= {"itch_rash": "mild"} if back == 13 else {}
        effects |= {"vivid_dreams": "mild"} if back == 55 else {}
        log_checkin(
            session,
            viewer,
            day,
            {"mood": 2 if back > 30 else 7, "anxiety": (back * 3) % 11, "own-abc123": 4},
            side_effects=effects,
            note=note,
            made=moment(day + timedelta(days=2 if late else 0), 12 if day < TODAY else 11).now,
        )
    checkins.record_note(
        session,
        viewer,
        Note(NOTES[1]),
        moment(TODAY - timedelta(days=4)),
        entry_id=uuid4(),
        day=TODAY - timedelta(days=4),
    )
    _infuse(session, viewer, EARLY, 1, dose_mg=Decimal("1277.3"))
    for number, back in ((2, 30), (3, 16), (4, 5)):
        _infuse(
            session,
            viewer,
            TODAY - timedelta(days=back),
            number,
            dose_mg=Decimal("41.3"),
            dose_mg_per_kg=Decimal("0.5"),
            started=time(10, 40),
            minutes=40,
            route="iv",
            setting="clinic",
            feeling_before=NOTES[2],
            note=NOTES[3],
            vitals={
                "before_systolic": 131,
                "before_diastolic": 80,
                "peak_systolic": 183,
                "after_pulse": 71,
                "after_oxygen": 98,
            },
        )
    _answer(session, viewer, "phq-9", TODAY - timedelta(days=31), [2] * 9 + [1])
    _answer(session, viewer, "phq-9", TODAY - timedelta(days=9), [1] * 8 + [0, 1])
    _answer(session, viewer, "gad-7", TODAY - timedelta(days=55), [1] * 7)
    _answer(session, viewer, "peg", TODAY - timedelta(days=9), [4, 4, 5])
    _answer(session, viewer, "urinary", TODAY - timedelta(days=9), [0, 0, 1])
    plan = SafetyPlan(
        what_matters="canary plan", person_name="canary person", person_number="+1 505 555 0199"
    )
    safety.keep_plan(session, viewer, plan, moment(EARLY), base=0)
    session.commit()


def _infuse(session: Session, viewer: Viewer, day: date, number: int, **values: object) -> None:
    infusion_id, infusion = uuid4(), Infusion(number=number, **values)  # type: ignore[arg-type]
    infusions.record(session, viewer, infusion, moment(day), entry_id=infusion_id, base=0, day=day)
    held = Held(infusion_id, day, HERE, moment(day).now, infusion, number)
    if number == 1:
        return
    first = AfterInfusion(
        infusion_id,
        diss_peak=8,
        diss_duration="2h",
        diss_peace=6,
        diss_distress=2,
        domains={"diss_unreal": "moderate"},
        side_effects={"nausea": "mild", "headache": "none"},
        courses={"nausea": Course("during", False, "day")},
        note=NOTES[4],
    )
    infusions.report(session, viewer, first, held, moment(day, 20), base=0)
    second = AfterInfusion(infusion_id, "next-day", diss_next_day=1, still_senses=False)
    infusions.report(session, viewer, second, held, moment(day + timedelta(days=1)), base=0)


def _answer(session: Session, viewer: Viewer, code: str, day: date, scores: Iterable[int]) -> None:
    instrument = instruments()[code]
    answers = dict(zip((item.id for item in instrument.items), scores, strict=True))
    data = {"instrument": code, "language": "en", "answers": answers, "state": "finished"}
    response = RESPONSES[instrument.kept_as].parse(data)
    questionnaires.record(session, viewer, response, moment(day, 18), entry_id=uuid4())


def summarize(
    session: Session,
    patient: Viewer,
    kinds: frozenset[str] = EVERYTHING,
    since: date | None = None,
    until: date | None = None,
    name: str = NAME,
) -> Summary:
    """What somebody sees who holds these kinds and days."""
    viewer = Viewer(None, patient.patient_id, Scope(kinds, since, until))
    return get_summary(
        session,
        viewer,
        name,
        HERE,
        TODAY,
        datetime.now(UTC),
        window="all",
        session_on=TODAY - timedelta(days=10),
    )
