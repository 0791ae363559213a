"""Fields of ours from wherever a consultant finds them in a real Tryton."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tryton_books import Bill, Books
from tryton_stage import TODAY, Stage

from relance_addon.connectors.tryton import invoices, reading
from relance_addon.core.errors import InputError
from relance_addon.core.model import Address, Client, Contact, Invoice
from relance_addon.hosts.port import Finding, MappedField

DAY, LATER = date(2026, 10, 1), date(2026, 11, 1)
KEY = "hosts.acme.mapping"
Mapping = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def bills(books: Books) -> list[int]:
    (party,) = books.parties({
        "name": "Mapped", "code": "vip", "language": "fr", "invoice_email": "compta@mapped.example",
        "categories": [["create", [{"name": "Nord"}, {"name": "Sud"}]]],
    })  # fmt: skip
    one = Bill(party, DAY, {DAY: 10}, more={"reference": "A-7", "description": "retail", "comment": "2026-12-24"})
    return [*books.bill(one), *books.draft(one)]


def read(stage: Stage, bills: list[int], mapping: Mapping) -> tuple[Invoice, Client]:
    """The posted one, and its client."""
    page = stage.connector(mapping=mapping).read([str(bills[0])], TODAY)
    assert not page.problems
    return page.invoices[0], page.clients[0]


def test_without_a_word_of_anybody_s(stage: Stage, bills: list[int]) -> None:
    invoice, client = read(stage, bills, {})
    assert invoice.salesperson is not None
    assert invoice.salesperson.email == "admin@acme.example", "who made it"
    assert (invoice.payment_link, invoice.program, client.program) == ("", "", "")
    assert sorted(client.tags) == ["Nord", "Sud"]


def test_paths_lead_over_relations(stage: Stage, bills: list[int]) -> None:
    mapping: Mapping = {
        "invoice": {
            "number": "reference",
            "salesperson": {"template": "{company.party.rec_name} <{party.email}>"},
            "payment_link": {"template": "https://pay.example/{number}/{currency.code}"},
            "program": "description",
            "hold_until": "comment",
        },
        "client": {"program": "code", "tags": "addresses.rec_name", "language": {"value": "de"}, "name": "lang.name"},
        "contact": {
            "name": {"template": "{party.name}{address.city}"},
            "roles": {"from": "type", "map": {"email": "legal"}},
        },
    }
    invoice, client = read(stage, bills, mapping)
    assert (invoice.number, invoice.program, invoice.held_until) == ("A-7", "retail", date(2026, 12, 24))
    assert invoice.salesperson == Address("Acme", "compta@mapped.example")
    assert invoice.payment_link.startswith("https://pay.example/FA")
    assert invoice.payment_link.endswith("/EUR")
    assert (client.name, client.program, client.language) == ("French", "vip", "de")
    assert client.tags == ("Mapped",), "a list where the path leads over one"
    assert client.contacts == (Contact("Mapped", "compta@mapped.example", ("legal",)),)


def test_what_is_read_beside_a_relation_keeps_its_place(stage: Stage, books: Books) -> None:
    (party,) = books.parties({"name": "Beside"})
    (address,) = books.admin.ids("party.address", ["party", "=", party])
    email = {"type": "email", "value": "a@beside.example", "invoice": True}
    books.admin.one("party.contact_mechanism", party=party, address=address, **email)
    (number,) = books.bill(Bill(party, DAY, {DAY: 30, LATER: 30}))
    books.reschedule(books.owed(number)[0], terms={LATER: 30})
    mapping = {
        "invoice": {
            "program": "invoice_address.city",
            "payment_link": "lines_to_pay.reconciliation.number",
            "number": "party.name",
            "hold_until": "payment_lines.second_currency.code",
        },
        "contact": {"name": "address.party.name"},
    }
    page = stage.connector(mapping=mapping).read([str(number)], TODAY)
    (invoice,) = page.invoices
    assert (invoice.number, invoice.client, invoice.residual) == ("Beside", str(party), 60)
    assert [part.due_date for part in invoice.instalments] == [LATER, LATER]
    assert invoice.contacts == page.clients[0].contacts == (Contact("Beside", "a@beside.example", ("billing",)),)


@pytest.mark.parametrize(
    ("source", "held"),
    [
        ("party.active", date.max),
        ("reconciled", None),
        ({"from": "party.active", "map": {"true": "always", "1": "always"}}, date.max),
    ],
)
def test_a_box_is_ticked_or_not_however_the_database_says_so(
    stage: Stage, bills: list[int], source: Any, held: date | None
) -> None:
    assert read(stage, bills, {"invoice": {"hold_until": source}})[0].held_until == held


def test_a_status_of_ours_is_one_only_of_what_is_open(stage: Stage, bills: list[int]) -> None:
    for said, status in (("disputed", "disputed"), ("written_off", "written_off"), ("A-7", "open"), ("", "open")):
        mapping = {"invoice": {"status": {"from": "reference", "map": {"A-7": said}}}}
        page = stage.connector(mapping=mapping).read([*map(str, bills)], TODAY)
        assert [one.status for one in page.invoices] == [status, "draft"]


def test_a_value_that_cannot_be_one_is_told_with_its_record_and_its_key(stage: Stage, bills: list[int]) -> None:
    mapping = {"invoice": {"total": "reference", "hold_until": "description"}, "client": {"hold_until": "code"}}
    page = stage.connector(mapping=mapping).read([str(bills[0])], TODAY)
    assert {(one.where, one.key, one.text) for one in page.problems} == {
        ("Mapped", "hold_until", "'vip' is no date"),
        (page.invoices[0].number, "total", "'A-7' is no amount"),
        (page.invoices[0].number, "hold_until", "'retail' is no date"),
    }
    assert page.invoices[0].invalid == "total: 'A-7' is no amount; hold_until: 'retail' is no date"
    assert page.clients[0].invalid == "hold_until: 'vip' is no date"


# What is not there


LACKING = {
    "invoice": {"program": "x_program", "salesperson": {"template": "{sales_person.party.rec_name} <{number}>"},
                "currency": ""},
    "client": {"tags": "party.name", "country": "address.nowhere.code"},
}  # fmt: skip
WHY = {
    f"{KEY}.invoice.program": "Tryton has no 'x_program' on account.invoice",
    f"{KEY}.invoice.salesperson": "Tryton has no 'sales_person.party.rec_name' on account.invoice",
    f"{KEY}.invoice.currency": "must come from somewhere",
    f"{KEY}.client.tags": "Tryton has no 'party.name' on party.party",
    f"{KEY}.client.country": "Tryton has no 'address.nowhere.code' on party.party",
}


def test_a_path_that_is_not_there_is_named_by_check_and_by_mapping(stage: Stage, bills: list[int]) -> None:
    connector = stage.connector(mapping=LACKING)
    errors = {one for one in connector.check(TODAY) if one.level == "error"}
    assert errors == {Finding("error", key, why, "see relance mapping") for key, why in WHY.items()}
    told = {f"{KEY}.{one.kind}.{one.field}": one.problem for one in connector.fields(TODAY) if one.problem}
    assert told == WHY


def test_it_fills_nothing_and_keeps_nothing_back(stage: Stage, bills: list[int]) -> None:
    connector = stage.connector(mapping={"invoice": {"program": "x_program"}, "client": {"tags": "party.name"}})
    page = connector.read([str(bills[0])], TODAY)
    assert (page.invoices[0].program, page.clients[0].tags, page.problems) == ("", (), [])


def test_mapping_shows_values_of_the_newest(
    stage: Stage, bills: list[int], books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "OWED", (*invoices.OWED, ["id", "in", bills]))
    found = {(one.kind, one.field): one for one in stage.connector().fields(TODAY)}
    assert found["invoice", "due_date"] == MappedField("invoice", "due_date", "due", ("2026-10-01",) * 2)
    assert found["invoice", "residual"].samples == ("10.00", "10.00")
    assert found["invoice", "status"].source == "from state map {validated = draft, posted = open}"
    assert found["client", "country"] == MappedField("client", "country", "address.country.code")
    assert found["client", "tags"].samples in (("Nord, Sud",), ("Sud, Nord",))
    assert found["contact", "roles"].samples == ("billing",)


@pytest.mark.parametrize(
    ("mapping", "key", "text"),
    [
        ({"invoice": {"due_dat": "x"}}, "invoice.due_dat", "unknown field; did you mean 'due_date'?"),
        ({"invoice": {"pdf": "x"}}, "invoice.pdf", "cannot be mapped on Tryton"),
        ({"client": {"credit": "x"}}, "client.credit", "cannot be mapped on Tryton"),
        ({"instalment": {"amount": "x"}}, "instalment.amount", "cannot be mapped on Tryton"),
        ({"invoices": {"number": "x"}}, "invoices", "unknown kind of record; did you mean 'invoice'?"),
        ({"invoice": {"number": {"frm": "x"}}}, "invoice.number.frm", "unknown key; did you mean 'from'?"),
    ],
)
def test_what_means_nothing_here_is_refused_before_anything_is_asked(
    stage: Stage, mapping: Mapping, key: str, text: str
) -> None:
    with pytest.raises(InputError) as caught:
        stage.connector(mapping=mapping)
    (problem,) = caught.value.problems
    assert (problem.key, problem.text) == (f"{KEY}.{key}", text)
    assert stage.line.calls == []
