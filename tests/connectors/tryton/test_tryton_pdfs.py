"""The PDF of an invoice, where a real Tryton makes one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from tryton_books import Bill, Books
from tryton_server import PDF
from tryton_stage import TODAY, Fault, Line, Stage, error, said

from relance_addon.core.errors import Unreachable
from relance_addon.core.model import Invoice
from relance_addon.hosts.port import Document

DAY = date(2026, 10, 1)
REPORT = "report.account.invoice.execute"


@pytest.fixture(scope="module")
def bills(books: Books) -> Iterator[list[int]]:
    """One that was printed as text when it was posted, and two as PDFs."""
    (party,) = books.parties({"name": "Printed"})
    text = books.bill(Bill(party, DAY, {DAY: 10}))
    books.print_as("pdf")
    yield [*text, *books.bill(*[Bill(party, DAY, {DAY: 10})] * 2), *books.draft(Bill(party, DAY, {DAY: 10}))]
    books.print_as("")


@pytest.fixture
def found(stage: Stage, bills: list[int]) -> list[Invoice]:
    return list(stage.connector().read([*map(str, bills)], TODAY).invoices)


def test_it_is_what_tryton_s_report_gives(stage: Stage, line: Line, found: list[Invoice]) -> None:
    text, one, other, _ = found
    assert [invoice.pdf for invoice in found] == [text.number, one.number, other.number, ""]
    line.calls.clear()
    assert stage.connector().pdfs(found) == {
        invoice.id: Document(f"{invoice.number}.pdf", "application/pdf", PDF) for invoice in (one, other)
    }, "once it was printed as text, Tryton keeps that"
    assert line.count(REPORT) == 3, "a draft has none"


@pytest.mark.parametrize(
    "fault",
    [
        error("UserError", ["No right", ""]),
        error("'template'", ""),
        said(["pdf", "a text", False, "x"]),
        said(["pdf", None, False, "x"]),
        said(["odt", {"__class__": "bytes", "base64": "JVBERg=="}, False, "x"]),
    ],
)
def test_one_that_cannot_be_printed_keeps_no_other_back(
    stage: Stage, line: Line, found: list[Invoice], fault: Fault
) -> None:
    line.faults[REPORT] = [fault]
    assert [*stage.connector().pdfs(found[1:3])] == [found[2].id]


@pytest.mark.parametrize("result", [None, 3, [], ["pdf"]])
def test_what_is_no_report_is_no_answer(stage: Stage, line: Line, found: list[Invoice], result: Any) -> None:
    line.faults[REPORT] = [said(result)]
    with pytest.raises(Unreachable, match="the answer is no report"):
        stage.connector().pdfs(found[1:2])


def test_where_the_report_is_none_nothing_is_asked(stage: Stage, line: Line, books: Books, bills: list[int]) -> None:
    books.print_as("")
    connector = stage.connector()
    page = connector.read([*map(str, bills)], TODAY)
    books.print_as("pdf")
    assert connector.pdfs(page.invoices) == {}
    assert line.count(REPORT) == 0
