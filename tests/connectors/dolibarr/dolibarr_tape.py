"""Exchanges with a real Dolibarr, kept as HTTP: recorded from a server, replayed without one through ``responses``.

A recording is JSON, one exchange to a line: whose key, method, path, query and body, then status, type and answer. No
key and no address is in it. Of the rows of a list only what was asked for by ``properties`` is kept (version 16 gives
everything, 12 kB an invoice), of whole records what the connector reads, of files the beginning. ``given`` is what a
test made up by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
import responses

from relance_addon.connectors.dolibarr import fields
from relance_addon.hosts.wire import Answer, Wire

RECORDINGS: Final = Path(__file__).parent / "recordings"
SERVER: Final = "https://dolibarr.example"
"""What stands for the address of every server in a recording."""
API: Final = f"{SERVER}/api/index.php"
_FILE: Final = 400
"""How many characters of a file in base64, or of a page for people, are kept."""
_READ: Final = frozenset(
    {"label", "amount_ttc", "array_options", "percentage", "email_msgid", "email_to", "datep"}
).union(*(one.properties.split(",") for one in fields.read({}, "").values()))
_ANYTHING: Final = re.compile(re.escape(API) + "/.*")
_ask: Final = Wire.ask


class Recorder:
    """Passes calls on and notes them."""

    def __init__(self, url: str, keys: Mapping[str, str]) -> None:
        """``keys``: the names of users by their keys."""
        self._url, self._keys = url, keys
        self._exchanges: list[list[Any]] = []
        self._made_up: dict[str, str] = {}
        self.version = ""
        self.calls: list[tuple[str, str]] = []

    def ask(
        self, wire: Wire, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        answer = _ask(wire, method, path, body, headers or {})
        asked = _asked(self._keys[(headers or {})["DOLAPIKEY"]], method, path, body)
        if answer.type == "application/json":
            said = json.loads(answer.body)
            if asked[2] == "/status":
                self.version = said["success"]["dolibarr_version"]
            told = _kept(said, asked[3])
        else:
            told = answer.body.decode("utf-8", "replace")[:_FILE]
        self._exchanges.append([*asked, answer.status, answer.type, told])
        self.calls.append((asked[0], f"{method} {asked[2]}"))
        return answer

    def given(self, name: str, make: Callable[[], str]) -> str:
        """What a test makes up."""
        return self._made_up.setdefault(name, make())

    def write(self, scene: str) -> None:
        """Write what was exchanged."""
        head = json.dumps({"server": f"Dolibarr {self.version}", "given": self._made_up}, ensure_ascii=False)
        lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in self._exchanges)
        text = f'{head[:-1]}, "exchanges": [\n{lines}\n]}}\n'.replace(self._url, SERVER)
        assert not any(key in text for key in self._keys), "a key would be on tape"
        path = RECORDINGS / f"dolibarr{self.version.partition('.')[0]}" / f"{scene}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


class Replayer:
    """Answers as the server did; a call that was not made then, or in another order, is a failure."""

    def __init__(self, path: Path, mock: responses.RequestsMock) -> None:
        recording = json.loads(path.read_text("utf-8"))
        self._left: list[list[Any]] = recording["exchanges"][::-1]
        self._made_up: dict[str, str] = recording["given"]
        self.version: str = recording["server"].split()[1]
        self.calls: list[tuple[str, str]] = []
        for method in ("GET", "POST", "PUT", "DELETE"):
            mock.add_callback(method, _ANYTHING, self._answer)

    def given(self, name: str, make: Callable[[], str]) -> str:
        """What a test made up when this was recorded."""
        return self._made_up[name]

    def finished(self) -> bool:
        return not self._left

    def _answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        path = (request.url or "").removeprefix(API)
        assert self._left, f"{request.method} {path} was not called when this was recorded"
        *asked, status, kind, told = self._left.pop()
        body = request.body if isinstance(request.body, bytes | None) else str(request.body).encode()
        assert _asked(request.headers["DOLAPIKEY"].removesuffix("-key"), str(request.method), path, body) == asked
        self.calls.append((asked[0], f"{request.method} {asked[2]}"))
        return status, {"Content-Type": kind}, json.dumps(told) if kind == "application/json" else told


def _asked(who: str, method: str, path: str, body: bytes | None) -> list[Any]:
    parts = urlsplit(path)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return [who, method, unquote(parts.path), query, None if body is None else json.loads(body)]


def _kept(said: Any, query: Mapping[str, str]) -> Any:
    """What is worth keeping of an answer."""
    if isinstance(said, list):
        names = frozenset(query["properties"].split(",")) if "properties" in query else _READ
        return [_some(row, names) if isinstance(row, dict) else row for row in said]
    if not isinstance(said, dict) or "success" in said:
        return said
    if "error" in said:
        return {"error": said["error"]}
    if "content" in said:
        return {**said, "content": said["content"][:_FILE]}
    return _some(said, _READ)


def _some(row: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in names}
