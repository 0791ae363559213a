"""Calls of Dolibarr's REST interface: what is answered, or a HostError; nothing of a list means an empty one.

Only JSON that says so is taken for an answer: when its database is down, or an API module is switched off, Dolibarr
answers HTML with status 200 or 202. Where a user lacks a right it says 403, and 401 in version 16, as for a wrong key.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from relance_addon.connectors.dolibarr.settings import Settings
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.hosts import faults
from relance_addon.hosts.chunks import chunks
from relance_addon.hosts.faults import BadStatus
from relance_addon.hosts.wire import Answer, Wire

PAGE: Final = 500
"""How many records a page of a list has."""
_TOGETHER: Final = 200
"""How many ids go into one call: they stand in its address."""
_TEXTS: Final = 40
"""How many texts."""
_PAUSES: Final = (1.0, 3.0)
"""Seconds before a read is tried a second and a third time."""
_JSON: Final = "application/json"
_NO_COLUMN: Final = re.compile(r"unknown column|column .* does not exist", re.IGNORECASE)
_KEY: Final = re.compile(r"[!-~]+")

Row = dict[str, Any]


class Missing(Refused):
    """There is no such record."""


class Denied(Refused):
    """The user lacks the right to this."""


class Rest(Protocol):
    """Calls to one Dolibarr as one user, from one thread at a time. All of them raise HostError."""

    version: str
    zone: str
    """The time zone of its PHP; empty where it does not say it (16)."""

    def get(self, path: str, **query: Any) -> Any:
        """What is read at a path; Missing where there is nothing."""
        ...

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """What is answered to POST or PUT. It is never repeated by itself."""
        ...


class Session:
    """A Rest over HTTP."""

    def __init__(self, wire: Wire, settings: Settings, key: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._wire, self._server, self._sleep = wire, settings.url, sleep
        self._headers = {"DOLAPIKEY": key, "Accept": _JSON}
        if settings.entity is not None:
            self._headers["DOLAPIENTITY"] = str(settings.entity)
        self.version = self.zone = ""

    def get(self, path: str, **query: Any) -> Any:
        """What is read at a path; tried three times where no answer came."""
        told = f"{path}?{urlencode(query)}" if query else path
        for pause in _PAUSES:
            try:
                return self._ask("GET", told)
            except Unreachable:
                self._sleep(pause)
        return self._ask("GET", told)

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """What is answered to a body, once."""
        return self._ask(method, path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        doing = f"{method} /{path.partition('?')[0]}"
        try:
            answer = self._wire.ask(method, f"/{path}", body, self._headers)
            if answer.type == _JSON:
                said = json.loads(answer.body)
                if answer.status == 200:
                    return said
                raise self._refusal(answer.status, said, f"{self._server}: {doing}", reading=method == "GET")
        except faults.CAUGHT as error:
            raise faults.told(error, "Dolibarr", self._server, doing) from error
        raise self._no_answer(answer, doing)

    def _no_answer(self, answer: Answer, doing: str) -> HostError:
        """A page for people, or nothing at all, with whatever status."""
        where = f"{self._server}: {doing}"
        if answer.status == 501:
            return Refused(f"{where}: this Dolibarr does not know it: is the module switched off, or older than ours?")
        if answer.status < 300 or answer.status >= 500:
            text = "no answer of its REST interface: another program, its database down, or the module REST API off"
            return Unreachable(f"{where}: HTTP {answer.status}: {text}")
        return faults.told(BadStatus(answer.status, answer.location, answer.body), "Dolibarr", self._server, doing)

    def _refusal(self, status: int, said: Any, where: str, reading: bool) -> HostError:
        error = said["error"]
        if not isinstance(error, Mapping):
            raise TypeError  # somebody else's JSON, between us and Dolibarr
        more = [str(error[key]) for key in ("0", "1") if error.get(key)]
        text = faults.line(": ".join([str(error.get("message", "")), *more]))
        if status == 404:
            return Missing(f"{where}: {text}")
        if status == 401 and not self.version:
            return Refused(f"{self._server}: Dolibarr does not know this key, or it is of another entity")
        if status in (401, 403):
            return Denied(f"{where}: the user lacks a right, or the key was taken back: {text}")
        if status == 429:
            return faults.NotDone(f"{where}: too many calls at once")
        if status >= 500 and reading and not _NO_COLUMN.search(text):
            return Unreachable(f"{where}: {text}")
        # What could not be written was rolled back.
        return Refused(f"{where}: {text}")


def connect(settings: Settings, key: str, folder: Path, sleep: Callable[[float], None] = time.sleep) -> Session:
    """A session whose key was tried. Relative paths start at ``folder``. Raises HostError, InputError."""
    if not _KEY.fullmatch(key):
        raise Refused(f"{settings.url}: what is given as key cannot be one: it has blanks or accents")
    wire = Wire(settings.api, settings.timeout, folder / settings.ca if settings.ca else None)
    session = Session(wire, settings, key, sleep)
    try:
        said = session.get("status")["success"]
        version, zone = str(said["dolibarr_version"]), str(said.get("timestamp_php_tz") or "")
    except (KeyError, TypeError, AttributeError):
        raise Unreachable(f"{settings.url}: says no version: is this the address of Dolibarr?") from None
    session.version, session.zone = version, zone
    return session


def major(version: str) -> int:
    """22 of ``22.0.4``; 0 of what has no number."""
    number = re.search(r"\d+", version)
    return int(number[0]) if number else 0


def rows(rest: Rest, path: str, **query: Any) -> list[Row]:
    """A list, in one call. Dolibarr 16, and lists of third parties in all versions, say 404 for an empty one."""
    try:
        found = rest.get(path, **query)
    except Missing:
        return []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Unreachable(f"{path}: the answer is no list")
    return found


def pages(rest: Rest, path: str, where: str, **query: Any) -> Iterator[list[Row]]:
    """The records that ``where`` (sqlfilters) holds for, by pages in order of id.

    What changes while they are read shifts no page: each begins above the last id of the one before.
    """
    last, size = 0, PAGE
    while size == PAGE:
        filters = f"(t.rowid:>:{last}) and {where}"
        page = rows(rest, path, sortfield="t.rowid", sortorder="ASC", limit=PAGE, sqlfilters=filters, **query)
        size = len(page)
        if page:
            last = int(page[-1]["id"])
            yield page


def among(rest: Rest, path: str, column: str, ids: Collection[int], also: str = "", **query: Any) -> Iterator[Row]:
    """The records whose ``column`` is one of ``ids``: as many calls as their number asks for."""
    for some in chunks(sorted(ids), _TOGETHER):
        where = f"({column}:in:{','.join(map(str, some))})" + (f" and {also}" if also else "")
        yield from rows(rest, path, sortfield="t.rowid", sortorder="ASC", limit=0, sqlfilters=where, **query)


def saying(column: str, texts: Sequence[str]) -> Iterator[str]:
    """Filters (sqlfilters) for the records whose ``column`` is one of ``texts``, each short enough for one call.

    Dolibarr's ``in`` would take the @ out of each text, and no filter can hold brackets.
    """
    usable = [text for text in texts if not {"(", ")", "'"} & set(text)]
    for some in chunks(usable, _TEXTS):
        yield "(" + " or ".join(f"({column}:=:'{text}')" for text in some) + ")"
