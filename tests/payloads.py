"""Hypothesis strategies for what a patient may send, valid and not."""

import re
from datetime import date
from typing import Any

from hypothesis import strategies as st

from journal.domain.after_infusion import DOMAINS, DURATIONS, GONE, PARTS, STARTED
from journal.domain.fields import FORBIDDEN
from journal.domain.infusion import PHASES, ROUTES, SETTINGS, VITAL_FIELDS, VITALS
from journal.domain.instrument import Instrument
from journal.domain.instrument_files import instruments
from journal.domain.measures import MEASURES
from journal.domain.questionnaires import STATES
from journal.domain.safety import HEADINGS, SAFE_ANSWERS
from journal.domain.side_effects import ASKED_IF_NOW, GRADES, SIDE_EFFECTS

text = st.text(max_size=300).filter(lambda t: not FORBIDDEN.search(t))
ten = st.integers(0, 10)
maybe_ten = st.one_of(st.none(), ten, ten.map(str), st.just(""))
grade = st.sampled_from(GRADES)
own = st.from_regex(re.compile(r"own-[a-z0-9]{6}", re.ASCII), fullmatch=True)


def some(keys: Any, values: st.SearchStrategy[Any], most: int = 8) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(
        keys if isinstance(keys, st.SearchStrategy) else st.sampled_from(sorted(keys)), values, max_size=most
    )


checkins = st.fixed_dictionaries(
    {},
    optional={
        "measures": some(st.one_of(st.sampled_from(sorted(MEASURES)), own), maybe_ten),
        "side_effects": some(SIDE_EFFECTS, st.one_of(grade, st.just(""))),
        "happening_now": some(ASKED_IF_NOW, st.sampled_from(["no", "", False])),
        "note": text,
    },
)

vitals = st.lists(st.sampled_from(VITAL_FIELDS), unique=True, max_size=6).flatmap(
    lambda names: st.fixed_dictionaries({name: _vital(name) for name in names})
)


def _vital(name: str) -> st.SearchStrategy[int]:
    kind = name.partition("_")[2]
    least, most = VITALS[kind][1:3]
    # Upper above lower, whatever is drawn.
    return st.integers(121, most) if kind == "systolic" else st.integers(least, min(most, 120))


infusions = st.fixed_dictionaries(
    {},
    optional={
        "number": st.integers(1, 500),
        "phase": st.sampled_from(sorted(PHASES)),
        "started": st.times().map(lambda t: t.isoformat("minutes")),
        "minutes": st.integers(1, 720).map(str),
        "dose_mg": st.decimals("0.1", "2000", places=1).map(str),
        "dose_mg_per_kg": st.decimals("0.01", "10", places=2).map(str),
        "route": st.sampled_from(sorted(ROUTES)),
        "setting": st.sampled_from(sorted(SETTINGS)),
        "feeling_before": text,
        "note": text,
        "vitals": vitals.filter(lambda v: all(v.get(k, 60) >= 50 for k in v if k.endswith("oxygen"))).map(
            lambda v: {k: min(n, 100) if k.endswith("oxygen") else n for k, n in v.items()}
        ),
    },
)

courses = st.one_of(
    st.tuples(st.sampled_from([None, *STARTED]), st.sampled_from(["yes", None]), st.none()),
    st.tuples(
        st.sampled_from([None, *STARTED]), st.sampled_from(["no", None]), st.sampled_from([None, *GONE])
    ),
).map(list)

reports = st.fixed_dictionaries(
    {"infusion_id": st.uuids().map(str)},
    optional={
        "part": st.sampled_from(PARTS),
        "unfinished": st.booleans(),
        "diss_peak": maybe_ten,
        "diss_peace": maybe_ten,
        "diss_distress": maybe_ten,
        "diss_next_day": maybe_ten,
        "worst_side_effect": grade,
        "any_red_flag_now": st.sampled_from(["yes", "no", "", True]),
        "domains": some(DOMAINS, grade),
        "diss_duration": st.sampled_from(sorted(DURATIONS)),
        "still_senses": st.sampled_from(["yes", "no", ""]),
        "side_effects": some(SIDE_EFFECTS, grade),
        "courses": some(SIDE_EFFECTS, courses),
        "note": text,
    },
)

