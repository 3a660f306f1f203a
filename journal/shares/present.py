"""Who will see what the patient is told about: said on the page that comes first, and wherever a reason to call stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from journal.accounts import present
from journal.domain.flag_rules import Rule, may_see
from journal.kit import clock
from journal.kit.web import unit
from journal.shares.queries import list_shares


@dataclass(frozen=True, slots=True)
class Seen:
    """By the names the patient gave them; `is_shared`: something is shared with somebody, if not this."""

    names: tuple[str, ...]
    is_shared: bool

    @property
    def said(self) -> str:
        """Dr Lee, my sister and Tom"""
        return " and ".join(filter(None, [", ".join(self.names[:-1]), *self.names[-1:]]))


def who_sees(told: Iterable[tuple[Rule, str, date]]) -> Seen:
    """Who can open what comes from these rules, kinds of entry and days, with the shares as they are now."""
    open_now = [
        one
        for one in list_shares(unit(), present.viewer(), clock.now())
        if one.state == "open" and one.openings_left != 0
    ]
    causes = list(told)
    names = [one.to for one in open_now if any(may_see(one.scope, *cause) for cause in causes)]
    return Seen(tuple(dict.fromkeys(names)), bool(open_now))
