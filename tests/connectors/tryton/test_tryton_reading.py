"""What becomes of a Tryton's invoices and parties: one pull of everything, and what each record in it is for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tryton_books import Bill, Books
from tryton_server import Tryton
from tryton_stage import TODAY, Ask, Fault, Line, Stage, said, whole

from relance_addon.connectors.tryton import invoices, reading, records
from relance_addon.core.errors import Refused
from relance_addon.core.model import Client, Contact, Instalment, Invoice
from relance_addon.hosts.port import Page
from relance_addon.hosts.wire import Answer, Wire

ISSUED = date(2026, 9, 1)
A, B, C, D = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)
HUNDRED: Mapping[date, Any] = {A: 100}


@dataclass
class World:
    """Invoices and parties by what is told of them, and a pull of all that this Tryton has."""

    bills: dict[str, int]
    parties: dict[str, int]
    page: Page

    def invoice(self, name: str) -> Invoice:
        return {one.id: one for one in self.page.invoices}[str(self.bills[name])]

    def client(self, name: str) -> Client:
        return {one.id: one for one in self.page.clients}[str(self.parties[name])]

    def owed(self, name: str) -> bool:
        return str(self.bills[name]) in {one.id for one in self.page.invoices}

    def parts(self, name: str) -> list[tuple[date, Decimal]]:
        return [(one.due_date, one.residual) for one in self.invoice(name).instalments]


PARTIES: Mapping[str, Mapping[str, Any]] = {
    "Dupont": {"email": "a@dupont.example", "invoice_email": "compta@dupont.example", "language": "fr",
               "country": "FR"},
    "Payee": {}, "Second payee": {}, "Other payer": {}, "Creditor": {}, "Refunded": {}, "Exempt": {}, "Dunned": {},
    "Several": {},
}  # fmt: skip
DUE: Mapping[str, tuple[Mapping[date, Any], str]] = {
    "plain": ({A: "120.10"}, "EUR"),
    "part": (HUNDRED, "EUR"),
    "thirds": ({A: 50, B: 50, C: 50}, "EUR"),
    "last first": ({A: 60, B: 40}, "EUR"),
    "dollars": ({A: 50, B: 50}, "USD"),
    "paid": (HUNDRED, "EUR"),
    "cancelled": (HUNDRED, "EUR"),
    "blocked": ({A: 50, B: 50}, "EUR"),
    "blocked and paid": ({A: 60, B: 50}, "EUR"),
    "rescheduled": (HUNDRED, "EUR"),
    "delegated": (HUNDRED, "EUR"),
    "two payees": ({A: 50, B: 50}, "EUR"),
}


def bill(party: int, due: Mapping[date, Any] = HUNDRED, currency: str = "EUR", **more: Any) -> Bill:
    return Bill(party, ISSUED, due, currency, more)


@pytest.fixture(scope="module")
def world(tryton: Tryton, books: Books, tmp_path_factory: pytest.TempPathFactory) -> World:
    parties = dict(
        zip(PARTIES, books.parties(*({"name": name, **told} for name, told in PARTIES.items())), strict=True)
    )
    named = {name: bill(parties["Dupont"], *told) for name, told in DUE.items()}
    named |= {
        "one payee": bill(parties["Dupont"], alternative_payees=[["add", [parties["Payee"]]]]),
        "credit note": bill(parties["Creditor"], {A: -30}),
        "in dollars": bill(parties["Creditor"], {A: -40}, "USD"),
        "paid back": bill(parties["Refunded"], {A: -50}),
        **{f"of {name}": bill(parties[name]) for name in ("Creditor", "Refunded", "Exempt", "Dunned", "Several")},
    }
    bills = dict(zip(named, books.bill(*named.values()), strict=True))
    drafts = {"draft": HUNDRED, "validated": HUNDRED, "draft credit": {A: -10}, "void": HUNDRED,
              "draft of terms": {A: 50, B: 50}}  # fmt: skip
    made = books.draft(*(bill(parties["Dupont"], due) for due in drafts.values()))
    bills |= dict(zip(drafts, made, strict=True))
    books.admin.call("model.account.invoice.validate_invoice", [bills["validated"]])
    books.pay(bills["part"], "40.05", on=B)
    books.pay(bills["thirds"], 70, on=B)
    books.settle(books.owed(bills["last first"])[1], books.receive(parties["Dupont"], 40, on=B))
    books.pay(bills["dollars"], 10, on=B)
    books.pay(bills["paid"], on=B)
    books.pay(bills["paid back"], -20, on=B)
    books.receive(parties["Creditor"], 80, on=B)
    books.cancel(bills["cancelled"], bills["void"])
    books.block(*books.owed(bills["blocked"])[1:], *books.owed(bills["blocked and paid"])[:1])
    books.pay(bills["blocked and paid"], 60, on=B)
    books.reschedule(*books.owed(bills["rescheduled"]), terms={C: 30, D: 70})
    books.delegate(*books.owed(bills["delegated"]), to=parties["Other payer"])
    for line, payee in zip(books.owed(bills["two payees"]), ("Payee", "Second payee"), strict=True):
        books.delegate(line, to=parties[payee])
    books.dun(parties["Exempt"], books.procedure())
    books.dun(parties["Dunned"], books.procedure(15))
    stage = Stage(tryton.url, tmp_path_factory.mktemp("reading"), Line(Wire.ask))
    return World(bills, parties, whole(stage.connector()))


# What remains


@pytest.mark.parametrize(
    ("name", "total", "residual"),
    [
        ("plain", "120.10", "120.10"),
        ("part", "100", "59.95"),
        ("thirds", "150", "80"),
        ("last first", "100", "60"),
        ("dollars", "100", "90"),
        ("blocked and paid", "110", "50"),
        ("rescheduled", "100", "100"),
        ("delegated", "100", "100"),
        ("draft", "100", "100"),
    ],
)
def test_what_remains(world: World, name: str, total: str, residual: str) -> None:
    invoice = world.invoice(name)
    assert (invoice.total, invoice.residual) == (Decimal(total), Decimal(residual))


def test_what_remains_is_what_tryton_says_for_everything_that_it_has(world: World, books: Books) -> None:
    rows = books.admin.rows("account.invoice", ["amount_to_pay"], ["type", "=", "out"], ["state", "=", "posted"])
    told = {str(row["id"]): row["amount_to_pay"] for row in rows if row["amount_to_pay"] > 0}
    assert {one.id: one.residual for one in world.page.invoices if one.status != "draft"} == told
    assert len(told) > 15


def test_tryton_is_asked_where_a_payment_is_in_another_currency_than_its_invoice(
    world: World, stage: Stage, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """8.0 makes no such payment any more."""
    of_dupont = ["party", "=", world.parties["Dupont"]]
    monkeypatch.setattr(reading, "OWED", (*invoices.OWED, of_dupont))
    line.faults["model.account.invoice.search_read"] = [in_euros]
    (invoice,) = [one for one in whole(stage.connector()).invoices if one.id == str(world.bills["dollars"])]
    assert invoice.residual == 90
    asked = [params for method, params in line.calls if method.startswith("model.account.invoice.")]
    assert asked[1][0] == [["id", "in", [int(invoice.id)]]], "of that one alone"


def in_euros(ask: Ask) -> Answer:
    answer = ask()
    told = json.loads(answer.body)
    for row in told["result"]:
        for payment in row["payment_lines."]:
            payment["second_currency"] = payment["amount_second_currency"] = None
    return answer._replace(body=json.dumps(told).encode())


def test_of_every_invoice_the_instalments_are_the_whole(world: World) -> None:
    found = [one for one in world.page.invoices if one.instalments]
    assert len(found) > 5
    assert {one.number for one in found if sum(part.residual for part in one.instalments) != one.residual} == set()
    assert {one.number for one in found if sum(part.amount for part in one.instalments) != one.total} == set()


def test_a_payment_in_part_counts_for_the_earliest_instalments(world: World) -> None:
    assert world.parts("thirds") == [(A, Decimal(0)), (B, Decimal(30)), (C, Decimal(50))]
    assert world.parts("dollars") == [(A, Decimal(40)), (B, Decimal(50))]


def test_a_payment_of_a_whole_instalment_counts_for_that_one(world: World) -> None:
    assert world.parts("last first") == [(A, Decimal(60)), (B, Decimal(0))]


def test_an_invoice_that_is_due_at_once_has_no_instalments(world: World) -> None:
    assert world.invoice("part").instalments == ()
    assert world.invoice("part").due_date == A


def test_the_last_instalment_is_the_due_date(world: World) -> None:
    assert (world.invoice("thirds").issue_date, world.invoice("thirds").due_date) == (ISSUED, C)


def test_what_was_rescheduled_is_due_as_it_was_agreed_last(world: World) -> None:
    invoice = world.invoice("rescheduled")
    assert invoice.instalments == (
        Instalment(C, Decimal(30), Decimal(30)),
        Instalment(D, Decimal(70), Decimal(70)),
    )
    assert invoice.due_date == D


def test_what_was_delegated_is_owed_by_the_other_and_due_once(world: World) -> None:
    invoice = world.invoice("delegated")
    assert (invoice.client, invoice.instalments, invoice.due_date) == (str(world.parties["Other payer"]), (), A)


# What is owed


def test_what_is_paid_cancelled_or_a_credit_note_is_not_pulled(world: World) -> None:
    names = ("paid", "cancelled", "void", "credit note", "in dollars", "paid back", "draft credit")
    assert [name for name in names if world.owed(name)] == []


def test_it_is_read_all_the_same_when_it_is_asked_for(world: World, stage: Stage) -> None:
    names = ("paid", "cancelled", "void", "credit note", "draft")
    page = stage.connector().read([str(world.bills[name]) for name in names] + ["900000000"], TODAY)
    assert {one.id: one.status for one in page.invoices} == dict(
        zip(
            (str(world.bills[name]) for name in names), ("paid", "cancelled", "cancelled", "paid", "draft"), strict=True
        )
    )
    assert list(page.gone) == ["900000000"]


def test_drafts_and_validated_ones_have_a_number_of_sorts_and_a_due_date_without_terms(world: World) -> None:
    for name, due in (("draft", A), ("validated", A), ("draft of terms", None)):
        invoice = world.invoice(name)
        assert (invoice.status, invoice.due_date, invoice.pdf) == ("draft", due, "")
        assert invoice.number, "their id, until they have one"
    assert world.invoice("plain").status == "open"


def test_nothing_that_is_wrong_here_is_passed_over(world: World) -> None:
    assert list(world.page.problems) == []


def test_invoices_are_found_by_their_number(world: World, stage: Stage) -> None:
    connector = stage.connector()
    assert connector.numbered(world.invoice("part").number) == [str(world.bills["part"])]
    assert connector.numbered("no such number") == []


@pytest.fixture
def elsewhere(books: Books) -> Iterator[tuple[int, str]]:
    """A second company, and its draft."""
    admin = books.admin
    (currency,) = admin.ids("currency.currency", ["code", "=", "USD"])
    other, party = books.parties({"name": "Acme Inc."}, {"name": "Both"})
    company = admin.one("company.company", party=other, currency=currency)
    everybody = admin.ids("res.user", ["login", "in", ["admin", "robot"]])

    def create(model: str, **values: Any) -> int:
        (number,) = admin.call(f"model.{model}.create", [{"company": company, **values}], company=company)
        return int(number)

    admin.call("model.res.user.write", everybody, {"companies": [["add", [company]]], "company_filter": "all"})
    owed = create("account.account.type", name="Receivable", statement="balance", assets=True, receivable=True)
    made = {
        "type": "out",
        "party": party,
        "invoice_address": admin.ids("party.address", ["party", "=", party])[0],
        "currency": currency,
        "journal": admin.ids("account.journal", ["type", "=", "revenue"])[0],
        "account": create("account.account", name="Receivable", type=owed, party_required=True),
    }
    yield company, str(create("account.invoice", **made))
    admin.call("model.res.user.write", everybody, {"companies": [["remove", [company]]], "company_filter": "one"})


def test_a_company_does_not_see_the_invoices_of_another(
    books: Books, stage: Stage, world: World, elsewhere: tuple[int, str]
) -> None:
    company, theirs = elsewhere
    connector, mine = stage.connector(), str(world.bills["plain"])
    assert theirs not in {one.id for one in whole(connector).invoices}
    assert list(connector.read([theirs, mine], TODAY).gone) == [theirs]
    second = stage.connector(company=company)
    assert [(one.id, one.currency) for one in whole(second).invoices] == [(theirs, "USD")]
    assert list(second.read([theirs, mine], TODAY).gone) == [mine]


def test_a_user_that_is_shown_one_company_works_for_no_other(
    books: Books, stage: Stage, elsewhere: tuple[int, str]
) -> None:
    (robot,) = books.admin.ids("res.user", ["login", "=", "robot"])
    books.admin.call("model.res.user.write", [robot], {"company_filter": "one"})
    with pytest.raises(Refused, match=r"'robot' does not see company .*set its company filter to All"):
        stage.connector(company=elsewhere[0]).pull("", TODAY)
    assert whole(stage.connector(company=1)).invoices, "its own may be said"


# Who owes it


def test_one_who_pays_instead_is_the_client_but_not_one_of_two(world: World) -> None:
    assert world.invoice("one payee").client == str(world.parties["Payee"])
    assert world.client("Payee").name == "Payee"
    assert world.invoice("two payees").client == str(world.parties["Dupont"])


def test_a_party_with_all_that_is_known_of_it(world: World) -> None:
    client = world.client("Dupont")
    assert (client.name, client.language, client.country) == ("Dupont", "fr", "FR")
    assert client.email in ("a@dupont.example", "compta@dupont.example")
    assert client.contacts == (
        Contact("", "a@dupont.example", ()),
        Contact("", "compta@dupont.example", ("billing",)),
    )


def test_a_party_of_which_nothing_is_known(world: World) -> None:
    client = world.client("Several")
    assert (client.email, client.language, client.country, client.contacts) == ("", "", "", ())
    assert (client.credits, client.held_until, client.invalid) == ({}, None, "")


@pytest.mark.parametrize(
    ("name", "credits"),
    [("Creditor", {"EUR": 110, "USD": 40}), ("Refunded", {"EUR": 30}), ("Dupont", {})],
    ids=["payments and credit notes", "what was paid back", "what was paid of invoices"],
)
def test_credits(world: World, stage: Stage, name: str, credits: dict[str, int]) -> None:
    assert world.client(name).credits == credits
    if credits:
        (client,) = stage.connector().read([str(world.bills[f"of {name}"])], TODAY).clients
        assert client.credits == credits, "read alone, they are the same"


def test_a_blocked_dunning_holds_its_invoice_until_that_part_is_paid(world: World) -> None:
    assert world.invoice("blocked").held_until == date.max
    assert world.invoice("blocked and paid").held_until is None
    assert world.invoice("plain").held_until is None


def test_a_procedure_without_levels_holds_the_client(world: World) -> None:
    assert world.client("Exempt").held_until == date.max
    assert world.client("Dunned").held_until is None


def test_the_procedure_of_all_is_nobodys_own(books: Books, stage: Stage, world: World) -> None:
    (configuration,) = books.admin.ids("account.configuration")

    def let(procedure: int | None) -> None:
        books.admin.call("model.account.configuration.write", [configuration], {"default_dunning_procedure": procedure})

    # So it is with those that were there before the module of dunnings was.
    (row,) = books.admin.rows("party.party", ["dunning_procedures"], ["id", "=", world.parties["Several"]])
    own = {"dunning_procedures": [["delete", row["dunning_procedures"]]]}
    books.admin.call("model.party.party.write", [row["id"]], own)
    procedure = books.procedure()
    let(procedure)
    try:
        (row,) = books.admin.rows("party.party", ["dunning_procedure"], ["id", "=", world.parties["Several"]])
        assert row["dunning_procedure"] == procedure, "Tryton says so of whoever has none"
        (client,) = stage.connector().read([str(world.bills["of Several"])], TODAY).clients
    finally:
        let(None)
    assert client.held_until is None


def test_addresses_and_people_in_tryton_s_order(books: Books, stage: Stage) -> None:
    country = {row["code"]: row["id"] for row in books.admin.rows("country.country", ["code"])}
    (party,) = books.parties(
        {
            "name": "Ordered",
            "addresses": [
                [
                    "create",
                    [
                        {"sequence": 3, "country": country["DE"], "invoice": True},
                        {"sequence": 1, "country": country["FR"]},
                        {"sequence": 2, "country": country["BE"], "invoice": True},
                    ],
                ]
            ],
        }
    )
    germany, _, belgium = (books.admin.ids("party.address", ["party", "=", party], ["country", "=", country[code]])[0]
                           for code in ("DE", "FR", "BE"))  # fmt: skip
    told: list[tuple[str, dict[str, Any]]] = [
        ("second", {"sequence": 2, "invoice": True, "name": "Compta"}),
        ("first", {"sequence": 1}),
        ("old", {"sequence": 0, "invoice": True}),
        ("german", {"sequence": 4, "address": germany, "invoice": True}),
        ("germans", {"sequence": 5, "address": germany}),
    ]
    _, _, old, *_ = books.admin.create(
        "party.contact_mechanism",
        *({"party": party, "type": "email", "value": f"{name}@x.example", **more} for name, more in told),
        {"party": party, "type": "phone", "value": "0102030405", "invoice": True},
    )
    books.admin.call("model.party.contact_mechanism.write", [old], {"active": False})
    drafts = books.draft(bill(party, invoice_address=germany), bill(party, invoice_address=belgium))
    page = stage.connector().read([*map(str, drafts)], TODAY)
    (client,) = page.clients
    assert client.country == "BE", "the first of those for invoices"
    assert [one.email.partition("@")[0] for one in client.contacts] == ["first", "second", "german", "germans"]
    assert [one.name for one in client.contacts if one.roles] == ["Compta", ""]
    assert [[one.email for one in invoice.contacts] for invoice in page.invoices] == [["german@x.example"], []], (
        "those of the invoice's own address, for invoices, come before the client's"
    )


# Calls


@pytest.fixture
def drafts(books: Books, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], list[int]]]:
    """Makes so many invoices, of a party each, and lets connectors see no other."""
    made: list[int] = []

    def make(count: int) -> list[int]:
        parties = books.parties(*({"name": f"Page {number}", "email": "a@b.example"} for number in range(count)))
        monkeypatch.setattr(reading, "OWED", (*invoices.OWED, ["party", "in", parties]))
        new = books.draft(*map(bill, parties))
        made.extend(new)
        return new

    yield make
    books.admin.call("model.account.invoice.delete", made)


def test_calls_grow_with_pages_alone(
    drafts: Callable[[int], list[int]], stage: Stage, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "PAGE", 5)
    counts = {}
    for number in (1, 4, 12):
        new = [*map(str, drafts(number))]
        connector = stage.connector()
        connector.numbered("x")
        before = len(line.calls)
        assert [one.id for one in whole(connector).invoices] == new
        counts[number] = len(line.calls) - before
    assert counts[1] == counts[4]
    assert counts[12] - counts[1] == 2 * 3, "invoices, parties and their addresses, for two pages more"
    before = len(line.calls)
    connector.read(new, TODAY)
    assert len(line.calls) - before == 4 * 3, "invoices, credits, parties and their addresses, by three chunks"


def test_a_page_shifts_no_other_when_an_invoice_goes_meanwhile(
    drafts: Callable[[int], list[int]], stage: Stage, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = drafts(7)
    monkeypatch.setattr(records, "PAGE", 3)
    pages = stage.connector().pull("", TODAY).pages
    found = [one.id for one in next(pages).invoices]
    books.cancel(new[0], new[1])
    found += [one.id for page in pages for one in page.invoices]
    assert found == [*map(str, new)]


@pytest.mark.parametrize("payments", [False, True])
def test_tryton_is_asked_what_remains_of_all_only_where_lines_do_not_tell(
    world: World, stage: Stage, line: Line, payments: bool
) -> None:
    if payments:
        line.faults["model.account.move.line.fields_get"] = [with_payments()]
    asked = asks(whole(stage.connector()), line)
    assert asked[0] is payments, "costlier than all else, and needless without the module of payments"


def with_payments() -> Fault:
    """A line has the field that the module of payments gives it."""
    relation = {"invoice_payments": "account.invoice", "dunnings": "account.dunning", "move": "account.move"}
    names = ("maturity_date", "debit", "credit", "amount_second_currency", "second_currency", "reconciliation",
             "payment_amount", *relation)  # fmt: skip
    return said({name: {"type": "x", "relation": relation.get(name)} for name in names})


def asks(page: Page, line: Line) -> list[bool]:
    """Whether each page of invoices that was read has what Tryton says remains."""
    assert page.invoices
    return [
        "amount_to_pay" in params[4] for method, params in line.calls if method == "model.account.invoice.search_read"
    ]
