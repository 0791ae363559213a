"""The fake host and a folder of files as subjects of the conformance suite."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from relance_addon.connectors.files.connector import FilesConnector
from relance_addon.core.errors import Refused, Unreachable
from relance_addon.core.model import Address, Client, Invoice
from relance_addon.hosts.conformance import Arrived, Subject
from relance_addon.hosts.fake import ALL, FakeHost
from relance_addon.hosts.port import Connector, Finding, Outgoing


class FakeSubject(Subject):
    """A host in memory, which fails as the suite wants it to."""

    def __init__(self, incremental: bool = False, host: FakeHost | None = None) -> None:
        self.host = host or FakeHost()
        self.host.incremental = incremental
        self.host.page_size = 40
        self.host.lane_count = 2

    def connect(self) -> Connector:
        return self.host

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        self.host.remove(*(set(self.host.invoices) - {one.id for one in invoices}))
        self.host.put(*(one for one in clients if self.host.clients.get(one.id) != one))
        self.host.put(*(one for one in invoices if self.host.invoices.get(one.id) != one))

    def settle(self, invoices: Sequence[str], on: date) -> date:
        self.host.settle(*invoices, on=on)
        return on

    def left(self, message: Outgoing) -> int:
        return self.host.left(message.key)

    def arrived(self, message: Outgoing) -> Arrived:
        (posted,) = [one for one in self.host.posted if one.key == message.key]
        people = [one for some in posted.recipients for one in some]
        return Arrived.by_mail(posted.mime, people, set(posted.invoices))

    def cut(self) -> None:
        self.host.break_down(Unreachable("fake: no answer"))

    def refuse(self, message: Outgoing) -> Outgoing:
        self.host.answer(message.key, "failed", "550 no such user")
        return message

    def lose_answers(self, after: int) -> None:
        """It takes a message by one call."""
        if not after:
            self.host.fail("post", Unreachable("fake: no answer in time"), after=ALL)

    def garble(self) -> None:
        self.host.break_down(Unreachable("fake: the answer is not the host's"))

    def forbid(self) -> str:
        text = "the user may not see invoices"
        self.host.break_down(Refused(f"fake: {text}"), "pull", "read", "past")
        self.host.refusal = f"fake: {text}"
        self.host.findings.append(Finding("error", "rights", text, "give the user this right"))
        return "invoices"

    def mend(self) -> None:
        self.host.mend()


class FilesSubject(Subject):
    connector = FilesConnector

    def __init__(self, folder: Path, delimiter: str, decimal: str) -> None:
        super().__init__(folder)
        self.delimiter, self.decimal = delimiter, decimal
        self.settings = {"path": "data", "decimal": decimal}
        (folder / "data").mkdir()

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
            path = self._mail(message)
            return int(path.is_file() and path.read_bytes() == message.mime)
        return len(self._activities(message))

    def arrived(self, message: Outgoing) -> Arrived:
        if message.channel != "mail":
            (row,) = self._activities(message)
            return Arrived(invoices=set(row["invoice"].split()))
        copies = self._mail(message).with_suffix(".bcc")
        blind = copies.read_text().split() if copies.exists() else []
        people = [*message.to, *message.cc, *(Address("", email) for email in blind)]
        return Arrived.by_mail(self._mail(message).read_bytes(), people)

    def _mail(self, message: Outgoing) -> Path:
        return self.folder / "data" / "outbox" / f"{message.key}.eml"

    def _activities(self, message: Outgoing) -> list[dict[str, str]]:
        with (self.folder / "data" / "activities.csv").open(encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if row["key"] == message.key]

    def cut(self) -> None:
        (self.folder / "data").rename(self.folder / "elsewhere")
        (self.folder / "data").write_text("a file where the folder was")

    def refuse(self, message: Outgoing) -> Outgoing:
        self._mail(message).mkdir(parents=True)
        return message

    def garble(self) -> None:
        path = self.folder / "data" / "invoices.csv"
        path.write_bytes(b"<html>" + path.read_bytes()[20:-20])
