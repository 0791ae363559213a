"""What is read of a Dolibarr in memory: amounts, days, states, contacts, credits; and what is decided of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from company import PROGRAMS
from dolibarr_books import Books, Row, bill, contact, midnight, party

from relance_addon.connectors.dolibarr import rest
from relance_addon.connectors.dolibarr.values import day_in, hold_in, number, remaining, state
from relance_addon.core import program
from relance_addon.core.decide import Policy
from relance_addon.core.errors import InputError, Refused, Unreachable
from relance_addon.core.group import decide
from relance_addon.core.model import Address, Contact, History, Invoice
from relance_addon.core.program import Book
from relance_addon.hosts.conformance import TODAY
from relance_addon.hosts.port import Page


@pytest.fixture
def books() -> Iterator[Books]:
    with Books().open() as books:
        yield books


def pulled(books: Books, folder: Path, **more: Any) -> Page:
    """A whole pull as one page."""
    pages = list(books.connector(folder, **more).pull("", TODAY).pages)
    return Page(
        [one for page in pages for one in page.invoices],
        [one for page in pages for one in page.clients],
        [one for page in pages for one in page.problems],
    )


def one_of(books: Books, folder: Path, row: Row, **more: Any) -> Invoice:
    """The invoice that a row becomes."""
    books.invoices = [row]
    return pulled(books, folder, **more).invoices[0]


def decided(page: Page) -> dict[str, str]:
    """The reason for each invoice, for a program whose first step is three days after the due date."""
    book = Book(program.read(PROGRAMS, "programs.toml", ()))
    clients = {one.id: one for one in page.clients}
    policy = Policy({"accounting": Address("", "compta@acme.example")})
    decisions = decide(page.invoices, clients, book, History(), TODAY, policy).decisions
    return {one.invoice.id: one.reason for one in decisions}


# Amounts


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("4963.57000000", "4963.57"),
        (1234.59, "1234.59"),
        (0, "0"),
        ("0", "0"),
        (None, "0"),
        ("", "0"),
        ([], "0"),
        ("-2162.75", "-2162.75"),
        (0.1 + 0.2, "0.3"),
        ("123456789.12000000", "123456789.12"),
    ],
)
def test_an_amount_however_it_is_written(written: Any, amount: str) -> None:
    assert number(written) == Decimal(amount)


@pytest.mark.parametrize("written", ["x", "1,5", True, {"1": 2}])
def test_what_is_no_amount(written: Any) -> None:
    with pytest.raises(ValueError, match="amount"):
        number(written)


@pytest.mark.parametrize(
    ("total", "own", "rate", "remain", "expected"),
    [
        ("120.00000000", "150.00000000", "1.25000000", "120", "150"),
        ("120.00000000", "150.00000000", "1.25000000", "96", "120"),
        ("92.59000000", "100.00000000", "1.08000000", "92.59", "100"),
        ("92.59000000", "100.00000000", "1.08000000", "74.07", "80.00"),
        ("120.00000000", "150.00000000", "1.25000000", "0", "0"),
        ("120.00000000", None, None, "96", "96"),
        ("120.00000000", "0", "1", "96", "96"),
        ("-80.00000000", "-100.00000000", "1.25000000", "-80", "-100"),
    ],
)
def test_what_remains_in_the_invoices_own_currency(
    total: str, own: str | None, rate: str | None, remain: str, expected: str
) -> None:
    row = {"total_ttc": total, "multicurrency_total_ttc": own, "multicurrency_tx": rate, "remaintopay": remain}
    assert remaining(row) == Decimal(expected), "nothing paid is the whole total, to the cent"


def test_an_invoice_in_dollars_is_reminded_of_in_dollars(books: Books, tmp_path: Path) -> None:
    dollars: Row = {"multicurrency_code": "USD", "multicurrency_tx": "1.25", "multicurrency_total_ttc": "150.00000000"}
    found = one_of(books, tmp_path, bill(1, total_ttc="120.00000000", remaintopay="96", **dollars))
    assert (found.total, found.residual, found.currency) == (Decimal(150), Decimal(120), "USD")


def test_an_invoice_without_a_currency_is_in_the_companys(books: Books, tmp_path: Path) -> None:
    assert one_of(books, tmp_path, bill(1, multicurrency_code=None)).currency == "EUR"


# Days


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Montreal", "Pacific/Auckland", "UTC"])
@pytest.mark.parametrize("day", [date(2026, 1, 15), date(2026, 7, 12), date(2026, 3, 29), date(2026, 10, 25)])
def test_a_day_is_a_midnight_in_the_zone_of_its_php(books: Books, tmp_path: Path, zone: str, day: date) -> None:
    books.zone = zone
    seconds = midnight(day, ZoneInfo(zone))
    found = one_of(books, tmp_path, bill(1, date=seconds, date_lim_reglement=str(seconds)))
    assert (found.issue_date, found.due_date) == (day, day)


def test_16_does_not_say_its_zone_so_it_is_set(tmp_path: Path) -> None:
    day = date(2026, 7, 12)
    with Books("16.0.3").open() as books:
        row = bill(1, date=midnight(day, ZoneInfo("America/Montreal")))
        assert one_of(books, tmp_path, row, timezone="America/Montreal").issue_date == day
        row = bill(1, date=midnight(day))
        assert one_of(books, tmp_path, row).issue_date == day, "else that of relance.toml is taken"


def test_a_zone_that_python_does_not_know_is_refused(books: Books, tmp_path: Path) -> None:
    books.zone = "Europe/Atlantis"
    with pytest.raises(Refused, match="in an unknown time zone: Europe/Atlantis"):
        books.connector(tmp_path).pull("", TODAY)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        (1783807200, date(2026, 7, 12)),
        ("1783807200", date(2026, 7, 12)),
        (-3600, date(1970, 1, 1)),
        ("2026-11-10", date(2026, 11, 10)),
        ("2026-07-12 00:00:00", date(2026, 7, 12)),
        ("", None),
        (None, None),
    ],
)
def test_a_day_however_it_is_written(written: Any, day: date | None) -> None:
    assert day_in(ZoneInfo("Europe/Paris"))(written) == day


@pytest.mark.parametrize("written", ["soon", "9" * 20])
def test_what_is_no_day_is_a_problem_of_that_invoice_alone(books: Books, tmp_path: Path, written: str) -> None:
    books.invoices = [bill(1, date_lim_reglement=written), bill(2)]
    page = pulled(books, tmp_path)
    assert [one.invalid != "" for one in page.invoices] == [True, False]
    assert [(one.where, one.key) for one in page.problems] == [("FA2610-0001", "due_date")]
    assert decided(page) == {"1": "invalid", "2": "due"}


def test_the_time_of_a_change_is_never_asked_for(books: Books, tmp_path: Path) -> None:
    books.invoices = [bill(1)]
    pulled(books, tmp_path)
    assert not [one for one in books.asked if "tms" in str(one.url)], "it is wrong by the offset of two time zones"


@pytest.mark.parametrize(
    ("written", "until"),
    [
        ("1", date.max),
        ("always", date.max),
        (True, date.max),
        ("0", None),
        (False, None),
        ("", None),
        (None, None),
        (1783807200, date(2026, 7, 12)),
    ],
)
def test_a_hold_is_a_day_or_a_box_that_is_ticked(written: Any, until: date | None) -> None:
    assert hold_in(ZoneInfo("Europe/Paris"))(written) == until


# States


@pytest.mark.parametrize(
    ("row", "remain", "expected"),
    [
        ({"statut": "0"}, "100", "draft"),
        ({"statut": "1", "paye": "0"}, "100", "open"),
        ({"statut": 1, "paye": 0}, "0.01", "open"),
        ({"statut": "1", "paye": "0"}, "0", "paid"),
        ({"statut": "1", "paye": "0"}, "-5", "paid"),
        ({"statut": "2", "paye": "1"}, "0", "paid"),
        ({"statut": "2", "paye": "0", "close_code": "discount_vat"}, "19.8", "paid"),
        ({"statut": "2", "paye": "0", "close_code": "badcustomer"}, "100", "written_off"),
        ({"statut": "3", "paye": "0", "close_code": "abandon"}, "100", "cancelled"),
        ({"statut": "3", "paye": "0", "close_code": "replaced"}, "100", "cancelled"),
        ({"statut": "3", "paye": "0", "close_code": None}, "100", "cancelled"),
    ],
)
def test_the_state_of_an_invoice(row: Row, remain: str, expected: str) -> None:
    assert state(row, Decimal(remain)) == expected


def test_a_status_of_the_companys_own_counts_for_open_invoices_only(books: Books, tmp_path: Path) -> None:
    mapping = {
        "invoice": {"status": {"from": "array_options.options_etat", "map": {"litige": "disputed"}, "default": "open"}}
    }
    books.invoices = [
        bill(1, array_options={"options_etat": "litige"}),
        bill(2),
        bill(3, statut="0", array_options={"options_etat": "litige"}),
    ]
    found = pulled(books, tmp_path, mapping=mapping).invoices
    assert [one.status for one in found] == ["disputed", "open", "draft"]


def test_an_extra_field_is_asked_for_by_name_and_holds_an_invoice(books: Books, tmp_path: Path) -> None:
    mapping = {"invoice": {"hold_until": "array_options.options_bloque"}}
    books.invoices = [bill(1, array_options={"options_bloque": "1"}), bill(2, array_options={"options_bloque": None})]
    page = pulled(books, tmp_path, mapping=mapping)
    assert [one.held_until for one in page.invoices] == [date.max, None]
    assert decided(page) == {"1": "invoice_held", "2": "due"}
    assert "array_options" in str(next(one.url for one in books.asked if "/invoices" in str(one.url)))


def test_a_field_that_dolibarr_does_not_have_here_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"hosts\.acme\.mapping\.instalment"):
        Books().connector(tmp_path, mapping={"instalment": {"amount": "x"}})


# Contacts


def test_an_invoices_own_contacts_come_before_the_clients(books: Books, tmp_path: Path) -> None:
    books.contacts = [contact(1, role="BILLING"), contact(2), contact(3, role="SHIPPING")]
    found = one_of(books, tmp_path, bill(1, contacts_ids=["2", "3"]))
    assert found.contacts == (Contact("Claire Roux 2", "claire2@client8.example", ("billing",)),)


def test_an_invoices_contacts_come_in_one_order_however_dolibarr_gives_them(books: Books, tmp_path: Path) -> None:
    books.contacts = [contact(2), contact(10)]
    orders = [one_of(books, tmp_path, bill(1, contacts_ids=ids)).contacts for ids in (["2", "10"], ["10", "2"])]
    assert [one.email for one in orders[0]] == ["claire2@client8.example", "claire10@client8.example"]
    assert orders[0] == orders[1]


def test_who_is_usually_written_to_about_deliveries_gets_no_reminder(books: Books, tmp_path: Path) -> None:
    books.contacts = [contact(1, role="BILLING"), contact(3, role="SHIPPING")]
    assert one_of(books, tmp_path, bill(1, contacts_ids=["3"])).contacts == ()


def test_of_an_invoices_contacts_those_come_alone_who_are_usually_billed(books: Books, tmp_path: Path) -> None:
    books.contacts = [contact(1, role="BILLING"), contact(2), contact(3, role="SHIPPING")]
    found = one_of(books, tmp_path, bill(1, contacts_ids=["3", "1", "2"]))
    assert found.contacts == (Contact("Claire Roux 1", "claire1@client8.example", ("billing",)),)


@pytest.mark.parametrize("more", [{"statut": "0"}, {"email": ""}, {"email": None}, {"email": "none"}])
def test_a_contact_who_left_or_has_no_address_is_passed_over(books: Books, tmp_path: Path, more: Row) -> None:
    books.contacts = [contact(1, role="BILLING", **more), contact(2, role="BILLING")]
    books.invoices = [bill(1, contacts_ids=["1"])]
    page = pulled(books, tmp_path)
    assert page.invoices[0].contacts == ()
    (client,) = page.clients
    assert [one.email for one in client.contacts if one.email] == ["claire2@client8.example"]
    assert decided(page) == {"1": "due"}


def test_a_role_for_another_third_party_or_another_kind_of_record_is_none_here(books: Books, tmp_path: Path) -> None:
    roles = {
        "1": {"element": "facture", "code": "BILLING", "socid": "9"},
        "2": {"element": "propal", "code": "BILLING", "socid": "8"},
        "3": {"element": "facture", "code": "SERVICE", "socid": "8"},
        "4": {"element": "facture", "code": "OTHER", "socid": "8"},
    }
    books.contacts, books.invoices = [contact(1, roles=roles)], [bill(1)]
    (client,) = pulled(books, tmp_path).clients
    assert [one.roles for one in client.contacts] == [("service",)]


def test_several_addresses_in_one_field_are_several_people(books: Books, tmp_path: Path) -> None:
    books.contacts = [contact(1, role="BILLING", email="a@client8.example; B <b@client8.example>")]
    found = one_of(books, tmp_path, bill(1, contacts_ids=["1"]))
    assert [one.email for one in found.contacts] == ["a@client8.example", "b@client8.example"]


@pytest.mark.parametrize("ids", [[], None, ["404"], ["0"]])
def test_an_invoice_that_names_nobody(books: Books, tmp_path: Path, ids: Any) -> None:
    assert one_of(books, tmp_path, bill(1, contacts_ids=ids)).contacts == ()


def test_whoever_made_an_invoice_is_its_salesperson_where_users_may_be_seen(books: Books, tmp_path: Path) -> None:
    assert one_of(books, tmp_path, bill(1)).salesperson is None, "the robot may not"
    books.rights.add("users")
    books.invoices = [bill(1), bill(2, fk_user_author="4"), bill(3, fk_user_author=None), bill(4, fk_user_author="99")]
    told = [str(one.salesperson or "") for one in pulled(books, tmp_path).invoices]
    assert told == ["Anne Roux A <anne@acme.example>", "", "", ""]


def test_categories_are_tags_where_they_may_be_seen(books: Books, tmp_path: Path) -> None:
    books.tags = {"VIP": [8], "Ne pas relancer": [8, 9], "Vide": []}
    books.invoices = [bill(1), bill(2, 9)]
    assert [one.tags for one in pulled(books, tmp_path).clients] == [(), ()]
    books.rights.add("users")
    assert [one.tags for one in pulled(books, tmp_path).clients] == [("VIP", "Ne pas relancer"), ("Ne pas relancer",)]


def test_links_and_pdfs_are_those_that_there_are(books: Books, tmp_path: Path) -> None:
    link = "https://dolibarr.example/public/payment/newpayment.php?source=invoice&ref=FA"
    row = bill(1, online_payment_url=link, last_main_doc="facture/FA/FA.pdf")
    assert one_of(books, tmp_path, row).payment_link == "", "on request only"
    found = one_of(books, tmp_path, row, payment_link=True)
    assert (found.payment_link, found.pdf) == (link, "facture/FA/FA.pdf")
    assert one_of(books, tmp_path, bill(1, last_main_doc="facture/FA/FA.odt")).pdf == ""
    assert one_of(books, tmp_path, bill(1), make_pdf=True).pdf == "FA2610-0001", "it can be built"


# Credits


def note(number: int, amount: str, socid: int = 8, **more: Any) -> Row:
    """An open credit note."""
    return bill(
        number, socid, ref=f"AV{number}", type="2", total_ttc=f"-{amount}", remaintopay=f"-{amount}",
        multicurrency_total_ttc=f"-{amount}", **more,
    )  # fmt: skip


def credits_of(page: Page) -> dict[str, Mapping[str, Decimal]]:
    return {one.id: one.credits for one in page.clients}


def test_a_credit_note_alone_is_never_reminded_of(books: Books, tmp_path: Path) -> None:
    books.invoices = [note(1, "100")]
    assert pulled(books, tmp_path) == ([], [], [], (), "")
    page = books.connector(tmp_path).read(["1"], TODAY)
    assert (list(page.invoices), list(page.gone)) == ([], ["1"])


def test_credit_above_the_debt_never_makes_a_negative_reminder(books: Books, tmp_path: Path) -> None:
    books.invoices = [bill(1, remaintopay="100"), note(2, "150"), bill(3, 9, remaintopay="100"), note(4, "50", 9)]
    page = pulled(books, tmp_path)
    assert credits_of(page) == {"8": {"EUR": Decimal(150)}, "9": {"EUR": Decimal(50)}}
    assert decided(page) == {"1": "covered_by_credit", "3": "due"}
    assert all(one.residual > 0 for one in page.invoices)


def test_credits_are_kept_apart_by_currency(books: Books, tmp_path: Path) -> None:
    dollars: Row = {"multicurrency_code": "USD", "multicurrency_tx": "1.25"}
    in_dollars = note(2, "80", **dollars)
    in_dollars["multicurrency_total_ttc"] = "-100"
    books.invoices = [bill(1), in_dollars, note(3, "10"), note(4, "5.50")]
    assert credits_of(pulled(books, tmp_path)) == {"8": {"USD": Decimal(100), "EUR": Decimal("15.50")}}


def test_an_unallocated_payment_that_became_a_discount_is_a_credit(books: Books, tmp_path: Path) -> None:
    closed = note(2, "30", statut="2", paye="1")
    books.invoices = [bill(1), closed, bill(3, 9)]
    books.discounts = {8: [{"amount_ttc": "30.00000000"}], 9: [{"amount_ttc": "7.00000000"}]}
    assert credits_of(pulled(books, tmp_path)) == {"8": {"EUR": Decimal(30)}, "9": {}}
    assert books.calls.count("GET thirdparties/*/fixedamountdiscounts") == 1, "only where something was closed"
    page = books.connector(tmp_path).read(["1", "3"], TODAY)
    assert credits_of(page) == {"8": {"EUR": Decimal(30)}, "9": {"EUR": Decimal(7)}}, "but all before anything leaves"


# Faults of others


def test_one_client_without_an_address_stops_nothing(books: Books, tmp_path: Path) -> None:
    books.parties = [party(8, email=None), party(9)]
    books.invoices = [bill(1, 8), bill(2, 9)]
    assert decided(pulled(books, tmp_path)) == {"1": "no_recipient", "2": "due"}


def test_abandoned_and_replaced_invoices_are_not_reminded_of_though_they_have_something_to_pay(
    books: Books, tmp_path: Path
) -> None:
    books.invoices = [
        bill(1, statut="3", close_code="abandon"),
        bill(2, statut="3", close_code="replaced"),
        bill(3, statut="2", close_code="badcustomer"),
        bill(4, type="1"),
        bill(5, type="4"),
        bill(6, type="3"),
        bill(7, type="5"),
    ]
    assert decided(pulled(books, tmp_path)) == {"4": "due", "6": "due", "7": "due"}
    page = books.connector(tmp_path).read(["1", "2", "3"], TODAY)
    assert [one.status for one in page.invoices] == ["cancelled", "cancelled", "written_off"]
    assert set(decided(page).values()) == {"cancelled", "written_off"}


def test_a_missed_day_is_caught_up(books: Books, tmp_path: Path) -> None:
    books.invoices = [bill(1, date_lim_reglement=midnight(date(2026, 6, 30)))]
    assert decided(pulled(books, tmp_path)) == {"1": "due"}


def test_what_is_wrong_with_one_client_stops_no_other(books: Books, tmp_path: Path) -> None:
    mapping = {"client": {"hold_until": "array_options.options_pause"}}
    books.parties = [party(8, array_options={"options_pause": "bientôt"}), party(9)]
    books.invoices = [bill(1, 8), bill(2, 9), bill(3, 404)]
    page = pulled(books, tmp_path, mapping=mapping)
    reasons = decided(page)
    assert (reasons["1"], reasons["2"]) == ("invalid", "due")
    assert [(one.where, one.key) for one in page.problems] == [("Client 8", "hold_until")]


def test_an_invoice_without_issue_date_is_said_to_be_so(books: Books, tmp_path: Path) -> None:
    books.invoices = [bill(1, date=""), bill(2, date="", statut="0", ref="(PROV2)")]
    page = pulled(books, tmp_path)
    assert [one.invalid for one in page.invoices] == ["issue_date: missing", ""]


# Reading again, pages, numbers


def test_an_invoice_paid_during_the_walk_is_skipped_by_none(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "PAGE", 2)
    books.invoices = [bill(number) for number in range(1, 7)]
    pages = books.connector(tmp_path).pull("", TODAY).pages
    found = [one.id for one in next(pages).invoices]
    books.invoices[0].update(statut="2", paye="1")
    found += [one.id for page in pages for one in page.invoices]
    assert found == ["1", "2", "3", "4", "5", "6"]


def test_a_client_comes_with_the_first_of_its_invoices(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "PAGE", 2)
    books.invoices = [bill(1, 8), bill(2, 8), bill(3, 8), bill(4, 9)]
    pages = list(books.connector(tmp_path).pull("", TODAY).pages)
    assert [[one.id for one in page.clients] for page in pages] == [["8"], ["9"]]


def test_nothing_owed_is_an_empty_pull_that_is_full(tmp_path: Path) -> None:
    for version in ("16.0.3", "22.0.4"):
        with Books(version).open() as books:
            pull = books.connector(tmp_path).pull("", TODAY)
            assert (list(pull.pages), pull.full) == ([], True)
            assert books.connector(tmp_path).read([], TODAY).invoices in ([], ())
            assert list(books.connector(tmp_path).read(["1", "x"], TODAY).gone) == ["1", "x"]


def test_a_walk_that_breaks_off_is_an_error_and_no_full_pull(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "PAGE", 2)
    books.invoices = [bill(number) for number in range(1, 7)]
    pages = books.connector(tmp_path).pull("", TODAY).pages
    next(pages)
    books.faults["GET invoices"] = [(202, "text/html", "")] * 3
    with pytest.raises(Unreachable):
        list(pages)


@pytest.mark.parametrize("asked", ["FA2610-0001", "FA/1 & co", "É#1"])
def test_a_number_is_found_whatever_it_is_made_of(books: Books, tmp_path: Path, asked: str) -> None:
    books.invoices = [bill(1, ref=asked, statut="2"), note(2, "5")]
    assert list(books.connector(tmp_path).numbered(asked)) == ["1"]
    assert list(books.connector(tmp_path).numbered("AV2")) == []


def test_a_number_that_no_filter_can_hold_is_not_found(books: Books, tmp_path: Path) -> None:
    books.invoices = [bill(1, ref="(PROV1)", statut="0")]
    assert list(books.connector(tmp_path).numbered("(PROV1)")) == []


def test_where_a_person_finds_a_record(books: Books, tmp_path: Path) -> None:
    books.invoices, books.contacts = [bill(1)], [contact(5)]
    connector = books.connector(tmp_path)
    assert connector.locate("invoice", ["1", "2", "x"]) == {
        "1": "https://dolibarr.example/compta/facture/card.php?facid=1"
    }
    assert connector.locate("client", ["8"]) == {"8": "https://dolibarr.example/societe/card.php?socid=8"}
    assert connector.locate("contact", ["5"]) == {"5": "https://dolibarr.example/contact/card.php?id=5"}
    assert connector.locate("instalment", ["1"]) == connector.locate("invoice", ["x"]) == {}


# PDFs


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ({"last_main_doc": "facture/FA2610-0001/FA2610-0001.pdf"}, "FA2610-0001/FA2610-0001.pdf"),
        ({}, "FA2610-0001/FA2610-0001.pdf"),
        ({"ref": "FA/10:1"}, "FA_10_1/FA_10_1.pdf"),
        ({"ref": "(PROV7)"}, "(PROV7)/(PROV7).pdf"),
    ],
)
def test_where_dolibarr_keeps_a_pdf(books: Books, tmp_path: Path, row: Row, path: str) -> None:
    invoice = one_of(books, tmp_path, bill(1, **row))
    books.documents[path] = b"%PDF-1.7 kept"
    found = books.connector(tmp_path).pdfs([invoice])
    assert found["1"].content == b"%PDF-1.7 kept"


def test_what_is_kept_as_pdf_and_is_none_is_left_out(books: Books, tmp_path: Path) -> None:
    books.invoices = [bill(1), bill(2), bill(3)]
    invoices = pulled(books, tmp_path).invoices
    books.documents = {
        "FA2610-0001/FA2610-0001.pdf": b"<html>",
        "FA2610-0002/FA2610-0002.pdf": b"%PDF-1.7",
    }
    assert list(books.connector(tmp_path).pdfs(invoices)) == ["2"]
    assert not books.writes(), "none is built without consent"


def test_a_missing_pdf_is_built_by_whoever_may(books: Books, tmp_path: Path) -> None:
    books.invoices = [bill(1)]
    invoices = pulled(books, tmp_path).invoices
    connector = books.connector(tmp_path, make_pdf=True, pdf_model="crabe")
    assert connector.pdfs(invoices) == {}
    books.rights.add("build")
    assert connector.pdfs(invoices)["1"].content == b"%PDF-1.7 built"
    assert '"doctemplate": "crabe"' in str(books.asked[-1].body)


def test_samples_are_of_the_newest_and_a_path_that_nothing_has_is_told(books: Books, tmp_path: Path) -> None:
    books.invoices = [bill(number) for number in range(1, 6)]
    mapping = {"invoice": {"program": "array_options.options_programme"}}
    fields = books.connector(tmp_path, mapping=mapping).fields(TODAY)
    lines = {(one.kind, one.field): one for one in fields}
    assert lines["invoice", "number"].samples == ("FA2610-0005", "FA2610-0004", "FA2610-0003")
    assert lines["invoice", "due_date"].samples == ("2026-10-31",) * 3
    assert "options_programme" in lines["invoice", "program"].problem
    assert not lines["invoice", "number"].problem


# The company's own word on a client or an invoice


@pytest.mark.parametrize(
    ("box", "until", "program"),
    [("1", date.max, "none"), (1, date.max, "none"), ("0", None, ""), (None, None, ""), ("", None, "")],
)
def test_extra_fields_exclude_an_invoice_or_a_client(
    books: Books, tmp_path: Path, box: Any, until: date | None, program: str
) -> None:
    field = "array_options.options_no_reminder"
    excluded = {"from": field, "map": {"1": "none"}, "default": ""}
    mapping = {kind: {"hold_until": field, "program": excluded} for kind in ("invoice", "client")}
    books.invoices = [bill(1, array_options={"options_no_reminder": box})]
    books.parties = [party(8, array_options={"options_no_reminder": box})]
    page = pulled(books, tmp_path, mapping=mapping)
    for one in (*page.invoices, *page.clients):
        assert (one.held_until, one.program) == (until, program)
    assert not page.problems


def test_extra_fields_that_were_never_filled_say_nothing(books: Books, tmp_path: Path) -> None:
    """Dolibarr writes a list where no extra field of a record has a value."""
    mapping = {"invoice": {"program": {"from": "array_options.options_p", "map": {"2": "douce"}, "default": ""}}}
    books.invoices = [bill(1, array_options=[]), bill(2, array_options={"options_p": "2"})]
    page = pulled(books, tmp_path, mapping=mapping)
    assert [one.program for one in page.invoices] == ["", "douce"]
