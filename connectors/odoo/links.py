"""The page of each invoice on Odoo's portal, where the client sees it, takes its PDF and can pay it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.errors import Refused
from relance_addon.core.model import Invoice

_PAGE: Final = 1000


class Portal:
    """Makes portal links. A link holds a token that Odoo makes once and keeps on the invoice."""

    def __init__(self, transport: Transport, url: str) -> None:
        """``url`` is where we log in: the links' address if Odoo does not say its own."""
        self._transport = transport
        self._url = url
        self._base = ""

    def links(self, invoices: Iterable[Invoice]) -> dict[str, str]:
        """The link of each posted invoice, by id; a link that came with the invoice stays.

        Once every invoice has its token, a call for each thousand. Raises HostError.
        """
        found: dict[str, str] = {}
        asked: list[int] = []
        for one in invoices:
            if one.payment_link:
                found[one.id] = one.payment_link
            elif one.id.isdecimal():
                asked.append(int(one.id))
        for start in range(0, len(asked), _PAGE):
            found |= self._page(asked[start : start + _PAGE])
        return found

    def _address(self, invoice: int) -> str:
        """The address that Odoo gives its clients, as seen on one invoice; else the one where we log in."""
        if not self._base:
            try:
                self._base = said_address(self._transport, invoice) or self._url
            except Refused:
                self._base = self._url
        return self._base

    def _page(self, ids: Sequence[int]) -> dict[str, str]:
        rows = self._transport.call(
            "account.move",
            "search_read",
            domain=[("id", "in", list(ids)), ("state", "=", "posted")],
            fields=["access_token", "access_url"],
            order="id",
        )
        if not rows:
            return {}
        base = self._address(rows[0]["id"])
        paths = self._new([row["id"] for row in rows if not row["access_token"]])
        for row in rows:
            if row["access_token"]:
                paths[row["id"]] = _path(row["access_url"], row["access_token"])
        return {str(row["id"]): base + paths[row["id"]] for row in rows if row["id"] in paths}

    def _new(self, ids: Sequence[int]) -> dict[int, str]:
        """Paths with tokens that Odoo makes now: all at once where the user may share records, else one by one."""
        if len(ids) > 1:
            try:
                return self._shared(ids)
            except Refused:
                pass
        paths = {}
        for number in ids:
            try:
                paths[number] = self._transport.call("account.move", "get_portal_url", [number])
            except Refused:
                continue
        return paths

    def _shared(self, ids: Sequence[int]) -> dict[int, str]:
        values = [{"res_model": "account.move", "res_id": number} for number in ids]
        made = self._transport.call("portal.share", "create", vals_list=values)
        rows: list[dict[str, Any]] = self._transport.call("portal.share", "read", made, fields=["res_id", "share_link"])
        # The link that Odoo would mail finds its page by its record; the page itself is shorter.
        tokens = {row["res_id"]: parse_qs(urlsplit(row["share_link"]).query)["access_token"][0] for row in rows}
        return {number: _path(f"/my/invoices/{number}", token) for number, token in tokens.items()}


def said_address(transport: Transport, invoice: int | None = None) -> str:
    """The address of Odoo's pages as it gives it to its clients, such as https://odoo.example; may be empty.

    Of one invoice, for each of several sites may have its own. Raises HostError.
    """
    ids = [] if invoice is None else [invoice]
    return str(transport.call("account.move", "get_base_url", ids) or "").rstrip("/")


def _path(page: str, token: str) -> str:
    return f"{page}?access_token={token}"
