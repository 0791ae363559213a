"""HTTP as every carrier wants it: certificates verified, no redirect followed, connections kept and nothing else."""

from __future__ import annotations

import ssl
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter

from relance_addon.connectors.odoo.faults import BadStatus, TooLong
from relance_addon.core.errors import InputError
from relance_addon.core.model import Problem

LONGEST: Final = 128 * 2**20
"""The most bytes that are read of an answer: as many as Odoo takes of a call."""
_CHUNK: Final = 2**16


class Wire:
    """Requests to one server, from one thread at a time."""

    def __init__(self, url: str, timeout: float, ca: Path | None = None) -> None:
        """``timeout``: in seconds. ``ca``: a file of authorities to trust besides the system's.

        Raises InputError when that file is unusable.
        """
        self._url, self._timeout = url, timeout
        self._session = requests.Session()
        if url.startswith("https:"):
            self._session.mount("https://", _Verified(_trust(ca)))
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Without an own way to log in, requests would take one from a .netrc.
        self._session.auth = _as_it_is

    def get(self, path: str) -> bytes:
        """What is at that path of the server; see post."""
        return self._ask("GET", path)

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
        """The answer to some JSON. Raises BadStatus for any status but 200, TooLong, and requests' exceptions."""
        return self._ask("POST", path, data=body, headers={"Content-Type": "application/json", **(headers or {})})

    def _ask(self, method: str, path: str, **more: Any) -> bytes:
        with self._session.request(
            method, self._url + path, timeout=self._timeout, allow_redirects=False, stream=True, **more
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if len(body) > LONGEST:
                    raise TooLong
            if response.status_code != requests.codes.ok:
                location = response.headers.get("Location", "") if response.is_redirect else ""
                raise BadStatus(response.status_code, location, bytes(body))
            return bytes(body)


class _Verified(HTTPAdapter):
    """Trusts what the system trusts as well: requests by itself knows the public authorities only."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named, ssl_context=self._context)


def _trust(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except ssl.SSLError:
            raise InputError(Problem("", "ca", f"{ca} is no file of certificates in PEM")) from None
        except OSError as error:
            raise InputError(Problem("", "ca", f"cannot read the file {ca}: {error.strerror}")) from None
    return context


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
