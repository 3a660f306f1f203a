"""A summary as a file to keep: its shapes, their names and how each is written. All from the one `Summary`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from journal.domain import fhir, summary_csv
from journal.domain.summary import Summary
from journal.kit import pdf
from journal.summaries.printing import Render, print_html


@dataclass(frozen=True, slots=True)
class File:
    """`shape` as the access log names it; the ending of its address; its media type; how it is written."""

    shape: str
    ending: str
    media_type: str
    write: Callable[[Summary, UUID, Render], bytes]


def _pdf(summary: Summary, _share_id: UUID, render: Render) -> bytes:
    return pdf.render(print_html(summary, render))


def _csv(summary: Summary, _share_id: UUID, _render: Render) -> bytes:
    return summary_csv.write(summary).encode()


def _fhir(summary: Summary, share_id: UUID, _render: Render) -> bytes:
    return fhir.write(fhir.document(summary, share_id)).encode()


FILES: Mapping[str, File] = {
    one.ending: one
    for one in (
        File("pdf", "pdf", "application/pdf", _pdf),
        File("csv", "csv", "text/csv; charset=utf-8", _csv),
        File("fhir", "fhir.json", "application/fhir+json", _fhir),
    )
}
CannotDraw = pdf.CannotDraw


def name_of(file: File, summary: Summary) -> str:
    """What the file is called where it is kept: no name of a person."""
    return f"summary-{summary.first}-to-{summary.last}.{file.ending}"
