"""The page of an entry's versions, which several features show as theirs. It has no door of its own."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from journal.accounts import present
from journal.entries import removal
from journal.entries.forms import number_of
from journal.entries.queries import list_versions
from journal.kit import clock
from journal.kit.web import device, say, unit

CHOSEN = "This version counts now. The others stay in the history."
CHANGED_MEANWHILE = "It was changed elsewhere meanwhile. Look at all versions once more."
BOTH_KEPT = "Saved. This was changed elsewhere meanwhile, so both versions are kept."

Lines = Iterable[tuple[str, str]]


def choose(entry_id: UUID, kind: str) -> str:
    """Let the version that the form names count. Gives how it was kept."""
    number, base = number_of(request.form, "number"), number_of(request.form, "base")
    shown = number_of(request.form, "settles")
    kept = removal.choose(
        unit(), present.viewer(), entry_id, kind, number, base, shown, device(), clock.now()
    )
    unit().commit()
    say(CHANGED_MEANWHILE if kept.how == "beside" else CHOSEN)
    return kept.how


def versions(
    entry_id: UUID, kind: str, title: str, back: str, lines_of: Callable[[Mapping[str, Any] | None], Lines]
) -> str | Response:
    """Every version of an entry as lines, and the choice between them. Raises NotYours."""
    if request.method == "POST":
        how = choose(entry_id, kind)
        return redirect(request.full_path.rstrip("?") if how == "beside" else back, 303)
    held = list_versions(unit(), present.viewer(), entry_id, kind)
    return render_template(
        "entries/versions.html",
        title=title,
        back=back,
        versions=[(v, lines_of(v.payload)) for v in held],
        open_count=sum(v.is_open for v in held),
        last=held[-1].number,
        current=next(v.number for v in held if v.is_current),
        zone=present.zone(),
    )
