"""Exchanges with a real Odoo, kept at the transport seam: recorded from a server, replayed without one.

A recording is JSON, one exchange to a line: model, method, ids, named arguments, then the answer, or the name and
the text of the error. Log-in stays outside, so that no secret is in it; the tokens of portal links and the server's
address are replaced, and of files the beginning is kept. ``given`` is what a test made up by itself.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from relance_addon.connectors.odoo.transport import Session
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.hosts.faults import NotDone

RECORDINGS: Final = Path(__file__).parent / "recordings"
SERVER: Final = "https://odoo.example"
"""What stands for the address of every server in a recording."""
_ERRORS: Final[dict[str, type[HostError]]] = {one.__name__: one for one in (NotDone, Refused, Unreachable)}
_TOKEN: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_FILE: Final = 1024
"""How many characters of a file in base64 are kept."""


class Tape(Protocol):
    """What stands between a connector and an Odoo."""

    version: int
    carrier: str
    user: str
    calls: list[tuple[str, str]]
    """Model and method of every call."""

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        """What Odoo answers, or answered."""
        ...

    def given(self, name: str, make: Callable[[], str]) -> str:
        """What a test makes up: in a replay, what it made up when this was recorded."""
        ...


class Recorder:
    """Passes calls on and notes them."""

    def __init__(self, session: Session, user: str) -> None:
        self._session = session
        self._exchanges: list[list[Any]] = []
        self._made_up: dict[str, str] = {}
        self.version, self.carrier, self.user = session.version, session.carrier, user
        self.calls: list[tuple[str, str]] = []
        self.seconds = 0.0

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        asked = [model, method, None if ids is None else list(ids), _copy(named)]
        self.calls.append((model, method))
        start = time.monotonic()
        try:
            answer = self._session.call(model, method, ids, **named)
        except HostError as error:
            self._exchanges.append([*asked, {type(error).__name__: str(error)}, False])
            raise
        finally:
            self.seconds += time.monotonic() - start
        # Kept as it came: whoever asked may change what is theirs.
        self._exchanges.append([*asked, _shortened(_copy(answer)), True])
        return answer

    def given(self, name: str, make: Callable[[], str]) -> str:
        if name not in self._made_up:
            self._made_up[name] = make()
        return self._made_up[name]

    def write(self, path: Path, url: str) -> None:
        """Write what was exchanged with the server at ``url``."""
        head = {
            "server": f"Odoo {self._session.full_version}",
            "carrier": self.carrier,
            "user": self.user,
            "given": self._made_up,
        }
        lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in self._exchanges)
        text = json.dumps(head, ensure_ascii=False)[:-1] + ', "exchanges": [\n' + lines + "\n]}\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_without_tokens(text.replace(url, SERVER)), "utf-8")


class Replayer:
    """Answers as the server did; a call that was not made then, or in another order, is a failure."""

    def __init__(self, path: Path) -> None:
        recording = json.loads(path.read_text("utf-8"))
        self._left: list[list[Any]] = recording["exchanges"][::-1]
        self._made_up: dict[str, str] = recording["given"]
        self.version = int(recording["server"].split()[1].partition(".")[0])
        self.carrier: str = recording["carrier"]
        self.user: str = recording["user"]
        self.calls: list[tuple[str, str]] = []

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        assert self._left, f"{model}.{method} was not called when this was recorded"
        *asked, answer, fine = self._left.pop()
        assert [model, method, None if ids is None else list(ids), _copy(named)] == asked
        self.calls.append((model, method))
        if not fine:
            ((name, text),) = answer.items()
            raise _ERRORS[name](text)
        return answer

    def given(self, name: str, make: Callable[[], str]) -> str:
        return self._made_up[name]

    def finished(self) -> bool:
        return not self._left


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _shortened(answer: Any) -> Any:
    """An answer whose files are cut off."""
    for row in answer if isinstance(answer, list) else ():
        if isinstance(row, dict) and isinstance(row.get("datas"), str):
            row["datas"] = row["datas"][:_FILE]
    return answer


def _without_tokens(text: str) -> str:
    """Every token replaced, the same one by the same."""
    known: dict[str, str] = {}
    return _TOKEN.sub(lambda found: known.setdefault(found[0], f"00000000-0000-4000-8000-{len(known):012}"), text)
