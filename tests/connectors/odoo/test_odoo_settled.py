"""What was settled and when: by what was matched with its receivable lines, by pages."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from odoo_books import Books, matched, move, partner, payment, term

from relance_addon.connectors.odoo.fields import Sources
from relance_addon.connectors.odoo.reading import Reader
from relance_addon.connectors.odoo.records import Schema
from relance_addon.hosts.port import PastPage

SINCE = date(2026, 9, 1)


def past(books: Books, since: date = SINCE) -> list[PastPage]:
    reader = Reader(books, Schema(books), Sources({}, "hosts.acme.mapping"), "EUR")  # type: ignore[arg-type]
    return list(reader.past(since))


def days(books: Books, since: date = SINCE) -> dict[str, str]:
    return {id_: str(day) for page in past(books, since) for id_, day in page.settled.items()}


def paid(number: int, state: str = "paid", **more: Any) -> dict[str, Any]:
    return move(number, payment_state=state, amount_residual=0.0, **more)


@pytest.mark.parametrize("version", [16, 17, 18, 19])
def test_an_invoice_was_settled_on_the_day_of_the_last_payment(version: int) -> None:
    books = Books(
        [paid(1), paid(2, "in_payment"), paid(3, "reversed"), move(4, payment_state="partial"), paid(5), paid(6)],
        lines=[term(10 + one, one, "2026-10-31", 120.1) for one in range(1, 7)] + [term(21, 1, "2026-11-30", 60.0)],
        version=version,
        matches=[
            matched(1, 11, "2026-09-10"),
            matched(2, 21, "2026-10-03"),
            matched(3, 12, "2026-09-02"),
            matched(4, 13, "2026-09-20"),
            matched(5, 14, "2026-09-20"),
            matched(6, 15, "2026-09-01"),
            matched(7, 16, "2027-01-01"),
        ],
    )
    assert days(books) == {"1": "2026-10-03", "2": "2026-09-02", "3": "2026-09-20", "6": "2027-01-01"}
    pages = past(books)
    assert {one.id for page in pages for one in page.clients} == {"8", "9"}
    assert {str(one.total) for page in pages for one in page.invoices} == {"120.1"}


def test_what_is_no_sale_or_was_cancelled_is_left_out() -> None:
    books = Books(
        [paid(1, move_type="out_refund"), paid(2, state="cancel"), paid(3, move_type="out_receipt"), paid(4)],
        lines=[
            *(term(10 + one, one, "2026-10-31", 120.1) for one in (1, 2, 3)),
            term(14, 4, "2026-10-31", 120.1, account_type="liability_payable"),
        ],
        matches=[matched(one, 10 + one, "2026-09-10") for one in (1, 2, 3, 4)],
    )
    assert days(books) == {"3": "2026-09-10"}


def test_a_payment_without_an_entry_settles_what_it_names() -> None:
    def books(version: int) -> Books:
        payments = [
            payment(1, 8, 120.1, invoice_ids=[1], date="2026-09-12"),
            payment(2, 8, 120.1, invoice_ids=[2], date="2026-08-12"),
            payment(3, 8, 120.1, invoice_ids=[], date="2026-09-12"),
        ]
        return Books([paid(1, "in_payment"), paid(2, "in_payment")], payments=payments, version=version)

    assert days(books(18)) == {"1": "2026-09-12"}
    assert days(books(17)) == {}, "payments of Odoo 17 name no invoice"


@pytest.mark.parametrize("count", [10, 1000, 2500])
def test_the_number_of_calls_grows_with_pages(count: int) -> None:
    books = Books(
        [paid(one, commercial_partner_id=8) for one in range(1, count + 1)],
        [partner(8)],
        [term(10_000 + one, one, "2026-10-31", 120.1) for one in range(1, count + 1)],
        matches=[matched(one, 10_000 + one, "2026-09-10") for one in range(1, count + 1)],
    )
    pages = past(books)
    assert sum(len(page.invoices) for page in pages) == count
    reads = [call for call in books.calls if not call.endswith("fields_get")]
    assert len(reads) <= 6 * (count // 1000 + 1) + 12
