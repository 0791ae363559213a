"""A folder of CSV files to write into, and the connector on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from relance_addon.connectors.files.connector import FilesConnector
from relance_addon.core.model import Client, Invoice, Problem
from relance_addon.hosts.port import Surroundings

TODAY = date(2026, 11, 21)
HEADER = "id,client,issue_date,residual"
FULL_HEADER = HEADER + ",number,status,due_date,total,currency,salesperson,payment_link,pdf,program,hold_until"


class Sample:
    """``sample.write("invoices", …)``, then ``sample.pull()``."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "data"
        self.folder.mkdir()
        self.settings: dict[str, Any] = {"connector": "files", "path": "data"}
        self.connected: FilesConnector | None = None

    def write(self, name: str, *lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
        path = self.folder / f"{name}.csv"
        path.write_bytes("".join(line + end for line in lines).encode(encoding))
        return path

    def invoices(self, *lines: str, header: str = HEADER) -> Path:
        return self.write("invoices", header, *lines)

    def connect(self, **settings: Any) -> FilesConnector:
        self.settings.update(settings)
        checked = FilesConnector.Settings.model_validate(self.settings)
        surroundings = Surroundings(self.root, ZoneInfo("Europe/Paris"), "EUR", "fr")
        self.connected = FilesConnector("demo", checked, surroundings)  # type: ignore[arg-type]
        return self.connected

    def pull(self, today: date = TODAY, cursor: str = "", **settings: Any) -> Pulled:
        connector = self.connected if self.connected and not settings else self.connect(**settings)
        pull = connector.pull(cursor, today)
        return Pulled(list(pull.pages), pull.full)


class Pulled:
    """The pages of a pull, put together."""

    def __init__(self, pages: Sequence[Any], full: bool) -> None:
        self.full = full
        self.invoices: list[Invoice] = [one for page in pages for one in page.invoices]
        self.clients: dict[str, Client] = {one.id: one for page in pages for one in page.clients}
        self.problems: list[Problem] = [one for page in pages for one in page.problems]
        self.cursor: str = pages[-1].cursor

    @property
    def told(self) -> list[str]:
        return [str(problem) for problem in self.problems]

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.invoices]

    def __getitem__(self, id_: str) -> Invoice:
        (found,) = (one for one in self.invoices if one.id == id_)
        return found
