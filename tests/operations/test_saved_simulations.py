"""A simulation that was saved and approved: a run of it sends that and nothing else, once, and says what it drops."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from company import PROGRAMS, Company
from hypothesis import given
from hypothesis import strategies as st
from test_run_properties import START, few, hosts, plain, texts
from test_run_properties import scene as scene

from relance_addon.core.amounts import amount
from relance_addon.core.errors import HostError, InputError, Unreachable
from relance_addon.core.model import Client, Invoice
from relance_addon.hosts.fake import ALL, FakeHost, client, invoice
from relance_addon.operations import report, simulate
from relance_addon.operations.run import run

NEXT = "2026-11-22"


def saved(company: Company, **keys: Any) -> int:
    """The number of a simulation saved today."""
    return int(company("simulate acme --save", **keys).json["id"])


def put(company: Company, *records: Invoice | Client) -> None:
    company.host.put(*records)


def two(fake: Company) -> int:
    """A saved simulation of two messages."""
    put(fake, invoice("17"), client("1"), invoice("18", client="2", residual="20.00"), client("2"))
    return saved(fake)


def test_a_simulation_has_no_id_unless_it_is_saved(fake: Company) -> None:
    put(fake, invoice("17"), client("1"))
    assert fake("simulate acme").json["id"] is None
    first, second = saved(fake), saved(fake)
    assert 0 < first < second
    said = fake("simulate acme --save", form="table")
    assert (
        said.out.splitlines()[-1]
        == f"saved as simulation {second + 1}: relance run acme --simulation {second + 1} sends it"
    )


def test_a_run_of_it_sends_what_it_has(fake: Company) -> None:
    number = two(fake)
    simulated = fake("simulate acme").json
    ran = fake(f"run acme --simulation {number}")
    assert ran.states == {"17": "sent", "18": "sent"}
    assert ran.json["simulation"] == number
    assert {**plain(ran.json), "simulation": None} == {**plain(simulated), "simulation": None}
    assert (fake.subjects(), ran.err) == (["Rappel FA-0017", "Rappel FA-0018"], "")


def test_what_came_to_be_due_since_waits_and_says_why(fake: Company) -> None:
    number = two(fake)
    put(fake, invoice("19", client="1", due=date(2026, 10, 1)), invoice("20", client="3"), client("3"))
    ran = fake(f"run acme --simulation {number}")
    assert ran.states == {"17": "sent", "18": "sent"}
    assert ran.reasons == {"17": "due", "19": "limit_reached", "18": "due", "20": "limit_reached"}
    totals = ran.json["totals"]
    assert (totals["send"], totals["wait"], totals["messages"]) == (2, 2, 2)
    assert fake("run acme").states == {"19": "sent", "20": "sent"}


def test_the_table_says_of_the_others_that_they_are_not_in_it(fake: Company) -> None:
    number = two(fake)
    put(fake, invoice("19", client="1"))
    said = fake(f"run acme --simulation {number}", form="table")
    assert f"limit_reached (not in simulation {number})" in said.out


def paid(host: FakeHost) -> None:
    host.settle("17")


def paid_in_part(host: FakeHost) -> None:
    host.put(replace(host.invoices["17"], residual=Decimal("80.00")))


def corrected(host: FakeHost) -> None:
    host.put(replace(host.invoices["17"], residual=Decimal("100.0")))


def other_currency(host: FakeHost) -> None:
    host.put(replace(host.invoices["17"], currency="USD"))


def removed(host: FakeHost) -> None:
    host.remove("17")


def disputed(host: FakeHost) -> None:
    host.put(replace(host.invoices["17"], status="disputed"))


def other_address(host: FakeHost) -> None:
    host.put(replace(host.clients["1"], email="new@client.example"))


def no_address(host: FakeHost) -> None:
    host.put(replace(host.clients["1"], email=""))


def other_language(host: FakeHost) -> None:
    host.put(replace(host.clients["1"], language="en"))


def no_program(host: FakeHost) -> None:
    host.put(replace(host.clients["1"], program="none"))


def credited(host: FakeHost) -> None:
    host.put(replace(host.clients["1"], credits={"EUR": Decimal(100)}))


def held(host: FakeHost) -> None:
    host.put(replace(host.invoices["17"], held_until=date.max))


def due_later(host: FakeHost) -> None:
    host.put(replace(host.invoices["17"], due_date=date(2026, 12, 31)))


def due_earlier(host: FakeHost) -> None:
    host.put(replace(host.invoices["17"], due_date=date(2026, 10, 30)))


def renumbered(host: FakeHost) -> None:
    host.put(replace(host.invoices["17"], number="AV-9"))


CHANGES = [
    (paid, "paid", "paid"),
    (paid_in_part, "residual changed from 100.00 EUR to 80.00 EUR", "limit_reached"),
    (other_currency, "residual changed from 100.00 EUR to 100.00 USD", "limit_reached"),
    (removed, "cancelled", "cancelled"),
    (disputed, "disputed", "disputed"),
    (other_address, "to changed from Client 1 <client1@client.example> to Client 1 <new@client.example>",
     "limit_reached"),
    (no_address, "no_recipient", "no_recipient"),
    (other_language, "language changed from fr to en", "limit_reached"),
    (no_program, "no_program", "no_program"),
    (credited, "covered_by_credit", "covered_by_credit"),
    (held, "invoice_held", "invoice_held"),
    (due_later, "not_due_yet", "not_due_yet"),
    (due_earlier, "due date changed from 2026-10-31 to 2026-10-30", "limit_reached"),
    (renumbered, "number changed from FA-0017 to AV-9", "limit_reached"),
]  # fmt: skip


@pytest.mark.parametrize("when", ["before the run", "between pull and post"])
@pytest.mark.parametrize(("change", "why", "reason"), CHANGES, ids=[one[0].__name__ for one in CHANGES])
def test_what_changed_on_the_host_is_dropped_and_said(
    fake: Company, change: Callable[[FakeHost], None], why: str, reason: str, when: str
) -> None:
    number = two(fake)
    if when == "before the run":
        change(fake.host)
        since = f"since simulation {number}"
    else:
        fake.host.before("read", change)
        since = "meanwhile"
    ran = fake(f"run acme --simulation {number}", status=0)
    assert ran.states == {"17": "dropped", "18": "sent"}
    dropped, _ = ran.json["messages"]
    assert (dropped["message"], dropped["key"], dropped["error"]) == (1, None, f"FA-0017: {why}")
    assert ran.reasons == {"17": reason, "18": "due"}
    assert ran.json["totals"]["send"] == 1
    assert ran.lines == [f"relance: changed {since}: FA-0017: {why}"]
    assert fake.subjects() == ["Rappel FA-0018"]


def test_an_amount_written_with_other_digits_is_the_same_amount(fake: Company) -> None:
    number = two(fake)
    corrected(fake.host)
    assert fake(f"run acme --simulation {number}").states == {"17": "sent", "18": "sent"}


def test_a_message_goes_without_the_invoice_that_changed(fake: Company) -> None:
    put(fake, invoice("17"), invoice("18", residual="20.00"), client("1"))
    number = saved(fake)
    paid_in_part(fake.host)
    ran = fake(f"run acme --simulation {number}")
    assert ran.states == {"18": "sent", "17": "dropped"}
    assert [one["message"] for one in ran.json["messages"]] == [1, 2]
    assert fake.subjects() == ["Rappel FA-0018"]
    assert "20,00" in fake.host.posted[0].text


def test_a_hold_put_since_keeps_its_reminder(fake: Company) -> None:
    number = two(fake)
    fake("hold acme --client 1 --reason 'plan agreed'")
    assert fake(f"run acme --simulation {number}").reasons == {"17": "client_held", "18": "due"}


def test_another_version_of_the_program_was_not_approved(fake: Company) -> None:
    number = two(fake)
    fake.programs(PROGRAMS.replace("Bonjour #CLIENT#", "Bien le bonjour #CLIENT#"))
    ran = fake(f"run acme --simulation {number}")
    assert set(ran.states.values()) == {"dropped"}
    assert "program changed from standard version 1 to standard version 2" in ran.err
    assert fake.host.posted == []


def test_a_text_of_another_step_was_not_approved(fake: Company) -> None:
    fake.programs(PROGRAMS.replace("default = true", 'default = true\ngroup = "client"'))
    put(fake, invoice("17", due=date(2026, 10, 1)), client("1"))
    fake("run acme", date="2026-11-01")
    put(fake, invoice("18"))
    simulated = fake("simulate acme --save").json
    assert [(one["step"], one["invoices"]) for one in simulated["messages"]] == [(2, ["17", "18"])]
    fake.host.settle("17")
    ran = fake(f"run acme --simulation {simulated['id']}")
    assert ran.states == {"17 18": "dropped"}
    assert "FA-0018: text changed from step 2 to step 1" in ran.err
    assert len(fake.host.posted) == 1


def test_a_step_that_left_since_does_not_leave_again(fake: Company) -> None:
    number = two(fake)
    fake("run acme")
    ran = fake(f"run acme --simulation {number}", date=NEXT)
    assert set(ran.states.values()) == {"dropped"}
    assert ran.json["messages"][0]["error"] == "FA-0017: sent already, on 2026-11-21"
    assert len(fake.host.posted) == 2


# Its texts

TEMPLATED = """
[[programs]]
name = "standard"
default = true
[[programs.steps]]
name = "Rappel"
trigger = { after_due = 3 }
template = "poli"
attach = ["schedule"]

