"""The FHIR file: valid against R4B's models, whole in itself, and the same numbers as on the page."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy.orm import Session

from journal.domain import fhir
from journal.domain import trends as domain_trends
from journal.domain.summary import Summary
from tests.cast import Cast
from tests.summaries.told import SCORES_ONLY, SINCE, UNTIL, summarize, tell

pytestmark = pytest.mark.long

Json = dict[str, Any]


@pytest.fixture
def summary(cast: Cast, session: Session) -> Summary:
    tell(session, cast.patient.viewer)
    return summarize(session, cast.patient.viewer)


def walk(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from walk(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from walk(inner)


def check(bundle: Json) -> None:
    """Valid, every reference resolves, every address is its own, nothing is empty."""
    for entry in bundle["entry"]:
        get_fhir_model_class(entry["resource"]["resourceType"]).model_validate(entry["resource"])
    get_fhir_model_class("Bundle").model_validate(bundle)
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(urls) == len(set(urls))
    assert all(UUID(url.removeprefix("urn:uuid:")) for url in urls)
    references = {node["reference"] for node in walk(bundle) if "reference" in node}
    assert references <= set(urls)
    for node in walk(bundle):
        assert all(value not in ("", [], {}, None) for value in node.values()), node
    for section in bundle["entry"][0]["resource"]["section"]:
        ElementTree.fromstring(section["text"]["div"])
    reached = {bundle["entry"][0]["fullUrl"], bundle["entry"][-1]["fullUrl"]} | references
    assert reached == set(urls), "every resource is told of by the composition"


def of_type(bundle: Json, name: str) -> list[Json]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == name]


def codes(resource: Json, key: str = "code") -> set[tuple[str, str]]:
    return {(c["system"], c["code"]) for c in resource[key].get("coding", [])}


@pytest.mark.parametrize("with_snomed", [True, False])
def test_it_is_valid_and_whole(summary: Summary, with_snomed: bool) -> None:
    bundle = fhir.document(summary, with_snomed=with_snomed)
    check(bundle)
    assert bundle["type"] == "document" and bundle["entry"][0]["resource"]["resourceType"] == "Composition"
    assert bundle["identifier"]["value"] and bundle["timestamp"]
    assert ("http://snomed.info/sct" in fhir.write(bundle)) == with_snomed
    collected = fhir.collection(summary, with_snomed=with_snomed)
    check(collected)
    assert collected["type"] == "collection"
    assert len(collected["entry"]) == len(bundle["entry"])


def test_the_same_numbers_as_the_charts(summary: Summary) -> None:
    bundle = fhir.document(summary)
    told = domain_trends.to_json(summary.trends)
    found: dict[str, dict[str, Any]] = {}
    late: dict[str, set[str]] = {}
    for one in of_type(bundle, "Observation"):
        for system, code in codes(one):
            if system.endswith("CodeSystem/measure"):
                found.setdefault(code, {})[one["effectiveDateTime"]] = one["valueQuantity"]["value"]
                if "meta" in one:
                    late.setdefault(code, set()).add(one["effectiveDateTime"])
    assert found == {
        s["id"]: {d: v for d, v in zip(told["dates"], s["values"], strict=True) if v is not None}
        for s in told["series"]
    }
    assert late == {
        s["id"]: {d for d, is_late in zip(told["dates"], s["late"], strict=True) if is_late}
        for s in told["series"]
    }
    assert set(found) == {"mood", "anxiety", "own-abc123"} and late["mood"]
    scores = [
        (code, one["effectiveDateTime"], one["valueQuantity"]["value"])
        for one in of_type(bundle, "Observation")
        for system, code in codes(one)
        if system.endswith("CodeSystem/score")
    ]
    assert sorted(scores) == sorted(
        (q["code"], s["day"], s["score"]) for q in told["questionnaires"] for s in q["scores"]
    )
    effects = Counter(
        one["valueCodeableConcept"]["text"]
        for one in of_type(bundle, "Observation")
        if "partOf" not in one and any(s.endswith("CodeSystem/side-effect") for s, _ in codes(one))
    )
    assert effects == Counter(g.capitalize() for day in summary.days for g in day.side_effects.values())


def test_a_score_and_its_answers(summary: Summary) -> None:
    bundle = fhir.document(summary)
    by_url = {e["fullUrl"]: e["resource"] for e in bundle["entry"]}
    scores = [o for o in of_type(bundle, "Observation") if ("http://loinc.org", "44261-6") in codes(o)]
    assert [o["valueQuantity"] for o in scores] == [
        {"value": v, "unit": "{score}", "system": "http://unitsofmeasure.org", "code": "{score}"}
        for v in (18, 8)
    ]
    assert [o["interpretation"][0]["text"] for o in scores] == [
        "In the range called moderately severe (15 to 19)",
        "In the range called mild (5 to 9)",
    ]
    response = by_url[scores[0]["derivedFrom"][0]["reference"]]
    assert response["questionnaire"].startswith(
        "https://infusion-journal.example/fhir/Questionnaire/phq-9|PHQ-9-1999"
    )
    ninth = next(i for i in response["item"] if i["linkId"] == "/44260-8")
    assert ninth["answer"][0]["valueCoding"]["code"] == "LA6570-1"
    assert ninth["answer"][0]["valueCoding"]["extension"][0]["valueDecimal"] == 2
    assert (
        sum(i["answer"][0]["valueCoding"]["extension"][0]["valueDecimal"] for i in response["item"][:9]) == 18
    )
    peg = next(o for o in of_type(bundle, "Observation") if ("http://loinc.org", "91147-9") in codes(o))
    assert peg["valueQuantity"]["value"] == 4.3 and "interpretation" not in peg
    assert [c["coding"][0]["code"] for c in peg["category"]] == ["survey"]
    assert [c["coding"][0]["code"] for c in scores[0]["category"]] == ["survey", "cognitive-status"]


def test_an_infusion_as_the_patient_knows_it(summary: Summary) -> None:
    bundle = fhir.document(summary)
    first, second, *_ = of_type(bundle, "MedicationStatement")
    assert first["effectiveDateTime"] == "2026-09-23" and "effectivePeriod" not in first
    assert second["effectivePeriod"] == {
        "start": "2026-10-23T10:40:00-06:00",
        "end": "2026-10-23T11:20:00-06:00",
    }
    assert codes(second, "medicationCodeableConcept") == {
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "6130")
    }
    assert second["informationSource"] == second["subject"]
    (dosage,) = second["dosage"]
    assert ("http://snomed.info/sct", "47625008") in codes(dosage, "route")
    assert [d["doseQuantity"]["value"] for d in dosage["doseAndRate"]] == [41.3, 0.5]
    pressures = [o for o in of_type(bundle, "Observation") if ("http://loinc.org", "85354-9") in codes(o)]
    assert len(pressures) == 6
    before, peak = pressures[:2]
    assert [c["valueQuantity"]["value"] for c in before["component"]] == [131, 80]
    assert peak["component"][1]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert all(o["category"][0]["coding"][0]["code"] == "vital-signs" for o in pressures)
    report = next(
        o for o in of_type(bundle, "Observation") if o["code"]["text"] == "How the infusion was, infusion 2"
    )
    peak_of = {c["code"]["coding"][0]["code"]: c for c in report["component"]}
    assert peak_of["diss_peak"]["valueQuantity"]["value"] == 8
    assert peak_of["diss_unreal"]["valueCodeableConcept"]["text"] == "Moderate"
    assert report["partOf"][0]["reference"] in {
        e["fullUrl"] for e in bundle["entry"] if e["resource"] == second
    }


def test_what_is_not_shared_is_withheld_and_said(cast: Cast, session: Session) -> None:
    tell(session, cast.patient.viewer)
    bundle = fhir.document(summarize(session, cast.patient.viewer, SCORES_ONLY, SINCE, UNTIL))
    check(bundle)
    sections = {s["title"]: s for s in bundle["entry"][0]["resource"]["section"]}
    withheld = {
        t
        for t, s in sections.items()
        if s.get("emptyReason", {}).get("coding", [{}])[0].get("code") == "withheld"
    }
    assert withheld == {"Side effects", "Infusions", "Safety plan", "Private notes"}
    assert (
        "Not shared: side effects, infusions, safety plan, private notes."
        in sections["What this holds"]["text"]["div"]
    )
    assert not of_type(bundle, "MedicationStatement")


def test_the_same_summary_gives_the_same_file(cast: Cast, summary: Summary, session: Session) -> None:
    namespace = UUID(int=5)
    assert fhir.write(fhir.document(summary)) == fhir.write(fhir.document(summary))
    text = fhir.write(fhir.document(summary, namespace))
    assert str(cast.patient.account_id) not in text
    ids = {str(i) for one in summary.infusions for i in (one.held.id,)} | {
        str(a.entry_id) for a in summary.answered
    }
    assert not any(i in text for i in ids)
    shorter = fhir.document(summarize(session, cast.patient.viewer, SCORES_ONLY, SINCE, UNTIL), namespace)
    kept = {
        e["fullUrl"]
        for e in fhir.document(summary, namespace)["entry"]
        if e["resource"]["resourceType"] == "Observation"
    }
    again = {e["fullUrl"] for e in shorter["entry"] if e["resource"]["resourceType"] == "Observation"}
    assert again and again < kept
    assert not {e["fullUrl"] for e in fhir.document(summary)["entry"]} & kept


def test_hostile_words_stay_words(cast: Cast, session: Session) -> None:
    tell(session, cast.patient.viewer)
    name = '<script>alert(1)</script>\u00a0&amp; ]]> "x\ufffe'
    summary = summarize(session, cast.patient.viewer, name=name)
    note = replace(summary.notes[0], text=f"{name}\n</div><b onclick='x'>")
    bundle = fhir.document(replace(summary, notes=(note,)))
    check(bundle)
    assert "&lt;script&gt;alert(1)" in bundle["entry"][0]["resource"]["section"][-2]["text"]["div"]
    assert json.loads(fhir.write(bundle)) == bundle
    assert not re.search(
        r"<script", "".join(s["text"]["div"] for s in bundle["entry"][0]["resource"]["section"])
    )
    nothing = fhir.document(summarize(session, cast.newcomer.viewer, name=" \u00a0"))
    check(nothing)
    assert nothing["entry"][1]["resource"]["name"] == [{"text": "–"}]
