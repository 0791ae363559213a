"""Odoo 16 to 19 over /jsonrpc: odoorpc speaks, our HTTP carries, so that paths before Odoo's and own authorities work.

Of odoorpc ``execute_kw`` only: its record objects read every field there is.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Sequence
from typing import Any, Final, Literal
from urllib.request import Request

import odoorpc
from odoorpc.error import RPCError

from relance_addon.connectors.odoo.faults import CAUGHT, told
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.core.errors import Refused, Unreachable
from relance_addon.hosts.wire import Wire

_HEAD: Final = 100


class JsonRpc:
    """odoorpc's JSON-RPC, logged in."""

    name: Literal["jsonrpc"] = "jsonrpc"

    def __init__(self, odoo: Any, server: str) -> None:
        self._odoo = odoo
        self._server = server
        self.version = str(odoo.version)
        self.language = str(odoo.env.context.get("lang") or "")

    def carry(self, model: str, method: str, ids: Sequence[int] | None, named: dict[str, Any]) -> Any:
        """What Odoo answers, as it comes. Raises HostError."""
        arguments: list[Any] = [] if ids is None else [list(ids)]
        if method == "create":
            # Odoo looks at the first argument by its place to know whether one record or a list is made.
            arguments.append(named["vals_list"])
            named = {key: value for key, value in named.items() if key != "vals_list"}
        try:
            return self._odoo.execute_kw(model, method, arguments, named)
        except CAUGHT as error:
            raise told(error, self._server, f"{model}.{method}") from error


def log_in(wire: Wire, settings: Settings, password: str) -> JsonRpc:
    """Log in with a password or an API key. Raises HostError."""
    url, database = settings.url, settings.database
    try:
        # The host is a name for odoorpc to work with: where its calls go is for the opener to know.
        odoo = odoorpc.ODOO("odoo", timeout=settings.timeout, opener=_Opener(wire))
        if not re.search(r"\d", str(odoo.version)):
            raise Unreachable(f"{url}: says no version: is this the address of Odoo?")
        odoo.login(database, settings.user, password)
        return JsonRpc(odoo, url)
    except RPCError as error:
        if not error.info:
            raise Refused(
                f"{url}: Odoo does not know the user {settings.user!r} with this password or API key in {database!r}"
            ) from error
        raise told(error, url, f"log-in to the database {database!r}") from error
    except CAUGHT as error:
        raise told(error, url, "log-in") from error


class _Opener:
    """What odoorpc takes for urllib's opener."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def open(self, request: Request, timeout: float) -> io.BytesIO:
        """The answer to a request of odoorpc's, whose time-out is that of our HTTP."""
        assert isinstance(request.data, bytes)
        answer = self._wire.post(request.selector, request.data)
        # odoorpc itself takes any JSON for an answer that says nothing.
        if b'"jsonrpc"' not in answer[:_HEAD]:
            raise ValueError("no JSON-RPC")
        return io.BytesIO(answer)


class _NoSecrets(logging.Filter):
    """Drops odoorpc's debugging lines: they hold whole calls, password included."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG


logging.getLogger("odoorpc.rpc.jsonrpclib").addFilter(_NoSecrets())
