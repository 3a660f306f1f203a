"""What the patient told about themselves. Sealed like every entry: what one is treated for is private."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from journal.domain.fields import Reader
from journal.domain.instrument import LANGUAGES
from journal.domain.measures import CONDITIONS, MEASURES, OWN, Measure, default_measures, own_measure

MOST_NAME = 60
MOST_OWN = 10
CODE = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True)
class OwnSymptom:
    """A symptom the patient named. One that is no longer asked keeps its name for the days that hold it."""

    id: str
    name: str
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Profile:
    """`measures` is None while the patient has chosen none. `questionnaires` says by code which ones were turned on or
    off, `language` in which they are read where they come in it."""

    kind: ClassVar[str] = "profile"

    name: str = ""
    treated_for: tuple[str, ...] = ()
    measures: tuple[str, ...] | None = None
    always_dissociation: bool = False
    own_symptoms: tuple[OwnSymptom, ...] = ()
    questionnaires: Mapping[str, bool] = field(default_factory=dict)
    language: str = "en"

    def asked(self, soon_after_infusion: bool) -> tuple[Measure, ...]:
        """The measures to ask today, in the order of the page."""
        chosen = self.measures if self.measures is not None else default_measures(self.treated_for)
        ids = [m for m in MEASURES if m in chosen and m != "dissociation"]
        if soon_after_infusion or self.always_dissociation:
            ids.append("dissociation")
        own = [own_measure(s.id, s.name) for s in self.own_symptoms if s.asked]
        return (*(MEASURES[m] for m in ids), *own)

    def measure(self, measure_id: str) -> Measure:
        """Any measure that an entry may hold, asked today or not."""
        if measure_id in MEASURES:
            return MEASURES[measure_id]
        name = next((s.name for s in self.own_symptoms if s.id == measure_id), "A symptom of your own")
        return own_measure(measure_id, name)

    def dump(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "treated_for": list(self.treated_for),
            "measures": None if self.measures is None else list(self.measures),
            "always_dissociation": self.always_dissociation,
            "own_symptoms": [[s.id, s.name, s.asked] for s in self.own_symptoms],
            "questionnaires": dict(self.questionnaires),
            "language": self.language,
        }

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "Profile":
        measures = stored["measures"]
        return cls(
            stored["name"],
            tuple(stored["treated_for"]),
            None if measures is None else tuple(measures),
            stored["always_dissociation"],
            tuple(OwnSymptom(*own) for own in stored["own_symptoms"]),
            stored.get("questionnaires", {}),  # profiles from before there were questionnaires
            stored.get("language", "en"),
        )

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> "Profile":
        """From untrusted data. Raises Refused with a reason per field."""
        reader = Reader(data, {one.name for one in fields(cls)})
        name = reader.text("name", MOST_NAME).strip()
        treated = _ids(reader, data.get("treated_for"), "treated_for", CONDITIONS)
        chosen = data.get("measures")
        measures = None if chosen is None else _ids(reader, chosen, "measures", MEASURES)
        always = reader.flag("always_dissociation")
        own = _own_symptoms(reader, data.get("own_symptoms") or ())
        asked = _switches(reader)
        language = reader.choice("language", tuple(LANGUAGES), "Choose from the list.") or "en"
        reader.finish()
        return cls(name, treated, measures, always, own, asked, language)


def _switches(reader: Reader) -> dict[str, bool]:
    """Which questionnaires are asked or not, by code."""
    switches = reader.mapping("questionnaires")
    if any(not CODE.fullmatch(code) or not isinstance(on, bool) for code, on in switches.items()):
        reader.refuse("questionnaires", "The journal can’t read this list.")
        return {}
    return switches


def _ids(reader: Reader, raw: Any, field: str, known: Mapping[str, object]) -> tuple[str, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list | tuple) or any(not isinstance(i, str) or i not in known for i in raw):
        reader.refuse(field, "Choose from the list.")
        return ()
    return tuple(i for i in known if i in raw)


def _own_symptoms(reader: Reader, raw: Any) -> tuple[OwnSymptom, ...]:
    if not isinstance(raw, list | tuple) or len(raw) > MOST_OWN:
        reader.refuse("own_symptoms", f"Up to {MOST_OWN} symptoms of your own fit here. Take one off first.")
        return ()
    own: list[OwnSymptom] = []
    for item in raw:
        if not isinstance(item, list | tuple) or len(item) != 3 or not isinstance(item[0], str):
            reader.refuse("own_symptoms", "The journal can’t read this list.")
            return ()
        symptom_id, name, asked = item
        inner = Reader({"own_symptom": name}, {"own_symptom"})
        clean = inner.text("own_symptom", MOST_NAME).strip()
        reader.reasons.update(inner.reasons)
        if not clean and not inner.reasons:
            reader.refuse("own_symptom", "Give the symptom a name.")
        if not OWN.fullmatch(symptom_id) or not isinstance(asked, bool) or symptom_id in {s.id for s in own}:
            reader.refuse("own_symptoms", "The journal can’t read this list.")
        taken = {s.name.casefold() for s in own} | {m.title.casefold() for m in MEASURES.values()}
        if clean.casefold() in taken:
            reader.refuse(
                "own_symptom",
                "There is one of this name already. Choose another name, or turn that one on above.",
            )
        own.append(OwnSymptom(symptom_id, clean, asked))
    return tuple(own)
