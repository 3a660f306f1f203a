"""Code systems and codes of the FHIR file, with what they stand on (docs/formats.md). The map to SNOMED CT is apart,
since using it needs a licence in some countries."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
US_CORE = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
EMPTY_REASON = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"

OWN = "https://infusion-journal.example/fhir"
"""Names of our own codes. Nothing is there: `.example` belongs to nobody, so no server can claim or answer them."""

KETAMINE = "6130"
INTRAVENOUS = "47625008"
BLOOD_PRESSURE = "85354-9"
PRESSURES = {
    "systolic": ("8480-6", "Systolic blood pressure"),
    "diastolic": ("8462-4", "Diastolic blood pressure"),
}
READINGS: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "pulse": (("8867-4",), "Heart rate", "/min"),
    "oxygen": (("2708-6", "59408-5"), "Oxygen saturation", "%"),
}
NOT_COGNITIVE = frozenset({"peg", "pain-nrs"})
"""US Core's category "cognitive-status" is for mental-health questionnaires; these two are about pain."""

SNOMED_GRADES = {"mild": "255604002", "moderate": "6736007", "severe": "24484000"}
SNOMED_EFFECTS: Mapping[str, str] = {
    "nausea": "422587007",
    "vomiting": "422400008",
    "dizziness": "404640003",
    "headache": "25064002",
    "blurred_vision": "246636008",
    "drowsy": "271782001",
    "fatigue": "84229001",
    "confusion": "40917007",
    "memory": "225038006",
    "numbness": "62507009",
    "palpitations": "80313002",
    "anxiety_se": "48694002",
    "insomnia": "193462001",
    "hallucination": "7011001",
    "chest_pain": "29857009",
    "breathing": "267036007",
    "fainting": "271594007",
    "urine_pain": "49650001",
    "urine_freq": "162116003",
    "urine_night": "139394000",
    "urine_blood": "34436003",
}


def clean(text: str) -> str:
    """Text as FHIR and XML can hold it; never empty."""
    kept = "".join(c if c in "\n\t" or not c.isspace() else " " for c in text if c not in "\ufffe\uffff")
    return "".join(c for c in kept if c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f")).strip() or "–"


def own(system: str, code: str, display: str = "") -> Json:
    """A code of our own."""
    return coding(f"{OWN}/CodeSystem/{system}", code, display)


def coding(system: str, code: str, display: str = "") -> Json:
    return {"system": system, "code": code} | ({"display": clean(display)} if display else {})


def concept(text: str, *codings: Json) -> Json:
    return ({"coding": list(codings)} if codings else {}) | {"text": clean(text)}


def number(value: Decimal | int) -> int | float:
    """A number as JSON writes it: 9, 4.3."""
    return int(value) if value == int(value) else float(value)


def quantity(value: Decimal | int, unit: str) -> Json:
    return {"value": number(value), "unit": unit, "system": UCUM, "code": unit}


def score_of(value: Decimal | int) -> Json:
    return quantity(value, "{score}")


def grade(name: str, with_snomed: bool) -> Json:
    """none, mild, moderate or severe."""
    codings = [own("grade", name, name.capitalize())]
    if with_snomed and name in SNOMED_GRADES:
        codings.append(coding(SNOMED, SNOMED_GRADES[name]))
    return concept(name.capitalize(), *codings)


def category(*codes: str) -> list[Json]:
    return [{"coding": [coding(US_CORE if code == "cognitive-status" else CATEGORY, code)]} for code in codes]


def loinc(codes: Sequence[str], *more: Json, text: str) -> Json:
    return concept(text, *(coding(LOINC, code) for code in codes), *more)
