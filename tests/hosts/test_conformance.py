"""The shipped connectors that need no server, and the fake host, pass the suite that third parties are given."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from relance_addon.core.errors import Unreachable
from relance_addon.core.model import Client, Invoice
from relance_addon.hosts import loading
from relance_addon.hosts.conformance import Conformance
from relance_addon.hosts.fake import FakeHost
from relance_addon.hosts.port import Connector, Outgoing, Surroundings


class FakeSubject:
    secrets: Sequence[str] = ()

    def __init__(self, incremental: bool) -> None:
        self.host = FakeHost()
        self.host.incremental = incremental
        self.host.page_size = 40

    def connect(self) -> Connector:
        return self.host

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        self.host.remove(*(set(self.host.invoices) - {one.id for one in invoices}))
        self.host.put(*clients, *(one for one in invoices if self.host.invoices.get(one.id) != one))

    def settle(self, invoices: Sequence[str], on: date) -> date:
        self.host.settle(*invoices, on=on)
        return on

    def left(self, message: Outgoing) -> int:
        return self.host.left(message.key)

    def cut(self) -> None:
        self.host.break_down(Unreachable("fake: no answer"))


class TestFakeHost(Conformance):
    @pytest.fixture(params=[False, True], ids=["full", "incremental"])
    def subject(self, request: pytest.FixtureRequest) -> FakeSubject:
        return FakeSubject(request.param)


class FilesSubject:
    secrets: Sequence[str] = ()

    def __init__(self, folder: Path, delimiter: str, decimal: str) -> None:
        self.folder, self.delimiter, self.decimal = folder, delimiter, decimal
        (folder / "data").mkdir()

    def connect(self) -> Connector:
        connector = loading.load("files")
        settings = connector.Settings.model_validate({"connector": "files", "path": "data", "decimal": self.decimal})
        return connector("demo", settings, Surroundings(self.folder, ZoneInfo("Europe/Paris"), "EUR", "fr"))

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        self.invoices = invoices
        self._bills({})
        columns = ("id", "name", "email", "language", "country")
        self._write("clients", columns, [[getattr(one, column) for column in columns] for one in clients])
        parts = [[one.id, part.due_date, part.amount, part.residual] for one in invoices for part in one.instalments]
        self._write("instalments", ("invoice", "due_date", "amount", "residual"), parts)

    def settle(self, invoices: Sequence[str], on: date) -> date:
        self._bills(dict.fromkeys(invoices, on))
        return on

    def _bills(self, settled: Mapping[str, date]) -> None:
        columns = ("id", "number", "client", "issue_date", "due_date", "total", "residual", "currency")
        rows: list[list[object]] = [
            [
                *(getattr(one, column) for column in columns),
                "paid" if one.id in settled else one.status,
                settled.get(one.id, ""),
            ]
            for one in self.invoices
        ]
        self._write("invoices", (*columns, "status", "settled_date"), rows)

    def _write(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        with (self.folder / "data" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=self.delimiter)
            writer.writerow(columns)
            for row in rows:
                writer.writerow([self._cell(column, cell) for column, cell in zip(columns, row, strict=True)])

    def _cell(self, column: str, cell: object) -> object:
        amount = column in ("total", "residual", "amount")
        return str(cell).replace(".", self.decimal) if amount else cell

    def left(self, message: Outgoing) -> int:
        if message.channel == "mail":
            path = self.folder / "data" / "outbox" / f"{message.key}.eml"
            return int(path.is_file() and path.read_bytes() == message.mime)
        with (self.folder / "data" / "activities.csv").open(encoding="utf-8", newline="") as file:
            return sum(row["key"] == message.key for row in csv.DictReader(file))

    def cut(self) -> None:
        (self.folder / "data").rename(self.folder / "elsewhere")
        (self.folder / "data").write_text("a file where the folder was")


class TestFiles(Conformance):
    @pytest.fixture(params=[(",", "."), (";", ","), ("\t", ".")], ids=["commas", "semicolons", "tabs"])
    def subject(self, request: pytest.FixtureRequest, tmp_path: Path) -> FilesSubject:
        return FilesSubject(tmp_path, *request.param)


def test_the_suite_tells_a_host_that_loses_an_invoice() -> None:
    subject = FakeSubject(False)
    subject.host.before("page", lambda host: host.remove("7"))
    with pytest.raises(AssertionError, match="each id once"):
        Conformance().test_every_invoice_comes_once_over_all_pages(subject)


def test_the_suite_tells_a_host_that_posts_twice() -> None:
    subject = FakeSubject(False)
    put = subject.put

    def put_and_forget(invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        put(invoices, clients)
        for one in invoices:
            for _ in range(2):
                subject.host.answer(one.id, "failed", "no", left=True)

    subject.put = put_and_forget  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match="never is 'failed'"):
        Conformance().test_the_same_key_twice_leaves_one_mark_where_marks_are_unique(subject)


def test_the_suite_tells_a_host_that_repeats_an_invoice() -> None:
    subject = FakeSubject(False)
    subject.host.repeats = True
    with pytest.raises(AssertionError, match="each id once"):
        Conformance().test_every_invoice_comes_once_over_all_pages(subject)


def test_the_suite_tells_a_host_that_forgets_its_marks() -> None:
    subject = FakeSubject(False)
    subject.host.presence("key1", "absent")
    with pytest.raises(AssertionError):
        Conformance().test_a_mark_is_found_again_by_another_process(subject)
