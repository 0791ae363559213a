"""What is made of Odoo's records, and how many calls it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import surroundings
from odoo_samples import TODAY, ScriptedOdoo

from relance_addon.connectors.odoo import reading, values
from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.core.errors import InputError
from relance_addon.core.model import Address, Invoice

RELATIONS = {
    "currency_id": "res.currency",
    "invoice_user_id": "res.users",
    "commercial_partner_id": "res.partner",
    "country_id": "res.country",
    "category_id": "res.partner.category",
    "move_id": "account.move",
    "partner_id": "res.partner",
}
UNKNOWN = {"x_nothing"}
RELATED: dict[str, list[dict[str, Any]]] = {
    "res.currency": [{"id": 1, "name": "EUR"}],
    "res.users": [{"id": 2, "name": 'Anne "Nina" Roux', "email": "anne@acme.test"}],
    "res.country": [{"id": 3, "code": "FR"}],
    "res.partner.category": [{"id": 4, "name": "VIP"}, {"id": 5, "name": "Secteur public"}],
}


def move(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"FAC/{number}",
        "state": "posted",
        "payment_state": "not_paid",
        "commercial_partner_id": 8 + number % 2,
        "invoice_date": "2026-10-01",
        "invoice_date_due": "2026-10-31",
        "amount_total": 120.1,
        "amount_residual": 60.05,
        "currency_id": 1,
        "invoice_user_id": 2,
        **more,
    }


def partner(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Client {number}",
        "email": f"contact@client{number}.test",
        "lang": "fr_FR",
        "country_id": 3,
        "category_id": [4, 5],
        "commercial_partner_id": number,
        "type": "contact",
        "active": True,
        **more,
    }


class Odoo(ScriptedOdoo):
    """An Odoo with these invoices, partners and lines, that knows of domains only what is asked here."""

    def __init__(
        self,
        moves: Sequence[dict[str, Any]],
        partners: Sequence[dict[str, Any]] = (),
        lines: Sequence[dict[str, Any]] = (),
        credits: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.moves, self.partners = moves, partners or [partner(8), partner(9)]
        self.lines, self.credits = lines, credits
        super().__init__({})

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        self.calls.append(f"{model}.{method}")
        if method == "fields_get":
            return {
                name: {"type": "many2one" if name in RELATIONS else "char", "relation": RELATIONS.get(name)}
                for name in named["allfields"]
                if name not in UNKNOWN
            }
        if method == "read":
            assert ids is not None
            return [dict(one) for one in RELATED[model] if one["id"] in ids]
        domain = {(one[0], one[1]): one[2] for one in named["domain"] if len(one) == 3}
        if model == "account.move":
            wanted = domain.get(("id", "in"))
            rows = [one for one in self.moves if one["id"] in wanted] if wanted is not None else self.moves
            rows = [one for one in rows if one["id"] > domain.get(("id", ">"), 0)]
            return [dict(one) for one in rows[: named.get("limit")]]
        if model == "res.partner":
            return [dict(one) for one in self.partners if one["commercial_partner_id"] in domain["id", "in"]]
        if ("move_id", "in") in domain:
            return [dict(one) for one in self.lines if one["move_id"] in domain["move_id", "in"]]
        return [dict(one) for one in self.credits]


def connector(odoo: Odoo, mapping: dict[str, Any] | None = None) -> OdooConnector:
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


def only(odoo: Odoo, mapping: dict[str, Any] | None = None) -> Invoice:
    (page,) = connector(odoo, mapping).pull("", TODAY).pages
    (invoice,) = page.invoices
    return invoice


def test_calls_grow_with_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    odoo = Odoo([move(number) for number in range(1, 6)])
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
    pages = list(connector(Odoo([move(number) for number in range(1, 6)])).pull("", TODAY).pages)
    assert sorted(client.id for page in pages for client in page.clients) == ["8", "9"]


def test_a_host_where_nothing_is_owed() -> None:
    (page,) = connector(Odoo([])).pull("", TODAY).pages
    assert not page.invoices


def test_an_invoice_and_its_client() -> None:
    contact = partner(20, commercial_partner_id=8, type="invoice", name=None, email="factures@client8.test; a@b.test")
    archived = partner(21, commercial_partner_id=8, type="invoice", active=False)
    credit = {"id": 1, "partner_id": 20, "currency_id": 1, "amount_residual_currency": -12.5}
    odoo = Odoo([move(2)], [partner(8), contact, archived], credits=[credit, credit])
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

    assert only(Odoo([move(2)], lines=[line("2026-10-31", 120.1)])).instalments == ()
    parts = only(Odoo([move(2)], lines=[line("2026-10-15", 20.1), line("2026-10-31", 100.0)])).instalments
    assert [(one.due_date.day, one.amount, one.residual) for one in parts] == [
        (15, Decimal("20.1"), 0),
        (31, Decimal("100.0"), 0),
    ]


def test_a_draft_has_no_number_and_may_have_no_date() -> None:
    invoice = only(Odoo([move(2, name="/", state="draft", invoice_date=False, invoice_date_due=False)]))
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
    invoice = only(Odoo([move(2, **own)]), mapping)
    assert (invoice.due_date, invoice.status) == (date(2026, 11, 30), "disputed")
    assert (invoice.held_until, invoice.payment_link) == (date(2026, 12, 24), "https://pay.acme.test/FAC/2")
    # A state of the company's that means nothing to us leaves Odoo's own.
    assert only(Odoo([move(2, **{**own, "x_state": "whatever"})]), mapping).status == "open"


def test_an_unusable_value_is_told_with_its_invoice_and_stops_no_other() -> None:
    odoo = Odoo([move(2, x_due="soon"), move(4, x_due="2026-11-30")])
    (page,) = connector(odoo, {"invoice": {"due_date": "x_due"}}).pull("", TODAY).pages
    assert [str(problem) for problem in page.problems] == ["FAC/2: due_date: 'soon' is no date"]
    assert [invoice.invalid for invoice in page.invoices] == ["due_date: 'soon' is no date", ""]


def test_a_path_that_odoo_does_not_have_names_the_key() -> None:
    host = connector(Odoo([]), {"invoice": {"due_date": "x_nothing"}})
    with pytest.raises(InputError, match=r"hosts\.acme\.mapping\.invoice\.due_date: Odoo has no 'x_nothing'"):
        host.pull("", TODAY)
    assert any(line.problem for line in host.fields(TODAY) if line.field == "due_date")
    assert not any(line.problem for line in host.fields(TODAY) if line.field == "number")


def test_what_cannot_be_mapped_here_is_refused() -> None:
    with pytest.raises(InputError, match=r"invoice\.settled_date: cannot be mapped on Odoo"):
        connector(Odoo([]), {"invoice": {"settled_date": "x_day"}})


@pytest.mark.parametrize(
    "url", ["odoo.example", "ftp://odoo.example", "https://u:p@odoo.example", "https://odoo.example/web", "https://"]
)
def test_an_address_that_is_no_servers(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        OdooConnector.Settings.model_validate(
            {"connector": "odoo", "url": url, "database": "d", "user": "u", "password": {"env": "P"}}
        )


def test_where_a_person_finds_an_invoice() -> None:
    assert connector(Odoo([])).locate("invoice", ["2"]) == {
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
