"""The whole way over a real Odoo, or over what one answered: check, pull, read again, post, find, ask what became."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import requests
from odoo_samples import outgoing
from odoo_stage import LIVE, Stage, live_settings, surroundings
from odoo_tape import Recorder, Replayer

from relance_addon.connectors.odoo import inspection, invoices, reading
from relance_addon.connectors.odoo.browser import is_key
from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.connectors.odoo.transport import connect
from relance_addon.core.errors import Refused
from relance_addon.core.model import Address, Client, Invoice
from relance_addon.core.outgoing import Document, Outgoing
from relance_addon.hosts.port import MappedField

Tape = Recorder | Replayer
Domain = Sequence[Any]

PAGE = 8
POSTED: Domain = [("state", "=", "posted")]
OPEN: Domain = [*reading.OWED, *POSTED, ("payment_state", "=", "not_paid"), ("currency_id.name", "=", "EUR")]
BLOCKED = {
    16: ("line_ids.blocked", "=", True),
    17: ("line_ids.blocked", "=", True),
    18: ("payment_state", "=", "blocked"),
    19: ("payment_state", "=", "blocked"),
}
REFUSING = "refuse@partner.example"
SENDER = Address("Comptabilité, Acme", "compta@acme.example")
SCHEDULE = Document("échéancier.txt", "text/plain", "Échéances".encode())
PRINT = b"%PDF-1.4 as Odoo 16 saved it"


def test_a_check_and_the_mapping(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_PAGE", PAGE)
    monkeypatch.setattr(reading, "_SAMPLED", 3 * PAGE)
    connector, tape = stage.connector(), stage.tape
    findings = {finding.subject: finding for finding in connector.check(stage.today)}
    assert not [one for one in findings.values() if one.level == "error"]
    assert {"version", "company", "invoices", "speed", "rights", "mapping", "sending", "mail servers"} <= set(findings)
    assert f"Odoo {tape.version}," in findings["version"].text
    assert ("JSON-2" if tape.carrier == "json2" else "JSON-RPC") in findings["version"].text
    assert ("api" in findings) == (tape.version >= 19 and tape.carrier == "jsonrpc")
    assert all(one.mend for one in findings.values() if one.level == "warning")
    checking = len(tape.calls)
    assert checking <= 25

    lines = {(line.kind, line.field): line for line in connector.fields(stage.today)}
    assert not any(line.problem for line in lines.values() if line.field != "pdf")
    assert lines["invoice", "due_date"].source == "invoice_date_due"
    assert len(lines["invoice", "due_date"].samples) == 3
    assert all("@" in sample for sample in _samples(lines["invoice", "salesperson"]))
    assert "billing" in _samples(lines["contact", "roles"])
    assert len(tape.calls) - checking <= 12


def test_what_is_owed_and_what_changed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    connector, tape = stage.connector(), stage.tape
    kinds = {
        "drafts": _some(tape, [("state", "=", "draft"), ("move_type", "=", "out_invoice")]),
        "receipts": _some(tape, [*POSTED, ("move_type", "=", "out_receipt")]),
        "partly paid": _some(tape, [*reading.OWED, ("payment_state", "=", "partial")], 3),
        "instalments": _some(tape, [*OPEN, ("invoice_payment_term_id.line_ids.value_amount", "=", 30)], 3),
        "other currencies": _some(tape, [*reading.OWED, *POSTED, ("currency_id.name", "!=", "EUR")]),
        "to a contact": _some(tape, [*OPEN, ("partner_id.type", "=", "invoice")], 3),
        "blocked": _some(tape, [*reading.OWED, BLOCKED[tape.version]]),
        "of clients with credits": _some(tape, [*OPEN, ("commercial_partner_id", "in", _credited(tape))]),
    }
    if tape.version >= 19:
        kinds["out of follow-up"] = _some(tape, [*reading.OWED, ("line_ids.no_followup", "=", True)], 1)
    client = _client_of(tape, kinds["to a contact"][0])
    settled, deleted = _bill(stage, client, 120.5), _bill(stage, client, 60)
    tape.call("account.move", "action_post", [settled])
    chosen = sorted({one for ids in kinds.values() for one in ids} | {settled, deleted})
    for module in (reading, invoices):
        # As if nothing else were owed: a recording is to be small.
        among = [*reading.OWED, "|", ("id", "in", chosen), ("id", ">", deleted)]
        monkeypatch.setattr(module, "OWED", among)
    monkeypatch.setattr(reading, "PAGE", PAGE)

    before = len(tape.calls)
    pull = connector.pull("", stage.today)
    pages = list(pull.pages)
    found = {int(one.id): one for page in pages for one in page.invoices}
    clients = {one.id: one for page in pages for one in page.clients}
    assert pull.full
    assert len(pages) == len(chosen) // PAGE + 1
    assert not any(page.cursor for page in pages[:-1])
    assert len(tape.calls) - before <= 12 + 6 * len(pages)
    assert sorted(found) == chosen
    assert {one.client for one in found.values()} == clients.keys()
    assert not any(page.problems or page.gone for page in pages)
    assert not any(one.invalid for one in (*found.values(), *clients.values()))

    def of(kind: str) -> list[Invoice]:
        return [found[one] for one in kinds[kind]]

    assert all(one.status == "draft" and one.issue_date is None for one in of("drafts"))
    assert all(0 < one.residual < one.total for one in of("partly paid"))
    for one in of("instalments"):
        assert len(one.instalments) == 3
        assert sum(part.amount for part in one.instalments) == one.total
        assert sum(part.residual for part in one.instalments) == one.residual
        assert one.instalments[-1].due_date == one.due_date, "Odoo's due date is that of the last"
    assert {one.currency for one in of("other currencies")} == {"USD"}
    assert all([contact.roles for contact in one.contacts] == [("billing",)] for one in of("to a contact"))
    held = [one for one in of("blocked") if one.held_until]
    assert all(one.status == "disputed" for one in of("blocked")) if tape.version >= 18 else held == of("blocked")
    assert all(one.held_until for one in of("out of follow-up")) if tape.version >= 19 else True
    assert all(clients[one.client].credits["EUR"] > 0 for one in of("of clients with credits"))
    assert {one.country for one in clients.values()} >= {"FR", "BE"}
    assert any(one.tags for one in clients.values())
    assert any("billing" in contact.roles for one in clients.values() for contact in one.contacts)

    touched = kinds["partly paid"][0]
    tape.call("account.move", "write", [touched], vals={"ref": "BC 7"})
    _pay(tape, settled)
    _pay_on_account(tape, client, 12.5)
    new = _bill(stage, client, 75)
    tape.call("account.move", "unlink", [deleted])

    before = len(tape.calls)
    pull = connector.pull(pages[-1].cursor, stage.today)
    after = list(pull.pages)
    changed = {int(one.id): one for page in after for one in page.invoices}
    assert not pull.full
    expected = {touched: "open", settled: "paid", new: "draft"}
    assert {number: changed[number].status for number in expected} == expected
    assert all(found[number] == changed[number] for number in changed.keys() - expected), (
        "what comes again is what it was"
    )
    assert not changed.keys() & {*kinds["drafts"], *kinds["instalments"]}, "what did not change does not come"
    assert [number for page in after for number in page.gone] == [str(deleted)]
    assert changed[settled].residual == 0
    (debtor,) = [one for page in after for one in page.clients if one.id == str(client)]
    was = clients[str(client)]
    assert debtor.credits["EUR"] == was.credits.get("EUR", Decimal()) + Decimal("12.5")
    assert replace(debtor, credits=was.credits) == was
    assert len(tape.calls) - before <= 18

    unchanged = kinds["instalments"][0]
    before = len(tape.calls)
    again = connector.read([*map(str, (settled, touched, unchanged)), str(deleted), "FAC"], stage.today)
    assert {one.id: one for one in again.invoices} == {
        str(settled): changed[settled],
        str(touched): changed[touched],
        str(unchanged): found[unchanged],
    }
    assert list(again.gone) == [str(deleted), "FAC"]
    assert {one.id for one in again.clients} == {one.client for one in again.invoices}
    assert len(tape.calls) - before <= 8
    assert str(touched) in connector.numbered(found[touched].number)
    assert connector.locate("invoice", [str(touched), str(deleted)]).keys() == {str(touched)}
    assert connector.locate("client", [str(client)]).keys() == {str(client)}


def test_invoices_in_every_state(stage: Stage) -> None:
    tape = stage.tape
    states = {
        ("draft", "not_paid"): "draft",
        ("cancel", "not_paid"): "cancelled",
        ("posted", "not_paid"): "open",
        ("posted", "partial"): "open",
        ("posted", "paid"): "paid",
        ("posted", "reversed"): "cancelled",
        ("posted", "blocked"): "disputed",
    }
    if tape.version < 18:
        del states["posted", "blocked"]
    expected = {}
    for (state, payment), status in states.items():
        domain = [("move_type", "=", "out_invoice"), ("state", "=", state), ("payment_state", "=", payment)]
        (one,) = _some(tape, domain, 1)
        expected[str(one)] = status
    (refund,) = _some(tape, [("move_type", "=", "out_refund"), *POSTED], 1)

    page = stage.connector().read([*expected, str(refund), "999999999", "FAC"], stage.today)

    assert {invoice.id: invoice.status for invoice in page.invoices} == expected
    assert list(page.gone) == [str(refund), "999999999", "FAC"], "a credit note is no invoice"


def test_links_lead_to_the_portal(stage: Stage) -> None:
    tape = stage.tape
    old, draft = _some(tape, OPEN, 2), _some(tape, [("state", "=", "draft"), ("move_type", "=", "out_invoice")], 1)
    new = [_bill(stage, _client_of(tape, old[0]), amount) for amount in (10, 20)]
    tape.call("account.move", "action_post", new)
    connector = stage.connector()
    page = connector.read([*map(str, [*old, *draft, *new])], stage.today)

    links = connector.links(page.invoices)

    assert links.keys() == set(map(str, [*old, *new])), "a draft is not there to be paid"
    assert all(f"/my/invoices/{number}?access_token=" in link for number, link in links.items())
    before = len(tape.calls)
    assert stage.connector().links(page.invoices) == links, "a token is made once"
    assert len(tape.calls) - before == 2
    if stage.live:
        answer = requests.get(links[str(new[0])], timeout=60)
        assert (answer.status_code, page.invoices[-2].number in answer.text) == (200, True)


def test_a_reminder_leaves_once(stage: Stage) -> None:
    connector, tape = stage.connector(), stage.tape
    (invoice,), client = _late(stage, [("partner_id.type", "=", "invoice")])
    to, cc = invoice.contacts[0].email, client.email
    message = _message(tape, "key", client, [invoice], to, attachments=[SCHEDULE])
    assert connector.find([message.mark])[message.key].presence == "absent"
    assert not list(connector.events([message.mark]))
    # A note goes to people that Odoo knows, and from 19 on it shows them to one another.
    bcc = [] if connector.capabilities.only_contacts else ["archives@acme.example"]
    message = replace(message, cc=(Address("", cc),), bcc=tuple(Address("", one) for one in bcc))
    everyone = {to, cc, *bcc}

    shown = _shown(tape, invoice)
    before = len(tape.calls)
    (posted,) = connector.post([message])
    posting = len(tape.calls) - before
    assert posted == (message.key, "sent", "", True)
    left = _left(tape, message)
    assert left == (1 if connector.capabilities.only_contacts else len(everyone))
    assert stage.connector().post([message]) == [posted], "another process is told the same"
    assert _left(tape, message) == left

    before = len(tape.calls)
    assert connector.find([message.mark]) == {message.key: (message.key, "present", "sent")}
    assert (posting, len(tape.calls) - before) == ((7, 3) if connector.capabilities.only_contacts else (5, 2))
    events = list(connector.events([message.mark]))
    assert {(event.message_id, event.event, event.recipient) for event in events} == {
        (message.message_id, "sent", one) for one in everyone
    }
    assert all(event.at.tzinfo for event in events)
    assert _shown(tape, invoice) == shown + 1, "one reminder is one line there, and Odoo adds none of its own"
    (chatter,) = tape.call(
        "mail.message",
        "search_read",
        domain=[("model", "=", "account.move"), ("res_id", "=", int(invoice.id)), ("subject", "=", message.subject),
                ("message_id", "=", message.message_id)],
        fields=["body", "attachment_ids"],
    )  # fmt: skip
    assert "merci de régler" in chatter["body"]
    (file,) = tape.call("ir.attachment", "read", chatter["attachment_ids"], fields=["name", "res_model", "res_id"])
    assert (file["name"], file["res_model"], file["res_id"]) == (SCHEDULE.name, "account.move", int(invoice.id))


def test_a_reminder_through_a_template_is_queued_once(stage: Stage) -> None:
    tape = stage.tape
    connector = stage.connector(template=_empty_template(tape), send="template")
    (invoice,), client = _late(stage, [("partner_id.type", "=", "invoice")])
    bcc = ["archives@acme.example"]
    message = _message(tape, "key", client, [invoice], invoice.contacts[0].email, bcc=bcc, attachments=[SCHEDULE])

    (posted,) = connector.post([message])

    assert posted[:2] == (message.key, "queued")
    assert not posted.error
    assert _left(tape, message) == 2
    assert connector.post([message])[0].state == "queued"
    assert _left(tape, message) == 2
    assert connector.find([message.mark]) == {message.key: (message.key, "present", "queued")}
    assert {event.event for event in connector.events([message.mark])} == {"queued"}


def test_what_becomes_of_a_batch(stage: Stage) -> None:
    connector, tape = stage.connector(), stage.tape
    _refusing(tape)
    (first, second, third), client = _late(stage, [("partner_id.type", "=", "contact")], 3)
    messages = [
        _message(tape, "refused", client, [first], REFUSING),
        _message(tape, "unknown", client, [third], "nobody@elsewhere.example"),
        _message(tape, "together", client, [first, second], client.email),
        _message(tape, "divided", client, [third], client.email, REFUSING),
    ]
    noted = [("model", "=", "account.move"), ("res_id", "=", int(second.id)), ("subject", "=", messages[2].subject)]
    notes = tape.call("mail.message", "search_count", domain=noted)

    before = len(tape.calls)
    outcomes = connector.post(messages)
    assert not connector.finish()

    assert len(tape.calls) - before <= 3 + 2 * len(messages)
    assert [one.key for one in outcomes] == [one.key for one in messages]
    stranger = "failed" if connector.capabilities.only_contacts else "sent"
    assert [one.state for one in outcomes] == ["failed", stranger, "sent", "sent"]
    assert "550" in outcomes[0].error
    assert REFUSING in outcomes[3].error
    assert "nobody@elsewhere.example" in outcomes[1].error or stranger == "sent"
    found = connector.find([message.mark for message in messages])
    presence = ("absent", "sent") if stranger == "failed" else ("present", "sent")
    assert [found[one.key][1:] for one in messages] == [
        ("present", "failed"),
        presence,
        ("present", "sent"),
        ("present", "sent"),
    ]
    assert tape.call("mail.message", "search_count", domain=noted) == notes + 1, "every invoice shows its reminder"
    events = [event for event in connector.events([messages[3].mark]) if event.event == "failed"]
    assert [(event.recipient, "550" in event.detail) for event in events] == [(REFUSING, True)]

    left = _left(tape, messages[3])
    assert stage.connector().post(messages[3:]) == outcomes[3:]
    assert _left(tape, messages[3]) == left


def test_a_to_do_is_made_once_and_known_when_it_is_done(stage: Stage) -> None:
    connector, tape = stage.connector(), stage.tape
    (first, second), client = _late(stage, [], 2)
    me = tape.call("res.users", "search_read", domain=[("login", "=", tape.user)], fields=["email"])[0]
    message = replace(
        _message(tape, "key", client, [first, second]),
        channel="activity",
        sender=Address("", me["email"]),
        subject="Appeler le client",
        day=stage.today + timedelta(days=3),
    )
    assert connector.find([message.mark])[message.key].presence == "absent"

    assert connector.post([message]) == [(message.key, "sent", "", True)]
    assert stage.connector().post([message]) == [(message.key, "sent", "", True)]

    domain = [("res_model", "=", "account.move"), ("note", "ilike", message.key)]
    fields = ["res_id", "summary", "date_deadline", "user_id"]
    made = tape.call("mail.activity", "search_read", domain=domain, fields=fields, load="")
    assert {row["res_id"] for row in made} == {int(first.id), int(second.id)}
    assert len(made) == 2
    due = message.day.isoformat()
    assert {(row["summary"], row["date_deadline"], row["user_id"]) for row in made} == {
        ("Appeler le client", due, me["id"])
    }
    tape.call("mail.activity", "action_feedback", [row["id"] for row in made], feedback="Promet un virement")
    assert tape.call("mail.activity", "search_count", domain=domain) == 0
    assert connector.find([message.mark])[message.key].presence == "present"


def test_a_pdf_that_odoo_keeps(stage: Stage) -> None:
    tape = stage.tape
    bill = _bill(stage, _refusing(tape), 30)
    tape.call("account.move", "action_post", [bill])
    connector = stage.connector(make_pdf=True)
    page = connector.read([str(bill)], stage.today)
    if tape.version == 16:
        # What Odoo 16 prints for a person, it keeps under this name.
        name = page.invoices[0].number.replace("/", "_") + ".pdf"
        file = {"name": name, "res_model": "account.move", "res_id": bill, "datas": b64encode(PRINT).decode()}
        tape.call("ir.attachment", "create", vals_list=[file])

    (document,) = connector.pdfs(page.invoices).values()

    assert document.content.startswith(b"%PDF")
    assert document.name.endswith(".pdf")
    before = len(tape.calls)
    assert stage.connector().pdfs(page.invoices)[str(bill)].content[:500] == document.content[:500]
    assert len(tape.calls) - before == (3 if tape.version == 16 else 2), "once made it is there for all"


@pytest.mark.skipif(not LIVE, reason="Odoo's web pages are not recorded")
def test_pdfs_are_printed_for_one_who_has_the_password(tmp_path: Path) -> None:
    settings, password = live_settings(tmp_path)
    transport = connect(settings, password, tmp_path)
    numbers = transport.call("account.move", "search", domain=OPEN, limit=2, order="id")
    connector = OdooConnector("acme", settings, surroundings(tmp_path))
    page = connector.read([str(one) for one in numbers], date.today())
    try:
        documents = connector.pdfs(page.invoices)
    finally:
        connector.close()
    printed = not is_key(password) or transport.version == 16
    assert documents.keys() == ({one.id for one in page.invoices} if printed else set())
    assert all(one.content.startswith(b"%PDF") and len(one.content) > 5000 for one in documents.values())


def _some(tape: Tape, domain: Domain, limit: int = 2) -> list[int]:
    found: list[int] = tape.call("account.move", "search", domain=list(domain), limit=limit, order="id")
    if len(found) < limit:
        pytest.skip(f"no {limit} invoices of this kind there: {domain}")
    return found


def _credited(tape: Tape) -> list[int]:
    """Clients with payments or credit notes that are matched to nothing."""
    domain = [("account_type", "=", "asset_receivable"), ("parent_state", "=", "posted"), ("reconciled", "=", False),
              ("amount_residual", "<", 0)]  # fmt: skip
    rows = tape.call("account.move.line", "search_read", domain=domain, fields=["partner_id"], load="", limit=4)
    partners = sorted({row["partner_id"] for row in rows})
    rows = tape.call("res.partner", "read", partners, fields=["commercial_partner_id"], load="")
    return sorted({row["commercial_partner_id"] for row in rows})


def _client_of(tape: Tape, move: int) -> int:
    (row,) = tape.call("account.move", "read", [move], fields=["commercial_partner_id"], load="")
    client: int = row["commercial_partner_id"]
    return client


def _late(stage: Stage, domain: Domain, count: int = 1) -> tuple[list[Invoice], Client]:
    """Open invoices of one client who has an address."""
    first = _some(stage.tape, [*OPEN, *domain, ("commercial_partner_id.email", "!=", False)], 1)[0]
    client = _client_of(stage.tape, first)
    numbers = _some(stage.tape, [*OPEN, *domain, ("commercial_partner_id", "=", client)], count)
    page = stage.connector().read([str(one) for one in numbers], stage.today)
    return list(page.invoices), page.clients[0]


def _bill(stage: Stage, client: int, amount: float) -> int:
    """A draft of an invoice."""
    line = {"name": "Conseil", "quantity": 1, "price_unit": amount, "tax_ids": [(5, 0, 0)]}
    values = {
        "move_type": "out_invoice",
        "partner_id": client,
        "invoice_date": str(stage.today),
        "invoice_line_ids": [(0, 0, line)],
    }
    made: list[int] = stage.tape.call("account.move", "create", vals_list=[values])
    return made[0]


def _pay(tape: Tape, move: int) -> None:
    context = {"active_model": "account.move", "active_ids": [move]}
    made = tape.call("account.payment.register", "create", vals_list=[{}], context=context)
    tape.call("account.payment.register", "action_create_payments", made)


def _pay_on_account(tape: Tape, client: int, amount: float) -> None:
    values = {"payment_type": "inbound", "partner_type": "customer", "partner_id": client, "amount": amount}
    made = tape.call("account.payment", "create", vals_list=[values])
    tape.call("account.payment", "action_post", made)


def _refusing(tape: Tape) -> int:
    """A client whose mail server takes nothing, and who gets no e-invoice; an administrator can add it."""
    domain = [("email", "=", REFUSING)]
    found = tape.call("res.partner", "search", domain=domain, limit=1)
    if not found:
        country = tape.call("res.country", "search", domain=[("code", "=", "US")])[0]
        values = {"name": "Refuse Inc.", "email": REFUSING, "country_id": country}
        try:
            found = tape.call("res.partner", "create", vals_list=[values])
        except Refused:
            pytest.skip(f"no contact with the address {REFUSING}")
    number: int = found[0]
    return number


def _empty_template(tape: Tape) -> int:
    """A mail template that says nothing and is made out to nobody."""
    name = "Relance (empty)"
    found = tape.call("mail.template", "search", domain=[("name", "=", name)], limit=1)
    if not found:
        rows = tape.call(
            "mail.template",
            "search_read",
            domain=[("model", "=", "account.move")],
            fields=["model_id"],
            load="",
            limit=1,
        )
        values = {"name": name, "model_id": rows[0]["model_id"], "auto_delete": False, "use_default_to": False}
        found = tape.call("mail.template", "create", vals_list=[values])
    number: int = found[0]
    return number


def _message(tape: Tape, name: str, client: Client, about: Sequence[Invoice], *to: str, **more: Any) -> Outgoing:
    key = tape.given(name, lambda: token_hex(12))
    return replace(outgoing(key, client, about, *to, **more), sender=SENDER)


def _left(tape: Tape, message: Outgoing) -> int:
    count: int = tape.call("mail.message", "search_count", domain=[("message_id", "=", message.message_id)])
    return count


def _shown(tape: Tape, invoice: Invoice) -> int:
    """How many messages there are on the invoice."""
    domain = [("model", "=", "account.move"), ("res_id", "=", int(invoice.id))]
    count: int = tape.call("mail.message", "search_count", domain=domain)
    return count


def _samples(line: MappedField) -> Sequence[str]:
    assert line.samples, f"no {line.kind}.{line.field} there"
    return line.samples
