"""Exchanges with a real Odoo, kept at the transport seam: recorded from a server, replayed without one.

A recording is JSON, one exchange to a line: model, method, ids, named arguments, then the answer, or the name and
the text of the error. Log-in stays outside, so that no secret is in it. ``given`` is what a test made up by itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from relance_addon.connectors.odoo.faults import NotDone
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.errors import HostError, Refused, Unreachable

RECORDINGS = Path(__file__).parent / "recordings"
_ERRORS: dict[str, type[HostError]] = {one.__name__: one for one in (NotDone, Refused, Unreachable)}


class Recorder:
    """Passes calls on and notes them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.exchanges: list[list[Any]] = []
        self.made_up: dict[str, str] = {}
        self.seconds = 0.0

    @property
    def version(self) -> int:
        return self._transport.version

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(one[0], one[1]) for one in self.exchanges]

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        asked = [model, method, None if ids is None else list(ids), json.loads(json.dumps(named))]
        start = time.monotonic()
        try:
            answer = self._transport.call(model, method, ids, **named)
        except HostError as error:
            self.exchanges.append([*asked, {type(error).__name__: str(error)}, False])
            raise
        finally:
            self.seconds += time.monotonic() - start
        # Kept as it came: whoever asked may change what is theirs.
        self.exchanges.append([*asked, json.loads(json.dumps(answer)), True])
        return answer

    def given(self, name: str, make: Callable[[], str]) -> str:
        return self.made_up.setdefault(name, make())

    def write(self, path: Path, server: str) -> None:
        head = {"server": server, "given": self.made_up}
        lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in self.exchanges)
        text = json.dumps(head, ensure_ascii=False)[:-1] + ', "exchanges": [\n' + lines + "\n]}\n"
        path.write_text(text, "utf-8")


class Replayer:
    """Answers as the server did; a call that was not made then, or in another order, is a failure."""

    def __init__(self, path: Path) -> None:
        recording = json.loads(path.read_text("utf-8"))
        self._left: list[list[Any]] = recording["exchanges"]
        self._made_up: dict[str, str] = recording["given"]
        self.version = int(recording["server"].split()[1].split(".")[0])
        self.calls: list[tuple[str, str]] = []
        self.seconds = 0.0

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        assert self._left, f"{model}.{method} was not called when this was recorded"
        *asked, answer, fine = self._left.pop(0)
        assert [model, method, None if ids is None else list(ids), json.loads(json.dumps(named))] == asked
        self.calls.append((model, method))
        if not fine:
            ((name, text),) = answer.items()
            raise _ERRORS[name](text)
        return answer

    def given(self, name: str, make: Callable[[], str]) -> str:
        return self._made_up[name]

    def finished(self) -> bool:
        return not self._left
