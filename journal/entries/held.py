"""The infusions and the plan among opened entries."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from journal.domain.infusion import Held, Infusion, Plan, in_order
from journal.entries.queries import Opened


def held_in(opened: Iterable[Opened]) -> tuple[Held, ...]:
    """The infusions among the entries, in order."""
    return in_order(
        (one.id, one.day, one.zone, one.captured_at, Infusion.load(one.payload))
        for one in opened
        if one.kind == Infusion.kind
    )


def plan_in(opened: Iterable[Opened]) -> tuple[Plan, int]:
    """The plan among the entries and its revision; an empty one and 0 where none was kept."""
    for one in opened:
        if one.kind == Plan.kind:
            return Plan.load(one.payload), one.revision
    return Plan(), 0


def find_infusion(infusions: Sequence[Held], infusion_id: UUID) -> Held | None:
    return next((held for held in infusions if held.id == infusion_id), None)
