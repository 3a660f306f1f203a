"""The resources of an infusion in the FHIR file: as the patient knows it, its vitals, and how it was."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from journal.domain import after_infusion as asked
from journal.domain import fhir_codes as codes
from journal.domain.after_infusion import AfterInfusion
from journal.domain.fhir_codes import Json, concept, own
from journal.domain.fhir_parts import Maker, Part, effect_code
from journal.domain.infusion import MOMENTS, PHASES, ROUTES, SETTINGS, Held
from journal.domain.summary import Infused


def infusion(make: Maker, one: Infused) -> Iterator[Part]:
    """The infusion as the patient knows it, its vitals, and the reports on it."""
    given = _statement(make, one.held)
    yield given
    yield from _vitals(make, one.held, given)
    for report in (one.first, one.next_day):
        if report is not None:
            yield from _report(make, report, one.held, given)


def _statement(make: Maker, held: Held) -> Part:
    known = held.infusion
    said = [
        f"Infusion {held.number}",
        PHASES.get(known.phase, "").lower(),
        f"{known.dose_mg} mg" if known.dose_mg is not None else "",
        f"{known.dose_mg_per_kg} mg/kg" if known.dose_mg_per_kg is not None else "",
        f"over {known.minutes} minutes" if known.minutes is not None else "",
        ROUTES[known.route].lower().replace("(iv)", "(IV)").replace("(im)", "(IM)") if known.route else "",
        f"at: {SETTINGS[known.setting].lower()}" if known.setting else "",
    ]
    dosage: Json = {"text": ", ".join(filter(None, said))}
    if known.route:
        is_iv = make.with_snomed and known.route == "iv"
        iv = [codes.coding(codes.SNOMED, codes.INTRAVENOUS)] if is_iv else []
        dosage["route"] = concept(ROUTES[known.route], *iv, own("route", known.route, ROUTES[known.route]))
    doses = [
        {"doseQuantity": codes.quantity(dose, unit)}
        for dose, unit in ((known.dose_mg, "mg"), (known.dose_mg_per_kg, "mg/kg"))
        if dose is not None
    ]
    if doses:
        dosage["doseAndRate"] = doses
    return make.part(
        "MedicationStatement",
        ("infusion", held.id),
        status="completed",
        medicationCodeableConcept=concept("Ketamine", codes.coding(codes.RXNORM, codes.KETAMINE, "ketamine")),
        subject=make.patient,
        **_effective(held),
        informationSource=make.patient,
        dosage=[dosage],
    )


def _effective(held: Held) -> Json:
    """From start to end where both are known; else the start, or the day alone."""
    start = held.infusion.starts_at(held.day, held.zone)
    if start is None:
        return {"effectiveDateTime": held.day.isoformat()}
    if held.infusion.minutes is None:
        return {"effectiveDateTime": _instant(start, held)}
    end = start + timedelta(minutes=held.infusion.minutes)
    return {"effectivePeriod": {"start": _instant(start, held), "end": _instant(end, held)}}


def _instant(at: datetime, held: Held) -> str:
    return at.astimezone(held.zone).isoformat(timespec="seconds")


def _vitals(make: Maker, held: Held, given: Part) -> Iterator[Part]:
    for moment, title in MOMENTS.items():
        readings = {
            name.partition("_")[2]: value
            for name, value in held.infusion.vitals.items()
            if name.partition("_")[0] == moment
        }
        fields: Json = {"effectiveDateTime": held.day.isoformat(), "partOf": [given.reference]}
        category = [*codes.category("vital-signs"), {"coding": [own("moment", moment, title)]}]
        when = f"{title.lower()}, infusion {held.number}"
        if not readings.keys().isdisjoint(codes.PRESSURES):
            yield make.observation(
                ("vital", held.id, moment, "blood-pressure"),
                category,
                codes.loinc([codes.BLOOD_PRESSURE], text=f"Blood pressure, {when}"),
                component=[
                    {"code": codes.loinc([code], text=text), **_pressure(readings.get(name))}
                    for name, (code, text) in codes.PRESSURES.items()
                ],
                **fields,
            )
        for name, (known, text, unit) in codes.READINGS.items():
            if name in readings:
                yield make.observation(
                    ("vital", held.id, moment, name),
                    category,
                    codes.loinc(known, text=f"{text}, {when}"),
                    valueQuantity=codes.quantity(readings[name], unit),
                    **fields,
                )


def _pressure(value: int | None) -> Json:
    if value is None:
        return {"dataAbsentReason": {"coding": [codes.coding(codes.ABSENT, "unknown")]}}
    return {"valueQuantity": codes.quantity(value, "mm[Hg]")}


def _report(make: Maker, report: AfterInfusion, held: Held, given: Part) -> Iterator[Part]:
    """How it was, as one observation with a component per answer, and one per side effect."""
    title = "How the infusion was" if report.part == "first" else "How it was the next day"
    fields: Json = {
        "effectiveDateTime": (held.day + timedelta(days=report.part != "first")).isoformat(),
        "partOf": [given.reference],
    }
    components = [*_experience(report, make.with_snomed)]
    if components:
        yield make.observation(
            ("report", held.id, report.part),
            codes.category("survey"),
            concept(f"{title}, infusion {held.number}", own("report", report.part, title)),
            component=components,
            **fields,
        )
    for effect in dict.fromkeys((*report.side_effects, *report.courses, *report.happening_now)):
        grade = report.side_effects.get(effect)
        course = [*_course(report, effect)]
        yield make.observation(
            ("report", held.id, report.part, effect),
            codes.category("survey"),
            effect_code(make, effect),
            **({"valueCodeableConcept": codes.grade(grade, make.with_snomed)} if grade else {}),
            **({"component": course} if course else {}),
            **fields,
        )


def _experience(report: AfterInfusion, with_snomed: bool) -> Iterator[Json]:
    for name, text, number in (
        ("diss_peak", asked.PEAK[0], report.diss_peak),
        ("diss_peace", asked.PEACE[0], report.diss_peace),
        ("diss_distress", asked.DISTRESS[0], report.diss_distress),
        ("diss_next_day", asked.NEXT_DAY[0], report.diss_next_day),
    ):
        if number is not None:
            yield _component(name, text, valueQuantity=codes.score_of(number))
    for domain, grade in report.domains.items():
        yield _component(domain, asked.DOMAINS[domain], valueCodeableConcept=codes.grade(grade, with_snomed))
    if report.diss_duration is not None:
        value = _choice(asked.DURATIONS, report.diss_duration)
        yield _component("diss_duration", asked.DURATION_QUESTION, valueCodeableConcept=value)
    if report.worst_side_effect is not None:
        value = codes.grade(report.worst_side_effect, with_snomed)
        yield _component("worst_side_effect", "Strongest side effect", valueCodeableConcept=value)
    for name, text, answer in (
        ("still_senses", asked.STILL_SENSES, report.still_senses),
        ("any_red_flag_now", "A warning sign was happening then", report.any_red_flag_now),
    ):
        if answer is not None:
            yield _component(name, text, valueBoolean=answer)


def _course(report: AfterInfusion, effect: str) -> Iterator[Json]:
    course = report.courses.get(effect, asked.Course())
    if course.started:
        yield _component("started", "Started", valueCodeableConcept=_choice(asked.STARTED, course.started))
    if course.still_there is not None:
        yield _component("still_there", "Still there when told", valueBoolean=course.still_there)
    if course.gone:
        yield _component("gone", "Gone", valueCodeableConcept=_choice(asked.GONE, course.gone))
    if effect in report.happening_now:
        yield _component("happening", "Happening when told", valueBoolean=report.happening_now[effect])


def _component(name: str, text: str, **value: Any) -> Json:
    return {"code": concept(text, own("report", name)), **value}


def _choice(words: Mapping[str, str], chosen: str) -> Json:
    return concept(words[chosen], own("report-answer", chosen, words[chosen]))
