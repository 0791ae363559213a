"""One way to call Odoo: model, method, records, named arguments. What carries it can change without the rest knowing.

Today that is odoorpc over /jsonrpc, and of odoorpc ``execute_kw`` only: its record objects read every field there is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import odoorpc
from odoorpc.error import RPCError

from relance_addon.connectors.odoo.faults import CAUGHT, told
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.core.errors import Refused, Unreachable

_MAKERS: Final = frozenset({"create", "message_post", "activity_schedule"})
"""Methods that give what they made, each version in its own way."""
_RECORDS: Final = re.compile(r"[\w.]+\(([\d, ]*)\)")


class Transport(Protocol):
    """Remote calls to one database of one server, as one user."""

    @property
    def version(self) -> int:
        """Odoo's major version."""
        ...

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        """What a public method answers, on these records or on none. Raises HostError.

        Methods that make records give their ids as a list.
        """
        ...


class JsonRpc:
    """odoorpc's JSON-RPC, logged in."""

    def __init__(self, odoo: Any, server: str, company: int | None) -> None:
        self._odoo = odoo
        self._server = server
        # Tags and the like are read as the user sees them.
        self._context: dict[str, Any] = {"lang": odoo.env.context.get("lang") or "en_US"}
        if company is not None:
            self._context["allowed_company_ids"] = [company]

    @property
    def version(self) -> int:
        """Odoo's major version."""
        return _major(self._odoo.version)

    @property
    def full_version(self) -> str:
        """Odoo's version as it says it."""
        return str(self._odoo.version)

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        """What a public method answers; see Transport."""
        arguments: list[Any] = [] if ids is None else [list(ids)]
        if method == "create":
            # Odoo looks at the first argument by its place to know whether one record or a list is made.
            arguments.append(named.pop("vals_list"))
        named["context"] = {**self._context, **named.get("context", {})}
        try:
            answer = self._odoo.execute_kw(model, method, arguments, named)
        except CAUGHT as error:
            raise told(error, self._server, f"{model}.{method}") from error
        return made(answer) if method in _MAKERS else answer


def connect(settings: Settings, password: str, folder: Path) -> JsonRpc:
    """Log in. ``password`` may be an API key; relative paths start at ``folder``. Raises HostError."""
    url, database, user = settings.url, settings.database, settings.user
    address = urlsplit(url)
    secure = address.scheme == "https"
    try:
        odoo = odoorpc.ODOO(
            address.hostname,
            protocol="jsonrpc+ssl" if secure else "jsonrpc",
            port=address.port or (443 if secure else 80),
            timeout=settings.timeout,
        )
        if not _major(odoo.version):
            raise Unreachable(f"{url}: says no version: is this the address of Odoo?")
        odoo.login(database, user, password)
    except RPCError as error:
        if not error.info:
            raise Refused(
                f"{url}: Odoo does not know the user {user!r} with this password or API key in {database!r}"
            ) from error
        raise told(error, url, f"log-in to the database {database!r}") from error
    except CAUGHT as error:
        raise told(error, url, "log-in") from error
    return JsonRpc(odoo, url, settings.company)


def made(answer: Any) -> list[int]:
    """The ids of what was made: an id or a list, or until Odoo 18 records written as ``mail.activity(11,)``."""
    if isinstance(answer, list):
        return [int(one) for one in answer]
    if isinstance(answer, str):
        records = _RECORDS.fullmatch(answer)
        return [int(one) for one in re.findall(r"\d+", records[1])] if records else []
    return [answer] if isinstance(answer, int) and answer else []


def _major(version: Any) -> int:
    number = re.search(r"\d+", str(version or ""))
    return int(number[0]) if number else 0


class _NoSecrets(logging.Filter):
    """Drops odoorpc's debugging lines: they hold whole calls, password included."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG


logging.getLogger("odoorpc.rpc.jsonrpclib").addFilter(_NoSecrets())
