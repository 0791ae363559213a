"""What was settled and when: the day on which the last of an invoice's lines was reconciled."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tryton_books import Bill, Books
from tryton_stage import TODAY, Line, Stage

from relance_addon.connectors.tryton import invoices, reading, records
from relance_addon.hosts.port import PastPage

ISSUED, SINCE = date(2026, 6, 1), date(2026, 8, 23)
A, B = date(2026, 7, 1), date(2026, 8, 1)
EARLY, ONE, TWO, LATE = date(2026, 8, 20), date(2026, 9, 10), date(2026, 10, 5), date(2026, 12, 3)


@pytest.fixture(scope="module")
def party(books: Books) -> int:
    return books.parties({"name": "Settled", "language": "fr"})[0]


@pytest.fixture(scope="module")
def bills(books: Books, party: int) -> dict[str, int]:
    halves = {A: 50, B: 50}
    due: dict[str, dict[date, Any]] = {
        "at once": {A: 100}, "in parts": {A: 100}, "by halves": halves, "half": halves, "early": {A: 100},
        "late": {A: 100}, "credited": {A: 30}, "credit": {A: -30}, "cancelled": {A: 100}, "rescheduled": {A: 100},
        "open": {A: 100},
    }  # fmt: skip
    made = books.bill(*(Bill(party, ISSUED, some) for some in due.values()))
    bills = dict(zip(due, made, strict=True))
    books.pay(bills["at once"], on=ONE)
    books.pay(bills["in parts"], 40, on=ONE)
    books.pay(bills["in parts"], on=TWO)
    for name in ("by halves", "half"):
        first, second = books.owed(bills[name])
        books.settle(first, books.receive(party, 50, on=ONE))
        if name == "by halves":
            books.settle(second, books.receive(party, 50, on=TWO))
    books.pay(bills["early"], on=EARLY)
    books.pay(bills["late"], on=LATE)
    books.settle(*books.owed(bills["credited"], bills["credit"]))
    books.cancel(bills["cancelled"])
    books.reschedule(*books.owed(bills["rescheduled"]), terms={B: 30, TWO: 70})
    books.pay(bills["rescheduled"], on=LATE)
    return bills


@pytest.fixture
def stage(stage: Stage, party: int, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(reading, "SALES", (*invoices.SALES, ["party", "=", party]))
    return stage


def past(stage: Stage, since: date = SINCE) -> list[PastPage]:
    return list(stage.connector().past(since, TODAY))


def days(pages: list[PastPage]) -> dict[str, date]:
    return {one: on for page in pages for one, on in page.settled.items()}


def test_every_settled_invoice_has_the_day_of_its_last_payment(stage: Stage, bills: dict[str, int]) -> None:
    on = {"at once": ONE, "in parts": TWO, "by halves": TWO, "late": LATE, "rescheduled": LATE}
    assert days(past(stage)) == {str(bills[name]): day for name, day in on.items()}, "also one after today"


def test_it_is_as_it_is_now_but_whole(stage: Stage, bills: dict[str, int], party: int) -> None:
    (page,) = past(stage, TWO)
    found = {one.id: one for one in page.invoices}
    for name in ("late", "rescheduled"):
        invoice = found[str(bills[name])]
        assert (invoice.status, invoice.total, invoice.residual) == ("paid", 100, 0)
        assert (invoice.issue_date, invoice.client) == (ISSUED, str(party))
    assert [part.due_date for part in found[str(bills["rescheduled"])].instalments] == [B, TWO]
    assert [(one.id, one.language, one.credits) for one in page.clients] == [(str(party), "fr", {})]


def test_what_was_settled_by_a_credit_note_is_told_and_the_note_is_not(stage: Stage, bills: dict[str, int]) -> None:
    found = days(past(stage, date(2026, 5, 1)))
    assert ISSUED <= found[str(bills["credited"])] <= A, "both are of one day, and due on another"
    assert str(bills["credit"]) not in found


def test_what_is_still_owed_or_was_never_is_not_settled(stage: Stage, bills: dict[str, int]) -> None:
    found = days(past(stage))
    assert {str(bills[name]) for name in ("open", "half", "early", "cancelled")}.isdisjoint(found)


def test_pages_have_each_once(stage: Stage, line: Line, bills: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PAGE", 2)
    monkeypatch.setattr(reading, "PAGE", 2, raising=False)
    pages = past(stage)
    assert sum(len(page.invoices) for page in pages) == len(days(pages)) == 5
    assert sum(len(page.clients) for page in pages) == 1
    assert all(set(page.settled) == {one.id for one in page.invoices} for page in pages)


def test_nothing_settled_is_one_call_beside_the_log_in(stage: Stage, line: Line) -> None:
    connector = stage.connector()
    connector.numbered("x")
    before = len(line.calls)
    assert days(list(connector.past(date(2029, 1, 1), TODAY))) == {}
    assert len(line.calls) - before <= 2
