"""``relance check``: what an Odoo lets us see and do, and what there needs mending.

Nothing is written, and the number of calls is the same whatever Odoo holds.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from relance_addon.connectors.odoo import senders
from relance_addon.connectors.odoo.fields import Sources
from relance_addon.connectors.odoo.invoices import OWED
from relance_addon.connectors.odoo.links import said_address
from relance_addon.connectors.odoo.records import Schema
from relance_addon.connectors.odoo.senders import seen
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.errors import Refused
from relance_addon.hosts.port import Finding, Surroundings

_MADE_FOR: Final = range(16, 20)
_HAS_ACCESS: Final = 18
"""From this version on Odoo has a shorter way to ask for a right."""
_KEYS_END: Final = 18
"""From this version on API keys end some day."""
_JSON2: Final = 19
_SPOKEN: Final = {"jsonrpc": "JSON-RPC", "json2": "JSON-2"}
_READ: Final = {
    "account.move.line": "instalments and credits",
    "res.partner": "clients",
    "account.payment": "payments",
}
_PAGE: Final = 100
_SLOW: Final = 5.0
_SOON: Final = timedelta(days=30)


class Access(NamedTuple):
    """How we got in: what carries the calls, whether with an API key, and whether we can print every invoice."""

    carrier: str
    key: bool
    prints_any: bool


class Inspection:
    """Looks at one Odoo."""

    def __init__(
        self,
        transport: Transport,
        settings: Settings,
        surroundings: Surroundings,
        access: Access,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock`` gives seconds."""
        self._transport = transport
        self._settings = settings
        self._surroundings = surroundings
        self._access = access
        self._clock = clock

    def findings(self, sources: Sources, schema: Schema, today: date) -> list[Finding]:
        """Everything that was looked at. What this user may not see is said to be so; raises Unreachable only."""
        company = self._company()
        if company.level == "error":
            # Every other call names that company.
            return [*self._version(), company]
        return [
            *self._version(),
            company,
            *self._invoices(),
            self._rights(),
            *_mapping(sources, schema),
            *self._user(today),
            senders.sending(self._transport, self._settings),
            senders.mail_servers(self._transport),
            self._pdfs(),
            *self._links(),
            *senders.others(self._transport),
        ]

    def _version(self) -> Iterator[Finding]:
        version, access = self._transport.version, self._access
        text = f"Odoo {version}, database {self._settings.database!r}, over {_SPOKEN[access.carrier]}"
        if version in _MADE_FOR:
            yield Finding("ok", "version", text)
        else:
            yield Finding("warning", "version", text, f"made for Odoo {_MADE_FOR[0]} to {_MADE_FOR[-1]}")
        if version >= _JSON2 and access.carrier == "jsonrpc":
            mend = "set api to auto" if access.key else "write an API key of this user as password"
            yield Finding("warning", "api", "Odoo 22 will not answer JSON-RPC any more", mend)

    def _invoices(self) -> Iterator[Finding]:
        count = seen(self._transport, "account.move", "search_count", domain=OWED)
        if count is None:
            yield Finding("error", "invoices", f"{self._settings.user} may not see them", self._give)
            return
        yield Finding("ok", "invoices", f"{count} owed or draft")
        fields = ["name", "partner_id", "invoice_date_due", "amount_total", "amount_residual", "payment_state"]
        start = self._clock()
        rows = seen(self._transport, "account.move", "search_read", domain=OWED, fields=fields, limit=_PAGE, load="")
        seconds = self._clock() - start
        text = f"{len(rows or ())} invoices read in {seconds:.2f} s"
        if seconds <= _SLOW:
            yield Finding("ok", "speed", text)
        else:
            yield Finding("warning", "speed", text, "see what keeps the server or the network busy")

    def _rights(self) -> Finding:
        missing = [what for model, what in _READ.items() if not self._may_read(model)]
        if missing:
            return Finding("error", "rights", f"{self._settings.user} may not see {', '.join(missing)}", self._give)
        return Finding("ok", "rights", f"may see {', '.join(_READ.values())}")

    def _may_read(self, model: str) -> bool:
        if self._transport.version >= _HAS_ACCESS:
            return bool(seen(self._transport, model, "has_access", [], operation="read"))
        return bool(seen(self._transport, model, "check_access_rights", operation="read", raise_exception=False))

    @property
    def _give(self) -> str:
        return f"give {self._settings.user} Accounting: Invoicing (Billing)"

    def _company(self) -> Finding:
        everywhere: dict[str, Any] = {"allowed_company_ids": []}
        rows = seen(
            self._transport, "res.company", "search_read", domain=[], fields=["name"], order="id", context=everywhere
        )
        names = {row["id"]: f"{row['name']} ({row['id']})" for row in rows or ()}
        company = self._settings.company
        if company in names:
            return Finding("ok", "company", f"{names[company]} only")
        if company is not None:
            mend = f"set company to the id of one of: {', '.join(names.values())}"
            return Finding("error", "company", f"{self._settings.user} sees no company {company}", mend)
        text = ", ".join(names.values())
        if len(names) > 1:
            mend = "to keep them apart, write a host for each, with its company"
            return Finding("warning", "company", f"together: {text}", mend)
        return Finding("ok", "company", text)

    def _user(self, today: date) -> Iterator[Finding]:
        domain = [("login", "=", self._settings.user)]
        rows = seen(self._transport, "res.users", "search_read", domain=domain, fields=["tz"])
        if not rows:
            return
        ours, theirs = self._surroundings.timezone.key, rows[0]["tz"] or "UTC"
        if ours == theirs:
            yield Finding("ok", "time zone", ours)
        else:
            text = f"{theirs} for this user of Odoo, {ours} in relance.toml: a day ends at two times"
            yield Finding("warning", "time zone", text, "set the same in both")
        if self._access.key and self._transport.version >= _KEYS_END:
            yield from self._keys(rows[0]["id"], today)

    def _keys(self, user: int, today: date) -> Iterator[Finding]:
        rows = seen(
            self._transport,
            "res.users.apikeys",
            "search_read",
            domain=[("user_id", "=", user)],
            fields=["name", "expiration_date"],
        )
        ends = sorted((str(row["expiration_date"])[:10], row["name"]) for row in rows or () if row["expiration_date"])
        # Which of them is ours cannot be seen; those that ended are not.
        for day, name in [one for one in ends if one[0] >= today.isoformat()][:1]:
            text = f"{name!r}, the first of this user's to end, ends on {day}"
            if date.fromisoformat(day) > today + _SOON:
                yield Finding("ok", "API key", text)
            else:
                yield Finding("warning", "API key", text, "make another one in Odoo, and write it as password")

    def _pdfs(self) -> Finding:
        state = seen(self._transport, "ir.actions.report", "get_wkhtmltopdf_state")
        if state not in ("ok", "upgrade", None):
            text = f"Odoo cannot make any (wkhtmltopdf: {state}): only those that it keeps are attached"
            return Finding("warning", "PDF", text, "install wkhtmltopdf on the server, or give Odoo two workers")
        if self._access.prints_any:
            return Finding("ok", "PDF", "of every invoice")
        mend = "write the user's password instead of a key, or make_pdf = true, which marks invoices as sent"
        return Finding("warning", "PDF", "only of invoices that were sent from Odoo: a key can print none", mend)

    def _links(self) -> Iterator[Finding]:
        try:
            address = said_address(self._transport)
        except Refused:
            return
        if address.startswith("https://") and not _is_private(address):
            yield Finding("ok", "portal", f"payment links lead to {address}")
        elif address:
            mend = "in Odoo, Settings > Technical > System Parameters, set web.base.url to what clients can open"
            yield Finding("warning", "portal", f"payment links lead to {address}", mend)


def _mapping(sources: Sources, schema: Schema) -> list[Finding]:
    try:
        problems = sources.lacking(schema)
    except Refused as error:
        return [Finding("error", "mapping", str(error), "see relance mapping")]
    if not problems:
        return [Finding("ok", "mapping", "every field is there")]
    return [Finding("error", one.key, one.text, "see relance mapping") for one in problems]


def _is_private(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host
