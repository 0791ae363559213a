"""Runs over a host in memory: what is read again, claimed, posted and recorded, whatever goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest
from company import PROGRAMS, Company, Said

from relance_addon.core.errors import InputError, Refused, Unreachable
from relance_addon.core.model import Address
from relance_addon.hosts.fake import ALL, FakeHost, client, invoice
from relance_addon.hosts.port import Page, Pull


def ids(*numbers: int) -> list[str]:
    return [str(number) for number in numbers]


def owing(fake: Company, *numbers: int, **keys: Any) -> None:
    """Invoices that are due, each of a client of its own with the same id."""
    for number in ids(*numbers):
        fake.host.put(invoice(number, client=number, **keys), client(number))


def test_a_run_sends_what_is_due_and_records_it(fake: Company) -> None:
    owing(fake, 17)
    ran = fake("run acme")
    assert ran.states == {"17": "sent"}
    assert fake.subjects() == ["Rappel FA-0017"]
    (entry,) = fake("log acme").items
    assert (entry["last_event"], entry["step"], entry["date"]) == ("sent", 1, "2026-11-21")
    assert entry["message_key"] == ran.json["messages"][0]["key"]


def test_run_twice_is_run_once(fake: Company) -> None:
    """Run twice the same day: Dolibarr's job sends again, Tryton and OCA's credit control the next level."""
    owing(fake, 17, 18)
    fake("run acme")
    again = fake("run acme")
    assert (again.json["messages"], again.reasons) == ([], {"17": "not_due_yet", "18": "not_due_yet"})
    assert len(fake.host.posted) == 2


def test_steps_follow_each_other_until_all_are_sent(fake: Company) -> None:
    owing(fake, 17)
    days = ["2026-11-02", "2026-11-03", "2026-11-12", "2026-11-13", "2026-11-23", "2026-12-23"]
    for day in days:
        ran = fake("run acme", date=day)
    assert fake.subjects() == ["Rappel FA-0017", "Relance FA-0017", "Dernier rappel FA-0017"]
    (decision,) = ran.json["decisions"]
    assert (decision["reason"], decision["program"], decision["step"], decision["date"]) == (
        "completed",
        None,
        None,
        None,
    )


def test_a_missed_week_is_caught_up_one_step_at_a_time_and_delays_what_follows(fake: Company) -> None:
    owing(fake, 17)
    fake("run acme", date="2026-12-20")
    (decision,) = fake("run acme", date="2026-12-21").json["decisions"]
    assert (decision["step_name"], decision["date"]) == ("Relance", "2026-12-30")


def test_a_host_that_is_off_sends_nothing_and_that_is_no_failure(fake: Company) -> None:
    owing(fake, 17)
    fake("deactivate acme")
    ran = fake("run acme", status=0)
    assert (ran.reasons, ran.json["messages"], ran.json["activated"]) == ({"17": "inactive"}, [], False)
    assert ran.json["decisions"][0]["decision"] == "skip"
    assert fake("simulate acme").reasons == {"17": "due"}
    assert fake.host.posted == []


def test_activating_twice_says_so(fake: Company) -> None:
    assert fake("activate acme").out == "acme: automatic reminders are already on\n"
    assert fake("deactivate acme").out == "acme: automatic reminders are now off\n"
    assert fake("activate acme").out == "acme: automatic reminders are now on\n"


# Changed between the pull and the reading again


def test_an_invoice_paid_meanwhile_is_not_reminded_and_its_message_is_dropped(fake: Company) -> None:
    """Paid, or back to draft, between choosing and sending: both OCA modules write with the old amount."""
    owing(fake, 17, 18)
    fake.host.before("read", lambda host: host.settle("17"))
    ran = fake("run acme", status=0)
    assert ran.states == {"17": "dropped", "18": "sent"}
    dropped, _ = ran.json["messages"]
    assert (dropped["key"], dropped["error"]) == (None, "FA-0017: paid")
    assert ran.reasons == {"17": "paid", "18": "due"}
    paid, _ = ran.json["decisions"]
    assert (paid["decision"], paid["message"]) == ("skip", None)
    totals = ran.json["totals"]
    assert (totals["send"], totals["skip"], totals["residual"]) == (1, 1, {"EUR": "100.00"})
    assert ran.lines == ["relance: changed meanwhile: FA-0017: paid"]
    assert fake.subjects() == ["Rappel FA-0018"]
    assert [one["number"] for one in fake("log acme").items] == ["FA-0018"]


def test_a_message_goes_without_the_invoice_that_was_paid_meanwhile(fake: Company) -> None:
    fake.host.put(invoice("17"), invoice("18", residual="20.00"), client("1"))
    fake.host.before("read", lambda host: host.settle("17"))
    ran = fake("run acme")
    (message,) = ran.json["messages"]
    assert (message["invoices"], message["state"]) == (["18"], "sent")
    assert fake.subjects() == ["Rappel FA-0018"]
    assert "20,00" in fake.host.posted[0].text
    assert ran.reasons == {"17": "paid", "18": "due"}


def test_an_amount_paid_in_part_meanwhile_is_the_one_asked_for(fake: Company) -> None:
    owing(fake, 17)

    def pay(host: FakeHost) -> None:
        host.put(replace(host.invoices["17"], residual=Decimal("40.00")))

    fake.host.before("read", pay)
    ran = fake("run acme")
    assert ran.states == {"17": "sent"}
    assert "40,00" in fake.host.posted[0].text
    assert ran.json["decisions"][0]["residual"] == "40.00"
    assert ran.json["totals"]["residual"] == {"EUR": "40.00"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "disputed"}, "disputed"),
        ({"status": "written_off"}, "written_off"),
        ({"status": "draft"}, "draft"),
        ({"program": "none"}, "no_program"),
        ({"invalid": "residual: 'x' is no amount"}, "invalid"),
    ],
)
def test_whatever_changed_meanwhile_is_decided_again(fake: Company, change: dict[str, Any], reason: str) -> None:
    """Paid, or back to draft, between choosing and sending: both OCA modules write with the old amount."""
    owing(fake, 17)
    fake.host.before("read", lambda host: host.put(replace(host.invoices["17"], **change)))
    ran = fake("run acme", status=None)
    assert (ran.states, ran.reasons) == ({"17": "dropped"}, {"17": reason})
    assert fake.host.posted == []


def test_an_invoice_that_is_gone_meanwhile_is_dropped(fake: Company) -> None:
    owing(fake, 17)
    fake.host.before("read", lambda host: host.remove("17"))
    ran = fake("run acme")
    assert ran.states == {"17": "dropped"}
    assert fake.host.posted == []


def test_a_client_that_lost_its_address_meanwhile_is_not_written_to(fake: Company) -> None:
    owing(fake, 17)
    fake.host.before("read", lambda host: host.put(client("17", email="")))
    ran = fake("run acme")
    assert (ran.states, ran.reasons) == ({"17": "dropped"}, {"17": "no_recipient"})


def test_a_credit_that_came_meanwhile_covers(fake: Company) -> None:
    owing(fake, 17)
    fake.host.before("read", lambda host: host.put(client("17", credits={"EUR": Decimal(100)})))
    assert fake("run acme").reasons == {"17": "covered_by_credit"}
    assert fake.host.posted == []


def test_a_new_address_is_the_one_written_to(fake: Company) -> None:
    owing(fake, 17)
    fake.host.before("read", lambda host: host.put(client("17", email="new@client.example")))
    ran = fake("run acme")
    assert ran.json["messages"][0]["to"] == ["Client 17 <new@client.example>"]
    assert [str(one) for one in fake.host.posted[0].to] == ["Client 17 <new@client.example>"]


def test_an_invoice_that_goes_to_someone_else_meanwhile_gets_a_message_of_its_own(fake: Company) -> None:
    fake.programs(PROGRAMS.replace("trigger = { after_due = 3 }", 'trigger = { after_due = 3 }\nto = ["salesperson"]'))
    fake.host.put(invoice("17"), invoice("18"), client("1"))
    anne = Address("Anne", "anne@acme.example")
    fake.host.before("read", lambda host: host.put(replace(host.invoices["18"], salesperson=anne)))
    ran = fake("run acme")
    assert ran.states == {"17": "sent", "18": "sent"}
    assert [(one["message"], one["invoices"], one["to"]) for one in ran.json["messages"]] == [
        (1, ["17"], ["Comptabilité <compta@acme.example>"]),
        (2, ["18"], ["Anne <anne@acme.example>"]),
    ]
    assert [one["message"] for one in ran.json["decisions"]] == [1, 2]
    assert fake("run acme").states == {}


def test_invoices_are_read_again_for_twenty_messages_at_most(fake: Company) -> None:
    owing(fake, *range(1, 46))
    fake("run acme")
    assert [len(read) for (read, _) in fake.host.calls("read")] == [20, 20, 5]
    assert [len(posted) for (posted,) in fake.host.calls("post")] == [20, 20, 5]


def test_a_client_with_more_invoices_than_a_batch_gets_one_message(fake: Company) -> None:
    fake.host.put(*(invoice(number) for number in ids(*range(1, 131))), client("1"))
    assert fake("run acme").json["totals"]["messages"] == 1
    assert [len(read) for (read, _) in fake.host.calls("read")] == [100, 30]


# What fails


def test_the_others_go_when_one_fails(fake: Company) -> None:
    """Everything in one transaction: with both OCA modules one failure takes all others back."""
    owing(fake, 17, 18, 19)
    fake.host.answer("18", "failed", "550 no such user")
    ran = fake("run acme", status=1)
    assert ran.states == {"17": "sent", "18": "failed", "19": "sent"}
    key = ran.json["messages"][1]["key"]
    assert ran.json["messages"][1]["error"] == "550 no such user"
    assert ran.lines == [f"relance: FA-0018: failed: 550 no such user ({key})"]


def test_a_failed_message_is_tried_again_by_the_next_run_under_the_same_key(fake: Company) -> None:
    owing(fake, 17)
    fake.host.answer("17", "failed", "452 later")
    first = fake("run acme", status=1).json["messages"][0]
    second = fake("run acme", status=0).json["messages"][0]
    assert (first["state"], second["state"]) == ("failed", "sent")
    assert first["key"] == second["key"]
    assert [one["last_event"] for one in fake("log acme").items] == ["sent"]


def test_three_failures_leave_the_step_to_a_person(fake: Company) -> None:
    owing(fake, 17)
    for _ in range(3):
        fake.host.answer("17", "failed", "550 no such user")
        assert fake("run acme", status=1).states == {"17": "failed"}
    ran = fake("run acme", status=1)
    assert (ran.reasons, ran.json["messages"]) == ({"17": "failed"}, [])
    assert ran.lines == ["relance: FA-0017: three attempts at step 1 failed; it is left to a person"]
    assert len(fake.host.calls("post")) == 3


def test_a_failed_message_is_repeated_whole_and_apart_from_what_is_new(fake: Company) -> None:
    fake.host.put(invoice("17"), invoice("18"), client("1"))
    fake.host.answer("17", "failed", "452 later")
    fake("run acme", status=1)
    fake.host.put(invoice("19"))
    ran = fake("run acme")
    assert ran.states == {"17 18": "sent", "19": "sent"}


def test_a_step_that_failed_counts_for_nothing(fake: Company) -> None:
    owing(fake, 17)
    fake.host.answer("17", "failed", "452 later")
    fake("run acme", status=1, date="2026-11-03")
    fake("run acme", date="2026-11-21")
    assert fake.subjects() == ["Rappel FA-0017"]
    assert fake("simulate acme").json["decisions"][0]["date"] == "2026-12-01"


def test_what_was_queued_is_told_apart_from_what_was_sent(fake: Company) -> None:
    owing(fake, 17)
    fake.host.answer("17", "queued")
    assert fake("run acme").states == {"17": "queued"}
    assert [one["last_event"] for one in fake("log acme --event queued").items] == ["queued"]
    assert fake("run acme").json["messages"] == []


def test_an_attachment_that_cannot_be_had_fails_its_message_alone(fake: Company) -> None:
    fake.programs(PROGRAMS.replace('subject = "Rappel #REF#"', 'subject = "Rappel #REF#"\nattach = ["invoice"]'))
    owing(fake, 17, 18)
    from relance_addon.hosts.port import Document

    fake.host.documents["18"] = Document("FA-0018.pdf", "application/pdf", b"%PDF-1.4")
    ran = fake("run acme", status=1)
    assert ran.states == {"17": "failed", "18": "sent"}
    assert "the PDF of FA-0017 cannot be had" in ran.err
    assert ran.json["messages"][1]["attachments"] == ["FA-0018.pdf"]


def test_the_host_unreachable_from_the_start_is_status_3_and_nothing_is_lost(fake: Company) -> None:
    owing(fake, 17)
    fake.host.break_down(Unreachable("acme.example: no answer within 30 s"))
    for command in ("run acme", "simulate acme", "sync acme", "check acme", "mapping acme", "invoices acme"):
        said = fake(command, status=3)
        assert said.err == "relance: acme.example: no answer within 30 s\n"
    fake.host.mend()
    assert fake("run acme").states == {"17": "sent"}


def test_a_host_that_refuses_us_is_status_3(fake: Company) -> None:
    fake.host.break_down(Refused("acme.example: the password is refused"))
    assert fake("run acme", status=3).err == "relance: acme.example: the password is refused\n"


def test_a_pull_that_breaks_off_loses_nothing_and_sends_nothing(fake: Company) -> None:
    owing(fake, *range(1, 11))
    fake.host.page_size = 3
    fake.host.fail("pull", Unreachable("gone"), after=7)
    fake("run acme", status=3)
    assert fake.host.posted == []
    assert len(fake("run acme").json["messages"]) == 10


def test_the_host_unreachable_in_the_middle_is_status_3_what_was_sent_is_recorded_and_nothing_goes_twice(
    fake: Company,
) -> None:
    """Everything in one transaction: both OCA modules are killed, and nothing is done, for ever."""
    owing(fake, *range(1, 46))
    fake.host.before(
        "post", lambda host: host.before("post", lambda host: host.break_down(Unreachable("gone"), "read"))
    )
    ran = fake("run acme", status=3)
    assert ran.lines[-1] == "relance: gone"
    assert len(fake.host.posted) == 40
    assert len(fake("log acme").items) == 40
    states = [one["state"] for one in ran.json["messages"]]
    assert (states.count("sent"), len(states)) == (40, 45)
    fake.host.mend()
    assert len(fake("run acme").json["messages"]) == 5
    assert sorted(len(message.claims) for message in fake.host.posted) == [1] * 45
    assert len({message.key for message in fake.host.posted}) == 45


def test_an_answer_that_is_lost_after_sending_is_found_by_its_mark(fake: Company) -> None:
    owing(fake, 17, 18)
    fake.host.fail("post", Unreachable("timed out"), after=ALL)
    ran = fake("run acme", status=0)
    assert ran.states == {"17": "sent", "18": "sent"}
    assert fake("doubt acme").items == []


def test_a_fault_of_the_connector_s_own_is_treated_as_an_uncertain_call(fake: Company) -> None:
    owing(fake, 17)
    fake.host.fail("post", KeyError("x"), after=ALL)
    assert fake("run acme").states == {"17": "sent"}


def test_what_is_not_found_after_a_lost_answer_is_in_doubt_and_never_repeated_by_itself(fake: Company) -> None:
    owing(fake, 17)
    fake.host.capabilities = replace(fake.host.capabilities, proves_absence=False)
    fake.host.fail("post", Unreachable("timed out"))
    ran = fake("run acme", status=1)
    assert ran.states == {"17": "in_doubt"}
    (listed,) = fake("doubt acme").items
    assert (listed["numbers"], listed["key"]) == (["FA-0017"], ran.json["messages"][0]["key"])
    for day in ("2026-11-21", "2026-11-22", "2026-12-30"):
        later = fake("run acme", status=1, date=day)
        assert later.reasons == {"17": "in_doubt"}
        assert later.lines == ["relance: FA-0017: in doubt; settle it with 'relance doubt acme'"]
    assert fake.host.posted == []
    assert [one["last_event"] for one in fake("log acme --event in_doubt").items] == ["in_doubt"]


def test_only_the_part_of_a_batch_that_left_is_sent(fake: Company) -> None:
    owing(fake, 17, 18, 19)
    fake.host.fail("post", Unreachable("timed out"), after=2)
    ran = fake("run acme", status=1)
    assert ran.states == {"17": "sent", "18": "sent", "19": "in_doubt"}


def test_a_message_that_the_host_says_nothing_of_is_in_doubt(fake: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    owing(fake, 17, 18)
    monkeypatch.setattr(fake.host, "post", lambda messages: FakeHost.post(fake.host, messages)[:1])
    assert fake("run acme", status=1).states == {"17": "sent", "18": "in_doubt"}


def test_marks_are_looked_for_again_by_the_next_run(fake: Company) -> None:
    owing(fake, 17)
    fake.host.fail("post", Unreachable("timed out"), after=ALL)
    fake.host.break_down(Unreachable("timed out"), "find")
    assert fake("run acme", status=1).states == {"17": "in_doubt"}
    fake.host.mend()
    assert fake("run acme", status=0).reasons == {"17": "not_due_yet"}
    assert len(fake.host.posted) == 1


# Limits


def test_a_limit_of_messages_is_per_run_the_oldest_first(fake: Company) -> None:
    from datetime import date

    fake.configure(more="\n[limits]\nper_run = 2\n")
    for number, due in (("1", 31), ("2", 10), ("3", 5), ("4", 10), ("5", 20)):
        fake.host.put(invoice(number, client=number, due=date(2026, 10, due)), client(number))
    first = fake("run acme")
    assert first.reasons == {"1": "limit_reached", "2": "due", "3": "due", "4": "limit_reached", "5": "limit_reached"}
    assert list(fake("run acme").states) == ["4", "5"]
    assert list(fake("run acme").states) == ["1"]
    assert fake("run acme").states == {}


def test_failed_messages_count_for_the_limit(fake: Company) -> None:
    fake.configure(more="\n[limits]\nper_run = 1\n")
    owing(fake, 17, 18)
    fake.host.answer("17", "failed", "452 later")
    assert fake("run acme", status=1).states == {"17": "failed"}
    assert fake.host.posted == []


def test_a_limit_of_none_at_all_sends_nothing(fake: Company) -> None:
    fake.configure(more="\n[limits]\nper_run = 0\n")
    owing(fake, 17)
    ran = fake("run acme")
    assert (ran.reasons, ran.json["totals"]["wait"]) == ({"17": "limit_reached"}, 1)


# Days


def test_a_day_before_the_last_run_is_refused(fake: Company) -> None:
    """A run dated in the future: OCA's credit control blocks every earlier date, without a word."""
    owing(fake, 17)
    fake("run acme", date="2026-11-21")
    for command in ("run acme", "simulate acme", "simulate acme --no-sync", "sync acme", "invoices acme"):
        said = fake(command, status=2, date="2026-11-20")
        assert said.err.startswith("relance: 2026-11-20 is before the last run of acme, which is dated 2026-11-21;")
    assert len(fake.host.posted) == 1


