"""A Tryton of the tests' own, started when the first of them asks for it: see tryton_server.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from company import Company
from post_office import Letterbox, smtp_server
from tryton_acme import Acme, Stock
from tryton_books import Books
from tryton_server import Tryton, tryton_server
from tryton_stage import Line, Stage

from relance_addon.hosts.wire import Wire


@pytest.fixture(scope="session")
def tryton_letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture(scope="session")
def tryton(tryton_letterbox: Letterbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """A server for all tests of a session: each writes of parties of its own."""
    with smtp_server(tryton_letterbox) as smtp, tryton_server(tmp_path_factory.mktemp("tryton"), smtp) as tryton:
        yield tryton


@pytest.fixture(scope="session")
def books(tryton: Tryton) -> Books:
    """Its books."""
    return Books(tryton.client("admin"))


@pytest.fixture
def letters(tryton_letterbox: Letterbox) -> Iterator[Letterbox]:
    """What it sends during a test."""
    tryton_letterbox.got.clear()
    yield tryton_letterbox
    tryton_letterbox.answers.clear()


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """What connectors and Tryton say to each other during a test."""
    line = Line(Wire.ask)
    monkeypatch.setattr(Wire, "ask", lambda wire, *told: line.ask(wire, *told))
    return line


@pytest.fixture
def stage(tryton: Tryton, tmp_path: Path, line: Line) -> Stage:
    """Where connectors to Tryton are made."""
    return Stage(tryton.url, tmp_path, line)


@pytest.fixture(scope="session")
def stock(books: Books, tryton: Tryton, tmp_path_factory: pytest.TempPathFactory) -> Stock:
    return Stock(books, tryton, tmp_path_factory.mktemp("robot"))


@pytest.fixture
def acme(request: pytest.FixtureRequest, company: Company, stock: Stock, letters: Letterbox) -> Iterator[Acme]:
    """A company that uses it. Tryton sends, unless a test says otherwise."""
    with smtp_server(letters) as smtp:
        acme = Acme(company, stock, letters, smtp, getattr(request, "param", "tryton"))
        yield acme
        acme.monkeypatch.undo()
