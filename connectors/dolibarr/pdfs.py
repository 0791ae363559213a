"""The PDFs of invoices that Dolibarr keeps; one that is missing is built where the configuration consents."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Any, Final

from relance_addon.connectors.dolibarr.rest import Missing, Rest
from relance_addon.core.errors import Refused
from relance_addon.core.model import Invoice
from relance_addon.core.names import pdf_name
from relance_addon.core.outgoing import Document

_UNUSABLE: Final = re.compile(r'[<>/\\?*|":°$;`]')
"""What Dolibarr replaces in a number to make a folder of it."""
_MODULE: Final = "facture/"


class Shelf:
    """Fetches PDFs: a call for each, and one more to build it."""

    def __init__(self, rest: Rest, builds: bool, model: str) -> None:
        self._rest, self._builds, self._model = rest, builds, model

    def pdfs(self, invoices: Iterable[Invoice]) -> dict[str, Document]:
        """The PDF of each invoice that has one, by id. Raises Unreachable."""
        found: dict[str, Document] = {}
        for invoice in invoices:
            content = self._content(invoice)
            if content.startswith(b"%PDF"):
                found[invoice.id] = Document(pdf_name(invoice.number), "application/pdf", content)
        return found

    def _content(self, invoice: Invoice) -> bytes:
        path = _path(invoice)
        try:
            return _decoded(self._rest.get("documents/download", modulepart="facture", original_file=path))
        except Missing:
            return self._built(path) if self._builds else b""
        except Refused:
            return b""

    def _built(self, path: str) -> bytes:
        body = {"modulepart": "invoice", "original_file": path, "doctemplate": self._model}
        try:
            return _decoded(self._rest.write("PUT", "documents/builddoc", body))
        except Refused:
            return b""


def _path(invoice: Invoice) -> str:
    if invoice.pdf.lower().endswith(".pdf"):
        return invoice.pdf.removeprefix(_MODULE)
    folder = _UNUSABLE.sub("_", invoice.number)
    return f"{folder}/{folder}.pdf"


def _decoded(answer: Any) -> bytes:
    try:
        return b64decode(answer["content"], validate=False) if answer.get("encoding") == "base64" else b""
    except (KeyError, TypeError, ValueError, AttributeError):
        return b""
