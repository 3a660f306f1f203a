"""The summary as FHIR R4: a document to hand over, or a collection to keep. The same numbers as on the page, and
nothing beside them. It is built from the `Summary` alone, and says of what isn't shared that it is withheld."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from html import escape
from uuid import UUID, uuid5

from journal.domain import fhir_codes as codes
from journal.domain.access import KINDS
from journal.domain.fhir_codes import Json, clean, concept, own
from journal.domain.fhir_infusions import infusion
from journal.domain.fhir_parts import Maker, Part, measures, side_effects
from journal.domain.fhir_responses import answered
from journal.domain.questionnaires import say_number
from journal.domain.safety import HEADINGS
from journal.domain.summary import Answered, Summary, say_changes
from journal.domain.summary_csv import write as write_csv

NAMESPACE = UUID("5d6f2c1e-0b7a-4f43-9c55-1f0a7a1d9b64")
LOINC_NOTICE = (
    "This material contains content from LOINC (http://loinc.org). LOINC is copyright © Regenstrief Institute, Inc. "
    "and the LOINC Committee and is available at no cost under the license at http://loinc.org/license."
)
SNOMED_NOTICE = (
    "SNOMED CT identifiers are included as optional mappings; use needs the appropriate licence (in the US, via the "
    "NLM UMLS licence)."
)
ORIGIN = "Self-reported by the patient. Own scales are not validated. Scores are not a diagnosis."


def document(summary: Summary, namespace: UUID | None = None, *, with_snomed: bool = True) -> Json:
    """A Bundle of type document. With a `namespace` (a share's own id) the same value keeps the same id from one file
    to the next; without one, ids belong to this summary alone. The same summary always gives the same Bundle."""
    return _bundle("document", summary, namespace, with_snomed)


def collection(summary: Summary, namespace: UUID | None = None, *, with_snomed: bool = True) -> Json:
    """The same resources in a Bundle of type collection, for the patient's own export."""
    return _bundle("collection", summary, namespace, with_snomed)


def write(bundle: Json) -> str:
    """The file; the same Bundle always gives the same text."""
    return json.dumps(bundle, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _bundle(kind: str, summary: Summary, namespace: UUID | None, with_snomed: bool) -> Json:
    make = Maker(namespace or uuid5(NAMESPACE, write_csv(summary)), summary.zone, with_snomed)
    made_at = summary.made_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    stamp = (made_at, summary.first, summary.last, *sorted(summary.scope.kinds))
    patient = make.part("Patient", ("patient",), name=[{"text": clean(summary.name)}])
    device = make.part(
        "Device", ("device",), deviceName=[{"name": "Infusion Journal", "type": "user-friendly-name"}]
    )
    found = _found(make, summary)
    told = [part for group in found.values() for part in group]
    composition = make.part(
        "Composition",
        ("composition", *stamp),
        identifier={"system": "urn:ietf:rfc:3986", "value": make.url("composition", *stamp)},
        status="final",
        type=concept("Patient-reported summary", own("document", "summary", "Patient-reported summary")),
        subject=patient.reference,
        date=made_at,
        author=[device.reference],
        title=title(summary),
        event=[{"period": {"start": summary.first.isoformat(), "end": summary.last.isoformat()}}],
        section=[*_sections(summary, found, with_snomed)],
    )
    entries = [composition, patient, device, *told]
    provenance = make.part(
        "Provenance",
        ("provenance", *stamp),
        target=[part.reference for part in entries],
        occurredPeriod={"start": summary.first.isoformat(), "end": summary.last.isoformat()},
        recorded=made_at,
        agent=[
            _agent("author", "Author", patient),
            _agent("assembler", "Assembler", device),
        ],
    )
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": make.url(kind, *stamp)},
        "type": kind,
        "timestamp": made_at,
        "entry": [{"fullUrl": one.url, "resource": one.resource} for one in (*entries, provenance)],
    }


def title(summary: Summary) -> str:
    """Summary for Dana, 2026-08-25 to 2026-11-22"""
    return f"Summary for {clean(summary.name)}, {summary.first} to {summary.last}"


def _agent(code: str, display: str, who: Part) -> Json:
    return {"type": {"coding": [codes.coding(codes.PARTICIPANT, code, display)]}, "who": who.reference}


def _found(make: Maker, summary: Summary) -> Mapping[str, Sequence[Part]]:
    """The resources by the shared kind they belong to."""
    responses = [(one, [*answered(make, one)]) for one in summary.answered]
    return {
        "daily": [
            part for series in summary.trends.series for part in measures(make, series, summary.trends.days)
        ],
        "side-effects": [
            *(part for one in summary.days for part in side_effects(make, one)),
            *(part for one, made in responses if one.is_urinary for part in made),
        ],
        "infusions": [part for one in summary.infusions for part in infusion(make, one)],
        "questionnaires": [part for one, made in responses if not one.is_urinary for part in made],
    }


def _sections(summary: Summary, found: Mapping[str, Sequence[Part]], with_snomed: bool) -> Iterator[Json]:
    yield _section(
        "What this holds",
        [
            ORIGIN,
            f"Days: {summary.first} to {summary.last}.",
            f"Shared: {summary.kinds_said or 'nothing'}.",
            f"Not shared: {summary.not_held_said}." if summary.not_held_said else "All kinds are shared.",
        ],
    )
    yield _section(
        "Open flags",
        [
            f"{one.raised_at.astimezone(summary.zone).date()}, {one.rule.urgency}: {one.why}"
            for one in summary.flags
        ]
        or ["None open in what is shared."],
    )
    words = _words(summary)
    for kind in KINDS.values():
        if summary.scope.holds(kind.id):
            said = [*words[kind.id]] or ["Nothing was logged in these days."]
            yield _section(kind.title, said, found.get(kind.id, ()))
        else:
            yield _section(kind.title, ["Not shared."]) | {
                "emptyReason": {
                    "coding": [codes.coding(codes.EMPTY_REASON, "withheld", "Information Withheld")]
                }
            }
    credits = {one.instrument.code: one.instrument for one in summary.answered}
    yield _section(
        "Credits",
        [
            *(f"{i.short_title}: {i.licence.credit['en']}" for i in credits.values() if i.licence.credit),
            LOINC_NOTICE,
            *([SNOMED_NOTICE] if with_snomed else []),
        ],
    )


def _words(summary: Summary) -> Mapping[str, Iterable[str]]:
    """What each section says in words, by shared kind."""
    aligned, strip, told = summary.trends.aligned, summary.trends.strip, summary.adherence
    logged = [f"Something was logged on {told.logged} of {told.days} days."] if told and told.logged else []
    plan = summary.safety_plan
    return {
        "daily": [
            *(f"{one.measure.title}: {one.sentence}" for one in summary.trends.series),
            *(text for text in dict.fromkeys(aligned.sentences if aligned else ()) if text),
        ],
        "side-effects": [
            *(logged if any(one.side_effects for one in summary.days) else []),
            *(f"{one.instrument.short_title} on {one.day}." for one in summary.answered if one.is_urinary),
        ],
        "infusions": [
            *(f"Infusion {one.held.number}: {one.held.day}." for one in summary.infusions),
            *([strip.sentence] if strip.sentence else []),
        ],
        "questionnaires": [_said(one) for one in summary.answered if not one.is_urinary],
        "safety-plan": [
            f"{HEADINGS[name][0] if name in HEADINGS else name.replace('_', ' ').capitalize()}: {text}"
            for name, text in (plan.dump() if plan else {}).items()
            if text
        ],
        "notes": [f"{one.day}, {one.where}: {one.text}" for one in summary.notes],
    }


def _said(one: Answered) -> str:
    score = f"{say_number(one.scored.score)}." if one.scored else "no score, since not all was answered."
    return " ".join((f"{one.instrument.short_title} on {one.day}: {score}", *say_changes(one)))


def _section(heading: str, said: Iterable[str], told: Iterable[Part] = ()) -> Json:
    """A section with its words as XHTML; every word is escaped."""
    lines = "".join(f"<p>{escape(clean(line)).replace(chr(10), '<br/>')}</p>" for line in said)
    entries = [part.reference for part in told]
    return {
        "title": heading,
        "text": {
            "status": "additional" if not entries else "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{lines}</div>',
        },
    } | ({"entry": entries} if entries else {})
