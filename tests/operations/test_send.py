"""Reminders by hand over a host in memory: what is refused, what counts, and that nothing goes twice."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from company import PROGRAMS, Company, Said

from relance_addon.core.errors import InputError, Unreachable
from relance_addon.core.model import Address, Contact, Instalment
from relance_addon.core.records import Happened, Hold
from relance_addon.hosts.fake import ALL, FakeHost, client, invoice
from relance_addon.hosts.port import Document
from relance_addon.operations.by_hand import Request
from relance_addon.operations.desk import open_desk
from relance_addon.operations.run import run
from relance_addon.operations.send import prepare
from relance_addon.operations.send import send as send_ready

PDF = Document("FA.pdf", "application/pdf", b"%PDF-1.4 of the host")
FREE = "send acme --invoice FA-0017 --subject 'Votre compte' --body-file mot.txt --yes"


@pytest.fixture
def owing(fake: Company) -> Company:
    """FA-0017 and FA-0018 of client 1, three weeks late; FA-0020 of client 2. Automatic reminders are off."""
    fake.host.put(invoice("17"), invoice("18", residual="20.00"), client("1"), invoice("20", client="2"), client("2"))
    fake("deactivate acme")
    fake("sync acme")
    fake.write("mot.txt", "Bonjour #CLIENT#,\n\n#SOLDE# restent dus pour #REF#.\n")
    return fake


def refused(company: Company, command: str, date: str = "2026-11-21") -> list[str]:
    """What a refusal says, nothing having been claimed or sent."""
    before, log = len(company.host.posted), company("log acme").items
    said = company(command, status=2, date=date)
    assert said.out == ""
    assert len(company.host.posted) == before
    assert company("log acme").items == log
    return [line.removeprefix("relance: ") for line in said.lines]


def step_of(company: Company, day: str, number: str = "17") -> tuple[Any, ...]:
    """The next step of an invoice and its date, as simulated on a day."""
    decisions = company("simulate acme", date=day).json["decisions"]
    (one,) = (decision for decision in decisions if decision["invoice"] == number)
    return one["step"], one["date"], one["reason"]


# A step by hand


def test_a_step_is_sent_at_once_though_automatic_reminders_are_off_and_the_program_goes_on_from_it(
    owing: Company,
) -> None:
    (sent,) = owing("send acme --invoice FA-0017 --step Relance --yes").items
    assert (sent["state"], sent["step"], sent["step_name"], sent["invoices"]) == ("sent", 2, "Relance", ["17"])
    assert owing.subjects() == ["Relance FA-0017"]
    (entry,) = owing("log acme").items
    assert (entry["origin"], entry["program"], entry["step"], entry["last_event"]) == ("manual", "standard", 2, "sent")
    assert (entry["key"], entry["message_key"]) != (None, None)
    assert entry["message_key"] == sent["key"]
    owing("activate acme")
    assert owing("run acme").reasons["17"] == "not_due_yet"
    assert step_of(owing, "2026-11-30") == (3, "2026-12-01", "not_due_yet")
    owing("run acme", date="2026-12-01")
    assert [subject for subject in owing.subjects() if "FA-0017" in subject] == [
        "Relance FA-0017",
        "Dernier rappel FA-0017",
    ]


def test_a_step_by_number_is_the_step_by_name_and_leaves_once_in_a_cycle(owing: Company) -> None:
    owing("send acme --invoice FA-0017 --step 2 --yes")
    said = refused(owing, "send acme --invoice FA-0017 --step Relance --yes")
    assert said == ["FA-0017: step 2 'Relance' left on 2026-11-21 already; a step leaves once in a cycle"]
    assert refused(owing, "send acme --invoice FA-0017 --step 2 --to x@y.example --yes", "2027-01-05") == said


def test_a_step_that_the_run_has_sent_is_not_sent_again_by_hand_nor_the_other_way_around(owing: Company) -> None:
    owing("activate acme")
    owing("run acme")
    assert "left on 2026-11-21 already" in refused(owing, "send acme --invoice FA-0017 --step 1 --yes")[0]
    owing("send acme --invoice FA-0017 --step 2 --yes")
    owing("run acme", date="2026-12-15")
    assert [one for one in owing.subjects() if one.startswith("Relance") and "17" in one] == ["Relance FA-0017"]


def test_a_step_that_was_passed_over_may_still_be_sent_by_hand(owing: Company) -> None:
    owing("send acme --invoice FA-0017 --step 3 --yes")
    owing("send acme --invoice FA-0017 --step 1 --yes", date="2026-11-22")
    assert step_of(owing, "2026-11-23") == (None, None, "completed")


def test_a_step_that_failed_by_itself_is_taken_over_under_the_same_key(owing: Company) -> None:
    owing("activate acme")
    owing.host.put(invoice("18", status="paid"), invoice("20", client="2", status="paid"))
    owing.host.answer("17", "failed", "452 later")
    (failed,) = owing("run acme", status=1).json["messages"]
    (sent,) = owing("send acme --invoice FA-0017 --step 1 --yes").items
    assert (sent["key"], sent["state"]) == (failed["key"], "sent")
    assert [one["origin"] for one in owing("log acme").items] == ["manual"]


def test_a_step_by_hand_that_fails_counts_for_nothing_and_is_said(owing: Company) -> None:
    owing.host.answer("17", "failed", "550 no such user")
    said = owing("send acme --invoice FA-0017 --step 2 --yes", status=1)
    assert (said.items[0]["state"], said.items[0]["error"]) == ("failed", "550 no such user")
    assert said.lines == [f"relance: FA-0017: failed: 550 no such user ({said.items[0]['key']})"]
    assert step_of(owing, "2026-11-21") == (1, "2026-11-03", "due")


def test_a_step_of_invoices_that_follow_different_versions_is_refused(owing: Company) -> None:
    owing.programs(PROGRAMS.replace("default = true", "default = true\npin = true"))
    owing("simulate acme")
    owing.programs(PROGRAMS)
    owing.host.put(invoice("19"))
    assert refused(owing, "send acme --invoice FA-0017 --invoice FA-0019 --step 1 --yes") == [
        "a message is about the invoices of one program, send these apart: FA-0017 (standard 2), FA-0019 (standard 3)"
    ]


def test_a_step_by_hand_pins_the_version_that_an_invoice_first_meets(owing: Company) -> None:
    owing.programs(PROGRAMS.replace("default = true", "default = true\npin = true"))
    owing("send acme --invoice FA-0017 --step 1 --yes")
    owing.programs(PROGRAMS.replace('name = "Relance"', 'name = "Autre"'))
    decisions = owing("simulate acme").json["decisions"]
    assert {one["invoice"]: one["version"] for one in decisions} == {"17": 2, "18": 3, "20": 3}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("Relanse", "program standard has no step 'Relanse'; did you mean 'Relance'?"),
        ("4", "program standard has no step '4'; it has 1 'Rappel', 2 'Relance', 3 'Dernier rappel'"),
        ("0", "program standard has no step '0'; it has 1 'Rappel', 2 'Relance', 3 'Dernier rappel'"),
    ],
)
def test_a_step_that_is_not_there_is_refused(owing: Company, step: str, said: str) -> None:
    assert refused(owing, f"send acme --invoice FA-0017 --step {step} --yes") == [said]


def test_an_invoice_without_a_program_has_no_step_but_may_be_written_about(owing: Company) -> None:
    owing.host.put(invoice("17", program="none"))
    assert refused(owing, "send acme --invoice FA-0017 --step 1 --yes") == ["FA-0017: no program; leave out --step"]
    owing(FREE)
    assert owing.subjects() == ["Votre compte"]


def test_the_current_instalment_s_step_is_the_one_counted(owing: Company) -> None:
    halves = [Instalment(date(2026, 10, day), Decimal(50), Decimal(50)) for day in (1, 20)]
    owing.host.put(invoice("17", instalments=tuple(halves)))
    owing("send acme --invoice FA-0017 --step 3 --yes")
    owing("send acme --invoice FA-0017 --step 3 --yes", date="2026-11-22")
    assert "step 3 'Dernier rappel' left on" in refused(owing, "send acme --invoice FA-0017 --step 3 --yes")[0]
    assert len({message.key for message in owing.host.posted}) == 2


def test_an_activity_is_made_by_hand_too(owing: Company) -> None:
    owing.programs(
        PROGRAMS.replace('name = "Relance"\n', 'name = "Relance"\nchannel = "activity"\nsender = "manager"\n')
    )
    owing.host.put(client("1", email=""))
    (sent,) = owing("send acme --invoice FA-0017 --step 2 --yes").items
    assert (sent["state"], sent["channel"], sent["to"]) == ("sent", "activity", [])
    assert owing.host.posted[0].channel == "activity"


# A message that is no step


def test_free_text_is_no_step_and_delays_the_next_one_by_after_manual(owing: Company) -> None:
    (sent,) = owing(FREE).items
    assert (sent["step"], sent["step_name"], sent["subject"]) == (None, None, "Votre compte")
    (message,) = owing.host.posted
    assert message.text.startswith("Bonjour Client 1,\n\n100,00")
    (entry,) = owing("log acme").items
    assert (entry["origin"], entry["program"], entry["step"], entry["step_name"]) == ("manual", None, None, None)
    assert step_of(owing, "2026-11-27") == (1, "2026-11-28", "not_due_yet")
    assert step_of(owing, "2026-11-28") == (1, "2026-11-28", "due")
    (row,) = [one for one in owing("invoices acme").items if one["invoice"] == "17"]
    assert (row["last_reminder"], row["last_step"]) == ("2026-11-21", None)
    lines = owing("explain acme FA-0017", form="json").items[0]["lines"]
    assert "Message écrit à la main envoyé le 21 novembre 2026." in lines


def test_the_same_message_to_the_same_people_leaves_once_a_day(owing: Company) -> None:
    owing(FREE)
    (said,) = refused(owing, FREE)
    assert said == "FA-0017: this very message left today already; change its text or its recipients"
    owing(f"{FREE} --cc manager")
    owing(FREE, date="2026-11-22")
    assert len(owing.host.posted) == 3


def test_what_is_not_said_is_the_default_template(owing: Company) -> None:
    (sent,) = owing("send acme --invoice FA-0017 --yes").items
    assert "FA-0017" in sent["subject"]
    assert sent["step"] is None
    (other,) = owing("send acme --invoice FA-0018 --template second --subject 'Objet #REF#' --yes").items
    assert other["subject"] == "Objet FA-0018"
    assert owing.host.posted[0].text != owing.host.posted[1].text


def test_a_template_is_in_the_client_s_language(owing: Company) -> None:
    owing.host.put(client("1", language="en"))
    owing("send acme --invoice FA-0017 --template first --yes")
    assert "invoice" in owing.host.posted[0].text.lower()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--subject 'Objet #REFF#'", "--subject: unknown macro #REFF#; did you mean #REF#?"),
        ("--subject '{{ clint.name }}'", "--subject: unknown name 'clint'; did you mean 'client'?"),
        ("--subject ''", "--subject: must not be empty"),
        ("--template sekond", "--template: unknown template 'sekond'; did you mean 'second'?"),
        ("--template first --body-file mot.txt", "--template: has both template and body; keep one"),
        ("--step 1 --subject x", "--step has its own text; leave out --template, --subject and --body-file"),
        ("--to dupont", "--to: 'dupont' is neither a role nor an address"),
        ("--cc 'a@b@c'", "--cc: 'a@b@c' is neither a role nor an address"),
        ("--sender billing", "--sender: 'billing' is a role of the client, it cannot send"),
        ("--attach pdf", "--attach: 'pdf' is not 'invoice' or 'schedule' (with '?' for: only if it can be had)"),
        ("--body-file wrong.txt", "--body-file: line 2: unknown macro #TRUC#"),
        ("--body-file none.txt", "--body-file: none.txt: cannot be read: No such file or directory"),
        ("--override-hold ' '", "--override-hold: say why it leaves all the same"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_itself_is_one_line_before_the_host_is_asked(owing: Company, options: str, said: str) -> None:
    owing.write("wrong.txt", "Bonjour\n#TRUC#\n")
    owing.host.asked.clear()
    lines = refused(owing, f"send acme --invoice FA-0017 {options} --yes")
    assert len(lines) == 1
    assert lines[0].startswith(said)
    assert owing.host.asked == []


# Whose invoices, and which


def test_several_invoices_of_a_client_go_in_one_message_with_pdfs_schedules_and_links(owing: Company) -> None:
    owing.host.documents.update({"17": PDF, "18": PDF})
    owing.host.put(invoice("17", payment_link="https://pay.example/17"))
    sent = owing(
        "send acme --invoice FA-0018 --invoice id:17 --invoice FA-0017 --template default --attach invoice "
        "--attach schedule --payment-link --to billing --to salesperson --cc manager --bcc me@acme.example "
        "--sender manager --yes"
    ).items[0]
    assert (sent["invoices"], sent["numbers"], sent["client"]) == (["17", "18"], ["FA-0017", "FA-0018"], "1")
    assert sent["attachments"][:2] == ["FA-0017.pdf", "FA-0018.pdf"]
    assert len(sent["attachments"]) == 4
    assert sent["to"] == ["Client 1 <client1@client.example>", "Comptabilité <compta@acme.example>"]
    assert (sent["cc"], sent["bcc"]) == (["Anne Roux <anne@acme.example>"], ["me@acme.example"])
    (message,) = owing.host.posted
    assert "https://pay.example/17" in message.text
    assert message.sender == Address("Anne Roux", "anne@acme.example")
    assert len(owing("log acme").items) == 2
    assert {step_of(owing, "2026-11-22", key)[1] for key in ("17", "18")} == {"2026-11-28"}


def test_a_client_s_overdue_open_invoices_all_together(owing: Company) -> None:
    owing.host.put(
        invoice("19", status="disputed"), invoice("21", due=date(2026, 12, 1)), invoice("22", status="paid"),
        invoice("23", due=date(2026, 11, 20)), invoice("24", due=date(2026, 11, 21)),
    )  # fmt: skip
    (sent,) = owing("send acme --client 1 --yes").items
    assert sent["invoices"] == ["17", "18", "23"]
    owing.host.settle("20")
    assert refused(owing, "send acme --client 2 --yes") == ["client 2 has no overdue invoice on acme"]


def test_invoices_of_two_clients_are_refused(owing: Company) -> None:
    assert refused(owing, "send acme --invoice FA-0017 --invoice FA-0020 --yes") == [
        "a message is about the invoices of one client, send these apart: FA-0017 (1), FA-0020 (2)"
    ]


def test_people_of_several_invoices_are_added_up_each_once(owing: Company) -> None:
    anne, bob = Contact("Anne", "anne@x.example", ("billing",)), Contact("Bob", "bob@x.example", ("billing",))
    owing.host.put(
        invoice("17", contacts=(anne,), due=date(2026, 10, 30), salesperson=Address("", "s17@acme.example")),
        invoice("18", contacts=(bob, anne), due=date(2026, 10, 1), salesperson=Address("", "s18@acme.example")),
    )
    (sent,) = owing(
        "send acme --invoice FA-0017 --invoice FA-0018 --sender salesperson --cc billing --cc c@x.example --yes"
    ).items
    assert (sent["sender"], sent["to"]) == ("s18@acme.example", ["Anne <anne@x.example>", "Bob <bob@x.example>"])
    assert sent["cc"] == ["c@x.example"]


def test_what_was_changed_in_the_plan_of_an_invoice_holds_by_hand_unless_said_otherwise(owing: Company) -> None:
    from relance_addon.journal.models import Plan

    for key in ("17", "18"):
        change = {"Relance": {"to": ["plan@x.example"], "cc": ["copy@x.example"]}}
        Plan.objects.create(host="acme", invoice=key, changes=change)
    (sent,) = owing("send acme --invoice FA-0017 --step 2 --yes").items
    assert (sent["to"], sent["cc"]) == (["plan@x.example"], ["copy@x.example"])
    (sent,) = owing("send acme --invoice FA-0018 --step 2 --to typed@x.example --yes").items
    assert (sent["to"], sent["cc"]) == (["typed@x.example"], ["copy@x.example"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "draft"}, "draft on acme; only an open invoice is"),
        ({"status": "paid"}, "paid on acme; only an open invoice is"),
        ({"status": "open", "residual": Decimal(0)}, "paid on acme; only an open invoice is"),
        ({"status": "open", "residual": Decimal(-5)}, "paid on acme; only an open invoice is"),
        ({"status": "cancelled"}, "cancelled on acme; only an open invoice is"),
        ({"status": "disputed"}, "disputed on acme; only an open invoice is"),
        ({"status": "written_off"}, "written off on acme; only an open invoice is"),
        ({"invalid": "residual: 'x' is no amount"}, "unusable data (residual: 'x' is no amount)"),
        (
            {"held_until": date(2026, 11, 21)},
            "invoice on hold (on the host); --override-hold REASON reminds it all the same",
        ),
    ],
)
@pytest.mark.parametrize("what", ["--step 1", "--template first"])
def test_what_is_not_open_is_refused_as_the_host_has_it_now(
    owing: Company, change: dict[str, Any], said: str, what: str
) -> None:
    owing.host.put(replace(owing.host.invoices["17"], **change))
    command = f"send acme --invoice FA-0017 --invoice FA-0018 {what} --yes"
    assert refused(owing, command) == [f"FA-0017 is not reminded: {said}"]


def test_each_invoice_that_is_refused_has_its_line(owing: Company) -> None:
    owing.host.settle("17")
    owing("hold acme --invoice FA-0018 --kind promise --until 2026-11-30 --reason 'pays in November'")
    assert refused(owing, "send acme --invoice FA-0017 --invoice FA-0018 --yes") == [
        "FA-0017 is not reminded: paid on acme; only an open invoice is",
        "FA-0018 is not reminded: invoice on hold (promise: pays in November); "
        "--override-hold REASON reminds it all the same",
    ]


def test_an_invoice_that_is_gone_is_refused(owing: Company) -> None:
    owing.host.remove("17")
    assert refused(owing, "send acme --invoice FA-0017 --yes") == ["id:17 is gone from acme"]


@pytest.mark.parametrize("where", ["--client 1", "--invoice FA-0017"])
def test_a_hold_is_overridden_with_a_reason_that_the_log_keeps(owing: Company, where: str) -> None:
    owing(f"hold acme {where} --reason 'plan agreed'")
    (said,) = refused(owing, "send acme --invoice FA-0017 --step 1 --yes")
    assert "on hold (pause: plan agreed)" in said
    owing("send acme --invoice FA-0017 --step 1 --override-hold 'he asked for it' --yes")
    (entry,) = owing("log acme").items
    assert entry["override_reason"] == "he asked for it"
    assert owing("simulate acme").reasons["17"].endswith("_held")


def test_a_reason_without_a_hold_is_not_kept(owing: Company) -> None:
    owing("send acme --invoice FA-0017 --override-hold 'just in case' --yes")
    assert "override_reason" not in owing("log acme").items[0]


def test_a_hold_of_the_host_s_client_is_overridden_too(owing: Company) -> None:
    owing.host.put(client("1", held_until=date.max))
    assert "client on hold (on the host)" in refused(owing, "send acme --invoice FA-0017 --yes")[0]
    assert owing("send acme --invoice FA-0017 --override-hold why --yes").items[0]["state"] == "sent"


def test_what_is_in_doubt_is_refused_whatever_is_overridden(owing: Company) -> None:
    owing.host.capabilities = replace(owing.host.capabilities, proves_absence=False)
    owing.host.fail("post", Unreachable("timed out"))
    said = owing("send acme --invoice FA-0017 --step 1 --yes", status=1)
    assert said.items[0]["state"] == "in_doubt"
    for options in ("--step 2", "--template first", "--override-hold why"):
        assert refused(owing, f"send acme --invoice FA-0017 {options} --yes") == [
            "FA-0017 is not reminded: last message in doubt; settle it with 'relance doubt acme'"
        ]
    assert [one["key"] for one in owing("doubt acme").items] == [said.items[0]["key"]]
    assert owing("simulate acme", status=1).reasons["17"] == "in_doubt"


def test_a_client_without_an_address_is_refused_unless_somebody_is_named(owing: Company) -> None:
    owing.host.put(client("1", email=""))
    assert refused(owing, "send acme --invoice FA-0017 --cc me@acme.example --yes") == [
        "FA-0017: nobody to write to (the client has no usable address); name somebody with --to"
    ]
    assert owing("send acme --invoice FA-0017 --to me@acme.example --yes").items[0]["state"] == "sent"


def test_an_address_that_bounced_is_left_out_unless_it_is_typed(owing: Company) -> None:
    from relance_addon.journal import log

    (first,) = owing("send acme --invoice FA-0017 --cc other@x.example --yes").items
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    bounce = Happened(first["message_id"], "bounced", at, "client1@client.example", "550 5.1.1 unknown")
    log.record("acme", [bounce])
    assert refused(owing, "send acme --invoice FA-0018 --yes") == [
        "FA-0018: nobody to write to (client1@client.example bounced for good); name somebody with --to"
    ]
    said = owing("send acme --invoice FA-0018 --to billing --to new@x.example --yes")
    assert said.items[0]["to"] == ["new@x.example"]
    assert said.lines == ["relance: client1@client.example bounced for good: left out"]
    said = owing("send acme --invoice FA-0018 --to Client1@client.example --yes")
    assert said.items[0]["to"] == ["Client1@client.example"]
    assert said.lines == [
        "relance: client1@client.example bounced for good: written to all the same, because it was named",
        "relance: FA-0018: a reminder of it left today already",
    ]


def test_a_pdf_that_cannot_be_had_is_refused_before_anything_is_claimed(owing: Company) -> None:
    (said,) = refused(owing, "send acme --invoice FA-0017 --step 1 --attach invoice --yes")
    assert said == 'FA-0017: the PDF of FA-0017 cannot be had; write "invoice?" to go without'
    assert owing("send acme --invoice FA-0017 --step 1 --attach 'invoice?' --yes").items[0]["attachments"] == []


def test_redirect_to_holds_by_hand(owing: Company) -> None:
    owing.configure(("[mail]", '[mail]\nredirect_to = "me@acme.example"'))
    (sent,) = owing("send acme --invoice FA-0017 --yes").items
    assert (sent["to"], sent["redirected_to"]) == (["Client 1 <client1@client.example>"], "me@acme.example")
    assert owing.host.posted[0].recipients[0] == (Address("", "me@acme.example"),)


def test_a_day_before_the_last_run_is_refused(owing: Company) -> None:
    owing("activate acme")
    owing("run acme")
    assert refused(owing, FREE, "2026-11-20")[0].startswith("2026-11-20 is before the last run of acme")


def test_a_host_out_of_reach_is_status_3_and_nothing_is_claimed(owing: Company) -> None:
    owing.host.break_down(Unreachable("no answer"))
    assert owing("send acme --invoice FA-0017 --yes", status=3).err == "relance: no answer\n"
    assert owing("log acme").items == []


def test_another_run_in_progress_is_status_4(owing: Company) -> None:
    from relance_addon.journal import database

    with database.run_lock("acme"):
        said = owing("send acme --invoice FA-0017 --step 1 --yes", status=4)
    assert said.err == "relance: another run of acme is in progress\n"
    assert owing.host.posted == []


# What is shown is what leaves


def plain(mime: bytes) -> bytes:
    """A message without its date."""
    return re.sub(rb"\r\nDate: [^\r]*", b"", mime)


@pytest.mark.parametrize(
    "what",
    ["--step 2 --attach invoice --cc manager", "--subject 'Solde #REF#' --body-file mot.txt --attach schedule"],
)
def test_the_preview_is_the_message_that_leaves_but_for_its_date(owing: Company, what: str) -> None:
    owing.host.documents["17"] = PDF
    command = f"send acme --invoice FA-0017 {what}"
    (shown,) = owing(f"{command} --preview mot.eml").items
    assert (shown["state"], shown["key"], shown["message_id"]) == ("preview", None, None)
    assert (owing.host.posted, owing("log acme").items) == ([], [])
    owing(f"{command} --yes")
    (left,) = owing.host.posted
    assert plain(owing.path("mot.eml").read_bytes()) == plain(left.mime)
    assert {key: shown[key] for key in ("subject", "attachments")} == {
        "subject": left.subject,
        "attachments": [one.name for one in left.attachments],
    }


def test_a_preview_in_html_shows_from_whom_and_to_whom(owing: Company) -> None:
    owing(f"{FREE.removesuffix('--yes')} --bcc me@acme.example --preview mot.html")
    page = owing.path("mot.html").read_text("utf-8")
    for text in ("compta@acme.example", "client1@client.example", "me@acme.example", "Votre compte", "restent dus"):
        assert text in page
    assert owing.host.posted == []


class Paid:
    """A person who looks at a message while something happens on the host."""

    def __init__(self, company: Company, request: Request) -> None:
        self.desk = open_desk(company.path("relance.toml"), date(2026, 11, 21))
        self.ready = prepare(self.desk, "acme", request)

    def send(self) -> None:
        send_ready(self.desk, "acme", self.ready)


def hold_it(_: Company) -> None:
    from relance_addon.journal import holds

    holds.put("acme", Hold("1", "", "pause", None, "he called", datetime(2026, 11, 21, tzinfo=UTC)))


def remind_it(company: Company) -> None:
    desk = open_desk(company.path("relance.toml"), date(2026, 11, 21))
    send_ready(desk, "acme", prepare(desk, "acme", Request(invoices=("FA-0017",), template="second")))


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (lambda c: c.host.settle("17"), "FA-0017 is not reminded: paid"),
        (lambda c: c.host.put(invoice("17", residual="40.00")), "FA-0017: changed on acme since the message was made"),
        (lambda c: c.host.put(client("1", email="new@x.example")), "FA-0017: changed on acme since"),
        (hold_it, "FA-0017 is not reminded: client on hold (pause: he called)"),
        (remind_it, "FA-0017: changed on acme since the message was made; nothing left"),
    ],
)
def test_whatever_changes_while_a_person_looks_at_it_is_refused(
    owing: Company, happens: Callable[[Company], None], said: str
) -> None:
    looking = Paid(owing, Request(invoices=("FA-0017",), step="1"))
    happens(owing)
    left = len(owing.host.posted)
    with pytest.raises(InputError, match=re.escape(said)):
        looking.send()
    assert len(owing.host.posted) == left
    assert all(one["step"] is None for one in owing("log acme").items)


@pytest.mark.parametrize(
    ("before", "meanwhile", "said"),
    [
        ([], ["--kind dispute --reason contested"], "invoice on hold (dispute: contested)"),
        (["--reason 'plan agreed'"], ["--kind dispute --reason contested"], "invoice on hold (dispute: contested)"),
        (["--reason 'plan agreed'"], ["--lift"], "none any more"),
    ],
)
def test_a_reason_overrides_the_holds_that_were_there_when_it_was_given_and_no_others(
    owing: Company, before: list[str], meanwhile: list[str], said: str
) -> None:
    for options in before:
        owing(f"hold acme --invoice FA-0017 {options}")
    looking = Paid(owing, Request(invoices=("FA-0017",), step="1", override="he asked for it"))
    for options in meanwhile:
        owing(f"hold acme --invoice FA-0017 {options}")
    with pytest.raises(InputError, match=re.escape(f"FA-0017: its holds have changed since ({said}); nothing left")):
        looking.send()
    assert (owing.host.posted, owing("log acme").items) == ([], [])


def test_what_was_shown_leaves_byte_for_byte(owing: Company) -> None:
    looking = Paid(owing, Request(invoices=("FA-0017",), template="first"))
    owing.host.put(client("2", email="elsewhere@x.example"))
    looking.send()
    assert owing.host.posted == [looking.ready.outgoing]
    key = looking.ready.outgoing.key
    owing.capture.readouterr()
    from relance_addon.journal import claims

    assert claims.mime("acme", key) == looking.ready.outgoing.mime


def test_a_step_made_ready_twice_leaves_once(owing: Company) -> None:
    first, second = (Paid(owing, Request(invoices=("FA-0017",), step="1")) for _ in range(2))
    first.send()
    with pytest.raises(InputError, match="left on 2026-11-21 already"):
        second.send()
    assert len(owing.host.posted) == 1


def test_a_claim_that_somebody_else_has_is_lost(owing: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from relance_addon.journal import claims

    looking = Paid(owing, Request(invoices=("FA-0017",), step="1"))
    monkeypatch.setattr(claims, "claim", lambda host, number, messages: {one.key for one in messages})
    with pytest.raises(InputError, match="FA-0017: claimed by somebody else meanwhile"):
        looking.send()
    assert owing.host.posted == []


# Killed, and settled


@pytest.mark.parametrize("what", ["--step 1", "--template first"])
def test_killed_between_claim_and_post_is_in_doubt_and_nothing_goes_twice(owing: Company, what: str) -> None:
    owing.host.capabilities = replace(owing.host.capabilities, proves_absence=False)

    def killed(_: FakeHost) -> None:
        raise SystemExit

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FakeHost, "post", lambda host, messages: killed(host))
        looking = Paid(owing, Request(invoices=("FA-0017",), **{what.split()[0].removeprefix("--"): what.split()[1]}))
        patched.setattr("relance_addon.operations.post.post", lambda connector, messages: killed(connector))
        with pytest.raises(SystemExit):
            looking.send()
    (listed,) = owing("doubt acme").items
    assert listed["numbers"] == ["FA-0017"]
    assert "last message in doubt" in refused(owing, f"send acme --invoice FA-0017 {what} --yes")[0]
    assert owing("simulate acme", status=1).reasons["17"] == "in_doubt"
    owing(f"doubt acme --resend {listed['key']}")
    assert [one.key for one in owing.host.posted] == [listed["key"]]


def test_killed_where_the_host_proves_that_nothing_left_the_run_takes_the_step_up(owing: Company) -> None:
    looking = Paid(owing, Request(invoices=("FA-0017",), step="1"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("relance_addon.operations.post.post", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            looking.send()
    owing.host.settle("18", "20")
    owing("activate acme")
    assert owing("run acme").states == {"17": "sent"}
    assert [one["key"] for one in owing("log acme").items] == [looking.ready.outgoing.claims[0].key]


def test_an_answer_lost_after_sending_is_found_by_its_mark(owing: Company) -> None:
    owing.host.fail("post", Unreachable("timed out"), after=ALL)
    assert owing("send acme --invoice FA-0017 --step 1 --yes").items[0]["state"] == "sent"
    assert len(owing.host.posted) == 1


def test_a_run_between_two_sends_by_hand_keeps_its_days(owing: Company) -> None:
    owing("send acme --invoice FA-0017 --step 1 --yes")
    owing("activate acme")
    day = date(2026, 11, 21)
    for _ in range(25):
        desk = open_desk(owing.path("relance.toml"), day)
        run(desk, "acme")
        day += timedelta(days=1)
    mine = [one["date"] for one in owing("log acme --invoice FA-0017").items]
    assert sorted(mine) == ["2026-11-21", "2026-12-01", "2026-12-11"]


def said_on_asking(company: Company, answer: str, monkeypatch: pytest.MonkeyPatch, status: int) -> Said:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    return company("send acme --invoice FA-0017 --step 1", status=status)


def test_the_message_is_shown_and_asked_for(owing: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    said = said_on_asking(owing, "n\n", monkeypatch, 0)
    for text in (
        "From: Comptabilité <compta@acme.example>", "To: Client 1 <client1@client.example>", "Subject: Rappel FA-0017",
        "Counts as: step 1 'Rappel' of standard", "Bonjour Client 1, 100,00", "Send this about FA-0017? [y/N]",
        "nothing was sent",
    ):  # fmt: skip
        assert text in said.err
    assert (said.out, owing.host.posted) == ("", [])
    said_on_asking(owing, "y\n", monkeypatch, 0)
    assert owing.subjects() == ["Rappel FA-0017"]


def test_a_date_ahead_of_the_clock_is_said_and_asked_about(owing: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime(2026, 11, 21, 13, 30, tzinfo=UTC)

    monkeypatch.setattr("relance_addon.operations.desk.datetime", Clock)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    command, ahead = "send acme --invoice FA-0017 --step 1", "dated 2027-11-21, which is 365 days ahead"
    said = owing(command, date="2027-11-21")
    assert f"relance: {ahead}" in said.lines
    assert f"Send this about FA-0017, {ahead}? [y/N]" in said.err
    assert owing.host.posted == []
    assert "ahead" not in owing(f"{command} --preview mot.eml", date="2027-11-21").err
    assert "ahead" not in owing(f"{command} --yes", date="2026-11-21").err
    assert owing("send acme --invoice FA-0018 --step 1 --yes", date="2026-11-22").lines == [
        "relance: dated 2026-11-22, which is 1 day ahead"
    ]


def test_nobody_to_answer_is_status_2(owing: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    said = said_on_asking(owing, "", monkeypatch, 2)
    assert said.lines[-1].startswith("relance: Invalid value: not confirmed; --yes answers for you")
    assert owing.host.posted == []
