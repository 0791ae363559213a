"""Calls of Tryton's JSON-RPC as one user: what is answered, or a HostError.

Tryton wants exactly three keys in a call, and the context as its last argument. A session ends after a while: the call
is answered 401, was not carried out, and is made again after a new log-in.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests

from relance_addon.connectors.tryton import coding
from relance_addon.connectors.tryton.settings import Settings
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.hosts import faults
from relance_addon.hosts.faults import BadStatus, NotDone
from relance_addon.hosts.wire import Answer, Wire

_PAUSES: Final = (1.0, 3.0)
"""Seconds before a read is tried a second and a third time."""
_JSON: Final = "application/json"
_SAID: Final = {"UserError": Refused, "UserWarning": Refused, "ConcurrencyException": NotDone}
"""What Tryton raises by name, and rolls back."""
_LANGUAGE: Final = "en"
"""That of what is told before it is known who asks."""


class Broken(Refused):
    """Tryton failed at a call for a reason of its own: it was rolled back, unless something had left by then."""


class Rpc:
    """A logged-in session, for one thread at a time."""

    def __init__(
        self, wire: Wire, settings: Settings, password: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._wire, self._settings, self._sleep = wire, settings, sleep
        self._account = {"password": password}
        self._headers: dict[str, str] = {}
        self._number = 0
        self._root = "/rpc/"
        self.version = ""
        self.user = 0
        self.context: dict[str, Any] = {}

    def read(self, method: str, *arguments: Any, **context: Any) -> Any:
        """What a method that changes nothing answers; tried three times where no answer came."""
        try:
            for pause in _PAUSES:
                try:
                    return self._call(method, arguments, context)
                except Unreachable:
                    self._sleep(pause)
            return self._call(method, arguments, context)
        except Broken as error:
            raise Unreachable(str(error)) from error

    def write(self, method: str, *arguments: Any, **context: Any) -> Any:
        """What a method answers. It is never repeated by itself."""
        return self._call(method, arguments, context)

    def log_in(self) -> None:
        """Find out how this server is spoken to, and log in."""
        try:
            self.version = self._versioned()
            self._log_in()
            self.context = {**self._ask("model.res.user.get_preferences", [True, {}])}
            self.context.pop("locale", None)
            self._choose(self._settings.company)
        except _CAUGHT as error:
            raise self._meant(error, "log-in") from error

    def close(self) -> None:
        """Log out, where that still can be done."""
        if self._headers:
            try:
                self._ask("common.db.logout", [])
            except (HostError, *_CAUGHT):
                pass
            self._headers = {}
        self._wire.close()

    def _versioned(self) -> str:
        """Before 8.0 calls have no path of their own."""
        answer = self._post("/rpc/", "common.server.version", [])
        if answer.status in (requests.codes.not_found, requests.codes.method_not_allowed, requests.codes.unauthorized):
            self._root = "/"
            answer = self._post("/", "common.server.version", [])
        return str(_result(self._fine(answer)))

    def _log_in(self) -> None:
        name, database = self._settings.user, self._settings.database
        self._headers = {}
        try:
            answer = self._post(self._path, "common.db.login", [name, self._account, _LANGUAGE])
            if answer.status == requests.codes.unauthorized:
                raise Refused(
                    f"{self._settings.url}: Tryton does not know the user {name!r} with this password in {database!r}"
                )
            if answer.status == requests.codes.not_found:
                raise Refused(f"{self._settings.url}: Tryton has no database {database!r}")
            self.user, session = _result(self._fine(answer))[:2]
        except _Said as error:
            if not error.name:
                raise
            raise Refused(f"{self._settings.url}: Tryton lets {name!r} in no more easily: {error}") from error
        token = b64encode(f"{name}:{self.user}:{session}".encode()).decode()
        self._headers = {"Authorization": f"Session {token}"}

    def _choose(self, company: int | None) -> None:
        """Work for another company than the user's own."""
        if company is None or company == self.context.get("company"):
            return
        (user,) = self._ask("model.res.user.read", [[self.user], ["companies", "company_filter"], self.context])
        # Else Tryton shows nothing of it, or now and then something.
        if user["company_filter"] != "all" or company not in user["companies"]:
            mend = "give it that company, and set its company filter to All"
            raise Refused(f"{self._settings.url}: {self._settings.user!r} does not see company {company}: {mend}")
        self.context["company"] = company

    @property
    def _path(self) -> str:
        return f"/{quote(self._settings.database)}{self._root}"

    def _call(self, method: str, arguments: tuple[Any, ...], context: Mapping[str, Any]) -> Any:
        doing = method.removeprefix("model.")
        try:
            return self._ask(method, [*arguments, {**self.context, **context}])
        except _CAUGHT as error:
            raise self._meant(error, doing) from error

    def _meant(self, error: Exception, doing: str) -> HostError:
        if isinstance(error, _Said):
            return _SAID.get(error.name, Broken)(f"{self._settings.url}: {doing}: {error}")
        return faults.told(error, "Tryton", self._settings.url, doing)

    def _ask(self, method: str, params: list[Any]) -> Any:
        answer = self._post(self._path, method, params)
        if answer.status == requests.codes.unauthorized:
            # The session ended, and nothing was done.
            self._log_in()
            answer = self._post(self._path, method, params)
        return _result(self._fine(answer))

    def _post(self, path: str, method: str, params: list[Any]) -> Answer:
        self._number += 1
        body = coding.encoded({"id": self._number, "method": method, "params": params})
        return self._wire.ask("POST", path, body, self._headers)

    def _fine(self, answer: Answer) -> Answer:
        if answer.status != requests.codes.ok:
            raise BadStatus(answer.status, answer.location, answer.body)
        return answer


class _Said(Exception):  # noqa: N818 - it says who did
    """An error that Tryton answered: the name of its class, where it has one of Tryton's own, and what it says."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        super().__init__(text)


_CAUGHT: Final = (_Said, *faults.CAUGHT)


def _result(answer: Answer) -> Any:
    """Raises _Said for an error of Tryton's, and what faults.told takes for an answer that is not Tryton's."""
    if answer.type != _JSON:
        raise ValueError(f"{answer.type} is no JSON")
    said = coding.decoded(answer.body)
    if "error" not in said:
        return said["result"]
    name, *told = said["error"]
    if told and isinstance(told[0], list | tuple):
        text = ": ".join(str(part) for part in told[0][-2 if name == "UserWarning" else 0 :][:2] if part)
        raise _Said(name, faults.line(text))
    if name in _SAID:
        raise _Said(name, faults.line(" ".join(map(str, told))))
    raise _Said("", faults.line(str(name)))


def connect(settings: Settings, password: str, folder: Path, sleep: Callable[[float], None] = time.sleep) -> Rpc:
    """A session that is logged in. Relative paths start at ``folder``. Raises HostError, InputError."""
    wire = Wire(settings.url, settings.timeout, folder / settings.ca if settings.ca else None)
    rpc = Rpc(wire, settings, password, sleep)
    rpc.log_in()
    return rpc
