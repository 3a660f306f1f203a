"""What every kind of entry has in common: it can be dumped, loaded and parsed, whoever sends it."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from journal.domain.after_infusion import AfterInfusion
from journal.domain.checkin import CheckIn, Note
from journal.domain.infusion import Infusion, Plan
from journal.domain.profile import Profile
from journal.domain.questionnaires import Response, UrinaryCheck
from journal.domain.safety import SafetyCheck, SafetyPlan


class Payload(Protocol):
    """A frozen value. `parse` takes untrusted data and raises Refused; `load` takes what `dump` gave."""

    kind: ClassVar[str]

    def dump(self) -> dict[str, Any]: ...


KINDS: Mapping[str, Any] = {
    one.kind: one
    for one in (
        CheckIn,
        Note,
        Infusion,
        AfterInfusion,
        Plan,
        Profile,
        Response,
        UrinaryCheck,
        SafetyPlan,
        SafetyCheck,
    )
}
"""Every kind of entry by its name: the one door for web, import and demo data."""
