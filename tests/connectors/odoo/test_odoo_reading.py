"""What is made of Odoo's records, and how many calls it takes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from odoo_books import Books, credit, move, partner, payment, term
from odoo_samples import TODAY
from odoo_stage import surroundings

from relance_addon.connectors.odoo import reading
from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.core.errors import InputError
from relance_addon.core.model import Address, Client, Contact, Instalment, Invoice
from relance_addon.hosts import values


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


def client(odoo: Books, identifier: str = "8") -> Client:
    (page,) = connector(odoo).pull("", TODAY).pages
    (found,) = (one for one in page.clients if one.id == identifier)
    return found


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


@pytest.mark.parametrize("version", [16, 18])
def test_reading_again_just_before_sending_takes_a_handful_of_calls(version: int) -> None:
    odoo = Books([move(number) for number in range(1, 101)], version=version)
    host = connector(odoo)
    list(host.pull("", TODAY).pages)
    odoo.calls.clear()
    assert len(host.read([str(number) for number in range(1, 101)], TODAY).invoices) == 100
    # Invoices, payment terms, partners, credits; and from 18 on payments without an entry.
    assert len(odoo.calls) == (4 if version == 16 else 5)


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
    odoo = Books([move(2)], [partner(8), contact, archived])
    (page,) = connector(odoo).pull("", TODAY).pages
    (invoice,), (client,) = page.invoices, page.clients
    assert invoice == Invoice(
        "2", "FAC/2", "8", "open", date(2026, 10, 1), date(2026, 10, 31), Decimal("120.1"), Decimal("60.05"), "EUR",
        salesperson=Address("Anne Nina Roux", "anne@acme.test"),
    )  # fmt: skip
    assert (client.email, client.language, client.country) == ("contact@client8.test", "fr_FR", "FR")
    assert client.tags == ("VIP", "Secteur public")
    assert client.credits == {}
    assert [(one.email, one.roles) for one in client.contacts] == [
        ("factures@client8.test", ("billing",)),
        ("a@b.test", ("billing",)),
    ]


def test_first_instalment_overdue() -> None:
    """Odoo says of the invoice when its last instalment is due; each instalment has a day and a residual of its own."""
    lines = [
        term(2, 2, "2026-12-31", 100.0, 100.0),
        term(1, 2, "2026-10-15", 20.1, 20.1),
        term(3, 2, "2026-08-31", 5.0),
        # of another invoice
        term(4, 3, "2026-08-31", 5.0, 5.0),
    ]
    invoice = only(Books([move(2, invoice_date_due="2026-12-31")], lines=lines))
    assert invoice.due_date == date(2026, 12, 31)
    assert invoice.instalments == (
        Instalment(date(2026, 8, 31), Decimal("5.0"), Decimal()),
        Instalment(date(2026, 10, 15), Decimal("20.1"), Decimal("20.1")),
        Instalment(date(2026, 12, 31), Decimal("100.0"), Decimal("100.0")),
    )


def test_one_line_of_payment_terms_is_no_instalment() -> None:
    assert only(Books([move(2)], lines=[term(1, 2, "2026-10-31", 120.1, 60.05)])).instalments == ()


@pytest.mark.parametrize(("version", "box"), [(16, "blocked"), (17, "blocked"), (19, "no_followup")])
def test_blocked_lines_hold_the_invoice(version: int, box: str) -> None:
    def held(*lines: dict[str, Any]) -> date | None:
        return only(Books([move(2)], lines=lines, version=version)).held_until

    ticked = {box: True}
    assert held(term(1, 2, "2026-10-31", 120.1, 120.1)) is None
    assert held(term(1, 2, "2026-10-31", 120.1, 120.1, **ticked)) == date.max
    # What is paid says nothing about what is owed.
    assert held(term(1, 2, "2026-09-30", 60.0), term(2, 2, "2026-10-31", 60.1, 60.1, **ticked)) == date.max
    assert held(term(1, 2, "2026-09-30", 60.0, 60.0), term(2, 2, "2026-10-31", 60.1, 60.1, **ticked)) is None
    assert held() is None


def test_blocked_is_disputed() -> None:
    assert only(Books([move(2, payment_state="blocked")])).status == "disputed"


@pytest.mark.parametrize(
    ("state", "payment_state", "status"),
    [
        ("draft", "not_paid", "draft"),
        ("cancel", "not_paid", "cancelled"),
        ("posted", "partial", "open"),
        ("posted", "in_payment", "paid"),
        ("posted", "paid", "paid"),
        ("posted", "reversed", "cancelled"),
        ("posted", "invoicing_legacy", "paid"),
    ],
)
def test_paid_or_back_to_draft_between_choosing_and_sending(state: str, payment_state: str, status: str) -> None:
    row = move(2)
    host = connector(Books([row]))
    list(host.pull("", TODAY).pages)
    row |= {"state": state, "payment_state": payment_state}
    (again,) = host.read(["2"], TODAY).invoices
    assert again.status == status


def test_unallocated_payment() -> None:
    """What came in and is matched to no invoice is the client's credit, in its own currency, counted once."""
    lines = [
        credit(1, 8, 842.5),
        credit(2, 20, 7.5),
        credit(3, 8, 100, currency_id=6),
        credit(4, 8, 33, reconciled=True),
        credit(5, 8, 33, parent_state="draft"),
        credit(6, 8, 33, account_type="liability_payable"),
        credit(7, 9, 1000),
    ]
    partners = [partner(8), partner(20, commercial_partner_id=8), partner(9)]
    assert client(Books([move(2)], partners, lines)).credits == {"EUR": Decimal(850), "USD": Decimal(100)}