def test_a_simulation_is_no_run_and_blocks_no_earlier_day(fake: Company) -> None:
    """A run dated in the future: OCA's credit control blocks every earlier date."""
    owing(fake, 17)
    fake("simulate acme", date="2027-11-21")
    assert fake("run acme", date="2026-11-21").states == {"17": "sent"}


def test_what_a_run_records_is_dated_by_its_day(fake: Company) -> None:
    owing(fake, 17)
    fake("run acme", date="2026-11-25")
    (entry,) = fake("log acme").items
    assert (entry["date"], entry["sent_at"][:10], entry["last_event_at"][:10]) == ("2026-11-25",) * 3
    assert fake.host.posted[0].mime.count(b"Date: Wed, 25 Nov 2026 ") == 1


@pytest.mark.parametrize(("zone", "day"), [("Pacific/Auckland", "2026-11-22"), ("America/New_York", "2026-11-21")])
def test_today_is_the_company_s(fake: Company, zone: str, day: str) -> None:
    from datetime import UTC, datetime

    from relance_addon.operations.desk import open_desk
    from relance_addon.operations.report import run as document
    from relance_addon.operations.run import run

    fake.configure(("[mail]", f'timezone = "{zone}"\n\n[mail]'))
    owing(fake, 17)
    desk = open_desk(fake.path("relance.toml"), clock=lambda: datetime(2026, 11, 21, 13, 30, tzinfo=UTC))
    assert document(desk, "acme", run(desk, "acme"))["date"] == day
    assert fake("log acme").items[0]["date"] == day


