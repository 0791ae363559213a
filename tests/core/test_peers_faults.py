"""Faults of other systems, seen when run (peers.md), that deciding must not have. One test each, named after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core_samples import (
    POLICY,
    applied,
    client,
    contents,
    decision,
    invoice,
    on,
    outcome,
    program,
    reasons,
    reminded,
)

from relance_addon.core.model import Attempt, Contact, History

STANDARD = program("D+3 D+15 P+10")
BOUNCED = frozenset({"client1@x.example"})


def test_run_twice_the_same_day() -> None:
    first = outcome(invoice(), STANDARD, "03-04")
    second = outcome(invoice(), STANDARD, "03-04", history=applied(first, History(), on("03-04")))
    assert (contents(first), contents(second)) == (["17"], [])


def test_level_2_minutes_after_level_1() -> None:
    """A first run months late: level 1 only, and level 2 not before its twelve days."""
    late = on("07-01")
    history = applied(outcome(invoice(), STANDARD, late), History(), late)
    sent = [
        late + timedelta(days=n)
        for n in range(14)
        if contents(outcome(invoice(), STANDARD, late + timedelta(days=n), history=history))
    ]
    assert sent[0] == late + timedelta(days=12)


def test_several_runs_in_one_day() -> None:
    history, sent = History(), []
    for _ in range(4):
        found = outcome(invoice(due="01-01"), STANDARD, "03-04", history=history)
        sent += contents(found)
        history = applied(found, history, on("03-04"))
    assert sent == ["17"]


def test_a_missed_day() -> None:
    assert decision(invoice(), STANDARD, "03-05").reason == "due"


def test_a_missed_month_is_caught_up_one_step_at_a_time() -> None:
    history, days = History(), []
    for number in range(40):
        today = on("05-01") + timedelta(days=number)
        found = outcome(invoice(), STANDARD, today, history=history)
        if found.messages:
            days.append(str(today))
        history = applied(found, history, today)
    assert days == ["2026-05-01", "2026-05-13", "2026-05-23"]


def test_one_client_without_an_address_stops_no_other() -> None:
    made = [invoice("17"), invoice("18", client="2"), invoice("19", client="3")]
    found = outcome(made, STANDARD, "03-04", [client("2", email="")])
    assert contents(found) == ["17", "19"]
    assert reasons(found)["18"] == "no_recipient"


def test_without_an_address_the_level_does_not_climb() -> None:
    nobody = client(email="")
    for day in ("03-04", "03-16", "05-01"):
        found = outcome(invoice(), STANDARD, day, [nobody])
        assert (found.decisions[0].reason, found.decisions[0].step) == ("no_recipient", 1)


def test_one_client_with_bad_data_stops_no_other() -> None:
    made = [invoice("17"), invoice("18", client="2"), invoice("19", client="2", invalid="total: 'x' is no amount")]
    found = outcome(made, STANDARD, "03-04", [client("1", invalid="email: '@' is no mail address")])
    assert reasons(found) == {"17": "invalid", "18": "due", "19": "invalid"}


def test_an_address_refused_is_not_written_to_again() -> None:
    found = outcome(
        invoice(), STANDARD, "03-16", history=History(bounced=BOUNCED, reminders={"17": reminded("a 03-04")})
    )
    assert reasons(found) == {"17": "no_recipient"}


def test_a_failed_sending_is_not_counted_as_reached() -> None:
    history = History(attempts={"17": (Attempt("0.1.0.standard", "a", 1, "m1"),)})
    found = outcome(invoice(), STANDARD, "03-05", history=history)
    assert (found.decisions[0].reason, found.decisions[0].step, found.messages[0].retry) == ("due", 1, "m1")


def test_paid_between_choosing_and_sending() -> None:
    assert decision(invoice(residual=0, total=100), STANDARD, "03-04").reason == "paid"


def test_back_to_draft_between_choosing_and_sending() -> None:
    assert decision(invoice(status="draft"), STANDARD, "03-04").reason == "draft"


def test_credit_note_only() -> None:
    found = outcome(invoice(residual=-100), STANDARD, "03-04")
    assert (contents(found), reasons(found)) == ([], {"17": "paid"})


def test_a_credit_note_among_invoices_is_in_no_message() -> None:
    found = outcome([invoice("17"), invoice("18", residual=-150)], STANDARD, "03-04")
    assert contents(found) == ["17"]
    assert all(total > 0 for message in found.messages for total in message.totals.values())


def test_credit_above_the_debt() -> None:
    found = outcome([invoice("17"), invoice("18")], STANDARD, "03-04", [client(credit={"EUR": 250})])
    assert set(reasons(found).values()) == {"covered_by_credit"}


def test_unallocated_payment() -> None:
    found = outcome(invoice(), STANDARD, "03-04", [client(credit={"EUR": 100})])
    assert reasons(found) == {"17": "covered_by_credit"}


def test_first_instalment_overdue() -> None:
    made = invoice(due="06-01", instalments=[("03-01", 50, 50), ("06-01", 50, 50)])
    found = outcome(made, STANDARD, "03-04")
    assert (contents(found), found.messages[0].totals) == (["17"], {"EUR": 50})


def test_two_instalments_due() -> None:
    """One cycle, one message, both amounts."""
    made = invoice(due="03-05", instalments=[("03-01", 50, 50), ("03-05", 50, 50)])
    history, sent = History(), []
    for day in ("03-08", "03-08", "03-09"):
        found = outcome(made, STANDARD, day, history=history)
        sent += [message.totals["EUR"] for message in found.messages]
        history = applied(found, history, on(day))
    assert sent == [100]


def test_one_mail_per_line_or_invoice() -> None:
    nine = [invoice(str(number)) for number in range(1, 10)]
    assert contents(outcome(nine, STANDARD, "03-04")) == ["1 2 3 4 5 6 7 8 9"]


def test_blocked_is_silent() -> None:
    held = History(client_holds={"1": on("9999-12-31")})
    found = outcome([invoice("17"), invoice("18")], STANDARD, "03-04", history=held)
    assert (found.messages, set(reasons(found).values())) == ([], {"client_held"})


def test_language_of_the_client() -> None:
    assert outcome(invoice(), STANDARD, "03-04", [client(language="en_GB")]).messages[0].language == "en"


def test_a_contact_without_an_address_does_not_silence_the_client() -> None:
    found = outcome(invoice(), STANDARD, "03-04", [client(contacts=(Contact("Ann", "", ("billing",)),))])
    assert contents(found) == ["17"]


def test_an_invoice_due_never_stops_no_other() -> None:
    never = invoice("18", due="9999-12-31", issue="9999-12-30")
    longer = program("D+3 D+1m P+10", calendar="FR")
    assert reasons(outcome([invoice("17"), never], longer, "03-04")) == {"17": "due", "18": "not_due_yet"}


def test_all_that_is_overdue_at_once_is_cut_into_runs() -> None:
    many = [invoice(str(number), client=str(number)) for number in range(1, 8)]
    history, sizes = History(), []
    for number in range(4):
        today = on("03-04") + timedelta(days=number)
        found = outcome(many, STANDARD, today, history=history, policy=replace(POLICY, per_run=3))
        sizes.append(len(found.messages))
        history = applied(found, history, today)
    assert sizes == [3, 3, 1, 0]
