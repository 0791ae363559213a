"""The PDF of an invoice, where Tryton's report is one: by default it is a text document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from relance_addon.connectors.tryton.records import Records
from relance_addon.connectors.tryton.rpc import Rpc
from relance_addon.core.errors import Refused, Unreachable
from relance_addon.core.model import Invoice
from relance_addon.core.names import pdf_name
from relance_addon.core.outgoing import Document

_REPORT: Final = "account.invoice"
_PDF: Final = "pdf"


def prints(records: Records) -> bool:
    """Whether Tryton is set up to print invoices as PDFs; true where the user may not see that. Raises Unreachable."""
    try:
        found = records.search("ir.action.report", [["report_name", "=", _REPORT]], ["extension", "template_extension"])
    except Refused:
        return True
    return any(_PDF in (row["extension"] or row["template_extension"]) for row in found)


def pdfs(rpc: Rpc, invoices: Iterable[Invoice]) -> dict[str, Document]:
    """The PDF of each invoice that has one, by id; a call for each. Raises Unreachable."""
    found: dict[str, Document] = {}
    for invoice in invoices:
        if not invoice.pdf:
            continue
        number = int(invoice.id)
        data = {"model": _REPORT, "id": number, "ids": [number]}
        try:
            # Where it cannot convert, Tryton gives what it has, whatever was asked for.
            kind, content, *_ = rpc.write(f"report.{_REPORT}.execute", [number], data)
        except Refused:
            continue
        except (TypeError, ValueError):
            raise Unreachable(f"{_REPORT}: the answer is no report") from None
        if kind == _PDF and isinstance(content, bytes) and content.startswith(b"%PDF"):
            found[invoice.id] = Document(pdf_name(invoice.number), "application/pdf", content)
    return found