def test_a_payment_without_a_journal_entry_is_a_credit_until_it_has_one() -> None:
    payments = [
        payment(1, 8, 50),
        payment(2, 8, 33, move_id=7),
        payment(3, 8, 33, invoice_ids=[2]),
        payment(4, 8, 33, state="draft"),
        payment(5, 8, 33, state="paid"),
        payment(6, 8, 33, payment_type="outbound"),
        payment(7, 8, 33, partner_type="supplier"),
    ]
    assert client(Books([move(2)], payments=payments, version=19)).credits == {"EUR": Decimal(50)}
    # Before 18 every payment has its entry.
    assert client(Books([move(2)], payments=payments, version=17)).credits == {}


def test_credit_note_only() -> None:
    """Who owes nothing is nobody to us, whatever they are credited with."""
    (page,) = connector(Books([], lines=[credit(1, 8, 100)])).pull("", TODAY).pages
    assert not page.invoices
    assert not page.clients


def test_a_credit_note_is_no_invoice() -> None:
    odoo = Books([move(2, move_type="out_refund"), move(4, move_type="out_receipt"), move(6, move_type="in_invoice")])
    assert only(odoo).id == "4"
    assert not connector(odoo).read(["2", "6"], TODAY).invoices


def test_whom_the_invoice_is_addressed_to_comes_before_the_clients_own_contacts() -> None:
    people = [
        partner(8),
        partner(20, commercial_partner_id=8, type="invoice", name="Factures", email="factures@client8.test"),
        partner(21, commercial_partner_id=8, type="other", name="Site", email="site@client8.test"),
        partner(22, commercial_partner_id=8, name="Gone", email="gone@client8.test", active=False),
        # No longer with the client: the invoice still names them.
        partner(23, commercial_partner_id=9, name="Moved", email="moved@client9.test"),
    ]
    moves = [move(2), *(move(number * 2, partner_id=number) for number in (20, 21, 22, 23))]
    host = connector(Books(moves, people))
    (page,) = host.pull("", TODAY).pages
    assert [one.contacts for one in page.invoices] == [
        (),
        (Contact("Factures", "factures@client8.test", ("billing",)),),
        (Contact("Site", "site@client8.test", ("billing",)),),
        (),
        (Contact("Moved", "moved@client9.test", ("billing",)),),
    ]
    (owing,) = page.clients
    assert [one.email for one in owing.contacts] == ["factures@client8.test", "site@client8.test"]
    assert list(host.read([one.id for one in page.invoices], TODAY).invoices) == list(page.invoices)


def test_an_archived_client_still_owes() -> None:
    assert client(Books([move(2)], [partner(8, active=False)])).name == "Client 8"


