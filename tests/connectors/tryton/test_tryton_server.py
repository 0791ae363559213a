"""The Tryton of the tests itself: what its users may do, how its books are written, and that it is made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import tryton_server
from post_office import Letterbox
from tryton_books import Bill, Books
from tryton_rpc import Client, Told
from tryton_server import PDF, Tryton

DAY, LATER = date(2026, 10, 1), date(2026, 11, 1)


@pytest.fixture(scope="session")
def robot(tryton: Tryton) -> Client:
    return tryton.client("robot")


def test_it_is_of_the_series_that_the_tests_ask_for(robot: Client) -> None:
    assert robot.series == "8.0"


def test_invoices_are_of_any_day_in_any_order_and_due_when_they_are_said_to_be(books: Books, robot: Client) -> None:
    (party,) = books.parties({"name": "Dupont", "email": "a@dupont.example", "invoice_email": "compta@dupont.example"})
    bills = [
        Bill(party, date(2026, 9, 2), {DAY: "120.10"}),
        Bill(party, date(2025, 9, 1), {DAY: "50", LATER: "50.01", date(2027, 1, 1): 1}, "USD"),
    ]
    invoices = [*books.bill(*bills), *books.bill(Bill(party, date(2026, 9, 1), {DAY: -10}))]
    fields = ["number", "state", "total_amount", "currency.code", "lines_to_pay.maturity_date", "party.email"]
    rows = robot.rows("account.invoice", fields, ["id", "in", invoices])
    assert len({row["number"] for row in rows}) == 3
    assert [(row["state"], row["total_amount"], row["currency."]["code"]) for row in rows] == [
        ("posted", Decimal("120.10"), "EUR"),
        ("posted", Decimal("101.01"), "USD"),
        ("posted", Decimal(-10), "EUR"),
    ]
    assert [line["maturity_date"] for line in rows[1]["lines_to_pay."]] == [DAY, LATER, date(2027, 1, 1)]
    assert {row["party."]["email"] for row in rows} == {"compta@dupont.example"}


def test_invoices_are_paid_settled_and_cancelled(books: Books, robot: Client) -> None:
    (party,) = books.parties({"name": "Martin"})
    halves = Bill(party, DAY, {DAY: 50, LATER: 50}, "USD")
    others = [Bill(party, DAY, {DAY: amount}) for amount in (100, 100, 30, -30, 7)]
    dollars, part, full, credited, note, void = invoices = books.bill(halves, *others)
    books.pay(dollars, 50, on=LATER)
    books.pay(part, "40.05", on=LATER)
    books.pay(full, on=LATER)
    books.settle(*books.owed(credited, note))
    books.cancel(void)
    rows = robot.rows("account.invoice", ["state", "amount_to_pay"], ["id", "in", invoices])
    assert [(row["state"], row["amount_to_pay"]) for row in rows] == [
        ("posted", 50),
        ("posted", Decimal("59.95")),
        ("paid", 0),
        ("paid", 0),
        ("paid", 0),
        ("cancelled", 0),
    ]
    assert len(books.owed(*invoices)) == 2


def test_instalments_are_postponed(books: Books, robot: Client) -> None:
    (party,) = books.parties({"name": "Plus tard"})
    lines = books.owed(*books.bill(Bill(party, DAY, {DAY: 50})))
    books.postpone(*lines, until=LATER)
    assert robot.rows("account.move.line", ["maturity_date"], ["id", "in", lines])[0]["maturity_date"] == LATER


def test_what_a_party_paid_for_nothing_yet_is_an_open_credit(books: Books, robot: Client) -> None:
    (party,) = books.parties({"name": "Acompte"})
    line = books.receive(party, 80, on=DAY)
    open_lines = robot.rows("account.move.line", ["credit"], ["party", "=", party], ["reconciliation", "=", None])
    assert open_lines == [{"id": line, "credit": 80}]


def test_the_robot_sees_who_is_not_to_be_dunned(books: Books, robot: Client) -> None:
    (party,) = books.parties({"name": "Bloqué"})
    books.dun(party, books.procedure())
    (invoice,) = books.bill(Bill(party, DAY, {DAY: 10}))
    lines = books.owed(invoice)
    fields = ["dunnings.blocked", "party.dunning_procedure.levels"]
    books.block(*lines)
    (row,) = robot.rows("account.move.line", fields, ["id", "in", lines])
    assert row["dunnings."][0]["blocked"]
    assert row["party."]["dunning_procedure."]["levels"] == []
    books.release(*lines)
    (row,) = robot.rows("account.move.line", fields, ["id", "in", lines])
    assert not row["dunnings."][0]["blocked"]


def test_the_robot_leaves_notes_and_changes_no_line(books: Books, robot: Client) -> None:
    (party,) = books.parties({"name": "Notes"})
    (invoice,) = books.bill(Bill(party, DAY, {DAY: 10}))
    robot.one("ir.note", resource=f"account.invoice,{invoice}", message="Rappel")
    with pytest.raises(Told, match="not allowed to access"):
        robot.call("model.account.move.line.write", books.owed(invoice), {"maturity_date": LATER})


def test_the_blind_one_reads_no_invoice(tryton: Tryton) -> None:
    with pytest.raises(Told, match="not allowed to access"):
        tryton.client("blind").ids("account.invoice")


def test_a_mail_that_it_sends_arrives_and_is_kept(books: Books, robot: Client, letters: Letterbox) -> None:
    (party,) = books.parties({"name": "Mail"})
    (invoice,) = books.bill(Bill(party, DAY, {DAY: 10}))
    people = ("Zoé <zoe@mail.example>", "c@mail.example", "b@mail.example")
    texts = ("Rappel", "<p>Bonjour</p>", [["a.txt", b"a"]])
    number = robot.call("model.ir.email.send", *people, *texts, ["account.invoice", invoice], [], [])
    (envelope,) = letters.got
    assert sorted(envelope.rcpt_tos) == ["b@mail.example", "c@mail.example", "zoe@mail.example"]
    mail = message_from_bytes(bytes(envelope.content), policy=policy.default)
    assert mail["From"] == "robot@acme.example"
    assert [part.get_content_type() for part in mail.walk()][2:] == ["text/plain", "text/html", "text/plain"]
    assert "Bonjour" in mail.get_body(("plain",)).get_content()
    (kept,) = robot.rows("ir.email", ["body", "message_id"], ["resource", "=", f"account.invoice,{invoice}"])
    assert kept == {"id": number, "body": "<p>Bonjour</p>", "message_id": mail["Message-ID"]}


def test_invoices_are_printed_as_text_or_as_a_pdf(books: Books, robot: Client) -> None:
    (party,) = books.parties({"name": "PDF"})
    printed = []
    for extension in ("pdf", ""):
        books.print_as(extension)
        (invoice,) = books.bill(Bill(party, DAY, {DAY: 10}))
        printed.append(robot.call("report.account.invoice.execute", [invoice], {"id": invoice, "ids": [invoice]})[:2])
    assert printed[0] == ["pdf", PDF]
    assert printed[1][0] == "txt"


def test_sessions_that_start_together_make_one_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = Builds()
    monkeypatch.setattr(tryton_server, "_build", builds)
    monkeypatch.setenv("RELANCE_TEST_CACHE", str(tmp_path))
    with ThreadPoolExecutor() as sessions:
        made = {*sessions.map(lambda _: tryton_server.template(), range(4))}
    assert [path.read_bytes() for path in made] == [b"made"]
    assert builds.begun == 1


def test_a_database_that_could_not_be_made_is_made_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = Builds(fails=1)
    monkeypatch.setattr(tryton_server, "_build", builds)
    monkeypatch.setenv("RELANCE_TEST_CACHE", str(tmp_path))
    with pytest.raises(OSError, match="no space left"):
        tryton_server.template()
    assert tryton_server.template().read_bytes() == b"made"
    assert builds.begun == 2


class Builds:
    """Makes databases without Tryton; it fails so often first, half-way."""

    def __init__(self, fails: int = 0) -> None:
        self.fails, self.begun = fails, 0

    def __call__(self, folder: Path, python: str) -> Path:
        self.begun += 1
        (folder / "whole.sqlite").write_bytes(b"made")
        if self.begun <= self.fails:
            raise OSError("no space left")
        return folder / "whole.sqlite"
