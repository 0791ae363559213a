"""The whole way over a real Odoo, or over what one answered: pull, read again, post, find."""

from __future__ import annotations

from decimal import Decimal
from secrets import token_hex

from conftest import Stage
from odoo_samples import TODAY, outgoing

from relance_addon.connectors.odoo.reading import OWED
from relance_addon.core.model import Contact
from relance_addon.core.outgoing import Document
from relance_addon.hosts.port import BATCH


def test_a_reminder_from_pull_to_mark(stage: Stage) -> None:
    connector, tape = stage.connector, stage.tape

    pull = connector.pull("", TODAY)
    pages = list(pull.pages)
    invoices = [invoice for page in pages for invoice in page.invoices]
    clients = {client.id: client for page in pages for client in page.clients}
    pulling = len(tape.calls)
    assert pull.full
    assert len(pages) == 1
    assert sum(invoice.status == "open" for invoice in invoices) >= 200
    assert pulling <= 15
    assert not any(page.problems for page in pages)
    assert not any(record.invalid for record in (*invoices, *clients.values()))
    assert {invoice.client for invoice in invoices} == clients.keys()
    assert {invoice.currency for invoice in invoices} == {"EUR", "USD"}
    in_parts = [invoice for invoice in invoices if invoice.instalments]
    assert in_parts
    for invoice in in_parts:
        assert sum(part.residual for part in invoice.instalments) == invoice.residual
        assert sum(part.amount for part in invoice.instalments) == invoice.total
        assert invoice.instalments[-1].due_date == invoice.due_date
    assert any("billing" in contact.roles for client in clients.values() for contact in client.contacts)
    assert {"FR", "BE", "US"} <= {client.country for client in clients.values()}
    assert any(client.credits.get("EUR", Decimal()) > 0 for client in clients.values())
    assert any("Secteur public" in client.tags for client in clients.values())

    open_ones = [invoice for invoice in invoices if invoice.status == "open"]
    again = connector.read([invoice.id for invoice in open_ones[:BATCH]], TODAY)
    reading = len(tape.calls) - pulling
    assert list(again.invoices) == open_ones[:BATCH]
    assert all(clients[client.id] == client for client in again.clients)
    assert reading <= 8

    chosen = next(one for one in open_ones if _billing(clients[one.client].contacts))
    client = clients[chosen.client]
    key = tape.given("key", lambda: token_hex(12))
    document = Document("échéancier.txt", "text/plain", "Échéances".encode())
    message = outgoing(key, client, [chosen], _billing(client.contacts), attachments=[document])
    assert connector.find([message.mark])[key].presence == "absent"

    before = len(tape.calls)
    (posted,) = connector.post([message])
    assert posted == (key, "sent", "", True)
    posting = len(tape.calls) - before

    before = len(tape.calls)
    found = connector.find([message.mark])
    finding = len(tape.calls) - before
    assert found == {key: (key, "present", "sent")}
    assert (posting, finding) == (5, 2)
    print(
        f"\n{len(invoices)} invoices, {len(clients)} clients; {tape.seconds:.2f} s in all; {message.message_id}"
        f"\ncalls: {pulling} to pull, {reading} to read {BATCH} again, {posting} to post, {finding} to find"
    )


def test_what_becomes_of_a_batch(stage: Stage) -> None:
    connector, tape = stage.connector, stage.tape
    refusing = tape.call(
        "account.move", "search", domain=[*OWED, ("partner_id.email", "=like", "refuse550@%")], limit=1
    )
    others = tape.call("account.move", "search", domain=[*OWED, ("partner_id.name", "=", "Garage Martin")], limit=2)
    page = connector.read([str(one) for one in (*refusing, *others)], TODAY)
    by_id = {invoice.id: invoice for invoice in page.invoices}
    refused, first, second = (by_id[str(one)] for one in (*refusing, *others))
    clients = {client.id: client for client in page.clients}
    keys = [tape.given(name, lambda: token_hex(12)) for name in ("refused", "unknown", "together")]
    messages = [
        outgoing(keys[0], clients[refused.client], [refused], clients[refused.client].email),
        outgoing(keys[1], clients[first.client], [first], "nobody@elsewhere.test"),
        outgoing(keys[2], clients[first.client], [first, second], clients[first.client].email),
    ]

    before = len(tape.calls)
    outcomes = connector.post(messages)

    assert [one.key for one in outcomes] == keys
    assert [one.state for one in outcomes] == ["failed", "failed", "sent"]
    assert "550" in outcomes[0].error
    assert "nobody@elsewhere.test" in outcomes[1].error
    assert len(tape.calls) - before == 1 + 2 + 2 + 1
    found = connector.find([message.mark for message in messages])
    assert [found[key][1:] for key in keys] == [("present", "failed"), ("absent", "sent"), ("present", "sent")]
    noted = tape.call(
        "mail.message",
        "search_count",
        domain=[("model", "=", "account.move"), ("res_id", "=", int(second.id)), ("subject", "=", messages[2].subject)],
    )
    assert noted >= 1


def test_invoices_in_every_state(stage: Stage) -> None:
    connector, tape = stage.connector, stage.tape
    states = {
        ("draft", "not_paid"): "draft",
        ("cancel", "not_paid"): "cancelled",
        ("posted", "not_paid"): "open",
        ("posted", "partial"): "open",
        ("posted", "paid"): "paid",
        ("posted", "reversed"): "cancelled",
        ("posted", "blocked"): "disputed",
    }
    expected: dict[str, str] = {}
    for (state, payment), status in states.items():
        domain = [("move_type", "=", "out_invoice"), ("state", "=", state), ("payment_state", "=", payment)]
        for one in tape.call("account.move", "search", domain=domain, limit=1):
            expected[str(one)] = status

    page = connector.read([*expected, "999999999", "FAC"], TODAY)

    assert {invoice.id: invoice.status for invoice in page.invoices} == expected
    assert len(expected) == len(states)
    assert list(page.gone) == ["999999999", "FAC"]


def test_checking_and_showing_the_mapping(stage: Stage) -> None:
    findings = stage.connector.check(TODAY)
    assert [finding.level for finding in findings] == ["ok", "ok", "ok"]

    lines = {(line.kind, line.field): line for line in stage.connector.fields(TODAY)}
    assert not any(line.problem for line in lines.values())
    assert lines["invoice", "due_date"].source == "invoice_date_due"
    assert len(lines["invoice", "due_date"].samples) == 3
    assert all("@" in sample for sample in lines["invoice", "salesperson"].samples)


def _billing(contacts: tuple[Contact, ...]) -> str:
    return next((one.email for one in contacts if "billing" in one.roles), "")
