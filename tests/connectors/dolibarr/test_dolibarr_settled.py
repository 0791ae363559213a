"""What was closed and when: Dolibarr compares the day and tells it nowhere."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from dolibarr_books import Books, Row, bill, party

from relance_addon.hosts.port import PastPage

TODAY = date(2026, 11, 21)
SINCE = date(2026, 8, 23)


def closed(number: int, on: date | str, socid: int = 8, **more: object) -> Row:
    return bill(
        number,
        socid,
        **{"statut": "2", "paye": "1", "remaintopay": "0", "date_closing": f"{on} 17:30:00", **more},
    )


def past(books: Books, folder: Path, since: date = SINCE) -> list[PastPage]:
    with books.open():
        return list(books.connector(folder).past(since, TODAY))


def days(pages: list[PastPage]) -> dict[str, str]:
    return {id_: str(day) for page in pages for id_, day in page.settled.items()}


@pytest.mark.parametrize("version", ["16.0.3", "22.0.4"])
def test_every_closed_invoice_has_its_day(version: str, tmp_path: Path) -> None:
    books = Books(version)
    every = {str(number): SINCE + timedelta(days=number) for number in range(-2, 93)}
    books.invoices = [closed(int(number) + 10, on, 8 + int(number) % 2) for number, on in every.items()]
    pages = past(books, tmp_path)
    expected = {str(int(number) + 10): str(on) for number, on in every.items() if on > SINCE}
    assert max(expected.values()) > str(TODAY), "Dolibarr's own day may be a later one"
    assert days(pages) == expected
    assert sum(len(page.invoices) for page in pages) == len(expected) == 92
    assert [one.id for page in pages for one in page.clients] == ["8", "9"]


def test_how_it_was_closed_does_not_matter_but_what_is_open_or_a_credit_note_does(tmp_path: Path) -> None:
    books = Books()
    on = "2026-10-05"
    books.invoices = [
        closed(1, on),
        closed(2, on, paye="0", close_code="discount_vat", remaintopay="20"),
        closed(3, on, paye="0", close_code="badcustomer", remaintopay="20"),
        closed(4, on, statut="3", paye="0", close_code="abandon", remaintopay="120.1"),
        closed(5, on, type="2", remaintopay="-120.1"),
        bill(6),
        closed(7, on, statut="1", paye="0", remaintopay="120.1"),
        closed(8, "", date_closing=""),
    ]
    pages = past(books, tmp_path)
    assert days(pages) == dict.fromkeys("1234", on)
    assert {str(one.total) for page in pages for one in page.invoices} == {"120.10000000"}


def test_nothing_closed_is_one_call_beside_the_log_in(tmp_path: Path) -> None:
    books = Books()
    books.invoices = [bill(1)]
    assert days(past(books, tmp_path)) == {}
    assert books.calls == ["GET status", "GET invoices"]


@pytest.mark.parametrize("count", [10, 1000, 3000])
def test_the_number_of_calls_grows_with_days_and_pages(count: int, tmp_path: Path) -> None:
    books = Books()
    books.parties = [party(one) for one in range(1, 51)]
    books.invoices = [closed(one, SINCE + timedelta(days=1 + one % 90), one % 50 + 1) for one in range(1, count + 1)]
    pages = past(books, tmp_path)
    assert len(days(pages)) == count
    halves, bills = 90 + count // 500 * 10, -(-count // 200) + len(pages)
    assert len(books.calls) <= halves + bills + 6 * (len(pages) + 1)
