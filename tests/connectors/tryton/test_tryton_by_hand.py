"""What is done by hand between two runs, on a real Tryton: the walk of docs/by-hand.md in short."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from zipfile import ZipFile

import pytest
from company import DAY, PROGRAMS
from tryton_acme import DUE, Acme

PAID = date(2026, 11, 10)
ME = "me@acme.example"
SIX = "".join(
    f'[[programs.steps]]\nname = "{name}"\ntrigger = {{ after_issue = {days} }}\nsubject = "{name} #REF#"\n'
    for name, days in (("One", 55), ("Two", 65), ("Three", 75))
)
BOTH = f'{PROGRAMS}\n[[programs]]\nname = "six"\n{SIX}'
by_us = pytest.mark.parametrize("acme", ["smtp"], indirect=True)


@pytest.fixture
def printing(acme: Acme) -> Iterator[Acme]:
    """Invoices are printed as PDFs when they are posted."""
    acme.books.print_as("pdf")
    yield acme
    acme.books.print_as("")


def plan(acme: Acme, invoice: str, options: str = "", **keys: Any) -> list[str]:
    """The reminders of an invoice: ``sent 11-03 Rappel``."""
    items = acme(f"plan acme id:{invoice} {options}", form="json", **keys).items
    return [" ".join(filter(None, (one["state"], (one["date"] or "")[5:], one["step_name"]))) for one in items]


def subjects(acme: Acme) -> list[str]:
    return [mail["Subject"].split()[0] for mail in acme.mails()]


@pytest.mark.parametrize("acme", ["tryton", "smtp"], indirect=True)
def test_two_invoices_are_reminded_by_hand_once_with_pdfs_and_a_schedule(printing: Acme) -> None:
    acme = printing
    acme("deactivate acme")
    one, other = made = acme.bills(acme.client(), 1200, {DUE: 300, date(2026, 12, 1): 300})
    numbers = [acme.number(invoice) for invoice in made]
    command = f"send acme --invoice {numbers[0]} --invoice id:{other} --template statement --cc manager"
    command += " --attach invoice --attach schedule?"
    acme(f"{command} --preview shown.eml")
    assert acme.mails() == []
    assert acme(f"{command} --yes").items[0]["state"] == "sent"
    (mail,) = acme.mails()
    assert mail["X-To"] == f"anne@acme.example,{acme.email(one)}"
    files = {part.get_filename() for part in mail.walk() if part.get_filename()}
    assert files == {*(f"{number}.pdf" for number in numbers), f"échéancier-{numbers[1]}.html"}
    body = mail.get_body(("html",)).get_content()
    assert all(told in body for told in (*numbers, "1\u202f200,00"))
    assert "today" in acme(f"{command} --yes", status=2).err
    assert [note.count(numbers[0]) > 0 for note in acme.notes(other)] == [True]
    assert {(entry["number"], entry["origin"], entry["last_event"]) for entry in acme("log acme").items} == {
        (number, "manual", "sent") for number in numbers
    }


def test_only_an_open_invoice_is_reminded_by_hand(acme: Acme) -> None:
    (draft,) = acme.bills(acme.client(), 100, draft=True)
    (paid,) = acme.owing()
    acme.books.pay(int(paid), on=PAID)
    for invoice, state in ((draft, "draft"), (paid, "paid")):
        assert f"{state} on acme; only an open invoice is" in acme(f"send acme --invoice id:{invoice}", status=2).err


def test_a_test_message_comes_to_oneself_and_counts_for_nothing(acme: Acme) -> None:
    acme.owing()
    for step in ("Rappel", "Relance"):
        acme(f"test-message acme standard {step} --to {ME}")
    assert [mail["X-To"] for mail in acme.mails()] == [ME, ME]
    assert acme("log acme").items == []
    acme("run acme")
    assert [mail["X-To"] == ME for mail in acme.mails()] == [True, True, False]


@by_us
def test_a_step_by_hand_is_followed_by_the_run(acme: Acme) -> None:
    (one,) = acme.owing()
    acme("deactivate acme")
    assert acme(f"send acme --invoice id:{one} --step Relance --yes").items[0]["state"] == "sent"
    acme("activate acme")
    for day in (DAY, "2026-11-30", "2026-12-01"):
        acme("run acme", date=day)
    assert subjects(acme) == ["Relance", "Dernier"]
    assert plan(acme, one, date="2026-12-02") == ["sent 11-21 Relance", "sent 12-01 Dernier rappel", "passed Rappel"]


def test_a_plan_is_changed_and_followed(acme: Acme) -> None:
    dropped, moved, none = acme.owing(3)
    assert plan(acme, dropped, "--drop Rappel")[0] == "dropped Rappel"
    assert plan(acme, moved, "--set Rappel --on 2026-11-25 --to manager")[0] == "planned 11-25 Rappel"
    assert plan(acme, none, "--apply none") == []
    for day in (DAY, "2026-11-25"):
        acme("run acme", date=day)
    assert [(mail["Subject"].split()[0], mail["X-To"]) for mail in acme.mails()] == [
        ("Relance", acme.email(dropped)),
        ("Rappel", "anne@acme.example"),
    ]


def test_a_draft_keeps_its_plan_and_its_promise_when_it_is_posted(acme: Acme) -> None:
    acme.programs(BOTH)
    (one,) = acme.bills(acme.client(), 100, draft=True)
    assert plan(acme, one, "--apply six --drop Two --set Three --on 2026-12-20") == [
        "planned 11-25 One",
        "dropped Two",
        "planned 12-20 Three",
    ]
    acme(f"hold acme --invoice id:{one} --until 2026-11-28 --reason 'he asked'")
    acme.issue(one, date(2026, 10, 3), DUE)
    acme.books.post(int(one))
    assert plan(acme, one) == ["planned 11-29 One", "dropped Two", "planned 12-22 Three"]
    assert acme("simulate acme", date="2026-11-28").reasons == {one: "invoice_held"}
    for day in ("2026-11-29", "2026-12-21", "2026-12-22"):
        acme("run acme", date=day)
    assert subjects(acme) == ["One", "Three"]


def test_a_promise_that_is_not_kept_is_told_and_reminders_go_on(acme: Acme) -> None:
    one, kept = acme.owing(2)
    for invoice in (one, kept):
        acme(f"hold acme --invoice id:{invoice} --kind promise --until 2026-11-25 --reason 'by phone'")
    acme.books.pay(int(kept), on=PAID)
    assert acme("run acme", date="2026-11-25").states == {}
    assert "by phone" in acme(f"explain acme id:{one} --language en").out
    ran = acme("run acme", date="2026-11-26")
    assert ran.lines == [f"relance: {acme.number(one)}: promised by 2026-11-25, not paid: reminders go on"]
    assert ran.states == {one: "sent"}


def test_a_saved_simulation_is_run_once_less_what_was_paid_since(acme: Acme) -> None:
    one, paid = acme.owing(2)
    number = acme("simulate acme --save").json["id"]
    acme.books.pay(int(paid), on=PAID)
    (later,) = acme.owing()
    ran = acme(f"run acme --simulation {number}", status=None)
    assert ran.states == {one: "sent", paid: "dropped"}
    assert ran.reasons[later] == "limit_reached"
    acme(f"run acme --simulation {number}", status=2)
    assert [mail["X-To"] for mail in acme.mails()] == [acme.email(one)]


def test_what_a_program_would_have_sent_is_replayed_of_what_was_paid_too(acme: Acme) -> None:
    (paid,) = acme.owing()
    acme.books.pay(int(paid), on=date(2026, 11, 14))
    said = acme("replay acme standard --days 30", form="json").json
    days = [(one["date"], one["step_name"]) for one in said["items"] if paid in one["invoices"]]
    assert days == [("2026-11-03", "Rappel"), ("2026-11-13", "Relance")]
    assert acme.mails() == []


@by_us
def test_what_was_done_is_found_in_the_log_and_in_an_archive(acme: Acme) -> None:
    one, _ = acme.owing(2)
    acme("run acme")
    acme(f"hold acme --invoice id:{one} --kind dispute --reason 'goods broken'")
    number = acme.number(one)
    (entry,) = acme(f"log acme --search {acme.email(one)}").items
    assert (entry["number"], entry["last_event"]) == (number, "sent")
    said = acme(f"explain acme {number} --language en").out
    assert "goods broken" in said
    acme(f"log acme --invoice {number} --archive evidence.zip")
    with ZipFile(acme.path("evidence.zip")) as archive:
        (mail,) = (name for name in archive.namelist() if name.endswith(".eml"))
        assert f"Rappel {number}".encode() in archive.read(mail)
