"""Faults of other systems, seen when run (peers.md), that reminders on a real Tryton must not have. Each is named."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from typing import Any

import pytest
import requests
from company import DAY, PROGRAMS
from post_office import HANG_UP, free_port
from tryton_acme import DUE, Acme

from relance_addon.hosts.wire import Wire

TODAY, LATER = date.fromisoformat(DAY), date(2026, 12, 31)
by_us = pytest.mark.parametrize("acme", ["smtp"], indirect=True)
FIRST = PROGRAMS.replace(PROGRAMS.split("\n\n")[1], '[[programs.steps]]\nname = "Rappel"\ntrigger = { after_due = 3 }')


def steps(acme: Acme) -> list[str]:
    """The first word of each mail's subject, in the order in which they came."""
    return [mail["Subject"].split()[0] for mail in acme.mails()]


def text(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


# When


def test_run_twice_the_same_day(acme: Acme) -> None:
    made = acme.owing(2)
    assert acme("run acme").states == dict.fromkeys(made, "sent")
    again = acme("run acme")
    assert (again.states, again.reasons) == ({}, dict.fromkeys(made, "not_due_yet"))
    assert len(acme.mails()) == 2


def test_several_runs_in_one_day(acme: Acme) -> None:
    """Nor level 2 minutes after level 1: its ten days are kept."""
    acme.owing()
    for day in (DAY, DAY, DAY, "2026-11-30", "2026-12-01", "2026-12-01"):
        acme("run acme", date=day)
    assert steps(acme) == ["Rappel", "Relance"]


def test_a_step_confirmed_twice(acme: Acme) -> None:
    """By somebody with a journal of his own, who knows nothing of the first."""
    (one,) = acme.owing()
    other = acme.another()
    for somebody in (acme, other, acme):
        somebody(f"send acme --invoice id:{one} --step Rappel --yes", status=None)
    assert other("run acme", date="2026-11-22").states == {}
    assert steps(acme) == ["Rappel"]


@by_us
def test_a_step_confirmed_by_two_people_at_once(acme: Acme) -> None:
    """The other one confirms while our mail is about to leave: he is told that nobody knows, and later that it left."""
    (one,) = acme.owing()
    other = acme.another()
    command = f"send acme --invoice id:{one} --step Rappel --yes --date {DAY}".split()
    told: list[subprocess.CompletedProcess[str]] = []

    def confirm() -> None:
        ran = [sys.executable, "-m", "relance_addon", *command]
        told.append(subprocess.run(ran, cwd=other.folder, capture_output=True, text=True, check=False))

    acme.before("invoices", confirm)
    assert acme(" ".join(command)).items[0]["state"] == "sent"
    assert (told[0].returncode, "another run left a trace of it" in told[0].stderr) == (1, True)
    assert steps(acme) == ["Rappel"]
    assert other("run acme").states == {}
    assert [one["last_event"] for one in other("log acme").items] == ["sent"]
    assert len(acme.mails()) == 1


def test_a_missed_day(acme: Acme) -> None:
    """It is caught up, and what follows is put off by as much."""
    acme.owing()
    acme("run acme", date="2026-12-20")
    acme("run acme", date="2026-12-29")
    assert steps(acme) == ["Rappel"]
    acme("run acme", date="2026-12-30")
    assert steps(acme) == ["Rappel", "Relance"]


def test_a_run_dated_in_the_future(acme: Acme) -> None:
    """A day before it is refused with the reason; simulations of the future block nothing."""
    (one,) = acme.owing()
    assert acme("simulate acme", date="2027-01-01").reasons == {one: "due"}
    acme("run acme", date="2026-11-22")
    said = acme("run acme", status=2)
    assert said.err.startswith(f"relance: {DAY} is before the last run of acme, which is dated 2026-11-22;")
    assert acme("run acme", date="2026-11-22").states == {}


# To whom


def test_one_client_without_an_address(acme: Acme) -> None:
    """The others get theirs, and without an address the level does not climb."""
    before, after = acme.owing(), acme.owing()
    nobody = acme.bills(acme.client(email=""), 100)
    for day in (DAY, "2026-12-15"):
        ran = acme("run acme", date=day)
        assert ran.states == dict.fromkeys((*before, *after), "sent")
        assert ran.reasons[nobody[0]] == "no_recipient"
        (decision,) = (one for one in ran.json["decisions"] if one["invoice"] == nobody[0])
        assert decision["step"] == 1
    assert steps(acme) == ["Rappel", "Rappel", "Relance", "Relance"]


@by_us
def test_address_refused_550(acme: Acme) -> None:
    """It is not counted as reached, nothing says on the invoice that it left, and the others get theirs."""
    bad, good = acme.owing(2)
    acme.letters.answers[acme.email(bad)] = "550 5.1.1 no such user"
    ran = acme("run acme", status=1)
    assert ran.states == {bad: "failed", good: "sent"}
    assert "550 5.1.1 no such user" in ran.err
    assert [note.splitlines()[0][:10] for note in acme.notes(bad)] == ["Non envoyé"]
    acme.letters.answers.clear()
    assert acme("run acme", date="2026-12-15").states == {bad: "sent", good: "sent"}
    assert sorted(steps(acme)) == ["Rappel", "Rappel", "Relance"]


def test_address_refused_550_is_nothing_that_tryton_tells_of(acme: Acme) -> None:
    """As the manual says: whom its mail server refuses counts as written to; the others get theirs."""
    bad, good = acme.owing(2)
    acme.letters.answers[acme.email(bad)] = "550 5.1.1 no such user"
    assert acme("run acme").states == {bad: "sent", good: "sent"}
    assert [mail["X-To"] for mail in acme.mails()] == [acme.email(good)]


@pytest.mark.parametrize("acme", ["tryton", "smtp"], indirect=True)
def test_smtp_down(acme: Acme) -> None:
    """What did not leave is not recorded as sent: the next run sends it, and not a step further."""
    made = acme.owing(2)
    if acme.mail == "tryton":
        acme.letters.answers["CONNECT"] = HANG_UP
    else:
        up = acme.path("relance.toml").read_text("utf-8")
        acme.configure((acme.smtp, f"smtp://127.0.0.1:{free_port()}"))
    assert acme("run acme", status=1).states == dict.fromkeys(made, "failed")
    assert {one["last_event"] for one in acme("log acme").items} == {"failed"}
    if acme.mail == "tryton":
        acme.letters.answers.clear()
    else:
        acme.write("relance.toml", up)
    assert acme("run acme", date="2026-12-15").states == dict.fromkeys(made, "sent")
    assert steps(acme) == ["Rappel", "Rappel"]


def test_one_mail_per_invoice(acme: Acme) -> None:
    """Nine invoices of a client are one mail, of which each invoice has a note."""
    made = acme.bills(acme.client(), *range(1, 10))
    assert acme("run acme").states == {" ".join(made): "sent"}
    (mail,) = acme.mails()
    assert all(acme.number(one) in mail["Subject"] for one in made)
    assert [len(acme.notes(one)) for one in made] == [1] * 9


def test_blocked_is_silent(acme: Acme) -> None:
    """A blocked dunning, and a client who is never to be dunned."""
    blocked, exempt, other = acme.owing(3)
    acme.books.block(*acme.books.owed(int(blocked)))
    acme.books.dun(acme.parties[exempt], acme.books.procedure())
    ran = acme("run acme")
    assert ran.reasons == {blocked: "invoice_held", exempt: "client_held", other: "due"}
    assert [mail["X-To"] for mail in acme.mails()] == [acme.email(other)]
    assert (acme.notes(blocked), acme.notes(exempt)) == ([], [])


def test_language(acme: Acme) -> None:
    """Each client's own: subject, text, amounts and days."""
    acme.programs(FIRST)
    for code in ("fr", "en"):
        acme.bills(acme.client(name=code, language=code), "1234.50")
    acme("run acme")
    french, english = sorted(acme.mails(), key=lambda mail: mail["Subject"])
    assert (french["Subject"][:8], english["Subject"][:8]) == ("Facture ", "Invoice ")
    assert all(part in text(french) for part in ("Bonjour", "1 234,50 €", "31 octobre 2026"))
    assert all(part in text(english) for part in ("Hello", "€1,234.50", "October 31, 2026"))


# Of what


@pytest.mark.parametrize(
    ("acme", "moment", "change"),
    [
        ("tryton", "read", "paid"),
        ("tryton", "invoices", "cancelled"),
        ("smtp", "invoices", "paid"),
    ],
    indirect=["acme"],
)
def test_paid_or_back_between_choosing_and_sending(acme: Acme, moment: str, change: str) -> None:
    """After the simulation that the run begins with, and again after the reminder's note was written."""
    one, other = acme.owing(2)
    books = acme.books
    acme.before(moment, lambda: books.pay(int(one), on=TODAY) if change == "paid" else books.cancel(int(one)))
    ran = acme("run acme", status=None)
    assert ran.states == {one: "dropped" if moment == "read" else "failed", other: "sent"}
    assert f"changed meanwhile: {acme.number(one)}: {change}" in ran.err
    assert [mail["X-To"] for mail in acme.mails()] == [acme.email(other)]
    assert not any("done" in note for note in acme.notes(one))
    assert acme("run acme", date="2026-11-22").states == {}


def test_paid_in_part_between_choosing_and_sending(acme: Acme) -> None:
    """No mail asks for the old amount."""
    (one,) = acme.owing()
    acme.before("read", lambda: acme.books.pay(int(one), 60, on=TODAY))
    acme("run acme")
    (mail,) = acme.mails()
    assert "40,00" in text(mail)


def test_credit_note_only(acme: Acme) -> None:
    """It is nothing to remind of, and another client gets his."""
    (other,) = acme.owing()
    acme.bills(acme.client(), -100)
    ran = acme("run acme")
    assert (ran.reasons, ran.states) == ({other: "due"}, {other: "sent"})
    assert [mail["X-To"] for mail in acme.mails()] == [acme.email(other)]


def test_credit_above_the_debt(acme: Acme) -> None:
    party = acme.client()
    owed, _ = acme.bills(party, 50, -100)
    ran = acme("run acme")
    assert (ran.reasons, acme.mails()) == ({owed: "covered_by_credit"}, [])


def test_unallocated_payment(acme: Acme) -> None:
    """It covers the debt of a client; one that is less than the debt stops no reminder, and leaves no body empty."""
    covered, part = acme.owing(2)
    acme.books.receive(acme.parties[covered], 100, on=DUE)
    acme.books.receive(acme.parties[part], 40, on=DUE)
    ran = acme("run acme")
    assert ran.reasons == {covered: "covered_by_credit", part: "due"}
    (mail,) = acme.mails()
    assert (mail["X-To"], "100,00" in text(mail)) == (acme.email(part), True)


def test_first_instalment_overdue(acme: Acme) -> None:
    """It is asked for, and it alone, long before the last is due."""
    (one,) = acme.bills(acme.client(), {DUE: "33.33", LATER: "66.67"})
    ran = acme("run acme")
    assert ran.states == {one: "sent"}
    assert ran.json["totals"]["residual"] == {"EUR": "33.33"}
    assert "33,33" in text(acme.mails()[0])


def test_two_instalments_due(acme: Acme) -> None:
    """One cycle, one message, both amounts, and not a second message by the next run."""
    acme.bills(acme.client(), {DUE: "33.33", date(2026, 11, 15): "33.33", LATER: "33.34"})
    for day in (DAY, DAY, "2026-11-22"):
        acme("run acme", date=day)
    (mail,) = acme.mails()
    assert "66,66" in text(mail)


def test_an_empty_body(acme: Acme) -> None:
    """Every mail says who owes what in both its texts: with credits, instalments, copies of Tryton's own page."""
    instalments = acme.bills(acme.client(), {DUE: 70, LATER: 30})
    credited = acme.owing()
    acme.books.receive(acme.parties[credited[0]], 30, on=DUE)
    acme.programs(FIRST)
    assert acme("run acme").states == {instalments[0]: "sent", credited[0]: "sent"}
    for mail in acme.mails():
        for kind in ("plain", "html"):
            body = mail.get_body((kind,)).get_content()
            assert "Bonjour" in body
            assert mail["Subject"].split()[1] in body


# All of it


def test_everything_in_one_transaction(acme: Acme) -> None:
    """A host that goes away in the middle takes nothing back: what left is recorded, the next run sends the rest."""
    made = acme.owing(3)
    real = Wire.ask

    def ask(wire: Wire, *told: Any) -> Any:
        if len(acme.letters.got) == 2:
            raise requests.ConnectionError(ConnectionRefusedError(111, "Connection refused"))
        return real(wire, *told)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Wire, "ask", ask)
        assert acme("run acme", status=None).states == {made[0]: "sent", made[1]: "sent", made[2]: "failed"}
    assert acme("run acme").states == {made[2]: "sent"}
    assert sorted(mail["X-To"] for mail in acme.mails()) == sorted(map(acme.email, made))
