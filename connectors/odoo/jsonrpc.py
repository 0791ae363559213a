"""Odoo 16 to 19 over /jsonrpc: odoorpc speaks, our HTTP carries, so that paths before Odoo's and own authorities work.

Of odoorpc the protocol only: its record objects read every field there is.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple
from urllib.request import Request

import odoorpc
from odoorpc.error import RPCError

from relance_addon.connectors.odoo.faults import CAUGHT, told
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.core.errors import Refused, Unreachable
from relance_addon.hosts.wire import Wire

_HEAD: Final = 100


class LogIn(NamedTuple):
    """As whom calls are made, with the user's language, and the headers of a session."""

    database: str
    user: int
    password: str
    language: str
    session: Mapping[str, str]


class JsonRpc:
    """odoorpc's JSON-RPC, logged in."""

    name: Literal["jsonrpc"] = "jsonrpc"

    def __init__(self, wire: Wire, server: str, version: str, who: LogIn) -> None:
        self._wire = wire
        self._server = server
        self._who = who
        self.version, self.language = version, who.language
        self._odoo = _speaking(wire, who.session, version)

    def another(self) -> JsonRpc:
        """The same log-in over a connection of its own: Odoo takes half a second to look at a password."""
        return JsonRpc(self._wire.another(), self._server, self.version, self._who)

    def carry(self, model: str, method: str, ids: Sequence[int] | None, named: dict[str, Any]) -> Any:
        """What Odoo answers, as it comes. Raises HostError."""
        arguments: list[Any] = [] if ids is None else [list(ids)]
        if method == "create":
            # Odoo looks at the first argument by its place to know whether one record or a list is made.
            arguments.append(named["vals_list"])
            named = {key: value for key, value in named.items() if key != "vals_list"}
        args = [self._who.database, self._who.user, self._who.password, model, method, arguments, named]
        asked = {"service": "object", "method": "execute_kw", "args": args}
        try:
            # For nothing there is no result at all.
            return self._odoo.json("/jsonrpc", asked).get("result")
        except CAUGHT as error:
            raise told(error, self._server, f"{model}.{method}") from error


def log_in(wire: Wire, settings: Settings, password: str) -> JsonRpc:
    """Log in with a password or an API key. Raises HostError."""
    url, database = settings.url, settings.database
    try:
        odoo = _speaking(wire)
        if not re.search(r"\d", str(odoo.version)):
            raise Unreachable(f"{url}: says no version: is this the address of Odoo?")
        odoo.login(database, settings.user, password)
        language = str(odoo.env.context.get("lang") or "")
        who = LogIn(database, odoo.env.uid, password, language, _of_nobody(wire))
        return JsonRpc(wire, url, str(odoo.version), who)
    except RPCError as error:
        if not error.info:
            raise Refused(
                f"{url}: Odoo does not know the user {settings.user!r} with this password or API key in {database!r}"
            ) from error
        raise told(error, url, f"log-in to the database {database!r}") from error
    except CAUGHT as error:
        raise told(error, url, "log-in") from error


def _speaking(wire: Wire, headers: Mapping[str, str] = MappingProxyType({}), version: str | None = None) -> Any:
    """Odoo by odoorpc, which asks for a ``version`` that it is not told."""
    # The host is a name for odoorpc to work with: where its calls go, and for how long, is for the opener to know.
    return odoorpc.ODOO("odoo", opener=_Opener(wire, headers), version=version)


def _of_nobody(wire: Wire) -> dict[str, str]:
    """The header of a session in which nobody is logged in, and which knows its database; none where Odoo gives none.

    Without one, Odoo looks at each call which databases there are, over a new connection to PostgreSQL.
    """
    with suppress(*CAUGHT):
        session = wire.ask("GET", "/web/session/logout").cookies.get("session_id")
        if session:
            return {"Cookie": f"session_id={session}"}
    return {}


class _Opener:
    """What odoorpc takes for urllib's opener."""

    def __init__(self, wire: Wire, headers: Mapping[str, str]) -> None:
        self._wire, self._headers = wire, headers

    def open(self, request: Request, timeout: float) -> io.BytesIO:
        """The answer to a request of odoorpc's, whose time-out is that of our HTTP."""
        assert isinstance(request.data, bytes)
        answer = self._wire.post(request.selector, request.data, self._headers)
        # odoorpc itself takes any JSON for an answer that says nothing.
        if b'"jsonrpc"' not in answer[:_HEAD]:
            raise ValueError("no JSON-RPC")
        return io.BytesIO(answer)


class _NoSecrets(logging.Filter):
    """Drops odoorpc's debugging lines: they hold whole calls, password included."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG


logging.getLogger("odoorpc.rpc.jsonrpclib").addFilter(_NoSecrets())
