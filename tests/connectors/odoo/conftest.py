"""A connector on a real Odoo (``RELANCE_LIVE_ODOO=http://user:password@host:port/database``) or on a recording of one.

With ``RELANCE_RECORD_ODOO=1`` as well, what the live tests exchange replaces the recordings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import pytest
from odoo_tape import RECORDINGS, Recorder, Replayer

from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.connectors.odoo.transport import connect
from relance_addon.hosts.port import Surroundings

LIVE = os.environ.get("RELANCE_LIVE_ODOO", "")
RECORDING = bool(os.environ.get("RELANCE_RECORD_ODOO"))
RECORDED = sorted({path.name.partition("-")[0] for path in RECORDINGS.glob("odoo*-*.json")})
SERVERS = ["live"] if LIVE and RECORDING else (["live"] if LIVE else []) + RECORDED


@dataclass
class Stage:
    """A connector, and the tape between it and Odoo."""

    connector: OdooConnector
    tape: Recorder | Replayer
    live: bool


def surroundings(folder: Path) -> Surroundings:
    return Surroundings(folder, ZoneInfo("Europe/Paris"), "EUR", "fr")


@pytest.fixture(params=SERVERS)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    scene = re.sub(r"\[.*|^test_", "", request.node.name).replace("_", "-")
    password = tmp_path / "password"
    password.write_text("unused")
    settings = {
        "connector": "odoo",
        "url": "https://odoo.example",
        "database": "acme",
        "user": "relance",
        "password": {"file": "password"},
        "company": 1,
    }
    tape: Recorder | Replayer
    server = ""
    if request.param == "live":
        address = urlsplit(LIVE)
        assert address.hostname and address.username and address.password
        password.write_text(unquote(address.password))
        settings["url"] = f"{address.scheme}://{address.hostname}:{address.port or 8069}"
        settings["database"] = address.path.strip("/")
        settings["user"] = unquote(address.username)
        session = connect(OdooConnector.Settings.model_validate(settings), password.read_text(), tmp_path)
        server = f"Odoo {session.full_version}"
        tape = Recorder(session)
    else:
        path = RECORDINGS / f"{request.param}-{scene}.json"
        if not path.is_file():
            pytest.skip(f"not recorded on {request.param}")
        tape = Replayer(path)
    connector = OdooConnector(
        "acme", OdooConnector.Settings.model_validate(settings), surroundings(tmp_path), lambda *_: tape
    )
    yield Stage(connector, tape, request.param == "live")
    if request.node.stash.get(PASSED, False):
        if isinstance(tape, Replayer):
            assert tape.finished(), "not every recorded call was made"
        elif RECORDING:
            RECORDINGS.mkdir(exist_ok=True)
            tape.write(RECORDINGS / f"odoo{tape.version}-{scene}.json", server)


PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report
