"""The PDF of an invoice: the one that Odoo keeps, or a new one, never one that says pro forma.

From Odoo 17 on an invoice keeps the PDF that was sent; as long as it has none, its portal gives out a pro forma.
Odoo 16 keeps what was printed first, whatever the invoice became, and its portal prints the invoice itself.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from relance_addon.connectors.odoo.browser import Browser, Visit, is_pdf
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.errors import HostError, Refused
from relance_addon.core.model import Invoice
from relance_addon.core.names import pdf_name
from relance_addon.hosts.port import BATCH, Document

Row = dict[str, Any]
Way = Callable[[Sequence[Row]], Iterator[tuple[int, bytes]]]

# What Odoo itself mails: it says what has been paid since.
_REPORT: Final = "/report/pdf/account.report_invoice_with_payments"
_LEGAL: Final = "invoice_pdf_report_id"
_LEGAL_SINCE: Final = 17
_BOXES: Final = "account.move.send"
"""Odoo 17's wizard: a box for each way to send, or to hand in to an authority; modules bring their own."""
_HARMLESS: Final = frozenset({"checkbox_ubl_cii_xml"})
_WIZARD: Final = {17: _BOXES, 18: "account.move.send.wizard", 19: "account.move.send.wizard"}


def printer(transport: Transport, settings: Settings, password: str, folder: Path) -> Printer:
    """A Printer for one log-in; relative paths start at ``folder``. Makes no call."""
    visit = Visit(settings.url, settings.timeout, folder / settings.ca if settings.ca else None)
    browser = Browser(visit, settings.url, settings.database, settings.user, password)
    return Printer(transport, browser, settings.make_pdf)


