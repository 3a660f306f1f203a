"""The pages on which a share is begun or changed: the form, the exact page first, and being asked twice. The same for
persons, links and clinics."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import render_template, request

from journal.accounts import present
from journal.domain.access import KINDS, LINK_DAYS, Viewer
from journal.domain.pause import Recent, find_recent
from journal.entries.held import held_in
from journal.entries.queries import Want, list_entries
from journal.kit import clock
from journal.kit.web import person, unit
from journal.shares import queries, service
from journal.sharing import forms
from journal.summaries.present import drawn_with, window_of
from journal.summaries.queries import get_summary


def form_page(
    values: Mapping[str, Any],
    share_id: UUID,
    errors: Mapping[str, str],
    held: queries.Held | None = None,
    back: str = "/sharing",
) -> str:
    return render_template(
        "sharing/form.html",
        values=values,
        share_id=share_id,
        errors=errors,
        held=held,
        back=back,
        kinds=KINDS.values(),
        days=forms.DAYS,
        until=forms.UNTIL if values["way"] == "person" else forms.UNTIL[:2] + forms.UNTIL[3:],
        most_days=LINK_DAYS,
    )


def preview_page(read: forms.Read, held: queries.Held | None) -> str:
    """The page itself: the same template and the same summary as the reader gets."""
    viewer = Viewer(None, present.viewer().patient_id, read.wish.scope)
    window, _chosen = window_of(request.form)
    summary = get_summary(
        unit(), viewer, read.wish.name, present.zone(), present.today(), clock.now(), window=window
    )
    return render_template(
        "sharing/preview.html",
        read=read,
        held=held,
        window=window,
        **drawn_with(summary, read.wish.ends_on),
    )


def find_recent_infusion() -> Recent | None:
    """Within a day after an infusion a new or wider share asks once more; ending one never does."""
    moment = present.moment()
    lately = list_entries(unit(), present.viewer(), [Want("infusion", moment.today - timedelta(days=3))])
    return find_recent(held_in(lately), moment.now)


def ask_twice_page(read: forms.Read, recent: Recent, back: str) -> str:
    return render_template("sharing/ask_twice.html", read=read, recent=recent, back=back, zone=present.zone())


def ends_at(ends_on: date | None) -> datetime:
    return (
        queries.NO_END if ends_on is None else service.expiry(ends_on, present.zone(), person().day_ends_hour)
    )