def test_what_else_a_client_owes_does_not_change_the_text_of_a_message(fake: Company) -> None:
    fake.programs(PROGRAMS.replace('name = "standard"', 'name = "standard"\ngroup = "client"'))
    rich = replace(client("1"), credits={"USD": Decimal(100000)})
    fake.host.put(invoice("18", currency="USD"), client("1"))
    fake("run acme", date="2026-11-05")
    fake.host.put(invoice("17"), rich)
    fake.host.before("read", lambda host: host.put(replace(rich, credits={})))
    ran = fake("run acme")
    assert [(one["invoices"], one["step"]) for one in ran.json["messages"]] == [(["17"], 1)]
    assert fake.subjects() == ["Rappel FA-0018", "Rappel FA-0017"]


def test_a_hold_put_during_a_run_stops_what_has_not_left(fake: Company) -> None:
    owing(fake, 17, 18)

    def stop(_: FakeHost) -> None:
        from relance_addon.core.records import Hold
        from relance_addon.journal import holds

        holds.put("acme", Hold("", "17", "dispute", None, "he called", datetime(2026, 11, 21, tzinfo=UTC)))

    fake.host.before("read", stop)
    ran = fake("run acme")
    assert ran.states == {"17": "dropped", "18": "sent"}
    assert ran.reasons == {"17": "invoice_held", "18": "due"}