[[programs]]
name = "plain"
[[programs.steps]]
name = "Rappel"
trigger = { after_due = 3 }
subject = "Rappel #REF#"
body = "#SOLDE#."
"""


def templated(fake: Company) -> int:
    """A saved simulation of 17 by a template that includes a part, and of 18 by a text of the program."""
    fake.configure(("[relance]", '[relance]\ntemplates = "mine"'))
    fake.write("mine/fr/poli.txt", "Subject: Poli #REF#\n\nBonjour. {% include 'pied.txt' %}\n")
    fake.write("mine/fr/pied.txt", "Subject: Pied\n{% include '_fin.txt' %}\n")
    fake.write("mine/fr/_fin.txt", "Cordialement\n")
    fake.write("mine/fr/autre.txt", "Subject: Autre\n\nAutre chose.\n")
    fake.programs(TEMPLATED)
    put(fake, invoice("17"), client("1"), invoice("18", client="2"), client("2", program="plain"))
    return saved(fake)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("poli.txt", "Subject: MENACE #REF#\n\nBonjour. {% include 'pied.txt' %}\n"),
        ("poli.txt", "Subject: Poli #REF#\n\nPayez. {% include 'pied.txt' %}\n"),
        ("poli.html", "Subject: Poli #REF#\n<p>Bonjour.</p>\n"),
        ("poli.txt", "no subject"),
        ("pied.txt", "Subject: Pied\nPayez\n"),
        ("_fin.txt", "Payez\n"),
        ("_schedule.html", "Subject: Menaces\n<p>Payez</p>\n"),
    ],
)
def test_a_text_that_was_rewritten_was_not_approved(fake: Company, file: str, text: str) -> None:
    number = templated(fake)
    fake.write(f"mine/fr/{file}", text)
    ran = fake(f"run acme --simulation {number}")
    assert (ran.states, ran.reasons) == ({"17": "dropped", "18": "sent"}, {"17": "limit_reached", "18": "due"})
    assert f"relance: changed since simulation {number}: FA-0017: its text was changed" in ran.lines
    assert fake.subjects() == ["Rappel FA-0018"]


def test_a_layout_that_was_rewritten_was_not_approved_for_any_message(fake: Company) -> None:
    number = templated(fake)
    fake.write("mine/_layout.html", "<p>Payez</p>{{ content }}\n")
    assert fake(f"run acme --simulation {number}").states == {"17": "dropped", "18": "dropped"}


def test_a_text_that_no_message_has_may_be_rewritten(fake: Company) -> None:
    number = templated(fake)
    fake.write("mine/fr/autre.txt", "Subject: Autre\n\nTout autre chose.\n")
    assert fake(f"run acme --simulation {number}").states == {"17": "sent", "18": "sent"}


def test_one_that_was_saved_without_fingerprints_of_its_texts_is_run(fake: Company) -> None:
    from relance_addon.journal import models

    number = templated(fake)
    row = models.Simulation.objects.get(pk=number)
    row.content = json.dumps([{k: v for k, v in one.items() if k != "text"} for one in json.loads(row.content)])
    row.save()
    assert fake(f"run acme --simulation {number}").states == {"17": "sent", "18": "sent"}


# Which may be run


def test_it_is_run_once(fake: Company) -> None:
    number = two(fake)
    ran = fake(f"run acme --simulation {number}").json
    again = fake(f"run acme --simulation {number}", status=2, date=NEXT)
    assert again.err.startswith(f"relance: --simulation {number}: was run already, on 2026-11-21 at ")
    assert again.err.endswith(f", by run {ran['id']}\n")
    assert len(fake.host.posted) == 2


def test_one_of_yesterday_may_be_run_and_one_of_the_day_before_may_not(fake: Company) -> None:
    number = two(fake)
    late = fake(f"run acme --simulation {number}", status=2, date="2026-11-23")
    assert late.err == (
        f"relance: --simulation {number}: is 2 days old, of 2026-11-21, and limits.simulation_days is 1; "
        "'relance simulate acme --save' makes another one\n"
    )
    assert (fake.host.posted, fake("log acme").items) == ([], [])
    assert fake(f"run acme --simulation {number}", date=NEXT).states == {"17": "sent", "18": "sent"}


@pytest.mark.parametrize(("days", "date", "status"), [(0, "2026-11-21", 0), (0, NEXT, 2), (3, "2026-11-24", 0)])
def test_how_old_it_may_be_is_configured(fake: Company, days: int, date: str, status: int) -> None:
    fake.configure(more=f"\n[limits]\nsimulation_days = {days}\n")
    fake(f"run acme --simulation {two(fake)}", date=date, status=status)


@pytest.mark.parametrize("value", ["-1", "1.5", "true", '"2"'])
def test_an_age_that_is_none_is_refused(fake: Company, value: str) -> None:
    fake.configure(more=f"\n[limits]\nsimulation_days = {value}\n")
    assert "limits.simulation_days: " in fake("simulate acme", status=2).err


def test_one_of_a_later_day_is_refused(fake: Company) -> None:
    put(fake, invoice("17"), client("1"))
    number = saved(fake, date="2026-12-01")
    said = fake(f"run acme --simulation {number}", status=2)
    assert said.err == f"relance: --simulation {number}: is dated 2026-12-01, which is after 2026-11-21\n"


def test_one_that_is_not_there_is_refused(fake: Company) -> None:
    said = fake("run acme --simulation 99", status=2)
    assert said.err == (
        "relance: --simulation 99: there is none of that number; 'relance simulate acme --save' makes another one\n"
    )
    assert fake("run acme --simulation many", status=2).err.count("\n") == 1


def test_one_of_another_host_is_refused(fake: Company) -> None:
    number = two(fake)
    fake.configure(more='\n[hosts.other]\nconnector = "fake"\n')
    said = fake(f"run other --simulation {number}", status=2)
    assert said.err == f"relance: --simulation {number}: is one of acme, not of other\n"
    assert fake.host.posted == []


def test_nothing_leaves_before_the_switch_is_on_and_it_can_be_run_then(fake: Company) -> None:
    number = two(fake)
    fake("deactivate acme")
    ran = fake(f"run acme --simulation {number}", status=0)
    assert (ran.reasons, ran.json["messages"]) == ({"17": "inactive", "18": "inactive"}, [])
    assert ran.lines == [f"relance: automatic reminders are off: simulation {number} can still be run once they are on"]
    fake("activate acme")
    assert fake(f"run acme --simulation {number}").states == {"17": "sent", "18": "sent"}


def test_switched_off_while_it_is_run_the_rest_can_be_run_then(fake: Company) -> None:
    from relance_addon.journal import hosts as switch

    number = two(fake)
    fake.host.before("read", lambda _: switch.activate("acme", False))
    ran = fake(f"run acme --simulation {number}")
    assert (set(ran.states.values()), fake.host.posted) == ({"dropped"}, [])
    assert ran.lines[-1] == (
        f"relance: automatic reminders are off: simulation {number} can still be run once they are on"
    )
    fake("activate acme")
    assert fake(f"run acme --simulation {number}").states == {"17": "sent", "18": "sent"}


# Killed, and run again


@pytest.mark.parametrize("after", [0, 1, ALL])
def test_killed_and_run_again_it_sends_the_rest_and_nothing_twice(fake: Company, after: int) -> None:
    for number in range(1, 31):
        put(fake, invoice(str(number), client=str(number)), client(str(number)))
    number = saved(fake)
    put(fake, invoice("99"))
    fake.host.fail("post", KeyboardInterrupt(), after=after)
    fake(f"run acme --simulation {number}", status=130)
    fake(f"run acme --simulation {number}", status=None)
    left = Counter(one for message in fake.host.posted for one in message.invoices)
    assert set(left.values()) <= {1}
    assert "99" not in left
    assert set(left) >= {str(one) for one in range(21, 31)}
    assert fake(f"run acme --simulation {number}", status=2).err.count("was run already") == 1


def test_one_that_broke_off_can_be_run_again(fake: Company) -> None:
    for number in range(1, 31):
        put(fake, invoice(str(number), client=str(number)), client(str(number)))
    number = saved(fake)
    fake.host.before("post", lambda host: host.fail("read", Unreachable("gone")))
    fake(f"run acme --simulation {number}", status=3)
    assert len(fake.host.posted) == 20
    ran = fake(f"run acme --simulation {number}")
    assert Counter(ran.states.values()) == {"dropped": 20, "sent": 10}
    assert len({message.key for message in fake.host.posted}) == len(fake.host.posted) == 30


# Whatever the host has


@few
@given(records=hosts, text=texts, limit=st.sampled_from(["", "\n[limits]\nper_run = 2\n"]))
def test_a_saved_simulation_on_which_nothing_changed_is_the_run(
    scene: Any, records: Any, text: str, limit: str
) -> None:
    with scene(records, text, limit) as made:
        for day in range(0, 40, 9):
            today = START + timedelta(days=day)
            desk = made.desk(today)
            simulated = report.simulation(desk, "acme", simulate.simulate(desk, "acme", save=True))
            desk = made.desk(today)
            ran = report.run(desk, "acme", run(desk, "acme", simulation=simulated["id"]))
            assert ran.pop("simulation") == simulated["id"]
            assert plain(ran) == plain(simulated)


changes = st.lists(
    st.tuples(
        st.sampled_from(["17", *map(str, range(1, 10))]),
        st.sampled_from(["settle", "remove", "half", "hold", "add", "address", "language"]),
    ),
    max_size=5,
)


def change(host: FakeHost, key: str, what: str) -> None:
    if what == "add":
        host.put(invoice(f"9{key}", client="1"))
    elif key in host.invoices:
        one = host.invoices[key]
        match what:
            case "settle":
                host.settle(key)
            case "remove":
                host.remove(key)
            case "half":
                host.put(replace(one, residual=one.residual / 2))
            case "hold":
                host.put(replace(one, held_until=date.max))
            case "address":
                host.put(replace(host.clients[one.client], email="other@x.example"))
            case "language":
                host.put(replace(host.clients[one.client], language="en"))


@few
@given(
    records=hosts, text=texts, before=changes, meanwhile=changes,
    kills=st.lists(st.sampled_from([0, 1, ALL]), max_size=2), later=st.integers(0, 1),
)  # fmt: skip
def test_a_run_of_it_sends_what_was_approved_less_what_changed_and_nothing_twice(
    scene: Any, records: Any, text: str, before: Any, meanwhile: Any, kills: Any, later: int
) -> None:
    with scene(records, text) as made:
        host: FakeHost = made.host
        today = START + timedelta(days=12)
        desk = made.desk(today)
        document = report.simulation(desk, "acme", simulate.simulate(desk, "acme", save=True))
        asked = {one["invoice"]: (one["step"], one["residual"]) for one in document["decisions"] if one["message"]}
        people = {key: (one["sender"], one["to"]) for one in document["messages"] for key in one["invoices"]}
        for key, what in before:
            change(host, key, what)
        host.before("read", lambda host: [change(host, *one) for one in meanwhile])
        for after in kills:
            host.fail("post", KeyboardInterrupt(), after=after)
        for _ in range(len(kills) + 2):
            try:
                desk = made.desk(today + timedelta(days=later))
                run(desk, "acme", simulation=document["id"])
            except (KeyboardInterrupt, HostError):
                host.mend()
            except InputError as error:
                assert "was run already" in str(error)
        left = [claim for message in host.posted for claim in message.claims]
        assert all(count == 1 for count in Counter(claim.key for claim in left).values())
        for one in left:
            assert asked[one.invoice] == (one.step, amount(one.residual, one.currency))
        for message in host.posted:
            for key in message.invoices:
                assert people[key] == (str(message.sender), [str(one) for one in message.to])
        stopped = {key for key, what in before if what in ("settle", "remove", "hold")}
        assert not stopped & {one.invoice for one in left}