class Printer:
    """Gets PDFs in the ways that the version, the credentials and the configuration allow, the cheapest first."""

    def __init__(self, transport: Transport, browser: Browser, make: bool = False) -> None:
        """``make``: Odoo may make a PDF and keep it, which marks the invoice as sent."""
        self._transport = transport
        self._browser = browser
        self._ways: list[Way] = [self._kept, self._printed]
        if transport.version < _LEGAL_SINCE:
            self._ways.append(self._from_portal)
        elif make and transport.version in _WIZARD:
            self._ways.append(self._made)

    def close(self) -> None:
        """Log out of Odoo's web pages."""
        self._browser.close()

    def prints_any(self) -> bool:
        """Whether every posted invoice should have a PDF, not only those that keep one. At most one call."""
        return len(self._ways) > 2 or self._browser.logged_in()

    def pdfs(self, invoices: Iterable[Invoice]) -> dict[str, Document]:
        """The PDF of each posted invoice that can be had, by id. Raises HostError if Odoo cannot be asked at all."""
        wanted = {int(one.id): one for one in invoices if one.id.isdecimal()}
        numbers = sorted(wanted)
        contents: dict[int, bytes] = {}
        for start in range(0, len(numbers), BATCH):
            contents |= self._batch(numbers[start : start + BATCH])
        return {
            wanted[number].id: Document(pdf_name(wanted[number].number), "application/pdf", content)
            for number, content in contents.items()
        }

    def _batch(self, numbers: Sequence[int]) -> dict[int, bytes]:
        legal = [_LEGAL] if self._transport.version >= _LEGAL_SINCE else []
        rows: list[Row] = self._transport.call(
            "account.move",
            "search_read",
            domain=[("id", "in", list(numbers)), ("state", "=", "posted")],
            fields=["name", "write_date", *legal],
            order="id",
            load="",
        )
        contents: dict[int, bytes] = {}
        for way in self._ways:
            missing = [row for row in rows if row["id"] not in contents]
            if missing:
                contents |= _gather(way, missing)
        return contents

    def _kept(self, rows: Sequence[Row]) -> Iterator[tuple[int, bytes]]:
        """What Odoo keeps, all of it at once."""
        kept = self._legal(rows) if self._transport.version >= _LEGAL_SINCE else self._saved(rows)
        if kept:
            found = self._transport.call("ir.attachment", "read", list(kept), fields=["datas"])
            for row in found:
                yield kept[row["id"]], b64decode(row["datas"] or "")

    def _legal(self, rows: Sequence[Row]) -> dict[int, int]:
        """The invoice of each attachment that is one's legal PDF."""
        return {row[_LEGAL]: row["id"] for row in rows if row[_LEGAL]}

    def _printed(self, rows: Sequence[Row]) -> Iterator[tuple[int, bytes]]:
        """Printed for the user, one by one: Odoo fails on several. Odoo 16 keeps what it prints."""
        if self._browser.logged_in():
            for row in rows:
                yield row["id"], self._browser.pdf(f"{_REPORT}/{row['id']}")

    def _from_portal(self, rows: Sequence[Row]) -> Iterator[tuple[int, bytes]]:
        """What the client would download, one by one."""
        for row in rows:
            path = self._transport.call("account.move", "get_portal_url", [row["id"]], report_type="pdf", download=True)
            yield row["id"], self._browser.pdf(path)

    def _made(self, rows: Sequence[Row]) -> Iterator[tuple[int, bytes]]:
        """Made and kept by Odoo as if the invoice were sent, but sent by no means."""
        boxes = self._boxes()
        for row in rows:
            try:
                self._make(row["id"], boxes)
            except Refused:
                continue
        again = self._transport.call("account.move", "read", [row["id"] for row in rows], fields=[_LEGAL], load="")
        yield from self._kept(again)

    def _saved(self, rows: Sequence[Row]) -> dict[int, int]:
        """The invoice of each attachment that Odoo 16 saved when it printed one: it bears the invoice's number.

        Odoo keeps the first print even of an invoice that was changed and printed again.
        """
        names = {row["id"]: (row["name"].replace("/", "_") + ".pdf", row["write_date"]) for row in rows}
        found = self._transport.call(
            "ir.attachment",
            "search_read",
            domain=[
                ("res_model", "=", "account.move"),
                ("res_id", "in", list(names)),
                ("name", "in", [name for name, _ in names.values()]),
            ],
            fields=["res_id", "name", "create_date"],
            order="id",
            load="",
        )
        return {row["id"]: row["res_id"] for row in found if _is_print(row, *names.get(row["res_id"], ("", "")))}

    def _boxes(self) -> dict[str, bool]:
        """What Odoo 17's wizard would do besides, all of it unticked; later ones are told so in another way."""
        if _WIZARD[self._transport.version] != _BOXES:
            return {}
        known = self._transport.call(_BOXES, "fields_get", attributes=["type"])
        names = {name for name, told in known.items() if "checkbox" in name and told["type"] == "boolean"}
        return dict.fromkeys(sorted(names - _HARMLESS), False)

    def _make(self, invoice: int, boxes: Mapping[str, bool]) -> None:
        """Let Odoo make it with the e-invoice that it puts inside, and refuse where that is incomplete."""
        values: dict[str, Any] = {"move_id": invoice, "sending_methods": [], "extra_edis": []}
        if boxes:
            values = {"move_ids": [(6, 0, [invoice])], **boxes}
        wizard, context = _WIZARD[self._transport.version], {"active_model": "account.move", "active_ids": [invoice]}
        made = self._transport.call(wizard, "create", vals_list=[values], context=context)
        self._transport.call(wizard, "action_send_and_print", made)


def _is_print(file: Row, name: str, changed: str) -> bool:
    return bool(file["name"] == name and file["create_date"] >= changed)


def _gather(way: Way, rows: Sequence[Row]) -> dict[int, bytes]:
    """What one way gives, up to where it breaks off: another may follow, and no invoice stops the others."""
    found: dict[int, bytes] = {}
    try:
        for number, content in way(rows):
            if is_pdf(content):
                found[number] = content
    except (HostError, ValueError):
        pass
    return found
