"""What a pull from a cursor notices, and how many calls it takes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from odoo_books import NOW, Books, credit, move, partner, term
from odoo_samples import TODAY
from test_odoo_reading import connector

from relance_addon.connectors.odoo import changes, reading
from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.core.model import Client, Invoice

LATER = "2026-11-21 09:00:00"


class Told(NamedTuple):
    """What all pages of a pull say."""

    invoices: dict[str, Invoice]
    clients: dict[str, Client]
    gone: set[str]
    cursor: str
    full: bool


def pull(host: OdooConnector, cursor: str = "", today: date = TODAY) -> Told:
    pulled = host.pull(cursor, today)
    pages = list(pulled.pages)
    assert not any(page.cursor for page in pages[:-1])
    return Told(
        {one.id: one for page in pages for one in page.invoices},
        {one.id: one for page in pages for one in page.clients},
        {one for page in pages for one in page.gone},
        pages[-1].cursor,
        pulled.full,
    )


class Day:
    """Books that were pulled at eight; it is nine by now."""

    def __init__(self, **records: Any) -> None:
        records.setdefault("moves", [move(2), move(3), move(4)])
        self.books = Books(**records)
        self.host = connector(self.books)
        self.cursor = pull(self.host).cursor
        self.books.now = LATER

    def since(self) -> Told:
        """What changed since the last time this was asked."""
        told = pull(self.host, self.cursor)
        assert not told.full
        self.cursor = told.cursor
        return told


def test_nothing_changed() -> None:
    day = Day(lines=[credit(1, 8, 10)])
    for _ in range(2):
        told = day.since()
        assert (told.invoices, told.clients, told.gone) == ({}, {}, set())


def test_what_was_settled_comes_once_with_its_status() -> None:
    day = Day()
    day.books.change(day.books.moves[0], payment_state="paid", amount_residual=0.0)
    day.books.change(day.books.moves[1], state="cancel")
    told = day.since()
    assert {key: one.status for key, one in told.invoices.items()} == {"2": "paid", "3": "cancelled"}
    day.books.now = "2026-11-21 10:00:00"
    assert not day.since().invoices


def test_what_was_settled_and_what_is_new_is_seen_whatever_its_time_says() -> None:
    """A transaction that lasts for an hour is stamped with its beginning."""
    day = Day()
    day.books.moves[0] |= {"payment_state": "paid", "amount_residual": 0.0}
    day.books.moves.append(move(1))
    assert {key: one.status for key, one in day.since().invoices.items()} == {"2": "paid", "1": "open"}


def test_a_part_payment() -> None:
    day = Day()
    day.books.change(day.books.moves[1], payment_state="partial", amount_residual=10.0)
    told = day.since()
    assert {key: one.residual for key, one in told.invoices.items()} == {"3": Decimal("10.0")}
    assert not told.clients


def test_a_new_invoice_brings_its_client() -> None:
    day = Day(moves=[move(2)])
    day.books.moves.append(move(3))
    day.books.lines.append(credit(1, 9, 5))
    told = day.since()
    assert (set(told.invoices), set(told.clients)) == ({"3"}, {"9"})
    assert told.clients["9"].credits == {"EUR": Decimal(5)}
    assert not day.since().clients


def test_a_deleted_draft_is_gone() -> None:
    day = Day(moves=[move(2), move(4, state="draft")])
    del day.books.moves[1]
    told = day.since()
    assert (set(told.invoices), told.gone) == (set(), {"4"})
    assert not day.since().gone


def test_what_the_user_may_no_longer_see_is_gone() -> None:
    day = Day()
    day.books.moves = []
    assert day.since().gone == {"2", "3", "4"}


def test_a_late_transaction_is_caught_by_the_overlap() -> None:
    day = Day()
    day.books.moves[0] |= {"amount_residual": 10.0, "write_date": "2026-11-21 07:55:00"}
    assert set(day.since().invoices) == {"2"}


def test_a_line_of_the_payment_terms_that_changed() -> None:
    lines = [term(1, 2, "2026-10-15", 20.1, 20.1), term(2, 2, "2026-12-31", 100.0, 100.0)]
    day = Day(lines=lines, version=17)
    day.books.change(day.books.lines[0], date_maturity="2026-12-15")
    (first, _) = day.since().invoices["2"].instalments
    assert first.due_date == date(2026, 12, 15)
    for line in day.books.lines:
        day.books.change(line, blocked=True)
    assert day.since().invoices["2"].held_until == date.max


def test_unallocated_payment_since_the_last_pull() -> None:
    """It changes no invoice: the client comes."""
    day = Day()
    day.books.lines.append(credit(1, 8, 50))
    told = day.since()
    assert not told.invoices
    assert {key: one.credits for key, one in told.clients.items()} == {"8": {"EUR": Decimal(50)}}
    assert not day.since().clients

    del day.books.lines[0]
    assert {key: one.credits for key, one in day.since().clients.items()} == {"8": {}}


def test_the_credits_of_someone_else_are_nothing_to_us() -> None:
    day = Day(moves=[move(2)])
    day.books.lines.append(credit(1, 9, 50))
    assert not day.since().clients


def test_a_client_and_its_people_that_changed() -> None:
    people = [partner(8), partner(9), partner(20, commercial_partner_id=8, type="invoice", email="old@client8.test")]
    day = Day(moves=[move(2), move(4, partner_id=20), move(3)], partners=people)
    day.books.change(day.books.partners[2], email="new@client8.test")
    told = day.since()
    assert [one.email for one in told.clients["8"].contacts] == ["new@client8.test"]
    # The invoice that is addressed to them says so too, and no other has changed.
    assert {key: [one.email for one in found.contacts] for key, found in told.invoices.items()} == {
        "4": ["new@client8.test"]
    }
    day.books.now = "2026-11-21 10:00:00"
    day.since()
    day.books.change(day.books.partners[1], email="nine@client9.test")
    told = day.since()
    assert (set(told.clients), set(told.invoices)) == ({"9"}, set())
    assert told.clients["9"].email == "nine@client9.test"


def test_a_pull_from_a_cursor_says_what_a_full_one_would() -> None:
    people = [partner(8), partner(9), partner(20, commercial_partner_id=8, type="invoice")]
    moves = [move(number, partner_id=20 if number % 4 == 0 else 8 + number % 2) for number in range(1, 30)]
    lines = [credit(1, 8, 10), term(2, 5, "2026-10-15", 20.1, 20.1), term(3, 5, "2026-12-31", 100.0, 40.0)]
    day = Day(moves=moves, partners=people, lines=lines)
    before = pull(day.host)
    day.books.change(day.books.moves[3], amount_residual=1.0)
    day.books.change(day.books.moves[5], payment_state="paid")
    day.books.change(day.books.partners[0], name="Dupont")
    day.books.lines.append(credit(4, 20, 2.5))
    del day.books.moves[7]
    day.books.moves.append(move(30))

    told, now = day.since(), pull(connector(day.books))

    merged = {key: one for key, one in (before.invoices | told.invoices).items() if key not in told.gone}
    assert {key: one for key, one in merged.items() if one.status == "open"} == now.invoices
    assert before.clients | told.clients == now.clients
    assert changes.read(day.cursor) == changes.read(now.cursor)


@pytest.mark.parametrize("cursor", ["", "nonsense", "1:", "1:bm9uc2Vuc2U=", "0:x"])
def test_what_is_no_cursor_starts_over(cursor: str) -> None:
    told = pull(connector(Books([move(2)])), cursor)
    assert told.full
    assert set(told.invoices) == {"2"}


def test_the_first_pull_of_a_day_is_a_full_one() -> None:
    """A tag that is renamed, a contact that is deleted: no later than the next day they are told."""
    day = Day()
    assert pull(day.host, day.cursor, TODAY + timedelta(days=1)).full


def test_a_cursor_comes_back_as_it_was() -> None:
    cursor = changes.read(Day(lines=[credit(1, 8, 10)]).cursor)
    assert cursor is not None
    assert str(cursor.at) == NOW
    assert (cursor.day, cursor.owed, cursor.clients) == (TODAY, {2, 3, 4}, {8, 9})
    assert cursor.credits == {8: {"EUR": Decimal(10)}}
    assert changes.read(cursor.write()) == cursor


@pytest.mark.parametrize("count", [10, 1_000, 10_000])
def test_calls_per_sync_are_a_constant_and_pages(count: int) -> None:
    books = Books([move(number) for number in range(1, count + 1)])
    host = connector(books)
    list(host.pull("", TODAY).pages)
    books.calls.clear()
    cursor = pull(host).cursor
    pages = count // reading.PAGE + 1
    # Odoo's clock; the clients of the first page with their credits; invoices and payment terms of each page.
    full_pages = pages - 1 if count % reading.PAGE == 0 else pages
    assert len(books.calls) == 1 + 3 + pages + full_pages
    assert len(cursor) < 300 + count / 10

    books.now = LATER
    books.calls.clear()
    assert not pull(host, cursor).invoices
    # The clock, the ids of what is owed, open lines and payments, partners, invoices and lines that changed.
    assert len(books.calls) == 7

    for row in books.moves[:10]:
        books.change(row, amount_residual=1.0)
    books.calls.clear()
    assert len(pull(host, cursor).invoices) == 10
    assert len(books.calls) == 7 + 2
