"""The same 200 invoices on several hosts. Odoo and Dolibarr are compared by hand: docs/hosts.md."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from live import four_hosts, same_books, tryton_load
from tryton_company import password
from tryton_server import DATABASE, tryton_server


def test_the_books_are_the_same_each_time_and_everything_was_paid_before_the_day() -> None:
    books = same_books.make(four_hosts.DAY)
    assert len({one.ref for one in books.bills}) == 200
    assert books == same_books.make(four_hosts.DAY)
    assert books.bills != same_books.make(four_hosts.DAY, seed=2).bills
    assert max(one.on for bill in books.bills for one in bill.paid) < books.day
    assert max(bill.issued for bill in books.bills) < books.day


def test_tryton_decides_as_the_files_do_on_what_it_can_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    books = same_books.make(four_hosts.DAY)
    with tryton_server(tmp_path, "smtp://127.0.0.1:9") as tryton:
        host = tryton.url.removeprefix("http://")
        monkeypatch.setenv("RELANCE_LIVE_TRYTON", f"http://robot:{password('robot')}@{host}/{DATABASE}")
        tryton_load.load(books)
        for day in (books.day, books.day + timedelta(days=5)):
            assert four_hosts.compare(books, ["tryton"], day) == []
