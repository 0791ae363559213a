"""A connector on a real Odoo (``RELANCE_LIVE_ODOO=http://user:password@host:port/database``) or on recordings of some.

The password may be an API key, with which Odoo 19 is spoken to over JSON-2. The database is one for trials, with sales
of every kind: a test is skipped that finds nothing to work on there, and leaves invoices, mails and to-dos behind.
With ``RELANCE_RECORD_ODOO=1`` as well, what the live tests exchange replaces the recordings of that version, carrier
and kind of user, in ``recordings/odoo18-accountant`` and the like. An administrator comes first: what only he may add
is used by the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import pytest
from odoo_tape import RECORDINGS, SERVER, Recorder, Replayer

from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.connectors.odoo.posting import may_send_mails
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.connectors.odoo.transport import connect
from relance_addon.hosts.port import Surroundings

LIVE = os.environ.get("RELANCE_LIVE_ODOO", "")
RECORDING = bool(os.environ.get("RELANCE_RECORD_ODOO"))
_PASSED = pytest.StashKey[bool]()
# It looks like an API key, with which nobody logs in to Odoo's web pages: those are not on tape.
_UNUSED = "5ec2e7a91c0de5ec2e7a91c0de5ec2e7a91c0de5"


@dataclass
class Stage:
    """Connectors to one Odoo, and the tape between them and it."""

    tape: Recorder | Replayer
    settings: dict[str, Any]
    folder: Path
    live: bool

    @property
    def today(self) -> date:
        """When this was recorded."""
        return date.fromisoformat(self.tape.given("today", lambda: date.today().isoformat()))

    def connector(self, **more: Any) -> OdooConnector:
        """A new connector, as a new process would have it."""
        checked = OdooConnector.Settings.model_validate({**self.settings, **more})
        return OdooConnector("acme", checked, surroundings(self.folder), lambda *_: self.tape)


def surroundings(folder: Path) -> Surroundings:
    return Surroundings(folder, ZoneInfo("Europe/Paris"), "EUR", "fr")


def live_settings(folder: Path) -> tuple[Settings, str]:
    """The live server, and the password in clear."""
    address = urlsplit(LIVE)
    assert address.hostname and address.username and address.password
    password = unquote(address.password)
    (folder / "secret").write_text(password)
    settings = _settings(
        url=f"{address.scheme}://{address.hostname}:{address.port or 8069}",
        database=address.path.strip("/"),
        user=unquote(address.username),
        password={"file": "secret"},
    )
    return Settings.model_validate(settings), password


def _settings(**more: Any) -> dict[str, Any]:
    common = {"connector": "odoo", "url": SERVER, "database": "acme", "password": {"file": "unused"}, "company": 1}
    return {**common, **more}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stage" in metafunc.fixturenames:
        scene = _scene(metafunc.function.__name__)
        recorded = sorted(path.parent.name for path in RECORDINGS.glob(f"*/{scene}.json"))
        metafunc.parametrize(
            "stage", ["live"] if LIVE and RECORDING else ["live"] * bool(LIVE) + recorded, indirect=True
        )


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    (tmp_path / "unused").write_text(_UNUSED)
    scene = _scene(request.function.__name__)
    if request.param != "live":
        tape = Replayer(RECORDINGS / request.param / f"{scene}.json")
        yield Stage(tape, _settings(user=tape.user), tmp_path, live=False)
        assert tape.finished() or not request.node.stash.get(_PASSED, False), "not every recorded call was made"
        return
    settings, password = live_settings(tmp_path)
    session = connect(settings, password, tmp_path)
    recorder = Recorder(session, settings.user)
    plain = _settings(url=settings.url, database=settings.database, user=settings.user)
    yield Stage(recorder, plain, tmp_path, live=True)
    if RECORDING and request.node.stash.get(_PASSED, False):
        kind = "administrator" if may_send_mails(session) else "accountant"
        carrier = "-json2" if session.carrier == "json2" else ""
        recorder.write(RECORDINGS / f"odoo{session.version}-{kind}{carrier}" / f"{scene}.json", settings.url)


def _scene(test: str) -> str:
    return test.removeprefix("test_").replace("_", "-")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    return report