def test_a_client_s_program_is_not_changed_during_a_run(fake: Company) -> None:
    owing(fake, 17)
    said: list[Said] = []
    fake.host.before("read", lambda _: said.append(fake("client acme 17 --program none", status=4)))
    fake("sync acme")
    fake("run acme")
    assert said[0].err == "relance: another run of acme is in progress\n"
    assert fake.subjects() == ["Rappel FA-0017"]
    fake("client acme 17 --program none")
    assert fake("run acme", date="2026-12-31").reasons == {"17": "no_program"}


def test_switching_off_during_a_run_stops_what_has_not_left(fake: Company) -> None:
    owing(fake, 17, 18)

    def off(_: FakeHost) -> None:
        from relance_addon.journal import hosts

        hosts.activate("acme", on=False)

    fake.host.before("read", off)
    ran = fake("run acme")
    assert ran.states == {"17": "dropped", "18": "dropped"}
    assert ran.reasons == {"17": "inactive", "18": "inactive"}
    assert not fake.host.posted


def test_input_that_becomes_unusable_during_a_run_is_status_1_and_what_left_is_recorded(fake: Company) -> None:
    owing(fake, *range(1, 46))
    reads = []

    def broken(_: FakeHost) -> None:
        reads.append(1)
        if len(reads) == 2:
            raise InputError("data/invoices.csv: no column residual")

    fake.host.before("read", broken, always=True)
    ran = fake("run acme", status=1)
    assert list(ran.states.values()).count("sent") == 20
    assert "relance: data/invoices.csv: no column residual" in ran.lines
    assert len(fake("log acme").items) == 20


def test_an_invoice_that_the_host_gives_twice_is_reminded_once_as_it_was_said_last(fake: Company) -> None:
    owing(fake, 17, 18)
    pages = FakeHost.pull

    def twice(host: FakeHost, cursor: str, today: date) -> Pull:
        given = pages(host, cursor, today)
        again = [invoice("17", client="17"), invoice("18", client="18", status="paid")]
        return Pull(chain(given.pages, [Page(again)]), True)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FakeHost, "pull", twice)
        ran = fake("run acme")
    assert ran.reasons == {"17": "due"}
    assert len(fake.host.posted) == 1
