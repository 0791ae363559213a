"""The documented example: a real kind of ledger, as it is, through a mapping alone. The 49 lines here are invented."""

from __future__ import annotations

import csv
import shutil
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from files_samples import Pulled

import relance_addon.connectors.files as package
from relance_addon.connectors.files.connector import FilesConnector
from relance_addon.core.program import read as read_programs
from relance_addon.operations import config as configuration

EXAMPLE = Path(package.__file__).parent / "examples" / "receivables"
LEDGER = Path(__file__).parent / "data" / "receivables.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "data").mkdir()
    shutil.copy(LEDGER, tmp_path / "data")
    return tmp_path


def connect(folder: Path) -> FilesConnector:
    from relance_addon.hosts.port import Surroundings

    config = configuration.load(folder / "relance.toml")
    settings = FilesConnector.Settings.model_validate(config.host("ledger"))
    currency = config.file.relance.currency
    return FilesConnector("ledger", settings, Surroundings(folder, config.zone, currency, "en"))  # type: ignore[arg-type]


def lines() -> list[dict[str, str]]:
    with LEDGER.open(newline="") as file:
        return list(csv.DictReader(file))


def day(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()


def test_every_line_is_usable(folder: Path) -> None:
    connector = connect(folder)
    seen = set()
    for month in range(24):
        pull = connector.pull("", date(2012, 1, 15) + timedelta(days=30 * month))
        pulled = Pulled(list(pull.pages), pull.full)
        assert pulled.problems == []
        seen.update(pulled.ids)
    assert len(seen) > 40


@pytest.mark.parametrize("today", [date(2012, 3, 1), date(2012, 9, 30), date(2013, 4, 1), date(2014, 1, 1)])
def test_an_invoice_is_open_when_issued_by_then_and_settled_later(folder: Path, today: date) -> None:
    pull = connect(folder).pull("", today)
    pulled = Pulled(list(pull.pages), pull.full)
    expected = {
        line["invoiceNumber"]: (line["customerID"], day(line["DueDate"]), Decimal(line["InvoiceAmount"]))
        for line in lines()
        if day(line["InvoiceDate"]) <= today < day(line["SettledDate"])
    }
    assert {one.id: (one.client, one.due_date, one.residual) for one in pulled.invoices} == expected
    assert {one.currency for one in pulled.invoices} <= {"USD"}
    assert set(pulled.clients) == {client for client, _, _ in expected.values()}


def test_clients_are_made_of_the_mapping(folder: Path) -> None:
    connector = connect(folder)
    page = connector.read([line["invoiceNumber"] for line in lines()][:20], date(2014, 1, 1))
    assert {one.status for one in page.invoices} == {"paid"}
    countries = {"391": "IT", "406": "FR", "770": "DE", "818": "ES", "897": "GB"}
    given = {line["customerID"]: countries[line["countryCode"]] for line in lines()}
    for client in page.clients:
        assert client.name == client.id
        assert client.email == f"{client.id}@client.example"
        assert client.country == given[client.id]
        assert client.language == ("fr" if client.country == "FR" else "en")


def test_its_programs_are_sound() -> None:
    text = (EXAMPLE / "programs.toml").read_text("utf-8")
    (program,) = read_programs(text, "programs.toml", ["accounting"])
    assert [step.trigger.kind for step in program.steps] == ["after_due", "after_previous", "after_previous"]


def test_disputed_ones_can_be_held(folder: Path) -> None:
    config = folder / "relance.toml"
    config.write_text(config.read_text("utf-8").replace("# hold_until", "hold_until"), "utf-8")
    connector = connect(folder)
    disputed = {line["invoiceNumber"] for line in lines() if line["Disputed"] == "Yes"}
    invoices = connector.read([line["invoiceNumber"] for line in lines()], date(2014, 1, 1)).invoices
    assert {one.id for one in invoices if one.held_until == date.max} == disputed
    assert {one.held_until for one in invoices} == {date.max, None}
