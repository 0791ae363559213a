"""HTTP as every host wants it: certificates verified, no redirect followed, connections kept and nothing else."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import requests
from requests.adapters import HTTPAdapter

from relance_addon.hosts.faults import BadStatus, TooLong
from relance_addon.mail.server import trust

LONGEST: Final = 128 * 2**20
"""The most bytes that are read of an answer: hosts themselves take no longer call."""
_CHUNK: Final = 2**16
_JSON: Final = {"Content-Type": "application/json"}
_NOTHING: Final[Mapping[str, str]] = {}


class Answer(NamedTuple):
    """A status, the type of what came with it (such as ``application/json``), where a redirect leads, and cookies."""

    status: int
    type: str
    location: str
    body: bytes
    cookies: Mapping[str, str] = _NOTHING


class Wire:
    """Requests to one server, from one thread at a time."""

    def __init__(self, url: str, timeout: float, ca: Path | None = None) -> None:
        """``timeout``: in seconds. ``ca``: a file of authorities to trust besides the system's.

        Raises InputError when that file is unusable.
        """
        self._url, self._timeout, self._ca = url, timeout, ca
        self._session = requests.Session()
        if url.startswith("https:"):
            self._session.mount("https://", _Verified(trust(ca, "ca")))
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Without an own way to log in, requests would take one from a .netrc.
        self._session.auth = _as_it_is

    def another(self) -> Self:
        """To the same server, for another thread."""
        return type(self)(self._url, self._timeout, self._ca)

    def get(self, path: str) -> bytes:
        """What is at that path of the server; see post."""
        return self._fine("GET", path)

    def post(self, path: str, body: bytes, headers: Mapping[str, str] = _NOTHING) -> bytes:
        """The answer to some JSON. Raises BadStatus for any status but 200, TooLong, and requests' exceptions."""
        return self._fine("POST", path, body, headers)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = _NOTHING) -> Answer:
        """Whatever is answered, with any status; ``body`` is JSON. Raises TooLong, and requests' exceptions."""
        sent = {**_JSON, **headers} if body is not None else headers
        with self._session.request(
            method, self._url + path, timeout=self._timeout, allow_redirects=False, stream=True, data=body, headers=sent
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(_CHUNK):
                content += chunk
                if len(content) > LONGEST:
                    raise TooLong
            location = response.headers.get("Location", "") if response.is_redirect else ""
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Answer(response.status_code, kind, location, bytes(content), response.cookies.get_dict())

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def _fine(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = _NOTHING) -> bytes:
        answer = self.ask(method, path, body, headers)
        if answer.status != requests.codes.ok:
            raise BadStatus(answer.status, answer.location, answer.body)
        return answer.body


class _Verified(HTTPAdapter):
    """Trusts what the system trusts as well: requests by itself knows the public authorities only."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named, ssl_context=self._context)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
