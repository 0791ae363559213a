"""What is made of Odoo's records, and how many calls it takes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import surroundings
from odoo_samples import TODAY, Books, move, partner

from relance_addon.connectors.odoo import reading, values
from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.core.errors import InputError
from relance_addon.core.model import Address, Invoice


def connector(odoo: Books, mapping: dict[str, Any] | None = None) -> OdooConnector:
    settings = OdooConnector.Settings.model_validate(
        {
            "connector": "odoo",
            "url": "https://odoo.example/",
            "database": "acme",
            "user": "relance",
            "password": {"env": "PATH"},
            "mapping": mapping or {},
        }
    )
    return OdooConnector("acme", settings, surroundings(Path()), lambda *_: odoo)


def only(odoo: Books, mapping: dict[str, Any] | None = None) -> Invoice:
    (page,) = connector(odoo, mapping).pull("", TODAY).pages
    (invoice,) = page.invoices
    return invoice


def test_calls_grow_with_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    odoo = Books([move(number) for number in range(1, 6)])
    one = list(connector(odoo).pull("", TODAY).pages)
    calls = len(odoo.calls)

    monkeypatch.setattr(reading, "PAGE", 2)
    odoo.calls.clear()
    several = list(connector(odoo).pull("", TODAY).pages)

    assert [len(page.invoices) for page in one] == [5]
    assert [len(page.invoices) for page in several] == [2, 2, 1]
    assert [invoice.id for page in several for invoice in page.invoices] == ["1", "2", "3", "4", "5"]
    # The invoices and their lines; clients, currencies and the like are not asked for again.
    assert len(odoo.calls) == calls + 2 * 2


def test_every_client_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 2)
    pages = list(connector(Books([move(number) for number in range(1, 6)])).pull("", TODAY).pages)
    assert sorted(client.id for page in pages for client in page.clients) == ["8", "9"]


def test_a_host_where_nothing_is_owed() -> None:
    (page,) = connector(Books([])).pull("", TODAY).pages
    assert not page.invoices


def test_an_invoice_and_its_client() -> None:
    contact = partner(20, commercial_partner_id=8, type="invoice", name=None, email="factures@client8.test; a@b.test")
    archived = partner(21, commercial_partner_id=8, type="invoice", active=False)
    credit = {"id": 1, "partner_id": 20, "currency_id": 1, "amount_residual_currency": -12.5}
    odoo = Books([move(2)], [partner(8), contact, archived], credits=[credit, credit])
    (page,) = connector(odoo).pull("", TODAY).pages
    (invoice,), (client,) = page.invoices, page.clients
    assert invoice == Invoice(
        "2", "FAC/2", "8", "open", date(2026, 10, 1), date(2026, 10, 31), Decimal("120.1"), Decimal("60.05"), "EUR",
        salesperson=Address("Anne Nina Roux", "anne@acme.test"),
    )  # fmt: skip
    assert (client.email, client.language, client.country) == ("contact@client8.test", "fr_FR", "FR")
    assert client.tags == ("VIP", "Secteur public")
    assert client.credits == {"EUR": Decimal("25.0")}
    assert [(one.email, one.roles) for one in client.contacts] == [
        ("factures@client8.test", ("billing",)),
        ("a@b.test", ("billing",)),
    ]


def test_one_line_of_payment_terms_is_no_instalment() -> None:
    def line(day: str, amount: float) -> dict[str, Any]:
        return {
            "id": 1, "move_id": 2, "date_maturity": day, "amount_currency": amount, "amount_residual_currency": 0.0,
        }  # fmt: skip

    assert only(Books([move(2)], lines=[line("2026-10-31", 120.1)])).instalments == ()
    parts = only(Books([move(2)], lines=[line("2026-10-15", 20.1), line("2026-10-31", 100.0)])).instalments
    assert [(one.due_date.day, one.amount, one.residual) for one in parts] == [
        (15, Decimal("20.1"), 0),
        (31, Decimal("100.0"), 0),
    ]


def test_a_draft_has_no_number_and_may_have_no_date() -> None:
    invoice = only(Books([move(2, name="/", state="draft", invoice_date=False, invoice_date_due=False)]))
    assert (invoice.number, invoice.status, invoice.issue_date, invoice.invalid) == ("2", "draft", None, "")


def test_the_companys_own_fields() -> None:
    mapping = {
        "invoice": {
            "due_date": "x_real_due_date",
            "status": {"from": "x_state", "map": {"litigation": "disputed"}},
            "hold_until": "x_pause",
            "payment_link": {"template": "https://pay.acme.test/{name}"},
        },
        "client": {"program": {"value": "none"}},
    }
    own = {"x_real_due_date": "2026-11-30", "x_state": "litigation", "x_pause": "2026-12-24"}
    invoice = only(Books([move(2, **own)]), mapping)
    assert (invoice.due_date, invoice.status) == (date(2026, 11, 30), "disputed")
    assert (invoice.held_until, invoice.payment_link) == (date(2026, 12, 24), "https://pay.acme.test/FAC/2")
    # A state of the company's that means nothing to us leaves Odoo's own.
    assert only(Books([move(2, **{**own, "x_state": "whatever"})]), mapping).status == "open"


def test_an_unusable_value_is_told_with_its_invoice_and_stops_no_other() -> None:
    odoo = Books([move(2, x_due="soon"), move(4, x_due="2026-11-30")])
    (page,) = connector(odoo, {"invoice": {"due_date": "x_due"}}).pull("", TODAY).pages
    assert [str(problem) for problem in page.problems] == ["FAC/2: due_date: 'soon' is no date"]
    assert [invoice.invalid for invoice in page.invoices] == ["due_date: 'soon' is no date", ""]


def test_a_path_that_odoo_does_not_have_names_the_key() -> None:
    host = connector(Books([]), {"invoice": {"due_date": "x_nothing"}})
    with pytest.raises(InputError, match=r"hosts\.acme\.mapping\.invoice\.due_date: Odoo has no 'x_nothing'"):
        host.pull("", TODAY)
    assert any(line.problem for line in host.fields(TODAY) if line.field == "due_date")
    assert not any(line.problem for line in host.fields(TODAY) if line.field == "number")


def test_what_cannot_be_mapped_here_is_refused() -> None:
    with pytest.raises(InputError, match=r"invoice\.settled_date: cannot be mapped on Odoo"):
        connector(Books([]), {"invoice": {"settled_date": "x_day"}})


@pytest.mark.parametrize(
    "url", ["odoo.example", "ftp://odoo.example", "https://u:p@odoo.example", "https://odoo.example/web", "https://"]
)
def test_an_address_that_is_no_servers(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        OdooConnector.Settings.model_validate(
            {"connector": "odoo", "url": url, "database": "d", "user": "u", "password": {"env": "P"}}
        )


def test_where_a_person_finds_an_invoice() -> None:
    assert connector(Books([move(2)])).locate("invoice", ["2", "3", "x"]) == {
        "2": "https://odoo.example/mail/view?model=account.move&res_id=2"
    }


def test_values() -> None:
    assert values.amount(1197.61) == Decimal("1197.61")
    assert values.amount(0.1 + 0.2) == Decimal("0.3")
    assert values.day("2026-11-21 23:30:00") == date(2026, 11, 21)
    assert values.hold(True) == values.hold("always") == date.max
    assert values.hold(False) is None
    assert values.person("Anne <>") is None
    with pytest.raises(ValueError, match="'much' is no amount"):
        values.amount("much")
    with pytest.raises(ValueError, match="no amount"):
        values.amount(None)
    with pytest.raises(ValueError, match="'soon' is no date"):
        values.day("soon")
