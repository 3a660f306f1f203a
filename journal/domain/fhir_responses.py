"""Questionnaires in the FHIR file: what was answered, and the score."""

import re
from collections.abc import Iterator

from journal.domain import fhir_codes as codes
from journal.domain.fhir_codes import Json, clean, concept, own
from journal.domain.fhir_parts import Maker, Part
from journal.domain.instrument import Instrument, Item
from journal.domain.summary import Answered


def answered(make: Maker, one: Answered) -> Iterator[Part]:
    """The response, and its score where it has one."""
    response = _response(make, one)
    yield response
    if one.scored is None:
        return
    instrument = one.instrument
    kinds = ("survey",) if instrument.code in codes.NOT_COGNITIVE else ("survey", "cognitive-status")
    title = f"{instrument.short_title} score ({instrument.least} to {instrument.most}, lower is better)"
    total = [instrument.total_loinc] if instrument.total_loinc else []
    fields: Json = {}
    if one.band is not None:
        label = one.band.label["en"]
        said = f"In the range called {label.lower()} ({one.band.least} to {one.band.most})"
        fields["interpretation"] = [concept(said, own("band", f"{instrument.code}-{one.band.id}", label))]
    yield make.observation(
        ("score", one.entry_id),
        codes.category(*kinds),
        codes.loinc(total, own("score", instrument.code, instrument.short_title), text=title),
        effectiveDateTime=one.day.isoformat(),
        valueQuantity=codes.score_of(one.scored.score),
        derivedFrom=[response.reference],
        **fields,
    )


def _response(make: Maker, one: Answered) -> Part:
    instrument = one.instrument
    language = instrument.language(one.response.language)
    items = [
        _item(instrument, item, score, language)
        for item_id, score in one.response.answers.items()
        if (item := instrument.find_item(item_id)) is not None
    ]
    return make.part(
        "QuestionnaireResponse",
        ("response", one.entry_id),
        language=language,
        questionnaire=canonical(instrument),
        status="completed",
        subject=make.patient,
        authored=one.at.astimezone(make.zone).isoformat(timespec="seconds"),
        author=make.patient,
        source=make.patient,
        **({"item": items} if items else {}),
    )


def canonical(instrument: Instrument) -> str:
    """The questionnaire by name and version."""
    version = re.sub(r"[^A-Za-z0-9.]+", "-", instrument.version).strip("-")
    return f"{codes.OWN}/Questionnaire/{instrument.code}|{version}"


def _item(instrument: Instrument, item: Item, score: int, language: str) -> Json:
    """LOINC's panels name their questions by "/" and the code; where there is none, our own id does."""
    option = item.find_option(score)
    label = option.label[language] if option else str(score)
    value: Json = {"valueInteger": score}
    if option is not None and (option.loinc or label != str(score)):
        known = (
            codes.coding(codes.LOINC, option.loinc, label)
            if option.loinc
            else own("answer", f"{instrument.code}-{score}", label)
        )
        value = {"valueCoding": {"extension": [{"url": codes.ORDINAL, "valueDecimal": score}], **known}}
    return {
        "linkId": f"/{item.loinc}" if item.loinc else item.id,
        "text": clean(item.text[language]),
        "answer": [value],
    }
