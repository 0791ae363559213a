"""Odoo 19 and after over JSON-2: one POST to a method, with an API key. Passwords are not accepted there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from copy import copy
from typing import Any, Final, Literal

from relance_addon.connectors.odoo.faults import CAUGHT, NoKey, answered, told
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.core.errors import HostError, Refused
from relance_addon.hosts.faults import BadStatus
from relance_addon.hosts.wire import Wire

SINCE: Final = 19
"""The first version that speaks it."""
# Anything else could not be sent in a header.
_KEY: Final = re.compile(r"[!-~]+")


class Json2:
    """JSON-2, as the user that an API key stands for."""

    name: Literal["json2"] = "json2"
    language: str = ""

    def __init__(self, wire: Wire, server: str, version: str, database: str, key: str) -> None:
        self._wire = wire
        self._server = server
        self._database = database
        self._headers = {"Authorization": f"bearer {key}", "X-Odoo-Database": database}
        self.version = version

    def another(self) -> Json2:
        """The same over a connection of its own."""
        other = copy(self)
        other._wire = self._wire.another()
        return other

    def carry(self, model: str, method: str, ids: Sequence[int] | None, named: dict[str, Any]) -> Any:
        """What Odoo answers, as it comes. Raises HostError."""
        body = json.dumps(named if ids is None else {**named, "ids": list(ids)}).encode()
        try:
            return json.loads(self._wire.post(f"/json/2/{model}/{method}", body, self._headers))
        except BadStatus as error:
            raise self._refusal(error, f"{model}.{method}") from error
        except CAUGHT as error:
            raise told(error, self._server, f"{model}.{method}") from error

    def _refusal(self, error: BadStatus, doing: str) -> HostError:
        try:
            said = json.loads(error.body)
            return answered(str(said["name"]), str(said["message"]), f"{self._server}: {doing}")
        except (ValueError, KeyError, TypeError):
            if error.status != 404:
                return told(error, self._server, doing)
        mend = "or JSON-2 does not reach it: mend database, or set api to jsonrpc"
        return Refused(f"{self._server}: {doing}: HTTP 404: there is no database {self._database!r}, {mend}")


def version(wire: Wire, settings: Settings) -> str:
    """The version of an Odoo that speaks JSON-2, such as ``19.0``; nothing where another answers. Raises HostError."""
    try:
        said = json.loads(wire.get("/web/version"))["version"]
        return said if isinstance(said, str) else ""
    except (ValueError, KeyError, TypeError):
        return ""
    except BadStatus as error:
        # Before 19 it is a page that is missing, or that is first looked for in the languages of a website.
        elsewhere = "://" in error.location and not error.location.startswith(settings.url)
        if settings.api == "auto" or (error.status < 500 and not elsewhere):
            return ""
        raise told(error, settings.url, "log-in") from error
    except CAUGHT as error:
        raise told(error, settings.url, "log-in") from error


def log_in(wire: Wire, settings: Settings, key: str, version: str) -> Json2:
    """Find out whom the key stands for. Raises HostError; NoKey for what is no API key."""
    url, user = settings.url, settings.user
    if not _KEY.fullmatch(key):
        raise NoKey(f"{url}: JSON-2 takes an API key, and this is none")
    odoo = Json2(wire, url, version, settings.database, key)
    context = odoo.carry("res.users", "context_get", None, {})
    try:
        (found,) = odoo.carry("res.users", "read", [context["uid"]], {"fields": ["login"]})
        login, odoo.language = str(found["login"]), str(context.get("lang") or "")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise told(error, url, "log-in") from error
    if login.casefold() != user.casefold():
        raise Refused(f"{url}: the API key is of {login!r}, not of {user!r}: mend user or password")
    return odoo