def test_a_client_that_the_mapping_takes_from_elsewhere() -> None:
    people = [partner(8), partner(20, commercial_partner_id=8)]
    odoo = Books([move(2, partner_id=20)], people, [credit(1, 20, 10), credit(2, 8, 5)])
    (page,) = connector(odoo, {"invoice": {"client": "partner_id"}}).pull("", TODAY).pages
    (invoice,), (found,) = page.invoices, page.clients
    assert (invoice.client, invoice.contacts) == ("20", ())
    assert (found.id, found.credits) == ("20", {"EUR": Decimal(10)})


def test_the_same_number_in_two_companies() -> None:
    odoo = Books([move(2, name="FAC/1"), move(4, name="FAC/1"), move(6)])
    host = connector(odoo)
    (page,) = host.pull("", TODAY).pages
    assert [(one.id, one.number) for one in page.invoices] == [("2", "FAC/1"), ("4", "FAC/1"), ("6", "FAC/6")]
    assert host.numbered("FAC/1") == ["2", "4"]


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


def test_the_mapping_is_shown_with_live_values() -> None:
    people = [partner(8), partner(20, commercial_partner_id=8, type="invoice"), partner(9, category_id=[])]
    moves = [move(2), *(move(number, commercial_partner_id=9) for number in range(3, 9))]
    odoo = Books(moves, people, [term(1, 2, "2026-10-31", 120.1, 60.05)])
    lines = {
        (one.kind, one.field): one for one in connector(odoo, {"invoice": {"due_date": "x_nothing"}}).fields(TODAY)
    }
    assert lines["invoice", "number"].samples == ("FAC/8", "FAC/7", "FAC/6")
    assert lines["client", "tags"].samples == ("VIP, Secteur public",)
    assert lines["contact", "roles"].samples == ("billing",)
    assert lines["instalment", "residual"].samples == ("60.05",)
    assert lines["invoice", "program"] == ("invoice", "program", "", (), "")
    assert lines["invoice", "due_date"].samples == ()
    assert lines["invoice", "due_date"].problem == "Odoo has no 'x_nothing' on account.move"
    # One question about the fields of each model.
    assert odoo.calls.count("account.move.fields_get") == odoo.calls.count("res.partner.fields_get") == 1


def test_an_invoice_says_whether_odoo_keeps_its_pdf() -> None:
    moves = [move(2, invoice_pdf_report_id=77), move(4)]
    (page,) = connector(Books(moves)).pull("", TODAY).pages
    assert [one.pdf for one in page.invoices] == ["77", ""]
    (page,) = connector(Books(moves, version=16)).pull("", TODAY).pages
    assert [one.pdf for one in page.invoices] == ["", ""]


def test_nothing_is_asked_about_no_invoice() -> None:
    odoo = Books([move(2)])
    host = connector(odoo)
    assert host.read(["FAC"], TODAY).gone == ["FAC"]
    assert not any(call.endswith("search_read") for call in odoo.calls)


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


@pytest.mark.parametrize(
    ("box", "until", "program"),
    [(True, date.max, "none"), (False, None, "")],
    ids=["ticked", "not ticked"],
)
def test_boxes_of_the_companys_own_exclude_an_invoice_or_a_client(box: bool, until: date | None, program: str) -> None:
    excluded = {"from": "x_no_reminder", "map": {"true": "none"}, "default": ""}
    mapping = {kind: {"hold_until": "x_no_reminder", "program": excluded} for kind in ("invoice", "client")}
    odoo = Books([move(2, x_no_reminder=box)], [partner(8, x_no_reminder=box)])
    (page,) = connector(odoo, mapping).pull("", TODAY).pages
    for one in (*page.invoices, *page.clients):
        assert (one.held_until, one.program) == (until, program)
    assert not page.problems


def test_a_selection_of_the_companys_own_names_the_program() -> None:
    mapping = {
        "invoice": {"program": {"from": "x_reminders", "map": {"never": "none", "gentle": "douce"}, "default": ""}},
        "client": {"program": "x_program", "hold_until": "x_hold_until"},
    }
    moves = [move(2, x_reminders="never"), move(3, x_reminders="gentle"), move(4, x_reminders=False)]
    odoo = Books(moves, [partner(8, x_program="public", x_hold_until="2026-12-24")])
    (page,) = connector(odoo, mapping).pull("", TODAY).pages
    assert [one.program for one in page.invoices] == ["none", "douce", ""]
    assert [(one.program, one.held_until) for one in page.clients] == [("public", date(2026, 12, 24))]
