"""One way to call Odoo: model, method, records, named arguments. What carries it can change without the rest knowing.

``jsonrpc`` carries to every version, ``json2`` to Odoo 19 and after.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from relance_addon.connectors.odoo import json2, jsonrpc
from relance_addon.connectors.odoo.faults import NoKey
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.core.errors import Refused, Unreachable
from relance_addon.hosts.wire import Wire

READS: Final = frozenset(
    {
        "search", "search_count", "search_read", "read", "read_group", "formatted_read_group", "fields_get",
        "name_search", "default_get", "check_access_rights", "has_access", "has_group",
    }
)  # fmt: skip
"""Methods that change nothing, so that they are safe to repeat. Nothing else ever is."""
_PAUSES: Final = (1.0, 3.0)
"""Seconds before a read is tried a second and a third time."""
_MAKERS: Final = frozenset({"create", "message_post", "activity_schedule"})
"""Methods that give what they made, each version in its own way."""
_RECORDS: Final = re.compile(r"[\w.]+\(([\d, ]*)\)")


class Transport(Protocol):
    """Remote calls to one database of one server, as one user, from one thread at a time."""

    @property
    def version(self) -> int:
        """Odoo's major version."""
        ...

    @property
    def carrier(self) -> str:
        """What carries the calls: ``jsonrpc`` or ``json2``."""
        ...

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        """What a public method answers, on these records or on none. Raises HostError.

        Methods that make records give their ids as a list.
        """
        ...

    def another(self) -> Transport:
        """As the same user, for another thread: nobody logs in for it."""
        ...


class Carrier(Protocol):
    """One attempt at a call, over one protocol."""

    @property
    def name(self) -> Literal["jsonrpc", "json2"]:
        """The protocol."""
        ...

    @property
    def version(self) -> str:
        """Odoo's version as it says it."""
        ...

    @property
    def language(self) -> str:
        """The user's, such as ``fr_FR``."""
        ...

    def carry(self, model: str, method: str, ids: Sequence[int] | None, named: dict[str, Any]) -> Any:
        """What Odoo answers, as it comes. Raises HostError."""
        ...

    def another(self) -> Carrier:
        """The same log-in over a connection of its own."""
        ...


class Session:
    """A Transport, logged in."""

    def __init__(
        self, carrier: Carrier, company: int | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """``company``: the id of the only one to see."""
        self._carrier, self._company = carrier, company
        self._sleep = sleep
        self.version = _major(carrier.version)
        # Tags and the like are read as the user sees them.
        self._context: dict[str, Any] = {"lang": carrier.language or "en_US"}
        if company is not None:
            self._context["allowed_company_ids"] = [company]

    @property
    def full_version(self) -> str:
        """Odoo's version as it says it."""
        return self._carrier.version

    @property
    def carrier(self) -> Literal["jsonrpc", "json2"]:
        """What carries the calls."""
        return self._carrier.name

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        """What a public method answers; see Transport. A read that did not get through is tried three times."""
        named["context"] = {**self._context, **named.get("context", {})}
        for pause in _PAUSES if method in READS else ():
            try:
                return self._carrier.carry(model, method, ids, named)
            except Unreachable:
                self._sleep(pause)
        answer = self._carrier.carry(model, method, ids, named)
        return made(answer) if method in _MAKERS else answer

    def another(self) -> Session:
        """As the same user, for another thread: nobody logs in for it."""
        return Session(self._carrier.another(), self._company, self._sleep)


def connect(settings: Settings, password: str, folder: Path, sleep: Callable[[float], None] = time.sleep) -> Session:
    """Log in. ``password`` may be an API key; relative paths start at ``folder``. Raises HostError, InputError."""
    wire = Wire(settings.url, settings.timeout, folder / settings.ca if settings.ca else None)
    return Session(_log_in(wire, settings, password), settings.company, sleep)


def _log_in(wire: Wire, settings: Settings, password: str) -> Carrier:
    version = "" if settings.api == "jsonrpc" else json2.version(wire, settings)
    if _major(version) >= json2.SINCE:
        try:
            return json2.log_in(wire, settings, password, version)
        except NoKey:
            if settings.api == "json2":
                raise
    elif settings.api == "json2":
        raise Refused(f"{settings.url}: speaks no JSON-2, as Odoo {json2.SINCE} and after do: set api to auto")
    return jsonrpc.log_in(wire, settings, password)


def made(answer: Any) -> list[int]:
    """The ids of what was made: an id or a list, or until Odoo 18 records written as ``mail.activity(11,)``."""
    if isinstance(answer, list):
        return [int(one) for one in answer]
    if isinstance(answer, str):
        records = _RECORDS.fullmatch(answer)
        return [int(one) for one in re.findall(r"\d+", records[1])] if records else []
    return [answer] if isinstance(answer, int) and answer else []


def _major(version: str) -> int:
    number = re.search(r"\d+", version)
    return int(number[0]) if number else 0
