"""A connector on a real Dolibarr, or on recordings of some.

``RELANCE_LIVE_DOLIBARR=http://KEY@host:port`` names a server for trials and the robot's key; what only an administrator
may do, to change the books behind the connector's back, is done with the key ``RELANCE_LIVE_DOLIBARR_ADMIN``, and
``RELANCE_LIVE_DOLIBARR_BLIND`` is that of a user without the right to see all customers. A test is skipped that lacks
a key or finds nothing to work on, and leaves events, payments and invoices behind. With ``RELANCE_RECORD_DOLIBARR=1``
as well, what is exchanged replaces the recordings of that version, in ``recordings/dolibarr22`` and the like.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
import responses
from dolibarr_tape import RECORDINGS, SERVER, Recorder, Replayer

from relance_addon.connectors.dolibarr import rest
from relance_addon.connectors.dolibarr.connector import DolibarrConnector
from relance_addon.connectors.dolibarr.settings import Settings
from relance_addon.hosts.port import Mailer, Surroundings
from relance_addon.hosts.wire import Wire

LIVE = os.environ.get("RELANCE_LIVE_DOLIBARR", "")
RECORDING = bool(os.environ.get("RELANCE_RECORD_DOLIBARR"))
OTHERS = {
    "admin": os.environ.get("RELANCE_LIVE_DOLIBARR_ADMIN", ""),
    "blind": os.environ.get("RELANCE_LIVE_DOLIBARR_BLIND", ""),
}
PASSED = pytest.StashKey[bool]()


@dataclass
class Stage:
    """Connectors to one Dolibarr, and the tape between them and it. ``keys`` are those of users, by name."""

    tape: Recorder | Replayer
    url: str
    keys: dict[str, str]
    folder: Path
    live: bool
    pauses: list[float] = field(default_factory=list)

    @property
    def today(self) -> date:
        """When this was recorded."""
        return date.fromisoformat(self.tape.given("today", lambda: date.today().isoformat()))

    @cached_property
    def admin(self) -> rest.Session:
        """One who changes the books behind the connector's back."""
        return rest.connect(Settings.model_validate(self._settings("admin")), self.keys["admin"], self.folder)

    @property
    def version(self) -> int:
        return rest.major(self.tape.version or self.admin.version)

    def connector(self, mailer: Mailer | None = None, who: str = "robot", **more: Any) -> DolibarrConnector:
        """A new connector, as a new process would have it, with the key of ``who``."""
        checked = DolibarrConnector.Settings.model_validate({**self._settings(who), **more})
        assert isinstance(checked, Settings)

        def connect(settings: Settings, key: str, folder: Path) -> rest.Session:
            return rest.connect(settings, key, folder, self.pauses.append)

        return DolibarrConnector("acme", checked, surroundings(self.folder, mailer), connect)

    def _settings(self, who: str) -> dict[str, Any]:
        if not self.keys.get(who):
            pytest.skip(f"no key of {who}")
        (self.folder / who).write_text(self.keys[who])
        return {"connector": "dolibarr", "url": self.url, "key": {"file": who}}


def surroundings(folder: Path, mailer: Mailer | None = None) -> Surroundings:
    return Surroundings(folder, ZoneInfo("Europe/Paris"), "EUR", "fr", mailer)


def live() -> tuple[str, dict[str, str]]:
    """The address of the live server, and the keys of its users."""
    address = urlsplit(LIVE)
    assert address.hostname and address.username
    host = f"{address.hostname}:{address.port}" if address.port else address.hostname
    return f"{address.scheme}://{host}{address.path.rstrip('/')}", {"robot": address.username, **OTHERS}


def scenes(test: str) -> list[str]:
    """Where a test can be played: on the live server, or on recordings, by version."""
    recorded = sorted(path.parent.name for path in RECORDINGS.glob(f"*/{_scene(test)}.json"))
    return ["live"] if LIVE and RECORDING else ["live"] * bool(LIVE) + recorded


def staged(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The stage of a test that is parametrized with ``scenes``."""
    scene = _scene(request.function.__name__)
    if request.param != "live":
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            tape = Replayer(RECORDINGS / request.param / f"{scene}.json", mock)
            stage = Stage(tape, SERVER, {who: f"{who}-key" for who in ("robot", *OTHERS)}, folder, live=False)
            yield stage
            passed = request.node.stash.get(PASSED, False)
            assert tape.finished() or not passed, "not every recorded call was made"
            assert not stage.pauses or not passed, "nothing was tried twice when this was recorded"
        return
    url, keys = live()
    recorder = Recorder(url, {key: who for who, key in keys.items() if key})
    monkeypatch.setattr(Wire, "ask", lambda wire, *told: recorder.ask(wire, *told))
    stage = Stage(recorder, url, keys, folder, live=True)
    yield stage
    if RECORDING and request.node.stash.get(PASSED, False) and not stage.pauses:
        recorder.write(scene)


def _scene(test: str) -> str:
    return test.removeprefix("test_").replace("_", "-")
