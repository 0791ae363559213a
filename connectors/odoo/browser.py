"""Odoo's web pages: a PDF that its remote interface does not give is fetched as a browser would."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from relance_addon.connectors.odoo.faults import CAUGHT, told
from relance_addon.hosts.faults import BadStatus
from relance_addon.hosts.wire import Wire

_KEY: Final = re.compile(r"[0-9a-f]{40}")


class Visit(Wire):
    """Keeps cookies: a session is one."""

    def __init__(self, url: str, timeout: float, ca: Path | None = None) -> None:
        super().__init__(url, timeout, ca)
        self._session.cookies.set_policy(DefaultCookiePolicy())


class Browser:
    """Fetches PDFs, logged in with a password, for Odoo gives an API key no session, or by a page's own token."""

    def __init__(self, visit: Visit, server: str, database: str, user: str, password: str) -> None:
        """``server`` is how errors call it."""
        self._visit = visit
        self._server = server
        self._login = {"db": database, "login": user, "password": password}
        self._inside: bool | None = False if is_key(password) else None

    def logged_in(self) -> bool:
        """Whether Odoo gives us a session; asked once. An unreachable server gives none."""
        if self._inside is None:
            try:
                self._inside = bool(self._post("/web/session/authenticate", self._login)["result"]["uid"])
            except CAUGHT:
                self._inside = False
        return self._inside

    def pdf(self, path: str) -> bytes:
        """The PDF at a path; empty if something else is there. Raises HostError."""
        try:
            content = self._get(path)
        except BadStatus:
            return b""
        except CAUGHT as error:
            # What is told names no path, for a path may hold a token.
            raise told(error, self._server, "fetching a PDF") from None
        # Odoo answers with a log-in page and status 200 when it does not know us.
        return content if is_pdf(content) else b""

    def close(self) -> None:
        """Log out. What goes wrong does not matter: Odoo forgets sessions by itself."""
        if self._inside:
            self._inside = None
            with suppress(*CAUGHT):
                self._post("/web/session/destroy", {})

    def _get(self, path: str) -> bytes:
        try:
            return self._visit.get(path)
        except BadStatus as error:
            # Where it has several languages, the portal sends a visitor to a page in one of them.
            other = error.location.removeprefix(self._server).removeprefix(urlsplit(self._server).path)
            if not other.startswith("/") or other.startswith("//"):
                raise
        return self._visit.get(other)

    def _post(self, path: str, params: dict[str, Any]) -> Any:
        body = {"jsonrpc": "2.0", "method": "call", "params": params}
        return json.loads(self._visit.post(path, json.dumps(body).encode()))


def is_key(password: str) -> bool:
    """Whether this looks like an API key of Odoo's."""
    return bool(_KEY.fullmatch(password))


def is_pdf(content: bytes) -> bool:
    """Whether this is a PDF, whatever it is called."""
    return content.startswith(b"%PDF")
