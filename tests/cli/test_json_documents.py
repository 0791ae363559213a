"""The JSON that users script against, key by key."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from company import DAY, PROGRAMS, Company

from relance_addon.core.decide import REASONS
from relance_addon.hosts.fake import client, invoice

LINKED = PROGRAMS.replace('subject = "Rappel #REF#"', 'subject = "Rappel #REF#"\nattach = ["invoice?", "schedule"]')
DECISION = {
    "invoice", "number", "client", "client_name", "status", "due_date", "days_late", "residual", "currency", "program",
    "version", "step", "step_name", "date", "decision", "reason", "message",
}  # fmt: skip
MESSAGE = {
    "message", "client", "step", "invoices", "channel", "language", "sender", "to", "cc", "bcc", "subject",
    "attachments",
}  # fmt: skip
ENTRY = {
    "key", "message_key", "message_id", "invoice", "number", "client", "client_name", "program", "step", "step_name",
    "origin", "channel", "date", "sent_at", "subject", "sender", "to", "cc", "bcc", "last_event", "last_event_at",
}  # fmt: skip


def test_a_simulation_is_the_document_of_the_contract(files: Company) -> None:
    files("deactivate acme")
    assert files("simulate acme").json == {
        "schema": "relance.simulation/1",
        "host": "acme",
        "date": "2026-11-21",
        "activated": False,
        "id": None,
        "decisions": [
            {
                "invoice": "17",
                "number": "17",
                "client": "1",
                "client_name": "Dupont SA",
                "status": "open",
                "due_date": "2026-10-31",
                "days_late": 21,
                "residual": "100.00",
                "currency": "EUR",
                "program": "standard",
                "version": 1,
                "step": 1,
                "step_name": "Rappel",
                "date": "2026-11-03",
                "decision": "send",
                "reason": "due",
                "message": 1,
            }
        ],
        "messages": [
            {
                "message": 1,
                "client": "1",
                "step": 1,
                "invoices": ["17"],
                "channel": "mail",
                "language": "fr",
                "sender": "Comptabilité <compta@acme.example>",
                "to": ["Dupont SA <compta@dupont.example>"],
                "cc": [],
                "bcc": [],
                "subject": "Rappel 17",
                "attachments": [],
            }
        ],
        "totals": {"send": 1, "wait": 0, "skip": 0, "messages": 1, "residual": {"EUR": "100.00"}},
    }


def test_a_run_is_the_same_document_with_an_id_keys_and_states(files: Company) -> None:
    simulated, ran = files("simulate acme").json, files("run acme").json
    assert (ran["schema"], ran["id"]) == ("relance.run/1", 1)
    (message,) = ran["messages"]
    assert (set(message) - MESSAGE, message["state"]) == ({"key", "state", "error"}, "sent")
    assert (files.path("data/outbox") / f"{message['key']}.eml").is_file()
    assert [{key: message[key] for key in MESSAGE}] == simulated["messages"]
    for key in ("host", "date", "activated", "decisions", "totals"):
        assert ran[key] == simulated[key]


def test_decisions_are_in_order_of_client_id_then_invoice_id_as_numbers(fake: Company) -> None:
    for number, owner in (("9", "10"), ("10", "9"), ("100", "9"), ("11", "9"), ("a2", "b"), ("a10", "b"), ("1", "2")):
        fake.host.put(invoice(number, client=owner), client(owner))
    said = fake("simulate acme").json
    ids = [(one["client"], one["invoice"]) for one in said["decisions"]]
    assert ids == [("2", "1"), ("9", "10"), ("9", "11"), ("9", "100"), ("10", "9"), ("b", "a2"), ("b", "a10")]
    assert [one["client"] for one in said["messages"]] == ["2", "9", "10", "b"]
    assert [one["message"] for one in said["messages"]] == [1, 2, 3, 4]


def test_amounts_have_the_digits_of_their_currency_and_are_added_per_currency(fake: Company) -> None:
    for number, residual, currency in (
        ("1", "1200", "JPY"),
        ("2", "5", "EUR"),
        ("3", "1.2345", "KWD"),
        ("4", "2.5", "EUR"),
    ):
        fake.host.put(invoice(number, residual=residual, currency=currency))
    fake.host.put(client("1"))
    said = fake("simulate acme").json
    assert [one["residual"] for one in said["decisions"]] == ["1200", "5.00", "1.235", "2.50"]
    assert said["totals"]["residual"] == {"EUR": "7.50", "JPY": "1200", "KWD": "1.235"}


def test_days_late_are_negative_before_the_due_date(fake: Company) -> None:
    from datetime import date

    fake.host.put(invoice("17", due=date(2026, 12, 1)), client("1"))
    (decision,) = fake("simulate acme").json["decisions"]
    assert (decision["days_late"], decision["decision"], decision["reason"]) == (-10, "wait", "not_due_yet")
    assert (decision["program"], decision["step"], decision["date"]) == ("standard", 1, "2026-12-04")


def test_every_decision_has_the_same_keys_and_a_known_reason(company: Company) -> None:
    company("demo")
    said = company("simulate demo --config relance-demo/relance.toml").json
    assert all(set(one) == DECISION for one in said["decisions"])
    assert all(REASONS[one["reason"]] == one["decision"] for one in said["decisions"])
    assert all(set(one) == MESSAGE for one in said["messages"])
    counts = said["totals"]
    assert counts["send"] + counts["wait"] + counts["skip"] == len(said["decisions"])


def test_what_is_settled_is_not_among_the_decisions(fake: Company) -> None:
    for number, status in enumerate(("open", "draft", "disputed", "paid", "cancelled", "written_off")):
        fake.host.put(invoice(str(number), status=status))
    fake.host.put(client("1"))
    assert fake("simulate acme").reasons == {"0": "due", "1": "draft", "2": "disputed"}


def test_attachments_are_named_as_they_will_leave(files: Company) -> None:
    files.programs(LINKED)
    header = "id,number,client,issue_date,due_date,residual,pdf"
    files.csv("invoices", "17,FA/17,1,2026-10-01,2026-10-31,100.00,a.pdf", header=header)
    files.path("data/a.pdf").write_bytes(b"%PDF-1.4\n")
    simulated = files("simulate acme").json["messages"][0]["attachments"]
    ran = files("run acme").json["messages"][0]["attachments"]
    (mail,) = files.mails().values()
    sent = [part.get_filename() for part in mail.iter_attachments()]
    assert simulated == ran == sent
    assert sent[0] == "FA-17.pdf"


def test_a_pdf_that_may_be_missing_is_left_out(files: Company) -> None:
    files.programs(LINKED.replace(', "schedule"', ""))
    assert files("simulate acme").json["messages"][0]["attachments"] == []
    assert files("run acme").json["messages"][0]["attachments"] == []


def test_an_item_of_the_log_has_the_keys_of_the_contract(files: Company) -> None:
    key = files("run acme").json["messages"][0]["key"]
    said = files("log acme").json
    (entry,) = said["items"]
    assert said["schema"] == "relance.log/1"
    assert set(entry) >= ENTRY
    expected = {
        "message_key": key, "message_id": f"<relance.{key}@acme.example>", "invoice": "17", "number": "17",
        "client": "1",
        "client_name": "Dupont SA", "program": "standard", "step": 1, "step_name": "Rappel", "origin": "automatic",
        "channel": "mail", "date": DAY, "subject": "Rappel 17", "sender": "Comptabilité <compta@acme.example>",
        "to": ["Dupont SA <compta@dupont.example>"], "cc": [], "bcc": [], "last_event": "sent",
    }  # fmt: skip
    assert {name: entry[name] for name in expected} == expected
    (mail,) = files.mails().values()
    assert mail["Message-ID"] == entry["message_id"]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("log acme", "log"), ("doubt acme", "doubt"), ("hold acme", "hold"), ("invoices acme", "invoices"),
        ("check acme", "check"), ("mapping acme", "mapping"), ("sync acme", "sync"), ("events acme", "events"),
        ("programs list", "programs"), ("programs recap standard", "recap"), ("templates list", "templates"),
        ("explain acme 17", "explain"),
    ],
)  # fmt: skip
def test_everything_else_is_a_list_of_items(files: Company, command: str, name: str) -> None:
    said = files(command, form="json").json
    assert (list(said), said["schema"]) == (["schema", "items"], f"relance.{name}/1")
    assert isinstance(said["items"], list)


def test_json_is_the_only_thing_on_standard_output(files: Company) -> None:
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,100.00", "18,1,2026-10-01,x,1.00")
    command = [sys.executable, "-m", "relance_addon", "run", "acme", "--date", DAY, "--format", "json"]
    done = subprocess.run(command, cwd=files.folder, capture_output=True, check=False)
    assert json.loads(done.stdout.decode("utf-8"))["totals"]["send"] == 1
    assert done.stderr.decode("utf-8").count("\n") == 1
    assert done.returncode == 1


def test_names_that_are_not_ascii_come_out_under_any_locale(files: Company) -> None:
    files.csv("clients", "1,أتيليه ☕,compta@dupont.example,fr,FR,,,,")
    for form in ("json", "table"):
        command = [sys.executable, "-m", "relance_addon", "simulate", "acme", "--date", DAY, "--format", form]
        locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        done = subprocess.run(command, cwd=files.folder, capture_output=True, check=False, env=locale)
        assert (done.returncode, done.stderr) == (0, b"")
        assert "أتيليه ☕" in done.stdout.decode("utf-8")


def test_the_unpaid_invoices_by_invoice_and_by_client(files: Company) -> None:
    header = "id,client,issue_date,due_date,residual,currency"
    files.csv(
        "invoices", "17,1,2026-10-01,2026-10-31,100.00,EUR", "18,1,2026-11-01,2026-12-01,50.00,USD",
        "19,2,2026-11-01,2026-11-21,7.00,EUR", header=header,
    )  # fmt: skip
    files("run acme")
    rows = {one["invoice"]: one for one in files("invoices acme").items}
    assert (rows["17"]["days_late"], rows["17"]["last_reminder"], rows["17"]["next_date"]) == (21, DAY, "2026-12-01")
    assert [one["invoice"] for one in files("invoices acme --overdue").items] == ["17"]
    assert [one["invoice"] for one in files("invoices acme --pending").items] == ["18", "19"]
    assert [one["invoice"] for one in files("invoices acme --client 2").items] == ["19"]
    first, second = files("invoices acme --by client").items
    assert (first["client"], first["invoices"], first["overdue"]) == ("1", 2, 1)
    assert first["residual"] == {"EUR": "100.00", "USD": "50.00"}
    assert second["residual"] == {"EUR": "7.00"}
    assert files("invoices acme", form="table").out.splitlines()[-1] == "total: 107.00 EUR + 50.00 USD"
