"""The whole way over a real Dolibarr, or over what one answered: check, pull, read again, post, find, PDFs, links.

All with the few rights that docs/dolibarr.md asks for; an administrator only changes the books meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from secrets import token_hex
from typing import Any

import pytest
from dolibarr_samples import activity, outgoing
from dolibarr_stage import Stage
from mailers import PostOffice

from relance_addon.connectors.dolibarr import inspection, invoices, reading, rest
from relance_addon.connectors.dolibarr.agenda import SENT, UID
from relance_addon.connectors.dolibarr.invoices import OWED, SALES
from relance_addon.connectors.dolibarr.rest import Row
from relance_addon.core.model import Address, Invoice
from relance_addon.hosts.port import Finding, Found, MappedField, Posted

PAGE = 8
OPEN = f"(t.fk_statut:=:1) and (t.paye:=:0) and {SALES}"
EUR = f"{OPEN} and (t.multicurrency_code:=:'EUR')"
NOWHERE = "999999999"
CREDITED = "5,9,30,32"
"""Clients of the trial books with open credit notes, or some that became discounts."""
MUTE = "17,31"
"""Clients without an address."""
FIELD = f"setup/extrafields/actioncomm/{UID}"
UNIQUE = {
    "label": "UID relance", "type": "varchar", "size": "64", "pos": 100, "unique": 1, "enabled": "1", "list": "0",
    "alwayseditable": 1,
}  # fmt: skip
COLUMNS = "id,ref,socid,total_ttc,remaintopay,contacts_ids"


# Looking at it


def test_a_check_and_the_mapping(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_PAGE", PAGE)
    monkeypatch.setattr(reading, "_SAMPLED", 2 * PAGE)
    connector = stage.connector()

    found = connector.check(stage.today)

    findings = {one.subject: one for one in found}
    assert not [one for one in found if one.level == "error"]
    assert findings["version"] == Finding("ok", "version", f"Dolibarr {stage.tape.version}")
    assert findings["all customers"].level == "ok"
    assert {one for one in ("third parties", "contacts", "events", "user", "PDF") if findings[one].level == "ok"} == {
        "third parties", "contacts", "events", "user", "PDF"
    }  # fmt: skip
    assert "user 4 may write events" in findings["user"].text
    assert {one.level for one in (findings["users"], findings["categories"])} == {"warning"}
    assert findings["second sender"].level == "ok"
    assert all(one.mend for one in found if one.level == "warning")
    if stage.version >= 20:
        assert findings["time zone"] == Finding("ok", "time zone", "Europe/Paris")
        assert findings["claim"].level == "ok", "the field can be asked for"
    else:
        assert "does not say its own" in findings["time zone"].text, "16 says nothing of its PHP"
    checking = len(stage.tape.calls)
    assert checking <= 24

    lines = {(line.kind, line.field): line for line in connector.fields(stage.today)}
    assert not any(line.problem for line in lines.values())
    assert lines["invoice", "due_date"].source == "date_lim_reglement"
    assert len(lines["invoice", "due_date"].samples) == 3
    assert all(sample.startswith("2026-") for sample in lines["invoice", "due_date"].samples)
    assert not lines["invoice", "salesperson"].samples, "users may not be seen"
    assert "billing" in _samples(lines["contact", "roles"])
    assert len(stage.tape.calls) - checking <= 6


def test_a_user_who_does_not_see_all_customers_is_found_out(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_PAGE", PAGE)
    monkeypatch.setattr(reading, "_SAMPLED", PAGE)

    findings = {one.subject: one for one in stage.connector(who="blind").check(stage.today)}

    assert findings["all customers"].level == "error"
    assert "invoices are missing" in findings["all customers"].text
    assert "see all third parties" in findings["all customers"].mend
    assert findings["invoices"].level == "warning", "Dolibarr shows none, and says nothing of it"
    assert findings["contacts"].level == ("error" if stage.version < 20 else "ok"), "16 makes a mistake there"
    assert stage.pauses == ([1.0, 3.0] if stage.version < 20 else [])
    stage.pauses.clear()


def test_reminders_of_dolibarr_itself_are_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_PAGE", PAGE)
    monkeypatch.setattr(reading, "_SAMPLED", PAGE)
    left = {
        "type_code": "AC_OTH_AUTO",
        "code": "AC_EMAIL",
        "label": "sendEmailsRemindersOnInvoiceDueDateOK (nbdays=-15 template=)",
        "datep": int(datetime(2026, 11, 2, 8, tzinfo=UTC).timestamp()),
        "percentage": -1,
        "userownerid": 1,
    }
    event = stage.admin.write("POST", "agendaevents", left)

    findings = {one.subject: one for one in stage.connector().check(stage.today)}

    assert findings["second sender"].level == "warning"
    assert findings["second sender"].text.endswith("2026-11-02")
    assert "SendEmailsRemindersOnInvoiceDueDate" in findings["second sender"].mend
    stage.admin.write("DELETE", f"agendaevents/{event}", {})


# Reading


def test_what_is_owed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    contacts = {row["socid"] for row in _contacts(stage, "(t.statut:=:0)")}
    kinds: dict[str, list[int]] = {
        "drafts": _some(stage, f"(t.fk_statut:=:0) and {SALES}"),
        "partly paid": _some(stage, EUR, 3, _partly_paid),
        "in dollars": _some(stage, f"{OPEN} and (t.multicurrency_code:=:'USD')", 4),
        "deposits": _some(stage, f"{OPEN} and (t.type:=:3)", 3),
        "a replacement": _some(stage, f"{OPEN} and (t.type:=:1)", 1),
        "with contacts": _some(stage, EUR, 4, lambda row: len(row["contacts_ids"]) > 1),
        "whose contact left": _some(stage, f"{EUR} and (t.fk_soc:in:{','.join(contacts)})", 1),
        "of clients with credits": _some(stage, f"{EUR} and (t.fk_soc:in:{CREDITED})", 3),
        "of clients without address": _some(stage, f"{EUR} and (t.fk_soc:in:{MUTE})", 2),
    }
    chosen = sorted({one for ids in kinds.values() for one in ids})
    _only(monkeypatch, chosen)
    before = len(stage.tape.calls)

    pull = stage.connector().pull("", stage.today)
    pages = list(pull.pages)

    found = {int(one.id): one for page in pages for one in page.invoices}
    clients = {one.id: one for page in pages for one in page.clients}
    assert pull.full
    assert not any(page.cursor or page.gone or page.problems for page in pages)
    assert not any(one.invalid for one in found.values()) and not any(one.invalid for one in clients.values())
    assert chosen == sorted({*found, *(set(kinds["deposits"]) - found.keys())}), "a deposit may be paid, and open still"
    assert {one.client for one in found.values()} == clients.keys()
    assert len(stage.tape.calls) - before <= 10 + 6 * len(pages)

    def of(kind: str) -> list[Invoice]:
        return [found[one] for one in kinds[kind] if one in found]

    assert {one.status for one in of("drafts")} == {"draft"}
    assert {one.status for one in found.values()} == {"draft", "open"}
    assert all(0 < one.residual < one.total for one in of("partly paid"))
    assert {one.currency for one in of("in dollars")} == {"USD"}
    assert any(one.residual == one.total for one in of("in dollars")), "nothing is paid: no cent is lost in conversion"
    assert any(0 < one.residual < one.total for one in of("in dollars"))
    assert any(one.number.startswith("AC") for one in of("deposits"))
    assert of("a replacement")
    assert all(one.issue_date and one.due_date and one.issue_date <= one.due_date for one in of("partly paid"))
    for one in of("with contacts"):
        usual = [person.email for person in clients[one.client].contacts if "billing" in person.roles]
        assert [person.email for person in one.contacts if "billing" in person.roles]
        assert not usual or {person.email for person in one.contacts} <= set(usual)
    (left,) = of("whose contact left")
    assert "jean@client05.example" not in [person.email for person in (*left.contacts, *clients[left.client].contacts)]
    assert all(clients[one.client].credits["EUR"] > 0 for one in of("of clients with credits"))
    assert all(not clients[one.client].email for one in of("of clients without address"))
    assert {one.country for one in clients.values()} >= {"FR"}
    assert {one.language for one in clients.values()} >= {"fr_FR"}


def test_invoices_in_every_state(stage: Stage) -> None:
    wanted = {
        "(t.fk_statut:=:0) and (t.type:=:0)": "draft",
        f"{EUR} and (t.type:=:0)": "open",
        "(t.fk_statut:=:2) and (t.paye:=:1) and (t.type:=:0)": "paid",
        "(t.close_code:=:'discount_vat')": "paid",
        "(t.close_code:=:'badcustomer')": "written_off",
        "(t.close_code:=:'abandon')": "cancelled",
        "(t.close_code:=:'replaced')": "cancelled",
    }
    expected = {str(_some(stage, where, 1)[0]): status for where, status in wanted.items()}
    (note,) = _some(stage, "(t.type:=:2) and (t.fk_statut:=:1)", 1)

    page = stage.connector().read([*expected, str(note), NOWHERE, "FA"], stage.today)

    assert {one.id: one.status for one in page.invoices} == expected
    assert list(page.gone) == [str(note), NOWHERE, "FA"], "a credit note is no invoice"
    assert sum(one.residual > 0 for one in page.invoices) >= 6, "Dolibarr keeps something to pay of abandoned ones"


def test_what_changed_between_the_pull_and_the_reading_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    (paid_in_part, settled, unchanged) = _some(stage, f"{EUR} and (t.type:=:0)", 3, _nothing_paid)
    client = _row(stage, paid_in_part)["socid"]
    deleted = _new_draft(stage, client)
    _only(monkeypatch, [paid_in_part, settled, unchanged, deleted])
    connector = stage.connector()
    before = {int(one.id): one for page in connector.pull("", stage.today).pages for one in page.invoices}
    assert before.keys() == {paid_in_part, settled, unchanged, deleted}
    _pay(stage, paid_in_part, Decimal("1.50"))
    _pay(stage, settled, before[settled].residual)
    stage.admin.write("DELETE", f"invoices/{deleted}", {})
    calls = len(stage.tape.calls)

    page = connector.read([*map(str, before)], stage.today)

    now = {int(one.id): one for one in page.invoices}
    assert now[paid_in_part].residual == before[paid_in_part].residual - Decimal("1.50")
    assert now[paid_in_part].status == "open"
    assert now[settled].status == "paid"
    assert now[unchanged] == before[unchanged]
    assert list(page.gone) == [str(deleted)]
    assert {one.id for one in page.clients} == {one.client for one in page.invoices}
    assert len(stage.tape.calls) - calls <= 6 + len(page.clients), "discounts are listed by third party"
    again = {int(one.id) for page in connector.pull("", stage.today).pages for one in page.invoices}
    assert again == {paid_in_part, unchanged}, "a full pull leaves out what is no longer owed"


def test_discounts_of_credit_notes_are_credits(stage: Stage) -> None:
    by_hand, converted, several = (_some(stage, f"{EUR} and (t.fk_soc:=:{one})", 1)[0] for one in (18, 40, 30))

    page = stage.connector().read([*map(str, (by_hand, converted, several))], stage.today)

    credits = {one.id: dict(one.credits) for one in page.clients}
    assert credits == {
        "18": {},
        "40": {"EUR": Decimal("210")},
        "30": {"EUR": Decimal("2756.75")},
    }, "given by hand, it is told to nobody; a credit note made into a discount; one of each kind"


def test_records_are_found_by_number_and_shown(stage: Stage) -> None:
    owed, note = _some(stage, EUR, 1)[0], _some(stage, "(t.type:=:2) and (t.fk_statut:=:1)", 1)[0]
    connector, url = stage.connector(), stage.url
    row = _row(stage, owed)

    assert list(connector.numbered(row["ref"])) == [str(owed)]
    assert list(connector.numbered(_row(stage, note)["ref"])) == [], "a credit note is not reminded of"
    assert list(connector.numbered("FA/nobody")) == []
    assert connector.locate("invoice", [str(owed), NOWHERE, "FA"]) == {
        str(owed): f"{url}/compta/facture/card.php?facid={owed}"
    }
    assert connector.locate("client", [row["socid"]]) == {row["socid"]: f"{url}/societe/card.php?socid={row['socid']}"}
    assert connector.locate("client", [NOWHERE]) == {}
    assert connector.locate("contact", ["4"]) == {"4": f"{url}/contact/card.php?id=4"}
    assert connector.locate("instalment", ["1"]) == {}


def test_payment_links_are_those_of_dolibarr(stage: Stage) -> None:
    ids = [*map(str, _some(stage, EUR, 2))]
    connector = stage.connector(payment_link=True)

    links = connector.links(connector.read(ids, stage.today).invoices)

    if stage.version < 20:
        assert links == {}, "16 has none"
    else:
        assert links.keys() == set(ids)
        assert all("/public/payment/newpayment.php?source=invoice&ref=" in link for link in links.values())
    plain = stage.connector()
    assert not plain.links(plain.read(ids, stage.today).invoices), "there even where nothing is set up: on request only"


def test_pdfs_that_dolibarr_keeps(stage: Stage) -> None:
    kept, missing = _some(stage, EUR, 1, lambda row: int(row["id"]) % 3 == 0), _without_pdf(stage, 1)
    connector = stage.connector()
    page = connector.read([*map(str, [*kept, *missing])], stage.today)

    found = connector.pdfs(page.invoices)

    (id_,) = found
    assert id_ == str(kept[0])
    assert found[id_].mime == "application/pdf"
    assert found[id_].name.endswith(".pdf")
    assert found[id_].content.startswith(b"%PDF")
    assert [bool(one.pdf) for one in page.invoices] == [one.id == id_ for one in page.invoices]


def test_a_missing_pdf_is_built_where_that_is_allowed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_PAGE", 1)
    monkeypatch.setattr(reading, "_SAMPLED", 1)
    (missing,) = _without_pdf(stage, 1)
    robot = stage.connector(make_pdf=True)
    page = robot.read([str(missing)], stage.today)
    assert page.invoices[0].pdf == page.invoices[0].number, "it can be had"
    assert robot.pdfs(page.invoices) == {}, "the robot may not build any"
    assert {one.level for one in robot.check(stage.today) if one.subject == "PDF"} == {"error"}
    administrator = stage.connector(make_pdf=True, who="admin")
    found = administrator.pdfs(page.invoices)

    assert found[str(missing)].content.startswith(b"%PDF")
    assert stage.connector().pdfs(page.invoices) == found, "it is kept from then on"


# Posting


def test_a_reminder_leaves_once(stage: Stage) -> None:
    office = PostOffice()
    connector = stage.connector(office)
    first, second = _of_one_client(stage, connector)
    message = outgoing(_key(stage, "key"), first, second)
    claimed: list[Row] = []
    office.before = lambda one: claimed.extend(_events(stage, one.key))
    assert connector.find([message.mark]) == {message.key: Found(message.key, "absent")}
    before = len(stage.tape.calls)

    (posted,) = connector.post([message])

    mine = [call for who, call in stage.tape.calls[before:] if who == "robot"]
    assert posted == Posted(message.key, "sent")
    assert not connector.finish()
    assert [one["percentage"] for one in claimed] == ["0"], "it is under way before it leaves"
    assert [one.partition(" ")[0] for one in mine if not one.startswith("GET")] == ["POST", "PUT", "POST"]
    assert len(mine) <= (7 if stage.version < 20 else 4)
    (event,) = _events(stage, message.key)
    assert event["percentage"] == "100"
    assert event["label"] == message.subject
    assert event["email_msgid"] == message.message_id.strip("<>")
    assert event["email_to"] == "client1@client.example".replace("1", first.client)
    (mention,) = _events(stage, "", f"(t.fk_element:=:{second.id}) and (t.code:=:'{SENT}')")
    assert mention["label"] == message.subject

    assert stage.connector(office).post([message]) == [posted], "another process is told the same"
    assert office.sent == [message.key]
    assert stage.connector().find([message.mark]) == {message.key: Found(message.key, "present")}
    assert len(_events(stage, message.key)) == 1


def test_a_mail_that_did_not_leave_may_be_tried_again(stage: Stage) -> None:
    key = _key(stage, "key")
    office = PostOffice(**{key: ("failed", "550 <nobody> & co")})
    connector = stage.connector(office)
    (invoice,) = connector.read([str(_some(stage, EUR, 1)[0])], stage.today).invoices
    message = outgoing(key, invoice)

    assert connector.post([message]) == [Posted(key, "failed", "550 <nobody> & co")]
    assert not connector.finish()
    assert stage.connector().find([message.mark]) == {key: Found(key, "absent")}
    (given_up,) = _events(stage, key, f"(t.email_msgid:=:'{message.message_id.strip('<>')}')")
    assert given_up["percentage"] == "-1"
    assert given_up["label"] == f"Non envoyé : {message.subject}"
    assert given_up["array_options"][f"options_{UID}"] == f"{key}:{given_up['id']}"

    office.answers.clear()
    assert stage.connector(office).post([message]) == [Posted(key, "sent")]
    assert stage.connector().find([message.mark]) == {key: Found(key, "present")}
    assert len(_events(stage, key)) == 1


def test_what_becomes_of_a_batch(stage: Stage) -> None:
    keys = [_key(stage, name) for name in ("partly", "doubtful", "less", "paid")]
    partly, doubtful, less, paid = keys
    office = PostOffice(
        **{partly: ("sent", "550 cc@client.example: no such user"), doubtful: ("in_doubt", "no answer after DATA")}
    )
    connector = stage.connector(office)
    chosen = _some(stage, f"{EUR} and (t.type:=:0)", 4, _nothing_paid)
    found = {one.id: one for one in connector.read([*map(str, chosen)], stage.today).invoices}
    messages = [outgoing(key, found[str(id_)]) for key, id_ in zip(keys, chosen, strict=True)]
    _pay(stage, chosen[2], Decimal("2"))
    _pay(stage, chosen[3], found[str(chosen[3])].residual)

    outcomes = connector.post(messages)

    assert [one.key for one in outcomes] == keys
    assert [one.state for one in outcomes] == ["sent", "in_doubt", "failed", "failed"]
    assert office.sent == [partly, doubtful], "nothing leaves that changed meanwhile"
    assert outcomes[0].error == "550 cc@client.example: no such user"
    assert [one.tried for one in outcomes] == [True, True, False, False]
    left = found[str(chosen[2])].residual - 2
    assert outcomes[2].error.endswith(f"{left:f} EUR remain")
    assert outcomes[3].error.endswith(": paid")
    assert not connector.finish()
    presences = {key: one.presence for key, one in connector.find([one.mark for one in messages]).items()}
    assert presences == {partly: "present", doubtful: "unknown", less: "absent", paid: "absent"}
    (again,) = stage.connector(office).post([messages[1]])
    assert (again.state, office.sent) == ("in_doubt", [partly, doubtful]), "in doubt, it is never sent again by itself"


def test_a_to_do_is_made_once(stage: Stage) -> None:
    connector = stage.connector()
    (invoice,) = connector.read([str(_some(stage, EUR, 1)[0])], stage.today).invoices
    anne = Address("Anne Roux", "Anne@acme.example")
    one = activity(_key(stage, "robot"), invoice, sender=anne, subject="Appeler le client", text="Troisième relance.")

    (posted,) = connector.post([one])

    assert (posted.state, posted.tried) == ("sent", True)
    assert "no user of Dolibarr that we may see has the address Anne@acme.example" in posted.error
    assert connector.find([one.mark]) == {one.key: Found(one.key, "present")}
    assert stage.connector().post([one])[0].state == "sent"
    (event,) = _events(stage, one.key)
    assert (event["percentage"], event["label"]) == ("0", "Appeler le client")
    assert event["userownerid"] == "4", "the robot's own"
    assert datetime.fromtimestamp(int(event["datep"]), UTC).date() == one.day

    if stage.version >= 20:
        other = activity(_key(stage, "anne"), invoice, sender=anne)
        (posted,) = stage.connector(who="admin").post([other])
        assert posted == Posted(other.key, "sent"), "whoever may see users and write for them reaches the salesperson"
        assert _events(stage, other.key)[0]["userownerid"] == "2"


def test_without_the_extra_field_a_reminder_leaves_once_all_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_PAGE", 1)
    monkeypatch.setattr(reading, "_SAMPLED", 1)
    if stage.version < 20:
        pytest.skip("16 lets nobody change extra fields over REST")
    keys = [_key(stage, name) for name in ("sent", "failed")]
    sent, failed = keys
    office = PostOffice(**{failed: ("failed", "550")})
    found = stage.connector().read([*map(str, _some(stage, EUR, 2))], stage.today).invoices
    messages = [outgoing(key, one) for key, one in zip(keys, found, strict=True)]
    stage.admin.write("DELETE", FIELD, {})
    try:
        (claim,) = [one for one in stage.connector().check(stage.today) if one.subject == "claim"]
        assert claim.level == "warning"

        outcomes = stage.connector(office).post(messages)

        assert [one.state for one in outcomes] == ["sent", "failed"]
        office.answers.clear()
        again = stage.connector(office).post(messages)
        assert [one.state for one in again] == ["sent", "sent"]
        assert office.sent == [sent, failed, failed]
        marks = stage.connector().find([one.mark for one in messages])
        assert {one.presence for one in marks.values()} == {"present"}
    finally:
        stage.admin.write("POST", FIELD, UNIQUE)


# What the tests look for


def _list(stage: Stage, path: str, where: str, columns: str, limit: int = 40, **more: Any) -> list[Row]:
    return rest.rows(
        stage.admin, path, sortfield=f"t.{'id' if path == 'agendaevents' else 'rowid'}", sortorder="ASC",
        limit=limit, sqlfilters=where, properties=columns, **more,
    )  # fmt: skip


def _some(stage: Stage, where: str, count: int = 2, keep: Callable[[Row], bool] | None = None) -> list[int]:
    """The ids of some invoices; without any of them the test is skipped."""
    rows = _list(stage, "invoices", where, COLUMNS, 60 if keep else count)
    found = [int(row["id"]) for row in rows if keep is None or keep(row)]
    if not found:
        pytest.skip(f"no invoice there is {where}")
    return found[:count]


def _row(stage: Stage, invoice: int) -> Row:
    return _list(stage, "invoices", f"(t.rowid:=:{invoice})", COLUMNS)[0]


def _partly_paid(row: Row) -> bool:
    return 0 < Decimal(str(row["remaintopay"])) < Decimal(row["total_ttc"])


def _nothing_paid(row: Row) -> bool:
    return Decimal(str(row["remaintopay"])) == Decimal(row["total_ttc"]) > 10


def _contacts(stage: Stage, where: str) -> list[Row]:
    return _list(stage, "contacts", where, "id,socid,email,statut")


def _events(stage: Stage, key: str, where: str = "") -> list[Row]:
    """The events with a key (16 cannot look for it), or what ``where`` holds for."""
    has = f"(ef.{UID}:=:'{key}')" if stage.version >= 20 else f"(t.ref_ext:=:'relance:{key}')"
    columns = "id,label,percentage,email_msgid,email_to,datep,userownerid,array_options"
    found = _list(stage, "agendaevents", where or has, columns)
    return [one for one in found if where or one["array_options"][f"options_{UID}"] == key]


def _only(monkeypatch: pytest.MonkeyPatch, chosen: Sequence[int]) -> None:
    """As if nothing else were owed: a recording is to be small."""
    where = f"{OWED} and (t.rowid:in:{','.join(map(str, chosen))})"
    for module in (reading, invoices):
        monkeypatch.setattr(module, "OWED", where)
    monkeypatch.setattr(rest, "PAGE", PAGE)


def _of_one_client(stage: Stage, connector: Any) -> list[Invoice]:
    rows = _list(stage, "invoices", f"{EUR} and (t.type:=:0)", COLUMNS, 60)
    by_client: dict[str, list[str]] = {}
    for row in rows:
        if _nothing_paid(row):
            by_client.setdefault(row["socid"], []).append(row["id"])
    ids = next(ids for ids in by_client.values() if len(ids) > 1)
    return list(connector.read(ids[:2], stage.today).invoices)


def _without_pdf(stage: Stage, count: int) -> list[int]:
    rows = _list(stage, "invoices", f"{EUR} and (t.type:=:0)", "id,last_main_doc", 60)
    found = [int(row["id"]) for row in rows if not row["last_main_doc"]]
    if not found:
        pytest.skip("every invoice there has a PDF")
    return found[:count]


def _new_draft(stage: Stage, client: str) -> int:
    body = {"socid": client, "type": 0, "date": 1795215600, "lines": [_LINE]}
    return int(stage.admin.write("POST", "invoices", body))


_LINE = {"desc": "Conseil", "subprice": 75, "qty": 1, "tva_tx": 20, "product_type": 1}


def _pay(stage: Stage, invoice: int, amount: Decimal) -> None:
    body = {
        "arrayofamounts": {str(invoice): {"amount": str(amount), "multicurrency_amount": ""}},
        "datepaye": 1795215600,
        "paymentid": 2,
        "closepaidinvoices": "yes",
        "accountid": 1,
    }
    stage.admin.write("POST", "invoices/paymentsdistributed", body)


def _key(stage: Stage, name: str) -> str:
    """A key that no run before used."""
    return stage.tape.given(name, lambda: f"{name}{token_hex(8)}")


def _samples(field: MappedField) -> set[str]:
    return {word for sample in field.samples for word in sample.split(", ")}
