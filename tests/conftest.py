"""Folders in which commands run: see company.py."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from company import FAKE, FILES, Company

from relance_addon.hosts import loading
from relance_addon.hosts.fake import FakeHost


@pytest.fixture(scope="session")
def empty_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal whose tables are made: copied, it saves every test the time to make them."""
    from relance_addon.journal import database

    folder = tmp_path_factory.mktemp("journal")
    database.connect("sqlite:///relance.sqlite3", folder)
    _let_go()
    return folder / "relance.sqlite3"


def _let_go() -> None:
    from django.db import connections

    connections.close_all()


@pytest.fixture
def company(tmp_path: Path, capsys: pytest.CaptureFixture[str], empty_journal: Path) -> Iterator[Company]:
    """A folder with a journal, and nothing else."""
    shutil.copy(empty_journal, tmp_path / "relance.sqlite3")
    yield Company(tmp_path, capsys)
    _let_go()


@pytest.fixture
def files(company: Company) -> Company:
    """A switched-on host ``acme`` that is a folder: two clients, an invoice of the first that is due."""
    company.write("relance.toml", FILES)
    company.csv("clients", "1,Dupont SA,compta@dupont.example,fr,FR,,,,", "2,Smith Ltd,ap@smith.example,en,GB,,,,")
    company.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00")
    company.programs()
    company("activate acme")
    return company


@pytest.fixture
def known_connectors(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, type], None]:
    """Announce a connector under a name, as an installed package does."""
    announced: dict[str, EntryPoint] = {}
    real = loading.entry_points

    def points(group: str) -> list[EntryPoint]:
        return [*real(group=group), *announced.values()]

    def announce(name: str, made: type) -> None:
        module = ModuleType(f"relance_test_{name}")
        module.Made = made  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        announced[name] = EntryPoint(name, f"{module.__name__}:Made", loading.GROUP)

    monkeypatch.setattr(loading, "entry_points", points)
    return announce


@pytest.fixture
def fake(company: Company, known_connectors: Callable[[str, type], None]) -> Company:
    """A switched-on host ``acme`` in memory, the same for every command of a test: ``fake.host``."""
    host = company.host

    class Same(FakeHost):
        def __new__(cls, *_: Any) -> Any:
            return host

    known_connectors("fake", Same)
    company.write("relance.toml", FAKE)
    company.programs()
    company("activate acme")
    return company