plans = st.fixed_dictionaries(
    {
        "days": st.lists(
            st.dates(min_value=date(2001, 1, 1), max_value=date(2099, 1, 1)),
            unique=True,
            max_size=20,
        ).map(lambda days: [day.isoformat() for day in days])
    }
)

profiles = st.fixed_dictionaries(
    {},
    optional={
        "name": text.map(lambda t: t[:60]),
        "treated_for": st.lists(st.sampled_from(["depression", "ptsd", "pain", "ocd"]), unique=True),
        "measures": st.one_of(st.none(), st.lists(st.sampled_from(sorted(MEASURES)), unique=True)),
        "always_dissociation": st.booleans(),
        "questionnaires": some(["phq-9", "gad-7", "urinary", "of-tomorrow"], st.booleans()),
        "language": st.sampled_from(["en", "es", ""]),
        "own_symptoms": st.lists(
            st.tuples(own, st.sampled_from(["Ringing ears", "Jaw", "Cold hands", "Rot"]), st.booleans()).map(
                list
            ),
            max_size=4,
            unique_by=(lambda o: o[0], lambda o: o[1]),
        ),
    },
)

notes = st.fixed_dictionaries({"text": text.filter(lambda t: t.strip())})


def _responses(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    def answers(one: Instrument) -> st.SearchStrategy[dict[str, Any]]:
        values = {item.id: st.sampled_from([o.score for o in item.options]) for item in one.items}
        return st.fixed_dictionaries(
            {"instrument": st.just(one.code)},
            optional={
                "language": st.sampled_from(one.languages),
                "state": st.sampled_from(STATES),
                "answers": st.fixed_dictionaries({}, optional={i: v | v.map(str) for i, v in values.items()}),
            },
        )

    return st.sampled_from([one for one in instruments().values() if one.kept_as == kind]).flatmap(answers)


safety_plans = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(HEADINGS, text),
        "person_name": text.map(lambda t: t[:60]),
        "person_number": st.sampled_from(["", "+1 505 555 0100", "(505) 555-0100", "112"]),
        "clinic_number": st.sampled_from(["", "505.555.0100"]),
    },
)

VALID: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "check-in": checkins,
    "note": notes,
    "infusion": infusions,
    "after-infusion": reports,
    "plan": plans,
    "profile": profiles,
    "questionnaire": _responses("questionnaire"),
    "urinary-check": _responses("urinary-check"),
    "safety-plan": safety_plans,
    "safety-check": st.fixed_dictionaries({"safe": st.sampled_from(sorted(SAFE_ANSWERS))}),
}

junk: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.uuids().map(str)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=8,
)
NAMES = {
    "check-in": ["measures", "side_effects", "happening_now", "note", "joy"],
    "note": ["text", "joy"],
    "infusion": ["number", "phase", "started", "minutes", "dose_mg", "route", "vitals", "note", "joy"],
    "after-infusion": [
        "infusion_id",
        "part",
        "diss_peak",
        "domains",
        "courses",
        "side_effects",
        "happening_now",
        "joy",
    ],
    "plan": ["days", "joy"],
    "questionnaire": ["instrument", "answers", "state", "language", "total"],
    "urinary-check": ["instrument", "answers", "state", "language", "score"],
    "safety-plan": ["struggling", "person_number", "clinic_name", "joy"],
    "safety-check": ["safe", "joy"],
    "profile": ["name", "treated_for", "measures", "own_symptoms", "always_dissociation", "joy"],
}


def anything(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Data that may be nearly right or nonsense."""
    return st.dictionaries(st.sampled_from(NAMES[kind]), junk, max_size=5)


__all__ = ["VALID", "anything"]
