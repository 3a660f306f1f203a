"""The resources of the FHIR file: how they are made, and those of the days. Only fields that R4 and R4B share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from journal.domain import fhir_codes as codes
from journal.domain.fhir_codes import Json, concept, own
from journal.domain.side_effects import SIDE_EFFECTS
from journal.domain.summary import Day
from journal.domain.trends import Series


@dataclass(frozen=True, slots=True)
class Part:
    """A resource and its place in the bundle."""

    url: str
    resource: Json

    @property
    def reference(self) -> Json:
        return {"reference": self.url}


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes parts about one patient. The same words give the same place in every file with this namespace."""

    namespace: UUID
    zone: ZoneInfo
    with_snomed: bool

    def url(self, *words: object) -> str:
        return uuid5(self.namespace, " ".join(map(str, words))).urn

    @property
    def patient(self) -> Json:
        return {"reference": self.url("patient")}

    def part(self, resource_type: str, words: Sequence[object], **fields: Any) -> Part:
        return Part(self.url(*words), {"resourceType": resource_type, **fields})

    def observation(self, words: Sequence[object], category: list[Json], code: Json, **fields: Any) -> Part:
        return self.part(
            "Observation",
            words,
            status="final",
            category=category,
            code=code,
            subject=self.patient,
            performer=[self.patient],
            **fields,
        )


def measures(make: Maker, series: Series, days: Sequence[date]) -> Iterator[Part]:
    """An observation per day that was logged."""
    measure = series.measure
    text = f"{measure.title} (0 to 10, higher is {'better' if measure.higher_is_better else 'worse'})"
    known = [measure.loinc] if measure.loinc else []
    code = codes.loinc(known, own("measure", measure.id, measure.title), text=text)
    for day, value, late in zip(days, series.values, series.late, strict=True):
        if value is not None:
            yield make.observation(
                ("measure", measure.id, day),
                codes.category("survey"),
                code,
                effectiveDateTime=day.isoformat(),
                valueQuantity=codes.score_of(value),
                **_late(late),
            )


def side_effects(make: Maker, one: Day) -> Iterator[Part]:
    """An observation per side effect that was answered, "none" included."""
    for effect, grade in one.side_effects.items():
        yield make.observation(
            ("side-effect", effect, one.day),
            codes.category("survey"),
            effect_code(make, effect),
            effectiveDateTime=one.day.isoformat(),
            valueCodeableConcept=codes.grade(grade, make.with_snomed),
            **_late(one.is_late),
        )


def _late(is_late: bool) -> Json:
    if not is_late:
        return {}
    return {"meta": {"tag": [own("mark", "late", "Filled in later")]}, "note": [{"text": "Filled in later."}]}


def effect_code(make: Maker, effect: str) -> Json:
    label = SIDE_EFFECTS[effect].label
    mapped = codes.SNOMED_EFFECTS.get(effect) if make.with_snomed else None
    known = [codes.coding(codes.SNOMED, mapped)] if mapped else []
    return concept(label, *known, own("side-effect", effect, label))
