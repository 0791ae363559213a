"""Connectors to a real Odoo, or to a recording of one, and the tape between."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from odoo_tape import SERVER, Recorder, Replayer

from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.hosts.port import Surroundings

LIVE = os.environ.get("RELANCE_LIVE_ODOO", "")
RECORDING = bool(os.environ.get("RELANCE_RECORD_ODOO"))


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
    settings = settings_of(
        url=f"{address.scheme}://{address.hostname}:{address.port or 8069}",
        database=address.path.strip("/"),
        user=unquote(address.username),
        password={"file": "secret"},
    )
    return Settings.model_validate(settings), password


def settings_of(**more: Any) -> dict[str, Any]:
    common = {"connector": "odoo", "url": SERVER, "database": "acme", "password": {"file": "unused"}, "company": 1}
    return {**common, **more}
